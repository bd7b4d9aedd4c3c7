// The DatasetRun actor's nouns and laws: a recipe applied to a source. The driver (actors/RunDriver) does the work and reports it
// with `Advance` and `Step`; both say from where, so that a report that comes twice, or late, counts once.
import { Schema } from "effect"
import type { Facets } from "./Commit.ts"
import { accept, type Decision, refuse } from "./Decision.ts"
import { canonical, type Json } from "./Json.ts"
import { Limits, type Limits as LimitsType, Recipe } from "./Recipe.ts"
import { SourceCursor, sourceStart } from "./Source.ts"
import { addTallies, emptyTally, Tally } from "./Tally.ts"

export const RunStatus = Schema.Literals(["new", "running", "paused", "cancelled", "done", "failed"])

/** Where a walk stands: in the source, or in the run's index (null: at its start). */
export const Position = Schema.Union([
  Schema.TaggedStruct("Source", { cursor: SourceCursor }),
  Schema.TaggedStruct("Index", { after: Schema.NullOr(Schema.Struct({ seq: Schema.Int, sub: Schema.Int })) })
])
export type Position = typeof Position.Type
const startPosition: Position = { _tag: "Source", cursor: sourceStart }

export const RunError = Schema.Struct({ tag: Schema.String, message: Schema.String })

/** A file that a finished run left where every process can read it (actors/Files). */
export const OutputFile = Schema.Struct({
  name: Schema.String,
  file: Schema.String,
  bytes: Schema.Int,
  sha256: Schema.String
})
export type OutputFile = typeof OutputFile.Type

export const RunState = Schema.Struct({
  status: RunStatus,
  recipe: Schema.NullOr(Recipe),
  /** Names the content of the sources (Sources.ts). */
  fingerprint: Schema.String,
  /** Id of the stored benchmark texts. */
  resources: Schema.String,
  /** Folder for the outputs, as the runner that drives it sees it; empty: they go where every process can read them. */
  out: Schema.String,
  /** What it left there, when it was done last. */
  outputs: Schema.optionalKey(Schema.Array(OutputFile)),
  /** False: no cluster keeps it driven, since a command line works it. Absent: true. */
  supervised: Schema.optionalKey(Schema.Boolean),
  limits: Limits,
  /** How often the rows were sent through again on demand. */
  generation: Schema.Int,
  /** In this generation, results of stages from here on are made anew; null: only failed ones. */
  redoFrom: Schema.NullOr(Schema.Int),
  /** Index into the plan's steps. */
  step: Schema.Int,
  position: Position,
  tally: Tally,
  error: Schema.NullOr(RunError),
  /** When and by whom it was last started, paused or stopped. */
  startedMillis: Schema.Finite,
  finishedMillis: Schema.NullOr(Schema.Finite),
  /** Working time of earlier sittings (before a pause, a crash or the end), in milliseconds. */
  workedMillis: Schema.Finite,
  note: Schema.String
})
export type RunState = typeof RunState.Type

export const initialRun: RunState = {
  status: "new",
  recipe: null,
  fingerprint: "",
  resources: "",
  out: "",
  limits: { inFlight: 1, batchRows: 1, attempts: 1, rowsPerSecond: 0 },
  generation: 0,
  redoFrom: null,
  step: 0,
  position: startPosition,
  tally: emptyTally(0),
  error: null,
  startedMillis: 0,
  finishedMillis: null,
  workedMillis: 0,
  note: ""
}

export class RunUnknown extends Schema.TaggedError<RunUnknown>()("RunUnknown", {}) {
  override get message() {
    return "There is no such run in this store; start it first"
  }
}
/** The command does not fit the run's status. */
export class RunNotReady extends Schema.TaggedError<RunNotReady>()("RunNotReady", {
  status: RunStatus,
  command: Schema.String
}) {
  override get message() {
    return `A run that is ${this.status} cannot ${this.command}`
  }
}
/** A run of this id exists with another recipe or source. */
export class RunTaken extends Schema.TaggedError<RunTaken>()("RunTaken", { what: Schema.String }) {
  override get message() {
    return `The store holds a run of this id with another ${this.what}`
  }
}
/** The driver's report does not start where the run stands: another driver went on, or the report came twice. */
export class AdvanceStale extends Schema.TaggedError<AdvanceStale>()("AdvanceStale", {}) {
  override get message() {
    return "The run has moved on since this work was begun"
  }
}
export class StageUnknown extends Schema.TaggedError<StageUnknown>()("StageUnknown", { stage: Schema.String }) {
  override get message() {
    return `The run's recipe has no stage ${this.stage}`
  }
}

type Refusals = RunUnknown | RunNotReady | RunTaken | AdvanceStale | StageUnknown
type Run<E = Refusals> = Decision<RunState, void, E>

