// One process with everything in it: the actors over SQLite or PostgreSQL, stages in worker threads, files in and out; a cluster of its own,
// or a member of one over PostgreSQL. Its configuration comes from the environment and the configuration file (Config.ts).
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Layer, Schema } from "effect"
import { join } from "node:path"
import { CommitterLimits } from "../actors/Committer.ts"
import * as Contesting from "../actors/Contesting.ts"
import { ActorLimits } from "../actors/DurableActor.ts"
import * as Evaluating from "../actors/Evaluating.ts"
import { Generation } from "../actors/Generation.ts"
import { StageRegistry } from "../actors/Plans.ts"
import * as Polya from "../actors/Polya.ts"
import { RetentionLimits } from "../actors/Retention.ts"
import { RunLimits } from "../actors/RunLimits.ts"
import * as SeatsOfCluster from "../actors/Seats/Cluster.ts"
import * as SeatsOfOne from "../actors/Seats/Local.ts"
import { SolveLimits } from "../actors/SolveLimits.ts"
import * as Solving from "../actors/Solving.ts"
import * as SpendingActor from "../actors/SpendingActor.ts"
import { StageExecutor } from "../actors/StageExecutor.ts"
import { Tokens } from "../actors/Tokens.ts"
import { stages } from "../domain/stages/Registry.ts"
import { HttpLimits } from "../http/Limits.ts"
import { type Groups, Member } from "./Cluster/Member.ts"
import {
  ActorConfig,
  ClusterConfig,
  HttpConfig,
  LlmConfig,
  RetentionConfig,
  RunConfig,
  SandboxConfig,
  SolveConfig,
  SourceConfig,
  StageConfig,
  StoreConfig,
  VerdictConfig
} from "./Config.ts"
import * as EmbeddedCluster from "./EmbeddedCluster.ts"
import { EventLoop } from "./EventLoop.ts"
import * as FilesOutput from "./FilesOutput.ts"
import * as Health from "./Health.ts"
import * as LiveSettings from "./LiveSettings.ts"
import * as Metrics from "./Metrics.ts"
import * as Sandbox from "./Sandbox.ts"
import * as Sources from "./sources/Sources.ts"
import * as StageWorkers from "./StageWorkers.ts"
import * as SymPyLastResort from "./SymPyLastResort.ts"
import * as VerdictWorkers from "./VerdictWorkers.ts"
import * as VitalsReporter from "./VitalsReporter.ts"

export const storeFile = (dataDir: string): string => join(dataDir, "polya.db")
/** Uploads and outputs, where the store is SQLite. */
export const filesFolder = (dataDir: string): string => join(dataDir, "files")

export interface AppOptions {
  readonly dataDir: string
  /** Running runs of the store go on although nobody asks. */
  readonly supervise: boolean
  /** Makes the process a member of the cluster that lives in the PostgreSQL database; without it, it is a cluster of its own. */
  readonly join?: Groups
  /** As what the process says how it is, once a second; without it, it says nothing. */
  readonly reports?: VitalsReporter.Kind
}

export class DatabaseMissing extends Schema.TaggedError<DatabaseMissing>()("DatabaseMissing", {}) {
  override get message() {
    return "A cluster of several processes lives in a PostgreSQL database: set POLYA_DATABASE_URL to its address"
  }
}

/** PostgreSQL if an address is configured, else a SQLite file in `dataDir`. A member of a cluster waits for a database that is away. */
export const storeLayer = ({ dataDir, join }: AppOptions) =>
  Layer.unwrap(Effect.gen(function*() {
    const { databaseUrl: url, schema, sqliteSynchronous } = yield* StoreConfig
    if (url !== undefined) {
      if (join !== undefined) {
        const { waitForDatabase } = yield* Effect.promise(() => import("./Cluster/Storage.ts"))
        yield* waitForDatabase(url, (yield* ClusterConfig).databaseWaitMillis)
      }
      const Postgres = yield* Effect.promise(() => import("./postgres/Postgres.ts"))
      return Postgres.layer({ url, schema })
    }
    if (join !== undefined) return yield* new DatabaseMissing()
    const Sqlite = yield* Effect.promise(() => import("./sqlite/Sqlite.ts"))
    const FolderFiles = yield* Effect.promise(() => import("./files/FolderFiles.ts"))
    return Layer.merge(
      Sqlite.layer({ filename: storeFile(dataDir), synchronous: sqliteSynchronous }),
      FolderFiles.layer({ folder: filesFolder(dataDir) })
    )
  }))

