// The tables of a Polya store, as numbered steps that only go forward. SQLite and PostgreSQL share the numbers and, but for the
// names of types, the text. Times are milliseconds since 1970 by the Clock of the runner that wrote the row, one reading a flush.

/** A step that was recorded in a store is never changed; a new need is a new step. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

interface Dialect {
  readonly integer: string
  /** Text that is compared byte by byte. */
  readonly text: string
  readonly bytes: string
  /** Whole numbers below 2^53, each once, in no order. */
  readonly integers: string
  /** Follows the columns of a table that is read and written in the order of its primary key. */
  readonly clustered: string
  readonly heap: string
  /** Follows the columns of a table whose rows are replaced all the time: room for the new version beside the old one. */
  readonly updated: string
  /** Tables for work in progress; SQLite makes them in its temporary database. */
  readonly work: ReadonlyArray<string>
}
const sqliteDialect: Dialect = {
  integer: "INTEGER", text: "TEXT", bytes: "BLOB", integers: "BLOB", clustered: "STRICT, WITHOUT ROWID", heap: "STRICT", updated: "STRICT",
  work: []
}
const postgresDialect: Dialect = {
  integer: "int8", text: `text COLLATE "C"`, bytes: "bytea", integers: "int8[]", clustered: "", heap: "", updated: "WITH (fillfactor = 70)",
  // The groups of a set stage in their order, made at the first page. Unlogged: after a crash they are made again.
  work: [`CREATE UNLOGGED TABLE polya_run_group (run text COLLATE "C" NOT NULL, stage int8 NOT NULL, kind text COLLATE "C" NOT NULL,
    position int8 NOT NULL, key text COLLATE "C", band int8, seq int8 NOT NULL, sub int8 NOT NULL, PRIMARY KEY (run, stage, kind, position))`]
}

const actors = (d: Dialect): ReadonlyArray<string> => [
  `CREATE TABLE polya_actor_state (type ${d.text} NOT NULL, id ${d.text} NOT NULL, version ${d.integer} NOT NULL, state ${d.text} NOT NULL,
    at ${d.integer} NOT NULL, PRIMARY KEY (type, id)) ${d.updated}`,
  // States that were replaced. `replaced_at` is what their age is counted from: the past can be read back that far without gaps.
  `CREATE TABLE polya_actor_version (type ${d.text} NOT NULL, id ${d.text} NOT NULL, version ${d.integer} NOT NULL, state ${d.text} NOT NULL,
    at ${d.integer} NOT NULL, replaced_at ${d.integer} NOT NULL, PRIMARY KEY (type, id, version)) ${d.heap}`,
  `CREATE TABLE polya_actor_reply (type ${d.text} NOT NULL, id ${d.text} NOT NULL, command_id ${d.text} NOT NULL, version ${d.integer} NOT NULL,
    reply ${d.text} NOT NULL, at ${d.integer} NOT NULL, PRIMARY KEY (type, id, command_id)) ${d.heap}`,
  // One row a commit; `events` is a JSON array of the events' texts, so an event's index is its place in it.
  `CREATE TABLE polya_actor_events (type ${d.text} NOT NULL, id ${d.text} NOT NULL, version ${d.integer} NOT NULL, events ${d.text} NOT NULL,
    at ${d.integer} NOT NULL, PRIMARY KEY (type, id, version)) ${d.heap}`,
  `CREATE INDEX polya_actor_version_age ON polya_actor_version (replaced_at)`,
  `CREATE INDEX polya_actor_reply_age ON polya_actor_reply (at)`,
  `CREATE INDEX polya_actor_events_age ON polya_actor_events (at)`
]

const index = (d: Dialect): ReadonlyArray<string> => [
  `CREATE TABLE polya_run_row (run ${d.text} NOT NULL, seq ${d.integer} NOT NULL, sub ${d.integer} NOT NULL, parent ${d.integer},
    actor ${d.text}, status ${d.text} NOT NULL, stage ${d.integer}, reason ${d.text}, detail ${d.text}, PRIMARY KEY (run, seq, sub)) ${d.clustered}`,
  // A row's bands lie in its entry, not in a table of their own: writing them again replaces them, and a put is one row, not twenty.
  `CREATE TABLE polya_run_entry (run ${d.text} NOT NULL, stage ${d.integer} NOT NULL, seq ${d.integer} NOT NULL, sub ${d.integer} NOT NULL,
    key ${d.text}, stratum ${d.text}, bands ${d.integers} NOT NULL, payload ${d.bytes}, PRIMARY KEY (run, stage, seq, sub)) ${d.clustered}`,
  `CREATE TABLE polya_run_result (run ${d.text} NOT NULL, stage ${d.integer} NOT NULL, seq ${d.integer} NOT NULL, sub ${d.integer} NOT NULL,
    dropped ${d.text}, patch ${d.text} NOT NULL, cluster ${d.text}, PRIMARY KEY (run, stage, seq, sub)) ${d.clustered}`
]

const steps = (d: Dialect): ReadonlyArray<Migration> => [
  { number: 1, name: "actors", statements: actors(d) },
  { number: 2, name: "run index", statements: [...index(d), ...d.work] }
]

export const sqliteMigrations: ReadonlyArray<Migration> = steps(sqliteDialect)
export const postgresMigrations: ReadonlyArray<Migration> = steps(postgresDialect)

/** Records which steps were taken. */
export const migrationTable = "CREATE TABLE IF NOT EXISTS polya_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL)"

/** The highest number that a list of steps knows. */
export const knownNumber = (migrations: ReadonlyArray<Migration>): number => migrations.at(-1)?.number ?? 0
