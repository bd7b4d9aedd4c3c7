// The settings in force in this process. What it was started with (default, configuration file) gives way to the cluster's live
// configuration, and everything to the environment, which holds for as long as the process lives. The areas' values are objects with getters:
// whoever reads a field at each use has the value in force. `settings` follows the store and the configuration file and serves the admin API.
import {
  Cause,
  Context,
  Effect,
  Layer,
  Result,
  Schedule,
  Schema,
  Semaphore,
  type Stream,
  SubscriptionRef
} from "effect"
import type { Sharding } from "effect/cluster"
import { ActorStore } from "../actors/ActorStore.ts"
import { LiveConfigActor, liveConfigId } from "../actors/LiveConfigActor.ts"
import { type DescribedSetting, type SettingChange, type SettingProblem, Settings } from "../actors/Settings.ts"
import { digest } from "../domain/Ids.ts"
import { canonical, type Json } from "../domain/Json.ts"
import { initialLiveConfig, type LiveConfigState, SetEvent } from "../domain/LiveConfig.ts"
import * as Config from "./Config.ts"
import {
  type ConfigInvalid,
  ConfigPlaces,
  type Resolved,
  resolveSettings,
  settingsFile,
  showValue
} from "./Config/Settings.ts"
import { makeFileWatch } from "./LiveSettings/FileWatch.ts"
import { checkPatch } from "./LiveSettings/Patch.ts"
import { check, unknownName } from "./YamlDocument/Findings.ts"

/** The store is asked so often; with the second that a store may take to answer, a change is in force everywhere within two. */
const readMillis = 1_000
const fileMillis = 400
const readDeadlineMillis = 5_000
/** Command of a changed file: given again at the next look if it was not answered. */
const fileDeadlineMillis = 5_000

export interface LiveValues {
  readonly resolved: ReadonlyArray<Resolved>
  /** The values of an area; each field is read anew. */
  readonly of: <A extends Config.Area>(area: A) => Config.AreaValues<A>
  /** The live configuration that is in force here. */
  readonly state: LiveConfigState
  /** Puts a live configuration in force; answers what of it this version of the program cannot take. */
  readonly take: (state: LiveConfigState) => ReadonlyArray<SettingProblem>
  /** What holds in processes whose environment does not say otherwise. */
  readonly shared: (key: string) => unknown
  readonly describe: (restartNeeded: ReadonlySet<string>) => ReadonlyArray<DescribedSetting>
}

/** The pure part: precedence. */
export const makeValues = (resolved: ReadonlyArray<Resolved>): LiveValues => {
  const known = new Map(resolved.map((one) => [keyOf(one), one]))
  const areas: { [area: string]: { [field: string]: unknown } } = {}
  let live = new Map<string, unknown>()
  let state = initialLiveConfig
  /** In the order of `resolved`. Limits are read for every command, so a getter does no more than to look here. */
  let inForce: ReadonlyArray<unknown> = resolved.map(({ value }) => value)
  for (const [at, { area, field }] of resolved.entries()) {
    Object.defineProperty(areas[area] ??= {}, field, { enumerable: true, get: () => inForce[at] })
  }
  return {
    resolved,
    // Each value was decoded by the schema of its own field.
    of: (area) => areas[area] as any,
    get state() {
      return state
    },
    take: (next) => {
      const problems: Array<SettingProblem> = []
      const values = new Map<string, unknown>()
      for (const [key, { number, value }] of Object.entries(next.values)) {
        const setting = known.get(key)?.setting
        const place = `live #${number}`
        if (setting?.live !== true) {
          const message = setting === undefined
            ? unknownName("setting", key, [...known.keys()].filter((one) => known.get(one)?.setting.live === true))
            : "It is not live in this version of polya"
          problems.push({ place, key, message })
          continue
        }
        const checked = check(setting.schema, value, { path: [] })
        if (Result.isSuccess(checked)) values.set(key, checked.success)
        else problems.push(...checked.failure.map(({ message }) => ({ place, key, message })))
      }
      live = values
      state = next
      inForce = resolved.map((one) => !one.fixed && live.has(keyOf(one)) ? live.get(keyOf(one)) : one.value)
      return problems
    },
    shared: (key) => live.has(key) ? live.get(key) : unfixed(known.get(key)),
    describe: (restartNeeded) =>
      resolved.map((one, at) => {
        const key = keyOf(one)
        const entry = live.has(key) && !one.fixed ? state.values[key] : undefined
        return {
          key,
          value: showValue({ setting: one.setting, value: inForce[at] }),
          origin: entry === undefined ? one.origin : `live #${entry.number} by ${entry.who}`,
          unit: one.setting.unit,
          doc: one.setting.doc,
          live: one.setting.live === true,
          restartNeeded: restartNeeded.has(key)
        }
      })
  }
}

