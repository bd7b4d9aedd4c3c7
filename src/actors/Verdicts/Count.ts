// What the samples of one problem agree on, as a plain function of plain data, like Judge.ts.
import { extractAnswer } from "../../domain/ExtractAnswer.ts"
import { isNoAnswer, isPlaceholder } from "../../domain/NoAnswer.ts"
import type { VerifyOptions } from "../../domain/Verdict.ts"
import { defaultSteps, verify } from "../../domain/Verify.ts"
import { addSamples, emptyVote, voteResult, type VoteSample } from "../../domain/Vote.ts"
import { byPlainValue } from "../../domain/Vote/PlainValue.ts"
import type { VoteRule } from "../../domain/Vote/VoteRule.ts"
import type { Ballot, Ballots, GivenUp, VoteResult } from "./Asked.ts"
import type { VoteStrategy } from "./Strategies.ts"

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

/** The answer in a text, as it is compared with others; null: there is none. */
const answerIn = (text: string, opts: VerifyOptions, role: "gold" | "answer" = "answer"): string | null => {
  const found = extractAnswer(text, opts, role)
  return found === null ? null : `${found.text}${found.percent ? "%" : ""}`
}

/** The answer of a sample; null: it has none, or one that `integers` does not allow. */
const answerOf = ({ answer = null, text }: Ballot, opts: VerifyOptions): string | null => {
  const found = text === undefined ? answer : answerIn(text, opts)
  if (found === null || (text === undefined ? isNoAnswer(found) : isPlaceholder(found))) return null
  return opts.integers === undefined || verify(found, found, opts, true).verdict === "equal" ? found : null
}

/** Steps that the comparisons of one vote take together: some seconds. After that, a text that is not the same is another answer. */
const stepsMaximum = 300_000_000
/** What a comparison costs at least: reading both texts is more than the rules count. */
const stepsPerComparison = 3_000
const stepsPerCharacter = 40

/** Whether two plain numbers of different value are never equal under these options. */
const separatesNumbers = ({ modulo, precision = 6, rel_tol, targets }: VerifyOptions): boolean =>
  modulo === undefined && rel_tol === undefined && targets === undefined && precision >= 6

/** What the samples of a problem agree on, in so many steps at most. Equal weights are a tie, which goes to the answer that came first. */
export const voteOf = (ballots: Ballots, steps = stepsMaximum): VoteResult | GivenUp => {
  try {
    return counted(ballots, steps)
  } catch (cause) {
    return { _tag: "GivenUp", rule: "crash", detail: `The vote crashed: ${String(cause).slice(0, 200)}` }
  }
}

const counted = ({ gold, opts = {}, samples, strategy = "auto" }: Ballots, steps: number): VoteResult => {
  const equal = (a: string, b: string, budget = { left: defaultSteps }) =>
    a === b || verify(a, b, opts, true, budget).verdict === "equal"
  let left = steps
  const compared = (a: string, b: string) => {
    if (left <= 0) return false
    const granted = Math.min(defaultSteps, left)
    const budget = { left: granted }
    const isEqual = equal(a, b, budget)
    left -= Math.max(granted - budget.left, stepsPerComparison + stepsPerCharacter * (a.length + b.length))
    return isEqual
  }
  const same = separatesNumbers(opts) ? byPlainValue(compared) : compared
  const voted = samples.map((sample): VoteSample => {
    const { answer: _, text: _text, ...figures } = sample
    return { ...figures, answer: answerOf(sample, opts) }
  })
  const right = gold === undefined ? null : answerIn(gold, opts, "gold")
  const { answer, answered, exhausted, groups, margin, tie } = voteResult(
    addSamples(emptyVote(ruleOf(strategy, samples)), voted, same)
  )
  return {
    _tag: "Decided",
    answer,
    groups,
    margin,
    tie: tie.length > 0,
    tied: tie,
    answered,
    ...(exhausted || left <= 0 ? { exhausted: true } : {}),
    ...(right === null ? {} : { correct: answer !== null && equal(right, answer) })
  }
}
