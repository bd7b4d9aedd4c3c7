// The port to what a finished run writes. The driver feeds every row of the run in (seq, sub) order; an adapter makes files of them
// and shows nothing under its final name before `commit`.
import { Context, type Effect, Schema, type Scope } from "effect"
import type { OutputFile, RunState } from "../domain/DatasetRun.ts"
import type { JsonObject } from "../domain/Json.ts"
import type { Plan } from "../domain/Plan.ts"
import type { Recipe } from "../domain/Recipe.ts"

/** The outputs cannot be written; nothing of them stands under its final name. `message` says what to do. */
export class OutputFailed extends Schema.TaggedError<OutputFailed>()("OutputFailed", {
  path: Schema.String,
  reason: Schema.Literals(["full", "read-only", "missing", "other"]),
  /** One sentence of the system's own words. */
  detail: Schema.String
}) {
  override get message() {
    return `Cannot write ${this.path}: ${advice[this.reason]} (${this.detail})`
  }
}

const advice: { readonly [reason in OutputFailed["reason"]]: string } = {
  full: "the disk or the quota is full; free some space or choose another output folder",
  "read-only": "this user may not write there; choose another output folder or change its permissions",
  missing: "there can be no such folder, or a file has its name; choose another output folder",
  other: "the system refused"
}

export type Split = "train" | "validation" | "test"

interface Origin {
  readonly derived: boolean
  readonly source: string
  /** Line (or row) of the source file that it came from, itself or through its parent. */
  readonly line: number
}
export interface DoneRow extends Origin {
  readonly _tag: "Done"
  readonly split: Split
  /** As it goes into the file. */
  readonly row: JsonObject
}
export interface DroppedRow extends Origin {
  readonly _tag: "Dropped"
  readonly stage: string
  readonly reason: string
  /** Facts of the drop, with ids in place of references; null if there are none. */
  readonly detail: JsonObject | null
  /** The fields as they came in. */
  readonly row: JsonObject
}
export interface FailedRow extends Origin {
  readonly _tag: "Failed"
  readonly stage: string
  readonly tag: string
  readonly message: string
  /** Null if the row could not be read. */
  readonly row: JsonObject | null
}
export type OutputRow = DoneRow | DroppedRow | FailedRow

export interface RunOutputWriter {
  readonly write: (rows: ReadonlyArray<OutputRow>) => Effect.Effect<void, OutputFailed>
  /** Gives all files their final names; the summary is the last. Answers what it put where every process can read it. */
  readonly commit: Effect.Effect<ReadonlyArray<OutputFile>, OutputFailed>
}

export class RunOutput extends Context.Service<RunOutput, {
  readonly open: (run: {
    readonly id: string
    readonly recipe: Recipe
    readonly plan: Plan
    readonly state: RunState
  }) => Effect.Effect<RunOutputWriter, OutputFailed, Scope.Scope>
}>()("polya/RunOutput") {}
