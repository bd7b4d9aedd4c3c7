import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Lifecycle from "../../src/actors/Lifecycle.ts"

describe("the life of a process", () => {
  it.effect("goes from starting over ready and draining to ended, and never back", () =>
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle.make
      assert.strictEqual(lifecycle.state(), "starting")
      assert.deepStrictEqual(lifecycle.reasons(), ["the process is starting"])
      yield* lifecycle.started
      assert.strictEqual(lifecycle.state(), "ready")
      assert.deepStrictEqual(lifecycle.reasons(), [])
      yield* lifecycle.drain
      yield* lifecycle.started
      assert.strictEqual(lifecycle.state(), "draining")
      yield* lifecycle.ended
      yield* lifecycle.drain
      assert.strictEqual(lifecycle.state(), "ended")
      assert.deepStrictEqual(lifecycle.reasons(), ["the process is ended"])
    }))

  it.effect("is ready only while every condition holds, each for as long as its scope lives", () =>
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle.make
      yield* lifecycle.started
      let away = false
      const database = () => away ? "PostgreSQL does not answer" : undefined
      yield* Effect.scoped(Effect.gen(function*() {
        yield* lifecycle.requires(database)
        assert.deepStrictEqual(lifecycle.reasons(), [])
        away = true
        yield* Effect.scoped(lifecycle.requires(database))
        assert.deepStrictEqual(lifecycle.reasons(), ["PostgreSQL does not answer"])
      }))
      assert.deepStrictEqual(lifecycle.reasons(), [])
    }))

  it.effect("tells who waits for it that draining begins", () =>
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle.make
      const waiting = yield* Effect.forkChild(lifecycle.draining)
      yield* lifecycle.started
      yield* lifecycle.drain
      yield* Fiber.join(waiting)
    }))

  it("has a name of its own for each process", () => {
    const [one, other] = [Effect.runSync(Lifecycle.make), Effect.runSync(Lifecycle.make)]
    assert.match(one.id, /^[0-9a-f-]{36}$/)
    assert.notStrictEqual(one.id, other.id)
  })
})
