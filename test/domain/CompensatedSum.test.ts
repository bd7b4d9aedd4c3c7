// Sums that do not lose digits.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { compensatedSum } from "../../src/domain/CompensatedSum.ts"

describe("a compensated sum", () => {
  it("keeps what plain addition loses", () => {
    assert.strictEqual(compensatedSum([1, 1e100, 1, -1e100]), 2)
    assert.strictEqual(compensatedSum(new Float64Array(1_000_000).fill(0.1)), 100_000)
    assert.strictEqual(compensatedSum([]), 0)
  })

  it("is not finite where an addend is not, or the sum overflows", () => {
    assert.isNaN(compensatedSum([1, Number.NaN, 1]))
    assert.strictEqual(compensatedSum([Infinity, 1]), Infinity)
    assert.strictEqual(compensatedSum([1e308, 1e308, 1]), Infinity)
  })

  it.prop("is exact on whole numbers in any order", [Schema.Array(Schema.Int)], ([values]) => {
    assert.strictEqual(compensatedSum(values), compensatedSum(values.toReversed()))
  }, { arbitrary: { seed: 2026, runs: 200 } })
})
