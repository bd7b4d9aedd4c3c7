// The spread of scores across runs, and the split of tokens.
import { tokensOf } from "../../src/domain/Evaluation/Prediction.ts"
import type { Prediction } from "../../src/domain/Evaluation/Prediction.ts"
import { RunStatistics } from "../../src/domain/Statistics/RunStatistics.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly kind: string
  readonly max_k: number
  readonly scores: ReadonlyArray<ReadonlyArray<number>>
  readonly predictions: ReadonlyArray<Prediction>
  readonly expected: Readonly<Record<string, unknown>>
}

const close = (a: unknown, b: unknown): boolean => Math.abs(Number(a) - Number(b)) <= 1e-12

const checkSpread = (row: Row): string | null => {
  const statistics = new RunStatistics(row.max_k)
  for (const scores of row.scores) statistics.add(scores)
  for (const [name, metrics] of Object.entries(row.expected)) {
    const k = Number(/^pass@1\[avg-of-(\d+)\]$/.exec(name)?.[1])
    const spread = statistics.at(k)
    const mine = new Map(Object.entries({
      avg: spread?.mean,
      std_dev_across_runs: spread?.acrossRuns,
      avg_sample_std_dev: spread?.withinProblem,
      std_err_across_runs: spread?.standardError
    }))
    for (const [metric, figures] of Object.entries(Object(metrics))) {
      if (!metric.endsWith("_statistics")) return `nothing is known of ${metric}`
      for (const [figure, expected] of Object.entries(Object(figures))) {
        if (!close(mine.get(figure), expected)) return `${name}/${figure}: ${mine.get(figure)}, expected ${expected}`
      }
    }
  }
  return null
}

const checkTokens = (row: Row): string | null => {
  const tokens = row.predictions.map(tokensOf)
  const mine = new Map([
    ["reasoning_tokens", [tokens.map(({ reasoning }) => reasoning)]],
    ["answer_tokens", [tokens.map(({ answer }) => answer)]]
  ])
  for (const [name, expected] of Object.entries(row.expected)) {
    if (JSON.stringify(mine.get(name)) !== JSON.stringify(expected)) return `${name}: ${JSON.stringify(mine.get(name))}`
  }
  return null
}

conformance<Row>("run_statistics_cases", "spreads and token counts are those of the cases", {
  check: (row) => {
    if (row.kind === "run_statistics") return checkSpread(row)
    if (row.kind === "token_split") return checkTokens(row)
    throw new Error(`unknown kind ${row.kind}`)
  }
})
