// Drivers: an actor whose host goes is free to be driven when it comes back.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Drivers from "../../src/actors/Drivers.ts"
import * as Lifecycle from "../../src/actors/Lifecycle.ts"
import { makeRunnerStats, RunnerStats } from "../../src/actors/RunnerStats.ts"

describe("drivers", () => {
  it.effect("forget an actor whose host closes before its driver could begin", () => {
    const stats = makeRunnerStats()
    let begun = 0
    const host = Effect.gen(function*() {
      const drive = yield* Drivers.make({
        type: "Solve",
        snapshot: () => Effect.succeed({ state: "active", version: 1 } as any),
        isActive: () => true,
        drive: () => Effect.andThen(Effect.sync(() => begun++), Effect.never),
        isMoot: () => false,
        maxDriven: () => 1,
        restartMillis: 2_000
      })
      return yield* drive({ actor: "a" })
    }).pipe(Effect.scoped)
    return Effect.gen(function*() {
      assert.isTrue((yield* host).driving)
      assert.strictEqual(stats.driving("Solve").size, 0)
      yield* host
      assert.strictEqual(begun, 2)
    }).pipe(Effect.provideService(RunnerStats, stats))
  })

  it.effect("begin nothing new in a process that is about to end", () =>
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle.make
      yield* lifecycle.started
      const stats = makeRunnerStats()
      const drive = yield* Drivers.make({
        type: "Solve",
        snapshot: () => Effect.succeed({ state: "active", version: 1 } as any),
        isActive: () => true,
        drive: () => Effect.never,
        isMoot: () => false,
        maxDriven: () => 8,
        restartMillis: 2_000
      }).pipe(
        Effect.provideService(RunnerStats, stats),
        Effect.provideService(Lifecycle.Lifecycle, lifecycle)
      )
      assert.isTrue((yield* drive({ actor: "a" })).driving)
      yield* lifecycle.drain
      assert.isFalse((yield* drive({ actor: "b" })).driving)
      assert.isTrue((yield* drive({ actor: "a" })).driving)
    }).pipe(Effect.scoped))
})
