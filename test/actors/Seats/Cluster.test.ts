// Several processes in one, each with its own seats, over one desk.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { SeatLimits, Seats } from "../../../src/actors/Seats.ts"
import { type Ask, makeMember } from "../../../src/actors/Seats/Cluster.ts"
import { leaseMillis, makeDesk } from "../../../src/actors/Seats/Desk.ts"
import { limitsOf, seated, soon } from "../SeatsContract.ts"

/** A desk, and processes that reach it unless they are cut off. */
const cluster = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const nowMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let desk = makeDesk(nowMillis() - leaseMillis)
  let asked = 0
  const cut = new Set<string>()
  const join = Effect.fnUntraced(function*(name: string) {
    const scope = yield* Scope.make()
    const ask: Ask = (asking) =>
      Effect.suspend(() => {
        asked++
        return cut.has(name) ? Effect.never : Effect.succeed(desk.ask(asking, nowMillis()) ?? [])
      })
    const seats = yield* Scope.provide(makeMember(ask), scope)
    return { seats, leave: Scope.close(scope, Exit.void) }
  })
  const begin = Effect.sync(() => {
    desk = makeDesk(nowMillis())
  })
  return { join, cut, begin, asked: () => asked }
})

/** So many calls at once, for ever; answers how many have a seat. */
const want = Effect.fnUntraced(
  function*(seats: Seats["Service"], owner: string, calls: number, limits: SeatLimits) {
    for (let i = 0; i < calls; i++) yield* Effect.forkScoped(seated(seats, owner, limits), soon)
    return () => seats.facts("room").held
  }
)
const pass = (millis: number) =>
  Effect.forEach(Array.from({ length: millis / 100 }), () => TestClock.adjust(100), { discard: true })
const patient = (inFlight: number) => limitsOf(inFlight, { waitMillis: 3_600_000 })

