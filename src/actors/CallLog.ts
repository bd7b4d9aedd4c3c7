// The port to the record of calls to models: one entry for each, whatever came of it, newest first when listed. No prompt and no answer is in
// it: only their hash and sizes.
import { Context, Effect, Layer } from "effect"
import type { StoreFailed } from "./ActorStore.ts"

export interface CallEntry {
  /** When it went out. */
  readonly atMillis: number
  readonly model: string
  readonly endpoint: string
  /** Whose work it was. */
  readonly owner: string
  /** SHA-256 of the prompt as it was sent, 16 hex digits. */
  readonly promptHash: string
  /** The sampling parameters as JSON text, the seed among them; at most 1,000 characters. */
  readonly parameters: string
  readonly promptTokens: number
  readonly completionTokens: number
  readonly microDollars: number
  readonly queueMillis: number
  readonly firstTokenMillis: number | null
  readonly millis: number
  /** Which call of its sample, from 1; a hedged second call has the number of the first. */
  readonly attempt: number
  readonly hedged: boolean
  /** `ok`, `cancelled`, or the tag of the error. */
  readonly outcome: string
  /** The status of the answer; null: there was none. */
  readonly status: number | null
  /** What went wrong, in at most 300 characters without secrets; null: nothing. */
  readonly detail: string | null
}
export interface NumberedCallEntry extends CallEntry {
  /** Grows with time; not without gaps. */
  readonly seq: number
}
export interface CallFilter {
  readonly model?: string
  readonly owner?: string
  readonly outcome?: string
}

export class CallLog extends Context.Service<CallLog, {
  /** Never waits and never fails: entries are written together soon; those that do not fit into a bounded buffer are counted as lost. */
  readonly note: (entry: CallEntry) => void
  /** Newest first, at most `limit` (1 to 500), only entries below `before` if given. What was noted here before is in it. */
  readonly list: (
    options: CallFilter & { readonly limit: number; readonly before?: number }
  ) => Effect.Effect<ReadonlyArray<NumberedCallEntry>, StoreFailed>
  readonly prune: (beforeMillis: number, maxRows: number) => Effect.Effect<number, StoreFailed>
}>()("polya/CallLog") {
  /** Keeps the last `most` in memory. */
  static readonly layerMemory = (most = 10_000): Layer.Layer<CallLog> =>
    Layer.sync(CallLog, () => {
      let seq = 0
      const kept: Array<NumberedCallEntry> = []
      return {
        note: (entry) => {
          kept.push({ ...entry, seq: ++seq })
          if (kept.length > most) kept.shift()
        },
        list: ({ before = Number.POSITIVE_INFINITY, limit, ...filter }) =>
          Effect.sync(() =>
            kept.filter((entry) =>
              entry.seq < before &&
              Object.entries(filter).every(([key, value]) =>
                value === undefined || entry[key as keyof CallFilter] === value
              )
            ).reverse().slice(0, limit)
          ),
        prune: (beforeMillis, maxRows) =>
          Effect.sync(() => {
            const old = Math.min(maxRows, kept.filter(({ atMillis }) => atMillis < beforeMillis).length)
            kept.splice(0, old)
            return old
          })
      }
    })
}
