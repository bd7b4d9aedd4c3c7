// Parquet and databases: values that JSON does not have, nested values, bad text, codecs.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parquetWriteBuffer } from "hyparquet-writer"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { gzipSync } from "node:zlib"
import { fileOf, itemsOf, temporaryFolder } from "./SourceFixtures.ts"

const big = 9_007_199_254_740_993n

describe("Parquet", () => {
  it.effect("gives numbers, dates, bytes, lists and structs as JSON", () =>
    Effect.gen(function*() {
      const bytes = parquetWriteBuffer({
        columnData: [
          { name: "problem", data: ["A", "B"] },
          { name: "level", data: [5n, big] },
          { name: "score", data: [0.5, NaN] },
          { name: "at", data: [new Date(0), undefined] },
          { name: "image", data: [new Uint8Array([255, 0]), undefined] },
          { name: "extra", data: [{ a: [1, { b: "c" }] }, "x"] },
          { name: "steps", data: [["s1", "s2"], []] }
        ],
        schema: [
          { name: "root", num_children: 7 },
          { name: "problem", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
          { name: "level", type: "INT64", repetition_type: "OPTIONAL" },
          { name: "score", type: "DOUBLE", repetition_type: "OPTIONAL" },
          { name: "at", type: "INT64", converted_type: "TIMESTAMP_MILLIS", repetition_type: "OPTIONAL" },
          { name: "image", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
          { name: "extra", type: "BYTE_ARRAY", converted_type: "JSON", repetition_type: "OPTIONAL" },
          { name: "steps", repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
          { name: "list", repetition_type: "REPEATED", num_children: 1 },
          { name: "element", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }
        ]
      })
      const items = yield* itemsOf([{ location: yield* fileOf("rows.parquet", new Uint8Array(bytes)) }])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields), [
        {
          problem: "A",
          level: 5,
          score: 0.5,
          at: "1970-01-01T00:00:00.000Z",
          image: "/wA=",
          extra: { a: [1, { b: "c" }] },
          steps: ["s1", "s2"]
        },
        { problem: "B", level: String(big), extra: "x", steps: [] }
      ])
    }))

  it.effect("makes a fault of a text that is no UTF-8, and reads on", () =>
    Effect.gen(function*() {
      const bytes = parquetWriteBuffer({
        columnData: [{ name: "problem", data: [Buffer.from("A"), new Uint8Array([0xff, 0xfe]), Buffer.from("C")] }],
        schema: [
          { name: "root", num_children: 1 },
          { name: "problem", type: "BYTE_ARRAY", logical_type: { type: "STRING" }, repetition_type: "OPTIONAL" }
        ]
      })
      const items = yield* itemsOf([{ location: yield* fileOf("rows.parquet", new Uint8Array(bytes)) }])
      assert.deepStrictEqual(items.map((item) => (item._tag === "Row" ? item.fields["problem"] : item.tag)), [
        "A",
        "InvalidUtf8",
        "C"
      ])
    }))

  it.effect("unpacks other codecs than Snappy", () =>
    Effect.gen(function*() {
      const columnData = [{
        name: "problem",
        data: Array.from({ length: 50 }, (_, index) => `problem ${index}`),
        type: "STRING" as const
      }]
      const gzip = parquetWriteBuffer({
        columnData,
        codec: "GZIP",
        compressors: { GZIP: (input) => new Uint8Array(gzipSync(input)) }
      })
      const items = yield* itemsOf([{ location: yield* fileOf("rows.parquet", new Uint8Array(gzip)) }])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields["problem"]), columnData[0]?.data)
    }))
})

describe("SQLite", () => {
  it.effect("gives whole numbers of any size, numbers and bytes as JSON, and leaves out NULL", () =>
    Effect.gen(function*() {
      const location = join(yield* temporaryFolder, "rows.sqlite")
      const database = new DatabaseSync(location)
      database.exec("CREATE TABLE p (problem TEXT, level INTEGER, score REAL, image BLOB)")
      database.prepare("INSERT INTO p VALUES (?, ?, ?, ?)").run("A", 5, 0.5, new Uint8Array([255, 0]))
      database.prepare("INSERT INTO p VALUES (?, ?, ?, ?)").run("B", big, null, null)
      database.close()
      const items = yield* itemsOf([{ location, query: "-- all\nSELECT * FROM p ORDER BY problem" }])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields), [
        { problem: "A", level: 5, score: 0.5, image: "/wA=" },
        { problem: "B", level: String(big) }
      ])
    }))
})
