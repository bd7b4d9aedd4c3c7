import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseStrategy, splitModelName } from "../../src/domain/Strategy.ts"

const parsed = (name: string) => {
  const result = parseStrategy(name)
  return Result.isSuccess(result) ? result.success : assert.fail(result.failure)
}

describe("a strategy's name", () => {
  it("says samples, votes, tools and who selects", () => {
    assert.deepInclude(parsed("greedy"), { samples: 1, parallel: 1, select: null, tools: null, verify: null })
    assert.strictEqual(parsed("greedy").parameters.temperature, 0)
    assert.deepInclude(parsed("majority-16"), { samples: 16, parallel: 8, vote: { _tag: "Majority" } })
    assert.deepInclude(parsed("weighted-entropy-8").vote, { _tag: "EntropyWeighted", floor: 0.3 })
    assert.strictEqual(parsed("weighted-entropy-8").parameters.topLogprobs, 20)
    assert.strictEqual(parsed("weighted-logprob-8").parameters.topLogprobs, 0)
    assert.strictEqual(parsed("weighted-verifier-8").verify?.votes, 4)
    assert.strictEqual(parsed("genselect-16").select?.window, 16)
    assert.strictEqual(parsed("tournament-8").select?.window, 2)
    assert.strictEqual(parsed("tir-8").tools?.calls, 8)
    assert.strictEqual(parsed("tir-greedy").tools?.calls, 8)
    const both = parsed("tir-weighted-confidence-4")
    assert.deepStrictEqual([both.tools?.calls, both.vote._tag, both.samples], [8, "ConfidenceWeighted", 4])
  })

  it("is refused with the names that there are", () => {
    for (
      const name of [
        "",
        "8",
        "majority",
        "majority-0",
        "majority-1025",
        "majority-entropy-8",
        "weighted-8",
        "weighted-luck-8",
        "tir",
        "tir-tir-8",
        "Majority-8",
        "majority-8 ",
        "majority-08x",
        `majority-${"9".repeat(50)}`,
        "x".repeat(10_000)
      ]
    ) {
      const result = parseStrategy(name)
      if (Result.isSuccess(result)) assert.fail(`${name} was taken`)
      assert.match(result.failure, /There is greedy, majority-N/)
      assert.isBelow(result.failure.length, 600)
    }
  })

  it("stands behind the last @ of a model's name", () => {
    assert.deepStrictEqual(splitModelName("a/b@majority-8"), { model: "a/b", strategy: "majority-8" })
    assert.deepStrictEqual(splitModelName("a@b@tir-2"), { model: "a@b", strategy: "tir-2" })
    assert.deepStrictEqual(splitModelName("plain"), { model: "plain", strategy: null })
  })
})
