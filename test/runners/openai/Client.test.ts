import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import type { ServerResponse } from "node:http"
import type { Prompt, SamplingParameters } from "../../../src/domain/Generation.ts"
import { layer, WireClient } from "../../../src/runners/openai/Client.ts"
import { loadTokenizer } from "../../../src/runners/openai/LocalTokenizer.ts"
import type {
  WireDeadlines,
  WireEndpoint,
  WireFailureClass,
  WirePart
} from "../../../src/runners/openai/Wire.ts"
import { type Asked, delta, end, events, json, serve, usage } from "./TestServer.ts"

const question: Prompt = { _tag: "Chat", messages: [{ role: "user", content: "2 + 2?" }] }
const long: WireDeadlines = { callMillis: 600_000, firstTokenMillis: 300_000, idleMillis: 60_000 }

const call = (
  endpoint: WireEndpoint,
  options: {
    readonly prompt?: Prompt
    readonly parameters?: SamplingParameters
    readonly seed?: number | null
    readonly deadlines?: WireDeadlines
    readonly onPart?: (part: WirePart) => void
  } = {}
) =>
  Effect.gen(function*() {
    const client = yield* WireClient
    const { deadlines = long, onPart, parameters = {}, prompt = question, seed = null } = options
    return yield* client.call(endpoint, { prompt, parameters, seed }, deadlines, onPart)
  })

/** Runs a test against a server that answers so. */
const against = (
  answer: (response: ServerResponse, asked: Asked) => void,
  test: (
    server: Effect.Success<ReturnType<typeof serve>>
  ) => Effect.Effect<void, unknown, WireClient>
) => Effect.scoped(Effect.flatMap(serve(answer), test)).pipe(Effect.provide(layer))

/** The failure of a call against a server that answers so. */
const failing = (answer: (response: ServerResponse) => void, endpoint: Partial<WireEndpoint> = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* serve(answer)
    return yield* Effect.flip(call({ ...server.endpoint, ...endpoint }))
  })).pipe(Effect.provide(layer))

const whole = (content: string, more: object = {}) => ({
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop", ...more }],
  usage: { prompt_tokens: 7, completion_tokens: 3 }
})

