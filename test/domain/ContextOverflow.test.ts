import { assert, describe, it } from "@effect/vitest"
import { parseContextOverflow, saysContextOverflow, shrink } from "../../src/domain/ContextOverflow.ts"

describe("ContextOverflow", () => {
  it("takes no other refusal for an overflow", () => {
    for (
      const message of [
        "",
        "Connection error.",
        "Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000, Used 9000, Requested 20000.",
        "Request too large: maximum context of 5 tokens per minute, Limit 30000",
        "max_tokens is too large: 200000. This model supports at most 16384 completion tokens, whereas you provided 200000.",
        "temperature must be at least 0, got -3",
        "The model `x` does not exist.",
        "max_tokens must be at least 1, got 0"
      ]
    ) {
      assert.isNull(parseContextOverflow(message), message)
      assert.isFalse(saysContextOverflow(message), message)
    }
  })

  it("recognises messages without numbers", () => {
    for (
      const message of [
        "context_length_exceeded",
        "the request exceeds the available context size. try increasing the context size or enable context shift",
        "the input length exceeds the context length",
        "Input is too long for requested model.",
        "Please reduce the length of the messages or completion."
      ]
    ) {
      assert.isNull(parseContextOverflow(message), message)
      assert.isTrue(saysContextOverflow(message), message)
    }
  })

  it("reads hostile messages in no time worth mentioning", () => {
    for (const piece of ["1", "1,111", "maximum ", "context length ", "input ( ", "9 > ", "should not exceed a", " "]) {
      saysContextOverflow(piece.repeat(200_000))
    }
  })

  it("leaves a margin below the context", () => {
    const facts = { max_context_length: 41_000, message_tokens: 38_000 }
    assert.strictEqual(shrink(facts, { maxTokens: 8_192, promptTokens: null }), 2_900)
    assert.strictEqual(shrink(facts, { maxTokens: null, promptTokens: 1, margin: 0 }), 3_000)
    assert.strictEqual(shrink({ max_context_length: 4_096 }, { maxTokens: 4_096, promptTokens: 996 }), 3_000)
  })

  it("gives up where the prompt alone does not fit", () => {
    assert.isNull(shrink({ max_context_length: 131_072, message_tokens: 187_537 }, { maxTokens: 10, promptTokens: 1 }))
    assert.isNull(shrink({ max_context_length: 1_000, message_tokens: 900 }, { maxTokens: 200, promptTokens: null }))
    assert.isNull(shrink({ message_tokens_overflow: 1 }, { maxTokens: null, promptTokens: null }))
    assert.isNull(shrink({}, { maxTokens: null, promptTokens: null }))
  })

  it("always asks for less than before", () => {
    for (const limit of [undefined, 500, 10_000]) {
      for (const told of [undefined, 10, 450]) {
        for (const promptTokens of [null, 20]) {
          for (const maxTokens of [1, 2, 99, 300, 9_000]) {
            const facts = {
              ...(limit === undefined ? {} : { max_context_length: limit }),
              ...(told === undefined ? {} : { message_tokens: told })
            }
            const next = shrink(facts, { maxTokens, promptTokens })
            if (next !== null) {
              assert.isTrue(next >= 1 && next < maxTokens, JSON.stringify({ ...facts, maxTokens, next }))
            }
          }
        }
      }
    }
  })
})
