// Limits of a runner's work on runs: how many it drives at once, and how long failed rows wait.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { wake } from "../../src/actors/DatasetRunActor.ts"
import { retryMillis, RunLimits, runLimitsDefaults } from "../../src/actors/RunLimits.ts"
import { kept } from "../../src/domain/Stage.ts"
import { awaitStatus, fresh, makeStop, mapStage, polya, recipeOf, start } from "./Fixture.ts"

describe("the limits of a runner", () => {
  it.live("let no more runs be driven at once than they say, and more as soon as they say so", () => {
    const limits = { ...runLimitsDefaults, maxDriven: 1 }
    return Effect.gen(function*() {
      const stop = yield* makeStop
      const world = {
        stages: [mapStage("same", () => kept())],
        rows: [{ problem: "one" }, { problem: "two" }],
        before: () => stop.here
      }
      yield* Effect.gen(function*() {
        yield* start("first", recipeOf(["same"]))
        yield* stop.reached
        yield* start("second", recipeOf(["same"]))
        assert.deepStrictEqual(yield* wake("second"), { driving: false, trouble: null })
        limits.maxDriven = 2
        assert.deepStrictEqual(yield* wake("second"), { driving: true, trouble: null })
        yield* stop.go
        for (const run of ["first", "second"]) {
          assert.strictEqual((yield* awaitStatus(run, "done", "failed")).status, "done")
        }
      }).pipe(
        Effect.provide(polya(world, fresh()).pipe(Layer.provide(Layer.succeed(RunLimits, limits))))
      )
    })
  })

  it.prop(
    "make waits twice as long each time, from the first to the longest",
    [Schema.Int, Schema.Int, Schema.Int],
    ([a, b, c]) => {
      const [retryFirstMillis, retryLongestMillis, attempt] = [
        1 + a % 1_000,
        1_000 + b % 100_000,
        2 + Math.abs(c % 2_000)
      ]
      const limits = {
        maxDriven: 1,
        retryFirstMillis: Math.abs(retryFirstMillis) + 1,
        retryLongestMillis: Math.abs(retryLongestMillis) + 1
      }
      const wait = retryMillis(limits, attempt)
      assert.strictEqual(retryMillis(limits, 2), Math.min(limits.retryFirstMillis, limits.retryLongestMillis))
      assert.strictEqual(retryMillis(limits, attempt + 1), Math.min(wait * 2, limits.retryLongestMillis))
    },
    { arbitrary: { runs: 200, seed: 3 } }
  )
})
