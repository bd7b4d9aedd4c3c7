// Metrics of evaluations as NeMo-Skills counts them: votes keyed by answer and score.
import { evaluate, type EvaluationOptions } from "../../src/domain/Evaluation.ts"
import { type MetricsType, type Prediction, scored } from "../../src/domain/Evaluation/Prediction.ts"
import { conformance } from "./Conformance.ts"

type Table = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
interface Row {
  readonly benchmark: string
  readonly metrics_type: string
  readonly predictions_by_problem: ReadonlyArray<ReadonlyArray<Prediction>>
  readonly expected: Table
  readonly [key: string]: unknown
}

const types: ReadonlyArray<readonly [prefix: string, type: MetricsType]> = [
  ["math", "math"],
  ["multichoice", "multichoice"],
  ["mcq", "multichoice"],
  ["answer-judgement", "answer-judgement"],
  ["lean4", "lean4"]
]

/** Relative to what NeMo-Skills summed in another order. */
const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b))

const compare = (path: string, expected: unknown, mine: unknown): string | null => {
  if (typeof expected === "number") {
    return typeof mine === "number" && close(mine, expected) ? null : `${path}: ${String(mine)}, expected ${expected}`
  }
  if (typeof expected !== "object" || expected === null || typeof mine !== "object" || mine === null) {
    return `${path}: ${JSON.stringify(mine)}, expected ${JSON.stringify(expected)}`
  }
  const other = new Map(Object.entries(mine))
  for (const [key, value] of Object.entries(expected)) {
    const failure = compare(`${path}/${key}`, value, other.get(key))
    if (failure !== null) return failure
  }
  return null
}

/**
 * The expected table with `no_answer` of pass@k and pass@1[avg-of-k] set right: NeMo-Skills adds it once for each way of scoring, so with
 * two of them it doubles, beyond 100 % where nobody answered. Ours counts it once.
 */
const withoutRepeats = (table: Table, ways: number): Table =>
  Object.fromEntries(
    Object.entries(table).map(([subset, aggregations]) => [
      subset,
      Object.fromEntries(
        Object.entries(aggregations).map(([name, metrics]) => [
          name,
          name.startsWith("pass@") && typeof metrics["no_answer"] === "number"
            ? { ...metrics, no_answer: metrics["no_answer"] / Math.max(1, ways) }
            : metrics
        ])
      )
    ])
  )

conformance<Row>("metrics_cases", "every figure of every aggregation and subset holds", {
  check: (row) => {
    const type = types.find(([prefix]) => row.metrics_type.startsWith(prefix))?.[1]
    if (type === undefined) throw new Error(`unknown metrics type ${row.metrics_type}`)
    const [first] = row.predictions_by_problem[0] ?? []
    const ways = first === undefined ? 0 : Object.keys(scored(type, first).scores).length
    for (const [key, table] of Object.entries(row)) {
      const limit = /^expected(?:_max_seq_len_(\d+))?$/.exec(key)
      if (limit === null) continue
      const options: EvaluationOptions = {
        type,
        votes: "answer_and_score",
        ...(limit[1] === undefined ? {} : { maximumTokens: Number(limit[1]) })
      }
      const evaluation = evaluate(row.predictions_by_problem, options)
      if (evaluation._tag !== "Evaluated") return evaluation._tag
      // A file names the whole by its benchmark and a subset by "benchmark-subset", or in the words of the evaluation.
      const subsets = new Map(Object.entries(evaluation.subsets))
      for (const [name, expected] of Object.entries(withoutRepeats(table as Table, ways))) {
        const subset = name === row.benchmark ? "_all_" : name.replace(`${row.benchmark}-`, "")
        const failure = compare(`${key}/${name}`, expected, subsets.get(subset))
        if (failure !== null) return failure
      }
      for (const aggregations of subsets.values()) {
        for (const metrics of Object.values(aggregations)) {
          if (Number(metrics["no_answer"] ?? 0) > 100) return "no_answer above 100 %"
        }
      }
    }
    return null
  }
})
