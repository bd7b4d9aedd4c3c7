// Early stopping, against every continuation: what a rule decided, the samples to come cannot undo.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  emptyStopping,
  endSample,
  leadingAnswer,
  remainingSamples,
  type SampleEnd,
  Stopping,
  stopReason,
  withFinished
} from "../../src/domain/Stopping.ts"
import { StopRule } from "../../src/domain/Stopping/StopRule.ts"
import { addSamples, emptyVote, voteResult } from "../../src/domain/Vote.ts"

const same = (a: string, b: string) => Number(a) === Number(b)
const spelling = Schema.NullOr(Schema.Literals(["1", "1.0", "2", "2.0", "3"]))
const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const runs = { arbitrary: { seed: 2026, runs: 200 } }
type Answer = string | null

const rule = (fields: { readonly _tag: StopRule["_tag"]; readonly [name: string]: unknown }): StopRule =>
  Schema.decodeUnknownSync(StopRule)(fields)
const rules: ReadonlyArray<StopRule> = [
  rule({ _tag: "FixedAgreement", votes: 3 }),
  rule({ _tag: "AgreementShare", votes: 3 }),
  rule({ _tag: "CannotBeOvertaken" }),
  rule({ _tag: "CannotBeOvertaken", tiesGoToLeader: true }),
  rule({ _tag: "AdaptiveConsistency", threshold: 0.85 }),
  rule({ _tag: "UnanimousWindow", size: 2 }),
  rule({ _tag: "Arbitration" })
]
const end = (answer: Answer): SampleEnd => ({ _tag: "Finished", answer })
const fed = (used: ReadonlyArray<StopRule>, planned: number, answers: ReadonlyArray<Answer>): Stopping =>
  answers.reduce<Stopping>((state, answer) => endSample(state, end(answer), same), emptyStopping(used, planned))
const snapshot = (used: ReadonlyArray<StopRule>, planned: number, answers: ReadonlyArray<Answer>): Stopping =>
  answers.reduce<Stopping>((state, answer) => withFinished(state, answer, same), emptyStopping(used, planned))
/** All lists of `length` answers. "9" is one that was not seen before. */
const continuations = (length: number): ReadonlyArray<ReadonlyArray<Answer>> =>
  length === 0
    ? [[]]
    : continuations(length - 1).flatMap((list) => ["1", "2", "3", "9", null].map((answer) => [...list, answer]))
const votesOf = (answers: ReadonlyArray<Answer>) =>
  voteResult(addSamples(emptyVote({ _tag: "Majority" }, "none"), answers.map((answer) => ({ answer })), same))

const prefix = Schema.Array(spelling).check(Schema.isMaxLength(7))

describe("a margin that cannot be overtaken", () => {
  it.prop("stops exactly when every continuation has this winner, alone", [prefix, from(0, 4)], ([answers, left]) => {
    const state = snapshot([rule({ _tag: "CannotBeOvertaken" })], answers.length + left, answers)
    if (answers.length + left === 0) return
    const { reason } = stopReason(state)
    const outcomes = new Set(
      continuations(remainingSamples(state)).map((more) => {
        const { answer } = votesOf([...answers, ...more])
        return answer === null ? null : Number(answer)
      })
    )
    const settled = outcomes.size === 1 && !outcomes.has(null)
    assert.strictEqual(reason?._tag === "NotToBeOvertaken", settled)
    if (settled) assert.strictEqual(Number(reason?.answer), [...outcomes][0])
  }, runs)

  it.prop(
    "with ties for the leader stops exactly when nobody can have more",
    [prefix, from(0, 4)],
    ([answers, left]) => {
      if (answers.length + left === 0) return
      const state = snapshot(
        [rule({ _tag: "CannotBeOvertaken", tiesGoToLeader: true })],
        answers.length + left,
        answers
      )
      const { reason } = stopReason(state)
      const leader = leadingAnswer(state)
      const held = continuations(remainingSamples(state)).every((more) => {
        const { groups } = votesOf([...answers, ...more])
        const own = groups.find(({ answer }) => leader !== null && same(answer, leader))?.votes ?? 0
        return groups.every(({ votes }) => votes <= own)
      })
      assert.strictEqual(reason?._tag === "NotToBeOvertaken", held)
    },
    runs
  )
})

