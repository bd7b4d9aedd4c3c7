// `polya config`: every setting, its value, and where it came from; of this machine, or with --url of a running cluster, whose live settings
// it can change.
import { Effect, Option } from "effect"
import type { DescribedSetting, DescribedSettings } from "../../actors/Settings.ts"
import type { Json } from "../../domain/Json.ts"
import { describeConfig } from "../Config.ts"
import { ConfigPlaces } from "../Config/Settings.ts"
import { type CommandFailed, misused, misusedBy } from "./Failure.ts"
import { printLine } from "./Say.ts"

export interface ConfigFlags {
  readonly config: Option.Option<string>
  readonly url: Option.Option<string>
  /** KEY=VALUE */
  readonly set: ReadonlyArray<string>
  readonly unset: ReadonlyArray<string>
  readonly why: Option.Option<string>
  readonly json: boolean
}

export const configCommand = Effect.fn("Cli.config")(function*(flags: ConfigFlags) {
  const changes = flags.set.length + flags.unset.length > 0
  if (Option.isSome(flags.url) || changes) return yield* ofCluster(flags)
  const places = { environment: process.env, directory: process.cwd(), file: Option.getOrUndefined(flags.config) }
  const settings = yield* Effect.mapError(
    Effect.provideService(describeConfig(), ConfigPlaces, places),
    misusedBy
  )
  yield* show(settings, flags.json)
})

const ofCluster = Effect.fnUntraced(function*(flags: ConfigFlags) {
  const patch = yield* patchOf(flags)
  const { remote } = yield* Effect.promise(() => import("./Remote.ts"))
  const cluster = yield* remote(flags.url)
  if (Object.keys(patch).length > 0) {
    const why = Option.getOrElse(flags.why, () => "polya config")
    const { number } = yield* cluster.send("PATCH", "/admin/config", { patch, why })
    if (flags.json) return yield* printLine({ event: "changed", number, patch })
    return yield* Effect.sync(() =>
      void process.stdout.write(`change ${number}: in force in the whole cluster within two seconds\n`)
    )
  }
  const { problems, settings }: DescribedSettings = yield* cluster.get("/admin/config")
  for (const { key, message, place } of problems) {
    yield* Effect.sync(() => void process.stderr.write(`${place} ${key}: ${message}\n`))
  }
  yield* show(settings, flags.json)
})

/** A value is read as JSON where it is a number, true or false, and as text otherwise. */
const patchOf = ({ set, unset }: ConfigFlags): Effect.Effect<{ readonly [key: string]: Json }, CommandFailed> => {
  const patch: { [key: string]: Json } = {}
  for (const text of set) {
    const at = text.indexOf("=")
    if (at < 1) return Effect.fail(misused(`--set ${text}: write KEY=VALUE, such as actor.idleMillis=60000`))
    const value = text.slice(at + 1)
    patch[text.slice(0, at)] = /^(-?\d+(\.\d+)?|true|false)$/.test(value) ? JSON.parse(value) as Json : value
  }
  for (const key of unset) patch[key] = null
  return Effect.succeed(patch)
}

const show = (settings: ReadonlyArray<DescribedSetting>, json: boolean): Effect.Effect<void> =>
  Effect.sync(() => {
    const lines = json ? settings.map((one) => JSON.stringify(one)) : renderSettings(settings)
    process.stdout.write(lines.map((line) => `${line}\n`).join(""))
  })

/** Settings for people: value, unit and origin, and below what it means. */
const renderSettings = (settings: ReadonlyArray<DescribedSetting>): ReadonlyArray<string> =>
  settings.flatMap(({ doc, key, live, origin, restartNeeded, unit, value }) => [
    `${key} = ${value === "" ? "(none)" : value}${unit === "" ? "" : ` ${unit}`}   [${origin}${live ? "; live" : ""}${
      restartNeeded ? "; the file says otherwise, which takes a restart" : ""
    }]`,
    `    ${doc}`
  ])
