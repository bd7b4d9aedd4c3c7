// One process with everything in it: the actors over SQLite or PostgreSQL, stages in worker threads, files in and out. Its configuration
// comes from the environment and the configuration file (Config.ts).
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { ActorLimits } from "../actors/DurableActor.ts"
import { StageRegistry } from "../actors/Plans.ts"
import * as Polya from "../actors/Polya.ts"
import { stages } from "../domain/stages/Registry.ts"
import { ActorConfig, RetentionConfig, SourceConfig, StageConfig, StoreConfig } from "./Config.ts"
import * as EmbeddedCluster from "./EmbeddedCluster.ts"
import * as FileOutput from "./FileOutput.ts"
import * as Sources from "./sources/Sources.ts"
import * as StageWorkers from "./StageWorkers.ts"

export const storeFile = (dataDir: string): string => join(dataDir, "polya.db")

/** PostgreSQL if an address is configured, else a SQLite file in `dataDir`. */
const storeLayer = (dataDir: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const { databaseUrl, sqliteSynchronous } = yield* StoreConfig
    if (databaseUrl !== undefined) {
      const Postgres = yield* Effect.promise(() => import("./postgres/Postgres.ts"))
      return Postgres.layer({ url: databaseUrl })
    }
    const Sqlite = yield* Effect.promise(() => import("./sqlite/Sqlite.ts"))
    return Sqlite.layer({ filename: storeFile(dataDir), synchronous: sqliteSynchronous })
  }))

const clusterLayer = Layer.unwrap(Effect.map(ActorConfig, (config) => EmbeddedCluster.layer(config)))
const sourcesLayer = Layer.unwrap(Effect.map(SourceConfig, (config) => Sources.layerWith(config)))
const stagesLayer = Layer.unwrap(Effect.map(StageConfig, (config) => StageWorkers.layer(config)))
const limitsLayer = Layer.effect(ActorLimits, ActorConfig)

/** Everything that a run needs, for as long as the scope lives. */
export const layer = (options: { readonly dataDir: string; readonly supervise: boolean }) =>
  Layer.unwrap(Effect.gen(function*() {
    return Polya.layer(yield* StoreConfig, yield* RetentionConfig, options.supervise)
  })).pipe(
    Layer.provideMerge(Layer.mergeAll(
      clusterLayer,
      FileOutput.layer,
      Layer.succeed(StageRegistry, stages),
      sourcesLayer,
      stagesLayer
    )),
    Layer.provideMerge(storeLayer(options.dataDir)),
    Layer.provideMerge(limitsLayer)
  )
