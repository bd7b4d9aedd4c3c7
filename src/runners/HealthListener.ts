// The smallest HTTP there is: `/health` (200 from the moment that the process is ready, until it ends), `/ready` (200 while new work is
// welcome, else 503 with the reasons) and `/metrics`. For runners, which have no API, and for a process whose API is not there.
import { Context, Effect, Layer, Schema } from "effect"
import { createServer, type ServerResponse } from "node:http"
import { Health } from "../actors/Health.ts"
import { Lifecycle } from "../actors/Lifecycle.ts"
import { Metrics } from "../actors/Metrics.ts"

export class HttpPortTaken extends Schema.TaggedError<HttpPortTaken>()("HttpPortTaken", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `Cannot listen for HTTP on ${this.host}:${this.port} (${this.detail}); choose another port`
  }
}

interface Answers {
  readonly health: Health["Service"]
  readonly metrics: Metrics["Service"]
}

/** The listener; while the process still starts it has no answers but its own state. */
export class HealthListener extends Context.Service<HealthListener, { answers: Answers | undefined }>()(
  "polya/HealthListener"
) {}

/** Lets the listener below answer for what is built above it, for as long as that lives. */
export const attach: Layer.Layer<never, never, HealthListener | Health | Metrics> = Layer.effectDiscard(
  Effect.gen(function*() {
    const listener = yield* HealthListener
    const answers = { health: yield* Health, metrics: yield* Metrics }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        listener.answers = answers
      }),
      () =>
        Effect.sync(() => {
          listener.answers = undefined
        })
    )
  })
)

// A probe comes alone: no connection is kept for it.
const send = (response: ServerResponse, status: number, body: string, type = "application/json"): void =>
  void response.writeHead(status, { "content-type": type, connection: "close" }).end(body)

export const layer = (
  options: { readonly host: string; readonly port: number }
): Layer.Layer<HealthListener, HttpPortTaken> =>
  Layer.effect(
    HealthListener,
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle
      const run = Effect.runForkWith(yield* Effect.context<never>())
      const listener: HealthListener["Service"] = { answers: undefined }
      const server = createServer(
        { maxHeaderSize: 8_192, requestTimeout: 5_000, headersTimeout: 5_000 },
        (request, response) => {
          const [path] = (request.url ?? "").split("?", 1)
          const { answers } = listener
          const state = lifecycle.state()
          const reasons = lifecycle.reasons()
          if (path !== "/health" && path !== "/ready" && path !== "/metrics") {
            send(response, 404, JSON.stringify({ error: "There is /health, /ready and /metrics" }))
          } else if (answers === undefined) {
            const ok = path === "/health" && state !== "starting"
            send(response, ok ? 200 : 503, JSON.stringify({ ok, state, reasons }))
          } else if (path === "/metrics") {
            run(Effect.map(answers.metrics.render, (text) => send(response, 200, text, Metrics.contentType)))
          } else {
            const asked = path === "/health" ? answers.health.health : answers.health.ready
            run(
              Effect.map(
                asked,
                (report) => send(response, report.ok ? 200 : 503, JSON.stringify({ ...report, reasons }))
              )
            )
          }
        }
      )
      server.maxConnections = 100
      yield* Effect.acquireRelease(
        Effect.callback<void, HttpPortTaken>((resume) => {
          server.once("error", (error) => resume(Effect.fail(new HttpPortTaken({ ...options, detail: error.message }))))
          server.listen(options.port, options.host, () => resume(Effect.void))
        }),
        () =>
          Effect.callback<void>((resume) => {
            server.close(() => resume(Effect.void))
            server.closeAllConnections()
          })
      )
      return listener
    })
  )
