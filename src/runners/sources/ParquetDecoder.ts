// The program of a Parquet decoder: a process of its own, because a damaged file can make the library loop for ever or allocate
// until its process is aborted, and neither a deadline nor a heap limit of a thread survives that. It opens one file at a time,
// decodes a piece of a row group when a row of it is asked for, and answers slices of it, by columns because those cross to the
// parent four times as fast as rows. Lists and structs become JSON; a text that is not UTF-8 is a fault of its row; bytes that
// claim no encoding become Base64.
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  type ParquetParsers,
  parquetReadObjects,
  parquetSchema
} from "hyparquet"
import { compressors } from "hyparquet-compressors"
import { isUtf8 } from "node:buffer"
import { closeSync, openSync, readSync } from "node:fs"
import { Worker } from "node:worker_threads"
import type { Json } from "../../domain/Json.ts"
import { jsonOf } from "./ForeignValue.ts"

/** Rows of one row group. */
export interface Group {
  readonly rows: number
  /** Rows that are decoded together: all of them, unless the group is large. */
  readonly pieceRows: number
  /** Rows of one answer: about 2 MiB, and 2,000 at most, so that taking them in never blocks the parent for long. */
  readonly sliceRows: number
}
/** `Read`: the rows [`from`, `to`) of the file, which lie in the piece [`start`, `end`); rows count from 0. */
export type ToDecoder =
  | { readonly _tag: "Open"; readonly path: string; readonly bytes: number }
  | {
    readonly _tag: "Read"
    readonly start: number
    readonly end: number
    readonly from: number
    readonly to: number
  }
export interface Rows {
  readonly _tag: "Rows"
  /** A value for each row, in order; undefined where the row has none. */
  readonly columns: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<Json | undefined> }>
  /** Rows, by their index here, with a text that is not UTF-8, and the first column that has it. */
  readonly faults: ReadonlyMap<number, string>
}
export type FromDecoder =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Opened"; readonly groups: ReadonlyArray<Group> }
  | Rows
  | { readonly _tag: "Failed"; readonly detail: string }

/** A larger piece would not fit into the heap with its strings and rows. */
const pieceBytes = 128 * 1024 * 1024
const pieceRowsMax = 100_000
/** Pages before a piece may have to be decoded again for it, so there are not many; also where the sizes in a footer are nonsense. */
const piecesMax = 64
const sliceBytes = 2 * 1024 * 1024
const sliceRowsMax = 2_000

interface Opened {
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  /** Columns that claim to hold text. */
  readonly texts: ReadonlyArray<string>
  piece: { readonly start: number; readonly end: number; readonly rows: Parameters<typeof rowsOf>[0] } | undefined
}

const bufferOf = (descriptor: number, byteLength: number): AsyncBuffer => ({
  byteLength,
  slice: (start, end = byteLength) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start))
    for (let filled = 0; filled < bytes.byteLength;) {
      const read = readSync(descriptor, bytes, filled, bytes.byteLength - filled, start + filled)
      if (read === 0) throw new Error("it became shorter while it was read")
      filled += read
    }
    return bytes.buffer
  }
})

const textOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")

const parsers: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes === undefined || !isUtf8(bytes) ? bytes : textOf(bytes),
  jsonFromBytes: (bytes: Uint8Array | undefined) => {
    if (bytes === undefined || !isUtf8(bytes)) return bytes
    const text = textOf(bytes)
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }
}

/** Throws where two columns have one name: the library would mix them up. */
const textColumns = (metadata: FileMetaData): ReadonlyArray<string> => {
  const columns = parquetSchema(metadata).children.map(({ element }) => element)
  const twice = columns.find(({ name }, index) => columns.findIndex((column) => column.name === name) < index)
  if (twice !== undefined) throw new Error(`two of its columns are named \`${twice.name}\``)
  return columns
    .filter((column) => column.converted_type === "UTF8" || column.logical_type?.type === "STRING")
    .map(({ name }) => name)
}

const groupOf = ({ num_rows, total_byte_size }: FileMetaData["row_groups"][number]): Group => {
  const rows = Number(num_rows)
  if (!Number.isSafeInteger(rows) || rows < 0) throw new Error("its footer gives a row group an impossible size")
  const rowBytes = Math.max(1, Number(total_byte_size) / Math.max(1, rows))
  const within = (bytes: number, most: number) => Math.max(1, Math.min(most, Math.floor(bytes / rowBytes)))
  return {
    rows,
    pieceRows: Math.max(within(pieceBytes, pieceRowsMax), Math.ceil(rows / piecesMax)),
    sliceRows: within(sliceBytes, sliceRowsMax)
  }
}

const rowsOf = (rows: ReadonlyArray<{ readonly [column: string]: unknown }>, texts: ReadonlyArray<string>): Rows => {
  const faults = new Map<number, string>()
  for (const name of texts) {
    for (const [index, row] of rows.entries()) {
      if (row[name] instanceof Uint8Array && !faults.has(index)) faults.set(index, name)
    }
  }
  const names = Object.keys(rows[0] ?? {})
  return {
    _tag: "Rows",
    columns: names.map((name) => ({ name, values: rows.map((row) => jsonOf(row[name])) })),
    faults
  }
}

let descriptor: number | undefined
let opened: Opened | undefined

const open = async ({ bytes, path }: Extract<ToDecoder, { readonly _tag: "Open" }>): Promise<FromDecoder> => {
  opened = undefined
  if (descriptor !== undefined) closeSync(descriptor)
  descriptor = undefined
  descriptor = openSync(path, "r")
  const file = bufferOf(descriptor, bytes)
  const metadata = await parquetMetadataAsync(file)
  opened = { file, metadata, texts: textColumns(metadata), piece: undefined }
  return { _tag: "Opened", groups: metadata.row_groups.map(groupOf) }
}

const read = async (
  { end, from, start, to }: Extract<ToDecoder, { readonly _tag: "Read" }>
): Promise<FromDecoder> => {
  if (opened === undefined) throw new Error("no file is open")
  if (opened.piece?.start !== start || opened.piece.end !== end) {
    opened.piece = undefined
    const { file, metadata } = opened
    const rows = await parquetReadObjects({ file, metadata, compressors, parsers, rowStart: start, rowEnd: end })
    if (rows.length !== end - start) {
      throw new Error(`it holds ${rows.length} rows where its footer says ${end - start}`)
    }
    opened.piece = { start, end, rows }
  }
  const { piece: { rows }, texts } = opened
  return rowsOf(rows.slice(from - start, to - start), texts)
}

const answer = (message: FromDecoder): void => {
  process.send?.(message)
}

process.on("message", (message: ToDecoder) => {
  const work = message._tag === "Open" ? open(message) : read(message)
  work.then(
    answer,
    (cause) => answer({ _tag: "Failed", detail: cause instanceof Error ? cause.message : String(cause) })
  )
})
// Standard input ends when the parent has gone, however it went; this thread then ends a decoder that is lost in a loop too.
new Worker("require('node:fs').readSync(0, Buffer.alloc(1)); process.kill(process.pid, 'SIGKILL')", { eval: true })
  .unref()
answer({ _tag: "Ready" })
