// Feeds over a gateway and an index that do as they are told, in virtual time.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type ActorEntry, ActorIndex } from "../../../src/actors/ActorIndex.ts"
import { Gateway } from "../../../src/actors/Gateway.ts"
import { Feeds } from "../../../src/http/live/Feeds.ts"

interface World {
  readonly get?: (id: string) => Effect.Effect<{ readonly version: number; readonly state: string }>
  readonly search?: Effect.Effect<ReadonlyArray<ActorEntry>>
}
const feeds = ({ get = () => Effect.succeed({ version: 1, state: "s" }), search = Effect.succeed([]) }: World) =>
  Feeds.layer.pipe(
    Layer.provide(
      Layer.mock(Gateway, { types: [], commandsOf: () => [], get: (_, id) => get(id), watch: () => Stream.never })
    ),
    Layer.provide(Layer.mock(ActorIndex, { search: () => Effect.map(search, (entries) => ({ entries, next: null })) }))
  )
const open = (id: string, from: number | null) =>
  Effect.flatMap(Feeds, (all) => all.actor({ type: "T", actor: id }, from))
const actor = (id: string) => Effect.map(open(id, null), ({ feed }) => feed)
const list = Effect.flatMap(Feeds, (all) => all.list({ filter: { type: "T" }, order: "newest", limit: 5 }, null)).pipe(
  Effect.map(({ feed }) => feed)
)

describe("feeds", () => {
  it.effect("are shared, and end a little after each of their watchers has gone", () =>
    Effect.gen(function*() {
      const { left, size } = yield* Feeds
      const one = yield* actor("a")
      assert.strictEqual(yield* actor("a"), one)
      left(one)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(size(), 1)
      left(one)
      assert.strictEqual(yield* actor("a"), one)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(size(), 1)
      left(one)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(size(), 0)
      assert.notStrictEqual(yield* actor("a"), one)
    }).pipe(Effect.provide(feeds({}))))

  it.effect("are opened side by side, once each; those who wait share how it ends", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      let reads = 0
      const get = (id: string) =>
        id === "fast" ? Effect.succeed({ version: 1, state: "s" }) : Effect.suspend(() => {
          reads++
          return Effect.andThen(Deferred.await(gate), Effect.die("unreadable"))
        })
      yield* Effect.gen(function*() {
        const { left, size } = yield* Feeds
        const slow = yield* Effect.forEach([1, 2], () => Effect.forkChild(actor("slow")))
        const gone = yield* Effect.forkChild(actor("slow"))
        yield* Effect.yieldNow
        left(yield* actor("fast"))
        yield* Fiber.interrupt(gone)
        yield* Deferred.succeed(gate, undefined)
        for (const fiber of slow) assert.strictEqual((yield* Fiber.await(fiber))._tag, "Failure")
        assert.strictEqual(reads, 1)
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(size(), 0)
      }).pipe(Effect.provide(feeds({ get })))
    }))

  it.effect("go on from a version that is ahead of them only if the store has it", () => {
    let version = 1
    return Effect.gen(function*() {
      yield* actor("a")
      version = 5
      assert.strictEqual((yield* open("a", 5)).from, "5")
      assert.strictEqual((yield* open("a", 6)).from, null)
      assert.strictEqual((yield* open("a", 1)).from, "1")
    }).pipe(Effect.provide(feeds({ get: () => Effect.sync(() => ({ version, state: "s" })) })))
  })

  it.effect("of lists never give two values one name", () =>
    Effect.gen(function*() {
      const { left, size } = yield* Feeds
      const first = yield* list
      left(first)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(size(), 0)
      assert.notStrictEqual((yield* list).now?.at, first.now?.at)
    }).pipe(Effect.provide(feeds({}))))

  it.effect("of lists look every second, and more seldom where looking takes long", () =>
    Effect.gen(function*() {
      let looks = 0
      let takes = 0
      const search = Effect.suspend(() => {
        looks++
        return Effect.delay(Effect.succeed([]), takes)
      })
      yield* Effect.gen(function*() {
        yield* list
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(looks, 11)
        takes = 1_000
        yield* TestClock.adjust("100 seconds")
        assert.isAtMost(looks, 23)
      }).pipe(Effect.provide(feeds({ search })))
    }))
})
