// How much a score varies between runs (attempt i of every problem is run i) and between the attempts at one problem. Fed one
// problem at a time; memory grows with the square of the attempts only.
import { CompensatedSum } from "../CompensatedSum.ts"
import { finite, whole } from "./Range.ts"

/** In the unit of the scores. Standard deviations have the divisor n - 1. */
export interface Spread {
  readonly mean: number
  /** Of the means of the runs. */
  readonly acrossRuns: number
  /** Of the attempts at one problem, averaged over problems. */
  readonly withinProblem: number
  /** `acrossRuns` / sqrt(k): the error of `mean` as far as sampling goes; it does not know that problems are a sample too. */
  readonly standardError: number
}

/** Standard deviation of `values_N` with divisor N - 1; 0 for fewer than two. Two passes. */
export const standardDeviation = (values_N: ReadonlyArray<number>): number => {
  if (values_N.length < 2) return 0
  const sum = new CompensatedSum()
  for (const value of values_N) sum.add(value)
  const mean = sum.total / values_N.length
  const squares = new CompensatedSum()
  for (const value of values_N) squares.add((value - mean) ** 2)
  return Math.sqrt(squares.total / (values_N.length - 1))
}

export class RunStatistics {
  readonly #attempts: number
  readonly #runSums: ReadonlyArray<CompensatedSum>
  readonly #deviationSums: ReadonlyArray<CompensatedSum>
  #problems = 0

  /** attempts: scores per problem, 1..4096. */
  constructor(attempts: number) {
    this.#attempts = whole("attempts", attempts, 1, 4096)
    this.#runSums = Array.from({ length: attempts }, () => new CompensatedSum())
    this.#deviationSums = Array.from({ length: attempts + 1 }, () => new CompensatedSum())
  }

  /** One problem's scores, in the order of the runs; as many as there are attempts, all finite, RangeError otherwise. */
  add(scores_K: ReadonlyArray<number>): void {
    whole("scores of a problem", scores_K.length, this.#attempts, this.#attempts)
    for (const score of scores_K) finite("score", score)
    // Welford's update: the deviation of the first k attempts for every k in one pass.
    let mean = 0
    let squares = 0
    for (const [i, score] of scores_K.entries()) {
      this.#runSums[i]?.add(score)
      const off = score - mean
      mean += off / (i + 1)
      squares += off * (score - mean)
      if (i > 0) this.#deviationSums[i + 1]?.add(Math.sqrt(Math.max(0, squares) / i))
    }
    this.#problems++
  }

  /** Over the first k runs, k in 2..attempts. Null before the first problem. */
  at(k: number): Spread | null {
    whole("k", k, 2, this.#attempts)
    if (this.#problems === 0) return null
    const means = this.#runSums.slice(0, k).map((sum) => sum.total / this.#problems)
    const all = new CompensatedSum()
    for (const mean of means) all.add(mean)
    const acrossRuns = standardDeviation(means)
    return {
      mean: all.total / k,
      acrossRuns,
      withinProblem: (this.#deviationSums[k]?.total ?? 0) / this.#problems,
      standardError: acrossRuns / Math.sqrt(k)
    }
  }
}
