// The laws of a problem's decisions: every command has an answer in every status, repetition changes nothing, edits and cancels last.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Decision } from "../../src/domain/Decision.ts"
import * as Problem from "../../src/domain/Problem.ts"

const runs = { arbitrary: { seed: 2026, runs: 200 } }
const row = (problem: string): Problem.Ingest => ({
  run: "r",
  seq: 3,
  sub: 0,
  parent: null,
  id: "id",
  source: "s",
  line: 4,
  from: 0,
  raw: { problem, answer: "1" }
})
const who = { who: "someone", why: "test" }
const accepted = (decision: Decision<Problem.ProblemState, void, any>): Problem.ProblemState =>
  decision._tag === "Accepted" ? decision.state : assert.fail(`refused: ${decision.error.message}`)
const recordAt = (ord: number, outcome: Problem.StageRecord["outcome"]): Problem.StageRecord => ({
  ord,
  name: `stage-${ord}`,
  version: 1,
  inputs: "i",
  generation: 0,
  attempts: 1,
  millis: 0.5,
  outcome
})
const kept = { _tag: "Kept", patch: { answer: "2" } } as const
const walk = { generation: 0, to: 2 }
const ingest = (state: Problem.ProblemState, command: Problem.Ingest) => accepted(Problem.ingest(state, command))
const fresh = ingest(Problem.initialProblem, row("p"))
const recorded = (
  state: Problem.ProblemState,
  records: ReadonlyArray<Problem.StageRecord>,
  last = false,
  by: Problem.WalkMark = walk
) => Problem.record(state, { base: state.base, from: 0, records, last, walk: by })
const worked = accepted(recorded(fresh, [recordAt(0, kept), recordAt(1, { _tag: "Kept", patch: {} })]))

const commands: Readonly<
  Record<string, (state: Problem.ProblemState) => Decision<Problem.ProblemState, void, { readonly _tag: string }>>
> = {
  ingest: (state) => Problem.ingest(state, row("p")),
  record: (state) => recorded(state, [recordAt(0, kept)], true),
  rerun: (state) => Problem.rerun(state, { stage: "stage-1" }),
  edit: (state) => Problem.edit(state, { patch: { problem: "q" }, ...who }),
  cancel: (state) => Problem.cancel(state, who)
}
type Status = Problem.ProblemState["status"]
const all = (usual: string, others: Partial<Record<Status, string>> = {}): Record<Status, string> => ({
  new: usual,
  live: usual,
  expanded: usual,
  done: usual,
  dropped: usual,
  failed: usual,
  cancelled: usual,
  ...others
})
const same = {
  live: "live",
  expanded: "expanded",
  done: "done",
  dropped: "dropped",
  failed: "failed",
  cancelled: "cancelled"
}
/** The status after each command in each status; a refusal by its tag. */
const table: Readonly<Record<string, Record<Status, string>>> = {
  ingest: all("live", same),
  record: all("done", { cancelled: "ProblemChanged" }),
  rerun: all("live", { new: "ProblemUnknown" }),
  edit: all("live", { new: "ProblemUnknown" }),
  cancel: all("cancelled", { new: "ProblemUnknown" })
}

