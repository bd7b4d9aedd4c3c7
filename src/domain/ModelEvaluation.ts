// The Evaluation actor's nouns and laws: a model with a strategy on many problems. Problems and results are lists of their own beside it
// (ModelEvaluation/Problems.ts, Results.ts); here is how far it stands. What its driver reports of a list is the whole count of it, so that a
// report that comes twice, or from a driver that was frozen, changes nothing.
import { Schema } from "effect"
import type { Facets } from "./Commit.ts"
import { accept, type Decision, refuse } from "./Decision.ts"
import { canonical, type Json } from "./Json.ts"
import { EvaluationMetrics } from "./ModelEvaluation/Metrics.ts"
import { maxLists, maxProblems } from "./ModelEvaluation/Problems.ts"
import { addTallies, emptyResultTally, endedOf, ResultTally } from "./ModelEvaluation/Results.ts"
import { SampleError, SolveBudget } from "./Solve.ts"
import { Strategy } from "./Strategy.ts"

/** `filling`: problems come in. `cancelling`: solves that run are called off. `failed`: it broke off, and can be resumed. */
export const EvaluationStatus = Schema.Literals([
  "new",
  "filling",
  "running",
  "cancelling",
  "done",
  "failed",
  "cancelled"
])
export type EvaluationStatus = typeof EvaluationStatus.Type

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const text = (most: number) => Schema.String.check(Schema.isMaxLength(most))

/** Problems of one evaluation that are worked at once, at most. */
export const maxConcurrency = 1_024

export const EvaluationSpec = Schema.Struct({
  /** What people call the problems, such as the name of their file. */
  name: text(200),
  model: text(200).check(Schema.isMinLength(1)),
  strategy: Strategy,
  /** Seeds of the problems' solves follow from it. */
  seed: count(0, 2 ** 31 - 1),
  /** Of each problem. */
  budget: SolveBudget,
  concurrency: count(1, maxConcurrency),
  owner: text(200)
})
export type EvaluationSpec = typeof EvaluationSpec.Type

export const EvaluationState = Schema.Struct({
  status: EvaluationStatus,
  spec: Schema.NullOr(EvaluationSpec),
  createdMillis: Schema.Finite,
  startedMillis: Schema.NullOr(Schema.Finite),
  endedMillis: Schema.NullOr(Schema.Finite),
  /** Time that it was worked before it was resumed the last time. */
  workedMillis: Schema.Finite,
  /** Problems of each list. */
  lists: Schema.Array(Schema.Int),
  /** Lists from the first one on that are whole, and others that are. */
  closed: Schema.Int,
  closedApart: Schema.Array(Schema.Int),
  /** Of the lists that are whole, and of each that is not. */
  tally: ResultTally,
  open: Schema.Array(Schema.Struct({ list: Schema.Int, tally: ResultTally })),
  metrics: Schema.NullOr(EvaluationMetrics),
  error: Schema.NullOr(SampleError),
  note: Schema.String
})
export type EvaluationState = typeof EvaluationState.Type

export const initialEvaluation: EvaluationState = {
  status: "new",
  spec: null,
  createdMillis: 0,
  startedMillis: null,
  endedMillis: null,
  workedMillis: 0,
  lists: [],
  closed: 0,
  closedApart: [],
  tally: emptyResultTally,
  open: [],
  metrics: null,
  error: null,
  note: ""
}

export class EvaluationUnknown
  extends Schema.TaggedError<EvaluationUnknown>()("EvaluationUnknown", {}, { httpApiStatus: 404 })
{
  override get message() {
    return "There is no such evaluation; create it first"
  }
}
/** An evaluation of this id exists and asks for something else. */
export class EvaluationTaken
  extends Schema.TaggedError<EvaluationTaken>()("EvaluationTaken", {}, { httpApiStatus: 409 })
{
  override get message() {
    return "An evaluation of this id exists and asks for something else; choose another id"
  }
}
/** What was asked for does not fit how the evaluation stands. */
export class EvaluationNotReady
  extends Schema.TaggedError<EvaluationNotReady>()("EvaluationNotReady", { detail: Schema.String }, {
    httpApiStatus: 409
  })
{
  override get message() {
    return this.detail
  }
}
export const refusals = Schema.Union([EvaluationUnknown, EvaluationTaken, EvaluationNotReady])

type Evaluation<E = EvaluationUnknown | EvaluationTaken | EvaluationNotReady> = Decision<EvaluationState, void, E>

