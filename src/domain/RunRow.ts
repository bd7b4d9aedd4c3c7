// One row of a dataset run's index: where a source row, or a row derived from one, stands. The index is what lists,
// counts and set stages read; it repeats what the Problem actors hold and can be written again at any time.
import type { Json } from "./Json.ts"

/** `seq`: the source row, from 0. `sub`: 0 for the row itself, 1.. for rows derived from it, in order of derivation. */
export interface RowRef {
  readonly seq: number
  readonly sub: number
}

/** `live`: on its way. `expanded`: became derived rows. The others are fates. */
export type RowStatus = "live" | "expanded" | "done" | "dropped" | "failed"

export interface RunRow extends RowRef {
  /** `sub` of the row it was derived from; null for source rows. */
  readonly parent: number | null
  /** Id of the Problem actor; null where the source row could not be read. */
  readonly actor: string | null
  readonly status: RowStatus
  /** Index of the stage (in the recipe's list) that decided the fate; null while live; -1: the source itself. */
  readonly stage: number | null
  /** Drop reason or error tag. */
  readonly reason: string | null
  /** Error message, or canonical JSON of the drop's detail. */
  readonly detail: string | null
}

/** What a set stage found for one row. */
export interface SetResult extends RowRef {
  readonly drop: { readonly reason: string; readonly detail: Json } | null
  /** Fields that the stage gives to the row (`split`, `cluster`), applied by the Problem actor. */
  readonly patch: { readonly [key: string]: Json }
}
