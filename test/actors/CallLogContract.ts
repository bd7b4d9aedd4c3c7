// The contract of CallLog, sentence by sentence. Every layer runs it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { type CallEntry, CallLog } from "../../src/actors/CallLog.ts"

export const entryOf = (atMillis: number, more: Partial<CallEntry> = {}): CallEntry => ({
  atMillis,
  model: "m",
  endpoint: "http://127.0.0.1:8000/v1",
  owner: "solve-1",
  promptHash: "0123456789abcdef",
  parameters: `{"seed":1}`,
  promptTokens: 10,
  completionTokens: 20,
  microDollars: 1.25,
  queueMillis: 0,
  firstTokenMillis: 12.5,
  millis: 100.5,
  attempt: 1,
  hedged: false,
  outcome: "ok",
  status: 200,
  detail: null,
  ...more
})

export const callLogContract = (name: string, layer: () => Layer.Layer<CallLog, unknown>): void => {
  const test = <E>(title: string, body: (log: CallLog["Service"]) => Effect.Effect<void, E>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(CallLog, body), layer()))
  const timesOf = (entries: ReadonlyArray<CallEntry>) => entries.map(({ atMillis }) => atMillis)

  describe(`CallLog on ${name}`, () => {
    test(
      "an entry comes back as it was noted, with a number",
      Effect.fnUntraced(function*(log) {
        const one = entryOf(1_700_000_000_000)
        const other = entryOf(1_700_000_000_001, {
          model: "org/\u0000model \u{1F600}",
          owner: "'; DROP TABLE polya_call; --",
          firstTokenMillis: null,
          attempt: 3,
          hedged: true,
          outcome: "ServerFailed",
          status: null,
          detail: "it \uD800 broke"
        })
        assert.deepStrictEqual(yield* log.list({ limit: 10 }), [])
        log.note(one)
        log.note(other)
        const [second, first, ...rest] = yield* log.list({ limit: 10 })
        assert.deepStrictEqual(rest, [])
        const { seq, ...fields } = first ?? assert.fail("nothing is listed")
        assert.deepStrictEqual({ ...fields }, one)
        const { seq: next, ...others } = second ?? assert.fail("one is missing")
        assert.deepStrictEqual({ ...others }, other)
        assert.isAbove(next, seq)
      })
    )

    test(
      "the newest come first, page by page",
      Effect.fnUntraced(function*(log) {
        for (let i = 1; i <= 1_203; i++) log.note(entryOf(i))
        const first = yield* log.list({ limit: 500 })
        assert.deepStrictEqual([first.length, ...timesOf(first.slice(0, 2))], [500, 1_203, 1_202])
        const second = yield* log.list({ limit: 500, before: first.at(-1)?.seq ?? 0 })
        assert.deepStrictEqual([second.length, second[0]?.atMillis], [500, 703])
        const third = yield* log.list({ limit: 500, before: second.at(-1)?.seq ?? 0 })
        assert.deepStrictEqual([third.length, third.at(-1)?.atMillis], [203, 1])
      })
    )

    test(
      "they are found by model, owner and outcome",
      Effect.fnUntraced(function*(log) {
        log.note(entryOf(1))
        log.note(entryOf(2, { model: "b" }))
        log.note(entryOf(3, { owner: "solve-2" }))
        log.note(entryOf(4, { owner: "solve-2", outcome: "RateLimited" }))
        assert.deepStrictEqual(timesOf(yield* log.list({ limit: 9, model: "b" })), [2])
        assert.deepStrictEqual(timesOf(yield* log.list({ limit: 9, owner: "solve-2" })), [4, 3])
        assert.deepStrictEqual(timesOf(yield* log.list({ limit: 9, owner: "solve-2", outcome: "ok" })), [3])
        assert.deepStrictEqual(timesOf(yield* log.list({ limit: 1, outcome: "ok" })), [3])
        assert.deepStrictEqual(timesOf(yield* log.list({ limit: 9, model: "none" })), [])
      })
    )

    test(
      "old ones are forgotten, so many at a time, oldest first",
      Effect.fnUntraced(function*(log) {
        for (let i = 1; i <= 5; i++) log.note(entryOf(i))
        yield* log.list({ limit: 1 })
        assert.strictEqual(yield* log.prune(4, 2), 2)
        assert.deepStrictEqual(timesOf(yield* log.list({ limit: 9 })), [5, 4, 3])
        assert.strictEqual(yield* log.prune(4, 2), 1)
        assert.strictEqual(yield* log.prune(4, 2), 0)
      })
    )
  })
}
