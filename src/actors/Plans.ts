// The plan of a run, for any runner that works its rows: made from the run's stored recipe and benchmark texts, which never change
// after the start, so a small cache is safe.
import { Cache, Context, Effect, Layer, Schema } from "effect"
import { type RunState } from "../domain/DatasetRun.ts"
import { digest } from "../domain/Ids.ts"
import { canonical, type Json } from "../domain/Json.ts"
import { type Plan, planOf } from "../domain/Plan.ts"
import type { Recipe } from "../domain/Recipe.ts"
import type { BenchmarkText, Stage } from "../domain/Stage.ts"
import type { StoreFailed } from "./ActorStore.ts"
import { ActorStore } from "./ActorStore.ts"
import { patient } from "./DurableActor.ts"
import type { WorkPlan } from "./StageExecutor.ts"

/** The stages that this program has, by name. */
export class StageRegistry
  extends Context.Service<StageRegistry, ReadonlyMap<string, Stage>>()("polya/StageRegistry")
{}

export interface RunPlan {
  readonly recipe: Recipe
  readonly plan: Plan
  readonly work: WorkPlan
}

/** A runner cannot make the plan of a run: the run is unknown here, or another version of the program made it. */
export class PlanUnavailable extends Schema.TaggedError<PlanUnavailable>()("PlanUnavailable", {
  run: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `The plan of run ${this.run} cannot be made: ${this.detail}`
  }
}

export const runType = "DatasetRun"
const resourceType = "Resource"
const Texts = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ benchmark: Schema.String, id: Schema.String, text: Schema.String }))
)

/** Benchmark texts as JSON text in the store may not be larger than this. */
export const maxResourceBytes = 64 * 1024 * 1024

export class ResourcesTooLarge
  extends Schema.TaggedError<ResourcesTooLarge>()("ResourcesTooLarge", { bytes: Schema.Int })
{
  override get message() {
    return `The benchmark texts take ${this.bytes} bytes; at most ${maxResourceBytes} can be kept with a run. Give fewer files.`
  }
}

/** Keeps the benchmark texts of a run in the store, once, and answers their id. */
export const storeResources = Effect.fn("Plans.storeResources")(function*(texts: ReadonlyArray<BenchmarkText>) {
  const store = yield* ActorStore
  const state = Schema.encodeSync(Texts)(texts)
  if (state.length > maxResourceBytes) return yield* new ResourcesTooLarge({ bytes: state.length })
  const id = digest([state])
  // Fenced: they are there already, under the name of their content.
  yield* patient(store.commit([{ type: resourceType, id, expected: 0, state, replies: [], events: [] }]))
  return id
})

export const decodeParams = (stage: Stage, params: Json): unknown => Schema.decodeUnknownSync(stage.params)(params)

export class Plans extends Context.Service<Plans, {
  readonly of: (run: string) => Effect.Effect<RunPlan, PlanUnavailable | StoreFailed>
}>()("polya/Plans") {
  static readonly layer: Layer.Layer<Plans, never, ActorStore | StageRegistry> = Layer.effect(
    Plans,
    Effect.gen(function*() {
      const store = yield* ActorStore
      const registry = yield* StageRegistry
      const stateOf = Effect.fnUntraced(function*(type: string, id: string, run: string) {
        const [row] = yield* store.load([{ type, id }])
        return row?.state ?? (yield* new PlanUnavailable({ run, detail: `the store has no ${type} ${id}` }))
      })
      const make = Effect.fn("Plans.make")(function*(run: string) {
        const { recipe, resources } = JSON.parse(yield* stateOf(runType, run, run)) as RunState
        if (recipe === null) return yield* new PlanUnavailable({ run, detail: "it was not started" })
        const texts = yield* stateOf(resourceType, resources, run)
        return yield* Effect.try({
          try: (): RunPlan => {
            const plan = planOf(recipe, registry, decodeParams, resources)
            const id = digest([canonical(recipe as unknown as Json), resources])
            const benchmarks = Schema.decodeSync(Texts)(texts)
            return {
              recipe,
              plan,
              work: { id, stages: recipe.stages, resources: { benchmarks, seed: recipe.seed }, plan }
            }
          },
          catch: (cause) => new PlanUnavailable({ run, detail: String(cause) })
        })
      })
      const cache = yield* Cache.make({ capacity: 64, lookup: make })
      return Plans.of({
        of: (run) => Effect.tapError(Cache.get(cache, run), () => Cache.invalidate(cache, run))
      })
    })
  )
}
