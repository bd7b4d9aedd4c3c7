// The Problem actor's nouns and laws: one row of a run, with a record per stage. What it is worth is folded from the raw fields and the records.
import { Schema } from "effect"
import type { Facets } from "./Commit.ts"
import { accept, type Decision, refuse } from "./Decision.ts"
import { digest } from "./Ids.ts"
import { canonical, type Json } from "./Json.ts"
import { type ExpandOutcome, type Fields, patched } from "./Stage.ts"

const JsonFields = Schema.Record(Schema.String, Schema.Unknown) as unknown as Schema.Codec<Fields, Fields>
const JsonValue = Schema.Unknown as unknown as Schema.Codec<Json, Json>

const Failure = Schema.Struct({
  tag: Schema.String,
  message: Schema.String,
  class: Schema.Literals(["transient", "permanent"])
})
const Outcome = Schema.Union([
  Schema.TaggedStruct("Kept", { patch: JsonFields, detail: Schema.optionalKey(JsonValue) }),
  Schema.TaggedStruct("Dropped", { reason: Schema.String, detail: Schema.optionalKey(JsonValue) }),
  Schema.TaggedStruct("Failed", { error: Failure }),
  Schema.TaggedStruct("Expanded", { rows: Schema.Array(JsonFields), detail: Schema.optionalKey(JsonValue) })
])

/** One stage's result on one row. */
export const StageRecord = Schema.Struct({
  /** Place in the recipe's list. */
  ord: Schema.Int,
  name: Schema.String,
  version: Schema.Int,
  /** Names the row's raw fields and all stages before with their parameters: equal inputs need no second run. */
  inputs: Schema.String,
  /** The run's generation (how often it was sent through again) in which it was made. */
  generation: Schema.Int,
  attempts: Schema.Int,
  millis: Schema.Finite,
  outcome: Outcome
})
export type StageRecord = typeof StageRecord.Type

export const ProblemStatus = Schema.Literals(["new", "live", "expanded", "done", "dropped", "failed", "cancelled"])

/** A row as it comes in. */
export const IngestFields = {
  run: Schema.String,
  seq: Schema.Int,
  sub: Schema.Int,
  /** `sub` of the row that it was derived from. */
  parent: Schema.NullOr(Schema.Int),
  /** The problem's id for good (Ids.ts). */
  id: Schema.String,
  source: Schema.String,
  line: Schema.Int,
  /** Fields as they came from the source, mapped to canonical names. */
  raw: JsonFields,
  /** First stage that the row goes through: 0, or the one after the stage that derived it. */
  from: Schema.Int
}

/** Names a walk of a run: the later one has the greater (generation, to). */
export const WalkMark = Schema.Struct({
  generation: Schema.Int,
  /** The stage before which the walk ends; it grows from walk to walk of a generation. */
  to: Schema.Int
})
export type WalkMark = typeof WalkMark.Type

export const ProblemState = Schema.Struct({
  status: ProblemStatus,
  ...IngestFields,
  /** Names `raw`. */
  base: Schema.String,
  /** Names the fields as they were ingested: an edit changes `base`, and lasts when the same row is read again. */
  origin: Schema.String,
  /** In order of `ord`, without gaps from `from`. */
  records: Schema.Array(StageRecord),
  /** The latest walk that wrote here: an earlier one comes too late. Without it no walk has, or an older program did. */
  walk: Schema.optionalKey(WalkMark)
})
export type ProblemState = typeof ProblemState.Type

export const initialProblem: ProblemState = {
  status: "new",
  run: "",
  seq: 0,
  sub: 0,
  parent: null,
  id: "",
  source: "",
  line: 0,
  raw: {},
  base: "",
  origin: "",
  from: 0,
  records: []
}

/** The problem was edited or cancelled while its stages ran: read it again and redo. */
export class ProblemChanged extends Schema.TaggedError<ProblemChanged>()("ProblemChanged", { actor: Schema.String }) {
  override get message() {
    return `The problem ${this.actor} was edited or cancelled while its stages ran; run them again`
  }
}
/** A later walk of the run has been here: what an earlier one found comes too late and changes nothing. */
export class RecordStale extends Schema.TaggedError<RecordStale>()("RecordStale", { actor: Schema.String }) {
  override get message() {
    return `A later walk of its run has already recorded the problem ${this.actor}; leave it as it is`
  }
}
/** A command needs a problem that was ingested before. */
export class ProblemUnknown extends Schema.TaggedError<ProblemUnknown>()("ProblemUnknown", { id: Schema.String }) {
  override get message() {
    return `There is no such problem${this.id === "" ? "" : `: ${this.id}`}; ingest it first`
  }
}
/** A rerun names a stage that the problem has no record of. */
export class StageNotReached
  extends Schema.TaggedError<StageNotReached>()("StageNotReached", { stage: Schema.String })
{
  override get message() {
    return `The problem has no record of the stage ${this.stage}`
  }
}

export type Ingest = Schema.Struct<typeof IngestFields>["Type"]

/** Whether the problem was written by a later walk than `walk`. */
export const isStale = (state: ProblemState, walk: WalkMark): boolean =>
  state.walk !== undefined &&
  (state.walk.generation - walk.generation || state.walk.to - walk.to) > 0

/** The problem with these raw fields. The same fields again change nothing, edits since included; others forget edits and records. */
export const ingested = (state: ProblemState, row: Ingest): ProblemState => {
  const base = baseOf(row.raw)
  if (state.status !== "new" && state.origin === base && state.id === row.id) return state
  const mark = state.walk === undefined ? {} : { walk: state.walk }
  return { ...row, status: "live", base, origin: base, records: [], ...mark }
}

