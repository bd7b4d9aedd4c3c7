// A stage is data (name, version, needs, cost class) and one of three kinds: map, expand, set.
// Everything here is pure: what a stage may read from the world (benchmark texts) is handed to it, once, as `Resources`.
import type { Schema } from "effect"
import type { Json, JsonObject } from "./Json.ts"

/** What a stage uses up; back-pressure is counted by it. */
export type CostClass = "cpu" | "llm" | "sandbox" | "gpu"

/**
 * The fields of one row as it flows through a run. Canonical names: `problem`, `answer`, `solution`, `id`, `source`, `type`, `level`;
 * forum rows carry `forum_post` and `forum_discussions` until an expand stage has made problems of them. Others pass through.
 */
export type Fields = JsonObject

/** `transient`: may pass if tried again. `permanent`: will not. */
export interface StageFailure {
  readonly tag: string
  readonly message: string
  readonly class: "transient" | "permanent"
}

export interface Kept {
  readonly _tag: "Kept"
  /** Fields to set. `null` removes a field. An empty patch keeps the row as it is. */
  readonly patch: Fields
  /** Facts for the record and the report, never for the output row. */
  readonly detail?: Json
}
export interface Dropped {
  readonly _tag: "Dropped"
  /** Lower-case words joined by hyphens: the key under which drops are counted. */
  readonly reason: string
  readonly detail?: Json
}
export interface Failed {
  readonly _tag: "Failed"
  readonly error: StageFailure
}
export interface Expanded {
  readonly _tag: "Expanded"
  /** The derived rows, in order; never empty (a stage that finds none drops the row). */
  readonly rows: ReadonlyArray<Fields>
  readonly detail?: Json
}
export type MapOutcome = Kept | Dropped | Failed
export type ExpandOutcome = MapOutcome | Expanded

/** One text of a benchmark that no training row may contain. */
export interface BenchmarkText {
  /** The file's name without folder and extension. */
  readonly benchmark: string
  readonly id: string
  readonly text: string
}

export interface Resources {
  readonly benchmarks: ReadonlyArray<BenchmarkText>
  /** The recipe's seed. */
  readonly seed: number
}

/** What a set stage keeps in the run's index for one row. */
export interface SetEntry {
  /** Rows with equal keys are compared by the stage (exact duplicates). */
  readonly key: string | null
  /** Band keys of a locality-sensitive hash: integers in [0, 2^53). Rows that share one are candidates. */
  readonly bands: ReadonlyArray<number>
  /** Whatever the stage needs to compare two candidates exactly, e.g. sorted 32-bit shingle hashes, little endian. */
  readonly payload: Uint8Array | null
  /** The stratum of the row: canonical JSON of its label values. */
  readonly stratum: string | null
}

interface StageBase<P> {
  readonly name: string
  /** Part of the inputs' hash: raise it when the stage's results change. */
  readonly version: number
  readonly cost: CostClass
  /** One sentence for `--help` and the report. */
  readonly summary: string
  /** Parameters as written in the recipe; every field has a default, so `{}` decodes. */
  readonly params: Schema.Codec<P, any>
  /** Fields that must be there. */
  readonly needs: ReadonlyArray<string>
}
export interface MapStage<P = any> extends StageBase<P> {
  readonly kind: "map"
  /** Called once per worker; the result is called per row and must not keep state between rows. */
  readonly prepare: (params: P, resources: Resources) => (fields: Fields) => MapOutcome
}
export interface ExpandStage<P = any> extends StageBase<P> {
  readonly kind: "expand"
  readonly prepare: (params: P, resources: Resources) => (fields: Fields) => ExpandOutcome
}
export interface SetStage<P = any> extends StageBase<P> {
  readonly kind: "set"
  readonly prepare: (params: P, resources: Resources) => (fields: Fields) => SetEntry
}
export type Stage = MapStage | ExpandStage | SetStage

export const kept = (patch: Fields = {}, detail?: Json): Kept =>
  detail === undefined ? { _tag: "Kept", patch } : { _tag: "Kept", patch, detail }
export const dropped = (reason: string, detail?: Json): Dropped =>
  detail === undefined ? { _tag: "Dropped", reason } : { _tag: "Dropped", reason, detail }
export const failed = (tag: string, message: string, errorClass: StageFailure["class"] = "permanent"): Failed => ({
  _tag: "Failed",
  error: { tag, message, class: errorClass }
})
export const expanded = (rows: ReadonlyArray<Fields>, detail?: Json): Expanded =>
  detail === undefined ? { _tag: "Expanded", rows } : { _tag: "Expanded", rows, detail }

/** The fields after a patch: `null` removes a field. */
export const patched = (fields: Fields, patch: Fields): Fields => {
  const next: { [key: string]: Json } = { ...fields }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete next[key]
    else if (value !== undefined) next[key] = value
  }
  return next
}
