// What holds for every format: the same rows, the same cursors' meaning, the same refusals.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { chmod, mkdir, readFile, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { Sources } from "../../../src/actors/Sources.ts"
import { sourceStart } from "../../../src/domain/Source.ts"
import { layerWith } from "../../../src/runners/sources/Sources.ts"
import {
  benchmarksOf,
  fileOf,
  formats,
  inShort,
  itemsOf,
  jsonLines,
  openAll,
  parquetBytes,
  refusal,
  temporaryFolder,
  textRows,
  writeSqlite
} from "./SourceFixtures.ts"

const rows = textRows(200)
const isRoot = process.getuid?.() === 0
const fewRuns = { arbitrary: { runs: 12 } }

describe.each(Object.entries(formats))("rows as %s", (_, write) => {
  it.effect("come out with the fields that went in, in order, under their id or line", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const items = yield* itemsOf([yield* Effect.promise(() => write(folder, rows))])
      assert.strictEqual(items.length, rows.length)
      for (const [index, item] of items.entries()) {
        assert(item._tag === "Row")
        assert.deepStrictEqual(item.fields, rows[index])
        assert.strictEqual(item.source, "rows")
        assert.strictEqual(item.key, rows[index]?.["id"] ?? String(item.line))
        assert.strictEqual(item.next.rows, index + 1)
      }
    }))

  it.effect.prop("go on after any row with exactly the rest", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
  ], ([k]) =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const source = yield* openAll([yield* Effect.promise(() => write(folder, rows.slice(0, 40)))])
      const all = yield* Stream.runCollect(source.rows(sourceStart))
      const last = (yield* Stream.runCollect(Stream.take(source.rows(sourceStart), k))).at(-1)
      assert(last !== undefined)
      assert.deepStrictEqual(yield* Stream.runCollect(source.rows(last.next)), all.slice(k))
    }), fewRuns)
})

describe("several files", () => {
  it.effect("with different columns are mapped each by its own, and their lines make different keys", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* Effect.promise(async () => {
        await mkdir(join(folder, "one"))
        await mkdir(join(folder, "two"))
        await writeFile(join(folder, "one", "train.jsonl"), jsonLines([{ problem: "P" }]))
        await writeFile(
          join(folder, "two", "train.jsonl"),
          jsonLines([{ question: "Q", answer: "so\n#### 4" }, { question: "R", answer: "1" }])
        )
      })
      const items = yield* itemsOf(["one", "two"].map((name) => ({ location: join(folder, name, "train.jsonl") })))
      assert.deepStrictEqual(inShort(items), ["1 P", "1:1 Q", "1:2 R"])
      assert.deepStrictEqual(items.map((item) => item.next.file), [0, 1, 1])
      assert.deepStrictEqual(items.map((item) => item.next.rows), [1, 2, 3])
      assert(items[1]?._tag === "Row")
      assert.deepStrictEqual(items[1].fields, { problem: "Q", solution: "so", answer: "4" })
    }))

  it.effect("of a folder are read in name order: Parquet if there is any, nothing hidden, sub-folders too", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* Effect.promise(async () => {
        await mkdir(join(folder, "data", ".cache"), { recursive: true })
        await writeFile(join(folder, "README.md"), "# A data set")
        await writeFile(join(folder, "preview.jsonl"), jsonLines([{ problem: "not this" }]))
        await writeFile(join(folder, "data", ".cache", "x.parquet"), parquetBytes(rows.slice(0, 1)))
        await writeFile(join(folder, "data", "train-00001-of-00002.parquet"), parquetBytes(rows.slice(3, 5)))
        await writeFile(join(folder, "data", "train-00000-of-00002.parquet"), parquetBytes(rows.slice(0, 3)))
      })
      const items = yield* itemsOf([{ location: folder, name: "set" }])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields), rows.slice(0, 5))
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.key), [
        "1",
        "row 1",
        "row 2",
        "1:row 3",
        "1:row 4"
      ])
      assert.deepStrictEqual(yield* itemsOf([{ location: folder, name: "set" }], items[2]?.next), items.slice(3))
    }))
})

