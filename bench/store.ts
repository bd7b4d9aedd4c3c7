// How fast the stores are: commits by batch size, entries put, groups paged. One JSON line per figure. node
// bench/store.ts [--rows 24000]   PostgreSQL is measured where POLYA_TEST_DATABASE_URL or the local test database
// answers.
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, type Layer, Redacted } from "effect"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { ActorStore } from "../src/actors/ActorStore.ts"
import { type GroupCursor, RunIndex } from "../src/actors/RunIndex.ts"
import type { ActorCommit } from "../src/domain/Commit.ts"
import * as Postgres from "../src/runners/postgres/Postgres.ts"
import * as Sqlite from "../src/runners/sqlite/Sqlite.ts"

/** Each row has 20 bands; 24,000 rows are 480,000 of them. */
const { values } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "24000" }, only: { type: "string", default: "" } }
})
const rows = Number(values.rows)
const bandsPerRow = 20

const figure = (name: string, value: number, unit: string) =>
  process.stdout.write(JSON.stringify({ name, value: Number(value.toPrecision(4)), unit }) + "\n")
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    const value = yield* effect
    return { value, seconds: (yield* Clock.currentTimeMillis) / 1000 - start / 1000 }
  })

const state = JSON.stringify({ text: "x".repeat(1480) })

/** Half of the commits make an actor, half move one; each has a reply and an event. */
const commits = (name: string, size: number, total: number) =>
  Effect.gen(function*() {
    const store = yield* ActorStore
    const batch = (type: string, from: number, expected: number) =>
      Array.from({ length: size }, (_, i): ActorCommit => ({
        type,
        id: ((from + i) * 2654435761 % 2 ** 32).toString(16).padStart(24, "0"),
        expected,
        state,
        replies: [{ commandId: `c${expected}`, reply: `{"ok":true}` }],
        events: [`{"event":"moved"}`]
      }))
    const all = Effect.forEach([0, 1], (expected) =>
      Effect.forEach(
        Array.from({ length: total / 2 / size }, (_, i) => i * size),
        (from) => store.commit(batch(`bench-${size}`, from, expected)),
        { discard: true }
      ))
    const { seconds } = yield* timed(all)
    figure(`store/${name}/commits-batch-${size}`, total / seconds, "commits/s")
  })

const put = (name: string) =>
  Effect.gen(function*() {
    const index = yield* RunIndex
    const owner = { run: "bench", epoch: yield* index.claim("bench") }
    const batchRows = 512
    const write = (from: number) => {
      const seqs = Array.from({ length: Math.min(batchRows, rows - from) }, (_, i) => from + i)
      return index.put(
        owner,
        seqs.map((seq) => ({
          seq,
          sub: 0,
          parent: null,
          actor: `actor-${seq}-0123456789abcdef`,
          status: "live",
          stage: null,
          reason: null,
          detail: null
        })),
        [{
          stage: 3,
          // Every second row shares each band with its neighbour.
          entries: seqs.map((seq) => ({
            seq,
            sub: 0,
            key: `k${seq >> 1}`,
            stratum: `["x"]`,
            payload: new Uint8Array(800),
            bands: Array.from(
              { length: bandsPerRow },
              (_, k) => ((seq >> (k % 2)) * 40503 * (k + 1) * 65537 + k) % 2 ** 52
            )
          }))
        }]
      )
    }
    const { seconds } = yield* timed(
      Effect.forEach(Array.from({ length: Math.ceil(rows / batchRows) }, (_, i) => i * batchRows), write, {
        discard: true
      })
    )
    figure(`store/${name}/put`, rows * bandsPerRow / seconds, "band rows/s")
    const first = yield* timed(index.groups("bench", 3, "band", { after: null, limit: 5000 }))
    figure(`store/${name}/groups-first-page`, first.seconds, "s")
    let after: GroupCursor = first.value.at(-1) ?? null
    let members = first.value.length
    const rest = yield* timed(Effect.gen(function*() {
      while (after !== null) {
        const page = yield* index.groups("bench", 3, "band", { after, limit: 5000 })
        members += page.length
        after = page.at(-1) ?? null
      }
    }))
    figure(`store/${name}/groups-all-pages`, first.seconds + rest.seconds, "s")
    figure(`store/${name}/groups-members`, members, "members")
    const counted = yield* timed(index.counts("bench"))
    figure(`store/${name}/counts`, counted.seconds, "s")
  })

const measure = <E>(name: string, layer: Layer.Layer<ActorStore | RunIndex, E>) =>
  values.only !== "" && !name.includes(values.only) ? Effect.void : Effect.provide(
    Effect.gen(function*() {
      yield* commits(name, 1, 2000)
      yield* commits(name, 32, 12_800)
      yield* commits(name, 256, 25_600)
      yield* put(name)
    }),
    layer
  )

const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
for (const synchronous of ["FULL", "NORMAL"] as const) {
  const filename = join(folder, `${synchronous}.db`)
  const name = `sqlite-${synchronous.toLowerCase()}`
  await Effect.runPromise(measure(name, Sqlite.layer({ filename, synchronous, callMillis: 300_000 })))
  if (values.only === "" || name.includes(values.only)) figure(`store/${name}/file`, statSync(filename).size, "bytes")
}
rmSync(folder, { recursive: true })

const url = Redacted.make(process.env["POLYA_TEST_DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/test")
const schema = "polya_bench"
const drop = Effect.scoped(
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)).pipe(
    Effect.provide(PgClient.layer({ url, maxConnections: 1, connectTimeout: 2000 }))
  )
)
await Effect.runPromise(
  Effect.andThen(
    drop,
    Effect.ensuring(measure("postgres", Postgres.layer({ url, schema, callMillis: 300_000 })), Effect.orDie(drop))
  ).pipe(
    Effect.catchTag(
      ["StoreFailed", "SqlError"],
      (error) => Effect.sync(() => process.stderr.write(`PostgreSQL was not measured: ${error.message}\n`))
    )
  )
)
