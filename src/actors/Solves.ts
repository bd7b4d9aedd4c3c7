// Solving as a service: what the API, evaluations, contests and command lines use. A solve is a durable actor: it goes on although nobody asks,
// on another runner if its own dies, and its samples that have ended are kept. Whoever waits for one keeps it driven, too.
import { Clock, Context, Effect, Layer, Schedule, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import {
  isOver,
  sampleId,
  type SampleState,
  type SolveSpec,
  type SolveState,
  type SolveTaken,
  SolveUnknown
} from "../domain/Solve.ts"
import { ActorStore } from "./ActorStore.ts"
import { ActorUnavailable, type KeyReused } from "./Committer.ts"
import { ActorLimits, patiently, type SendOptions } from "./DurableActor.ts"
import { SampleActor } from "./SampleActor.ts"
import { SolveActor, wake } from "./SolveActor.ts"

export class Solves extends Context.Service<Solves, {
  /** Starts it; the same id with the same spec again changes nothing. */
  readonly start: (
    id: string,
    spec: SolveSpec,
    options?: SendOptions
  ) => Effect.Effect<void, SolveTaken | ActorUnavailable | KeyReused>
  readonly state: (id: string) => Effect.Effect<SolveState, SolveUnknown | ActorUnavailable>
  /** The state now, then every later one that the consumer is quick enough to see; ends after the last one. */
  readonly watch: (id: string) => Stream.Stream<SolveState, SolveUnknown | ActorUnavailable>
  /** Waits until it is over. */
  readonly outcome: (id: string) => Effect.Effect<SolveState, SolveUnknown | ActorUnavailable>
  /** Calls it off; what runs for it is interrupted within a second. */
  readonly cancel: (
    id: string,
    why: string,
    options?: SendOptions
  ) => Effect.Effect<void, SolveUnknown | ActorUnavailable | KeyReused>
  /** The text of a sample that has ended; undefined: there is none. */
  readonly text: (id: string, sample: number) => Effect.Effect<SampleState | undefined, ActorUnavailable>
}>()("polya/Solves") {
  static readonly layer: Layer.Layer<Solves, never, Sharding.Sharding | ActorStore> = Layer.effect(
    Solves,
    Effect.suspend(() => make)
  )
}

/** Between two words to the driver of a solve that somebody waits for. */
const wakeMillis = 1_000

const make = Effect.gen(function*() {
  const services = yield* Effect.context<Sharding.Sharding>()
  const store = yield* ActorStore
  const limits = yield* ActorLimits
  const solves = yield* SolveActor.client
  const samples = yield* SampleActor.client
  const clock = yield* Clock.Clock

  /** An id that nobody has started must not make an actor of it. */
  const known = (id: string): Effect.Effect<void, SolveUnknown | ActorUnavailable> =>
    patiently(store.load([{ type: SolveActor.type, id }]), limits.commandDeadlineMillis).pipe(
      Effect.catchTag("StoreFailed", ({ detail, reason }) => Effect.fail(new ActorUnavailable({ reason, detail }))),
      Effect.flatMap(([row]) => (row === undefined ? Effect.fail(new SolveUnknown()) : Effect.void))
    )
  const nudge = (id: string) => Effect.ignore(Effect.provideContext(wake(id), services))
  const watch = (id: string): Stream.Stream<SolveState, SolveUnknown | ActorUnavailable> =>
    Stream.unwrap(Effect.as(
      known(id),
      solves(id).watch.pipe(
        Stream.map(({ state }) => state),
        Stream.takeUntil(isOver),
        Stream.merge(
          Stream.drain(Stream.fromEffectSchedule(nudge(id), Schedule.spaced(wakeMillis))),
          { haltStrategy: "left" }
        )
      )
    ))
  return Solves.of({
    start: Effect.fn("Solves.start")(function*(id, spec, options) {
      yield* solves(id).send("Start", { spec, atMillis: clock.currentTimeMillisUnsafe() }, options).pipe(
        // Start refuses with SolveTaken alone.
        Effect.mapError((error) => error as SolveTaken | ActorUnavailable | KeyReused)
      )
      yield* Effect.forkDetach(nudge(id))
    }),
    state: (id) => Effect.andThen(known(id), Effect.map(solves(id).get, ({ state }) => state)),
    watch,
    outcome: (id) =>
      Effect.flatMap(
        Stream.runLast(watch(id)),
        (last) =>
          last._tag === "Some" && isOver(last.value) ? Effect.succeed(last.value) : Effect.fail(
            new ActorUnavailable({ reason: "unavailable", detail: "its watch ended early" })
          )
      ),
    cancel: (id, why, options) =>
      Effect.andThen(
        known(id),
        solves(id).send("Cancel", { why, atMillis: clock.currentTimeMillisUnsafe() }, options).pipe(
          Effect.mapError((error) => error as SolveUnknown | ActorUnavailable | KeyReused)
        )
      ),
    text: (id, sample) =>
      Effect.map(samples(sampleId(id, sample)).get, ({ state, version }) => (version === 0 ? undefined : state))
  })
})
