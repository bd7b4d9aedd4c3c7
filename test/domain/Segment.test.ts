// What a stretch of stages does to one row: fused, in order, until the row meets its fate.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { PlannedStage } from "../../src/domain/Plan.ts"
import { prepareSegment } from "../../src/domain/Segment.ts"
import {
  dropped,
  expanded,
  type ExpandOutcome,
  failed,
  kept,
  type SetEntry,
  type Stage
} from "../../src/domain/Stage.ts"

const base = { version: 1, cost: "cpu", summary: "", params: Schema.Struct({}), needs: [] } as const
const entry = (key: string): SetEntry => ({ key, bands: [], payload: null, stratum: null })
const resources = { benchmarks: [], seed: 7 }
let prepared = 0
const work = (name: string, run: (text: string) => ExpandOutcome): Stage => ({
  ...base,
  kind: "expand",
  name,
  prepare: () => {
    prepared++
    return ({ problem }) => run(String(problem))
  }
})
const set = (name: string): Stage => ({
  ...base,
  kind: "set",
  name,
  prepare: () => ({ problem }) => {
    if (problem === "no-entry!") throw new Error("no entry")
    return entry(`${name}:${String(problem)}`)
  }
})
const ends: Readonly<Record<string, ExpandOutcome>> = {
  drop: dropped("why"),
  fail: failed("Broken", "bad"),
  expand: expanded([{ problem: "child" }])
}
const stages: ReadonlyArray<Stage> = [
  work("mark", (text) => kept({ problem: `${text}!`, extra: null })),
  work("end", (text) => {
    if (text === "throw!") throw new Error("a bug")
    return ends[text.slice(0, -1)] ?? kept()
  }),
  set("s"),
  set("t"),
  work("after", () => kept({ after: true }))
]
const planned = stages.map((stage, ord): PlannedStage => ({ ord, stage, params: {}, key: stage.name }))
const run = prepareSegment(planned, resources)
const job = (problem: string, from = 0, to = 2, index: ReadonlyArray<number> = [2, 3]) =>
  run({ fields: { problem, extra: 1 }, from, to, index }, () => 0)
const tags = (problem: string) => job(problem).outcomes.map(({ ord, outcome }) => `${ord} ${outcome._tag}`)

describe("a segment", () => {
  it("hands each stage what the one before made, and makes the entries of what is left", () => {
    const { entries, outcomes } = job("x")
    assert.deepStrictEqual(outcomes.map(({ outcome }) => outcome._tag), ["Kept", "Kept"])
    assert.deepStrictEqual(entries.map(({ entry, ord }) => [ord, entry.key]), [[2, "s:x!"], [3, "t:x!"]])
  })

  it("ends with a row's fate and makes no entry of it", () => {
    assert.deepStrictEqual(tags("drop"), ["0 Kept", "1 Dropped"])
    assert.deepStrictEqual(tags("fail"), ["0 Kept", "1 Failed"])
    assert.deepStrictEqual(tags("expand"), ["0 Kept", "1 Expanded"])
    for (const text of ["drop", "fail", "expand"]) assert.deepStrictEqual(job(text).entries, [])
  })

  it("costs a row, and no other, a stage that throws", () => {
    const [, end] = job("throw").outcomes
    assert.strictEqual(end?.outcome._tag === "Failed" ? end.outcome.error.tag : "", "StageDefect")
    assert.deepStrictEqual(tags("x"), ["0 Kept", "1 Kept"])
  })

  it("fails a row at the set stage whose entry cannot be made, and leaves no entry at all", () => {
    const { entries, outcomes } = job("no-entry")
    assert.deepStrictEqual(outcomes.map(({ ord }) => ord), [0, 1, 2])
    assert.deepStrictEqual(entries, [])
  })

  it("passes over set stages between its bounds, and does nothing between none", () => {
    assert.deepStrictEqual(job("x", 1, 5, []).outcomes.map(({ ord }) => ord), [1, 4])
    assert.deepStrictEqual(job("x", 2, 2, []), { outcomes: [], entries: [] })
  })

  it("prepares each stage once, whatever number of rows goes through", () => {
    assert.strictEqual(prepared, 3)
  })

  it.prop("gives the same for the same row, whatever went through before", [Schema.Array(Schema.String)], ([texts]) => {
    const once = texts.map((text) => JSON.stringify(job(text)))
    assert.deepStrictEqual([...texts].reverse().map((text) => JSON.stringify(job(text))).reverse(), once)
  })
})
