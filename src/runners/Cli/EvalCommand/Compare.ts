// `polya eval --compare A B`: two folders of evaluations side by side, paired by problem.
import { Effect, Schema } from "effect"
import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import {
  type ComparedResult,
  compareResults,
  type Comparison,
  type PairedRates
} from "../../../domain/ModelEvaluation/Comparison.ts"
import { maxProblems } from "../../../domain/ModelEvaluation/Problems.ts"
import { ProblemResult } from "../../../domain/ModelEvaluation/Results.ts"
import { misused } from "../Failure.ts"
import { count, plural, printLine, table, visible } from "../Say.ts"
import { EvaluationSummary } from "./Outputs.ts"
import { percent, points } from "./Told.ts"

const Row = Schema.Struct({
  id: Schema.String,
  hash: Schema.String,
  domain: Schema.String,
  level: Schema.NullOr(Schema.String),
  grade: ProblemResult.fields.grade,
  passAt1: Schema.Finite
})
const decodeRow = Schema.decodeUnknownSync(Row)
/** All draws of the bootstrap follow from it. */
const seed = 1
const mostIds = 20

const read = (folder: string) =>
  Effect.tryPromise({
    try: async () => {
      const summary = Schema.decodeUnknownSync(EvaluationSummary)(
        JSON.parse(await readFile(join(folder, "summary.json"), "utf8"))
      )
      const rows: Array<ComparedResult> = []
      const lines = createInterface({ input: createReadStream(join(folder, "results.jsonl")), crlfDelay: Infinity })
      for await (const line of lines) {
        if (line.trim() === "") continue
        if (rows.length === maxProblems) throw new Error(`it has more than ${maxProblems} results`)
        rows.push(decodeRow(JSON.parse(line)))
      }
      return { summary, rows }
    },
    catch: (cause) =>
      misused(
        `${folder} is no folder of an evaluation: ${
          cause instanceof Error ? cause.message.split("\n")[0] : String(cause)
        }`,
        "Give two folders that `polya eval` has written.",
        "EvaluationUnreadable"
      )
  })

export const compareCommand = Effect.fn("Cli.compare")(function*(folders: ReadonlyArray<string>, json: boolean) {
  const [first, second] = folders
  if (first === undefined || second === undefined) {
    return yield* misused("Give two folders of evaluations: polya eval --compare A B")
  }
  const [a, b] = yield* Effect.all([read(first), read(second)])
  const comparison = compareResults(a.rows, b.rows, seed)
  if (comparison.overall === null) {
    return yield* misused(
      "The two evaluations have no problem in common that both have a grade for.",
      "Problems are matched by their ids and texts.",
      "NothingInCommon"
    )
  }
  const about = ({ accuracy, model, name, strategy }: EvaluationSummary) => ({ name, model, strategy, accuracy })
  if (json) {
    return yield* printLine({
      event: "comparison",
      first: { folder: first, ...about(a.summary) },
      second: { folder: second, ...about(b.summary) },
      ...comparison
    })
  }
  const lines = linesOf(a.summary, b.summary, comparison, comparison.overall)
  yield* Effect.sync(() => process.stdout.write(`${lines.join("\n")}\n`))
})

const named = ({ model, strategy }: EvaluationSummary): string => visible(`${model}, ${strategy}`)

const pairedText = ({ difference, first, interval, onlyFirst, onlySecond, p, problems, second }: PairedRates): string =>
  `${percent(first).padStart(7)} ${percent(second).padStart(7)}  ${points(difference).padStart(6)} points (${
    points(interval.low)
  } to ${points(interval.high)})  only first ${count(onlyFirst)}, only second ${count(onlySecond)}, p ${
    p < 0.0001 ? "< 0.0001" : p.toFixed(4)
  }, ${plural(problems, "problem")}`

const groups = (name: string, all: Readonly<Record<string, PairedRates>>): ReadonlyArray<readonly [string, string]> => {
  const known = Object.entries(all)
  return known.length < 2
    ? []
    : [[name, ""], ...known.map(([own, rates]) => [`  ${visible(own)}`, pairedText(rates)] as const)]
}

const ids = (all: ReadonlyArray<string>): string =>
  `${all.slice(0, mostIds).map(visible).join(" ")}${
    all.length > mostIds ? ` and ${count(all.length - mostIds)} more` : ""
  }`

const linesOf = (
  a: EvaluationSummary,
  b: EvaluationSummary,
  comparison: Comparison,
  overall: PairedRates
): ReadonlyArray<string> => {
  const { changed, onlyFirstRight, onlyInFirst, onlyInSecond, onlySecondRight, passAt1, withoutGrade } = comparison
  const { interval: { high, low } } = overall
  const verdict = low > 0 ? "the first is better" : high < 0 ? "the second is better" : "no difference is shown"
  const apart = [
    ...(onlyInFirst > 0 ? [`${plural(onlyInFirst, "problem")} only in the first`] : []),
    ...(onlyInSecond > 0 ? [`${plural(onlyInSecond, "problem")} only in the second`] : []),
    ...(changed > 0 ? [`${plural(changed, "problem")} with another text under the same id`] : []),
    ...(withoutGrade > 0 ? [`${plural(withoutGrade, "problem")} without a grade in one of them`] : [])
  ]
  return [
    `first: ${named(a)}; second: ${named(b)}: ${verdict}`,
    ...table([
      ["accuracy", pairedText(overall)],
      ...groups("by domain", comparison.byDomain),
      ...groups("by level", comparison.byLevel),
      ...(passAt1 === null
        ? []
        : [
          [
            "mean pass@1",
            `${percent(passAt1.first).padStart(7)} ${percent(passAt1.second).padStart(7)}  ${
              points(passAt1.difference).padStart(6)
            } (${points(passAt1.interval.low)} to ${points(passAt1.interval.high)})`
          ] as const
        ]),
      ...(onlyFirstRight.length === 0 ? [] : [["only first right", ids(onlyFirstRight)] as const]),
      ...(onlySecondRight.length === 0 ? [] : [["only second right", ids(onlySecondRight)] as const]),
      ...(apart.length === 0 ? [] : [["not compared", apart.join(", ")] as const])
    ]).map((line) => line.trimEnd())
  ]
}
