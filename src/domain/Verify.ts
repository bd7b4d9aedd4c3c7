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
import { isScalar, renamed } from "./Verify/Node.ts"
import { signCount } from "./Verify/Normal.ts"
import type { Reading } from "./Verify/Numerals.ts"
import type { Parsed } from "./Verify/Parse.ts"
import { parse } from "./Verify/Parse.ts"
import type { Finding, Resort } from "./Verify/Scalar.ts"
import { integerValue, variablesOf } from "./Verify/Scalar.ts"
import {
  asText,
  choiceLetter,
  choiceLetters,
  type Clause,
  inWords,
  isWords,
  labelled,
  said,
  shortWords,
  withoutClause
} from "./Verify/Wording.ts"
import { byPlainValue } from "./Vote/PlainValue.ts"

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
    const cleaned = said(clean(written))
    this.cleaned = percent && !cleaned.endsWith("%") ? `${cleaned}%` : cleaned
    this.budget = budget
  }

  get parsed(): Parsed | null {
    if (this.#usual === undefined) this.#usual = parse(this.cleaned, usual, this.budget)
    return this.#usual
  }

  /** Another reading of commas between digits: a list for a thousands separator, a decimal for a list of two; null: there is none. */
  reread(commas: "list" | "decimal"): Node | null {
    const fits = commas === "list"
      ? this.parsed?.grouped === true
      : this.parsed?.grouped !== true && /^[-+]?\d+,\d+(?!\s*,)/.test(this.cleaned)
    return fits ? parse(this.cleaned, { commas }, this.budget)?.node ?? null : null
  }
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
  if (isWords(gold.cleaned, goldText) && isWords(answer.cleaned, answerText)) {
    const [a, b] = [inWords(goldText), inWords(answerText)]
    // Short runs of letters may be products of variables, which have a case; words have none.
    const isWord = a.length > 3 || shortWords.has(a) || /\\text\{/.test(gold.cleaned + answer.cleaned)
    if (a === b && (isWord || goldText === answerText)) return finding("equal", "text")
    if (/\\text\{/.test(gold.cleaned) && goldText.length > 2) return finding("unequal", "text")
  }
  // "Yes, because ..." answers a question as "Yes" does.
  const yesOrNo = /^(?:yes|no|true|false)$/i.exec(goldText)?.[0].toLowerCase()
  const begin = /^(yes|no|true|false)\b[,.;:]/i.exec(answerText)?.[1]?.toLowerCase()
  if (yesOrNo !== undefined && begin !== undefined) return finding(yesOrNo === begin ? "equal" : "unequal", "text")
  if (choice === null && labelled.test(answerText) && answer.cleaned.length < 200) {
    const value = new Answer(labelled.exec(answerText)?.[3] ?? "", false, answer.budget)
    return value.cleaned === "" ? finding("undecided", "unreadable") : compareAnswers(gold, value, comparison)
  }
  const [goldClause, answerClause] = [withoutClause(gold.cleaned), withoutClause(answer.cleaned)]
  if (goldClause.text !== gold.cleaned || answerClause.text !== answer.cleaned) {
    return compareClaused(gold, answer, goldClause, answerClause, comparison)
  }
  const goldParsed = gold.parsed
  const answerParsed = answer.parsed
  if (goldParsed === null || answerParsed === null) return unreadable(gold, answer, goldText, answerText)
  const usualReading = comparedBothWays(goldParsed.node, answerParsed.node, comparison)
  if (usualReading.outcome === "equal") return usualReading
  const equal = (a: Node | null, b: Node | null) =>
    a !== null && b !== null && compare(a, b, comparison).outcome === "equal"
  const inOrder = (node: Node | null): Node | null =>
    node?.k === "list" ? { k: "tuple", open: "(", close: ")", items: node.items } : node
  // The gold's kind decides how a comma in the other answer is read; a comma in the gold gives way only where its order stays.
  const reread = isScalar(goldParsed.node)
    ? equal(goldParsed.node, answer.reread("decimal"))
    : equal(goldParsed.node, answer.reread("list"))
  const goldReread = isScalar(answerParsed.node)
    ? /^[-+]?0,\d{2,}$/.test(gold.cleaned) && equal(gold.reread("decimal"), answerParsed.node)
    : equal(inOrder(gold.reread("list")), inOrder(answerParsed.node))
  return reread || goldReread ? finding("equal", "other-reading") : usualReading
}

/** Answers of which at least one says what a letter runs through: that letter has no name of its own. */
const compareClaused = (gold: Answer, answer: Answer, a: Clause, b: Clause, comparison: Comparison): Finding => {
  const [left, right] = [new Answer(a.text, false, gold.budget), new Answer(b.text, false, gold.budget)]
  const [leftNode, rightNode] = [left.parsed?.node, right.parsed?.node]
  if (leftNode === undefined || rightNode === undefined) {
    return unreadable(gold, answer, asText(gold.cleaned), asText(answer.cleaned))
  }
  const letters = [a.letter, b.letter].filter((letter) => letter !== null)
  const plain = compare(leftNode, rightNode, comparison)
  const [first, second = first] = letters
  if (plain.outcome === "equal" || first === undefined || second === undefined) return plain
  // The side without a clause may name the letter as it likes, if it has just one more than the other side.
  const own = (node: Node) => new Set(variablesOf(node))
  const only = (node: Node, other: Node, letter: string) =>
    [...own(node)].filter((name) => name === letter || !own(other).has(name))
  const [l] = a.letter === null ? only(leftNode, rightNode, "") : [a.letter]
  const [r] = b.letter === null ? only(rightNode, leftNode, "") : [b.letter]
  if (l === undefined || r === undefined) return plain
  return compare(renamed(leftNode, l, "§"), renamed(rightNode, r, "§"), comparison)
}

/** With two signs of plus-minus or more, all combinations are meant, or upper and lower ones together: either may be. */
const comparedBothWays = (gold: Node, answer: Node, comparison: Comparison): Finding => {
  const first = compare(gold, answer, comparison)
  if (first.outcome === "equal" || Math.max(signCount(gold), signCount(answer)) < 2) return first
  const together = compare(gold, answer, { ...comparison, signsTogether: true })
  return together.outcome === "equal" ? together : first
}

/** One side cannot be read as mathematics: words may still decide, else nothing is known. */
const unreadable = (gold: Answer, answer: Answer, goldText: string, answerText: string): Finding => {
  const [a, b] = [letters(goldText), letters(answerText)]
  const squeezed = (text: string) => text.replace(/[{}]/g, "").replace(/(?<![\p{L}\d])\s+|\s+(?![\p{L}\d])/gu, "")
  if (squeezed(gold.cleaned) === squeezed(answer.cleaned)) return finding("equal", "same-text")
  const wordy = (text: string) => /\p{L}{3}\s+\p{L}{2}/u.test(text)
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

const withinIntegers = (answer: Answer, [least, most]: readonly [number, number]): boolean => {
  const node = answer.parsed?.node
  const last = node?.k === "rel" && node.ops.every((operator) => operator === "=") ? node.items.at(-1) : node
  const value = last === undefined ? null : integerValue(last, answer.budget)
  return value !== null && value >= BigInt(least) && value <= BigInt(most)
}

/**
 * The verdict on `pred` against the reference `gold`. Both may be bare answers or whole solutions; with `bare` they are answers and
 * nothing is searched. Total and deterministic: no exception, no clock, at most `steps` steps (then `undecided`, rule `steps`);
 * a budget that is handed in tells what is left.
 *
 * - `equal` and `unequal` are shown by the rule named; `undecided` means that no rule could show either.
 * - Rule `no-answer`: nothing was found in `pred` (a parse failure, apart from a wrong answer); `no-gold`: nothing in `gold`.
 * - `resort`, where there is one, is asked of single values that no rule could decide.
 */
export const verify = (
  gold: string,
  pred: string,
  options: VerifyOptions = {},
  bare = false,
  steps: number | Budget = defaultSteps,
  resort?: Resort
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
  // The same text on both sides, however it is read; but for options that say what can be an answer at all.
  const plain = options.integers === undefined && options.targets === undefined && options.after_think_only !== true
  if (plain && gold.length <= maxAnswerCharacters && gold.trim() === pred.trim()) {
    return { ...verdict(finding("equal", "same-text")), answer: reference.text }
  }
  if (plain && !bare && given?.by !== "boxed") {
    // A letter asked for, and none in a box: the choice that the response names.
    const letter = choiceLetter(clean(reference.text))
    const chosen = letter === null
      ? null
      : extractAnswer(pred, { targets: ["string"], strings: choiceLetters }, "answer")
    if (chosen !== null) {
      const outcome = chosen.text.toUpperCase() === letter ? "equal" : "unequal"
      return { ...verdict(finding(outcome, "choice")), answer: chosen.text }
    }
  }
  if (given === null) return verdict(finding("unequal", "no-answer"))
  if (reference.by === "letter" || given.by === "letter") {
    const fold = (text: string) => (options.lowercase === false ? text : text.toLowerCase())
    return verdict(finding(fold(reference.text) === fold(given.text) ? "equal" : "unequal", "choice"))
  }
  if (reference.text.length > maxAnswerCharacters || given.text.length > maxAnswerCharacters) {
    return verdict(compareLong(reference.text, given.text))
  }
  const budget = typeof steps === "number" ? { left: steps } : steps
  const comparison: Comparison = {
    tolerance: {
      precision: options.precision ?? 6,
      relative: options.rel_tol ?? null,
      modulo: options.modulo === undefined ? null : BigInt(options.modulo),
      resort
    },
    strict: options.strict ?? true,
    signsTogether: false,
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
export const sameAnswer: SameAnswer = byPlainValue((a, b) => a === b || verify(a, b, {}, true).verdict === "equal")
