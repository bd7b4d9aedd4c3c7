// The worker thread that owns the SQLite file: it opens it, says so, and answers calls one by one in their order. A
// slow disk holds up this thread and never the runner's event loop. It imports nothing of Effect, so it starts in a few
// milliseconds.
import { parentPort, workerData } from "node:worker_threads"
import * as SqliteActorIndex from "./SqliteActorIndex.ts"
import * as SqliteActorStore from "./SqliteActorStore.ts"
import * as SqliteAuditLog from "./SqliteAuditLog.ts"
import * as SqliteCallLog from "./SqliteCallLog.ts"
import { failureOf, open, type SqliteDatabase, TooNew } from "./SqliteDatabase.ts"
import * as SqliteProcesses from "./SqliteProcesses.ts"
import { buffersOfBytes, isPackedBytes, type Message, type Request, type SqliteSettings } from "./SqliteProtocol.ts"
import * as SqliteRunIndex from "./SqliteRunIndex.ts"

/** What can be called from the other thread, by port and method. */
export interface SqlitePorts {
  readonly actors: ReturnType<typeof SqliteActorStore.make>
  readonly lists: ReturnType<typeof SqliteActorIndex.make>
  readonly audits: ReturnType<typeof SqliteAuditLog.make>
  readonly calls: ReturnType<typeof SqliteCallLog.make>
  readonly index: ReturnType<typeof SqliteRunIndex.make>
  readonly processes: ReturnType<typeof SqliteProcesses.make>
}

const serve = (port: NonNullable<typeof parentPort>, settings: SqliteSettings): void => {
  const send = (message: Message, buffers: Array<ArrayBuffer> = []) => port.postMessage(message, buffers)
  let database: SqliteDatabase
  try {
    database = open(settings)
  } catch (error) {
    send(
      error instanceof TooNew
        ? { _tag: "tooNew", found: error.found, known: error.known }
        : { _tag: "refused", failure: failureOf(error, settings.filename) }
    )
    return port.close()
  }
  const ports: SqlitePorts = {
    actors: SqliteActorStore.make(database),
    lists: SqliteActorIndex.make(database),
    audits: SqliteAuditLog.make(database),
    calls: SqliteCallLog.make(database),
    index: SqliteRunIndex.make(database),
    processes: SqliteProcesses.make(database)
  }
  port.on("message", (request: Request) => {
    if (request._tag === "close") {
      database.close()
      return port.close()
    }
    try {
      // The sender's `call` is typed by SqlitePorts, so the method exists and takes these arguments.
      const methods = ports[request.port] as unknown as Record<string, (...args: ReadonlyArray<unknown>) => unknown>
      const value = methods[request.method]?.(...request.args)
      send({ _tag: "answer", id: request.id, value }, isPackedBytes(value) ? buffersOfBytes(value) : [])
    } catch (error) {
      send({ _tag: "failed", id: request.id, failure: failureOf(error, settings.filename) })
    }
  })
  send({ _tag: "ready" })
}

if (parentPort !== null) serve(parentPort, workerData as SqliteSettings)
