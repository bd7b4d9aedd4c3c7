// What a training step reports beside its loss: how far the policies are apart and how much was clipped. Means over the active
// tokens of the batch, in nats; null where there is no such token, or no reference or sampler row to compare with.
import { CompensatedSum } from "../CompensatedSum.ts"
import { klEstimate } from "../KlEstimators.ts"
import { activeTokens, advantageAt, isActive, logRatioAt, type TokenSequence } from "./TokenSequence.ts"

export interface PolicyMetrics {
  readonly activeTokens: number
  /** KL(new || reference) by its three estimators. */
  readonly referenceKlK1Mean: number | null
  readonly referenceKlK2Mean: number | null
  readonly referenceKlK3Mean: number | null
  /** Mean of old - new: verl's `ppo_kl`, Tinker's `kl_sample_train_v1`. */
  readonly policyKlK1Mean: number | null
  /** Mean of (old - new)^2 / 2: Tinker's `kl_sample_train_v2`. */
  readonly policyKlK2Mean: number | null
  /** Mean of -old: an unbiased estimate of the entropy of the policy that sampled. */
  readonly entropyEstimateMean: number | null
  readonly ratioMean: number | null
  readonly ratioMax: number | null
  /** Share of active tokens with a ratio below the range and A < 0; above it and A > 0. Null without a range. */
  readonly clipFractionLow: number | null
  readonly clipFractionHigh: number | null
  /** Mean of pi_old / pi_sampler: 1 where sampler and trainer agree. */
  readonly samplerRatioMean: number | null
}

/** Ratios that count as clipped, by token or with one ratio per sequence (the geometric mean of its tokens'). */
export interface ClipRange {
  readonly low: number
  readonly high: number
  readonly level: "token" | "sequence"
}

/** The ratio exp(mean of new - old over active tokens) of a sequence; 1 without any. */
export const sequenceRatio = (sequence: TokenSequence): number => {
  const sum = new CompensatedSum()
  for (let t = 0; t < sequence.logprobsNew_T.length; t++) if (isActive(sequence, t)) sum.add(logRatioAt(sequence, t))
  return Math.exp(sum.total / Math.max(1, activeTokens(sequence)))
}

/** Metrics of sequences that `checkSequences` passed. */
export const policyMetrics = (sequences: ReadonlyArray<TokenSequence>, range: ClipRange | null): PolicyMetrics => {
  const [k1, k2, k3, policyK1, policyK2, entropy, ratios, samplerRatios] = Array.from(
    { length: 8 },
    () => new CompensatedSum()
  ) as [
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
    CompensatedSum
  ]
  let [tokens, clippedLow, clippedHigh, ratioMax] = [0, 0, 0, 0]
  for (const sequence of sequences) {
    const { logprobsNew_T, logprobsOld_T, logprobsReference_T, logprobsSampler_T } = sequence
    const shared = range?.level === "sequence" ? sequenceRatio(sequence) : null
    for (let t = 0; t < logprobsNew_T.length; t++) {
      if (!isActive(sequence, t)) continue
      const [next, old] = [logprobsNew_T[t] as number, logprobsOld_T[t] as number]
      const ratio = Math.exp(next - old)
      tokens++
      policyK1.add(old - next)
      policyK2.add((old - next) ** 2 / 2)
      entropy.add(-old)
      ratios.add(ratio)
      ratioMax = Math.max(ratioMax, ratio)
      if (logprobsReference_T !== undefined) {
        const reference = logprobsReference_T[t] as number
        k1.add(klEstimate("k1", next, reference))
        k2.add(klEstimate("k2", next, reference))
        k3.add(klEstimate("k3", next, reference))
      }
      if (logprobsSampler_T !== undefined) samplerRatios.add(Math.exp(old - (logprobsSampler_T[t] as number)))
      if (range !== null) {
        const advantage = advantageAt(sequence, t)
        if ((shared ?? ratio) < range.low && advantage < 0) clippedLow++
        if ((shared ?? ratio) > range.high && advantage > 0) clippedHigh++
      }
    }
  }
  const mean = (sum: CompensatedSum, known = true): number | null => {
    const value = sum.total / tokens
    return known && Number.isFinite(value) ? value : null
  }
  const hasReference = sequences.every(({ logprobsReference_T }) => logprobsReference_T !== undefined)
  const hasSampler = sequences.every(({ logprobsSampler_T }) => logprobsSampler_T !== undefined)
  return {
    activeTokens: tokens,
    referenceKlK1Mean: mean(k1, hasReference),
    referenceKlK2Mean: mean(k2, hasReference),
    referenceKlK3Mean: mean(k3, hasReference),
    policyKlK1Mean: mean(policyK1),
    policyKlK2Mean: mean(policyK2),
    entropyEstimateMean: mean(entropy),
    ratioMean: mean(ratios),
    ratioMax: tokens === 0 ? null : ratioMax,
    clipFractionLow: range === null || tokens === 0 ? null : clippedLow / tokens,
    clipFractionHigh: range === null || tokens === 0 ? null : clippedHigh / tokens,
    samplerRatioMean: mean(samplerRatios, hasSampler)
  }
}
