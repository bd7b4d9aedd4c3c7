// Uploads as sources: the rows, ids and fingerprint of the file of that name; copies are made once, kept within their bound, and made again.
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import { basename, join } from "node:path"
import { StoreFailed } from "../../../src/actors/ActorStore.ts"
import { Files } from "../../../src/actors/Files.ts"
import * as FilesMemory from "../../../src/actors/FilesMemory.ts"
import { Sources } from "../../../src/actors/Sources.ts"
import { type SourceCursor, type SourceSpec, sourceStart } from "../../../src/domain/Source.ts"
import { problemOf } from "../../../src/http/Problems.ts"
import { layerWith, type SourceLimits } from "../../../src/runners/sources/Sources.ts"
import { smallDisk } from "../../process/Program.ts"
import { fileOf, formats, temporaryFolder } from "./SourceFixtures.ts"

/** Files in memory that count readings and can be made to fail. */
const watched = () => {
  const seen = { reads: [] as Array<number>, infos: 0 }
  const faults: { read: (stream: Stream.Stream<Uint8Array, any>) => Stream.Stream<Uint8Array, any>; away: number } = {
    read: (stream) => stream,
    away: 0
  }
  const away = new StoreFailed({ reason: "unavailable", detail: "away" })
  const layer = Layer.effect(
    Files,
    Effect.map(Files, (files) =>
      Files.of({
        ...files,
        info: (id) =>
          Effect.suspend(() => {
            seen.infos++
            return faults.away-- > 0 ? Effect.fail(away) : files.info(id)
          }),
        read: (id, offset) =>
          Stream.suspend(() => {
            seen.reads.push(offset ?? 0)
            return faults.read(files.read(id, offset))
          })
      }))
  ).pipe(Layer.provide(FilesMemory.layer))
  return { layer, seen, faults, away }
}

interface World {
  readonly files: Files["Service"]
  readonly sources: Sources["Service"]
  readonly folder: string
}

const worldWith = Effect.fnUntraced(function*(files: Layer.Layer<Files>, limits: Partial<SourceLimits> = {}) {
  const folder = yield* temporaryFolder
  const context = yield* Layer.build(
    layerWith({ maxLineBytes: 1000, uploadFolder: folder, ...limits }).pipe(Layer.provideMerge(files))
  )
  return { files: Context.get(context, Files), sources: Context.get(context, Sources), folder } satisfies World
})

const upload = ({ files }: World, name: string, content: string | Uint8Array) =>
  Effect.map(
    files.put(
      { name, kind: "upload", group: null, who: "test" },
      Stream.succeed(typeof content === "string" ? new TextEncoder().encode(content) : content),
      1e9
    ),
    ({ id }) => `upload:${id}`
  )
const read = ({ sources }: World, specs: ReadonlyArray<SourceSpec>, from: SourceCursor = sourceStart) =>
  Effect.flatMap(
    sources.open(specs),
    ({ bytes, fingerprint, rows }) =>
      Effect.map(Stream.runCollect(rows(from)), (items) => ({ bytes, fingerprint, items }))
  )
const copies = ({ folder }: World): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("/"))
const lines = (problem: string, rows = 3) =>
  Array.from({ length: rows }, (_, i) => JSON.stringify({ problem: `${problem} ${i}`, answer: String(i) })).join("\n")

