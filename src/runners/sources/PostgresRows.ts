// Rows of one SELECT on PostgreSQL, by pages of a cursor inside a read-only transaction: the server refuses what is no SELECT,
// nothing is written, and all rows come from one snapshot. Messages and fingerprints never hold the address's credentials.
import { PgClient } from "@effect/sql-pg"
import { Array as Arr, Cause, Effect, type Pull, Redacted, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { SourceUnreadable } from "../../actors/Sources.ts"
import { jsonObjectOf } from "./ForeignValue.ts"
import { batchRows, type Place, type RawItem, type Reader } from "./Reader.ts"

/** A page that takes longer than this fails; the time between pages does not count. */
const pageMillis = 300_000
const connectTimeout = "10 seconds"

/** The address without user, password and parameters (which may hold a password too). */
export const withoutCredentials = (address: string): string => {
  if (!URL.canParse(address)) return "postgres://(malformed address)"
  const { host, pathname, protocol } = new URL(address)
  return `${protocol}//${host}${pathname}`
}

/** What the server or the socket said, without the secrets of the address. */
const saidBy = (error: SqlError, address: string): string => {
  const { cause, message } = error.reason
  const said = cause instanceof Error && cause.message !== "" ? cause.message : message
  if (!URL.canParse(address)) return said
  const { password, searchParams } = new URL(address)
  const secrets = [password, decodeURIComponent(password), searchParams.get("password") ?? ""].filter((secret) =>
    secret !== ""
  )
  return secrets.reduce((text, secret) => text.replaceAll(secret, "***"), said)
}

const readRows = Effect.fnUntraced(function*(address: string, query: string, from: Place) {
  const location = withoutCredentials(address)
  const failedAs = (reason: SourceUnreadable["reason"], what: string) => (error: SqlError) =>
    new SourceUnreadable({ location, reason, detail: `${what}: ${saidBy(error, address)}` })

  const connection = yield* PgClient.makeClient({
    url: Redacted.make(address),
    connectTimeout,
    applicationName: "polya"
  }).pipe(
    Effect.flatMap((client) => client.reserve),
    Effect.provide(Reactivity.layer),
    Effect.mapError(failedAs("unreadable", "no connection to the database"))
  )
  const run = (sql: string) => connection.executeUnprepared(sql, [], undefined)
  yield* Effect.acquireRelease(
    run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    () => Effect.ignore(run("ROLLBACK"))
  ).pipe(
    Effect.andThen(run(`SET LOCAL statement_timeout = ${pageMillis}`)),
    Effect.andThen(run("SET LOCAL idle_in_transaction_session_timeout = 0")),
    Effect.mapError(failedAs("unreadable", "no read-only transaction"))
  )
  yield* run(`DECLARE polya_source NO SCROLL CURSOR FOR ${query.replace(/;\s*$/, "")}`).pipe(
    Effect.andThen(from.offset > 0 ? run(`MOVE FORWARD ${from.offset} FROM polya_source`) : Effect.void),
    Effect.mapError(failedAs("query-failed", "the query was refused"))
  )
  let read = from.offset
  const page: Pull.Pull<Arr.NonEmptyReadonlyArray<RawItem>, SourceUnreadable> = run(
    `FETCH ${batchRows} FROM polya_source`
  ).pipe(
    Effect.mapError((error) => failedAs("query-failed", `the query failed after ${read} rows`)(error)),
    Effect.flatMap((rows) => {
      const items = rows.map((row): RawItem => {
        read += 1
        return { line: read, offset: read, value: jsonObjectOf(row) }
      })
      return Arr.isReadonlyArrayNonEmpty(items) ? Effect.succeed(items) : Cause.done()
    })
  )
  return Stream.fromPull(Effect.succeed(page))
})

/** `offset` counts rows of the query's result. */
export const postgresReader = (address: string, query: string | undefined): Reader => ({
  read: (from) =>
    query === undefined
      ? Stream.fail(
        new SourceUnreadable({
          location: withoutCredentials(address),
          reason: "query-missing",
          detail: "a database needs a query (--query \"SELECT ... ORDER BY ...\")"
        })
      )
      : Stream.unwrap(readRows(address, query, from))
})
