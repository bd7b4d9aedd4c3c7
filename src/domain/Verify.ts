// Whether a model's answer is the reference answer: both are found in their texts (ExtractAnswer.ts), cleaned, read as trees and
// compared by rules that say which of them decided. Nothing is evaluated as code; steps are counted, so no input can hang it, and
// nothing is thrown. docs/verdicts.md tells the rules to users.
import { extractAnswer } from "./ExtractAnswer.ts"
import type { SameAnswer, Verdict, VerifyOptions } from "./Verdict.ts"
import type { Budget } from "./Verify/Budget.ts"
import { StepsExhausted } from "./Verify/Budget.ts"
import { clean, maxAnswerCharacters } from "./Verify/Clean.ts"
import type { Comparison } from "./Verify/Compare.ts"
import { compare, letters } from "./Verify/Compare.ts"
import type { Node } from "./Verify/Node.ts"
import { isScalar } from "./Verify/Node.ts"
import type { Reading } from "./Verify/Numerals.ts"
import type { Parsed } from "./Verify/Parse.ts"
import { parse } from "./Verify/Parse.ts"
import * as Q from "./Verify/Rational.ts"
import type { Finding } from "./Verify/Scalar.ts"

/** Steps that one verdict may take, about ten nanoseconds each. */
export const defaultSteps = 3_000_000

const finding = (outcome: Finding["outcome"], rule: string): Finding => ({ outcome, rule })

const usual: Reading = { commas: "thousands" }

/** One answer with its readings, made when they are asked for. */
class Answer {
  readonly written: string
  readonly cleaned: string
  readonly budget: Budget
  #usual: Parsed | null | undefined = undefined

  constructor(written: string, percent: boolean, budget: Budget) {
    this.written = written
    const cleaned = clean(written)
    this.cleaned = percent && !cleaned.endsWith("%") ? `${cleaned}%` : cleaned
    this.budget = budget
  }

