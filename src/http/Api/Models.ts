// Routes of models: which there are and how their endpoints are, and the record of the calls that were made to them.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import * as Shapes from "./Shapes.ts"

const Endpoint = Schema.Struct({
  /** Its address without secrets. */
  name: Schema.String,
  health: Schema.Literals(["up", "down", "unknown"]),
  /** Calls under way in the process that answers, and what the whole cluster may have. */
  inFlight: Schema.Int,
  inFlightLimit: Schema.Int,
  waiting: Schema.Int,
  lastError: Schema.NullOr(Schema.String)
})

const Model = Schema.Struct({
  name: Schema.String,
  contextTokens: Schema.NullOr(Schema.Int),
  /** Dollars for a million tokens; null: none is set. */
  promptPrice: Schema.NullOr(Schema.Finite),
  completionPrice: Schema.NullOr(Schema.Finite),
  spentMicroDollars: Schema.Finite,
  spendCapDollars: Schema.NullOr(Schema.Finite),
  endpoints: Schema.Array(Endpoint)
})

const Call = Schema.Struct({
  seq: Schema.Finite,
  atMillis: Schema.Finite,
  model: Schema.String,
  endpoint: Schema.String,
  owner: Schema.String,
  promptHash: Schema.String,
  /** JSON text. */
  parameters: Schema.String,
  promptTokens: Schema.Finite,
  completionTokens: Schema.Finite,
  microDollars: Schema.Finite,
  queueMillis: Schema.Finite,
  firstTokenMillis: Schema.NullOr(Schema.Finite),
  millis: Schema.Finite,
  attempt: Schema.Finite,
  hedged: Schema.Boolean,
  outcome: Schema.String,
  status: Schema.NullOr(Schema.Finite),
  detail: Schema.NullOr(Schema.String)
})

const name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(300))

export class Models extends HttpApiGroup.make("models")
  .add(
    HttpApiEndpoint.get("models", "/models", {
      success: Schema.Struct({ items: Schema.Array(Model) })
    }).annotateMerge(Shapes.about(
      "read",
      "The models that can be asked, their prices and cost, and how their endpoints are",
      "Cost is that of the whole cluster, some seconds old at most; health and calls under way are those of the process that answers."
    )),
    HttpApiEndpoint.get("calls", "/calls", {
      query: {
        model: Schema.optionalKey(name),
        owner: Schema.optionalKey(name),
        outcome: Schema.optionalKey(
          Shapes.Word.annotate({ description: "`ok`, `cancelled`, or the tag of an error." })
        ),
        ...Shapes.HistoryQuery
      },
      success: Schema.Struct({ items: Schema.Array(Call), next: Schema.NullOr(Schema.Finite) })
    }).annotateMerge(Shapes.about(
      "read",
      "The calls made to models, newest first, failed ones too",
      "Prompts and answers are not in it, only a hash of the prompt. Entries of another process appear within a second or two; they are kept for retention.callsMillis."
    ))
  )
  .middleware(Shapes.Guard)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ description: "Models, their endpoints, and the calls made to them." }))
{}
