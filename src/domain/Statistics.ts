// The statistics of sampled answers: unbiased pass@k and best-of-k, intervals, how much votes that are not independent weigh, and
// the two-run score of AIMO 3. Pure arithmetic in float64; arguments outside of the stated ranges are a programmer's error (RangeError).
// Majority under sampling is in Statistics/MajorityAtK.ts, tests of two systems in Statistics/PairedTests.ts, spread between
// runs in Statistics/RunStatistics.ts.
import { CompensatedSum, compensatedSum } from "./CompensatedSum.ts"
import { allFinite, finite, whole } from "./Statistics/Range.ts"

/**
 * Unbiased pass@k: 1 - C(n - c, k) / C(n, k), the chance that k of the n samples, drawn without replacement, hold one of the
 * c right ones. 1 <= n <= 10^12, 0 <= c <= n, 1 <= k <= n. In [0, 1]. At most min(c, k, sqrt(40 n)) steps; small values keep their
 * relative precision.
 * Chen et al. 2021, arXiv:2107.03374, section 2.1.
 */
export const passAtK = (n: number, c: number, k: number): number => {
  whole("n", n, 1, 1_000_000_000_000)
  whole("c", c, 0, n)
  whole("k", k, 1, n)
  if (c === 0) return 0
  if (n - c < k) return 1
  // C(n-c, k) / C(n, k) is symmetric in c and k; the shorter product is taken, as a sum of logarithms.
  const [steps, other] = c < k ? [c, k] : [k, c]
  let logMissed = 0
  for (let i = 0; i < steps && logMissed > -40; i++) logMissed += Math.log1p(-other / (n - i))
  return -Math.expm1(logMissed)
}

/**
 * Expected value at the best rank among k of the n items, drawn without replacement: sum_i v_i C(n - i, k - 1) / C(n, k).
 * ranked_N: values from the best rank to the worst, finite; 1 <= k <= n. With values = correctness and ranks by a scorer this is
 * best-of-k (tied ranks should carry their mean); with values sorted downwards it is the expected maximum.
 */
export const bestOfK = (ranked_N: ReadonlyArray<number>, k: number): number => {
  const n = allFinite("value", ranked_N).length
  whole("k", k, 1, n)
  const sum = new CompensatedSum()
  let chance = k / n
  for (let i = 0; i + k <= n; i++) {
    sum.add(chance * (ranked_N[i] as number))
    chance *= (n - i - k) / (n - i - 1)
  }
  return sum.total
}

/** Unbiased expected maximum of k of the scores: pass@k for scores other than 0 and 1. Same range and errors as `bestOfK`. */
export const expectedMaximumAtK = (scores_N: ReadonlyArray<number>, k: number): number =>
  bestOfK([...scores_N].sort((a, b) => b - a), k)

export interface Interval {
  readonly low: number
  readonly high: number
}

/** Two-sided 95 %. */
export const normalQuantile95 = 1.959963984540054

/**
 * Wilson's score interval of a proportion: `successes` of `trials`, z standard deviations wide. Inside [0, 1]; [0, 1] itself for
 * no trial; exactly 0 below no success and 1 above no failure. Wilson 1927, JASA 22.
 */
export const wilsonInterval = (successes: number, trials: number, z = normalQuantile95): Interval => {
  whole("trials", trials, 0)
  whole("successes", successes, 0, trials)
  finite("z", z, 0, 1e6)
  if (trials === 0) return { low: 0, high: 1 }
  const squared = z * z
  const middle = successes + squared / 2
  const half = z * Math.sqrt((successes * (trials - successes)) / trials + squared / 4)
  return {
    low: successes === 0 ? 0 : Math.max(0, (middle - half) / (trials + squared)),
    high: successes === trials ? 1 : Math.min(1, (middle + half) / (trials + squared))
  }
}

/**
 * How many independent votes `samples` votes with pairwise correlation `correlation` are worth: N / (1 + (N - 1) rho).
 * samples >= 1; correlation in [0, 1]. In [1, samples]. Kish's design effect; arXiv:2603.27844 for votes of one model.
 */
export const effectiveSampleSize = (samples: number, correlation: number): number =>
  whole("samples", samples, 1) / (1 + (samples - 1) * finite("correlation", correlation, 0, 1))

/**
 * The correlation of two attempts at one problem: the intraclass correlation ICC(1) of one-way analysis of variance,
 * (MSB - MSW) / (MSB + (K - 1) MSW). scores_P_K: K >= 2 attempts at each of P >= 2 problems, finite. In [-1 / (K - 1), 1];
 * below 0 by chance when attempts are independent. It holds whatever attempts share, the problem's difficulty above all.
 * Null when P or K is too small or all scores are equal. Shrout and Fleiss 1979.
 */
export const intraclassCorrelation = (scores_P_K: ReadonlyArray<ReadonlyArray<number>>): number | null => {
  const problems = scores_P_K.length
  const attempts = scores_P_K[0]?.length ?? 0
  for (const scores of scores_P_K) {
    whole("attempts", scores.length, attempts, attempts)
    allFinite("score", scores)
  }
  if (problems < 2 || attempts < 2) return null
  const means = scores_P_K.map((scores) => compensatedSum(scores) / attempts)
  const mean = compensatedSum(means) / problems
  const between = (attempts * compensatedSum(means.map((m) => (m - mean) ** 2))) / (problems - 1)
  const inside = new CompensatedSum()
  for (const [p, scores] of scores_P_K.entries()) {
    for (const score of scores) inside.add((score - (means[p] as number)) ** 2)
  }
  const within = inside.total / (problems * (attempts - 1))
  const spread = between + (attempts - 1) * within
  return spread === 0 ? null : (between - within) / spread
}

/** AIMO 3's private score of a notebook run twice: 1, 0.5 or 0 a problem. Two lists of 0 and 1 of one length. */
export const twoRunScore = (first_P: ReadonlyArray<number>, second_P: ReadonlyArray<number>): number => {
  whole("second run", second_P.length, first_P.length, first_P.length)
  let right = 0
  for (const [p, first] of first_P.entries()) {
    right += whole("first", first, 0, 1) + whole("second", second_P[p] ?? -1, 0, 1)
  }
  return right / 2
}

/**
 * Expectation and variance of the two-run score, from each problem's chance of being solved in a run (in [0, 1]; problems
 * independent): when the runs are independent (variance p (1 - p) / 2 a problem), and when the second only repeats the first
 * (p (1 - p)). All 0 for no problem.
 */
export const twoRunMoments = (
  chances_P: ReadonlyArray<number>
): { readonly mean: number; readonly varianceIndependent: number; readonly varianceIdentical: number } => {
  const variance = compensatedSum(chances_P.map((p) => finite("chance", p, 0, 1) * (1 - p)))
  return { mean: compensatedSum(chances_P), varianceIndependent: variance / 2, varianceIdentical: variance }
}
