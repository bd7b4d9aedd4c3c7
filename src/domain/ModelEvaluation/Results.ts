// What came of each problem of an evaluation, in a compact form, and what is counted of many. Results are kept in lists beside those of the
// problems; the first result of a problem counts, so that two drivers at once, or one that was killed, count none twice.
import { Schema } from "effect"
import { accept, type Decision } from "../Decision.ts"

/** `noAnswer`: none was found in any sample, apart from a wrong one. `ungraded`: the reference answer cannot be read. */
export const Grade = Schema.Literals(["right", "wrong", "noAnswer", "undecided", "ungraded", "failed"])
export type Grade = typeof Grade.Type

/**
 * What came of a sample, in a letter: right, wrong, no answer found, undecided, ungraded (an answer, but no reference), failed with an error,
 * cancelled when the vote was decided.
 */
export const sampleLetters = {
  right: "R",
  wrong: "W",
  noAnswer: "N",
  undecided: "U",
  ungraded: "G",
  failed: "X",
  cancelled: "C"
} as const
export type SampleGrade = keyof typeof sampleLetters

const short = (most: number) => Schema.String.check(Schema.isMaxLength(most))

export const ProblemResult = Schema.Struct({
  /** Its place in its list. */
  at: Schema.Int,
  id: Schema.String,
  /** Of its text: problems of two evaluations are the same only if it is. */
  hash: Schema.String,
  domain: Schema.String,
  level: Schema.NullOr(Schema.String),
  grade: Grade,
  /** What was answered and the reference answer as it was found, the beginning of a long one; null: none. */
  answer: Schema.NullOr(short(2_000)),
  reference: Schema.NullOr(short(2_000)),
  /** Why there were no more samples. */
  stop: Schema.NullOr(Schema.String),
  planned: Schema.Int,
  /** A letter for each sample that was begun (`sampleLetters`). */
  samples: short(1_024),
  /** Samples of each class of equal answers, the largest first, and which of them is right; -1: none. */
  votes: Schema.Array(Schema.Int),
  rightClass: Schema.Int,
  /** Samples without an answer that ended at the limit of their tokens. */
  truncated: Schema.Int,
  promptTokens: Schema.Int,
  completionTokens: Schema.Int,
  microDollars: Schema.Finite,
  millis: Schema.Finite,
  error: Schema.NullOr(Schema.Struct({ tag: Schema.String, message: short(500) }))
})
export type ProblemResult = typeof ProblemResult.Type

const counted = [
  "right",
  "wrong",
  "noAnswer",
  "undecided",
  "ungraded",
  "failed",
  "samplesPlanned",
  "samplesBegun",
  "samplesRight",
  "samplesWrong",
  "samplesNoAnswer",
  "samplesUndecided",
  "samplesUngraded",
  "samplesFailed",
  "samplesCancelled",
  "samplesTruncated",
  "promptTokens",
  "completionTokens",
  "microDollars",
  "solveMillis"
] as const
type Counted = typeof counted[number]

/** Counts of problems by grade, of samples by what came of them, and what they cost. */
export type ResultTally = { readonly [K in Counted]: number }
export const ResultTally = Schema.Struct(
  Object.fromEntries(counted.map((name) => [name, Schema.Finite])) as { readonly [K in Counted]: typeof Schema.Finite }
)
export const emptyResultTally = Object.fromEntries(counted.map((name) => [name, 0])) as unknown as ResultTally

export const addTallies = (a: ResultTally, b: ResultTally): ResultTally =>
  Object.fromEntries(counted.map((name) => [name, a[name] + b[name]])) as unknown as ResultTally

/** Problems that have ended. */
export const endedOf = ({ failed, noAnswer, right, undecided, ungraded, wrong }: ResultTally): number =>
  right + wrong + noAnswer + undecided + ungraded + failed

const letterCount = (samples: string, grade: SampleGrade): number => samples.split(sampleLetters[grade]).length - 1

export const tallyOf = (result: ProblemResult): ResultTally => ({
  ...emptyResultTally,
  [result.grade]: 1,
  samplesPlanned: result.planned,
  samplesBegun: result.samples.length,
  samplesRight: letterCount(result.samples, "right"),
  samplesWrong: letterCount(result.samples, "wrong"),
  samplesNoAnswer: letterCount(result.samples, "noAnswer"),
  samplesUndecided: letterCount(result.samples, "undecided"),
  samplesUngraded: letterCount(result.samples, "ungraded"),
  samplesFailed: letterCount(result.samples, "failed"),
  samplesCancelled: letterCount(result.samples, "cancelled"),
  samplesTruncated: result.truncated,
  promptTokens: result.promptTokens,
  completionTokens: result.completionTokens,
  microDollars: result.microDollars,
  solveMillis: result.millis
})

export const resultsId = (evaluation: string, list: number): string => `${evaluation}:r${list}`

/** The results of one list of problems: one a problem, in the order in which they came. */
export const ResultListState = Schema.Struct({ evaluation: Schema.String, results: Schema.Array(ProblemResult) })
export type ResultListState = typeof ResultListState.Type
export const initialResultList: ResultListState = { evaluation: "", results: [] }

export const tallyOfList = ({ results }: ResultListState): ResultTally =>
  results.reduce((sum, one) => addTallies(sum, tallyOf(one)), emptyResultTally)

export const RecordFields = { evaluation: Schema.String, results: Schema.Array(ProblemResult) }
/** Results that are new are kept; the answer counts all of the list. */
export const record = (
  state: ResultListState,
  { evaluation, results }: Schema.Struct<typeof RecordFields>["Type"]
): Decision<ResultListState, ResultTally> => {
  const known = new Set(state.results.map(({ at }) => at))
  const added: Array<ProblemResult> = []
  for (const one of results) {
    if (known.has(one.at)) continue
    known.add(one.at)
    added.push(one)
  }
  const next = added.length === 0 ? state : { evaluation, results: [...state.results, ...added] }
  return accept(next, tallyOfList(next))
}
