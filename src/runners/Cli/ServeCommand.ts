// `polya serve`: everything in one process over SQLite; with POLYA_DATABASE_URL the API of a cluster, which is also a cpu runner of it unless
// `--groups none`.
import { Effect, Layer, Option } from "effect"
import { resolve } from "node:path"
import { Listening } from "../../http/Server.ts"
import * as App from "../App.ts"
import type { Groups } from "../Cluster/Member.ts"
import { Member } from "../Cluster/Member.ts"
import * as Config from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import * as LiveSettings from "../LiveSettings.ts"
import { live } from "../Process.ts"
import * as Served from "../Served.ts"
import * as Telemetry from "../Telemetry.ts"
import { CommandFailed, misused, misusedBy, workFailed } from "./Failure.ts"
import { printLine, shown } from "./Say.ts"

export interface ServeFlags {
  readonly port: number
  readonly host: string
  readonly data: Option.Option<string>
  readonly groups: Option.Option<string>
  readonly config: Option.Option<string>
  readonly logFormat: Option.Option<string>
  readonly json: boolean
}

export const serveCommand = Effect.fn("Cli.serve")(
  function*(flags: ServeFlags) {
    const { host, port } = flags
    if (!(port >= 0 && port <= 65_535)) return yield* misused("--port must be from 0 to 65535")
    const { cluster, configuration, databaseUrl, dataDir } = yield* settings(flags.config, logFormatOf(flags.logFormat))
    const groups = yield* groupsOf(flags.groups, ["cpu", "gpu", "none"])
    if (databaseUrl === undefined && groups !== undefined) {
      return yield* misused(
        `--groups ${groups} is for a cluster of several processes, which lives in a PostgreSQL database.`,
        "Set POLYA_DATABASE_URL to its address, or leave --groups away: then this process does everything."
      )
    }
    const data = Option.match(flags.data, { onNone: () => resolve(dataDir), onSome: (dir) => resolve(dir) })
    const join = databaseUrl === undefined ? undefined : groups ?? "cpu"
    const app = App.layer({ dataDir: data, supervise: true, reports: "serve", ...(join === undefined ? {} : { join }) })
    const served = Served.layer({ host, port, dataDir: data, joined: join !== undefined })
    yield* stay({
      what: "serve",
      json: flags.json,
      configuration,
      terminationMillis: cluster.terminationMillis,
      layer: served.pipe(Layer.provideMerge(app), Layer.provideMerge(configuration)),
      ready: Effect.map(Effect.all([Member, Listening]), ([{ address }, { url }]) =>
        join === undefined
          ? { sentence: `ready at ${url}; everything is kept in ${shown(data)}`, url }
          : {
            sentence: `ready at ${url}; ${
              address === null ? "a client of the cluster" : `a ${join} runner of the cluster at ${address}`
            }`,
            url,
            address
          })
    })
  }
)

/** The flag as the setting that it is said for. */
export const logFormatOf = (given: Option.Option<string>): NodeJS.ProcessEnv =>
  Option.match(given, { onNone: () => ({}), onSome: (format) => ({ POLYA_TELEMETRY_LOG_FORMAT: format }) })

/** What a command of a long-lived process needs to know before it starts. */
export const settings = Effect.fnUntraced(function*(config: Option.Option<string>, override: NodeJS.ProcessEnv = {}) {
  const places = {
    environment: { ...process.env, ...override },
    directory: process.cwd(),
    file: Option.getOrUndefined(config)
  }
  const configuration = LiveSettings.layer.pipe(Layer.provideMerge(Layer.succeed(ConfigPlaces, places)))
  return yield* Effect.gen(function*() {
    const { databaseUrl, dataDir } = yield* Config.StoreConfig
    return { cluster: yield* Config.ClusterConfig, databaseUrl, dataDir, configuration }
  }).pipe(Effect.provide(configuration), Effect.mapError(misusedBy))
})

export const groupsOf = (given: Option.Option<string>, allowed: ReadonlyArray<Groups>) =>
  Option.match(given, {
    onNone: () => Effect.succeed(undefined),
    onSome: (name) => {
      const found = allowed.find((groups) => groups === name)
      return found === undefined
        ? Effect.fail(misused(`--groups ${name}: there is ${allowed.join(", ")}`))
        : Effect.succeed(found)
    }
  })

/** Runs until a signal, telling people on stderr and machines on stdout what happens. */
export const stay = <A, E extends { readonly _tag: string; readonly message: string }>(options: {
  readonly what: string
  readonly json: boolean
  readonly configuration: Layer.Layer<Config.StoreConfig | Config.TelemetryConfig, E>
  readonly terminationMillis: number
  readonly layer: Layer.Layer<A, E>
  readonly ready: Effect.Effect<{ readonly sentence: string; readonly [field: string]: unknown }, never, A>
}) => {
  const watched = { process: options.what, stays: true }
  return Effect.gen(function*() {
    const json = yield* Telemetry.logsAreJson(watched)
    return yield* live({
      layer: options.layer,
      terminationMillis: options.terminationMillis,
      ready: options.ready,
      say: (event, { sentence, ...fields }) =>
        Effect.andThen(
          json
            ? Effect.annotateLogs(Effect.logInfo(sentence), { event, ...fields })
            : Effect.sync(() => void process.stderr.write(`polya ${options.what}: ${sentence}\n`)),
          options.json
            ? printLine({ event, ...fields, ...(event === "ready" ? { pid: process.pid } : {}), message: sentence })
            : Effect.void
        )
    })
  }).pipe(
    Telemetry.within(watched),
    Effect.provide(options.configuration),
    Effect.mapError((error) =>
      error instanceof CommandFailed
        ? error
        : failedToStart.has(error._tag) && !("reason" in error && error.reason === "refused")
        ? workFailed(error.message, "", error._tag)
        : misusedBy(error)
    )
  )
}

/** What a start fails for although nothing was said wrongly. */
const failedToStart: ReadonlySet<string> = new Set(["DatabaseAway", "StoreFailed"])
