// JSON lines: what a bad line costs (itself), and that nothing depends on how the bytes fall into chunks.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { createWriteStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { createGzip, gzipSync } from "node:zlib"
import { sourceStart } from "../../../src/domain/Source.ts"
import { fileOf, inShort, itemsOf, openAll } from "./SourceFixtures.ts"

const good = (text: string) => JSON.stringify({ problem: text })
const utf8 = (text: string) => Buffer.from(text, "utf8")

const read = Effect.fnUntraced(function*(content: string | Uint8Array, name = "rows.jsonl") {
  return inShort(yield* itemsOf([{ location: yield* fileOf(name, content) }]))
})

describe("JSON lines", () => {
  it.effect("may begin with a byte order mark, end lines with CRLF, hold blank lines and lack the last newline", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* read(`\ufeff${good("A")}\r\n\r\n  \t\n${good("B")}\n\n${good("C")}`), [
        "1 A",
        "4 B",
        "6 C"
      ])
    }))

  it.effect("turn a bad line into a fault of that line only", () =>
    Effect.gen(function*() {
      const lines = [
        utf8(good("A")),
        utf8("{\"problem\": \"cut off"),
        Buffer.from([...utf8("{\"problem\": \""), 0xff, 0xfe, ...utf8("\"}")]),
        utf8("[1, 2]"),
        utf8("\"text\""),
        utf8("null"),
        utf8("{\"problem\": NaN}"),
        utf8(good("x".repeat(2000))),
        utf8("{\"answer\": \"1\"}"),
        utf8("{\"problem\": \"  \"}"),
        utf8("{\"problem\": {\"text\": \"A\"}}"),
        utf8(good("Z π"))
      ]
      assert.deepStrictEqual(yield* read(Buffer.concat(lines.map((line) => Buffer.concat([line, utf8("\n")])))), [
        "1 A",
        "MalformedRow 2",
        "InvalidUtf8 3",
        "MalformedRow 4",
        "MalformedRow 5",
        "MalformedRow 6",
        "MalformedRow 7",
        "LineTooLong 8",
        "MissingField 9",
        "MissingField 10",
        "MissingField 11",
        "12 Z π"
      ])
    }))

  it.effect("pass over a line far over the limit, last or not, packed or not, and go on behind it", () =>
    Effect.gen(function*() {
      const content = `${good("A")}\n${good("y".repeat(3_000_000))}\n${good("B")}\n${"z".repeat(600_000)}`
      const expected = ["1 A", "LineTooLong 2", "3 B", "LineTooLong 4"]
      assert.deepStrictEqual(yield* read(content), expected)
      assert.deepStrictEqual(yield* read(gzipSync(content), "rows.jsonl.gz"), expected)
      const path = yield* fileOf("rows.jsonl", content)
      const items = yield* itemsOf([{ location: path }])
      assert.strictEqual(items.at(-1)?.next.offset, Buffer.byteLength(content))
      assert.deepStrictEqual(yield* itemsOf([{ location: path }], items[1]?.next), items.slice(2))
    }))

  it.effect("do not hold a line over the limit in memory, however long it is", () =>
    Effect.gen(function*() {
      const long = 400 * 1024 * 1024
      const packer = createGzip({ level: 1 })
      const zeros = Buffer.alloc(1024 * 1024, "0")
      const path = yield* fileOf("rows.jsonl.gz", "")
      yield* Effect.promise(() =>
        pipeline(
          function*() {
            yield `${good("A")}\n`
            for (let written = 0; written < long; written += zeros.byteLength) yield zeros
            yield `\n${good("B")}\n`
          },
          packer,
          createWriteStream(path)
        )
      )
      const before = process.resourceUsage().maxRSS
      assert.deepStrictEqual(inShort(yield* itemsOf([{ location: path }])), ["1 A", "LineTooLong 2", "3 B"])
      const grownKilobytes = process.resourceUsage().maxRSS - before
      assert.isBelow(grownKilobytes, 200 * 1024)
    }))

  it.effect("are read the same wherever chunks of 256 KiB cut them", () =>
    Effect.gen(function*() {
      // Lines of changing length with characters of 1 to 4 bytes, over several chunks.
      const texts = Array.from({ length: 4_000 }, (_, index) => `${index} ${"aπ你😀".repeat(index % 37)}`)
      assert.deepStrictEqual(
        yield* read(`${texts.map(good).join("\n")}\n`),
        texts.map((text, index) => `${index + 1} ${text}`)
      )
    }))

  it.effect("are never read ahead of the reader by more than a chunk or two", () =>
    Effect.gen(function*() {
      const path = yield* fileOf("rows.jsonl", `${good("A")}\n`.repeat(200_000))
      const source = yield* openAll([{ location: path }])
      const [first] = yield* Stream.runCollect(Stream.take(Stream.chunks(source.rows(sourceStart)), 1))
      assert.isAtMost(first?.length ?? 0, 20_000)
    }))

  it.effect("keep a column named __proto__ from touching anything", () =>
    Effect.gen(function*() {
      const items = yield* itemsOf([{
        location: yield* fileOf("rows.jsonl", "{\"__proto__\": {\"answer\": \"bad\"}, \"problem\": \"A\"}")
      }])
      assert(items[0]?._tag === "Row")
      assert.strictEqual(items[0].fields["answer"], undefined)
      assert.deepStrictEqual(Object.keys(items[0].fields), ["problem"])
    }))

  it.effect.prop(
    "resume after any item, faults included, with exactly the rest",
    [Schema.Array(Schema.Literals([good("A"), "", "\r", "broken", "[]", good("π"), "{}", good("x".repeat(1200))]))],
    ([lines]) =>
      Effect.gen(function*() {
        const spec = { location: yield* fileOf("rows.jsonl", [good("first"), ...lines].join("\n")) }
        const items = yield* itemsOf([spec])
        for (const [index, item] of items.entries()) {
          assert.deepStrictEqual(yield* itemsOf([spec], item.next), items.slice(index + 1))
        }
      }),
    { arbitrary: { runs: 25 } }
  )
})
