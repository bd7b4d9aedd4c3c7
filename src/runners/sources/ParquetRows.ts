// Parquet, one row group at a time by ranges of the file: memory is bounded by the largest row group, not by the file.
// Lists and structs become JSON. A text that is not UTF-8 is a fault of its row; bytes that claim no encoding become Base64.
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
import type { FileHandle } from "node:fs/promises"
import { SourceUnreadable } from "../../actors/Sources.ts"
import { jsonObjectOf } from "./ForeignValue.ts"
import { type Batches, batchRows, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import { changed, openUnchanged, readAt, type SourceFile } from "./SourceFile.ts"

const bufferOf = (handle: FileHandle, byteLength: number): AsyncBuffer => ({
  byteLength,
  slice: async (start, end = byteLength) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start))
    await readAt(handle, bytes, start)
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

/** Columns that claim to hold text. Throws where two columns have one name: the decoder would mix them up. */
const textColumns = (file: SourceFile, metadata: FileMetaData): ReadonlyArray<string> => {
  const columns = parquetSchema(metadata).children.map(({ element }) => element)
  const twice = columns.find(({ name }, index) => columns.findIndex((column) => column.name === name) < index)
  if (twice !== undefined) {
    const detail = `two of its columns are named \`${twice.name}\``
    throw new SourceUnreadable({ location: file.path, reason: "unreadable", detail })
  }
  return columns
    .filter((column) => column.converted_type === "UTF8" || column.logical_type?.type === "STRING")
    .map(({ name }) => name)
}

const itemOf = (row: object, texts: ReadonlyArray<string>, at: Place): RawItem => {
  const bad = texts.find((column) => (row as { [key: string]: unknown })[column] instanceof Uint8Array)
  return bad === undefined
    ? { ...at, value: jsonObjectOf(row) }
    : { ...at, tag: "InvalidUtf8", message: `The value of \`${bad}\` is not valid UTF-8.` }
}

async function* readRows(file: SourceFile, from: Place): Batches {
  await using handle = await openUnchanged(file)
  const buffer = bufferOf(handle, file.bytes)
  const metadata = await parquetMetadataAsync(buffer)
  if (from.offset > Number(metadata.num_rows)) {
    throw changed(file, `it has only ${metadata.num_rows} rows, fewer than were read`)
  }
  const texts = textColumns(file, metadata)
  let groupStart = 0
  for (const group of metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows)
    const rowStart = Math.max(groupStart, from.offset)
    if (rowStart < groupEnd) {
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        compressors,
        parsers,
        rowStart,
        rowEnd: groupEnd
      })
      for (let index = 0; index < rows.length; index += batchRows) {
        yield rows.slice(index, index + batchRows).map((row, within) => {
          const number = rowStart + index + within + 1
          return itemOf(row, texts, { line: number, offset: number })
        })
      }
    }
    groupStart = groupEnd
  }
}

/** `offset` counts rows of the file; row groups before it are not read. */
export const parquetReader = (file: SourceFile): Reader => ({
  read: (from) => streamBatches(file.path, () => readRows(file, from))
})
