// Who keeps runs going: how soon, and whatever else the store holds.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import { RunLimits, runLimitsDefaults } from "../../src/actors/RunLimits.ts"
import { kept } from "../../src/domain/Stage.ts"
import { awaitStatus, fresh, mapStage, memoryStore, polya, recipeOf, start } from "./Fixture.ts"

describe("a run that is known to run", () => {
  it.live("is spoken to although the look through all runs of the store takes for ever", () =>
    Effect.gen(function*() {
      const seen = yield* Deferred.make<void>()
      let listings = 0
      const store = Layer.effect(
        ActorStore,
        Effect.map(ActorStore, (memory) => ({
          ...memory,
          list: (type, options) =>
            Effect.suspend(() =>
              listings > 0
                ? Effect.andThen(Deferred.succeed(seen, undefined), Effect.never)
                : Effect.tap(memory.list(type, options), ({ length }) => Effect.sync(() => listings += length))
            )
        }))
      ).pipe(Layer.provideMerge(Layer.fresh(memoryStore)))
      const limits = { ...runLimitsDefaults, maxDriven: 0 }
      const world = { stages: [mapStage("same", () => kept())], rows: [{ problem: "one" }] }
      yield* Effect.gen(function*() {
        yield* start("run", recipeOf(["same"]))
        yield* Deferred.await(seen)
        limits.maxDriven = 1
        assert.strictEqual((yield* awaitStatus("run", "done", "failed")).status, "done")
      }).pipe(
        Effect.provide(polya(world, fresh(), store).pipe(Layer.provide(Layer.succeed(RunLimits, limits))))
      )
    }))
})
