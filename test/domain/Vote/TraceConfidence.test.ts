// The confidence of traces: fast windows against slow ones.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { tokenConfidences, traceConfidence, windowMeans } from "../../../src/domain/Vote/TraceConfidence.ts"

const confidences = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })))
  .check(Schema.isMinLength(1), Schema.isMaxLength(60))
const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 70 }))
const mean = (list: ReadonlyArray<number>) => list.reduce((a, b) => a + b, 0) / list.length

describe("the confidence of a trace", () => {
  it.prop("has window means as counted one by one", [confidences, size], ([tenths, window]) => {
    const values = tenths.map((value) => value / 10)
    const width = Math.min(window, values.length)
    const slow = Array.from({ length: values.length - width + 1 }, (_, i) => mean(values.slice(i, i + width)))
    const fast = windowMeans(values, window)
    assert.strictEqual(fast.length, slow.length)
    for (const [i, value] of slow.entries()) assert.approximately(fast[i] ?? -1, value, 1e-12)
    const trace = traceConfidence(values, { window, tail: window })
    const lowest = slow.toSorted((a, b) => a - b)
    assert.approximately(trace?.lowestWindow ?? -1, lowest[0] ?? 0, 1e-12)
    assert.approximately(trace?.tail ?? -1, mean(values.slice(-window)), 1e-12)
    const bottom = lowest.slice(0, Math.max(1, Math.floor(lowest.length / 10)))
    assert.approximately(trace?.bottomWindows ?? -1, mean(bottom), 1e-12)
  }, { arbitrary: { seed: 2026, runs: 200 } })

  it("is null without a token and takes a million", () => {
    assert.strictEqual(traceConfidence([]), null)
    assert.strictEqual(windowMeans([], 5).length, 0)
    const many = Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 1000)
    const trace = traceConfidence(many)
    assert.approximately(trace?.mean ?? 0, 499.5, 1e-9)
    assert.isAtMost(trace?.lowestWindow ?? 1000, trace?.bottomWindows ?? 0)
    assert.isAtMost(trace?.bottomWindows ?? 1000, trace?.mean ?? 0)
  })

  it("leaves out what is not a log-probability, and tokens that have none", () => {
    assert.deepStrictEqual(tokenConfidences([[-1, -3], [], [Number.NaN, Number.NEGATIVE_INFINITY], [0, -0]]), [2, 0])
  })
})
