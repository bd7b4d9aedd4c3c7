import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, References, Schema, Tracer } from "effect"
import { HttpTraceContext } from "effect/http"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as DurableActor from "../../src/actors/DurableActor.ts"
import { makeRegistry, MetricRegistry, textOf } from "../../src/actors/Metrics.ts"
import { accept } from "../../src/domain/Decision.ts"
import { kept } from "../../src/domain/Stage.ts"
import { StoreConfig, TelemetryConfig } from "../../src/runners/Config.ts"
import { ConfigPlaces } from "../../src/runners/Config/Settings.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import * as Telemetry from "../../src/runners/Telemetry.ts"
import { withRatio } from "../../src/runners/Telemetry/Traces.ts"
import { awaitStatus, fresh, mapStage, polya, recipeOf, start } from "../actors/Fixture.ts"
import { parse, valueOf } from "../PrometheusText.ts"
import { collector } from "./Collector.ts"

const Counter = DurableActor.make({
  type: "Counter",
  state: Schema.Int,
  initial: 0,
  commands: { Add: { payload: { n: Schema.Int }, success: Schema.Int } },
  decide: { Add: (state, { n }) => accept(state + n, state + n) },
  placement: { _tag: "shared", hosts: 4 }
})
const counters = Counter.layer().pipe(
  Layer.provideMerge(Committer.layer),
  Layer.provideMerge(EmbeddedCluster.layer()),
  Layer.provideMerge(ActorStoreMemory.layer)
)

const telemetry = (
  settings: Partial<TelemetryConfig["Service"]>,
  environment: Record<string, string> = {},
  databaseUrl?: string
) =>
  Telemetry.layer({ process: "serve", stays: true }).pipe(
    Layer.provide(Layer.mergeAll(
      TelemetryConfig.layer({ logLevel: "None", ...settings }),
      StoreConfig.layer(databaseUrl === undefined ? {} : { databaseUrl: Redacted.make(databaseUrl) }),
      Layer.succeed(ConfigPlaces, { environment, directory: "." })
    ))
  )

