// The contract of Seats, sentence by sentence. Every layer runs it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type SeatLimits, Seats } from "../../src/actors/Seats.ts"

export const limitsOf = (inFlight: number, more: Partial<SeatLimits> = {}): SeatLimits => ({
  inFlight,
  maxWaiting: 1_000,
  waitMillis: 30_000,
  ...more
})
export const soon = { startImmediately: true } as const

/** Takes a seat and keeps it until the effect that is answered runs. */
export const seated = Effect.fnUntraced(
  function*(seats: Seats["Service"], owner: string, limits: SeatLimits, room = "room") {
    const scope = yield* Scope.make()
    yield* seats.take(room, owner, limits).pipe(Scope.provide(scope))
    return Scope.close(scope, Exit.void)
  }
)

/** `ready`: what has to pass before seats are there. */
export const seatsContract = (
  name: string,
  layer: () => Layer.Layer<Seats>,
  ready: Effect.Effect<void> = Effect.void
): void => {
  const test = <E>(
    title: string,
    inFlight: number,
    body: (seats: Seats["Service"]) => Effect.Effect<void, E, Scope.Scope>
  ) =>
    it.effect(title, () =>
      Effect.provide(
        Effect.gen(function*() {
          const seats = yield* Seats
          // The room is used once, so that it is known.
          const first = yield* Effect.forkScoped(Effect.scoped(seats.take("room", "first", limitsOf(inFlight))), soon)
          yield* ready
          yield* Fiber.join(first)
          yield* body(seats)
        }),
        layer()
      ))

  describe(`Seats ${name}`, () => {
    test(
      "are as many as the limit, and the next has to wait until one leaves",
      2,
      Effect.fnUntraced(function*(seats) {
        const leave = yield* seated(seats, "a", limitsOf(2))
        yield* seated(seats, "b", limitsOf(2))
        const third = yield* Effect.forkChild(seated(seats, "c", limitsOf(2)), soon)
        assert.deepStrictEqual(seats.facts("room"), { held: 2, waiting: 1 })
        yield* leave
        yield* Fiber.join(third)
        assert.deepStrictEqual(seats.facts("room"), { held: 2, waiting: 0 })
      })
    )

    test(
      "are those of one room alone",
      1,
      Effect.fnUntraced(function*(seats) {
        yield* seated(seats, "a", limitsOf(1))
        const other = yield* Effect.forkChild(seated(seats, "a", limitsOf(1), "other"), soon)
        yield* ready
        yield* Fiber.join(other)
        assert.deepStrictEqual([seats.facts("room").held, seats.facts("other").held], [1, 1])
        assert.deepStrictEqual(seats.facts("none"), { held: 0, waiting: 0 })
      })
    )

    test(
      "are refused at once where too many wait, and after the stated time",
      1,
      Effect.fnUntraced(function*(seats) {
        const limits = limitsOf(1, { maxWaiting: 1, waitMillis: 2_000 })
        yield* seated(seats, "a", limits)
        const waiting = yield* Effect.forkChild(Effect.flip(seated(seats, "b", limits)), soon)
        const full = yield* Effect.flip(seated(seats, "c", limits))
        assert.deepInclude(full, { _tag: "SeatsTaken", room: "room", reason: "queue-full", waiting: 1 })
        yield* TestClock.adjust(2_000)
        assert.deepInclude(yield* Fiber.join(waiting), { reason: "waited", waitedMillis: 2_000 })
        assert.deepStrictEqual(seats.facts("room"), { held: 1, waiting: 0 })
      })
    )

    test(
      "come back when who waits or who holds one goes away",
      1,
      Effect.fnUntraced(function*(seats) {
        const held = yield* Effect.forkChild(
          Effect.scoped(Effect.andThen(seats.take("room", "a", limitsOf(1)), Effect.never)),
          soon
        )
        const gone = yield* Effect.forkChild(seated(seats, "b", limitsOf(1)), soon)
        const next = yield* Effect.forkChild(seated(seats, "c", limitsOf(1)), soon)
        yield* Fiber.interrupt(gone)
        yield* Fiber.interrupt(held)
        yield* Fiber.join(next)
        assert.deepStrictEqual(seats.facts("room"), { held: 1, waiting: 0 })
      })
    )

    test(
      "go first to the owner who has less than its part, whoever asks for many",
      4,
      Effect.fnUntraced(function*(seats) {
        const limits = limitsOf(4)
        const many = yield* Effect.all(Array.from({ length: 4 }, () => seated(seats, "many", limits)))
        for (let i = 0; i < 20; i++) yield* Effect.forkScoped(seated(seats, "many", limits), soon)
        const few: Array<string> = []
        for (let i = 0; i < 3; i++) {
          yield* Effect.forkScoped(
            Effect.tap(seated(seats, "few", limits), () => Effect.sync(() => few.push("in"))),
            soon
          )
        }
        yield* TestClock.adjust(600) // the need is told
        yield* Effect.yieldNow
        for (const leave of many.slice(0, 2)) yield* leave
        yield* TestClock.adjust(0)
        assert.strictEqual(few.length, 2)
      })
    )

    test(
      "become more or fewer with the limit, and none in use is taken away",
      2,
      Effect.fnUntraced(function*(seats) {
        const limits = { ...limitsOf(2) }
        const [first, second] = yield* Effect.all([seated(seats, "a", limits), seated(seats, "a", limits)])
        const third = yield* Effect.forkChild(seated(seats, "a", limits), soon)
        limits.inFlight = 3
        yield* TestClock.adjust(1_000)
        yield* Fiber.join(third)
        limits.inFlight = 1
        yield* TestClock.adjust(1_000)
        assert.strictEqual(seats.facts("room").held, 3)
        const fourth = yield* Effect.forkChild(seated(seats, "a", limits), soon)
        yield* first
        yield* second
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(seats.facts("room"), { held: 1, waiting: 1 })
        yield* yield* Fiber.join(third)
        yield* Fiber.join(fourth)
        assert.deepStrictEqual(seats.facts("room"), { held: 1, waiting: 0 })
      })
    )
  })
}
