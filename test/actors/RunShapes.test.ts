// Recipes of every shape over sources of every shape: each row has one fate, counts add up, and what leaves is what all stages made.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import type { RunState } from "../../src/domain/DatasetRun.ts"
import { dropped, failed, kept, type Stage } from "../../src/domain/Stage.ts"
import { stages as registry } from "../../src/domain/stages/Registry.ts"
import {
  awaitStatus,
  fresh,
  halves,
  mapStage,
  memoryStore,
  polya,
  recipeOf,
  start,
  type World,
  type Written
} from "./Fixture.ts"

const upper = mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() }))
const marked = mapStage("marked", ({ problem }) => kept({ seen: `${String(problem)}!` }))
const noThree = mapStage("no-three", ({ problem }) => String(problem).endsWith("3") ? dropped("three") : kept())
const breaks = mapStage("breaks", ({ problem }) => /bad/i.test(String(problem)) ? failed("Broken", "bad") : kept())
const set = (name: string): Stage => registry.get(name) ?? assert.fail(`there is no stage ${name}`)
const exact = set("exact-duplicates")
const near = set("near-duplicates")
const split = set("split")
/** A set stage whose entry cannot be made for some rows. */
const touchy: Stage = {
  ...exact,
  kind: "set",
  prepare: () => ({ problem }) => {
    if (String(problem).includes("TOUCHY")) throw new Error("no entry")
    return { key: String(problem), bands: [], payload: null, stratum: null }
  }
}
const stages = [halves, upper, marked, noThree, breaks, exact, near, split]
const texts = (...all: ReadonlyArray<string>) => all.map((problem) => ({ problem }))
const numbered = (n: number) => texts(...Array.from({ length: n }, (_, i) => `How many sheep are ${i} and ${i + 1}?`))

/** A run to its end, with the laws that hold for every run. */
const ran = (names: ReadonlyArray<string>, world: Partial<World>, limits = {}) => {
  const written = fresh()
  return Effect.gen(function*() {
    yield* start("run", recipeOf(names, limits))
    const state = yield* awaitStatus("run", "done", "failed", "paused")
    assert.strictEqual(state.status, "done", JSON.stringify(state.error))
    lawful(state, written)
    return { state, written }
  }).pipe(Effect.provide(polya({ stages, rows: [], ...world }, written)))
}

const lawful = ({ tally }: RunState, { rows }: Written) => {
  const all = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
  const written = (tag: string, derived: boolean) =>
    rows.filter((row) => row._tag === tag && row.derived === derived).length
  assert.strictEqual(tally.in, tally.done + all(tally.dropped) + tally.failed)
  assert.strictEqual(tally.in, all(tally.sources))
  const expandedRows = tally.stages.reduce((sum, stage) => sum + stage.expanded, 0)
  assert.strictEqual(written("Done", false), tally.done - expandedRows + tally.derived.expanded)
  assert.strictEqual(written("Dropped", false), all(tally.dropped))
  assert.strictEqual(written("Failed", false), tally.failed)
  assert.strictEqual(written("Done", true), tally.derived.done)
  assert.strictEqual(written("Dropped", true), tally.derived.dropped)
  assert.strictEqual(written("Failed", true), tally.derived.failed)
  for (const { derived, dropped, expanded, failed, in: entered, out } of tally.stages) {
    assert.strictEqual(entered + derived, out + dropped + failed + expanded)
  }
  tally.stages.forEach((stage, ord) => {
    if (ord > 0) assert.strictEqual(stage.in, tally.stages[ord - 1]?.out)
  })
}

const done = ({ rows }: Written) => rows.flatMap((row) => row._tag === "Done" ? [row.row] : [])

