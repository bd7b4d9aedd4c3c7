import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { CallLog } from "../../src/actors/CallLog.ts"
import { Generation, type ModelFacts } from "../../src/actors/Generation.ts"
import { entryOf } from "../actors/CallLogContract.ts"
import { make } from "./HttpFixture.ts"

const facts: ModelFacts = {
  name: "org/model",
  contextTokens: 4_096,
  promptPrice: null,
  completionPrice: 2.5,
  spentMicroDollars: 12.5,
  spendCapDollars: null,
  endpoints: [{
    name: "http://127.0.0.1:8000/v1",
    health: "down",
    inFlight: 1,
    inFlightLimit: 64,
    waiting: 2,
    lastError: "connection refused"
  }]
}
const generation = Layer.succeed(Generation, { models: Effect.succeed([facts]), generate: () => Stream.empty })

describe("models and calls over HTTP", () => {
  it.live("models are shown with their cost and how their endpoints are", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ generation })
      const { body, status } = yield* ask("GET", "/api/models")
      assert.deepStrictEqual([status, body], [200, { items: [facts] }])
    }))

  it.live("there may be no model", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      assert.deepStrictEqual((yield* ask("GET", "/api/models")).body, { items: [] })
      assert.deepStrictEqual((yield* ask("GET", "/api/calls")).body, { items: [], next: null })
    }))

  it.live("calls come newest first, page by page, by model, owner and outcome", () =>
    Effect.gen(function*() {
      const { ask, context } = yield* make()
      const log = Context.get(context as Context.Context<CallLog>, CallLog)
      for (let i = 1; i <= 5; i++) log.note(entryOf(i, i === 3 ? { model: "org/b", owner: "you & me" } : {}))
      log.note(entryOf(6, { outcome: "ServerFailed", status: 500, detail: "<b>broken</b>" }))
      const times = (body: any) => body.items.map(({ atMillis }: any) => atMillis)
      const first = (yield* ask("GET", "/api/calls?limit=4")).body
      assert.deepStrictEqual(times(first), [6, 5, 4, 3])
      assert.strictEqual(first.items[0].detail, "<b>broken</b>")
      const second = (yield* ask("GET", `/api/calls?limit=4&before=${first.next}`)).body
      assert.deepStrictEqual([times(second), second.next], [[2, 1], null])
      const of = (query: string) => Effect.map(ask("GET", `/api/calls?${query}`), ({ body }) => times(body))
      assert.deepStrictEqual(yield* of("model=org%2Fb"), [3])
      assert.deepStrictEqual(yield* of("owner=you%20%26%20me"), [3])
      assert.deepStrictEqual(yield* of("outcome=ServerFailed"), [6])
    }))

  it.live("what nobody knows, and numbers out of bounds, are refused", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      for (const query of ["limit=0", "limit=501", "limit=x", "before=-1", "modle=a", "model=", "outcome=a%20b"]) {
        assert.strictEqual((yield* ask("GET", `/api/calls?${query}`)).status, 400, query)
      }
    }))
})
