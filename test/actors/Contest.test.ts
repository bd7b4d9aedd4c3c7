// Contests over real solves and a scripted model: what they answer, when they end, and what a crash costs.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Layer, Stream } from "effect"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import * as Contesting from "../../src/actors/Contesting.ts"
import { Contests } from "../../src/actors/Contests.ts"
import { Solves } from "../../src/actors/Solves.ts"
import { type ContestSpec, defaultReserve } from "../../src/domain/Contest.ts"
import { ServerFailed } from "../../src/domain/Generation/Errors.ts"
import { makeScripted, promptText, says, type Script } from "./ScriptedGeneration.ts"
import { inVirtualTime, type Scripted, solving, strategyOf, survivingStore } from "./SolveFixture.ts"

const boxed = (answer: string | number) => `So it is $\\boxed{${answer}}$.`
const specOf = (changes: Partial<ContestSpec> = {}): ContestSpec => {
  const totalMillis = changes.totalMillis ?? 300_000
  return {
    model: "m",
    strategy: strategyOf("majority-8"),
    seed: 3,
    mode: "given",
    problems: 3,
    totalMillis,
    reserveMillis: defaultReserve(totalMillis),
    parallel: 1,
    passes: 2,
    hardQuota: null,
    modulo: null,
    fallback: 0,
    owner: "test",
    ...changes
  }
}
const problems = ["one", "two", "three"].map((id) => ({ id, problem: `What is the number ${id}?` }))
const contesting = (scripted: Scripted, store?: Parameters<typeof solving>[1], supervise = true) =>
  Contesting.layer(supervise).pipe(Layer.provideMerge(solving(scripted, store, supervise)))
/** What the model says, by the word of the problem. */
const scriptOf = (answers: (word: string, seed: number | null) => ReturnType<Script>): Scripted =>
  makeScripted((request, _, seed) => {
    const word = /the number (\w+)\?/.exec(promptText(request.prompt))?.[1] ?? ""
    return answers(word, seed)
  }, { models: ["m"] })
const numbers: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3 }
const last = (id: string) =>
  Effect.gen(function*() {
    const contests = yield* Contests
    const end = yield* Stream.runLast(contests.watch(id))
    if (end._tag === "None") throw new Error("nothing was seen")
    return end.value
  })