describe("a fingerprint", () => {
  it.effect("stays the same for the same content and changes with name, size, content and query", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const put = (name: string, content: string) => Effect.promise(() => writeFile(join(folder, name), content))
      const of = (name: string) =>
        Effect.map(openAll([{ location: join(folder, name) }]), (source) => source.fingerprint)
      yield* put("a.jsonl", jsonLines([{ problem: "P" }]))
      const first = yield* of("a.jsonl")
      assert.strictEqual(yield* of("a.jsonl"), first)
      yield* put("a.jsonl", jsonLines([{ problem: "Q" }]))
      const others = [yield* of("a.jsonl")]
      yield* put("a.jsonl", jsonLines([{ problem: "P" }, { problem: "P" }]))
      others.push(yield* of("a.jsonl"))
      yield* put("b.jsonl", jsonLines([{ problem: "P" }]))
      others.push(yield* of("b.jsonl"))
      writeSqlite(join(folder, "d.db"), rows)
      for (const query of ["SELECT problem FROM problems", "SELECT problem FROM problems LIMIT 3"]) {
        const source = yield* openAll([{ location: join(folder, "d.db"), query }])
        assert.strictEqual(source.bytes, null)
        others.push(source.fingerprint)
      }
      assert.strictEqual(new Set([first, ...others]).size, 6)
    }))

  it.effect("is not needed to see that a file shrank under a run", () =>
    Effect.gen(function*() {
      const path = yield* fileOf("rows.jsonl", jsonLines(rows))
      const source = yield* openAll([{ location: path }])
      yield* Effect.promise(() => truncate(path, 100))
      assert.strictEqual((yield* Effect.flip(Stream.runCollect(source.rows(sourceStart)))).reason, "changed")
    }))
})

describe("a source is refused with the reason and what to do", () => {
  const refused = Effect.fnUntraced(function*(name: string, content: string | Uint8Array, spec: object = {}) {
    const error = yield* refusal({ location: yield* fileOf(name, content), ...spec })
    return { reason: error.reason, message: error.message }
  })

  it.effect("when it is not there", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* refusal({ location: "/nowhere/rows.jsonl" })).reason, "missing")
    }))
  it.effect("when it is empty or holds no rows, in every format", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* refused("a.jsonl", "")).reason, "empty")
      assert.strictEqual((yield* refused("a.jsonl", "\n \r\n\n")).reason, "empty")
      assert.strictEqual((yield* refused("a.jsonl.gz", gzipSync(""))).reason, "empty")
      assert.strictEqual((yield* refused("a.json", "[]")).reason, "empty")
      assert.strictEqual((yield* refused("a.csv", "problem,answer\n")).reason, "empty")
      assert.strictEqual((yield* refused("a.parquet", parquetBytes([]))).reason, "empty")
    }))
  it.effect("when a folder holds no data, or only empty files", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      assert.strictEqual((yield* refusal({ location: folder })).reason, "folder-without-data")
      yield* Effect.promise(() => writeFile(join(folder, "README.md"), "text"))
      const error = yield* refusal({ location: folder })
      assert.strictEqual(error.reason, "folder-without-data")
      assert.include(error.message, "README.md")
      yield* Effect.promise(() => writeFile(join(folder, "a.jsonl"), ""))
      assert.strictEqual((yield* refusal({ location: folder })).reason, "empty")
    }))
  it.effect("when a folder is given for a file or a file for a folder", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      assert.strictEqual((yield* refusal({ location: folder, format: "jsonl" })).reason, "unreadable")
      assert.strictEqual((yield* refused("a.jsonl", "{}", { format: "folder" })).reason, "unreadable")
    }))
  it.effect("when neither name nor content tell the format", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* refused("a.bin", "\u0001\u0002")).reason, "unknown-format")
      assert.strictEqual((yield* refusal({ location: "https://example.org/a.jsonl" })).reason, "unknown-format")
      assert.strictEqual((yield* refused("a.parquet.gz", gzipSync(parquetBytes(rows)))).reason, "unknown-format")
    }))
  it.effect("when the content is not what the name says", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* refused("a.parquet", "PAR1 and then nothing of it")).reason, "unreadable")
      assert.strictEqual((yield* refused("a.parquet", jsonLines(rows))).reason, "unreadable")
      assert.strictEqual(
        (yield* refused("a.jsonl.gz", gzipSync(jsonLines(rows)).subarray(0, 300))).reason,
        "unreadable"
      )
      assert.strictEqual((yield* refused("a.jsonl", "no json\nat all\n")).reason, "unreadable")
      assert.strictEqual((yield* refused("a.json", "[{]")).reason, "unreadable")
    }))
  it.effect("when the preset is unknown", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* refused("a.jsonl", jsonLines(rows), { preset: "nope" })
      assert.strictEqual(reason, "unknown-preset")
      assert.include(message, "gsm8k")
    }))
  it.effect("when no problem is mapped, with the columns and the way to map them", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* refused("a.jsonl", jsonLines([{ body: "x", marks: 2 }]))
      assert.strictEqual(reason, "unmapped")
      assert.include(message, "`body`, `marks`")
      assert.include(message, "problem=COLUMN")
      assert.strictEqual(
        (yield* refused("a.jsonl", jsonLines([{ problem: "x" }]), { fields: { problem: "bdy" } })).reason,
        "unmapped"
      )
    }))
  it.effect("when a query comes with what is no database", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* refused("a.jsonl", jsonLines(rows), { query: "SELECT 1" })
      assert.strictEqual(reason, "query-failed")
      assert.include(message, "leave it out")
    }))
  it.effect("when a database comes without a query, with one that fails, or with one that is no SELECT", () =>
    Effect.gen(function*() {
      const location = join(yield* temporaryFolder, "d.db")
      writeSqlite(location, rows)
      const without = yield* refusal({ location })
      assert.strictEqual(without.reason, "query-missing")
      assert.include(without.message, "problems")
      assert.strictEqual((yield* refusal({ location, query: "SELECT nope FROM problems" })).reason, "query-failed")
      const before = yield* Effect.promise(() => readFile(location))
      for (
        const query of ["DELETE FROM problems", "PRAGMA user_version = 3", "WITH x AS (SELECT 1) DELETE FROM problems"]
      ) {
        assert.strictEqual((yield* refusal({ location, query })).reason, "query-failed")
      }
      assert.deepStrictEqual(yield* Effect.promise(() => readFile(location)), before)
    }))
  it.effect("when this user may not read it", (context) => {
    context.skip(isRoot, "root may read everything")
    return Effect.gen(function*() {
      const path = yield* fileOf("a.jsonl", jsonLines(rows))
      yield* Effect.promise(() => chmod(path, 0o000))
      assert.strictEqual((yield* refusal({ location: path })).reason, "unreadable")
    })
  })
})

