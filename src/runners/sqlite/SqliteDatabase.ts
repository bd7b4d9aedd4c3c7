// One SQLite file, opened the way the store needs it: WAL, durable commits, migrated. Runs in the worker thread;
// everything here is synchronous. `failureOf` says what an error of the database means for the caller.
import { statfsSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { knownNumber, migrationTable, sqliteMigrations } from "../Migrations.ts"
import type { FailureReason, SqliteSettings } from "./SqliteProtocol.ts"

export interface SqliteDatabase {
  readonly db: DatabaseSync
  /** All of `body` or nothing of it, with the write lock from the start. */
  readonly transaction: <A>(body: () => A) => A
  readonly close: () => void
}

/** `StoreTooNew` on this side of the thread boundary, which loads nothing of Effect. */
export class TooNew extends Error {
  readonly found: number
  readonly known: number
  constructor(found: number, known: number) {
    super(`migration ${found} is not known here`)
    this.found = found
    this.known = known
  }
}

/** Throws `TooNew` or what SQLite throws. */
export const open = (settings: SqliteSettings): SqliteDatabase => {
  const db = new DatabaseSync(settings.filename, {
    timeout: settings.busyMillis,
    limits: { length: settings.maxValueBytes }
  })
  try {
    // Sizes chosen by bench/store.ts: 8 KB pages hold a state of 1.5 KB without overflow and cost less WAL than 16 KB
    // ones.
    db.exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${settings.synchronous};
      PRAGMA cache_size = -24576; PRAGMA temp.cache_size = -8192; PRAGMA temp.journal_mode = MEMORY;
      PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864`)
    const begin = db.prepare("BEGIN IMMEDIATE")
    const commit = db.prepare("COMMIT")
    const transaction = <A>(body: () => A): A => {
      begin.run()
      try {
        const value = body()
        commit.run()
        return value
      } finally {
        if (db.isTransaction) db.exec("ROLLBACK")
      }
    }
    migrate(db, transaction)
    return { db, transaction, close: () => close(db) }
  } catch (error) {
    db.close()
    throw error
  }
}

const migrate = (db: DatabaseSync, transaction: <A>(body: () => A) => A): void =>
  transaction(() => {
    db.exec(migrationTable)
    const recorded =
      first<{ number: number }>(db.prepare("SELECT max(number) AS number FROM polya_migration"))?.number ?? 0
    const known = knownNumber(sqliteMigrations)
    if (recorded > known) throw new TooNew(recorded, known)
    const record = db.prepare("INSERT INTO polya_migration (number, name, at) VALUES (?, ?, datetime('now'))")
    for (const { name, number, statements } of sqliteMigrations) {
      if (number <= recorded) continue
      for (const statement of statements) db.exec(statement)
      record.run(number, name)
    }
  })

/** The WAL goes back into the file, so that one file is the whole store. */
const close = (db: DatabaseSync): void => {
  try {
    db.exec("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
  } catch {
    // Another process still reads, or the disk is full: the WAL stays beside the file and is read at the next start.
  }
  db.close()
}

interface SqliteError extends Error {
  readonly errcode: number
}
const isSqliteError = (error: unknown): error is SqliteError =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"

/** Fewer free bytes than this next to an I/O error mean that the disk is full. */
const fullBelowBytes = 1_048_576

/** Codes: https://sqlite.org/rescode.html; the low byte is the primary one. */
export const failureOf = (
  error: unknown,
  filename: string
): { readonly reason: FailureReason; readonly detail: string } => {
  // node:sqlite refuses a value that it cannot bind with a TypeError or RangeError before SQLite sees it.
  if (!isSqliteError(error)) return { reason: "data", detail: String(error) }
  const detail = `${error.message} (SQLite code ${error.errcode})`
  switch (error.errcode & 0xff) {
    case 13:
      return { reason: "full", detail: `${filename}: ${detail}` }
    case 10:
      return { reason: freeBytes(filename) < fullBelowBytes ? "full" : "unavailable", detail: `${filename}: ${detail}` }
    case 5:
    case 6:
      return { reason: "unavailable", detail: `${filename} is locked by another process: ${detail}` }
    case 8:
      return { reason: "unavailable", detail: `${filename} cannot be written; check its permissions: ${detail}` }
    case 14:
      return {
        reason: "unavailable",
        detail: `${filename} cannot be opened; check the path and its permissions: ${detail}`
      }
    case 11:
    case 26:
      return { reason: "damaged", detail: `${filename} is damaged or is not a SQLite file: ${detail}` }
    case 18:
    case 19:
    case 20:
      return { reason: "data", detail }
    default:
      return { reason: "unavailable", detail: `${filename}: ${detail}` }
  }
}

const freeBytes = (filename: string): number => {
  try {
    const { bavail, bsize } = statfsSync(dirname(filename))
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Rows of a prepared SELECT. The one place that says what its columns are; the SQL beside it is the proof. */
export const all = <Row>(statement: StatementSync, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row> =>
  statement.all(...values) as unknown as ReadonlyArray<Row>

export const first = <Row>(statement: StatementSync, ...values: ReadonlyArray<SQLInputValue>): Row | undefined =>
  statement.get(...values) as unknown as Row | undefined
