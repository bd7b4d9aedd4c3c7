// Two evaluations of the same problems side by side, paired by problem: which is better, by how much, how sure that is, and where. A problem
// counts if both have a grade for it and its text is the same in both.
import type { Interval } from "../Statistics.ts"
import { bootstrapDraws, mcNemarExact, pairedBootstrap, pairedDifference } from "../Statistics/PairedTests.ts"
import type { Grade } from "./Results.ts"

/** A problem's result as a comparison looks at it. */
export interface ComparedResult {
  readonly id: string
  readonly hash: string
  readonly domain: string
  readonly level: string | null
  readonly grade: Grade
  /** Share of its samples that are right. */
  readonly passAt1: number
}

/** Means over the problems, first minus second. Only problems that just one has right decide the p-value (McNemar's exact test). */
export interface PairedRates {
  readonly problems: number
  readonly first: number
  readonly second: number
  readonly difference: number
  /** 95 % of the paired bootstrap. */
  readonly interval: Interval
  readonly onlyFirst: number
  readonly onlySecond: number
  readonly p: number
}

export interface Comparison {
  readonly overall: PairedRates | null
  readonly byDomain: Readonly<Record<string, PairedRates>>
  readonly byLevel: Readonly<Record<string, PairedRates>>
  /** The mean share of right samples, with the normal 95 % interval of its difference; null for fewer than two problems. */
  readonly passAt1:
    | { readonly first: number; readonly second: number; readonly difference: number; readonly interval: Interval }
    | null
  /** Ids of problems that only one has right, in order of the first evaluation. */
  readonly onlyFirstRight: ReadonlyArray<string>
  readonly onlySecondRight: ReadonlyArray<string>
  /** Problems that could not be paired: in one set only, of another text under the same id, or without a grade in one of them. */
  readonly onlyInFirst: number
  readonly onlyInSecond: number
  readonly changed: number
  readonly withoutGrade: number
}

interface Pair {
  readonly id: string
  readonly domain: string
  readonly level: string | null
  readonly first: number
  readonly second: number
}

const resamplesMaximum = 10_000
const maxGroups = 100

export const compareResults = (
  first: ReadonlyArray<ComparedResult>,
  second: ReadonlyArray<ComparedResult>,
  seed: number
): Comparison => {
  const others = new Map(second.map((one) => [one.id, one]))
  const pairs: Array<Pair> = []
  const passes: Array<readonly [number, number]> = []
  let [onlyInFirst, changed, withoutGrade, met] = [0, 0, 0, 0]
  for (const one of first) {
    const other = others.get(one.id)
    if (other === undefined) {
      onlyInFirst++
      continue
    }
    met++
    if (other.hash !== one.hash) changed++
    else if (!isGraded(one) || !isGraded(other)) withoutGrade++
    else {
      const { domain, id, level } = one
      pairs.push({ id, domain, level, first: Number(one.grade === "right"), second: Number(other.grade === "right") })
      passes.push([one.passAt1, other.passAt1])
    }
  }
  const difference = pairedDifference(passes.map(([a]) => a), passes.map(([, b]) => b))
  return {
    overall: ratesOf(pairs, seed),
    byDomain: grouped(pairs, ({ domain }) => domain, seed),
    byLevel: grouped(pairs, ({ level }) => level, seed),
    passAt1: difference === null ? null : {
      first: mean(passes.map(([a]) => a)),
      second: mean(passes.map(([, b]) => b)),
      difference: difference.mean,
      interval: { low: difference.low, high: difference.high }
    },
    onlyFirstRight: pairs.filter(({ first, second }) => first > second).map(({ id }) => id),
    onlySecondRight: pairs.filter(({ first, second }) => second > first).map(({ id }) => id),
    onlyInFirst,
    onlyInSecond: second.length - met,
    changed,
    withoutGrade
  }
}

const isGraded = ({ grade }: ComparedResult): boolean => grade !== "failed" && grade !== "ungraded"
const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length

const ratesOf = (pairs: ReadonlyArray<Pair>, seed: number): PairedRates | null => {
  const [first, second] = [pairs.map(({ first }) => first), pairs.map(({ second }) => second)]
  const resamples = Math.min(resamplesMaximum, Math.floor(bootstrapDraws / 10 / Math.max(1, pairs.length)))
  const bootstrap = pairedBootstrap(first, second, { seed, resamples: Math.max(100, resamples) })
  if (bootstrap === null) return null
  const onlyFirst = pairs.filter(({ first, second }) => first > second).length
  const onlySecond = pairs.filter(({ first, second }) => second > first).length
  return {
    problems: pairs.length,
    first: mean(first),
    second: mean(second),
    difference: bootstrap.mean,
    interval: { low: bootstrap.low, high: bootstrap.high },
    onlyFirst,
    onlySecond,
    p: mcNemarExact(onlyFirst, onlySecond)
  }
}

const grouped = (
  pairs: ReadonlyArray<Pair>,
  nameOf: (pair: Pair) => string | null,
  seed: number
): Readonly<Record<string, PairedRates>> => {
  const groups = new Map<string, Array<Pair>>()
  for (const pair of pairs) {
    const name = nameOf(pair)
    if (name === null) continue
    const known = groups.has(name) || groups.size < maxGroups ? name : "other"
    const own = groups.get(known)
    if (own === undefined) groups.set(known, [pair])
    else own.push(pair)
  }
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, own]) => {
      const rates = ratesOf(own, seed)
      return rates === null ? [] : [[name, rates]]
    })
  )
}