describe("a contest", () => {
  it.effect("answers every problem, one after the other, and ends when nothing is left to do", () => {
    const scripted = scriptOf((word) => Effect.delay(says(boxed(numbers[word] ?? "x")), "5 seconds"))
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      yield* contests.start("c", specOf(), problems)
      const end = yield* last("c")
      assert.strictEqual(end.status, "done")
      assert.deepStrictEqual(end.rows, [
        { id: "one", answer: 1 },
        { id: "two", answer: 2 },
        { id: "three", answer: 3 }
      ])
      assert.isBelow((end.endedMillis ?? 0) - end.startedMillis, 300_000)
      assert.isAbove(end.tokens, 0)
      assert.isAtMost(scripted.mostRunning(), 8)
      // The same start again changes nothing; another one is refused.
      yield* contests.start("c", specOf(), problems)
      assert.strictEqual((yield* contests.view("c")).status, "done")
      const taken = yield* Effect.flip(contests.start("c", specOf({ seed: 4 }), problems))
      assert.strictEqual(taken._tag, "ContestTaken")
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("is over in time, with what leads or the fallback, although the model never answers", () => {
    const scripted = scriptOf((word, seed) =>
      word === "one" && seed !== null && seed % 2 === 0 ? says(boxed(77)) : Effect.never
    )
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      const spec = specOf({ totalMillis: 30_000, fallback: 9, passes: 1 })
      yield* contests.start("c", spec, problems)
      const end = yield* last("c")
      assert.isAtMost((end.endedMillis ?? 0) - end.startedMillis, 30_000)
      assert.deepStrictEqual(end.rows.slice(1).map(({ answer }) => answer), [9, 9])
      assert.include([77, 9], end.rows[0]?.answer)
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.running() === 0 })
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("asks a problem again when its votes disagree, and adds both votes", () => {
    let asked = 0
    const scripted = scriptOf((word) =>
      Effect.suspend(() => {
        if (word !== "two") return says(boxed(numbers[word] ?? "x"))
        // Eight answers that all differ, then equal ones.
        asked++
        return says(boxed(asked <= 8 ? 100 + asked : 102))
      })
    )
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      yield* contests.start("c", specOf(), problems)
      const end = yield* last("c")
      assert.strictEqual(end.rows[1]?.answer, 102)
      assert.deepStrictEqual(end.problems.map(({ passes }) => passes), [1, 2, 1])
      assert.isAtLeast(end.problems[1]?.votes ?? 0, 4)
      assert.strictEqual((yield* (yield* Solves).state("c:1:pass2")).status, "done")
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("never asks the model for more than the problem, and counts only whole numbers in range", () => {
    const scripted = scriptOf((word) => says(boxed(word === "one" ? "1/2" : word === "two" ? "100000" : "99999")))
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      yield* contests.start("c", specOf({ passes: 1 }), problems)
      const end = yield* last("c")
      assert.deepStrictEqual(end.rows.map(({ answer }) => answer), [0, 0, 99_999])
      assert.deepStrictEqual(end.problems.map(({ answered }) => answered), [false, false, true])
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("tries again when the model was away, and says why where it never came back", () => {
    const away = new ServerFailed({ model: "m", status: 500, detail: "down", attempts: 1 })
    let failures = 0
    const scripted = scriptOf((word) =>
      Effect.suspend((): ReturnType<Script> => {
        if (word === "three") return Effect.fail(away)
        return failures++ < 24 ? Effect.fail(away) : says(boxed(numbers[word] ?? "x"))
      })
    )
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      yield* contests.start("c", specOf({ totalMillis: 120_000 }), problems)
      const end = yield* last("c")
      assert.deepStrictEqual(end.rows.map(({ answer }) => answer), [1, 2, 0])
      assert.strictEqual(end.problems[2]?.error?.tag, "ServerFailed")
      assert.isAtMost((end.endedMillis ?? 0) - end.startedMillis, 120_000)
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("ends when it is cancelled, keeps its answers and calls off what runs", () => {
    const reached = Deferred.makeUnsafe<void>()
    const scripted = scriptOf((word) =>
      word === "one" ? says(boxed(1)) : Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
    )
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      yield* contests.start("c", specOf(), problems)
      yield* Deferred.await(reached)
      yield* contests.cancel("c", "enough")
      const cancelledMillis = yield* Clock.currentTimeMillis
      const end = yield* contests.view("c")
      assert.deepStrictEqual([end.status, end.note], ["cancelled", "enough"])
      assert.deepStrictEqual(end.rows.map(({ answer }) => answer), [1, 0, 0])
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => scripted.running() === 0 })
      assert.isBelow((yield* Clock.currentTimeMillis) - cancelledMillis, 3_000)
      assert.strictEqual((yield* (yield* Solves).state("c:1:pass1")).status, "cancelled")
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("goes on after a crash with the time and the samples that are left", () =>
    Effect.gen(function*() {
      const reached = Deferred.makeUnsafe<void>()
      const before = scriptOf((word) =>
        word === "one" ? says(boxed(1)) : Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
      )
      const after = scriptOf((word) => says(boxed(numbers[word] ?? "x")))
      const store = yield* survivingStore
      const startedMillis = yield* Clock.currentTimeMillis
      yield* inVirtualTime(Effect.gen(function*() {
        yield* (yield* Contests).start("c", specOf(), problems)
        yield* Deferred.await(reached)
      })).pipe(Effect.provide(contesting(before, store)))
      yield* inVirtualTime(Effect.sleep("20 seconds"))
      const end = yield* inVirtualTime(last("c")).pipe(Effect.provide(contesting(after, store)))
      assert.deepStrictEqual(end.rows.map(({ answer }) => answer), [1, 2, 3])
      assert.strictEqual(end.startedMillis, startedMillis)
      // The problem that had its answer is not asked again, and the one under way is the same solve.
      assert.isFalse(after.asked.some(({ request }) => promptText(request.prompt).includes("number one?")))
      assert.deepStrictEqual(end.problems.map(({ passes }) => passes), [1, 1, 1])
    }), 300_000)

  it.effect("is over with what stands when its time went by while nobody drove it", () =>
    Effect.gen(function*() {
      const reached = Deferred.makeUnsafe<void>()
      const scripted = scriptOf((word) =>
        word === "one" ? says(boxed(1)) : Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
      )
      const store = yield* survivingStore
      yield* inVirtualTime(Effect.gen(function*() {
        yield* (yield* Contests).start("c", specOf(), problems)
        yield* Deferred.await(reached)
      })).pipe(Effect.provide(contesting(scripted, store)))
      const askedBefore = scripted.asked.length
      yield* inVirtualTime(Effect.sleep("10 minutes"))
      const end = yield* inVirtualTime(last("c")).pipe(Effect.provide(contesting(scripted, store)))
      assert.deepStrictEqual([end.status, ...end.rows.map(({ answer }) => answer)], ["done", 1, 0, 0])
      const again = scripted.asked.slice(askedBefore).filter(({ request }) =>
        promptText(request.prompt).includes("number three?")
      )
      assert.strictEqual(again.length, 0)
    }), 300_000)

  it.effect("answers problems one by one when it is served, the same one the same", () => {
    const scripted = scriptOf((word) => says(boxed(numbers[word] ?? "x")))
    return inVirtualTime(Effect.gen(function*() {
      const contests = yield* Contests
      yield* contests.start("c", specOf({ mode: "served", problems: 2 }), [])
      const [one, three] = [problems[0], problems[2]] as [typeof problems[0] & {}, typeof problems[0] & {}]
      const first = yield* Effect.all([contests.ask("c", one), contests.ask("c", one)], { concurrency: 2 })
      assert.deepStrictEqual(first, [{ id: "one", answer: 1, answered: true }, {
        id: "one",
        answer: 1,
        answered: true
      }])
      const other = yield* Effect.flip(contests.ask("c", { id: "one", problem: "another text" }))
      assert.strictEqual(other._tag, "ProblemRepeated")
      assert.strictEqual((yield* contests.view("c")).status, "running")
      assert.strictEqual((yield* contests.ask("c", three)).answer, 3)
      const end = yield* last("c")
      assert.deepStrictEqual([end.status, ...end.rows.map(({ id }) => id)], ["done", "one", "three"])
      const closed = yield* Effect.flip(contests.ask("c", { id: "four", problem: "x" }))
      assert.strictEqual(closed._tag, "ContestClosed")
      // Who asks for an answer that was given has it also afterwards.
      assert.strictEqual((yield* contests.ask("c", one)).answer, 1)
    })).pipe(Effect.provide(contesting(scripted)))
  }, 300_000)

  it.effect("refuses what makes no contest, before anything is stored", () =>
    Effect.gen(function*() {
      const contests = yield* Contests
      const why = (spec: ContestSpec, given: typeof problems) =>
        Effect.map(Effect.flip(contests.start("c", spec, given)), ({ _tag, message }) => `${_tag}: ${message}`)
      assert.include(yield* why(specOf({ problems: 4 }), problems), "ContestUnfit: ")
      assert.include(yield* why(specOf(), problems.map((one) => ({ ...one, id: "same" }))), "the id \"same\"")
      assert.include(yield* why(specOf({ reserveMillis: 300_000 }), problems), "reserve")
      assert.include(yield* why(specOf({ mode: "served" }), problems), "later")
      const long = problems.map((one) => ({ ...one, problem: "x".repeat(400_000) }))
      assert.include(yield* why(specOf(), long), "characters")
      assert.strictEqual((yield* Effect.flip(contests.view("c")))._tag, "ContestUnknown")
      assert.strictEqual((yield* Effect.flip(contests.cancel("c", "")))._tag, "ContestUnknown")
      assert.strictEqual((yield* Effect.flip(contests.ask("c", { id: "a", problem: "b" })))._tag, "ContestUnknown")
      const stored = yield* (yield* ActorStore).list("ContestProblem", { limit: 10 })
      assert.strictEqual(stored.length, 0)
    }).pipe(inVirtualTime, Effect.provide(contesting(scriptOf(() => says("")), undefined, false))))
})
