import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import type { Json } from "../../../src/domain/Json.ts"
import { Answer } from "../../../src/runners/openai/Answer.ts"
import { errorInside, jsonOrText, problemOf, shown } from "../../../src/runners/openai/Refusal.ts"
import type { WireEndpoint } from "../../../src/runners/openai/Wire.ts"

const endpoint: WireEndpoint = {
  url: "http://127.0.0.1/",
  model: "tiny",
  api: "chat",
  stream: true,
  key: Redacted.make("abcdefgh")
}
const prompt = { _tag: "Text", text: "a" } as const

const top = [{ token: "a", logprob: -0.5 }, { token: "b", logprob: -1 }]
const samples: ReadonlyArray<Json> = [
  {
    choices: [{
      index: 0,
      delta: { content: "a", reasoning_content: "b", reasoning: "b", refusal: null },
      message: { content: [{ type: "thinking", thinking: [{ text: "b" }] }, { text: "a" }] },
      text: "a",
      finish_reason: "stop",
      logprobs: {
        content: [{ token: "a", logprob: -0.5, top_logprobs: top }],
        token_logprobs: [-0.5],
        top_logprobs: [{ a: -0.5 }]
      }
    }],
    usage: {
      prompt_tokens: 1,
      completion_tokens: 2,
      completion_tokens_details: { reasoning_tokens: 1 },
      prompt_tokens_details: { cached_tokens: 0 }
    }
  },
  { error: { message: "no", code: 400, type: "x", error: { detail: [{ loc: ["a"], msg: "b" }] } }, object: "error" }
]
const strange: ReadonlyArray<Json> = [null, true, -1, 1e308, "", "__proto__", "</think>", [], {}, [null], [[[]]], {
  toString: 1,
  length: -1,
  __proto__: null
}]

/** Every value that differs from this one in one place. */
const variants = (value: Json): ReadonlyArray<Json> => {
  const here = strange
  if (Array.isArray(value)) {
    return [...here, ...value.flatMap((one, i) => variants(one).map((other) => value.with(i, other)))]
  }
  if (typeof value !== "object" || value === null) return here
  return [
    ...here,
    ...Object.entries(value).flatMap(([name, one]) => variants(one).map((other) => ({ ...value, [name]: other })))
  ]
}

describe("Answer", () => {
  it("stands every shape that one place of an answer may have", () => {
    for (const value of samples.flatMap(variants)) {
      const answer = new Answer({})
      for (let i = 0; i < 2; i++) answer.take(value)
      answer.close()
      const { reasoning, text } = answer.written
      assert.strictEqual(typeof text, "string")
      assert.isTrue(reasoning === null || typeof reasoning === "string")
      assert.isTrue(Number.isSafeInteger(answer.tokens) && answer.tokens >= 0)
      for (const figure of Object.values(answer.figures.figures())) assert.isTrue(Number.isFinite(figure))
      for (const status of [200, 302, 400, 429, 500]) {
        const { detail } = problemOf(endpoint, prompt, status, errorInside(value) ?? value, null)
        assert.isTrue(detail.length > 0 && detail.length <= 2_000)
      }
    }
  })

  it("reads deep and wide nonsense in no time worth mentioning", () => {
    const deep = `${"{\"error\":".repeat(100_000)}1${"}".repeat(100_000)}`
    assert.strictEqual(problemOf(endpoint, prompt, 500, jsonOrText(deep), null).class, "server")
    for (const piece of ["<", "<style", "sk-", "Bearer ", "input: '", "://", "?key=", "a ", "{", "\""]) {
      const text = `<html ${piece.repeat(100_000)}`
      shown(String(jsonOrText(text)), endpoint, prompt)
    }
  })

  it("keeps a key hidden at the place where a long text is cut", () => {
    const text = `${"abcdefgh ".repeat(2_222)}abcdefgh`
    assert.notInclude(shown(text, endpoint), "abc")
  })
})
