// JSON lines, and JSON files that hold one list of objects; plain or gzipped. A line is a row; blank lines are none.
// A bad line is a fault of that line alone. A line over the limit is passed over without being held.
import { isUtf8 } from "node:buffer"
import { SourceUnreadable } from "../../actors/Sources.ts"
import { isJsonObject } from "../../domain/Json.ts"
import { type Batches, batchRows, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import { bytesOf, type SourceFile } from "./SourceFile.ts"

const newline = 0x0a
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
const blank = /^[ \t\r]*$/
/** A JSON list is read whole, so it has a limit: 256 MiB of text. */
const listBytesLimit = 256 * 1024 * 1024

const kindOf = (
  value: unknown
): string => (value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`)

/**
 * The row or fault that `bytes` from `start` to `end` (a line without its newline) are; undefined for a blank line. `valid`: these
 * bytes are known to be UTF-8.
 */
const itemOf = (
  bytes: Buffer,
  start: number,
  end: number,
  line: number,
  offset: number,
  valid: boolean
): RawItem | undefined => {
  if (!valid && !isUtf8(bytes.subarray(start, end))) {
    return { line, offset, tag: "InvalidUtf8", message: "The line is not valid UTF-8." }
  }
  const marked = line === 1 && bytes.subarray(start, start + 3).equals(byteOrderMark)
  const text = bytes.toString("utf8", marked ? start + 3 : start, end)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    if (blank.test(text)) return undefined
    return {
      line,
      offset,
      tag: "MalformedRow",
      message: `The line is not valid JSON: ${(cause as SyntaxError).message}`
    }
  }
  // JSON.parse makes nothing but JSON.
  return isJsonObject(value)
    ? { line, offset, value }
    : { line, offset, tag: "MalformedRow", message: `The line is not a JSON object but ${kindOf(value)}.` }
}

const tooLong = (line: number, offset: number, bytes: number, limit: number): RawItem => ({
  line,
  offset,
  tag: "LineTooLong",
  message: `The line has ${bytes} bytes; at most ${limit} are read.`
})

/** The rows of JSON lines in batches, one for each chunk of the file; for those who read without Effect. */
export const lineBatches = (file: SourceFile, from: Place, maxLineBytes: number): Batches =>
  chunkLines(bytesOf(file, from.offset), from, maxLineBytes)

/** The same of bytes from anywhere. A chunk is not kept when the next one is asked for. */
export async function* chunkLines(chunks: AsyncIterable<Buffer>, from: Place, maxLineBytes: number): Batches {
  let { line, offset } = from
  /** Copies of the pieces of a line that began in an earlier chunk; none while a line over the limit is passed over. */
  let held: Array<Buffer> = []
  let heldBytes = 0

  const finishHeld = (last: Buffer, newlineBytes: number): RawItem | undefined => {
    const bytes = heldBytes + last.byteLength
    line += 1
    offset += bytes + newlineBytes
    const pieces = [...held, last]
    held = []
    heldBytes = 0
    return bytes > maxLineBytes
      ? tooLong(line, offset, bytes, maxLineBytes)
      : itemOf(Buffer.concat(pieces), 0, bytes, line, offset, false)
  }

  for await (const chunk of chunks) {
    const items: Array<RawItem> = []
    const add = (item: RawItem | undefined) => {
      if (item !== undefined) items.push(item)
    }
    let start = 0
    let end = chunk.indexOf(newline)
    if (heldBytes > 0 && end >= 0) {
      add(finishHeld(chunk.subarray(0, end), 1))
      start = end + 1
      end = chunk.indexOf(newline, start)
    }
    // One look at all whole lines of the chunk; line by line only where it finds something.
    const valid = end >= 0 && isUtf8(chunk.subarray(start, chunk.lastIndexOf(newline)))
    for (; end >= 0; end = chunk.indexOf(newline, start)) {
      line += 1
      offset += end - start + 1
      add(
        end - start > maxLineBytes
          ? tooLong(line, offset, end - start, maxLineBytes)
          : itemOf(chunk, start, end, line, offset, valid)
      )
      start = end + 1
    }
    if (start < chunk.byteLength) {
      heldBytes += chunk.byteLength - start
      if (heldBytes > maxLineBytes) held = []
      else held.push(Buffer.from(chunk.subarray(start)))
    }
    yield items
  }
  if (heldBytes > 0) {
    const item = finishHeld(Buffer.alloc(0), 0)
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
      throw unreadable(
        "a JSON list over 256 MiB cannot be streamed; write one object a line instead (jq -c '.[]' FILE > FILE.jsonl)"
      )
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
  read: (from) => streamBatches(file.path, () => lineBatches(file, from, maxLineBytes))
})

/** Rows of a file that is one JSON list. `offset` counts entries. */
export const jsonListReader = (file: SourceFile): Reader => ({
  read: (from) => streamBatches(file.path, () => readList(file, from))
})
