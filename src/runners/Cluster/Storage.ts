// Who runs and who owns which cluster shard, in PostgreSQL: Effect's tables in Polya's schema, over a pool of its own. Tells once when
// the database goes away and once when it is back; nothing here ends the process.
import { PgClient } from "@effect/sql-pg"
import { Clock, Context, Duration, Effect, Layer, Logger, Redacted, References, Schedule, Schema } from "effect"
import { ClusterError, type Runner, RunnerStorage, type ShardingConfig, SqlRunnerStorage } from "effect/cluster"
import * as Reactivity from "effect/reactivity/Reactivity"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { StoreFailed } from "../../actors/ActorStore.ts"
import { Lifecycle } from "../../actors/Lifecycle.ts"
import { digest } from "../../domain/Ids.ts"

export interface StorageOptions {
  readonly url: Redacted.Redacted
  readonly schema: string
  /** At least 3: one holds the locks, one takes its place while it is replaced. */
  readonly databaseConnections: number
  readonly expirationMillis: number
  readonly healthMillis: number
  readonly database: DatabaseState
}

/** PostgreSQL did not answer in time, or refuses this client for good. */
export class DatabaseAway extends Schema.TaggedError<DatabaseAway>()("DatabaseAway", {
  /** Host, port and database; never the password. */
  database: Schema.String,
  reason: Schema.Literals(["silent", "refused"]),
  waitedMillis: Schema.Finite,
  detail: Schema.String
}) {
  override get message() {
    return this.reason === "refused"
      ? `PostgreSQL at ${this.database} does not let polya in: ${this.detail}. Put POLYA_DATABASE_URL right`
      : `PostgreSQL at ${this.database} did not answer within ${
        Math.round(this.waitedMillis / 1000)
      } s: ${this.detail}. Start it, or put POLYA_DATABASE_URL right`
  }
}

export const databaseName = (url: Redacted.Redacted): string => {
  const { host, pathname } = new URL(Redacted.value(url))
  return `${host}${pathname}`
}

/** What PostgreSQL or the system says went wrong, in one line. */
const detailOf = (error: unknown): string => {
  const reason = (error as Partial<SqlError>).reason as
    | { readonly cause?: unknown; readonly message?: string }
    | undefined
  const cause = reason?.cause
  return (cause instanceof Error && cause.message !== "" ? cause.message : reason?.message ?? String(error)).split(
    "\n",
    1
  )[0] ?? ""
}

/** SQLSTATEs that do not pass by waiting: a wrong password or role, a database that is not there. */
const final = /^(28|3D)/

/** Waits until PostgreSQL answers, saying once what it waits for. */
export const waitForDatabase = Effect.fn("Cluster.waitForDatabase")(
  function*(url: Redacted.Redacted, waitMillis: number) {
    const clock = yield* Clock.Clock
    const database = databaseName(url)
    const startedMillis = clock.currentTimeMillisUnsafe()
    const ask = Effect.scoped(
      Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe("SELECT 1")).pipe(
        Effect.provide(
          PgClient.layer({ url, maxConnections: 1, connectTimeout: "2 seconds", applicationName: "polya" })
        ),
        Effect.timeout("5 seconds")
      )
    )
    let told = false
    while (true) {
      const result = yield* Effect.result(ask)
      if (result._tag === "Success") {
        if (told) yield* Effect.logInfo(`PostgreSQL at ${database} answers`)
        return
      }
      const detail = detailOf(result.failure)
      const code = ((result.failure as Partial<SqlError>).reason?.cause as { readonly code?: unknown } | undefined)
        ?.code
      const waitedMillis = clock.currentTimeMillisUnsafe() - startedMillis
      if (final.test(String(code ?? ""))) {
        return yield* new DatabaseAway({ database, reason: "refused", waitedMillis, detail })
      }
      if (waitedMillis >= waitMillis) {
        return yield* new DatabaseAway({ database, reason: "silent", waitedMillis, detail })
      }
      if (!told) {
        told = true
        yield* Effect.logWarning(
          `Waiting for PostgreSQL at ${database} (${detail}), at most ${Math.round(waitMillis / 1000)} s`
        )
      }
      yield* Effect.sleep(Math.min(250, waitMillis - waitedMillis))
    }
  }
)

/** What the last look at the table of runners said. */
export class RunnerTable extends Context.Service<RunnerTable, {
  readonly runners: () => ReadonlyArray<{ readonly runner: Runner.Runner; readonly healthy: boolean }>
}>()("polya/RunnerTable") {}

/** Tables of clusters in other schemas of the same database need other advisory locks: these follow from the tables' prefix. */
const prefixOf = (schema: string): string => schema === "polya" ? "cluster" : `cluster_${digest(["schema", schema], 8)}`

export const layer = (
  options: StorageOptions
): Layer.Layer<RunnerStorage.RunnerStorage | RunnerTable, StoreFailed, ShardingConfig.ShardingConfig> =>
  Layer.effectContext(
    Effect.gen(function*() {
      const sql = yield* PgClient.make({
        url: options.url,
        maxConnections: options.databaseConnections,
        connectTimeout: "5 seconds",
        applicationName: `polya cluster ${options.schema}`,
        startupOptions: `-c search_path=${options.schema}`
      })
      const prefix = prefixOf(options.schema)
      yield* Effect.scoped(migrate(sql, options.schema, prefix))
      const built = yield* Layer.build(SqlRunnerStorage.layerStorage({ prefix })).pipe(
        Effect.provideService(SqlClient.SqlClient, sql)
      )
      return yield* watched(Context.get(built, RunnerStorage.RunnerStorage), options)
    }).pipe(
      Effect.provide(Reactivity.layer),
      Effect.mapError((error) => new StoreFailed({ reason: "unavailable", detail: detailOf(error) }))
    )
  )

