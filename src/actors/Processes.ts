// The port to what the processes of the cluster say of themselves, once a second: the admin API, metrics and `polya status` read it. A row
// that nobody wrote for a while is a process that died without a word.
import { Context, type Effect } from "effect"
import type { JsonObject } from "../domain/Json.ts"
import type { StoreFailed } from "./ActorStore.ts"

export interface ProcessRow {
  /** Made at its start, never used again. */
  readonly id: string
  /** `serve` or `runner`. */
  readonly kind: string
  /** Where other runners reach it; null for a process that is no runner. */
  readonly address: string | null
  readonly groups: ReadonlyArray<string>
  readonly startedMillis: number
  /** When it last said so, by the store's clock. */
  readonly seenMillis: number
  readonly state: "starting" | "ready" | "draining" | "ended"
  /** Gauges and counters since its start; domain/Vitals.ts tells the fields. */
  readonly vitals: JsonObject
}

export class Processes extends Context.Service<Processes, {
  readonly say: (row: Omit<ProcessRow, "seenMillis">) => Effect.Effect<void, StoreFailed>
  /** Those seen since `sinceMillis` ago, oldest start first, at most 1,000, with the store's own time. */
  readonly list: (
    sinceMillis: number
  ) => Effect.Effect<{ readonly nowMillis: number; readonly processes: ReadonlyArray<ProcessRow> }, StoreFailed>
  /** Deletes rows that were not seen for so long. */
  readonly prune: (olderMillis: number) => Effect.Effect<void, StoreFailed>
}>()("polya/Processes") {}