describe("WireClient", () => {
  it.effect("reads a stream part by part", () =>
    against(
      (response) => {
        events(response, { choices: [{ index: 0, delta: { role: "assistant", content: "" } }] })
        events(response, delta("<th"), delta("ink>two and two"), delta("</think>\n\nIt is "), delta("4."))
        events(response, end(), usage(12, 9), "[DONE]")
        response.end()
      },
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          const parts: Array<WirePart> = []
          const output = yield* call(endpoint, {
            onPart: (part) => parts.push(part),
            parameters: {
              maxTokens: 100,
              temperature: 0.5,
              topP: 0.9,
              topK: -1,
              minP: 0.1,
              stop: ["END"],
              topLogprobs: 2,
              reasoningEffort: "low"
            },
            seed: 5
          })
          assert.strictEqual(output.text, "It is 4.")
          assert.strictEqual(output.reasoning, "two and two")
          assert.strictEqual(output.finish, "stop")
          assert.deepStrictEqual(output.usage, { promptTokens: 12, completionTokens: 9 })
          assert.isNotNull(output.firstTokenMillis)
          assert.strictEqual(parts.map(({ text }) => text).join(""), "It is 4.")
          assert.strictEqual(parts.map(({ reasoning }) => reasoning).join(""), "two and two")
          assert.strictEqual(asked[0]?.path, "/v1/chat/completions")
          assert.deepStrictEqual(asked[0]?.body, {
            model: "tiny",
            max_tokens: 100,
            temperature: 0.5,
            top_p: 0.9,
            top_k: -1,
            min_p: 0.1,
            stop: ["END"],
            seed: 5,
            stream: true,
            stream_options: { include_usage: true },
            messages: [{ role: "user", content: "2 + 2?" }],
            logprobs: true,
            top_logprobs: 2,
            reasoning_effort: "low"
          })
        })
    ))

  it.effect("reads a whole answer", () =>
    against(
      (response) => json(response, 200, whole("4", { finish_reason: "length" })),
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          const output = yield* call({ ...endpoint, stream: false })
          assert.strictEqual(output.text, "4")
          assert.isNull(output.reasoning)
          assert.strictEqual(output.finish, "length")
          assert.isNull(output.firstTokenMillis)
          assert.deepStrictEqual(output.usage, { promptTokens: 7, completionTokens: 3 })
          assert.deepStrictEqual(asked[0]?.body, { model: "tiny", messages: [{ role: "user", content: "2 + 2?" }] })
        })
    ))

  it.effect("reads what it gets, asked for or not: one piece for a stream, a stream for one piece", () =>
    against(
      (response, { body }) => {
        if (body["stream"] === true) return json(response, 200, whole("one"))
        events(response, delta("two"), end(), "[DONE]")
        return response.end()
      },
      ({ endpoint }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* call(endpoint)).text, "one")
          assert.strictEqual((yield* call({ ...endpoint, stream: false })).text, "two")
        })
    ))

  it.effect("takes thoughts from a field, under both of its names, and from parts of the content", () =>
    against(
      (response, { body }) => {
        if (body["stream"] === true) {
          events(response, { choices: [{ delta: { reasoning_content: "so ", reasoning: "so " } }] })
          events(response, { choices: [{ delta: { reasoning: "it is" } }] })
          events(response, delta("a </think> tag"), end(), "[DONE]")
          return response.end()
        }
        const content = [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }, { type: "text", text: "4" }]
        return json(response, 200, whole("", { message: { content } }))
      },
      ({ endpoint }) =>
        Effect.gen(function*() {
          const streamed = yield* call(endpoint)
          assert.deepStrictEqual([streamed.text, streamed.reasoning], ["a </think> tag", "so it is"])
          const whole = yield* call({ ...endpoint, stream: false })
          assert.deepStrictEqual([whole.text, whole.reasoning], ["4", "hm"])
        })
    ))

  it.effect("makes figures of log-probabilities in the form of chats and of completions", () =>
    against(
      (response, { path }) => {
        const half = Math.log(0.5)
        if (path === "/v1/completions") {
          const logprobs = { tokens: ["4"], token_logprobs: [half], top_logprobs: [{ 4: half, 5: half }] }
          return json(response, 200, { choices: [{ text: "4", finish_reason: "stop", logprobs }] })
        }
        const top = [{ token: "4", logprob: half }, { token: "5", logprob: half }]
        events(response, delta("4", { logprobs: { content: [{ token: "4", logprob: half, top_logprobs: top }] } }))
        events(response, end(), "[DONE]")
        return response.end()
      },
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          const parameters = { topLogprobs: 2 }
          const chat = yield* call(endpoint, { parameters })
          const text = yield* call({ ...endpoint, stream: false }, {
            parameters,
            prompt: { _tag: "Text", text: "2+2=" }
          })
          for (const { figures, usage } of [chat, text]) {
            assert.closeTo(figures.logprobMean ?? 0, -Math.LN2, 1e-12)
            assert.closeTo(figures.entropyMean ?? 0, Math.LN2, 1e-12)
            assert.closeTo(figures.confidence ?? 0, Math.LN2, 1e-12)
            assert.strictEqual(usage.completionTokens, 1)
            assert.isTrue(usage.estimated)
          }
          assert.deepStrictEqual(asked[1]?.body, { model: "tiny", prompt: "2+2=", logprobs: 2 })
        })
    ))

  it.effect("sends the endpoint's own fields, headers and names, and never the fields that are null", () =>
    against(
      (response) => json(response, 200, whole("4")),
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          const messages = [{ role: "user", content: "2 + 2?" }, { role: "assistant", content: "It is" }] as const
          yield* call({
            ...endpoint,
            url: endpoint.url.replace("/v1", "/"),
            stream: false,
            key: Redacted.make("sk-secret"),
            organization: "org",
            headers: { "api-key": "other" },
            maxTokensField: "max_completion_tokens",
            extraBody: { seed: null, temperature: 1, chat_template_kwargs: { enable_thinking: false } }
          }, { prompt: { _tag: "Chat", messages }, parameters: { maxTokens: 5, temperature: 0 }, seed: 3 })
          const [one] = asked
          assert.strictEqual(one?.path, "/v1/chat/completions")
          assert.strictEqual(one?.headers.authorization, "Bearer sk-secret")
          assert.strictEqual(one?.headers["api-key"], "other")
          assert.strictEqual(one?.headers["openai-organization"], "org")
          assert.deepStrictEqual(one?.body, {
            temperature: 0,
            chat_template_kwargs: { enable_thinking: false },
            model: "tiny",
            max_completion_tokens: 5,
            messages,
            continue_final_message: true,
            add_generation_prompt: false
          })
        })
    ))

  it.effect("renders conversations for completions, and counts what the server does not", () =>
    against(
      (response) => json(response, 200, { choices: [{ text: "4 and 4", finish_reason: "stop" }] }),
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          const tokenizer = Effect.orDie(loadTokenizer(`${import.meta.dirname}/tokenizer`))
          const output = yield* call({ ...endpoint, api: "completions", stream: false, tokenizer: tokenizer })
          assert.deepStrictEqual(asked[0]?.body, {
            model: "tiny",
            prompt: "<s>[user]2 + 2?\n[assistant]",
            add_special_tokens: false
          })
          assert.deepStrictEqual(output.usage, { promptTokens: 14, completionTokens: 5, estimated: true })
          const chat = yield* call({ ...endpoint, stream: false, tokenizer: tokenizer })
          assert.strictEqual(chat.usage.promptTokens, 14)
          const failure = yield* Effect.flip(call({ ...endpoint, api: "completions" }))
          assert.strictEqual(failure.class, "refused")
        })
    ))

  it.effect("takes an answer for an unfinished thought where the prompt opened it and no tag ends it", () =>
    against(
      (response, { path }) => {
        const logprobs = null
        events(response, path === "/v1/completions" ? { choices: [{ text: "so it", logprobs }] } : delta("so it"))
        events(response, end("length"), "[DONE]")
        response.end()
      },
      ({ endpoint }) =>
        Effect.gen(function*() {
          const messages = [{ role: "user", content: "a" }, { role: "assistant", content: "<think>2 and" }] as const
          const outputs = [
            yield* call(endpoint, { prompt: { _tag: "Text", text: "2 + 2?\n<think>\n" } }),
            yield* call(endpoint, { prompt: { _tag: "Chat", messages } }),
            yield* call({ ...endpoint, opensThought: true })
          ]
          for (const { finish, reasoning, text } of outputs) {
            assert.deepStrictEqual([text, reasoning, finish], ["", "so it", "length"])
          }
          assert.strictEqual((yield* call(endpoint)).text, "so it")
        })
    ))

  it.effect("tells again what a later end tag makes a thought", () =>
    against(
      (response) => {
        events(response, delta("2 and 2"), delta("</think>4"), end(), "[DONE]")
        response.end()
      },
      ({ endpoint }) =>
        Effect.gen(function*() {
          const parts: Array<WirePart> = []
          yield* call(endpoint, { onPart: (part) => parts.push(part) })
          assert.deepStrictEqual(parts.map(({ reasoning, restarted, text }) => [text, reasoning, restarted]), [
            ["2 and 2", "", false],
            ["4", "2 and 2", true]
          ])
        })
    ))

  it.effect("takes an answer with an end for whole, without the last marks and with a broken connection", () =>
    against(
      (response, { body }) => {
        events(response, delta("4"), end())
        if (body["model"] === "breaks") setImmediate(() => response.destroy())
        else response.end()
      },
      ({ endpoint }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* call(endpoint)).text, "4")
          assert.strictEqual((yield* call({ ...endpoint, model: "breaks" })).text, "4")
        })
    ))

  it.effect("uses a connection again after a stream, and a fresh one where the server has closed it", () =>
    against(
      (response, { socket }) => {
        events(response, delta("4"), end(), "[DONE]")
        response.end()
        // The second answer's connection is closed as soon as it is free.
        if (socket.bytesRead > 800) response.on("finish", () => socket.destroy())
      },
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          for (let i = 0; i < 8; i++) assert.strictEqual((yield* call(endpoint)).text, "4")
          assert.isBelow(new Set(asked.map(({ socket }) => socket)).size, 8)
        })
    ))

  const table: ReadonlyArray<
    readonly [string, WireFailureClass, (response: ServerResponse) => void, RegExp, Partial<WireEndpoint>?]
  > = [
    ["429", "rate-limited", (r) => json(r, 429, { error: { message: "slow down" } }), /slow down/],
    ["429 without words", "rate-limited", (r) => r.writeHead(429).end(), /too many/],
    ["429 of a quota", "refused", (r) => json(r, 429, { error: { message: "x", code: "insufficient_quota" } }), /x/],
    ["500", "server", (r) => r.writeHead(500).end("oh"), /oh/],
    ["502 of a proxy", "server", (r) => r.writeHead(502).end("<html><body>Bad <b>Gateway</b>"), /^Bad Gateway$/],
    ["503", "server", (r) => json(r, 503, { detail: "loading" }), /loading/],
    ["529", "server", (r) => json(r, 529, { error: { type: "overloaded_error", message: "busy" } }), /busy/],
    ["408", "server", (r) => r.writeHead(408).end(), /408/],
    ["400", "refused", (r) => json(r, 400, { message: "top_k is not known", object: "error" }), /^top_k is not known$/],
    ["404", "refused", (r) => json(r, 404, { error: "no model tiny" }), /no model tiny/],
    [
      "422",
      "refused",
      (r) => json(r, 422, { detail: [{ loc: ["body", "stop"], msg: "bad", input: "2 + 2?" }] }),
      /^body.stop: bad$/
    ],
    ["a redirect", "refused", (r) => r.writeHead(307, { location: "http://127.0.0.1:1/" }).end(), /307/],
    ["401", "key", (r) => json(r, 401, { error: { message: "no" } }), /no/],
    ["403", "key", (r) => r.writeHead(403).end(), /403/],
    [
      "an overflow",
      "overflow",
      (r) =>
        json(r, 400, {
          error: { message: "The input (9 tokens) is longer than the model's context length (8 tokens)." }
        }),
      /longer/
    ],
    [
      "an overflow in a stream",
      "overflow",
      (r) => {
        events(r, { error: { code: 400, type: "exceed_context_size_error", message: "too big", n_ctx: 8 } })
        r.end()
      },
      /too big/
    ],
    ["an error in a stream", "server", (r) => events(r, delta("4"), { error: { message: "CUDA" } }), /CUDA/],
    [
      "an error event",
      "server",
      (r) => r.writeHead(200, { "content-type": "text/event-stream" }).end("event: error\ndata: gone\n\n"),
      /gone/
    ],
    [
      "a rate limit in an answer",
      "rate-limited",
      (r) => json(r, 200, { error: { message: "slow", type: "rate_limit_error" } }),
      /slow/
    ],
    ["an old error in an answer", "refused", (r) => json(r, 200, { object: "error", message: "no", code: 400 }), /no/],
    ["a sample that is given up", "server", (r) => events(r, delta("4"), end("abort"), "[DONE]"), /abort/],
    [
      "a cut stream",
      "unreadable",
      (r) => {
        events(r, delta("4"))
        r.end()
      },
      /cut off/
    ],
    [
      "a cut part",
      "unreadable",
      (r) => {
        events(r, delta("4"))
        r.end("data: {\"choices\":[{\"del")
      },
      /cut off/
    ],
    [
      "a broken connection",
      "unreadable",
      (r) => {
        events(r, delta("4"))
        setImmediate(() => r.destroy())
      },
      /cut off/
    ],
    ["malformed JSON", "unreadable", (r) => events(r, "{\"choices\":"), /no JSON/],
    ["another shape", "unreadable", (r) => events(r, { answer: 4 }, "[DONE]"), /no choice/],
    ["a page", "unreadable", (r) => r.writeHead(200, { "content-type": "text/html" }).end("<html>"), /text\/html/],
    ["nothing", "unreadable", (r) => r.writeHead(204).end(), /no part/],
    ["no stream, malformed", "unreadable", (r) => r.writeHead(200).end("{"), /no JSON/, { stream: false }],
    ["no stream, a list", "unreadable", (r) => json(r, 200, []), /no choice/, { stream: false }],
    [
      "no stream, cut",
      "unreadable",
      (r) => {
        r.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{")
        setImmediate(() => r.destroy())
      },
      /cut off/,
      { stream: false }
    ],
    ["too many bytes", "unreadable", (r) => json(r, 200, whole("4".repeat(5_000))), /4000 bytes/, {
      responseBytes: 4_000
    }],
    [
      "too many characters",
      "unreadable",
      (r) => events(r, delta("4".repeat(300))),
      /200 characters/,
      { responseBytes: 200 }
    ],
    [
      "a packed answer",
      "unreadable",
      (r) => r.writeHead(200, { "content-encoding": "gzip" }).end("x"),
      /packed/
    ],
    ["no HTTP", "unreadable", (r) => void r.socket?.end("hello\r\n\r\n"), /HPE_/],
    ["no answer", "connection", (r) => void r.socket?.destroy(), /broke/],
    ["no address", "refused", (r) => r.end(), /http:/, { url: "ftp://127.0.0.1/" }],
    ["a password in the address", "refused", (r) => r.end(), /password/, { url: "http://a:b@127.0.0.1/" }],
    ["a header that cannot be", "refused", (r) => r.end(), /^(?!.*hunter2)/, { headers: { a: "hunter2\n" } }]
  ]
  for (const [name, wanted, answer, words, endpoint] of table) {
    it.effect(`tells ${name} as ${wanted}`, () =>
      Effect.gen(function*() {
        const failure = yield* failing(answer, endpoint)
        assert.strictEqual(failure.class, wanted, failure.detail)
        assert.match(failure.detail, words)
        assert.isNull(failure.deadline)
        assert.strictEqual(failure.overflow !== null, wanted === "overflow")
      }))
  }

  it.effect("tells that nothing listens", () =>
    Effect.gen(function*() {
      const url = yield* Effect.scoped(Effect.map(serve((response) => response.end()), ({ endpoint }) => endpoint.url))
      const failure = yield* Effect.flip(call({ url, model: "tiny", api: "chat", stream: true }))
      assert.strictEqual(failure.class, "connection")
      assert.match(failure.detail, /^127\.0\.0\.1:\d+: nothing listens there/)
      assert.isNull(failure.status)
    }).pipe(Effect.provide(layer)))

  it.effect("hears how long to wait, in seconds, milliseconds and dates", () =>
    Effect.gen(function*() {
      const wait = (headers: Record<string, string>) =>
        Effect.map(failing((r) => json(r, 429, {}, headers)), ({ retryAfterMillis }) => retryAfterMillis)
      assert.strictEqual(yield* wait({ "retry-after": "2" }), 2_000)
      assert.strictEqual(yield* wait({ "retry-after": "0.5" }), 500)
      assert.strictEqual(yield* wait({ "retry-after": "9", "retry-after-ms": "15" }), 15)
      const date = "Sun, 06 Nov 1994 08:49:37 GMT"
      assert.strictEqual(yield* wait({ "retry-after": "Sun, 06 Nov 1994 08:50:07 GMT", date }), 30_000)
      assert.strictEqual(yield* wait({ "retry-after": date, date: "Sun, 06 Nov 1994 08:50:07 GMT" }), 0)
      assert.strictEqual(yield* wait({ "retry-after": "9e9999" }), null)
      assert.strictEqual(yield* wait({ "retry-after": "99999999999" }), 86_400_000)
      assert.strictEqual(yield* wait({}), null)
    }))

  it.effect("tells the numbers of an overflow, and what was spent before a failure", () =>
    Effect.gen(function*() {
      const message = "This model's maximum context length is 8 tokens. However, your request has 9 input tokens."
      const overflow = yield* failing((r) => json(r, 400, { error: { message } }))
      assert.deepStrictEqual(overflow.overflow, { max_context_length: 8, message_tokens: 9 })
      assert.deepStrictEqual(overflow.usage, { promptTokens: 0, completionTokens: 0 })
      const cut = yield* failing((r) => {
        events(r, delta("a"), delta("b"))
        r.end()
      })
      assert.strictEqual(cut.usage.completionTokens, 2)
      assert.isTrue(cut.usage.promptTokens > 0 && cut.usage.estimated === true)
    }))

  it.effect("shows no key, no header and no prompt", () =>
    Effect.scoped(Effect.gen(function*() {
      const prompt = `${"Find all n such that n divides 2^n - 1 and more".repeat(3)}`
      const message =
        `Incorrect key 9f8e7d-abc; see sk-proj-abcdefghijkl, Bearer eyJhbGciOi.x, http://u:pw@host/?api_key=abcdef12 ` +
        `header topsecret; got prompt: ${prompt}`
      const { endpoint } = yield* serve((response) => json(response, 400, { error: { message } }))
      const failure = yield* Effect.flip(call({
        ...endpoint,
        key: Redacted.make("9f8e7d-abc"),
        headers: { "x-auth": "topsecret" }
      }, { prompt: { _tag: "Text", text: prompt } }))
      for (const secret of ["9f8e7d", "sk-proj", "eyJ", "pw@", "abcdef12", "topsecret", "divides"]) {
        assert.notInclude(failure.detail, secret)
      }
      assert.include(failure.detail, "Incorrect key")
    })).pipe(Effect.provide(layer)))

  const stalls: ReadonlyArray<
    readonly [string, "first-token" | "call" | "idle", WireDeadlines, number, (response: ServerResponse) => void]
  > = [
    ["a server that accepts and says nothing", "first-token", long, 300_000, () => {}],
    ["a server that begins and writes nothing", "first-token", long, 300_000, (r) => events(r, delta(""))],
    ["a stream that stops", "idle", long, 60_000, (r) => events(r, delta("4"))],
    ["a call that takes too long", "call", { ...long, callMillis: 50 }, 50, () => {}]
  ]
  for (const [name, of, deadlines, millis, answer] of stalls) {
    it.effect(`gives ${name} up at its deadline and closes the connection`, () =>
      against(answer, ({ asked, endpoint, next }) =>
        Effect.gen(function*() {
          const told = Effect.callback<void>((resume) => {
            if (of === "idle") parts.push(() => resume(Effect.void))
            else resume(Effect.void)
          })
          const parts: Array<() => void> = []
          const waits = yield* Effect.forkChild(told, { startImmediately: true })
          const arrival = yield* Effect.forkChild(next, { startImmediately: true })
          const fiber = yield* Effect.forkChild(
            Effect.flip(call(endpoint, { deadlines, onPart: () => parts.forEach((wake) => wake()) })),
            { startImmediately: true }
          )
          yield* Fiber.join(arrival)
          yield* Fiber.join(waits)
          yield* TestClock.adjust(millis - 1)
          assert.isUndefined(fiber.pollUnsafe())
          yield* TestClock.adjust(1)
          const failure = yield* Fiber.join(fiber)
          assert.strictEqual(failure.class, "deadline")
          assert.deepStrictEqual(failure.deadline, { of, millis })
          yield* closed(asked[0])
        })))
  }

  it.effect("closes the connection when it is interrupted", () =>
    against((response) => events(response, delta("4")), ({ asked, endpoint, next }) =>
      Effect.gen(function*() {
        const arrival = yield* Effect.forkChild(next, { startImmediately: true })
        const fiber = yield* Effect.forkChild(call(endpoint), { startImmediately: true })
        yield* Fiber.join(arrival)
        yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
        yield* closed(asked[0])
      })))

  it.effect("reads 512 streams at once", () =>
    against(
      (response) => {
        events(response, delta("It is "))
        setImmediate(() => {
          events(response, delta("4."), end(), usage(3, 2), "[DONE]")
          response.end()
        })
      },
      ({ asked, endpoint }) =>
        Effect.gen(function*() {
          const outputs = yield* Effect.forEach(Array.from({ length: 1_024 }), () => call(endpoint), {
            concurrency: 512
          })
          assert.isTrue(outputs.every(({ text }) => text === "It is 4."))
          assert.isAtMost(new Set(asked.map(({ socket }) => socket)).size, 600)
        })
    ), 60_000)
})

/** Waits until the other side has gone. */
const closed = (asked: Asked | undefined) =>
  Effect.callback<void>((resume) => {
    if (asked === undefined || asked.socket.destroyed) resume(Effect.void)
    else asked.socket.once("close", () => resume(Effect.void))
  })
