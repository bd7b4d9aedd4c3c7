// The ports of the store over one SQLite file that a worker thread owns. Every call has a place in a bounded queue and
// a deadline; when the thread dies, the calls that wait fail as `unavailable` (their outcome is unknown) and the next
// one starts it again.
import { Clock, Context, Effect, Layer, Schema, Semaphore } from "effect"
import { mkdirSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { Worker } from "node:worker_threads"
import { ActorIndex } from "../../actors/ActorIndex.ts"
import {
  countOf,
  emptyPage,
  readyAuditLimit,
  type ReadyFilter,
  readyFilter,
  readyLimit,
  type ReadyPage,
  readyPage
} from "../../actors/ActorIndex/Filter.ts"
import { ActorStore, StoreFailed } from "../../actors/ActorStore.ts"
import { AuditLog } from "../../actors/AuditLog.ts"
import { CallLog } from "../../actors/CallLog.ts"
import { Processes } from "../../actors/Processes.ts"
import { RunDisowned, RunIndex, type RunOwner } from "../../actors/RunIndex.ts"
import { type CallStore, makeCallLog } from "../CallLogWriter.ts"
import { StoreTooNew } from "../StoreTooNew.ts"
import { countWords, type SearchBounds, searchBounds, searchWords, type WordSteps } from "../WordSearch.ts"
import { failureOf } from "./SqliteDatabase.ts"
import * as SqliteLock from "./SqliteLock.ts"
import {
  buffersOfEntries,
  type Message,
  packEntries,
  type PortName,
  type Request,
  type SqliteSettings,
  unpackBytes
} from "./SqliteProtocol.ts"
import type { SqlitePorts } from "./SqliteWorker.ts"

/** Another process, or another part of this one, has the file open. */
export class StoreInUse extends Schema.TaggedError<StoreInUse>()("StoreInUse", {
  filename: Schema.String,
  /** The process that has it; null where that could not be read. */
  pid: Schema.NullOr(Schema.Int)
}) {
  override get message() {
    const holder = this.pid === null ? "another process" : `process ${this.pid}`
    return `The store ${this.filename} is in use by ${holder}. Wait for it, stop it, or choose another folder.`
  }
}

export interface SqliteOptions {
  /** The file; it and its folder are made if they are not there. `:memory:` is for tests and is never shared. */
  readonly filename: string
  /**
   * FULL: a commit survives a power cut. NORMAL: it survives the process, the last ones may not survive the machine.
   * Default FULL.
   */
  readonly synchronous?: "FULL" | "NORMAL"
  /** Refuse a second process with `StoreInUse`. Default true; false: processes of one machine share the file. */
  readonly exclusive?: boolean
  /** Calls that may wait for the thread at once; the next fails as `unavailable`. Default 4096. */
  readonly maxWaiting?: number
  /** Deadline of one call in milliseconds, from asking to answer. Default 30,000. */
  readonly callMillis?: number
  /** How long a write waits for a lock of another process, in milliseconds. Default 5,000. */
  readonly busyMillis?: number
  /** Largest text or payload in bytes; a larger one is refused as `data`. Default and bound: SQLite's 1,000,000,000. */
  readonly maxValueBytes?: number
  /** What one search for words may do; see WordSearch. */
  readonly searchBounds?: SearchBounds
}

export const layer = (
  options: SqliteOptions
): Layer.Layer<
  ActorStore | ActorIndex | AuditLog | CallLog | RunIndex | Processes,
  StoreFailed | StoreInUse | StoreTooNew
> =>
  Layer.effectContext(Effect.gen(function*() {
    const filename = options.filename === memory ? memory : resolve(options.filename)
    if (filename !== memory) {
      yield* Effect.try({
        try: () => mkdirSync(dirname(filename), { recursive: true }),
        catch: (cause) => unavailable(cause instanceof Error ? cause.message : String(cause))
      })
      if (options.exclusive ?? true) yield* hold(filename)
    }
    const call = yield* makeThread(filename, options)
    return Context.make(ActorStore, actorStore(call)).pipe(
      Context.add(ActorIndex, actorIndex(call, options.searchBounds ?? searchBounds)),
      Context.add(AuditLog, auditLog(call)),
      Context.add(CallLog, yield* makeCallLog(callStore(call))),
      Context.add(RunIndex, runIndex(call)),
      Context.add(Processes, processes(call))
    )
  }))

const memory = ":memory:"

const unavailable = (detail: string) => new StoreFailed({ reason: "unavailable", detail })

const hold = (filename: string) =>
  Effect.acquireRelease(
    Effect.flatMap(
      Effect.try({
        try: () => SqliteLock.acquire(filename),
        catch: (cause) => new StoreFailed(failureOf(cause, `${filename}.lock`))
      }),
      (lock) => lock._tag === "Held" ? Effect.succeed(lock) : Effect.fail(new StoreInUse({ filename, pid: lock.pid }))
    ),
    (lock) => Effect.sync(lock.release)
  )

type Methods<P extends PortName> = SqlitePorts[P]

interface Call {
  <P extends PortName, M extends keyof Methods<P> & string>(
    port: P,
    method: M,
    args: Methods<P>[M] extends (...args: infer Args) => unknown ? Args : never,
    moved?: Array<ArrayBuffer>
  ): Effect.Effect<Methods<P>[M] extends (...args: never) => infer A ? A : never, StoreFailed>
}

interface Thread {
  readonly worker: Worker
  /** Calls without an answer, also those that nobody waits for any more: they still take up the thread. */
  readonly waiting: Map<number, (result: Effect.Effect<never, StoreFailed> | Effect.Effect<unknown>) => void>
  dead: StoreFailed | undefined
}

// From sources this file is .ts and the worker too; after a build both are .js.
const workerUrl = new URL(import.meta.url.endsWith(".ts") ? "./SqliteWorker.ts" : "./SqliteWorker.js", import.meta.url)

const startThread = (settings: SqliteSettings): Effect.Effect<Thread, StoreFailed | StoreTooNew> =>
  Effect.callback((resume) => {
    const worker = new Worker(workerUrl, {
      workerData: settings,
      name: "polya-sqlite",
      // A bound on the thread's heap, and a small nursery: what it makes is handed over at once.
      resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 24 }
    })
    const thread: Thread = { worker, waiting: new Map(), dead: undefined }
    let cause = "it stopped by itself"
    worker.on("error", (error) => {
      cause = error instanceof Error ? error.message : String(error)
    })
    worker.on("exit", () => {
      thread.dead = unavailable(`the database thread ended: ${cause}`)
      const lost = Effect.fail(thread.dead)
      for (const answer of thread.waiting.values()) answer(lost)
      thread.waiting.clear()
      resume(lost)
    })
    worker.on("message", (message: Message) => {
      switch (message._tag) {
        case "ready":
          return resume(Effect.succeed(thread))
        case "refused":
          return resume(Effect.fail(new StoreFailed(message.failure)))
        case "tooNew":
          return resume(
            Effect.fail(new StoreTooNew({ store: settings.filename, found: message.found, known: message.known }))
          )
        case "answer":
        case "failed": {
          const answer = thread.waiting.get(message.id)
          thread.waiting.delete(message.id)
          return answer?.(
            message._tag === "answer" ? Effect.succeed(message.value) : Effect.fail(new StoreFailed(message.failure))
          )
        }
      }
    })
    return Effect.promise(() => worker.terminate())
  })

