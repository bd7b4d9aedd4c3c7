// Every failure of a server and what becomes of it: the scripted server fails over real HTTP, and the port Generation tells its caller one typed
// outcome. The table is the promise. A sample that hung would pass its deadline, which no row but one expects.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CallLog } from "../../../src/actors/CallLog.ts"
import { generateOne, Generation } from "../../../src/actors/Generation.ts"
import { makeRegistry, MetricRegistry } from "../../../src/actors/Metrics.ts"
import { layerLocal } from "../../../src/actors/Seats/Local.ts"
import { Spending } from "../../../src/actors/Spending.ts"
import type { SampleOutput, SamplingParameters } from "../../../src/domain/Generation.ts"
import type { GenerationError } from "../../../src/domain/Generation/Errors.ts"
import type { Json, JsonObject } from "../../../src/domain/Json.ts"
import { LlmConfig } from "../../../src/runners/Config.ts"
import { failureKeys, type FailureKind, ServerKind } from "../../../src/runners/fakeLlm/Script.ts"
import { make } from "../../../src/runners/Generation.ts"
import * as Client from "../../../src/runners/openai/Client.ts"
import { type Fake, fake } from "./Fake.ts"

const attempts = 3
/** Longer than anything here takes on a slow machine: a sample that passed it has hung. */
const deadlineMillis = 50_000
const longMillis = 40_000

interface Limits {
  readonly callMillis?: number
  readonly firstTokenMillis?: number
  readonly idleMillis?: number
  readonly deadlineMillis?: number
}
interface Row {
  readonly script: JsonObject
  /** What the sample comes to, streamed; and not streamed where that differs. */
  readonly streamed: string
  readonly whole?: string
  readonly parameters?: SamplingParameters
  /** Calls that the server gets for one sample; default 1. */
  readonly calls?: number
  /** What is cut short, where that is the point; not streamed, where that differs. */
  readonly limits?: Limits
  readonly wholeLimits?: Limits
}

const say = "The answer is \\boxed{42}."
const failing = (kind: FailureKind, more: JsonObject = {}, script: JsonObject = {}): JsonObject => ({
  ...script,
  rules: [{ say, fail: { kind, ...more } }]
})
/** Fails at the first attempt alone. */
const once = (kind: FailureKind, more: JsonObject = {}): JsonObject => ({
  faults: [{ when: { attempt: 1 }, fail: { kind, ...more } }],
  rules: [{ say }]
})
const answered = "the answer"

