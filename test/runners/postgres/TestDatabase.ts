// The PostgreSQL that tests may use: POLYA_TEST_DATABASE_URL, or a local one that answers. Each test makes a schema of
// its own.
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { randomBytes } from "node:crypto"
import * as Postgres from "../../../src/runners/postgres/Postgres.ts"

const given = process.env["POLYA_TEST_DATABASE_URL"]
export const url = Redacted.make(given ?? "postgres://postgres@127.0.0.1:5432/test")

const sql = <A, E>(body: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
  Effect.scoped(
    Effect.flatMap(SqlClient.SqlClient, body).pipe(
      Effect.provide(PgClient.layer({ url, maxConnections: 1, connectTimeout: 2000 }))
    )
  )

/** Asked once per test file. A database that was named must be there: the tests then run and say what is wrong. */
export const available: boolean = given !== undefined || await Effect.runPromise(
  sql((client) => client.unsafe("SELECT 1")).pipe(Effect.as(true), Effect.orElseSucceed(() => false))
)
export const skipped = "PostgreSQL tests are skipped: set POLYA_TEST_DATABASE_URL to run them."

export const query = <Row extends object>(text: string) => Effect.orDie(sql((client) => client.unsafe<Row>(text)))

export const freshSchema = (): string => `polya_test_${randomBytes(6).toString("hex")}`

/** A store in `schema`, which is dropped when the layer's scope closes. */
export const layerIn = (schema: string, options: Partial<Postgres.PostgresOptions> = {}) =>
  Postgres.layer({ url, schema, maxConnections: 4, ...options }).pipe(
    Layer.provideMerge(
      Layer.effectDiscard(Effect.acquireRelease(Effect.void, () => query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)))
    )
  )
