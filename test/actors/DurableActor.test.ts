import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import type { ActorUnavailable } from "../../src/actors/Committer.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as DurableActor from "../../src/actors/DurableActor.ts"
import { accept, refuse } from "../../src/domain/Decision.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"

class Full extends Schema.TaggedError<Full>()("Full", { size: Schema.Int }) {}

/** A list that takes items until it is full; item "boom" is a bug in `decide`. */
const definition = (placement: DurableActor.Placement) =>
  DurableActor.make({
    type: "Log",
    state: Schema.Struct({ items: Schema.Array(Schema.String) }),
    initial: { items: [] },
    commands: {
      Add: { payload: { item: Schema.String }, success: Schema.Int, error: Full },
      Clear: { payload: {}, success: Schema.Void }
    },
    decide: {
      Add: (state, { item }) => {
        if (item === "boom") throw new Error("a bug in decide")
        if (state.items.length >= 1_000) return refuse(new Full({ size: 1_000 }))
        return accept({ items: [...state.items, item] }, state.items.length + 1, [{ _tag: "Added", item }])
      },
      Clear: (state) => state.items.length === 0 ? accept(state, undefined) : accept({ items: [] }, undefined)
    },
    placement
  })
const Log = definition({ _tag: "shared", hosts: 4 })

const over = (store: Layer.Layer<ActorStore>, limits: Partial<DurableActor.ActorLimits> = {}) =>
  Log.layer().pipe(
    Layer.provideMerge(Committer.layer),
    Layer.provideMerge(EmbeddedCluster.layer()),
    Layer.provideMerge(store),
    Layer.provideMerge(Layer.succeed(DurableActor.ActorLimits, { ...DurableActor.actorLimitsDefaults, ...limits }))
  )
const inMemory = over(ActorStoreMemory.layer)

const add = (actor: DurableActor.Client<any, any>, item: string, commandId = item) =>
  actor.send("Add", { item } as any, { commandId }) as Effect.Effect<number, Full | ActorUnavailable>