describe("a format is told", () => {
  it.effect("by the content where the name does not say it", () =>
    Effect.gen(function*() {
      const few = rows.slice(0, 3)
      const contents = {
        lines: jsonLines(few),
        marked: `\ufeff${jsonLines(few)}`,
        list: JSON.stringify(few),
        packed: gzipSync(jsonLines(few)),
        "parquet.bin": parquetBytes(few),
        "named-wrong.jsonl": parquetBytes(few),
        "packed.jsonl": gzipSync(jsonLines(few)),
        "lines.json": jsonLines(few)
      }
      for (const [name, content] of Object.entries(contents)) {
        const items = yield* itemsOf([{ location: yield* fileOf(name, content) }])
        assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields), few, name)
      }
    }))
})

describe("benchmarks", () => {
  it.effect("that are longer than a run can hold are refused before they fill the memory", () =>
    Effect.gen(function*() {
      const long = Array.from({ length: 1_200 }, (_, row) => ({ id: String(row), problem: "x".repeat(60_000) }))
      const path = yield* fileOf("long.jsonl", jsonLines(long))
      const read = Effect.flatMap(Sources, (port) => port.benchmarks([path])).pipe(Effect.provide(layerWith({})))
      assert.include((yield* Effect.flip(read)).message, "longer than")
    }))
  it.effect("give the texts of all rows under the file's name and their id or line, bad rows left out", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const one = join(folder, "math-500.jsonl")
      const two = join(folder, "aime24.csv")
      yield* Effect.promise(async () => {
        await writeFile(
          one,
          `${jsonLines([{ problem: "P", unique_id: "u", subject: "Algebra", level: 2 }])}broken\n${
            jsonLines([{ problem: "Q" }])
          }`
        )
        await writeFile(two, "question,answer\nR,1\n")
      })
      assert.deepStrictEqual(yield* benchmarksOf([one, two]), [
        { benchmark: "math-500", id: "u", text: "P" },
        { benchmark: "math-500", id: "3", text: "Q" },
        { benchmark: "aime24", id: "2", text: "R" }
      ])
    }))
  it.effect("are refused when nothing of a file can be read", () =>
    Effect.gen(function*() {
      const path = yield* fileOf("b.jsonl", "broken\n")
      assert.strictEqual((yield* Effect.flip(benchmarksOf([path]))).reason, "unreadable")
    }))
})
