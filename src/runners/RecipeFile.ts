// Recipe files: YAML in, a checked recipe out, or every mistake in it with its place and what would be right. Stages and their
// parameters are checked against the registry given, so a recipe that loads can be run. The format: docs/recipes.md.
import { Array as Arr, Effect, Layer, Result, Schema, Struct } from "effect"
import { access, readdir, readFile } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { StageRegistry } from "../actors/Plans.ts"
import { type RecipeChoices, RecipeRefused, Recipes, type WrittenRecipe } from "../actors/Recipes.ts"
import { isJsonObject, type Json } from "../domain/Json.ts"
import { presets } from "../domain/Preset.ts"
import { defaultLimits, Limits, OutputFormat, type Recipe, type RecipeStage } from "../domain/Recipe.ts"
import { SourceSpec } from "../domain/Source.ts"
import type { Stage } from "../domain/Stage.ts"
import { readStages } from "./RecipeFile/StageList.ts"
import {
  limits,
  loadYaml,
  member,
  Mistake,
  readYaml,
  showMistake,
  showPath,
  type YamlDocument
} from "./YamlDocument.ts"
import { check, type Finding, nearest, type Path, unknownName } from "./YamlDocument/Findings.ts"

/** The recipe is there and says something wrong. One problem a line, in the order of the file. */
export class RecipeInvalid extends Schema.TaggedError<RecipeInvalid>()("RecipeInvalid", {
  file: Schema.String,
  problems: Schema.NonEmptyArray(Mistake)
}) {
  override get message() {
    return this.problems.map((problem) => showMistake(this.file, problem)).join("\n")
  }
}

/** No file can be read under that name. `known`: the names of the recipes that come with polya. */
export class RecipeMissing extends Schema.TaggedError<RecipeMissing>()("RecipeMissing", {
  recipe: Schema.String,
  tried: Schema.Array(Schema.String),
  known: Schema.Array(Schema.String),
  detail: Schema.String
}) {
  override get message() {
    const near = nearest(basename(this.recipe).replace(extension, ""), this.known)
    const hint = near === undefined ? `Polya comes with ${this.known.join(", ")}.` : `Did you mean ${near}?`
    return `No recipe ${this.recipe}: ${this.detail}. Looked at ${this.tried.join(", ")}. ${hint}`
  }
}

const extension = /\.ya?ml$/
const packageFolder = resolve(import.meta.dirname, "..", "..")

/**
 * The recipe at a path, or found by name in `./recipes` and then among the package's own. Sources and benchmark files named in it
 * become absolute, and every stage carries all its parameters, defaults included.
 */
export const loadRecipe = Effect.fn("RecipeFile.load")(function*(
  nameOrPath: string,
  options: RecipeChoices,
  registry: ReadonlyMap<string, Stage>
) {
  const tried = candidates(nameOrPath)
  const file = yield* Effect.promise(() => firstPresent(tried))
  const missing = Effect.fnUntraced(function*(detail: string) {
    const known = yield* Effect.promise(() => readdir(join(packageFolder, "recipes")).catch(() => []))
    return yield* new RecipeMissing({
      recipe: nameOrPath,
      tried,
      known: known.filter((name) => extension.test(name)).map((name) => name.replace(extension, "")).sort(),
      detail
    })
  })
  if (file === undefined) return yield* missing("there is no such file")
  const document = yield* loadYaml(file).pipe(Effect.catchTag("YamlUnreadable", (error) => missing(error.detail)))
  const { findings, recipe, againstPath } = checkRecipe(document, file, options, registry)
  const lost = yield* Effect.promise(() => missingFiles(recipe?.against ?? [], againstPath))
  const problems = [...document.mistakes, ...[...findings, ...lost].map(document.place)]
    .sort((a, b) => a.line - b.line || a.column - b.column)
  if (Arr.isReadonlyArrayNonEmpty(problems)) return yield* new RecipeInvalid({ file, problems })
  if (recipe === undefined) return yield* Effect.die(`${file} has no mistake and makes no recipe`)
  return recipe
})

