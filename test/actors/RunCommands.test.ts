// Commands while a run works: whatever is paused, resumed, changed, edited or cancelled, no row is lost and none is counted twice.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import type { Snapshot } from "../../src/actors/Committer.ts"
import { wake } from "../../src/actors/DatasetRunActor.ts"
import { ProblemActor } from "../../src/actors/ProblemActor.ts"
import { actorOf } from "../../src/actors/RunDriver/Walk.ts"
import type { RunState } from "../../src/domain/DatasetRun.ts"
import { dropped, failed, kept } from "../../src/domain/Stage.ts"
import { stages as registry } from "../../src/domain/stages/Registry.ts"
import {
  awaitStatus,
  fresh,
  makeStop,
  mapStage,
  memoryStore,
  polya,
  recipeOf,
  start,
  stoppingStore,
  type World,
  type Written
} from "./Fixture.ts"

const upper = mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() }))
const noSeven = mapStage("no-seven", ({ problem }) => String(problem).endsWith("7") ? dropped("seven") : kept())
const breaks = mapStage("breaks", ({ problem }) => String(problem).includes("BAD") ? failed("Broken", "bad") : kept())
const exact = registry.get("exact-duplicates") ?? assert.fail("no stage exact-duplicates")
const stages = [upper, noSeven, breaks, exact]
const names = ["upper", "no-seven", "breaks", "exact-duplicates"]
const numbered = (n: number) => Array.from({ length: n }, (_, i) => ({ problem: `problem ${i}` }))
const world = (rows: World["rows"], more: Partial<World> = {}): World => ({ stages, rows, ...more })
const why = { why: "test", atMillis: 1 }
const who = { who: "someone", why: "test" }
const problemOf = (seq: number) => Effect.map(ProblemActor.client, (clientOf) => clientOf(actorOf("run", seq, 0)))
const texts = ({ rows }: Written) => rows.flatMap((row) => row._tag === "Done" ? [String(row.row["problem"])] : [])
const untilRead = (rows: number) => <E, R>(states: Stream.Stream<Snapshot<RunState>, E, R>) =>
  Stream.runDrain(Stream.takeUntil(states, ({ state }) => state.tally.in >= rows))
const whole = ({ tally }: RunState, rows: number) => {
  assert.strictEqual(tally.in, rows)
  const droppedRows = Object.values(tally.dropped).reduce((a, b) => a + b, 0)
  assert.strictEqual(tally.done + droppedRows + tally.failed, rows)
}

