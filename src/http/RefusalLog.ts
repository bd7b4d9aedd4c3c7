// Writes refused commands into the audit log, beside the request: the one who is refused does not wait for it. Bounded in memory and in
// rate, because who is refused costs nothing to himself; what is beyond is only counted.
import { Clock, Context, Effect, Layer, Queue } from "effect"
import { type AuditEntry, AuditLog } from "../actors/AuditLog.ts"
import { edgeInstruments, MetricRegistry } from "../actors/Metrics.ts"
import { makeBuckets } from "./Buckets.ts"

const perSecond = 20
const burst = 500
const batch = 100

export class RefusalLog extends Context.Service<RefusalLog, {
  readonly note: (refusal: Omit<AuditEntry, "atMillis" | "outcome" | "version">) => void
}>()("polya/RefusalLog") {
  static readonly layer: Layer.Layer<RefusalLog, never, AuditLog> = Layer.effect(
    RefusalLog,
    Effect.gen(function*() {
      const audit = yield* AuditLog
      const clock = yield* Clock.Clock
      const { refusals } = edgeInstruments(yield* MetricRegistry)
      const nowMillis = () => clock.currentTimeMillisUnsafe()
      const bound = makeBuckets({ rate: () => perSecond, burst: () => burst, maxClients: 1, nowMillis })
      const queue = yield* Queue.dropping<AuditEntry>(burst)
      yield* Queue.takeBetween(queue, 1, batch).pipe(
        Effect.flatMap((entries) =>
          Effect.catch(
            audit.append(entries),
            (error) => Effect.logWarning(`${entries.length} refusals are not in the audit log: ${error.message}`)
          )
        ),
        Effect.forever,
        Effect.forkScoped
      )
      return RefusalLog.of({
        note: (refusal) => {
          refusals.add(["command"])
          if (!bound.take("")) return
          Queue.offerUnsafe(queue, { ...refusal, atMillis: nowMillis(), version: null, outcome: "refused" })
        }
      })
    })
  )
}
