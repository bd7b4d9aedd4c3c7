// Calls to a model through the whole of our side (seats, routing, books), against the scripted server as a process of its own: 512 streams at
// once, processor time a call, and the rate at 50 ms and 256 in flight against what that would be if our side took no time, and against a
// bare node:http client beside it that does nothing but send and read.
// npm run bench -- generation [--part streams,overhead,rate]
import { Effect, Layer, Redacted, Stream } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { CallLog } from "../src/actors/CallLog.ts"
import { Generation } from "../src/actors/Generation.ts"
import { layerLocal } from "../src/actors/Seats/Local.ts"
import { Spending } from "../src/actors/Spending.ts"
import { samplesMaximum } from "../src/domain/Generation.ts"
import { LlmConfig } from "../src/runners/Config.ts"
import { type LlmSettings, make } from "../src/runners/Generation.ts"
import { layer as clientLayer } from "../src/runners/openai/Client.ts"
import { figure, median } from "./Figure.ts"

const { values: asked } = parseArgs({ options: { part: { type: "string" } } })
const parts = new Set((asked.part ?? "streams,overhead,rate").split(","))

const streams = 512
const tokens = 200
const tokenMillis = 20
const firstMillis = 100
const latencyMillis = 50
const rateInFlight = 256

const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
const script = join(folder, "load.yaml")
writeFileSync(
  script,
  `rules:
  - { when: { contains: "long" }, words: ${tokens}, latency: { first: ${firstMillis}, token: ${tokenMillis} } }
  - { when: { contains: "late" }, say: "42", latency: { first: ${latencyMillis} } }
  - { say: "42" }
`
)
const server = spawn(process.execPath, [
  join(import.meta.dirname, "..", "bin", "polya.js"),
  "fake-llm",
  script,
  "--port",
  "0",
  "--json"
], { stdio: ["ignore", "pipe", "inherit"] })
const [line] = await once(createInterface({ input: server.stdout }), "line")
const { url } = JSON.parse(String(line)) as { readonly url: string }

const settings = (inFlight: number): LlmSettings => ({ ...LlmConfig.defaults, inFlight, maxWaiting: 100_000 })
const layerOf = (inFlight: number, stream: boolean) =>
  Layer.effect(
    Generation,
    make(settings(inFlight), [{
      name: "fake",
      contextTokens: null,
      promptPrice: 1,
      completionPrice: 1,
      spendCapDollars: 1_000,
      hedgeMillis: null,
      endpoints: [{
        name: url,
        inFlight: null,
        weight: 1,
        wire: { url, model: "fake", api: "chat", stream, key: Redacted.make("none") }
      }]
    }])
  ).pipe(Layer.provide(Layer.mergeAll(clientLayer, layerLocal, Spending.layerMemory, CallLog.layerMemory())))

/** Samples of one prompt, as many requests as they take; answers how many had no output. */
const samples = (content: string, count: number) =>
  Effect.gen(function*() {
    const { generate } = yield* Generation
    let failed = 0
    const sizes = Array.from(
      { length: Math.ceil(count / samplesMaximum) },
      (_, at) => Math.min(samplesMaximum, count - at * samplesMaximum)
    )
    yield* Effect.forEach(sizes, (size, at) =>
      Stream.runForEach(
        generate({
          model: "fake",
          prompt: { _tag: "Chat", messages: [{ role: "user", content }] },
          parameters: { temperature: 0.7, maxTokens: 4_096 },
          seeds: Array.from({ length: size }, (_, i) => at * samplesMaximum + i),
          owner: `bench/${at}`,
          deadlineMillis: 600_000,
          deltas: content.includes("long")
        }),
        (event) => Effect.sync(() => void (event._tag === "Failed" && failed++))
      ), { concurrency: "unbounded", discard: true })
    return failed
  })

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const cpu = process.cpuUsage()
    const started = performance.now()
    return Effect.map(effect, (result) => {
      const { system, user } = process.cpuUsage(cpu)
      return { result, millis: performance.now() - started, cpuMillis: (system + user) / 1_000 }
    })
  })