describe("seats of a cluster", () => {
  it.effect("are all there for one process that wants them, without a message for each", () =>
    Effect.gen(function*() {
      const { asked, join } = yield* cluster
      const { seats } = yield* join("p")
      yield* join("q")
      yield* Effect.forkScoped(seated(seats, "a", patient(100)), soon)
      yield* pass(1_000)
      const before = asked()
      for (let i = 0; i < 5_000; i++) yield* Effect.scoped(seats.take("room", "a", patient(100)))
      assert.strictEqual(asked(), before)
      const held = yield* want(seats, "a", 200, patient(100))
      assert.strictEqual(held(), 100)
    }))

  it.effect("go to the owners of all processes alike", () =>
    Effect.gen(function*() {
      const { join } = yield* cluster
      const [p, q] = [yield* join("p"), yield* join("q")]
      const held = { a: 0, b: 0, c: 0 }
      const busy = (seats: Seats["Service"], owner: keyof typeof held) =>
        Effect.scoped(Effect.gen(function*() {
          yield* seats.take("room", owner, patient(12))
          yield* Effect.acquireRelease(Effect.sync(() => held[owner]++), () => Effect.sync(() => held[owner]--))
          yield* Effect.sleep(250)
        })).pipe(
          Effect.forever,
          Effect.forkScoped(soon)
        )
      for (let i = 0; i < 30; i++) yield* busy(p.seats, "a")
      yield* pass(2_000)
      assert.strictEqual(held.a, 12)
      for (let i = 0; i < 10; i++) yield* Effect.all([busy(q.seats, "b"), busy(q.seats, "c"), busy(q.seats, "a")])
      yield* pass(4_000)
      assert.deepStrictEqual(held, { a: 4, b: 4, c: 4 })
    }))

  it.effect("of a process that dies are free when its lease is over, and not before", () =>
    Effect.gen(function*() {
      const { join } = yield* cluster
      const p = yield* join("p")
      const gone = yield* Scope.make()
      yield* Scope.provide(want(p.seats, "a", 10, patient(10)), gone)
      yield* pass(1_000)
      const q = yield* join("q")
      const held = yield* want(q.seats, "b", 10, patient(10))
      yield* pass(1_000)
      assert.strictEqual(held(), 0)
      yield* p.leave
      yield* Scope.close(gone, Exit.void)
      yield* pass(1_000)
      assert.strictEqual(held(), 0)
      yield* pass(4_000)
      assert.strictEqual(held(), 10)
    }))

  it.effect("are given out no longer than the lease by a process that does not reach the desk, and again when it does", () =>
    Effect.gen(function*() {
      const { cut, join } = yield* cluster
      const { seats } = yield* join("p")
      const call = Effect.scoped(seats.take("room", "a", limitsOf(4, { waitMillis: 10_000 })))
      const first = yield* Effect.forkScoped(call, soon)
      yield* pass(1_000)
      assert.isDefined(first.pollUnsafe())
      cut.add("p")
      yield* pass(1_000)
      yield* call
      yield* pass(3_000)
      const waiting = yield* Effect.forkScoped(call, soon)
      yield* pass(1_000)
      assert.deepStrictEqual(seats.facts("room"), { held: 0, waiting: 1 })
      cut.delete("p")
      yield* pass(2_000)
      assert.isTrue(Exit.isSuccess(waiting.pollUnsafe() ?? assert.fail("it still waits")))
      cut.add("p")
      yield* pass(5_000)
      const inVain = yield* Effect.forkScoped(Effect.flip(call), soon)
      yield* pass(11_000)
      const exit = inVain.pollUnsafe() ?? assert.fail("it waits for ever")
      assert.isTrue(Exit.isSuccess(exit) && exit.value.reason === "waited")
    }))

  it.effect("stay with those who have them when the desk begins anew", () =>
    Effect.gen(function*() {
      const { begin, join } = yield* cluster
      const [p, q] = [yield* join("p"), yield* join("q")]
      const [heldP, heldQ] = [
        yield* want(p.seats, "a", 3, patient(10)),
        yield* want(q.seats, "b", 4, patient(10))
      ]
      yield* pass(2_000)
      assert.deepStrictEqual([heldP(), heldQ()], [3, 4])
      yield* begin
      yield* want(p.seats, "a", 10, patient(10))
      for (let step = 0; step < 60; step++) {
        yield* pass(100)
        assert.isAtMost(heldP() + heldQ(), 10)
      }
      assert.deepStrictEqual([heldP(), heldQ()], [6, 4])
    }))

  it.effect("are never more than there are while processes come, go, freeze and change their minds", () =>
    Effect.gen(function*() {
      const { begin, cut, join } = yield* cluster
      const limit = 7
      const members = yield* Effect.forEach(
        ["p", "q", "r"],
        (name) => Effect.map(join(name), (one) => ({ name, ...one }))
      )
      let state = 12_345
      const draw = (below: number): number => (state = Math.imul(state, 1_103_515_245) + 12_345 >>> 1) % below
      let most = 0
      for (let step = 0; step < 400; step++) {
        const one = members[draw(3)] ?? assert.fail("nobody")
        const doing = draw(10)
        // Calls shorter than what is left of a lease when a process is cut off.
        if (doing < 6) {
          yield* Effect.forkScoped(
            Effect.scoped(Effect.andThen(
              Effect.ignore(one.seats.take("room", `${one.name}${draw(2)}`, limitsOf(limit, { waitMillis: 2_000 }))),
              Effect.sleep(draw(300))
            )),
            soon
          )
        } else if (doing === 6) cut.add(one.name)
        else if (doing === 7) cut.clear()
        else if (doing === 8 && draw(5) === 0) yield* begin
        yield* TestClock.adjust(draw(200))
        const held = members.reduce((sum, { seats }) => sum + seats.facts("room").held, 0)
        most = Math.max(most, held)
        // A call that began at the end of a lease outlives it by at most its own length.
        assert.isAtMost(held, limit + 1)
      }
      assert.isAtLeast(most, 3)
    }))
})
