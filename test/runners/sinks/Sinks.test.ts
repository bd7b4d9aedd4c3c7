// What holds for both sinks: a file appears whole or not at all, equal rows are equal bytes, failures have names.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { execFile } from "node:child_process"
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import type { OutputFailed } from "../../../src/actors/RunOutput.ts"
import { isJsonObject, type Json, type JsonObject } from "../../../src/domain/Json.ts"
import { JsonlSink } from "../../../src/runners/sinks/JsonlSink.ts"
import { ParquetSink } from "../../../src/runners/sinks/ParquetSink.ts"
import type { Sink } from "../../../src/runners/sinks/Sink.ts"
import { makeDecoders } from "../../../src/runners/sources/ParquetDecoders.ts"
import { parquetReader } from "../../../src/runners/sources/ParquetRows.ts"
import { itemsOf, temporaryFolder, textRows } from "../sources/SourceFixtures.ts"

const isRoot = process.getuid?.() === 0

const save = (sink: Sink, path: string, batches: ReadonlyArray<ReadonlyArray<JsonObject>>) =>
  Effect.scoped(Effect.gen(function*() {
    const writer = yield* sink.open(path)
    for (const batch of batches) yield* writer.write(batch)
    yield* writer.commit
  }))

const bytesOf = (path: string) => Effect.promise(() => readFile(path))
const namesIn = (folder: string) => Effect.promise(() => readdir(folder))

const failure = (effect: Effect.Effect<void, OutputFailed>) => Effect.map(Effect.flip(effect), (error) => error.reason)

/** As JSON text on disk and Parquet have it: no lone surrogates, no minus zero, no member named __proto__. */
const storable = (value: Json): Json => {
  if (typeof value === "string") return value.toWellFormed()
  if (typeof value === "number") return value === 0 ? 0 : value
  if (Array.isArray(value)) return value.map(storable)
  if (!isJsonObject(value)) return value
  const members = Object.entries(value).filter(([key]) => key !== "__proto__")
  return Object.fromEntries(members.map(([key, member]) => [key.toWellFormed(), storable(member)]))
}

/** Top-level nulls are missing keys. */
const withoutNulls = (row: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

const AnyJson: Schema.Codec<JsonObject> = Schema.Record(Schema.String, Schema.Json)

describe.each([["JSON lines", JsonlSink], ["Parquet", ParquetSink]] as const)("%s", (_, sink) => {
  const name = `train.${sink.extension}`

  it.effect("give the rows back through the sources, with the same fields", () =>
    Effect.gen(function*() {
      const rows: ReadonlyArray<JsonObject> = textRows(500).map((row, index) => ({
        ...row,
        level: index % 7,
        share: index / 8,
        proven: index % 2 === 0,
        tags: index % 3 === 0 ? ["a", { b: index }] : [],
        mixed: index % 2 === 0 ? "text" : index
      }))
      const path = join(yield* temporaryFolder, name)
      yield* save(sink, path, [rows.slice(0, 300), [], rows.slice(300)])
      const items = yield* itemsOf([{ location: path }])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" ? item.fields : {}), [...rows])
    }))

  it.effect("have the same bytes however the rows are handed over, and write over an older file", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const rows = textRows(2_000)
      yield* save(sink, join(folder, `a.${sink.extension}`), [rows])
      yield* Effect.promise(() => writeFile(join(folder, `b.${sink.extension}`), "old"))
      yield* save(
        sink,
        join(folder, `b.${sink.extension}`),
        Array.from({ length: 20 }, (_, k) => rows.slice(k * 100, k * 100 + 100))
      )
      const [one, other] = [
        yield* bytesOf(join(folder, `a.${sink.extension}`)),
        yield* bytesOf(join(folder, `b.${sink.extension}`))
      ]
      assert.isTrue(one.equals(other))
      assert.deepStrictEqual((yield* namesIn(folder)).sort(), [`a.${sink.extension}`, `b.${sink.extension}`])
    }))

  it.effect("leave nothing behind, and an older file as it was, when they are not committed, fail or are interrupted", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const path = join(folder, name)
      yield* Effect.promise(() => writeFile(path, "old"))
      const begun = Effect.flatMap(sink.open(path), (writer) =>
        Effect.gen(function*() {
          yield* writer.write(textRows(3_000))
          assert.notDeepEqual(yield* namesIn(folder), [name])
          return writer
        }))
      yield* Effect.scoped(begun)
      yield* Effect.exit(Effect.scoped(Effect.andThen(begun, Effect.fail("no"))))
      yield* Effect.exit(Effect.scoped(Effect.andThen(begun, Effect.interrupt)))
      assert.deepStrictEqual(yield* namesIn(folder), [name])
      assert.strictEqual((yield* bytesOf(path)).toString(), "old")
    }))

  it.effect("may hold no rows", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryFolder, name)
      yield* save(sink, path, [])
      assert.strictEqual((yield* Effect.flip(itemsOf([{ location: path }]))).reason, "empty")
    }))

  it.effect("refuse rows after the commit", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryFolder, name)
      yield* Effect.scoped(Effect.gen(function*() {
        const writer = yield* sink.open(path)
        yield* writer.commit
        assert.strictEqual(yield* failure(writer.write([{ problem: "late" }])), "other")
      }))
    }))

  it.effect("fail as \"missing\" where the folder is not there or is a file", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => writeFile(join(folder, "file"), ""))
      assert.strictEqual(yield* failure(save(sink, join(folder, "nowhere", name), [])), "missing")
      assert.strictEqual(yield* failure(save(sink, join(folder, "file", name), [])), "missing")
    }))

  it.effect("fail and leave nothing where a folder has the file's name", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => mkdir(join(folder, name)))
      assert.strictEqual(yield* failure(save(sink, join(folder, name), [textRows(10)])), "other")
      assert.deepStrictEqual(yield* namesIn(folder), [name])
    }))

  it.effect("fail as \"read-only\" in a folder that this user may not write to", (context) => {
    context.skip(isRoot, "root may write everywhere")
    return Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => chmod(folder, 0o500))
      assert.strictEqual(yield* failure(save(sink, join(folder, name), [])), "read-only")
      yield* Effect.promise(() => chmod(folder, 0o700))
    })
  })

  it.effect("fail as \"full\" on a full disk, stay failed, and leave nothing", (context) => {
    context.skip(!isRoot, "a small disk can only be mounted as root")
    return Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const mounted = yield* smallDisk(folder)
      if (!mounted) return context.skip("mount is not allowed here")
      const path = join(folder, name)
      yield* Effect.scoped(Effect.gen(function*() {
        const writer = yield* sink.open(path)
        assert.strictEqual(yield* failure(writer.write(textRows(30_000))), "full")
        assert.strictEqual(yield* failure(writer.write([{ problem: "one more" }])), "full")
        assert.strictEqual(yield* failure(writer.commit), "full")
      }))
      assert.deepStrictEqual(yield* namesIn(folder), [])
    })
  })
})