describe("a run that works", () => {
  it.live("reads its whole source however often it is paused and resumed", () => {
    const written = fresh()
    return Effect.gen(function*() {
      const run = yield* start("run", recipeOf(names, { batchRows: 2, inFlight: 6 }))
      for (let times = 0; times < 60; times++) {
        yield* run.send("Pause", why)
        yield* run.send("Resume", why)
        yield* wake("run")
        // At a different place of the walk each time.
        for (let turn = 0; turn < times % 7; turn++) yield* Effect.yieldNow
      }
      const state = yield* awaitStatus("run", "done", "failed")
      assert.strictEqual(state.status, "done", JSON.stringify(state.error))
      whole(state, 300)
      assert.strictEqual(texts(written).length, 270)
    }).pipe(Effect.provide(polya(world(numbered(300)), written)))
  })

  it.live("rests where it was paused, and a resumption goes on from there", () =>
    Effect.gen(function*() {
      const stop = yield* makeStop
      const written = fresh()
      yield* Effect.gen(function*() {
        const run = yield* start("run", recipeOf(names, { batchRows: 4, inFlight: 8 }))
        yield* stop.reached
        yield* run.send("Pause", why)
        yield* stop.go
        yield* wake("run").pipe(Effect.repeat({ until: ({ driving }) => !driving }))
        const { state } = yield* run.get
        assert.strictEqual(state.status, "paused")
        assert.isBelow(state.tally.in, 40)
        assert.strictEqual(written.commits, 0)
        yield* run.send("Resume", why)
        whole(yield* awaitStatus("run", "done"), 40)
      }).pipe(
        Effect.provide(polya(
          world(numbered(40), { before: (line) => line === 10 ? stop.here : Effect.void }),
          written
        ))
      )
    }))

  it.live("ends at once when it is cancelled, whatever it waits for, and can be sent through again", () =>
    Effect.gen(function*() {
      const stop = yield* makeStop
      const written = fresh()
      yield* Effect.gen(function*() {
        const run = yield* start("run", recipeOf(names))
        yield* stop.reached
        yield* run.send("Cancel", why)
        yield* wake("run").pipe(Effect.repeat({ until: ({ driving }) => !driving }))
        assert.strictEqual((yield* run.get).state.status, "cancelled")
        yield* stop.go
        yield* run.send("RerunFailed", { atMillis: 2 })
        whole(yield* awaitStatus("run", "done"), 40)
      }).pipe(
        Effect.provide(polya(
          world(numbered(40), { before: (line) => line === 10 ? stop.here : Effect.void }),
          written
        ))
      )
    }))

  it.live("takes new limits while it works: fewer rows in flight, more again, and a rate that was too low", () =>
    Effect.gen(function*() {
      const stop = yield* makeStop
      const written = fresh()
      yield* Effect.gen(function*() {
        const run = yield* start("run", recipeOf(names, { batchRows: 4, inFlight: 8 }))
        yield* stop.reached
        yield* run.send("ChangeLimits", { inFlight: 1 })
        yield* run.send("ChangeLimits", { rowsPerSecond: 0.001 })
        yield* stop.go
        yield* run.send("ChangeLimits", { inFlight: 64, rowsPerSecond: 0 })
        whole(yield* awaitStatus("run", "done"), 80)
      }).pipe(
        Effect.provide(polya(
          world(numbered(80), { before: (line) => line === 10 ? stop.here : Effect.void }),
          written
        ))
      )
    }))

  it.live("waits for its rate without holding a pause back", () => {
    const written = fresh()
    return Effect.gen(function*() {
      const run = yield* start("run", recipeOf(names, { batchRows: 4, inFlight: 8, rowsPerSecond: 0.01 }))
      yield* run.watch.pipe(untilRead(4))
      yield* run.send("Pause", why)
      yield* wake("run").pipe(Effect.repeat({ until: ({ driving }) => !driving }))
      assert.strictEqual((yield* run.get).state.tally.in, 4)
      yield* run.send("ChangeLimits", { rowsPerSecond: 0 })
      yield* run.send("Resume", why)
      whole(yield* awaitStatus("run", "done"), 12)
    }).pipe(Effect.provide(polya(world(numbered(12)), written)))
  })

  it.live("is started once: the same start again changes nothing, another recipe or source is refused", () =>
    Effect.gen(function*() {
      const recipe = recipeOf(names)
      const run = yield* start("run", recipe)
      const { state: { resources } } = yield* run.get
      const same = { recipe, fingerprint: "f", resources, out: "", atMillis: 5 }
      yield* run.send("Start", same)
      const limits = { ...recipe.limits, inFlight: 3 }
      for (const other of [{ ...same, recipe: { ...recipe, limits } }, { ...same, fingerprint: "g" }]) {
        assert.strictEqual((yield* Effect.flip(run.send("Start", other)))._tag, "RunTaken")
      }
      whole(yield* awaitStatus("run", "done"), 5)
    }).pipe(Effect.provide(polya(world(numbered(5)), fresh(), Layer.fresh(memoryStore)))))
})