export const keyOf = ({ area, field }: Pick<Resolved, "area" | "field">): string => `${area}.${field}`
const unfixed = (one: Resolved | undefined): unknown =>
  one?.fixed === true ? one.written ?? one.setting.default : one?.value

export class LiveSettings extends Context.Service<
  LiveSettings,
  LiveValues & {
    /** Number of the live configuration in force, now and whenever another comes into force. */
    readonly changes: Stream.Stream<number>
    readonly put: (state: LiveConfigState) => Effect.Effect<ReadonlyArray<SettingProblem>>
  }
>()("polya/LiveSettings") {}

/** The settings as the process is started with, and each area as a service of its own, live. A mistake anywhere fails with all mistakes. */
export const layer: Layer.Layer<
  | LiveSettings
  | Config.StoreConfig
  | Config.ActorConfig
  | Config.ClusterConfig
  | Config.RetentionConfig
  | Config.StageConfig
  | Config.VerdictConfig
  | Config.SandboxConfig
  | Config.LlmConfig
  | Config.SourceConfig
  | Config.RunConfig
  | Config.SolveConfig
  | Config.HttpConfig
  | Config.TelemetryConfig,
  ConfigInvalid
> = Layer.effectContext(Effect.gen(function*() {
  const values = makeValues(yield* resolveSettings(Config.areas))
  const number = yield* SubscriptionRef.make(0)
  const live = LiveSettings.of(Object.assign(values, {
    changes: SubscriptionRef.changes(number),
    put: (state: LiveConfigState) => {
      const problems = values.take(state)
      return Effect.as(SubscriptionRef.set(number, state.number), problems)
    }
  }))
  return Context.make(LiveSettings, live).pipe(
    Context.add(Config.StoreConfig, values.of("store")),
    Context.add(Config.ActorConfig, values.of("actor")),
    Context.add(Config.ClusterConfig, values.of("cluster")),
    Context.add(Config.RetentionConfig, values.of("retention")),
    Context.add(Config.StageConfig, values.of("stage")),
    Context.add(Config.VerdictConfig, values.of("verdict")),
    Context.add(Config.SandboxConfig, values.of("sandbox")),
    Context.add(Config.LlmConfig, values.of("llm")),
    Context.add(Config.SourceConfig, values.of("source")),
    Context.add(Config.RunConfig, values.of("run")),
    Context.add(Config.SolveConfig, values.of("solve")),
    Context.add(Config.HttpConfig, values.of("http")),
    Context.add(Config.TelemetryConfig, values.of("telemetry"))
  )
}))

export interface SettingsOptions {
  /** Proposes changes of the configuration file to the cluster. */
  readonly watchFile: boolean
}

