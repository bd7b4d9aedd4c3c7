// What is still to be known before an undecided pair can be decided: questions about single values, so that all that answers are made of (lists,
// sets, intervals, equations, options) stays with the rules. The answers come from elsewhere and are handed in.
import type { Outcome, Verdict, VerifyOptions } from "../Verdict.ts"
import { verify } from "../Verify.ts"
import type { Node } from "./Node.ts"
import { noValue } from "./Scalar.ts"
import { sympyQuestion } from "./SymPyText.ts"

export interface AskedPair {
  readonly gold: string
  readonly pred: string
  readonly opts?: VerifyOptions
  readonly bare?: boolean
}

/** Questions of one pair, at most; a pair that has more stays undecided. */
export const maxQuestions = 8

/** Whether a pair that was left undecided by this rule can have questions. */
export const mayHaveQuestions = (rule: string): boolean => rule === noValue

const judged = ({ bare, gold, opts, pred }: AskedPair, resort: (gold: Node, answer: Node) => Outcome): Verdict =>
  verify(gold, pred, opts, bare, undefined, resort)

/** The questions whose answers would decide the pair, or help to, each once, in order; none where it cannot be helped. */
export const openQuestions = (pair: AskedPair): ReadonlyArray<string> => {
  const questions = new Set<string>()
  const { verdict } = judged(pair, (gold, answer) => {
    const question = sympyQuestion(gold, answer)
    if (question !== null) questions.add(question)
    return "undecided"
  })
  return verdict === "undecided" && questions.size <= maxQuestions ? [...questions] : []
}

/**
 * The outcome of a pair, knowing the answers. `unequal` only if no question was left open: where an answer may be read in two ways, one of them
 * differs, and nothing is known of the other, they may be the same.
 */
export const outcomeKnowing = (pair: AskedPair, answers: ReadonlyMap<string, Outcome>): Outcome => {
  let isOpen = false
  const { verdict } = judged(pair, (gold, answer) => {
    const question = sympyQuestion(gold, answer)
    const known = question === null ? "undecided" : answers.get(question) ?? "undecided"
    if (known === "undecided") isOpen = true
    return known
  })
  return verdict === "unequal" && isOpen ? "undecided" : verdict
}
