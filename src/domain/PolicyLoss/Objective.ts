// What one token (or one sequence) contributes to a policy-gradient loss, value and derivative, for every objective the field
// uses. An objective is data: a tag and its parameters. The minimised quantity; w = exp(new - old) is the ratio, A the advantage.
import { Schema } from "effect"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const positive = Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1e6))

/**
 * - `ImportanceSampling`: -w A. Tinker `importance_sampling`; with old = new it is REINFORCE.
 * - `Reinforce`: -A new, no ratio. Williams 1992; GPG (arXiv:2504.02546).
 * - `Clipped`: -min(w A, clip(w, 1 - epsilonLow, 1 + epsilonHigh) A). PPO (arXiv:1707.06347) .2/.2; DAPO (arXiv:2503.14476)
 *   .2/.28; also GRPO and Dr. GRPO, which differ in advantage and aggregation. `ratioDelta`: the unclipped branch uses
 *   min(w, ratioDelta), which bounds A < 0 (two-sided clipping, INTELLECT-2, arXiv:2505.07291; usually 4). `dualClip`: for
 *   A < 0 the term is at most -dualClip A (arXiv:1912.09729; usually 3).
 * - `RatioCapped`: -min(w, ratioMax) A; no gradient once capped.
 * - `Cispo`: -sg(clip(w, ratioMin, ratioMax)) A new, gradient through `new` only. MiniMax-M1 (arXiv:2506.13585); ScaleRL
 *   (arXiv:2510.13786) caps above only (ratioMin 0, ratioMax about 5).
 * - `Sapo`: -A (4 / tau) sigmoid(tau (w - 1)), tau = tauPositive for A > 0, else tauNegative. arXiv:2511.20347; 1 / 1.05.
 * - `Dro`: -(new A - beta / 2 (new - old)^2). Tinker `dro`; arXiv:2405.19107; beta .05.
 * - `Gspo`: the clipped objective with one ratio per sequence, s = exp(mean over active tokens of new - old). arXiv:2507.18071;
 *   epsilons about 3e-4 / 4e-4. With `SequenceMeanOfTokenSums` it is LUSPO.
 * - `Gmpo`: -A exp(mean of clipped (new - old)), clipped at +logClipHigh for A > 0 and at -logClipLow for A < 0, each from the
 *   side that would gain only. arXiv:2507.20673; .4 / .4.
 *
 * Where a clip is exactly met the derivative is that of the unclipped branch.
 */
export const Objective = Schema.Union([
  Schema.TaggedStruct("ImportanceSampling", {}),
  Schema.TaggedStruct("Reinforce", {}),
  Schema.TaggedStruct("Clipped", {
    epsilonLow: between(0, 1),
    epsilonHigh: between(0, 1e6),
    ratioDelta: Schema.optionalKey(positive),
    dualClip: Schema.optionalKey(between(1, 1e6))
  }),
  Schema.TaggedStruct("RatioCapped", { ratioMax: positive }),
  Schema.TaggedStruct("Cispo", { ratioMin: between(0, 1e6), ratioMax: positive }),
  Schema.TaggedStruct("Sapo", { tauPositive: positive, tauNegative: positive }),
  Schema.TaggedStruct("Dro", { beta: between(0, 1e6) }),
  Schema.TaggedStruct("Gspo", { epsilonLow: between(0, 1), epsilonHigh: between(0, 1e6) }),
  Schema.TaggedStruct("Gmpo", { logClipLow: between(0, 1e6), logClipHigh: between(0, 1e6) })
]).pipe(Schema.toTaggedUnion("_tag"))
export type Objective = typeof Objective.Type

export type SequenceObjective = Extract<Objective, { _tag: "Gspo" | "Gmpo" }>
export type TokenObjective = Exclude<Objective, SequenceObjective>

/** Objectives with one value per sequence; they need one advantage per sequence. */
export const isSequenceObjective: (objective: Objective) => objective is SequenceObjective = Objective.isAnyOf([
  "Gspo",
  "Gmpo"
])

/** A value and its derivative by `new`, the log-prob under the policy that is trained. */
export interface Term {
  readonly value: number
  readonly derivative: number
}

const fixed = (value: number): Term => ({ value, derivative: 0 })

/** The larger of two terms to be minimised; the first where they are equal. */
const larger = (first: Term, second: Term): Term => second.value > first.value ? second : first

const clamp = (value: number, least: number, largest: number): number => Math.min(largest, Math.max(least, value))