/** Processes that start together make the tables one after the other. */
const migrate = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, schema: string, prefix: string) {
  const connection = yield* sql.reserve
  const lock = `hashtextextended('polya cluster ${schema}', 0)`
  yield* Effect.acquireRelease(
    connection.executeRaw(`SELECT pg_advisory_lock(${lock})`, []),
    () => Effect.ignore(connection.executeRaw(`SELECT pg_advisory_unlock(${lock})`, []))
  )
  yield* sql.unsafe(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
  yield* Layer.build(SqlRunnerStorage.layerMigrations({ prefix })).pipe(Effect.provideService(SqlClient.SqlClient, sql))
})

/** Each process reads the table of runners a few times a second: that tells if PostgreSQL is there. */
const watched = Effect.fnUntraced(
  function*(
    storage: RunnerStorage.RunnerStorage["Service"],
    { database: shared, expirationMillis, healthMillis, url }: StorageOptions
  ) {
    const clock = yield* Clock.Clock
    const lifecycle = yield* Lifecycle
    const database = databaseName(url)
    let awaySince: number | undefined
    let runners: ReadonlyArray<{ readonly runner: Runner.Runner; readonly healthy: boolean }> = []
    yield* lifecycle.requires(() => awaySince === undefined ? undefined : `PostgreSQL at ${database} does not answer`)

    // The cluster's own fiber calls this; what is said concerns the process, not that fiber.
    const told = Effect.provideService(References.CurrentLogAnnotations, {})
    const away = (error: unknown): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (awaySince !== undefined) return Effect.void
        awaySince = clock.currentTimeMillisUnsafe()
        shared.away = true
        const cause = error instanceof ClusterError.PersistenceError ? error.cause : error
        return Effect.logWarning(
          `PostgreSQL at ${database} does not answer (${
            detailOf(cause)
          }). Work rests until it does; nothing that was answered is lost`
        )
      }).pipe(told)
    const back: Effect.Effect<void> = Effect.suspend(() => {
      if (awaySince === undefined) return Effect.void
      const seconds = (clock.currentTimeMillisUnsafe() - awaySince) / 1000
      awaySince = undefined
      shared.away = false
      return Effect.logInfo(`PostgreSQL at ${database} answers again after ${seconds.toFixed(1)} s; work goes on`)
    }).pipe(told)
    const getRunners = storage.getRunners.pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(expirationMillis),
        orElse: () =>
          Effect.fail(
            new ClusterError.PersistenceError({ cause: new Error(`no answer within ${expirationMillis} ms`) })
          )
      }),
      Effect.tap((rows) => {
        runners = rows.map(([runner, healthy]) => ({ runner, healthy }))
        return back
      }),
      Effect.tapError(away),
      // The caller comes back no sooner than after a second.
      Effect.retry({ schedule: Schedule.spaced(healthMillis), times: Math.max(1, Math.floor(2_000 / healthMillis)) })
    )
    const probes = Math.floor((0.9 * expirationMillis) / 3 / healthMillis)
    const refresh: typeof storage.refresh = (address, shards) => {
      const once = storage.refresh(address, shards)
      // Without cluster shards it asks whether the locks can be used again. The caller asks once in a third of the expiration, so the
      // answer is waited for that long: then the return of PostgreSQL is seen at once.
      return [...shards].length > 0
        ? once
        : Effect.retry(once, { schedule: Schedule.spaced(healthMillis), times: Math.max(0, probes) })
    }
    const own = RunnerStorage.RunnerStorage.of({ ...storage, getRunners, refresh })
    return Context.make(RunnerStorage.RunnerStorage, own).pipe(
      Context.add(RunnerTable, { runners: () => runners })
    )
  }
)

/**
 * Lines that Effect's cluster writes at each retry while its storage is away, and for each connection that a dead runner leaves. `watched` and
 * Neighbours say the same, once a change.
 */
const chatter = [
  "Unhandled error in SocketServer",
  "Shard lock storage",
  "Could not acquire/release shards",
  "Could not release shards",
  "No healthy runners available"
]

/** Says that actors hinder the handing over of their cluster shards: a fault, unless it is the database that they wait for. */
const hindered = "Forced shard release is still pending"

/** Whether the database is away, as `watched` sees it. */
export interface DatabaseState {
  away: boolean
}

/** The loggers in force, without the chatter of Effect's cluster. */
export const quietLoggers = (database: DatabaseState): Layer.Layer<never> =>
  Layer.effect(
    Logger.CurrentLoggers,
    Effect.map(Effect.service(Logger.CurrentLoggers), (loggers) =>
      new Set(
        [...loggers].map((logger) =>
          Logger.make<unknown, void>((entry) => {
            const [first] = Array.isArray(entry.message) ? entry.message : [entry.message]
            const text = typeof first === "string" ? first : ""
            if (chatter.some((start) => text.startsWith(start)) || database.away && text.startsWith(hindered)) return
            logger.log(entry)
          })
        )
      ))
  )
