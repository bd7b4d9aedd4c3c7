// The tables of a Polya store, as numbered steps that only go forward. SQLite and PostgreSQL share the numbers and, but
// for the names of types, the text. Times are milliseconds since 1970 by the Clock of the runner that wrote the row,
// one reading a flush.

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
  /**
   * Follows the columns of a table whose rows are replaced all the time: room for the new version beside the old one.
   */
  readonly updated: string
  /** Tables for work in progress; SQLite makes them in its temporary database. */
  readonly work: ReadonlyArray<string>
}
const sqliteDialect: Dialect = {
  integer: "INTEGER",
  text: "TEXT",
  bytes: "BLOB",
  integers: "BLOB",
  clustered: "STRICT, WITHOUT ROWID",
  heap: "STRICT",
  updated: "STRICT",
  work: []
}
const postgresDialect: Dialect = {
  integer: "int8",
  text: `text COLLATE "C"`,
  bytes: "bytea",
  integers: "int8[]",
  clustered: "",
  heap: "",
  updated: "WITH (fillfactor = 70)",
  // The groups of a set stage in their order, made at the first page. Unlogged: after a crash they are made again.
  work: [
    `CREATE UNLOGGED TABLE polya_run_group (
      run text COLLATE "C" NOT NULL, stage int8 NOT NULL, kind text COLLATE "C" NOT NULL, position int8 NOT NULL,
      key text COLLATE "C", band int8, seq int8 NOT NULL, sub int8 NOT NULL,
      PRIMARY KEY (run, stage, kind, position))`
  ]
}

const actors = ({ heap, integer, text, updated }: Dialect): ReadonlyArray<string> => [
  `CREATE TABLE polya_actor_state (
    type ${text} NOT NULL, id ${text} NOT NULL, version ${integer} NOT NULL, state ${text} NOT NULL,
    at ${integer} NOT NULL, PRIMARY KEY (type, id)) ${updated}`,
  // States that were replaced. Their age counts from `replaced_at`: the past can be read back that far without gaps.
  `CREATE TABLE polya_actor_version (
    type ${text} NOT NULL, id ${text} NOT NULL, version ${integer} NOT NULL, state ${text} NOT NULL,
    at ${integer} NOT NULL, replaced_at ${integer} NOT NULL, PRIMARY KEY (type, id, version)) ${heap}`,
  `CREATE TABLE polya_actor_reply (
    type ${text} NOT NULL, id ${text} NOT NULL, command_id ${text} NOT NULL, version ${integer} NOT NULL,
    reply ${text} NOT NULL, at ${integer} NOT NULL, PRIMARY KEY (type, id, command_id)) ${heap}`,
  // One row a commit; `events` is a JSON array of the events' texts, so an event's index is its place in it.
  `CREATE TABLE polya_actor_events (
    type ${text} NOT NULL, id ${text} NOT NULL, version ${integer} NOT NULL, events ${text} NOT NULL,
    at ${integer} NOT NULL, PRIMARY KEY (type, id, version)) ${heap}`,
  `CREATE INDEX polya_actor_version_age ON polya_actor_version (replaced_at)`,
  `CREATE INDEX polya_actor_reply_age ON polya_actor_reply (at)`,
  `CREATE INDEX polya_actor_events_age ON polya_actor_events (at)`
]

const index = ({ bytes, clustered, integer, integers, text, work }: Dialect): ReadonlyArray<string> => [
  `CREATE TABLE polya_run_row (
    run ${text} NOT NULL, seq ${integer} NOT NULL, sub ${integer} NOT NULL, parent ${integer}, actor ${text},
    status ${text} NOT NULL, stage ${integer}, reason ${text}, detail ${text},
    PRIMARY KEY (run, seq, sub)) ${clustered}`,
  // A row's bands lie in its entry, not in a table of their own: writing them again replaces them, and a put is one
  // row, not twenty.
  `CREATE TABLE polya_run_entry (
    run ${text} NOT NULL, stage ${integer} NOT NULL, seq ${integer} NOT NULL, sub ${integer} NOT NULL,
    key ${text}, stratum ${text}, bands ${integers} NOT NULL, payload ${bytes},
    PRIMARY KEY (run, stage, seq, sub)) ${clustered}`,
  `CREATE TABLE polya_run_result (
    run ${text} NOT NULL, stage ${integer} NOT NULL, seq ${integer} NOT NULL, sub ${integer} NOT NULL,
    dropped ${text}, patch ${text} NOT NULL, cluster ${text},
    PRIMARY KEY (run, stage, seq, sub)) ${clustered}`,
  ...work
]

const steps = (d: Dialect): ReadonlyArray<Migration> => [
  { number: 1, name: "actors", statements: actors(d) },
  { number: 2, name: "run index", statements: index(d) }
]

export const sqliteMigrations: ReadonlyArray<Migration> = steps(sqliteDialect)
export const postgresMigrations: ReadonlyArray<Migration> = steps(postgresDialect)

/** Records which steps were taken. */
export const migrationTable =
  "CREATE TABLE IF NOT EXISTS polya_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL)"

/** The highest number that a list of steps knows. */
export const knownNumber = (migrations: ReadonlyArray<Migration>): number => migrations.at(-1)?.number ?? 0