describe("an upload as a source", () => {
  for (const [format, write] of Object.entries(formats)) {
    it.live(`gives what the file of its name gives (${format})`, () =>
      Effect.gen(function*() {
        const world = yield* worldWith(FilesMemory.layer)
        const folder = yield* temporaryFolder
        const rows = Array.from({ length: 30 }, (_, i) => ({
          id: i % 2 === 0 ? `row-${i}` : "",
          problem: `What is ${i} and ${i}?`,
          answer: String(2 * i),
          solution: "",
          remark: "none"
        }))
        const spec = yield* Effect.promise(() => write(folder, rows))
        const content = yield* Effect.promise(() => readFile(spec.location))
        const location = yield* upload(world, basename(spec.location), content)
        const local = yield* read(world, [spec])
        assert.deepStrictEqual(yield* read(world, [{ ...spec, location }]), local)
        const next = local.items[6]?.next ?? sourceStart
        assert.deepStrictEqual((yield* read(world, [{ ...spec, location }], next)).items, local.items.slice(7))
        assert.deepStrictEqual(
          (yield* world.sources.open([{ ...spec, location, name: "mine" }])).fingerprint,
          local.fingerprint
        )
      }).pipe(Effect.scoped))
  }

  it.live("has the same ids and the same fingerprint on every runner, beside local files and other uploads", () =>
    Effect.gen(function*() {
      const store = Context.get(yield* Layer.build(FilesMemory.layer), Files)
      const [one, two] = yield* Effect.all([
        worldWith(Layer.succeed(Files, store)),
        worldWith(Layer.succeed(Files, store))
      ])
      const specs = [
        { location: yield* fileOf("rows.jsonl", lines("local")) },
        { location: yield* upload(one, "rows.jsonl", lines("first")) },
        { location: yield* upload(two, "..", lines("odd")) },
        { location: yield* upload(two, "rows.jsonl", lines("second")) }
      ]
      const found = yield* read(one, specs)
      assert.deepStrictEqual(yield* read(two, specs), found)
      assert.deepStrictEqual(
        found.items.map((item) => item._tag === "Row" ? `${item.source} ${item.key}` : item.tag),
        [
          "rows 1",
          "rows 2",
          "rows 3",
          "rows 1:1",
          "rows 1:2",
          "rows 1:3",
          ".. 1",
          ".. 2",
          ".. 3",
          "rows 2:1",
          "rows 2:2",
          "rows 2:3"
        ]
      )
    }).pipe(Effect.scoped))

  it.live("is a benchmark called as the file", () =>
    Effect.gen(function*() {
      const world = yield* worldWith(FilesMemory.layer)
      const texts = yield* world.sources.benchmarks([yield* upload(world, "math500.jsonl", lines("hard", 2))])
      assert.deepStrictEqual(texts, [
        { benchmark: "math500", id: "1", text: "hard 0" },
        { benchmark: "math500", id: "2", text: "hard 1" }
      ])
    }).pipe(Effect.scoped))

  it.live("is named as it was uploaded in every message, never by its copy", () =>
    Effect.gen(function*() {
      const world = yield* worldWith(FilesMemory.layer)
      const told = (spec: SourceSpec) => Effect.flip(world.sources.open([spec]))
      const cases = [
        [{ location: yield* upload(world, "a.jsonl", "") }, "empty", "a.jsonl"],
        [{ location: yield* upload(world, "noise", "?".repeat(40)) }, "unknown-format", "noise"],
        [{ location: yield* upload(world, "a.jsonl", `{"x": 1}`) }, "unmapped", "a.jsonl"],
        [{ location: yield* upload(world, "a.parquet", "PAR1 but no more") }, "unreadable", "a.parquet"],
        [{ location: yield* upload(world, "a.csv", "problem\nx"), format: "folder" }, "unreadable", "a.csv"],
        [{ location: yield* upload(world, "a.csv", "problem\nx"), query: "SELECT 1" }, "query-failed", "a.csv"],
        [{ location: "upload:11111111-1111-4111-8111-111111111111" }, "missing", "upload it"],
        [{ location: "upload:" }, "missing", "upload:"],
        [{ location: "upload:../../etc/passwd" }, "missing", ".."]
      ] as const
      for (const [spec, reason, said] of cases) {
        const error = yield* told(spec)
        assert.strictEqual(error.reason, reason, error.message)
        assert.notInclude(error.message, world.folder)
        assert.include(error.message, said.startsWith("upload it") ? "upload the file again" : said)
        assert.match(error.location, /^upload:/)
      }
    }).pipe(Effect.scoped))

  it.live("is told apart from a file that cannot be read where a program has no uploads", () =>
    Effect.gen(function*() {
      const sources = Context.get(yield* Layer.build(layerWith({})), Sources)
      const error = yield* Effect.flip(sources.open([{ location: "upload:x" }]))
      assert.include(error.message, "--url")
    }).pipe(Effect.scoped))
})

