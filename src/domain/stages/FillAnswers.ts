// The stage that gives problems without an answer, or with a marker in its place (NoAnswer.ts), the one that most of their samples say, if enough of them do
// (MajorityFill.ts). A filled answer says so: `answerFrom` is "majority", and `answerVotes` has the counts.
import { Effect, Schema } from "effect"
import { extractAnswer } from "../ExtractAnswer.ts"
import type { Json } from "../Json.ts"
import { majorityFill } from "../MajorityFill.ts"
import { isNoAnswer, isPlaceholder } from "../NoAnswer.ts"
import { kept, type MapStage } from "../Stage.ts"
import type { SameAnswer } from "../Verdict.ts"
import { verify } from "../Verify.ts"
import { type SampleText, sampleTexts } from "./SampleTexts.ts"

export const FillAnswersParams = Schema.Struct({
  minVotes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
    .annotate({ description: "Samples that say the answer at least; 1 to 1,000." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(3))),
  minMargin: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
    .annotate({ description: "Votes that it leads by at least; 0 to 1,000. A tie never fills." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(2))),
  minShare: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
    .annotate({ description: "Share of all samples that say it; 0 to 1." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0.5))),
  samples: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
    .annotate({ description: "Samples of a row that vote; 1 to 1,000." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(64)))
})
export type FillAnswersParams = typeof FillAnswersParams.Type

/** Spellings named with a filled answer, most votes first. */
const shownSpellings = 10

/** Characters of answers that are compared for one row: enough for 64 different short ones, each with each. */
const comparedCharacters = 100_000

/** For one row; what comes after its characters are used up is a class of its own. */
const sameForRow = (): SameAnswer => {
  let left = comparedCharacters
  return (a, b) => {
    left -= a.length + b.length
    return left >= 0 && verify(a, b, {}, true, 200_000).verdict === "equal"
  }
}

const isMissing = (answer: Json | undefined): boolean =>
  answer === undefined || answer === null || (typeof answer === "string" && isNoAnswer(answer))

const answerOf = (sample: SampleText | null): string | null => {
  if (sample === null) return null
  if (sample.bare) return sample.text.trim()
  const answer = extractAnswer(sample.text)?.text ?? ""
  return isPlaceholder(answer) ? null : answer
}

export const fillAnswers: MapStage<FillAnswersParams> = {
  kind: "map",
  name: "fill-answers",
  version: 2,
  cost: "cpu",
  summary: "Gives problems without an answer the one that most of their samples say, with the votes that led to it.",
  params: FillAnswersParams,
  needs: [],
  prepare: (params) => (fields) => {
    const { samples } = fields
    if (!Array.isArray(samples) || samples.length === 0 || !isMissing(fields["answer"])) return kept()
    const answers = sampleTexts(samples, params.samples).map(answerOf)
    const { answer, answered, classes, reason, runnerUp, spellings, total, votes } = majorityFill(
      answers,
      params,
      sameForRow()
    )
    const counts = { votes, runnerUp, answered, total, classes }
    if (answer === null) return kept({}, { reason, ...counts })
    const shown = spellings.slice(0, shownSpellings).map((one) => ({ ...one }))
    return kept({ answer, answerFrom: "majority", answerVotes: { ...counts, spellings: shown } }, {
      filled: true,
      votes,
      total
    })
  }
}
