// The statistics of sampled answers, against counting by hand over all subsets.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  bestOfK,
  effectiveSampleSize,
  expectedMaximumAtK,
  intraclassCorrelation,
  passAtK,
  twoRunMoments,
  twoRunScore,
  wilsonInterval
} from "../../src/domain/Statistics.ts"

const runs = { arbitrary: { seed: 2026, runs: 200 } }
const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Mean of `value` over all subsets of size k of 0..n-1. */
const overSubsets = (n: number, k: number, value: (subset: ReadonlyArray<number>) => number): number => {
  let sum = 0
  let count = 0
  for (let bits = 0; bits < 1 << n; bits++) {
    const subset = Array.from({ length: n }, (_, i) => i).filter((i) => (bits >> i) & 1)
    if (subset.length !== k) continue
    sum += value(subset)
    count++
  }
  return sum / count
}

describe("pass@k", () => {
  it.prop("is the share of subsets that hold a right sample", [from(1, 9), from(0, 9), from(1, 9)], ([n, c, k]) => {
    const right = Math.min(c, n)
    const size = Math.min(k, n)
    const counted = overSubsets(n, size, (subset) => subset.some((i) => i < right) ? 1 : 0)
    assert.approximately(passAtK(n, right, size), counted, 1e-12)
  }, runs)

  it.prop("grows with k and with the right ones", [from(2, 10_000), from(0, 9999), from(1, 9999)], ([n, c, k]) => {
    const right = Math.min(c, n - 1)
    const size = Math.min(k, n - 1)
    assert.isAtMost(passAtK(n, right, size), passAtK(n, right, size + 1) + 1e-15)
    assert.isAtMost(passAtK(n, right, size), passAtK(n, right + 1, size) + 1e-15)
  }, runs)

  it("is stable where binomial coefficients overflow and where it is tiny", () => {
    assert.approximately(passAtK(1_000_000, 1, 500_000), 0.5, 1e-12)
    assert.approximately(passAtK(1_000_000_000_000, 1, 1) * 1e12, 1, 1e-12)
    assert.strictEqual(passAtK(1_000_000, 1_000_000, 1), 1)
    assert.strictEqual(passAtK(1_000_000_000_000, 500_000_000_000, 500_000_000_000), 1)
    assert.strictEqual(passAtK(1_000_000_000_000, 6_400_000, 6_400_000), 1)
    assert.strictEqual(passAtK(1_000_000, 0, 1_000_000), 0)
  })

  it("refuses counts that cannot be", () => {
    for (const [n, c, k] of [[0, 0, 1], [4, 5, 1], [4, 2, 5], [4, 2, 0], [4, -1, 1], [4, Number.NaN, 1], [4, 1.5, 1]]) {
      assert.throws(() => passAtK(n as number, c as number, k as number), RangeError)
    }
  })
})

describe("best of k", () => {
  const values = Schema.Array(from(-5, 5)).check(Schema.isMinLength(1), Schema.isMaxLength(8))
  it.prop("is the mean over subsets of the value at the best rank", [values, from(1, 8)], ([ranked, k]) => {
    const size = Math.min(k, ranked.length)
    const counted = overSubsets(ranked.length, size, (subset) => ranked[subset[0] ?? 0] ?? 0)
    assert.approximately(bestOfK(ranked, size), counted, 1e-12)
  }, runs)

  it.prop("with scores 0 and 1 is pass@k", [
    Schema.Array(from(0, 1)).check(Schema.isMinLength(1), Schema.isMaxLength(64)),
    from(1, 64)
  ], ([
    scores,
    k
  ]) => {
    const size = Math.min(k, scores.length)
    const right = scores.filter((score) => score === 1).length
    assert.approximately(expectedMaximumAtK(scores, size), passAtK(scores.length, right, size), 1e-12)
  }, runs)

  it("is the mean for k = 1 and the best for k = n, for a million values too", () => {
    const many = Array.from({ length: 1_000_000 }, (_, i) => i % 7)
    assert.approximately(bestOfK(many, 1), many.reduce((a, b) => a + b, 0) / many.length, 1e-9)
    assert.strictEqual(expectedMaximumAtK([3, 9, 4], 3), 9)
    assert.throws(() => bestOfK([], 1), RangeError)
    assert.throws(() => bestOfK([Number.NaN], 1), RangeError)
  })
})

