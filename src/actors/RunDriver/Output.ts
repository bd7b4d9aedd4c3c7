// The last step of a run: every row of the index, in order, with what its Problem actor holds, goes to the output writer.
import { Effect, Schema } from "effect"
import { isJsonObject, type Json, type JsonObject } from "../../domain/Json.ts"
import { fieldsAfter, type ProblemState } from "../../domain/Problem.ts"
import type { RowRef, RunRow } from "../../domain/RunRow.ts"
import type { Fields } from "../../domain/Stage.ts"
import { sourceStage } from "../../domain/Tally.ts"
import { ActorStore } from "../ActorStore.ts"
import { patient } from "../DurableActor.ts"
import type { RunPlan } from "../Plans.ts"
import { ProblemActor } from "../ProblemActor.ts"
import { RunIndex } from "../RunIndex.ts"
import type { OutputRow, RunOutputWriter, Split } from "../RunOutput.ts"
import { actorOf, faultOrigin } from "./Walk.ts"

/** A problem was edited or sent back after its last stage: what it holds now is no result of the run. Nothing was written. */
export class ProblemsChanged
  extends Schema.TaggedError<ProblemsChanged>()("ProblemsChanged", { actor: Schema.String })
{
  override get message() {
    return `The problem ${this.actor} was changed after its last stage; run the failed rows again to take it through`
  }
}

const pageRows = 256

export const writeRows = Effect.fn("RunDriver.writeRows")(
  function*(run: string, plan: RunPlan, writer: RunOutputWriter) {
    const index = yield* RunIndex
    const states = yield* makeStates
    const names = plan.recipe.stages.map(({ name }) => name)
    let after: RowRef | null = null
    while (true) {
      const rows: ReadonlyArray<RunRow> = yield* patient(
        index.rows(run, { after, limit: pageRows, statuses: ["done", "dropped", "failed"] })
      )
      const last = rows.at(-1)
      if (last === undefined) return
      after = { seq: last.seq, sub: last.sub }
      const kept = rows.flatMap(({ actor, detail, status }) => {
        const of = status === "dropped" && actor !== null ? keptRef(detail) : undefined
        return of === undefined ? [] : [actorOf(run, of.seq, of.sub)]
      })
      const held = yield* states([...rows.flatMap(({ actor }) => (actor === null ? [] : [actor])), ...kept])
      const changed = rows.find(({ actor, status }) => status === "done" && held.get(actor ?? "")?.status === "live")
      if (changed !== undefined) return yield* new ProblemsChanged({ actor: changed.actor ?? "" })
      yield* writer.write(rows.map((row) => outputRow(run, names, row, held)))
    }
  }
)

/** States straight from the store: a read of thousands never wakes actors. */
const makeStates = Effect.map(ActorStore, (store) =>
  Effect.fnUntraced(function*(actors: ReadonlyArray<string>) {
    const ids = [...new Set(actors)]
    const rows = yield* patient(store.load(ids.map((id) => ({ type: ProblemActor.type, id }))))
    const states = new Map<string, ProblemState>()
    ids.forEach((id, at) => {
      const row = rows[at]
      if (row !== undefined) states.set(id, JSON.parse(row.state) as ProblemState)
    })
    return states
  }))

const outputRow = (
  run: string,
  names: ReadonlyArray<string>,
  row: RunRow,
  states: ReadonlyMap<string, ProblemState>
): OutputRow => {
  const state = row.actor === null ? undefined : states.get(row.actor)
  const derived = row.parent !== null
  const stage = row.stage === null || row.stage < 0 ? sourceStage : names[row.stage] ?? sourceStage
  if (state === undefined) {
    const { line, message, source } = faultOrigin(row.detail)
    return { _tag: "Failed", derived, source, line, stage, tag: row.reason ?? "", message, row: null }
  }
  const origin = { derived, source: state.source, line: state.line }
  switch (row.status) {
    case "dropped":
      return {
        ...origin,
        _tag: "Dropped",
        stage,
        reason: row.reason ?? "",
        detail: named(run, row.detail, states),
        row: state.raw
      }
    case "failed":
      return { ...origin, _tag: "Failed", stage, tag: row.reason ?? "", message: row.detail ?? "", row: state.raw }
    default: {
      const { split, ...fields } = fieldsAfter(state.raw, state.records)
      return { ...origin, _tag: "Done", split: splitOf(split), row: doneRow(state, fields) }
    }
  }
}

const splitOf = (value: Json | undefined): Split => (value === "validation" || value === "test" ? value : "train")

const first = ["problem", "answer", "solution", "source", "type", "level"]

/** The row as it leaves: `id` (the source's own, or the problem's), the canonical fields, then the others by name. */
const doneRow = (state: ProblemState, fields: Fields): JsonObject => {
  const out: { [key: string]: Json } = { id: fields["id"] ?? state.id }
  for (const key of first) {
    const value = key === "source" ? fields[key] ?? state.source : fields[key]
    if (value !== undefined) out[key] = value
  }
  for (const key of Object.keys(fields).sort()) if (!(key in out)) out[key] = fields[key] as Json
  out["problemId"] = state.id
  return out
}

/** A duplicate's detail names the row that was kept as `of: { seq, sub }`. */
const keptRef = (detail: string | null): RowRef | undefined => {
  if (detail === null || !detail.includes("\"of\"")) return undefined
  const value: Json = JSON.parse(detail)
  const of = isJsonObject(value) ? value["of"] : undefined
  if (!isJsonObject(of)) return undefined
  const { seq, sub } = of
  return typeof seq === "number" && typeof sub === "number" ? { seq, sub } : undefined
}

/** The detail with the kept row's id in place of its reference. */
const named = (run: string, detail: string | null, states: ReadonlyMap<string, ProblemState>): JsonObject | null => {
  if (detail === null) return null
  const value: Json = JSON.parse(detail)
  if (!isJsonObject(value)) return { detail: value }
  const of = keptRef(detail)
  const kept = of === undefined ? undefined : states.get(actorOf(run, of.seq, of.sub))
  if (kept === undefined) return value
  return { ...value, of: kept.raw["id"] ?? kept.id, ofLine: kept.line, ofSource: kept.source }
}
