// Every stage that this program has, by name. A new stage is a file beside this one and a line here.
import type { Stage } from "../Stage.ts"
import { checkAnswers } from "./CheckAnswers.ts"
import { classify } from "./Classify.ts"
import { decontaminate } from "./Decontaminate.ts"
import { difficulty } from "./Difficulty.ts"
import { exactDuplicates } from "./ExactDuplicates.ts"
import { extractProblems } from "./ExtractProblems.ts"
import { fillAnswers } from "./FillAnswers.ts"
import { leaks } from "./Leaks.ts"
import { nearDuplicates } from "./NearDuplicates.ts"
import { normalise } from "./Normalise.ts"
import { quality } from "./Quality.ts"
import { split } from "./Split.ts"

const all: ReadonlyArray<Stage> = [
  normalise,
  extractProblems,
  quality,
  decontaminate,
  leaks,
  checkAnswers,
  fillAnswers,
  classify,
  difficulty,
  exactDuplicates,
  nearDuplicates,
  split
]
export const stages: ReadonlyMap<string, Stage> = new Map(all.map((stage) => [stage.name, stage]))
