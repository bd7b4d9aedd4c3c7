// A change of live settings as somebody asks for it: checked by the schemas of the settings, all mistakes at once, before it is sent.
import { Array as Arr, Effect, Result } from "effect"
import { SettingInvalid, SettingNotLive, type SettingPatch, type SettingProblem } from "../../actors/Settings.ts"
import { type LiveValue, maxKeys } from "../../domain/LiveConfig.ts"
import type { Resolved } from "../Config/Settings.ts"
import { check, unknownName } from "../YamlDocument/Findings.ts"

export const checkPatch = (
  resolved: ReadonlyArray<Resolved>,
  patch: { readonly [key: string]: unknown }
): Effect.Effect<SettingPatch, SettingInvalid | SettingNotLive> => {
  const known = new Map(resolved.map((one) => [`${one.area}.${one.field}`, one.setting]))
  const problems: Array<SettingProblem> = []
  const wrong = (key: string, message: string) => problems.push({ place: "", key, message })
  const fixed: Array<string> = []
  const checked: { [key: string]: LiveValue | null } = {}
  const entries = Object.entries(patch)
  if (entries.length === 0) wrong("", "Nothing is to be changed: name at least one setting")
  if (entries.length > maxKeys) wrong("", `${entries.length} settings at once; at most ${maxKeys}`)
  for (const [key, value] of entries.slice(0, maxKeys)) {
    const setting = known.get(key)
    if (setting === undefined) {
      const live = [...known].flatMap(([name, one]) => one.live === true ? [name] : [])
      wrong(key.slice(0, 100), unknownName("setting", key.slice(0, 100), live))
    } else if (setting.live !== true) fixed.push(key)
    else if (value === null) checked[key] = null
    else {
      const result = check(setting.schema, value, { path: [] })
      // A live setting's value is plain JSON, the same in the file and in memory.
      if (Result.isSuccess(result)) checked[key] = result.success as LiveValue
      else for (const { message } of result.failure) wrong(key, message)
    }
  }
  if (Arr.isArrayNonEmpty(problems)) return Effect.fail(new SettingInvalid({ problems }))
  if (Arr.isArrayNonEmpty(fixed)) return Effect.fail(new SettingNotLive({ keys: fixed }))
  return Effect.succeed(checked)
}
