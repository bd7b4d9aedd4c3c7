import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Ref } from "effect"
import { Solves } from "../../src/actors/Solves.ts"
import { RequestRefused, ServerFailed } from "../../src/domain/Generation/Errors.ts"
import { maxAttempts, seedOf } from "../../src/domain/Solve.ts"
import { makeScripted, output, promptText, says } from "./ScriptedGeneration.ts"
import { inVirtualTime, solving, specOf, strategyOf, survivingStore } from "./SolveFixture.ts"

const boxed = (answer: string | number) => `So it is $\\boxed{${answer}}$.`
const sampleNumber = (seed: number | null): number => {
  for (let sample = 0; sample < 1_100; sample++) if (seedOf(7, sample) === seed) return sample
  return -1
}

describe("a solve", () => {
  it.effect("answers what most samples say, with equal answers in one group", () => {
    const answers = ["42", "\\frac{84}{2}", "41", "42.0", "7"]
    const scripted = makeScripted((_, __, seed) => says(boxed(answers[sampleNumber(seed)] ?? "0")), { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("majority-5", { stop: [] })))
      const state = yield* solves.outcome("s")
      assert.strictEqual(state.status, "done")
      assert.strictEqual(state.answer, "42")
      assert.deepStrictEqual(state.vote?.groups.map(({ votes }) => votes), [3, 1, 1])
      assert.strictEqual(state.stop?._tag, "AllFinished")
      assert.deepStrictEqual(state.samples.map(({ group }) => group), [0, 0, 1, 0, 2])
      assert.deepStrictEqual(state.samples.map(({ seed }) => seed), [0, 1, 2, 3, 4].map((k) => seedOf(7, k)))
      assert.strictEqual((yield* solves.text("s", 2))?.text, boxed(41))
      assert.strictEqual(yield* solves.text("s", 9), undefined)
      assert.strictEqual(scripted.asked.length, 5)
      assert.isFalse(scripted.asked.some(({ request }) => promptText(request.prompt).includes("42")))
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("stops when the law says so, and calls off what is under way within a second", () => {
    const scripted = makeScripted(
      (_, __, seed) => sampleNumber(seed) < 5 ? says(boxed(42)) : Effect.delay(says(boxed(1)), "1 hour"),
      { models: ["m"] }
    )
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("majority-16", { parallel: 8 })))
      const state = yield* solves.outcome("s")
      assert.strictEqual(state.answer, "42")
      assert.strictEqual(state.stop?._tag, "Confident")
      assert.strictEqual(state.samples.filter(({ status }) => status === "done").length, 4)
      const endedMillis = yield* Clock.currentTimeMillis
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.running() === 0 })
      assert.isBelow((yield* Clock.currentTimeMillis) - endedMillis, 1_000)
      assert.isAbove(scripted.interrupted(), 0)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("answers before its deadline with what leads, whatever hangs", () => {
    const scripted = makeScripted(
      (_, __, seed) => sampleNumber(seed) === 0 ? says(boxed(5)) : Effect.never,
      { models: ["m"] }
    )
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      const startedMillis = yield* Clock.currentTimeMillis
      yield* solves.start("s", specOf(strategyOf("majority-8"), { budget: { tokens: null, millis: 20_000 } }))
      const state = yield* solves.outcome("s")
      assert.deepStrictEqual([state.status, state.answer, state.stop?._tag], ["done", "5", "TimeUp"])
      assert.isBelow((yield* Clock.currentTimeMillis) - startedMillis, 20_000)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("ends with its error where no sample works, and tries again what may pass", () => {
    const scripted = makeScripted((_, __, ___, attempt) =>
      attempt === 1
        ? Effect.fail(new ServerFailed({ model: "m", status: 500, detail: "no", attempts: 3 }))
        : Effect.fail(new RequestRefused({ model: "m", status: 400, detail: "no such thing" })), { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("majority-3")))
      const state = yield* solves.outcome("s")
      assert.deepStrictEqual([state.status, state.error?.tag, state.stop?._tag], [
        "failed",
        "RequestRefused",
        "NoneWorked"
      ])
      assert.strictEqual(scripted.asked.length, 6)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("bears a server that counts wildly, and a sample that cannot be kept", () => {
    const usage = [{ promptTokens: 9e15, completionTokens: 9e15 }, { promptTokens: 0.5, completionTokens: 1 }]
    const scripted = makeScripted(
      (_, __, seed) => says(boxed(7), { usage: usage[sampleNumber(seed) === 2 ? 1 : 0] ?? usage[0] as never }),
      { models: ["m"] }
    )
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("majority-4", { stop: [] })))
      const state = yield* solves.outcome("s")
      assert.deepStrictEqual([state.answer, state.vote?.groups[0]?.votes], ["7", 3])
      assert.strictEqual(state.usage.completionTokens, Number.MAX_SAFE_INTEGER)
      assert.deepStrictEqual([state.samples[2]?.status, state.samples[2]?.error?.tag], ["failed", "Defect"])
      assert.strictEqual(scripted.asked.length, 4)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("gives up a sample that is called off whenever it is begun", () => {
    const scripted = makeScripted(
      (_, __, seed) => sampleNumber(seed) === 1 ? Effect.interrupt : says(boxed(7)),
      { models: ["m"] }
    )
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("majority-3", { stop: [] })))
      const state = yield* solves.outcome("s")
      assert.deepStrictEqual([state.answer, state.samples[1]?.error?.tag], ["7", "SampleGivenUp"])
      assert.strictEqual(scripted.asked.length, 2 + maxAttempts)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("spends no more tokens than it may", () => {
    const scripted = makeScripted(
      ({ parameters }, _, seed) =>
        says(boxed(sampleNumber(seed)), {
          usage: { promptTokens: 1, completionTokens: Math.min(40, parameters.maxTokens ?? 999) }
        }),
      { models: ["m"] }
    )
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start(
        "s",
        specOf(strategyOf("majority-16", { parallel: 1 }), { budget: { tokens: 100, millis: null } })
      )
      const state = yield* solves.outcome("s")
      assert.deepStrictEqual([state.stop?._tag, state.usage.completionTokens], ["TokensSpent", 100])
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("spends no more either where samples at once write all that they may", () => {
    const scripted = makeScripted(
      ({ parameters }, _, seed) =>
        says(boxed(sampleNumber(seed)), { usage: { promptTokens: 1, completionTokens: parameters.maxTokens ?? 999 } }),
      { models: ["m"] }
    )
    const of = (maxTokens: number | undefined) => ({
      parallel: 8,
      parameters: maxTokens === undefined ? {} : { maxTokens }
    })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      for (
        const [id, tokens, maxTokens, calls] of [["a", 100, undefined, 8], ["b", 100, 40, 3], ["c", 1, 40, 1]] as const
      ) {
        const before = scripted.asked.length
        yield* solves.start(id, specOf(strategyOf("majority-16", of(maxTokens)), { budget: { tokens, millis: null } }))
        const state = yield* solves.outcome(id)
        assert.deepStrictEqual([state.stop?._tag, state.usage.completionTokens], ["TokensSpent", tokens], id)
        // What even shares leave over goes to one sample more.
        assert.isAtMost(scripted.asked.length - before, calls + 1)
      }
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("can be cancelled, and its calls end", () => {
    const scripted = makeScripted(() => Effect.never, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("majority-4")))
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.running() === 4 })
      yield* solves.cancel("s", "enough")
      assert.strictEqual((yield* solves.outcome("s")).status, "cancelled")
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.running() === 0 })
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("lets a model select, in rounds where candidates are many", () => {
    const selections = Ref.makeUnsafe(0)
    const scripted = makeScripted(({ prompt }, _, seed) => {
      const text = promptText(prompt)
      if (!text.includes("Choice: NUMBER")) return says(boxed(sampleNumber(seed) < 6 ? 1 : 2))
      // Picks the solution whose answer is 2, if there is one.
      const parts = [...text.matchAll(/boxed\{(\d)\}/g)].map(([, digit]) => digit)
      const at = parts.indexOf("2")
      return Effect.andThen(Ref.update(selections, (n) => n + 1), says(`Choice: ${at < 0 ? 1 : at + 1}`))
    }, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("tournament-8", { stop: [] })))
      const state = yield* solves.outcome("s")
      assert.deepStrictEqual([state.status, state.answer, state.vote?.answer], ["done", "2", "1"])
      assert.strictEqual(state.rounds.at(-1)?.round, 2)
      assert.isAbove(yield* Ref.get(selections), 0)
      assert.strictEqual(state.samples[state.sample ?? -1]?.answer, "2")
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("weighs samples by what a verifier says", () => {
    const scripted = makeScripted(({ prompt }, _, seed) => {
      const text = promptText(prompt)
      if (text.includes("Judgement: yes")) {
        return says(`Judgement: ${text.includes("boxed{9}") ? "yes" : "no"}`)
      }
      return says(boxed(sampleNumber(seed) < 2 ? 8 : 9))
    }, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      yield* solves.start("s", specOf(strategyOf("weighted-verifier-4")))
      const state = yield* solves.outcome("s")
      assert.strictEqual(state.answer, "9")
      assert.deepStrictEqual(state.samples.map(({ figures }) => figures.verified), [0, 0, 1, 1])
      // Each sample's four words and the two of each of its four judgements.
      assert.deepStrictEqual(state.samples.map(({ usage }) => usage.completionTokens), [12, 12, 12, 12])
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("goes on elsewhere when its runner ends, and counts no sample twice", () => {
    const stuck = makeScripted(
      (_, __, seed) => sampleNumber(seed) < 3 ? says(boxed(3)) : Effect.never,
      { models: ["m"] }
    )
    const well = makeScripted(() => says(boxed(4)), { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const kept = yield* survivingStore
      yield* Effect.scoped(
        Effect.gen(function*() {
          const solves = yield* Solves
          yield* solves.start("s", specOf(strategyOf("majority-8", { stop: [], parallel: 5 })))
          yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => stuck.running() === 5 })
        }).pipe(Effect.provide(solving(stuck, kept)))
      )
      const state = yield* Effect.gen(function*() {
        return yield* (yield* Solves).outcome("s")
      }).pipe(Effect.provide(solving(well, kept)))
      assert.deepStrictEqual(state.samples.map(({ answer }) => answer), ["3", "3", "3", "4", "4", "4", "4", "4"])
      assert.deepStrictEqual(state.samples.map(({ attempt }) => attempt), [1, 1, 1, 2, 2, 2, 2, 2])
      assert.strictEqual(well.asked.length, 5)
      assert.strictEqual(state.vote?.samples, 8)
    })).pipe(Effect.scoped)
  })

  it.effect("is the same again for the same id, and refused for another question", () => {
    const scripted = makeScripted(() => Effect.succeed(output(boxed(1))), { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const solves = yield* Solves
      const spec = specOf(strategyOf("greedy"))
      yield* solves.start("s", spec)
      yield* solves.start("s", spec)
      yield* solves.outcome("s")
      yield* solves.start("s", spec)
      assert.strictEqual(scripted.asked.length, 1)
      const error = yield* Effect.flip(solves.start("s", { ...spec, seed: 8 }))
      assert.strictEqual(error._tag, "SolveTaken")
      assert.strictEqual((yield* Effect.flip(solves.state("other")))._tag, "SolveUnknown")
    })).pipe(Effect.provide(solving(scripted)))
  })
})
