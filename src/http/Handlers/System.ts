// Routes about the process itself, made real. Probes carry no token, so what they say holds nothing that is secret.
import { Effect, Layer } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Health } from "../../actors/Health.ts"
import { Metrics } from "../../actors/Metrics.ts"
import { Api } from "../Api.ts"

const answered = (report: { readonly ok: boolean }): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(report, { status: report.ok ? 200 : 503 })

const probes = HttpApiBuilder.group(
  Api,
  "probes",
  (handlers) =>
    Effect.map(Health, ({ health, ready }) =>
      handlers.handleAll({
        health: () => Effect.map(health, answered),
        ready: () => Effect.map(ready, answered)
      }))
)

const metrics = HttpApiBuilder.group(
  Api,
  "metrics",
  (handlers) => Effect.map(Metrics, ({ render }) => handlers.handleAll({ metrics: () => render }))
)

export const layer = Layer.mergeAll(probes, metrics)