describe("a tie that goes to the leader", () => {
  const ties = [rule({ _tag: "CannotBeOvertaken", tiesGoToLeader: true })]

  it("goes to whoever leads at the stop, though another was seen first", () => {
    const state = fed(ties, 6, ["2", "1", "1", "1"])
    assert.deepStrictEqual(state.stop, { _tag: "NotToBeOvertaken", answer: "1", margin: 2, remaining: 2 })
    assert.strictEqual(leadingAnswer(state), "1")
    assert.strictEqual(votesOf(["2", "1", "1", "1", "2", "2"]).tie.length, 2)
    assert.strictEqual(fed([rule({ _tag: "CannotBeOvertaken" })], 6, ["2", "1", "1", "1"]).stop, null)
  })

  it.prop("is the only thing that samples to come could bring, and is told by a margin that equals them", [
    prefix,
    from(0, 4)
  ], ([answers, left]) => {
    if (answers.length + left === 0) return
    const state = fed(ties, answers.length + left, answers)
    const { stop } = state
    if (stop?._tag !== "NotToBeOvertaken" || stop.answer === null) return
    const { answer, margin, remaining } = stop
    assert.strictEqual(leadingAnswer(state), answer)
    const seen = state.finished.length
    for (const more of continuations(remaining)) {
      const { answer: winner, tie } = votesOf([...answers.slice(0, seen), ...more])
      const isTied = tie.some((one) => same(one, answer))
      assert.isTrue(isTied || (winner !== null && same(winner, answer)))
      if (isTied) assert.strictEqual(margin, remaining)
    }
  }, runs)
})

