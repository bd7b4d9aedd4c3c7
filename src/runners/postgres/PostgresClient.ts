// The connections of a store on PostgreSQL: pool, session settings, typed array parameters, and what an error means for
// the caller.
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Predicate, type Redacted, Result, type Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { SqlError } from "effect/sql/SqlError"
import { StoreFailed } from "../../actors/ActorStore.ts"
import { escapeText } from "../../domain/StoredText.ts"
import type { SearchBounds } from "../WordSearch.ts"

export interface PostgresOptions {
  readonly url: Redacted.Redacted
  /** The schema that holds the tables; made if it is not there. Lower-case letters, digits and `_`. Default `polya`. */
  readonly schema?: string
  /** Default 4: statements are batches, so few connections do all the work. */
  readonly maxConnections?: number
  /** Deadline of one call in milliseconds. Default 30,000. */
  readonly callMillis?: number
  /** What one search for words may do; see WordSearch. */
  readonly searchBounds?: SearchBounds
}

/**
 * Unnested arrays have no statistics: with a plan of its own each flush would be planned anew and might read whole
 * tables. So the plan is made once and goes by index. Measured in spikes: 3,250 calls/s without these settings, 7,600
 * with them.
 */
const planSettings =
  "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off " +
  "-c jit=off"

/**
 * Lists are asked in many shapes: each gets a plan of its own, sees one snapshot in all its statements, and is given up
 * when it takes too long.
 */
const listSettings = "-c plan_cache_mode=force_custom_plan -c enable_seqscan=off -c jit=off -c work_mem=32MB " +
  "-c max_parallel_workers_per_gather=0 -c statement_timeout=5000 -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"

const schemaName = /^[a-z_][a-z0-9_]{0,56}$/

export interface PostgresClient {
  readonly schema: string
  /** One statement, prepared once per connection. */
  readonly query: <Row extends object>(
    text: string,
    params?: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Row>, StoreFailed>
  /** One statement of a transaction that is given up after `millis`: none then, and the transaction goes on. */
  readonly brief: <Row extends object>(
    millis: number,
    text: string,
    params: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Row> | undefined, StoreFailed>
  readonly transaction: <A, E>(body: Effect.Effect<A, E>) => Effect.Effect<A, E | StoreFailed>
  /** Fails the effect as `unavailable` when it takes longer than a call may. */
  readonly deadline: <A>(effect: Effect.Effect<A, StoreFailed>) => Effect.Effect<A, StoreFailed>
  /** Twenty times that, for what goes through a whole run at once. */
  readonly longDeadline: <A>(effect: Effect.Effect<A, StoreFailed>) => Effect.Effect<A, StoreFailed>
}

export const make = (
  options: PostgresOptions,
  use: "commits" | "lists" = "commits"
): Effect.Effect<PostgresClient, StoreFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const { callMillis = 30_000, maxConnections = 4, schema = "polya" } = options
    if (!schemaName.test(schema)) {
      return yield* new StoreFailed({
        reason: "unavailable",
        detail: `"${schema}" cannot be the name of a schema: use a-z, 0-9 and _`
      })
    }
    const sql = yield* PgClient.make({
      url: options.url,
      maxConnections,
      applicationName: `polya ${schema}${use === "lists" ? " lists" : ""}`,
      startupOptions: `${use === "lists" ? listSettings : planSettings} -c search_path=${schema}`
    }).pipe(Effect.mapError(failureOf))
    const deadline = (millis: number) =>
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () =>
          Effect.fail(
            new StoreFailed({ reason: "unavailable", detail: `PostgreSQL did not answer within ${millis} ms` })
          )
      })
    const client: PostgresClient = {
      schema,
      query: <Row extends object>(text: string, params: ReadonlyArray<unknown> = []) =>
        Effect.mapError(sql.unsafe<Row>(text, params), failureOf),
      brief: <Row extends object>(millis: number, text: string, params: ReadonlyArray<unknown>) =>
        sql.withTransaction(
          Effect.gen(function*() {
            yield* sql.unsafe(`SET LOCAL statement_timeout = ${Math.max(1, Math.trunc(millis))}`)
            const rows: ReadonlyArray<Row> = yield* sql.unsafe<Row>(text, params)
            yield* sql.unsafe("SET LOCAL statement_timeout = DEFAULT")
            return rows
          })
        ).pipe(
          Effect.catch((error) => codeOf(error) === "57014" ? Effect.succeed(undefined) : Effect.fail(failureOf(error)))
        ),
      transaction: (body) =>
        Effect.mapError(sql.withTransaction(body), (error) => error instanceof SqlError ? failureOf(error) : error),
      deadline: deadline(callMillis),
      longDeadline: deadline(20 * callMillis)
    }
    return client
  }).pipe(Effect.provide(Reactivity.layer))

/** SQLSTATE; empty where there is none. */
const codeOf = ({ reason: { cause } }: SqlError): string =>
  Predicate.hasProperty(cause, "code") ? String(cause.code) : ""

/**
 * SQLSTATE classes 21, 22, 23 and 54 (cardinality, data, constraints, limits) stay with the batch, and so does a value
 * that cannot be encoded. 53100 is a full disk. Anything else may pass later, or its outcome is unknown.
 */
const failureOf = (error: SqlError): StoreFailed => {
  const cause: unknown = error.reason.cause
  const code = codeOf(error)
  const said = cause instanceof Error && cause.message !== ""
    ? `${error.reason.message}: ${cause.message}`
    : error.reason.message
  const detail = code === "" ? `${said}` : `${said} (${code})`
  if (code === "53100") return new StoreFailed({ reason: "full", detail })
  const data = /^(21|22|23|54)[0-9A-Z]{3}$/.test(code) || Predicate.isTagged(cause, "PgTypesCodecError")
  return new StoreFailed({ reason: data ? "data" : "unavailable", detail })
}

const array = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))

/** `text[]`; see StoredText. */
export const texts = (values: ReadonlyArray<string | null>) =>
  array(values.map((value) => value === null ? null : escapeText(value)), PgTypes.OID.text)

/** `text[]` of texts that hold no character that needs an escape: JSON, array literals, our own words. */
export const plainTexts = (values: ReadonlyArray<string | null>) => array(values, PgTypes.OID.text)

/** `float8[]`: whole numbers below 2^53 are exact in it and need no BigInt; the statement casts them to int8. */
export const numbers = (values: ReadonlyArray<number | null>) => array(values, PgTypes.OID.float8)

export const number = (value: number | null) => PgTypes.float8(value)

export const text = (value: string) => PgTypes.text(escapeText(value))

export const textOrNull = (value: string | null) => PgTypes.text(value === null ? null : escapeText(value))

export const bytes = (value: Uint8Array) => PgTypes.bytea(value)

export const byteStrings = (values: ReadonlyArray<Uint8Array | null>) => array(values, PgTypes.OID.bytea)
