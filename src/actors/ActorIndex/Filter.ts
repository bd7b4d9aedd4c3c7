// A filter of the actor lists made ready for an adapter: defaults filled in, the words found, and what can hold for
// nothing told apart.
import { queryWords } from "../../domain/SearchWords.ts"
import type { ActorCount, ActorCursor, ActorEntry, ActorFilter, ActorPage } from "../ActorIndex.ts"

/** `statuses`, `stages`, `group`: null means any. `words`: none means any text. */
export interface ReadyFilter {
  readonly type: string
  readonly statuses: ReadonlyArray<string> | null
  readonly stages: ReadonlyArray<string> | null
  readonly group: string | null
  readonly words: ReadonlyArray<string>
  readonly sinceMillis: number
  readonly untilMillis: number
}

export interface ReadyPage {
  readonly order: "newest" | "oldest"
  readonly after: ActorCursor
  readonly limit: number
}

/** Every time lies between these. */
const longAgo = -Number.MAX_SAFE_INTEGER
const never = Number.MAX_SAFE_INTEGER

const bound = (value: number): number => Math.min(never, Math.max(longAgo, Math.ceil(value)))
const clamp = (value: number, most: number): number => Math.min(most, Math.max(1, Math.trunc(value) || 1))

/** None: no actor can fit. */
export const readyFilter = (filter: ActorFilter): ReadyFilter | undefined => {
  const { group = null, sinceMillis = longAgo, text = "", type, untilMillis = never } = filter
  const statuses = filter.statuses === undefined ? null : [...new Set(filter.statuses)]
  // No actor has an empty stage or group: there it is none.
  const stages = filter.stages === undefined ? null : [...new Set(filter.stages)].filter((stage) => stage !== "")
  if (statuses?.length === 0 || stages?.length === 0 || group === "") return undefined
  if (Number.isNaN(sinceMillis) || Number.isNaN(untilMillis) || bound(sinceMillis) >= bound(untilMillis)) {
    return undefined
  }
  return {
    type,
    statuses,
    stages,
    group,
    words: queryWords(text),
    sinceMillis: bound(sinceMillis),
    untilMillis: bound(untilMillis)
  }
}

/** No bounds of time: what tallies can count. */
export const isTimeless = ({ sinceMillis, untilMillis }: ReadyFilter): boolean =>
  sinceMillis === longAgo && untilMillis === never

export const readyPage = (
  { after, limit, order }: {
    readonly order: "newest" | "oldest"
    readonly after: ActorCursor | null
    readonly limit: number
  }
): ReadyPage => ({
  order,
  after: after ?? { sinceMillis: order === "newest" ? never : longAgo, id: "" },
  limit: clamp(limit, 500)
})
/** What no actor can fit answers. */
export const emptyPage: ActorPage = { entries: [], next: null }
/** `read`: the page, and one entry more if there is one. */
export const pageOf = (read: ReadonlyArray<ActorEntry>, limit: number): ActorPage => {
  const entries = read.slice(0, limit)
  const last = entries.at(-1)
  return { entries, next: read.length > limit && last !== undefined ? cursorOf(last) : null }
}
export const cursorOf = ({ id, sinceMillis }: ActorCursor): ActorCursor => ({ sinceMillis, id })
/** `counted` may go beyond the limit. */
export const countOf = (counted: number, limit: number): ActorCount => ({
  count: Math.min(limit, counted),
  more: counted > limit
})
/** Rows between bounds of time are counted so far at most. */
export const maxTimed = 100_000
export const readyLimit = (limit: number): number => clamp(limit, 1_000_000)
/** How many entries a page of the audit log has. */
export const readyAuditLimit = (limit: number): number => clamp(limit, 500)

/** A row of an adapter; `stage` and `grp` are empty where there is none. */
export interface EntryRow {
  readonly id: string
  readonly version: number
  readonly since: number
  readonly status: string
  readonly stage: string
  readonly grp: string
  readonly attempts: number
  readonly error: string | null
  readonly waiting: string | null
  readonly excerpt: string | null
}

/** `restore` gives each text back as it was before the adapter stored it. */
export const entryOf = (
  type: string,
  row: EntryRow,
  restore: (text: string) => string = (text) => text
): ActorEntry => {
  const orNull = (text: string | null) => text === null ? null : restore(text)
  return {
    type,
    id: restore(row.id),
    version: row.version,
    sinceMillis: row.since,
    status: restore(row.status),
    stage: row.stage === "" ? null : restore(row.stage),
    group: row.grp === "" ? null : restore(row.grp),
    attempts: row.attempts,
    error: orNull(row.error),
    waiting: orNull(row.waiting),
    excerpt: orNull(row.excerpt)
  }
}
