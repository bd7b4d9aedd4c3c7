// How hard a problem is, from the lowest rung of a ladder of models that solved it and from what is known of its structure:
// the published score of the aimo3-dataset-pipeline, and one of ours in which what nobody solved comes last. Rows are
// untrusted: whatever does not have the expected form counts as not known. Levels 1 to 5 by quintiles of a score.
import { isJsonObject, type Json } from "./Json.ts"
import { quantile } from "./Statistics/Quantile.ts"
import { allFinite, finite as within } from "./Statistics/Range.ts"

/** Entries of a list, or rungs of a ladder, that are looked at. */
const entryLimit = 1_000

const member = (value: Json | undefined, key: string): Json | undefined => isJsonObject(value) ? value[key] : undefined
const entries = (value: Json | undefined): number => (Array.isArray(value) ? Math.min(value.length, entryLimit) : 0)
const finite = (value: Json | undefined): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null

/** A count as models write it: 2, "2"; anything else, such as "null", is 0. At most `most`. */
const count = (value: Json | undefined, most: number): number => {
  const number = typeof value === "string" && /^\s{0,8}\d{1,9}\s{0,8}$/.test(value) ? Number(value) : finite(value) ?? 0
  return Math.min(most, Math.max(0, Math.trunc(number)))
}

/** What Python calls true: the published formula takes the text "false" for true, too. */
const isTruthy = (value: Json | undefined): boolean =>
  Array.isArray(value) ? value.length > 0 : isJsonObject(value) ? Object.keys(value).length > 0 : Boolean(value)

const pointsOf = (value: Json | undefined, points: Readonly<Record<string, number>>): number =>
  typeof value === "string" && Object.hasOwn(points, value) ? points[value] ?? 0 : 0

const depthPoints = { shallow: -0.15, medium: 0, deep: 0.3 }
const casePoints = { binary: 0.15, multi: 0.3 }
const invariantPoints = { implicit: 0.15, explicit: 0.3 }
/**
 * What the structure of a problem adds to its difficulty; -0.15 to about 450. `fromText`: mechanisms (0.30 each),
 * constraints and objects (0.10 and 0.05 for each after the first). `fromSolution`: reasoning_depth (shallow -0.15, deep 0.30), case_split (binary
 * 0.15, multi 0.30), reasoning_shape branching 0.20, technique_transitions (0.10 each, at most 3), invariant (implicit 0.15, explicit 0.30),
 * reasoning_scope global 0.15, dead_end_pruning 0.10, intermediate_reuse multiple 0.10. What is missing or odd adds nothing.
 */
export const structurePoints = (fromText: Json | undefined, fromSolution: Json | undefined): number => {
  const of = (key: string) => member(fromSolution, key)
  return 0.3 * entries(member(fromText, "mechanisms")) +
    0.1 * Math.max(0, entries(member(fromText, "constraints")) - 1) +
    0.05 * Math.max(0, entries(member(fromText, "objects")) - 1) +
    pointsOf(of("reasoning_depth"), depthPoints) +
    pointsOf(of("case_split"), casePoints) +
    (of("reasoning_shape") === "branching" ? 0.2 : 0) +
    0.1 * count(of("technique_transitions"), 3) +
    pointsOf(of("invariant"), invariantPoints) +
    (of("reasoning_scope") === "global" ? 0.15 : 0) +
    (isTruthy(of("dead_end_pruning")) ? 0.1 : 0) +
    (of("intermediate_reuse") === "multiple" ? 0.1 : 0)
}

/** The lowest `level` of the entries `{ level, passes }` with at least one pass; null when there is none. */
export const solvedLevel = (buckets: Json | undefined): number | null => {
  let lowest: number | null = null
  for (const bucket of Array.isArray(buckets) ? buckets.slice(0, entryLimit) : []) {
    const level = finite(member(bucket, "level"))
    if (level === null || (finite(member(bucket, "passes")) ?? 0) < 1) continue
    if (lowest === null || level < lowest) lowest = level
  }
  return lowest
}

/**
 * Whether the entries `{ level, passes, attempts }` tell of a try on any level: a pass, or no pass in at least one of `attempts`.
 * Without `attempts` an entry with `passes` stands for a try. Entries without a level say nothing.
 */
export const isLadderTried = (buckets: Json | undefined): boolean =>
  Array.isArray(buckets) && buckets.slice(0, entryLimit).some((bucket: Json) => {
    if (finite(member(bucket, "level")) === null) return false
    const passes = finite(member(bucket, "passes"))
    const attempts = member(bucket, "attempts")
    return (passes ?? 0) >= 1 || (attempts === undefined ? passes !== null : count(attempts, 1) >= 1)
  })

const clipped = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

/**
 * The published score, in [0, 6]: the level of the ladder at which the problem was solved, 2 when it never was (null), plus
 * `structurePoints`, clipped. A level that is no finite number counts as null. Its flaw, on purpose here: what nobody solved
 * lands in the middle. aimo3-dataset-pipeline, notebook 6.
 */
export const publishedDifficulty = (
  level: number | null,
  fromText: Json | undefined,
  fromSolution: Json | undefined
): number => clipped((finite(level) ?? 2) + structurePoints(fromText, fromSolution), 0, 6)

/** The highest level of the published ladder. */
export const ladderTop = 8

/**
 * A score that takes "not solved" for what it is, a level censored from above: b + s, where b is the level at which the problem
 * was solved, clipped to [0, `top`], or `top` + 1 when it never was, and s is made of p = `structurePoints`: p itself below 0, 0.8 p / (1 + p)
 * above, so in [-0.15, 0.8). In [-0.15, top + 1.8). So a higher level always is harder, the unsolved are the hardest, and structure decides
 * among equals. `top`: a finite number >= 0, else RangeError.
 */
export const censoredDifficulty = (
  level: number | null,
  fromText: Json | undefined,
  fromSolution: Json | undefined,
  top = ladderTop
): number => {
  within("top", top, 0)
  const solved = finite(level)
  const points = structurePoints(fromText, fromSolution)
  const structure = points < 0 ? points : (0.8 * points) / (1 + points)
  return (solved === null ? top + 1 : clipped(solved, 0, top)) + structure
}

/** Four cuts, ascending. */
export type QuintileCuts = readonly [number, number, number, number]

/**
 * The cuts between quintiles: the quantiles 0.2, 0.4, 0.6, 0.8 of the scores, interpolated linearly between order
 * statistics (type 7 of Hyndman and Fan 1996). Null for no score. A score that is not finite is a RangeError.
 */
export const quintileCuts = (scores_N: ReadonlyArray<number>): QuintileCuts | null => {
  if (allFinite("score", scores_N).length === 0) return null
  const cut = (share: number): number => quantile(scores_N, share) ?? 0
  return [cut(0.2), cut(0.4), cut(0.6), cut(0.8)]
}

/** 1, the easiest fifth, to 5: one more than the number of cuts strictly below the score. Equal scores have equal levels. */
export const quintileOf = (score: number, cuts: QuintileCuts): number => 1 + cuts.filter((cut) => cut < score).length
