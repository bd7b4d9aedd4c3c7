// The port to a run's index in SQL: rows, entries of set stages and their results. Every write is an upsert by
// (run, stage, seq, sub), so a batch that is done again after a crash changes nothing.
import { Context, type Effect } from "effect"
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

export class RunIndex extends Context.Service<RunIndex, {
  /** One transaction: the rows, and for each set stage (by its index in the recipe) the entries of live rows. */
  readonly put: (
    run: string,
    rows: ReadonlyArray<RunRow>,
    entries: ReadonlyArray<{ readonly stage: number; readonly entries: ReadonlyArray<IndexedEntry> }>
  ) => Effect.Effect<void, StoreFailed>
  /** Rows after `after` (null: from the start) in (seq, sub) order, at most `limit`, only of the given statuses. */
  readonly rows: (
    run: string,
    options: { readonly after: RowRef | null; readonly limit: number; readonly statuses: ReadonlyArray<RowStatus> }
  ) => Effect.Effect<ReadonlyArray<RunRow>, StoreFailed>
  /**
   * For the closing of set stage `stage`: makes rows that this very stage dropped before live again and forgets its results,
   * so that a closing can be repeated.
   */
  readonly reopen: (run: string, stage: number) => Effect.Effect<void, StoreFailed>
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
    run: string,
    stage: number,
    results: ReadonlyArray<SetResult>
  ) => Effect.Effect<void, StoreFailed>
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
  /** Deletes everything of a run, in pieces of at most `maxRows`; true when nothing is left. */
  readonly forget: (run: string, maxRows: number) => Effect.Effect<boolean, StoreFailed>
}>()("polya/RunIndex") {}
