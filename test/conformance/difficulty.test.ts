// The published difficulty score, the lowest level solved and the quintiles against their cases.
import { publishedDifficulty, quintileCuts, quintileOf, solvedLevel } from "../../src/domain/Difficulty.ts"
import type { Json } from "../../src/domain/Json.ts"
import { conformance } from "./Conformance.ts"

interface Precise {
  readonly f64: number
}
interface Row {
  readonly op: string
  readonly bucket_level?: number | null
  readonly from_text?: Json
  readonly from_solution?: Json
  readonly computation_buckets?: Json
  readonly scores?: ReadonlyArray<number>
  readonly expected: unknown
}

const valueOf = (expected: unknown): number =>
  typeof expected === "number" ? expected : (expected as Precise | null)?.f64 ?? NaN
const near = (found: number, expected: unknown): string | null =>
  Math.abs(found - valueOf(expected)) <= 1e-12 ? null : `found ${found}, expected ${JSON.stringify(expected)}`

const quintiles = (scores: ReadonlyArray<number>, expected: unknown): string | null => {
  const { levels, thresholds } = (expected ?? { thresholds: [], levels: [] }) as {
    readonly thresholds: ReadonlyArray<unknown>
    readonly levels: ReadonlyArray<number>
  }
  const cuts = quintileCuts(scores)
  if (cuts === null) return scores.length === 0 && thresholds.length === 0 ? null : "no cuts"
  for (const [i, threshold] of thresholds.entries()) {
    const wrong = near(cuts[i] ?? NaN, threshold)
    if (wrong !== null) return wrong
  }
  const found = scores.map((score) => quintileOf(score, cuts))
  return JSON.stringify(found) === JSON.stringify(levels) ? null : `found ${found.join(",")}`
}

conformance<Row>("difficulty", "score, solved level and quintiles are as published", {
  check: (row) => {
    if (row.op === "mixed_difficulty") {
      return near(publishedDifficulty(row.bucket_level ?? null, row.from_text, row.from_solution), row.expected)
    }
    if (row.op.startsWith("lowest level with passes")) {
      const found = solvedLevel(row.computation_buckets)
      return found === row.expected ? null : `found ${found}, expected ${JSON.stringify(row.expected)}`
    }
    if (row.op.startsWith("quintile thresholds")) return quintiles(row.scores ?? [], row.expected)
    return `unknown op ${row.op}`
  },
  skip: ({ op }) => /observed|anchor run/.test(op) ? "published counts of a run, no input" : null
})
