// How fast lists of actors are filtered, ordered and searched among 1,000,000 of them.
// npm run bench -- actor-list [--rows 1000000] [--store postgres|sqlite]. Rows are made inside of the database,
// in a schema (or file) of its own that is dropped afterwards; PostgreSQL: POLYA_TEST_DATABASE_URL or the local test database.
// Times are those of one call of `search`, for a page of 50; pages-to-50: how many calls it took, at most, to have 50 entries.
// Indexes: polya_actor_facet (type, status, stage, since, id), the same after grp, (type, id); GIN on polya_actor_text.words.
import { PgClient } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { parseArgs } from "node:util"
import { type ActorCursor, type ActorFilter, ActorIndex, type ActorPage } from "../src/actors/ActorIndex.ts"
import * as Postgres from "../src/runners/postgres/Postgres.ts"
import * as Sqlite from "../src/runners/sqlite/Sqlite.ts"
import { figure } from "./Figure.ts"

const { values } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "1000000" }, store: { type: "string", default: "postgres" } }
})
const rows = Number(values.rows)
const startMillis = 1_700_000_000_000
const runs = 20
/** Actors change one after the other, with up to a quarter of an hour between neighbours. */
const sinceOf = (i: number) => startMillis + i * 1000
const type = "Problem"

// Twenty runs of equal size, the last two at work. Words are numbered by how frequent they are: w1 is in 95 % of the texts, w10 in 32 %, w100 in 4
// %, w1000 in 0.4 %, w10000 in 0.04 %. `early` is in every text of the first six runs and in no other, `late` in the last six.
const rowsText = `SELECT i, md5(i::text) AS id, ${startMillis} + i::int8 * 1000 + hashint4(i)::int8 % 450000 AS since,
    'run-' || (i::int8 * ${runs} / ${rows + 1}) AS grp, i::int8 * ${runs} / ${rows + 1} AS run,
    abs(hashint4(i + 11)) % 1000 AS fate, 'stage-' || (abs(hashint4(i + 7)) % 12) AS stage
  FROM generate_series(1, ${rows}) AS i`
const facetsText = `SELECT i, id, since, grp, run,
    CASE WHEN run >= 18 THEN (ARRAY['running', 'running', 'waiting', 'done'])[1 + fate % 4]
      WHEN fate < 10 THEN 'failed' WHEN fate < 300 THEN 'dropped' ELSE 'done' END AS status, stage
  FROM (${rowsText}) AS made`
// Texts are two halves of 20 words each, out of 20,000 halves.
const halvesText = `CREATE UNLOGGED TABLE half AS SELECT n, array_to_tsvector(ARRAY(
    SELECT 'w' || floor(exp((hashint8(n::int8 * 32 + k)::int8 & 1048575) / 1048576.0 * 9.903))::int
    FROM generate_series(1, 20) AS k)) AS words FROM generate_series(0, 19999) AS n`

const fillPostgres = [
  halvesText,
  `INSERT INTO polya_actor_facet (type, id, version, since, status, stage, grp, attempts, error, waiting, excerpt, digest)
    SELECT '${type}', id, 3, since, status, CASE WHEN status = 'done' THEN 'split' ELSE stage END, grp, 0,
      CASE WHEN status = 'failed' THEN 'the answer was not there' END, NULL, repeat('A triangle ABC. ', 12), 1
    FROM (${facetsText}) AS f`,
  `INSERT INTO polya_actor_text (type, id, words, status, stage, grp, since)
    SELECT '${type}', id, a.words || b.words ||
        CASE WHEN run < 6 THEN 'early'::tsvector WHEN run >= 14 THEN 'late'::tsvector ELSE 'middle'::tsvector END,
      status, CASE WHEN status = 'done' THEN 'split' ELSE stage END, grp, since
    FROM (${facetsText}) AS f
    JOIN half AS a ON a.n = abs(hashint4(i + 3)) % 20000 JOIN half AS b ON b.n = abs(hashint4(i + 5)) % 20000`,
  `INSERT INTO polya_actor_tally (type, grp, status, stage, count)
    SELECT type, grp, status, stage, count(*) FROM polya_actor_facet GROUP BY 1, 2, 3, 4`
]

