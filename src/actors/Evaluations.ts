// Evaluations as a service: what the API and the command line use. Problems come in lists, then it is started, and goes on by itself; results
// and the texts of samples are read page by page.
import { Clock, Context, Effect, Layer, type Stream } from "effect"
import type { Sharding } from "effect/cluster"
import * as Evaluation from "../domain/ModelEvaluation.ts"
import { referenceIn, sampleGrades, spellingsOf } from "../domain/ModelEvaluation/Grading.ts"
import type { EvaluationMetrics } from "../domain/ModelEvaluation/Metrics.ts"
import { type EvaluationProblem, listId, type ProblemListTaken } from "../domain/ModelEvaluation/Problems.ts"
import type { ProblemResult, SampleGrade } from "../domain/ModelEvaluation/Results.ts"
import type { SampleRecord, SampleStep } from "../domain/Solve.ts"
import { ActorStore, type StoreFailed } from "./ActorStore.ts"
import type { ActorUnavailable, KeyReused, Snapshot } from "./Committer.ts"
import type { SendOptions } from "./DurableActor.ts"
import { EvaluationActor, wake } from "./EvaluationActor.ts"
import { gradesOf, measured, solveId } from "./EvaluationDriver.ts"
import { loadProblems, loadResults, ProblemListActor } from "./ProblemList.ts"
import { Solves } from "./Solves.ts"
import type { Verdicts } from "./Verdicts.ts"

/** A problem with what came of it; `result` null: it has not ended. */
export interface EvaluatedProblem {
  readonly number: number
  readonly problem: EvaluationProblem
  readonly result: ProblemResult | null
}
/** One sample of a problem, with its text. */
export interface EvaluatedSample {
  readonly sample: number
  readonly record: SampleRecord
  readonly grade: SampleGrade
  readonly text: string | null
  readonly reasoning: string | null
  readonly steps: ReadonlyArray<SampleStep>
}

/** Characters of the samples of one page, about; the first is there in any case. */
const pageCharacters = 4_194_304

export class Evaluations extends Context.Service<Evaluations, {
  readonly create: (
    id: string,
    spec: Evaluation.EvaluationSpec,
    options?: SendOptions
  ) => Effect.Effect<void, Evaluation.EvaluationTaken | ActorUnavailable | KeyReused>
  /** Lists come in order from 0; the same list again changes nothing. */
  readonly add: (
    id: string,
    list: number,
    problems: ReadonlyArray<EvaluationProblem>,
    options?: SendOptions
  ) => Effect.Effect<
    void,
    | Evaluation.EvaluationUnknown
    | Evaluation.EvaluationNotReady
    | ProblemListTaken
    | ActorUnavailable
    | KeyReused
  >
  /** `problems`: how many were added. */
  readonly start: (
    id: string,
    problems: number,
    options?: SendOptions
  ) => Effect.Effect<
    void,
    Evaluation.EvaluationUnknown | Evaluation.EvaluationNotReady | ActorUnavailable | KeyReused
  >
  readonly resume: (
    id: string,
    why: string,
    options?: SendOptions
  ) => Effect.Effect<
    void,
    Evaluation.EvaluationUnknown | Evaluation.EvaluationNotReady | ActorUnavailable | KeyReused
  >
  readonly cancel: (
    id: string,
    why: string,
    options?: SendOptions
  ) => Effect.Effect<void, Evaluation.EvaluationUnknown | ActorUnavailable | KeyReused>
  readonly state: (
    id: string
  ) => Effect.Effect<Snapshot<Evaluation.EvaluationState>, Evaluation.EvaluationUnknown | StoreFailed>
  readonly watch: (id: string) => Stream.Stream<Snapshot<Evaluation.EvaluationState>, ActorUnavailable>
  /** The metrics of all that has ended so far. */
  readonly metrics: (
    id: string
  ) => Effect.Effect<EvaluationMetrics, Evaluation.EvaluationUnknown | StoreFailed | ActorUnavailable>
  /** Problems in order from number `from` on; a page ends with the list that it began in, so it may be shorter. */
  readonly results: (
    id: string,
    from: number,
    limit: number
  ) => Effect.Effect<
    { readonly items: ReadonlyArray<EvaluatedProblem>; readonly next: number | null },
    Evaluation.EvaluationUnknown | StoreFailed
  >
  /** Samples of a problem in order from number `from` on. */
  readonly samples: (
    id: string,
    problem: number,
    from: number
  ) => Effect.Effect<
    { readonly items: ReadonlyArray<EvaluatedSample>; readonly next: number | null },
    Evaluation.EvaluationUnknown | StoreFailed | ActorUnavailable
  >
}>()("polya/Evaluations") {
  static readonly layer: Layer.Layer<Evaluations, never, ActorStore | Sharding.Sharding | Solves | Verdicts> = Layer
    .effect(Evaluations, Effect.suspend(() => make()))
}

