// What can be set about a polya process, by area: one service each, with what every field means, its unit and its default.
// Values come from POLYA_<AREA>_<FIELD>, then from `polya.yaml` (or `--config FILE`) under the same names, then from the default.
import { Context, Effect, Layer, type Redacted, Schema } from "effect"
import { availableParallelism } from "node:os"
import { actorLimitsDefaults } from "../actors/ActorLimits.ts"
import { committerDefaults } from "../actors/Committer.ts"
import { runLimitsDefaults } from "../actors/RunLimits.ts"
import type { DescribedSetting } from "../actors/Settings.ts"
import { solveLimitsDefaults } from "../actors/SolveLimits.ts"
import { defaultClusterShards } from "./Cluster/Shards.ts"
import { http } from "./Config/HttpSettings.ts"
import { llm } from "./Config/LlmSettings.ts"
import { sandbox } from "./Config/SandboxSettings.ts"
import {
  type ConfigInvalid,
  defaultsOf,
  int,
  resolveSettings,
  type Setting,
  type Settings,
  showValue,
  text,
  type Values
} from "./Config/Settings.ts"
import { telemetry } from "./Config/TelemetrySettings.ts"

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

const schema: Setting<string> = {
  schema: Schema.String.check(Schema.makeFilter(
    (name) => /^[a-z_][a-z0-9_]{0,56}$/.test(name) || "Expected a-z, 0-9 and _, at most 57 characters, no digit first"
  )),
  default: "polya",
  unit: "",
  doc: "Schema of the PostgreSQL database that holds the tables; it is made if it is not there."
}

/** Where and how state is kept. */
const store = {
  databaseUrl,
  schema,
  dataDir,
  sqliteSynchronous,
  maxActorsPerFlush: int(committerDefaults.maxActorsPerFlush, "actors", "Actors written by one flush, at most.", {
    maximum: 10_000,
    live: true
  }),
  maxCommandsPerActor: int(
    committerDefaults.maxCommandsPerActor,
    "commands",
    "Commands of one actor decided in one flush, at most.",
    { maximum: 10_000, live: true }
  ),
  maxWaitingCommands: int(
    committerDefaults.maxWaitingCommands,
    "commands",
    "Commands that may wait for a flush on one runner; callers beyond that are told to come again later.",
    { maximum: 1_000_000, live: true }
  )
}

/** How actors live on a runner. */
const actor = {
  commandDeadlineMillis: int(
    actorLimitsDefaults.commandDeadlineMillis,
    "ms",
    "A command that has no reply by then fails; asking again with its id is safe.",
    { minimum: 100, live: true }
  ),
  maxResidentActors: int(
    actorLimitsDefaults.maxResidentActors,
    "actors",
    "Actors of one type in the memory of one runner; the longest unused leave first. About 20 KB each.",
    { live: true }
  ),
  idleMillis: int(actorLimitsDefaults.idleMillis, "ms", "An actor that nobody used for so long leaves memory.", {
    minimum: 1_000,
    live: true
  })
}

/** How processes find each other and notice that one is gone. All but the addresses should be the same on every process. */
const cluster = {
  host: text(
    "127.0.0.1",
    "Name or address at which the other processes reach this runner. Its port has no password: keep it inside a network that you trust."
  ),
  listenHost: text("", "Address that a runner listens on; empty: that of `host`."),
  port: int(0, "", "Port of a runner for the other processes; 0: any free one.", { minimum: 0, maximum: 65_535 }),
  shards: int(
    defaultClusterShards,
    "cluster shards",
    "Parts in which a shard group's actors move between runners. The same on every process; never change it while one runs.",
    { maximum: 4_096 }
  ),
  expirationMillis: int(
    6_000,
    "ms",
    "A runner that has not been heard of for so long (frozen, cut off, its machine lost) loses its cluster shards. One whose process is gone loses them sooner.",
    { minimum: 1_000, maximum: 600_000 }
  ),
  healthMillis: int(
    250,
    "ms",
    "Time between two looks at the neighbours and at who runs. Shorter: a dead runner is noticed sooner.",
    { minimum: 50, maximum: 60_000 }
  ),
  terminationMillis: int(
    10_000,
    "ms",
    "On SIGTERM: time for work to come to a point where another runner goes on. Then the process ends anyway; nothing is lost.",
    { minimum: 100, maximum: 600_000 }
  ),
  databaseConnections: int(
    4,
    "connections",
    "PostgreSQL connections of one process for the cluster's own bookkeeping, beside those of the store.",
    { minimum: 3, maximum: 100 }
  ),
  databaseWaitMillis: int(
    60_000,
    "ms",
    "A process that starts while PostgreSQL is away waits for it at most so long.",
    { minimum: 0 }
  )
}

