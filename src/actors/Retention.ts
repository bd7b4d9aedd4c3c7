// Forgets the past of actors when it is old enough: stored replies (a command id is then no longer known), events and earlier states.
// The current state of every actor stays. A singleton of the cluster; one round every hour by default, in small pieces.
import type { Layer } from "effect"
import { Clock, Effect, Schedule } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import { ActorStore } from "./ActorStore.ts"

/** Ages in milliseconds; the fields of `polya config`'s area "retention". */
export interface RetentionOptions {
  readonly repliesMillis: number
  readonly eventsMillis: number
  readonly versionsMillis: number
  readonly everyMillis: number
}
const dayMillis = 86_400_000
export const retentionDefaults: RetentionOptions = {
  repliesMillis: dayMillis,
  eventsMillis: 30 * dayMillis,
  versionsMillis: 30 * dayMillis,
  everyMillis: 3_600_000
}

const maxRows = 5_000

/** One round: everything past its age now is gone afterwards. */
export const prune = Effect.fn("Retention.prune")(function*(options: RetentionOptions) {
  const store = yield* ActorStore
  const { eventsMillis, repliesMillis, versionsMillis } = options
  const nowMillis = yield* Clock.currentTimeMillis
  const total = { replies: 0, events: 0, versions: 0 }
  while (true) {
    const gone = yield* store.prune({ nowMillis, repliesMillis, eventsMillis, versionsMillis, maxRows })
    total.replies += gone.replies
    total.events += gone.events
    total.versions += gone.versions
    if (gone.replies < maxRows && gone.events < maxRows && gone.versions < maxRows) return total
    yield* Effect.yieldNow
  }
})

export const layer = (
  options: RetentionOptions = retentionDefaults
): Layer.Layer<never, never, Sharding.Sharding | ActorStore> =>
  Singleton.make(
    "Retention",
    prune(options).pipe(
      Effect.catchCause((cause) => Effect.logWarning("Old rows could not be deleted, trying again later", cause)),
      Effect.delay(options.everyMillis),
      Effect.repeat(Schedule.forever)
    )
  )
