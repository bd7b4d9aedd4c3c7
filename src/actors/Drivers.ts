// Drivers of durable actors on one host: long work of an actor as a fiber beside its state. The word `Drive` starts it where there is work and
// nobody does it; a driver that breaks is left alone for a while; what the state makes moot is interrupted at once. A process that is about to
// end drives nothing new, and drives no more than so many of a type.
import { Cause, Clock, Effect, Exit } from "effect"
import type { ActorUnavailable, Snapshot } from "./Committer.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { RunnerStats } from "./RunnerStats.ts"
import { inOwnTrace } from "./Tracing.ts"

export interface DriversOptions<State, R, Trouble> {
  readonly type: string
  readonly snapshot: (id: string) => Effect.Effect<Snapshot<State>, ActorUnavailable>
  /** Whether there is work to do. */
  readonly isActive: (state: State) => boolean
  readonly drive: (id: string) => Effect.Effect<void, any, R>
  /** Whether a driver that began at `from` is not needed any more; looked at several times a second. */
  readonly isMoot: (state: State, from: State) => boolean
  /** Of this process, read at each use. */
  readonly maxDriven: () => number
  /** A driver that broke is begun again no sooner than this. */
  readonly restartMillis: number
  /** After a driver that came to its end. */
  readonly ended?: (id: string) => Effect.Effect<void>
  /** After one that broke; answers what is to be told whoever says the word next. */
  readonly broke?: (id: string, cause: Cause.Cause<unknown>) => Effect.Effect<Trouble | null>
  /** Told how many are driven, whenever that changes. */
  readonly driven?: (count: number) => void
}

/** Between two looks at whether a driver is moot. */
const lookMillis = 200
/** Actors that are left alone for a while and then never asked for are forgotten beyond this number. */
const maxResting = 1_000

/** The handler of the word: whether the actor is driven now, and what its driver met last. */
export const make = Effect.fnUntraced(function*<State, R, Trouble = never>(options: DriversOptions<State, R, Trouble>) {
  const { broke, drive, ended, isActive, isMoot, maxDriven, restartMillis, snapshot, type } = options
  const services = yield* Effect.context<R>()
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const lifecycle = yield* Lifecycle
  const driven = (yield* RunnerStats).driving(type)
  const resting = new Map<string, { readonly untilMillis: number; readonly trouble: Trouble | null }>()
  const told = () => options.driven?.(driven.size)

  const moot = (id: string, from: State): Effect.Effect<void> =>
    snapshot(id).pipe(
      Effect.map(({ state }) => isMoot(state, from)),
      Effect.orElseSucceed(() => false),
      Effect.delay(lookMillis),
      Effect.repeat({ until: (is) => is }),
      Effect.asVoid
    )
  const rest = (id: string, cause: Cause.Cause<unknown>) =>
    Effect.gen(function*() {
      yield* Effect.logError(`${type} ${id} broke off and is driven again`, cause)
      const trouble = broke === undefined ? null : yield* broke(id, cause)
      const now = clock.currentTimeMillisUnsafe()
      if (resting.size >= maxResting) {
        for (const [other, { untilMillis }] of resting) if (untilMillis < now) resting.delete(other)
      }
      resting.set(id, { untilMillis: now + restartMillis, trouble })
    })
  const driving = (id: string, from: State): Effect.Effect<void> =>
    drive(id).pipe(
      inOwnTrace(`${type}.driver`, { [`polya.${type.toLowerCase()}`]: id }),
      Effect.annotateLogs(type.toLowerCase(), id),
      Effect.provideContext(services),
      Effect.raceFirst(moot(id, from)),
      Effect.exit,
      Effect.flatMap((exit): Effect.Effect<void> =>
        Exit.isSuccess(exit)
          ? ended?.(id) ?? Effect.void
          : Cause.hasInterruptsOnly(exit.cause)
          ? Effect.void
          : rest(id, exit.cause)
      ),
      Effect.ensuring(Effect.sync(() => {
        driven.delete(id)
        told()
      }))
    )

  return Effect.fnUntraced(function*({ actor }: { readonly actor: string }) {
    const { state } = yield* snapshot(actor)
    const last = resting.get(actor)
    const isRested = last === undefined || clock.currentTimeMillisUnsafe() >= last.untilMillis
    const may = isRested && driven.size < maxDriven() && lifecycle.state() !== "draining"
    if (isActive(state) && may && !driven.has(actor)) {
      resting.delete(actor)
      driven.add(actor)
      told()
      // At once: one that is interrupted before it starts would never be left off the list.
      yield* Effect.forkIn(driving(actor, state), scope, { startImmediately: true })
    }
    return { driving: driven.has(actor), trouble: last?.trouble ?? null }
  })
})
