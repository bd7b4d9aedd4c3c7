// The record of calls over a store's table: notes gather in a bounded buffer and one writer appends them in batches, within a second. A store
// that is away is tried again; what does not fit meanwhile is counted as lost, and said once. Where it is unknown whether a batch was taken it
// is written again, so that an entry may stand twice.
import { Effect, Latch, Semaphore } from "effect"
import type { StoreFailed } from "../actors/ActorStore.ts"
import { type CallEntry, type CallFilter, CallLog, type NumberedCallEntry } from "../actors/CallLog.ts"
import { MetricRegistry } from "../actors/Metrics.ts"

export interface CallListing extends CallFilter {
  readonly limit: number
  readonly before: number
}
/** The table; texts and numbers that come here are within bounds. */
export interface CallStore {
  readonly append: (entries: ReadonlyArray<CallEntry>) => Effect.Effect<void, StoreFailed>
  readonly list: (listing: CallListing) => Effect.Effect<ReadonlyArray<NumberedCallEntry>, StoreFailed>
  readonly prune: (beforeMillis: number, maxRows: number) => Effect.Effect<number, StoreFailed>
}

/** Entries that wait to be written, at most. */
export const maxWaiting = 10_000
const batchEntries = 500
const gatherMillis = 500
const againMillis = 1_000
/** What is left when the process ends has so long to be written. */
const lastMillis = 5_000
/** A list waits so long for what was noted before it, at most. */
const listedMillis = 5_000

const short = (text: string, most: number): string => (text.length <= most ? text : text.slice(0, most))
const finite = (value: number): number => (Number.isFinite(value) ? value : 0)
const whole = (value: number): number => Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.round(finite(value))))

/** As it is stored, whatever a server made of it. */
const cleaned = (entry: CallEntry): CallEntry => ({
  atMillis: whole(entry.atMillis),
  model: short(entry.model, 300),
  endpoint: short(entry.endpoint, 300),
  owner: short(entry.owner, 300),
  promptHash: short(entry.promptHash, 64),
  parameters: short(entry.parameters, 1_000),
  promptTokens: whole(entry.promptTokens),
  completionTokens: whole(entry.completionTokens),
  microDollars: finite(entry.microDollars),
  queueMillis: finite(entry.queueMillis),
  firstTokenMillis: entry.firstTokenMillis === null ? null : finite(entry.firstTokenMillis),
  millis: finite(entry.millis),
  attempt: whole(entry.attempt),
  hedged: entry.hedged,
  outcome: short(entry.outcome, 100),
  status: entry.status === null ? null : whole(entry.status),
  detail: entry.detail === null ? null : short(entry.detail, 300)
})

/** The port over `store`, with its writer, for as long as the scope lives. */
export const makeCallLog = Effect.fnUntraced(function*(store: CallStore) {
  const { counter, gauge } = yield* MetricRegistry
  const noted = counter({ name: "polya_calls_noted_total", help: "Calls to models that were noted for the record." })
  const lost = counter({
    name: "polya_calls_lost_total",
    help: "Calls to models that are not in the record, because the store was away for too long."
  })
  const unwritten = gauge({ name: "polya_calls_unwritten", help: "Calls to models that wait to be written now." })
  const wake = Latch.makeUnsafe(false)
  const writing = yield* Semaphore.make(1)
  const waiting: Array<CallEntry> = []
  let lostCount = 0

  const lose = (count: number): void => {
    lostCount += count
    lost.add([], count)
  }
  const append = Effect.suspend(() => {
    const batch = waiting.slice(0, batchEntries)
    const done = (): void => {
      waiting.splice(0, batch.length)
      unwritten.set([], waiting.length)
    }
    return store.append(batch).pipe(
      // A store that will never take it must not hold up the others.
      Effect.catchIf(({ reason }) => reason === "data", () => Effect.sync(() => lose(batch.length))),
      Effect.map(done)
    )
  })
  /** Writes all that waits now; a failure leaves the rest for the next time. */
  const flush = writing.withPermits(1)(Effect.suspend(() => {
    let rounds = Math.ceil(waiting.length / batchEntries)
    return Effect.whileLoop({ while: () => rounds-- > 0, body: () => append, step: () => {} })
  }))
  const isWritten = flush.pipe(
    Effect.as(true),
    Effect.catchCause((cause) => Effect.as(Effect.logDebug("Calls could not be written", cause), false))
  )

  let isTold = false
  const round = Effect.gen(function*() {
    yield* wake.await
    yield* Effect.sleep(gatherMillis)
    wake.closeUnsafe()
    const written = yield* isWritten
    if (lostCount > 0 && !isTold) {
      yield* Effect.logWarning(
        `The record of calls loses entries, ${lostCount} so far, because the store does not take them; polya_calls_lost_total counts on`
      )
      isTold = true
    }
    if (written) {
      isTold = false
      lostCount = 0
      return
    }
    wake.openUnsafe()
    yield* Effect.sleep(againMillis)
  })
  yield* Effect.addFinalizer(() =>
    flush.pipe(
      Effect.interruptible,
      Effect.timeoutOption(lastMillis),
      Effect.catchCause((cause) => Effect.logWarning("The last calls could not be written", cause))
    )
  )
  yield* Effect.forkScoped(Effect.forever(round))

  return CallLog.of({
    note: (entry) => {
      noted.add([])
      if (waiting.length >= maxWaiting) lose(1)
      else {
        waiting.push(cleaned(entry))
        unwritten.set([], waiting.length)
      }
      wake.openUnsafe()
    },
    list: ({ before = Number.MAX_SAFE_INTEGER, limit, ...filter }) =>
      flush.pipe(
        Effect.timeoutOption(listedMillis),
        // What cannot be written now cannot be listed; what was written can, if the store answers at all.
        Effect.ignore,
        Effect.andThen(store.list({ ...filter, before, limit: Math.max(1, Math.min(500, Math.floor(limit))) }))
      ),
    prune: (beforeMillis, maxRows) => store.prune(beforeMillis, Math.max(0, maxRows))
  })
})
