// How much each sample's vote weighs. Every rule looks at the samples that have an answer, and at nothing of a sample but the
// figures below; none depends on the order of the samples. What a figure is worth when it is absent is said with each rule.
import { Effect, Schema } from "effect"
import { CompensatedSum } from "../CompensatedSum.ts"
import { quantile } from "../Statistics/Quantile.ts"

const finite = Schema.Finite
const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const by = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

/** The heaviest single vote; heavier ones count as this, so that no sum overflows. */
export const weightMaximum = 1e12

/** What is known of a sample beside its answer. All optional; what is not finite counts as absent. */
export const Figures = Schema.Struct({
  /** Mean log-probability of its tokens, at most 0. */
  logprobMean: Schema.optionalKey(finite),
  /** Mean entropy of its token distributions, in nats, at least 0. */
  entropyMean: Schema.optionalKey(finite),
  /** Confidence of the trace (Vote/TraceConfidence.ts), at least 0. */
  confidence: Schema.optionalKey(finite),
  /** Share of verifiers that held it right, 0..1. */
  verified: Schema.optionalKey(finite),
  /** Weight given by the caller, at least 0. */
  weight: Schema.optionalKey(finite),
  /** Score of a reward model or ranker, any number. */
  score: Schema.optionalKey(finite)
})
export type Figures = typeof Figures.Type

/**
 * - `Majority`: 1 each. Wang et al. 2022, arXiv:2203.11171, section 2.
 * - `LogprobWeighted`: exp(logprobMean); `absentWeight` (default 1) without one. A mean of exactly 0 weighs 1.
 * - `EntropyWeighted`: 1 / max(entropyMean, floor); `absentWeight` (default 1) without one. The floor (default 0.3, as AIMO-3
 *   solutions had it) keeps one over-confident sample from outvoting all others.
 * - `ConfidenceWeighted`: confidence, 0 without one, of the samples in the top share `keep` (default 1: all) by confidence;
 *   the others do not vote. DeepConf: arXiv:2508.15260, section 3.
 * - `VerifierWeighted`: S (1 + lambda v) for each answer, S the sum of its samples' `weight` (1 without one), v the mean of their
 *   `verified` (0 without one).
 * - `Borda`: (n - rank + 1)^power by falling confidence among n samples, equal ones sharing the mean of their places and those
 *   without confidence last. Kang et al. 2025, arXiv:2502.18581.
 * - `ExplicitWeights`: `weight`, 1 without one.
 * - `BestOfN`: the answer of the sample with the best `score` (0 without one); an answer weighs as its best sample.
 */
export const VoteRule = Schema.Union([
  Schema.TaggedStruct("Majority", {}),
  Schema.TaggedStruct("LogprobWeighted", { absentWeight: by(between(0, 1e6), 1) }),
  Schema.TaggedStruct("EntropyWeighted", { floor: by(between(1e-9, 1e6), 0.3), absentWeight: by(between(0, 1e9), 1) }),
  Schema.TaggedStruct("ConfidenceWeighted", { keep: by(between(0, 1), 1) }),
  Schema.TaggedStruct("VerifierWeighted", { lambda: by(between(0, 1e6), 2) }),
  Schema.TaggedStruct("Borda", { power: by(between(0, 10), 1) }),
  Schema.TaggedStruct("ExplicitWeights", {}),
  Schema.TaggedStruct("BestOfN", {})
])
export type VoteRule = typeof VoteRule.Type

/** A sample with an answer: its group and its figures. */
export interface Ballot extends Figures {
  readonly group: number
}

/** What one group of answers weighs. `kept` of its samples had a say. */
export interface GroupWeight {
  readonly kept: number
  readonly weight: number
}

const known = (value: number | undefined): value is number => value !== undefined && Number.isFinite(value)
const within = (value: number | undefined, absent: number, most = weightMaximum): number =>
  known(value) ? Math.min(Math.max(value, 0), most) : absent

/** The sum in a fixed order: one multiset of weights has one sum, whatever order it came in. */
const sum = (values: ReadonlyArray<number>): number => {
  const total = new CompensatedSum()
  for (const value of Float64Array.from(values).sort()) total.add(value)
  return total.total
}

