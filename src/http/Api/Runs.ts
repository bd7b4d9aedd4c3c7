// Routes of dataset runs: start them, command them, read how they are and what they made.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Limits } from "../../domain/Recipe.ts"
import { SourceFormat } from "../../domain/Source.ts"
import { StageTally } from "../../domain/Tally.ts"
import { problems } from "../Problems.ts"
import { FileShape } from "./Files.ts"
import * as Shapes from "./Shapes.ts"

const text = (maxLength: number) => Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maxLength))
const columns = Schema.Record(text(100), text(200)).check(Schema.isMaxProperties(50))
const limits = Schema.Struct({
  inFlight: Schema.optionalKey(Limits.fields.inFlight),
  batchRows: Schema.optionalKey(Limits.fields.batchRows),
  attempts: Schema.optionalKey(Limits.fields.attempts),
  rowsPerSecond: Schema.optionalKey(Limits.fields.rowsPerSecond)
})

export const StartRun = Schema.Struct({
  recipe: Schema.Union([
    Schema.Struct({ name: text(100) }).annotate({ description: "A recipe that comes with the program." }),
    Schema.Struct({ yaml: text(100_000) }).annotate({ description: "A recipe's text." })
  ]),
  /** In place of the recipe's own. */
  sources: Schema.optionalKey(
    Schema.Array(Schema.Struct({
      location: text(2_000).annotate({
        description: "`upload:ID` of an uploaded file, or a place that the server's owner allows."
      }),
      format: Schema.optionalKey(SourceFormat),
      preset: Schema.optionalKey(text(100)),
      fields: Schema.optionalKey(columns),
      query: Schema.optionalKey(text(20_000)),
      name: Schema.optionalKey(text(200))
    })).check(Schema.isMaxLength(50))
  ),
  against: Schema.optionalKey(Schema.Array(text(2_000)).check(Schema.isMaxLength(50))),
  mode: Schema.optionalKey(text(100)),
  stages: Schema.optionalKey(Schema.Array(text(100)).check(Schema.isMaxLength(100))),
  seed: Schema.optionalKey(Schema.Int),
  limitRows: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))),
  limits: Schema.optionalKey(limits),
  /** Made from the recipe's name and the command's key if not given. */
  id: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/u, { expected: "1 to 100 letters, digits, _ and -" }))
  ),
  why: Shapes.Why
})

const Counts = Schema.Struct({
  in: Schema.Int,
  done: Schema.Int,
  /** By "stage/reason". */
  dropped: Schema.Record(Schema.String, Schema.Int),
  failed: Schema.Int,
  derived: Schema.Struct({ done: Schema.Int, dropped: Schema.Int, failed: Schema.Int, expanded: Schema.Int })
})

/** A run as people want to see it. */
export const RunView = Schema.Struct({
  id: Schema.String,
  version: Schema.Int,
  status: Schema.String,
  recipe: Schema.String,
  sources: Schema.Array(Schema.String),
  limits: Limits,
  generation: Schema.Int,
  step: Schema.Int,
  counts: Counts,
  stages: Schema.Array(Schema.Struct({ name: Schema.String, ...StageTally.fields })),
  /** Source rows a second, over the time that the run was worked. */
  rowsPerSecond: Schema.Finite,
  startedMillis: Schema.Finite,
  finishedMillis: Schema.NullOr(Schema.Finite),
  workedMillis: Schema.Finite,
  error: Schema.NullOr(Schema.Struct({ tag: Schema.String, message: Schema.String })),
  waiting: Schema.NullOr(Schema.String),
  note: Schema.String,
  /** The process that drives it now, as it said itself within the last seconds; null: none says so. */
  driver: Schema.NullOr(Schema.Struct({ process: Schema.String, address: Schema.NullOr(Schema.String) }))
})
export type RunView = typeof RunView.Type

const Row = Schema.Struct({
  seq: Schema.Int,
  sub: Schema.Int,
  parent: Schema.NullOr(Schema.Int),
  /** Id of the Problem; null where the source row could not be read. */
  problem: Schema.NullOr(Schema.String),
  status: Schema.String,
  stage: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String),
  detail: Schema.NullOr(Schema.String)
})
const RowCursor = Schema.String.check(
  Schema.isPattern(/^\d{1,12}\.\d{1,9}$/u, { expected: "the `next` of the page before" })
)

const commandErrors = problems("KeyReused", "RunUnknown", "RunNotReady", "StageUnknown", "PayloadUnfit")
/** Commands with nothing in them but a reason. */
const reasonOnly = Shapes.optionalBody({ why: Shapes.Why })

const command = <
  const Name extends string,
  const Path extends string,
  const P extends Schema.Top | ReadonlyArray<Schema.Top>
