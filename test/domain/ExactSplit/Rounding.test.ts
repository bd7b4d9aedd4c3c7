// Exact sums both ways, from quotas that need not fit them.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { controlledRounding } from "../../../src/domain/ExactSplit/Rounding.ts"

const whole = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))
const quota = Schema.Literals([-2, 0, 0.05, 0.45, 0.5, 0.9, 1.3, 2.75, 6])
const rowsOf = Schema.Array(
  Schema.Struct({ count: Schema.Tuple([whole, whole, whole]), quota: Schema.Tuple([quota, quota, quota]) })
)
  .check(Schema.isMaxLength(8))
const columnSums = (table: ReadonlyArray<ReadonlyArray<number>>) =>
  [0, 1, 2].map((k) => table.reduce((sum, row) => sum + (row[k] ?? 0), 0))
const sum = (row: ReadonlyArray<number>) => row.reduce((a, b) => a + b, 0)

describe("controlledRounding", () => {
  it.prop("gives every row and column its sum, whatever the quotas", [rowsOf], ([rows]) => {
    const counts = rows.map(({ count }) => count)
    const quotas = Float64Array.from(rows.flatMap(({ quota }) => quota))
    const rounded = controlledRounding(quotas, Uint32Array.from(counts, sum), columnSums(counts))
    const table = counts.map((_, s) => [...rounded.subarray(3 * s, 3 * s + 3)])
    assert.deepStrictEqual(table.map(sum), counts.map(sum))
    assert.deepStrictEqual(columnSums(table), columnSums(counts))
  }, { arbitrary: { seed: 2026, runs: 3_000 } })

  it("leaves whole quotas that fit as they are", () => {
    const quotas = Float64Array.of(3, 1, 0, 0, 2, 5)
    assert.deepStrictEqual([...controlledRounding(quotas, Uint32Array.of(4, 7), [3, 3, 5])], [3, 1, 0, 0, 2, 5])
  })
})
