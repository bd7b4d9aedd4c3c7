// The whole HTTP side over a Polya in memory: real actors, real routes, no socket. Requests are asked of the application itself.
import { type Context, Effect, Layer } from "effect"
import { HttpEffect } from "effect/http"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { CallLog } from "../../src/actors/CallLog.ts"
import { CodeSandbox } from "../../src/actors/CodeSandbox.ts"
import type { ActorUnavailable } from "../../src/actors/Committer.ts"
import * as Contesting from "../../src/actors/Contesting.ts"
import * as Evaluating from "../../src/actors/Evaluating.ts"
import * as FilesMemory from "../../src/actors/FilesMemory.ts"
import { Gateway } from "../../src/actors/Gateway.ts"
import { Generation } from "../../src/actors/Generation.ts"
import { Health, type HealthReport } from "../../src/actors/Health.ts"
import { Intake } from "../../src/actors/Intake.ts"
import { makeRegistry, MetricRegistry, Metrics, textOf } from "../../src/actors/Metrics.ts"
import * as ProcessesMemory from "../../src/actors/ProcessesMemory.ts"
import * as RunIndexMemory from "../../src/actors/RunIndexMemory.ts"
import * as Solving from "../../src/actors/Solving.ts"
import { Tokens } from "../../src/actors/Tokens.ts"
import { LastResort, Verdicts } from "../../src/actors/Verdicts.ts"
import * as Http from "../../src/http/Http.ts"
import { HttpLimits, httpLimitsDefaults } from "../../src/http/Limits.ts"
import { RefusalLog } from "../../src/http/RefusalLog.ts"
import { Security } from "../../src/http/Security.ts"
import { type AdminTokenMissing, type ListenFailed, Listening } from "../../src/http/Server.ts"
import { ConfigPlaces } from "../../src/runners/Config/Settings.ts"
import * as LiveSettings from "../../src/runners/LiveSettings.ts"
import { recipesLayer } from "../../src/runners/RecipeFile.ts"
import { fresh, mapStage, polya, type World, type Written } from "../actors/Fixture.ts"

export const smallWorld: World = {
  stages: [
    mapStage("trim", (fields) => ({ _tag: "Kept", patch: { problem: String(fields["problem"]).trim() } })),
    mapStage(
      "quality",
      ({ problem }) =>
        String(problem).includes("bad") ? { _tag: "Dropped", reason: "bad" } : { _tag: "Kept", patch: {} }
    )
  ],
  rows: Array.from(
    { length: 20 },
    (_, row) => row === 7 ? null : { problem: `problem ${row}${row % 5 === 0 ? " bad" : ""}` }
  )
}

/** A recipe of the small world's stages; its source is what the world holds, whatever is uploaded. */
export const recipeYaml = `recipe: small
version: 1
description: A recipe of the tests
seed: 1
stages:
  - trim
  - quality
`

const report: HealthReport = {
  version: "0.0.0",
  state: "ready",
  store: "sqlite",
  cluster: { role: "alone", address: null, groups: ["default"], runners: [] },
  sandbox: null,
  models: [],
  checks: []
}

export interface FixtureOptions {
  readonly world?: World
  readonly written?: Written
  readonly exposed?: boolean
  readonly limits?: Partial<typeof httpLimitsDefaults>
  /** What `/ready` finds. */
  readonly checks?: HealthReport["checks"]
  readonly verdicts?: Layer.Layer<Verdicts>
  readonly sandbox?: Layer.Layer<CodeSandbox>
  readonly generation?: Layer.Layer<Generation>
}

const memory = () =>
  Layer.mergeAll(
    ActorStoreMemory.layer,
    RunIndexMemory.layer,
    FilesMemory.layer,
    ProcessesMemory.layer,
    CallLog.layerMemory()
  ).pipe(Layer.fresh)