describe("a durable actor", () => {
  it.live("answers many waiting commands in order, in few commits", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const names = Array.from({ length: 300 }, (_, i) => `i${i}`)
      const replies = yield* Effect.forEach(names, (name) => add(actor, name), { concurrency: "unbounded" })
      assert.deepStrictEqual(replies, names.map((_, i) => i + 1))
      const { state, version } = yield* actor.get
      assert.deepStrictEqual(state.items, names)
      assert.isBelow(version, 30)
    }).pipe(Effect.provide(inMemory)))

  it.live("replaces a state only at a version that somebody could have read, and answers the version it became", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const by = { who: "ada", why: "test" }
      yield* add(actor, "x")
      const state = JSON.stringify({ items: ["put"] })
      // The command and the guess at the version that it will make go into one flush.
      const [, guess] = yield* Effect.all([
        add(actor, "y"),
        Effect.exit(actor.replace({ expected: 2, state }, { by }))
      ], { concurrency: "unbounded" })
      assert.isTrue(Exit.isFailure(guess))
      const { version } = yield* actor.get
      const { version: became } = yield* actor.replace({ expected: version, state }, { by })
      assert.deepStrictEqual(yield* actor.get, { version: became, state: { items: ["put"] } })
    }).pipe(Effect.provide(inMemory)))

  it.live("refuses a key that comes again with something else, in memory and from the store", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const ask = (item: string, asked: string | undefined) => actor.send("Add", { item }, { commandId: "k", asked })
      const exits = yield* Effect.forEach(["x", "y"], (item) => Effect.exit(ask(item, item)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false])
      assert.strictEqual(yield* ask("x", "x"), 1)
      const error = yield* Effect.flip(ask("y", "y"))
      assert.strictEqual(error._tag as string, "KeyReused")
      // Who does not say what he asks for gets the first reply, as ever.
      assert.strictEqual(yield* ask("z", undefined), 1)
      assert.deepStrictEqual((yield* actor.get).state.items, ["x"])
    }).pipe(Effect.provide(inMemory)))

  it("is not made with a command whose fields are those of the envelope", () => {
    const make = () =>
      DurableActor.make({
        type: "Wrong",
        state: Schema.Struct({}),
        initial: {},
        commands: { Give: { payload: { by: Schema.String }, success: Schema.Void } },
        decide: { Give: (state) => accept(state, undefined) },
        placement: { _tag: "own" }
      })
    assert.throws(make, /Wrong\.Give may not have a field by/)
  })

  it.live("gives the first reply again to a command that comes again, even among new ones", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      yield* Effect.forEach(["x", "y"], (name) => add(actor, name))
      const replies = yield* Effect.forEach(["n1", "y", "n2", "x", "n2"], (name) => add(actor, name), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(replies, [3, 2, 4, 1, 4])
      assert.deepStrictEqual((yield* actor.get).state.items, ["x", "y", "n1", "n2"])
    }).pipe(Effect.provide(inMemory)))

  it.live("refuses with a typed error and changes nothing; a bug in decide costs its own command only", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const [, boom, after] = yield* Effect.all([add(actor, "p"), Effect.exit(add(actor, "boom")), add(actor, "q")], {
        concurrency: "unbounded"
      })
      assert.isTrue(Exit.isFailure(boom) && Exit.hasDies(boom))
      assert.strictEqual(after, 2)
      yield* Effect.forEach(Array.from({ length: 998 }, (_, i) => `f${i}`), (name) => add(actor, name), {
        concurrency: "unbounded"
      })
      const refused = yield* Effect.flip(add(actor, "one too many"))
      assert.strictEqual(refused._tag, "Full")
      assert.strictEqual((yield* actor.get).state.items.length, 1_000)
    }).pipe(Effect.provide(inMemory)))

  it.live("makes one commit of a command whose answer was lost, and tells its retry the same reply", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      assert.strictEqual(yield* add(actor, "lost"), 1)
      assert.strictEqual(yield* add(actor, "lost"), 1)
      assert.deepStrictEqual((yield* actor.get).state.items, ["lost"])
    }).pipe(Effect.provide(over(ActorStoreMemory.layerFaulty(["failAfter", "failBefore"])))))

  it.live("forgets what it knew when another owner moved the state, and decides on theirs", () =>
    Effect.gen(function*() {
      const store = yield* ActorStore
      const actor = (yield* Log.client)("a")
      yield* add(actor, "ours")
      const state = JSON.stringify({ items: ["ours", "theirs"] })
      const [theirs] = yield* store.commit([{ type: "Log", id: "a", expected: 1, state, replies: [], events: [] }])
      assert.strictEqual(theirs?._tag, "Committed")
      assert.strictEqual(yield* add(actor, "again"), 3)
      assert.deepStrictEqual((yield* actor.get).state.items, ["ours", "theirs", "again"])
    }).pipe(Effect.provide(inMemory)))

  it.live("lets a retry that overtakes its first attempt share its answer", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const replies = yield* Effect.all([add(actor, "once"), add(actor, "once"), add(actor, "once")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(replies, [1, 1, 1])
      assert.strictEqual((yield* actor.get).version, 1)
    }).pipe(Effect.provide(over(ActorStoreMemory.layerFaulty([{ delayMillis: 30 }])))))

  it.live("shows a watcher committed states with growing versions, the last one among them", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const seen = yield* actor.watch.pipe(
        Stream.takeUntil(({ state }) => state.items.length === 100),
        Stream.runCollect,
        Effect.forkChild
      )
      for (let i = 0; i < 100; i++) yield* add(actor, `w${i}`)
      const versions = (yield* Fiber.join(seen)).map(({ version }) => version)
      assert.isTrue(versions.every((version, i) => i === 0 || version > (versions[i - 1] ?? 0)), String(versions))
    }).pipe(Effect.provide(inMemory)))

  it.live("knows its past: the state as of a version, and its events newest first", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      for (const item of ["x", "y", "z"]) yield* add(actor, item)
      const second = yield* Log.asOf("a", 2)
      assert.deepStrictEqual(second, { version: 2, state: { items: ["x", "y"] } })
      assert.strictEqual(yield* Log.asOf("a", 4), undefined)
      const past = yield* Log.history("a", { limit: 2 })
      assert.deepStrictEqual(
        past.map(({ events, version }) => [version, events.map((event) => JSON.parse(event).item)]),
        [
          [3, ["z"]],
          [2, ["y"]]
        ]
      )
    }).pipe(Effect.provide(inMemory)))

  it.live("leaves memory when it is not used and comes back as it was", () =>
    Effect.gen(function*() {
      const { stats } = yield* Committer
      const clientOf = yield* Log.client
      const names = Array.from({ length: 40 }, (_, i) => `actor-${i}`)
      yield* Effect.forEach(names, (name) => add(clientOf(name), "first"), { concurrency: 8 })
      const loads = stats.loads
      const counts = yield* Effect.forEach(names, (name) => add(clientOf(name), "second"), { concurrency: 8 })
      assert.isTrue(counts.every((n) => n === 2))
      assert.isAbove(stats.loads, loads)
    }).pipe(Effect.provide(over(ActorStoreMemory.layer, { maxResidentActors: 8 }))))

  it.effect("leaves memory when nobody used it for so long, not before", () =>
    Effect.gen(function*() {
      const { stats } = yield* Committer
      const actor = (yield* Log.client)("a")
      yield* TestClock.adjust(1) // the cluster takes its shards
      yield* add(actor, "first")
      for (const [passed, loads] of [[3_000, 1], [3_000, 1], [12_000, 2]] as const) {
        yield* TestClock.adjust(passed)
        yield* add(actor, `after ${passed}`)
        assert.strictEqual(stats.loads, loads)
      }
    }).pipe(Effect.provide(over(ActorStoreMemory.layer, { idleMillis: 5_000 }))))

  it.live("tells a caller that waits too long, and the command still counts once", () =>
    Effect.gen(function*() {
      const actor = (yield* Log.client)("a")
      const late = yield* Effect.flip(actor.send("Add", { item: "slow" }, { commandId: "slow", deadlineMillis: 50 }))
      assert.strictEqual(late._tag, "ActorUnavailable")
      assert.strictEqual(yield* add(actor, "slow"), 1)
    }).pipe(Effect.provide(over(ActorStoreMemory.layerFaulty([{ delayMillis: 300 }])))))

  it.live("writes nothing for a command that changes nothing and has no id of its caller's", () =>
    Effect.gen(function*() {
      const own = definition({ _tag: "own" })
      assert.strictEqual(own.hostOf("some actor"), "some actor")
      const actor = (yield* Log.client)("empty")
      assert.strictEqual((yield* actor.get).version, 0)
    }).pipe(Effect.provide(inMemory)))
})

