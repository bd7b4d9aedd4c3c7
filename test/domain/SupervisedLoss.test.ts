// The loss of supervised fine-tuning.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { supervisedLoss } from "../../src/domain/SupervisedLoss.ts"

const runs = { arbitrary: { seed: 2026, runs: 200 } }
const token = Schema.Struct({
  logprob: Schema.Finite.check(Schema.isBetween({ minimum: -20, maximum: 0 })),
  weight: Schema.Literals([0, 0.5, 1, 2])
})
const of = (logprobs: ReadonlyArray<number>, weights: ReadonlyArray<number>) => {
  const result = supervisedLoss(logprobs, weights)
  if (result._tag === "Undefined") throw new Error(result.reason)
  return result
}

describe("supervised loss", () => {
  it.prop("is linear: its gradient by a log-prob is minus the weight", [Schema.Array(token)], ([tokens]) => {
    const [logprobs, weights] = [tokens.map(({ logprob }) => logprob), tokens.map(({ weight }) => weight)]
    const { crossEntropySum, gradient_T, negativeLogLikelihoodMean, perplexity } = of(logprobs, weights)
    for (const t of tokens.keys()) {
      const nudged = of(logprobs.map((logprob, i) => i === t ? logprob + 0.25 : logprob), weights).crossEntropySum
      assert.closeTo((nudged - crossEntropySum) / 0.25, gradient_T[t] ?? Number.NaN, 1e-9)
    }
    if (weights.every((weight) => weight === 0)) assert.isNull(negativeLogLikelihoodMean)
    else assert.closeTo(Math.log(perplexity ?? Number.NaN), negativeLogLikelihoodMean ?? Number.NaN, 1e-12)
  }, runs)

  it("does not read masked tokens", () => {
    assert.strictEqual(of([-1, Number.NaN, -Infinity], [1, 0, 0]).crossEntropySum, 1)
  })

  it("says why it is not defined", () => {
    for (
      const [logprobs, weights, token] of [
        [[-1], [], null],
        [[-1, -Infinity], [1, 1], 1],
        [[-1, -1], [1, -1], 1],
        [[-1], [Number.NaN], 0],
        [[-1e308, -1e308], [1, 1], null]
      ] as const
    ) {
      const result = supervisedLoss(logprobs, weights)
      assert.strictEqual(result._tag, "Undefined")
      if (result._tag === "Undefined") assert.strictEqual(result.token, token)
    }
  })

  it("has no perplexity beyond float64", () => {
    assert.isNull(of([-1000], [1]).perplexity)
  })
})
