// Statistics of the field: every op of the file, by its words.
import {
  effectiveSampleSize,
  passAtK,
  twoRunMoments,
  twoRunScore,
  wilsonInterval
} from "../../src/domain/Statistics.ts"
import { majorityBinomial } from "../../src/domain/Statistics/MajorityAtK.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly op: string
  readonly n: number
  readonly correct: number
  readonly k: number
  readonly p: number
  readonly rho: number
  readonly run1: ReadonlyArray<number>
  readonly run2: ReadonlyArray<number>
  readonly expected: unknown
}

const value = (expected: unknown): number =>
  typeof expected === "object" && expected !== null && "f64" in expected ? Number(expected.f64) : Number(expected)

const computed = (row: Row): Readonly<Record<string, number>> | number => {
  const { correct, k, n, op, p, rho } = row
  if (op.startsWith("unbiased pass@k")) return passAtK(n, correct, k)
  const scaled = /^(?:([\d.]+)\*)?P\(Bin\(N,p\) >= ceil\(N\/2\)\)$/.exec(op)
  if (scaled !== null) return Number(scaled[1] ?? 1) * majorityBinomial(n, p)
  if (op.startsWith("N/(1+(N-1)*rho)")) return effectiveSampleSize(n, rho)
  const wilson = /^Wilson .*z=([\d.]+)$/.exec(op)
  if (wilson !== null) {
    const { high, low } = wilsonInterval(k, n, Number(wilson[1]))
    return { low, high }
  }
  if (op.startsWith("sum over problems of 1/0.5/0")) return twoRunScore(row.run1, row.run2)
  if (op.startsWith("expected score and variance per problem of two independent runs")) {
    const { mean, varianceIdentical, varianceIndependent } = twoRunMoments([p])
    return { mean, var_independent: varianceIndependent, var_identical: varianceIdentical }
  }
  throw new Error(`unknown op ${op}`)
}

conformance<Row>("statistics", "every figure is exact to 1e-12", {
  check: (row) => {
    const got = computed(row)
    const pairs = typeof got === "number"
      ? [["value", value(row.expected), got] as const]
      : Object.entries(row.expected as object).map(([key, expected]) => [key, value(expected), got[key]] as const)
    for (const [key, expected, mine] of pairs) {
      if (mine === undefined || !(Math.abs(mine - expected) <= 1e-12)) return `${key}: ${mine}, expected ${expected}`
    }
    return null
  }
})
