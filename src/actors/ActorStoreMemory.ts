// ActorStore in plain Maps: deterministic, for tests and throw-away runs. It keeps the whole contract, history and
// pruning included, and forgets everything with its scope. `faulty` wraps any store with a scripted list of failures.
import { Clock, Effect, Layer } from "effect"
import type { ActorCommit, ActorKey, ActorRow, CommitOutcome } from "../domain/Commit.ts"
import { compareText, escapeText } from "../domain/StoredText.ts"
import { ActorStore, StoreFailed } from "./ActorStore.ts"

interface Version extends ActorRow {
  readonly atMillis: number
}
interface Past extends Version {
  readonly replacedAtMillis: number
}
interface Actor {
  readonly id: string
  current: Version
  readonly past: Map<number, Past>
  readonly replies: Map<string, { readonly reply: string; readonly atMillis: number }>
  readonly events: Map<number, { readonly bodies: ReadonlyArray<string>; readonly atMillis: number }>
}

/** Page sizes of `list` and `history` stay between 1 and 1000, whatever is asked. */
const clampLimit = (limit: number): number => Math.max(1, Math.min(1000, Math.trunc(limit)))

const make = () => {
  const types = new Map<string, Map<string, Actor>>()
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
    const next = actor ?? { id: commit.id, current, past: new Map(), replies: new Map(), events: new Map() }
    if (actor === undefined) {
      const actors = types.get(commit.type) ?? new Map<string, Actor>()
      types.set(commit.type, actors.set(commit.id, next))
    } else {
      next.past.set(actor.current.version, { ...actor.current, replacedAtMillis: atMillis })
      next.current = current
    }
    for (const { commandId, reply } of commit.replies) next.replies.set(commandId, { reply, atMillis })
    if (commit.events.length > 0) next.events.set(current.version, { bodies: [...commit.events], atMillis })
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
        const rank = (id: string) => escapeText(id)
        return [...types.get(type)?.values() ?? []]
          .filter((actor) => after === undefined || compareText(rank(actor.id), rank(after)) > 0)
          .sort((a, b) => compareText(rank(a.id), rank(b.id)))
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

export const layer: Layer.Layer<ActorStore> = Layer.sync(ActorStore, make)

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

export const layerFaulty = (plan: ReadonlyArray<Fault>): Layer.Layer<ActorStore> => Layer.provide(faulty(plan), layer)
