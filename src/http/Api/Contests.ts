// Routes of contests: N problems in a fixed time, an answer for each at every moment.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { ContestId, GivenContest, GivenProblems } from "../../actors/Contests/Given.ts"
import { ContestSpec, GivenProblem } from "../../domain/Contest.ts"
import { ContestView } from "../../domain/Contest/View.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

const IdParams = { id: ContestId }

const Started = Schema.Struct({
  id: Schema.String,
  model: Schema.String,
  strategy: Schema.String,
  problems: Schema.Int,
  seed: Schema.Int
})

export class Contests extends HttpApiGroup.make("contests")
  .add(
    HttpApiEndpoint.post("start", "/contests", {
      headers: Shapes.CommandHeaders,
      payload: Schema.Struct({
        id: Schema.optionalKey(ContestId.annotate({ description: "Made from the command's key if not given." })),
        problems: Schema.optionalKey(
          GivenProblems.annotate({ description: "All problems; or give `expected`. Right answers have no place here." })
        ),
        expected: Schema.optionalKey(
          ContestSpec.fields.problems.annotate({
            description: "A served contest: so many problems will come one by one, to POST /api/contests/{id}/ask."
          })
        ),
        ...GivenContest,
        why: Shapes.Why
      }).check(
        Schema.makeFilter((given) =>
          ("problems" in given) !== ("expected" in given) || "Expected either `problems` or `expected`"
        )
      ),
      success: Shapes.answered(Started.annotate({ httpApiStatus: 201 })),
      error: problems(
        "ContestTaken",
        "ContestUnfit",
        "ProblemRepeated",
        "ModelUnknown",
        "StrategyUnknown",
        "KeyReused"
      )
    }).annotateMerge(Shapes.about(
      "operate",
      "Starts a contest; its time begins",
      "It goes on although nobody asks. GET /api/contests/{id}, or a watch of its actor over the WebSocket, shows how it stands."
    )),
    HttpApiEndpoint.get("list", "/contests", {
      query: { ...Shapes.FilterQuery, ...Shapes.PageQuery },
      success: Shapes.pageOf(Shapes.Entry)
    }).annotateMerge(Shapes.about("read", "Contests by status, strategy, model and age", Shapes.shortPages)),
    HttpApiEndpoint.get("get", "/contests/:id", {
      params: IdParams,
      success: ContestView,
      error: problems("ContestUnknown")
    }).annotateMerge(Shapes.about(
      "read",
      "A contest: its answers, votes and time",
      "`rows` is the answer file: it has a row for every problem at every moment."
    )),
    HttpApiEndpoint.post("ask", "/contests/:id/ask", {
      params: IdParams,
      payload: GivenProblem,
      success: Schema.Struct({ id: Schema.String, answer: Schema.Int, answered: Schema.Boolean }),
      error: problems("ContestUnknown", "ContestClosed", "ContestUnfit", "ProblemRepeated")
    }).annotateMerge(Shapes.about(
      "operate",
      "Gives a served contest its next problem and waits for the answer",
      "It comes within the problem's share of the time that is left. The same problem asked again has the same answer, so a request whose answer was lost may be sent again."
    )).annotate(Shapes.OwnDeadline, true),
    HttpApiEndpoint.post("cancel", "/contests/:id/cancel", {
      params: IdParams,
      headers: Shapes.CommandHeaders,
      payload: Shapes.optionalBody({ why: Shapes.Why }),
      success: Shapes.answered(Shapes.Done),
      error: problems("KeyReused", "ContestUnknown", "PayloadUnfit")
    }).annotateMerge(Shapes.about("operate", "Ends it before its time; the answers that stand stay"))
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(
    OpenApi.annotations({
      description: "Contests: many problems in a fixed time, a whole number for each (docs/competition.md)."
    })
  )
{}
