// ActorStore, ActorIndex and AuditLog over one state in plain Maps: deterministic, for tests and throw-away runs. They
// keep the whole contracts, history and pruning included, and forget everything with their scope. `faulty` wraps any
// store with a scripted list of failures.
import { Clock, Context, Effect, Layer } from "effect"
import type { ActorCommit, ActorKey, ActorRow, CommitOutcome } from "../domain/Commit.ts"
import { hasWords } from "../domain/SearchWords.ts"
import { facetsMoved, type StoredFacets, storedWords, storeFacets } from "../domain/StoredFacets.ts"
import { compareText, escapeText } from "../domain/StoredText.ts"
import { type ActorEntry, type ActorFilter, ActorIndex } from "./ActorIndex.ts"
import { countOf, entryOf, pageOf, readyAuditLimit, readyFilter, readyLimit, readyPage } from "./ActorIndex/Filter.ts"
import { ActorStore, StoreFailed } from "./ActorStore.ts"
import { type AuditEntry, AuditLog, type NumberedAuditEntry } from "./AuditLog.ts"
import { doneEntry } from "./AuditLog/DoneEntry.ts"

interface Version extends ActorRow {
  readonly atMillis: number
}
interface Past extends Version {
  readonly replacedAtMillis: number
}
interface Listed {
  readonly facets: StoredFacets
  readonly words: string | null
  readonly version: number
  readonly sinceMillis: number
}
interface Actor {
  readonly id: string
  listed: Listed | undefined
  current: Version
  readonly past: Map<number, Past>
  readonly replies: Map<string, { readonly reply: string; readonly atMillis: number }>
  readonly events: Map<number, { readonly bodies: ReadonlyArray<string>; readonly atMillis: number }>
}

/** Page sizes of `list` and `history` stay between 1 and 1000, whatever is asked. */
const clampLimit = (limit: number): number => Math.max(1, Math.min(1000, Math.trunc(limit)))

/** The order of ids in every store. */
const compareIds = (a: string, b: string): number => compareText(escapeText(a), escapeText(b))

type Types = Map<string, Map<string, Actor>>
interface Audits {
  entries: Array<NumberedAuditEntry>
  lastSeq: number
}

const append = (audits: Audits, entries: ReadonlyArray<AuditEntry>): void => {
  for (const entry of entries) audits.entries.push({ ...entry, seq: ++audits.lastSeq })
}

