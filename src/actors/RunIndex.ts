// The port to a run's index in SQL: rows, entries of set stages and their results. Every write is an upsert by
// (run, stage, seq, sub), so a batch that is done again after a crash changes nothing. Writes are fenced: who claimed a
// run last may write, nobody else, however late a write of an earlier owner comes.
import { Context, type Effect, Schema } from "effect"
import type { RowRef, RowStatus, RunRow, SetResult } from "../domain/RunRow.ts"
import type { SetEntry } from "../domain/Stage.ts"
import type { StoreFailed } from "./ActorStore.ts"

export interface IndexedEntry extends RowRef, SetEntry {}

/** One row of a group: rows with the same `group` share a key or a band. */
export interface GroupMember extends RowRef {
  /** The key, or the band key as text. */
  readonly group: string
}

/** Where to go on: pass the last member of the page before. */
export type GroupCursor = GroupMember | null

/** Who may write a run: `epoch` came from the claim. */
export interface RunOwner {
  readonly run: string
  readonly epoch: number
}

/** Another runner claimed the run since: it drives it now, and this write was not done. */
export class RunDisowned extends Schema.TaggedError<RunDisowned>()("RunDisowned", { run: Schema.String }) {
  override get message() {
    return `Another runner drives the run ${this.run} now; leave it to that one`
  }
}

export class RunIndex extends Context.Service<RunIndex, {
  /**
   * Takes the run over: answers a new epoch, greater than all before it. It waits for writes of the earlier owner that are under way;
   * later ones are refused.
   */
  readonly claim: (run: string) => Effect.Effect<number, StoreFailed>
  /** One transaction: the rows, and for each set stage (by its index in the recipe) the entries of live rows. */
  readonly put: (
    owner: RunOwner,
    rows: ReadonlyArray<RunRow>,
    entries: ReadonlyArray<{ readonly stage: number; readonly entries: ReadonlyArray<IndexedEntry> }>
  ) => Effect.Effect<void, StoreFailed | RunDisowned>
  /** Rows after `after` (null: from the start) in (seq, sub) order, at most `limit`, only of the given statuses. */
  readonly rows: (
    run: string,
    options: { readonly after: RowRef | null; readonly limit: number; readonly statuses: ReadonlyArray<RowStatus> }
  ) => Effect.Effect<ReadonlyArray<RunRow>, StoreFailed>
  /**
   * For the closing of set stage `stage`: makes rows that this very stage dropped before live again and forgets its results,
   * so that a closing can be repeated.
   */
  readonly reopen: (owner: RunOwner, stage: number) => Effect.Effect<void, StoreFailed | RunDisowned>
  /** Members of groups with two or more live rows, ordered by (group, seq, sub). `by` is the entry's key or its bands. */
  readonly groups: (
    run: string,
    stage: number,
    by: "key" | "band",
    options: { readonly after: GroupCursor; readonly limit: number }
  ) => Effect.Effect<ReadonlyArray<GroupMember>, StoreFailed>
  /** Payloads of the given rows, in their order; null where there is none. At most 10,000 refs. */
  readonly payloads: (
    run: string,
    stage: number,
    refs: ReadonlyArray<RowRef>
  ) => Effect.Effect<ReadonlyArray<Uint8Array | null>, StoreFailed>
  /**
   * Live rows in (seq, sub) order with their stratum at `stage` and the value (text) that the earlier set stage `clusterStage`
   * put into the patch field "cluster" (null: none, or no such stage).
   */
  readonly strata: (
    run: string,
    stage: number,
    options: { readonly clusterStage: number | null; readonly after: RowRef | null; readonly limit: number }
  ) => Effect.Effect<
    ReadonlyArray<RowRef & { readonly stratum: string | null; readonly cluster: string | null }>,
    StoreFailed
  >
  /** Stores results of a set stage; rows with a `drop` become `dropped` by that stage in the same transaction. */
  readonly putResults: (
    owner: RunOwner,
    stage: number,
    results: ReadonlyArray<SetResult>
  ) => Effect.Effect<void, StoreFailed | RunDisowned>
  /** Results of one stage for the given rows, in their order; undefined where the stage said nothing. At most 10,000 refs. */
  readonly results: (
    run: string,
    stage: number,
    refs: ReadonlyArray<RowRef>
  ) => Effect.Effect<ReadonlyArray<SetResult | undefined>, StoreFailed>
  /** How many rows there are by origin (source row or derived), status, stage and reason. */
  readonly counts: (run: string) => Effect.Effect<
    ReadonlyArray<{
      readonly derived: boolean
      readonly status: RowStatus
      readonly stage: number | null
      readonly reason: string | null
      readonly count: number
    }>,
    StoreFailed
  >
  /** Deletes everything of a run but who owns it, in pieces of at most `maxRows`; true when nothing is left. */
  readonly forget: (owner: RunOwner, maxRows: number) => Effect.Effect<boolean, StoreFailed | RunDisowned>
}>()("polya/RunIndex") {}