export const StartFields = {
  recipe: Recipe,
  fingerprint: Schema.String,
  resources: Schema.String,
  out: Schema.String,
  supervised: Schema.optionalKey(Schema.Boolean),
  atMillis: Schema.Finite
}
export const start = (
  state: RunState,
  { atMillis, fingerprint, out, recipe, resources, supervised = true }: Schema.Struct<typeof StartFields>["Type"]
): Run<RunTaken> => {
  if (state.status !== "new") {
    if (canonical(state.recipe as unknown as Json) !== canonical(recipe as unknown as Json)) {
      return refuse(new RunTaken({ what: "recipe" }))
    }
    return state.fingerprint === fingerprint ? accept(state, undefined) : refuse(new RunTaken({ what: "source" }))
  }
  return accept(
    {
      ...initialRun,
      status: "running",
      recipe,
      fingerprint,
      resources,
      out,
      ...(supervised ? {} : { supervised }),
      limits: recipe.limits,
      tally: emptyTally(recipe.stages.length),
      startedMillis: atMillis
    },
    undefined,
    [{ _tag: "Started", recipe: recipe.name }]
  )
}

export const WhoFields = { why: Schema.String, atMillis: Schema.Finite }
type Who = Schema.Struct<typeof WhoFields>["Type"]

const sat = (state: RunState, atMillis: number): number =>
  state.status === "running" ? state.workedMillis + Math.max(0, atMillis - state.startedMillis) : state.workedMillis

export const pause = (state: RunState, { atMillis, why }: Who): Run<RunUnknown | RunNotReady> => {
  if (state.status === "new") return refuse(new RunUnknown())
  if (state.status === "paused") return accept(state, undefined)
  if (state.status !== "running") return refuse(new RunNotReady({ status: state.status, command: "be paused" }))
  return accept({ ...state, status: "paused", workedMillis: sat(state, atMillis), note: why }, undefined, [{
    _tag: "Paused",
    why
  }])
}

/** Goes on from the last committed batch, after a pause or a failure. A running run stays running. */
export const resume = (state: RunState, { atMillis, why }: Who): Run<RunUnknown | RunNotReady> => {
  if (state.status === "new") return refuse(new RunUnknown())
  if (state.status === "running") return accept(state, undefined)
  if (state.status === "cancelled" || state.status === "done") {
    return refuse(new RunNotReady({ status: state.status, command: "be resumed" }))
  }
  return accept({ ...state, status: "running", error: null, startedMillis: atMillis, note: why }, undefined, [{
    _tag: "Resumed",
    why
  }])
}

export const cancel = (state: RunState, { atMillis, why }: Who): Run<RunUnknown | RunNotReady> => {
  if (state.status === "new") return refuse(new RunUnknown())
  if (state.status === "cancelled") return accept(state, undefined)
  if (state.status === "done") return refuse(new RunNotReady({ status: "done", command: "be cancelled" }))
  return accept(
    { ...state, status: "cancelled", workedMillis: sat(state, atMillis), finishedMillis: atMillis, note: why },
    undefined,
    [{ _tag: "Cancelled", why }]
  )
}

export const ChangeLimitsFields = {
  inFlight: Schema.optionalKey(Limits.fields.inFlight),
  batchRows: Schema.optionalKey(Limits.fields.batchRows),
  attempts: Schema.optionalKey(Limits.fields.attempts),
  rowsPerSecond: Schema.optionalKey(Limits.fields.rowsPerSecond)
}
/** Changes the live limits; `batchRows` counts from the next step or sitting on, the others at once. */
export const changeLimits = (state: RunState, change: Partial<LimitsType>): Run<RunUnknown> =>
  state.status === "new"
    ? refuse(new RunUnknown())
    : accept({ ...state, limits: { ...state.limits, ...change } }, undefined, [{ _tag: "LimitsChanged", ...change }])

const again = (
  state: RunState,
  redoFrom: number | null,
  atMillis: number,
  event: Json
): Run<RunUnknown | RunNotReady> => {
  if (state.status === "new") return refuse(new RunUnknown())
  if (state.status === "running") {
    return refuse(new RunNotReady({ status: "running", command: "be run again; pause it first" }))
  }
  return accept(
    {
      ...state,
      status: "running",
      generation: state.generation + 1,
      redoFrom: state.status === "done" ? redoFrom : earlier(state.redoFrom, redoFrom),
      step: 0,
      position: startPosition,
      tally: emptyTally(state.tally.stages.length),
      error: null,
      startedMillis: atMillis,
      finishedMillis: null
    },
    undefined,
    [event]
  )
}

/** A rerun that was not finished still has to be: rows that it did not reach hold older results. */
const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? a ?? b : Math.min(a, b)

export const RerunFailedFields = { atMillis: Schema.Finite }
/** Sends all rows through again; only failed ones are worked, the others answer from their records. */
export const rerunFailed = (
  state: RunState,
  { atMillis }: { readonly atMillis: number }
): Run<RunUnknown | RunNotReady> => again(state, null, atMillis, { _tag: "RerunFailed" })

