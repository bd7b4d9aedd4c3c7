// The ports of the store on PostgreSQL: several runners share one schema. Opening it brings the schema to the newest
// migration.
import { Context, Effect, Layer } from "effect"
import { ActorIndex } from "../../actors/ActorIndex.ts"
import { ActorStore, type StoreFailed } from "../../actors/ActorStore.ts"
import { AuditLog } from "../../actors/AuditLog.ts"
import { CallLog } from "../../actors/CallLog.ts"
import { Files } from "../../actors/Files.ts"
import { Processes } from "../../actors/Processes.ts"
import { RunIndex } from "../../actors/RunIndex.ts"
import { makeCallLog } from "../CallLogWriter.ts"
import * as PostgresFiles from "../files/PostgresFiles.ts"
import { knownNumber, migrationTable, postgresMigrations } from "../Migrations.ts"
import { StoreTooNew } from "../StoreTooNew.ts"
import * as PostgresActorIndex from "./PostgresActorIndex.ts"
import * as PostgresActorStore from "./PostgresActorStore.ts"
import * as PostgresAuditLog from "./PostgresAuditLog.ts"
import * as PostgresCallLog from "./PostgresCallLog.ts"
import { make, number, type PostgresClient, type PostgresOptions, text } from "./PostgresClient.ts"
import * as PostgresFacets from "./PostgresFacets.ts"
import * as PostgresProcesses from "./PostgresProcesses.ts"
import * as PostgresRunIndex from "./PostgresRunIndex.ts"

export type { PostgresOptions } from "./PostgresClient.ts"

/** Lists are for people: few at a time. A further one waits for its turn. */
const listConnections = 3

export const layer = (
  options: PostgresOptions
): Layer.Layer<
  ActorStore | ActorIndex | AuditLog | CallLog | RunIndex | Files | Processes,
  StoreFailed | StoreTooNew
> =>
  Layer.effectContext(Effect.gen(function*() {
    const client = yield* make(options)
    yield* migrate(client)
    const lists = yield* make({ ...options, maxConnections: listConnections }, "lists")
    return Context.make(ActorStore, PostgresActorStore.make(client, yield* PostgresFacets.make(client))).pipe(
      Context.add(ActorIndex, PostgresActorIndex.make(lists, options.searchBounds)),
      Context.add(AuditLog, PostgresAuditLog.make(client, lists)),
      Context.add(CallLog, yield* makeCallLog(PostgresCallLog.make(client, lists))),
      Context.add(RunIndex, PostgresRunIndex.make(client)),
      Context.add(Files, PostgresFiles.make(client)),
      Context.add(Processes, PostgresProcesses.make(client))
    )
  }))

/** Runners that start together wait for each other here; the first one does the work. */
const migrate = ({ query, schema, transaction }: PostgresClient) =>
  Effect.gen(function*() {
    yield* query(
      "SELECT pg_advisory_xact_lock(hashtextextended('polya migrations ' || current_setting('search_path'), 0))"
    )
    yield* query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
    yield* query(migrationTable)
    const rows = yield* query<{ number: number | null }>("SELECT max(number)::float8 AS number FROM polya_migration")
    const recorded = rows[0]?.number ?? 0
    const known = knownNumber(postgresMigrations)
    if (recorded > known) return yield* new StoreTooNew({ store: `schema ${schema}`, found: recorded, known })
    for (const step of postgresMigrations) {
      if (step.number <= recorded) continue
      for (const statement of step.statements) yield* query(statement)
      yield* query(
        "INSERT INTO polya_migration (number, name, at) VALUES ($1::int4, $2, now()::text)",
        [
          number(step.number),
          text(step.name)
        ]
      )
    }
  }).pipe(transaction)
