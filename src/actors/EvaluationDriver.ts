// Drives one evaluation: takes its problems in order, a bounded number at once, has each solved, grades what came of it and keeps the results.
// All that it knows is in the store: a driver that was killed is followed by another, which finds the solves that went on meanwhile.
import { Clock, Effect, Schedule, Schema, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import type { EvaluationSpec, EvaluationState } from "../domain/ModelEvaluation.ts"
import { isClosed, startOf } from "../domain/ModelEvaluation.ts"
import { notBegun, referenceIn, resultOf, spellingsOf } from "../domain/ModelEvaluation/Grading.ts"
import { MetricsBuilder } from "../domain/ModelEvaluation/Metrics.ts"
import type { EvaluationProblem } from "../domain/ModelEvaluation/Problems.ts"
import { type ProblemResult, resultsId, tallyOfList } from "../domain/ModelEvaluation/Results.ts"
import { isOver, seedOf, type SolveSpec, type SolveState } from "../domain/Solve.ts"
import type { Outcome, VerifyOptions } from "../domain/Verdict.ts"
import { ActorStore } from "./ActorStore.ts"
import type { ActorUnavailable } from "./Committer.ts"
import { patient } from "./DurableActor.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { loadProblems, loadResults, ResultListActor } from "./ProblemList.ts"
import { Solves } from "./Solves.ts"
import { Verdicts } from "./Verdicts.ts"

/** A list of problems is not in the store, or is not as long as it was: a bug of ours, or a store that was tampered with. */
export class ProblemsMissing extends Schema.TaggedError<ProblemsMissing>()("ProblemsMissing", { list: Schema.Int }) {
  override get message() {
    return `The evaluation's list of problems ${this.list} is not in the store as it was given; create the evaluation anew`
  }
}

/** What the driver needs of the Evaluation actor that it works for. */
export interface EvaluationHandle {
  readonly id: string
  /** The committed state, as far as this runner knows. */
  readonly state: Effect.Effect<EvaluationState, ActorUnavailable>
  readonly send: (tag: "Progress" | "Finish" | "Cancelled", payload: any) => Effect.Effect<void, any>
}

export type EvaluationServices = Solves | Verdicts | ActorStore | Sharding.Sharding

/** Results are kept as they come: those of so many milliseconds, or so many, together. */
const keepMillis = 500
const keepRows = 64
/** A solve that cannot be asked about is asked about again after this, for ten minutes. */
const againMillis = 1_000
const agains = 600
/** Solves that are called off at once. */
const cancelsAtOnce = 16

export const solveId = (evaluation: string, problem: number): string => `${evaluation}:${problem}`

/** What is asked of the model for a problem; the reference answer is no part of it. */
export const solveSpec = (
  evaluation: string,
  { budget, model, owner, seed, strategy }: EvaluationSpec,
  number: number,
  problem: Pick<EvaluationProblem, "text">
): SolveSpec => ({
  prompt: { _tag: "Problem", text: problem.text },
  model,
  strategy,
  seed: seedOf(seed, number),
  budget,
  owner,
  group: evaluation
})

/** Outcomes of answers against a reference, one comparison a spelling. */
export const gradesOf = Effect.fnUntraced(
  function*(reference: string | null, spellings: ReadonlyArray<string>, options: VerifyOptions) {
    const outcomes = new Map<string, Outcome>()
    if (reference !== null && spellings.length > 0) {
      const { verify } = yield* Verdicts
      const verdicts = yield* verify(spellings.map((pred) => ({ gold: reference, pred, opts: options, bare: true })))
      for (const [at, spelling] of spellings.entries()) outcomes.set(spelling, verdicts[at]?.verdict ?? "undecided")
    }
    return (answer: string): Outcome => outcomes.get(answer) ?? "undecided"
  }
)

/** Drives it from wherever it stands until there is nothing more to do. Work that another driver does at the same time counts once. */
export const drive = Effect.fn("EvaluationDriver.drive")(function*(handle: EvaluationHandle) {
  const state = yield* patient(handle.state)
  if (state.spec === null) return
  if (state.status === "cancelling") return yield* callOff(handle, state)
  if (state.status !== "running") return
  yield* walk(handle, state, state.spec)
  const now = yield* patient(handle.state)
  if (now.status !== "running" || now.closed < now.lists.length) return
  const metrics = yield* measured(handle.id, now, state.spec)
  yield* patient(handle.send("Finish", { metrics, atMillis: yield* Clock.currentTimeMillis }))
})

interface Todo {
  readonly list: number
  readonly at: number
  readonly number: number
  readonly problem: EvaluationProblem
}

const walk = Effect.fnUntraced(function*(handle: EvaluationHandle, state: EvaluationState, spec: EvaluationSpec) {
  const lifecycle = yield* Lifecycle
  const store = yield* ActorStore
  const clientOf = yield* ResultListActor.client
  const todo = (list: number) =>
    Effect.gen(function*() {
      if (isClosed(yield* patient(handle.state), list)) return []
      const problems = yield* patient(loadProblems(store, handle.id, list))
      if (problems.length !== state.lists[list]) return yield* new ProblemsMissing({ list })
      const kept = yield* patient(loadResults(store, handle.id, list))
      // What was kept and could not be reported any more.
      if (kept.results.length > 0) yield* report(handle, list, tallyOfList(kept))
      const known = new Set(kept.results.map(({ at }) => at))
      const first = startOf(state, list)
      return problems.flatMap((problem, at): ReadonlyArray<Todo> =>
        known.has(at) ? [] : [{ list, at, number: first + at, problem }]
      )
    })
  const keep = Effect.fnUntraced(function*(found: ReadonlyArray<readonly [list: number, result: ProblemResult]>) {
    for (const [list, own] of Map.groupBy(found, ([list]) => list)) {
      const results = own.map(([, result]) => result)
      const client = clientOf(resultsId(handle.id, list))
      const tally = yield* patient(client.send("Record", { evaluation: handle.id, results }))
      yield* report(handle, list, tally)
    }
  })
  // A list is loaded when the places are nearly free for it.
  yield* Stream.range(state.closed, state.lists.length - 1).pipe(
    // A process that is about to end begins nothing new; the next owner goes on.
    Stream.takeWhile(() => lifecycle.state() !== "draining"),
    Stream.rechunk(1),
    Stream.mapEffect(todo),
    Stream.flatMap((some) => Stream.fromIterable(some)),
    Stream.rechunk(1),
    Stream.mapEffect((one) => Effect.map(solved(handle.id, spec, one), (result) => [one.list, result] as const), {
      concurrency: spec.concurrency,
      unordered: true
    }),
    Stream.groupedWithin(keepRows, keepMillis),
    Stream.runForEach(keep)
  )
})

const report = (handle: EvaluationHandle, list: number, tally: unknown) =>
  patient(handle.send("Progress", { list, tally }))

const solved = Effect.fnUntraced(
  function*(evaluation: string, spec: EvaluationSpec, { at, number, problem }: Todo) {
    const solves = yield* Solves
    const id = solveId(evaluation, number)
    const begin = patient(solves.start(id, solveSpec(evaluation, spec, number, problem)))
    const over = Effect.gen(function*() {
      yield* begin
      return yield* solves.outcome(id)
    }).pipe(
      // While its runner is away it may be unknown, and the wait may break off. It goes on all the same.
      Effect.retry({
        while: (error) => error._tag === "SolveUnknown" || (error._tag === "ActorUnavailable" && error.again),
        schedule: Schedule.spaced(againMillis),
        times: agains
      })
    )
    const found = yield* Effect.result(over)
    if (found._tag === "Failure") {
      const error = found.failure
      // What the store or the cluster cannot do now says nothing of the problem.
      if (error._tag === "ActorUnavailable" || error._tag === "SolveUnknown") return yield* Effect.fail(error)
      return notBegun(problem, at, spec.strategy.samples, { tag: error._tag, message: error.message })
    }
    return yield* graded(problem, at, found.success, spec)
  }
)

const graded = Effect.fnUntraced(
  function*(problem: EvaluationProblem, at: number, solve: SolveState, { strategy }: EvaluationSpec) {
    const reference = referenceIn(problem.answer, strategy.answers)
    const outcomeOf = yield* gradesOf(reference, spellingsOf(solve), strategy.answers)
    return resultOf(problem, at, solve, reference, outcomeOf)
  }
)

/** The metrics of all that is kept. */
export const measured = Effect.fnUntraced(
  function*(evaluation: string, { lists }: Pick<EvaluationState, "lists">, { strategy }: EvaluationSpec) {
    const store = yield* ActorStore
    const builder = new MetricsBuilder(strategy.stop.length === 0 ? strategy.samples : null)
    for (const list of lists.keys()) {
      const { results } = yield* patient(loadResults(store, evaluation, list))
      // In the order of the problems, so that sums are the same whatever ended first.
      for (const one of results.toSorted((a, b) => a.at - b.at)) {
        builder.add(one)
        yield* Effect.yieldNow
      }
    }
    return builder.metrics
  }
)

/** Calls off what runs. Problems are begun in order, so that far behind the last that is known there is nothing more. */
const callOff = Effect.fnUntraced(function*(handle: EvaluationHandle, state: EvaluationState) {
  const solves = yield* Solves
  const store = yield* ActorStore
  const { note, spec } = state
  const far = 2 * (spec?.concurrency ?? 1)
  let unknown = 0
  for (let list = state.closed; list < state.lists.length && unknown < far; list++) {
    if (isClosed(state, list)) continue
    const known = new Set((yield* patient(loadResults(store, handle.id, list))).results.map(({ at }) => at))
    const first = startOf(state, list)
    const left = Array.from({ length: state.lists[list] ?? 0 }, (_, at) => at).filter((at) => !known.has(at))
    for (let from = 0; from < left.length && unknown < far; from += cancelsAtOnce) {
      const found = yield* Effect.forEach(left.slice(from, from + cancelsAtOnce), (at) =>
        Effect.gen(function*() {
          const id = solveId(handle.id, first + at)
          const solve = yield* patient(solves.state(id))
          if (!isOver(solve)) yield* patient(solves.cancel(id, note === "" ? "its evaluation was cancelled" : note))
          return true
        }).pipe(Effect.catchTag("SolveUnknown", () => Effect.succeed(false))), { concurrency: cancelsAtOnce })
      for (const was of found) unknown = was ? 0 : unknown + 1
    }
  }
  yield* patient(handle.send("Cancelled", {}))
})
