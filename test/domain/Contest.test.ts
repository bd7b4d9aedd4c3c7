// The contest's commands: what they accept, what stands after them, and what the answer file says at every moment.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Contest from "../../src/domain/Contest.ts"
import { defaultPace, nextStep } from "../../src/domain/Contest/Schedule.ts"
import type { Tally } from "../../src/domain/Contest/Tally.ts"
import { viewOf } from "../../src/domain/Contest/View.ts"
import type { Decision } from "../../src/domain/Decision.ts"
import { parseStrategy } from "../../src/domain/Strategy.ts"

const spec: Contest.ContestSpec = {
  model: "m",
  strategy: Result.getOrThrow(parseStrategy("majority-8")),
  seed: 1,
  mode: "given",
  problems: 4,
  totalMillis: 400_000,
  reserveMillis: 0,
  parallel: 1,
  passes: 2,
  hardQuota: null,
  modulo: null,
  fallback: 0,
  owner: "me"
}
const accepted = <A, R, E>(decision: Decision<A, R, E>): { readonly state: A; readonly reply: R } => {
  if (decision._tag === "Refused") throw new Error(`refused: ${String(decision.error)}`)
  return decision
}
const refused = (decision: { readonly _tag: string; readonly error?: any }): string => {
  assert.strictEqual(decision._tag, "Refused")
  return decision.error._tag
}
const begun = (more: Partial<Contest.ContestSpec> = {}, ids = ["a", "b", "c", "d"]) => {
  const own = { ...spec, ...more }
  return accepted(Contest.start(Contest.initialContest, {
    spec: own,
    ids: own.mode === "served" ? [] : ids.slice(0, own.problems),
    fingerprint: "f",
    atMillis: 1_000
  })).state
}
const votes = (...counts: ReadonlyArray<readonly [answer: number, votes: number]>): Tally => ({
  answers: counts.map(([answer, votes], at) => ({ answer, votes, weight: votes, picks: at === 0 ? 1 : 0 })),
  samples: counts.reduce((sum, [, votes]) => sum + votes, 0)
})
const begin = (state: Contest.ContestState, atMillis: number) => accepted(Contest.begin(state, { atMillis }))
const end = (state: Contest.ContestState, index: number, tally: Tally, atMillis: number, failed = false) =>
  accepted(Contest.end(state, {
    index,
    pass: state.problems[index]?.pass ?? 0,
    tally,
    tokens: 10,
    microDollars: 1,
    stop: "Confident",
    error: failed ? { tag: "EndpointAway", message: "away" } : null,
    atMillis
  })).state
const answers = (state: Contest.ContestState) => Contest.submissionOf(state).map(({ answer }) => answer)