describe("the local copies of uploads", () => {
  it.live("are made once, for all readers of equal content, and go with the process", () =>
    Effect.gen(function*() {
      const { layer, seen } = watched()
      const world = yield* worldWith(layer)
      const a = yield* upload(world, "a.jsonl", lines("same"))
      const b = yield* upload(world, "b.jsonl", lines("same"))
      yield* Effect.forEach([a, b, a, b, a], (location) => read(world, [{ location }]), { concurrency: "unbounded" })
      yield* read(world, [{ location: a }])
      assert.deepStrictEqual(seen.reads, [0])
      const [copy, ...more] = copies(world)
      assert.deepStrictEqual(more, [])
      const sha = createHash("sha256").update(lines("same")).digest("hex")
      assert.strictEqual(basename(copy ?? ""), sha)
      assert.strictEqual(readFileSync(join(world.folder, copy ?? ""), "utf8"), lines("same"))
    }).pipe(Effect.scoped))

  it.live("are gone when the process ends in order, and those of a killed process with the next one's first copy", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const host = hostname().replace(/[^A-Za-z0-9.]/g, "_")
      // No process has a number that large; this process has its own.
      const dead = [`polya-uploads-${host}-4194999-abc`, `polya-uploads-${host}-${process.pid}-abc`]
      const others = [`polya-uploads-${host}-${process.ppid}-abc`, "polya-uploads-elsewhere-4194999-abc", "notes"]
      for (const name of [...dead, ...others]) mkdirSync(join(folder, name))
      yield* Effect.gen(function*() {
        const world = yield* worldWith(FilesMemory.layer, { uploadFolder: folder })
        yield* world.sources.open([{ location: yield* upload(world, "a.jsonl", lines("a")) }])
        assert.strictEqual(readdirSync(folder).length, others.length + 1)
      }).pipe(Effect.scoped)
      assert.sameMembers(readdirSync(folder), others)
    }).pipe(Effect.scoped))

  it.live("stay within their bound: the one read longest ago goes, and comes back when it is read again", () =>
    Effect.gen(function*() {
      const { layer, seen } = watched()
      const bytes = lines("a").length
      const world = yield* worldWith(layer, { uploadCopiesBytes: 2 * bytes })
      const sources = yield* Effect.forEach(
        ["a", "b", "c"],
        (name) =>
          Effect.flatMap(upload(world, `${name}.jsonl`, lines(name)), (location) => world.sources.open([{ location }]))
      )
      assert.strictEqual(copies(world).length, 2)
      const rows = (at: number) =>
        Effect.map(Stream.runCollect(sources[at]?.rows(sourceStart) ?? Stream.empty), ({ length }) => length)
      assert.strictEqual(yield* rows(1), 3)
      assert.strictEqual(seen.reads.length, 3)
      assert.strictEqual(yield* rows(0), 3)
      assert.strictEqual(yield* rows(1), 3)
      assert.strictEqual(seen.reads.length, 4)
      assert.strictEqual(yield* rows(2), 3)
      assert.strictEqual(seen.reads.length, 5)
      assert.strictEqual(copies(world).length, 2)
    }).pipe(Effect.scoped))

  it.live("never go while they are read: what does not fit beside them is refused, and fits later", () =>
    Effect.gen(function*() {
      const world = yield* worldWith(FilesMemory.layer, { uploadCopiesBytes: 1.5 * lines("a").length })
      const a = yield* upload(world, "a.jsonl", lines("a"))
      const b = yield* upload(world, "b.jsonl", lines("b"))
      const large = yield* upload(world, "c.jsonl", lines("c", 9))
      const reading = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const { rows } = yield* world.sources.open([{ location: a }])
      const fiber = yield* Effect.forkChild(
        Stream.runCollect(
          Stream.tap(rows(sourceStart), () => Effect.andThen(Deferred.succeed(reading, undefined), Deferred.await(go)))
        )
      )
      yield* Deferred.await(reading)
      const error = yield* Effect.flip(world.sources.open([{ location: b }]))
      assert.include(error.message, "uploadCopiesBytes")
      yield* Deferred.succeed(go, undefined)
      assert.strictEqual((yield* Fiber.join(fiber)).length, 3)
      assert.strictEqual((yield* read(world, [{ location: b }])).items.length, 3)
      assert.include((yield* Effect.flip(world.sources.open([{ location: large }]))).message, "do not fit")
    }).pipe(Effect.scoped))

  it.live("go on where they were when the store was away, and are made anew after a failure", () =>
    Effect.gen(function*() {
      const { away, faults, layer, seen } = watched()
      const world = yield* worldWith(layer)
      const content = lines("long", 40_000)
      const location = yield* upload(world, "a.jsonl", content)
      faults.away = 2
      let cuts = 2
      faults.read = (stream) => cuts-- > 0 ? Stream.concat(Stream.take(stream, 1), Stream.fail(away)) : stream
      assert.strictEqual((yield* read(world, [{ location }])).items.length, 40_000)
      assert.deepStrictEqual(seen.reads, [0, 1_048_576, content.length])
      const other = yield* upload(world, "b.jsonl", lines("b"))
      faults.read = (stream) => Stream.map(stream, (piece) => piece.map((byte) => byte ^ 1))
      assert.include(
        (yield* Effect.flip(world.sources.open([{ location: other }]))).message,
        "not the one that was uploaded"
      )
      assert.strictEqual(copies(world).length, 1)
      faults.read = () => Stream.fail(new StoreFailed({ reason: "damaged", detail: "bad page" }))
      assert.include((yield* Effect.flip(world.sources.open([{ location: other }]))).message, "bad page")
      faults.read = (stream) => stream
      assert.strictEqual((yield* read(world, [{ location: other }])).items.length, 3)
    }).pipe(Effect.scoped))

  it.live("say that the disk is full, which is not the source's fault, and are read when there is room", ({ skip }) =>
    Effect.gen(function*() {
      const uploadFolder = join(yield* temporaryFolder, "small")
      const disk = smallDisk(uploadFolder, "size=64k")
      if (disk === undefined) return skip("a file system in memory cannot be mounted here")
      yield* Effect.addFinalizer(() => Effect.sync(() => disk[Symbol.dispose]()))
      const world = yield* worldWith(FilesMemory.layer, { uploadFolder })
      const location = yield* upload(world, "a.jsonl", lines("a", 10_000))
      const error = yield* Effect.flip(world.sources.open([{ location }]))
      assert.strictEqual(error.reason, "full")
      assert.strictEqual(problemOf(error).status, 507)
      disk.change("size=8m")
      assert.strictEqual((yield* read(world, [{ location }])).items.length, 10_000)
    }).pipe(Effect.scoped))
})
