// Traces by OTLP over HTTP: Effect's tracer, a share of the traces that begin here, and the queue to the collector.
import { Effect, Layer, Option, Random, Tracer } from "effect"
import { HttpMiddleware } from "effect/http"
import { OtlpExporter, OtlpSerialization, OtlpTracer } from "effect/observability"
import { hostname } from "node:os"
import { version } from "../Package.ts"
import type { Scrub } from "./Scrub.ts"
import * as SpanQueue from "./SpanQueue.ts"

export interface TraceOptions {
  /** Address of the collector; /v1/traces is added. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  readonly process: string
  /** Share of the traces begun here that are recorded. */
  readonly ratio: number
  readonly scrub: Scrub
}

/** Of the traces that begin here, so many are recorded; those that began elsewhere, as was decided there. */
export const withRatio = (
  tracer: Tracer.Tracer,
  ratio: number,
  random: { nextDoubleUnsafe(): number }
): Tracer.Tracer =>
  ratio >= 1 ? tracer : Tracer.make({
    ...(tracer.context === undefined ? {} : { context: tracer.context }),
    span: (options) =>
      tracer.span(
        options.sampled && Option.isNone(options.parent) && random.nextDoubleUnsafe() >= ratio
          ? { ...options, sampled: false }
          : options
      )
  })

/** Spans of one delivery, and the time after which fewer are sent. */
const maxBatchSize = 512
const exportInterval = "1 second"

/** Whoever asks every few seconds if the process is well would fill the collector. */
const untraced = ["/health", "/ready", "/metrics"]

export const layer = ({ endpoint, headers, process, ratio, scrub, serviceName }: TraceOptions): Layer.Layer<never> => {
  const tracer = OtlpTracer.make({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    headers,
    resource: {
      serviceName,
      serviceVersion: version,
      attributes: { "polya.process": process, "host.name": hostname(), "process.pid": globalThis.process.pid }
    },
    maxBatchSize,
    exportInterval
  })
  return Layer.effect(
    Tracer.Tracer,
    Effect.map(Effect.all([tracer, Random.Random]), ([tracer, random]) => withRatio(tracer, ratio, random))
  ).pipe(
    Layer.merge(HttpMiddleware.layerTracerDisabledForUrls(untraced)),
    Layer.provide([OtlpExporter.layerFlusher, OtlpSerialization.layerJson, SpanQueue.layer({ scrub })])
  )
}
