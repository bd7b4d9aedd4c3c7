// A set stage's result as text for a database, and the columns that are read out of it.
import { canonical, type Json, type JsonObject } from "./Json.ts"
import type { SetResult } from "./RunRow.ts"

export interface StoredResult {
  /** Canonical JSON of the drop's reason and detail; null where the row stays. */
  readonly dropped: string | null
  readonly patch: string
}

export const storeResult = ({ drop, patch }: SetResult): StoredResult => ({
  dropped: drop === null ? null : canonical({ reason: drop.reason, detail: drop.detail }),
  patch: canonical(patch)
})

export const restoreResult = (seq: number, sub: number, { dropped, patch }: StoredResult): SetResult => ({
  seq,
  sub,
  drop: dropped === null ? null : JSON.parse(dropped) as { readonly reason: string; readonly detail: Json },
  patch: JSON.parse(patch) as JsonObject
})

/**
 * The value of the patch field `cluster` as text: strings as they are, anything else as canonical JSON, null where
 * there is none.
 */
export const clusterText = (patch: SetResult["patch"]): string | null => {
  const value = patch["cluster"]
  return value === undefined || value === null ? null : typeof value === "string" ? value : canonical(value)
}

/** The `detail` of a row that a set stage drops. */
export const dropDetail = (detail: Json): string | null => detail === null ? null : canonical(detail)
