import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import type { Decision } from "../../src/domain/Decision.ts"
import * as Solve from "../../src/domain/Solve.ts"
import { parseStrategy } from "../../src/domain/Strategy.ts"
import { representatives } from "../../src/domain/Vote/AnswerGroups.ts"

const strategyOf = (name: string) => Result.getOrThrow(parseStrategy(name))
const specOf = (name: string, changes: Partial<Solve.SolveSpec> = {}): Solve.SolveSpec => ({
  prompt: { _tag: "Problem", text: "p" },
  model: "m",
  strategy: strategyOf(name),
  seed: 1,
  budget: { tokens: null, millis: null },
  owner: "o",
  group: null,
  ...changes
})
const accepted = <E>(decision: Decision<Solve.SolveState, void, E>): Solve.SolveState =>
  decision._tag === "Accepted" ? decision.state : assert.fail(JSON.stringify(decision.error))
const refused = <E extends { readonly _tag: string }>(decision: Decision<Solve.SolveState, void, E>): string =>
  decision._tag === "Refused" ? decision.error._tag : assert.fail("it was accepted")

const started = (name: string, changes: Partial<Solve.SolveSpec> = {}) =>
  accepted(Solve.start(Solve.initialSolve, { spec: specOf(name, changes), atMillis: 0 }))
const begun = (state: Solve.SolveState, ...samples: ReadonlyArray<number>) =>
  accepted(Solve.begin(state, { samples: samples.map((sample) => ({ sample, attempt: 1 })), atMillis: 1 }))

const report = (
  state: Solve.SolveState,
  sample: number,
  answer: string | null,
  more: Partial<Parameters<typeof Solve.end>[1]> = {}
) => {
  const names = representatives(state.stopping?.groups ?? { spellings: [], comparisons: 0, exhausted: false })
  const group = answer === null ? -1 : names.indexOf(answer)
  return Solve.end(state, {
    sample,
    attempt: 1,
    atMillis: 2,
    result: {
      _tag: "Finished",
      answer,
      group: group < 0 ? null : group,
      groups: names.length,
      finish: "stop",
      figures: {},
      executions: 0
    },
    usage: { promptTokens: 1, completionTokens: 10 },
    microDollars: 5,
    ...more
  })
}