const makeStore = (types: Types, audits: Audits) => {
  const find = (key: ActorKey) => types.get(key.type)?.get(key.id)
  const row = ({ state, version }: ActorRow): ActorRow => ({ version, state })

  const commitOne = (commit: ActorCommit, atMillis: number): CommitOutcome => {
    const actor = find(commit)
    const stored = new Map<string, string>()
    for (const { commandId } of commit.replies) {
      const known = actor?.replies.get(commandId)
      if (known !== undefined) stored.set(commandId, known.reply)
    }
    if (stored.size > 0) return { _tag: "Duplicate", stored }
    if ((actor?.current.version ?? 0) !== commit.expected) return { _tag: "Fenced" }
    const current: Version = { version: commit.expected + 1, state: commit.state, atMillis }
    const next: Actor = actor ??
      { id: commit.id, listed: undefined, current, past: new Map(), replies: new Map(), events: new Map() }
    if (actor === undefined) {
      const actors = types.get(commit.type) ?? new Map<string, Actor>()
      types.set(commit.type, actors.set(commit.id, next))
    } else {
      next.past.set(actor.current.version, { ...actor.current, replacedAtMillis: atMillis })
      next.current = current
    }
    for (const { commandId, reply } of commit.replies) next.replies.set(commandId, { reply, atMillis })
    if (commit.events.length > 0) next.events.set(current.version, { bodies: [...commit.events], atMillis })
    if (commit.facets !== undefined) {
      const facets = storeFacets(commit.facets)
      const before = next.listed
      const sinceMillis = before === undefined || facetsMoved(before.facets, facets) ? atMillis : before.sinceMillis
      next.listed = { facets, words: storedWords(commit.facets.text), version: current.version, sinceMillis }
    }
    if (commit.audits !== undefined) append(audits, commit.audits.map((note) => doneEntry(commit, note, atMillis)))
    return { _tag: "Committed" }
  }

  return ActorStore.of({
    load: (keys) =>
      Effect.sync(() =>
        keys.map((key) => {
          const actor = find(key)
          return actor && row(actor.current)
        })
      ),
    commit: (batch) => Effect.map(Clock.currentTimeMillis, (now) => batch.map((commit) => commitOne(commit, now))),
    asOf: (key, version) =>
      Effect.sync(() => {
        const actor = find(key)
        const found = actor?.current.version === version ? actor.current : actor?.past.get(version)
        return found && row(found)
      }),
    history: (key, { before, limit }) =>
      Effect.sync(() => {
        const actor = find(key)
        if (actor === undefined) return []
        const times = new Map<number, number>([[actor.current.version, actor.current.atMillis]])
        for (const [version, { atMillis }] of [...actor.past, ...actor.events]) times.set(version, atMillis)
        return [...times]
          .filter(([version]) => before === undefined || version < before)
          .sort(([a], [b]) => b - a)
          .slice(0, clampLimit(limit))
          .map(([version, atMillis]) => ({ version, events: actor.events.get(version)?.bodies ?? [], atMillis }))
      }),
    list: (type, { after, limit }) =>
      Effect.sync(() => {
        return [...types.get(type)?.values() ?? []]
          .filter((actor) => after === undefined || compareIds(actor.id, after) > 0)
          .sort((a, b) => compareIds(a.id, b.id))
          .slice(0, clampLimit(limit))
          .map((actor) => ({ id: actor.id, ...row(actor.current) }))
      }),
    prune: (cut) =>
      Effect.sync(() => {
        const counts = { replies: 0, events: 0, versions: 0 }
        for (const actors of types.values()) {
          for (const actor of actors.values()) {
            for (const [id, { atMillis }] of actor.replies) {
              if (
                counts.replies < cut.maxRows && atMillis < cut.nowMillis - cut.repliesMillis && actor.replies.delete(id)
              ) counts.replies++
            }
            for (const [version, { replacedAtMillis }] of actor.past) {
              if (
                counts.versions < cut.maxRows && replacedAtMillis < cut.nowMillis - cut.versionsMillis &&
                actor.past.delete(version)
              ) {
                counts.versions++
              }
            }
            for (const [version, { atMillis }] of actor.events) {
              if (
                counts.events < cut.maxRows && atMillis < cut.nowMillis - cut.eventsMillis &&
                actor.events.delete(version)
              ) counts.events++
            }
          }
        }
        return counts
      })
  })
}

const entryFor = (type: string, id: string, { facets, sinceMillis, version }: Listed): ActorEntry =>
  entryOf(type, { ...facets, id, version, since: sinceMillis, grp: facets.group })

const makeIndex = (types: Types) => {
  const fitting = (filter: ActorFilter): ReadonlyArray<ActorEntry> => {
    const ready = readyFilter(filter)
    if (ready === undefined) return []
    return [...types.get(ready.type)?.values() ?? []].flatMap(({ id, listed }) => {
      if (listed === undefined) return []
      const { facets, sinceMillis, words } = listed
      const fits = (ready.statuses?.includes(facets.status) ?? true) &&
        (ready.stages?.includes(facets.stage) ?? true) &&
        (ready.group === null || ready.group === facets.group) &&
        sinceMillis >= ready.sinceMillis && sinceMillis < ready.untilMillis &&
        (ready.words.length === 0 || (words !== null && hasWords(words, ready.words)))
      return fits ? [entryFor(ready.type, id, listed)] : []
    })
  }
  type Place = { readonly sinceMillis: number; readonly id: string }
  const compare = (a: Place, b: Place) => a.sinceMillis - b.sinceMillis || compareIds(a.id, b.id)
  return ActorIndex.of({
    search: (filter, page) =>
      Effect.sync(() => {
        const { after, limit, order } = readyPage(page)
        const sign = order === "newest" ? -1 : 1
        const following = fitting(filter)
          .filter((entry) => sign * compare(entry, after) > 0)
          .sort((a, b) => sign * compare(a, b))
        return pageOf(following, limit)
      }),
    count: (filter, limit) => Effect.sync(() => countOf(fitting(filter).length, readyLimit(limit))),
    entry: (type, id) =>
      Effect.sync(() => {
        const listed = types.get(type)?.get(id)?.listed
        return listed && entryFor(type, id, listed)
      }),
    tally: ({ group, type }) =>
      Effect.sync(() => {
        const counts = new Map<string, { type: string; status: string; stage: string | null; count: number }>()
        for (const [name, actors] of types) {
          if (type !== undefined && type !== name) continue
          for (const { listed } of actors.values()) {
            if (listed === undefined || (group !== undefined && (group === "" || listed.facets.group !== group))) {
              continue
            }
            const { stage, status } = listed.facets
            const key = JSON.stringify([name, status, stage])
            const known = counts.get(key)
            if (known !== undefined) known.count++
            else counts.set(key, { type: name, status, stage: stage === "" ? null : stage, count: 1 })
          }
        }
        return [...counts.values()]
      })
  })
}