const notReady = (detail: string) => refuse(new EvaluationNotReady({ detail }))
const unknown = refuse(new EvaluationUnknown())

export const problemsOf = ({ lists }: EvaluationState): number => lists.reduce((sum, one) => sum + one, 0)
/** The number of a list's first problem. */
export const startOf = ({ lists }: EvaluationState, list: number): number =>
  lists.slice(0, list).reduce((sum, one) => sum + one, 0)
/** The list of a problem and its place there; none beyond the last. */
export const placeOf = (
  { lists }: EvaluationState,
  problem: number
): { readonly list: number; readonly at: number } | undefined => {
  let at = problem
  for (const [list, held] of lists.entries()) {
    if (at < held) return { list, at }
    at -= held
  }
  return undefined
}
/** Counts of all that has ended. */
export const totalOf = ({ open, tally }: EvaluationState): ResultTally =>
  open.reduce((sum, one) => addTallies(sum, one.tally), tally)
export const isClosed = ({ closed, closedApart }: EvaluationState, list: number): boolean =>
  list < closed || closedApart.includes(list)
export const isOver = ({ status }: EvaluationState): boolean =>
  status === "done" || status === "failed" || status === "cancelled"
export const workedOf = ({ endedMillis, startedMillis, workedMillis }: EvaluationState, nowMillis: number): number =>
  startedMillis === null ? workedMillis : workedMillis + Math.max(0, (endedMillis ?? nowMillis) - startedMillis)

export const CreateFields = { spec: EvaluationSpec, atMillis: Schema.Finite }
/** The same again changes nothing. */
export const create = (
  state: EvaluationState,
  { atMillis, spec }: Schema.Struct<typeof CreateFields>["Type"]
): Evaluation<EvaluationTaken> => {
  if (state.spec === null) {
    return accept({ ...initialEvaluation, status: "filling", spec, createdMillis: atMillis }, undefined, [
      { _tag: "Created", model: spec.model, strategy: spec.strategy.name }
    ])
  }
  return canonical(state.spec as unknown as Json) === canonical(spec as unknown as Json)
    ? accept(state, undefined)
    : refuse(new EvaluationTaken())
}

export const AddFields = { list: Schema.Int, problems: Schema.Int }
/** A list of problems has been stored. Lists come in order. */
export const add = (
  state: EvaluationState,
  { list, problems }: Schema.Struct<typeof AddFields>["Type"]
): Evaluation<EvaluationUnknown | EvaluationNotReady> => {
  if (state.spec === null) return unknown
  if (state.lists[list] === problems) return accept(state, undefined)
  if (state.status !== "filling") return notReady("The evaluation has begun: its problems cannot change any more")
  if (list !== state.lists.length) return notReady(`The next list of problems is number ${state.lists.length}`)
  if (list >= maxLists || problemsOf(state) + problems > maxProblems) {
    return notReady(`An evaluation has at most ${maxProblems} problems in ${maxLists} lists; divide it`)
  }
  return accept({ ...state, lists: [...state.lists, problems] }, undefined)
}

export const StartFields = { problems: Schema.Int, atMillis: Schema.Finite }
/** `problems`: how many whoever starts it has given; another number means that some are missing. */
export const start = (
  state: EvaluationState,
  { atMillis, problems }: Schema.Struct<typeof StartFields>["Type"]
): Evaluation<EvaluationUnknown | EvaluationNotReady> => {
  if (state.spec === null) return unknown
  const held = problemsOf(state)
  if (problems !== held) return notReady(`The evaluation holds ${held} problems, not ${problems}: some are missing`)
  if (held === 0) return notReady("The evaluation has no problems; add some first")
  return state.status === "filling"
    ? accept({ ...state, status: "running", startedMillis: atMillis }, undefined, [{ _tag: "Started", problems }])
    : accept(state, undefined)
}

