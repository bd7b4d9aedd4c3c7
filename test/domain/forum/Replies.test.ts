import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { cutReplies, estimateTokens, joinReplies, splitReplies } from "../../../src/domain/forum/Replies.ts"

describe("splitReplies", () => {
  it("cuts at numbered headings that stand alone on a line and count on", () => {
    assert.deepStrictEqual(splitReplies("Post 1:\na\n\nPost 2:\r\nb\nPost 2: see there\nIn Post 3: c\nPost 7:\nd"), [
      "a",
      "b\nPost 2: see there\nIn Post 3: c\nPost 7:\nd"
    ])
  })
  it("takes a text without headings for one reply, and nothing for none", () => {
    assert.deepStrictEqual(splitReplies("so what\nPost 1:\nx"), ["so what\nPost 1:\nx"])
    assert.deepStrictEqual(splitReplies("  \n"), [])
    assert.deepStrictEqual(splitReplies(undefined), [])
    assert.deepStrictEqual(splitReplies(["a", 3, " ", "b"]), ["a", "b"])
  })
  it.prop("gives back what was joined", [Schema.Array(Schema.String)], ([texts]) => {
    const replies = texts.map((text) => text.trim()).filter((text) => text !== "" && !/Post \d+:/.test(text))
    assert.deepStrictEqual(splitReplies(joinReplies(replies)), replies)
  }, { arbitrary: { seed: 3, runs: 200 } })
})

describe("cutReplies", () => {
  it("counts four letters, a digit and a sign as one token each", () => {
    assert.strictEqual(estimateTokens("abcd"), 1)
    assert.strictEqual(estimateTokens("abcde 12 + x"), 2 + 2 + 1 + 1)
    assert.strictEqual(estimateTokens(" \n\t"), 0)
  })
  it("keeps the first replies whole and stops at a boundary", () => {
    assert.deepStrictEqual(cutReplies(["1 2 3", "4 5", "6"], 5), ["1 2 3", "4 5"])
    assert.deepStrictEqual(cutReplies(["1 2 3", "4 5 6", "7"], 5), ["1 2 3"])
    assert.deepStrictEqual(cutReplies(["1 2 3"], 2), [])
    assert.lengthOf(cutReplies(Array.from({ length: 30 }, () => "7".repeat(1_000))), 24)
  })
})