describe("the laws of a solve", () => {
  it("counts a sample once, whoever reports it again", () => {
    const two = begun(started("majority-4"), 0, 1)
    const one = accepted(report(two, 0, "7"))
    assert.strictEqual(refused(report(one, 0, "7")), "ReportStale")
    assert.strictEqual(refused(report(one, 3, "7")), "ReportStale")
    assert.strictEqual(refused(report(one, 1, "7", { attempt: 2 })), "ReportStale")
    assert.deepStrictEqual([one.usage.completionTokens, one.microDollars], [10, 5])
  })

  it("does not count the report of an attempt that was taken over", () => {
    const two = begun(started("majority-4"), 0, 1)
    const again = accepted(Solve.begin(two, { samples: [{ sample: 1, attempt: 2 }], atMillis: 5 }))
    assert.strictEqual(refused(report(again, 1, "7")), "ReportStale")
    assert.strictEqual(accepted(report(again, 1, "7", { attempt: 2 })).samples[1]?.answer, "7")
    assert.strictEqual(refused(Solve.begin(two, { samples: [{ sample: 0, attempt: 3 }], atMillis: 5 })), "ReportStale")
  })

  it("begins samples in order, and no more than planned", () => {
    const state = started("majority-2")
    const of = (sample: number) => Solve.begin(state, { samples: [{ sample, attempt: 1 }], atMillis: 1 })
    assert.strictEqual(refused(of(1)), "ReportStale")
    const both = begun(state, 0, 1)
    assert.strictEqual(refused(Solve.begin(both, { samples: [{ sample: 2, attempt: 1 }], atMillis: 1 })), "ReportStale")
    assert.deepStrictEqual(both.samples.map(({ seed }) => seed), [Solve.seedOf(1, 0), Solve.seedOf(1, 1)])
  })

  it("asks for a new comparison where a group has come meanwhile", () => {
    const three = begun(started("majority-4"), 0, 1, 2)
    const one = accepted(report(three, 0, "7"))
    const stale = Solve.end(one, {
      sample: 1,
      attempt: 1,
      atMillis: 2,
      result: { _tag: "Finished", answer: "8", group: null, groups: 0, finish: "stop", figures: {}, executions: 0 },
      usage: { promptTokens: 0, completionTokens: 0 },
      microDollars: 0
    })
    assert.strictEqual(refused(stale), "ReportStale")
  })

  it("is over at the first stop, with the others called off", () => {
    let state = begun(started("majority-8"), 0, 1, 2, 3, 4)
    for (const sample of [0, 1, 2, 3]) state = accepted(report(state, sample, "7"))
    assert.deepStrictEqual([state.status, state.stop?._tag, state.answer], ["done", "Confident", "7"])
    assert.strictEqual(state.samples[4]?.status, "cancelled")
    assert.strictEqual(refused(report(state, 4, "9")), "ReportStale")
    assert.strictEqual(refused(Solve.timeUp(state, { atMillis: 9 })), "ReportStale")
    assert.strictEqual(accepted(Solve.cancel(state, { why: "", atMillis: 9 })).status, "done")
  })

  it("gives the vote the same answer in whatever order samples end", () => {
    const answers = ["1", "2", "2", "3", "2", "1", "3", "3", "3"]
    const orders = [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1, 0], [4, 0, 8, 2, 6, 1, 7, 3, 5]]
    for (const order of orders) {
      const spec = { strategy: { ...strategyOf("majority-9"), stop: [] } }
      let state = begun(started("majority-9", spec), 0, 1, 2, 3, 4, 5, 6, 7, 8)
      for (const sample of order) state = accepted(report(state, sample, answers[sample] ?? null))
      assert.deepStrictEqual([state.answer, state.vote?.margin, state.vote?.samples], ["3", 1, 9])
    }
  })

  it("gives a tie to the answer of the earlier sample, spelled as there, in whatever order samples end", () => {
    for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]]) {
      let state = begun(started("majority-4", { strategy: { ...strategyOf("majority-4"), stop: [] } }), 0, 1, 2, 3)
      for (const sample of order) state = accepted(report(state, sample, ["5", "6", "6", "5"][sample] ?? null))
      assert.deepStrictEqual([state.answer, state.vote?.tie, state.sample], ["5", ["5", "6"], 0])
    }
  })

  it("has an answer of what there is when the time is up, and none where there is nothing", () => {
    const two = begun(started("majority-4"), 0, 1)
    assert.deepInclude(accepted(Solve.timeUp(two, { atMillis: 3 })), { status: "done", answer: null, error: null })
    const one = accepted(report(two, 0, "7"))
    assert.deepInclude(accepted(Solve.timeUp(one, { atMillis: 3 })), { status: "done", answer: "7", sample: 0 })
  })

  it("does not begin a selection when the time is up", () => {
    const three = begun(started("genselect-4"), 0, 1, 2)
    const two = accepted(report(accepted(report(three, 0, "1")), 1, "2"))
    assert.deepInclude(accepted(Solve.timeUp(two, { atMillis: 3 })), { status: "done", answer: "1" })
  })

  it("takes the sample with the highest mean log-probability to stand for the answer", () => {
    let state = begun(started("weighted-logprob-3"), 0, 1, 2)
    for (const [sample, logprobMean] of [[0, -0.5], [1, -0.1], [2, -0.3]] as const) {
      const names = representatives(state.stopping?.groups ?? { spellings: [], comparisons: 0, exhausted: false })
      state = accepted(report(state, sample, "7", {
        result: {
          _tag: "Finished",
          answer: "7",
          group: names.length === 0 ? null : 0,
          groups: names.length,
          finish: "stop",
          figures: { logprobMean },
          executions: 0
        }
      }))
    }
    assert.deepStrictEqual([state.sample, state.answer], [1, "7"])
  })

  it("keeps the text of the latest attempt", () => {
    const of = (attempt: number): Solve.SampleState => ({
      ...Solve.initialSample,
      solve: "s",
      attempt,
      text: `${attempt}`
    })
    const second = Solve.keep(of(1), { state: of(2) })
    assert.strictEqual(second._tag === "Accepted" ? second.state.text : "", "2")
    const late = Solve.keep(of(2), { state: of(1) })
    assert.strictEqual(late._tag === "Accepted" ? late.state.text : "", "2")
  })

  it("survives its stored form", () => {
    let state = begun(started("tir-weighted-verifier-4", { group: "g" }), 0, 1)
    state = accepted(report(state, 0, "7"))
    const codec = Schema.toCodecJson(Solve.SolveState)
    const stored = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(state)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(stored), state)
  })

  it("draws seeds that differ between samples and between solves", () => {
    const seeds = new Set<number>()
    for (let seed = 0; seed < 64; seed++) {
      for (let sample = 0; sample < 64; sample++) seeds.add(Solve.seedOf(seed, sample))
    }
    assert.isAbove(seeds.size, 4_090)
    for (const seed of seeds) assert.isTrue(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)
  })
})
