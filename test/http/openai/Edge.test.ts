// What the OpenAI API refuses, in its own form: strangers, wrong routes, bodies that do not fit or are meant to harm.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { AuthenticationError, PermissionDeniedError, RateLimitError } from "openai"
import * as Lifecycle from "../../../src/actors/Lifecycle.ts"
import { Tokens } from "../../../src/actors/Tokens.ts"
import { says } from "../../actors/ScriptedGeneration.ts"
import { failureOf, promised, serve, user } from "./OpenAiFixture.ts"

const timeout = 60_000
/** It has a token's form, and nobody made it. */
const wrongToken = `polya_${"a".repeat(16)}_${"b".repeat(43)}`
const fine = () => says("fine")
const chat = "/v1/chat/completions"
const request = { model: "m", messages: user("?") }

/** It is an error in the API's form. */
const isError = ({ body, headers }: { readonly body: any; readonly headers: Headers }, label = "") => {
  assert.isTrue(headers.get("content-type")?.startsWith("application/json"), label)
  assert.deepStrictEqual(Object.keys(body), ["error"], label)
  assert.deepStrictEqual(Object.keys(body.error), ["message", "type", "param", "code"], label)
  assert.isString(body.error.message, label)
  assert.isAtMost(body.error.message.length, 2_000, label)
}

describe("the OpenAI API", { timeout }, () => {
  it.live("takes any key on this machine, but no wrong token", () =>
    Effect.gen(function*() {
      const { clientWith } = yield* serve(fine)
      assert.lengthOf((yield* promised(() => clientWith("none").models.list())).data, 2)
      const wrong = yield* failureOf(() => clientWith(wrongToken).models.list())
      assert.instanceOf(wrong, AuthenticationError)
    }))

  it.live("takes tokens alone where they are asked for", () =>
    Effect.gen(function*() {
      const { client, clientWith } = yield* serve(fine, { limits: { requireToken: "always" } })
      const refused = yield* failureOf(() => clientWith("none").models.list())
      assert.instanceOf(refused, AuthenticationError)
      assert.lengthOf((yield* promised(() => client.models.list())).data, 2)
    }))
})

