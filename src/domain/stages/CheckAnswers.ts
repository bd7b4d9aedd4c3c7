// The stage that compares a row's answer with what its solution and its samples say (Verify.ts). It sets, where there is
// something to compare:
//   verdict, verdictRule       of the answer that the solution marks as such: equal, unequal or undecided, and the rule that decided
//   solutionAnswer             what the solution says instead, where that is not equal
//   passRate, sampleVerdicts   share of the samples that agree, and how many are equal, unequal, undecided, unanswered
// What the source says of one of the two itself stays, and then nothing of the same two is set; with `overwrite` it goes. A
// rerun of the stage starts from the row as it was before it, so it always replaces what it found itself.
// Undecided is never counted as wrong: it is left out of the pass rate. A sample without an answer did not solve the problem.
import { Effect, Schema } from "effect"
import { extractAnswer } from "../ExtractAnswer.ts"
import type { Json } from "../Json.ts"
import { isNoAnswer, isPlaceholder } from "../NoAnswer.ts"
import { dropped, type Fields, kept, type MapStage } from "../Stage.ts"
import { verify } from "../Verify.ts"
import { sampleTexts } from "./SampleTexts.ts"

export const CheckAnswersParams = Schema.Struct({
  solution: Schema.Literals(["boxed", "announced", "any", "none"])
    .annotate({
      description:
        "What counts as the solution's answer: what is boxed or on a line of ####; what words announce as well; any last formula or number as well; none."
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("boxed" as const))),
  samples: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
    .annotate({ description: "Samples of a row that are compared; 0 to 1,000. 0: none." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(64))),
  dropDisagreeing: Schema.Boolean
    .annotate({ description: "Whether a row is dropped as answer-disagrees when its solution says another answer." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(false))),
  overwrite: Schema.Boolean
    .annotate({ description: "Whether verdicts and a pass rate that the row has already are replaced." })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))
})
export type CheckAnswersParams = typeof CheckAnswersParams.Type

/** Longer reference answers are no answers but solutions; nothing is compared with them. */
const longestAnswer = 2_000
/** Steps of one comparison: a hundredth of a second, a quarter of what a verdict may take by itself. */
const steps = 1_000_000

const answerOf = (answer: Json | undefined): string | null => {
  const text = typeof answer === "number" && Number.isFinite(answer) ? String(answer) : answer
  return typeof text === "string" && text.length <= longestAnswer && !isNoAnswer(text) ? text : null
}

/** In working without a mark, words such as "a total of 48" announce what is no answer. */
const mark = /\\(?:boxed|fbox|framebox)|####/
const isMarked = (by: string): boolean => by === "boxed" || by === "hash" || by === "anchor"

const ofSolution = (answer: string, solution: string, mode: CheckAnswersParams["solution"]) => {
  if (mode === "none" || (mode === "boxed" && !mark.test(solution))) return null
  const found = mode === "any" ? null : extractAnswer(solution)
  if (mode !== "any" && (found === null || !isMarked(found.by))) return null
  const verdict = verify(answer, solution, {}, false, steps)
  return verdict.answer === null || verdict.gold === null || isPlaceholder(verdict.answer) ? null : verdict
}

const ofSamples = (answer: string, samples: Json | undefined, most: number): Fields => {
  const counts = { equal: 0, unequal: 0, undecided: 0, unanswered: 0 }
  for (const sample of sampleTexts(samples, most)) {
    const verdict = sample === null ? null : verify(answer, sample.text, {}, sample.bare, steps)
    if (verdict?.gold === null) return {}
    if (verdict === null || verdict.answer === null || isPlaceholder(verdict.answer)) counts.unanswered++
    else counts[verdict.verdict]++
  }
  const decided = counts.equal + counts.unequal + counts.unanswered
  if (decided + counts.undecided === 0) return {}
  return { ...(decided === 0 ? {} : { passRate: counts.equal / decided }), sampleVerdicts: counts }
}

/** What the stage says of the solution, and of the samples. */
const solutionFields = ["verdict", "verdictRule", "solutionAnswer"] as const
const sampleFields = ["passRate", "sampleVerdicts"] as const

/** The patch that sets what was found in place of all of `names`; nothing where the row has one of them that must stay. */
const setting = (fields: Fields, names: ReadonlyArray<string>, found: Fields, overwrite: boolean): Fields => {
  const own = names.filter((name) => fields[name] !== undefined && fields[name] !== null && fields[name] !== "")
  if (Object.keys(found).length === 0 || (own.length > 0 && !overwrite)) return {}
  return { ...Object.fromEntries(own.map((name) => [name, null])), ...found }
}

export const checkAnswers: MapStage<CheckAnswersParams> = {
  kind: "map",
  name: "check-answers",
  version: 2,
  cost: "cpu",
  summary:
    "Compares the answer with what the solution and the samples say; may drop rows whose solution says another one.",
  params: CheckAnswersParams,
  needs: [],
  prepare: (params) => (fields) => {
    const { samples, solution } = fields
    const hasSolution = typeof solution === "string" && solution !== ""
    const hasSamples = Array.isArray(samples) && samples.length > 0 && params.samples > 0
    if (!hasSolution && !hasSamples) return kept()
    const answer = answerOf(fields["answer"])
    if (answer === null) return kept()
    const verdict = hasSolution ? ofSolution(answer, solution, params.solution) : null
    const seen: Fields = verdict === null
      ? {}
      : {
        verdict: verdict.verdict,
        verdictRule: verdict.rule,
        ...(verdict.verdict === "equal" ? {} : { solutionAnswer: verdict.answer })
      }
    const detail = verdict === null ? undefined : { rule: verdict.rule, answer: verdict.gold, solution: verdict.answer }
    if (params.dropDisagreeing && verdict?.verdict === "unequal") return dropped("answer-disagrees", detail)
    const { overwrite } = params
    const sampled = hasSamples ? ofSamples(answer, samples, params.samples) : {}
    return kept({
      ...setting(fields, solutionFields, seen, overwrite),
      ...setting(fields, sampleFields, sampled, overwrite)
    }, detail)
  }
}
