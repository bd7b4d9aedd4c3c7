// Routes of evaluations: a model with a strategy on many problems. An evaluation is created, filled list by list, started, and read.
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { GivenProblems } from "../../actors/Evaluations/Given.ts"
import { GivenSolve } from "../../actors/Solves/Given.ts"
import { EvaluationSpec, EvaluationStatus } from "../../domain/ModelEvaluation.ts"
import { EvaluationMetrics } from "../../domain/ModelEvaluation/Metrics.ts"
import { EvaluationProblem, listProblems, maxLists, maxProblems } from "../../domain/ModelEvaluation/Problems.ts"
import { ProblemResult, ResultTally, sampleLetters } from "../../domain/ModelEvaluation/Results.ts"
import { SampleError, SampleRecord, SampleStep } from "../../domain/Solve.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const orElse = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

/** Letters of an id: solves of its problems have ids made of it. */
const EvaluationId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_.-]{1,100}$/u, { expected: "1 to 100 letters, digits and . _ -" })
)
const IdParams = { id: EvaluationId }

/** An evaluation as people want to see it. */
export const EvaluationView = Schema.Struct({
  id: Schema.String,
  version: Schema.Int,
  status: EvaluationStatus,
  spec: Schema.NullOr(EvaluationSpec),
  problems: Schema.Int,
  /** Lists that hold them, and problems that have ended. */
  lists: Schema.Int,
  ended: Schema.Int,
  tally: ResultTally,
  /** There once it is done; GET /api/evaluations/{id}/metrics has those of what has ended so far. */
  metrics: Schema.NullOr(EvaluationMetrics),
  createdMillis: Schema.Finite,
  startedMillis: Schema.NullOr(Schema.Finite),
  endedMillis: Schema.NullOr(Schema.Finite),
  workedMillis: Schema.Finite,
  error: Schema.NullOr(SampleError),
  note: Schema.String
})
export type EvaluationView = typeof EvaluationView.Type

const Created = Schema.Struct({
  id: Schema.String,
  model: Schema.String,
  strategy: Schema.String,
  samples: Schema.Int,
  seed: Schema.Int
})

const reasonOnly = Shapes.optionalBody({ why: Shapes.Why })
const command = <const Name extends string, const Path extends string>(name: Name, path: Path, summary: string) =>
  HttpApiEndpoint.post(name, `/evaluations/:id/${path}`, {
    params: IdParams,
    headers: Shapes.CommandHeaders,
    payload: reasonOnly,
    success: Shapes.answered(Shapes.Done),
    error: problems("KeyReused", "EvaluationUnknown", "EvaluationNotReady", "PayloadUnfit")
  }).annotateMerge(Shapes.about("operate", summary))

