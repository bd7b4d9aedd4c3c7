// What can be set about a polya process, by area: one service each, with what every field means, its unit and its default.
// Values come from POLYA_<AREA>_<FIELD>, then from `polya.yaml` (or `--config FILE`) under the same names, then from the default.
import { Context, Effect, Layer, type Redacted, Schema } from "effect"
import { availableParallelism } from "node:os"
import { committerDefaults } from "../actors/Committer.ts"
import { actorLimitsDefaults } from "../actors/DurableActor.ts"
import {
  type ConfigInvalid,
  defaultsOf,
  int,
  resolveSettings,
  type Setting,
  type Settings,
  showValue,
  type Values
} from "./Config/Settings.ts"
import * as EmbeddedCluster from "./EmbeddedCluster.ts"

const hourMillis = 3_600_000
const dayMillis = 24 * hourMillis

const databaseUrl: Setting<Redacted.Redacted<string> | undefined> = {
  schema: Schema.RedactedFromValue(
    Schema.String.check(Schema.makeFilter(
      (url) =>
        /^postgres(ql)?:$/.test(URL.parse(url)?.protocol ?? "") ||
        "Expected an address like postgres://user:password@host/database"
    ))
  ),
  default: undefined,
  unit: "",
  doc: "Address of a PostgreSQL database to keep everything in. Without it: SQLite files in dataDir.",
  variable: "POLYA_DATABASE_URL",
  secret: true
}
const dataDir: Setting<string> = {
  schema: Schema.NonEmptyString,
  default: ".polya",
  unit: "",
  doc:
    "Folder of the SQLite files, relative to the working directory. Not for `polya run`, whose store is in OUT/.polya or where --data says."
}
const sqliteSynchronous: Setting<"FULL" | "NORMAL"> = {
  schema: Schema.Literals(["FULL", "NORMAL"]),
  default: "FULL",
  unit: "",
  doc:
    "FULL: what was answered survives a power cut. NORMAL: faster, the last moments may be lost with the power, never by a crash."
}

/** Where and how state is kept. */
const store = {
  databaseUrl,
  dataDir,
  sqliteSynchronous,
  maxActorsPerFlush: int(committerDefaults.maxActorsPerFlush, "actors", "Actors written by one flush, at most.", {
    maximum: 10_000
  }),
  maxCommandsPerActor: int(
    committerDefaults.maxCommandsPerActor,
    "commands",
    "Commands of one actor decided in one flush, at most.",
    { maximum: 10_000 }
  ),
  maxWaitingCommands: int(
    committerDefaults.maxWaitingCommands,
    "commands",
    "Commands that may wait for a flush on one runner; callers beyond that are told to come again later.",
    { maximum: 1_000_000 }
  )
}

/** How actors live on a runner. */
const actor = {
  commandDeadlineMillis: int(
    actorLimitsDefaults.commandDeadlineMillis,
    "ms",
    "A command that has no reply by then fails; asking again with its id is safe.",
    { minimum: 100 }
  ),
  maxResidentActors: int(
    actorLimitsDefaults.maxResidentActors,
    "actors",
    "Actors of one type in the memory of one runner; the longest unused leave first. About 20 KB each."
  ),
  idleMillis: int(actorLimitsDefaults.idleMillis, "ms", "An actor that nobody used for so long leaves memory.", {
    minimum: 1_000
  }),
  clusterShards: int(
    EmbeddedCluster.defaultClusterShards,
    "cluster shards",
    "Parts in which the cluster moves actors between runners: 8 to 16 per expected runner. The same on every process; never change it on live data.",
    { maximum: 4_096 }
  )
}

/** For how long the past is kept. The current state always is. */
const retention = {
  repliesMillis: int(
    dayMillis,
    "ms",
    "Stored replies: for so long a command that is sent again gets its first reply.",
    {
      minimum: 60_000
    }
  ),
  eventsMillis: int(30 * dayMillis, "ms", "Events of actors, as shown in their history."),
  versionsMillis: int(30 * dayMillis, "ms", "Earlier states of actors, as shown in their history."),
  everyMillis: int(hourMillis, "ms", "Time between two rounds of deleting what is too old.", { minimum: 1_000 })
}

