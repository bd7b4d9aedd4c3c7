// Contests as a service: what the API and the command line use. A contest goes on although nobody asks, on another runner if its own dies, and
// its answers stand at every moment. Whoever waits for one keeps it driven, too.
import { Clock, Context, Effect, Layer, Schedule, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import * as Contest from "../domain/Contest.ts"
import { type ContestView, viewOf } from "../domain/Contest/View.ts"
import { digest } from "../domain/Ids.ts"
import { ActorStore } from "./ActorStore.ts"
import { ActorUnavailable, type KeyReused } from "./Committer.ts"
import { ContestActor, wake } from "./ContestActor.ts"
import { ContestProblemActor } from "./ContestProblemActor.ts"
import { ActorLimits, patiently, type SendOptions } from "./DurableActor.ts"

export interface Asked {
  readonly id: string
  readonly answer: number
  /** Whether a sample gave it; else it is the fallback. */
  readonly answered: boolean
}

export class Contests extends Context.Service<Contests, {
  /** Starts it; the same id with the same problems and settings again changes nothing. Its time begins now. */
  readonly start: (
    id: string,
    spec: Contest.ContestSpec,
    problems: ReadonlyArray<Contest.GivenProblem>,
    options?: SendOptions
  ) => Effect.Effect<
    void,
    Contest.ContestTaken | Contest.ContestUnfit | Contest.ProblemRepeated | ActorUnavailable | KeyReused
  >
  readonly view: (id: string) => Effect.Effect<ContestView, Contest.ContestUnknown | ActorUnavailable>
  /** The view now, then every later one that the consumer is quick enough to see; ends after the last one. */
  readonly watch: (id: string) => Stream.Stream<ContestView, Contest.ContestUnknown | ActorUnavailable>
  /** Gives a served contest its next problem and waits for the answer, for the problem's share of the time. Asked again: the same answer. */
  readonly ask: (
    id: string,
    problem: Contest.GivenProblem
  ) => Effect.Effect<
    Asked,
    Contest.ContestUnknown | Contest.ContestClosed | Contest.ContestUnfit | Contest.ProblemRepeated | ActorUnavailable
  >
  /** Ends it before its time; its answers stay. What runs for it is interrupted within a second or so. */
  readonly cancel: (
    id: string,
    why: string,
    options?: SendOptions
  ) => Effect.Effect<void, Contest.ContestUnknown | ActorUnavailable | KeyReused>
}>()("polya/Contests") {
  static readonly layer: Layer.Layer<Contests, never, Sharding.Sharding | ActorStore> = Layer.effect(
    Contests,
    Effect.suspend(() => make)
  )
}

/** Between two words to the driver of a contest that somebody waits for. */
const wakeMillis = 1_000
/** Texts that are written at once. */
const textsAtOnce = 32

const make = Effect.gen(function*() {
  const services = yield* Effect.context<Sharding.Sharding>()
  const store = yield* ActorStore
  const limits = yield* ActorLimits
  const clock = yield* Clock.Clock
  const contests = yield* ContestActor.client
  const texts = yield* ContestProblemActor.client

  const known = (id: string): Effect.Effect<void, Contest.ContestUnknown | ActorUnavailable> =>
    patiently(store.load([{ type: ContestActor.type, id }]), limits.commandDeadlineMillis).pipe(
      Effect.catchTag("StoreFailed", ({ detail, reason }) => Effect.fail(new ActorUnavailable({ reason, detail }))),
      Effect.flatMap(([row]) => (row === undefined ? Effect.fail(new Contest.ContestUnknown()) : Effect.void))
    )
  const nudge = (id: string) => Effect.ignore(Effect.provideContext(wake(id), services))
  const viewed =
    (id: string) => ({ state, version }: { readonly state: Contest.ContestState; readonly version: number }) =>
      viewOf(id, version, state)
  const watch = (id: string): Stream.Stream<ContestView, Contest.ContestUnknown | ActorUnavailable> =>
    Stream.unwrap(Effect.as(
      known(id),
      contests(id).watch.pipe(
        Stream.map(viewed(id)),
        Stream.filter((view) => view !== null),
        Stream.takeUntil(({ status }) => status !== "running"),
        Stream.merge(
          Stream.drain(Stream.fromEffectSchedule(nudge(id), Schedule.spaced(wakeMillis))),
          { haltStrategy: "left" }
        )
      )
    ))
  const keep = (contest: string, { id, problem }: Contest.GivenProblem) =>
    texts(Contest.textId(contest, id)).send("Keep", { contest, id, text: problem })

  return Contests.of({
    start: Effect.fn("Contests.start")(function*(id, spec, problems, options) {
      const unfit = unfitness(spec, problems)
      if (unfit !== undefined) return yield* new Contest.ContestUnfit({ detail: unfit })
      const ids = problems.map((one) => one.id)
      const fingerprint = digest(problems.flatMap((one) => [one.id, one.problem]), 32)
      const { state } = yield* contests(id).get
      if (state.spec === null) {
        yield* Effect.forEach(problems, (one) => keep(id, one), { concurrency: textsAtOnce, discard: true })
      }
      // The time begins when all is there.
      yield* contests(id).send("Start", { spec, ids, fingerprint, atMillis: clock.currentTimeMillisUnsafe() }, options)
      yield* Effect.forkDetach(nudge(id))
    }) as Contests["Service"]["start"],
    view: (id) =>
      Effect.andThen(known(id), contests(id).get).pipe(
        Effect.map(viewed(id)),
        Effect.flatMap((view) => (view === null ? Effect.fail(new Contest.ContestUnknown()) : Effect.succeed(view)))
      ),
    watch,
    ask: Effect.fn("Contests.ask")(function*(id, problem) {
      yield* known(id)
      const { state } = yield* contests(id).get
      if (state.spec?.mode !== "served" && state.spec !== null) {
        return yield* new Contest.ContestClosed({ detail: "its problems were given at the start" })
      }
      yield* keep(id, problem)
      const { index } = yield* contests(id).send("Ask", { id: problem.id, atMillis: clock.currentTimeMillisUnsafe() })
      yield* Effect.forkDetach(nudge(id))
      const last = yield* watch(id).pipe(
        Stream.takeUntil(({ problems }) => problems[index]?.status === "done"),
        Stream.runLast
      )
      const found = last._tag === "Some" ? last.value.problems[index] : undefined
      if (found === undefined) {
        return yield* new ActorUnavailable({ reason: "unavailable", detail: "the watch of its contest ended early" })
      }
      return { id: found.id, answer: found.answer, answered: found.answered }
    }) as Contests["Service"]["ask"],
    cancel: (id, why, options) =>
      Effect.andThen(
        known(id),
        contests(id).send("Cancel", { why, atMillis: clock.currentTimeMillisUnsafe() }, options).pipe(
          Effect.mapError((error) => error as Contest.ContestUnknown | ActorUnavailable | KeyReused)
        )
      )
  })
})

/** What of it makes no contest; undefined: nothing. */
const unfitness = (
  spec: Contest.ContestSpec,
  problems: ReadonlyArray<Contest.GivenProblem>
): string | undefined => {
  if (spec.reserveMillis >= spec.totalMillis) return "its reserve is as long as its time"
  if (spec.mode === "served") return problems.length === 0 ? undefined : "a served contest is given its problems later"
  if (problems.length !== spec.problems) return `${problems.length} problems were given, and ${spec.problems} announced`
  const ids = new Set<string>()
  let characters = 0
  for (const { id, problem } of problems) {
    if (ids.has(id)) return `two problems have the id ${JSON.stringify(id)}`
    ids.add(id)
    characters += problem.length
  }
  return characters > Contest.maxTextCharacters
    ? `its problems have ${characters} characters together, and ${Contest.maxTextCharacters} is the bound`
    : undefined
}
