// Votes as they are asked for: what they cost at most, and what they say when that is used up.
import { assert, describe, it } from "@effect/vitest"
import type { VoteResult } from "../../../src/actors/Verdicts/Asked.ts"
import { voteOf } from "../../../src/actors/Verdicts/Count.ts"

const samples = ["x+1", "1+x", "y^2", "x+1", "1/2", "0.5"].map((answer) => ({ answer }))

describe("a vote that is asked for", () => {
  it("says nothing of exhaustion while its steps last", () => {
    const vote = voteOf({ samples, gold: "1+x" }) as VoteResult
    assert.deepStrictEqual(vote.groups.map(({ answer, votes }) => [answer, votes]), [["x+1", 3], ["1/2", 2], [
      "y^2",
      1
    ]])
    assert.notProperty(vote, "exhausted")
    assert.strictEqual(vote.correct, true)
  })

  it("keeps other spellings apart when its steps are used up, says so, and still compares with the right answer", () => {
    const vote = voteOf({ samples, gold: "1+x" }, 1) as VoteResult
    assert.deepStrictEqual(vote.groups.map(({ answer, votes }) => [answer, votes]), [
      ["x+1", 2],
      ["1+x", 1],
      ["y^2", 1],
      ["1/2", 1],
      ["0.5", 1]
    ])
    assert.strictEqual(vote.exhausted, true)
    assert.strictEqual(vote.correct, true)
  })

  it("of 4,096 different answers ends, with a group for each", () => {
    const different = Array.from({ length: 4_096 }, (_, n) => ({ answer: `\\sqrt{${n}}+x^{${n}}` }))
    const vote = voteOf({ samples: different }, 2_000_000) as VoteResult
    assert.strictEqual(vote.groups.length, 4_096)
    assert.strictEqual(vote.exhausted, true)
  })
})
