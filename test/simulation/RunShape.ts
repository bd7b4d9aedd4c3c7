// The dataset runs of a world: rows, stages of every kind, one of which fails in passing, and where their output goes.
import { Effect, Layer, Stream } from "effect"
import { StageRegistry } from "../../src/actors/Plans.ts"
import { RunOutput } from "../../src/actors/RunOutput.ts"
import { Sources } from "../../src/actors/Sources.ts"
import { StageExecutor } from "../../src/actors/StageExecutor.ts"
import type { Recipe } from "../../src/domain/Recipe.ts"
import { dropped, failed, type Fields, kept, type Stage } from "../../src/domain/Stage.ts"
import { stages as registry } from "../../src/domain/stages/Registry.ts"
import { halves, itemsOf, mapStage, recipeOf } from "../actors/Fixture.ts"

export interface RunShape {
  readonly name: string
  readonly rows: ReadonlyArray<Fields | null>
  readonly recipe: Recipe
}

const upper = mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() }))
const noSeven = mapStage("no-seven", ({ problem }) => String(problem).endsWith("7") ? dropped("seven") : kept())
const breaks = mapStage("breaks", ({ problem }) => String(problem).includes("BAD") ? failed("Broken", "bad") : kept())
/** Fails in passing the first time that it sees every fifth text. */
const flaky = (): Stage => {
  const seen = new Set<string>()
  return mapStage("flaky", ({ problem }) => {
    const text = String(problem)
    if (text.length % 5 !== 0 || seen.has(text)) return kept({ flaky: text.length })
    seen.add(text)
    return failed("Busy", "in passing", "transient")
  })
}
const setStage = (name: string): Stage => {
  const stage = registry.get(name)
  if (stage === undefined) throw new Error(`there is no stage ${name}`)
  return stage
}

const rowsOf = (count: number): ReadonlyArray<Fields | null> =>
  Array.from({ length: count }, (_, i) => {
    if (i % 13 === 9) return null
    if (i % 11 === 5) return { problem: `What is ${i}? + What is bad ${i}? + What is 1? + What is ${i}7` }
    return { problem: `How many sheep are ${i % 17} and ${(i % 17) ** 2}?` }
  })

const recipe = (stages: ReadonlyArray<string>) => recipeOf(stages, { batchRows: 4, inFlight: 12, attempts: 3 })

export const shapes: ReadonlyArray<RunShape> = [
  {
    name: "sets",
    rows: rowsOf(28),
    recipe: recipe(["halves", "upper", "exact-duplicates", "no-seven", "breaks", "split"])
  },
  { name: "flaky", rows: rowsOf(24), recipe: recipe(["flaky", "breaks", "near-duplicates", "upper", "split"]) },
  { name: "walk", rows: rowsOf(36), recipe: recipe(["upper", "halves", "no-seven", "flaky"]) }
]

/** The outputs that anybody committed, as texts. */
export type Outputs = Array<string>

/** The ports of one world's runners: every runner sees the same sources and writes to the same folder. */
export const portsOf = (shape: RunShape, outputs: Outputs) => {
  const stages = [
    upper,
    noSeven,
    breaks,
    halves,
    flaky(),
    ...["exact-duplicates", "near-duplicates", "split"].map(setStage)
  ]
  return Layer.mergeAll(
    StageExecutor.layerInline,
    Layer.succeed(StageRegistry, new Map(stages.map((stage) => [stage.name, stage]))),
    Layer.succeed(Sources, {
      open: () =>
        Effect.succeed({
          fingerprint: "f",
          bytes: null,
          rows: (from) =>
            Stream.fromIterable(itemsOf(shape.rows).slice(from.rows)).pipe(
              Stream.rechunk(4),
              Stream.tap(() => Effect.sleep(2))
            )
        }),
      benchmarks: () => Effect.succeed([])
    }),
    Layer.succeed(RunOutput, {
      open: () =>
        Effect.sync(() => {
          const lines: Array<string> = []
          return {
            write: (rows) => Effect.sync(() => void lines.push(...rows.map((row) => JSON.stringify(row)))),
            commit: Effect.sync(() => {
              outputs.push(lines.join("\n"))
              return []
            })
          }
        })
    })
  )
}
