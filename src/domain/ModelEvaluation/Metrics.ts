// What an evaluation says of a model: accuracy of the vote with its interval, by domain and level, and how pass@k and majority@k grow with the
// samples. Fed one result at a time; memory grows with the number of different vote counts, which is bounded, not with the problems.
import { Schema } from "effect"
import { CompensatedSum } from "../CompensatedSum.ts"
import { passAtK, wilsonInterval } from "../Statistics.ts"
import { majorityAtK } from "../Statistics/MajorityAtK.ts"
import { hashWords, mix } from "../text/Hash.ts"
import { addTallies, emptyResultTally, endedOf, type ProblemResult, ResultTally, tallyOf } from "./Results.ts"

/** Right of how many that could be graded, as a share with Wilson's 95 % interval. */
export const Rate = Schema.Struct({
  right: Schema.Int,
  of: Schema.Int,
  share: Schema.Finite,
  low: Schema.Finite,
  high: Schema.Finite
})
export type Rate = typeof Rate.Type

export const CurvePoint = Schema.Struct({
  k: Schema.Int,
  /** Unbiased pass@k, 0..1. */
  pass: Schema.Finite,
  /** What a majority over k of the samples scores, tied answers sharing the credit, 0..1. */
  majority: Schema.Finite,
  /** Whether `majority` is exact for every problem; else some are means over seeded draws of subsets. */
  exact: Schema.Boolean
})

export const EvaluationMetrics = Schema.Struct({
  tally: ResultTally,
  accuracy: Rate,
  byDomain: Schema.Record(Schema.String, Rate),
  /** Empty where no problem has a level. */
  byLevel: Schema.Record(Schema.String, Rate),
  /** Mean over problems of the share of right samples; null: no problem has samples. */
  meanPassAt1: Schema.NullOr(Schema.Finite),
  /** For k = 1, 2, 4, ... and all; null where samples stop early: then their number depends on what they say. */
  curves: Schema.NullOr(Schema.Array(CurvePoint))
})
export type EvaluationMetrics = typeof EvaluationMetrics.Type

/** Domains and levels that are told apart; those beyond count as "other". */
const maxGroups = 100
/** Steps of one exact majority@k; above, subsets are drawn. About ten nanoseconds each. */
const exactSteps = 3_000_000
export const drawnSubsets = 1_000
const maxMemory = 50_000

export const rateOf = (right: number, of: number): Rate => ({
  right,
  of,
  share: of === 0 ? 0 : right / of,
  ...wilsonInterval(right, of)
})

/** 1, 2, 4, ... below `samples`, and `samples`. */
export const curveSizes = (samples: number): ReadonlyArray<number> => {
  const sizes: Array<number> = []
  for (let k = 1; k < samples; k *= 2) sizes.push(k)
  return [...sizes, samples]
}

/** Credit of the majority over k of the samples: exactly, or over `drawnSubsets` seeded draws where that takes too many steps. */
export const majorityCredit = (
  votes: ReadonlyArray<number>,
  right: number,
  k: number,
  samples: number
): { readonly credit: number; readonly exact: boolean } => {
  const answered = votes.reduce((a, b) => a + b, 0)
  const nulls = samples - answered
  if (right < 0) return { credit: 0, exact: true }
  if (votes.length === 1) return { credit: passAtK(samples, answered, k), exact: true }
  if (k === samples) {
    const top = Math.max(...votes)
    const tied = votes.filter((own) => own === top).length
    return { credit: votes[right] === top ? 1 / tied : 0, exact: true }
  }
  if (votes.length * k ** 3 <= exactSteps) return { credit: majorityAtK(votes, right, k, nulls) ?? 0, exact: true }
  const pool = new Int32Array(samples).fill(-1)
  let at = 0
  for (const [group, own] of votes.entries()) {
    pool.fill(group, at, at + own)
    at += own
  }
  let state = hashWords([...votes, right, k, samples], 0, votes.length + 3) | 0
  let credit = 0
  for (let draw = 0; draw < drawnSubsets; draw++) {
    const counts = new Int32Array(votes.length)
    for (let i = 0; i < k; i++) {
      state = (state + 0x9e3779b9) | 0
      const j = i + Math.floor((mix(state) / 0x1_0000_0000) * (samples - i))
      const group = pool[j] as number
      pool[j] = pool[i] as number
      pool[i] = group
      if (group >= 0) counts[group] = (counts[group] as number) + 1
    }
    const own = counts[right] as number
    let tied = 0
    for (const count of counts) {
      if (count > own) {
        tied = 0
        break
      }
      if (count === own) tied++
    }
    if (own > 0 && tied > 0) credit += 1 / tied
  }
  return { credit: credit / drawnSubsets, exact: false }
}