const kinds: ReadonlyArray<readonly [string, Omit<ActorFilter, "type">]> = [
  ["all", {}],
  ["status", { statuses: ["dropped"] }],
  ["rare status", { statuses: ["failed"] }],
  ["stage", { stages: ["stage-3"] }],
  ["statuses and stages", {
    statuses: ["dropped", "failed", "waiting"],
    stages: ["stage-1", "stage-5", "stage-9", "split"]
  }],
  ["run", { group: "run-7" }],
  ["run, status, stage", { group: "run-7", statuses: ["dropped"], stages: ["stage-2"] }],
  ["age", { sinceMillis: sinceOf(rows * 0.4), untilMillis: sinceOf(rows * 0.6) }],
  ["age, status, stage, run", {
    group: "run-9",
    statuses: ["failed"],
    stages: ["stage-2", "stage-4"],
    sinceMillis: sinceOf(rows * 0.4),
    untilMillis: sinceOf(rows * 0.6)
  }],
  ["word of 95 %", { text: "w1 middl" }],
  ["word of 32 %", { text: "w10 w1 mid" }],
  ["word of 4 %", { text: "w100 lat" }],
  ["word of 0.4 %", { text: "w1000 w1" }],
  ["word of 0.04 %", { text: "w1 w10000" }],
  ["no such word", { text: "w1 absent" }],
  ["wide beginning", { text: "w1" }],
  ["beginning of 1,111 words", { text: "w100 w15" }],
  ["three words", { text: "w10 w20 w30 early" }],
  ["frequent word, rare status", { text: "w1 w10", statuses: ["failed"] }],
  ["word, status, stage", { text: "w100 w1", statuses: ["failed", "dropped"], stages: ["stage-2"] }],
  ["word of 4 %, rare status and stage", { text: "w100 w1", statuses: ["failed"], stages: ["stage-2"] }],
  ["word, run", { text: "w100", group: "run-3" }],
  ["words of the oldest", { text: "early w1" }],
  ["words of the newest", { text: "late w1" }],
  ["words of the oldest, status of the newest", { text: "early w1", statuses: ["running"] }],
  ["words of the newest, dropped", { text: "late w10", statuses: ["dropped"], stages: ["stage-1", "stage-2"] }],
  ["word, age", { text: "w50 w1", sinceMillis: sinceOf(rows * 0.9), untilMillis: sinceOf(rows * 0.95) }],
  ["word of none in that age", { text: "early", sinceMillis: sinceOf(rows * 0.5) }]
]

