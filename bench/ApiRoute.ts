// What the full API costs: the same durable command through `POST /admin/actors/Counter/ID/commands/Put` (routing, guard, validation, limits,
// problem documents; no tracing) and through the bare bridge, both in one process over PostgreSQL, in turns from another process.
// node bench/ApiRoute.ts [--rounds 5] [--seconds 3] [--callers 64]   POLYA_DATABASE_URL; the schema polya_bench is used and kept.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer, Option, Schema } from "effect"
import { fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Gateway, type PublicCommand } from "../src/actors/Gateway.ts"
import type { Json } from "../src/domain/Json.ts"
import * as Http from "../src/http/Http.ts"
import { Listening } from "../src/http/Server.ts"
import * as App from "../src/runners/App.ts"
import { settings } from "../src/runners/Cli/ServeCommand.ts"
import * as Health from "../src/runners/Health.ts"
import * as Metrics from "../src/runners/Metrics.ts"
import * as Outside from "../src/runners/Outside.ts"
import { live } from "../src/runners/Process.ts"
import * as Telemetry from "../src/runners/Telemetry.ts"
import * as Bridge from "./Bridge.ts"
import { Counter, payloadFields, putOf } from "./CounterActor.ts"
import { figure, median } from "./Figure.ts"

const bridgePort = 61_930
const apiPort = 61_931

const put: PublicCommand = {
  name: "Put",
  summary: "Adds one and keeps the payload",
  scope: "operate",
  payload: Schema.Struct(payloadFields) as unknown as Schema.Codec<any, any>,
  toActor: (payload) => payload
}
/** The product's gateway with one type more; its command does what the others do. */
const gateway = Layer.effect(
  Gateway,
  Effect.gen(function*() {
    const polya = yield* Gateway
    const counter = yield* Counter.client
    const decode = Schema.decodeUnknownEffect(Schema.Struct(payloadFields))
    return Gateway.of({
      ...polya,
      types: [...polya.types, Counter.type],
      commandsOf: (type) => type === Counter.type ? [put] : polya.commandsOf(type),
      command: (request) =>
        request.type !== Counter.type ? polya.command(request) : Effect.gen(function*() {
          const { by, commandId, deadlineMillis, id } = request
          const payload = yield* Effect.orDie(decode(request.payload, { onExcessProperty: "error" }))
          return (yield* counter(id).send("Put", payload, { by, commandId, deadlineMillis })) as Json
        })
    })
  })
).pipe(Layer.provideMerge(Outside.layer))

/** The process that is driven. */
const serve = Effect.gen(function*() {
  const dataDir = mkdtempSync(join(tmpdir(), "polya-bench-"))
  process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }))
  const { cluster, configuration } = yield* settings(Option.none(), {
    POLYA_STORE_SCHEMA: "polya_bench",
    POLYA_HTTP_REQUESTS_PER_SECOND: "0"
  })
  const http = Http.layer({ host: "127.0.0.1", port: apiPort }).pipe(
    Layer.provide([gateway, Health.layer({ dataDir, joined: false }), Metrics.layer])
  )
  const bridge = Bridge.layer(
    { host: "127.0.0.1", port: bridgePort },
    Effect.map(Counter.client, (counter) => ({ headers, url = "" }, body) => {
      const commandId = String(headers["idempotency-key"])
      return counter(url.split("/")[2] ?? "").send("Put", { payload: putOf(body).payload }, { commandId })
    })
  )
  process.on("message", () => process.send?.(process.cpuUsage()))
  yield* live({
    layer: Layer.merge(http, bridge).pipe(
      Layer.provideMerge(Counter.layer()),
      Layer.provideMerge(App.layer({ dataDir, supervise: false })),
      Layer.provideMerge(configuration)
    ),
    terminationMillis: cluster.terminationMillis,
    ready: Effect.as(Listening, { sentence: "" }),
    say: (event) => Effect.sync(() => void (event === "ready" && process.send?.("ready")))
  }).pipe(Telemetry.within({ process: "bench", stays: true }), Effect.provide(configuration))
})

interface Measured {
  readonly callsPerSecond: number
  readonly p99Millis: number
  readonly cpuMicros: number
}

const drive = async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "3" },
      callers: { type: "string", default: "64" }
    }
  })
  const callers = Number(values.callers)
  const child = fork(import.meta.filename, ["--serve"], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const ended = new Promise<never>((_, reject) =>
    child.once("exit", (code) => reject(new Error(`the service ended with ${code}`)))
  )
  // Its end after the measuring is no failure.
  ended.catch(() => {})
  const said = () => Promise.race([ended, new Promise<any>((resolve) => child.once("message", resolve))])
  const cpuMicros = async (): Promise<number> => {
    child.send("cpu")
    const { system, user } = await said()
    return user + system
  }
  await said()

  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const pool = Array.from({ length: 256 }, () => crypto.getRandomValues(Buffer.alloc(720)).toString("base64"))
  let made = 0
  const tag = Date.now().toString(36)
  const call = (port: number, path: (id: string) => string, bodyOf: (payload: string) => object) =>
    new Promise<void>((resolve, reject) => {
      const number = made++
      const body = JSON.stringify(bodyOf(pool[number % pool.length] ?? ""))
      const headers = {
        "content-type": "application/json",
        "content-length": body.length,
        "idempotency-key": `${tag}-${number}`
      }
      request(
        { agent, port, host: "127.0.0.1", method: "POST", path: path(`k${number * 7919 % 1000}`), headers },
        (response) => {
          response.resume()
          response.on(
            "end",
            () => response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))
          )
        }
      ).on("error", reject).end(body)
    })
  const routes = {
    bridge: () => call(bridgePort, (id) => `/call/${id}`, (payload) => ({ payload })),
    api: () =>
      call(apiPort, (id) => `/admin/actors/Counter/${id}/commands/Put`, (payload) => ({ payload: { payload } }))
  }
  const measure = async (one: () => Promise<void>, seconds: number): Promise<Measured> => {
    const latencies: Array<number> = []
    const [cpu, started] = [await cpuMicros(), performance.now()]
    const until = started + seconds * 1_000
    await Promise.all(Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        const asked = performance.now()
        await one()
        latencies.push(performance.now() - asked)
      }
    }))
    const spent = (performance.now() - started) / 1_000
    const calls = latencies.length
    return {
      callsPerSecond: calls / spent,
      p99Millis: latencies.sort((a, b) => a - b)[Math.floor(calls * 0.99)] ?? Number.NaN,
      cpuMicros: (await cpuMicros() - cpu) / calls
    }
  }

  for (const one of Object.values(routes)) await measure(one, 2)
  const bridge: Array<Measured> = []
  const api: Array<Measured> = []
  for (let round = 0; round < Number(values.rounds); round++) {
    bridge.push(await measure(routes.bridge, Number(values.seconds)))
    api.push(await measure(routes.api, Number(values.seconds)))
  }
  agent.destroy()
  child.kill("SIGTERM")
  const of = (all: ReadonlyArray<Measured>, field: keyof Measured) => median(all.map((one) => one[field]))
  for (const [field, unit] of [["callsPerSecond", "calls/s"], ["p99Millis", "ms"], ["cpuMicros", "us"]] as const) {
    const against = `bridge/${field}`
    figure(against, of(bridge, field), unit)
    figure(`api/${field}`, of(api, field), unit, {
      against,
      ratio: Number((of(api, field) / of(bridge, field)).toFixed(3))
    })
  }
}

if (process.argv.includes("--serve")) NodeRuntime.runMain(serve as Effect.Effect<void, { readonly message: string }>)
else await drive()
