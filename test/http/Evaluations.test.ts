import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { numberIn, problemsOf } from "../actors/EvaluationFixture.ts"
import { makeScripted, promptText, says } from "../actors/ScriptedGeneration.ts"
import { type Asker, make } from "./HttpFixture.ts"

const scripted = () =>
  makeScripted(({ prompt }) => {
    const n = numberIn(promptText(prompt))
    return says(`\\boxed{${n % 3 === 2 ? 0 : n + 1_000}}`)
  }, { models: ["m"] })
const given = (count: number) =>
  problemsOf(count).map(({ answer, domain, id, level, text }) => ({ id, problem: text, answer, domain, level }))

const ended = (ask: Asker, id: string) =>
  Effect.gen(function*() {
    while (true) {
      const { body } = yield* ask("GET", `/api/evaluations/${id}`)
      if (body.status !== "running" && body.status !== "cancelling") return body
      yield* Effect.sleep("10 millis")
    }
  })

describe("the routes of evaluations", () => {
  it.live("take problems in lists, evaluate them and give every result and sample", () => {
    const model = scripted()
    return Effect.gen(function*() {
      const { ask } = yield* make({ generation: model.layer })
      const body = { id: "e1", model: "m@majority-2", stop: [], seed: 5, concurrency: 4, name: "sums" }
      const created = yield* ask("POST", "/api/evaluations", { body, headers: { "idempotency-key": "k1" } })
      assert.strictEqual(created.status, 201)
      assert.deepStrictEqual(created.body, { id: "e1", model: "m", strategy: "majority-2", samples: 2, seed: 5 })
      assert.strictEqual(
        (yield* ask("POST", "/api/evaluations", { body, headers: { "idempotency-key": "k1" } })).status,
        201
      )
      for (const [list, problems] of [given(9).slice(0, 5), given(9).slice(5)].entries()) {
        const added = yield* ask("POST", "/api/evaluations/e1/problems", { body: { list, problems } })
        assert.deepStrictEqual([added.status, added.body], [200, { problems: problems.length }])
      }
      const few = yield* ask("POST", "/api/evaluations/e1/start", { body: { problems: 8 } })
      assert.deepStrictEqual([few.status, few.body.tag], [409, "EvaluationNotReady"])
      assert.strictEqual((yield* ask("POST", "/api/evaluations/e1/start", { body: { problems: 9 } })).status, 200)
      const view = yield* ended(ask, "e1")
      assert.deepInclude(view, { status: "done", problems: 9, ended: 9, lists: 2 })
      assert.deepInclude(view.metrics.accuracy, { right: 6, of: 9 })
      assert.deepStrictEqual((yield* ask("GET", "/api/evaluations/e1/metrics")).body, view.metrics)
      const first = yield* ask("GET", "/api/evaluations/e1/results?limit=3")
      assert.deepStrictEqual(first.body.items.map((one: any) => [one.number, one.result.grade]), [
        [0, "right"],
        [1, "right"],
        [2, "wrong"]
      ])
      const last = yield* ask("GET", `/api/evaluations/e1/results?from=8`)
      assert.deepStrictEqual([first.body.next, last.body.items.length, last.body.next], [3, 1, null])
      const samples = yield* ask("GET", "/api/evaluations/e1/problems/2/samples")
      assert.deepStrictEqual(samples.body.items.map((one: any) => [one.grade, one.text]), [
        ["wrong", "\\boxed{0}"],
        ["wrong", "\\boxed{0}"]
      ])
      const list = yield* ask("GET", "/api/evaluations?text=sums")
      assert.deepStrictEqual(list.body.items.map(({ id, status }: any) => [id, status]), [["e1", "done"]])
    })
  })

  it.live("refuse what does not fit, with what to do", () => {
    const model = scripted()
    return Effect.gen(function*() {
      const { ask } = yield* make({ generation: model.layer })
      const tag = (method: string, path: string, body?: unknown) =>
        Effect.map(ask(method, path, body === undefined ? {} : { body }), (answer) => [answer.status, answer.body.tag])
      assert.deepStrictEqual(yield* tag("GET", "/api/evaluations/none"), [404, "EvaluationUnknown"])
      assert.deepStrictEqual(yield* tag("GET", "/api/evaluations/none/results"), [404, "EvaluationUnknown"])
      assert.deepStrictEqual(yield* tag("POST", "/api/evaluations/none/cancel"), [404, "EvaluationUnknown"])
      assert.deepStrictEqual(yield* tag("POST", "/api/evaluations", { model: "other" }), [404, "ModelUnknown"])
      assert.deepStrictEqual(yield* tag("POST", "/api/evaluations", { strategy: "best" }), [422, "StrategyUnknown"])
      assert.deepStrictEqual(yield* tag("POST", "/api/evaluations", { modle: "m" }), [400, "RequestUnfit"])
      const problems = given(2)
      assert.deepStrictEqual(
        yield* tag("POST", "/api/evaluations/none/problems", { list: 0, problems }),
        [404, "EvaluationUnknown"]
      )
      yield* ask("POST", "/api/evaluations", { body: { id: "e2", model: "m" } })
      assert.deepStrictEqual(
        yield* tag("POST", "/api/evaluations/e2/problems", { list: 3, problems }),
        [409, "EvaluationNotReady"]
      )
      const long = given(3).map((one) => ({ ...one, problem: "x".repeat(200_000) }))
      assert.deepStrictEqual(
        yield* tag("POST", "/api/evaluations/e2/problems", { list: 0, problems: long }),
        [413, "ProblemListTooLarge"]
      )
      assert.deepStrictEqual(
        yield* tag("POST", "/api/evaluations/e2/problems", { list: 0, problems: [{ id: "a", problem: "x" }] }),
        [400, "RequestUnfit"]
      )
      assert.deepStrictEqual(yield* tag("POST", "/api/evaluations/e2/cancel"), [200, undefined])
      assert.strictEqual((yield* ended(ask, "e2")).status, "cancelled")
      assert.deepStrictEqual(yield* tag("POST", "/api/evaluations/e2/resume"), [409, "EvaluationNotReady"])
    })
  })
})
