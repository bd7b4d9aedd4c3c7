// Filling a missing answer by majority: what fills, what does not, and that the order of samples never matters.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { majorityFill } from "../../src/domain/MajorityFill.ts"

const text = (a: string, b: string) => a === b
/** Numbers are the same when their values are. */
const value = (a: string, b: string) => a === b || (a.trim() !== "" && Number(a) === Number(b))
const plain = { minVotes: 1, minMargin: 1, minShare: 0 }

describe("majorityFill", () => {
  it("counts classes of equal answers, not spellings", () => {
    const fill = majorityFill(["0.5", "1", "1", ".5", "0.50", null], plain, value)
    assert.deepStrictEqual(fill, {
      answer: ".5",
      reason: null,
      votes: 3,
      runnerUp: 2,
      answered: 5,
      total: 6,
      isTie: false,
      spellings: [{ answer: ".5", votes: 1 }, { answer: "0.5", votes: 1 }, { answer: "0.50", votes: 1 }],
      classes: 2
    })
    assert.strictEqual(majorityFill(["0.5", "1", "1", ".5", "0.50"], plain, text).answer, "1")
  })

  it("never fills without answers, in a tie, with few votes, a small lead or a small share", () => {
    const reasonOf = (answers: ReadonlyArray<string | null>, policy = plain) => {
      const { answer, reason } = majorityFill(answers, policy, text)
      assert.strictEqual(answer === null, reason !== null)
      return reason
    }
    assert.strictEqual(reasonOf([]), "no-answers")
    assert.strictEqual(reasonOf([null, "", null]), "no-answers")
    assert.strictEqual(reasonOf(["1", "2"]), "tie")
    assert.strictEqual(reasonOf(["1", "2"], { ...plain, minMargin: 0 }), "tie")
    assert.strictEqual(reasonOf(["1", "1"], { ...plain, minVotes: 3 }), "few-votes")
    assert.strictEqual(reasonOf(["1", "1", "2"], { ...plain, minMargin: 2 }), "close")
    assert.strictEqual(reasonOf(["1", "1", null, null], { ...plain, minShare: 0.6 }), "small-share")
    assert.strictEqual(
      reasonOf(["1", "1", "1", ...Array.from({ length: 27 }, () => null)], { ...plain, minShare: 0.1 }),
      null
    )
  })

  it("refuses a policy that makes no sense", () => {
    for (
      const policy of [{ minVotes: 0 }, { minVotes: NaN }, { minMargin: -1 }, { minShare: 1.1 }, { minShare: NaN }]
    ) {
      assert.throws(() => majorityFill(["1"], { ...plain, ...policy }, text), RangeError)
    }
  })

  it("takes a million samples of few spellings in one pass", () => {
    const fill = majorityFill(Array.from({ length: 1_000_000 }, (_, i) => String(i % 3)), plain, text)
    assert.deepStrictEqual([fill.answer, fill.votes, fill.answered], ["0", 333_334, 1_000_000])
  })

  const answers = Schema.Array(Schema.Literals(["1", "1.0", "01", "2", "2.0", "x", ""])).check(Schema.isMaxLength(20))
  it.prop("does not depend on the order of the samples, and its counts add up", [answers], ([list]) => {
    const fill = majorityFill(list, plain, value)
    assert.deepStrictEqual(majorityFill(list.toReversed(), plain, value), fill)
    assert.deepStrictEqual(majorityFill(list.toSorted(), plain, value), fill)
    assert.strictEqual(fill.spellings.reduce((sum, { votes }) => sum + votes, 0), fill.votes)
    assert.isAtMost(fill.votes + fill.runnerUp, fill.answered)
    if (fill.answer !== null) {
      const { answer } = fill
      assert.include(list, answer)
      assert.strictEqual(list.filter((other) => value(answer, other)).length, fill.votes)
      assert.isAbove(fill.votes, fill.runnerUp)
    }
  }, { arbitrary: { seed: 2026, runs: 500 } })
})
