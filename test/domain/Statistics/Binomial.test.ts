// Probabilities of counts, against whole-number arithmetic.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { betaAboveHalf, binomialTail, hypergeometric } from "../../../src/domain/Statistics/Binomial.ts"
import { quantile } from "../../../src/domain/Statistics/Quantile.ts"

const runs = { arbitrary: { seed: 2026, runs: 200 } }
const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const choose = (n: number, k: number): bigint => {
  let value = 1n
  for (let i = 0; i < k; i++) value = (value * BigInt(n - i)) / BigInt(i + 1)
  return k < 0 || k > n ? 0n : value
}
/** a / b as a double, for large whole numbers. */
const ratio = (a: bigint, b: bigint): number => Number((a * 10n ** 30n) / b) / 1e30

describe("the binomial tail", () => {
  it.prop("is a ratio of whole numbers at p = 1/2", [from(0, 300), from(-2, 302)], ([n, least]) => {
    let sum = 0n
    for (let j = Math.max(0, least); j <= n; j++) sum += choose(n, j)
    assert.approximately(binomialTail(n, 0.5, least), ratio(sum, 1n << BigInt(n)), 1e-13)
  }, runs)

  it.prop("and its mirror sum to one", [from(0, 5000), from(0, 1000), from(0, 5000)], ([n, permille, least]) => {
    const p = permille / 1000
    assert.approximately(binomialTail(n, p, least) + binomialTail(n, 1 - p, n - least + 1), 1, 1e-11)
  }, runs)

  it("keeps its ends and takes a billion trials", () => {
    assert.strictEqual(binomialTail(10, 0, 0), 1)
    assert.strictEqual(binomialTail(10, 0, 1), 0)
    assert.strictEqual(binomialTail(10, 1, 10), 1)
    assert.approximately(binomialTail(1_000_000_000, 0.5, 500_000_000), 0.5, 1e-4)
    assert.throws(() => binomialTail(10, Number.NaN, 1), RangeError)
    assert.throws(() => binomialTail(1.5, 0.5, 1), RangeError)
  })
})

describe("the hypergeometric distribution", () => {
  it.prop("is the ratio of choices", [from(0, 60), from(0, 60), from(0, 60)], ([pool, marked, draws]) => {
    const m = Math.min(marked, pool)
    const k = Math.min(draws, pool)
    const chances = hypergeometric(pool, m, k)
    for (const [j, chance] of chances.entries()) {
      const exact = ratio(choose(m, j) * choose(pool - m, k - j), choose(pool, k))
      assert.approximately(chance, exact, 1e-13)
    }
  }, runs)
})

describe("the Beta criterion", () => {
  it.prop("is a ratio of whole numbers", [from(0, 400), from(0, 400)], ([leader, runnerUp]) => {
    const trials = leader + runnerUp + 1
    let sum = 0n
    for (let j = 0; j <= leader; j++) sum += choose(trials, j)
    assert.approximately(betaAboveHalf(leader, runnerUp), ratio(sum, 1n << BigInt(trials)), 1e-13)
  }, runs)

  it("is exact for counts of practice, so that a threshold can be met exactly", () => {
    assert.strictEqual(betaAboveHalf(3, 0), 0.9375)
    assert.strictEqual(betaAboveHalf(4, 0), 0.96875)
    assert.strictEqual(betaAboveHalf(10, 5), 0.8949432373046875)
    assert.strictEqual(betaAboveHalf(7, 7), 0.5)
    assert.approximately(betaAboveHalf(600, 600), 0.5, 1e-12)
    assert.isAbove(betaAboveHalf(100_000, 1), 0.999999)
  })
})

describe("a quantile", () => {
  it.prop("lies between the extremes and grows with q", [
    Schema.Array(from(-50, 50)).check(Schema.isMinLength(1), Schema.isMaxLength(30)),
    from(0, 99)
  ], ([values, percent]) => {
    const here = quantile(values, percent / 100) ?? Number.NaN
    assert.isTrue(Math.min(...values) <= here && here <= (quantile(values, (percent + 1) / 100) ?? Number.NaN))
    assert.strictEqual(quantile(values, 0), Math.min(...values))
    assert.strictEqual(quantile(values, 1), Math.max(...values))
  }, runs)

  it("interpolates, meets values exactly and has none for no value", () => {
    assert.strictEqual(quantile([1, 2, 3, 4], 0.5), 2.5)
    const eleven = Array.from({ length: 11 }, (_, i) => i * 0.1)
    for (let i = 0; i <= 10; i++) assert.strictEqual(quantile(eleven, 1 - (10 - i) / 10), i * 0.1)
    assert.strictEqual(quantile([], 0.5), null)
  })
})