/** Lets the thread finish what it was asked and close the file; ends it when it does not come to that in time. */
const leave = (worker: Worker, millis: number): Effect.Effect<unknown> =>
  Effect.callback<void>((resume) => {
    worker.once("exit", () => resume(Effect.void))
    worker.postMessage({ _tag: "close" } satisfies Request)
  }).pipe(Effect.timeoutOrElse({ duration: millis, orElse: () => Effect.promise(() => worker.terminate()) }))

const makeThread = Effect.fnUntraced(function*(filename: string, options: SqliteOptions) {
  const { callMillis = 30_000, maxWaiting = 4096 } = options
  const settings: SqliteSettings = {
    filename,
    synchronous: options.synchronous ?? "FULL",
    busyMillis: options.busyMillis ?? 5_000,
    maxValueBytes: options.maxValueBytes ?? 1_000_000_000
  }
  const starting = yield* Semaphore.make(1)
  let thread: Thread | undefined
  let closed = false
  let lastId = 0

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closed = true
      return thread === undefined || thread.dead !== undefined ? Effect.void : leave(thread.worker, callMillis)
    })
  )
  thread = yield* startThread(settings)

  const restarted = starting.withPermits(1)(Effect.suspend((): Effect.Effect<Thread, StoreFailed> => {
    if (thread !== undefined && thread.dead === undefined) return Effect.succeed(thread)
    // A database in memory went with its thread.
    if (closed || filename === memory) return Effect.fail(unavailable("the store is closed"))
    return startThread(settings).pipe(
      Effect.mapError((error) => error._tag === "StoreFailed" ? error : unavailable(error.message)),
      Effect.tap((next) => Effect.sync(() => thread = next)),
      // A thread that was started is always known here, also when the caller that started it has gone.
      Effect.uninterruptible
    )
  }))
  const living = Effect.suspend(() => {
    if (closed) return Effect.fail(unavailable("the store is closed"))
    return thread !== undefined && thread.dead === undefined ? Effect.succeed(thread) : restarted
  })

  const ask = (
    to: Thread,
    request: (id: number) => Request,
    moved: Array<ArrayBuffer>
  ): Effect.Effect<unknown, StoreFailed> =>
    Effect.callback((resume) => {
      if (to.dead !== undefined) return resume(Effect.fail(to.dead))
      if (to.waiting.size >= maxWaiting) {
        return resume(Effect.fail(unavailable(`${maxWaiting} calls are waiting for the database already`)))
      }
      const id = ++lastId
      try {
        to.worker.postMessage(request(id), moved)
      } catch (error) {
        return resume(Effect.fail(new StoreFailed({ reason: "data", detail: String(error) })))
      }
      to.waiting.set(id, resume)
      return Effect.sync(() => {
        if (to.waiting.has(id)) to.waiting.set(id, () => {})
      })
    })

  const late = Effect.fail(unavailable(`the database did not answer within ${callMillis} ms`))
  const call: Call = (port, method, args, moved = []) =>
    Effect.flatMap(living, (to) => ask(to, (id) => ({ _tag: "call", id, port, method, args }), moved)).pipe(
      Effect.timeoutOrElse({ duration: callMillis, orElse: () => late })
      // The worker's method of that name made the value; its type is the one that SqlitePorts states.
    ) as ReturnType<Call> as never
  return call
})

