// Alarms: each rings once at its time, in order, and never after it was called off or the scope has closed.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeAlarms } from "../../src/actors/Alarms.ts"

describe("alarms", () => {
  it.effect("ring at their times, in their order, whatever the order in which they are set", () =>
    Effect.gen(function*() {
      const { at, now } = yield* makeAlarms
      const rung: Array<number> = []
      const times = Array.from({ length: 200 }, (_, i) => (i * 7_919) % 1_009)
      for (const time of times) at(now() + time, () => rung.push(time))
      at(Infinity, () => assert.fail("never"))
      const sorted = times.toSorted((a, b) => a - b)
      for (const until of [0, 100, 500, 1_009]) {
        yield* TestClock.setTime(Math.max(1, until))
        assert.deepStrictEqual(rung, sorted.filter((time) => time <= Math.max(1, until)))
      }
    }))

  it.effect("do not ring once they are called off, however many are", () =>
    Effect.gen(function*() {
      const { at } = yield* makeAlarms
      const rung: Array<number> = []
      for (let i = 0; i < 5_000; i++) {
        const stop = at(10 + (i % 977), () => rung.push(i))
        if (i % 50 !== 0) {
          stop()
          stop()
        }
      }
      yield* TestClock.adjust(1_000)
      assert.sameMembers(rung, Array.from({ length: 100 }, (_, i) => i * 50))
    }))

  it.effect("may set and call off others as they ring", () =>
    Effect.gen(function*() {
      const { at, now } = yield* makeAlarms
      const rung: Array<string> = []
      const stop = at(20, () => rung.push("called off"))
      at(10, () => {
        stop()
        rung.push("first")
        at(now() + 5, () => rung.push("second"))
        at(now(), () => rung.push("at once"))
      })
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(rung, ["first", "at once"])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(rung, ["first", "at once", "second"])
    }))

  it.effect("ring no more once their scope has closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { at } = yield* Effect.provideService(makeAlarms, Scope.Scope, scope)
      at(10, () => assert.fail("rang"))
      yield* Scope.close(scope, Exit.void)
      at(20, () => assert.fail("rang"))
      yield* TestClock.adjust(100)
    }))
})
