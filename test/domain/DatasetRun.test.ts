// The laws of a dataset run's decisions: every command has an answer in every status, reports count once, and what is refused changes nothing.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  advance,
  AdvanceFields,
  breakOff,
  cancel,
  changeLimits,
  finish,
  fixed,
  initialRun,
  nextStep,
  pause,
  type Position,
  rerun,
  rerunFailed,
  resume,
  RunState,
  RunStatus,
  start
} from "../../src/domain/DatasetRun.ts"
import type { Decision } from "../../src/domain/Decision.ts"
import { canonical, type Json } from "../../src/domain/Json.ts"
import { defaultLimits, type Recipe } from "../../src/domain/Recipe.ts"
import { sourceStart } from "../../src/domain/Source.ts"
import { emptyTally, Tally } from "../../src/domain/Tally.ts"

const runs = { arbitrary: { seed: 2026, runs: 200 } }
const recipe: Recipe = {
  name: "test",
  version: 1,
  description: "",
  seed: 1,
  sources: [{ location: "memory" }],
  against: [],
  stages: [{ name: "a", params: {} }, { name: "b", params: {} }],
  limits: defaultLimits,
  outputs: ["jsonl"],
  limitRows: null
}
const first = { recipe, fingerprint: "f", resources: "r", out: "/out", atMillis: 1_000 }
const accepted = <S, R>(decision: Decision<S, R, any>): S =>
  decision._tag === "Accepted" ? decision.state : assert.fail(`refused: ${decision.error.message}`)
const refused = (decision: Decision<any, any, any>): string =>
  decision._tag === "Refused" ? decision.error._tag : assert.fail("accepted")
const running = accepted(start(initialRun, first))
const at = (rows: number): Position => ({ _tag: "Source", cursor: { ...sourceStart, rows } })
const who = { why: "test", atMillis: 3_000 }
const counted = (rows: number) => ({ ...emptyTally(2), in: rows, done: rows })
const inStatus = (status: RunState["status"]): RunState => ({ ...(status === "new" ? initialRun : running), status })

const commands: Readonly<Record<string, (state: RunState) => Decision<RunState, void, any>>> = {
  start: (state) => start(state, first),
  pause: (state) => pause(state, who),
  resume: (state) => resume(state, who),
  cancel: (state) => cancel(state, who),
  changeLimits: (state) => changeLimits(state, { inFlight: 7 }),
  rerunFailed: (state) => rerunFailed(state, { atMillis: 3_000 }),
  rerun: (state) => rerun(state, { stage: "b", atMillis: 3_000 }),
  advance: (state) => advance(state, { generation: 0, step: 0, from: at(0), to: at(5), tally: counted(5) }),
  nextStep: (state) => nextStep(state, { generation: 0, step: 0, tally: emptyTally(2) }),
  finish: (state) => finish(state, { generation: 0, atMillis: 3_000 }),
  breakOff: (state) => breakOff(state, { generation: 0, atMillis: 3_000, error: { tag: "T", message: "m" } })
}

/** The status after each command in each status; a refusal by its tag. */
const table: Readonly<Record<string, Readonly<Record<RunState["status"], string>>>> = {
  start: all("running", { paused: "paused", cancelled: "cancelled", done: "done", failed: "failed" }),
  pause: all("RunNotReady", { new: "RunUnknown", running: "paused", paused: "paused" }),
  resume: all("running", { new: "RunUnknown", cancelled: "RunNotReady", done: "RunNotReady" }),
  cancel: all("cancelled", { new: "RunUnknown", done: "RunNotReady" }),
  changeLimits: {
    new: "RunUnknown",
    running: "running",
    paused: "paused",
    cancelled: "cancelled",
    done: "done",
    failed: "failed"
  },
  rerunFailed: all("running", { new: "RunUnknown", running: "RunNotReady" }),
  rerun: all("running", { new: "RunUnknown", running: "RunNotReady" }),
  advance: all("AdvanceStale", { running: "running", paused: "paused" }),
  nextStep: all("AdvanceStale", { running: "running", paused: "paused" }),
  finish: all("AdvanceStale", { running: "done" }),
  breakOff: all("AdvanceStale", { running: "failed" })
}
function all(usual: string, others: Partial<Record<RunState["status"], string>>) {
  return { new: usual, running: usual, paused: usual, cancelled: usual, done: usual, failed: usual, ...others }
}

