// Every stage that this program has, by name. A new stage is a file beside this one and a line here.
import type { Stage } from "../Stage.ts"
import { decontaminate } from "./Decontaminate.ts"
import { exactDuplicates } from "./ExactDuplicates.ts"
import { extractProblems } from "./ExtractProblems.ts"
import { nearDuplicates } from "./NearDuplicates.ts"
import { normalise } from "./Normalise.ts"
import { quality } from "./Quality.ts"
import { split } from "./Split.ts"

export const stages: ReadonlyMap<string, Stage> = new Map(
  [normalise, extractProblems, quality, decontaminate, exactDuplicates, nearDuplicates, split].map((
    stage
  ) => [stage.name, stage])
)