interface Group {
  right: number
  of: number
}

export class MetricsBuilder {
  readonly #samples: number | null
  #tally: ResultTally = emptyResultTally
  readonly #domains = new Map<string, Group>()
  readonly #levels = new Map<string, Group>()
  readonly #meanPass = new CompensatedSum()
  #graded = 0
  readonly #curve: ReadonlyArray<
    { readonly k: number; readonly pass: CompensatedSum; readonly majority: CompensatedSum; exact: boolean }
  >
  readonly #known = new Map<string, { readonly credit: number; readonly exact: boolean }>()

  /** samples: of each problem, where all are awaited; null: they stop early. */
  constructor(samples: number | null) {
    this.#samples = samples
    this.#curve = samples === null
      ? []
      : curveSizes(samples).map((k) => ({
        k,
        pass: new CompensatedSum(),
        majority: new CompensatedSum(),
        exact: true
      }))
  }

  add(result: ProblemResult): void {
    const tally = tallyOf(result)
    this.#tally = addTallies(this.#tally, tally)
    // What failed for an error, or has no reference answer, says nothing of the model.
    if (result.grade === "failed" || result.grade === "ungraded") return
    const right = result.grade === "right"
    count(this.#domains, result.domain, right)
    if (result.level !== null) count(this.#levels, result.level, right)
    this.#graded++
    const ended = tally.samplesBegun - tally.samplesCancelled
    const samples = this.#samples
    // A sample that did not come within the problem's budget has no answer.
    this.#meanPass.add(tally.samplesRight / Math.max(1, samples ?? ended))
    if (samples === null) return
    for (const point of this.#curve) {
      point.pass.add(passAtK(samples, Math.min(samples, tally.samplesRight), point.k))
      const { credit, exact } = this.#creditOf(result, point.k, samples)
      point.majority.add(credit)
      point.exact &&= exact
    }
  }

  #creditOf({ rightClass, votes }: ProblemResult, k: number, samples: number) {
    const key = `${k}:${rightClass}:${votes.join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const credit = majorityCredit(votes, rightClass, k, samples)
    if (this.#known.size < maxMemory) this.#known.set(key, credit)
    return credit
  }

  get metrics(): EvaluationMetrics {
    const { failed, right, ungraded } = this.#tally
    const graded = this.#graded
    return {
      tally: this.#tally,
      accuracy: rateOf(right, endedOf(this.#tally) - failed - ungraded),
      byDomain: ratesOf(this.#domains),
      byLevel: ratesOf(this.#levels),
      meanPassAt1: graded === 0 ? null : this.#meanPass.total / graded,
      curves: this.#samples === null || graded === 0
        ? null
        : this.#curve.map(({ exact, k, majority, pass }) => ({
          k,
          pass: pass.total / graded,
          majority: majority.total / graded,
          exact
        }))
    }
  }
}

const count = (groups: Map<string, Group>, name: string, right: boolean): void => {
  const known = groups.has(name) || groups.size < maxGroups ? name : "other"
  const group = groups.get(known) ?? { right: 0, of: 0 }
  groups.set(known, group)
  group.of++
  if (right) group.right++
}

const ratesOf = (groups: ReadonlyMap<string, Group>): Readonly<Record<string, Rate>> =>
  Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { of, right }]) => [name, rateOf(right, of)])
  )
