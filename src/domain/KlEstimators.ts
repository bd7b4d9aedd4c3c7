// Single-token estimators of KL(pi || pi_ref) from log-probs of a token sampled from pi, with derivatives. `logprob` is
// log pi, `logprobReference` is log pi_ref, both in nats. Not clamped unless the name says so: finite log-probs more than
// about 709 apart make k3 infinite, log-probs that are not finite make it NaN; callers that train check first.
// Source: Schulman, "Approximating KL divergence" (2020); k3 in GRPO is arXiv:2402.03300, equation 4.
import { Schema } from "effect"

export const KlEstimator = Schema.Literals(["k1", "abs", "k2", "k3", "k3Clamped"])
export type KlEstimator = typeof KlEstimator.Type

/** exp(d) - d - 1, at least 0, to full relative precision: near 0 the difference cancels, so its series is summed there. */
const k3Of = (d: number): number => {
  if (Math.abs(d) > 0.03) return Math.max(0, Math.expm1(d) - d)
  let series = 1
  for (let n = 9; n >= 3; n--) series = 1 + series * d / n
  return d * d / 2 * series
}

/** Bound of `k3Clamped`. verl (`low_var_kl`) also holds the log-ratio within 20, where the value is beyond this bound anyway. */
const valueBound = 10

/**
 * The estimate, in nats: k1 = p - q (unbiased, any sign), abs = |p - q|, k2 = (p - q)^2 / 2, k3 = e^(q-p) - (q-p) - 1
 * (unbiased, never negative), k3Clamped = k3 held to at most 10.
 */
export const klEstimate = (estimator: KlEstimator, logprob: number, logprobReference: number): number => {
  const d = logprob - logprobReference
  switch (estimator) {
    case "k1":
      return d
    case "abs":
      return Math.abs(d)
    case "k2":
      return d * d / 2
    case "k3":
      return k3Of(-d)
    case "k3Clamped":
      return Math.min(valueBound, k3Of(-d))
  }
}

/**
 * d klEstimate / d logprob: 1, sign(p - q) (0 at 0), p - q, 1 - e^(q-p), and for k3Clamped that or 0 beyond its bound.
 * As a loss off-policy, k3 has an unbiased value, but not the gradient of the reverse KL; multiply by pi / pi_old for that.
 */
export const klDerivative = (estimator: KlEstimator, logprob: number, logprobReference: number): number => {
  const d = logprob - logprobReference
  switch (estimator) {
    case "k1":
      return 1
    case "abs":
      return Math.sign(d) + 0
    case "k2":
      return d
    case "k3":
      return -Math.expm1(-d) + 0
    case "k3Clamped":
      return k3Of(-d) > valueBound ? 0 : -Math.expm1(-d) + 0
  }
}