describe("a dataset run", () => {
  it("answers every command in every status", () => {
    for (const [name, decide] of Object.entries(commands)) {
      for (const status of RunStatus.literals) {
        const before = inStatus(status)
        const decision = decide(before)
        const found = decision._tag === "Accepted" ? decision.state.status : decision.error._tag
        assert.strictEqual(found, table[name]?.[status], `${name} of a run that is ${status}`)
        if (decision._tag === "Refused") assert.isNotEmpty(decision.error.message)
      }
    }
  })

  it.prop("decides on any state at all, without throwing", [RunState], ([state]) => {
    for (const decide of Object.values(commands)) assert.include(["Accepted", "Refused"], decide(state)._tag)
  }, runs)

  it.prop("keeps its state through the store's text", [RunState], ([state]) => {
    const stored = JSON.parse(JSON.stringify(Schema.encodeSync(RunState)(state))) as Json
    assert.strictEqual(
      canonical(Schema.encodeSync(RunState)(Schema.decodeUnknownSync(RunState)(stored)) as Json),
      canonical(stored)
    )
  }, runs)

  it("counts a report once, whether it comes twice, late or from elsewhere", () => {
    const report = { generation: 0, step: 0, from: at(0), to: at(5), tally: counted(5) }
    const once = accepted(advance(running, report))
    assert.strictEqual(once.tally.in, 5)
    assert.strictEqual(refused(advance(once, report)), "AdvanceStale")
    assert.strictEqual(refused(advance(once, { ...report, from: at(4) })), "AdvanceStale")
    const next = accepted(nextStep(once, { generation: 0, step: 0, tally: emptyTally(2) }))
    assert.deepStrictEqual(next.position, { _tag: "Index", after: null })
    assert.strictEqual(refused(nextStep(next, { generation: 0, step: 0, tally: emptyTally(2) })), "AdvanceStale")
    assert.strictEqual(refused(advance(next, { ...report, from: at(5), to: at(9) })), "AdvanceStale")
  })

  it.prop(
    "counts each batch once in any order of reports and their repetitions",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))).check(Schema.isMaxLength(60))],
    ([order]) => {
      let state: RunState = running
      for (const batch of order) {
        const decision = advance(state, {
          generation: 0,
          step: 0,
          from: at(batch * 5),
          to: at(batch * 5 + 5),
          tally: counted(5)
        })
        if (decision._tag === "Accepted") state = decision.state
      }
      const { position, tally } = state
      assert.strictEqual(position._tag === "Source" ? position.cursor.rows : -1, tally.in)
    },
    runs
  )

  it("refuses what an older generation reports", () => {
    const again = accepted(rerunFailed(accepted(pause(running, who)), { atMillis: 4_000 }))
    assert.strictEqual(again.generation, 1)
    assert.deepStrictEqual(again.tally, emptyTally(2))
    assert.strictEqual(refused(commands["advance"]?.(again) ?? assert.fail()), "AdvanceStale")
    assert.strictEqual(refused(commands["finish"]?.(again) ?? assert.fail()), "AdvanceStale")
  })

  it("still owes a rerun that was cut short, and owes none once it is done", () => {
    const stopped = accepted(pause(running, who))
    const fromB = accepted(rerun(stopped, { stage: "b", atMillis: 1 }))
    assert.strictEqual(fromB.redoFrom, 1)
    const cut = accepted(rerunFailed(accepted(pause(fromB, who)), { atMillis: 2 }))
    assert.strictEqual(cut.redoFrom, 1)
    const fromA = accepted(rerun(accepted(pause(cut, who)), { stage: "a", atMillis: 3 }))
    assert.strictEqual(fromA.redoFrom, 0)
    const done = accepted(finish(fromA, { generation: fromA.generation, atMillis: 4 }))
    assert.strictEqual(accepted(rerunFailed(done, { atMillis: 5 })).redoFrom, null)
    assert.strictEqual(refused(rerun(done, { stage: "c", atMillis: 5 })), "StageUnknown")
  })

  it("adds up the time of its sittings and leaves the rests out", () => {
    const paused = accepted(pause(running, { why: "", atMillis: 1_500 }))
    const resumed = accepted(resume(paused, { why: "", atMillis: 9_000 }))
    assert.strictEqual(accepted(finish(resumed, { generation: 0, atMillis: 9_250 })).workedMillis, 750)
  })

  it("changes the limits that are named and no others", () => {
    assert.deepStrictEqual(accepted(changeLimits(running, { inFlight: 1 })).limits, { ...defaultLimits, inFlight: 1 })
  })

  it.prop("adds the tally of a report to its own", [Schema.Struct(AdvanceFields), Tally], ([report, tally]) => {
    const state = { ...running, generation: report.generation, step: report.step, position: report.from, tally }
    assert.strictEqual(accepted(advance(state, report)).tally.in, tally.in + report.tally.in)
  }, runs)

  it("keeps its recipe, its source and its benchmark texts, whatever an operator puts in its place", () => {
    const before = { ...initialRun, status: "running" as const, resources: "r", fingerprint: "f" }
    assert.strictEqual(fixed(before, { ...before, note: "by hand", step: 2 }), undefined)
    assert.match(
      fixed(before, { ...before, resources: "other", fingerprint: "g" }) ?? "",
      /^resources, fingerprint/
    )
  })
})
