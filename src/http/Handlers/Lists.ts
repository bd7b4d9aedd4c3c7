// Pages of lists by keyset: each page goes on after the last entry of the one before, so nothing is left out and nothing comes twice.
import { Effect } from "effect"
import type { ActorCursor, ActorFilter } from "../../actors/ActorIndex.ts"
import { ActorIndex } from "../../actors/ActorIndex.ts"
import { Gateway } from "../../actors/Gateway.ts"
import type { Json } from "../../domain/Json.ts"
import { redactAddresses } from "../../domain/Redact.ts"

export interface FilterQuery {
  readonly status?: ReadonlyArray<string>
  readonly stage?: ReadonlyArray<string>
  readonly text?: string
  readonly sinceMillis?: number
  readonly untilMillis?: number
}
export interface PageQuery {
  readonly order: "newest" | "oldest"
  readonly limit: number
  readonly after?: string
}

export const filterOf = (type: string, query: FilterQuery, group: string | undefined): ActorFilter => {
  const { sinceMillis, stage, status, text, untilMillis } = query
  return {
    type,
    ...(status === undefined || status.length === 0 ? {} : { statuses: status }),
    ...(stage === undefined || stage.length === 0 ? {} : { stages: stage }),
    ...(group === undefined ? {} : { group }),
    ...(text === undefined || text.trim() === "" ? {} : { text }),
    ...(sinceMillis === undefined ? {} : { sinceMillis }),
    ...(untilMillis === undefined ? {} : { untilMillis })
  }
}

export const cursorOf = (after: string | undefined): ActorCursor | null => {
  if (after === undefined) return null
  const at = after.indexOf("~")
  return { sinceMillis: Number(after.slice(0, at)), id: after.slice(at + 1) }
}
export const showCursor = ({ id, sinceMillis }: ActorCursor): string => `${sinceMillis}~${id}`

/** A page of which one more was read, to know whether there is a next. */
export const pageOf = <A, B = A>(
  read: ReadonlyArray<A>,
  limit: number,
  cursor: (last: A) => string,
  show: (one: A) => B
): { readonly items: ReadonlyArray<B>; readonly next: string | null } => {
  const page = read.slice(0, limit)
  const last = page.at(-1)
  return { items: page.map(show), next: read.length > limit && last !== undefined ? cursor(last) : null }
}

/** One page of actors. */
export const search = Effect.fnUntraced(function*(filter: ActorFilter, { after, limit, order }: PageQuery) {
  const index = yield* ActorIndex
  const { entries, next } = yield* index.search(filter, { order, after: cursorOf(after), limit })
  return { items: entries, next: next === null ? null : showCursor(next) }
})

/** One page of an actor's commits; an actor without any is unknown. */
export const history = Effect.fnUntraced(function*(
  type: string,
  id: string,
  { before, limit }: { readonly limit: number; readonly before?: number }
) {
  const gateway = yield* Gateway
  const entries = yield* gateway.history(type, id, before === undefined ? { limit } : { limit, before })
  if (entries.length === 0) yield* gateway.get(type, id)
  const last = entries.at(-1)
  return {
    items: entries.map(({ atMillis, events, version }) => ({
      version,
      atMillis,
      events: events.map((event) => redactAddresses(JSON.parse(event) as Json))
    })),
    next: entries.length === limit && last !== undefined && last.version > 1 ? last.version : null
  }
})