describe("traces", () => {
  it.live("lead from a command to the flush that committed it, and link all commands of a flush", () =>
    Effect.gen(function*() {
      const received = yield* collector()
      yield* Effect.gen(function*() {
        const clientOf = yield* Counter.client
        yield* Effect.forEach(
          ["a", "b", "c"],
          (id) => clientOf(id).send("Add", { n: 1 }, { commandId: `command-${id}` }),
          { concurrency: "unbounded" }
        ).pipe(Effect.withSpan("test"))
      }).pipe(Effect.provide(counters.pipe(Layer.provideMerge(telemetry({ otlpEndpoint: received.url })))))
      // The layer is closed, so all of it is delivered.
      const spans = received.spans()
      const test = spans.find(({ name }) => name === "test")
      const commands = spans.filter(({ name }) => name === "Counter.Add")
      assert.strictEqual(commands.length, 3)
      assert.deepStrictEqual(new Set(commands.map(({ traceId }) => traceId)), new Set([test?.traceId]))
      assert.deepStrictEqual(commands.map(({ attributes }) => attributes["polya.actor"]).sort(), ["a", "b", "c"])
      assert.include(commands.map(({ attributes }) => attributes["polya.command_id"]), "command-b")
      const flushes = spans.filter(({ name }) => name === "Committer.flush")
      const linked = flushes.flatMap(({ links }) => links.map(({ spanId }) => spanId))
      assert.deepStrictEqual(linked.sort(), commands.map(({ spanId }) => spanId).sort())
      for (const flush of flushes) {
        assert.strictEqual(flush.parentSpanId, flush.links[0]?.spanId)
        assert.strictEqual(flush.traceId, test?.traceId)
      }
      const committed = flushes.reduce((sum, { attributes }) => sum + Number(attributes["polya.commands"]), 0)
      assert.strictEqual(committed, 3)
      assert.strictEqual(received.requests[0]?.path, "/v1/traces")
      assert.strictEqual(received.requests[0]?.headers["content-type"], "application/json")
    }).pipe(Effect.scoped))

  it.live("lead from a run's driver to its batches, to their actors, stages and flushes", () =>
    Effect.gen(function*() {
      const received = yield* collector()
      const world = {
        stages: [mapStage("upper", () => kept())],
        rows: Array.from({ length: 20 }, (_, i) => ({ problem: `p ${i}` }))
      }
      yield* Effect.gen(function*() {
        yield* start("r1", recipeOf(["upper"])).pipe(Effect.withSpan("POST /api/runs"))
        yield* awaitStatus("r1", "done", "failed")
      }).pipe(
        Effect.provide(polya(world, fresh()).pipe(Layer.provideMerge(telemetry({ otlpEndpoint: received.url }))))
      )
      const spans = received.spans()
      const named = (name: string) => spans.filter((span) => span.name === name)
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const ancestors = (span: (typeof spans)[number] | undefined): ReadonlyArray<string> =>
        span === undefined ? [] : [span.name, ...ancestors(byId.get(span.parentSpanId ?? ""))]
      const [asked] = named("POST /api/runs")
      const [driver] = named("DatasetRun.driver")
      assert.strictEqual(driver?.parentSpanId, undefined)
      assert.notStrictEqual(driver?.traceId, asked?.traceId)
      assert.deepStrictEqual(driver?.links.map(({ traceId }) => traceId), [asked?.traceId])
      const batches = named("RunDriver.batch")
      assert.strictEqual(batches.length, 3)
      assert.strictEqual(new Set(batches.map(({ traceId }) => traceId)).size, 3)
      for (const batch of batches) {
        assert.strictEqual(batch.attributes["polya.run"], "r1")
        // The walk that began it belongs to the driver's trace.
        assert.deepStrictEqual(batch.links.map(({ traceId }) => traceId), [driver?.traceId])
      }
      const stages = named("StageExecutor.run")
      assert.isAtLeast(stages.length, 3)
      for (const stage of stages) {
        const chain = ancestors(stage)
        assert.deepStrictEqual(chain.slice(-1), ["RunDriver.batch"])
        assert.include(chain, "ProblemActor.enrichMany")
      }
      const ofBatches = named("Committer.flush").filter((flush) => ancestors(flush).includes("ProblemActor.enrichMany"))
      assert.isAtLeast(ofBatches.length, 1)
      // The supervisor's words are not traced.
      assert.isBelow(named("DatasetRun.Drive").length, 2)
    }).pipe(Effect.scoped))

  it.live("go on from a traceparent, and from what was decided there about recording", () =>
    Effect.gen(function*() {
      const received = yield* collector()
      const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
      const from = (flags: string) =>
        Option.getOrThrow(HttpTraceContext.fromHeaders({
          traceparent: `00-${flags === "01" ? traceId : traceId.replace("4b", "5c")}-00f067aa0ba902b7-${flags}`
        } as any))
      yield* Effect.gen(function*() {
        const actor = (yield* Counter.client)("a")
        yield* actor.send("Add", { n: 1 }).pipe(Effect.withSpan("POST /api/a", { parent: from("01") }))
        yield* actor.send("Add", { n: 1 }).pipe(Effect.withSpan("POST /api/a", { parent: from("00") }))
      }).pipe(Effect.provide(counters.pipe(Layer.provideMerge(telemetry({
        otlpEndpoint: received.url,
        // Only traces that began elsewhere.
        traceRatio: 0
      })))))
      const spans = received.spans()
      assert.deepStrictEqual(new Set(spans.map((span) => span.traceId)), new Set([traceId]))
      assert.includeMembers(spans.map(({ name }) => name), ["POST /api/a", "Counter.Add", "Committer.flush"])
      assert.strictEqual(spans.find(({ name }) => name === "POST /api/a")?.parentSpanId, "00f067aa0ba902b7")
    }).pipe(Effect.scoped))

  it.live("are off without an endpoint, and when OpenTelemetry says so", () =>
    Effect.gen(function*() {
      const received = yield* collector()
      for (
        const layer of [
          telemetry({}),
          telemetry({ otlpEndpoint: received.url }, { OTEL_SDK_DISABLED: "true" }),
          telemetry({ otlpEndpoint: received.url, traceRatio: 0 })
        ]
      ) {
        yield* Effect.gen(function*() {
          const reply = yield* (yield* Counter.client)("a").send("Add", { n: 1 })
          assert.strictEqual(reply, 1)
        }).pipe(Effect.provide(Layer.fresh(counters).pipe(Layer.provideMerge(layer))))
      }
      assert.deepStrictEqual(received.spans(), [])
      const enabled = yield* Effect.provide(Effect.service(References.TracerEnabled), telemetry({}))
      assert.isFalse(enabled)
    }).pipe(Effect.scoped))

  it.live("are taken in the share that was asked for, whole", () =>
    Effect.gen(function*() {
      const ended: Array<{ readonly traceId: string; readonly sampled: boolean; readonly name: string }> = []
      const inner = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          ended.push(span)
          return span
        }
      })
      let draw = 0
      // Every fourth draw is below a quarter.
      const tracer = withRatio(inner, 0.25, { nextDoubleUnsafe: () => (draw++ % 4) / 4 })
      yield* Effect.forEach(Array.from({ length: 40 }), () =>
        Effect.void.pipe(Effect.withSpan("child"), Effect.withSpan("root"))).pipe(
          Effect.provideService(Tracer.Tracer, tracer)
        )
      const of = (name: string) =>
        ended.filter((span) => span.name === name && span.sampled)
      assert.strictEqual(of("root").length, 10)
      assert.deepStrictEqual(of("child").map(({ traceId }) => traceId), of("root").map(({ traceId }) => traceId))
    }))

  it.live("go out without secrets and with the collector's headers", () =>
    Effect.gen(function*() {
      const received = yield* collector()
      yield* Effect.void.pipe(
        Effect.withSpan("secrets", {
          attributes: {
            url: "postgres://polya:hunter22@db/polya",
            header: "Bearer abc.def-123",
            password: "by-name",
            known: "it was s3cr3t-token \"quoted\""
          }
        }),
        Effect.provide(telemetry(
          { otlpEndpoint: `${received.url}/`, otlpHeaders: Redacted.make("x-key=a%20b%3D") },
          { POLYA_TOKEN: "s3cr3t-token" },
          "postgres://polya:hunter22@db/polya"
        ))
      )
      const text = received.requests.map(({ body }) => body).join()
      assert.strictEqual(received.requests[0]?.headers["x-key"], "a b=")
      for (const secret of ["hunter22", "abc.def-123", "s3cr3t-token"]) assert.notInclude(text, secret)
      assert.strictEqual(received.spans()[0]?.name, "secrets")
    }).pipe(Effect.scoped))
})

