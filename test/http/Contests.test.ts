import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeScripted, promptText, says } from "../actors/ScriptedGeneration.ts"
import { type Asker, make } from "./HttpFixture.ts"

/** Answers the number that a problem names; a slow one never. */
const scripted = () =>
  makeScripted(({ prompt }) => {
    const text = promptText(prompt)
    const number = /number (\d+)/.exec(text)?.[1]
    return number === undefined ? Effect.never : says(`\\boxed{${number}}`)
  }, { models: ["m"] })
const problemsOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `p${i}`, problem: `Say the number ${i + 1}.` }))
const given = { model: "m@majority-8", totalMillis: 600_000 }

const ended = (ask: Asker, id: string) =>
  Effect.gen(function*() {
    while (true) {
      const { body } = yield* ask("GET", `/api/contests/${id}`)
      if (body.status !== "running") return body
      yield* Effect.sleep("10 millis")
    }
  })

describe("the routes of contests", () => {
  it.live("start one, show its answers at every moment, and list it", () => {
    const model = scripted()
    return Effect.gen(function*() {
      const { ask } = yield* make({ generation: model.layer })
      const body = { id: "c1", ...given, problems: problemsOf(4), seed: 5 }
      const started = yield* ask("POST", "/api/contests", { body, headers: { "idempotency-key": "k1" } })
      assert.strictEqual(started.status, 201)
      assert.deepStrictEqual(started.body, { id: "c1", model: "m", strategy: "majority-8", problems: 4, seed: 5 })
      const again = yield* ask("POST", "/api/contests", { body, headers: { "idempotency-key": "k1" } })
      assert.strictEqual(again.status, 201)
      assert.strictEqual((yield* ask("GET", "/api/contests/c1")).body.rows.length, 4)
      const view = yield* ended(ask, "c1")
      assert.deepStrictEqual(view.rows.map(({ answer }: any) => answer), [1, 2, 3, 4])
      assert.deepInclude(view, { status: "done", strategy: "majority-8" })
      const list = yield* ask("GET", "/api/contests?status=done")
      assert.deepStrictEqual(list.body.items.map(({ id, status }: any) => [id, status]), [["c1", "done"]])
    })
  }, 300_000)

  it.live("serve problems one by one", () => {
    const model = scripted()
    return Effect.gen(function*() {
      const { ask } = yield* make({ generation: model.layer })
      const [one, two] = problemsOf(2)
      assert.strictEqual(
        (yield* ask("POST", "/api/contests", { body: { id: "s", ...given, expected: 2 } })).status,
        201
      )
      const first = yield* ask("POST", "/api/contests/s/ask", { body: one })
      assert.deepStrictEqual([first.status, first.body], [200, { id: "p0", answer: 1, answered: true }])
      assert.deepStrictEqual((yield* ask("POST", "/api/contests/s/ask", { body: one })).body, first.body)
      const other = yield* ask("POST", "/api/contests/s/ask", { body: { id: "p0", problem: "Another one" } })
      assert.deepStrictEqual([other.status, other.body.tag], [409, "ProblemRepeated"])
      assert.strictEqual((yield* ask("POST", "/api/contests/s/ask", { body: two })).body.answer, 2)
      assert.strictEqual((yield* ended(ask, "s")).status, "done")
      const late = yield* ask("POST", "/api/contests/s/ask", { body: { id: "p9", problem: "Say the number 9." } })
      assert.deepStrictEqual([late.status, late.body.tag], [409, "ContestClosed"])
    })
  }, 300_000)

  it.live("end one that is cancelled, with the answers that stand", () => {
    const model = scripted()
    return Effect.gen(function*() {
      const { ask } = yield* make({ generation: model.layer })
      const problems = [...problemsOf(1), { id: "slow", problem: "Say nothing." }]
      yield* ask("POST", "/api/contests", { body: { id: "c2", ...given, problems, fallback: 7 } })
      while ((yield* ask("GET", "/api/contests/c2")).body.problems[0].status !== "done") {
        yield* Effect.sleep("10 millis")
      }
      assert.strictEqual((yield* ask("POST", "/api/contests/c2/cancel", { body: { why: "enough" } })).status, 200)
      const view = yield* ended(ask, "c2")
      assert.deepStrictEqual([view.status, view.note], ["cancelled", "enough"])
      assert.deepStrictEqual(view.rows, [{ id: "p0", answer: 1 }, { id: "slow", answer: 7 }])
    })
  }, 300_000)

  it.live("refuse what does not fit, with what to do", () => {
    const model = scripted()
    return Effect.gen(function*() {
      const { ask } = yield* make({ generation: model.layer })
      const tag = (method: string, path: string, body?: unknown) =>
        Effect.map(ask(method, path, body === undefined ? {} : { body }), (answer) => [answer.status, answer.body.tag])
      const problems = problemsOf(2)
      assert.deepStrictEqual(yield* tag("GET", "/api/contests/none"), [404, "ContestUnknown"])
      assert.deepStrictEqual(yield* tag("POST", "/api/contests/none/cancel"), [404, "ContestUnknown"])
      assert.deepStrictEqual(yield* tag("POST", "/api/contests/none/ask", problems[0]), [404, "ContestUnknown"])
      const start = (body: object) => tag("POST", "/api/contests", body)
      assert.deepStrictEqual(yield* start({ ...given, model: "other", problems }), [404, "ModelUnknown"])
      assert.deepStrictEqual(yield* start({ ...given, strategy: "best", problems }), [422, "StrategyUnknown"])
      assert.deepStrictEqual(yield* start({ ...given }), [400, "RequestUnfit"])
      assert.deepStrictEqual(yield* start({ ...given, problems, expected: 2 }), [400, "RequestUnfit"])
      assert.deepStrictEqual(yield* start({ ...given, problems, totalMillis: 1 }), [400, "RequestUnfit"])
      assert.deepStrictEqual(yield* start({ ...given, problems, modulo: 1 }), [400, "RequestUnfit"])
      const answered = problems.map((one) => ({ ...one, answer: "1" }))
      assert.deepStrictEqual(yield* start({ ...given, problems: answered }), [400, "RequestUnfit"])
      const twice = problems.map((one) => ({ ...one, id: "same" }))
      assert.deepStrictEqual(yield* start({ ...given, problems: twice }), [422, "ContestUnfit"])
      assert.deepStrictEqual(yield* start({ id: "c3", ...given, problems }), [201, undefined])
      assert.deepStrictEqual(yield* start({ id: "c3", ...given, problems, seed: 9 }), [409, "ContestTaken"])
      assert.deepStrictEqual(yield* tag("POST", "/api/contests/c3/ask", problems[0]), [409, "ContestClosed"])
    })
  }, 300_000)
})
