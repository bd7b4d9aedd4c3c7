import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makePlaces } from "../../../src/runners/sandbox/Places.ts"

const limits = { maxWaiting: 10, waitMillis: 1_000 }

/** Takes a place and keeps it until the scope that is answered closes. */
const held = Effect.fnUntraced(function*(places: ReturnType<typeof makePlaces>, tenant: string) {
  const scope = yield* Scope.make()
  yield* places.take(tenant).pipe(Scope.provide(scope))
  return Scope.close(scope, Exit.void)
})
const soon = { startImmediately: true } as const

describe("places", () => {
  it.effect("are given while there are some, and given back with the scope", () =>
    Effect.gen(function*() {
      const places = makePlaces({ places: 2, limits })
      const first = yield* held(places, "a")
      yield* held(places, "a")
      assert.strictEqual(places.taken(), 2)
      yield* first
      assert.strictEqual(places.taken(), 1)
    }))

  it.effect("go round among tenants, whoever asks for many", () =>
    Effect.gen(function*() {
      const places = makePlaces({ places: 1, limits })
      const order: Array<string> = []
      let release = yield* held(places, "a")
      const waits: Array<Fiber.Fiber<Effect.Effect<void>, unknown>> = []
      for (const tenant of ["a", "a", "a", "b", "c", "b"]) {
        waits.push(
          yield* Effect.forkChild(
            Effect.tap(held(places, tenant), () => Effect.sync(() => order.push(tenant))),
            soon
          )
        )
      }
      assert.strictEqual(places.waiting(), 6)
      while (waits.length > 0) {
        yield* release
        yield* Effect.yieldNow
        const at = waits.findIndex((fiber) => fiber.pollUnsafe() !== undefined)
        const [done] = waits.splice(at, 1)
        if (at < 0 || done === undefined) return yield* Effect.die("Nobody was admitted")
        release = yield* Fiber.join(done)
      }
      assert.deepStrictEqual(order, ["a", "b", "c", "a", "b", "a"])
      yield* release
      assert.strictEqual(places.taken(), 0)
    }))

  it.effect("refuse at once where too many wait", () =>
    Effect.gen(function*() {
      const places = makePlaces({ places: 1, limits: { maxWaiting: 1, waitMillis: 1_000 } })
      yield* held(places, "a")
      yield* Effect.forkChild(held(places, "b"), soon)
      const refused = yield* Effect.flip(held(places, "c"))
      assert.deepInclude(refused, { _tag: "SandboxBusy", reason: "queue-full", waiting: 1, sessions: 1 })
    }))

  it.effect("refuse who waited long enough, and keep nothing for them", () =>
    Effect.gen(function*() {
      const waited: Array<number> = []
      const places = makePlaces({ places: 1, limits, waited: (millis) => waited.push(millis) })
      const first = yield* held(places, "a")
      const fiber = yield* Effect.forkChild(Effect.flip(held(places, "b")), soon)
      assert.strictEqual(places.oldestMillis(), 0)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(fiber), { reason: "waited", waitedMillis: 1_000 })
      assert.deepStrictEqual(waited, [0, 1_000])
      yield* first
      assert.deepStrictEqual([places.taken(), places.waiting(), places.oldestMillis()], [0, 0, null])
    }))

  it.effect("are lost to nobody, whoever goes away and when", () =>
    Effect.gen(function*() {
      const places = makePlaces({ places: 1, limits })
      const first = yield* held(places, "a")
      const gone = yield* Effect.forkChild(held(places, "b"), soon)
      yield* Fiber.interrupt(gone)
      assert.strictEqual(places.waiting(), 0)
      const admittedAndGone = yield* Effect.forkChild(held(places, "b"), soon)
      const next = yield* Effect.forkChild(held(places, "c"), soon)
      // Admission and interruption in the same turn.
      yield* Effect.andThen(first, Fiber.interrupt(admittedAndGone))
      const exit = admittedAndGone.pollUnsafe()
      if (exit !== undefined && Exit.isSuccess(exit)) yield* exit.value
      yield* yield* Fiber.join(next)
      assert.strictEqual(places.taken(), 0)
    }))

  it.effect.prop("never hand out more than there are, and all in the end", [
    Schema.Array(Schema.Literals(["a", "b", "c"])).check(Schema.isMaxLength(10)),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))
  ], ([tenants, count]) =>
    Effect.gen(function*() {
      const places = makePlaces({ places: count, limits: { maxWaiting: 100, waitMillis: 1_000 } })
      let most = 0
      const use = (tenant: string) =>
        Effect.scoped(Effect.andThen(
          places.take(tenant),
          Effect.suspend(() => {
            most = Math.max(most, places.taken())
            return Effect.yieldNow
          })
        ))
      yield* Effect.all(tenants.map(use), { concurrency: "unbounded" })
      assert.isAtMost(most, count)
      assert.strictEqual(places.taken(), 0)
    }))
})
