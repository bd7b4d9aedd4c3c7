// Whether one system is better than another on the same problems. Every test here is paired by problem, because problems differ
// far more than systems do. All are deterministic: the bootstrap draws from a seeded generator.
import { compensatedSum } from "../CompensatedSum.ts"
import { mix } from "../text/Hash.ts"
import { binomialTail } from "./Binomial.ts"
import { quantile } from "./Quantile.ts"
import { allFinite, finite, whole } from "./Range.ts"

/** Draws that one bootstrap may take: pairs times resamples. */
export const bootstrapDraws = 100_000_000

/**
 * Two-sided exact p-value that two systems are equally good, from the problems that only the one or only the other solved.
 * onlyFirst, onlySecond: whole, sum at most 10^9. In [0, 1]; 1 when there is no such problem, 0 below 1e-290. McNemar 1947, exact binomial form.
 */
export const mcNemarExact = (onlyFirst: number, onlySecond: number): number => {
  const pairs = whole("onlyFirst", onlyFirst, 0) + whole("onlySecond", onlySecond, 0)
  return pairs === 0 ? 1 : Math.min(1, 2 * binomialTail(pairs, 0.5, Math.max(onlyFirst, onlySecond)))
}

const differencesOf = (first_N: ReadonlyArray<number>, second_N: ReadonlyArray<number>): Array<number> => {
  whole("scores of the second", second_N.length, first_N.length, first_N.length)
  return allFinite("difference", first_N.map((score, i) => score - (second_N[i] as number))).slice()
}

/** The sign test of first against second: problems where either was better, and the two-sided exact p-value; ties are left out. */
export const signTest = (
  first_N: ReadonlyArray<number>,
  second_N: ReadonlyArray<number>
): { readonly better: number; readonly worse: number; readonly p: number } => {
  const differences = differencesOf(first_N, second_N)
  const better = differences.filter((difference) => difference > 0).length
  const worse = differences.filter((difference) => difference < 0).length
  return { better, worse, p: mcNemarExact(better, worse) }
}

export interface Difference {
  /** Mean of first minus second, in the unit of the scores. */
  readonly mean: number
  readonly low: number
  readonly high: number
}

/**
 * Mean difference of paired scores with its normal interval mean -+ z s / sqrt(N), s with divisor N - 1. Null for fewer than two
 * pairs. Scores must be finite and of one length, RangeError otherwise.
 */
export const pairedDifference = (
  first_N: ReadonlyArray<number>,
  second_N: ReadonlyArray<number>,
  z = 1.959963984540054
): Difference & { readonly standardError: number } | null => {
  const differences = differencesOf(first_N, second_N)
  const count = differences.length
  if (count < 2) return null
  const mean = compensatedSum(differences) / count
  const variance = compensatedSum(differences.map((difference) => (difference - mean) ** 2)) / (count - 1)
  const standardError = Math.sqrt(variance / count)
  const half = finite("z", z, 0) * standardError
  return { mean, standardError, low: mean - half, high: mean + half }
}

/**
 * Percentile interval of the mean difference over `resamples` (1..10^6) draws of whole pairs with replacement, at `level` in
 * (0, 1), and the share of resamples in which the first was not better. The same seed, a whole number that counts modulo 2^32, gives
 * the same figures; all draws are one stream without a repetition (SplitMix in 32 bits), which starts elsewhere for another seed. Null
 * for no pair; RangeError above `bootstrapDraws` draws. Efron and Tibshirani 1993, chapter 13.
 */
export const pairedBootstrap = (
  first_N: ReadonlyArray<number>,
  second_N: ReadonlyArray<number>,
  options: { readonly seed: number; readonly resamples?: number; readonly level?: number }
): Difference & { readonly notBetter: number } | null => {
  const { level = 0.95, resamples = 2000, seed } = options
  const differences = Float64Array.from(differencesOf(first_N, second_N))
  const count = differences.length
  if (count === 0) return null
  whole("resamples", resamples, 1, 1_000_000)
  whole("draws", count * resamples, 1, bootstrapDraws)
  finite("level", level, 0, 1)
  const means: Array<number> = []
  let state = mix(whole("seed", seed, Number.MIN_SAFE_INTEGER) | 0)
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0
    for (let i = 0; i < count; i++) {
      state = (state + 0x9e3779b9) | 0
      sum += differences[Math.floor((mix(state) / 0x1_0000_0000) * count)] as number
    }
    means.push(sum / count)
  }
  const mean = compensatedSum(differences) / count
  return {
    mean,
    low: quantile(means, (1 - level) / 2) ?? mean,
    high: quantile(means, (1 + level) / 2) ?? mean,
    notBetter: means.filter((value) => value <= 0).length / resamples
  }
}
