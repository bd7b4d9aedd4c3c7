// Keeps active runs driven, although nobody asks again: a singleton of the cluster that says `Drive` to every running run, twice a
// second. When the runner of a run dies, its actor lives elsewhere by the next word, and goes on from the last committed batch.
import { Cause, Clock, Duration, Effect, type Layer } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import type { RunState } from "../domain/DatasetRun.ts"
import { ActorStore, type StoreFailed } from "./ActorStore.ts"
import { DatasetRunActor } from "./DatasetRunActor.ts"

const pageRows = 200
/** Time between two words to a run that is known to run. */
const everyMillis = 500
/** All runs of the store are looked through as often; where that takes long, since there are many, after ten times as long. */
const listingsApart = 10
/** Runs that may be spoken to at once. One whose runner does not answer keeps its place until it does, the others are not kept waiting. */
const maxAsked = 256

const looksAfter = (json: string): boolean => {
  const { status, supervised } = JSON.parse(json) as RunState
  return status === "running" && supervised !== false
}

type Look = (run: string, state: string | undefined) => Effect.Effect<void>

const throughAll = Effect.fnUntraced(function*(look: Look) {
  const store = yield* ActorStore
  let after: string | undefined
  while (true) {
    const page: ReadonlyArray<{ readonly id: string; readonly state: string }> = yield* store.list(
      DatasetRunActor.type,
      {
        limit: pageRows,
        ...(after === undefined ? {} : { after })
      }
    )
    for (const { id, state } of page) yield* look(id, state)
    if (page.length < pageRows) return
    after = page.at(-1)?.id
  }
})

const throughRunning = Effect.fnUntraced(function*(running: ReadonlySet<string>, look: Look) {
  const store = yield* ActorStore
  const ids = [...running]
  for (let from = 0; from < ids.length; from += pageRows) {
    const some = ids.slice(from, from + pageRows)
    const rows = yield* store.load(some.map((id) => ({ type: DatasetRunActor.type, id })))
    for (const [at, id] of some.entries()) yield* look(id, rows[at]?.state)
  }
})

const supervise = Effect.gen(function*() {
  const clientOf = yield* DatasetRunActor.entity.client
  const clock = yield* Clock.Clock
  const asked = new Set<string>()
  /** A word that waits for a runner that is gone arrives as soon as another has taken its place. */
  const nudge = (run: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (asked.has(run) || asked.size >= maxAsked) return Effect.void
      asked.add(run)
      return clientOf(run).Drive({ actor: run }).pipe(
        Effect.timeout("5 seconds"),
        Effect.ignore,
        Effect.ensuring(Effect.sync(() => asked.delete(run))),
        // A word a second to each run would be most of all traces.
        Effect.withTracerEnabled(false),
        Effect.forkChild,
        Effect.asVoid
      )
    })
  const running = new Set<string>()
  const look: Look = (run, state) =>
    Effect.suspend(() => {
      if (state === undefined || !looksAfter(state)) {
        running.delete(run)
        return Effect.void
      }
      running.add(run)
      return nudge(run)
    })
  let troubledMillis: number | undefined
  const listing = throughAll(look).pipe(
    Effect.andThen(Effect.suspend(() => {
      if (troubledMillis === undefined) return Effect.void
      const seconds = Math.round((clock.currentTimeMillisUnsafe() - troubledMillis) / 1000)
      troubledMillis = undefined
      return Effect.logInfo(`Running runs are looked after again, after ${seconds} s`)
    })),
    // A run whose stored state cannot be read must not leave the others alone for good: a defect is told, too, and the round comes again.
    Effect.catchCause((cause: Cause.Cause<StoreFailed>) => {
      if (troubledMillis !== undefined) return Effect.void
      troubledMillis = clock.currentTimeMillisUnsafe()
      return Effect.logWarning(`Running runs cannot be looked after, trying again: ${String(Cause.squash(cause))}`)
    }),
    Effect.timed,
    Effect.flatMap(([took]) => Effect.sleep(Math.max(everyMillis, listingsApart * Duration.toMillis(took)))),
    Effect.forever
  )
  // However many runs the store holds, those that run are not kept waiting by the others.
  const words = throughRunning(running, look).pipe(
    // The listing tells of a store that is away.
    Effect.catchCause(() => Effect.void),
    Effect.andThen(Effect.sleep(everyMillis)),
    Effect.forever
  )
  yield* Effect.all([listing, words], { concurrency: "unbounded", discard: true })
})

export const layer: Layer.Layer<never, never, Sharding.Sharding | ActorStore> = Singleton.make(
  "RunSupervisor",
  supervise
)
