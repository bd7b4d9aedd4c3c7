import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { eventCharacters, type ServerEvent, ServerEvents } from "../../../src/runners/openai/ServerEvents.ts"

const read = (pieces: ReadonlyArray<Buffer>) => {
  const seen: Array<ServerEvent> = []
  const events = new ServerEvents((event) => seen.push(event))
  for (const piece of pieces) events.push(piece)
  events.end()
  return { seen, tooLong: events.tooLong }
}
const cut = (bytes: Buffer, size: number): ReadonlyArray<Buffer> =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

const stream = [
  "\uFEFF: a comment\r\n",
  "data: {\"a\":1}\r\n\r\n",
  "event: error\rdata: two\rdata:lines\r\r",
  "id: 7\nretry: 5\ndata\n\n",
  "data:  ∑ und 🎲\n\n\n",
  "data: [DONE]"
].join("")
const told: ReadonlyArray<ServerEvent> = [
  { event: "", data: "{\"a\":1}" },
  { event: "error", data: "two\nlines" },
  { event: "", data: "" },
  { event: "", data: " ∑ und 🎲" },
  { event: "", data: "[DONE]" }
]

describe("ServerEvents", () => {
  it.prop(
    "are the same in whatever pieces the bytes come",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))],
    ([size]) => {
      assert.deepStrictEqual(read(cut(Buffer.from(stream), size)).seen, told)
    }
  )

  it("stop at an event that is too long, whether it has lines or not", () => {
    const million = Buffer.alloc(1_000_000, "a")
    for (const begin of ["", "data: "]) {
      const pieces = new Array<Buffer>(Math.ceil(eventCharacters / million.length) + 1).fill(million)
      const { seen, tooLong } = read([Buffer.from(begin), ...pieces, Buffer.from("\n\ndata: x\n\n")])
      assert.deepStrictEqual(seen, [])
      assert.isTrue(tooLong)
    }
    assert.isTrue(read(new Array<Buffer>(9).fill(Buffer.from(`data: ${million.toString()}\n`))).tooLong)
  })
})