/** Mean of the values that are known; null for none. */
export const meanOfKnown = (values: ReadonlyArray<number | undefined>): number | null => {
  const present = values.filter(known)
  return present.length === 0 ? null : sum(present) / present.length
}

/**
 * Which of the confidences are in the top share `keep` (0..1): those at or above the quantile 1 - keep, by linear interpolation.
 * Absent counts as 0. threshold is null, and nothing kept, for no value. The most confident are always kept.
 */
export const keepConfident = (
  confidences_N: ReadonlyArray<number | undefined>,
  keep: number
): { readonly threshold: number | null; readonly kept: ReadonlyArray<boolean> } => {
  const values = confidences_N.map((confidence) => within(confidence, 0))
  const threshold = quantile(values, 1 - Math.min(Math.max(keep, 0), 1))
  return { threshold, kept: values.map((value) => threshold !== null && value >= threshold) }
}

/** Borda weights (n - rank + 1)^power, n = count; tied places share their mean. O(n log n). */
const bordaWeights = (ballots: ReadonlyArray<Ballot>, power: number): ReadonlyArray<number> => {
  const confidence = (i: number) => known(ballots[i]?.confidence) ? ballots[i].confidence : Number.NEGATIVE_INFINITY
  const order = [...ballots.keys()].sort((a, b) => confidence(a) === confidence(b) ? 0 : confidence(b) - confidence(a))
  const weights = new Array<number>(ballots.length).fill(0)
  for (let from = 0; from < order.length;) {
    let to = from + 1
    while (to < order.length && confidence(order[to] as number) === confidence(order[from] as number)) to++
    const places = Array.from(
      { length: to - from },
      (_, i) => Math.min(weightMaximum, (order.length - from - i) ** power)
    )
    const share = sum(places) / places.length
    for (const i of order.slice(from, to)) weights[i] = share
    from = to
  }
  return weights
}

/** Weight of each ballot on its own, and which are kept. */
const ballotWeights = (rule: VoteRule, ballots: ReadonlyArray<Ballot>): ReadonlyArray<number | null> => {
  switch (rule._tag) {
    case "Majority":
      return ballots.map(() => 1)
    case "LogprobWeighted":
      return ballots.map(({ logprobMean }) =>
        known(logprobMean) ? Math.exp(Math.min(0, logprobMean)) : within(rule.absentWeight, 1)
      )
    case "EntropyWeighted":
      return ballots.map(({ entropyMean }) =>
        known(entropyMean) ? 1 / Math.max(entropyMean, rule.floor, 1e-9) : within(rule.absentWeight, 1)
      )
    case "ConfidenceWeighted": {
      const { kept } = keepConfident(ballots.map(({ confidence }) => confidence), rule.keep)
      return ballots.map(({ confidence }, i) => kept[i] === true ? within(confidence, 0) : null)
    }
    case "Borda":
      return bordaWeights(ballots, rule.power)
    case "VerifierWeighted":
    case "ExplicitWeights":
      return ballots.map(({ weight }) => within(weight, 1))
    case "BestOfN":
      return ballots.map(({ score }) => known(score) ? Math.min(Math.max(score, -weightMaximum), weightMaximum) : 0)
  }
}

/** The weight of each of `groups` groups under the rule. Shape: groups. Finite. A group that nobody kept weighs 0. */
export const groupWeights = (
  rule: VoteRule,
  ballots: ReadonlyArray<Ballot>,
  groups: number
): ReadonlyArray<GroupWeight> => {
  const weights = ballotWeights(rule, ballots)
  const own = Array.from({ length: groups }, (): Array<number> => [])
  const verified = Array.from({ length: groups }, (): Array<number> => [])
  for (const [i, ballot] of ballots.entries()) {
    const weight = weights[i]
    if (weight == null) continue
    own[ballot.group]?.push(weight)
    verified[ballot.group]?.push(within(ballot.verified, 0, 1))
  }
  return own.map((list, group) => {
    if (list.length === 0) return { kept: 0, weight: 0 }
    if (rule._tag === "BestOfN") return { kept: list.length, weight: Math.max(...list) }
    const total = sum(list)
    const share = rule._tag === "VerifierWeighted" ? rule.lambda * (meanOfKnown(verified[group] ?? []) ?? 0) : 0
    return { kept: list.length, weight: total * (1 + share) }
  })
}
