// The storage port of the durable actor. One contract suite (test/actors/ActorStoreContract.ts) runs on every adapter.
// Adapters: memory (tests), SQLite (`node:sqlite` in a worker thread), PostgreSQL.
import { Context, type Effect, Schema } from "effect"
import type { ActorCommit, ActorKey, ActorRow, CommitOutcome } from "../domain/Commit.ts"

/**
 * `data`: this batch can never be written as it is (a value the database refuses); split it.
 * `unavailable`: the outcome is unknown, ask again later. `full`: no space left on the device. `damaged`: what is stored cannot be
 * read; asking again gives the same.
 */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  reason: Schema.Literals(["data", "unavailable", "full", "damaged"]),
  /** One sentence, without secrets. */
  detail: Schema.String
}) {
  override get message() {
    switch (this.reason) {
      case "full":
        return `The store's disk is full: ${this.detail}`
      case "damaged":
        return `The store cannot be read: ${this.detail}`
      default:
        return `The store failed (${this.reason}): ${this.detail}`
    }
  }
}

export interface HistoryEntry {
  readonly version: number
  /** JSON texts of the events of the commit that made this version. */
  readonly events: ReadonlyArray<string>
  readonly atMillis: number
}

/** Ages in milliseconds, counted back from `nowMillis`. Rows older than that are deleted; the current state never is. */
export interface RetentionCut {
  readonly nowMillis: number
  readonly repliesMillis: number
  readonly eventsMillis: number
  readonly versionsMillis: number
  /** At most this many rows of each table in one call, so that no statement holds its locks for long. */
  readonly maxRows: number
}

export class ActorStore extends Context.Service<ActorStore, {
  /** The rows in the order of `keys`, which has no repetition; `undefined` where the actor was never committed. */
  readonly load: (keys: ReadonlyArray<ActorKey>) => Effect.Effect<ReadonlyArray<ActorRow | undefined>, StoreFailed>
  /**
   * One atomic write for many actors, each at most once in `batch`; they succeed or fail one by one, in the order given.
   * Earlier states go to the history (`asOf`). Replies are looked up in the same statement that fences.
   */
  readonly commit: (batch: ReadonlyArray<ActorCommit>) => Effect.Effect<ReadonlyArray<CommitOutcome>, StoreFailed>
  /** The state as it was at `version`; `undefined` if that version never was or was pruned. */
  readonly asOf: (key: ActorKey, version: number) => Effect.Effect<ActorRow | undefined, StoreFailed>
  /** Commits newest first, at most `limit` (1 to 1000), only versions below `before` if given. Pruned commits are missing. */
  readonly history: (
    key: ActorKey,
    options: { readonly limit: number; readonly before?: number }
  ) => Effect.Effect<ReadonlyArray<HistoryEntry>, StoreFailed>
  /** Ids of actors of one type in id order, after `after`, at most `limit` (1 to 1000). */
  readonly list: (
    type: string,
    options: { readonly after?: string; readonly limit: number }
  ) => Effect.Effect<ReadonlyArray<{ readonly id: string } & ActorRow>, StoreFailed>
  /** Deletes what is past its age; answers how many rows went. Call again while any count equals `maxRows`. */
  readonly prune: (
    cut: RetentionCut
  ) => Effect.Effect<{ readonly replies: number; readonly events: number; readonly versions: number }, StoreFailed>
}>()("polya/ActorStore") {}
