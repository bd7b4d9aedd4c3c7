// What is decided of one pair or of one problem's samples, as plain functions of plain data that may cross threads. Whoever runs them sees to
// limits of time and memory. What a function of the domain throws, which none should, is a verdict of its own and costs nothing else.
import { extractAnswer } from "../../domain/ExtractAnswer.ts"
import type { Verdict, VerifyOptions } from "../../domain/Verdict.ts"
import { addSamples, emptyVote, voteResult, type VoteSample } from "../../domain/Vote.ts"
import type { Figures, VoteRule } from "../../domain/Vote/VoteRule.ts"
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

const rules: { readonly [S in Exclude<VoteStrategy, "auto">]: VoteRule } = {
  majority: { _tag: "Majority" },
  logprob: { _tag: "LogprobWeighted", absentWeight: 1 },
  entropy: { _tag: "EntropyWeighted", floor: 0.3, absentWeight: 1 },
  confidence: { _tag: "ConfidenceWeighted", keep: 1 },
  verified: { _tag: "VerifierWeighted", lambda: 2 },
  borda: { _tag: "Borda", power: 1 },
  weight: { _tag: "ExplicitWeights" },
  score: { _tag: "BestOfN" }
}
const ruleOf = (strategy: VoteStrategy, samples: ReadonlyArray<Ballot>): VoteRule =>
  rules[
    strategy !== "auto"
      ? strategy
      : samples.some(({ weight }) => weight !== undefined)
      ? "weight"
      : samples.some(({ logprobMean }) => logprobMean !== undefined)
      ? "logprob"
      : "majority"
  ]

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
  /** Whether the answer is equal to the gold one; only if there is a gold one. */
  readonly correct?: boolean
}
export interface GivenUp {
  readonly _tag: "GivenUp"
  readonly rule: BrokenRule
  readonly detail: string
}

export const verdictOf = ({ bare, gold, opts, pred }: Pair, now: () => number): TimedVerdict => {
  const startedMillis = now()
  const verdict = attempt(() => verify(gold, pred, opts, bare), (): Verdict => brokenVerdict("crash"))
  return { ...verdict, ms: Math.round((now() - startedMillis) * 1_000) / 1_000 }
}

export const brokenVerdict = (rule: BrokenRule): Verdict => ({ verdict: "undecided", rule, gold: null, answer: null })

const attempt = <A, B>(work: () => A, broken: (detail: string) => B): A | B => {
  try {
    return work()
  } catch (cause) {
    return broken(String(cause).slice(0, 200))
  }
}

/** The answer in a text, as it is compared with others; null: there is none. */
const answerIn = (text: string, opts: VerifyOptions, role: "gold" | "answer" = "answer"): string | null => {
  const found = extractAnswer(text, opts, role)
  return found === null ? null : `${found.text}${found.percent ? "%" : ""}`
}

/** What the samples of a problem agree on. Equal weights are a tie, which goes to the answer that came first. */
export const voteOf = ({ gold, opts = {}, samples, strategy = "auto" }: Ballots): VoteResult | GivenUp =>
  attempt(
    (): VoteResult => {
      const same = (a: string, b: string) => verify(a, b, opts, true).verdict === "equal"
      const voted = samples.map(({ answer, text, ...figures }): VoteSample => ({
        ...figures,
        answer: text === undefined ? answer ?? null : answerIn(text, opts)
      }))
      const { tie, ...result } = voteResult(addSamples(emptyVote(ruleOf(strategy, samples)), voted, same))
      const { answer, answered, groups, margin } = result
      return {
        _tag: "Decided",
        answer,
        groups,
        margin,
        tie: tie.length > 0,
        tied: tie,
        answered,
        ...(gold === undefined
          ? {}
          : { correct: answer !== null && same(answerIn(gold, opts, "gold") ?? gold, answer) })
      }
    },
    (detail): GivenUp => ({ _tag: "GivenUp", rule: "crash", detail: `The vote crashed: ${detail}` })
  )

/** STUB until the domain has it. */
const verify = (gold: string, pred: string, opts: VerifyOptions = {}, bare = false): Verdict => {
  const [a, b] = bare ? [gold, pred] : [answerIn(gold, opts, "gold"), answerIn(pred, opts)]
  return { verdict: a !== null && a.trim() === b?.trim() ? "equal" : "unequal", rule: "stub", gold: a, answer: b }
}
