import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Evaluations } from "../../src/actors/Evaluations.ts"
import { Solves } from "../../src/actors/Solves.ts"
import { RequestRefused } from "../../src/domain/Generation/Errors.ts"
import { maxProblems } from "../../src/domain/ModelEvaluation/Problems.ts"
import { allResults, begin, evaluating, evaluationSpec, numberIn, over, problemsOf } from "./EvaluationFixture.ts"
import { makeScripted, promptText, says, type Script } from "./ScriptedGeneration.ts"
import { inVirtualTime, strategyOf, survivingStore } from "./SolveFixture.ts"

const boxed = (answer: string | number) => `So it is $\\boxed{${answer}}$.`
/** Right where `n % 4 !== 3`. */
const mostlyRight: Script = ({ prompt }) => {
  const n = numberIn(promptText(prompt))
  return Effect.delay(says(n % 4 === 3 ? boxed(0) : boxed(n + 1_000)), `${10 + n % 7} millis`)
}

describe("an evaluation", () => {
  it.effect("grades every problem once and says what the script implies", () => {
    const scripted = makeScripted(mostlyRight, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const problems = problemsOf(40)
      yield* begin("e", evaluationSpec(), problems, 7)
      const state = yield* over("e")
      assert.strictEqual(state.status, "done")
      assert.deepStrictEqual([state.metrics?.accuracy.right, state.metrics?.accuracy.of], [30, 40])
      assert.deepStrictEqual(state.metrics?.byDomain["geometry"]?.right, 10)
      assert.deepStrictEqual(Object.keys(state.metrics?.byLevel ?? {}), ["0", "1", "2"])
      assert.deepStrictEqual(state.metrics?.curves?.map(({ k, majority, pass }) => [k, pass, majority]), [
        [1, 0.75, 0.75],
        [2, 0.75, 0.75],
        [4, 0.75, 0.75]
      ])
      assert.deepStrictEqual(state.tally, state.metrics?.tally)
      assert.deepStrictEqual([state.open, state.closed, state.tally.samplesRight], [[], 6, 120])
      const results = yield* allResults("e")
      assert.deepStrictEqual(results.map(({ problem }) => problem.id), problems.map(({ id }) => id))
      assert.isTrue(results.every(({ number, result }) => result?.grade === (number % 4 === 3 ? "wrong" : "right")))
      assert.strictEqual(scripted.asked.length, 160)
      assert.isTrue(scripted.asked.every(({ request }) => !/\b1\d\d\d\b/.test(promptText(request.prompt))))
    })).pipe(Effect.provide(evaluating(scripted)))
  })

  it.effect("works as many problems at once as it may, and no more", () => {
    const scripted = makeScripted(mostlyRight, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      yield* begin("e", evaluationSpec({ concurrency: 3, strategy: strategyOf("greedy") }), problemsOf(30))
      yield* over("e")
      assert.strictEqual(scripted.mostRunning(), 3)
    })).pipe(Effect.provide(evaluating(scripted)))
  })

  it.effect("goes on elsewhere after its runner died, and counts nothing twice", () => {
    const first = makeScripted(mostlyRight, { models: ["m"] })
    const second = makeScripted(mostlyRight, { models: ["m"] })
    return inVirtualTime(
      Effect.gen(function*() {
        const store = yield* survivingStore
        const spec = evaluationSpec({ concurrency: 5 })
        yield* Effect.gen(function*() {
          yield* begin("e", spec, problemsOf(60), 11)
          yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => first.asked.length >= 120 })
        }).pipe(Effect.provide(evaluating(first, store)))
        const state = yield* over("e").pipe(Effect.provide(evaluating(second, store)))
        assert.strictEqual(state.status, "done")
        assert.deepStrictEqual([state.metrics?.accuracy.right, state.metrics?.accuracy.of], [45, 60])
        assert.strictEqual(state.metrics?.tally.samplesBegun, 240)
        assert.isBelow(first.asked.length + second.asked.length, 240 + 5 * 4 + 1)
      }).pipe(Effect.scoped)
    )
  })

  it.effect("tells failures, missing answers and unreadable references apart", () => {
    const scripted = makeScripted(({ prompt }) => {
      const n = numberIn(promptText(prompt))
      return n === 0
        ? Effect.fail(new RequestRefused({ model: "m", status: 400, detail: "no such thing" }))
        : says(n === 1 ? "I cannot tell." : boxed(n + 1_000), n === 1 ? { finish: "length" } : {})
    }, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const problems = problemsOf(4).map((one, n) => n === 2 ? { ...one, answer: "N/A" } : one)
      yield* begin("e", evaluationSpec({ strategy: strategyOf("majority-2", { stop: [] }) }), problems)
      const { metrics, status } = yield* over("e")
      assert.strictEqual(status, "done")
      assert.deepInclude(metrics?.tally, {
        right: 1,
        wrong: 0,
        noAnswer: 1,
        ungraded: 1,
        failed: 1,
        samplesFailed: 2,
        samplesNoAnswer: 2,
        samplesTruncated: 2,
        samplesUngraded: 2
      })
      assert.deepStrictEqual([metrics?.accuracy.right, metrics?.accuracy.of], [1, 2])
      const results = yield* allResults("e")
      assert.deepStrictEqual(results.map(({ result }) => result?.samples), ["XX", "NN", "GG", "RR"])
      assert.strictEqual(results[0]?.result?.error?.tag, "RequestRefused")
    })).pipe(Effect.provide(evaluating(scripted)))
  })

  it.effect("calls off what runs when it is cancelled", () => {
    const scripted = makeScripted(() => Effect.never, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const evaluations = yield* Evaluations
      const solves = yield* Solves
      yield* begin("e", evaluationSpec(), problemsOf(300))
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.asked.length >= 16 })
      yield* evaluations.cancel("e", "enough")
      const state = yield* over("e")
      assert.strictEqual(state.status, "cancelled")
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.running() === 0 })
      assert.strictEqual((yield* solves.state("e:0")).status, "cancelled")
      assert.isBelow(scripted.asked.length, 40)
    })).pipe(Effect.provide(evaluating(scripted)))
  })

  it.effect("takes its problems in order, each list once, and starts only when all are there", () => {
    const scripted = makeScripted(mostlyRight, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const evaluations = yield* Evaluations
      const tag = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.match(effect, { onFailure: ({ _tag }) => _tag, onSuccess: () => "done" })
      const problems = problemsOf(4)
      assert.strictEqual(yield* tag(evaluations.add("e", 0, problems)), "EvaluationUnknown")
      assert.strictEqual(yield* tag(evaluations.state("e")), "EvaluationUnknown")
      yield* evaluations.create("e", evaluationSpec())
      assert.strictEqual(yield* tag(evaluations.create("e", evaluationSpec())), "done")
      assert.strictEqual(yield* tag(evaluations.create("e", evaluationSpec({ seed: 2 }))), "EvaluationTaken")
      assert.strictEqual(yield* tag(evaluations.start("e", 0)), "EvaluationNotReady")
      assert.strictEqual(yield* tag(evaluations.add("e", 1, problems)), "EvaluationNotReady")
      assert.strictEqual(yield* tag(evaluations.add("e", 0, problems)), "done")
      assert.strictEqual(yield* tag(evaluations.add("e", 0, problems)), "done")
      assert.strictEqual(yield* tag(evaluations.add("e", 0, problemsOf(5).slice(1))), "ProblemListTaken")
      assert.strictEqual(yield* tag(evaluations.start("e", 5)), "EvaluationNotReady")
      assert.strictEqual(yield* tag(evaluations.start("e", 4)), "done")
      assert.strictEqual(yield* tag(evaluations.add("e", 1, problems)), "EvaluationNotReady")
      assert.strictEqual((yield* over("e")).status, "done")
      assert.isAbove(maxProblems, 99_999)
    })).pipe(Effect.provide(evaluating(scripted)))
  })

  it.effect("gives the texts of samples with what they are worth", () => {
    const scripted = makeScripted(mostlyRight, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const evaluations = yield* Evaluations
      yield* begin("e", evaluationSpec(), problemsOf(4))
      yield* over("e")
      const { items, next } = yield* evaluations.samples("e", 3, 1)
      assert.deepStrictEqual(items.map(({ grade, sample, text }) => [sample, grade, text]), [
        [1, "wrong", boxed(0)],
        [2, "wrong", boxed(0)],
        [3, "wrong", boxed(0)]
      ])
      assert.isNull(next)
      assert.deepStrictEqual((yield* evaluations.samples("e", 9, 0)).items, [])
    })).pipe(Effect.provide(evaluating(scripted)))
  })
})
