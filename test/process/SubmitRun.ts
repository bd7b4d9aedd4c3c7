// A program for tests: starts a run in a cluster, as a client that hosts nothing, and ends. node SubmitRun.ts '{ id, recipe, sources, out, ... }'
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Effect, Layer } from "effect"
import { DatasetRunActor } from "../../src/actors/DatasetRunActor.ts"
import { storeResources } from "../../src/actors/Plans.ts"
import { Sources } from "../../src/actors/Sources.ts"
import { stages } from "../../src/domain/stages/Registry.ts"
import * as App from "../../src/runners/App.ts"
import * as LiveSettings from "../../src/runners/LiveSettings.ts"
import { loadRecipe } from "../../src/runners/RecipeFile.ts"

export interface Submitted {
  readonly id: string
  readonly recipe: string
  readonly sources: ReadonlyArray<string>
  readonly against?: ReadonlyArray<string>
  readonly out: string
  readonly limits?: { readonly inFlight?: number; readonly batchRows?: number; readonly rowsPerSecond?: number }
}

const submitted: Submitted = JSON.parse(process.argv[2] ?? "")

Effect.gen(function*() {
  const { against, id, limits, out, sources } = submitted
  const read = yield* loadRecipe(submitted.recipe, {
    sources: sources.map((location) => ({ location })),
    ...(against === undefined ? {} : { against })
  }, stages)
  const recipe = { ...read, limits: { ...read.limits, ...limits } }
  const port = yield* Sources
  const { fingerprint } = yield* port.open(recipe.sources)
  const resources = yield* storeResources(yield* port.benchmarks(recipe.against))
  const atMillis = yield* Clock.currentTimeMillis
  const client = (yield* DatasetRunActor.client)(id)
  yield* client.send("Start", { recipe, fingerprint, resources, out, atMillis }, { commandId: `start-${id}` })
  process.stdout.write(`${JSON.stringify({ event: "started", id })}\n`)
}).pipe(
  Effect.provide(
    App.layer({ dataDir: ".polya", supervise: true, join: "none" }).pipe(Layer.provideMerge(LiveSettings.layer))
  ),
  Effect.scoped,
  NodeRuntime.runMain
)