const clipped = (
  { dualClip, epsilonHigh, epsilonLow, ratioDelta }: Omit<Extract<Objective, { _tag: "Clipped" }>, "_tag">,
  ratio: number,
  advantage: number
): Term => {
  const capped = ratioDelta !== undefined && ratio > ratioDelta
  const plain = { value: -ratio * advantage, derivative: -ratio * advantage }
  const free = capped ? fixed(-ratioDelta * advantage) : plain
  const inRange = clamp(ratio, 1 - epsilonLow, 1 + epsilonHigh)
  // Within the range the clipped branch is the ratio itself; it decides there where `ratioDelta` lies below the upper clip.
  const term = larger(free, inRange === ratio ? plain : fixed(-inRange * advantage))
  const bound = dualClip !== undefined && advantage < 0 ? -dualClip * advantage : Infinity
  return term.value > bound ? fixed(bound) : term
}

/** 1 / (1 + e^-x), without overflow. */
const sigmoid = (x: number): number => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))

/** The term of one token. Finite log-probs and advantage; the result may overflow, which the caller checks. */
export const tokenTerm = (
  objective: TokenObjective,
  logprobNew: number,
  logprobOld: number,
  advantage: number
): Term => {
  const logRatio = logprobNew - logprobOld
  switch (objective._tag) {
    case "ImportanceSampling": {
      const value = -Math.exp(logRatio) * advantage
      return { value, derivative: value }
    }
    case "Reinforce":
      return { value: -advantage * logprobNew, derivative: -advantage }
    case "Clipped":
      return clipped(objective, Math.exp(logRatio), advantage)
    case "RatioCapped": {
      const ratio = Math.exp(logRatio)
      return ratio > objective.ratioMax
        ? fixed(-objective.ratioMax * advantage)
        : { value: -ratio * advantage, derivative: -ratio * advantage }
    }
    case "Cispo": {
      const weight = clamp(Math.exp(logRatio), objective.ratioMin, objective.ratioMax)
      return { value: -weight * advantage * logprobNew, derivative: -weight * advantage }
    }
    case "Sapo": {
      const tau = advantage > 0 ? objective.tauPositive : objective.tauNegative
      const ratio = Math.exp(logRatio)
      const gate = sigmoid(tau * (ratio - 1))
      const steepness = 4 * gate * (1 - gate)
      return {
        value: -advantage * (4 / tau) * gate,
        derivative: steepness === 0 ? 0 : -advantage * steepness * ratio
      }
    }
    case "Dro":
      return {
        value: -(logprobNew * advantage - objective.beta / 2 * logRatio * logRatio),
        derivative: -(advantage - objective.beta * logRatio)
      }
  }
}

export interface SequenceTerm {
  readonly value: number
  /** Derivative by the mean of the (clipped) log-ratios; a token's share of it is 1 / (active tokens). */
  readonly derivative: number
  /** Whether a token's log-ratio takes part in the derivative. */
  readonly isFree: (logRatio: number) => boolean
}

/**
 * The term of one sequence from the log-ratios of its active tokens (at least one).
 * The derivative by one token's `new` is derivative / (active tokens) where `isFree`, else 0.
 */
export const sequenceTerm = (
  objective: SequenceObjective,
  logRatios_T: ReadonlyArray<number>,
  advantage: number,
  mean: (values_T: ReadonlyArray<number>) => number
): SequenceTerm => {
  switch (objective._tag) {
    case "Gspo":
      return { ...clipped(objective, Math.exp(mean(logRatios_T)), advantage), isFree: () => true }
    case "Gmpo": {
      const [least, largest] = advantage > 0
        ? [-Infinity, objective.logClipHigh]
        : advantage < 0
        ? [-objective.logClipLow, Infinity]
        : [-Infinity, Infinity]
      const value = -advantage * Math.exp(mean(logRatios_T.map((logRatio) => clamp(logRatio, least, largest))))
      return { value, derivative: value, isFree: (logRatio) => logRatio >= least && logRatio <= largest }
    }
  }
}

/**
 * The ratios beyond which an objective holds a token back, as `low` (for A < 0) and `high` (for A > 0), and whether the
 * ratio is the token's or the sequence's. Null where nothing is clipped.
 */
export const clipRange = (
  objective: Objective
): { readonly low: number; readonly high: number; readonly level: "token" | "sequence" } | null => {
  switch (objective._tag) {
    case "Clipped":
    case "Gspo":
      return {
        low: 1 - objective.epsilonLow,
        high: 1 + objective.epsilonHigh,
        level: objective._tag === "Gspo" ? "sequence" : "token"
      }
    case "RatioCapped":
      return { low: 0, high: objective.ratioMax, level: "token" }
    case "Cispo":
      return { low: objective.ratioMin, high: objective.ratioMax, level: "token" }
    case "Gmpo":
      return { low: Math.exp(-objective.logClipLow), high: Math.exp(objective.logClipHigh), level: "token" }
    case "ImportanceSampling":
    case "Reinforce":
    case "Sapo":
    case "Dro":
      return null
  }
}
