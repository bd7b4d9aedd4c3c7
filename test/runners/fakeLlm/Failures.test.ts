// How the scripted server fails, as bytes on the wire: each failure once in a stream and once in a body.
import { assert, describe, it } from "@effect/vitest"
import { request } from "node:http"
import { parseContextOverflow } from "../../../src/domain/ContextOverflow.ts"
import { errorBody, overflowMessage, overflows } from "../../../src/runners/fakeLlm/Overflow.ts"
import { failureKeys, type FailureKind, ServerKind } from "../../../src/runners/fakeLlm/Script.ts"
import { type Fake, fake } from "./Fake.ts"

interface Wire {
  readonly status: number | null
  readonly headers: { readonly [name: string]: unknown }
  readonly text: string
  /** Ended as HTTP says, broken off, or still open when nothing more came. */
  readonly end: "whole" | "broken" | "open"
}

/** Reads until the end, or until `enough` came: then the caller leaves. */
const wire = (server: Fake, stream: boolean, enough: (text: string) => boolean = () => false): Promise<Wire> =>
  new Promise((resolve) => {
    let text = ""
    let status: number | null = null
    let headers: Wire["headers"] = {}
    const done = (end: Wire["end"]) => resolve({ status, headers, text, end })
    const call = request(`${server.url}/chat/completions`, { method: "POST", agent: false }, (response) => {
      status = response.statusCode ?? null
      headers = response.headers
      response.setEncoding("utf8")
      response.on("data", (data: string) => {
        text += data
        if (!enough(text)) return
        done("open")
        call.destroy()
      })
      response.on("end", () => done(response.complete ? "whole" : "broken"))
      response.on("error", () => done("broken"))
    })
    call.on("error", () => done("broken"))
    call.end(JSON.stringify({ model: "fake", stream, messages: [{ role: "user", content: "x" }] }))
  })

const say = "one two three four"
const failing = (fail: { readonly kind: FailureKind; readonly [key: string]: any }) => fake({ rules: [{ say, fail }] })

/** What a stream and a body look like. `left`: nobody ends it but the client. */
const table: {
  readonly [kind in FailureKind]: {
    readonly more?: object
    readonly stream: (wire: Wire) => boolean
    readonly body: (wire: Wire) => boolean
    readonly left?: boolean
  }
} = {
  "rate-limited": both(({ status }) => status === 429, { retryAfter: 7 }),
  "server-error": both(({ status }) => status === 503, { status: 503 }),
  refused: both(({ status, text }) => status === 422 && text.includes("because"), { status: 422, message: "because" }),
  "key-refused": both(({ status }) => status === 401),
  "model-unknown": both(({ status }) => status === 404),
  overflow: both(({ status, text }) => status === 400 && text.includes("4096")),
  "reset-before": both(({ end, status }) => status === null && end === "broken"),
  "reset-amid": {
    stream: ({ end, status, text }) => status === 200 && end === "broken" && text.includes("one"),
    body: ({ end, status }) => status === 200 && end === "broken"
  },
  cut: {
    stream: ({ end, text }) =>
      end === "whole" && text.includes("two") && !text.includes("three") && !/DONE|"stop"/.test(text),
    body: ({ end, text }) => end === "broken" && text.startsWith("{\"id\"")
  },
  stall: {
    stream: ({ end, text }) => end === "open" && text.includes("two") && !text.includes("three"),
    body: ({ end, status }) => end === "open" && status === 200,
    left: true
  },
  "slow-first": both(({ end, text }) => end === "whole" && text.includes("four"), { millis: 1 }),
  malformed: {
    stream: ({ end, text }) => end === "whole" && text.includes("\"del\n\n") && text.includes("[DONE]"),
    body: ({ end, text }) => end === "whole" && !isJson(text)
  },
  "wrong-shape": both(({ end, status, text }) =>
    end === "whole" && status === 200 && text.includes("{\"result\":\"ok\"}")
  ),
  html: both(({ headers, status, text }) =>
    status === 502 && headers["content-type"] === "text/html; charset=utf-8" && text.startsWith("<!DOCTYPE")
  ),
  huge: both(({ end, text }) => end === "whole" && text.length > 1_048_576, { mebibytes: 1 }),
  "error-in-stream": {
    stream: ({ status, text }) =>
      status === 200 && text.includes("one") && text.includes("data: {\"error\":{\"message\":"),
    body: ({ status, text }) => status === 200 && text.startsWith("{\"error\":")
  },
  "empty-choices": {
    stream: ({ text }) => text.startsWith("data: {") && text.includes("\"choices\":[]") && text.includes("[DONE]"),
    body: ({ text }) => text.includes("\"choices\":[]")
  }
}
function both(test: (wire: Wire) => boolean, more: object = {}) {
  return { stream: test, body: test, more }
}
const isJson = (text: string): boolean => {
  try {
    return JSON.parse(text) !== undefined
  } catch {
    return false
  }
}

