// Routes for those who run the cluster, made real.
import { Clock, Effect, Option, Redacted, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ActorIndex } from "../../actors/ActorIndex.ts"
import { ActorStore } from "../../actors/ActorStore.ts"
import { AuditLog } from "../../actors/AuditLog.ts"
import type { ActorUnavailable } from "../../actors/Committer.ts"
import { type CommandUnknown, Gateway, type PayloadUnfit, type TypeUnknown } from "../../actors/Gateway.ts"
import { Processes, type ProcessRow } from "../../actors/Processes.ts"
import { RetentionLimits } from "../../actors/Retention.ts"
import { Settings } from "../../actors/Settings.ts"
import { Tokens } from "../../actors/Tokens.ts"
import type { refusals } from "../../domain/DatasetRun.ts"
import type { Json } from "../../domain/Json.ts"
import type { ProblemChanged, ProblemUnknown, RecordStale, StageNotReached } from "../../domain/Problem.ts"
import { decodeVitals } from "../../domain/Vitals.ts"
import { Api } from "../Api.ts"
import { bulk, commandName } from "./Bulk.ts"
import { byOf, command, commanded, commandIdOf, told, withKey } from "./Commands.ts"
import { filterOf, history, search } from "./Lists.ts"

/** Processes that said something within that time are listed, ended ones too. */
const listedMillis = 60_000
/** Who said nothing for so long holds nothing that we know of. */
const silentMillis = 5_000
const maxCount = 100_000
/** Cluster shards of one group that are shown. */
const maxShards = 10_000
/** Rows that one call of the retention deletes of each kind: so many pieces of so many rows. */
const retentionPieces = 10
const retentionRows = 5_000

const alive = (nowMillis: number, rows: ReadonlyArray<ProcessRow>) =>
  rows.filter(({ seenMillis, state }) => state !== "ended" && nowMillis - seenMillis <= silentMillis)