export const ProgressFields = { list: Schema.Int, tally: ResultTally }
/** What all results of a list count. A count that knows fewer problems than the one before it came late. */
export const progress = (
  state: EvaluationState,
  { list, tally }: Schema.Struct<typeof ProgressFields>["Type"]
): Evaluation<EvaluationNotReady> => {
  if (state.spec === null || list < 0 || list >= state.lists.length) return notReady("There is no such list")
  const before = state.open.find((one) => one.list === list)
  if (isClosed(state, list) || (before !== undefined && endedOf(tally) <= endedOf(before.tally))) {
    return accept(state, undefined)
  }
  const others = state.open.filter((one) => one !== before)
  if (endedOf(tally) < (state.lists[list] ?? 0)) {
    return accept({ ...state, open: [...others, { list, tally }] }, undefined)
  }
  const apart = new Set([...state.closedApart, list])
  let closed = state.closed
  while (apart.delete(closed)) closed++
  return accept(
    { ...state, open: others, closed, closedApart: [...apart], tally: addTallies(state.tally, tally) },
    undefined
  )
}

export const FinishFields = { metrics: EvaluationMetrics, atMillis: Schema.Finite }
/** All problems have ended, and this is what they say. */
export const finish = (
  state: EvaluationState,
  { atMillis, metrics }: Schema.Struct<typeof FinishFields>["Type"]
): Evaluation<EvaluationNotReady> => {
  if (state.status !== "running" || state.closed < state.lists.length) {
    return notReady("The evaluation has moved on, or has problems that have not ended")
  }
  const { of, right } = metrics.accuracy
  return accept({ ...state, status: "done", metrics, endedMillis: atMillis }, undefined, [
    { _tag: "Finished", right, of, failed: metrics.tally.failed }
  ])
}

export const CancelFields = { why: Schema.String, atMillis: Schema.Finite }
export const cancel = (
  state: EvaluationState,
  { atMillis, why }: Schema.Struct<typeof CancelFields>["Type"]
): Evaluation<EvaluationUnknown> => {
  if (state.spec === null) return unknown
  if (state.status === "done" || state.status === "cancelled" || state.status === "cancelling") {
    return accept(state, undefined)
  }
  const begun = state.status === "running" || state.status === "failed"
  return accept(
    { ...state, status: begun ? "cancelling" : "cancelled", endedMillis: atMillis, note: why },
    undefined,
    [{ _tag: "Cancelled", why }]
  )
}

export const CancelledFields = {}
/** Nothing runs for it any more. */
export const cancelled = (state: EvaluationState): Evaluation<EvaluationNotReady> =>
  state.status === "cancelling"
    ? accept({ ...state, status: "cancelled" }, undefined)
    : notReady("The evaluation is not being cancelled")

export const BreakFields = { error: SampleError, atMillis: Schema.Finite }
/** Its driver cannot go on; what has ended is kept. */
export const breakOff = (
  state: EvaluationState,
  { atMillis, error }: Schema.Struct<typeof BreakFields>["Type"]
): Evaluation<EvaluationNotReady> =>
  state.status === "running"
    ? accept({ ...state, status: "failed", error, endedMillis: atMillis }, undefined, [{ _tag: "BrokeOff", ...error }])
    : notReady("The evaluation is not running")

export const ResumeFields = { why: Schema.String, atMillis: Schema.Finite }
/** After a break: it goes on from what is kept. */
export const resume = (
  state: EvaluationState,
  { atMillis, why }: Schema.Struct<typeof ResumeFields>["Type"]
): Evaluation<EvaluationUnknown | EvaluationNotReady> => {
  if (state.spec === null) return unknown
  if (state.status === "running") return accept(state, undefined)
  if (state.status !== "failed") {
    return notReady(`The evaluation is ${state.status}; only one that broke off is resumed`)
  }
  return accept(
    {
      ...state,
      status: "running",
      error: null,
      workedMillis: workedOf(state, atMillis),
      startedMillis: atMillis,
      endedMillis: null,
      note: why
    },
    undefined,
    [{ _tag: "Resumed", why }]
  )
}

/** What lists and searches know of an evaluation. */
export const describe = (state: EvaluationState): Facets => ({
  status: state.status,
  stage: state.spec?.strategy.name.slice(0, 100) ?? null,
  group: null,
  attempts: 0,
  error: state.error === null ? null : `${state.error.tag}: ${state.error.message}`.slice(0, 300),
  waiting: null,
  text: state.spec === null ? null : `${state.spec.name} ${state.spec.model} ${state.spec.strategy.name}`
})

/** What of an evaluation an operator may not replace. */
export const fixed = (before: EvaluationState, after: EvaluationState): string | undefined =>
  canonical([before.spec, before.lists] as unknown as Json) === canonical([after.spec, after.lists] as unknown as Json)
    ? undefined
    : "what an evaluation asks for cannot be changed; create another"
