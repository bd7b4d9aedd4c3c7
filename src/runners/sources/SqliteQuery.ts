// The program of one SQLite query: a process of its own, because a query, or a file made for it, can keep SQLite at work for ever without
// a row, and neither an interruption nor the end of a thread reaches it there. It answers rows when it is asked for them.
import { DatabaseSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import type { SourceUnreadable } from "../../actors/Sources.ts"
import type { JsonObject } from "../../domain/Json.ts"
import { jsonObjectOf } from "./ForeignValue.ts"

/** `Open` comes once; its answer is the first page after `skip` rows of the result, as that of `Next` is the one after. */
export type ToQuery =
  | { readonly _tag: "Open"; readonly path: string; readonly query: string | undefined; readonly skip: number }
  | { readonly _tag: "Next" }
export type FromQuery =
  /** No rows: there are no more. */
  | { readonly _tag: "Rows"; readonly rows: ReadonlyArray<JsonObject> }
  | { readonly _tag: "Failed"; readonly reason: SourceUnreadable["reason"]; readonly detail: string }

/** One value of a row, in bytes; a longer one fails the query. */
const valueBytes = 64 * 1024 * 1024
/** A page ends with the row that takes it over this many characters, and after so many rows. */
const pageCharacters = 2 * 1024 * 1024
const pageRows = 512

const selects = /^(\s|--.*(\n|$)|\/\*[^]*?\*\/)*(select|with|values)\b/i

class Refused extends Error {
  readonly reason: SourceUnreadable["reason"]
  constructor(reason: SourceUnreadable["reason"], detail: string) {
    super(detail)
    this.reason = reason
  }
}

/** Names of the tables and views, for the message that asks for a query. */
const tablesOf = (database: DatabaseSync): ReadonlyArray<string> =>
  database.prepare(
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT 20"
  )
    .all().map((row) => String(row["name"]))

let read = 0
let result: Iterator<Record<string, unknown>> | undefined

const open = ({ path, query, skip }: Extract<ToQuery, { readonly _tag: "Open" }>): void => {
  const database = new DatabaseSync(path, { readOnly: true, limits: { length: valueBytes } })
  if (query === undefined) {
    throw new Refused(
      "query-missing",
      `a database needs a query (--query "SELECT ..."); its tables: ${tablesOf(database).join(", ") || "none"}`
    )
  }
  if (!selects.test(query)) throw new Refused("query-failed", "the query must be one SELECT")
  try {
    const statement = database.prepare(query)
    statement.setReadBigInts(true)
    result = statement.iterate()
  } catch (cause) {
    throw new Refused("query-failed", `the query was refused: ${(cause as Error).message}`)
  }
  while (read < skip) {
    if (next() === undefined) {
      throw new Refused("changed", `the query gives only ${read} rows, fewer than were read`)
    }
  }
}

const next = (): Record<string, unknown> | undefined => {
  try {
    const { done, value } = result?.next() ?? { done: true, value: undefined }
    if (done === true) return undefined
    read++
    return value
  } catch (cause) {
    throw new Refused("query-failed", `the query failed after ${read} rows: ${(cause as Error).message}`)
  }
}

const page = (): ReadonlyArray<JsonObject> => {
  const rows: Array<JsonObject> = []
  for (let characters = 0; rows.length < pageRows && characters < pageCharacters;) {
    const row = next()
    if (row === undefined) break
    const value = jsonObjectOf(row)
    for (const one of Object.values(value)) characters += typeof one === "string" ? one.length : 0
    rows.push(value)
  }
  return rows
}

const answer = (message: FromQuery): void => {
  process.send?.(message)
}

process.on("message", (message: ToQuery) => {
  try {
    if (message._tag === "Open") open(message)
    answer({ _tag: "Rows", rows: page() })
  } catch (cause) {
    const reason = cause instanceof Refused ? cause.reason : "unreadable"
    answer({ _tag: "Failed", reason, detail: cause instanceof Error ? cause.message : String(cause) })
  }
})
// Standard input ends when the parent has gone, however it went; this thread then ends a query that never comes back, too.
new Worker("require('node:fs').readSync(0, Buffer.alloc(1)); process.kill(process.pid, 'SIGKILL')", { eval: true })
  .unref()