// The law: whatever order commands, retries, lost answers, refused writes and other owners come in, each command id has one
// effect, and every caller that got a reply got the same one.
const below = (n: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: n - 1 }))
const script = {
  seed: below(1_000_000),
  sends: Schema.Array(Schema.Struct({ actor: below(3), id: below(12) })).check(Schema.isMaxLength(40))
}

describe("exactly once", () => {
  it.live.prop(
    "holds under any interleaving of commands, retries, conflicts and lost answers",
    script,
    ({ seed, sends }) => {
      const faults = ActorStoreMemory.seededFaults(seed + 1, 30, [
        "none",
        "none",
        "failBefore",
        "failAfter",
        "fence",
        { delayMillis: 2 }
      ])
      return Effect.gen(function*() {
        const clientOf = yield* Log.client
        const replies = yield* Effect.forEach(
          sends,
          ({ actor, id }) => Effect.map(add(clientOf(`actor-${actor}`), `c${id}`), (reply) => ({ actor, id, reply })),
          { concurrency: "unbounded" }
        )
        for (let actor = 0; actor < 3; actor++) {
          const { state } = yield* clientOf(`actor-${actor}`).get
          const mine = replies.filter((one) => one.actor === actor)
          assert.deepStrictEqual([...state.items].sort(), [...new Set(mine.map(({ id }) => `c${id}`))].sort())
          for (const { id, reply } of mine) assert.strictEqual(state.items[reply - 1], `c${id}`)
        }
      }).pipe(Effect.provide(over(ActorStoreMemory.layerFaulty(faults))), Effect.scoped)
    },
    { arbitrary: { runs: 60, seed: 7 } }
  )
})
