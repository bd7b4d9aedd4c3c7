// Forgets the past when it is old enough: stored replies (a command id is then no longer known), events and earlier states of actors, the
// audit log, the record of calls, uploads, and files that never became whole. The current state of every actor stays. A singleton of the cluster; one round every
// hour by default, in small pieces.
import type { Layer } from "effect"
import { Clock, Context, Effect, Option, Schedule } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import { ActorStore } from "./ActorStore.ts"
import { AuditLog } from "./AuditLog.ts"
import { CallLog } from "./CallLog.ts"
import { Files } from "./Files.ts"

/** Ages in milliseconds; the fields of `polya config`'s area "retention". Read at each use, so that an object with getters makes them live. */
export interface RetentionOptions {
  readonly repliesMillis: number
  readonly eventsMillis: number
  readonly versionsMillis: number
  readonly auditMillis: number
  readonly callsMillis: number
  /** An upload that a run still needs is to be younger than this, or to be sent again for a new run. */
  readonly uploadsMillis: number
  readonly everyMillis: number
}
const dayMillis = 86_400_000
export const retentionDefaults: RetentionOptions = {
  repliesMillis: dayMillis,
  eventsMillis: 30 * dayMillis,
  versionsMillis: 30 * dayMillis,
  auditMillis: 365 * dayMillis,
  callsMillis: 7 * dayMillis,
  uploadsMillis: 90 * dayMillis,
  everyMillis: 3_600_000
}

/** For who asks for a round by hand; the singleton is given its own. */
export const RetentionLimits = Context.Reference<RetentionOptions>("polya/RetentionLimits", {
  defaultValue: () => retentionDefaults
})

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

/** The same for what is not of actors, where a process has it: the audit log, the record of calls and files. */
const pruneOthers = Effect.fn("Retention.pruneOthers")(function*(options: RetentionOptions) {
  const { auditMillis, callsMillis, uploadsMillis } = options
  const audit = yield* Effect.serviceOption(AuditLog)
  const calls = yield* Effect.serviceOption(CallLog)
  const files = yield* Effect.serviceOption(Files)
  const nowMillis = yield* Clock.currentTimeMillis
  if (Option.isSome(files)) yield* files.value.prune(nowMillis - uploadsMillis)
  if (Option.isSome(audit)) {
    while ((yield* audit.value.prune(nowMillis - auditMillis, maxRows)) === maxRows) yield* Effect.yieldNow
  }
  if (Option.isSome(calls)) {
    while ((yield* calls.value.prune(nowMillis - callsMillis, maxRows)) === maxRows) yield* Effect.yieldNow
  }
})

/** Until the next round; in short steps, because `everyMillis` may change meanwhile. */
const pause = Effect.fnUntraced(function*(options: RetentionOptions) {
  const startedMillis = yield* Clock.currentTimeMillis
  while (true) {
    const leftMillis = startedMillis + options.everyMillis - (yield* Clock.currentTimeMillis)
    if (leftMillis <= 0) return
    yield* Effect.sleep(Math.min(leftMillis, 1_000))
  }
})

export const layer = (
  options: RetentionOptions = retentionDefaults
): Layer.Layer<never, never, Sharding.Sharding | ActorStore> =>
  Singleton.make(
    "Retention",
    Effect.andThen(prune(options), pruneOthers(options)).pipe(
      Effect.catchCause((cause) => Effect.logWarning("Old rows could not be deleted, trying again later", cause)),
      (round) => Effect.andThen(pause(options), round),
      Effect.repeat(Schedule.forever)
    )
  )