const actorStore = (call: Call) =>
  ActorStore.of({
    load: (keys) => call("actors", "load", [keys.map(({ id, type }) => ({ type, id }))]),
    commit: (batch) => Effect.flatMap(Clock.currentTimeMillis, (now) => call("actors", "commit", [batch, now])),
    asOf: ({ id, type }, version) => call("actors", "asOf", [{ type, id }, version]),
    history: ({ id, type }, { before, limit }) => call("actors", "history", [{ type, id }, limit, before]),
    list: (type, { after, limit }) => call("actors", "list", [type, limit, after]),
    prune: (cut) => call("actors", "prune", [cut])
  })

const actorIndex = (call: Call, bounds: SearchBounds) => {
  // Each step is a call of its own, so that commits have their turn in between.
  const stepsOf = (filter: ReadyFilter, page: ReadyPage): WordSteps<StoreFailed> => ({
    walk: (after, rows, wanted) => call("lists", "walk", [filter, { ...page, after }, rows, wanted]),
    matches: (wanted) => call("lists", "matches", [filter, page, bounds.matches, wanted])
  })
  return ActorIndex.of({
    search: (filter, page) => {
      const ready = readyFilter(filter)
      if (ready === undefined) return Effect.succeed(emptyPage)
      const from = readyPage(page)
      return ready.words.length === 0
        ? call("lists", "search", [ready, from])
        : searchWords(stepsOf(ready, from), from, bounds)
    },
    count: (filter, limit) => {
      const ready = readyFilter(filter)
      const most = readyLimit(limit)
      if (ready === undefined) return Effect.succeed(countOf(0, most))
      if (ready.words.length === 0) return call("lists", "count", [ready, most])
      const from = readyPage({ order: "newest", after: null, limit })
      return countWords(stepsOf(ready, from), from.after, most, bounds)
    },
    entry: (type, id) => call("lists", "entry", [type, id]),
    tally: ({ group, type }) => call("lists", "tally", [type, group])
  })
}

