// Drives one contest from wherever it stands until it is over: begins passes when the schedule says so, each a solve of its own, tells the contest
// who leads while one runs, and ends what is late. All that it knows is in the store: a driver that takes over finds the solves that went on
// meanwhile. Whatever a solve does, its pass ends at its deadline, and the contest at its own.
import { Clock, Effect, Fiber, Option, Queue, Schedule, Schema, type Scope, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import * as Contest from "../domain/Contest.ts"
import { nextStep } from "../domain/Contest/Schedule.ts"
import { leaderOf, mergeTallies, noVotes, type Tally, tallyOf } from "../domain/Contest/Tally.ts"
import { currentVote, isOver, seedOf, type SolveSpec, type SolveState } from "../domain/Solve.ts"
import { ActorStore } from "./ActorStore.ts"
import { ActorUnavailable } from "./Committer.ts"
import { ContestProblemActor } from "./ContestProblemActor.ts"
import { patient } from "./DurableActor.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { Solves } from "./Solves.ts"

/** The text of a problem is not in the store: a bug of ours, or a store that was tampered with. */
export class ProblemTextMissing extends Schema.TaggedError<ProblemTextMissing>()("ProblemTextMissing", {
  id: Schema.String
}) {
  override get message() {
    return `The text of problem ${this.id} is not in the store; start the contest anew under another id`
  }
}

/** What the driver needs of the Contest actor that it works for. */
export interface ContestHandle {
  readonly id: string
  readonly state: Effect.Effect<Contest.ContestState, ActorUnavailable>
  /** Lets go of what this runner knows of the contest: it is read again. */
  readonly refresh: Effect.Effect<void>
  readonly send: (tag: "Begin" | "Lead" | "End" | "Finish", payload: object) => Effect.Effect<any, any>
}

export type ContestServices = Solves | ActorStore | Sharding.Sharding

/** Between two looks at whether somebody has asked or cancelled. */
const lookMillis = 100
/** What a look at a late solve, and calling it off, may take. */
const lastLookMillis = 2_000
const callOffMillis = 5_000
/** Between two tries to reach a solve whose runner is away. */
const againMillis = 500

/** A solve is asked to answer so long before its pass ends that the answer is there by then. */
const slackMillis = (allowanceMillis: number): number => Math.min(1_000, allowanceMillis / 20)

/** What is asked of the model in a pass. It follows from the contest's state alone, so that a driver that takes over asks for the same. */
export const solveSpec = (
  contest: string,
  spec: Contest.ContestSpec,
  index: number,
  { deadlineMillis, pass, startedMillis }: Contest.ContestProblem,
  text: string
): SolveSpec => {
  const allowanceMillis = deadlineMillis - startedMillis
  const { strategy } = spec
  return {
    prompt: { _tag: "Problem", text },
    model: spec.model,
    strategy: {
      ...strategy,
      answers: {
        ...strategy.answers,
        ...(spec.modulo === null ? { integers: [0, 99_999] as const } : { modulo: spec.modulo })
      }
    },
    seed: seedOf(seedOf(spec.seed, index), pass),
    budget: {
      tokens: null,
      millis: Math.min(86_400_000, Math.max(100, Math.round(allowanceMillis - slackMillis(allowanceMillis))))
    },
    owner: spec.owner,
    group: contest
  }
}

/** What a solve says now. */
const votesIn = (solve: SolveState, modulo: number | null): Tally => {
  const vote = isOver(solve) && solve.vote !== null ? solve.vote : currentVote(solve)
  return tallyOf(vote, solve.answer ?? vote?.answer ?? null, modulo)
}

interface Running {
  readonly pass: number
  readonly fiber: Fiber.Fiber<void, any>
}

export const drive = Effect.fn("ContestDriver.drive")(function*(handle: ContestHandle) {
  yield* Effect.scoped(rounds(handle))
  const state = yield* patient(handle.state)
  if (Contest.isOver(state)) yield* callOff(handle, state)
})

/** Leaving the scope lets go of the passes; their solves go on until somebody calls them off. */
const rounds = Effect.fnUntraced(function*(
  handle: ContestHandle
): Effect.fn.Return<void, any, ContestServices | Scope.Scope> {
  const clock = yield* Clock.Clock
  const lifecycle = yield* Lifecycle
  const ended = yield* Queue.unbounded<{ readonly index: number; readonly pass: number }>()
  const running = new Map<number, Running>()

  while (lifecycle.state() !== "draining") {
    const state = yield* patient(handle.state)
    const { spec } = state
    if (spec === null || state.status !== "running") return
    for (const [index, { pass }] of running) {
      const problem = state.problems[index]
      if (problem?.status !== "running" || problem.pass !== pass) running.delete(index)
    }
    for (const [index, problem] of state.problems.entries()) {
      if (problem.status !== "running" || running.has(index)) continue
      const fiber = yield* Effect.forkScoped(
        Effect.ensuring(passOf(handle, spec, index, problem), Queue.offer(ended, { index, pass: problem.pass }))
      )
      running.set(index, { pass: problem.pass, fiber })
    }
    const atMillis = clock.currentTimeMillisUnsafe()
    const step = nextStep(state, atMillis)
    if (step._tag === "Turn" && (yield* patient(handle.send("Begin", { atMillis }))) !== null) continue
    if (step._tag === "Over" && (yield* patient(handle.send("Finish", { atMillis })))) return
    const until = step._tag === "Wait" && step.untilMillis !== null ? step.untilMillis - atMillis : lookMillis
    const [gone] = yield* Effect.timeoutOption(Queue.takeBetween(ended, 1, 1), Math.min(lookMillis, Math.max(1, until)))
      .pipe(Effect.map(Option.getOrElse(() => [])))
    const one = gone === undefined ? undefined : running.get(gone.index)
    // The problem's next pass may run already: it is not waited for.
    if (gone !== undefined && one?.pass === gone.pass) {
      // A pass that broke brings the driver down, which is begun again.
      yield* Fiber.join(one.fiber)
      running.delete(gone.index)
    }
  }
})

/** One pass: its solve from start or from where it stands, until it has answered or its deadline has come. */
const passOf = Effect.fnUntraced(function*(
  handle: ContestHandle,
  spec: Contest.ContestSpec,
  index: number,
  problem: Contest.ContestProblem
): Effect.fn.Return<void, any, ContestServices> {
  const solves = yield* Solves
  const clock = yield* Clock.Clock
  const { deadlineMillis, pass } = problem
  const id = Contest.solveId(handle.id, index, pass)
  let last: SolveState | undefined
  let led = leaderOf(Contest.votesOn(problem), spec.strategy.select !== null)
  const report = (tag: "Lead" | "End", fields: object) =>
    patient(handle.send(tag, { index, pass, atMillis: clock.currentTimeMillisUnsafe(), ...fields })).pipe(
      // The contest has moved on, or another driver has: it is looked at again.
      Effect.catchIf((error: any) => error?._tag === "PassStale", () => handle.refresh)
    )
  const end = (fields: { readonly stop: string | null; readonly error: SolveState["error"] }) =>
    report("End", {
      ...fields,
      tally: last === undefined ? noVotes : votesIn(last, spec.modulo),
      tokens: last?.usage.completionTokens ?? 0,
      microDollars: last?.microDollars ?? 0
    })
  const told = (state: SolveState): Effect.Effect<void> =>
    Effect.suspend(() => {
      last = state
      const tally = votesIn(state, spec.modulo)
      // What stands is the leader of all passes together.
      const leader = leaderOf(mergeTallies(problem.tally, tally), spec.strategy.select !== null)
      if (isOver(state) || leader === null || leader === led) return Effect.void
      led = leader
      // What cannot be told now is told when the pass ends.
      return Effect.ignore(report("Lead", { tally }))
    })
  const watched = Effect.gen(function*() {
    const text = yield* textOf(handle.id, problem.id)
    yield* solves.start(id, solveSpec(handle.id, spec, index, problem, text))
    yield* Stream.runForEach(solves.watch(id), told)
    if (last === undefined || !isOver(last)) {
      return yield* new ActorUnavailable({ reason: "unavailable", detail: "the watch of its solve ended early" })
    }
  }).pipe(
    // While its runner is away it may be unknown, and the watch may break off. It goes on all the same; the deadline bounds this.
    Effect.retry({
      while: (error) => error._tag === "SolveUnknown" || (error._tag === "ActorUnavailable" && error.again),
      schedule: againSchedule
    }),
    Effect.result
  )
  const leftMillis = deadlineMillis - clock.currentTimeMillisUnsafe()
  const outcome = leftMillis <= 0 ? Option.none() : yield* Effect.timeoutOption(watched, leftMillis)
  if (Option.isSome(outcome)) {
    if (outcome.value._tag === "Failure") {
      const { _tag, message } = outcome.value.failure
      yield* end({ stop: "Failed", error: { tag: String(_tag), message: String(message).slice(0, 1_000) } })
    } else yield* end({ stop: last?.stop?._tag ?? null, error: last?.error ?? null })
    return
  }
  const late = yield* Effect.timeoutOption(Effect.option(solves.state(id)), lastLookMillis)
  last = Option.getOrElse(Option.flatten(late), () => last)
  yield* end({ stop: "TimeUp", error: null })
  if (last === undefined || !isOver(last)) yield* cancelled(solves, id, "the time of its pass is over")
})

const againSchedule = Schedule.spaced(againMillis)

const cancelled = (solves: Solves["Service"], id: string, why: string): Effect.Effect<void> =>
  solves.cancel(id, why).pipe(Effect.timeout(callOffMillis), Effect.ignore)

/** Calls off the solves that ran when the contest ended. */
const callOff = Effect.fnUntraced(function*({ id }: ContestHandle, { note, problems }: Contest.ContestState) {
  const solves = yield* Solves
  const why = note === "" ? "its contest is over" : note
  yield* Effect.forEach(
    problems.entries(),
    ([index, { pass, stop }]) =>
      stop === "ContestOver" ? cancelled(solves, Contest.solveId(id, index, pass), why) : Effect.void,
    { concurrency: 16, discard: true }
  )
})

const textOf = Effect.fnUntraced(function*(contest: string, problem: string) {
  const store = yield* ActorStore
  const id = Contest.textId(contest, problem)
  const [row] = yield* patient(store.load([{ type: ContestProblemActor.type, id }]))
  if (row === undefined) return yield* new ProblemTextMissing({ id: problem })
  return ContestProblemActor.codec.decode(row.state).text
})
