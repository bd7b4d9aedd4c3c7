// What an evaluation leaves in its folder: summary.json, results.jsonl (a line a problem), samples.jsonl (a line a sample) and failures.jsonl. The
// lines have no times in them: the same evaluation against a server that answers the same has the same bytes. The summary comes last, so
// that a folder with one is whole.
import { Effect, Schema } from "effect"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { EvaluatedProblem, EvaluatedSample } from "../../../actors/Evaluations.ts"
import type { JsonObject } from "../../../domain/Json.ts"
import { type EvaluationSpec, type EvaluationState, problemsOf } from "../../../domain/ModelEvaluation.ts"
import { EvaluationMetrics, Rate } from "../../../domain/ModelEvaluation/Metrics.ts"
import { type ProblemResult, tallyOf } from "../../../domain/ModelEvaluation/Results.ts"
import { writeWhole } from "../../FileOutput.ts"
import { JsonlSink } from "../../sinks/JsonlSink.ts"
import { outputFailed } from "../../sinks/Sink.ts"

/** Where an evaluation is read from: this process or a cluster. */
export interface EvaluationReader<E> {
  readonly results: (
    from: number
  ) => Effect.Effect<{ readonly items: ReadonlyArray<EvaluatedProblem>; readonly next: number | null }, E>
  readonly samples: (
    problem: number,
    from: number
  ) => Effect.Effect<{ readonly items: ReadonlyArray<EvaluatedSample>; readonly next: number | null }, E>
}

export const EvaluationSummary = Schema.Struct({
  evaluation: Schema.String,
  name: Schema.String,
  model: Schema.String,
  strategy: Schema.String,
  seed: Schema.Int,
  samplesPerProblem: Schema.Int,
  /** Whether fewer samples are drawn where the vote is decided. */
  stopsEarly: Schema.Boolean,
  problems: Schema.Int,
  /** Problems that ended with an error, and that have no reference answer that can be read: they are not in the accuracy. */
  failed: Schema.Int,
  ungraded: Schema.Int,
  accuracy: Rate,
  byDomain: EvaluationMetrics.fields.byDomain,
  byLevel: EvaluationMetrics.fields.byLevel,
  meanPassAt1: EvaluationMetrics.fields.meanPassAt1,
  curves: EvaluationMetrics.fields.curves,
  /** Problems and samples that have no answer, apart from wrong ones. */
  noAnswer: Schema.Struct({
    problems: Schema.Int,
    problemShare: Schema.Finite,
    samples: Schema.Int,
    sampleShare: Schema.Finite,
    truncated: Schema.Int
  }),
  samples: Schema.Struct({
    planned: Schema.Int,
    begun: Schema.Int,
    right: Schema.Int,
    wrong: Schema.Int,
    undecided: Schema.Int,
    failed: Schema.Int,
    cancelled: Schema.Int,
    /** Of those planned, those that were never begun since the vote was decided. */
    savedShare: Schema.Finite
  }),
  tokens: Schema.Struct({ prompt: Schema.Int, completion: Schema.Int }),
  dollars: Schema.Finite,
  /** Of the evaluation, and of its solves together. */
  seconds: Schema.Finite,
  solveSeconds: Schema.Finite
})
export type EvaluationSummary = typeof EvaluationSummary.Type

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

export const summaryOf = (
  id: string,
  state: EvaluationState,
  spec: EvaluationSpec,
  metrics: EvaluationMetrics,
  workedMillis: number
): EvaluationSummary => {
  const { tally } = metrics
  const finished = tally.samplesRight + tally.samplesWrong + tally.samplesNoAnswer + tally.samplesUndecided +
    tally.samplesUngraded
  return {
    evaluation: id,
    name: spec.name,
    model: spec.model,
    strategy: spec.strategy.name,
    seed: spec.seed,
    samplesPerProblem: spec.strategy.samples,
    stopsEarly: spec.strategy.stop.length > 0,
    problems: problemsOf(state),
    failed: tally.failed,
    ungraded: tally.ungraded,
    accuracy: metrics.accuracy,
    byDomain: metrics.byDomain,
    byLevel: metrics.byLevel,
    meanPassAt1: metrics.meanPassAt1,
    curves: metrics.curves,
    noAnswer: {
      problems: tally.noAnswer,
      problemShare: share(tally.noAnswer, metrics.accuracy.of),
      samples: tally.samplesNoAnswer,
      sampleShare: share(tally.samplesNoAnswer, finished),
      truncated: tally.samplesTruncated
    },
    samples: {
      planned: tally.samplesPlanned,
      begun: tally.samplesBegun,
      right: tally.samplesRight,
      wrong: tally.samplesWrong,
      undecided: tally.samplesUndecided,
      failed: tally.samplesFailed,
      cancelled: tally.samplesCancelled,
      savedShare: share(tally.samplesPlanned - tally.samplesBegun, tally.samplesPlanned)
    },
    tokens: { prompt: tally.promptTokens, completion: tally.completionTokens },
    dollars: tally.microDollars / 1e6,
    seconds: workedMillis / 1_000,
    solveSeconds: tally.solveMillis / 1_000
  }
}

