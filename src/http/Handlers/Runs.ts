// Routes of runs made real: what a run is now comes from its stored state in one look, what it did from its index and its files.
import { Clock, Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ActorStore } from "../../actors/ActorStore.ts"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { DatasetRunActor } from "../../actors/DatasetRunActor.ts"
import { Files } from "../../actors/Files.ts"
import { Gateway, type PayloadUnfit } from "../../actors/Gateway.ts"
import { Intake } from "../../actors/Intake.ts"
import { Processes } from "../../actors/Processes.ts"
import { Recipes } from "../../actors/Recipes.ts"
import { RunIndex } from "../../actors/RunIndex.ts"
import { describe, type RunNotReady, type RunState, RunUnknown, StageUnknown } from "../../domain/DatasetRun.ts"
import type { Json } from "../../domain/Json.ts"
import { redactText } from "../../domain/Redact.ts"
import type { RowRef, RowStatus, RunRow } from "../../domain/RunRow.ts"
import { decodeVitals } from "../../domain/Vitals.ts"
import { Api } from "../Api.ts"
import type { RunView } from "../Api/Runs.ts"
import { OutputUnknown } from "../Refusals.ts"
import { byOf, command, commanded, type CommandHeaders, commandIdOf, reachable, told, withKey } from "./Commands.ts"
import { download } from "./Files.ts"
import { filterOf, history, search } from "./Lists.ts"

const { type } = DatasetRunActor
const rowStatuses: ReadonlyArray<RowStatus> = ["live", "expanded", "done", "dropped", "failed"]
/** Rows looked at for one page, at most, where a stage is asked for. */
const maxScanned = 10_000
const scanRows = 1_000
/** A process that said nothing for so long drives nothing that we know of. */
const silentMillis = 5_000

const countsOf = ({ tally: { derived, done, dropped, failed, in: read } }: RunState) => ({
  in: read,
  done,
  dropped,
  failed,
  derived
})

const workedOf = ({ startedMillis, status, workedMillis }: RunState, nowMillis: number): number =>
  workedMillis + (status === "running" ? Math.max(0, nowMillis - startedMillis) : 0)
const rateOf = (state: RunState, nowMillis: number): number => {
  const workedMillis = workedOf(state, nowMillis)
  return workedMillis === 0 ? 0 : state.tally.in / (workedMillis / 1_000)
}

const viewOf = (
  id: string,
  version: number,
  state: RunState,
  nowMillis: number,
  driver: RunView["driver"]
): RunView => {
  const { error, finishedMillis, generation, limits, note, recipe, startedMillis, status, step, tally } = state
  return {
    id,
    version,
    status,
    recipe: recipe?.name ?? "",
    sources: recipe?.sources.map(({ location }) => redactText(location)) ?? [],
    limits,
    generation,
    step,
    counts: countsOf(state),
    stages: recipe?.stages.flatMap(({ name }, ord) => {
      const stage = tally.stages[ord]
      return stage === undefined ? [] : [{ name, ...stage }]
    }) ?? [],
    rowsPerSecond: rateOf(state, nowMillis),
    startedMillis,
    finishedMillis,
    workedMillis: workedOf(state, nowMillis),
    error: error === null ? null : { tag: error.tag, message: redactText(error.message) },
    waiting: describe(state).waiting,
    note,
    driver
  }
}

