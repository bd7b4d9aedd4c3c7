// What a recipe file means and how its mistakes look. The stages are the test's own: the registry is an argument.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { RecipeChoices } from "../../src/actors/Recipes.ts"
import { presets } from "../../src/domain/Preset.ts"
import { kept, type Stage } from "../../src/domain/Stage.ts"
import { stages } from "../../src/domain/stages/Registry.ts"
import { loadRecipe, type RecipeInvalid } from "../../src/runners/RecipeFile.ts"

const base = { version: 1, cost: "cpu", summary: "A stage of a test.", needs: [] } as const
const entry = { key: null, bands: [], payload: null, stratum: null }
const fraction = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const or = <S extends Schema.Constraint>(value: S["Encoded"]) => Schema.withDecodingDefaultKey<S>(Effect.succeed(value))
const fractions = Schema.Struct({ train: fraction, validation: fraction, test: fraction })
  .check(Schema.makeFilter(({ test, train, validation }) => train + validation + test === 1 || "must sum to 1"))

const registry = new Map<string, Stage>(
  ([
    { ...base, kind: "map", name: "normalise", params: Schema.Struct({}), prepare: () => () => kept() },
    { ...base, kind: "expand", name: "extract", params: Schema.Struct({}), prepare: () => () => kept() },
    {
      ...base,
      kind: "map",
      name: "quality",
      params: Schema.Struct({
        minChars: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })).pipe(or(20)),
        language: Schema.Literals(["english", "any"]).pipe(or("any"))
      }),
      prepare: () => () => kept()
    },
    {
      ...base,
      kind: "set",
      name: "near-duplicates",
      params: Schema.Struct({ dropAt: fraction.pipe(or(0.8)) }),
      prepare: () => () => entry
    },
    {
      ...base,
      kind: "set",
      name: "split",
      params: Schema.Struct({
        fractions: fractions.pipe(or({ train: 0.9, validation: 0.05, test: 0.05 })),
        clusters: Schema.NullOr(Schema.String).pipe(or("near-duplicates"))
      }),
      prepare: () => () => entry
    }
  ] satisfies ReadonlyArray<Stage>).map((stage) => [stage.name, stage])
)

const folder = mkdtempSync(join(tmpdir(), "polya-recipes-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, "data"))
writeFileSync(join(folder, "data", "bench.jsonl"), "")

let files = 0
const write = (text: string) => {
  const file = join(folder, `recipe${files++}.yaml`)
  writeFileSync(file, text)
  return file
}
const load = (text: string, options: RecipeChoices = {}) => loadRecipe(write(text), options, registry)
const problems = (text: string, options: RecipeChoices = {}) =>
  load(text, options).pipe(
    Effect.flip,
    Effect.map((error) => (error as RecipeInvalid).problems.map((p) => `${p.line}:${p.column} ${p.path}: ${p.message}`))
  )

const good = `recipe: mine
version: 2
seed: 7
sources: [data/a.jsonl, { location: "postgres://host/db", query: "SELECT 1" }]
against: [data/bench.jsonl]
stages:
  - normalise
  - quality: { minChars: 30 }
  - near-duplicates
  - split
modes:
  demo: { sources: [demo.jsonl], against: [], limitRows: 10 }
`

describe("a good recipe", () => {
  it.effect("carries every parameter, with defaults filled in and paths made absolute from its own folder", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* load(good), {
        name: "mine",
        version: 2,
        description: "",
        seed: 7,
        sources: [{ location: join(folder, "data/a.jsonl") }, { location: "postgres://host/db", query: "SELECT 1" }],
        against: [join(folder, "data/bench.jsonl")],
        stages: [
          { name: "normalise", params: {} },
          { name: "quality", params: { minChars: 30, language: "any" } },
          { name: "near-duplicates", params: { dropAt: 0.8 } },
          {
            name: "split",
            params: { fractions: { train: 0.9, validation: 0.05, test: 0.05 }, clusters: "near-duplicates" }
          }
        ],
        limits: { inFlight: 1024, batchRows: 256, attempts: 3, rowsPerSecond: 0 },
        outputs: ["jsonl"],
        limitRows: null
      })
    }))

  it.effect("has its keys replaced by those of the mode asked for", () =>
    Effect.gen(function*() {
      const recipe = yield* load(good, { mode: "demo" })
      assert.deepStrictEqual(recipe.sources, [{ location: join(folder, "demo.jsonl") }])
      assert.deepStrictEqual([recipe.against, recipe.limitRows, recipe.seed], [[], 10, 7])
    }))

  it.effect("gives way to the command line, whose paths are relative to the working directory", () =>
    Effect.gen(function*() {
      const recipe = yield* load(good, {
        mode: "demo",
        sources: [{ location: "package.json" }],
        against: ["package.json"],
        limitRows: 3,
        seed: 9,
        stages: ["quality", "normalise"]
      })
      assert.deepStrictEqual(recipe.sources, [{ location: resolve("package.json") }])
      assert.deepStrictEqual(recipe.against, [resolve("package.json")])
      assert.deepStrictEqual([recipe.limitRows, recipe.seed], [3, 9])
      assert.deepStrictEqual(recipe.stages.map((stage) => stage.name), ["normalise", "quality"])
    }))

  it.effect("may leave out the stage that the split's defaults name", () =>
    load("recipe: a\nversion: 1\nsources: [a]\nstages: [split]\n"))

  it.effect("may use an alias", () =>
    Effect.gen(function*() {
      const recipe = yield* load(
        "recipe: a\nversion: 1\nsources: &s [a]\nstages: [normalise]\nmodes: { b: { sources: *s } }\n",
        {
          mode: "b"
        }
      )
      assert.strictEqual(recipe.sources.length, 1)
    }))
})