const table: { readonly [failure: string]: Row } = {
  "429 at each attempt": { script: failing("rate-limited"), streamed: "RateLimited", calls: attempts },
  "429 once, then an answer": {
    script: once("rate-limited", { retryAfter: 0.02, retryAfterAs: "millis" }),
    streamed: answered,
    calls: 2
  },
  "429 with a wait that is too long": {
    script: failing("rate-limited", { retryAfter: 600 }),
    streamed: "RateLimited of 600000 ms"
  },
  "429 until a date that is too late": {
    script: failing("rate-limited", { retryAfter: 7_200, retryAfterAs: "date" }),
    streamed: "RateLimited of about 2 h"
  },
  "500 at each attempt": { script: failing("server-error"), streamed: "ServerFailed 500", calls: attempts },
  "503 once, then an answer": { script: once("server-error", { status: 503 }), streamed: answered, calls: 2 },
  "a page of HTML with 502": { script: failing("html"), streamed: "ServerFailed 502", calls: attempts },
  "a page of HTML with 200": {
    script: failing("html", { status: 200 }),
    streamed: "ResponseUnreadable",
    calls: attempts
  },
  "400": { script: failing("refused", { message: "no such parameter" }), streamed: "RequestRefused 400" },
  "404, the model is not there": { script: failing("model-unknown"), streamed: "RequestRefused 404" },
  "another model is served": { script: { models: ["other"], rules: [] }, streamed: "RequestRefused 404" },
  "401": { script: failing("key-refused"), streamed: "KeyRefused 401" },
  "403": { script: failing("key-refused", { status: 403 }), streamed: "KeyRefused 403" },
  "a key is wanted": { script: { key: "sk-wanted", rules: [] }, streamed: "KeyRefused 401", calls: 0 },
  ...Object.fromEntries(ServerKind.literals.map((server) => [
    `the prompt is too long for ${server}`,
    { script: failing("overflow", {}, { server }), streamed: "ContextOverflow 4096" }
  ])),
  ...Object.fromEntries(
    ServerKind.literals.filter((server) => server !== "llama.cpp").map((server) => [
      `the answer may be shorter for ${server}`,
      {
        script: { server, contextTokens: 400, rules: [{ say }] },
        parameters: { maxTokens: 1_000 },
        streamed: answered,
        calls: 2
      }
    ])
  ),
  "reset before the answer": { script: failing("reset-before"), streamed: "EndpointsDown", calls: attempts },
  "reset once, then an answer": { script: once("reset-before"), streamed: answered, calls: 2 },
  "reset amid the answer": { script: failing("reset-amid"), streamed: "ResponseUnreadable", calls: attempts },
  "cut off": { script: failing("cut"), streamed: "ResponseUnreadable", calls: attempts },
  "cut off before the first token": {
    script: failing("cut", { after: 0 }),
    streamed: "ResponseUnreadable",
    calls: attempts
  },
  "cut off once, then an answer": { script: once("cut"), streamed: answered, calls: 2 },
  "nothing more comes": {
    script: failing("stall"),
    streamed: "ResponseUnreadable",
    calls: attempts,
    limits: { idleMillis: 200 },
    whole: "DeadlinePassed of call",
    wholeLimits: { callMillis: 300 }
  },
  "nothing comes at all": {
    script: failing("stall", { after: 0 }),
    streamed: "DeadlinePassed of first-token",
    limits: { firstTokenMillis: 300 },
    whole: "DeadlinePassed of call",
    wholeLimits: { callMillis: 300 }
  },
  "the first token is late": {
    script: failing("slow-first", { millis: 3_600_000 }),
    streamed: "DeadlinePassed of first-token",
    limits: { firstTokenMillis: 300 },
    whole: "DeadlinePassed of call",
    wholeLimits: { callMillis: 300 }
  },
  "tokens come for too long": {
    script: { rules: [{ words: 100_000, latency: { token: 20 } }] },
    streamed: "DeadlinePassed of call",
    limits: { callMillis: 500 }
  },
  "the sample's time is up": {
    script: { rules: [{ words: 100_000, latency: { token: 20 } }] },
    streamed: "DeadlinePassed of sample",
    limits: { deadlineMillis: 1_000 }
  },
  "malformed JSON": { script: failing("malformed"), streamed: "ResponseUnreadable", calls: attempts },
  "JSON of another shape": { script: failing("wrong-shape"), streamed: "ResponseUnreadable", calls: attempts },
  "no choices": { script: failing("empty-choices"), streamed: "ResponseUnreadable", calls: attempts },
  "more than a response may have": {
    script: failing("huge", { mebibytes: 64 }),
    streamed: "ResponseUnreadable",
    calls: attempts
  },
  "an error inside of the answer": {
    script: failing("error-in-stream"),
    streamed: "ServerFailed",
    calls: attempts
  },
  "too many requests, told inside of the answer": {
    script: failing("error-in-stream", { status: 429, message: "slow down" }),
    streamed: "RateLimited",
    calls: attempts
  },
  "an overflow, told inside of the answer": {
    script: failing("error-in-stream", {
      status: 400,
      message: "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens."
    }),
    streamed: "ContextOverflow 4096"
  },
  "too many at once": { script: { inFlight: 1, rules: [{ say }] }, streamed: answered },
  "no usage is told": { script: { usage: false, rules: [{ say }] }, streamed: `${answered}, usage estimated` },
  "all is well": { script: { rules: [{ say, reasoning: "hm" }] }, streamed: `${answered}, with reasoning` }
}

