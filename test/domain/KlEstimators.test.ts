// The laws of the estimators of KL.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { klDerivative, klEstimate, KlEstimator } from "../../src/domain/KlEstimators.ts"

const runs = { arbitrary: { seed: 2026, runs: 500 } }
const logprob = Schema.Finite.check(Schema.isBetween({ minimum: -12, maximum: 0 }))

describe("KL estimators", () => {
  it.prop(
    "are 0 for equal policies, and never negative but for k1",
    [KlEstimator, logprob, logprob],
    ([name, p, q]) => {
      assert.strictEqual(klEstimate(name, p, p), 0)
      if (name !== "k1") assert.isAtLeast(klEstimate(name, p, q), 0)
    },
    runs
  )

  it.prop("have the derivative that differences show", [KlEstimator, logprob, logprob], ([name, p, q]) => {
    const h = 1e-5
    if (name === "abs" && Math.abs(p - q) < 2 * h) return
    if (name === "k3Clamped" && klEstimate("k3", p, q) > 9.99 && klEstimate("k3", p, q) < 10.01) return
    const slope = (klEstimate(name, p + h, q) - klEstimate(name, p - h, q)) / (2 * h)
    const exact = klDerivative(name, p, q)
    assert.isAtMost(Math.abs(slope - exact), 1e-6 * Math.max(1, Math.abs(exact)))
  }, runs)

  it("keep the digits of k3 near equality, across the seam of its two forms", () => {
    const slow = (d: number) => {
      let [sum, term] = [0, d]
      for (let n = 2; n < 40; n++) {
        term *= d / n
        sum += term
      }
      return sum
    }
    for (const d of [1e-12, -1e-9, 1e-4, 0.0299999, 0.0300001, -0.0299999, -0.0300001, 0.5]) {
      assert.isAtMost(Math.abs(klEstimate("k3", 0, d) / slow(d) - 1), 1e-13, `${d}`)
    }
  })

  it("average to the same KL over all tokens of a small vocabulary", () => {
    const [pi, ref] = [[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]]
    const mean = (name: KlEstimator) =>
      pi.reduce((sum, p, i) => sum + p * klEstimate(name, Math.log(p), Math.log(ref[i] ?? 1)), 0)
    const exact = 0.7 * Math.log(0.7 / 0.5) + 0.2 * Math.log(0.2 / 0.25) + 0.1 * Math.log(0.1 / 0.25)
    assert.closeTo(mean("k1"), exact, 1e-15)
    assert.closeTo(mean("k3"), exact, 1e-15)
  })

  it("hold the clamped one within its bounds, with no slope beyond", () => {
    assert.strictEqual(klEstimate("k3Clamped", -800, 0), 10)
    assert.strictEqual(klDerivative("k3Clamped", -800, 0), 0)
    assert.strictEqual(klEstimate("k3", -800, 0), Infinity)
  })
})
