// CSV and TSV with a header line; plain or gzipped. Cells are text; empty cells are left out. Lenient about quotes inside cells,
// strict about the number of cells. csv-parse splits Latin-1, so that each cell's bytes can be checked as UTF-8 on their own.
import { CsvError, type Info, Parser } from "csv-parse"
import { isUtf8 } from "node:buffer"
import { SourceUnreadable } from "../../actors/Sources.ts"
import type { Json } from "../../domain/Json.ts"
import { type Batches, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import { bytesOf, type SourceFile } from "./SourceFile.ts"

const beyondAscii = /[\u0080-\u00ff]/

/** The text whose UTF-8 bytes are the characters of `latin1`; undefined if they are not UTF-8. */
const decode = (latin1: string): string | undefined => {
  if (!beyondAscii.test(latin1)) return latin1
  const bytes = Buffer.from(latin1, "latin1")
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined
}

/** Tab for .tsv; otherwise what the header line has most of: comma, tab or semicolon. */
const delimiterOf = (file: SourceFile, firstChunk: Buffer): string => {
  if (/\.tsv(\.gz)?$/i.test(file.path)) return "\t"
  const header = firstChunk.toString("latin1").split(/\r?\n/, 1)[0] ?? ""
  const count = (delimiter: string) => header.split(delimiter).length
  return [",", "\t", ";"].reduce((best, next) => (count(next) > count(best) ? next : best))
}

async function* readRows(file: SourceFile, from: Place, maxRowBytes: number): Batches {
  let header: ReadonlyArray<string> | undefined
  let items: Array<RawItem> = []
  let rows = 0
  let lastLine = 0
  let emptyLines = 0

  const unreadable = (detail: string) => new SourceUnreadable({ location: file.path, reason: "unreadable", detail })

  const onRecord = (cells: ReadonlyArray<string>, context: Info): undefined => {
    const line = lastLine + 1 + context.empty_lines - emptyLines
    lastLine = context.lines
    emptyLines = context.empty_lines
    if (header === undefined) {
      header = cells.map((cell) => decode(cell)?.trim() ?? "")
      return
    }
    rows += 1
    if (rows > from.offset) items.push(itemOf(header, cells, { line, offset: rows }))
  }

  const bytes = bytesOf(file, 0)
  const first = await bytes.next()
  if (first.done === true) return
  const parser = new Parser({
    delimiter: delimiterOf(file, first.value),
    encoding: "latin1",
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRowBytes,
    on_record: onRecord
  })
  let failure: unknown
  // The callbacks of `write` and `end` report a failure before the event does; without a listener the event would be thrown.
  parser.on("error", () => {})
  const feed = (chunk: Buffer | undefined) =>
    new Promise<void>((done) => {
      const settled = (cause?: unknown) => {
        failure ??= cause ?? undefined
        done()
      }
      if (chunk === undefined) parser.end(settled)
      else parser.write(chunk, settled)
    })
  try {
    let chunk: IteratorResult<Buffer, void> = first
    const mark = first.value.subarray(0, 3).toString("latin1") === "\u00ef\u00bb\u00bf" ? 3 : 0
    await feed(Buffer.from(first.value.subarray(mark)))
    while (failure === undefined && (chunk = await bytes.next()).done !== true) {
      yield items
      items = []
      await feed(Buffer.from(chunk.value))
    }
    if (failure === undefined) await feed(undefined)
    yield items
    if (failure instanceof CsvError && failure.code === "CSV_QUOTE_NOT_CLOSED") {
      const at = { line: lastLine + 1, offset: rows + 1 }
      const message = "The row opens a quote that is not closed before the end of the file."
      if (at.offset > from.offset) yield [{ ...at, tag: "MalformedRow", message }]
    } else if (failure instanceof CsvError && failure.code === "CSV_MAX_RECORD_SIZE") {
      throw unreadable(
        `the row at line ${lastLine + 1} is over ${maxRowBytes} bytes long; is a closing quote missing there?`
      )
    } else if (failure !== undefined) {
      throw failure
    }
  } finally {
    parser.destroy()
    await bytes.return()
  }
}

const itemOf = (header: ReadonlyArray<string>, cells: ReadonlyArray<string>, at: Place): RawItem => {
  if (cells.length !== header.length) {
    return {
      ...at,
      tag: "MalformedRow",
      message: `The row has ${cells.length} cells where the header has ${header.length}.`
    }
  }
  const members: Array<[string, Json]> = []
  for (const [index, column] of header.entries()) {
    const cell = cells[index]
    if (column === "" || cell === undefined || cell === "") continue
    const text = decode(cell)
    if (text === undefined) return { ...at, tag: "InvalidUtf8", message: `The cell \`${column}\` is not valid UTF-8.` }
    members.push([column, text])
  }
  return { ...at, value: Object.fromEntries(members) }
}

/** `offset` counts rows after the header, bad ones included; going on means reading the file again up to there. */
export const csvReader = (file: SourceFile, maxRowBytes: number): Reader => ({
  read: (from) => streamBatches(file.path, () => readRows(file, from, maxRowBytes))
})
