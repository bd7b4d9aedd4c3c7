// The life of a process that stays: it starts, says when it is ready, works until it is told to stop, finishes what is in its hands, and ends
// with 0. The first SIGTERM or SIGINT drains it within a deadline; the second ends it at once with 130. Nothing is lost either way.
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Schedule, Scope } from "effect"
import * as Lifecycle from "../actors/Lifecycle.ts"
import { RunnerStats } from "../actors/RunnerStats.ts"

export interface ProcessOptions<A, E> {
  /** Everything that the process does. */
  readonly layer: Layer.Layer<A, E>
  /** Time from the first signal to the end. */
  readonly terminationMillis: number
  readonly say: (event: "ready" | "draining" | "ended", said: Said) => Effect.Effect<void>
  /** What it says when it is ready. */
  readonly ready: Effect.Effect<Said, never, A>
}

/** For people the sentence, for machines the fields beside it. */
export interface Said {
  readonly sentence: string
  readonly [field: string]: unknown
}

/** Runs until a signal; fails only if the layer cannot be built. */
export const live = Effect.fnUntraced(function*<A, E>(options: ProcessOptions<A, E>) {
  const { layer, ready, say, terminationMillis } = options
  const clock = yield* Clock.Clock
  const lifecycle = yield* Lifecycle.make
  const { driven } = yield* RunnerStats
  const signal = yield* firstSignal
  const scope = yield* Scope.make()
  const starting = yield* Effect.forkChild(
    Layer.buildWithScope(Layer.provide(layer, Layer.succeed(Lifecycle.Lifecycle, lifecycle)), scope)
  )
  const started = yield* Effect.raceFirst(
    Effect.map(Fiber.await(starting), Option.some),
    Effect.as(Deferred.await(signal), Option.none())
  )
  if (Option.isNone(started)) {
    yield* Effect.forkDetach(Fiber.interrupt(starting))
    yield* say("ended", { sentence: "stopped before it was ready" })
    return yield* endSoon
  }
  if (Exit.isFailure(started.value)) {
    yield* Scope.close(scope, started.value)
    return yield* started.value
  }
  yield* lifecycle.started
  yield* say("ready", yield* Effect.provideContext(ready, started.value.value))

  const name = yield* Deferred.await(signal)
  const endMillis = clock.currentTimeMillisUnsafe() + terminationMillis
  const left = Effect.sync(() => Duration.millis(Math.max(0, endMillis - clock.currentTimeMillisUnsafe())))
  const within = (effect: Effect.Effect<unknown>): Effect.Effect<boolean> =>
    Effect.gen(function*() {
      // The work itself may not be interruptible: only the waiting for it ends.
      const fiber = yield* Effect.forkDetach(effect)
      return Option.isSome(yield* Effect.timeoutOption(Fiber.await(fiber), yield* left))
    })
  yield* lifecycle.drain
  yield* say("draining", {
    sentence: `${name}: taking no new work, finishing what is in hand (at most ${
      Math.ceil(terminationMillis / 1000)
    } s; a second signal ends it at once)`
  })
  const rested = yield* within(
    Effect.sync(() => driven.size).pipe(Effect.repeat({
      until: (drives) => drives === 0,
      schedule: Schedule.spaced("20 millis")
    }))
  )
  const closed = yield* within(Scope.close(scope, Exit.void))
  yield* lifecycle.ended
  yield* say("ended", {
    sentence: rested && closed
      ? "ended; everything was handed over"
      : "ended; the time was up, so what was in hand is done again by others, and nothing is lost"
  })
  return yield* endSoon
})

/** Completes with the name of the first signal. From here on signals mean what this file says, not the interruption of the main fiber. */
const firstSignal = Effect.sync(() => {
  const first = Deferred.makeUnsafe<string>()
  let seen = false
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.removeAllListeners(name)
    process.on(name, () => {
      if (seen) process.exit(130)
      seen = true
      Deferred.doneUnsafe(first, Effect.succeed(name))
    })
  }
  return first
})

/** A handle that somebody forgot must not keep the process alive. */
const endSoon = Effect.sync(() => {
  process.exitCode = 0
  setTimeout(() => process.exit(0), 500).unref()
})
