// Exact probabilities of counts by recurrences outwards from the mode, then normalised: no logarithm of a factorial is taken, so
// the relative error stays near the number of terms times 2^-53.
import { CompensatedSum } from "../CompensatedSum.ts"
import { finite, whole } from "./Range.ts"

/** The largest number of trials of `binomialTail`; about a million steps there. */
export const trialsMaximum = 1_000_000_000

/** Weights below this, the mode's being 1, are nothing. It is far above where numbers lose digits and a product stops to shrink. */
const negligible = 1e-290

/**
 * P(X >= least) for X ~ Binomial(trials, p). trials: 0..10^9; p in [0, 1]; least: any whole number. In [0, 1]; 1 when
 * least <= 0, 0 when least > trials. O(sqrt(trials)) steps. RangeError outside of these.
 */
export const binomialTail = (trials: number, p: number, least: number): number => {
  whole("trials", trials, 0, trialsMaximum)
  finite("p", p, 0, 1)
  whole("least", least, Number.MIN_SAFE_INTEGER)
  if (least <= 0) return 1
  if (least > trials || p === 0) return 0
  if (p === 1) return 1
  const mode = Math.min(trials, Math.floor((trials + 1) * p))
  const odds = p / (1 - p)
  const all = new CompensatedSum()
  const tail = new CompensatedSum()
  const count = (j: number, weight: number) => {
    all.add(weight)
    if (j >= least) tail.add(weight)
  }
  for (let j = mode, weight = 1; weight > negligible; j++) {
    count(j, weight)
    weight *= ((trials - j) / (j + 1)) * odds
  }
  for (let j = mode, weight = 1; j > 0;) {
    weight *= j / (trials - j + 1) / odds
    if (weight < negligible) break
    j--
    count(j, weight)
  }
  return Math.min(1, tail.total / all.total)
}

/**
 * P(X = j) for j = 0..draws, where X counts the marked among `draws` taken from `pool` without replacement, `marked` of
 * them marked: the hypergeometric distribution. Shape: draws + 1. 0 <= marked, draws <= pool and draws <= 10^7; RangeError otherwise.
 */
export const hypergeometric = (pool: number, marked: number, draws: number): Float64Array => {
  whole("pool", pool, 0)
  whole("marked", marked, 0, pool)
  whole("draws", draws, 0, Math.min(pool, 10_000_000))
  const chances = new Float64Array(draws + 1)
  const least = Math.max(0, draws - (pool - marked))
  const most = Math.min(draws, marked)
  const mode = Math.min(most, Math.max(least, Math.floor(((draws + 1) * (marked + 1)) / (pool + 2))))
  const up = (j: number) => ((marked - j) / (j + 1)) * ((draws - j) / (pool - marked - draws + j + 1))
  chances[mode] = 1
  for (let j = mode; j < most; j++) chances[j + 1] = (chances[j] as number) * up(j)
  for (let j = mode; j > least; j--) chances[j - 1] = (chances[j] as number) / up(j - 1)
  const all = new CompensatedSum()
  for (const chance of chances) all.add(chance)
  for (let j = least; j <= most; j++) chances[j] = (chances[j] as number) / all.total
  return chances
}

/**
 * P(B > 1/2) for B ~ Beta(leader + 1, runnerUp + 1): how sure one may be that the leader of two answers is the more frequent
 * one, from a flat prior. Both counts whole, at least 0. Exact up to rounding of the last step while leader + runnerUp <= 50.
 * Adaptive-Consistency: Aggarwal et al. 2023, arXiv:2305.11860, section 3.
 */
export const betaAboveHalf = (leader: number, runnerUp: number): number => {
  const trials = whole("leader", leader, 0) + whole("runnerUp", runnerUp, 0) + 1
  if (trials > 1000) return binomialTail(trials, 0.5, runnerUp + 1)
  // P(Bin(trials, 1/2) > runnerUp), by whole numbers over 2^trials: the smaller tail is summed.
  const smaller = Math.min(leader, runnerUp)
  let choose = 1
  let sum = 0
  for (let j = 0; j <= smaller; j++) {
    sum += choose
    choose = (choose * (trials - j)) / (j + 1)
  }
  const tail = sum * 2 ** -trials
  return leader >= runnerUp ? 1 - tail : tail
}