const quantile = (times: ReadonlyArray<number>, q: number): number => {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

/** Calls that are made for 50 entries, at most. */
const maxPages = 50

const measure = (name: string) =>
  Effect.gen(function*() {
    const index = yield* ActorIndex
    const clock = yield* Clock.Clock
    const timed = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.gen(function*() {
        const start = clock.currentTimeNanosUnsafe()
        const value = yield* effect
        return [Number(clock.currentTimeNanosUnsafe() - start) / 1e6, value] as const
      })
    const all: Array<number> = []
    let worst = 0
    for (const [kind, more] of kinds) {
      const filter = { type, ...more }
      const times: Array<number> = []
      let pagesMost = 0
      const firsts = yield* index.search(filter, { order: "oldest", after: null, limit: 1 })
      const lasts = yield* index.search(filter, { order: "newest", after: null, limit: 1 })
      const from = firsts.entries[0]?.sinceMillis ?? startMillis
      const to = lasts.entries[0]?.sinceMillis ?? sinceOf(rows)
      const middle: ActorCursor = { sinceMillis: Math.round((from + to) / 2), id: "" }
      // From each end, and into each direction from the middle: at least five pages, and as many as 50 entries take.
      for (const order of ["newest", "oldest"] as const) {
        for (const start of [null, middle]) {
          let after: ActorCursor | null = start
          let entries = 0
          let pagesTo50 = 0
          for (let page = 1; page <= maxPages && (page <= 5 || entries < 50); page++) {
            const [millis, found]: readonly [number, ActorPage] = yield* timed(
              index.search(filter, { order, after, limit: 50 })
            )
            times.push(millis)
            if (entries < 50) pagesTo50++
            entries += found.entries.length
            if (found.next === null) break
            after = found.next
          }
          pagesMost = Math.max(pagesMost, pagesTo50)
        }
      }
      all.push(...times)
      const p99 = quantile(times, 0.99)
      worst = Math.max(worst, p99)
      figure(`actor-list/${name}/${kind}/p50`, quantile(times, 0.5), "ms")
      figure(`actor-list/${name}/${kind}/p99`, p99, "ms", { against: "200 ms", ratio: Number((p99 / 200).toFixed(3)) })
      figure(`actor-list/${name}/${kind}/pages-to-50`, pagesMost, "pages")
      const [millis] = yield* timed(index.count(filter, 100_000))
      figure(`actor-list/${name}/${kind}/count-to-100000`, millis, "ms")
    }
    figure(`actor-list/${name}/every-kind/p99`, quantile(all, 0.99), "ms", { against: "200 ms" })
    figure(`actor-list/${name}/worst-p99`, worst, "ms", { against: "200 ms", ratio: Number((worst / 200).toFixed(3)) })
    const tallies: Array<number> = []
    for (let i = 0; i < 50; i++) {
      tallies.push((yield* timed(index.tally(i % 2 === 0 ? {} : { type, group: "run-3" })))[0])
    }
    figure(`actor-list/${name}/tally-p99`, quantile(tallies, 0.99), "ms", { against: "500 ms" })
  })

const callMillis = 600_000

const postgres = Effect.gen(function*() {
  const url = Redacted.make(process.env["POLYA_TEST_DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/test")
  const schema = "polya_bench_lists"
  const client = PgClient.make({
    url,
    maxConnections: 1,
    connectTimeout: 2000,
    startupOptions: `-c search_path=${schema} -c jit=off -c maintenance_work_mem=512MB -c work_mem=64MB`
  })
  // Over a connection of its own: one of this scope may be gone when the scope closes.
  const drop = Effect.scoped(
    Effect.flatMap(client, (own) => own.unsafe(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
  )
  yield* drop
  const reactivity = yield* Effect.context<Reactivity.Reactivity>()
  yield* Effect.addFinalizer(() => Effect.orDie(Effect.provideContext(drop, reactivity)))
  const sql = yield* client
  const context = yield* Layer.build(Postgres.layer({ url, schema, callMillis }))
  const started = performance.now()
  yield* sql.unsafe("SET synchronous_commit = off")
  // Keys and indexes are made after the rows, which takes a fraction of the time.
  const tables = "('polya_actor_facet', 'polya_actor_text')"
  const keys = yield* sql.unsafe<{ table: string; name: string; text: string }>(
    `SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint
      WHERE connamespace = '${schema}'::regnamespace AND contype IN ('p', 'u') AND conrelid::regclass::text IN ${tables}`
  )
  for (const { name, table } of keys) yield* sql.unsafe(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)
  const indexes = yield* sql.unsafe<{ name: string; text: string }>(
    `SELECT indexname AS name, indexdef AS text FROM pg_indexes WHERE schemaname = '${schema}' AND tablename IN ${tables}`
  )
  for (const { name } of indexes) yield* sql.unsafe(`DROP INDEX ${name}`)
  for (const text of fillPostgres) yield* sql.unsafe(text)
  for (const { name, table, text } of keys) yield* sql.unsafe(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${text}`)
  for (const { text } of indexes) yield* sql.unsafe(text)
  for (const table of ["facet", "text", "tally"]) yield* sql.unsafe(`VACUUM ANALYZE polya_actor_${table}`)
  figure("actor-list/postgres/rows-made-in", (performance.now() - started) / 1000, "s")
  yield* Effect.provideContext(measure("postgres"), context)
})

/** The same rows by the same laws, written by SQLite itself in one transaction. */
const sqlite = Effect.gen(function*() {
  const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
  const filename = join(folder, "lists.db")
  yield* Effect.scoped(Layer.build(Layer.fresh(Sqlite.layer({ filename }))))
  const started = performance.now()
  const db = new DatabaseSync(filename)
  const facet = db.prepare(
    `INSERT INTO polya_actor_facet (facet, type, id, version, since, status, stage, grp, attempts, error, waiting, excerpt, digest)
      VALUES (?, '${type}', ?, 3, ?, ?, ?, ?, 0, NULL, NULL, ?, 1)`
  )
  const text = db.prepare("INSERT INTO polya_actor_text (facet, words) VALUES (?, ?)")
  const words = db.prepare("INSERT INTO polya_actor_word (rowid, words) VALUES (?, ?)")
  let x = 1
  const random = () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 2 ** 32
  }
  db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; BEGIN")
  for (let i = 1; i <= rows; i++) {
    const run = Math.floor(i * runs / (rows + 1))
    const fate = Math.floor(random() * 1000)
    const status = run >= 18
      ? ["running", "running", "waiting", "done"][fate % 4] ?? ""
      : fate < 10
      ? "failed"
      : fate < 300
      ? "dropped"
      : "done"
    const stage = status === "done" ? "split" : `stage-${Math.floor(random() * 12)}`
    const since = sinceOf(i) + Math.floor(random() * 450_000)
    const id = (i * 2654435761 % 2 ** 32).toString(16).padStart(32, "0")
    const list = Array.from({ length: 40 }, () => `w${Math.floor(Math.exp(random() * 9.903))}`)
    const joined = ` ${[...new Set(list)].join(" ")} ${run < 6 ? "early" : run >= 14 ? "late" : "middle"} `
    facet.run(i, id, since, status, stage, `run-${run}`, "A triangle ABC. ".repeat(12))
    text.run(i, joined)
    words.run(i, joined)
  }
  db.exec(
    `INSERT INTO polya_actor_tally SELECT type, grp, status, stage, count(*) FROM polya_actor_facet GROUP BY 1, 2, 3, 4;
    COMMIT; PRAGMA wal_checkpoint(TRUNCATE)`
  )
  db.close()
  figure("actor-list/sqlite/rows-made-in", (performance.now() - started) / 1000, "s")
  const context = yield* Layer.build(Sqlite.layer({ filename, callMillis }))
  yield* Effect.provideContext(measure("sqlite"), Context.pick(ActorIndex)(context))
})

await (values.store === "sqlite"
  ? Effect.runPromise(Effect.scoped(sqlite))
  : Effect.runPromise(Effect.scoped(Effect.provide(postgres, Reactivity.layer))))
