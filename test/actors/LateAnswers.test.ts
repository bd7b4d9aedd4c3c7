// Answers that are lost, and writes that land after their caller gave up: found by the simulation (test/simulation), kept as plain cases.
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Ref, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as DurableActor from "../../src/actors/DurableActor.ts"
import { RunIndex } from "../../src/actors/RunIndex.ts"
import { accept, refuse } from "../../src/domain/Decision.ts"
import { failed, kept } from "../../src/domain/Stage.ts"
import { stages } from "../../src/domain/stages/Registry.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import { awaitStatus, fresh, makeStop, mapStage, memoryStore, outputOf, polya, recipeOf, start } from "./Fixture.ts"

class SeatTaken extends Schema.TaggedError<SeatTaken>()("SeatTaken", {}) {}
/** One seat, for who comes first. */
const Seat = DurableActor.make({
  type: "Seat",
  state: Schema.Struct({ by: Schema.NullOr(Schema.String) }),
  initial: { by: null },
  commands: { Take: { payload: { name: Schema.String }, success: Schema.String, error: SeatTaken } },
  decide: { Take: (state, { name }) => (state.by === null ? accept({ by: name }, name) : refuse(new SeatTaken())) },
  placement: { _tag: "own" }
})
describe("a command whose answer was lost", () => {
  const seats = Seat.layer().pipe(
    Layer.provideMerge(Committer.layer),
    Layer.provideMerge(EmbeddedCluster.layer()),
    Layer.provideMerge(ActorStoreMemory.layerFaulty(["failAfter", "failAfter"]))
  )
  it.live("gets its reply when it comes again, although its own effect would make it refused now", () =>
    Effect.gen(function*() {
      const seat = (yield* Seat.client)("a")
      assert.strictEqual(yield* seat.send("Take", { name: "x" }, { commandId: "1" }), "x")
      assert.strictEqual(yield* seat.send("Take", { name: "x" }, { commandId: "1" }), "x")
      const refused = yield* Effect.flip(seat.send("Take", { name: "y" }, { commandId: "2" }))
      assert.strictEqual(refused._tag, "SeatTaken")
      assert.deepStrictEqual(yield* seat.get, { version: 1, state: { by: "x" } })
      const by = { who: "w", why: "y" }
      const put = { expected: 1, state: JSON.stringify({ by: "z" }) }
      assert.deepStrictEqual(yield* seat.replace(put, { commandId: "3", by }), { version: 2 })
      assert.deepStrictEqual(yield* seat.replace(put, { commandId: "3", by }), { version: 2 })
      assert.strictEqual((yield* Effect.flip(seat.replace(put, { commandId: "4", by })))._tag, "VersionMoved")
      assert.strictEqual((yield* seat.get).version, 2)
    }).pipe(Effect.provide(seats)))
})

describe("a watch", () => {
  const seats = Seat.layer().pipe(
    Layer.provideMerge(Committer.layer),
    Layer.provideMerge(EmbeddedCluster.layer()),
    Layer.provideMerge(ActorStoreMemory.layer)
  )
  it.effect("sees what landed behind the back of the actor's runner, although no command comes", () =>
    Effect.gen(function*() {
      const store = yield* ActorStore
      const seat = (yield* Seat.client)("a")
      yield* TestClock.adjust(1) // the cluster takes its shards
      const last = yield* seat.watch.pipe(
        Stream.takeUntil(({ version }) => version === 2),
        Stream.runLast,
        Effect.forkChild
      )
      yield* seat.send("Take", { name: "x" })
      yield* TestClock.adjust(1)
      const state = JSON.stringify({ by: "y" })
      yield* store.commit([{ type: "Seat", id: "a", expected: 1, state, replies: [], events: [] }])
      yield* TestClock.adjust(DurableActor.actorLimitsDefaults.idleMillis / 2 + 1)
      const seen = yield* Fiber.join(last)
      assert.deepStrictEqual(seen._tag === "Some" ? seen.value.state : null, { by: "y" })
    }).pipe(Effect.provide(seats)))
})

