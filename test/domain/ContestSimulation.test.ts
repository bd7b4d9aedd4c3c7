// Seeded contests in virtual time: what the law promises in all of them, and that it beats an equal split (10,000 of them: npm run bench -- contest).
import { assert, describe, it } from "@effect/vitest"
import { pairedDifference } from "../../src/domain/Statistics/PairedTests.ts"
import { drawContest, equalSplit, type Law, play } from "./ContestSimulation.ts"

const contests = 1_000
const ours: Law = { passes: 3 }
const shares = (law: Law) =>
  Array.from({ length: contests }, (_, seed) => {
    const { problems, right } = play(drawContest(seed), law, 3_000)
    return right / problems
  })

describe("a thousand simulated contests", () => {
  // `play` throws where a contest runs over its time, lacks an answer, or begins a pass that would not fit.
  it(
    "get more right than by an equal split of the time, with the same problems and samples",
    { timeout: 300_000 },
    () => {
      const difference = pairedDifference(shares(ours), shares(equalSplit))
      assert.isAbove(difference?.low ?? -1, 0)
    }
  )

  it("get more right when weak votes are asked again than when time is only carried over", { timeout: 300_000 }, () => {
    const carried: Law = { passes: 1, pace: { first: 1e9, again: 1, sure: 0.95 } }
    const difference = pairedDifference(shares(ours), shares(carried))
    assert.isAbove(difference?.low ?? -1, 0)
  })

  it("end in time although passes end long after their deadlines, or never", { timeout: 300_000 }, () => {
    for (let seed = 0; seed < 200; seed++) {
      const contest = drawContest(seed)
      for (const late of [contest.totalMillis / 4, 1e12]) {
        const { endedMillis, state } = play(contest, ours, late)
        assert.isAtMost(endedMillis, contest.totalMillis)
        assert.strictEqual(state.problems.length, contest.problems.length)
      }
    }
  })

  it("are played the same again", () => {
    const { state } = play(drawContest(7), ours, 3_000)
    assert.deepStrictEqual(play(drawContest(7), ours, 3_000).state, state)
  })

  it("use the time that is left when calls fail in the middle of the contest", () => {
    for (let seed = 0; seed < 50; seed++) {
      const drawn = drawContest(seed)
      const total = drawn.totalMillis
      const contest = {
        ...drawn,
        phases: [{ fromMillis: 0, untilMillis: total / 3, factor: Number.POSITIVE_INFINITY }]
      }
      const { state } = play(contest, ours, 0)
      const unanswered = state.problems.filter(({ tally }) => tally.samples === 0).length
      assert.isAtMost(unanswered, state.problems.length / 2, `seed ${seed}`)
    }
  })
})