const manyStreams = Effect.gen(function*() {
  yield* samples("small", 500)
  const { millis, result } = yield* timed(samples("a long answer", streams))
  const ideal = firstMillis + (tokens - 1) * tokenMillis
  figure("generation/streams", streams, "streams at once")
  figure("generation/streamErrors", result, "streams")
  figure("generation/streamMillis", millis, "ms", {
    against: `${ideal} ms by the script`,
    ratio: Number((millis / ideal).toFixed(3))
  })
}).pipe(Effect.provide(layerOf(streams, true)))

const overhead = (stream: boolean) =>
  Effect.gen(function*() {
    yield* samples("small", 3_000)
    const costs: Array<number> = []
    const rates: Array<number> = []
    for (let round = 0; round < 5; round++) {
      const count = 3_000
      const { cpuMillis, millis } = yield* timed(samples("small", count))
      costs.push(cpuMillis / count)
      rates.push(count / millis * 1_000)
    }
    const kind = stream ? "streamed" : "whole"
    figure(`generation/${kind}/cpu`, median(costs), "ms a call", { against: "3 ms" })
    figure(`generation/${kind}/rate`, median(rates), "calls/s without latency")
  }).pipe(Effect.provide(layerOf(64, stream)))

/** Calls a second of a client that keeps no books: what server, machine and node:http leave to reach. */
const bareRate = async (stream: boolean, count: number): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: rateInFlight })
  const body = (seed: number) =>
    JSON.stringify({
      model: "fake",
      messages: [{ role: "user", content: "late" }],
      max_tokens: 4_096,
      temperature: 0.7,
      seed,
      stream
    })
  const one = (seed: number) =>
    new Promise<void>((resolve, reject) => {
      const call = request(`${url}/chat/completions`, { method: "POST", agent }, (response) => {
        response.on("data", () => {}).on("end", resolve).on("error", reject)
      })
      call.on("error", reject)
      call.end(body(seed))
    })
  let next = 0
  const started = performance.now()
  await Promise.all(Array.from({ length: rateInFlight }, async () => {
    while (next < count) await one(next++)
  }))
  agent.destroy()
  return count / (performance.now() - started) * 1_000
}

const rate = (stream: boolean) =>
  Effect.gen(function*() {
    const ideal = rateInFlight / latencyMillis * 1_000
    yield* samples("late", 10_000)
    const rates: Array<number> = []
    const bare: Array<number> = []
    const costs: Array<number> = []
    const bareCosts: Array<number> = []
    // In turns, so that a noisy moment falls on both.
    for (let round = 0; round < 5; round++) {
      const count = rateInFlight * 40
      const beside = yield* timed(Effect.promise(() => bareRate(stream, count)))
      bare.push(beside.result)
      bareCosts.push(beside.cpuMillis / count)
      const { cpuMillis, millis, result } = yield* timed(samples("late", count))
      if (result > 0) throw new Error(`${result} samples failed`)
      rates.push(count / millis * 1_000)
      costs.push(cpuMillis / count)
    }
    const name = `generation/${stream ? "streamed" : "whole"}/rate-50ms-256`
    figure(name, median(rates), "calls/s", {
      against: `ideal ${ideal}`,
      ratio: Number((median(rates) / ideal).toFixed(3))
    })
    figure(name, median(rates), "calls/s", {
      against: `bare node:http ${Math.round(median(bare))}`,
      ratio: Number((median(rates) / median(bare)).toFixed(3))
    })
    figure(`${name}/cpu`, median(costs), "ms a call", { against: `bare node:http ${median(bareCosts).toFixed(3)}` })
  }).pipe(Effect.provide(layerOf(rateInFlight, stream)))

try {
  if (parts.has("streams")) await Effect.runPromise(manyStreams)
  for (const stream of [true, false]) {
    if (parts.has("overhead")) await Effect.runPromise(overhead(stream))
    if (parts.has("rate")) await Effect.runPromise(rate(stream))
  }
} finally {
  server.kill("SIGTERM")
  await once(server, "close")
  rmSync(folder, { recursive: true })
}