describe("a recipe with mistakes", () => {
  it.effect("names all of them at once, each at its line and column with what would be right", () =>
    Effect.gen(function*() {
      const text = `recipe: My Recipe
version: 0
sead: 7
sources: [{ location: a, format: jsonk }, { location: b, preset: gsm8 }]
stages:
  - normalize
  - quality: { minchars: 30, language: 5 }
  - near-duplicates:
      dropAt: 1.5
  - split: { fractions: { train: 0.8, validation: 0.1, test: 0.2 } }
  - normalise: {}
    quality: {}
limits: { inFlight: lots }
modes:
  demo: { source: [] }
`
      assert.deepStrictEqual(yield* problems(text), [
        `1:9 recipe: Expected lower-case words joined by hyphens, got "My Recipe"`,
        `2:10 version: Expected a value greater than or equal to 1, got 0`,
        `3:1 sead: There is no key "sead"; did you mean "seed"?`,
        `4:34 sources[0].format: Expected "auto" | "jsonl" | "csv" | "parquet" | "sqlite" | "postgres" | "folder", ` +
        `got "jsonk"; did you mean "jsonl"?`,
        `4:66 sources[1].preset: Expected "auto" | ${presets.map(({ name }) => `"${name}"`).join(" | ")}, ` +
        `got "gsm8"; did you mean "gsm8k"?`,
        `6:5 stages[0]: There is no stage "normalize"; did you mean "normalise"?`,
        `7:16 stages[1].quality.minchars: There is no key "minchars"; did you mean "minChars"?`,
        `7:40 stages[1].quality.language: Expected "english" | "any", got 5`,
        `9:15 stages[2].near-duplicates.dropAt: Expected a value between 0 and 1, got 1.5`,
        `10:25 stages[3].split.fractions: must sum to 1`,
        `11:5 stages[4]: Expected the name of a stage, or one name with its parameters: \`- quality: { minChars: 20 }\``,
        `13:21 limits.inFlight: Expected number, got "lots"`,
        `15:11 modes.demo.source: There is no key "source"; did you mean "sources"?`
      ])
    }))

  it.effect("prints one mistake a line, as file:line:column", () =>
    Effect.gen(function*() {
      const file = write("recipe: a\nversion: 1\nstages: []\nsources: 5\n")
      const error = yield* Effect.flip(loadRecipe(file, {}, registry))
      assert.strictEqual(
        error.message,
        `${file}:3:9 stages: Expected at least one stage, got []\n${file}:4:10 sources: Expected array, got 5`
      )
    }))

  it.effect("is told about missing keys and a missing source", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problems("version: 1\n"), [
        "1:1 recipe: This key is missing",
        "1:1 stages: This key is missing"
      ])
      assert.deepStrictEqual(yield* problems("recipe: a\nversion: 1\nstages: [normalise]\n"), [
        "1:1 sources: A run needs a source: name one here or give --source FILE"
      ])
    }))

  for (
    const [what, stages, expected] of [
      ["a stage after the split", "[split, normalise]", /"split" must be the last stage/],
      ["a stage that is there twice", "[normalise, quality, normalise]", /3:\d+ stages\[2\].normalise: .*twice/],
      [
        "an expand stage after a set stage",
        "[near-duplicates, extract]",
        /"extract" derives rows, so it must stand before/
      ],
      ["clusters of a later stage", "[{ split: {} }, near-duplicates]", /"near-duplicates" must stand before "split"/],
      ["clusters of a stage that is not there", "[{ split: { clusters: near } }]", /"near" must stand before "split"/]
    ] as const
  ) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function*() {
        const found = yield* problems(`recipe: a\nversion: 1\nstages: ${stages}\nsources: [a]\n`)
        assert.isTrue(found.some((line) => expected.test(line)), found.join("\n"))
      }))
  }

  it.effect("is refused for a benchmark file that is not there, wherever it was named", () =>
    Effect.gen(function*() {
      const text = `recipe: a\nversion: 1\nsources: [a]\nagainst: [data/bench.jsonl, gone.jsonl]\nstages: [normalise]\n`
      assert.deepStrictEqual(yield* problems(text), [`4:29 against[1]: There is no file ${join(folder, "gone.jsonl")}`])
      assert.deepStrictEqual(yield* problems(text, { against: ["gone.jsonl"] }), [
        `1:1 --against[0]: There is no file ${resolve("gone.jsonl")}`
      ])
    }))

  it.effect("is refused for a mode or a stage of the command line that it does not have", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problems(good, { mode: "dmeo" }), [
        `11:1 modes: There is no mode "dmeo"; did you mean "demo"?`
      ])
      assert.deepStrictEqual(yield* problems(good, { stages: ["quality", "extract"] }), [
        `6:1 stages: --stages: There is no stage "extract"; there is normalise, quality, near-duplicates, split`
      ])
    }))
})