/** The share of a problem's samples that are right: of all planned, or of those that ended where samples stop early. */
const passOf = (result: ProblemResult, stopsEarly: boolean): number => {
  const { samplesBegun, samplesCancelled, samplesRight } = tallyOf(result)
  return share(samplesRight, stopsEarly ? samplesBegun - samplesCancelled : result.planned)
}

const resultRow = (number: number, result: ProblemResult, stopsEarly: boolean): JsonObject => {
  const { at: _, id, millis: __, samples, ...rest } = result
  return { id, number, ...rest, passAt1: passOf(result, stopsEarly), samples } as JsonObject
}

const failureRow = (
  number: number,
  { answer: reference, text }: EvaluatedProblem["problem"],
  result: ProblemResult
): JsonObject => ({
  id: result.id,
  number,
  grade: result.grade,
  domain: result.domain,
  level: result.level,
  problem: text,
  reference: result.reference ?? reference.slice(0, 2_000),
  answer: result.answer,
  samples: result.samples,
  votes: result.votes,
  error: result.error
})

const sampleRow = (id: string, number: number, one: EvaluatedSample): JsonObject => {
  const { answer, error, executions, figures, finish, microDollars, seed, status, usage } = one.record
  return {
    id,
    number,
    sample: one.sample,
    seed,
    status,
    grade: one.grade,
    answer,
    finish,
    text: one.text,
    reasoning: one.reasoning,
    ...(one.steps.length === 0
      ? {}
      // How long a program took is the clock's doing.
      : { steps: one.steps.map((step) => (step._tag === "Ran" ? { ...step, millis: undefined } : step)) }),
    executions,
    figures,
    usage,
    microDollars,
    error
  } as unknown as JsonObject
}

/** Writes all files and answers the failures that came first. */
export const writeOutputs = <E>(
  folder: string,
  summary: EvaluationSummary,
  reader: EvaluationReader<E>,
  mostFailures: number
) =>
  Effect.scoped(Effect.gen(function*() {
    const summaryFile = join(folder, "summary.json")
    yield* Effect.tryPromise({ try: () => rm(summaryFile, { force: true }), catch: outputFailed(summaryFile) })
    const open = (name: string) => JsonlSink.open(join(folder, `${name}.jsonl`))
    const [results, samples, failures] = yield* Effect.all([open("results"), open("samples"), open("failures")])
    const first: Array<EvaluatedProblem> = []
    for (let from: number | null = 0; from !== null;) {
      const page: Effect.Success<ReturnType<EvaluationReader<E>["results"]>> = yield* reader.results(from)
      for (const one of page.items) {
        const { number, problem, result } = one
        if (result === null) continue
        yield* results.write([resultRow(number, result, summary.stopsEarly)])
        if (result.grade !== "right") {
          yield* failures.write([failureRow(number, problem, result)])
          if (first.length < mostFailures) first.push(one)
        }
        for (let at: number | null = 0; at !== null && result.samples !== "";) {
          const some: Effect.Success<ReturnType<EvaluationReader<E>["samples"]>> = yield* reader.samples(number, at)
          yield* samples.write(some.items.map((sample) => sampleRow(problem.id, number, sample)))
          at = some.next
        }
      }
      from = page.next
    }
    for (const sink of [results, samples, failures]) yield* sink.commit
    yield* Effect.tryPromise({
      try: () => writeWhole(summaryFile, `${JSON.stringify(summary, null, 2)}\n`),
      catch: outputFailed(summaryFile)
    })
    return first
  }))