/** `walk`: the walk that brings the row; without it somebody does who may at any time. */
export const IngestCommandFields = { ...IngestFields, walk: Schema.optionalKey(WalkMark) }

export const ingest = (
  state: ProblemState,
  { walk, ...row }: Schema.Struct<typeof IngestCommandFields>["Type"]
): Decision<ProblemState, void, RecordStale> => {
  if (walk !== undefined && isStale(state, walk)) return refuse(new RecordStale({ actor: state.id }))
  const next = ingested(state, row)
  if (next === state) return accept(state, undefined)
  return accept(walk === undefined ? next : { ...next, walk }, undefined, [
    { _tag: "Ingested", id: row.id, source: row.source, line: row.line }
  ])
}

export const RecordFields = {
  base: Schema.String,
  /** Records with `ord` at or after it are replaced. */
  from: Schema.Int,
  records: Schema.Array(StageRecord),
  /** The walk was the run's last: a row that still lives is done. */
  last: Schema.Boolean,
  /** The walk that made them. */
  walk: WalkMark
}
export type Record = Schema.Struct<typeof RecordFields>["Type"]

export const record = (
  state: ProblemState,
  command: Record
): Decision<ProblemState, void, ProblemChanged | RecordStale> => {
  const { walk } = command
  if (isStale(state, walk)) return refuse(new RecordStale({ actor: state.id }))
  if (state.status === "cancelled" || state.base !== command.base) {
    return refuse(new ProblemChanged({ actor: state.id }))
  }
  const records = [...state.records.filter((one) => one.ord < command.from), ...command.records]
  const status = statusOf(records, command.last)
  const same = status === state.status &&
    canonical(records as unknown as Json) === canonical(state.records as unknown as Json)
  // A walk that found nothing new leaves its mark all the same: an earlier one might find other things.
  if (same) {
    const marked = state.walk?.generation === walk.generation && state.walk.to === walk.to
    return accept(marked ? state : { ...state, walk }, undefined)
  }
  return accept({ ...state, records, status, walk }, undefined, [
    { _tag: "Recorded", status, stages: records.length }
  ])
}

export const RerunFields = { stage: Schema.String }
/** Forgets the records from `stage` on; the run's next walk makes them anew. */
export const rerun = (
  state: ProblemState,
  { stage }: { readonly stage: string }
): Decision<ProblemState, void, ProblemUnknown | StageNotReached> => {
  if (state.status === "new") return refuse(new ProblemUnknown({ id: state.id }))
  const at = state.records.find((one) => one.name === stage)
  if (at === undefined) return refuse(new StageNotReached({ stage }))
  return accept({ ...state, status: "live", records: state.records.filter((one) => one.ord < at.ord) }, undefined, [
    { _tag: "Rerun", stage }
  ])
}

export const EditFields = { patch: JsonFields, who: Schema.String, why: Schema.String }
/** Changes raw fields (`null` removes one) and forgets all records. */
export const edit = (
  state: ProblemState,
  { patch, who, why }: Schema.Struct<typeof EditFields>["Type"]
): Decision<ProblemState, void, ProblemUnknown> => {
  if (state.status === "new") return refuse(new ProblemUnknown({ id: state.id }))
  const raw = patched(state.raw, patch)
  return accept({ ...state, status: "live", raw, base: baseOf(raw), records: [] }, undefined, [{
    _tag: "Edited",
    who,
    why
  }])
}

export const CancelFields = { who: Schema.String, why: Schema.String }
export const cancel = (
  state: ProblemState,
  { who, why }: Schema.Struct<typeof CancelFields>["Type"]
): Decision<ProblemState, void, ProblemUnknown> =>
  state.status === "new"
    ? refuse(new ProblemUnknown({ id: state.id }))
    : accept({ ...state, status: "cancelled" }, undefined, [{ _tag: "Cancelled", who, why }])

/** Names raw fields; 16 hex digits. */
export const baseOf = (raw: Fields): string => digest([canonical(raw)], 16)

/** Names the inputs of the stage whose predecessors are named by `chain` (Plan.ts). */
export const inputsOf = (base: string, chain: string | undefined): string => `${base}.${chain ?? ""}`

/** The fields after the given records. */
export const fieldsAfter = (raw: Fields, records: ReadonlyArray<StageRecord>): Fields =>
  records.reduce(
    (fields, { outcome }) => (outcome._tag === "Kept" ? patched(fields, outcome.patch as Fields) : fields),
    raw
  )

/** Where the records leave a row. */
export const statusOf = (
  records: ReadonlyArray<StageRecord>,
  last: boolean
): Exclude<ProblemState["status"], "new"> => {
  const end = records.at(-1)?.outcome._tag
  if (end === "Dropped") return "dropped"
  if (end === "Failed") return "failed"
  if (end === "Expanded") return "expanded"
  return last ? "done" : "live"
}

export const isFate = (outcome: ExpandOutcome | StageRecord["outcome"]): boolean => outcome._tag !== "Kept"

const textOf = (raw: Fields): string | null => {
  const text = raw["problem"] ?? raw["forum_post"]
  return typeof text === "string" ? text.slice(0, 4_000) : null
}

/** What lists and searches know of a problem. */
export const describe = ({ raw, records, run, status }: ProblemState): Facets => {
  const end = records.at(-1)
  const outcome = end?.outcome
  return {
    status,
    stage: end?.name ?? null,
    group: run === "" ? null : run,
    attempts: end?.attempts ?? 0,
    error: outcome?._tag === "Failed" ? `${outcome.error.tag}: ${outcome.error.message}`.slice(0, 300) : null,
    waiting: status === "live" ? "its run to take it further" : null,
    text: textOf(raw)
  }
}