describe("a recipe as untrusted text", () => {
  const wrap = (text: string) => `recipe: a\nversion: 1\nsources: [a]\nstages: [normalise]\n${text}`
  for (
    const [what, text, expected] of [
      ["a repeated key", wrap("version: 3\n"), /^5:1 version: This key is here twice/],
      ["a key that reaches the prototype", wrap("__proto__: { seed: 1 }\n"), /^5:1 .*__proto__/],
      ["such a key deep inside", wrap("modes: { demo: { __proto__: {} } }\n"), /^5:18 modes.demo.*__proto__/],
      ["a tag", wrap("seed: !!js/function 5\n"), /^5:7 .*Tags are not allowed/],
      ["a number without end", wrap("seed: .inf\n"), /^5:7 seed: Expected text, a finite number/],
      ["an alias of nothing", wrap("seed: *gone\n"), /^5:7 seed: The alias \*gone names nothing/],
      ["an alias inside itself", wrap("against: &a [*a]\n"), /^5:14 .*stands inside of what it names/],
      ["text that is no YAML", wrap("seed: [1, 2\n"), /^6:1 /],
      ["two documents", wrap("---\nrecipe: b\n"), /^5:1 /],
      ["values nested without end", wrap(`seed: ${"[".repeat(200)}${"]".repeat(200)}\n`), /Nested deeper than 32/],
      [
        "aliases that multiply",
        wrap(`description: &a [x, x]\nagainst: &b [${"*a, ".repeat(60)}]\noutputs: [*b, *b]\n`),
        /More than 100 aliases/
      ]
    ] as const
  ) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function*() {
        const found = yield* problems(text)
        assert.isTrue(found.some((line) => expected.test(line)), found.join("\n"))
      }))
  }

  it.effect("is read up to 1 MiB and as UTF-8 only", () =>
    Effect.gen(function*() {
      const large = yield* Effect.flip(load(`# ${"x".repeat(1_048_576)}`))
      assert.include(large.message, "at most 1048576")
      const file = write("")
      writeFileSync(file, Buffer.from([0x61, 0xff, 0xfe]))
      assert.include((yield* Effect.flip(loadRecipe(file, {}, registry))).message, "not UTF-8")
      assert.include(
        (yield* Effect.flip(loadRecipe(join(folder, "data") + "/.yaml", {}, registry))).message,
        "no such file"
      )
    }))
})

describe("a recipe by name", () => {
  it.effect("that nobody knows is answered with the places looked at and the nearest name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(loadRecipe("dataset-cpuu", {}, registry))
      assert.strictEqual(error._tag, "RecipeMissing")
      assert.include(error.message, "Did you mean dataset-cpu?")
      assert.include(error.message, resolve("recipes", "dataset-cpuu.yaml"))
    }))
})

describe("the recipe dataset-cpu", () => {
  const loaded = loadRecipe("dataset-cpu", { sources: [{ location: "a" }] }, stages)

  it.effect("loads with the stages that polya has, and shows every parameter with its default", () =>
    Effect.gen(function*() {
      const recipe = yield* loaded
      assert.deepStrictEqual(
        recipe.stages.map((stage) => stage.name).join(" "),
        "extract-problems normalise quality decontaminate leaks check-answers fill-answers classify difficulty " +
          "exact-duplicates near-duplicates split"
      )
      const text = readFileSync("recipes/dataset-cpu.yaml", "utf8")
      for (const { name, params } of recipe.stages) {
        assert.deepStrictEqual(params, Schema.decodeUnknownSync(stages.get(name)?.params ?? Schema.Never)({}), name)
        for (const key of Object.keys(params)) assert.include(text, `      ${key}:`, name)
      }
    }))

  it.effect("finds its demo's input beside itself", () =>
    Effect.gen(function*() {
      const recipe = yield* loadRecipe("dataset-cpu", { mode: "demo" }, stages)
      assert.deepStrictEqual(recipe.sources.map(({ location }) => location), [
        resolve("demo/problems.jsonl"),
        resolve("demo/forum.jsonl")
      ])
    }))

  it("is told in docs/recipes.md with every stage and preset there is", () => {
    const docs = readFileSync("docs/recipes.md", "utf8")
    for (const name of [...stages.keys(), ...presets.map((preset) => preset.name)]) assert.include(docs, `\`${name}\``)
  })
})