export const layer = HttpApiBuilder.group(Api, "admin", (handlers) =>
  Effect.gen(function*() {
    const gateway = yield* Gateway
    const index = yield* ActorIndex
    const store = yield* ActorStore
    const audit = yield* AuditLog
    const processes = yield* Processes
    const settings = yield* Settings
    const tokens = yield* Tokens
    const retention = yield* RetentionLimits
    const types = gateway.types.map((type) => ({
      type,
      commands: gateway.commandsOf(type).map(({ name, payload, scope, summary }) => ({
        name,
        summary,
        scope,
        payload: Schema.toJsonSchemaDocument(payload).schema as Json
      }))
    }))

    return handlers.handleAll({
      processes: () =>
        told(Effect.map(processes.list(listedMillis), ({ nowMillis, processes }) => ({
          nowMillis,
          items: processes.map((one) => ({
            ...one,
            silentSeconds: Math.max(0, nowMillis - one.seenMillis) / 1_000
          }))
        }))),
      clusterShards: () =>
        told(Effect.map(processes.list(listedMillis), ({ nowMillis, processes }) => {
          const owners = new Map<string, Array<{ readonly process: string; readonly address: string | null }>>()
          // Of the groups of all processes, of those that died just now, too: what nobody owns is what one looks for.
          for (const { groups, vitals } of processes) {
            const most = Math.min(Option.getOrUndefined(decodeVitals(vitals))?.shardsPerGroup ?? 0, maxShards)
            for (const group of groups) {
              for (let number = 1; number <= most; number++) owners.set(`${group}:${number}`, [])
            }
          }
          for (const { address, id, vitals } of alive(nowMillis, processes)) {
            const shards = Option.match(decodeVitals(vitals), { onNone: () => [], onSome: (one) => one.clusterShards })
            for (const shard of shards) owners.set(shard, [...owners.get(shard) ?? [], { process: id, address }])
          }
          return { items: [...owners].sort(byShard).map(([shard, owners]) => ({ shard, owners })) }
        })),
      queues: () =>
        told(Effect.map(processes.list(listedMillis), ({ nowMillis, processes }) => ({
          items: alive(nowMillis, processes).flatMap(({ address, id, vitals }) =>
            Option.match(decodeVitals(vitals), {
              onNone: () => [],
              onSome: ({ commits, loopDelayP99Millis, residents, workers }) => [{
                process: id,
                address,
                waitingCommands: commits.waiting,
                stageQueue: workers?.waiting ?? 0,
                residents,
                eventLoopMillis: loopDelayP99Millis
              }]
            })
          )
        }))),
      types: () => Effect.succeed({ items: types }),
      tallies: ({ query: { group, type } }) =>
        told(Effect.map(
          index.tally({ ...(type === undefined ? {} : { type }), ...(group === undefined ? {} : { group }) }),
          (items) => ({ items })
        )),
      actors: ({ query: { count, group, type, ...query } }) =>
        told(Effect.gen(function*() {
          yield* gateway.shows(type)
          const filter = filterOf(type, query, group)
          const [page, counted] = yield* Effect.all([
            search(filter, query),
            count === "true" ? index.count(filter, maxCount) : Effect.succeed(null)
          ], { concurrency: 2 })
          return { ...page, count: counted?.count ?? null, more: counted?.more ?? null }
        })),
      actor: ({ params: { id, type } }) =>
        told(Effect.gen(function*() {
          const { state, version } = yield* gateway.get(type, id)
          return { type, id, version, state, entry: (yield* index.entry(type, id)) ?? null }
        })),
      history: ({ params: { id, type }, query }) => told(history(type, id, query)),
      asOf: ({ params: { id, type, version } }) =>
        told(Effect.map(gateway.asOf(type, id, version), ({ state }) => ({ type, id, version, state }))),
      replace: Effect.fnUntraced(function*({ headers, params: { id, type }, payload: { expected, state, why } }) {
        const commandId = commandIdOf(headers)
        const by = yield* byOf(headers, why)
        const { version } = yield* commanded(
          { by, command: "Replace", type, id, commandId },
          gateway.replace({ type, id, expected, state, by, commandId })
        )
        return withKey(commandId, { version, commandId })
      }),
      command: Effect.fnUntraced(function*({ headers, params, payload }) {
        return yield* command<CommandRefusal>({
          type: params.type,
          id: params.id,
          command: commandName(params.command),
          payload: (payload?.payload ?? {}) as Json,
          by: yield* byOf(headers, payload?.why),
          commandId: commandIdOf(headers)
        })
      }),
      bulk: ({ headers, payload }) => bulk(headers, payload),
      config: () => settings.describe,
      setConfig: Effect.fnUntraced(function*({ headers, payload: { expected, patch, why } }) {
        const commandId = commandIdOf(headers)
        const by = yield* byOf(headers, why)
        const { number } = yield* commanded(
          { by, command: "Set", type: "LiveConfig", id: null, commandId },
          settings.set(patch, { by, commandId, expected })
        )
        return withKey(commandId, { number, commandId })
      }),
      configHistory: ({ query }) =>
        told(Effect.map(settings.history(query), (items) => {
          const last = items.at(-1)
          return {
            items,
            next: items.length === query.limit && last !== undefined && last.number > 1 ? last.number : null
          }
        })),
      audit: ({ query }) =>
        told(Effect.map(audit.list(query), (items) => {
          const last = items.at(-1)
          return { items, next: items.length === query.limit && last !== undefined ? last.seq : null }
        })),
      tokens: () => told(Effect.map(tokens.list, (items) => ({ items }))),
      createToken: Effect.fnUntraced(function*({ headers, payload: { expiresMillis = null, name, scope, why } }) {
        const by = yield* byOf(headers, why)
        const { info, token } = yield* told(tokens.create({ name, scope, expiresMillis }, by))
        return { token: Redacted.value(token), info }
      }),
      revokeToken: Effect.fnUntraced(function*({ headers, params: { id } }) {
        const by = yield* byOf(headers, undefined)
        yield* commanded({ by, command: "Revoke", type: "Token", id, commandId: null }, tokens.revoke(id, by))
      }),
      retention: () =>
        Effect.sync(() => {
          const { eventsMillis, everyMillis, repliesMillis, versionsMillis } = retention
          return { repliesMillis, eventsMillis, versionsMillis, everyMillis }
        }),
      retain: Effect.fnUntraced(function*({ headers, payload }) {
        const by = yield* byOf(headers, payload?.why)
        const { eventsMillis, repliesMillis, versionsMillis } = retention
        const nowMillis = yield* Clock.currentTimeMillis
        const total = { replies: 0, events: 0, versions: 0, more: true }
        for (let piece = 0; piece < retentionPieces && total.more; piece++) {
          const gone = yield* told(
            store.prune({ nowMillis, repliesMillis, eventsMillis, versionsMillis, maxRows: retentionRows })
          )
          total.replies += gone.replies
          total.events += gone.events
          total.versions += gone.versions
          total.more = Math.max(gone.replies, gone.events, gone.versions) === retentionRows
        }
        const detail = `${total.replies} replies, ${total.events} events and ${total.versions} versions deleted`
        yield* told(audit.append([{
          ...by,
          atMillis: nowMillis,
          command: "Retain",
          type: null,
          id: null,
          commandId: headers["idempotency-key"] ?? null,
          version: null,
          outcome: "done",
          detail
        }]))
        return total
      })
    })
  }))

/** `default:2` before `default:10`. */
const byShard = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a.localeCompare(b, "en", { numeric: true })

type CommandRefusal =
  | TypeUnknown
  | CommandUnknown
  | PayloadUnfit
  | ActorUnavailable
  | typeof refusals.Type
  | ProblemUnknown
  | ProblemChanged
  | RecordStale
  | StageNotReached
