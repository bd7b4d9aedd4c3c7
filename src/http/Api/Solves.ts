// Routes of solves: a problem answered by samples of a model and a vote.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { ActorId } from "../../actors/Gateway.ts"
import { GivenMessages, GivenProblem, GivenSolve } from "../../actors/Solves/Given.ts"
import { SampleState } from "../../domain/Solve.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

const Started = Schema.Struct({
  id: Schema.String,
  model: Schema.String,
  strategy: Schema.String,
  samples: Schema.Int,
  seed: Schema.Int
})

export class Solves extends HttpApiGroup.make("solves")
  .add(
    HttpApiEndpoint.post("start", "/solves", {
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        id: Schema.optionalKey(ActorId.annotate({ description: "Made from the command's key if not given." })),
        problem: Schema.optionalKey(
          GivenProblem.annotate({ description: "A problem; or give `messages`." })
        ),
        messages: Schema.optionalKey(
          GivenMessages.annotate({ description: "A conversation, sent to the model as it is." })
        ),
        ...GivenSolve,
        why: Shapes.Why
      }).check(
        Schema.makeFilter((given) =>
          ("problem" in given) !== ("messages" in given) || "Expected either `problem` or `messages`"
        )
      ),
      success: Shapes.answered(Started.annotate({ httpApiStatus: 201 })),
      error: problems("SolveTaken", "ModelUnknown", "StrategyUnknown", "KeyReused")
    }).annotateMerge(Shapes.about(
      "operate",
      "Answers a problem by sampling and voting",
      "It is begun, and goes on although nobody asks; GET /api/solves/{id}, or a watch of its actor over the WebSocket, shows how it stands. " +
        "Without a seed one follows from the command's key."
    )),
    HttpApiEndpoint.get("list", "/solves", {
      query: { group: Schema.optionalKey(ActorId), ...Shapes.FilterQuery, ...Shapes.PageQuery },
      success: Shapes.pageOf(Shapes.Entry)
    }).annotateMerge(
      Shapes.about("read", "Solves by status, strategy, words of the problem, and age", Shapes.shortPages)
    ),
    HttpApiEndpoint.get("get", "/solves/:id", {
      params: Shapes.IdParams,
      success: Shapes.Snapshot,
      error: problems("SolveUnknown")
    }).annotateMerge(Shapes.about("read", "A solve: its samples, its vote, its answer")),
    HttpApiEndpoint.get("sample", "/solves/:id/samples/:sample", {
      params: {
        ...Shapes.IdParams,
        sample: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_023 }))
      },
      success: SampleState,
      error: problems("SolveUnknown", "SampleUnknown")
    }).annotateMerge(Shapes.about("read", "The text of a sample that has ended, with its programs and their outputs")),
    HttpApiEndpoint.post("cancel", "/solves/:id/cancel", {
      params: Shapes.IdParams,
      headers: Shapes.CommandHeaders,
      payload: Shapes.optionalBody({ why: Shapes.Why }),
      success: Shapes.answered(Shapes.Done),
      error: problems("KeyReused", "SolveUnknown", "PayloadUnfit")
    }).annotateMerge(Shapes.about("operate", "Calls off what is under way"))
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(
    OpenApi.annotations({ description: "Solves: problems answered by sampling and voting (docs/solving.md)." })
  )
{}