/** For how long the past is kept. The current state always is. */
const retention = {
  repliesMillis: int(
    dayMillis,
    "ms",
    "Stored replies: for so long a command that is sent again gets its first reply.",
    {
      minimum: 60_000,
      live: true
    }
  ),
  eventsMillis: int(30 * dayMillis, "ms", "Events of actors, as shown in their history.", { live: true }),
  versionsMillis: int(30 * dayMillis, "ms", "Earlier states of actors, as shown in their history.", { live: true }),
  auditMillis: int(365 * dayMillis, "ms", "The audit log: who gave which command, and why.", { live: true }),
  callsMillis: int(7 * dayMillis, "ms", "The record of calls to models.", { live: true }),
  uploadsMillis: int(
    90 * dayMillis,
    "ms",
    "Uploads, from their end on. A run whose upload has gone cannot read on from it.",
    { live: true }
  ),
  everyMillis: int(hourMillis, "ms", "Time between two rounds of deleting what is too old.", {
    minimum: 1_000,
    live: true
  })
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
      minimum: 100,
      live: true
    }
  ),
  heapMiB: int(512, "MiB", "Memory of one worker's heap; a row that needs more fails.", {
    minimum: 64,
    maximum: 65_536
  })
}

export const lastResorts = ["auto", "none"] as const
const lastResort: Setting<(typeof lastResorts)[number]> = {
  schema: Schema.Literals(lastResorts),
  default: "auto",
  unit: "",
  doc:
    "What the rules leave undecided. auto: SymPy in the sandbox is asked, where this machine has both. none: it stays undecided."
}

/** The worker threads that decide verdicts and votes, and what they may cost. */
const verdict = {
  workers: int(
    availableParallelism(),
    "threads",
    "Worker threads for verdicts and votes; they start when there is work for them. Default: one for each core.",
    { maximum: 1_024 }
  ),
  slowMillis: int(250, "ms", "A pair of answers that takes longer is counted as slow.", { live: true }),
  pairMillis: int(
    1_500,
    "ms",
    "A pair of answers that takes longer is undecided (rule `time`), and its worker is replaced.",
    { minimum: 10, maximum: 600_000, live: true }
  ),
  voteMillis: int(20_000, "ms", "The samples of one problem whose vote takes longer are given up.", {
    minimum: 10,
    maximum: 600_000,
    live: true
  }),
  heapMiB: int(256, "MiB", "Memory of one worker's heap; a pair that needs more is undecided (rule `memory`).", {
    minimum: 64,
    maximum: 65_536
  }),
  lastResort
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
  ),
  uploadCopiesBytes: int(
    16 * 1024 ** 3,
    "bytes",
    "Local copies of uploads that a runner reads; the one read longest ago makes room. A larger upload cannot be read.",
    { minimum: 1_048_576, maximum: Number.MAX_SAFE_INTEGER }
  )
}

/** The work on runs, as far as it concerns a whole runner; what concerns one run stands in its recipe. */
const run = {
  maxDriven: int(
    runLimitsDefaults.maxDriven,
    "runs",
    "Runs that one runner drives at once; others wait until one of them ends or pauses.",
    { maximum: 10_000, live: true }
  ),
  retryFirstMillis: int(
    runLimitsDefaults.retryFirstMillis,
    "ms",
    "A row whose stage failed for a passing reason is tried again after this, then after twice as long, and so on.",
    { maximum: 3_600_000, live: true }
  ),
  retryLongestMillis: int(runLimitsDefaults.retryLongestMillis, "ms", "The longest such wait.", {
    maximum: 3_600_000,
    live: true
  })
}

/** Problems that are answered by sampling and voting. */
const solve = {
  maxDriven: int(solveLimitsDefaults.maxDriven, "solves", "Solves that one runner works at once; others wait.", {
    maximum: 100_000,
    live: true
  }),
  sampleMillis: int(
    solveLimitsDefaults.sampleMillis,
    "ms",
    "A sample of a solve that has no budget of time ends by then.",
    { minimum: 100, maximum: 86_400_000, live: true }
  ),
  retries: int(
    solveLimitsDefaults.retries,
    "times",
    "A sample that failed for a passing reason, after the retries of its calls (llm.attempts), is asked for again so often.",
    { minimum: 0, maximum: 100, live: true }
  ),
  retryFirstMillis: int(
    solveLimitsDefaults.retryFirstMillis,
    "ms",
    "The first such time after this, then after twice as long, and so on.",
    { maximum: 3_600_000, live: true }
  )
}

export const areas = {
  store,
  actor,
  cluster,
  retention,
  stage,
  verdict,
  sandbox,
  llm,
  source,
  run,
  solve,
  http,
  telemetry
} satisfies {
  readonly [area: string]: Settings
}

export type Area = keyof typeof areas
export type AreaValues<A extends Area> = Values<(typeof areas)[A]>

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

