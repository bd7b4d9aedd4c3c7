// Rows of one SELECT on a SQLite file, opened for reading only, by a process of its own (SqliteQuery): a hostile query costs its deadline,
// never this process. A resumed query runs again and passes over the rows already read.
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { SourceUnreadable } from "../../actors/Sources.ts"
import { type Batches, type Place, type RawItem, type Reader, streamBatches } from "./Reader.ts"
import type { SourceFile } from "./SourceFile.ts"
import type { FromQuery, ToQuery } from "./SqliteQuery.ts"

/** A page that takes longer than this fails, as one of PostgreSQL does; the time between pages does not count. */
const pageMillis = 300_000
const heapMiB = 1_024

// From sources this file is .ts and the program too; after a build both are .js.
const program = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./SqliteQuery.ts" : "./SqliteQuery.js", import.meta.url)
)

const start = (): ChildProcess =>
  fork(program, [], {
    execArgv: [`--max-old-space-size=${heapMiB}`],
    stdio: ["pipe", "ignore", "ignore", "ipc"],
    serialization: "advanced"
  })

const ask = (child: ChildProcess, request: ToQuery, millis: number): Promise<FromQuery> =>
  new Promise((resolve) => {
    const failed = (detail: string): FromQuery => ({ _tag: "Failed", reason: "query-failed", detail })
    const settle = (answer: FromQuery): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.on("error", () => {})
      resolve(answer)
    }
    const timer = setTimeout(
      () => settle(failed(`the query gave no rows within ${Math.round(millis / 1000)} s`)),
      millis
    )
    child.once("message", (answer: FromQuery) => settle(answer))
    child.once("error", (error) => settle(failed(`the query's process failed: ${error.message}`)))
    child.once("exit", (code, signal) => settle(failed(`the query's process ended (${signal ?? `code ${code}`})`)))
    if (child.connected) child.send(request, () => {})
    else settle(failed("the query's process has ended"))
  })

async function* readRows(
  file: SourceFile,
  query: string | undefined,
  from: Place,
  millis: number,
  held: Set<ChildProcess>
): Batches {
  const child = start()
  held.add(child)
  try {
    let read = from.offset
    let request: ToQuery = { _tag: "Open", path: file.path, query, skip: read }
    while (true) {
      const answer = await ask(child, request, millis)
      if (answer._tag === "Failed") {
        throw new SourceUnreadable({ location: file.path, reason: answer.reason, detail: answer.detail })
      }
      if (answer.rows.length === 0) return
      yield answer.rows.map((value): RawItem => {
        read += 1
        return { line: read, offset: read, value }
      })
      request = { _tag: "Next" }
    }
  } finally {
    held.delete(child)
    child.kill("SIGKILL")
  }
}

/** `offset` counts rows of the query's result. */
export const sqliteReader = (file: SourceFile, query: string | undefined, millis: number = pageMillis): Reader => ({
  read: (from) => {
    const held = new Set<ChildProcess>()
    // A query that is at work when its reader leaves is not waited for.
    const leave = () => held.forEach((child) => child.kill("SIGKILL"))
    return streamBatches(file.path, () => readRows(file, query, from, millis, held), leave)
  }
})
