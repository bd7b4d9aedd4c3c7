// What a dataset run reads: sources as written in a recipe or on the command line, and the rows that come out of them.
import { Schema } from "effect"
import { type Fields } from "./Stage.ts"

export const SourceFormat = Schema.Literals(["auto", "jsonl", "csv", "parquet", "sqlite", "postgres", "folder"])
export type SourceFormat = typeof SourceFormat.Type

/** One source. `location` is a file, a folder or a `postgres://` address; databases need `query`. */
export const SourceSpec = Schema.Struct({
  location: Schema.String,
  format: Schema.optionalKey(SourceFormat),
  /** A named preset of the field's data sets, or "auto": chosen by the columns of the first rows. */
  preset: Schema.optionalKey(Schema.String),
  /** Column of the source by canonical field: `{ problem: "question", answer: "final" }`. Wins over the preset. */
  fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** SQL for SQLite and PostgreSQL. Must order its rows if a resumed run is to read the same ones. */
  query: Schema.optionalKey(Schema.String),
  /** The source's name in ids and output rows; the file's name without extension if not given. */
  name: Schema.optionalKey(Schema.String)
})
export type SourceSpec = typeof SourceSpec.Type

/** Where reading goes on. `file`: index in the resolved list of files; `offset`: bytes (JSONL) or rows in it; `rows`: rows read in all. */
export const SourceCursor = Schema.Struct({ file: Schema.Int, offset: Schema.Int, line: Schema.Int, rows: Schema.Int })
export type SourceCursor = typeof SourceCursor.Type
export const sourceStart: SourceCursor = { file: 0, offset: 0, line: 0, rows: 0 }

/** A row that could be read. `line`: from 1, the line (JSONL, CSV) or row of its file. `key`: its id field or `line`, as text. */
export interface SourceRow {
  readonly _tag: "Row"
  readonly line: number
  readonly source: string
  readonly key: string
  readonly fields: Fields
  /** Where to go on after this row. */
  readonly next: SourceCursor
}
/** A row that could not be read: malformed JSON, invalid UTF-8, no problem text, a line over the limit. */
export interface SourceFault {
  readonly _tag: "Fault"
  readonly line: number
  readonly source: string
  readonly tag: "MalformedRow" | "InvalidUtf8" | "LineTooLong" | "MissingField"
  readonly message: string
  readonly next: SourceCursor
}
export type SourceItem = SourceRow | SourceFault