export const RerunFields = { stage: Schema.String, atMillis: Schema.Finite }
/** Makes the results of `stage` and of all after it anew. */
export const rerun = (
  state: RunState,
  { atMillis, stage }: { readonly stage: string; readonly atMillis: number }
): Run<RunUnknown | RunNotReady | StageUnknown> => {
  const ord = state.recipe?.stages.findIndex(({ name }) => name === stage) ?? -1
  return ord < 0 && state.status !== "new"
    ? refuse(new StageUnknown({ stage }))
    : again(state, ord, atMillis, { _tag: "Rerun", stage })
}

export const AdvanceFields = { generation: Schema.Int, step: Schema.Int, from: Position, to: Position, tally: Tally }
const stands = (state: RunState, generation: number, step: number): boolean =>
  state.generation === generation && state.step === step && (state.status === "running" || state.status === "paused")

/** A batch of rows is through the step and committed. Counts even if the run was paused meanwhile: the work is done. */
export const advance = (
  state: RunState,
  { from, generation, step, tally, to }: Schema.Struct<typeof AdvanceFields>["Type"]
): Run<AdvanceStale> =>
  stands(state, generation, step) && canonical(state.position) === canonical(from)
    ? accept({ ...state, position: to, tally: addTallies(state.tally, tally) }, undefined)
    : refuse(new AdvanceStale())

export const StepFields = { generation: Schema.Int, step: Schema.Int, tally: Tally }
/** A step is over: the next begins at its start. */
export const nextStep = (
  state: RunState,
  { generation, step, tally }: Schema.Struct<typeof StepFields>["Type"]
): Run<AdvanceStale> =>
  stands(state, generation, step)
    ? accept(
      { ...state, step: step + 1, position: { _tag: "Index", after: null }, tally: addTallies(state.tally, tally) },
      undefined,
      [{ _tag: "StepDone", step }]
    )
    : refuse(new AdvanceStale())

export const FinishFields = {
  generation: Schema.Int,
  atMillis: Schema.Finite,
  outputs: Schema.optionalKey(Schema.Array(OutputFile))
}
export const finish = (
  state: RunState,
  { atMillis, generation, outputs = [] }: Schema.Struct<typeof FinishFields>["Type"]
): Run<AdvanceStale> =>
  state.generation === generation && state.status === "running"
    ? accept(
      {
        ...state,
        status: "done",
        workedMillis: sat(state, atMillis),
        finishedMillis: atMillis,
        ...(outputs.length === 0 ? {} : { outputs })
      },
      undefined,
      [{ _tag: "Finished" }]
    )
    : refuse(new AdvanceStale())

export const BreakFields = { generation: Schema.Int, error: RunError, atMillis: Schema.Finite }
/** The run cannot go on (disk full, source gone). What is committed stays; `resume` goes on from there. */
export const breakOff = (
  state: RunState,
  { atMillis, error, generation }: Schema.Struct<typeof BreakFields>["Type"]
): Run<AdvanceStale> =>
  state.generation === generation && state.status === "running"
    ? accept({ ...state, status: "failed", error, workedMillis: sat(state, atMillis) }, undefined, [
      { _tag: "BrokeOff", tag: error.tag }
    ])
    : refuse(new AdvanceStale())

export const refusals = Schema.Union([RunUnknown, RunNotReady, RunTaken, AdvanceStale, StageUnknown])

const waitingOf = ({ limits, note, status }: RunState): string | null => {
  if (status === "paused") return note === "" ? "somebody to resume it" : `somebody to resume it; paused: ${note}`
  if (status === "failed") return "somebody to remove the cause and resume it"
  return status === "running" && limits.rowsPerSecond > 0 ? `its rate of ${limits.rowsPerSecond} rows a second` : null
}

/** What lists and searches know of a run. Its progress is in its state alone: it moves with every batch. */
export const describe = (state: RunState): Facets => {
  const { error, generation, recipe, status } = state
  const sources = recipe?.sources.map(({ location, name }) => name ?? location.replace(/:\/\/.*@/, "://")) ?? []
  return {
    status,
    stage: null,
    group: null,
    attempts: generation,
    error: error === null ? null : `${error.tag}: ${error.message}`.slice(0, 300),
    waiting: waitingOf(state),
    text: recipe === null ? null : [recipe.name, recipe.description, ...sources].join(" ").slice(0, 4_000)
  }
}

/** Runners keep what they made of these for as long as they live. */
const forGood = ["recipe", "resources", "fingerprint"] as const

/** What of a run an operator may not replace. */
export const fixed = (before: RunState, after: RunState): string | undefined => {
  const changed = forGood.filter((key) =>
    canonical(before[key] as unknown as Json) !== canonical(after[key] as unknown as Json)
  )
  return changed.length === 0
    ? undefined
    : `${changed.join(", ")} of a run cannot be changed; start another run, or change its limits`
}