describe("a problem of a run", () => {
  const between = (rows: World["rows"], written: Written, act: Effect.Effect<void, any, any>) =>
    Effect.gen(function*() {
      const stop = yield* makeStop
      return yield* Effect.gen(function*() {
        const run = yield* start("run", recipeOf(names))
        yield* stop.reached
        yield* act
        yield* stop.go
        const first = yield* awaitStatus("run", "done", "failed")
        assert.strictEqual(first.status, "done", JSON.stringify(first.error))
        const firstTexts = texts(written)
        yield* run.send("RerunFailed", { atMillis: 1 })
        const second = yield* awaitStatus("run", "done", "failed")
        assert.strictEqual(second.status, "done", JSON.stringify(second.error))
        return { first, second, firstTexts }
      }).pipe(Effect.provide(polya(world(rows), written, stoppingStore(stop.here)))) as Effect.Effect<any, any>
    })

  it.live("that was edited between two walks is dropped, and taken through with its edit in the next generation", () => {
    const written = fresh()
    return Effect.gen(function*() {
      const { first, firstTexts, second } = yield* between(
        numbered(6),
        written,
        Effect.gen(function*() {
          yield* (yield* problemOf(2)).send("Edit", { patch: { problem: "edited" }, ...who })
        })
      )
      whole(first, 6)
      assert.deepStrictEqual(first.tally.dropped, { "exact-duplicates/edited": 1 })
      assert.notInclude(firstTexts, "EDITED")
      whole(second, 6)
      assert.deepStrictEqual(second.tally.dropped, {})
      assert.include(texts(written), "EDITED")
    })
  })

  it.live("that was edited into a duplicate or out of a filter has another fate the next time", () => {
    const written = fresh()
    return Effect.gen(function*() {
      const { first, second } = yield* between(
        [...numbered(8), { problem: "BAD one" }],
        written,
        Effect.gen(function*() {
          yield* (yield* problemOf(2)).send("Edit", { patch: { problem: "problem 1" }, ...who })
          yield* (yield* problemOf(7)).send("Edit", { patch: { problem: "problem 8" }, ...who })
          yield* (yield* problemOf(8)).send("Edit", { patch: { problem: "good one" }, ...who })
        })
      )
      whole(first, 9)
      assert.strictEqual(first.tally.failed, 1)
      whole(second, 9)
      assert.strictEqual(second.tally.failed, 0)
      assert.deepStrictEqual(second.tally.dropped, { "exact-duplicates/exact-duplicate": 1 })
    })
  })

  it.live("that was cancelled is dropped once, in this generation and the next", () => {
    const written = fresh()
    return Effect.gen(function*() {
      const { first, second } = yield* between(
        numbered(6),
        written,
        Effect.gen(function*() {
          yield* (yield* problemOf(2)).send("Cancel", who)
        })
      )
      whole(first, 6)
      assert.deepStrictEqual(first.tally.dropped, { "exact-duplicates/cancelled": 1 })
      whole(second, 6)
      assert.deepStrictEqual(second.tally.dropped, { "source/cancelled": 1 })
      assert.strictEqual(second.tally.stages[0]?.in, 5)
    })
  })

  it.live("answers from its records when rows are run again from a later stage", () => {
    const written = fresh()
    let calls = 0
    const counted = mapStage("upper", ({ problem }) => {
      calls++
      return kept({ problem: String(problem).toUpperCase() })
    })
    return Effect.gen(function*() {
      const run = yield* start("run", recipeOf(names))
      yield* awaitStatus("run", "done")
      assert.strictEqual(calls, 20)
      const before = written.rows
      yield* run.send("Rerun", { stage: "no-seven", atMillis: 1 })
      whole(yield* awaitStatus("run", "done"), 20)
      assert.strictEqual(calls, 20)
      assert.deepStrictEqual(written.rows, before)
      yield* run.send("Rerun", { stage: "upper", atMillis: 1 })
      yield* awaitStatus("run", "done")
      assert.strictEqual(calls, 40)
    }).pipe(Effect.provide(polya({ stages: [counted, noSeven, breaks, exact], rows: numbered(20) }, written)))
  })
})
