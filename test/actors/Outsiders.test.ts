// What callers from outside can do to a runner by the ids that they choose.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Sharding } from "effect/cluster"
import { Gateway } from "../../src/actors/Gateway.ts"
import { Intake } from "../../src/actors/Intake.ts"
import { Recipes } from "../../src/actors/Recipes.ts"
import { kept } from "../../src/domain/Stage.ts"
import { awaitStatus, fresh, mapStage, polya, recipeOf } from "./Fixture.ts"

const by = { who: "someone", why: "test" }
const upload = [{ location: "upload:1" }]
const recipes = Layer.succeed(Recipes, {
  read: () => Effect.succeed({ ...recipeOf(["keep"], { batchRows: 1, rowsPerSecond: 1 }), sources: upload }),
  names: Effect.succeed([])
})
const world = { stages: [mapStage("keep", () => kept())], rows: [{ problem: "1" }, { problem: "2" }, { problem: "3" }] }
const outside = () =>
  Layer.mergeAll(Gateway.layer, Intake.layer.pipe(Layer.provide(recipes))).pipe(
    Layer.provideMerge(polya(world, fresh()))
  )

describe("a command from outside", () => {
  it.live("to a run that is none wakes nothing", () =>
    Effect.gen(function*() {
      const gateway = yield* Gateway
      const sharding = yield* Sharding.Sharding
      const before = yield* sharding.activeEntityCount
      for (let n = 0; n < 20; n++) {
        const to = { type: "DatasetRun", id: `none-${n}`, command: "Pause", payload: {}, by, commandId: "1" }
        assert.strictEqual((yield* Effect.flip(gateway.command(to)))._tag, "RunUnknown")
      }
      assert.strictEqual(yield* sharding.activeEntityCount, before)
    }).pipe(Effect.provide(outside())))

  it.live("has an effect of its own under the id that started the run", () =>
    Effect.gen(function*() {
      const intake = yield* Intake
      const gateway = yield* Gateway
      for (const command of ["Pause", "Cancel"]) {
        const commandId = `${command}:1`
        const { id } = yield* intake.startRun({ recipe: { name: "test" }, choices: {}, by, commandId })
        yield* gateway.command({ type: "DatasetRun", id, command, payload: {}, by, commandId: "1" })
        yield* awaitStatus(id, command === "Pause" ? "paused" : "cancelled")
      }
    }).pipe(Effect.provide(outside())))
})
