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
  /** A number with a fraction, eight bytes. */
  readonly real: string
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
  /** What words are searched in, and what only one dialect needs for lists. */
  readonly lists: ReadonlyArray<string>
  /** The number by which the words of a facet row are found, where the search index needs one. */
  readonly facet: string
  /** A whole number that grows by itself with each row. */
  readonly serial: string
  /** Tables for work in progress; SQLite makes them in its temporary database. */
  readonly work: ReadonlyArray<string>
  /** Before TABLE: what is said again every second need not outlive a crash of the database. */
  readonly unlogged: string
  /** Tables of files; beside SQLite they lie in a folder. */
  readonly files: ReadonlyArray<string>
}
const sqliteDialect: Dialect = {
  integer: "INTEGER",
  real: "REAL",
  text: "TEXT",
  bytes: "BLOB",
  integers: "BLOB",
  clustered: "STRICT, WITHOUT ROWID",
  heap: "STRICT",
  updated: "STRICT",
  lists: [
    `CREATE TABLE polya_actor_text (facet INTEGER PRIMARY KEY, words TEXT NOT NULL) STRICT`,
    // Only which rows have a word: neither places nor the texts themselves. Words come ready, with spaces between them.
    `CREATE VIRTUAL TABLE polya_actor_word USING fts5(words, content='', contentless_delete=1, detail=none,
      tokenize='ascii')`
  ],
  facet: "facet INTEGER PRIMARY KEY, ",
  serial: "INTEGER PRIMARY KEY AUTOINCREMENT",
  work: [],
  unlogged: "",
  files: []
}
const postgresDialect: Dialect = {
  integer: "int8",
  real: "float8",
  text: `text COLLATE "C"`,
  bytes: "bytea",
  integers: "int8[]",
  clustered: "",
  heap: "",
  updated: "WITH (fillfactor = 70)",
  lists: [
    // The search index is written when a text changes and at no other time: a change of the other columns, which no
    // index has, stays within its page. They lie here too, so that a search for words needs no second table to filter.
    `CREATE TABLE polya_actor_text (
      type text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, words tsvector NOT NULL,
      status text COLLATE "C" NOT NULL, stage text COLLATE "C" NOT NULL, grp text COLLATE "C" NOT NULL,
      since int8 NOT NULL, PRIMARY KEY (type, id)) WITH (fillfactor = 80)`,
    // New words wait in a list that upkeep empties, so that a commit does not descend the index once a word.
    `CREATE INDEX polya_actor_text_words ON polya_actor_text USING gin (words)
      WITH (gin_pending_list_limit = 16384)`,
    // What flushes added to and took from tallies: rows of their own, so that writers never wait for each other.
    `CREATE TABLE polya_actor_tally_change (
      type text COLLATE "C" NOT NULL, grp text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL,
      stage text COLLATE "C" NOT NULL, count int8 NOT NULL)`
  ],
  facet: "",
  serial: "int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  // The groups of a set stage in their order, made at the first page. Unlogged: after a crash they are made again.
  work: [
    `CREATE UNLOGGED TABLE polya_run_group (
      run text COLLATE "C" NOT NULL, stage int8 NOT NULL, kind text COLLATE "C" NOT NULL, position int8 NOT NULL,
      key text COLLATE "C", band int8, seq int8 NOT NULL, sub int8 NOT NULL,
      PRIMARY KEY (run, stage, kind, position))`
  ],
  unlogged: "UNLOGGED",
  files: [
    // A file is there when it is `whole`; until then `touched` says when its last piece came. Times by the database's clock.
    `CREATE TABLE polya_file (
      id text COLLATE "C" NOT NULL PRIMARY KEY, name text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL,
      grp text COLLATE "C", who text COLLATE "C" NOT NULL, whole boolean NOT NULL, bytes int8 NOT NULL,
      sha256 text COLLATE "C" NOT NULL, piece_bytes int8 NOT NULL, at int8 NOT NULL, touched int8 NOT NULL)
      WITH (fillfactor = 70)`,
    `CREATE INDEX polya_file_age ON polya_file (kind, at, id) WHERE whole`,
    `CREATE UNIQUE INDEX polya_file_output ON polya_file (grp, name) WHERE whole AND kind = 'output'`,
    `CREATE TABLE polya_file_piece (
      file text COLLATE "C" NOT NULL REFERENCES polya_file (id) ON DELETE CASCADE, n int8 NOT NULL, bytes bytea NOT NULL,
      PRIMARY KEY (file, n))`,
    // Files come compressed, or are read once: trying to compress them costs more than it saves.
    "ALTER TABLE polya_file_piece ALTER COLUMN bytes SET STORAGE EXTERNAL"
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

// An empty stage or group is none. Lists read the index of a status and a stage, and merge those that a filter holds for.
const lists = (
  { clustered, facet, heap, integer, lists: own, serial, text, updated }: Dialect
): ReadonlyArray<string> => [
  `CREATE TABLE polya_actor_facet (
    ${facet}type ${text} NOT NULL, id ${text} NOT NULL, version ${integer} NOT NULL, since ${integer} NOT NULL,
    status ${text} NOT NULL, stage ${text} NOT NULL, grp ${text} NOT NULL, attempts ${integer} NOT NULL,
    error ${text}, waiting ${text}, excerpt ${text}, digest ${integer} NOT NULL, UNIQUE (type, id)) ${updated}`,
  `CREATE INDEX polya_actor_facet_since ON polya_actor_facet (type, status, stage, since, id)`,
  `CREATE INDEX polya_actor_facet_group ON polya_actor_facet (type, grp, status, stage, since, id) WHERE grp <> ''`,
  `CREATE TABLE polya_actor_tally (
    type ${text} NOT NULL, grp ${text} NOT NULL, status ${text} NOT NULL, stage ${text} NOT NULL,
    count ${integer} NOT NULL, PRIMARY KEY (type, grp, status, stage)) ${clustered}`,
  ...own,
  `CREATE TABLE polya_audit (
    seq ${serial}, at ${integer} NOT NULL, who ${text} NOT NULL, why ${text} NOT NULL, command ${text} NOT NULL,
    type ${text}, id ${text}, command_id ${text}, version ${integer}, outcome ${text} NOT NULL, detail ${text}) ${heap}`,
  `CREATE INDEX polya_audit_at ON polya_audit (at)`,
  `CREATE INDEX polya_audit_who ON polya_audit (who, seq)`,
  `CREATE INDEX polya_audit_actor ON polya_audit (type, id, seq)`,
  `CREATE INDEX polya_audit_command ON polya_audit (command, seq)`
]

const cluster = ({ files, integer, text, unlogged, updated }: Dialect): ReadonlyArray<string> => [
  // Who may write a run's index: the last claim. It outlives what is forgotten of a run, so that it never goes back.
  `CREATE TABLE polya_run_fence (run ${text} NOT NULL PRIMARY KEY, epoch ${integer} NOT NULL) ${updated}`,
  `CREATE ${unlogged} TABLE polya_process (
    id ${text} NOT NULL PRIMARY KEY, kind ${text} NOT NULL, address ${text}, groups ${text} NOT NULL,
    started ${integer} NOT NULL, seen ${integer} NOT NULL, state ${text} NOT NULL, vitals ${text} NOT NULL) ${updated}`,
  ...files
]

// One row for each call to a model. Lists read the newest first, all or those of one model, owner or outcome.
const calls = ({ heap, integer, real, serial, text }: Dialect): ReadonlyArray<string> => [
  `CREATE TABLE polya_call (
    seq ${serial}, at ${integer} NOT NULL, model ${text} NOT NULL, endpoint ${text} NOT NULL, owner ${text} NOT NULL,
    prompt_hash ${text} NOT NULL, parameters ${text} NOT NULL, prompt_tokens ${integer} NOT NULL,
    completion_tokens ${integer} NOT NULL, micro_dollars ${real} NOT NULL, queue_millis ${real} NOT NULL,
    first_token_millis ${real}, millis ${real} NOT NULL, attempt ${integer} NOT NULL, hedged ${integer} NOT NULL,
    outcome ${text} NOT NULL, status ${integer}, detail ${text}) ${heap}`,
  `CREATE INDEX polya_call_at ON polya_call (at)`,
  `CREATE INDEX polya_call_model ON polya_call (model, seq)`,
  `CREATE INDEX polya_call_owner ON polya_call (owner, seq)`,
  `CREATE INDEX polya_call_outcome ON polya_call (outcome, seq)`
]

const steps = (d: Dialect): ReadonlyArray<Migration> => [
  { number: 1, name: "actors", statements: actors(d) },
  { number: 2, name: "run index", statements: index(d) },
  { number: 3, name: "lists", statements: lists(d) },
  { number: 4, name: "cluster", statements: cluster(d) },
  { number: 5, name: "calls", statements: calls(d) }
]

export const sqliteMigrations: ReadonlyArray<Migration> = steps(sqliteDialect)
export const postgresMigrations: ReadonlyArray<Migration> = steps(postgresDialect)

/** Records which steps were taken. */
export const migrationTable =
  "CREATE TABLE IF NOT EXISTS polya_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL)"

/** The highest number that a list of steps knows. */
export const knownNumber = (migrations: ReadonlyArray<Migration>): number => migrations.at(-1)?.number ?? 0
