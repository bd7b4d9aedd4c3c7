import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { estimatePromptTokens, estimateTokens } from "../../src/domain/TokenEstimate.ts"
import { TokenFigures } from "../../src/domain/TokenFigures.ts"
import { tokenConfidences, traceConfidence } from "../../src/domain/Vote/TraceConfidence.ts"

const close = (actual: number | undefined, wanted: number) => assert.closeTo(actual ?? Number.NaN, wanted, 1e-12)
const Logprob = Schema.Finite.check(Schema.isBetween({ minimum: -30, maximum: 0 }))

describe("TokenFigures", () => {
  it("are absent where nothing is known", () => {
    assert.deepStrictEqual(new TokenFigures().figures(), {})
    const figures = new TokenFigures()
    figures.add(null, [])
    figures.add(-Infinity, [Number.NaN])
    figures.add(-9999, [-9999])
    assert.deepStrictEqual(figures.figures(), {})
    assert.strictEqual(figures.tokens, 3)
  })

  it("are what a hand comes to", () => {
    const figures = new TokenFigures()
    const half = Math.log(0.5)
    const quarter = Math.log(0.25)
    figures.add(half, [half, quarter])
    figures.add(0, [0])
    // One lump of 0.25 beside 0.5 and 0.25: 1.5 bits; a certain token has none.
    close(figures.figures().entropyMean, 1.5 * Math.LN2 / 2)
    close(figures.figures().logprobMean, half / 2)
    close(figures.figures().confidence, -(half + quarter) / 4)
  })

  it("take a sum of probabilities above 1 for rounding", () => {
    const figures = new TokenFigures()
    figures.add(1e-9, [1e-9, -1e-9])
    const { confidence = -1, entropyMean = -1, logprobMean = 1 } = figures.figures()
    assert.isTrue(logprobMean === 0 && entropyMean >= 0 && confidence >= 0)
  })

  it.prop("have the confidence of the slow path", [Schema.Array(Schema.Array(Logprob))], ([tops]) => {
    const figures = new TokenFigures()
    for (const top of tops) figures.add(top[0] ?? null, top)
    const slow = traceConfidence(tokenConfidences(tops))
    if (slow === null) assert.isUndefined(figures.figures().confidence)
    else close(figures.figures().confidence, slow.bottomWindows)
  })

  it("keep one number of each token", () => {
    const figures = new TokenFigures()
    for (let i = 0; i < 5_000; i++) figures.add(-1, [-1, -2])
    close(figures.figures().confidence, 1.5)
  })
})

describe("TokenEstimate", () => {
  it("counts three characters a token, and other scripts one each", () => {
    assert.strictEqual(estimateTokens(""), 0)
    assert.strictEqual(estimateTokens("abcd"), 2)
    assert.strictEqual(estimateTokens("数学"), 2)
    assert.strictEqual(estimatePromptTokens({ _tag: "Text", text: "abc" }), 1)
    assert.strictEqual(estimatePromptTokens({ _tag: "Chat", messages: [{ role: "user", content: "abc" }] }), 6)
  })
})
