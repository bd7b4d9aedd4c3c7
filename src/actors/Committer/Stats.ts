// What the Committer counts since its start, for metrics, vitals and benchmarks. Plain numbers: counting costs next to nothing.

/** Counts of values up to each bound, and beyond the last one. */
export interface Histogram {
  readonly bounds: ReadonlyArray<number>
  readonly counts: Array<number>
  sum: number
  count: number
}

export interface CommitterStats {
  flushes: number
  /** Commits written: one actor in one flush. */
  actors: number
  commands: number
  loads: number
  fenced: number
  duplicates: number
  splits: number
  /** Commands that wait now. */
  waiting: number
  /** Time of one flush, from the statement's start to its answer, in milliseconds. */
  readonly flushMillis: Histogram
  /** Actors in one flush. */
  readonly flushActors: Histogram
  /** Commands answered, by `Type.Command` and then by outcome: done, refused, fenced, unavailable, overloaded, ... */
  readonly answers: Map<string, Map<string, number>>
}

const histogram = (bounds: ReadonlyArray<number>): Histogram => ({
  bounds,
  counts: new Array<number>(bounds.length + 1).fill(0),
  sum: 0,
  count: 0
})

export const makeStats = (): CommitterStats => ({
  flushes: 0,
  actors: 0,
  commands: 0,
  loads: 0,
  fenced: 0,
  duplicates: 0,
  splits: 0,
  waiting: 0,
  flushMillis: histogram([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096, 16_384]),
  flushActors: histogram([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]),
  answers: new Map()
})

const record = (into: Histogram, value: number): void => {
  let at = 0
  while (at < into.bounds.length && value > (into.bounds[at] ?? 0)) at++
  into.counts[at] = (into.counts[at] ?? 0) + 1
  into.sum += value
  into.count++
}

/** One flush that was answered. */
export const observe = (stats: CommitterStats, actors: number, millis: number): void => {
  stats.flushes++
  stats.actors += actors
  record(stats.flushMillis, millis)
  record(stats.flushActors, actors)
}

export const countCommand = (stats: CommitterStats, name: string, outcome: string): void => {
  let outcomes = stats.answers.get(name)
  if (outcomes === undefined) stats.answers.set(name, outcomes = new Map())
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}
