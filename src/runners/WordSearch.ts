// A search for words with bounded work, whatever the data: the same on both databases. First a little of the list is
// walked in its order, which fills a page of words that many have. Words that would take longer are looked up in the
// index of words; if few rows have them, the page is exact. Otherwise the walk goes on as far as one call may, and the
// page ends where it stopped.
import { Clock, Effect } from "effect"
import type { ActorCursor, ActorEntry } from "../actors/ActorIndex.ts"
import { countOf, cursorOf, type ReadyPage } from "../actors/ActorIndex/Filter.ts"

/** What one call may do. */
export interface SearchBounds {
  /** Rows that are walked before the index of words is asked. */
  readonly firstRows: number
  /** Rows of one step of the walk. */
  readonly stepRows: number
  /** Rows that are walked in all. */
  readonly rows: number
  /** The same for a count, which has no bound of time, so that its answer is the same again. */
  readonly countRows: number
  /** Rows with the words that are read and sorted to make an exact page. */
  readonly matches: number
  /** After that the walk beyond the first rows begins no further step. */
  readonly millis: number
  /** After that a question to an index that cannot stop by itself is given up. */
  readonly indexMillis: number
}

/** Measured with bench/actorList.ts: a row walked costs 5 to 10 µs, and three times that if its page is not in memory. */
export const searchBounds: SearchBounds = {
  firstRows: 1_000,
  stepRows: 2_000,
  rows: 20_000,
  countRows: 10_000,
  matches: 5_000,
  millis: 60,
  indexMillis: 50
}

/** A step of a walk; see `WordSteps`. */
export interface Walked {
  readonly entries: ReadonlyArray<ActorEntry>
  readonly count: number
  readonly end: ActorCursor | null
}
export type Matched = Omit<Walked, "end">

export interface WordSteps<E> {
  /**
   * Looks at the next `rows` rows of the list. `entries`: the first `wanted` that have the words; `count`: how many have
   * them. `end`: the last row looked at, or the last entry if there are as many as wanted; null: no row is left.
   */
  readonly walk: (after: ActorCursor, rows: number, wanted: number) => Effect.Effect<Walked, E>
  /** The first `wanted` of all that follow, and how many there are; none: more rows have the words than may be read. */
  readonly matches: (wanted: number) => Effect.Effect<Matched | undefined, E>
}

export const searchWords = Effect.fnUntraced(function*<E>(
  { matches, walk }: WordSteps<E>,
  { after, limit }: ReadyPage,
  bounds: SearchBounds
) {
  // By id: between two steps of a store that does not hold a snapshot a row may move to where the walk comes by again.
  const found = new Map<string, ActorEntry>()
  let next: ActorCursor | null = after
  let walked = 0
  let rows = Math.min(bounds.firstRows, bounds.rows)
  let startedMillis: number | undefined
  while (next !== null && rows > 0) {
    const step: Walked = yield* walk(next, rows, limit - found.size)
    for (const entry of step.entries) if (!found.has(entry.id)) found.set(entry.id, entry)
    next = step.end
    walked += rows
    if (next === null || found.size >= limit) break
    const left = bounds.rows - walked
    // A quarter more than it would take if the rest were like what was seen.
    const needed = found.size === 0 ? Infinity : Math.ceil(1.25 * (limit - found.size) * walked / found.size)
    if (needed > left && startedMillis === undefined) {
      const all = yield* matches(limit)
      if (all !== undefined) {
        const last = all.entries.at(-1)
        return {
          entries: all.entries,
          next: all.count > all.entries.length && last !== undefined ? cursorOf(last) : null
        }
      }
    }
    const nowMillis = yield* Clock.currentTimeMillis
    startedMillis ??= nowMillis
    if (nowMillis - startedMillis >= bounds.millis) break
    rows = Math.min(left, bounds.stepRows, Math.max(needed, bounds.firstRows))
  }
  return { entries: [...found.values()], next }
})

/** `start`: before the first row. */
export const countWords = Effect.fnUntraced(function*<E>(
  { matches, walk }: WordSteps<E>,
  start: ActorCursor,
  limit: number,
  bounds: SearchBounds
) {
  const all = yield* matches(0)
  if (all !== undefined) return countOf(all.count, limit)
  let next: ActorCursor | null = start
  let count = 0
  for (let walked = 0; next !== null && walked < bounds.countRows && count <= limit; walked += bounds.stepRows) {
    const step: Walked = yield* walk(next, Math.min(bounds.stepRows, bounds.countRows - walked), 0)
    count += step.count
    next = step.end
  }
  const counted = countOf(count, limit)
  return next === null ? counted : { ...counted, more: true }
})
