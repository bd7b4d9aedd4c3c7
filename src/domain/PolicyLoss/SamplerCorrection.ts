// The engine that samples and the trainer that scores are different programs with different rounding: the same weights give
// different log-probs. These factors on each token's term correct for it.
import { Schema } from "effect"

const positive = Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1e6))

/**
 * With rho = pi_old (by the trainer) / pi_sampler of a token:
 *
 * - `Truncated`: min(rho, ratioMax). Truncated importance sampling, TIS (Yao et al. 2025); ratioMax about 2.
 * - `Masked`: rho inside of [ratioMin, ratioMax], 0 outside. Masked importance sampling (TRL `token_mask`, IcePop). The dropped
 *   tokens still count in the aggregation's divisor.
 */
export const SamplerCorrection = Schema.Union([
  Schema.TaggedStruct("Truncated", { ratioMax: positive }),
  Schema.TaggedStruct("Masked", {
    ratioMin: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e6 })),
    ratioMax: positive
  })
])
export type SamplerCorrection = typeof SamplerCorrection.Type

/** The factor on one token's term, a constant to the gradient. Between 0 and ratioMax. */
export const samplerFactor = (correction: SamplerCorrection, logprobOld: number, logprobSampler: number): number => {
  const ratio = Math.exp(logprobOld - logprobSampler)
  if (correction._tag === "Truncated") return Math.min(ratio, correction.ratioMax)
  return ratio >= correction.ratioMin && ratio <= correction.ratioMax ? ratio : 0
}