export const layer = HttpApiBuilder.group(Api, "runs", (handlers) =>
  Effect.gen(function*() {
    const gateway = yield* Gateway
    const intake = yield* Intake
    const recipes = yield* Recipes
    const store = yield* ActorStore
    const index = yield* RunIndex
    const files = yield* Files
    const processes = yield* Processes

    const load = (id: string) =>
      gateway.get(type, id).pipe(
        Effect.map(({ state, version }) => ({ version, state: state as unknown as RunState })),
        Effect.catchTags({ TypeUnknown: Effect.die, ActorUnknown: () => Effect.fail(new RunUnknown()) })
      )
    /** Who drives what is an aid: that it cannot be read now is no reason to show nothing. */
    const talking = yield* Effect.cachedWithTTL(
      Effect.orElseSucceed(Effect.map(processes.list(silentMillis), ({ processes }) => processes), () => []),
      "1 second"
    )
    const driverOf = (run: string) =>
      Effect.map(talking, (all): RunView["driver"] => {
        const found = all.find(({ vitals }) =>
          Option.exists(decodeVitals(vitals), ({ drives }) => drives.includes(run))
        )
        return found === undefined ? null : { process: found.id, address: found.address }
      })
    const send = Effect.fnUntraced(function*(
      id: string,
      name: string,
      headers: CommandHeaders,
      { why, ...payload }: { readonly why?: string; readonly [field: string]: Json | undefined }
    ) {
      return yield* command<RunUnknown | RunNotReady | StageUnknown | PayloadUnfit | ActorUnavailable>({
        type,
        id,
        command: name,
        payload: payload as Json,
        by: yield* byOf(headers, why),
        commandId: commandIdOf(headers)
      })
    })

    const rowsOf = Effect.fnUntraced(function*(run: string, query: {
      readonly status?: ReadonlyArray<RowStatus>
      readonly stage?: string
      readonly limit: number
      readonly after?: string
    }) {
      const { state } = yield* load(run)
      const names = state.recipe?.stages.map(({ name }) => name) ?? []
      const wanted = query.stage === undefined ? undefined : query.stage === "source" ? -1 : names.indexOf(query.stage)
      if (wanted === -1 && query.stage !== "source") return yield* new StageUnknown({ stage: query.stage ?? "" })
      const statuses = query.status === undefined || query.status.length === 0 ? rowStatuses : query.status
      const found: Array<RunRow> = []
      let after: RowRef | null = null
      if (query.after !== undefined) {
        const [seq = 0, sub = 0] = query.after.split(".").map(Number)
        after = { seq, sub }
      }
      let scanned = 0
      let ended = false
      while (found.length < query.limit && scanned < maxScanned && !ended) {
        const limit: number = wanted === undefined ? query.limit - found.length : scanRows
        const rows: ReadonlyArray<RunRow> = yield* index.rows(run, { after, limit, statuses })
        ended = rows.length < limit
        for (const row of rows) {
          scanned++
          after = { seq: row.seq, sub: row.sub }
          if (wanted === undefined || row.stage === wanted) found.push(row)
          if (found.length === query.limit) {
            ended = ended && row === rows.at(-1)
            break
          }
        }
      }
      return {
        items: found.map(({ actor, detail, parent, reason, seq, stage, status, sub }) => ({
          seq,
          sub,
          parent,
          problem: actor,
          status,
          stage: stage === null ? null : stage < 0 ? "source" : names[stage] ?? null,
          reason,
          detail: detail === null ? null : detail.slice(0, 2_000)
        })),
        next: ended || after === null ? null : `${after.seq}.${after.sub}`
      }
    })

    return handlers.handleAll({
      start: Effect.fnUntraced(function*({ headers, payload }) {
        const { id, limits, recipe, why, ...choices } = payload
        const commandId = commandIdOf(headers)
        const by = yield* byOf(headers, why)
        const started = yield* commanded(
          { by, command: "Start", type, id: id ?? null, commandId },
          Effect.andThen(
            reachable,
            intake.startRun({ recipe, choices, ...(limits === undefined ? {} : { limits }), id, by, commandId })
          )
        )
        return withKey(commandId, { id: started.id, commandId })
      }),
      list: ({ query }) =>
        told(Effect.gen(function*() {
          const { items, next } = yield* search(filterOf(type, query, undefined), query)
          const rows = yield* store.load(items.map(({ id }) => ({ type, id })))
          const nowMillis = yield* Clock.currentTimeMillis
          return {
            items: items.map((entry, at) => {
              const row = rows[at]
              if (row === undefined) return { ...entry, counts: null, rowsPerSecond: 0 }
              const state = JSON.parse(row.state) as RunState
              return { ...entry, counts: countsOf(state), rowsPerSecond: rateOf(state, nowMillis) }
            }),
            next
          }
        })),
      get: ({ params: { id } }) =>
        told(Effect.gen(function*() {
          const { state, version } = yield* load(id)
          return viewOf(id, version, state, yield* Clock.currentTimeMillis, yield* driverOf(id))
        })),
      pause: ({ headers, params, payload }) => send(params.id, "Pause", headers, payload ?? {}),
      resume: ({ headers, params, payload }) => send(params.id, "Resume", headers, payload ?? {}),
      cancel: ({ headers, params, payload }) => send(params.id, "Cancel", headers, payload ?? {}),
      limits: ({ headers, params, payload }) => send(params.id, "ChangeLimits", headers, payload),
      rerunFailed: ({ headers, params, payload }) => send(params.id, "RerunFailed", headers, payload ?? {}),
      rerun: ({ headers, params, payload }) => send(params.id, "Rerun", headers, payload),
      history: ({ params: { id }, query }) =>
        told(
          history(type, id, query).pipe(
            Effect.catchTags({ TypeUnknown: Effect.die, ActorUnknown: () => Effect.fail(new RunUnknown()) })
          )
        ),
      asOf: ({ params: { id, version } }) =>
        told(
          gateway.asOf(type, id, version).pipe(
            Effect.map(({ state }) => ({ type, id, version, state })),
            Effect.catchTags({ TypeUnknown: Effect.die })
          )
        ),
      rows: ({ params: { id }, query }) => told(rowsOf(id, query)),
      outputs: ({ params: { id } }) =>
        told(Effect.gen(function*() {
          const { state } = yield* load(id)
          const items = yield* Effect.forEach(state.outputs ?? [], ({ file }) => Effect.option(files.info(file)))
          return { items: items.flatMap(Option.toArray) }
        })),
      output: ({ headers, params: { id, name } }) =>
        told(Effect.gen(function*() {
          const { state } = yield* load(id)
          const output = state.outputs?.find((one) => one.name === name)
          if (output === undefined) return yield* new OutputUnknown({ run: id, name })
          return yield* download(yield* files.info(output.file), headers.range)
        })),
      recipes: () => Effect.map(recipes.names, (items) => ({ items }))
    })
  }))
