// Verdicts and votes over HTTP: shapes, bounds, the scope, and what becomes of a vote that was given up.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { Tokens } from "../../src/actors/Tokens.ts"
import { Verdicts } from "../../src/actors/Verdicts.ts"
import { make } from "./HttpFixture.ts"

describe("verdicts over HTTP", () => {
  it.live("a pair has a verdict, with the rule and both answers", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const { body, status } = yield* ask("POST", "/api/verify", {
        body: { gold: "$4$", pred: "First \\boxed{3}, no: \\boxed{4}." }
      })
      assert.strictEqual(status, 200)
      assert.include(body, { verdict: "equal", gold: "4", answer: "4" })
      assert.isAbove(body.rule.length, 0)
      assert.isAtLeast(body.ms, 0)
    }))

  it.live("pairs have their verdicts in order; numbers and nothing at all are answers, too", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const { body } = yield* ask("POST", "/api/verify", {
        body: {
          pairs: [
            { gold: 7, pred: "7", bare: true },
            { gold: "7", pred: 8 },
            { gold: "7", pred: null },
            { gold: "1007", pred: "7", opts: { modulo: 1000 } }
          ]
        }
      })
      assert.deepStrictEqual(body.verdicts.map((one: any) => one.verdict), ["equal", "unequal", "unequal", "equal"])
      assert.strictEqual(body.verdicts[2].answer, null)
      assert.deepStrictEqual((yield* ask("POST", "/api/verify", { body: { pairs: [] } })).body, { verdicts: [] })
    }))

  it.live("samples agree on an answer, ties are told, and a right answer is compared", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const vote = (body: object) => Effect.map(ask("POST", "/api/vote", { body }), ({ body }) => body)
      assert.deepStrictEqual(
        yield* vote({
          samples: [{ text: "So \\boxed{12}." }, { answer: "12" }, { answer: 3 }, { answer: null }, { text: "" }],
          gold: "the answer is \\boxed{12}"
        }),
        {
          answer: "12",
          groups: [{ answer: "12", votes: 2, weight: 2 }, { answer: "3", votes: 1, weight: 1 }],
          margin: 1,
          tie: false,
          tied: [],
          answered: 3,
          correct: true
        }
      )
      const tie = yield* vote({ samples: [{ answer: "1" }, { answer: "2" }] })
      assert.deepInclude(tie, { answer: "1", margin: 0, tie: true, tied: ["1", "2"] })
      assert.notProperty(tie, "correct")
      const weighed = yield* vote({ samples: [{ answer: "1", weight: 1 }, { answer: "2", weight: 3 }], gold: "1" })
      assert.deepInclude(weighed, { answer: "2", margin: 2, correct: false })
      const logprobs = [{ answer: "1", logprobMean: 0 }, { answer: "2", logprobMean: -1 }]
      assert.strictEqual((yield* vote({ samples: logprobs })).groups[1].weight, Math.exp(-1))
      assert.strictEqual((yield* vote({ samples: logprobs, strategy: "majority" })).tie, true)
      const allowed = { samples: [{ answer: "100000" }, { answer: "1/2" }, { answer: "" }, { answer: "07" }] }
      assert.deepInclude(yield* vote({ ...allowed, opts: { integers: [0, 99999] } }), { answer: "07", answered: 1 })
      assert.deepInclude(yield* vote({ samples: [], gold: "1" }), { answer: null, groups: [], correct: false })
    }))

  it.live("an id comes back with its result, so that a line of a file is a request", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const post = (path: string, body: object) => Effect.map(ask("POST", path, { body }), ({ body }) => body)
      assert.strictEqual((yield* post("/api/verify", { id: "a", gold: "1", pred: "1" })).id, "a")
      assert.notProperty(yield* post("/api/verify", { gold: "1", pred: "1" }), "id")
      const { verdicts } = yield* post("/api/verify", {
        pairs: [{ id: 7, gold: "1", pred: "1" }, { gold: "1", pred: "2" }, { id: "", gold: "1", pred: "1" }]
      })
      assert.deepStrictEqual(verdicts.map(({ id }: any) => id), [7, undefined, ""])
      assert.strictEqual((yield* post("/api/vote", { id: 0, samples: [{ answer: "1" }] })).id, 0)
      assert.strictEqual((yield* ask("POST", "/api/vote", { body: { id: [1], samples: [] } })).status, 400)
    }))

  it.live("a right answer that is none says nothing of the vote", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      for (const gold of ["", "  ", null]) {
        const { body } = yield* ask("POST", "/api/vote", { body: { samples: [{ answer: "1" }], gold } })
        assert.strictEqual(body.answer, "1")
        assert.notProperty(body, "correct")
      }
    }))

  it.live("what does not fit is refused by name", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const cases: ReadonlyArray<readonly [string, unknown]> = [
        ["/api/verify", {}],
        ["/api/verify", { gold: "1" }],
        ["/api/verify", { gold: "1", pred: "1", opts: { precison: 3 } }],
        ["/api/verify", { gold: "1", pred: "1", opts: { precision: 99 } }],
        ["/api/verify", { gold: "1", pred: "1", opts: { integers: [5, 1] } }],
        ["/api/verify", { id: {}, gold: "1", pred: "1" }],
        ["/api/verify", { gold: 1e300, pred: "1" }],
        ["/api/verify", { pairs: Array.from({ length: 1_001 }, () => ({ gold: "1", pred: "1" })) }],
        ["/api/verify", { pairs: [{ gold: "1" }] }],
        ["/api/vote", { samples: [{}] }],
        ["/api/vote", { samples: [{ weight: 1 }] }],
        ["/api/vote", { samples: [{ answer: "1", logprobMean: 1 }] }],
        ["/api/vote", { samples: [{ answer: "1", weight: -1 }] }],
        ["/api/vote", { samples: [], strategy: "coin" }]
      ]
      for (const [path, body] of cases) {
        const answer = yield* ask("POST", path, { body })
        assert.strictEqual(answer.status, 400, JSON.stringify(body).slice(0, 200))
        assert.strictEqual(answer.body.tag, "RequestUnfit")
        assert.isAbove(answer.body.errors.length, 0)
      }
    }))

  it.live("a token that may only look may have answers judged", () =>
    Effect.gen(function*() {
      const { ask, context } = yield* make({ exposed: true })
      const tokens = Context.get(context, Tokens)
      const made = yield* tokens.create({ name: "r", scope: "read", expiresMillis: null }, { who: "t", why: "" })
      const token = Redacted.value(made.token)
      const body = { gold: "1", pred: "1", bare: true }
      assert.strictEqual((yield* ask("POST", "/api/verify", { body })).status, 401)
      assert.strictEqual((yield* ask("POST", "/api/verify", { body, token })).body.verdict, "equal")
    }))

  it.live("a vote that was given up is a problem with what to do", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({
        verdicts: Layer.succeed(Verdicts, {
          verify: () => Effect.succeed([]),
          vote: () => Effect.succeed([{ _tag: "GivenUp", rule: "time", detail: "The vote took longer than 20 ms" }])
        })
      })
      const { body, status } = yield* ask("POST", "/api/vote", { body: { samples: [] } })
      assert.strictEqual(status, 422)
      assert.deepInclude(body, { tag: "VoteGivenUp", detail: "The vote took longer than 20 ms", facts: body.facts })
      assert.strictEqual(body.facts.rule, "time")
    }))
})