/** Recipes for callers from outside: those that come with the program, by name, and texts. No other file of this machine is looked at. */
export const recipesLayer: Layer.Layer<Recipes, never, StageRegistry> = Layer.effect(
  Recipes,
  Effect.gen(function*() {
    const registry = yield* StageRegistry
    const names = Effect.promise(async () =>
      (await readdir(join(packageFolder, "recipes"))).filter((name) => extension.test(name))
        .map((name) => name.replace(extension, "")).sort()
    )
    const refused = (message: string) =>
      new RecipeRefused({ problems: [{ path: "recipe", line: 1, column: 1, message }] })
    const documentOf = Effect.fnUntraced(function*(written: WrittenRecipe) {
      if ("yaml" in written) {
        if (Buffer.byteLength(written.yaml) > limits.bytes) {
          return yield* refused(`A recipe may have at most ${limits.bytes} bytes`)
        }
        return readYaml(written.yaml)
      }
      const known = yield* names
      if (!known.includes(written.name)) return yield* refused(unknownName("recipe", written.name, known))
      return yield* Effect.mapError(
        loadYaml(join(packageFolder, "recipes", `${written.name}.yaml`)),
        (error) => refused(error.detail)
      )
    })
    return Recipes.of({
      names,
      read: Effect.fn("Recipes.read")(function*(written, choices) {
        const document = yield* documentOf(written)
        const { findings, recipe } = checkRecipe(
          document,
          join(packageFolder, "recipes", "recipe.yaml"),
          choices,
          registry
        )
        const problems = [...document.mistakes, ...findings.map(document.place)]
        if (problems.length > 0) return yield* new RecipeRefused({ problems })
        if (recipe === undefined) return yield* Effect.die("a recipe has no mistake and makes no recipe")
        return recipe
      })
    })
  })
)

/** The text of a recipe that `loadRecipe` finds. */
export const recipeText = (nameOrPath: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const file = await firstPresent(candidates(nameOrPath))
    return file === undefined ? "" : await readFile(file, "utf8")
  })

/** Paths are tried as they are written first; a bare name also in the two folders of recipes. */
const candidates = (nameOrPath: string): ReadonlyArray<string> => {
  const names = extension.test(nameOrPath) ? [nameOrPath] : [`${nameOrPath}.yaml`, `${nameOrPath}.yml`]
  const isName = basename(nameOrPath) === nameOrPath
  const folders = isName ? [".", "recipes", join(packageFolder, "recipes")] : [".", packageFolder]
  return [...new Set(folders.flatMap((folder) => names.map((name) => resolve(folder, name))))]
}

const firstPresent = async (files: ReadonlyArray<string>): Promise<string | undefined> => {
  for (const file of files) if (await isPresent(file)) return file
  return undefined
}

const isPresent = (file: string): Promise<boolean> => access(file).then(() => true, () => false)

const missingFiles = async (files: ReadonlyArray<string>, path: Path): Promise<ReadonlyArray<Finding>> => {
  const present = await Promise.all(files.map((file) => isAddress(file) || isPresent(file)))
  return files.flatMap((file, index) =>
    present[index] === true ? [] : [{ path: [...path, index], at: "value", message: `There is no file ${file}` }]
  )
}

const isAddress = (location: string): boolean => /^([a-z][a-z0-9+.-]+:\/\/|upload:)/i.test(location)
const absolute = (
  folder: string,
  location: string
): string => (isAddress(location) ? location : resolve(folder, location))

const name = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]+(-[a-z0-9]+)*$/, { expected: "lower-case words joined by hyphens" })
)

const Source = SourceSpec.mapFields((fields) => ({
  ...fields,
  preset: Schema.optionalKey(Schema.Literals(["auto", ...presets.map((preset) => preset.name)]))
}))

/** What a recipe and each of its modes may say. Stages are read by `readStages`. */
const body = {
  description: Schema.optionalKey(Schema.String),
  seed: Schema.optionalKey(Schema.Int),
  sources: Schema.optionalKey(Schema.Array(Source)),
  against: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  limits: Schema.optionalKey(Limits.mapFields(Struct.map(Schema.optionalKey))),
  outputs: Schema.optionalKey(
    Schema.Array(OutputFormat).check(Schema.isMinLength(1, { expected: "at least one format" }))
  ),
  limitRows: Schema.optionalKey(Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))))
}
const stageList = Schema.Array(Schema.Json).check(Schema.isMinLength(1, { expected: "at least one stage" }))
const Written = Schema.Struct({
  recipe: name,
  version: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  ...body,
  stages: stageList,
  modes: Schema.optionalKey(Schema.Record(name, Schema.Struct({ ...body, stages: Schema.optionalKey(stageList) })))
})