describe("a problem", () => {
  it("answers every command in every status", () => {
    for (const [name, decide] of Object.entries(commands)) {
      for (const status of Problem.ProblemStatus.literals) {
        const decision = decide(status === "new" ? Problem.initialProblem : { ...worked, status })
        const found = decision._tag === "Accepted" ? decision.state.status : decision.error._tag
        assert.strictEqual(found, table[name]?.[status], `${name} of a problem that is ${status}`)
      }
    }
  })

  it.prop("decides on any state at all, without throwing", [Problem.ProblemState], ([state]) => {
    for (const decide of Object.values(commands)) assert.include(["Accepted", "Refused"], decide(state)._tag)
  }, runs)

  it.prop("keeps a record through the store's text", [Schema.Array(Schema.Struct({
    ord: Schema.Int,
    millis: Schema.Finite,
    text: Schema.String,
    fate: Schema.Literals(["Kept", "Dropped", "Failed", "Expanded"])
  }))], ([drawn]) => {
    const outcomes = (text: string) => ({
      Kept: { _tag: "Kept", patch: { [`k${text}`]: text, gone: null } },
      Dropped: { _tag: "Dropped", reason: text, detail: [text, { of: 1 }] },
      Failed: { _tag: "Failed", error: { tag: text, message: text, class: "permanent" } },
      Expanded: { _tag: "Expanded", rows: [{ problem: text }] }
    } as const)
    const records = drawn.map(({ fate, millis, ord, text }) => ({ ...recordAt(ord, outcomes(text)[fate]), millis }))
    const state = { ...worked, records }
    const text = JSON.stringify(Schema.encodeSync(Problem.ProblemState)(state))
    const again = Schema.decodeSync(Problem.ProblemState)(JSON.parse(text))
    assert.strictEqual(JSON.stringify(Schema.encodeSync(Problem.ProblemState)(again)), text)
  }, runs)

  it("is the very same object when the same row or the same records come again", () => {
    assert.strictEqual(ingest(worked, row("p")), worked)
    assert.strictEqual(accepted(recorded(worked, worked.records)), worked)
  })

  it("keeps an edit when its row is read again, and takes a row that is another", () => {
    const edited = accepted(Problem.edit(worked, { patch: { problem: "better", answer: null }, ...who }))
    assert.deepStrictEqual(edited.raw, { problem: "better" })
    assert.deepStrictEqual(edited.records, [])
    assert.strictEqual(ingest(edited, row("p")), edited)
    assert.deepStrictEqual(ingest(edited, row("other")).raw, { problem: "other", answer: "1" })
  })

  it("refuses records that were made before it was edited or cancelled", () => {
    const edited = accepted(Problem.edit(worked, { patch: { problem: "better" }, ...who }))
    const cancelled = accepted(Problem.cancel(worked, who))
    for (const state of [edited, cancelled]) {
      const late = Problem.record(state, { base: worked.base, from: 0, records: [], last: true, walk })
      assert.strictEqual(late._tag === "Refused" ? late.error._tag : "", "ProblemChanged")
    }
  })

  it("keeps what a later walk recorded, and where it was ingested, when an earlier one comes late", () => {
    const later = accepted(recorded(worked, [recordAt(0, kept)], true, { generation: 1, to: 2 }))
    for (const late of [{ generation: 0, to: 9 }, { generation: 1, to: 1 }]) {
      for (
        const decision of [recorded(later, [], false, late), Problem.ingest(later, { ...row("other"), walk: late })]
      ) {
        assert.strictEqual(decision._tag === "Refused" ? decision.error._tag : "", "RecordStale")
      }
    }
    for (const next of [{ generation: 1, to: 2 }, { generation: 1, to: 3 }, { generation: 2, to: 0 }]) {
      assert.deepStrictEqual(accepted(recorded(later, [], false, next)).walk, next)
      assert.deepStrictEqual(accepted(Problem.ingest(later, { ...row("other"), walk: next })).walk, next)
    }
  })

  it("bears the mark of a walk that found nothing new, through edits, reruns and a row that is another", () => {
    const marked = accepted(recorded(worked, worked.records, false, { generation: 4, to: 2 }))
    assert.deepStrictEqual(marked, { ...worked, walk: { generation: 4, to: 2 } })
    const edited = accepted(Problem.edit(marked, { patch: { problem: "better" }, ...who }))
    const back = accepted(Problem.rerun(marked, { stage: "stage-1" }))
    for (const state of [edited, back, ingest(marked, row("other"))]) assert.deepStrictEqual(state.walk, marked.walk)
  })

  it("without a mark, as older programs stored it, takes any walk", () => {
    const { walk: _, ...old } = worked
    const state = Schema.decodeSync(Problem.ProblemState)(JSON.parse(JSON.stringify(old)))
    assert.deepStrictEqual(accepted(recorded(state, [], false, { generation: 0, to: 0 })).walk, {
      generation: 0,
      to: 0
    })
  })

  it("stays cancelled when its row is read again", () => {
    const cancelled = accepted(Problem.cancel(worked, who))
    assert.strictEqual(ingest(cancelled, row("p")), cancelled)
  })

  it("forgets the records from a stage on when that stage is to run again", () => {
    const back = accepted(Problem.rerun(worked, { stage: "stage-1" }))
    assert.deepStrictEqual(back.records.map(({ ord }) => ord), [0])
    assert.strictEqual(Problem.rerun(back, { stage: "stage-1" })._tag, "Refused")
  })

  it("is worth its raw fields with the patches of what was kept, and stands where the last record left it", () => {
    assert.deepStrictEqual(Problem.fieldsAfter(worked.raw, worked.records), { problem: "p", answer: "2" })
    const fates = [
      [kept, "live", "done"],
      [{ _tag: "Dropped", reason: "r" }, "dropped", "dropped"],
      [{ _tag: "Failed", error: { tag: "T", message: "m", class: "permanent" } }, "failed", "failed"],
      [{ _tag: "Expanded", rows: [{}] }, "expanded", "expanded"]
    ] as const
    for (const [outcome, status, last] of fates) {
      assert.strictEqual(Problem.statusOf([recordAt(0, kept), recordAt(1, outcome)], false), status)
      assert.strictEqual(Problem.statusOf([recordAt(1, outcome)], true), last)
    }
  })
})
