// How settings are found: the environment wins over the configuration file, and both over the default. Everything is read and
// checked at once, so that one start names every mistake with its place, and every value knows where it came from.
import { Array as Arr, Context, Effect, Redacted, Result, Schema } from "effect"
import { relative, resolve } from "node:path"
import { isJsonObject, type Json } from "../../domain/Json.ts"
import { loadYaml, member, type Mistake, readYaml, type YamlDocument } from "../YamlDocument.ts"
import { check, type Finding, unknownName } from "../YamlDocument/Findings.ts"

export interface Setting<A> {
  /** Checks the value of the file; the text of an environment variable is decoded by the same schema. */
  readonly schema: Schema.Codec<any, any>
  readonly default: A
  /** What it means and what a change of it does. */
  readonly doc: string
  /** "ms", "bytes", "actors", ...; "" where there is none. */
  readonly unit: string
  /** Name of the environment variable where it is not `POLYA_<AREA>_<FIELD>`. */
  readonly variable?: string
  /** Its value is never shown, not even in a mistake about it. */
  readonly secret?: boolean
  /** May be changed while processes run (LiveSettings.ts). Its value is then plain JSON, and whoever uses it reads it at each use. */
  readonly live?: boolean
}
export type Settings = { readonly [field: string]: Setting<any> }
export type Values<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer A> ? A : never }