describe("failures on the wire", { timeout: 300_000 }, () => {
  for (const kind of Object.keys(failureKeys) as ReadonlyArray<FailureKind>) {
    it(`${kind} comes in a stream and in a body`, async () => {
      const { body, left, more, stream } = table[kind]
      await using server = await failing({ kind, ...more })
      const streamed = await wire(server, true, left === true ? (text) => text.includes("two") : undefined)
      assert.isTrue(stream(streamed), JSON.stringify(streamed).slice(0, 2_000))
      const whole = await wire(server, false, left === true ? (text) => text.length > 0 : undefined)
      assert.isTrue(body(whole), JSON.stringify(whole).slice(0, 2_000))
      while (server.counts().inFlight > 0) await new Promise((resolve) => setImmediate(resolve))
      assert.deepStrictEqual(server.counts().outcomes, { [left === true ? "cancelled" : kind]: 2 })
    })
  }

  it("say how long to wait in seconds, as a date or in milliseconds, or not at all", async () => {
    const told = async (more: object) => {
      await using server = await fake({ rules: [{ fail: { kind: "rate-limited", ...more } }] }, {
        now: () => 1_000_000
      })
      const { headers } = await wire(server, true)
      return [headers["retry-after"], headers["retry-after-ms"]]
    }
    assert.deepStrictEqual(await told({}), [undefined, undefined])
    assert.deepStrictEqual(await told({ retryAfter: 2.5 }), ["3", undefined])
    assert.deepStrictEqual(await told({ retryAfter: 0.25, retryAfterAs: "millis" }), [undefined, "250"])
    assert.deepStrictEqual(await told({ retryAfter: 2, retryAfterAs: "date" }), [
      "Thu, 01 Jan 1970 00:16:42 GMT",
      undefined
    ])
  })

  it("come by number, attempt, share and in bursts", async () => {
    const statuses = async (fault: object, asks: number, content = (at: number) => `x ${at}`) => {
      await using server = await fake({
        faults: [{ fail: { kind: "server-error" }, ...fault }],
        rules: [{ say: "well" }]
      })
      const all: Array<boolean> = []
      for (let at = 0; at < asks; at++) all.push((await server.ask(content(at), { seed: at })).status === 200)
      return all
    }
    assert.deepStrictEqual(await statuses({ when: { nth: 2 } }, 4), [true, false, true, true])
    assert.deepStrictEqual(await statuses({ when: { nth: [2, 3], contains: "x" } }, 4), [true, false, false, true])
    assert.deepStrictEqual(await statuses({ burst: { every: 4, length: 2 } }, 6), [
      false,
      false,
      true,
      true,
      false,
      false
    ])
    const shared = await statuses({ when: { share: 0.25 } }, 200)
    const failed = shared.filter((well) => !well).length
    assert.isTrue(failed > 25 && failed < 75, String(failed))
    assert.deepStrictEqual(await statuses({ when: { share: 0.25 } }, 200), shared)
    await using server = await fake({
      faults: [{ when: { attempt: [1, 2] }, fail: { kind: "server-error", status: 500 } }],
      rules: [{ say: "well" }]
    })
    const attempts = async (content: string, seed: number) => {
      const all: Array<number> = []
      for (let at = 0; at < 3; at++) all.push((await server.ask(content, { seed })).status)
      return all
    }
    assert.deepStrictEqual(await attempts("a", 1), [500, 500, 200])
    assert.deepStrictEqual(await attempts("a", 2), [500, 500, 200])
  })
})

describe("overflow", () => {
  it("is told by each server in words that clients read the numbers out of", () => {
    for (const server of ServerKind.literals) {
      const long = { contextTokens: 4_096, promptTokens: 5_000, maxTokens: 100 }
      const wide = { contextTokens: 4_096, promptTokens: 1_000, maxTokens: 4_000 }
      assert.isTrue(overflows(server, long))
      assert.deepInclude(parseContextOverflow(overflowMessage(server, long)), {
        max_context_length: 4_096,
        message_tokens: 5_000
      }, server)
      assert.strictEqual(overflows(server, wide), server !== "llama.cpp")
      if (server === "llama.cpp") continue
      assert.deepInclude(parseContextOverflow(overflowMessage(server, wide)), {
        max_context_length: 4_096,
        message_tokens: 1_000
      }, server)
      assert.isFalse(overflows(server, { ...wide, maxTokens: 3_096 }))
      assert.isString(JSON.stringify(errorBody(server, 400, "x", "y")))
    }
  })

  it("is what a request meets that does not fit, and an answer ends where the context does", async () => {
    await using server = await fake({ contextTokens: 40, rules: [{ words: 100 }] })
    assert.strictEqual((await server.ask("word ".repeat(50))).status, 400)
    assert.strictEqual((await server.ask("one two", { max_tokens: 36 })).status, 400)
    const { body } = await server.ask("one two", { max_tokens: 35 })
    assert.deepStrictEqual([body.usage.total_tokens, body.choices[0].finish_reason], [40, "length"])
    const open = await server.ask("one two")
    assert.deepStrictEqual([open.body.usage.total_tokens, open.body.choices[0].finish_reason], [40, "length"])
  })
})
