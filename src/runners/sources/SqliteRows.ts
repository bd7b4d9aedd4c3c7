// Rows of one SELECT on a SQLite file, opened for reading only. A resumed query runs again and passes over the rows already read.
import { DatabaseSync } from "node:sqlite"
import { SourceUnreadable } from "../../actors/Sources.ts"
import { jsonObjectOf } from "./ForeignValue.ts"
import { type Batches, batchRows, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import type { SourceFile } from "./SourceFile.ts"

const selects = /^(\s|--.*(\n|$)|\/\*[^]*?\*\/)*(select|with|values)\b/i

/** Names of the tables and views, for the message that asks for a query. */
const tablesOf = (database: DatabaseSync): ReadonlyArray<string> =>
  database.prepare(
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT 20"
  )
    .all().map((row) => String(row["name"]))

async function* readRows(file: SourceFile, query: string | undefined, from: Place): Batches {
  const refuse = (reason: SourceUnreadable["reason"], detail: string) =>
    new SourceUnreadable({ location: file.path, reason, detail })
  using database = new DatabaseSync(file.path, { readOnly: true })
  if (query === undefined) {
    throw refuse(
      "query-missing",
      `a database needs a query (--query "SELECT ..."); its tables: ${tablesOf(database).join(", ") || "none"}`
    )
  }
  if (!selects.test(query)) throw refuse("query-failed", "the query must be one SELECT")
  let rows
  try {
    const statement = database.prepare(query)
    statement.setReadBigInts(true)
    rows = statement.iterate()
  } catch (cause) {
    throw refuse("query-failed", `the query was refused: ${(cause as Error).message}`)
  }
  let read = 0
  let items: Array<RawItem> = []
  try {
    for (const row of rows) {
      read += 1
      if (read <= from.offset) continue
      items.push({ line: read, offset: read, value: jsonObjectOf(row) })
      if (items.length === batchRows) {
        yield items
        items = []
      }
    }
  } catch (cause) {
    throw refuse("query-failed", `the query failed after ${read} rows: ${(cause as Error).message}`)
  }
  if (read < from.offset) throw refuse("changed", `the query gives only ${read} rows, fewer than were read`)
  yield items
}

/** `offset` counts rows of the query's result. */
export const sqliteReader = (file: SourceFile, query: string | undefined): Reader => ({
  read: (from) => streamBatches(file.path, () => readRows(file, query, from))
})