interface Checked {
  readonly findings: ReadonlyArray<Finding>
  /** Undefined if the document's own words are wrong. */
  readonly recipe: Recipe | undefined
  /** Where the benchmark files are named, for the mistakes about them. */
  readonly againstPath: Path
}

const checkRecipe = (
  document: YamlDocument,
  file: string,
  options: RecipeChoices,
  registry: ReadonlyMap<string, Stage>
): Checked => {
  const findings: Array<Finding> = []
  if (document.broken) return { findings, recipe: undefined, againstPath: [] }
  const written = check(Written, spelledOut(document.value), { path: [] })
  if (Result.isFailure(written)) findings.push(...written.failure)

  const modes = member(document.value, "modes")
  const modeNames = isJsonObject(modes) ? Object.keys(modes) : []
  if (options.mode !== undefined && !modeNames.includes(options.mode)) {
    findings.push({ path: ["modes"], at: "key", message: unknownName("mode", options.mode, modeNames) })
  }
  const lists = new Map<string, ReadonlyArray<RecipeStage>>()
  for (const path of [[], ...modeNames.map((mode) => ["modes", mode])]) {
    const list = member(path.reduce<Json | undefined>(member, document.value), "stages")
    if (Array.isArray(list)) lists.set(showPath(path), readStages(list, [...path, "stages"], registry, findings))
  }
  if (Result.isFailure(written)) return { findings, recipe: undefined, againstPath: [] }

  const { modes: writtenModes, ...base } = written.success
  const mode = options.mode === undefined ? undefined : writtenModes?.[options.mode]
  const chosen = { ...base, ...mode }
  const pathOf = (key: keyof typeof body | "stages"): Path =>
    mode !== undefined && key in mode ? ["modes", options.mode ?? "", key] : [key]
  const stages = lists.get(showPath(pathOf("stages").slice(0, -1))) ?? []
  const here = dirname(file)
  const sources = options.sources?.map((source) => locate(source, ".")) ??
    chosen.sources?.map((source) => locate(source, here)) ?? []
  if (sources.length === 0) {
    findings.push({
      path: pathOf("sources"),
      at: "key",
      message: "A run needs a source: name one here or give --source FILE"
    })
  }
  for (const wanted of options.stages ?? []) {
    if (stages.some((stage) => stage.name === wanted)) continue
    findings.push({
      path: pathOf("stages"),
      at: "key",
      message: `--stages: ${unknownName("stage", wanted, stages.map((stage) => stage.name))}`
    })
  }
  return {
    findings,
    againstPath: options.against === undefined ? pathOf("against") : ["--against"],
    recipe: {
      name: chosen.recipe,
      version: chosen.version,
      description: chosen.description ?? "",
      seed: options.seed ?? chosen.seed ?? 0,
      sources,
      against: options.against?.map((location) => absolute(".", location)) ??
        chosen.against?.map((location) => absolute(here, location)) ?? [],
      stages: stages.filter((stage) => options.stages?.includes(stage.name) ?? true),
      limits: { ...defaultLimits, ...chosen.limits },
      outputs: chosen.outputs ?? ["jsonl"],
      limitRows: options.limitRows ?? chosen.limitRows ?? null
    }
  }
}

const locate = (source: SourceSpec, folder: string): SourceSpec => ({
  ...source,
  location: absolute(folder, source.location)
})

/** A source written as text is its location. Everything else stays as it is, mistakes included. */
const spelledOut = (value: Json): Json => {
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]): readonly [string, Json] => {
    if (key === "sources" && Array.isArray(inner)) {
      return [key, inner.map((source) => (typeof source === "string" ? { location: source } : source))]
    }
    if (key === "modes" && isJsonObject(inner)) {
      return [key, Object.fromEntries(Object.entries(inner).map(([mode, body]) => [mode, spelledOut(body)]))]
    }
    return [key, inner]
  })
  return Object.fromEntries(entries)
}
