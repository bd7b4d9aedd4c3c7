// The port to lists, counts and searches over actors: it reads the facets that commits leave beside the state, never a state, and
// never wakes an actor. One contract suite (test/actors/ActorIndexContract.ts) runs on every adapter.
import { Context, Effect } from "effect"
import type { Facets } from "../domain/Commit.ts"
import type { StoreFailed } from "./ActorStore.ts"

/** All that is given must hold. Empty lists hold for nothing. */
export interface ActorFilter {
  readonly type: string
  readonly statuses?: ReadonlyArray<string>
  readonly stages?: ReadonlyArray<string>
  readonly group?: string
  /** Words that must all occur in the text, in any order and case; the last one may be the beginning of a word. At most 10 words. */
  readonly text?: string
  /** Bounds of `sinceMillis`, the first included, the second not. */
  readonly sinceMillis?: number
  readonly untilMillis?: number
}

export interface ActorEntry extends Omit<Facets, "text"> {
  readonly type: string
  readonly id: string
  /** Version of the commit that these facets came with. */
  readonly version: number
  /** When its facets (the text aside) last changed: since then it is in this status, at this stage, with this error. */
  readonly sinceMillis: number
  /** The first 200 characters of the text. */
  readonly excerpt: string | null
}

/** Where to go on: after the last row that was looked at, whether the filter holds for it or not. */
export interface ActorCursor {
  readonly sinceMillis: number
  readonly id: string
}

export interface ActorPage {
  readonly entries: ReadonlyArray<ActorEntry>
  /** The `after` of the next page; null at the end. */
  readonly next: ActorCursor | null
}

export interface ActorCount {
  readonly count: number
  /** There may be more than `count`: the limit, or what one call may look at, ended the counting. */
  readonly more: boolean
}

export class ActorIndex extends Context.Service<ActorIndex, {
  /**
   * At most `limit` (1 to 500) entries by (sinceMillis, id): `newest` descending, `oldest` ascending. What one call may
   * look at is bounded, however many actors there are. So a page of a search for words may hold fewer entries than asked
   * for, or none, while `next` is not null: the list goes on there. Words that few actors have are found at once; it is
   * words that many have, where the list does not begin with those, that take several pages.
   */
  readonly search: (
    filter: ActorFilter,
    page: { readonly order: "newest" | "oldest"; readonly after: ActorCursor | null; readonly limit: number }
  ) => Effect.Effect<ActorPage, StoreFailed>
  /**
   * How many there are, counted up to `limit` (1 to 1,000,000). By type, status, stage and group the count is exact. It
   * ends earlier, with `more`, where bounds of time are given and hold for more than 100,000 actors, and where words
   * are asked for that many actors have: then it is what was found in a bounded look.
   */
  readonly count: (filter: ActorFilter, limit: number) => Effect.Effect<ActorCount, StoreFailed>
  /** One actor's entry; none if it was never committed with facets. */
  readonly entry: (type: string, id: string) => Effect.Effect<ActorEntry | undefined, StoreFailed>
  /** Actors by type, status and stage; of one group only, if given. */
  readonly tally: (options: { readonly type?: string; readonly group?: string }) => Effect.Effect<
    ReadonlyArray<{
      readonly type: string
      readonly status: string
      readonly stage: string | null
      readonly count: number
    }>,
    StoreFailed
  >
}>()("polya/ActorIndex") {}

/** Entries of as many pages as it takes to have `limit` of them, at most `maxPages`. */
export const searchOn = Effect.fnUntraced(function*(
  index: ActorIndex["Service"],
  filter: ActorFilter,
  { limit, maxPages, order }: { readonly order: "newest" | "oldest"; readonly limit: number; readonly maxPages: number }
) {
  const entries: Array<ActorEntry> = []
  let next: ActorCursor | null = null
  for (let page = 0; page < maxPages; page++) {
    const found: ActorPage = yield* index.search(filter, { order, after: next, limit: limit - entries.length })
    entries.push(...found.entries)
    next = found.next
    if (next === null || entries.length >= limit) break
  }
  return { entries, next }
})
