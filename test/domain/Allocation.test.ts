// Rounding to exact sums.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allocate } from "../../src/domain/Allocation.ts"

describe("allocate", () => {
  const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
  const others = Schema.Array(whole(100)).check(Schema.isMaxLength(5))

  it.prop("sums to the total, each less than one from its quota, nothing for a share of nothing", [
    whole(100_000),
    whole(99),
    others
  ], ([total, first, rest]) => {
    const list = [first + 1, ...rest]
    const counts = allocate(total, list)
    const sum = list.reduce((a, b) => a + b, 0)
    assert.strictEqual(counts.reduce((a, b) => a + b, 0), total)
    for (const [i, share] of list.entries()) {
      assert.isBelow(Math.abs((counts[i] ?? 0) - (total * share) / sum), 1)
      if (share === 0) assert.strictEqual(counts[i], 0)
    }
  }, { arbitrary: { seed: 2026, runs: 500 } })

  it("gives what is left by the largest remainder or by the largest share", () => {
    // Quotas 6.6, 2.75, 1.65.
    assert.deepStrictEqual(allocate(11, [60, 25, 15]), [6, 3, 2])
    assert.deepStrictEqual(allocate(11, [60, 25, 15], "largest-share"), [7, 3, 1])
    assert.deepStrictEqual(allocate(101, [34, 33, 33], "largest-share"), [35, 33, 33])
    assert.deepStrictEqual(allocate(100, [0.9, 0.05, 0.05]), [90, 5, 5])
    assert.deepStrictEqual(allocate(3, [0.1, 0.1, 0.1]), [1, 1, 1])
  })
})