const make = Effect.fnUntraced(function*() {
  const services = yield* Effect.context<ActorStore | Sharding.Sharding | Solves | Verdicts>()
  const store = yield* ActorStore
  const solves = yield* Solves
  const clientOf = yield* EvaluationActor.client
  const listOf = yield* ProblemListActor.client
  const woken = (id: string) => Effect.provideContext(wake(id), services).pipe(Effect.ignore, Effect.forkDetach)

  const state = Effect.fnUntraced(function*(id: string) {
    const [row] = yield* store.load([{ type: EvaluationActor.type, id }])
    if (row === undefined) return yield* new Evaluation.EvaluationUnknown()
    return { version: row.version, state: EvaluationActor.codec.decode(row.state) }
  })

  return Evaluations.of({
    create: Effect.fn("Evaluations.create")(function*(id, spec, options) {
      yield* clientOf(id).send("Create", { spec, atMillis: yield* Clock.currentTimeMillis }, options)
    }) as Evaluations["Service"]["create"],
    add: Effect.fn("Evaluations.add")(function*(id, list, problems, options) {
      const { state } = yield* clientOf(id).get
      // Before anything is stored for it.
      const decision = Evaluation.add(state, { list, problems: problems.length })
      if (decision._tag === "Refused") return yield* decision.error
      yield* listOf(listId(id, list)).send("Put", { evaluation: id, problems })
      yield* clientOf(id).send("Add", { list, problems: problems.length }, options)
    }) as Evaluations["Service"]["add"],
    start: Effect.fn("Evaluations.start")(function*(id, problems, options) {
      yield* clientOf(id).send("Start", { problems, atMillis: yield* Clock.currentTimeMillis }, options)
      yield* woken(id)
    }) as Evaluations["Service"]["start"],
    resume: Effect.fn("Evaluations.resume")(function*(id, why, options) {
      yield* clientOf(id).send("Resume", { why, atMillis: yield* Clock.currentTimeMillis }, options)
      yield* woken(id)
    }) as Evaluations["Service"]["resume"],
    cancel: Effect.fn("Evaluations.cancel")(function*(id, why, options) {
      yield* clientOf(id).send("Cancel", { why, atMillis: yield* Clock.currentTimeMillis }, options)
      yield* woken(id)
    }) as Evaluations["Service"]["cancel"],
    state,
    watch: (id) => clientOf(id).watch,
    metrics: Effect.fn("Evaluations.metrics")(function*(id) {
      const { state: now } = yield* state(id)
      if (now.metrics !== null || now.spec === null) return now.metrics ?? (yield* new Evaluation.EvaluationUnknown())
      return yield* Effect.provideContext(measured(id, now, now.spec), services)
    }),
    results: Effect.fn("Evaluations.results")(function*(id, from, limit) {
      const { state: now } = yield* state(id)
      const place = Evaluation.placeOf(now, from)
      if (place === undefined) return { items: [], next: null }
      const { at, list } = place
      const [problems, { results }] = yield* Effect.all([
        loadProblems(store, id, list),
        loadResults(store, id, list)
      ])
      const found = new Map(results.map((one) => [one.at, one]))
      const items = problems.slice(at, at + limit).map((problem, i): EvaluatedProblem => ({
        number: from + i,
        problem,
        result: found.get(at + i) ?? null
      }))
      const next = from + items.length
      return { items, next: items.length === 0 || next >= Evaluation.problemsOf(now) ? null : next }
    }),
    samples: Effect.fn("Evaluations.samples")(function*(id, number, from) {
      const { state: now } = yield* state(id)
      const place = Evaluation.placeOf(now, number)
      if (place === undefined || now.spec === null) return { items: [], next: null }
      const problem = (yield* loadProblems(store, id, place.list))[place.at]
      const solve = yield* Effect.catchTag(
        solves.state(solveId(id, number)),
        "SolveUnknown",
        () => Effect.succeed(undefined)
      )
      if (problem === undefined || solve === undefined) return { items: [], next: null }
      const { answers } = now.spec.strategy
      const reference = referenceIn(problem.answer, answers)
      const outcomeOf = yield* Effect.provideContext(gradesOf(reference, spellingsOf(solve), answers), services)
      const grades = sampleGrades(solve, reference === null ? null : outcomeOf)
      const items: Array<EvaluatedSample> = []
      let characters = 0
      let at = from
      for (; at < solve.samples.length && (items.length === 0 || characters < pageCharacters); at++) {
        const record = solve.samples[at]
        const grade = grades[at]
        if (record === undefined || grade === undefined) break
        const kept = record.status === "done" ? yield* solves.text(solveId(id, number), at) : undefined
        items.push({
          sample: at,
          record,
          grade,
          text: kept?.text ?? null,
          reasoning: kept?.reasoning ?? null,
          steps: kept?.steps ?? []
        })
        characters += (kept?.text.length ?? 0) + (kept?.reasoning?.length ?? 0)
      }
      return { items, next: at < solve.samples.length ? at : null }
    })
  })
})