const makeAudit = (audits: Audits) =>
  AuditLog.of({
    append: (entries) => Effect.sync(() => append(audits, entries)),
    list: ({ before, command, id, limit, type, who }) =>
      Effect.sync(() =>
        audits.entries.filter((entry) =>
          (before === undefined || entry.seq < before) && (who === undefined || entry.who === who) &&
          (type === undefined || entry.type === type) && (id === undefined || entry.id === id) &&
          (command === undefined || entry.command === command)
        ).toReversed().slice(0, readyAuditLimit(limit))
      ),
    prune: (beforeMillis, maxRows) =>
      Effect.sync(() => {
        const { entries } = audits
        const gone = new Set(entries.filter(({ atMillis }) => atMillis < beforeMillis).slice(0, Math.max(0, maxRows)))
        audits.entries = entries.filter((entry) => !gone.has(entry))
        return gone.size
      })
  })

const make = () => {
  const types: Types = new Map()
  const audits: Audits = { entries: [], lastSeq: 0 }
  return Context.make(ActorStore, makeStore(types, audits)).pipe(
    Context.add(ActorIndex, makeIndex(types)),
    Context.add(AuditLog, makeAudit(audits))
  )
}

export const layer: Layer.Layer<ActorStore | ActorIndex | AuditLog> = Layer.syncContext(make)

/** What happens to one call of `commit`. */
export type Fault =
  | "none"
  /** Nothing is written; the caller gets `unavailable`. */
  | "failBefore"
  /** Everything is written, but the answer is lost: the caller gets `unavailable`. */
  | "failAfter"
  /** Nothing is written and every actor of the batch is told `Fenced`, as if another owner had been faster. */
  | "fence"
  /** Written as usual, after that many milliseconds on the Clock. */
  | { readonly delayMillis: number }

/**
 * `length` faults, each drawn with the same chance from `kinds`; equal seeds give equal lists. Marsaglia's xorshift32.
 */
export const seededFaults = (seed: number, length: number, kinds: ReadonlyArray<Fault>): ReadonlyArray<Fault> => {
  let x = (seed | 0) || 1
  return Array.from({ length }, () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return kinds[(x >>> 0) % kinds.length] ?? "none"
  })
}

/** Wraps a store: the n-th `commit` meets the n-th fault of the plan; past its end nothing fails any more. */
export const faulty = (plan: ReadonlyArray<Fault>): Layer.Layer<ActorStore, never, ActorStore> =>
  Layer.effect(
    ActorStore,
    Effect.map(ActorStore, (store) => {
      let call = 0
      const lost = new StoreFailed({ reason: "unavailable", detail: "the connection was lost" })
      return ActorStore.of({
        ...store,
        commit: (batch) =>
          Effect.suspend((): ReturnType<typeof store.commit> => {
            const fault = plan[call++] ?? "none"
            if (fault === "none") return store.commit(batch)
            if (fault === "failBefore") return Effect.fail(lost)
            if (fault === "failAfter") return Effect.andThen(store.commit(batch), Effect.fail(lost))
            if (fault === "fence") return Effect.succeed(batch.map((): CommitOutcome => ({ _tag: "Fenced" })))
            return Effect.andThen(Effect.sleep(fault.delayMillis), store.commit(batch))
          })
      })
    })
  )

export const layerFaulty = (plan: ReadonlyArray<Fault>): Layer.Layer<ActorStore | ActorIndex | AuditLog> =>
  Layer.provideMerge(faulty(plan), layer)
