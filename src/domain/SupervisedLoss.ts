// The loss of supervised fine-tuning, value and gradient, in float64: cross-entropy of the target tokens, weighted per token
// (0 masks a prompt or tool token). Never throws; what cannot be computed says why.
import { CompensatedSum } from "./CompensatedSum.ts"

export interface SupervisedLoss {
  readonly _tag: "Defined"
  /** Sum of -weight * logprob, in nats: Tinker's `cross_entropy`. */
  readonly crossEntropySum: number
  /** The sum divided by the sum of the weights; null where the weights sum to 0. */
  readonly negativeLogLikelihoodMean: number | null
  /** exp of the mean; null without a mean or beyond float64. */
  readonly perplexity: number | null
  /** d crossEntropySum / d logprobs_T, which is -weights_T. Divide by `weightSum` for the gradient of the mean. */
  readonly gradient_T: Float64Array
  readonly weightSum: number
}

export interface SupervisedLossUndefined {
  readonly _tag: "Undefined"
  readonly reason: string
  /** Index of the offending token, if there is one. */
  readonly token: number | null
}

/**
 * Weighted cross-entropy. logprobs_T: log-prob of each target token, nats; weights_T: one per token, finite and >= 0.
 * A token of weight 0 is not read, whatever its log-prob. Undefined for lengths that differ, a weight that is negative or
 * not finite, a weighted log-prob that is not finite, and overflow. No token: sum 0, no mean. Linear in T.
 */
export const supervisedLoss = (
  logprobs_T: ArrayLike<number>,
  weights_T: ArrayLike<number>
): SupervisedLoss | SupervisedLossUndefined => {
  const undefinedFor = (reason: string, token: number | null): SupervisedLossUndefined => ({
    _tag: "Undefined",
    reason,
    token
  })
  if (logprobs_T.length !== weights_T.length) return undefinedFor("there must be one weight for each log-prob", null)
  const total = new CompensatedSum()
  const weightTotal = new CompensatedSum()
  const gradient_T = new Float64Array(weights_T.length)
  for (let t = 0; t < weights_T.length; t++) {
    const weight = weights_T[t] as number
    if (!(weight >= 0 && weight < Infinity)) return undefinedFor("a weight must be finite and not negative", t)
    if (weight === 0) continue
    const logprob = logprobs_T[t] as number
    if (!Number.isFinite(logprob)) return undefinedFor("a weighted log-prob must be finite", t)
    total.add(-weight * logprob)
    weightTotal.add(weight)
    gradient_T[t] = -weight
  }
  const [crossEntropySum, weightSum] = [total.total, weightTotal.total]
  if (!Number.isFinite(crossEntropySum) || !Number.isFinite(weightSum)) return undefinedFor("the sum overflows", null)
  const mean = weightSum > 0 ? crossEntropySum / weightSum : null
  const perplexity = mean === null ? null : Math.exp(mean)
  return {
    _tag: "Defined",
    crossEntropySum,
    negativeLogLikelihoodMean: mean,
    perplexity: perplexity === Infinity ? null : perplexity,
    gradient_T,
    weightSum
  }
}