/** A disk of 1 MiB in memory, mounted at `folder` until the scope ends; false where that is not allowed. */
const smallDisk = (folder: string) => {
  const run = promisify(execFile)
  const mount = run("mount", ["-t", "tmpfs", "-o", "size=1m", "polya-test", folder]).then(() => true, () => false)
  return Effect.acquireRelease(
    Effect.promise(() => mount),
    (mounted) => mounted ? Effect.promise(() => run("umount", [folder])) : Effect.void
  )
}

describe("Parquet's schema", () => {
  const decoders = makeDecoders({ parquetMillis: 30_000 })
  afterAll(() => decoders.close())

  it.effect.prop(
    "brings any JSON rows back, null as missing",
    [Schema.Array(AnyJson)],
    ([given]) =>
      Effect.gen(function*() {
        const path = join(yield* temporaryFolder, "rows.parquet")
        const rows = given.map((row) => storable(row) as JsonObject)
        yield* save(ParquetSink, path, [rows])
        const { size } = yield* Effect.promise(() => stat(path))
        const reader = parquetReader({ path, name: "rows.parquet", bytes: size, gzip: false }, decoders)
        const items = yield* Stream.runCollect(reader.read({ offset: 0, line: 0 }))
        assert.deepStrictEqual(items.map((item) => "value" in item && withoutNulls(item.value)), rows.map(withoutNulls))
      }),
    { arbitrary: { runs: 60 } }
  )

  it.effect("keeps keys that objects inherit and keys that UTF-8 cannot say apart from values", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryFolder, "rows.parquet")
      yield* save(ParquetSink, path, [[{ problem: "P", toString: "x" }, { problem: "Q", "\ud800": 1 }, {
        problem: "R",
        "\udc00": true
      }]])
      const items = yield* itemsOf([{ location: path }])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields), [
        { problem: "P", toString: "x" },
        { problem: "Q", "\ufffd": 1 },
        { problem: "R", "\ufffd": true }
      ])
    }))

  it.effect("splits a large table into row groups", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryFolder, "rows.parquet")
      yield* save(
        ParquetSink,
        path,
        Array.from({ length: 25 }, () => Array.from({ length: 1_000 }, () => ({ problem: "P", n: 1 })))
      )
      const { asyncBufferFromFile, parquetMetadataAsync } = yield* Effect.promise(() => import("hyparquet"))
      const metadata = yield* Effect.promise(async () => parquetMetadataAsync(await asyncBufferFromFile(path)))
      assert.deepStrictEqual(metadata.row_groups.map((group) => Number(group.num_rows)), [10_000, 10_000, 5_000])
    }))
})