/** All that the HTTP side needs. */
export const services = (options: FixtureOptions = {}) => {
  const { checks = [], exposed = false, limits = {}, world = smallWorld, written = fresh() } = options
  const { generation = Generation.layerNone, sandbox = CodeSandbox.layerNone } = options
  const { verdicts = Layer.provide(Verdicts.layerMemory, LastResort.layerNone) } = options
  const registry = makeRegistry()
  return Layer.mergeAll(
    Security.layer({ exposed }),
    RefusalLog.layer,
    Gateway.layer,
    Intake.layer,
    Layer.succeed(Health, {
      live: Effect.succeed({ ok: true, detail: "" }),
      health: Effect.succeed({ ...report, ok: true }),
      ready: Effect.succeed({ ...report, checks, ok: checks.every(({ ok }) => ok) })
    }),
    Layer.succeed(Metrics, { render: Effect.sync(() => textOf(registry.families())) })
  ).pipe(
    Layer.provideMerge(Layer.mergeAll(Tokens.layer, LiveSettings.settings({ watchFile: false }), recipesLayer)),
    Layer.provideMerge(LiveSettings.layer),
    Layer.provideMerge(Layer.merge(Evaluating.layer(), Contesting.layer())),
    Layer.provideMerge(Solving.layer()),
    Layer.provideMerge(polya(world, written, memory() as any)),
    Layer.provideMerge(Layer.mergeAll(verdicts, sandbox, generation)),
    Layer.provideMerge(Layer.mergeAll(
      Layer.succeed(ConfigPlaces, { environment: {}, directory: "/nowhere" }),
      Layer.succeed(HttpLimits, { ...httpLimitsDefaults, ...limits }),
      Layer.succeed(MetricRegistry, registry)
    ))
  )
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: any
  readonly bytes: Uint8Array
}
export interface Asked {
  readonly headers?: { readonly [name: string]: string }
  /** An object goes as JSON. */
  readonly body?: unknown
  readonly token?: string
  readonly signal?: AbortSignal
}

/** Asks the application; everything is gone with the scope. */
export const make = Effect.fnUntraced(function*(options: FixtureOptions = {}) {
  const context = yield* Layer.build(services(options) as Layer.Layer<any, any>)
  const app = yield* Effect.provideContext(Http.app as Effect.Effect<any, any, any>, context)
  const handler = HttpEffect.toWebHandlerWith(context as Context.Context<any>)(app as Effect.Effect<any>) as (
    request: Request
  ) => Promise<Response>
  const ask = (method: string, path: string, asked: Asked = {}): Effect.Effect<Answer> =>
    Effect.promise(async () => {
      const { body, headers = {}, signal, token } = asked
      const raw = body === undefined || typeof body === "string" || body instanceof Uint8Array
      const response = await handler(
        new Request(`http://localhost:7411${path}`, {
          method,
          headers: {
            host: "localhost:7411",
            ...(raw ? {} : { "content-type": "application/json" }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...headers
          },
          ...(body === undefined ? {} : { body: raw ? body as string : JSON.stringify(body) }),
          ...(signal === undefined ? {} : { signal })
        })
      )
      const bytes = new Uint8Array(await response.arrayBuffer())
      const text = new TextDecoder().decode(bytes)
      const type = response.headers.get("content-type") ?? ""
      return {
        status: response.status,
        headers: response.headers,
        bytes,
        body: type.includes("json") && text !== "" ? JSON.parse(text) : text
      }
    })
  return { ask, handler, context: context as Context.Context<any> }
})
export type Asker = Effect.Success<ReturnType<typeof make>>["ask"]

/** The same behind a real server on a free port of this machine. */
export const listen = Effect.fnUntraced(function*(options: FixtureOptions & { readonly host?: string } = {}) {
  const context = (yield* Layer.build(services(options) as Layer.Layer<any, any>)) as Context.Context<any>
  const served = yield* Layer.build(
    Http.layer({ host: options.host ?? "127.0.0.1", port: 0 }).pipe(
      Layer.provide(Layer.succeedContext(context))
    ) as Layer.Layer<
      Listening,
      ListenFailed | AdminTokenMissing | ActorUnavailable
    >
  )
  const { port } = yield* Effect.provideContext(Listening, served)
  return { port, url: `http://127.0.0.1:${port}`, context }
})

/** A file with a row a line, and a run over it that is done. */
export const finishedRun = Effect.fnUntraced(function*(ask: Asker, id = "run-1") {
  const file = yield* ask("POST", "/api/files?name=rows.jsonl", { body: "{}\n" })
  const started = yield* ask("POST", "/api/runs", {
    body: { id, recipe: { yaml: recipeYaml }, sources: [{ location: `upload:${file.body.id}` }] }
  })
  if (started.status !== 201) return yield* Effect.die(started.body)
  while (true) {
    const { body } = yield* ask("GET", `/api/runs/${id}`)
    if (body.status !== "running") return body
    yield* Effect.sleep("5 millis")
  }
})
