// Which groups may train: freshness, size, spread, refilling.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  addGenerationBatch,
  fractionRewardZeroStd,
  isConstant,
  isFresh,
  isViable,
  keepForDynamicSampling,
  minimumViableSize,
  outcomesDiffer,
  startDynamicSampling
} from "../../src/domain/GroupFilters.ts"

const runs = { arbitrary: { seed: 2026, runs: 300 } }
const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

describe("group filters", () => {
  it("keep samples that are no older than allowed, and none whose age is not a number", () => {
    assert.isTrue(isFresh(10, 6, 4))
    assert.isFalse(isFresh(10, 5, 4))
    assert.isFalse(isFresh(Number.NaN, 5, 4))
  })

  it.prop(
    "use a partly failed group from three quarters of its size on",
    [whole(64), whole(64)],
    ([size, successes]) => {
      assert.strictEqual(isViable(size, successes), successes > 0 && 4 * successes >= 3 * size)
      assert.isAtMost(minimumViableSize(size), size)
    },
    runs
  )

  it("take a share for the decimal that it is written as", () => {
    assert.deepStrictEqual([minimumViableSize(100, 0.55), minimumViableSize(100, 0.07)], [55, 7])
    for (let percent = 0; percent <= 100; percent++) {
      for (const size of [0, 1, 7, 64, 100, 1_000, 1_000_000, 999_999_999]) {
        assert.strictEqual(minimumViableSize(size, percent / 100), Number((BigInt(size * percent) + 99n) / 100n))
      }
    }
  })

  it("take rewards that differ by rounding only for equal, and tiny true differences for differences", () => {
    assert.isTrue(isConstant([0.1 + 0.2, 0.3]))
    assert.isTrue(isConstant([1, 1 + 6 * Number.EPSILON]))
    assert.isFalse(isConstant([1, 1 + 9 * Number.EPSILON]))
    assert.isFalse(isConstant([1e-9, 2e-9]))
    assert.isFalse(isConstant([0, Number.MIN_VALUE]))
    assert.isTrue(isConstant([]))
    assert.isTrue(isConstant([0, -0]))
    assert.isTrue(keepForDynamicSampling([-1.7e308, 1.7e308]))
  })

  it("drop a group with a reward that is not finite, without calling it constant", () => {
    for (const broken of [Number.NaN, Infinity, -Infinity]) {
      assert.isFalse(keepForDynamicSampling([1, broken]))
      assert.isFalse(isConstant([broken, broken]))
    }
  })

  it("tell the share of constant groups", () => {
    assert.isNull(fractionRewardZeroStd([]))
    assert.strictEqual(fractionRewardZeroStd([[1, 1], [0, 1], [2], []]), 0.75)
  })

  it.prop("agree with outcomes on rewards of right and wrong", [Schema.Array(Schema.Boolean)], ([right]) => {
    assert.strictEqual(outcomesDiffer(right), keepForDynamicSampling(right.map((it) => it ? 1 : -1)))
  }, runs)

  it.prop("stop refilling at the first batch that fills or at the last allowed", [
    whole(20),
    whole(5),
    Schema.Array(whole(8)).check(Schema.isMaxLength(10))
  ], ([target, limit, batches]) => {
    const end = batches.reduce(addGenerationBatch, startDynamicSampling(target, limit))
    const used = batches.slice(0, end.batchesUsed)
    const sum = used.reduce((a, b) => a + b, 0)
    assert.strictEqual(end.kept, Math.min(sum, target))
    assert.strictEqual(end.kept + end.discardedValid, sum)
    assert.isAtMost(end.batchesUsed, limit)
    assert.strictEqual(end.status === "filled", sum >= target)
    if (end.status === "exhausted") assert.strictEqual(end.batchesUsed, limit)
    if (end.status === "sampling") assert.strictEqual(end.batchesUsed, batches.length)
    assert.isBelow(used.slice(0, -1).reduce((a, b) => a + b, 0), Math.max(target, 1))
  }, runs)

  it("count a batch of nonsense as empty", () => {
    const start = startDynamicSampling(3, null)
    assert.strictEqual(addGenerationBatch(start, Number.NaN).kept, 0)
    assert.strictEqual(addGenerationBatch(start, -4).kept, 0)
  })
})
