// The port to the settings of the cluster, for the admin API: what each process has in force and where it came from, changes of those
// that are live, and who changed what. Secrets are never shown. The adapter is src/runners/LiveSettings.ts.
import { Context, type Effect, Schema } from "effect"
import type { By } from "../domain/Commit.ts"
import type { ConfigFull, ConfigMoved, LiveValue } from "../domain/LiveConfig.ts"
import type { StoreFailed } from "./ActorStore.ts"
import type { ActorUnavailable, KeyReused } from "./Committer.ts"

export const SettingProblem = Schema.Struct({
  /** `polya.yaml:3:5`, `live #7` or empty for what was just asked. */
  place: Schema.String,
  /** `area.field`; empty where it concerns none. */
  key: Schema.String,
  message: Schema.String
})
export type SettingProblem = typeof SettingProblem.Type

export const DescribedSetting = Schema.Struct({
  /** `area.field` */
  key: Schema.String,
  /** As people read it; `<redacted>` for secrets, `not set` where there is none. */
  value: Schema.String,
  /** `default`, `polya.yaml:3`, `live #7 by alice` or `env POLYA_STAGE_WORKERS`. */
  origin: Schema.String,
  unit: Schema.String,
  doc: Schema.String,
  /** It can be changed while processes run. */
  live: Schema.Boolean,
  /** The configuration file says something else now, which takes a restart of this process. */
  restartNeeded: Schema.Boolean
})
export type DescribedSetting = typeof DescribedSetting.Type

/** What is in force in the process that was asked. */
export const DescribedSettings = Schema.Struct({
  /** Number of the live configuration that is in force here. */
  number: Schema.Int,
  /** The configuration file as this process names it; null: it follows none. */
  file: Schema.NullOr(Schema.String),
  /** Why the file as it is now, or live values of another version of the program, are not in force. */
  problems: Schema.Array(SettingProblem),
  settings: Schema.Array(DescribedSetting)
})
export type DescribedSettings = typeof DescribedSettings.Type

export const SettingChange = Schema.Struct({
  number: Schema.Int,
  atMillis: Schema.Finite,
  who: Schema.String,
  why: Schema.String,
  /** New values by key; null: unset. */
  patch: Schema.Record(Schema.String, Schema.NullOr(Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])))
})
export type SettingChange = typeof SettingChange.Type

/** Nothing was changed: these values cannot be. */
export class SettingInvalid extends Schema.TaggedError<SettingInvalid>()("SettingInvalid", {
  problems: Schema.NonEmptyArray(SettingProblem)
}, { httpApiStatus: 422 }) {
  override get message() {
    return this.problems.map(({ key, message }) => key === "" ? message : `${key}: ${message}`).join("\n")
  }
}
/** Nothing was changed: these settings hold from the start of a process on. */
export class SettingNotLive extends Schema.TaggedError<SettingNotLive>()("SettingNotLive", {
  keys: Schema.NonEmptyArray(Schema.String)
}, { httpApiStatus: 409 }) {
  override get message() {
    return `${
      this.keys.join(", ")
    }: not live; change the configuration file or the environment and restart the processes`
  }
}

export type SettingPatch = { readonly [key: string]: LiveValue | null }

export class Settings extends Context.Service<Settings, {
  readonly describe: Effect.Effect<DescribedSettings>
  /**
   * Changes live settings for the whole cluster; null goes back to what each process was started with. In force in this process when it
   * answers, in all others within two seconds. `expected`: only if the live configuration is still at that number.
   */
  readonly set: (patch: { readonly [key: string]: unknown }, options: {
    readonly by: By
    readonly expected?: number | undefined
    readonly commandId?: string | undefined
  }) => Effect.Effect<
    { readonly number: number },
    SettingInvalid | SettingNotLive | ConfigMoved | ConfigFull | KeyReused | ActorUnavailable
  >
  /** Changes newest first, at most `limit` (1 to 500), only those below number `before` if given. Those past their age are missing. */
  readonly history: (options: {
    readonly limit: number
    readonly before?: number | undefined
  }) => Effect.Effect<ReadonlyArray<SettingChange>, StoreFailed>
}>()("polya/Settings") {}
