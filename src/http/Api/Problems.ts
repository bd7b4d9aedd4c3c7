// Routes of problems: the rows of runs, each with its results by stage.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { ActorId } from "../../actors/Gateway.ts"
import { problems } from "../Problems.ts"
import * as Shapes from "./Shapes.ts"

const stage = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100))
const fields = Schema.Record(Schema.String.check(Schema.isMaxLength(100)), Shapes.GivenJson)

const command = <const Name extends string, const P extends Schema.Top | ReadonlyArray<Schema.Top>>(
  name: Name,
  payload: P,
  summary: string
) =>
  HttpApiEndpoint.post(name, `/problems/:id/${name}`, {
    params: Shapes.IdParams,
    headers: Shapes.CommandHeaders,
    payload,
    success: Shapes.answered(Shapes.Done),
    error: problems("KeyReused", "ProblemUnknown", "StageNotReached", "PayloadUnfit")
  }).annotateMerge(Shapes.about("operate", summary))

export class Problems extends HttpApiGroup.make("problems")
  .add(
    HttpApiEndpoint.get("list", "/problems", {
      query: { run: Schema.optionalKey(ActorId), ...Shapes.FilterQuery, ...Shapes.PageQuery },
      success: Shapes.pageOf(Shapes.Entry)
    }).annotateMerge(
      Shapes.about("read", "Problems by run, status, stage, words of their text, and age", Shapes.shortPages)
    ),
    HttpApiEndpoint.get("get", "/problems/:id", {
      params: Shapes.IdParams,
      success: Shapes.Snapshot,
      error: problems("ProblemUnknown")
    }).annotateMerge(Shapes.about("read", "A problem with its results by stage")),
    HttpApiEndpoint.get("history", "/problems/:id/history", {
      params: Shapes.IdParams,
      query: Shapes.HistoryQuery,
      success: Shapes.History,
      error: problems("ProblemUnknown")
    }).annotateMerge(Shapes.about("read", "The problem's commits with their events, newest first")),
    HttpApiEndpoint.get("asOf", "/problems/:id/versions/:version", {
      params: { ...Shapes.IdParams, ...Shapes.VersionField },
      success: Shapes.Snapshot,
      error: problems("VersionUnknown")
    }).annotateMerge(Shapes.about("read", "The problem as it was at a version")),
    command(
      "rerun",
      Schema.Struct({ stage, why: Shapes.Why }),
      "Forgets the results from a stage on; the run's next walk (rerun-failed) makes them anew"
    ),
    command(
      "edit",
      Schema.Struct({ patch: fields, why: Shapes.Why }),
      "Changes raw fields (null removes one) and forgets all results"
    ),
    command("cancel", Shapes.optionalBody({ why: Shapes.Why }), "Takes the problem out of its run")
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ description: "Problems: the rows of runs." }))
{}