const told = (ended: SampleOutput | GenerationError): string => {
  if (!("_tag" in ended)) {
    const { reasoning, text, usage } = ended
    return [
      text === say ? answered : text,
      ...(usage.estimated === true ? ["usage estimated"] : []),
      ...(reasoning === null ? [] : ["with reasoning"])
    ].join(", ")
  }
  switch (ended._tag) {
    case "ServerFailed":
      // Inside of an answer that began well there is no status of a failure.
      return ended.status === 200 ? ended._tag : `${ended._tag} ${ended.status}`
    case "RequestRefused":
    case "KeyRefused":
      return `${ended._tag} ${ended.status}`
    case "ContextOverflow":
      return `${ended._tag} ${ended.maxContextLength}`
    case "DeadlinePassed":
      return `${ended._tag} of ${ended.of}`
    case "RateLimited": {
      const wait = ended.retryAfterMillis
      return wait === null
        ? ended._tag
        : `${ended._tag} of ${wait === 600_000 ? "600000 ms" : Math.round(wait / 60_000) === 120 ? "about 2 h" : wait}`
    }
    default:
      return ended._tag
  }
}

const settings = {
  ...LlmConfig.defaults,
  attempts,
  retryFirstMillis: 2,
  retryLongestMillis: 10,
  callMillis: longMillis,
  firstTokenMillis: longMillis,
  idleMillis: longMillis,
  breakerFailures: 10_000
}

const asked = (server: Fake, stream: boolean, row: Row) =>
  Effect.gen(function*() {
    const limits = (stream ? undefined : row.wholeLimits) ?? row.limits ?? {}
    const spec = {
      name: "m",
      contextTokens: null,
      promptPrice: null,
      completionPrice: null,
      spendCapDollars: null,
      hedgeMillis: null,
      endpoints: [{
        name: server.url,
        wire: { url: server.url, model: "fake", api: "chat" as const, stream, responseBytes: 1_048_576 },
        inFlight: null,
        weight: 1
      }]
    }
    const generation = Layer.effect(Generation, make({ ...settings, ...limits }, [spec])).pipe(
      Layer.provideMerge(
        Layer.mergeAll(Client.layer, layerLocal, Spending.layerMemory, CallLog.layerMemory()).pipe(
          Layer.provideMerge(Layer.succeed(MetricRegistry, makeRegistry()))
        )
      )
    )
    return yield* Effect.gen(function*() {
      const ended = yield* generateOne({
        model: "m",
        prompt: { _tag: "Chat", messages: [{ role: "user", content: "What is 6 times 7?" }] },
        parameters: row.parameters ?? {},
        seed: 1,
        owner: "test",
        deadlineMillis: limits.deadlineMillis ?? deadlineMillis
      }).pipe(Effect.catch((error) => Effect.succeed<SampleOutput | GenerationError>(error)))
      const { models } = yield* Generation
      const [facts] = yield* models
      return { outcome: told(ended), inFlight: facts?.endpoints[0]?.inFlight }
    }).pipe(Effect.provide(generation))
  })

describe("what becomes of", { timeout: 300_000 }, () => {
  for (const [failure, row] of Object.entries(table)) {
    const whole = row.whole ?? row.streamed
    it.live(`${failure}: ${row.streamed}${whole === row.streamed ? "" : `; not streamed: ${whole}`}`, () =>
      Effect.gen(function*() {
        for (const stream of [true, false]) {
          const server = yield* Effect.acquireRelease(
            Effect.promise(() => fake(row.script as Json)),
            (server) => Effect.promise(server.close)
          )
          const { inFlight, outcome } = yield* asked(server, stream, row)
          assert.strictEqual(outcome, stream ? row.streamed : whole, stream ? "streamed" : "not streamed")
          assert.strictEqual(inFlight, 0)
          const counts = server.counts()
          const calls = whole === row.streamed || stream ? row.calls ?? 1 : 1
          assert.strictEqual(counts.requests, calls, JSON.stringify(counts.outcomes))
        }
      }).pipe(Effect.scoped))
  }

  it("holds each failure that a script knows", () => {
    const tested = JSON.stringify(table)
    assert.deepStrictEqual(Object.keys(failureKeys).filter((kind) => !tested.includes(`"kind":"${kind}"`)), [])
  })
})
