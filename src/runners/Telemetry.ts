// What a process says of itself while it works: logs on stderr and, if there is a collector, traces by OTLP. One layer, to be provided under
// everything else: actors keep the loggers and the tracer that they were built with.
import { Context, Effect, Layer, Logger, Redacted, References, Tracer } from "effect"
import { hostname } from "node:os"
import { StoreConfig, TelemetryConfig } from "./Config.ts"
import { ConfigPlaces } from "./Config/Settings.ts"
import { jsonLines, textLines } from "./Telemetry/LogLines.ts"
import { type Scrub, scrubber, secretsOfUrl } from "./Telemetry/Scrub.ts"

export interface TelemetryOptions {
  /** The command: `serve`, `runner`, `run`. */
  readonly process: string
  /** It stays and is watched by machines: without a terminal its logs are JSON. */
  readonly stays: boolean
}

/** Secrets of the environment, beside those of the configuration. */
const secretVariables = ["POLYA_TOKEN", "POLYA_LLM_API_KEY", "PGPASSWORD", "HF_TOKEN"]

const scrubOf = Effect.gen(function*() {
  const { environment } = yield* ConfigPlaces
  const { databaseUrl } = yield* StoreConfig
  const { otlpHeaders } = yield* TelemetryConfig
  const headers = otlpHeaders === undefined ? {} : headersOf(Redacted.value(otlpHeaders))
  return scrubber([
    ...secretVariables.flatMap((name) => environment[name] ?? []),
    ...(databaseUrl === undefined ? [] : secretsOfUrl(Redacted.value(databaseUrl))),
    ...Object.values(headers)
  ])
})

const headersOf = (list: string): Record<string, string> =>
  Object.fromEntries(
    list.split(",").map((one) => {
      const [name = "", ...value] = one.trim().split("=")
      return [name, decodeURIComponent(value.join("="))]
    })
  )

/** Whether log lines of this process are JSON. */
export const logsAreJson = ({ stays }: TelemetryOptions): Effect.Effect<boolean, never, TelemetryConfig> =>
  Effect.map(
    TelemetryConfig,
    ({ logFormat }) => logFormat === "json" || (logFormat === "auto" && stays && process.stderr.isTTY !== true)
  )

const logLayer = (options: TelemetryOptions, scrub: Scrub) =>
  Layer.unwrap(Effect.gen(function*() {
    const { logLevel, serviceName } = yield* TelemetryConfig
    const fields = {
      service: serviceName,
      process: options.process,
      host: hostname(),
      pid: process.pid
    }
    const logger = (yield* logsAreJson(options)) ? jsonLines({ scrub, fields }) : textLines({ scrub, fields })
    // A level that was given on the command line is in force here already.
    const given = yield* References.MinimumLogLevel
    return Layer.merge(
      Logger.layer([logger, Logger.tracerLogger]),
      given === "Info" ? Layer.succeed(References.MinimumLogLevel, logLevel) : Layer.empty
    )
  }))

const traceLayer = ({ process }: TelemetryOptions, scrub: Scrub) =>
  Layer.unwrap(Effect.gen(function*() {
    const { otlpEndpoint, otlpHeaders, serviceName, traceRatio } = yield* TelemetryConfig
    const { environment } = yield* ConfigPlaces
    if (otlpEndpoint === "" || environment["OTEL_SDK_DISABLED"] === "true") {
      return Layer.succeed(References.TracerEnabled, false)
    }
    // Most processes have no collector, and start without what is needed for one.
    const Traces = yield* Effect.promise(() => import("./Telemetry/Traces.ts"))
    const headers = otlpHeaders === undefined ? {} : headersOf(Redacted.value(otlpHeaders))
    return Traces.layer({ endpoint: otlpEndpoint, headers, process, ratio: traceRatio, scrub, serviceName })
  }))

/**
 * The effect with logs and traces as the configuration says. It begins no trace, and stands in none: a command of the command line lasts as long
 * as its process, and what the process does must not be one endless trace.
 */
export const within =
  (options: TelemetryOptions) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | TelemetryConfig | StoreConfig> =>
    Effect.provide(Effect.updateContext(effect, (context: Context.Context<R>) => withoutSpan(context)), layer(options))

const withoutSpan: <R>(context: Context.Context<R>) => Context.Context<R> = Context.omit(Tracer.ParentSpan) as any

/** Logs and traces as the configuration says. */
export const layer = (options: TelemetryOptions) =>
  Layer.unwrap(Effect.map(scrubOf, (scrub) => {
    const logs = logLayer(options, scrub)
    // What the exporter says about its collector goes where the other logs go.
    return Layer.provideMerge(traceLayer(options, scrub), logs)
  }))