describe("a contest", () => {
  it("has an answer for every problem from its first moment", () => {
    assert.deepStrictEqual(Contest.submissionOf(begun({ fallback: 7 })), [
      { id: "a", answer: 7 },
      { id: "b", answer: 7 },
      { id: "c", answer: 7 },
      { id: "d", answer: 7 }
    ])
  })

  it("starts again without effect when it is asked for the same, and is refused for anything else", () => {
    const state = begun()
    const again = { spec, ids: ["a", "b", "c", "d"], fingerprint: "f", atMillis: 99 }
    assert.strictEqual(accepted(Contest.start(state, again)).state, state)
    assert.strictEqual(refused(Contest.start(state, { ...again, fingerprint: "g" })), "ContestTaken")
    assert.strictEqual(refused(Contest.start(state, { ...again, spec: { ...spec, seed: 2 } })), "ContestTaken")
  })

  it("gives each problem an even share at first, and what easy ones leave to those after them", () => {
    const first = begin(begun(), 1_000)
    assert.deepStrictEqual(first.reply, { _tag: "Turn", index: 0, pass: 1, deadlineMillis: 101_000 })
    const second = begin(end(first.state, 0, votes([5, 6]), 11_000), 11_000)
    assert.strictEqual(second.reply?.index, 1)
    assert.strictEqual(second.reply?.deadlineMillis, 11_000 + 130_000)
  })

  it("begins no more problems at once than it may", () => {
    const one = begin(begun({ parallel: 2 }), 1_000)
    const two = begin(one.state, 1_000)
    assert.strictEqual(two.reply?.index, 1)
    assert.strictEqual(begin(two.state, 1_000).reply, null)
  })

  it("asks weak votes again in the time that is left, the most doubtful first, and adds their votes", () => {
    let state = begun()
    const firsts = [votes([1, 8]), votes([2, 3], [3, 3]), votes([4, 8]), votes([5, 4], [6, 1])]
    for (const [index, tally] of firsts.entries()) {
      const began = begin(state, 1_000 + index * 10_000)
      assert.strictEqual(began.reply?.index, index)
      state = end(began.state, index, tally, 11_000 + index * 10_000)
    }
    const again = begin(state, 41_000)
    assert.deepInclude(again.reply, { index: 1, pass: 2 })
    state = end(again.state, 1, votes([3, 4]), 60_000)
    assert.deepStrictEqual(answers(state), [1, 3, 4, 5])
    const last = begin(state, 60_000)
    assert.deepInclude(last.reply, { index: 3, pass: 2 })
    state = end(last.state, 3, votes([5, 4]), 70_000)
    assert.strictEqual(nextStep(state, 70_000)._tag, "Over")
    assert.strictEqual(accepted(Contest.finish(state, { atMillis: 70_000 })).state.status, "done")
  })

  it("names its solves so that no evaluation of its name has them", () => {
    // Those of an evaluation end in the number of the problem.
    assert.deepStrictEqual([1, 2].map((pass) => Contest.solveId("x", 0, pass)), ["x:0:pass1", "x:0:pass2"])
  })

  it("keeps whole numbers of tokens whatever servers tell", () => {
    const { state } = begin(begun(), 1_000)
    const report = { index: 0, pass: 1, tally: votes([1, 1]), microDollars: 0, stop: null, error: null }
    const ended = accepted(Contest.end(state, { ...report, tokens: Number.MAX_SAFE_INTEGER, atMillis: 2_000 })).state
    assert.strictEqual(ended.problems[0]?.tokens, 1e12)
    assert.isTrue(Schema.is(Contest.ContestState)(ended))
  })

  it("asks no more problems again than its quota of hard ones", () => {
    let state = begun({ hardQuota: 1 })
    for (const index of [0, 1, 2, 3]) {
      state = end(begin(state, 1_000 + index).state, index, votes([1, 1], [2, 1]), 1_000 + index)
    }
    const again = begin(state, 2_000)
    assert.deepInclude(again.reply, { index: 0, pass: 2 })
    assert.strictEqual(nextStep(end(again.state, 0, votes([1, 1]), 3_000), 3_000)._tag, "Over")
  })

  it("tries one that failed again after a rest, behind the others, and not for ever", () => {
    let state = end(begin(begun({ parallel: 2 }), 1_000).state, 0, votes(), 1_500, true)
    assert.strictEqual(state.problems[0]?.status, "waiting")
    assert.deepStrictEqual(nextStep(state, 1_500), { _tag: "Wait", untilMillis: 2_500 })
    const probe = begin(state, 2_500)
    assert.strictEqual(probe.reply?.index, 1)
    // While nothing is known to work, one problem at a time is tried.
    assert.strictEqual(begin(probe.state, 2_500).reply, null)
    state = end(probe.state, 1, votes([4, 8]), 3_000)
    assert.strictEqual(begin(state, 3_000).reply?.index, 2)

    state = begun({ problems: 1, totalMillis: 4_000_000 })
    let nowMillis = 1_000
    for (let failures = 0; failures < Contest.maxFailures; failures++) {
      const step = nextStep(state, nowMillis)
      if (step._tag === "Wait") nowMillis = step.untilMillis ?? nowMillis
      state = end(begin(state, nowMillis).state, 0, votes(), nowMillis, true)
    }
    assert.strictEqual(state.problems[0]?.status, "done")
    assert.isBelow(nowMillis, 1_000_000)
  })

  it("writes what leads while a pass is under way, and keeps it when the time is up", () => {
    let state = begin(begun(), 1_000).state
    state = accepted(Contest.lead(state, { index: 0, pass: 1, tally: votes([42, 2], [7, 1]), atMillis: 2_000 })).state
    assert.deepStrictEqual(answers(state), [42, 0, 0, 0])
    const before = accepted(Contest.finish(state, { atMillis: 400_999 }))
    assert.deepStrictEqual([before.reply, before.state.status], [false, "running"])
    const over = accepted(Contest.finish(state, { atMillis: 401_000 }))
    assert.deepStrictEqual([over.reply, over.state.status], [true, "done"])
    assert.deepStrictEqual(answers(over.state), [42, 0, 0, 0])
    assert.strictEqual(begin(over.state, 401_000).reply, null)
  })

  it("keeps its answers when it is cancelled, and takes no report any more", () => {
    const running = begin(end(begin(begun(), 1_000).state, 0, votes([9, 8]), 2_000), 2_000).state
    const state = accepted(Contest.cancel(running, { why: "enough", atMillis: 3_000 })).state
    assert.deepStrictEqual([state.status, state.note, answers(state)], ["cancelled", "enough", [9, 0, 0, 0]])
    const late = { index: 1, pass: 1, tally: votes([3, 8]), atMillis: 4_000 }
    assert.strictEqual(refused(Contest.lead(state, late)), "PassStale")
    assert.strictEqual(accepted(Contest.cancel(state, { why: "", atMillis: 5_000 })).state, state)
  })

  it("refuses reports of passes that are not under way", () => {
    const state = begin(begun(), 1_000).state
    const report = { tally: votes([1, 1]), atMillis: 2_000 }
    for (const [index, pass] of [[0, 2], [1, 1], [9, 1], [-1, 1]] as const) {
      assert.strictEqual(refused(Contest.lead(state, { ...report, index, pass })), "PassStale")
    }
  })

  it("takes problems one by one when it is served, each once, up to the number that it expects", () => {
    let state = begun({ mode: "served", problems: 2 })
    assert.deepStrictEqual(nextStep(state, 1_000), { _tag: "Wait", untilMillis: 401_000 })
    const asked = accepted(Contest.ask(state, { id: "x", atMillis: 1_000 }))
    assert.deepStrictEqual(asked.reply, { index: 0 })
    assert.strictEqual(accepted(Contest.ask(asked.state, { id: "x", atMillis: 2_000 })).state, asked.state)
    const began = begin(asked.state, 1_000)
    assert.deepInclude(began.reply, { index: 0, deadlineMillis: 201_000 })
    state = end(began.state, 0, votes([3, 1], [4, 1]), 51_000)
    // A weak vote is not asked again: whoever asked has its answer.
    assert.strictEqual(begin(state, 51_000).reply, null)
    state = accepted(Contest.ask(state, { id: "y", atMillis: 101_000 })).state
    state = begin(state, 101_000).state
    assert.strictEqual(state.problems[1]?.deadlineMillis, 401_000)
    assert.strictEqual(refused(Contest.ask(state, { id: "z", atMillis: 102_000 })), "ContestClosed")
    assert.strictEqual(refused(Contest.ask(begun(), { id: "z", atMillis: 102_000 })), "ContestClosed")
    assert.strictEqual(refused(Contest.ask(Contest.initialContest, { id: "z", atMillis: 1 })), "ContestUnknown")
    assert.strictEqual(nextStep(end(state, 1, votes([1, 1]), 110_000), 110_000)._tag, "Over")
  })

  it("lets a served problem that failed go on within the time that it was given", () => {
    const asked = accepted(Contest.ask(begun({ mode: "served", problems: 2 }), { id: "x", atMillis: 1_000 })).state
    const state = end(begin(asked, 1_000).state, 0, votes(), 3_000, true)
    assert.strictEqual(state.problems[0]?.status, "waiting")
    assert.deepInclude(begin(state, 4_000).reply, { index: 0, pass: 2, deadlineMillis: 201_000 })
    assert.strictEqual(end(begin(asked, 1_000).state, 0, votes(), 200_500, true).problems[0]?.status, "done")
  })

  it("bears clocks that go back", () => {
    const state = begin(begun(), 5_000).state
    const early = end(state, 0, votes([1, 8]), 100)
    assert.strictEqual(early.problems[0]?.millis, 0)
    const turn = begin(early, 100).reply
    assert.isAtMost(turn?.deadlineMillis ?? 0, 401_000)
  })

  it("keeps itself through the store's text", () => {
    const codec = Schema.toCodecJson(Contest.ContestState)
    const state = end(begin(begun(), 1_000).state, 0, votes([1, 8], [2, 3]), 2_000)
    const stored = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(state)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(stored), state)
  })

  it("is viewed with its answers, votes and the score that they promise", () => {
    const state = end(begin(begun(), 1_000).state, 0, votes([5, 6], [8, 2]), 2_000)
    const view = viewOf("c", 3, state)
    assert.deepInclude(view?.problems[0], { answer: 5, answered: true, votes: 6, second: 2, samples: 8, millis: 1_000 })
    assert.deepInclude(view?.problems[1], { answer: 0, answered: false, votes: 0 })
    assert.deepStrictEqual(view?.counts, { waiting: 3, running: 0, done: 1, answered: 1, expected: 4 })
    assert.closeTo(view?.guess.mean ?? 0, 6 / 9, 1e-12)
    assert.strictEqual(viewOf("c", 0, Contest.initialContest), null)
  })

  it("never gives a first pass more than its pace says", () => {
    let state = begun()
    for (const index of [0, 1, 2]) state = end(begin(state, 1_000).state, index, votes([1, 8]), 1_000)
    assert.strictEqual(begin(state, 1_000).reply?.deadlineMillis, 1_000 + defaultPace.first * 100_000)
  })
})
