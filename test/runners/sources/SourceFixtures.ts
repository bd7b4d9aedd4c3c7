// Rows with everything that breaks a careless format, and one writer for each format, for the tests of sources.
import { Context, Effect, Layer, type Scope, Stream } from "effect"
import { parquetWriteBuffer } from "hyparquet-writer"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { gzipSync } from "node:zlib"
import { Sources, type SourceUnreadable } from "../../../src/actors/Sources.ts"
import { type SourceCursor, type SourceItem, type SourceSpec, sourceStart } from "../../../src/domain/Source.ts"
import { layerWith } from "../../../src/runners/sources/Sources.ts"

export type TextRow = { readonly [column: string]: string }

const pieces = [
  "Let $x \\ge 0$",
  "\"quoted\"",
  "a, b; c",
  "\r\n",
  "\n\n",
  "\ttab",
  "π ≈ 3.14159",
  "你好",
  "😀",
  "#### 12",
  "\\boxed{\\frac{1}{2}}",
  "\u2028",
  "'",
  "\\n",
  "{\"a\": 1}",
  "=SUM(A1)"
]

/** `count` rows of text, the same for the same count; a third lacks an answer, some lack an id. */
export const textRows = (count: number): ReadonlyArray<TextRow> => {
  let state = 12_345
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % below
  }
  const text = (length: number) => Array.from({ length }, () => pieces[next(pieces.length)]).join(" ")
  return Array.from({ length: count }, (_, index) => ({
    ...(index % 5 === 0 ? {} : { id: `row ${index}` }),
    problem: `Problem ${index}: ${text(1 + next(6))}.`,
    ...(next(3) === 0 ? {} : { answer: `${next(1000)}` }),
    solution: `Because ${text(next(20))}, done.`,
    remark: `note ${text(1)}.`
  }))
}

export const columns = ["id", "problem", "answer", "solution", "remark"] as const

export const jsonLines = (rows: ReadonlyArray<unknown>) => rows.map((row) => `${JSON.stringify(row)}\n`).join("")

export const csvText = (rows: ReadonlyArray<TextRow>, delimiter = ",") =>
  [
    columns.join(delimiter),
    ...rows.map((row) => columns.map((name) => `"${(row[name] ?? "").replaceAll("\"", "\"\"")}"`).join(delimiter))
  ]
    .join("\r\n")

export const parquetBytes = (rows: ReadonlyArray<TextRow>, rowGroupSize = 64) =>
  new Uint8Array(parquetWriteBuffer({
    columnData: columns.map((name) => ({ name, data: rows.map((row) => row[name]), type: "STRING" as const })),
    rowGroupSize
  }))

export const writeSqlite = (path: string, rows: ReadonlyArray<TextRow>) => {
  using database = new DatabaseSync(path)
  database.exec(
    "CREATE TABLE problems (seq INTEGER PRIMARY KEY, id TEXT, problem TEXT, answer TEXT, solution TEXT, remark TEXT)"
  )
  const insert = database.prepare("INSERT INTO problems (id, problem, answer, solution, remark) VALUES (?, ?, ?, ?, ?)")
  database.exec("BEGIN")
  for (const row of rows) insert.run(...columns.map((name) => row[name] ?? null))
  database.exec("COMMIT")
}

/** One writer for each format: puts the rows into a folder and answers how to read them. */
export const formats: {
  readonly [format: string]: (folder: string, rows: ReadonlyArray<TextRow>) => Promise<SourceSpec>
} = {
  "JSON lines": async (folder, rows) => {
    await writeFile(join(folder, "rows.jsonl"), jsonLines(rows))
    return { location: join(folder, "rows.jsonl") }
  },
  "gzipped JSON lines": async (folder, rows) => {
    await writeFile(join(folder, "rows.jsonl.gz"), gzipSync(jsonLines(rows)))
    return { location: join(folder, "rows.jsonl.gz") }
  },
  "a JSON list": async (folder, rows) => {
    await writeFile(join(folder, "rows.json"), JSON.stringify(rows, null, 2))
    return { location: join(folder, "rows.json") }
  },
  CSV: async (folder, rows) => {
    await writeFile(join(folder, "rows.csv"), csvText(rows))
    return { location: join(folder, "rows.csv") }
  },
  TSV: async (folder, rows) => {
    await writeFile(join(folder, "rows.tsv"), csvText(rows, "\t"))
    return { location: join(folder, "rows.tsv") }
  },
  Parquet: async (folder, rows) => {
    await writeFile(join(folder, "rows.parquet"), parquetBytes(rows))
    return { location: join(folder, "rows.parquet") }
  },
  SQLite: async (folder, rows) => {
    writeSqlite(join(folder, "rows.db"), rows)
    return {
      location: join(folder, "rows.db"),
      query: "SELECT id, problem, answer, solution, remark FROM problems ORDER BY seq"
    }
  }
}

/** A folder that goes with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "polya-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** A file with that content in a folder of its own. */
export const fileOf = Effect.fnUntraced(function*(name: string, content: string | Uint8Array) {
  const path = join(yield* temporaryFolder, name)
  yield* Effect.promise(() => writeFile(path, content))
  return path
})

const layer = layerWith({ maxLineBytes: 1000 })

/** Sources for as long as the test's scope lives. */
const sources = Effect.map(Layer.build(layer), (context) => Context.get(context, Sources))

export const openAll = (specs: ReadonlyArray<SourceSpec>) => Effect.flatMap(sources, (port) => port.open(specs))

export const itemsOf = (specs: ReadonlyArray<SourceSpec>, from: SourceCursor = sourceStart) =>
  Effect.flatMap(openAll(specs), (source) => Stream.runCollect(source.rows(from)))

/** What an opening is refused with. */
export const refusal = (spec: SourceSpec): Effect.Effect<SourceUnreadable, unknown, Scope.Scope> =>
  Effect.flip(openAll([spec]))

export const benchmarksOf = (locations: ReadonlyArray<string>) =>
  Effect.flatMap(sources, (port) => port.benchmarks(locations))

/** Items in few words: the key and problem of a row, the tag and line of a fault. */
export const inShort = (items: ReadonlyArray<SourceItem>) =>
  items.map((
    item
  ) => (item._tag === "Row" ? `${item.key} ${String(item.fields["problem"])}` : `${item.tag} ${item.line}`))