const clusterLayer = ({ join }: AppOptions) =>
  Layer.unwrap(Effect.gen(function*() {
    const config = yield* ClusterConfig
    if (join === undefined) {
      const { shards } = config
      return Layer.merge(
        EmbeddedCluster.layer({ clusterShards: shards }),
        Layer.succeed(Member, { address: null, groups: ["default"], shards, runners: () => [] })
      )
    }
    const { databaseUrl: url, schema } = yield* StoreConfig
    if (url === undefined) return yield* new DatabaseMissing()
    const Cluster = yield* Effect.promise(() => import("./Cluster.ts"))
    return Cluster.layer({ ...config, url, schema, groups: join })
  }))

/** Stages run where Problem actors live: processes that host none of them have no worker threads. */
const stagesLayer = ({ join = "cpu" }: AppOptions) =>
  join === "cpu"
    ? Layer.unwrap(Effect.map(StageConfig, (config) => StageWorkers.layer(config)))
    : Layer.succeed(StageExecutor, { run: () => Effect.die("This process runs no stages") })

/** Threads that nobody asked of yet cost nothing, and neither does a last resort. */
const verdictsLayer = Layer.unwrap(
  Effect.map(
    VerdictConfig,
    (config) => VerdictWorkers.layer(config).pipe(Layer.provide(SymPyLastResort.layerOf(config.lastResort)))
  )
)

/** Processes that stay look for it when they start; the others when there is code to run. */
const sandboxLayer = ({ reports }: AppOptions) =>
  Layer.unwrap(Effect.map(SandboxConfig, (config) => Sandbox.layer(config, { checked: reports !== undefined })))

/** What asks models is loaded where there are some. */
const modelsLayer = Layer.unwrap(Effect.gen(function*() {
  const settings = yield* LlmConfig
  const { baseUrl, model, models } = settings
  if (baseUrl !== "" && model === "") {
    yield* Effect.logWarning("POLYA_LLM_BASE_URL is set and POLYA_LLM_MODEL is not: that server is not asked")
  }
  if (baseUrl === "" && models === "") return Generation.layerNone
  const [Models, Client] = yield* Effect.promise(() =>
    Promise.all([import("./Generation.ts"), import("./openai/Client.ts")])
  )
  return Models.layer(settings).pipe(Layer.provide(Client.layer))
}))

const sourcesLayer = ({ dataDir }: AppOptions) =>
  Layer.unwrap(Effect.map(SourceConfig, (config) => Sources.layerWith({ ...config, uploadFolder: dataDir })))
/** Each is an object with getters (LiveSettings), so what reads it at each use follows the live configuration. */
const limitsLayer = Layer.mergeAll(
  Layer.effect(ActorLimits, ActorConfig),
  Layer.effect(CommitterLimits, StoreConfig),
  Layer.effect(RunLimits, RunConfig),
  Layer.effect(SolveLimits, SolveConfig),
  Layer.effect(HttpLimits, HttpConfig),
  Layer.effect(RetentionLimits, RetentionConfig),
  Layer.effect(
    VitalsReporter.SettingsNumber,
    Effect.map(LiveSettings.LiveSettings, (live) => () => live.state.number)
  )
)

/** Everything that a run needs, for as long as the scope lives. */
export const layer = (options: AppOptions) =>
  Layer.mergeAll(
    options.reports === undefined ? Layer.empty : VitalsReporter.layer(options.reports),
    Metrics.layer,
    Health.layer({ dataDir: options.dataDir, joined: options.join !== undefined })
  ).pipe(
    Layer.provideMerge([Evaluating.layer(options.supervise), Contesting.layer(options.supervise)]),
    Layer.provideMerge(Solving.layer(options.supervise)),
    Layer.provideMerge(modelsLayer),
    Layer.provideMerge(Layer.mergeAll(
      SpendingActor.layerSpending,
      options.join === undefined ? SeatsOfOne.layerLocal : SeatsOfCluster.layerCluster
    )),
    Layer.provideMerge(Layer.unwrap(Effect.gen(function*() {
      return Polya.layer(yield* RetentionConfig, options.supervise)
    }))),
    Layer.provideMerge(Layer.mergeAll(Tokens.layer, LiveSettings.settings({ watchFile: options.supervise }))),
    Layer.provideMerge(Layer.mergeAll(
      clusterLayer(options),
      Layer.provide(FilesOutput.layer, NodeFileSystem.layer),
      Layer.succeed(StageRegistry, stages),
      sourcesLayer(options),
      stagesLayer(options),
      verdictsLayer
    )),
    Layer.provideMerge([VitalsReporter.LastWord.layer, EventLoop.layer, sandboxLayer(options)]),
    Layer.provideMerge(storeLayer(options)),
    Layer.provideMerge(limitsLayer)
  )