export class ClusterConfig extends Context.Service<ClusterConfig, Values<typeof cluster>>()("polya/ClusterConfig") {
  static readonly defaults = defaultsOf(cluster)
  static readonly config = configOf("cluster")
  static readonly layer = (values: Partial<Values<typeof cluster>> = {}) =>
    Layer.succeed(ClusterConfig, { ...ClusterConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(ClusterConfig, ClusterConfig.config)
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

export class VerdictConfig extends Context.Service<VerdictConfig, Values<typeof verdict>>()("polya/VerdictConfig") {
  static readonly defaults = defaultsOf(verdict)
  static readonly config = configOf("verdict")
  static readonly layer = (values: Partial<Values<typeof verdict>> = {}) =>
    Layer.succeed(VerdictConfig, { ...VerdictConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(VerdictConfig, VerdictConfig.config)
}

export class SandboxConfig extends Context.Service<SandboxConfig, Values<typeof sandbox>>()("polya/SandboxConfig") {
  static readonly defaults = defaultsOf(sandbox)
  static readonly config = configOf("sandbox")
  static readonly layer = (values: Partial<Values<typeof sandbox>> = {}) =>
    Layer.succeed(SandboxConfig, { ...SandboxConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(SandboxConfig, SandboxConfig.config)
}

export class LlmConfig extends Context.Service<LlmConfig, Values<typeof llm>>()("polya/LlmConfig") {
  static readonly defaults = defaultsOf(llm)
  static readonly config = configOf("llm")
  static readonly layer = (values: Partial<Values<typeof llm>> = {}) =>
    Layer.succeed(LlmConfig, { ...LlmConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(LlmConfig, LlmConfig.config)
}

export class SourceConfig extends Context.Service<SourceConfig, Values<typeof source>>()("polya/SourceConfig") {
  static readonly defaults = defaultsOf(source)
  static readonly config = configOf("source")
  static readonly layer = (values: Partial<Values<typeof source>> = {}) =>
    Layer.succeed(SourceConfig, { ...SourceConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(SourceConfig, SourceConfig.config)
}

export class RunConfig extends Context.Service<RunConfig, Values<typeof run>>()("polya/RunConfig") {
  static readonly defaults = defaultsOf(run)
  static readonly config = configOf("run")
  static readonly layer = (values: Partial<Values<typeof run>> = {}) =>
    Layer.succeed(RunConfig, { ...RunConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(RunConfig, RunConfig.config)
}

export class SolveConfig extends Context.Service<SolveConfig, Values<typeof solve>>()("polya/SolveConfig") {
  static readonly defaults = defaultsOf(solve)
  static readonly config = configOf("solve")
  static readonly layer = (values: Partial<Values<typeof solve>> = {}) =>
    Layer.succeed(SolveConfig, { ...SolveConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(SolveConfig, SolveConfig.config)
}

export class HttpConfig extends Context.Service<HttpConfig, Values<typeof http>>()("polya/HttpConfig") {
  static readonly defaults = defaultsOf(http)
  static readonly config = configOf("http")
  static readonly layer = (values: Partial<Values<typeof http>> = {}) =>
    Layer.succeed(HttpConfig, { ...HttpConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(HttpConfig, HttpConfig.config)
}

export class TelemetryConfig
  extends Context.Service<TelemetryConfig, Values<typeof telemetry>>()("polya/TelemetryConfig")
{
  static readonly defaults = defaultsOf(telemetry)
  static readonly config = configOf("telemetry")
  static readonly layer = (values: Partial<Values<typeof telemetry>> = {}) =>
    Layer.succeed(TelemetryConfig, { ...TelemetryConfig.defaults, ...values })
  static readonly layerFromEnv = Layer.effect(TelemetryConfig, TelemetryConfig.config)
}

/** All areas at once. */
export const layerFromEnv = Layer.mergeAll(
  StoreConfig.layerFromEnv,
  ActorConfig.layerFromEnv,
  ClusterConfig.layerFromEnv,
  RetentionConfig.layerFromEnv,
  StageConfig.layerFromEnv,
  VerdictConfig.layerFromEnv,
  SandboxConfig.layerFromEnv,
  LlmConfig.layerFromEnv,
  SourceConfig.layerFromEnv,
  RunConfig.layerFromEnv,
  HttpConfig.layerFromEnv,
  TelemetryConfig.layerFromEnv
)

/** Every setting as `polya config` shows it; secrets are redacted. */
export const describeConfig = (): Effect.Effect<ReadonlyArray<DescribedSetting>, ConfigInvalid> =>
  Effect.map(resolveSettings(areas), (resolved) =>
    resolved.map((one) => ({
      key: `${one.area}.${one.field}`,
      value: showValue(one),
      origin: one.origin,
      doc: one.setting.doc,
      unit: one.setting.unit,
      live: one.setting.live === true,
      restartNeeded: false
    })))
