// What is said of two answers, and what a caller may choose about how they are read and compared. The rules themselves are in
// Verify.ts; how an answer is found in a text is in ExtractAnswer.ts. docs/verdicts.md tells both to users.
import { Schema } from "effect"

/** `undecided`: neither equality nor difference could be shown within the rules and the step budget. Never a guess. */
export const Outcome = Schema.Literals(["equal", "unequal", "undecided"])
export type Outcome = typeof Outcome.Type

/** What an answer may be: mathematics in LaTeX, a number or expression in plain text, or one of the strings of a multiple choice. */
export const AnswerTarget = Schema.Literals(["latex", "expr", "string"])
export type AnswerTarget = typeof AnswerTarget.Type

/** Languages whose anchor phrases ("the answer is") are known. */
export const AnswerLanguage = Schema.Literals([
  "english",
  "french",
  "german",
  "spanish",
  "chinese",
  "russian",
  "arabic"
])
export type AnswerLanguage = typeof AnswerLanguage.Type

/**
 * How answers are read and compared. Every field may be left out; the names are those that Math-Verify's users know.
 *
 * - `targets`: what may be found in a text; default `["latex", "expr"]`. With `string`, answers are letters or words of `strings`.
 * - `precision`: decimals to which numbers written with a decimal point are compared, 0..15; default 6.
 * - `strict`: with false, names of variables need not agree ("x < 3" and "y < 3", (a, b) for {a, b}); default true.
 * - `allow_set_relation_comp`: whether a relation as the answer may stand for the interval of the gold; default false.
 * - `rel_tol`: relative tolerance of numbers, 0..1; takes the place of `precision`.
 * - `strings`, `lowercase`: the choices (default A, B, C, D) and whether their case is ignored (default true).
 * - `language`: whose anchor phrases are looked for first; those of all known languages are tried.
 * - `after_think_only`: an answer without an end-of-thinking tag has none; default false.
 * - `boxed_priority`: with `low`, a box is not better than other mathematics; default `high`.
 * - `modulo`: integers are compared modulo this, 2..10^9 (AIMO 1 and 2: 1000).
 * - `integers`: the least and the largest integer that an answer can be, e.g. [0, 99999] (AIMO 3); anything else is no answer.
 */
export const VerifyOptions = Schema.Struct({
  targets: Schema.optionalKey(Schema.Array(AnswerTarget).check(Schema.isMinLength(1), Schema.isMaxLength(3))),
  precision: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15 }))),
  strict: Schema.optionalKey(Schema.Boolean),
  allow_set_relation_comp: Schema.optionalKey(Schema.Boolean),
  rel_tol: Schema.optionalKey(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  strings: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64)))
      .check(Schema.isMinLength(1), Schema.isMaxLength(64))
  ),
  lowercase: Schema.optionalKey(Schema.Boolean),
  language: Schema.optionalKey(AnswerLanguage),
  after_think_only: Schema.optionalKey(Schema.Boolean),
  boxed_priority: Schema.optionalKey(Schema.Literals(["high", "low"])),
  modulo: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 1_000_000_000 }))),
  integers: Schema.optionalKey(
    Schema.Tuple([Schema.Int, Schema.Int]).check(
      Schema.makeFilter(([least, most]) => least <= most || "Expected the least integer before the largest")
    )
  )
})
export type VerifyOptions = typeof VerifyOptions.Type

/** One verdict: the outcome, the rule that decided, and both answers as they were found (`null`: none was). */
export const Verdict = Schema.Struct({
  verdict: Outcome,
  rule: Schema.String,
  gold: Schema.NullOr(Schema.String),
  answer: Schema.NullOr(Schema.String)
})
export type Verdict = typeof Verdict.Type

/**
 * Whether two extracted answers are the same, as voting and deduplication ask it. Must be reflexive; need not be transitive.
 * `sameAnswer` in Verify.ts is the real one; tests of voting may hand in string equality.
 */
export interface SameAnswer {
  (a: string, b: string): boolean
  /** A key such that answers with different keys are never the same, so that nobody need ask; null: could be the same as any. */
  readonly keyOf?: (answer: string) => string | null
}
