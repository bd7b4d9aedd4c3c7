import { assert, describe, it } from "@effect/vitest"
import { ReplyReader } from "../../../../src/runners/sandbox/Native/Frames.ts"

const none = 0xffff_ffff
const frame = (number: number, stdout: string, stderr: string, value: string | null, status = 0) => {
  const [first, second, third] = [Buffer.from(stdout), Buffer.from(stderr), Buffer.from(value ?? "")]
  const head = Buffer.alloc(20)
  head.writeUInt32LE(number, 0)
  head.writeUInt8(status, 4)
  head.writeUInt32LE(first.length, 8)
  head.writeUInt32LE(second.length, 12)
  head.writeUInt32LE(value === null ? none : third.length, 16)
  return Buffer.concat([head, first, second, third])
}
const read = (bytes: Buffer, pieceBytes: number, number = 7, outputBytes = 100) => {
  const reader = new ReplyReader(number, outputBytes)
  let last: ReturnType<ReplyReader["take"]> = "more"
  for (let at = 0; at < bytes.length && last === "more"; at += pieceBytes) {
    last = reader.take(Buffer.from(bytes.subarray(at, at + pieceBytes)))
  }
  return last
}

describe("a reply", () => {
  it("is the same in whatever pieces it comes", () => {
    const bytes = frame(7, "né", "", "42")
    for (const pieceBytes of [1, 2, 19, 20, 21, 1_000]) {
      assert.deepStrictEqual(
        read(bytes, pieceBytes),
        { status: "ok", stdout: "né", stderr: "", value: "42", truncated: false },
        `${pieceBytes}`
      )
    }
    assert.deepInclude(read(frame(7, "", "no", null, 1), 3), { status: "error", value: null })
  })

  it("is none with another cell's number, an unknown status, longer texts than may be, broken UTF-8 or anything behind it", () => {
    const good = frame(7, "a", "", null)
    assert.strictEqual(read(frame(8, "a", "", null), 100), "wrong")
    assert.strictEqual(read(frame(7, "a", "", null, 9), 100), "wrong")
    assert.strictEqual(read(frame(7, "a".repeat(101), "", null), 1), "wrong")
    assert.strictEqual(read(Buffer.concat([good.subarray(0, -1), Buffer.from([0xff])]), 100), "wrong")
    assert.strictEqual(read(Buffer.concat([good, Buffer.from("b")]), 100), "wrong")
  })

  it("that is never complete is not kept beyond what a reply may have", () => {
    const reader = new ReplyReader(7, 100)
    const head = frame(7, "a".repeat(100), "a".repeat(100), "a".repeat(100)).subarray(0, 20)
    assert.strictEqual(reader.take(head), "more")
    assert.strictEqual(reader.take(Buffer.alloc(299)), "more")
    assert.strictEqual(reader.take(Buffer.alloc(2)), "wrong")
  })
})