>(
  name: Name,
  path: Path,
  payload: P,
  summary: string
) =>
  HttpApiEndpoint.post(name, `/runs/:id/${path}`, {
    params: Shapes.IdParams,
    headers: Shapes.CommandHeaders,
    payload,
    success: Shapes.answered(Shapes.Done),
    error: commandErrors
  }).annotateMerge(Shapes.about("operate", summary))

export class Runs extends HttpApiGroup.make("runs")
  .add(
    HttpApiEndpoint.post("start", "/runs", {
      headers: Shapes.CommandHeaders,
      payload: StartRun,
      success: Shapes.answered(
        Schema.Struct({ id: Schema.String, commandId: Schema.String }).annotate({ httpApiStatus: 201 })
      ),
      error: problems(
        "RecipeRefused",
        "SourceForbidden",
        "SourceUnreadable",
        "ResourcesTooLarge",
        "RunTaken",
        "KeyReused",
        "FileUnknown"
      )
    }).annotateMerge(Shapes.about("operate", "Starts a run of a recipe over sources")),
    HttpApiEndpoint.get("list", "/runs", {
      query: { ...Shapes.FilterQuery, ...Shapes.PageQuery },
      success: Shapes.pageOf(
        Schema.Struct({ ...Shapes.Entry.fields, counts: Schema.NullOr(Counts), rowsPerSecond: Schema.Finite })
      )
    }).annotateMerge(
      Shapes.about("read", "Runs by status, words of recipe and sources, and age", Shapes.shortPages)
    ),
    HttpApiEndpoint.get("get", "/runs/:id", {
      params: Shapes.IdParams,
      success: RunView,
      error: problems("RunUnknown")
    }).annotateMerge(Shapes.about("read", "A run: its state, counts, rate and driver")),
    command("pause", "pause", reasonOnly, "Lets the batches in work finish and rests"),
    command("resume", "resume", reasonOnly, "Goes on from the last committed batch"),
    command("cancel", "cancel", reasonOnly, "Ends the run for good; what is done stays readable"),
    command(
      "limits",
      "limits",
      Schema.Struct({ ...limits.fields, why: Shapes.Why }),
      "Changes live limits; batchRows counts from the next step on"
    ),
    command("rerunFailed", "rerun-failed", reasonOnly, "Sends failed rows through again and keeps what worked"),
    command(
      "rerun",
      "rerun",
      Schema.Struct({ stage: text(100), why: Shapes.Why }),
      "Makes the results of a stage and of all after it anew"
    )
  )
  .add(
    HttpApiEndpoint.get("history", "/runs/:id/history", {
      params: Shapes.IdParams,
      query: Shapes.HistoryQuery,
      success: Shapes.History,
      error: problems("RunUnknown")
    }).annotateMerge(Shapes.about("read", "The run's commits with their events, newest first")),
    HttpApiEndpoint.get("asOf", "/runs/:id/versions/:version", {
      params: { ...Shapes.IdParams, ...Shapes.VersionField },
      success: Shapes.Snapshot,
      error: problems("VersionUnknown")
    }).annotateMerge(Shapes.about("read", "The run's state as it was at a version")),
    HttpApiEndpoint.get("rows", "/runs/:id/rows", {
      params: Shapes.IdParams,
      query: {
        status: Schema.optionalKey(
          Schema.Array(Schema.Literals(["live", "expanded", "done", "dropped", "failed"])).check(Schema.isMaxLength(5))
        ),
        stage: Schema.optionalKey(Shapes.Word),
        limit: Shapes.limitOf(100, 500),
        after: Schema.optionalKey(RowCursor)
      },
      success: Shapes.pageOf(Row),
      error: problems("RunUnknown", "StageUnknown")
    }).annotateMerge(
      Shapes.about(
        "read",
        "The run's rows in their order, by status and by the stage that decided their fate",
        "A page may hold fewer rows than asked for, or none, while `next` is not null: rare rows take several pages."
      )
    ),
    HttpApiEndpoint.get("outputs", "/runs/:id/outputs", {
      params: Shapes.IdParams,
      success: Schema.Struct({ items: Schema.Array(FileShape) }),
      error: problems("RunUnknown")
    }).annotateMerge(Shapes.about("read", "The files that the run left when it was done last")),
    HttpApiEndpoint.get("output", "/runs/:id/outputs/:name", {
      params: { ...Shapes.IdParams, name: text(200) },
      headers: { range: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200))) },
      success: HttpApiSchema.StreamUint8Array(),
      error: problems("RunUnknown", "OutputUnknown", "FileUnknown", "RangeUnfit")
    }).annotateMerge(Shapes.about("read", "One of these files, whole or from a byte on (Range)")).annotate(
      Shapes.OwnDeadline,
      true
    ),
    HttpApiEndpoint.get("recipes", "/recipes", {
      success: Schema.Struct({ items: Schema.Array(Schema.String) })
    }).annotateMerge(Shapes.about("read", "Names of the recipes that come with the program"))
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ description: "Dataset runs: a recipe applied to sources." }))
{}