/** The worker threads that stages run in. */
const stage = {
  workers: int(
    Math.max(1, availableParallelism() - 1),
    "threads",
    "Worker threads for stages. Default: one less than there are cores.",
    {
      maximum: 1_024
    }
  ),
  batchMillis: int(
    30_000,
    "ms",
    "A worker that has not finished a batch by then is stopped and its rows are tried one by one.",
    {
      minimum: 100
    }
  ),
  heapMiB: int(512, "MiB", "Memory of one worker's heap; a row that needs more fails.", {
    minimum: 64,
    maximum: 65_536
  })
}

/** How sources are read. */
const source = {
  maxLineBytes: int(
    8 * 1_048_576,
    "bytes",
    "A longer line of a JSONL source, or row of a CSV source, fails as a row, unread.",
    {
      minimum: 1_024,
      maximum: 1_073_741_824
    }
  ),
  parquetMillis: int(
    30_000,
    "ms",
    "A row group of a Parquet source (or a piece of a large one) that is not decoded by then makes the source unreadable.",
    { minimum: 100 }
  )
}

export const areas = { store, actor, retention, stage, source } satisfies { readonly [area: string]: Settings }

type Area = keyof typeof areas

/** The values of one area that hold for this process. A mistake anywhere in the configuration fails every area, with all mistakes. */
const configOf = <A extends Area>(area: A): Effect.Effect<Values<(typeof areas)[A]>, ConfigInvalid> =>
  Effect.map(resolveSettings(areas), (resolved) =>
    // Each value was decoded by the schema of its own field.
    Object.fromEntries(resolved.flatMap((one) => (one.area === area ? [[one.field, one.value]] : []))) as Values<
      (typeof areas)[A]
    >)

export class StoreConfig extends Context.Service<StoreConfig, Values<typeof store>>()("polya/StoreConfig") {
  static readonly defaults = defaultsOf(store)
  static readonly config = configOf("store")
  static readonly layer = (values: Partial<Values<typeof store>> = {}) =>
    Layer.succeed(StoreConfig, { ...StoreConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(StoreConfig, StoreConfig.config)
}

export class ActorConfig extends Context.Service<ActorConfig, Values<typeof actor>>()("polya/ActorConfig") {
  static readonly defaults = defaultsOf(actor)
  static readonly config = configOf("actor")
  static readonly layer = (values: Partial<Values<typeof actor>> = {}) =>
    Layer.succeed(ActorConfig, { ...ActorConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(ActorConfig, ActorConfig.config)
}

export class RetentionConfig
  extends Context.Service<RetentionConfig, Values<typeof retention>>()("polya/RetentionConfig")
{
  static readonly defaults = defaultsOf(retention)
  static readonly config = configOf("retention")
  static readonly layer = (values: Partial<Values<typeof retention>> = {}) =>
    Layer.succeed(RetentionConfig, { ...RetentionConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(RetentionConfig, RetentionConfig.config)
}

export class StageConfig extends Context.Service<StageConfig, Values<typeof stage>>()("polya/StageConfig") {
  static readonly defaults = defaultsOf(stage)
  static readonly config = configOf("stage")
  static readonly layer = (values: Partial<Values<typeof stage>> = {}) =>
    Layer.succeed(StageConfig, { ...StageConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(StageConfig, StageConfig.config)
}

export class SourceConfig extends Context.Service<SourceConfig, Values<typeof source>>()("polya/SourceConfig") {
  static readonly defaults = defaultsOf(source)
  static readonly config = configOf("source")
  static readonly layer = (values: Partial<Values<typeof source>> = {}) =>
    Layer.succeed(SourceConfig, { ...SourceConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(SourceConfig, SourceConfig.config)
}

/** All areas at once. */
export const layerFromEnv = Layer.mergeAll(
  StoreConfig.layerFromEnv,
  ActorConfig.layerFromEnv,
  RetentionConfig.layerFromEnv,
  StageConfig.layerFromEnv,
  SourceConfig.layerFromEnv
)

/** Every setting as `polya config` shows it; secrets are redacted. */
export interface DescribedSetting {
  readonly key: string
  readonly value: string
  /** `default`, `polya.yaml:3` or `env POLYA_STAGE_WORKERS`. */
  readonly origin: string
  readonly doc: string
  readonly unit: string
}

export const describeConfig = (): Effect.Effect<ReadonlyArray<DescribedSetting>, ConfigInvalid> =>
  Effect.map(resolveSettings(areas), (resolved) =>
    resolved.map((one) => ({
      key: `${one.area}.${one.field}`,
      value: showValue(one),
      origin: one.origin,
      doc: one.setting.doc,
      unit: one.setting.unit
    })))
