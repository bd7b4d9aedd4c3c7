// Parquet files that are damaged, hostile or changing: each ends in its rows or in one typed error, within the deadline, and neither
// a loop nor the memory of the library reaches this process.
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { parquetWriteBuffer } from "hyparquet-writer"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { Sources, SourceUnreadable } from "../../../src/actors/Sources.ts"
import {
  type Decoder,
  type Decoders,
  makeDecoders,
  type ParquetLimits
} from "../../../src/runners/sources/ParquetDecoders.ts"
import { parquetReader, slicesOf } from "../../../src/runners/sources/ParquetRows.ts"
import { layerWith } from "../../../src/runners/sources/Sources.ts"
import { random } from "../../process/Program.ts"
import { fileOf, temporaryFolder } from "./SourceFixtures.ts"

const decodersWith = (limits: ParquetLimits) =>
  Effect.acquireRelease(
    Effect.sync(() => makeDecoders(limits)),
    (decoders) => Effect.promise(() => decoders.close())
  )

const readFrom = (decoders: Decoders, path: string, bytes: Uint8Array, offset = 0) =>
  Effect.andThen(
    Effect.promise(() => writeFile(path, bytes)),
    Stream.runCollect(
      parquetReader({ path, name: path, bytes: bytes.byteLength, gzip: false }, decoders).read({ offset, line: offset })
    )
  )

const rows = 90
const each = <A>(make: (index: number) => A) => Array.from({ length: rows }, (_, index) => make(index))
const columnData = [
  { name: "problem", type: "STRING" as const, data: each((index) => `Problem ${index}: what is $${index}^2$?`) },
  { name: "type", type: "STRING" as const, data: each((index) => ["Algebra", "Counting", null][index % 3]) },
  { name: "checked", type: "BOOLEAN" as const, data: each((index) => (index < 40 ? true : index % 4 === 0)) },
  { name: "level", type: "INT32" as const, data: each((index) => (index % 7 === 0 ? null : index % 5)) },
  { name: "big", type: "INT64" as const, data: each((index) => BigInt(index) ** 5n) },
  { name: "score", type: "DOUBLE" as const, data: each((index) => index / 7) },
  { name: "tags", type: "JSON" as const, data: each((index) => ({ tags: [index, "a"] })) }
]
const written = (options: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {}) =>
  new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 30, ...options }))
const files = [
  written(),
  written({ codec: "UNCOMPRESSED" }),
  written({ codec: "GZIP", compressors: { GZIP: (input) => new Uint8Array(gzipSync(input)) } })
]

/** The levels of a page claim one run of 2^30 values, which the library would write out one by one. */
const endless = (): Uint8Array => {
  const data = Array.from({ length: 200 }, (_, index) => (index < 100 ? `text ${index}` : null))
  const bytes = new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name: "problem", data, type: "STRING" }], codec: "UNCOMPRESSED" })
  )
  // Two runs of 100 levels: 1 (there is a text), then 0; each is its length times two and its value.
  const runs = Buffer.from([0xc8, 0x01, 1, 0xc8, 0x01, 0])
  const at = Buffer.from(bytes).indexOf(runs)
  assert.isAbove(at, 0, "the writer's format has changed")
  bytes.set([0xfe, 0xff, 0xff, 0xff, 0x0f], at + 3)
  return bytes
}

