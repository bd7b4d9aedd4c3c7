// Votes of a contest: whole numbers in its range, added over passes.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  agreement,
  contestAnswer,
  leaderOf,
  maxAnswers,
  mergeTallies,
  noVotes,
  sureness,
  type Tally,
  tallyOf,
  topTwo
} from "../../../src/domain/Contest/Tally.ts"

const vote = (...groups: ReadonlyArray<readonly [answer: string, votes: number]>) => ({
  groups: groups.map(([answer, votes]) => ({ answer, votes, weight: votes })),
  samples: groups.reduce((sum, [, votes]) => sum + votes, 0)
})
const tallies = Schema.Array(Schema.Tuple([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })),
  Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
])).check(Schema.isMaxLength(8))
const made = (drawn: typeof tallies.Type): Tally => {
  const counts = new Map(drawn)
  return tallyOf(vote(...[...counts].map(([answer, votes]) => [String(answer), votes] as const)), null, null)
}
const asMap = ({ answers }: Tally) => new Map(answers.map(({ answer, votes }) => [answer, votes]))

describe("the votes of a contest", () => {
  it("are for whole numbers from 0 to 99999, however they are written; others are none", () => {
    for (
      const [text, answer] of [["42", 42], ["\\frac{84}{2}", 42], ["2^{10}", 1024], ["99{,}999", 99_999], [
        "0",
        0
      ]] as const
    ) {
      assert.strictEqual(contestAnswer(text, null), answer, text)
    }
    for (const text of ["100000", "-1", "1/2", "x", "", "3.5", "\u{1F600}", "9".repeat(5_000)]) {
      assert.strictEqual(contestAnswer(text, null), null, text)
    }
    assert.strictEqual(contestAnswer("123456", 1000), 456)
    assert.strictEqual(contestAnswer("-1", 1000), null)
  })

  it("fall together where answers become the same number", () => {
    const tally = tallyOf(vote(["1042", 2], ["42", 3], ["pi", 1]), "42", 1000)
    assert.deepStrictEqual(tally, { answers: [{ answer: 42, votes: 5, weight: 5, picks: 1 }], samples: 6 })
  })

  it("are bounded", () => {
    const many = tallyOf(vote(...Array.from({ length: 100 }, (_, i) => [String(i), 1] as const)), null, null)
    assert.strictEqual(many.answers.length, maxAnswers)
    assert.strictEqual(mergeTallies(many, tallyOf(vote(["5000", 3]), null, null)).answers.length, maxAnswers)
    assert.strictEqual(many.samples, 100)
  })

  it.prop("add up, in any order of the passes", [tallies, tallies], ([a, b]) => {
    const [first, second] = [made(a), made(b)]
    const both = mergeTallies(first, second)
    assert.strictEqual(both.samples, first.samples + second.samples)
    for (const [answer, votes] of asMap(both)) {
      assert.strictEqual(votes, (asMap(first).get(answer) ?? 0) + (asMap(second).get(answer) ?? 0))
      assert.strictEqual(votes, asMap(mergeTallies(second, first)).get(answer))
    }
  })

  it("go to the heaviest; of equal ones to what more passes answered, then to the first seen", () => {
    const tie = tallyOf(vote(["1", 3], ["2", 3]), "1", null)
    assert.strictEqual(leaderOf(tie), 1)
    assert.strictEqual(leaderOf(mergeTallies(tie, tallyOf(vote(["2", 1]), "2", null))), 2)
    assert.strictEqual(leaderOf(mergeTallies(tie, tallyOf(vote(["2", 1], ["1", 1]), "2", null))), 1)
    assert.strictEqual(leaderOf(noVotes), null)
  })

  it("stand behind the choice of a model that selects", () => {
    const selected = tallyOf(vote(["1", 5], ["2", 1]), "2", null)
    assert.strictEqual(leaderOf(selected), 1)
    assert.strictEqual(leaderOf(selected, true), 2)
  })

  it("say how sure they are, and how far they agree", () => {
    const tally = tallyOf(vote(["1", 4], ["2", 1]), "1", null)
    assert.deepStrictEqual(topTwo(tally), [4, 1])
    assert.closeTo(sureness(tally), 0.890625, 1e-12)
    assert.closeTo(agreement(tally), 4 / 6, 1e-12)
    assert.deepStrictEqual([sureness(noVotes), agreement(noVotes)], [0, 0])
  })
})
