// How long the event loop keeps what waits for it waiting: percentiles of the last ten seconds. A loop that is held up looks like a dead
// process to the others, so stages run in threads of their own, and this shows if that is enough.
import { Context, Effect, Layer } from "effect"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"

export interface LoopDelay {
  readonly p50Millis: number
  readonly p99Millis: number
  readonly maxMillis: number
}

export class EventLoop extends Context.Service<EventLoop, {
  readonly delay: () => LoopDelay
  /** Time since the start that the loop had work. */
  readonly activeSeconds: () => number
}>()("polya/EventLoop") {
  static readonly layer: Layer.Layer<EventLoop> = Layer.effect(EventLoop, Effect.suspend(() => make))
}

const windowSeconds = 10
const resolutionMillis = 10

const make = Effect.gen(function*() {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMillis })
  // What is measured is the time between two ticks of a timer: without load it is the resolution.
  const millis = (nanos: number): number => Number.isFinite(nanos) ? Math.max(0, nanos / 1e6 - resolutionMillis) : 0
  const read = (): LoopDelay =>
    histogram.count === 0 ? { p50Millis: 0, p99Millis: 0, maxMillis: 0 } : {
      p50Millis: millis(histogram.percentile(50)),
      p99Millis: millis(histogram.percentile(99)),
      maxMillis: millis(histogram.max)
    }
  let before: LoopDelay = { p50Millis: 0, p99Millis: 0, maxMillis: 0 }
  let ended = false
  yield* Effect.acquireRelease(Effect.sync(() => histogram.enable()), () => Effect.sync(() => histogram.disable()))
  yield* Effect.sync(() => {
    before = read()
    ended = true
    histogram.reset()
  }).pipe(Effect.delay(`${windowSeconds} seconds`), Effect.forever, Effect.forkScoped)
  return EventLoop.of({
    delay: () => {
      const now = read()
      // A window that has just begun knows little: the one before stands beside it.
      return !ended ? now : {
        p50Millis: Math.max(now.p50Millis, before.p50Millis),
        p99Millis: Math.max(now.p99Millis, before.p99Millis),
        maxMillis: Math.max(now.maxMillis, before.maxMillis)
      }
    },
    activeSeconds: () => performance.eventLoopUtilization().active / 1_000
  })
})