export class Evaluations extends HttpApiGroup.make("evaluations")
  .add(
    HttpApiEndpoint.post("create", "/evaluations", {
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        id: Schema.optionalKey(EvaluationId.annotate({ description: "Made from the command's key if not given." })),
        name: Schema.optionalKey(
          EvaluationSpec.fields.name.annotate({ description: "What people call its problems, such as a file's name." })
        ),
        concurrency: Schema.optionalKey(
          EvaluationSpec.fields.concurrency.annotate({ description: "Problems that are worked at once; default 32." })
        ),
        ...GivenSolve,
        why: Shapes.Why
      }),
      success: Shapes.answered(Created.annotate({ httpApiStatus: 201 })),
      error: problems("EvaluationTaken", "ModelUnknown", "StrategyUnknown", "KeyReused")
    }).annotateMerge(Shapes.about(
      "operate",
      "Creates an evaluation of a model with a strategy",
      "It takes problems then (POST /api/evaluations/{id}/problems), and begins when it is started. The budget is that of each problem. " +
        "Without a seed one follows from the command's key."
    )),
    HttpApiEndpoint.post("problems", "/evaluations/:id/problems", {
      params: IdParams,
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        list: count(0, maxLists - 1).annotate({ description: "Lists come in order, from 0." }),
        problems: GivenProblems,
        why: Shapes.Why
      }),
      success: Shapes.answered(Schema.Struct({ problems: Schema.Int })),
      error: problems("EvaluationUnknown", "EvaluationNotReady", "ProblemListTaken", "ProblemListTooLarge", "KeyReused")
    }).annotateMerge(Shapes.about(
      "operate",
      `Adds a list of at most ${listProblems} problems with their reference answers`,
      `The same list again changes nothing. An evaluation has at most ${maxProblems} problems. Reference answers are never sent to a model.`
    )),
    HttpApiEndpoint.post("start", "/evaluations/:id/start", {
      params: IdParams,
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        problems: count(1, maxProblems).annotate({ description: "How many were added; another number is refused." }),
        why: Shapes.Why
      }),
      success: Shapes.answered(Schema.Struct({ id: Schema.String })),
      error: problems("EvaluationUnknown", "EvaluationNotReady", "KeyReused")
    }).annotateMerge(Shapes.about("operate", "Starts it; it goes on although nobody asks")),
    HttpApiEndpoint.get("list", "/evaluations", {
      query: { ...Shapes.FilterQuery, ...Shapes.PageQuery },
      success: Shapes.pageOf(Shapes.Entry)
    }).annotateMerge(
      Shapes.about("read", "Evaluations by status, strategy, words of name and model, and age", Shapes.shortPages)
    ),
    HttpApiEndpoint.get("get", "/evaluations/:id", {
      params: IdParams,
      success: EvaluationView,
      error: problems("EvaluationUnknown")
    }).annotateMerge(Shapes.about("read", "An evaluation: how far it is, and what it says once it is done"))
  )
  .add(
    HttpApiEndpoint.get("metrics", "/evaluations/:id/metrics", {
      params: IdParams,
      success: EvaluationMetrics,
      error: problems("EvaluationUnknown")
    }).annotateMerge(
      Shapes.about("read", "What the problems that have ended so far say", "docs/evaluation.md tells the figures.")
    ),
    HttpApiEndpoint.get("results", "/evaluations/:id/results", {
      params: IdParams,
      query: { from: orElse(count(0, maxProblems), 0), limit: Shapes.limitOf(100, listProblems) },
      success: Schema.Struct({
        items: Schema.Array(Schema.Struct({
          number: Schema.Int,
          problem: EvaluationProblem,
          /** null: it has not ended. */
          result: Schema.NullOr(ProblemResult)
        })),
        /** The `from` of the next page; null at the end. */
        next: Schema.NullOr(Schema.Int)
      }),
      error: problems("EvaluationUnknown")
    }).annotateMerge(Shapes.about(
      "read",
      "Its problems in order, with their reference answers and what came of them",
      "A page may be shorter than asked for while `next` is not null."
    )),
    HttpApiEndpoint.get("samples", "/evaluations/:id/problems/:number/samples", {
      params: { ...IdParams, number: count(0, maxProblems) },
      query: { from: orElse(count(0, 1_024), 0) },
      success: Schema.Struct({
        items: Schema.Array(Schema.Struct({
          sample: Schema.Int,
          record: SampleRecord,
          grade: Schema.Literals(Object.keys(sampleLetters) as Array<keyof typeof sampleLetters>),
          text: Schema.NullOr(Schema.String),
          reasoning: Schema.NullOr(Schema.String),
          steps: Schema.Array(SampleStep)
        })),
        next: Schema.NullOr(Schema.Int)
      }),
      error: problems("EvaluationUnknown")
    }).annotateMerge(Shapes.about("read", "The samples of a problem, with their texts and what they are worth")),
    command("cancel", "cancel", "Ends it for good; what runs is called off, what has ended stays readable"),
    command("resume", "resume", "Goes on with an evaluation that broke off")
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(
    OpenApi.annotations({ description: "Evaluations: how good a model with a strategy is (docs/evaluation.md)." })
  )
{}
