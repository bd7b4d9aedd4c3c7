// Rows as Parquet. The schema depends on all rows, so they are kept as JSON lines beside the output until `commit`, then written
// group by group: memory is bounded by one row group, and the same rows give the same bytes however they were handed over.
//
// Schema: one nullable column for each key, in order of first appearance. All texts: STRING; all booleans: BOOLEAN; all whole
// numbers within 2^53: INT64; all numbers: DOUBLE; anything else (lists, objects, mixtures): JSON text, marked as such.
// Null and a missing key are the same. Without rows there is one text column, `problem`. Parquet's texts are UTF-8: half of a
// surrogate pair becomes U+FFFD in keys and texts. A member named `__proto__` is not kept.
import { Effect } from "effect"
import type { FileHandle } from "node:fs/promises"
import type { Json, JsonObject } from "../../domain/Json.ts"
import { lineBatches } from "../sources/JsonLines.ts"
import { LineBuffer } from "./JsonlSink.ts"
import { makeWriter, partialPath, publish, type Sink, temporaryFile } from "./Sink.ts"

/** A row group ends with the row that reaches one of these. */
const groupRows = 10_000
const groupBytes = 32 * 1024 * 1024

type ColumnType = "STRING" | "BOOLEAN" | "INT64" | "DOUBLE" | "JSON"

const typeOf = (value: Json): ColumnType => {
  switch (typeof value) {
    case "string":
      return "STRING"
    case "boolean":
      return "BOOLEAN"
    case "number":
      return Number.isSafeInteger(value) ? "INT64" : "DOUBLE"
    default:
      return "JSON"
  }
}

const joined = (one: ColumnType | undefined, other: ColumnType): ColumnType => {
  if (one === undefined || one === other) return other
  const numbers = (type: ColumnType) => type === "INT64" || type === "DOUBLE"
  return numbers(one) && numbers(other) ? "DOUBLE" : "JSON"
}

/** The row with keys that UTF-8 can say; of keys that become equal the last one counts. */
const encodable = (row: JsonObject): JsonObject =>
  Object.keys(row).every((key) => key.isWellFormed())
    ? row
    : Object.fromEntries(Object.entries(row).map(([key, value]) => [key.toWellFormed(), value]))

/** Takes the keys and types of some rows into a schema. */
const learn = (columns: Map<string, ColumnType>, rows: ReadonlyArray<JsonObject>): void => {
  for (const row of rows) {
    for (const key of Object.keys(row)) {
      const value = row[key]
      if (value !== null && value !== undefined) columns.set(key, joined(columns.get(key), typeOf(value)))
    }
  }
}

/** A row's value as the writer wants it for a column of that type. */
const stored = (row: JsonObject, name: string, type: ColumnType): unknown => {
  const value = Object.hasOwn(row, name) ? row[name] : undefined
  if (value === null || value === undefined) return undefined
  return type === "INT64" ? BigInt(value as number) : value // `learn` saw every value of the column
}

async function* groupsOf(spool: string, bytes: number): AsyncGenerator<ReadonlyArray<JsonObject>> {
  let rows: Array<JsonObject> = []
  let start = 0
  for await (
    const items of lineBatches({ path: spool, name: spool, bytes, gzip: false }, { offset: 0, line: 0 }, Infinity)
  ) {
    for (const item of items) {
      if ("value" in item) rows.push(item.value) // our own lines: there is no other kind
      if (rows.length < groupRows && item.offset - start < groupBytes) continue
      yield rows
      rows = []
      start = item.offset
    }
  }
  if (rows.length > 0) yield rows
}

const writeParquet = async (
  groups: AsyncIterable<ReadonlyArray<JsonObject>>,
  target: FileHandle,
  columns: ReadonlyMap<string, ColumnType>
): Promise<void> => {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import("hyparquet-writer")
  const writer = new ByteWriter()
  const flush = async () => {
    const bytes = writer.getBytes()
    writer.index = 0
    await target.writeFile(bytes)
  }
  const names = [...columns]
  const columnData = names.map(([name, type]) => ({ name, type, data: [] }))
  const file = new ParquetWriter({ writer, schema: schemaFromColumnData({ columnData }), createdBy: "polya" })
  for await (const rows of groups) {
    const data = names.map(([name, type]) => ({ name, data: rows.map((row) => stored(row, name, type)) }))
    await file.write({ columnData: data, rowGroupSize: rows.length })
    await flush()
  }
  await file.finish()
  await flush()
}

const open: Sink["open"] = Effect.fnUntraced(function*(path) {
  const temporary = partialPath(path)
  const spoolPath = partialPath(path, "rows.partial")
  const spool = yield* temporaryFile(path, spoolPath)
  const target = yield* temporaryFile(path, temporary)
  const lines = new LineBuffer(spool)
  const columns = new Map<string, ColumnType>()
  return makeWriter(path, {
    write: (given) => {
      const rows = given.map(encodable)
      learn(columns, rows)
      return lines.write(rows)
    },
    commit: async () => {
      await lines.flush()
      const { size } = await spool.stat()
      await writeParquet(
        groupsOf(spoolPath, size),
        target,
        columns.size === 0 ? new Map([["problem", "STRING"]]) : columns
      )
      await publish(target, temporary, path)
    }
  })
})

export const ParquetSink: Sink = { extension: "parquet", open }