describe("a Parquet file", () => {
  it.live(
    "with any bit of it turned over ends in rows or in one error of the port, within its deadline",
    () =>
      Effect.gen(function*() {
        const decoders = yield* decodersWith({ parquetMillis: 400 })
        const path = join(yield* temporaryFolder, "flipped.parquet")
        const next = random(2_026)
        const ends = { rows: 0, refused: 0, late: 0 }
        for (let flip = 0; flip < 300; flip++) {
          const bytes = Uint8Array.from(files[flip % files.length] ?? [])
          const at = Math.floor(next() * bytes.byteLength)
          bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(next() * 8))
          const exit = yield* Effect.exit(readFrom(decoders, path, bytes))
          if (Exit.isSuccess(exit)) ends.rows++
          else {
            const error = Cause.squash(exit.cause)
            assert(error instanceof SourceUnreadable, `flip ${flip}: ${String(error)}`)
            assert.strictEqual(error.location, path)
            assert.match(error.detail, /^(its footer|row group \d+ of \d+, at row \d+): .*; the file is damaged/)
            ends[error.detail.includes("within 400 ms") ? "late" : "refused"]++
          }
        }
        assert.isAbove(ends.rows, 30, JSON.stringify(ends))
        assert.isAbove(ends.refused, 30, JSON.stringify(ends))
      }),
    60_000
  )

  it.live("that never comes to an end is given up at its deadline, by row group; the next file is read as if nothing was", () =>
    Effect.gen(function*() {
      const decoders = yield* decodersWith({ parquetMillis: 300 })
      const path = join(yield* temporaryFolder, "endless.parquet")
      const error = yield* Effect.flip(readFrom(decoders, path, endless()))
      assert.strictEqual(error.reason, "unreadable")
      assert.strictEqual(
        error.message,
        `Cannot read the source ${path}: row group 1 of 1, at row 1: it could not be decoded within 300 ms ` +
          "(source.parquetMillis); " +
          "the file is damaged or needs more than that: write it again (with smaller row groups), or leave it out"
      )
      assert.strictEqual((yield* readFrom(decoders, path, written())).length, rows)
    }))

  it.live("is given as much time as the sources are told", () =>
    Effect.gen(function*() {
      const location = yield* fileOf("endless.parquet", endless())
      const error = yield* Sources.pipe(
        Effect.flatMap((sources) => sources.open([{ location }])),
        Effect.provide(layerWith({ parquetMillis: 250 })),
        Effect.flip
      )
      assert.include(error.message, "it could not be decoded within 250 ms (source.parquetMillis)")
    }))

  it.live("is let go at once when nobody wants its rows any more", () =>
    Effect.gen(function*() {
      const decoders = yield* decodersWith({ parquetMillis: 3_600_000, heapMiB: 4_096 })
      const path = join(yield* temporaryFolder, "endless.parquet")
      const given = yield* Deferred.make<Decoder>()
      const watched: Decoders = {
        ...decoders,
        take: () => {
          const decoder = decoders.take()
          return {
            ...decoder,
            ask: (request) => {
              const answer = decoder.ask(request)
              if (request._tag === "Read") Deferred.doneUnsafe(given, Exit.succeed(decoder))
              return answer
            }
          }
        }
      }
      const reading = yield* Effect.forkChild(readFrom(watched, path, endless()))
      const decoder = yield* Deferred.await(given)
      yield* Fiber.interrupt(reading)
      assert.isFalse(decoder.free())
      yield* Effect.promise(() => decoder.end())
    }))

  it.live("that would take all memory costs its decoder, not this process", () =>
    Effect.gen(function*() {
      const decoders = yield* decodersWith({ parquetMillis: 30_000, heapMiB: 32 })
      const path = join(yield* temporaryFolder, "large.parquet")
      const error = yield* Effect.flip(readFrom(decoders, path, endless()))
      assert.match(error.detail, /^row group 1 of 1, at row 1: decoding it takes more than 32 MiB of memory; /)
    }))

  it.live("that is left in the middle of its rows frees its decoder", () =>
    Effect.gen(function*() {
      const decoders = makeDecoders({ parquetMillis: 30_000 })
      const path = join(yield* temporaryFolder, "left.parquet")
      yield* Effect.promise(() => writeFile(path, written({ rowGroupSize: 10 })))
      const file = { path, name: path, bytes: written({ rowGroupSize: 10 }).byteLength, gzip: false }
      for (const taken of [1, 25, 90]) {
        const items = yield* Stream.runCollect(
          Stream.take(parquetReader(file, decoders).read({ offset: 0, line: 0 }), taken)
        )
        assert.deepStrictEqual(items.map(({ line }) => line), Array.from({ length: taken }, (_, index) => index + 1))
      }
      // Nothing is left to wait for: a decoder that is still at work would keep this test's process alive.
      yield* Effect.promise(() => decoders.close())
    }))
})

const size = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

describe("the slices of a file", () => {
  it.prop(
    "cover the rows from any offset on once, in order, each in a piece of its group that is the same for every offset",
    [Schema.Array(Schema.Struct({ rows: size(40), pieceRows: size(15), sliceRows: size(9) })), size(60)],
    ([groups, offset]) => {
      const total = groups.reduce((sum, group) => sum + group.rows, 0)
      const pieces = new Set(Array.from(slicesOf(groups, 0), ({ end, start }) => `${start}-${end}`))
      let row = Math.min(offset, total)
      for (const slice of slicesOf(groups, offset)) {
        assert.strictEqual(slice.from, row)
        assert.isAbove(slice.to, slice.from)
        assert.isAtMost(slice.to - slice.from, groups[slice.group]?.sliceRows ?? 0)
        assert(slice.start <= slice.from && slice.to <= slice.end)
        assert(pieces.has(`${slice.start}-${slice.end}`))
        row = slice.to
      }
      assert.strictEqual(row, total)
    }
  )
})