/** Keeps the process's settings at those of the cluster; a store that is away leaves those before in force. */
export const settings = (
  { watchFile }: SettingsOptions
): Layer.Layer<Settings, never, LiveSettings | ActorStore | Sharding.Sharding> =>
  Layer.effect(
    Settings,
    Effect.gen(function*() {
      const live = yield* LiveSettings
      const store = yield* ActorStore
      const actor = (yield* LiveConfigActor.client)(liveConfigId)
      const { shown } = settingsFile(yield* ConfigPlaces)
      let version = -1
      let unfit: ReadonlyArray<SettingProblem> = []

      const read = Effect.gen(function*() {
        const [row] = yield* Effect.timeout(
          store.load([{ type: LiveConfigActor.type, id: liveConfigId }]),
          readDeadlineMillis
        )
        if ((row?.version ?? 0) === version) return
        version = row?.version ?? 0
        unfit = yield* live.put(row === undefined ? initialLiveConfig : LiveConfigActor.codec.decode(row.state))
        if (unfit.length > 0) {
          yield* Effect.logWarning(`Some live settings are not in force here:\n${linesOf(unfit).join("\n")}`)
        }
      })
      // Two reads at once must not put the older state in force.
      const gate = yield* Semaphore.make(1)
      const refresh = gate.withPermits(1)(read).pipe(
        Effect.catchCause((cause) =>
          Cause.hasDies(cause)
            ? Effect.logWarning("The live settings cannot be read; those before stay in force", cause)
            : Effect.void
        )
      )
      yield* refresh
      yield* refresh.pipe(Effect.delay(readMillis), Effect.repeat(Schedule.forever), Effect.forkScoped)

      const watch = yield* makeFileWatch({
        live,
        loaded: () => version >= 0,
        refresh,
        propose: (patch, by, expected, commandId) =>
          actor.send("Set", { patch, ...by, expected }, { by, commandId, deadlineMillis: fileDeadlineMillis })
      })
      if (watchFile) {
        yield* watch.look.pipe(Effect.delay(fileMillis), Effect.repeat(Schedule.forever), Effect.forkScoped)
      }

      return Settings.of({
        describe: Effect.sync(() => ({
          number: live.state.number,
          file: watchFile ? shown : null,
          problems: [...watch.problems(), ...unfit],
          settings: live.describe(watch.restartNeeded())
        })),
        set: Effect.fn("Settings.set")(function*(patch, { by, commandId, expected }) {
          const checked = yield* checkPatch(live.resolved, patch)
          const reply = yield* actor.send(
            "Set",
            { patch: checked, ...by, ...(expected === undefined ? {} : { expected }) },
            { by, commandId, asked: digest([canonical({ patch: checked, expected: expected ?? null } as Json)], 16) }
          )
          yield* refresh
          return reply
        }),
        history: Effect.fn("Settings.history")(function*({ before, limit }) {
          const most = Math.max(1, Math.min(500, Math.trunc(limit)))
          const changes: Array<SettingChange> = []
          let below: number | undefined
          // Commits without a change (a setting set to what it was) are rare: a few pages are enough for any history.
          for (let page = 0; page < maxPages; page++) {
            const commits = yield* LiveConfigActor.history(liveConfigId, {
              limit: pageCommits,
              ...(below === undefined ? {} : { before: below })
            }).pipe(Effect.provideService(ActorStore, store))
            for (const { atMillis, events } of commits) {
              for (const event of events.toReversed()) {
                const set = decodeEvent(JSON.parse(event))
                if (set._tag === "None" || (before !== undefined && set.value.number >= before)) continue
                const { _tag, ...change } = set.value
                changes.push({ ...change, atMillis })
                if (changes.length === most) return changes
              }
            }
            below = commits.at(-1)?.version
            if (commits.length < pageCommits || below === undefined) break
          }
          return changes
        })
      })
    })
  )

const pageCommits = 500
const maxPages = 40
const decodeEvent = Schema.decodeUnknownOption(SetEvent)

/** `polya.yaml:3:5 stage.workers: Expected ...` */
export const linesOf = (problems: ReadonlyArray<SettingProblem>): ReadonlyArray<string> =>
  problems.map(({ key, message, place }) => `${place}${key === "" ? "" : ` ${key}`}: ${message}`)