/** A whole number of at least `minimum`. */
export const int = (
  value: number,
  unit: string,
  doc: string,
  { live = false, maximum = Number.MAX_SAFE_INTEGER, minimum = 1 }: {
    readonly minimum?: number
    readonly maximum?: number
    readonly live?: boolean
  } = {}
): Setting<number> => ({
  schema: Schema.Finite.check(
    Schema.makeFilter((number) => Number.isInteger(number) && minimum <= number && number <= maximum, {
      expected: maximum === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${minimum}`
        : `a whole number from ${minimum} to ${maximum}`
    })
  ),
  default: value,
  unit,
  doc,
  live
})

/** Any text of at most 1,000 characters. */
export const text = (value: string, doc: string): Setting<string> => ({
  schema: Schema.String.check(Schema.isMaxLength(1_000)),
  default: value,
  unit: "",
  doc
})

export const defaultsOf = <S extends Settings>(settings: S): Values<S> =>
  Object.fromEntries(Object.entries(settings).map(([field, setting]) => [field, setting.default])) as Values<S>

/** Where settings are looked for. `file`: given by `--config`; without it, `polya.yaml` in `directory` if it is there. */
export interface ConfigPlaces {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly directory: string
  readonly file?: string | undefined
}
export const ConfigPlaces = Context.Reference<ConfigPlaces>("polya/ConfigPlaces", {
  defaultValue: () => ({ environment: process.env, directory: process.cwd() })
})

/** One problem a line. `place` is `file:line:column` or the name of the environment variable. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  problems: Schema.NonEmptyArray(Schema.Struct({ place: Schema.String, key: Schema.String, message: Schema.String }))
}) {
  override get message() {
    return this.problems.map(({ key, message, place }) => `${place}${key === "" ? "" : ` ${key}`}: ${message}`).join(
      "\n"
    )
  }
}

/** One setting as it holds. `origin`: `default`, `polya.yaml:3` or `env POLYA_STAGE_WORKERS`. */
export interface Resolved {
  readonly area: string
  readonly field: string
  readonly setting: Setting<any>
  readonly value: unknown
  readonly origin: string
  /** The environment says it, for as long as the process lives. */
  readonly fixed: boolean
  /** What the configuration file says, even where the environment wins; undefined: nothing. */
  readonly written: Json | undefined
}

/** `dataDir` of `store` is read from POLYA_STORE_DATA_DIR, `heapMiB` of `stage` from POLYA_STAGE_HEAP_MIB. */
export const variableOf = (area: string, field: string, setting: Setting<any>): string =>
  setting.variable ?? `${prefixOf(area)}${field.replace(/[A-Z](?=[a-z])/g, "_$&").toUpperCase()}`
const prefixOf = (area: string) => `POLYA_${area.toUpperCase()}_`

/** A value of the configuration file that its setting's schema takes. */
export interface Written {
  /** As the file has it. */
  readonly json: Json
  readonly value: unknown
  readonly line: number
}
type Problem = ConfigInvalid["problems"][number]

/** What a configuration file says, by `area.field`, and everything that is wrong with it. */
export const readSettings = (document: YamlDocument, areas: { readonly [area: string]: Settings }, shownFile: string): {
  readonly values: ReadonlyMap<string, Written>
  readonly problems: ReadonlyArray<Problem>
} => {
  const written = document.broken ? null : document.value
  const findings = strangers(written, areas)
  const values = new Map<string, Written>()
  for (const [area, settings] of Object.entries(areas)) {
    for (const [field, setting] of Object.entries(settings)) {
      const json = member(member(written, area), field)
      if (json === undefined) continue
      const path = [area, field]
      const result = check(setting.schema, json, { path, hidden: setting.secret === true })
      if (Result.isFailure(result)) findings.push(...result.failure)
      else {
        const { line } = document.place({ path, at: "key", message: "" })
        values.set(`${area}.${field}`, { json, value: result.success, line })
      }
    }
  }
  const problems = [...document.mistakes, ...findings.map(document.place)]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map((mistake) => problemAt(shownFile, mistake))
  return { values, problems }
}

/** The configuration file, where it is looked for and as it is shown. */
export const settingsFile = (places: ConfigPlaces): { readonly file: string; readonly shown: string } => {
  const file = resolve(places.directory, places.file ?? "polya.yaml")
  return { file, shown: relative(places.directory, file) }
}

/** Every setting of all areas, checked. */
export const resolveSettings = Effect.fn("Config.resolve")(function*(areas: { readonly [area: string]: Settings }) {
  const places = yield* ConfigPlaces
  const { file, shown } = settingsFile(places)
  const document = yield* loadYaml(file).pipe(
    Effect.catchTag("YamlUnreadable", (error) =>
      places.file === undefined && error.reason === "missing"
        ? Effect.succeed(readYaml(""))
        : Effect.fail(new ConfigInvalid({ problems: [{ place: shown, key: "", message: error.detail }] })))
  )
  const inFile = readSettings(document, areas, shown)
  const wrongVariables: Array<Problem> = []
  const known = new Map<string, string>()
  const resolved: Array<Resolved> = []

  for (const [area, settings] of Object.entries(areas)) {
    for (const [field, setting] of Object.entries(settings)) {
      const variable = variableOf(area, field, setting)
      const key = `${area}.${field}`
      known.set(variable, key)
      const text = places.environment[variable]
      const written = inFile.values.get(key)
      let [value, origin]: [unknown, string] = written === undefined
        ? [setting.default, "default"]
        : [written.value, `${shown}:${written.line}`]
      const fixed = text !== undefined && text !== ""
      if (fixed) {
        const result = check(Schema.toCodecStringTree(setting.schema), text, {
          path: [],
          hidden: setting.secret === true
        })
        if (Result.isFailure(result)) {
          wrongVariables.push(...result.failure.map(({ message }) => ({ place: variable, key, message })))
        } else [value, origin] = [result.success, `env ${variable}`]
      }
      resolved.push({ area, field, setting, value, origin, fixed, written: written?.json })
    }
  }
  const prefixes = Object.keys(areas).map(prefixOf)
  for (const name of Object.keys(places.environment)) {
    if (known.has(name) || !prefixes.some((prefix) => name.startsWith(prefix))) continue
    const near = [...known.keys()].filter((variable) => variable.startsWith(`${name.split("_", 2).join("_")}_`))
    wrongVariables.push({ place: name, key: "", message: unknownName("setting", name, near) })
  }
  const problems = [...inFile.problems, ...wrongVariables]
  if (Arr.isReadonlyArrayNonEmpty(problems)) return yield* new ConfigInvalid({ problems })
  return resolved as ReadonlyArray<Resolved>
})

const problemAt = (file: string, { column, line, message, path }: Mistake): Problem => ({
  place: `${file}:${line}:${column}`,
  key: path,
  message
})

/** Areas and fields of the file that nobody reads. */
const strangers = (written: Json, areas: { readonly [area: string]: Settings }): Array<Finding> => {
  if (written === null) return []
  if (!isJsonObject(written)) {
    return [{ path: [], at: "value", message: "Expected areas with their settings, like `stage: { workers: 2 }`" }]
  }
  return Object.entries(written).flatMap(([area, fields]): ReadonlyArray<Finding> => {
    const settings = Object.hasOwn(areas, area) ? areas[area] : undefined
    if (settings === undefined) {
      return [{ path: [area], at: "key", message: unknownName("area", area, Object.keys(areas)) }]
    }
    if (fields === null) return []
    if (!isJsonObject(fields)) {
      return [{ path: [area], at: "value", message: `Expected settings: ${Object.keys(settings).join(", ")}` }]
    }
    return Object.keys(fields).filter((field) => !Object.hasOwn(settings, field)).map((field) => ({
      path: [area, field],
      at: "key",
      message: unknownName("setting", field, Object.keys(settings))
    }))
  })
}

/** A value as it may be shown to anybody. */
export const showValue = ({ setting, value }: Pick<Resolved, "setting" | "value">): string => {
  if (value === undefined) return "not set"
  return setting.secret === true || Redacted.isRedacted(value) ? "<redacted>" : String(value)
}