  get parsed(): Parsed | null {
    if (this.#usual === undefined) this.#usual = parse(this.cleaned, usual, this.budget)
    return this.#usual
  }

  /** The other readings of commas between digits: a list where there was a thousands separator, a decimal where there was a list. */
  others(): ReadonlyArray<Node> {
    const nodes: Array<Node> = []
    const read = (commas: Reading["commas"]) => {
      const parsed = parse(this.cleaned, { commas }, this.budget)
      if (parsed !== null) nodes.push(parsed.node)
    }
    if (this.parsed?.grouped === true) read("list")
    if (/^[-+]?\d+,\d+(?!\s*,)/.test(this.cleaned) && this.parsed?.grouped !== true) read("decimal")
    return nodes
  }
}

/** Words and no mathematics: at least one letter, no digits, no operators. */
const isWords = (text: string): boolean => /\p{L}/u.test(text) && !/[\d=<>+*/^|\\]/.test(text)

/** Text without the commands that only set it as text. */
const asText = (cleaned: string): string => cleaned.replace(/\\text\{/g, " ").replace(/[{}]/g, " ").trim()

/** The letter of a multiple choice in "(C)", "C.", "(C) 12"; null where there is none. */
const choiceLetter = (cleaned: string): string | null => {
  const match = /^\(?([A-J])\)?[.:]?$/.exec(asText(cleaned)) ?? /^\(([A-J])\)\s/.exec(asText(cleaned))
  return match?.[1] ?? null
}

const compareAnswers = (gold: Answer, answer: Answer, comparison: Comparison): Finding => {
  if (gold.cleaned === "" || answer.cleaned === "") return finding("unequal", "no-answer")
  if (gold.cleaned === answer.cleaned) return finding("equal", "same-text")
  const [goldText, answerText] = [asText(gold.cleaned), asText(answer.cleaned)]
  const choice = choiceLetter(gold.cleaned)
  if (choice !== null) {
    const chosen = choiceLetter(answer.cleaned)
    if (chosen !== null) return finding(chosen === choice ? "equal" : "unequal", "choice")
  }
  const words = isWords(goldText) && isWords(answerText)
  if (words) {
    const [a, b] = [letters(goldText), letters(answerText)]
    if (a === b && (a.length > 2 || goldText === answerText)) return finding("equal", "text")
    if (/\\text\{/.test(gold.cleaned) && letters(goldText).length > 2) return finding("unequal", "text")
  }
  const goldParsed = gold.parsed
  const answerParsed = answer.parsed
  if (goldParsed === null || answerParsed === null) return unreadable(gold, answer, goldText, answerText)
  const usualReading = compare(goldParsed.node, answerParsed.node, comparison)
  if (usualReading.outcome === "equal") return usualReading
  const [goldOthers, answerOthers] = [gold.others(), answer.others()]
  for (const node of answerOthers) {
    // The gold's kind decides how an ambiguous answer is read.
    if (isScalar(node) !== isScalar(goldParsed.node)) continue
    if (compare(goldParsed.node, node, comparison).outcome === "equal") return finding("equal", "other-reading")
  }
  for (const node of goldOthers) {
    if (isScalar(node) !== isScalar(answerParsed.node)) continue
    if (compare(node, answerParsed.node, comparison).outcome === "equal") return finding("equal", "other-reading")
  }
  return usualReading
}

/** One side cannot be read as mathematics: words may still decide, else nothing is known. */
const unreadable = (gold: Answer, answer: Answer, goldText: string, answerText: string): Finding => {
  const [a, b] = [letters(goldText), letters(answerText)]
  const squeezed = (text: string) => text.replace(/[\s{}]/g, "")
  if (squeezed(gold.cleaned) === squeezed(answer.cleaned)) return finding("equal", "same-text")
  const wordy = (text: string) => /\p{L}{3,}\s+\p{L}{2,}/u.test(text)
  if ((gold.parsed === null && wordy(goldText)) || (answer.parsed === null && wordy(answerText))) {
    const plain = !/[\\^_=<>]/.test(goldText) && !/[\\^_=<>]/.test(answerText)
    return a === b && a !== "" && plain
      ? finding("equal", "text")
      : finding(plain ? "unequal" : "undecided", plain ? "text" : "unreadable")
  }
  return finding("undecided", "unreadable")
}

/** Digits in a comparison too long to be read: only plain integers are decided. */
const compareLong = (gold: string, answer: string): Finding => {
  const [a, b] = [gold.trim(), answer.trim()]
  if (a === b) return finding("equal", "same-text")
  return /^-?\d+$/.test(a) && /^-?\d+$/.test(b) ? finding("unequal", "digits") : finding("undecided", "too-long")
}

const integerOf = (answer: Answer): bigint | null => {
  const node = answer.parsed?.node
  const last = node?.k === "rel" && node.ops.every((operator) => operator === "=") ? node.items.at(-1) : node
  return last?.k === "num" && Q.isInteger(last.q) ? last.q.n : null
}

const withinIntegers = (answer: Answer, [least, most]: readonly [number, number]): boolean => {
  const value = integerOf(answer)
  return value !== null && value >= BigInt(least) && value <= BigInt(most)
}

/**
 * The verdict on `pred` against the reference `gold`. Both may be bare answers or whole solutions; with `bare` they are answers and
 * nothing is searched. Total and deterministic: no exception, no clock, at most `steps` steps (then `undecided`, rule `steps`).
 *
 * - `equal` and `unequal` are shown by the rule named; `undecided` means that no rule could show either.
 * - Rule `no-answer`: nothing was found in `pred` (a parse failure, apart from a wrong answer); `no-gold`: nothing in `gold`.
 */
export const verify = (
  gold: string,
  pred: string,
  options: VerifyOptions = {},
  bare = false,
  steps: number = defaultSteps
): Verdict => {
  const found = (text: string, role: "gold" | "answer") => {
    if (bare && !text.includes("\\boxed") && options.targets?.includes("string") !== true) {
      return text.trim() === "" ? null : { text, percent: false, by: "whole" }
    }
    const extracted = extractAnswer(text, options, role)
    return extracted === null || extracted.text.trim() === "" ? null : extracted
  }
  const reference = found(gold, "gold")
  const given = found(pred, "answer")
  const verdict = ({ outcome, rule }: Finding): Verdict => ({
    verdict: outcome,
    rule,
    gold: reference?.text ?? null,
    answer: given?.text ?? null
  })
  if (reference === null) return verdict(finding("undecided", "no-gold"))
  if (given === null) return verdict(finding("unequal", "no-answer"))
  if (reference.by === "letter" || given.by === "letter") {
    const fold = (text: string) => (options.lowercase === false ? text : text.toLowerCase())
    return verdict(finding(fold(reference.text) === fold(given.text) ? "equal" : "unequal", "choice"))
  }
  if (reference.text.length > maxAnswerCharacters || given.text.length > maxAnswerCharacters) {
    return verdict(compareLong(reference.text, given.text))
  }
  const budget: Budget = { left: steps }
  const comparison: Comparison = {
    tolerance: {
      precision: options.precision ?? 6,
      relative: options.rel_tol ?? null,
      modulo: options.modulo === undefined ? null : BigInt(options.modulo)
    },
    strict: options.strict ?? true,
    relationsAsSets: options.allow_set_relation_comp ?? false,
    budget
  }
  try {
    const [left, right] = [
      new Answer(reference.text, reference.percent, budget),
      new Answer(given.text, given.percent, budget)
    ]
    if (options.integers !== undefined && !withinIntegers(right, options.integers)) {
      return verdict(finding("unequal", "not-an-allowed-integer"))
    }
    return verdict(compareAnswers(left, right, comparison))
  } catch (error) {
    if (error instanceof StepsExhausted) return verdict(finding("undecided", "steps"))
    // Deep recursion ends in a RangeError of the engine; it says as little as an empty budget.
    if (error instanceof RangeError) return verdict(finding("undecided", "depth"))
    throw error
  }
}

/** Whether two extracted answers are the same, as votes ask it: `undecided` counts as different. */
export const sameAnswer: SameAnswer = (a, b) => a === b || verify(a, b, {}, true).verdict === "equal"
