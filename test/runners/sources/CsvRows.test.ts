// CSV and TSV beyond what all formats share.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { gzipSync } from "node:zlib"
import { fileOf, inShort, itemsOf } from "./SourceFixtures.ts"

const read = Effect.fnUntraced(function*(content: string | Uint8Array, name = "rows.csv") {
  return yield* itemsOf([{ location: yield* fileOf(name, content) }])
})

describe("CSV", () => {
  it.effect("has rows with newlines and quotes in cells, numbered by the line on which each begins", () =>
    Effect.gen(function*() {
      const items = yield* read("problem,answer\n\"one\ntwo \"\"x\"\"\",1\nthree,\"2\"\n\nfour 5\" pipe,3\n")
      assert.deepStrictEqual(items.map((item) => item.line), [2, 4, 6])
      assert.deepStrictEqual(items.map((item) => item._tag === "Row" && item.fields), [
        { problem: "one\ntwo \"x\"", answer: "1" },
        { problem: "three", answer: "2" },
        { problem: "four 5\" pipe", answer: "3" }
      ])
    }))

  it.effect("makes a fault of a row with the wrong number of cells or with bytes that are no UTF-8", () =>
    Effect.gen(function*() {
      const bytes = Buffer.concat([
        Buffer.from("problem,answer\nA,1\nB\nC,3,4\n"),
        Buffer.from([0xff]),
        Buffer.from(",5\nπ,6\n")
      ])
      assert.deepStrictEqual(inShort(yield* read(bytes)), [
        "2 A",
        "MalformedRow 3",
        "MalformedRow 4",
        "InvalidUtf8 5",
        "6 π"
      ])
    }))

  it.effect("makes a fault of a quote that is never closed, and an error of one that swallows too much", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(inShort(yield* read("problem,answer\nA,1\n\"B,2\nC,3\n")), ["2 A", "MalformedRow 3"])
      const error = yield* Effect.flip(read(`problem,answer\nA,1\n"B,2\n${"C,3\n".repeat(500)}`))
      assert.include(String(error), "at line 3")
    }))

  it.effect("may have a byte order mark, be gzipped, or be parted by semicolons or tabs", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(inShort(yield* read("\ufeffproblem,answer\nA,1")), ["2 A"])
      assert.deepStrictEqual(inShort(yield* read(gzipSync("problem,answer\nA,1"), "rows.csv.gz")), ["2 A"])
      assert.deepStrictEqual(inShort(yield* read("problem;answer\nA, so;1")), ["2 A, so"])
      assert.deepStrictEqual(inShort(yield* read("problem\tanswer\nA, so\t1")), ["2 A, so"])
    }))

  it.effect("reads files of many chunks, and leaves out columns without a name", () =>
    Effect.gen(function*() {
      const texts = Array.from({ length: 3_000 }, (_, index) => `${index} ${"π, \"\"x\"\"\n".repeat(index % 40)}`)
      const items = yield* read([",problem", ...texts.map((text, index) => `${index},"${text}"`)].join("\n"))
      assert.deepStrictEqual(
        items.map((item) => item._tag === "Row" && item.fields),
        texts.map((text) => ({ problem: text.replaceAll("\"\"", "\"") }))
      )
    }))
})
