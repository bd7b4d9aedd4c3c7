// Routes about the process itself: is it well, is new work welcome, what did it count.
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Shapes from "./Shapes.ts"

const Report = Schema.Struct({
  ok: Schema.Boolean,
  version: Schema.String,
  state: Schema.String,
  store: Schema.String,
  cluster: Schema.Struct({
    role: Schema.String,
    address: Schema.NullOr(Schema.String),
    groups: Schema.Array(Schema.String),
    runners: Schema.Array(Schema.String)
  }),
  sandbox: Schema.NullOr(Schema.Struct({
    level: Schema.NullOr(Schema.String),
    python: Schema.NullOr(Schema.String),
    sympy: Schema.NullOr(Schema.String),
    numpy: Schema.NullOr(Schema.String),
    detail: Schema.String
  })),
  models: Schema.NullOr(Schema.Array(
    Schema.Struct({ name: Schema.String, up: Schema.Int, down: Schema.Int, unknown: Schema.Int })
  )),
  checks: Schema.Array(Schema.Struct({ name: Schema.String, ok: Schema.Boolean, detail: Schema.String }))
})
const reports = [Report, Report.annotate({ httpApiStatus: 503 })] as const

export class Probes extends HttpApiGroup.make("probes")
  .add(
    HttpApiEndpoint.get("health", "/health", { success: reports }).annotateMerge(OpenApi.annotations({
      summary: "200 from the moment that the process has started until it ends; what it is and how its parts are"
    })),
    HttpApiEndpoint.get("ready", "/ready", { success: reports }).annotateMerge(
      OpenApi.annotations({ summary: "200 while new work is welcome, else 503 with the reasons" })
    )
  )
{}

export class Metering extends HttpApiGroup.make("metrics")
  .add(
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
    }).annotateMerge(Shapes.about("read", "What the process counts, as Prometheus text"))
  )
  .middleware(Shapes.Guard)
{}
