// Models asked by the official client: answers, streams, seeds, errors by class, clients that leave.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { APIError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from "openai"
import {
  ContextOverflow,
  DeadlinePassed,
  EndpointsDown,
  GenerationBusy,
  type GenerationError,
  KeyRefused,
  RateLimited,
  RequestRefused,
  ResponseUnreadable,
  ServerFailed,
  SpendCapReached
} from "../../../src/domain/Generation/Errors.ts"
import { says } from "../../actors/ScriptedGeneration.ts"
import { collect, failureOf, more, promised, serve, until, user } from "./OpenAiFixture.ts"

const timeout = 60_000
const words = (_: unknown, sample: number) => says(`one two ${sample}`, { reasoning: "hm, let me think" })

describe("a model over the OpenAI API", { timeout }, () => {
  it.live("is listed and found by its name, with a strategy or without", () =>
    Effect.gen(function*() {
      const { client } = yield* serve(words)
      const models = yield* promised(() => client.models.list())
      assert.deepStrictEqual(models.data.map(({ id, object }) => [id, object]), [["m", "model"], ["org/big", "model"]])
      assert.include((models.data[0] as any).polya.strategies, "m@majority-8")
      assert.strictEqual((yield* promised(() => client.models.retrieve("org/big"))).id, "org/big")
      const voted = yield* promised(() => client.models.retrieve("org/big@majority-16"))
      assert.deepStrictEqual([voted.id, (voted as any).polya.model], ["org/big@majority-16", "org/big"])
      for (const name of ["none", "m@maj", "none@majority-2", "m@", "@", "a".repeat(3_000)]) {
        const error = yield* failureOf(() => client.models.retrieve(name))
        assert.instanceOf(error, NotFoundError, name)
        assert.strictEqual(error.code, "model_not_found")
      }
    }))

  it.live("answers a conversation, and is passed what the client asks for", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* serve(words)
      const answer = yield* promised(() =>
        client.chat.completions.create({
          model: "m",
          messages: [
            { role: "developer", content: "be brief" },
            { role: "user", content: [{ type: "text", text: "what " }, { type: "text", text: "now?" }] },
            { role: "assistant", content: "so", refusal: null },
            { role: "user", content: "go on" }
          ],
          max_completion_tokens: 50,
          temperature: 0.5,
          top_p: 0.9,
          stop: "END",
          reasoning_effort: "high",
          seed: 11,
          user: "someone",
          store: true,
          metadata: { a: "b" },
          ...more({ top_k: 5, min_p: 0.1 })
        })
      )
      assert.match(answer.id, /^chatcmpl-/)
      assert.strictEqual(answer._request_id, answer.id)
      assert.strictEqual(answer.object, "chat.completion")
      assert.deepStrictEqual(answer.choices, [{
        index: 0,
        message: { role: "assistant", content: "one two 0", refusal: null, reasoning_content: "hm, let me think" },
        logprobs: null,
        finish_reason: "stop"
      }] as any)
      assert.deepInclude(answer.usage, { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 })
      assert.lengthOf(asked, 1)
      assert.deepInclude(asked[0]?.request, {
        model: "m",
        prompt: {
          _tag: "Chat",
          messages: [
            { role: "system", content: "be brief" },
            { role: "user", content: "what now?" },
            { role: "assistant", content: "so" },
            { role: "user", content: "go on" }
          ]
        },
        parameters: {
          maxTokens: 50,
          temperature: 0.5,
          topP: 0.9,
          topK: 5,
          minP: 0.1,
          stop: ["END"],
          reasoningEffort: "high"
        },
        seeds: [11],
        deltas: false,
        deadlineMillis: 3_600_000
      })
    }))

  it.live("gives several choices, each with a seed of its own that follows from the one given", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* serve(words)
      const ask = () => client.chat.completions.create({ model: "m", messages: user("?"), n: 3, seed: 5 })
      const answer = yield* promised(ask)
      assert.deepStrictEqual(
        answer.choices.map(({ index, message }) => [index, message.content]),
        [[0, "one two 0"], [1, "one two 1"], [2, "one two 2"]]
      )
      assert.strictEqual(answer.usage?.completion_tokens, 9)
      const seeds = asked.map(({ seed }) => seed)
      assert.strictEqual(seeds[0], 5)
      assert.strictEqual(new Set(seeds).size, 3)
      yield* promised(ask)
      assert.deepStrictEqual(asked.slice(3).map(({ seed }) => seed).toSorted(), seeds.toSorted())
      yield* promised(() => client.chat.completions.create({ model: "m", messages: user("?"), n: 2 }))
      assert.deepStrictEqual(asked.slice(6).map(({ seed }) => seed), [null, null])
    }))

  it.live("streams, and the pieces make the whole", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* serve(words)
      const chunks = yield* promised(async () =>
        collect(
          await client.chat.completions.create({
            model: "m",
            messages: user("?"),
            stream: true,
            n: 2,
            stream_options: { include_usage: true }
          })
        )
      )
      assert.isTrue(asked[0]?.request.deltas)
      const textOf = (index: number) =>
        chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index)
          .map(({ delta }) => delta.content ?? "").join("")
      assert.deepStrictEqual([textOf(0), textOf(1)], ["one two 0", "one two 1"])
      assert.strictEqual(chunks[0]?.choices[0]?.delta.role, "assistant")
      assert.strictEqual(
        chunks.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason === "stop").length,
        2
      )
      const last = chunks.at(-1)
      assert.deepStrictEqual([last?.choices.length, last?.usage?.total_tokens], [0, 26])
      assert.strictEqual(new Set(chunks.map(({ id }) => id)).size, 1)
    }))

  it.live("streams through the client's own helper", () =>
    Effect.gen(function*() {
      const { client } = yield* serve(words)
      const stream = client.chat.completions.stream({ model: "m", messages: user("?"), n: 3 })
      const final = yield* promised(() => stream.finalChatCompletion())
      assert.deepStrictEqual(final.choices.map(({ message }) => message.content), [
        "one two 0",
        "one two 1",
        "one two 2"
      ])
      assert.deepStrictEqual(final.choices.map(({ finish_reason }) => finish_reason), ["stop", "stop", "stop"])
    }))

  it.live("completes texts, one or several, streamed or not", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* serve(({ prompt }) => says(prompt._tag === "Text" ? `${prompt.text}!` : "?"))
      const one = yield* promised(() => client.completions.create({ model: "m", prompt: "two plus", max_tokens: 3 }))
      assert.deepStrictEqual([one.object, one.choices[0]?.text], ["text_completion", "two plus!"])
      assert.deepStrictEqual(asked[0]?.request.prompt, { _tag: "Text", text: "two plus" })
      const several = yield* promised(() =>
        client.completions.create({ model: "m", prompt: ["a", "b"], n: 2, seed: 1 })
      )
      assert.deepStrictEqual(several.choices.map(({ index, text }) => [index, text]), [
        [0, "a!"],
        [1, "a!"],
        [2, "b!"],
        [3, "b!"]
      ])
      assert.strictEqual(new Set(asked.slice(1).map(({ seed }) => seed)).size, 4)
      const chunks = yield* promised(async () =>
        collect(await client.completions.create({ model: "m", prompt: ["a b", "c d"], stream: true }))
      )
      const textOf = (at: number) =>
        chunks.flatMap(({ choices }) => choices).filter(({ index }) => index === at).map(({ text }) => text).join("")
      assert.deepStrictEqual([textOf(0), textOf(1)], ["a b!", "c d!"])
    }))

  const failures: ReadonlyArray<readonly [GenerationError, number, any, string]> = [
    [
      new ContextOverflow({ model: "m", maxContextLength: 10, promptTokens: 20 }),
      400,
      BadRequestError,
      "context_length_exceeded"
    ],
    [new RequestRefused({ model: "m", status: 400, detail: "no" }), 400, BadRequestError, "upstream_refused"],
    [
      new RateLimited({ model: "m", retryAfterMillis: 6_500, attempts: 3 }),
      429,
      RateLimitError,
      "rate_limit_exceeded"
    ],
    [
      new SpendCapReached({ model: "m", capDollars: 1, spentDollars: 1 }),
      429,
      RateLimitError,
      "insufficient_quota"
    ],
    [
      new GenerationBusy({ model: "m", reason: "queue-full", waiting: 3, waitedMillis: 0 }),
      503,
      InternalServerError,
      "service_unavailable"
    ],
    [new EndpointsDown({ model: "m", detail: "down" }), 503, InternalServerError, "service_unavailable"],
    [
      new ServerFailed({ model: "m", status: 500, detail: "oh", attempts: 3 }),
      502,
      InternalServerError,
      "upstream_error"
    ],
    [
      new ResponseUnreadable({ model: "m", detail: "cut", attempts: 3 }),
      502,
      InternalServerError,
      "upstream_error"
    ],
    [new KeyRefused({ model: "m", status: 401 }), 502, InternalServerError, "upstream_key_refused"],
    [new DeadlinePassed({ model: "m", of: "sample", millis: 5 }), 504, InternalServerError, "timeout"]
  ]
  it.live("fails with a status and a class that say what happened, also where a stream was asked for", () =>
    Effect.gen(function*() {
      for (const [failure, status, kind, code] of failures) {
        const { client } = yield* serve(() => Effect.fail(failure))
        for (const stream of [false, true]) {
          const error = yield* failureOf(() =>
            client.chat.completions.create({ model: "m", messages: user("?"), stream, n: 2 })
          )
          assert.isTrue(error instanceof kind, failure._tag)
          assert.deepStrictEqual([error.status, error.code], [status, code], failure._tag)
          assert.include(error.message, "m")
          if (failure._tag === "RateLimited") assert.strictEqual(error.headers.get("retry-after"), "7")
          const isFinal = failure._tag === "SpendCapReached" || failure._tag === "KeyRefused"
          assert.strictEqual(error.headers.get("x-should-retry"), isFinal ? "false" : null, failure._tag)
        }
      }
    }))

  it.live("that fails in one choice fails as a whole, and the others are called off", () =>
    Effect.gen(function*() {
      const { client, interrupted, running } = yield* serve((_, sample) =>
        sample === 1 ? Effect.fail(new EndpointsDown({ model: "m", detail: "down" })) : Effect.never
      )
      const error = yield* failureOf(() => client.chat.completions.create({ model: "m", messages: user("?"), n: 3 }))
      assert.strictEqual(error.status, 503)
      yield* until(() => running() === 0)
      assert.strictEqual(interrupted(), 2)
    }))

  it.live("that fails amid a stream says so in the stream, and ends it", () =>
    Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      const { client } = yield* serve((_, sample) =>
        sample === 0
          ? says("first", {})
          : Effect.andThen(Deferred.await(go), Effect.fail(new EndpointsDown({ model: "m", detail: "gone" })))
      )
      const got: Array<string> = []
      const error = yield* failureOf(async () => {
        for await (
          const { choices } of await client.chat.completions.create({
            model: "m",
            messages: user("?"),
            n: 2,
            stream: true
          })
        ) {
          got.push(choices[0]?.delta.content ?? "")
          if (choices[0]?.finish_reason === "stop") Effect.runSync(Deferred.succeed(go, undefined))
        }
      })
      assert.include(got.join(""), "first")
      assert.instanceOf(error, APIError)
      assert.strictEqual(error.code, "service_unavailable")
      assert.include(error.message, "gone")
    }))

  it.live("is called off when its client goes away, streaming or not", () =>
    Effect.gen(function*() {
      const { client, interrupted, running } = yield* serve((_, sample) => sample === 0 ? says("a b") : Effect.never)
      const plain = new AbortController()
      const waiting = failureOf(() =>
        client.chat.completions.create({ model: "m", messages: user("?"), n: 3 }, { signal: plain.signal })
      )
      yield* Effect.all([
        waiting,
        Effect.andThen(until(() => running() === 2), Effect.sync(() => plain.abort()))
      ], { concurrency: 2 })
      yield* until(() => interrupted() === 2)
      const stream = yield* promised(() =>
        client.chat.completions.create({ model: "m", messages: user("?"), n: 2, stream: true })
      )
      yield* promised(async () => {
        for await (const { choices } of stream) if (choices[0]?.finish_reason !== null) break
      })
      yield* until(() => interrupted() === 3 && running() === 0)
    }))

  it.live("is asked with the caller's own name, and the audit log has a hash of the words, not the words", () =>
    Effect.gen(function*() {
      const { asked, audits, client } = yield* serve(words)
      yield* promised(() => client.chat.completions.create({ model: "m", messages: user("a secret question") }))
      const [entry] = yield* audits
      assert.deepInclude(entry, { who: "tester", command: "ChatCompletion", type: "Model", id: "m", outcome: "done" })
      assert.match(entry?.detail ?? "", /^m, 1 choice, 21 bytes, sha256 [0-9a-f]{64}$/)
      assert.notInclude(JSON.stringify(entry), "secret question")
      assert.match(asked[0]?.request.owner ?? "", /^[a-z0-9]+$/i)
    }))

  it.live("has an answer before http.openaiMillis, or an error", () =>
    Effect.gen(function*() {
      const { asked, client, running } = yield* serve(
        (_, sample) => sample === 0 ? says("quick") : Effect.never,
        { limits: { openaiMillis: 300 } }
      )
      const late = yield* failureOf(() => client.chat.completions.create({ model: "m", messages: user("?"), n: 2 }))
      assert.deepStrictEqual([late.status, late.code], [504, "timeout"])
      assert.strictEqual(asked[0]?.request.deadlineMillis, 300)
      const streamed = yield* failureOf(async () =>
        collect(await client.chat.completions.create({ model: "m", messages: user("?"), n: 2, stream: true }))
      )
      assert.strictEqual(streamed.code, "timeout")
      yield* until(() => running() === 0)
      yield* failureOf(() =>
        client.chat.completions.create(
          { model: "m", messages: user("?"), n: 2, ...more({ polya: { budget: { millis: 100 } } }) }
        )
      )
      assert.strictEqual(asked.at(-1)?.request.deadlineMillis, 100)
    }))
})