describe("a patient call", () => {
  it.live("goes out again when the runner that worked on it gave it up", () =>
    Effect.gen(function*() {
      const calls = yield* Ref.make(0)
      const call = Effect.flatMap(
        Ref.updateAndGet(calls, (n) => n + 1),
        (n) => n < 3 ? Effect.interrupt : Effect.succeed(n)
      )
      assert.strictEqual(yield* DurableActor.patiently(call, 10_000), 3)
    }))

  it.live("ends when its caller is interrupted", () =>
    Effect.gen(function*() {
      const calls = yield* Ref.make(0)
      const call = Effect.andThen(Ref.update(calls, (n) => n + 1), Effect.never)
      const fiber = yield* Effect.forkChild(DurableActor.patiently(call, 600_000), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* Ref.get(calls), 1)
    }))
})

describe("a write to a run's index", () => {
  const upper = mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() }))
  const last = mapStage("last", () => kept({ last: true }))

  /** The n-th `put` is lost on its way, and lands when the run's counts are asked for. */
  const lateStore = (n: number): typeof memoryStore =>
    Layer.effectContext(Effect.gen(function*() {
      const context = yield* Layer.build(Layer.fresh(memoryStore))
      const index = Context.get(context, RunIndex)
      let puts = 0
      let late: Effect.Effect<unknown> = Effect.void
      return Context.add(context, RunIndex, {
        ...index,
        put: (...args) =>
          Effect.suspend(() => {
            if (++puts !== n) return index.put(...args)
            late = Effect.ignore(index.put(...args))
            return Effect.fail(new StoreFailed({ reason: "unavailable", detail: "no answer" }))
          }),
        counts: (run) => Effect.andThen(late, index.counts(run))
      })
    }))

  it.live("undoes nothing when it lands long after its driver gave it up", () =>
    Effect.gen(function*() {
      const set = stages.get("exact-duplicates") ?? assert.fail("there is no such stage")
      const world = {
        stages: [upper, set, last],
        rows: Array.from({ length: 20 }, (_, i) => ({ problem: `p${i % 15}` }))
      }
      const runOver = Effect.fnUntraced(function*(store: typeof memoryStore) {
        const written = fresh()
        yield* Effect.gen(function*() {
          yield* start("run", recipeOf(["upper", "exact-duplicates", "last"]))
          const state = yield* awaitStatus("run", "done", "failed")
          assert.strictEqual(state.status, "done", JSON.stringify(state.error))
        }).pipe(Effect.provide(polya(world, written, store)))
        return outputOf(written)
      })
      const expected = yield* runOver(memoryStore)
      for (const n of [1, 2, 3, 4]) assert.deepStrictEqual(yield* runOver(lateStore(n)), expected, `put ${n}`)
    }))

  it.live("undoes nothing when it was broken off by a rerun and lands in the next generation", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(Layer.fresh(memoryStore))
      const index = Context.get(context, RunIndex)
      const first = yield* makeStop
      const writing = yield* Deferred.make<void>()
      let late: Effect.Effect<unknown> = Effect.void
      let puts = 0
      const store = Layer.succeedContext(Context.add(context, RunIndex, {
        ...index,
        // In the first generation the first row's write waits, and the second one's is broken off on its way.
        put: (owner, rows, entries) =>
          Effect.suspend(() => {
            const write = index.put(owner, rows, entries)
            if (rows.length === 0 || ++puts > 2) return write
            if (rows[0]?.seq === 0) return Effect.andThen(first.here, write)
            return Deferred.succeed(writing, undefined).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Effect.sync(() => void (late = Effect.ignore(write))))
            )
          }),
        counts: (run) => Effect.andThen(late, index.counts(run))
      }))
      let broken = true
      const once = mapStage("once", ({ problem }) => broken && problem === "1" ? failed("Once", "") : kept())
      const written = fresh()
      yield* Effect.gen(function*() {
        const run = yield* start("run", recipeOf(["once"], { batchRows: 1 }))
        yield* Effect.all([first.reached, Deferred.await(writing)])
        broken = false
        yield* run.send("Pause", { why: "", atMillis: 1 })
        yield* run.send("RerunFailed", { atMillis: 2 })
        yield* first.go
        const state = yield* awaitStatus("run", "done", "failed")
        assert.strictEqual(state.status, "done", JSON.stringify(state.error))
        assert.strictEqual(state.tally.done, 2)
      }).pipe(Effect.provide(polya({ stages: [once], rows: [{ problem: "0" }, { problem: "1" }] }, written, store)))
    }))
})
