// The policy-gradient losses of the field in float64, value and gradient: an objective, an aggregation and what is added to
// them, all data. A reference for trainers to be tested against: it favours exactness over speed, never throws, never
// returns NaN. policyLoss({ objective: { _tag: "Clipped", epsilonLow: 0.2, epsilonHigh: 0.28 }, aggregation: { _tag: "TokenMean" } },
// sequences) is DAPO's.
import { Schema } from "effect"
import { CompensatedSum, compensatedSum } from "./CompensatedSum.ts"
import { klDerivative, klEstimate, KlEstimator } from "./KlEstimators.ts"
import { Aggregation, tokenWeights } from "./PolicyLoss/Aggregation.ts"
import { type PolicyMetrics, policyMetrics } from "./PolicyLoss/Metrics.ts"
import { clipRange, isSequenceObjective, Objective, sequenceTerm, tokenTerm } from "./PolicyLoss/Objective.ts"
import { SamplerCorrection, samplerFactor } from "./PolicyLoss/SamplerCorrection.ts"
import {
  activeTokens,
  advantageAt,
  checkSequences,
  isActive,
  logRatioAt,
  type OptionalRow,
  type TokenSequence,
  type Undefined,
  undefinedFor
} from "./PolicyLoss/TokenSequence.ts"

/** A loss as a recipe states it. */
export const PolicyLossOptions = Schema.Struct({
  objective: Objective,
  aggregation: Aggregation,
  /** Adds coefficient * estimate of KL(new || reference) to each token's term, inside of the aggregation. */
  kl: Schema.optionalKey(Schema.Struct({
    estimator: KlEstimator,
    coefficient: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e6 }))
  })),
  /** Multiplies each token's term (not its KL). */
  samplerCorrection: Schema.optionalKey(SamplerCorrection)
})
export type PolicyLossOptions = typeof PolicyLossOptions.Type

export interface PolicyLoss {
  readonly _tag: "Defined"
  /** To be minimised. */
  readonly loss: number
  /** d loss / d logprobsNew, one row per sequence; 0 for masked tokens. */
  readonly gradient_N_T: ReadonlyArray<Float64Array>
  /** Mean term of each sequence's active tokens, KL included, before the aggregation; 0 without any. */
  readonly terms_N: Float64Array
  readonly metrics: PolicyMetrics
}

/** Term and derivative of every active token, corrected for the sampler. Masked tokens stay 0. */
const objectiveTerms = ({ objective, samplerCorrection }: PolicyLossOptions, sequence: TokenSequence) => {
  const { logprobsNew_T, logprobsOld_T, logprobsSampler_T } = sequence
  const length = logprobsNew_T.length
  const values_T = new Float64Array(length)
  const derivatives_T = new Float64Array(length)
  const factorAt = (t: number): number =>
    samplerCorrection === undefined || logprobsSampler_T === undefined
      ? 1
      : samplerFactor(samplerCorrection, logprobsOld_T[t] as number, logprobsSampler_T[t] as number)
  const active: Array<number> = []
  for (let t = 0; t < length; t++) if (isActive(sequence, t)) active.push(t)
  if (!isSequenceObjective(objective)) {
    for (const t of active) {
      const factor = factorAt(t)
      const term = tokenTerm(
        objective,
        logprobsNew_T[t] as number,
        logprobsOld_T[t] as number,
        advantageAt(sequence, t)
      )
      values_T[t] = factor * term.value
      derivatives_T[t] = factor * term.derivative
    }
  } else if (active.length > 0) {
    const mean = (values: ReadonlyArray<number>) => compensatedSum(values) / values.length
    const logRatios_T = active.map((t) => logRatioAt(sequence, t))
    const term = sequenceTerm(objective, logRatios_T, advantageAt(sequence, 0), mean)
    const factorMean = mean(active.map(factorAt))
    for (const t of active) {
      values_T[t] = factorAt(t) * term.value
      // Every token's term depends on this token through the mean: n terms, each with a share of 1 / n.
      derivatives_T[t] = term.isFree(logRatioAt(sequence, t)) ? factorMean * term.derivative : 0
    }
  }
  return { values_T, derivatives_T }
}

/**
 * The loss of a batch of N sequences, its gradient by the trained log-probs, and metrics. Formulas: `Objective`,
 * `Aggregation`, `KlEstimator`, `SamplerCorrection`. A batch without active tokens has loss 0 and gradient 0.
 * `Undefined`, with the first offending place, for what `checkSequences` refuses, for advantages per token with an objective
 * per sequence, and for overflow. Linear in the number of tokens.
 */
export const policyLoss = (
  options: PolicyLossOptions,
  sequences: ReadonlyArray<TokenSequence>
): PolicyLoss | Undefined => {
  const { aggregation, kl, objective, samplerCorrection } = options
  const needed: ReadonlyArray<OptionalRow> = [
    ...(kl === undefined ? [] : ["logprobsReference_T" as const]),
    ...(samplerCorrection === undefined ? [] : ["logprobsSampler_T" as const])
  ]
  const wrong = checkSequences(sequences, needed)
  if (wrong !== null) return wrong
  const perToken = isSequenceObjective(objective)
    ? sequences.findIndex(({ advantage }) => typeof advantage !== "number")
    : -1
  if (perToken >= 0) return undefinedFor(`${objective._tag} needs one advantage for the sequence`, perToken)

  const activeTokens_N = sequences.map(activeTokens)
  const weights_N = tokenWeights(aggregation, activeTokens_N)
  const total = new CompensatedSum()
  const terms_N = new Float64Array(sequences.length)
  const gradient_N_T: Array<Float64Array> = []
  for (const [i, sequence] of sequences.entries()) {
    const { derivatives_T, values_T } = objectiveTerms(options, sequence)
    const weight = weights_N[i] as number
    const sum = new CompensatedSum()
    for (let t = 0; t < values_T.length; t++) {
      if (!isActive(sequence, t)) continue
      let [value, derivative] = [values_T[t] as number, derivatives_T[t] as number]
      if (kl !== undefined && sequence.logprobsReference_T !== undefined) {
        const [logprob, reference] = [sequence.logprobsNew_T[t] as number, sequence.logprobsReference_T[t] as number]
        value += kl.coefficient * klEstimate(kl.estimator, logprob, reference)
        derivative += kl.coefficient * klDerivative(kl.estimator, logprob, reference)
      }
      if (!Number.isFinite(value) || !Number.isFinite(derivative)) return undefinedFor("the term overflows", i, t)
      sum.add(value)
      total.add(weight * value)
      derivatives_T[t] = weight * derivative + 0 // never -0
    }
    if (!Number.isFinite(sum.total)) return undefinedFor("the sum of the terms overflows", i)
    terms_N[i] = sum.total / Math.max(1, activeTokens_N[i] as number)
    gradient_N_T.push(derivatives_T)
  }
  const loss = total.total + 0
  if (!Number.isFinite(loss)) return undefinedFor("the sum of the terms overflows")
  return { _tag: "Defined", loss, gradient_N_T, terms_N, metrics: policyMetrics(sequences, clipRange(objective)) }
}