describe("stopping", () => {
  const stream = Schema.Array(spelling).check(Schema.isMinLength(1), Schema.isMaxLength(12))

  it.prop("once decided is not moved by what ends later", [stream, stream], ([answers, later]) => {
    for (const used of [...rules.map((one) => [one]), rules]) {
      const state = fed(used, 12, answers)
      if (state.stop === null) continue
      assert.strictEqual(later.reduce<Stopping>((state, answer) => endSample(state, end(answer), same), state), state)
    }
  }, runs)

  it.prop(
    "names an answer that somebody gave, and the leader's unless a rule says otherwise",
    [stream],
    ([answers]) => {
      for (const one of rules) {
        const { stop, ...state } = fed([one], answers.length, answers)
        assert.isNotNull(stop)
        if (stop === null || stop._tag === "Arbitrated") continue
        assert.strictEqual(stop.answer, leadingAnswer({ ...state, stop }))
      }
    },
    runs
  )

  it.prop("decides by the first of its rules that fires", [stream], ([answers]) => {
    const stops = rules.map((one) => {
      for (let n = 1; n <= answers.length; n++) {
        const { stop } = fed([one], 12, answers.slice(0, n))
        if (stop !== null) return n
      }
      return Number.POSITIVE_INFINITY
    })
    const together = fed(rules, 12, answers)
    const first = Math.min(...stops)
    assert.strictEqual(together.stop !== null, first <= answers.length)
    if (together.stop !== null) assert.strictEqual(together.finished.length, first)
  }, runs)

  it.prop("by counts does not depend on the order in which they came", [stream], ([answers]) => {
    for (const one of rules.filter(({ _tag }) => _tag !== "UnanimousWindow" && _tag !== "Arbitration")) {
      const there = stopReason(snapshot([one], 12, answers)).reason
      const back = stopReason(snapshot([one], 12, answers.toReversed())).reason
      assert.strictEqual(there?._tag, back?._tag)
      if (there != null && votesOf(answers).tie.length === 0) {
        assert.strictEqual(Number(there?.answer), Number(back?.answer))
      }
    }
  }, runs)

  it.prop("goes on from the store's text as if nothing had happened", [stream, from(0, 12)], ([answers, cut]) => {
    const codec = Schema.toCodecJson(Stopping)
    const stored = Schema.encodeSync(codec)(fed(rules, 12, answers.slice(0, cut)))
    const resumed = Schema.decodeSync(codec)(JSON.parse(JSON.stringify(stored)))
    const whole = answers.slice(cut).reduce<Stopping>((state, answer) => endSample(state, end(answer), same), resumed)
    assert.deepStrictEqual(whole, fed(rules, 12, answers))
  }, runs)

  it("always ends with the last sample, cancelled and failed ones included", () => {
    const three = emptyStopping([], 3)
    const one = endSample(three, { _tag: "Cancelled" }, same)
    const two = endSample(one, { _tag: "Failed" }, same)
    assert.strictEqual(two.stop, null)
    assert.deepStrictEqual(endSample(two, end("7"), same).stop, { _tag: "AllFinished", answer: "7" })
    assert.deepStrictEqual(endSample(two, { _tag: "Cancelled" }, same).stop, { _tag: "AllFinished", answer: null })
  })

  it("can be settled by a cancellation, since fewer are to come", () => {
    const state = fed([rule({ _tag: "CannotBeOvertaken" })], 4, ["1", "1"])
    assert.strictEqual(state.stop, null)
    const { stop } = endSample(state, { _tag: "Cancelled" }, same)
    assert.deepStrictEqual(stop, { _tag: "NotToBeOvertaken", answer: "1", margin: 2, remaining: 1 })
  })

  it("pools equal answers and says why it stopped", () => {
    assert.deepStrictEqual(fed([rule({ _tag: "FixedAgreement", votes: 3 })], 8, ["2", "2.0", null, "02"]).stop, {
      _tag: "Agreed",
      answer: "2",
      votes: 3
    })
    assert.deepStrictEqual(fed([rule({ _tag: "AdaptiveConsistency" })], 8, ["5", "5", "5", "5"]).stop, {
      _tag: "Confident",
      answer: "5",
      probability: 0.96875
    })
  })

  it("counts windows off, so that agreement across a border is none", () => {
    const window = [rule({ _tag: "UnanimousWindow", size: 3 })]
    assert.strictEqual(fed(window, 9, ["1", "2", "2", "2", "1"]).stop, null)
    assert.strictEqual(fed(window, 9, [null, null, null]).stop, null)
    assert.strictEqual(fed(window, 9, ["1", "2", "2", "2", "2", "2"]).stop?._tag, "WindowUnanimous")
  })

  it("spends one unit of the hard problems' quota, and only one", () => {
    const arbitration = [rule({ _tag: "Arbitration" })]
    const four = fed(arbitration, 8, ["1", "2", "3", "4"])
    const five = endSample(four, end("5"), same, 1)
    assert.isTrue(five.quotaSpent)
    assert.strictEqual(five.stop, null)
    const cancelled = endSample(five, { _tag: "Cancelled" }, same, 0)
    assert.strictEqual(cancelled.stop, null)
    assert.deepStrictEqual(endSample(four, end("5"), same, 0).stop, {
      _tag: "Arbitrated",
      answer: "5",
      rule: "rule3",
      tie: []
    })
    const tied = ["6", "1", "2"].reduce((state, answer) => endSample(state, end(answer), same), five)
    assert.deepStrictEqual(tied.stop, { _tag: "Arbitrated", answer: "1", rule: "rule4D", tie: ["1", "2"] })
    const different = ["6", "7", "8"].reduce((state, answer) => endSample(state, end(answer), same), five)
    assert.deepStrictEqual(different.stop, { _tag: "Arbitrated", answer: "5", rule: "rule4C", tie: [] })
  })

  it("says the fallback where an answer is due and nobody has one", () => {
    const arbitration = [rule({ _tag: "Arbitration", fallback: "42" })]
    assert.strictEqual(fed(arbitration, 8, [null, null, null]).stop?.answer, "42")
    assert.strictEqual(fed(arbitration, 2, [null, null]).stop?.answer, "42")
    assert.strictEqual(fed(arbitration, 8, ["1", "2", "3", "4", null]).stop?.answer, "1")
  })

  it("takes a plan of any size into its bounds", () => {
    assert.strictEqual(emptyStopping([], Number.NaN).planned, 1)
    assert.strictEqual(emptyStopping([], 1e9).planned, 4096)
    assert.strictEqual(emptyStopping([], -3).planned, 1)
  })
})
