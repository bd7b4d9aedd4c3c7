// A model asked by a strategy through the official client: a real solve, its vote beside the answer, its progress in the stream.
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, Stream } from "effect"
import { BadRequestError, InternalServerError, NotFoundError } from "openai"
import { Solves } from "../../../src/actors/Solves.ts"
import { EndpointsDown } from "../../../src/domain/Generation/Errors.ts"
import { initialSample, initialSolve, type SolveState } from "../../../src/domain/Solve.ts"
import { piecesOf, stream } from "../../../src/http/openai/Voted.ts"
import { promptText, says, type Script } from "../../actors/ScriptedGeneration.ts"
import { inVirtualTime, specOf, strategyOf } from "../../actors/SolveFixture.ts"
import { collect, failureOf, firstOf, more, promised, serve, until, user } from "./OpenAiFixture.ts"

const timeout = 60_000
/** Samples with these answers in turn. */
const votes = (...answers: readonly [number, ...Array<number>]): Script => {
  let asked = 0
  return () =>
    Effect.suspend(() =>
      says(`I think that it is \\boxed{${answers[asked++ % answers.length]}}.`, { reasoning: "six times seven" })
    )
}

describe("a strategy over the OpenAI API", { timeout }, () => {
  it.live("answers with the text of the sample that stands for the vote, and tells the vote beside it", () =>
    Effect.gen(function*() {
      const { asked: calls, client, context } = yield* serve(votes(42, 41, 42, 42))
      const answer = yield* promised(() =>
        client.chat.completions.create({
          model: "m@majority-4",
          messages: [{ role: "system", content: "Be right." }, ...user("6 times 7?")],
          seed: 3,
          max_tokens: 100
        })
      )
      assert.strictEqual(answer.model, "m@majority-4")
      assert.strictEqual(answer.choices[0]?.message.content, "I think that it is \\boxed{42}.")
      assert.include(answer.choices[0]?.message as any, { reasoning_content: "six times seven" })
      const { polya } = answer as any
      assert.deepInclude(polya, { answer: "42", strategy: "majority-4", seed: 3, status: "done", tie: [] })
      assert.isAtLeast(polya.groups[0].votes, 2)
      assert.strictEqual(polya.groups[0].answer, "42")
      assert.isString(polya.stop._tag)
      assert.strictEqual(polya.samples[0].usage.completionTokens > 0, true)
      const state = yield* Context.get(context, Solves).state(polya.solve)
      assert.deepInclude(state.spec, { seed: 3, model: "m" })
      assert.strictEqual(state.spec?.strategy.parameters.maxTokens, 100)
      assert.strictEqual(state.spec?.strategy.parameters.temperature, 0.7)
      assert.isAtMost(state.spec?.budget.millis ?? Infinity, 3_600_000)
      assert.strictEqual(answer.usage?.completion_tokens, state.usage.completionTokens)
      assert.strictEqual(promptText(firstOf(calls).request.prompt), "Be right.\n6 times 7?")
    }))

  it.live("can be told more in the field polya than its name says", () =>
    Effect.gen(function*() {
      const { client, context } = yield* serve(votes(1))
      const answer = yield* promised(() =>
        client.chat.completions.create({
          model: "m@majority-4",
          messages: user("?"),
          ...more({
            polya: {
              seed: 9,
              budget: { millis: 30_000, tokens: 1_000 },
              strategy: { samples: 3, stop: [], parallel: 1, parameters: { temperature: 1 } },
              tools: false
            }
          })
        })
      )
      const state = yield* Context.get(context, Solves).state((answer as any).polya.solve)
      assert.deepInclude(state.spec, { seed: 9, budget: { millis: 30_000, tokens: 1_000 } })
      assert.deepInclude(state.spec?.strategy, { samples: 3, parallel: 1, stop: [], tools: null })
      assert.strictEqual(state.spec?.strategy.parameters.temperature, 1)
      assert.lengthOf(state.samples, 3)
    }))

  it.live("streams how far it is, then the text, then the result, and plain clients see only the text", () =>
    Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      let isFirst = true
      const seven = votes(7)
      const { client } = yield* serve((request, sample, seed, attempt) => {
        const said = seven(request, sample, seed, attempt)
        return isFirst
          ? Effect.andThen(Effect.sync(() => void (isFirst = false)), said)
          : Effect.andThen(Deferred.await(go), said)
      })
      const all: Array<any> = []
      const ask = () =>
        client.chat.completions.create({
          model: "m@majority-3",
          messages: user("?"),
          stream: true,
          stream_options: { include_usage: true },
          ...more({ polya: { strategy: { stop: [] } } })
        })
      yield* promised(async () => {
        for await (const chunk of await ask()) {
          all.push(chunk)
          if ((chunk as any).polya?.done === 1) Effect.runSync(Deferred.succeed(go, undefined))
        }
      })
      const progress = all.filter(({ polya }) => polya?.event === "progress")
      assert.isAbove(progress.length, 1)
      assert.isTrue(progress.every(({ choices }) => choices.length === 0))
      assert.deepInclude(progress.at(-1).polya, { done: 3, answer: "7", status: "done", planned: 3 })
      assert.isTrue(progress.some(({ polya }) => polya.done === 1 && polya.answer === "7"))
      const text = all.flatMap(({ choices }) => choices).map(({ delta }) => delta.content ?? "").join("")
      assert.strictEqual(text, "I think that it is \\boxed{7}.")
      const result = all.find(({ polya }) => polya?.event === "result")
      assert.deepInclude(result.polya, { answer: "7", margin: 3 })
      assert.strictEqual(result.choices[0].finish_reason, "stop")
      assert.deepStrictEqual([all.at(-1).choices.length, all.at(-1).usage.completion_tokens > 0], [0, true])

      const helped = client.chat.completions.stream({ model: "m@majority-3", messages: user("?") })
      const final = yield* promised(() => helped.finalChatCompletion())
      assert.strictEqual(final.choices[0]?.message.content, "I think that it is \\boxed{7}.")
      assert.strictEqual((final as any).polya.answer, "7")
    }))

  it.live("solves a problem given as a text to complete", () =>
    Effect.gen(function*() {
      const { asked: calls, client } = yield* serve(votes(5))
      const answer = yield* promised(() => client.completions.create({ model: "m@greedy", prompt: "What is 2 + 3?" }))
      assert.strictEqual(answer.choices[0]?.text, "I think that it is \\boxed{5}.")
      assert.include(promptText(firstOf(calls).request.prompt), "What is 2 + 3?")
      const chunks = yield* promised(async () =>
        collect(await client.completions.create({ model: "m@majority-2", prompt: "?", stream: true }))
      )
      assert.strictEqual(
        chunks.flatMap(({ choices }) => choices).map(({ text }) => text).join(""),
        "I think that it is \\boxed{5}."
      )
    }))

  it.live("says what a sample wrote where no answer can be found in it", () =>
    Effect.gen(function*() {
      const { client } = yield* serve(() => says("No idea."))
      const answer = yield* promised(() =>
        client.chat.completions.create({ model: "m@majority-2", messages: user("?") })
      )
      assert.strictEqual(answer.choices[0]?.message.content, "No idea.")
      assert.isNull((answer as any).polya.answer)
    }))

  it.live("fails as its samples did where all of them failed", () =>
    Effect.gen(function*() {
      const { client } = yield* serve(() => Effect.fail(new EndpointsDown({ model: "m", detail: "down" })))
      const error = yield* failureOf(() =>
        client.chat.completions.create({
          model: "m@majority-2",
          messages: user("?"),
          ...more({ polya: { budget: { millis: 1_000 } } })
        })
      )
      assert.instanceOf(error, InternalServerError)
      assert.include(["service_unavailable", "timeout"], error.code)
    }))

  it.live("is called off when its client goes away, streaming or not, and the model with it", () =>
    Effect.gen(function*() {
      const { client, context, running } = yield* serve(() => Effect.never)
      const solves = Context.get(context, Solves)
      const request = { model: "m@majority-3", messages: user("?") } as const
      const stop = new AbortController()
      yield* Effect.all([
        failureOf(() => client.chat.completions.create(request, { signal: stop.signal })),
        Effect.andThen(until(() => running() === 3), Effect.sync(() => stop.abort()))
      ], { concurrency: 2 })
      yield* until(() => running() === 0)
      let solve = ""
      const chunks = yield* promised(() => client.chat.completions.create({ ...request, stream: true }))
      yield* promised(async () => {
        for await (const chunk of chunks) {
          const { polya } = chunk as any
          solve = polya.solve
          if (polya.running === 3) break
        }
      })
      yield* until(() => running() === 0)
      assert.deepInclude(yield* solves.outcome(solve), { status: "cancelled", note: "Its client went away" })
    }))

  it.live("that somebody else calls off is an error that is not worth asking again", () =>
    Effect.gen(function*() {
      const { client, context } = yield* serve(() => Effect.never)
      const error = yield* failureOf(async () => {
        for await (
          const chunk of await client.chat.completions.create({
            model: "m@majority-3",
            messages: user("?"),
            stream: true
          })
        ) {
          const { polya } = chunk as any
          if (polya.running === 3) await Effect.runPromise(Context.get(context, Solves).cancel(polya.solve, "enough"))
        }
      })
      assert.strictEqual(error.code, "solve_cancelled")
      assert.include(error.message, "enough")
    }))

  it.live("is refused where it does not fit", () =>
    Effect.gen(function*() {
      const { client, running } = yield* serve(votes(1))
      const cases: ReadonlyArray<readonly [object, string]> = [
        [{ n: 2 }, "n"],
        [{ seed: -1 }, "seed"],
        [{ polya: { seed: 2 ** 31 } }, "polya.seed"],
        [{ polya: { samples: 3 } }, "polya.samples"],
        [{ polya: { strategy: { samples: 0 } } }, "polya.strategy.samples"],
        [{ polya: { strategy: { name: "x" } } }, "polya.strategy.name"],
        [{ polya: { budget: { millis: 1 } } }, "polya.budget.millis"],
        [{ polya: { tools: { calls: 1_000 } } }, "polya.tools"],
        [{ messages: user("x".repeat(300_000)) }, "messages"],
        [{ messages: Array.from({ length: 300 }, () => user("x")[0]) }, "messages"]
      ]
      for (const [more, param] of cases) {
        const error = yield* failureOf(() =>
          client.chat.completions.create({ model: "m@majority-2", messages: user("?"), ...more } as any)
        )
        assert.instanceOf(error, BadRequestError, JSON.stringify(more).slice(0, 80))
        assert.strictEqual(error.param?.startsWith(param), true, `${error.param} for ${param}`)
      }
      const several = yield* failureOf(() => client.completions.create({ model: "m@majority-2", prompt: ["a", "b"] }))
      assert.strictEqual(several.param, "prompt")
      const unknown = yield* failureOf(() =>
        client.chat.completions.create({ model: "m@majority-many", messages: user("?") })
      )
      assert.instanceOf(unknown, NotFoundError)
      assert.include(unknown.message, "majority-N")
      assert.strictEqual(running(), 0)
    }))

  it.effect("tells the latest of its states at most ten times a second", () =>
    Effect.gen(function*() {
      const spec = specOf(strategyOf("majority-64"))
      const stateAt = (done: number): SolveState => ({
        ...initialSolve,
        status: done === 1_000 ? "done" : "sampling",
        spec,
        sample: 0,
        answer: "1",
        microDollars: done
      })
      const told: Array<any> = []
      const solves = Layer.mock(Solves, {
        start: () => Effect.void,
        watch: () =>
          Stream.fromEffectRepeat(Effect.sleep("2 millis")).pipe(
            Stream.take(1_001),
            Stream.scan(() => 0, (done) => done + 1),
            Stream.map((done) => stateAt(Math.min(1_000, done)))
          ),
        outcome: () => Effect.succeed(stateAt(1_000)),
        text: () => Effect.succeed({ ...initialSample, text: "one" })
      })
      const head = { kind: "chat", id: "x", createdSeconds: 0, model: "m" } as const
      const asked = { solve: "s", spec, by: { who: "t", why: "" }, millis: 100_000 }
      yield* inVirtualTime(
        stream(head, asked, false, (event) => Effect.sync(() => void told.push(event))).pipe(Effect.provide(solves))
      )
      const progress = told.filter(({ polya }) => polya?.event === "progress")
      assert.isAtLeast(progress.length, 10)
      assert.isAtMost(progress.length, 23)
      assert.strictEqual(progress.at(-1).polya.status, "done")
    }))

  it("sends long texts in pieces that cut no character", () => {
    const text = `${"a".repeat(16_383)}😀${"b".repeat(40_000)}`
    const pieces = piecesOf(text)
    assert.strictEqual(pieces.join(""), text)
    assert.isTrue(pieces.every((piece) => piece.isWellFormed() && piece.length <= 16_384))
    assert.deepStrictEqual(piecesOf(""), [])
  })
})