describe("a collector", () => {
  const flood = (spans: number) =>
    Effect.forEach(Array.from({ length: spans }), () => Effect.withSpan(Effect.void, "span"), { discard: true })
  const batches = (registry: ReturnType<typeof makeRegistry>, outcome: string) =>
    valueOf(parse(textOf(registry.families())), "polya_trace_batches_total", { outcome }) ?? 0

  it.live(
    "that hangs costs the oldest batches, not the work and not the end of the process",
    () =>
      Effect.gen(function*() {
        const received = yield* collector(() => 0)
        const registry = makeRegistry()
        yield* flood(20_000).pipe(
          Effect.provide(
            telemetry({ otlpEndpoint: received.url }).pipe(Layer.provide(Layer.succeed(MetricRegistry, registry)))
          )
        )
        // 39 full batches and a rest: 32 wait, one is under way, the others made room.
        assert.isAtLeast(batches(registry, "dropped"), 5)
        assert.isAtMost(received.requests.length, 3)
      }).pipe(Effect.scoped),
    20_000
  )

  it.live("that refuses is asked less and less, and is used again when it takes them", () =>
    Effect.gen(function*() {
      const received = yield* collector((request) => request <= 1 ? 503 : 200)
      const registry = makeRegistry()
      yield* Effect.gen(function*() {
        yield* flood(512)
        yield* Effect.withSpan(Effect.void, "late")
        yield* received.span(({ name }) => name === "late")
        yield* Effect.repeat(Effect.yieldNow, { until: () => batches(registry, "sent") > 0 })
      }).pipe(Effect.provide(
        telemetry({ otlpEndpoint: received.url }).pipe(Layer.provide(Layer.succeed(MetricRegistry, registry)))
      ))
      assert.strictEqual(batches(registry, "failed"), 1)
    }).pipe(Effect.scoped), 20_000)

  it.live("that is not there stops nothing", () =>
    flood(2_000).pipe(
      Effect.provide(telemetry({ otlpEndpoint: "http://127.0.0.1:9" })),
      Effect.as(undefined)
    ), 20_000)
})