describe("the OpenAI API refuses", { timeout }, () => {
  it.live("strangers, and callers who may only look", () =>
    Effect.gen(function*() {
      const { ask, clientWith, context } = yield* serve(fine, { exposed: true })
      const error = yield* failureOf(() => clientWith(wrongToken).chat.completions.create(request))
      assert.instanceOf(error, AuthenticationError)
      assert.strictEqual(error.code, "invalid_api_key")
      const reader = yield* Context.get(context, Tokens).create(
        { name: "reader", scope: "read", expiresMillis: null },
        { who: "t", why: "" }
      )
      const client = clientWith(Redacted.value(reader.token))
      assert.lengthOf((yield* promised(() => client.models.list())).data, 2)
      const denied = yield* failureOf(() => client.chat.completions.create(request))
      assert.instanceOf(denied, PermissionDeniedError)
      const none = yield* ask("GET", "/v1/models", undefined, { authorization: "" })
      isError(none)
      assert.strictEqual(none.status, 401)
      assert.match(none.headers.get("www-authenticate") ?? "", /Bearer/)
    }))

  it.live("nobody of this machine for want of a token, but pages of other sites", () =>
    Effect.gen(function*() {
      const { url } = yield* serve(fine)
      const post = (headers: { readonly [name: string]: string }) =>
        promised(() =>
          fetch(`${url}${chat}`, {
            method: "POST",
            headers: { "content-type": "application/json", ...headers },
            body: JSON.stringify(request)
          })
        )
      assert.strictEqual((yield* post({})).status, 200)
      assert.strictEqual((yield* post({ origin: "https://evil.example" })).status, 403)
      assert.strictEqual((yield* post({ "content-type": "text/plain" })).status, 415)
    }))

  it.live("wrong paths, methods and forms", () =>
    Effect.gen(function*() {
      const { ask } = yield* serve(fine)
      const cases: ReadonlyArray<readonly [string, string, unknown, number, { readonly [name: string]: string }?]> = [
        ["GET", "/v1", undefined, 404],
        ["POST", "/v1/embeddings", {}, 404],
        ["GET", chat, undefined, 405],
        ["DELETE", "/v1/models/m", undefined, 405],
        ["GET", "/v1/models/%zz", undefined, 400],
        ["POST", chat, "{", 400],
        ["POST", chat, "", 400],
        ["POST", chat, "\u0000", 400],
        ["POST", chat, "[]", 400],
        ["POST", chat, "null", 400],
        ["POST", chat, request, 415, { "content-type": "application/x-www-form-urlencoded" }],
        ["POST", "/v1/completions", { model: "m" }, 400]
      ]
      for (const [method, path, body, status, headers] of cases) {
        const answer = yield* ask(method, path, body, headers)
        assert.strictEqual(answer.status, status, `${method} ${path} ${JSON.stringify(body)}`)
        isError(answer, path)
      }
      assert.strictEqual((yield* ask("GET", chat)).headers.get("allow"), "POST")
      assert.strictEqual((yield* ask("GET", "//v1//models")).status, 200)
    }))

  it.live("bodies larger than http.maxBodyBytes, told or not", () =>
    Effect.gen(function*() {
      const { ask, url, key } = yield* serve(fine, { limits: { maxBodyBytes: 2_000 } })
      const answer = yield* ask("POST", chat, { ...request, messages: user("x".repeat(3_000)) })
      assert.strictEqual(answer.status, 413)
      isError(answer)
      const streamed = yield* promised(() =>
        fetch(`${url}${chat}`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
          body: new Blob(["x".repeat(3_000)]).stream(),
          duplex: "half"
        } as RequestInit).then(async (response) => ({ status: response.status, body: await response.json() }))
      )
      assert.deepStrictEqual([streamed.status, (streamed.body as any).error.code], [413, "request_too_large"])
    }))

  it.live("clients that ask too often, and says when to come again", () =>
    Effect.gen(function*() {
      const { client } = yield* serve(fine, { limits: { requestsPerSecond: 1, requestBurst: 1 } })
      yield* promised(() => client.models.list())
      const error = yield* failureOf(() => client.chat.completions.create(request))
      assert.instanceOf(error, RateLimitError)
      assert.deepStrictEqual([error.code, error.headers.get("retry-after")], ["rate_limit_exceeded", "1"])
    }))

  it.live("everything once the process is ending", () =>
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle.Lifecycle
      const { client } = yield* serve(fine)
      yield* lifecycle.drain
      const error = yield* failureOf(() => client.chat.completions.create(request))
      assert.deepStrictEqual([error.status, error.code], [503, "service_unavailable"])
      assert.notInclude(error.message, "Idempotency-Key")
    }).pipe(Effect.provide(Layer.fresh(Lifecycle.layer))))

  it.live("fields that would change the answer and are not supported, and takes those that ask for nothing", () =>
    Effect.gen(function*() {
      const { ask, asked } = yield* serve(fine)
      const refused: ReadonlyArray<readonly [string, object]> = [
        ["tools", { tools: [{ type: "function", function: { name: "f" } }] }],
        ["functions", { functions: [{ name: "f" }] }],
        ["tool_choice", { tool_choice: "required" }],
        ["response_format", { response_format: { type: "json_schema", json_schema: {} } }],
        ["audio", { audio: { voice: "alloy", format: "wav" } }],
        ["modalities", { modalities: ["text", "audio"] }],
        ["logprobs", { logprobs: true }],
        ["top_logprobs", { top_logprobs: 3 }],
        ["logit_bias", { logit_bias: { 1: 2 } }],
        ["presence_penalty", { presence_penalty: 0.5 }],
        ["web_search_options", { web_search_options: {} }],
        ["repetition_penalty", { repetition_penalty: 1.1 }],
        ["temprature", { temprature: 1 }],
        ["constructor", { constructor: 1 }],
        ["temperature", { temperature: 6 }],
        ["temperature", { temperature: "hot" }],
        ["top_p", { top_p: -1 }],
        ["max_tokens", { max_tokens: 0 }],
        ["max_completion_tokens", { max_completion_tokens: 1.5 }],
        ["stop", { stop: Array.from({ length: 17 }, () => "x") }],
        ["stop.0", { stop: [1] }],
        ["n", { n: 129 }],
        ["n", { n: 0 }],
        ["seed", { seed: 1.5 }],
        ["stream", { stream: "yes" }],
        ["stream_options", { stream_options: [] }],
        ["model", { model: 3 }],
        ["model", { model: "" }],
        ["model", { model: undefined }],
        ["polya.strategy", { polya: { strategy: { samples: 2 } } }],
        ["polya.tools", { polya: { tools: true } }],
        ["polya.budget.tokens", { polya: { budget: { tokens: 10 } } }],
        ["polya", { polya: 3 }],
        ["messages", { messages: [] }],
        ["messages", { messages: undefined }],
        ["messages", { messages: "hi" }],
        ["messages[0]", { messages: ["hi"] }],
        ["messages[0].role", { messages: [{ role: "robot", content: "x" }] }],
        ["messages[0].content", { messages: [{ role: "user" }] }],
        ["messages[0].content", { messages: [{ role: "assistant", content: null }] }],
        ["messages[0].content[1]", {
          messages: [{
            role: "user",
            content: [{ type: "text", text: "x" }, { type: "image_url", image_url: { url: "data:," } }]
          }]
        }],
        ["messages[0].tool_calls", { messages: [{ role: "assistant", content: "x", tool_calls: [{}] }] }],
        ["messages[0].extra", { messages: [{ role: "user", content: "x", extra: 1 }] }]
      ]
      for (const [param, more] of refused) {
        const answer = yield* ask("POST", chat, { ...request, ...more })
        assert.strictEqual(answer.status, 400, JSON.stringify(more))
        isError(answer, param)
        assert.strictEqual(answer.body.error.param, param, answer.body.error.message)
      }
      assert.lengthOf(asked, 0)
      const taken = {
        tools: [],
        tool_choice: "auto",
        functions: null,
        response_format: { type: "text" },
        audio: null,
        modalities: ["text"],
        logprobs: false,
        top_logprobs: null,
        logit_bias: {},
        presence_penalty: 0,
        frequency_penalty: 0,
        verbosity: "medium",
        temperature: null,
        stop: null,
        n: null,
        seed: null,
        stream: null,
        stream_options: null,
        polya: null,
        user: "u",
        metadata: { a: "b" },
        prediction: { type: "content", content: "x" },
        parallel_tool_calls: true,
        safety_identifier: "s"
      }
      assert.strictEqual((yield* ask("POST", chat, { ...request, ...taken })).status, 200)
      assert.deepStrictEqual(asked[0]?.request.parameters, {})
    }))

  it.live("bodies that are meant to harm, without harm", () =>
    Effect.gen(function*() {
      const { ask, client } = yield* serve(fine)
      const deep = (open: string, close: string) => open.repeat(200_000) + close.repeat(200_000)
      const bodies = [
        deep("[", "]"),
        `{"model":"m","messages":${deep("[", "]")}}`,
        `{"model":"m","messages":[{"role":"user","content":${deep("[", "]")}}]}`,
        `{"model":"m","messages":[{"role":"user","content":"x"}],"polya":${
          deep("{\"strategy\":", "").slice(0, 900_000)
        }1`,
        `{"model":"m","messages":[${"{},".repeat(300_000)}{}]}`,
        `{"model":"m","messages":[{"role":"user","content":"x"}],"stop":[${"\"a\",".repeat(200_000)}"b"]}`,
        `{"__proto__":{"model":"m"},"messages":[{"role":"user","content":"x"}]}`,
        `{"model":"m","messages":[{"__proto__":{"role":"user","content":"x"}}]}`,
        `{"model":{"toString":1},"messages":[{"role":{"a":1},"content":{"a":1}}]}`,
        `{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":1`).join(",")}}`
      ]
      for (const body of bodies) {
        const answer = yield* ask("POST", chat, body)
        assert.strictEqual(answer.status, 400, body.slice(0, 100))
        isError(answer, body.slice(0, 100))
      }
      // What it is asked in between, it answers.
      assert.strictEqual((yield* promised(() => client.chat.completions.create(request))).choices.length, 1)
      const odd = "\ud800 \u0000 </script> \u202e"
      const answer = yield* ask("POST", chat, { ...request, messages: user(odd) })
      assert.strictEqual(answer.status, 200)
    }))

  it.live("no page that was allowed, whose headers of the official client are let through", () =>
    Effect.gen(function*() {
      const { url } = yield* serve(fine, { limits: { allowedOrigins: "https://page.example" } })
      const preflight = (path: string) =>
        promised(() =>
          fetch(`${url}${path}`, {
            method: "OPTIONS",
            headers: {
              origin: "https://page.example",
              "access-control-request-method": "POST",
              "access-control-request-headers": "authorization,x-stainless-lang,x-stainless-retry-count,x-evil"
            }
          })
        )
      const { headers } = yield* preflight(chat)
      assert.strictEqual(headers.get("access-control-allow-origin"), "https://page.example")
      assert.strictEqual(headers.get("access-control-allow-methods"), "POST")
      assert.include(headers.get("access-control-allow-headers"), "x-stainless-retry-count")
      assert.notInclude(headers.get("access-control-allow-headers"), "x-evil")
      assert.notInclude((yield* preflight("/api/runs")).headers.get("access-control-allow-headers"), "x-stainless")
    }))
})
