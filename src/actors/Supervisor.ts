// Keeps the active actors of a type driven, although nobody asks again: a singleton of the cluster that looks for them in the index and says
// the word to each, twice a second. When the runner of one dies, it lives elsewhere by the next word and goes on from its last commit.
import { type Cause, Effect, type Layer } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import { type ActorCursor, ActorIndex, type ActorPage } from "./ActorIndex.ts"

export interface Supervised {
  readonly type: string
  /** Statuses in which one has work to do. */
  readonly statuses: ReadonlyArray<string>
  /** The word: starts the driver on whatever runner the actor lives, unless it runs. */
  readonly wake: (id: string) => Effect.Effect<unknown, unknown, Sharding.Sharding>
}

const everyMillis = 500
const pageRows = 200
/** Actors that may be spoken to at once. One whose runner does not answer keeps its place until it does. */
const maxAsked = 1_024

const supervise = ({ statuses, type, wake }: Supervised) =>
  Effect.gen(function*() {
    const index = yield* ActorIndex
    const asked = new Set<string>()
    let troubled = false
    const word = (id: string) =>
      Effect.suspend(() => {
        if (asked.has(id) || asked.size >= maxAsked) return Effect.void
        asked.add(id)
        return wake(id).pipe(
          Effect.timeout("5 seconds"),
          Effect.ignore,
          Effect.ensuring(Effect.sync(() => asked.delete(id))),
          Effect.withTracerEnabled(false),
          Effect.forkChild,
          Effect.asVoid
        )
      })
    const round = Effect.gen(function*() {
      let after: ActorCursor | null = null
      do {
        // The oldest first: who has waited longest is driven first where a runner drives as many as it may.
        const page: ActorPage = yield* index.search({ type, statuses }, { order: "oldest", after, limit: pageRows })
        for (const { id } of page.entries) yield* word(id)
        after = page.next
      } while (after !== null && asked.size < maxAsked)
      troubled = false
    })
    yield* round.pipe(
      Effect.catchCause((cause: Cause.Cause<unknown>) => {
        if (troubled) return Effect.void
        troubled = true
        return Effect.logWarning(`Actors of ${type} cannot be looked after, trying again`, cause)
      }),
      Effect.andThen(Effect.sleep(everyMillis)),
      Effect.forever
    )
  })

export const layer = (supervised: Supervised): Layer.Layer<never, never, Sharding.Sharding | ActorIndex> =>
  Singleton.make(`${supervised.type}Supervisor`, supervise(supervised))
