// JSON lines, and JSON files that hold one list of objects; plain or gzipped. A line is a row; blank lines are none.
// A bad line is a fault of that line alone. A line over the limit is passed over without being held.
import { isUtf8 } from "node:buffer"
import { SourceUnreadable } from "../../actors/Sources.ts"
import { isJsonObject } from "../../domain/Json.ts"
import { type Batches, batchRows, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import { bytesOf, type SourceFile } from "./SourceFile.ts"

const newline = 0x0a
const carriageReturn = 0x0d
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
const blank = /^[ \t\r]*$/
/** A JSON list is read whole, so it has a limit: 256 MiB of text. */
const listBytesLimit = 256 * 1024 * 1024

const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`)

/** The row or fault that the bytes of one line are; undefined for a blank line. */
const itemOf = (bytes: Buffer, at: Place): RawItem | undefined => {
  if (!isUtf8(bytes)) return { ...at, tag: "InvalidUtf8", message: "The line is not valid UTF-8." }
  const text = bytes.toString("utf8")
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    if (blank.test(text)) return undefined
    return { ...at, tag: "MalformedRow", message: `The line is not valid JSON: ${(cause as SyntaxError).message}` }
  }
  // JSON.parse makes nothing but JSON.
  return isJsonObject(value)
    ? { ...at, value }
    : { ...at, tag: "MalformedRow", message: `The line is not a JSON object but ${kindOf(value)}.` }
}

async function* readLines(file: SourceFile, from: Place, maxLineBytes: number): Batches {
  let { line, offset } = from
  /** Pieces of a line that began in an earlier chunk; empty and with `heldBytes` over the limit while one is passed over. */
  let held: Array<Buffer> = []
  let heldBytes = 0

  const finish = (piece: Buffer, endBytes: number): RawItem | undefined => {
    const bytes = heldBytes + piece.byteLength
    offset += bytes + endBytes
    line += 1
    const whole = heldBytes === 0 || bytes > maxLineBytes ? piece : Buffer.concat([...held, piece])
    held = []
    heldBytes = 0
    if (bytes > maxLineBytes) {
      return { line, offset, tag: "LineTooLong", message: `The line has ${bytes} bytes; at most ${maxLineBytes} are read.` }
    }
    const start = line === 1 && whole.subarray(0, 3).equals(byteOrderMark) ? 3 : 0
    const end = whole.byteLength - (whole[whole.byteLength - 1] === carriageReturn ? 1 : 0)
    return end <= start ? undefined : itemOf(whole.subarray(start, end), { line, offset })
  }

  for await (const chunk of bytesOf(file, from.offset)) {
    const items: Array<RawItem> = []
    let position = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, position)) {
      const item = finish(chunk.subarray(position, end), 1)
      if (item !== undefined) items.push(item)
      position = end + 1
    }
    if (position < chunk.byteLength) {
      const rest = chunk.subarray(position)
      heldBytes += rest.byteLength
      if (heldBytes > maxLineBytes) held = []
      else held.push(Buffer.from(rest))
    }
    yield items
  }
  if (heldBytes > 0) {
    const item = finish(Buffer.alloc(0), 0)
    if (item !== undefined) yield [item]
  }
}

async function* readList(file: SourceFile, from: Place): Batches {
  const pieces: Array<Buffer> = []
  let bytes = 0
  const unreadable = (detail: string) => new SourceUnreadable({ location: file.path, reason: "unreadable", detail })
  for await (const chunk of bytesOf(file, 0)) {
    bytes += chunk.byteLength
    if (bytes > listBytesLimit) {
      throw unreadable("a JSON list over 256 MiB cannot be streamed; write one object a line instead (jq -c '.[]' FILE > FILE.jsonl)")
    }
    pieces.push(Buffer.from(chunk))
  }
  const text = Buffer.concat(pieces)
  if (!isUtf8(text)) throw unreadable("it is not valid UTF-8")
  let list: unknown
  try {
    list = JSON.parse(text.toString("utf8", text.subarray(0, 3).equals(byteOrderMark) ? 3 : 0))
  } catch (cause) {
    throw unreadable(`it is not valid JSON: ${(cause as SyntaxError).message}`)
  }
  if (!Array.isArray(list)) throw unreadable(`it holds ${kindOf(list)} where a list of objects is needed`)
  for (let index = from.offset; index < list.length; index += batchRows) {
    yield list.slice(index, index + batchRows).map((value: unknown, within): RawItem => {
      const at = { line: index + within + 1, offset: index + within + 1 }
      return isJsonObject(value)
        ? { ...at, value }
        : { ...at, tag: "MalformedRow", message: `The entry is not a JSON object but ${kindOf(value)}.` }
    })
  }
}

/** Rows of a JSON-lines file. `offset` counts unpacked bytes; a gzipped file is unpacked from its start again. */
export const jsonLinesReader = (file: SourceFile, maxLineBytes: number): Reader => ({
  read: (from) => streamBatches(file.path, () => readLines(file, from, maxLineBytes))
})

/** Rows of a file that is one JSON list. `offset` counts entries. */
export const jsonListReader = (file: SourceFile): Reader => ({
  read: (from) => streamBatches(file.path, () => readList(file, from))
})
