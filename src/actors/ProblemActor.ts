// The Problem actor: a durable actor per row, shared by a fixed number of hosts, so that a batch of rows is one message to each.
// `EnrichMany` takes rows through a walk of their run: what set stages found, then map and expand stages, one commit per row.
// A row that comes again answers from its records: only what changed, failed or was asked for anew runs.
import { Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { canonical, type Json } from "../domain/Json.ts"
import type { Plan, PlannedStage } from "../domain/Plan.ts"
import * as Problem from "../domain/Problem.ts"
import type { StageJob, StageWork } from "../domain/Segment.ts"
import type { ExpandOutcome, Fields } from "../domain/Stage.ts"
import { ActorUnavailable } from "./Committer.ts"
import * as DurableActor from "./DurableActor.ts"
import { Plans, PlanUnavailable, type RunPlan } from "./Plans.ts"
import { retryMillis, RunLimits } from "./RunLimits.ts"
import { RunnerStats } from "./RunnerStats.ts"
import { StageExecutor } from "./StageExecutor.ts"

/** Hosts of Problem actors in a cluster; fixed, because it says where an actor lives. */
export const problemHosts = 32

const JsonFields = Schema.Record(Schema.String, Schema.Unknown) as unknown as Schema.Codec<Fields, Fields>
const JsonValue = Schema.Unknown as unknown as Schema.Codec<Json, Json>

export const EnrichRow = Schema.Struct({
  actor: Schema.String,
  /** The row as read or derived; null: it was ingested before. */
  ingest: Schema.NullOr(Schema.Struct(Problem.IngestFields)),
  /** What the set stages at the start of the walk found. */
  applied: Schema.Array(Schema.Struct({
    ord: Schema.Int,
    drop: Schema.NullOr(Schema.Struct({ reason: Schema.String, detail: JsonValue })),
    patch: JsonFields
  }))
})
export type EnrichRow = typeof EnrichRow.Type

export const RowReport = Schema.Struct({
  actor: Schema.String,
  status: Schema.Literals(["live", "expanded", "done", "dropped", "failed"]),
  stage: Schema.NullOr(Schema.Int),
  reason: Schema.NullOr(Schema.String),
  detail: Schema.NullOr(Schema.String),
  children: Schema.Array(JsonFields),
  millis: Schema.Array(Schema.Struct({ ord: Schema.Int, millis: Schema.Finite })),
  entries: Schema.Array(Schema.Struct({
    ord: Schema.Int,
    entry: Schema.Struct({
      key: Schema.NullOr(Schema.String),
      bands: Schema.Array(Schema.Finite),
      payload: Schema.NullOr(Schema.Uint8ArrayFromBase64),
      stratum: Schema.NullOr(Schema.String)
    })
  }))
})
export type RowReport = typeof RowReport.Type

const EnrichMany = Rpc.make("EnrichMany", {
  payload: {
    run: Schema.String,
    /** The walk's bounds and what it leaves behind (Plan.ts). */
    from: Schema.Int,
    to: Schema.Int,
    index: Schema.Array(Schema.Int),
    last: Schema.Boolean,
    generation: Schema.Int,
    redoFrom: Schema.NullOr(Schema.Int),
    attempts: Schema.Int,
    rows: Schema.Array(EnrichRow)
  },
  success: Schema.Array(RowReport),
  /** `RecordStale`: a later walk of the run was here; whoever sent this drives the run no longer. */
  error: Schema.Union([ActorUnavailable, PlanUnavailable, Problem.RecordStale])
})
export type EnrichMany = (typeof EnrichMany)["payloadSchema"]["Type"]

export const ProblemActor = DurableActor.make({
  type: "Problem",
  state: Problem.ProblemState,
  initial: Problem.initialProblem,
  commands: {
    Ingest: { payload: Problem.IngestCommandFields, success: Schema.Void, error: Problem.RecordStale },
    Record: {
      payload: Problem.RecordFields,
      success: Schema.Void,
      error: Schema.Union([Problem.ProblemChanged, Problem.RecordStale])
    },
    Rerun: {
      payload: Problem.RerunFields,
      success: Schema.Void,
      error: Schema.Union([Problem.ProblemUnknown, Problem.StageNotReached])
    },
    Edit: { payload: Problem.EditFields, success: Schema.Void, error: Problem.ProblemUnknown },
    Cancel: { payload: Problem.CancelFields, success: Schema.Void, error: Problem.ProblemUnknown }
  },
  decide: {
    Ingest: Problem.ingest,
    Record: Problem.record,
    Rerun: Problem.rerun,
    Edit: Problem.edit,
    Cancel: Problem.cancel
  },
  placement: { _tag: "shared", hosts: problemHosts },
  describe: Problem.describe
}, [EnrichMany])

type ProblemHost = Parameters<NonNullable<Parameters<typeof ProblemActor.layer>[0]>>[0]

/** Serves Problem actors on this runner. */
export const layer = ProblemActor.layer((host) =>
  Effect.gen(function*() {
    const plans = yield* Plans
    const executor = yield* StageExecutor
    return {
      EnrichMany: Effect.fn("ProblemActor.enrichMany")(function*(request: EnrichMany) {
        const plan = yield* Effect.catchTag(plans.of(request.run), "StoreFailed", (error) =>
          Effect.fail(new ActorUnavailable({ reason: error.reason, detail: error.detail })))
        return yield* enrichMany(host, executor, plan, request)
      })
    }
  })
)

/** One row on its way through a walk. */
interface Passing {
  readonly row: EnrichRow
  readonly state: Problem.ProblemState
  /** Records that hold, and those made now. */
  records: Array<Problem.StageRecord>
  work: StageWork
}
const noWork: StageWork = { outcomes: [], entries: [] }

const enrichMany = Effect.fnUntraced(function*(
  host: ProblemHost,
  executor: StageExecutor["Service"],
  run: RunPlan,
  request: EnrichMany
) {
  const stored = yield* host.snapshots(request.rows.map(({ actor }) => actor))
  const overtaken = stored.find(({ state }) => Problem.isStale(state, walkOf(request)))
  if (overtaken !== undefined) return yield* new Problem.RecordStale({ actor: overtaken.state.id })
  const passing = request.rows.map((row, index) => {
    const before = stored[index]?.state ?? Problem.initialProblem
    const state = row.ingest === null ? before : Problem.ingested(before, row.ingest)
    return { row, state, records: held(run, request, row, state), work: noWork } satisfies Passing
  })
  yield* runStages(executor, run, request, passing)
  const refused = yield* keep(host, run, request, passing)
  for (const one of refused) {
    one.records = refusedRecords(run, request, one)
    one.work = noWork
  }
  const lost = new Set(refused.length === 0 ? [] : yield* keep(host, run, request, refused))
  host.release(request.rows.map(({ actor }) => actor))
  return passing.map((one) => {
    const said = report(request, one)
    return lost.has(one) ? { ...said, detail: originOf(one) } : said
  })
})

const walkOf = ({ generation, to }: EnrichMany): Problem.WalkMark => ({ generation, to })

/** Commits the rows' records and answers those rows that the store refuses as they are. */
const keep = Effect.fnUntraced(function*(
  host: ProblemHost,
  run: RunPlan,
  request: EnrichMany,
  passing: ReadonlyArray<Passing>
) {
  const walk = walkOf(request)
  const { last } = request
  const steps = passing.flatMap((one) => {
    const { records, row: { actor, ingest }, state: { base, status } } = one
    return [
      ...(ingest === null ? [] : [{ one, actor, tag: "Ingest" as const, payload: { ...ingest, walk } }]),
      ...(status === "cancelled"
        ? []
        : [{ one, actor, tag: "Record" as const, payload: { base, from: 0, records, last, walk } }])
    ]
  })
  const exits = yield* host.sendAll(steps)
  const refused = new Set<Passing>()
  for (const [at, exit] of exits.entries()) {
    const one = steps[at]?.one
    if (Exit.isSuccess(exit) || one === undefined || refused.has(one)) continue
    const error = Exit.findErrorOption(exit)
    // An edit or a cancel overtook us: the driver sends the row again and finds it as it is now.
    if (error._tag === "Some" && error.value instanceof Problem.ProblemChanged) {
      return yield* new ActorUnavailable({ reason: "fenced", detail: error.value.message })
    }
    if (error._tag === "Some" && error.value instanceof Problem.RecordStale) return yield* error.value
    const isData = error._tag === "Some" && error.value instanceof ActorUnavailable && error.value.reason === "data"
    // A row of the index was taken by the store before; that it is not now is not the row's own fault.
    if (isData && one.row.ingest !== null && run.plan.stages[one.state.from] !== undefined) refused.add(one)
    else return yield* exit as Exit.Exit<never, ActorUnavailable>
  }
  return [...refused]
})

/** What is recorded in place of results that the store refuses, at the row's first stage. */
const refusedRecords = (
  { plan }: RunPlan,
  { generation }: EnrichMany,
  { state }: Passing
): Array<Problem.StageRecord> => {
  const stage = plan.stages[state.from]
  if (stage === undefined) return []
  const error = {
    tag: "StoreRefused",
    message: "the store refuses the row or what its stages made of it",
    class: "permanent" as const
  }
  const inputs = Problem.inputsOf(state.base, plan.chain[state.from - 1]) + stage.key
  return [recordOf(stage, inputs, generation, 1, 0, { _tag: "Failed", error })]
}

/** A row without an actor keeps in the index what the output says of it, as a row does that could not be read. */
const originOf = ({ row: { ingest } }: Passing): string =>
  canonical({
    source: ingest?.source ?? "",
    line: ingest?.line ?? 0,
    message: "the store refuses the row"
  })

/**
 * The records that still hold: made of equal inputs, in this generation or not asked for anew. Set stages' results are as given. A row of
 * the index whose records from before the walk do not hold was edited after set stages had seen it: it is dropped until the run's next
 * generation takes it through from its start.
 */
const held = (
  { plan }: RunPlan,
  request: EnrichMany,
  row: EnrichRow,
  state: Problem.ProblemState
): Array<Problem.StageRecord> => {
  const records: Array<Problem.StageRecord> = []
  for (let ord = state.from; ord < request.to; ord++) {
    const stage = plan.stages[ord]
    if (stage === undefined) break
    const isBefore = ord < request.from
    const inputs = Problem.inputsOf(state.base, plan.chain[ord - 1]) + stage.key
    const old = state.records.find((one) => one.ord === ord)
    if (stage.stage.kind === "set") {
      const result = row.applied.find((one) => one.ord === ord)
      const before = isBefore ? old : undefined
      if (before === undefined && isBefore) return [...records, edited(plan, request, state)]
      const outcome: Problem.StageRecord["outcome"] = before?.outcome ?? (result?.drop
        ? { _tag: "Dropped", reason: result.drop.reason, detail: result.drop.detail }
        : { _tag: "Kept", patch: result?.patch ?? {} })
      const same = old !== undefined && old.inputs === inputs &&
        canonical(old.outcome as unknown as Json) === canonical(outcome as unknown as Json)
      records.push(same ? old : recordOf(stage, inputs, request.generation, 1, 0, outcome))
    } else {
      if (old === undefined || old.inputs !== inputs) {
        return isBefore ? [...records, edited(plan, request, state)] : records
      }
      const anew = old.generation !== request.generation &&
        (old.outcome._tag === "Failed" || (request.redoFrom !== null && ord >= request.redoFrom))
      if (anew) break
      records.push(old)
    }
    if (Problem.isFate(records.at(-1)?.outcome ?? { _tag: "Kept", patch: {} })) break
  }
  return records
}

const edited = ({ chain, stages }: Plan, request: EnrichMany, { base }: Problem.ProblemState): Problem.StageRecord => {
  const stage = stages[request.from]
  if (stage === undefined) throw new Error(`a walk over rows of the index begins at no stage: ${request.from}`)
  const inputs = Problem.inputsOf(base, chain[request.from - 1]) + stage.key
  return recordOf(stage, inputs, request.generation, 1, 0, { _tag: "Dropped", reason: "edited" })
}

const recordOf = (
  { ord, stage }: PlannedStage,
  inputs: string,
  generation: number,
  attempts: number,
  millis: number,
  outcome: Problem.StageRecord["outcome"]
): Problem.StageRecord => ({
  ord,
  name: stage.name,
  version: stage.version,
  inputs,
  generation,
  attempts,
  millis: Math.round(millis * 1000) / 1000,
  outcome
})

/** Runs what has no record yet, again for transient failures until `attempts` is used up, with back-off (RunLimits). */
const runStages = Effect.fnUntraced(function*(
  executor: StageExecutor["Service"],
  run: RunPlan,
  request: EnrichMany,
  passing: ReadonlyArray<Passing>
) {
  const stats = yield* RunnerStats
  const limits = yield* RunLimits
  const nameOf = (ord: number): string => run.plan.stages[ord]?.stage.name ?? ""
  for (const { row: { applied } } of passing) {
    for (const { drop, ord } of applied) stats.stage(nameOf(ord)).rows[drop === null ? "kept" : "dropped"]++
  }
  let todo = passing.flatMap((one) => {
    const job = jobOf(request, one)
    return job === undefined ? [] : [{ one, job }]
  })
  for (let attempt = 1; todo.length > 0; attempt++) {
    if (attempt > 1) yield* Effect.sleep(retryMillis(limits, attempt))
    const works = yield* executor.run(run.work, todo.map(({ job }) => job)).pipe(
      Effect.withSpan("StageExecutor.run", {
        attributes: { "polya.run": request.run, "polya.rows": todo.length, "polya.attempt": attempt }
      }, { captureStackTrace: false })
    )
    todo = todo.flatMap(({ one }, index) => {
      one.work = works[index] ?? noWork
      for (const { millis, ord } of one.work.entries) stats.stage(nameOf(ord)).millis += millis
      for (const { millis, ord, outcome } of one.work.outcomes) {
        const stage = run.plan.stages[ord]
        if (stage === undefined) continue
        const counts = stats.stage(stage.stage.name)
        counts.millis += millis
        const again = outcome._tag === "Failed" && outcome.error.class === "transient" && attempt < request.attempts
        counts.rows[again ? "retried" : outcomeNames[outcome._tag]]++
        if (again) return retryOf(request, one)
        const inputs = Problem.inputsOf(one.state.base, run.plan.chain[ord - 1]) + stage.key
        const attempts = outcome._tag === "Failed" ? attempt : 1
        one.records.push(recordOf(stage, inputs, request.generation, attempts, millis, stored(outcome)))
      }
      return []
    })
  }
})

const outcomeNames = { Kept: "kept", Dropped: "dropped", Failed: "failed", Expanded: "expanded" } as const

const retryOf = (
  request: EnrichMany,
  one: Passing
): ReadonlyArray<{ readonly one: Passing; readonly job: StageJob }> => {
  const job = jobOf(request, one)
  return job === undefined ? [] : [{ one, job }]
}

/** The work that is left for a row: from the first stage without a record; none if it met its fate and nothing is to be indexed. */
const jobOf = (request: EnrichMany, { records, state }: Passing): StageJob | undefined => {
  const end = records.at(-1)
  if (end !== undefined && Problem.isFate(end.outcome)) return undefined
  if (state.status === "cancelled") return undefined
  const from = end === undefined ? state.from : end.ord + 1
  if (from >= request.to && request.index.length === 0) return undefined
  return { fields: Problem.fieldsAfter(state.raw, records), from, to: request.to, index: request.index }
}

const stored = (outcome: ExpandOutcome): Problem.StageRecord["outcome"] => outcome as Problem.StageRecord["outcome"]

const report = (request: EnrichMany, { records, row, state, work }: Passing): RowReport => {
  const end = records.at(-1)
  const fate = end !== undefined && Problem.isFate(end.outcome) ? end : undefined
  const cancelled = state.status === "cancelled"
  const outcome = cancelled ? undefined : fate?.outcome
  const millis = records.flatMap(({ ord, millis }) => (ord >= request.from && millis > 0 ? [{ ord, millis }] : []))
  for (const { millis: spent, ord } of work.entries) millis.push({ ord, millis: spent })
  return {
    actor: row.actor,
    status: cancelled ? "dropped" : statusOf(records, request.last),
    // In a walk over the index a cancelled row ends at the walk's first stage: so it is known for the walk's own if the walk is repeated.
    stage: cancelled ? (row.ingest === null ? request.from : -1) : fate?.ord ?? null,
    reason: cancelled
      ? "cancelled"
      : outcome?._tag === "Dropped"
      ? outcome.reason
      : outcome?._tag === "Failed"
      ? outcome.error.tag
      : null,
    detail: outcome?._tag === "Failed"
      ? outcome.error.message
      : outcome?._tag === "Dropped" && outcome.detail !== undefined
      ? canonical(outcome.detail as Json)
      : null,
    children: outcome?._tag === "Expanded" ? outcome.rows : [],
    millis,
    entries: work.entries.map(({ entry, ord }) => ({ ord, entry }))
  }
}

const statusOf = (records: ReadonlyArray<Problem.StageRecord>, last: boolean): RowReport["status"] => {
  const status = Problem.statusOf(records, last)
  return status === "cancelled" ? "dropped" : status
}
