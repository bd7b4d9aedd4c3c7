// The spread of scores between runs and between attempts.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { RunStatistics, standardDeviation } from "../../../src/domain/Statistics/RunStatistics.ts"

const score = Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 3 }))
const matrix = Schema.Array(Schema.Tuple([score, score, score, score])).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(12)
)

describe("run statistics", () => {
  it.prop("are those of two passes over the matrix", [matrix], ([rows]) => {
    const statistics = new RunStatistics(4)
    for (const row of rows) statistics.add(row)
    for (const k of [2, 3, 4]) {
      const mean = (list: ReadonlyArray<number>) => list.reduce((a, b) => a + b, 0) / list.length
      const means = Array.from({ length: k }, (_, run) => mean(rows.map((row) => row[run] ?? 0)))
      const spread = statistics.at(k)
      assert.approximately(spread?.mean ?? 9, mean(means), 1e-12)
      assert.approximately(spread?.acrossRuns ?? 9, standardDeviation(means), 1e-12)
      assert.approximately(spread?.standardError ?? 9, standardDeviation(means) / Math.sqrt(k), 1e-12)
      const within = mean(rows.map((row) => standardDeviation(row.slice(0, k))))
      assert.approximately(spread?.withinProblem ?? 9, within, 1e-12)
    }
  }, { arbitrary: { seed: 2026, runs: 100 } })

  it("stay exact far from zero", () => {
    const statistics = new RunStatistics(2)
    statistics.add([1e9, 1e9 + 1])
    assert.approximately(statistics.at(2)?.withinProblem ?? 0, Math.SQRT1_2, 1e-9)
  })

  it("are null of nothing and refuse rows of another length", () => {
    assert.strictEqual(new RunStatistics(3).at(2), null)
    assert.throws(() => new RunStatistics(3).add([1, 2]), RangeError)
    assert.throws(() => new RunStatistics(3).add([1, 2, Number.NaN]), RangeError)
    assert.throws(() => new RunStatistics(3).at(4), RangeError)
    assert.strictEqual(standardDeviation([5]), 0)
  })
})