describe("a run of any shape", () => {
  it.live("without stages hands every row through", () =>
    Effect.gen(function*() {
      const { state, written } = yield* ran([], { rows: numbered(20) })
      assert.strictEqual(state.tally.done, 20)
      assert.strictEqual(done(written).length, 20)
    }))

  it.live("of one set stage alone decides over all rows", () =>
    Effect.gen(function*() {
      const { state } = yield* ran(["exact-duplicates"], { rows: [...numbered(9), ...numbered(9)] })
      assert.deepStrictEqual(state.tally.dropped, { "exact-duplicates/exact-duplicate": 9 })
    }))

  it.live("keeps what the stages before a set stage have made", () =>
    Effect.gen(function*() {
      const { written } = yield* ran(["upper", "exact-duplicates", "marked", "split"], { rows: numbered(10) })
      assert.strictEqual(done(written).length, 10)
      for (const row of done(written)) {
        assert.match(String(row["problem"]), /^HOW MANY SHEEP/)
        assert.strictEqual(row["seen"], `${String(row["problem"])}!`)
      }
    }))

  it.live("with two barriers and stages between them, derived rows among them", () =>
    Effect.gen(function*() {
      const { state, written } = yield* ran(
        ["halves", "upper", "exact-duplicates", "no-three", "breaks", "near-duplicates", "marked", "split"],
        {
          rows: [
            ...numbered(30),
            null,
            ...texts("What is 1? + What is 2? + What is x3", "What is 1? + bad", "What is 2?")
          ]
        },
        { batchRows: 3, inFlight: 7 }
      )
      assert.strictEqual(state.tally.derived.done + state.tally.derived.dropped + state.tally.derived.failed, 5)
      assert.isTrue(done(written).every((row) => row["seen"] === `${String(row["problem"])}!`))
    }))

  it.live("beginning with two set stages and ending with a map", () =>
    Effect.gen(function*() {
      const { state } = yield* ran(["exact-duplicates", "near-duplicates", "upper"], {
        rows: [...numbered(5), ...numbered(5)]
      })
      assert.strictEqual(state.tally.done + Object.values(state.tally.dropped).reduce((a, b) => a + b, 0), 10)
    }))

  it.live("over a source without rows is done with nothing", () =>
    Effect.gen(function*() {
      const { state, written } = yield* ran(["halves", "exact-duplicates", "split"], { rows: [] })
      assert.strictEqual(state.tally.in, 0)
      assert.strictEqual(written.commits, 1)
    }))

  it.live("over a source of unreadable rows only fails each of them", () =>
    Effect.gen(function*() {
      const { state, written } = yield* ran(["upper", "exact-duplicates", "split"], { rows: Array(20).fill(null) })
      assert.strictEqual(state.tally.failed, 20)
      assert.deepStrictEqual(state.tally.faults, { MalformedRow: 20 })
      assert.isTrue(written.rows.every((row) => row._tag === "Failed" && row.stage === "source" && row.row === null))
    }))

  it.live("takes a row that weighs more than may be in flight", () =>
    Effect.gen(function*() {
      const long = texts("x".repeat(100_000), "y".repeat(100_000))
      const { state } = yield* ran(["upper", "exact-duplicates"], { rows: [...numbered(3), ...long] }, { inFlight: 1 })
      assert.strictEqual(state.tally.done, 5)
    }))

  it.live("counts a row once whose entry for a set stage cannot be made", () =>
    Effect.gen(function*() {
      const rows = [...numbered(5), ...texts("touchy one"), ...numbered(2)]
      const { state, written } = yield* ran(["upper", "exact-duplicates", "split"], {
        stages: [upper, touchy, split],
        rows
      })
      assert.strictEqual(state.tally.failed, 1)
      assert.strictEqual(done(written).length, 5)
    }))

  it.live("fails a row alone that the store refuses, and goes on", () => {
    const written = fresh()
    // Refuses what the stages made of one row, and another row altogether.
    const picky = Layer.effect(
      ActorStore,
      Effect.map(ActorStore, (store) =>
        ActorStore.of({
          ...store,
          commit: (batch) =>
            batch.some(({ state }) => state.includes("HOW LARGE") || state.includes("never"))
              ? Effect.fail(new StoreFailed({ reason: "data", detail: "too large" }))
              : store.commit(batch)
        }))
    )
    const store = Layer.fresh(picky).pipe(Layer.provideMerge(Layer.fresh(memoryStore)))
    const rows = [...numbered(10), ...texts("How large is it?", "never"), ...numbered(3)]
    return Effect.gen(function*() {
      yield* start("run", recipeOf(["upper", "exact-duplicates", "split"]))
      const state = yield* awaitStatus("run", "done", "failed")
      assert.strictEqual(state.status, "done", JSON.stringify(state.error))
      lawful(state, written)
      assert.deepStrictEqual(
        written.rows.flatMap((row) => row._tag === "Failed" ? [[row.tag, row.line, row.row]] : []),
        [["StoreRefused", 11, { problem: "How large is it?" }], ["StoreRefused", 12, null]]
      )
    }).pipe(Effect.provide(polya({ stages, rows }, written, store)))
  })
})
