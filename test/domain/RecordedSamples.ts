// Real samples of four models at grade-school problems, as classes of equal answers: from the folder of shared data.
import { readFileSync } from "node:fs"
import { extractAnswer } from "../../src/domain/ExtractAnswer.ts"
import { referenceIn } from "../../src/domain/ModelEvaluation/Grading.ts"
import { sameAnswer } from "../../src/domain/Verify.ts"
import { noGroups, placeAnswers } from "../../src/domain/Vote/AnswerGroups.ts"
import type { Sampled } from "./StoppingReplay.ts"

interface Row {
  readonly answer: string
  readonly samples: ReadonlyArray<{ readonly text: string }>
}

export const recordedSamples = (file: string): ReadonlyArray<Sampled> =>
  readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line) => {
    const { answer, samples } = JSON.parse(line) as Row
    // The reference comes first, so that its class is number 0.
    const answers = [referenceIn(answer, {}), ...samples.map(({ text }) => extractAnswer(text, {})?.text ?? null)]
    return placeAnswers(noGroups, answers, sameAnswer).places.slice(1)
  })
