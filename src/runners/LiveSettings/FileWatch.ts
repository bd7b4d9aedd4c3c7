// Looks at the configuration file while the process runs. Live settings that a changed file says otherwise than before are proposed to the
// whole cluster; several processes with the same file propose the same command. A bad file changes nothing, says so and stays visible; what
// is not live is named as taking a restart. A file is read when two looks in a row found it the same, so not while it is being written.
import { Cause, Effect, Result } from "effect"
import { stat } from "node:fs/promises"
import { hostname } from "node:os"
import type { SettingPatch, SettingProblem } from "../../actors/Settings.ts"
import type { By } from "../../domain/Commit.ts"
import { digest } from "../../domain/Ids.ts"
import { canonical, type Json } from "../../domain/Json.ts"
import type { LiveValue } from "../../domain/LiveConfig.ts"
import { areas } from "../Config.ts"
import { ConfigPlaces, readSettings, settingsFile, type Written } from "../Config/Settings.ts"
import type { LiveValues } from "../LiveSettings.ts"
import { loadYaml, readYaml } from "../YamlDocument.ts"

export interface FileWatchOptions {
  readonly live: LiveValues
  /** The live configuration was read at least once. */
  readonly loaded: () => boolean
  readonly refresh: Effect.Effect<void>
  readonly propose: (
    patch: SettingPatch,
    by: By,
    expected: number,
    commandId: string
  ) => Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>
}

export const makeFileWatch = Effect.fnUntraced(function*({ live, loaded, propose, refresh }: FileWatchOptions) {
  const places = yield* ConfigPlaces
  const { file, shown } = settingsFile(places)
  // The whole path: two processes of one host may each have a polya.yaml of their own.
  const who = `file:${file.slice(-200)}@${hostname().slice(0, 100)}`
  const liveKeys = live.resolved.flatMap((one) => one.setting.live === true ? [keyOf(one)] : [])
  const defaults = new Map(live.resolved.map((one) => [keyOf(one), one.setting.default as LiveValue]))
  /** What the file said, as far as the cluster has heard of it; undefined: nothing. */
  const heard = new Map(live.resolved.map((one) => [keyOf(one), one.written]))
  /** The sight of the file at the last look, and of the file that was dealt with. */
  let seen = ""
  let done = ""
  let begun = false
  let problems: ReadonlyArray<SettingProblem> = []
  let restartNeeded: ReadonlySet<string> = new Set()

  const tell = (next: ReadonlyArray<SettingProblem>): Effect.Effect<void> => {
    const before = problems
    problems = next
    if (JSON.stringify(before) === JSON.stringify(next)) return Effect.void
    if (next.length === 0) return Effect.logInfo(`The configuration file ${shown} is in order again`)
    return Effect.logWarning(
      `The configuration file is not taken, what was in force stays so:\n${
        next.map(({ key, message, place }) => `${place}${key === "" ? "" : ` ${key}`}: ${message}`).join("\n")
      }`
    )
  }
  const tellRestart = (values: ReadonlyMap<string, Written>): Effect.Effect<void> => {
    const next = live.resolved.flatMap((one) => {
      const { fixed, setting, written } = one
      return setting.live === true || fixed || same(values.get(keyOf(one))?.json, written) ? [] : [keyOf(one)]
    })
    const before = restartNeeded
    restartNeeded = new Set(next)
    return next.every((key) => before.has(key))
      ? Effect.void
      : Effect.logWarning(`${shown} was changed: ${next.join(", ")} will be in force after a restart of this process`)
  }

  /** The live settings that the file now says otherwise and that are not in force as it says. */
  const patchOf = (values: ReadonlyMap<string, Written>): SettingPatch => {
    const patch: { [key: string]: LiveValue } = {}
    for (const key of liveKeys) {
      const json = values.get(key)?.json
      if (same(json, heard.get(key))) continue
      const wanted = json === undefined ? defaults.get(key) : json as LiveValue
      if (wanted !== undefined && live.shared(key) !== wanted) patch[key] = wanted
    }
    return patch
  }

  const look = Effect.gen(function*() {
    if (!loaded()) return
    const sight = yield* sightOf(file)
    const settled = sight === seen
    seen = sight
    if (!settled || sight === done) return
    if (!begun) {
      begun = true
      // What this very file set before the process was restarted, and says otherwise now, was changed in between.
      for (const [key, entry] of Object.entries(live.state.values)) {
        if (entry.who === who && heard.has(key)) heard.set(key, entry.value)
      }
    }
    const document = yield* loadYaml(file).pipe(Effect.catchTag("YamlUnreadable", (error) =>
      // A process that was started without the file does well without it.
      error.reason === "missing" && places.file === undefined && [...heard.values()].every((json) => json === undefined)
        ? Effect.succeed(readYaml(""))
        : Effect.as(tell([{ place: shown, key: "", message: error.detail }]), undefined)))
    if (document === undefined) {
      done = sight
      return
    }
    const written = readSettings(document, areas, shown)
    if (written.problems.length > 0) {
      yield* tell(written.problems)
      done = sight
      return
    }
    yield* tellRestart(written.values)
    const patch = patchOf(written.values)
    if (Object.keys(patch).length > 0) {
      const { number } = live.state
      const commandId = `file:${digest([canonical(patch), String(number)])}`
      const sent = yield* Effect.result(propose(patch, { who, why: "the file changed" }, number, commandId))
      yield* refresh
      // Another change came first, or the store is away: the next look compares anew.
      if (Result.isFailure(sent)) {
        const { _tag, message } = sent.failure
        return _tag === "ConfigMoved" ? undefined : yield* tell([{ place: shown, key: "", message }])
      }
      yield* Effect.logInfo(`${shown} was changed: ${Object.keys(patch).join(", ")} for the whole cluster`)
    }
    yield* tell([])
    for (const key of liveKeys) heard.set(key, written.values.get(key)?.json)
    done = sight
  }).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : tell([{ place: shown, key: "", message: String(Cause.squash(cause)) }])
    )
  )

  return { look, problems: () => problems, restartNeeded: () => restartNeeded }
})

const keyOf = ({ area, field }: { readonly area: string; readonly field: string }): string => `${area}.${field}`
const same = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && canonical(a) === canonical(b))

/** What tells a changed file without reading it; follows links, so that one that leads elsewhere is a change. */
const sightOf = (file: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => stat(file, { bigint: true }).catch(() => undefined)),
    (found) => found === undefined ? "none" : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ")
  )
