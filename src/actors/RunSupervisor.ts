// Keeps active runs driven, although nobody asks again: a singleton of the cluster that says `Drive` to every running run, once a
// second. When the runner of a run dies, its actor lives elsewhere by the next word, and goes on from the last committed batch.
import type { Cause, Layer } from "effect"
import { Effect, Schedule } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import type { RunState } from "../domain/DatasetRun.ts"
import { ActorStore, type StoreFailed } from "./ActorStore.ts"
import { DatasetRunActor } from "./DatasetRunActor.ts"

const pageRows = 200

const running = Effect.fnUntraced(function*(visit: (run: string) => Effect.Effect<void>) {
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
    for (const { id, state } of page) {
      if ((JSON.parse(state) as RunState).status === "running") yield* visit(id)
    }
    if (page.length < pageRows) return
    after = page.at(-1)?.id
  }
})

const supervise = Effect.gen(function*() {
  const clientOf = yield* DatasetRunActor.entity.client
  const nudge = (run: string): Effect.Effect<void> =>
    clientOf(run).Drive({ actor: run }).pipe(Effect.timeout("5 seconds"), Effect.ignore)
  yield* running(nudge).pipe(
    // A run whose stored state cannot be read must not leave the others alone for good: a defect is told, too, and the round comes again.
    Effect.catchCause((cause: Cause.Cause<StoreFailed>) =>
      Effect.logWarning("Running runs could not be looked after, trying again", cause)
    ),
    Effect.repeat(Schedule.spaced("1 second"))
  )
})

export const layer: Layer.Layer<never, never, Sharding.Sharding | ActorStore> = Singleton.make(
  "RunSupervisor",
  supervise
)