describe("Wilson's interval", () => {
  it.prop("holds the proportion, lies in [0, 1] and mirrors", [from(0, 1000), from(0, 1000)], ([k, n]) => {
    const successes = Math.min(k, n)
    const { high, low } = wilsonInterval(successes, n)
    assert.isTrue(0 <= low && low <= high && high <= 1)
    if (n > 0) assert.isTrue(low <= successes / n && successes / n <= high)
    const mirrored = wilsonInterval(n - successes, n)
    assert.approximately(mirrored.low, 1 - high, 1e-12)
  }, runs)

  it("is everything without a trial and touches the ends", () => {
    assert.deepStrictEqual(wilsonInterval(0, 0), { low: 0, high: 1 })
    assert.strictEqual(wilsonInterval(0, 50).low, 0)
    assert.strictEqual(wilsonInterval(50, 50).high, 1)
  })
})

describe("votes that are not independent", () => {
  it("weigh between one and all", () => {
    assert.approximately(effectiveSampleSize(8, 0.3), 2.5806451612903225, 1e-15)
    assert.strictEqual(effectiveSampleSize(8, 1), 1)
    assert.strictEqual(effectiveSampleSize(8, 0), 8)
  })

  it("have the correlation that the analysis of variance tells", () => {
    assert.strictEqual(intraclassCorrelation([[1, 1, 1], [0, 0, 0]]), 1)
    assert.approximately(intraclassCorrelation([[1, 0], [1, 0]]) ?? 0, -1, 1e-12)
    // By hand: MSB = 1, MSW = 2/6; (1 - 1/3) / (1 + 1/3).
    assert.approximately(intraclassCorrelation([[1, 1], [0, 0], [1, 0], [1, 0]].slice(0, 2)) ?? 0, 1, 1e-12)
    assert.strictEqual(intraclassCorrelation([[1, 1], [1, 1]]), null)
    assert.strictEqual(intraclassCorrelation([[1, 0]]), null)
    assert.strictEqual(intraclassCorrelation([]), null)
    assert.strictEqual(intraclassCorrelation([[1], [0]]), null)
    assert.throws(() => intraclassCorrelation([[1, 0], [1]]), RangeError)
  })
})

describe("two runs", () => {
  it.prop("score what their mean scores", [Schema.Array(Schema.Tuple([from(0, 1), from(0, 1)]))], ([pairs]) => {
    const first = pairs.map(([a]) => a)
    const second = pairs.map(([, b]) => b)
    const sum = (list: ReadonlyArray<number>) => list.reduce((a, b) => a + b, 0)
    assert.strictEqual(twoRunScore(first, second), (sum(first) + sum(second)) / 2)
  }, runs)

  it("halve the variance of one run when they are independent", () => {
    // Four outcomes of one problem with chance p, by hand.
    const p = 0.3
    const outcomes = [[1, p * p], [0.5, 2 * p * (1 - p)], [0, (1 - p) ** 2]] as const
    const mean = outcomes.reduce((sum, [score, chance]) => sum + score * chance, 0)
    const variance = outcomes.reduce((sum, [score, chance]) => sum + chance * (score - mean) ** 2, 0)
    const moments = twoRunMoments([p])
    assert.approximately(moments.mean, mean, 1e-15)
    assert.approximately(moments.varianceIndependent, variance, 1e-15)
    assert.approximately(moments.varianceIdentical, p * (1 - p), 1e-15)
    assert.deepStrictEqual(twoRunMoments([]), { mean: 0, varianceIndependent: 0, varianceIdentical: 0 })
  })
})
