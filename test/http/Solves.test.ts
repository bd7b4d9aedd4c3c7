// Solves over HTTP: begun, watched, read and cancelled; what does not fit is told at once; scopes; and what the audit log keeps.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Redacted } from "effect"
import { AuditLog } from "../../src/actors/AuditLog.ts"
import { Solves } from "../../src/actors/Solves.ts"
import { Tokens } from "../../src/actors/Tokens.ts"
import { makeScripted, promptText, says, type Script } from "../actors/ScriptedGeneration.ts"
import { make } from "./HttpFixture.ts"

const serve = Effect.fnUntraced(function*(script: Script) {
  const scripted = makeScripted(script, { models: ["m", "a@b"] })
  const { ask, context } = yield* make({ generation: scripted.layer })
  const start = (body: object, headers: Record<string, string> = {}) => ask("POST", "/api/solves", { body, headers })
  const outcome = (id: string) => Context.get(context, Solves).outcome(id)
  return { ...scripted, ask, context, start, outcome }
})
const answers: Script = () => says("It is $\\boxed{42}$.")

describe("solves over HTTP", () => {
  it.live("are begun, end, and are read with their samples", () =>
    Effect.gen(function*() {
      const { ask, asked, outcome, start } = yield* serve(answers)
      const begun = yield* start({
        id: "s",
        problem: "6 times 7?",
        model: "m@majority-4",
        seed: 5,
        answers: { modulo: 1000 }
      })
      assert.deepStrictEqual([begun.status, begun.body], [201, {
        id: "s",
        model: "m",
        strategy: "majority-4",
        samples: 4,
        seed: 5
      }])
      yield* outcome("s")
      const { body } = yield* ask("GET", "/api/solves/s")
      assert.deepStrictEqual([body.state.status, body.state.answer], ["done", "42"])
      assert.strictEqual(body.state.spec.strategy.answers.modulo, 1000)
      const sample = yield* ask("GET", "/api/solves/s/samples/0")
      assert.deepStrictEqual([sample.status, sample.body.text], [200, "It is $\\boxed{42}$."])
      assert.strictEqual((yield* ask("GET", "/api/solves/s/samples/9")).body.tag, "SampleUnknown")
      const list = yield* ask("GET", "/api/solves?status=done")
      assert.deepStrictEqual(list.body.items.map(({ id }: any) => id), ["s"])
      assert.isTrue(asked.every(({ request: { owner, run } }) => owner === "local" && run === "s"))
    }))

  it.live("take a conversation as it is", () =>
    Effect.gen(function*() {
      const { asked, outcome, start } = yield* serve(answers)
      const { body } = yield* start({ messages: [{ role: "user", content: "Only this" }], strategy: "greedy" })
      yield* outcome(body.id)
      assert.deepStrictEqual(asked.map(({ request }) => promptText(request.prompt)), ["Only this"])
      assert.deepStrictEqual(asked[0]?.request.parameters, { temperature: 0 })
    }))

  it.live("have one effect for one key, and are refused under an id that is taken", () =>
    Effect.gen(function*() {
      const { asked, outcome, start } = yield* serve(answers)
      const body = { id: "s", problem: "p", strategy: "greedy", seed: 1 }
      yield* start(body, { "idempotency-key": "k" })
      yield* outcome("s")
      assert.strictEqual((yield* start(body, { "idempotency-key": "k" })).status, 201)
      assert.strictEqual(asked.length, 1)
      const taken = yield* start({ ...body, seed: 2 })
      assert.deepStrictEqual([taken.status, taken.body.tag], [409, "SolveTaken"])
    }))

  it.live("have one effect for one key also where the key alone names them", () =>
    Effect.gen(function*() {
      const { asked, outcome, start } = yield* serve(answers)
      const key = { "idempotency-key": "k" }
      const first = yield* start({ problem: "p", strategy: "greedy" }, key)
      yield* outcome(first.body.id)
      const again = yield* start({ problem: "p", strategy: "greedy" }, key)
      assert.deepStrictEqual(again.body, first.body)
      assert.strictEqual(asked.length, 1)
      const other = yield* start({ problem: "q", strategy: "greedy" }, key)
      assert.deepStrictEqual([other.status, other.body.tag], [422, "KeyReused"])
      const fresh = yield* start({ problem: "p", strategy: "greedy" })
      assert.notStrictEqual(fresh.body.id, first.body.id)
      assert.notStrictEqual(fresh.body.seed, first.body.seed)
    }))

  it.live("that do not fit are told at once, with what to do", () =>
    Effect.gen(function*() {
      const { ask, asked, start } = yield* serve(answers)
      const refused = [
        [{ problem: "p", model: "other" }, 404, "ModelUnknown"],
        [{ problem: "p", strategy: "luck-8" }, 422, "StrategyUnknown"],
        [{ problem: "p", model: "m@luck" }, 422, "StrategyUnknown"],
        [{ problem: "p", messages: [{ role: "user", content: "x" }] }, 400, "RequestUnfit"],
        [{ problem: "" }, 400, "RequestUnfit"],
        [{ problem: "p", samples: 0 }, 400, "RequestUnfit"],
        [{ problem: "p", budget: { millis: 1 } }, 400, "RequestUnfit"],
        [{ problem: "p", parameters: { temperature: 9 } }, 400, "RequestUnfit"],
        [{ problem: "p", unknown: 1 }, 400, "RequestUnfit"],
        [{ problem: "x".repeat(300_000) }, 400, "RequestUnfit"]
      ] as const
      for (const [body, status, tag] of refused) {
        const answer = yield* start(body)
        assert.deepStrictEqual([answer.status, answer.body.tag], [status, tag], JSON.stringify(body).slice(0, 100))
        assert.isNotEmpty(answer.body.hint)
      }
      for (const path of ["/api/solves/none", "/api/solves/none/samples/0"]) {
        assert.strictEqual((yield* ask("GET", path)).body.tag, "SolveUnknown")
      }
      assert.strictEqual((yield* ask("POST", "/api/solves/none/cancel", { body: {} })).body.tag, "SolveUnknown")
      assert.strictEqual(asked.length, 0)
    }))

  it.live("are cancelled, and what ran for them ends", () =>
    Effect.gen(function*() {
      const { ask, outcome, running, start } = yield* serve(() => Effect.never)
      yield* start({ id: "s", problem: "p" })
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => running() > 0 })
      assert.strictEqual((yield* ask("POST", "/api/solves/s/cancel", { body: { why: "enough" } })).status, 200)
      assert.strictEqual((yield* outcome("s")).status, "cancelled")
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => running() === 0 })
    }))

  it.live("need the scope operate, and who began them is noted", () =>
    Effect.gen(function*() {
      const { ask, context, start } = yield* serve(answers)
      const { token } = yield* Context.get(context, Tokens).create(
        { name: "reader", scope: "read", expiresMillis: null },
        { who: "t", why: "" }
      )
      const body = { problem: "p", strategy: "greedy" }
      const refused = yield* ask("POST", "/api/solves", { body, token: Redacted.value(token) })
      assert.strictEqual(refused.body.tag, "ScopeMissing")
      yield* start({ ...body, why: "to see" })
      const [entry] = yield* Context.get(context, AuditLog).list({ limit: 1, type: "Solve" })
      assert.deepInclude(entry, { who: "local", why: "to see", outcome: "done" })
    }))
})
