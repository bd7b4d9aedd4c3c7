// What is asked of a judge and what it answers, as plain data that crosses threads.
import type { Verdict, VerifyOptions } from "../../domain/Verdict.ts"
import type { Figures } from "../../domain/Vote/VoteRule.ts"
import type { VoteStrategy } from "./Strategies.ts"

/** A gold answer (bare, or a whole solution) and what a model said. */
export interface Pair {
  readonly gold: string
  readonly pred: string
  readonly opts?: VerifyOptions
  /** Both are the insides of a box: nothing has to be found in them. */
  readonly bare?: boolean
}
/** `ms`: how long it took, in milliseconds. */
export interface TimedVerdict extends Verdict {
  readonly ms: number
}

/** Why there is no result. */
export type BrokenRule = "time" | "memory" | "crash"

/** One sample of a problem: its text, in which the answer is found, or the answer, and what is known of it. */
export interface Ballot extends Figures {
  readonly text?: string
  /** null: the sample has none. */
  readonly answer?: string | null
}

/** The samples of one problem. */
export interface Ballots {
  readonly samples: ReadonlyArray<Ballot>
  readonly gold?: string
  readonly strategy?: VoteStrategy
  readonly opts?: VerifyOptions
}
export interface VoteResult {
  readonly _tag: "Decided"
  /** null: no sample has an answer, or the tie is not to be broken. */
  readonly answer: string | null
  readonly groups: ReadonlyArray<{ readonly answer: string; readonly votes: number; readonly weight: number }>
  readonly margin: number
  readonly tie: boolean
  /** The answers that are tied for the first place, in the order in which they came; empty without a tie. */
  readonly tied: ReadonlyArray<string>
  /** Samples that have an answer. */
  readonly answered: number
  /** There if the answers were too many, or too hard, to compare all: equal ones may be apart, depending on their order. */
  readonly exhausted?: true
  /** Whether the answer is equal to the gold one; only if there is a gold one that has an answer. */
  readonly correct?: boolean
}
export interface GivenUp {
  readonly _tag: "GivenUp"
  readonly rule: BrokenRule
  readonly detail: string
}

export const brokenVerdict = (rule: BrokenRule): Verdict => ({ verdict: "undecided", rule, gold: null, answer: null })
