// Between the tracer and its collector: batches wait in a short queue and go out one at a time, each with a deadline. A collector that is
// slow, hangs or is away costs the oldest batches and a little memory, never time: the tracer's own exporter sees every batch taken at once.
import { Cause, Effect, Fiber, Layer, Queue } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { MetricRegistry } from "../../actors/Metrics.ts"
import type { Scrub } from "./Scrub.ts"

export interface SpanQueueOptions {
  readonly scrub: Scrub
  /** Batches that wait, at most; a new one takes the place of the oldest. Default 32. */
  readonly maxBatches?: number
  /** One delivery takes at most so long. Default 5,000. */
  readonly deliveryMillis?: number
  /** What is left is sent at the end for at most so long. Default 2,000. */
  readonly shutdownMillis?: number
  /** Rest after the first failure; doubles up to a minute. Default 1,000. */
  readonly restMillis?: number
}

interface Batch {
  readonly url: string
  readonly headers: Record<string, string>
  readonly text: string
}

/** An HttpClient for the tracer's exporter: it answers 202 at once and delivers later. */
export const layer = (options: SpanQueueOptions): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function*() {
      const { deliveryMillis = 5_000, maxBatches = 32, restMillis = 1_000, scrub, shutdownMillis = 2_000 } = options
      const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
      const outcomes = (yield* MetricRegistry).counter({
        name: "polya_trace_batches_total",
        help:
          "Batches of spans by outcome: sent, failed (the collector did not take it), dropped (the queue was full).",
        labels: ["outcome"]
      })
      const queue = yield* Queue.sliding<Batch, Cause.Done>(maxBatches)
      let failures = 0

      const deliver = ({ headers, text, url }: Batch): Effect.Effect<void> =>
        HttpClientRequest.post(url, { headers }).pipe(
          HttpClientRequest.bodyText(scrub(text), "application/json"),
          client.execute,
          Effect.flatMap((response) => response.text),
          Effect.timeout(deliveryMillis),
          Effect.matchCauseEffect({
            onSuccess: () => {
              outcomes.add(["sent"])
              const away = failures > 0
              failures = 0
              return away ? Effect.logInfo("The trace collector takes traces again") : Effect.void
            },
            onFailure: (cause) => {
              if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
              outcomes.add(["failed"])
              failures++
              return failures === 1
                ? Effect.logWarning("The trace collector does not take traces; they are dropped until it does", cause)
                : Effect.void
            }
          })
        )
      const rest = Effect.suspend(() =>
        failures === 0 ? Effect.void : Effect.sleep(Math.min(60_000, restMillis * 2 ** Math.min(failures - 1, 10)))
      )
      const work = yield* Queue.take(queue).pipe(
        Effect.flatMap(deliver),
        Effect.andThen(rest),
        Effect.forever,
        // The end of the queue is the end of the work.
        Effect.ignore,
        Effect.withTracerEnabled(false),
        Effect.forkScoped
      )
      yield* Effect.addFinalizer(() =>
        Effect.andThen(Queue.end(queue), failures > 0 ? Effect.void : Fiber.await(work)).pipe(
          Effect.interruptible,
          Effect.timeoutOption(shutdownMillis)
        )
      )
      return HttpClient.make((request) =>
        Effect.sync(() => {
          const { body, headers, url } = request
          if (body._tag === "Uint8Array") {
            if (Queue.sizeUnsafe(queue) >= maxBatches) outcomes.add(["dropped"])
            Queue.offerUnsafe(queue, { url, headers: { ...headers }, text: decoder.decode(body.body) })
          }
          return HttpClientResponse.fromWeb(request, new Response(null, { status: 202 }))
        })
      )
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

const decoder = new TextDecoder()