const auditLog = (call: Call) =>
  AuditLog.of({
    append: (entries) => call("audits", "append", [entries]),
    list: ({ before, command, id, limit, type, who }) =>
      call("audits", "list", [{ limit: readyAuditLimit(limit), before, who, type, id, command }]),
    prune: (beforeMillis, maxRows) => call("audits", "prune", [beforeMillis, Math.max(0, maxRows)])
  })

const callStore = (call: Call): CallStore => ({
  append: (entries) => call("calls", "append", [entries]),
  list: (listing) => call("calls", "list", [listing]),
  prune: (beforeMillis, maxRows) => call("calls", "prune", [beforeMillis, maxRows])
})

const runIndex = (call: Call) =>
  RunIndex.of({
    claim: (run) => call("index", "claim", [run]),
    put: (owner, rows, entries) =>
      Effect.suspend(() => {
        const packed = entries.map(({ entries: list, stage }) => packEntries(stage, list))
        return owned(owner, call("index", "put", [owner, rows, packed], packed.flatMap(buffersOfEntries)))
      }),
    rows: (run, { after, limit, statuses }) => call("index", "rows", [run, after, limit, statuses]),
    reopen: (owner, stage) => owned(owner, call("index", "reopen", [owner, stage])),
    groups: Effect.fnUntraced(function*(run, stage, by, { after, limit }) {
      let page = yield* call("index", "groups", [run, stage, by, after, limit, after === null])
      // Each asking is a short step, so that commits have their turn in between.
      while (page === null) page = yield* call("index", "groups", [run, stage, by, after, limit, false])
      return page
    }),
    payloads: (run, stage, refs) =>
      Effect.map(call("index", "payloads", [run, stage, refs]), (packed) => unpackBytes(packed, true)),
    strata: (run, stage, { after, clusterStage, limit }) =>
      call("index", "strata", [run, stage, clusterStage, after, limit]),
    putResults: (owner, stage, results) => owned(owner, call("index", "putResults", [owner, stage, results])),
    results: (run, stage, refs) => call("index", "results", [run, stage, refs]),
    counts: (run) => call("index", "counts", [run]),
    forget: (owner, maxRows) =>
      Effect.flatMap(
        call("index", "forget", [owner, maxRows]),
        (left) => left === undefined ? Effect.fail(new RunDisowned({ run: owner.run })) : Effect.succeed(left)
      )
  })

const processes = (call: Call) =>
  Processes.of({
    say: (row) => Effect.flatMap(Clock.currentTimeMillis, (now) => call("processes", "say", [row, now])),
    list: (sinceMillis) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMillis) =>
        Effect.map(call("processes", "list", [nowMillis - sinceMillis]), (processes) => ({ nowMillis, processes }))),
    prune: (olderMillis) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        call("processes", "prune", [now - olderMillis]))
  })

const owned = ({ run }: RunOwner, done: Effect.Effect<boolean, StoreFailed>): Effect.Effect<
  void,
  StoreFailed | RunDisowned
> => Effect.flatMap(done, (is) => is ? Effect.void : Effect.fail(new RunDisowned({ run })))
