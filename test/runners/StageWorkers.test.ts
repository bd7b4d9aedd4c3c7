// The pool of stage threads: batches, rows that break their thread, interruption, plans and closing.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { setFlagsFromString } from "node:v8"
import type { Worker } from "node:worker_threads"
import { StageExecutor, type WorkPlan } from "../../src/actors/StageExecutor.ts"
import type { StageJob, StageWork } from "../../src/domain/Segment.ts"
import type { Fields } from "../../src/domain/Stage.ts"
import * as StageWorkers from "../../src/runners/StageWorkers.ts"

const fixture = new URL("./StageWorkerFixture.ts", import.meta.url)
/** Long enough for a thread to start on a busy machine, short enough to be waited for by the tests of hanging rows. */
const batchMillis = 2_000

const over = (options: Partial<StageWorkers.StageWorkersOptions> = {}) =>
  StageWorkers.layer({ workers: 1, batchMillis, heapMiB: 64, script: fixture, ...options })

const planNamed = (id: string, stages: WorkPlan["stages"] = []): WorkPlan => ({
  id,
  stages,
  resources: { benchmarks: [], seed: 1 },
  plan: { id, stages: [] } as unknown as WorkPlan["plan"] // threads make their own from `stages`
})
const plan = planNamed("plan")
const job = (fields: Fields): StageJob => ({ fields, from: 0, to: 1, index: [] })
const named = (name: string, act = "answer") => job({ name, do: act })
const numbered = (count: number) => Array.from({ length: count }, (_, index) => named(`row ${index}`))

const run = (jobs: ReadonlyArray<StageJob>, work = plan) =>
  Effect.flatMap(StageExecutor, (executor) => executor.run(work, jobs))

/** Each row in a word: its name, or the tag of its failure. */
const inShort = (works: ReadonlyArray<StageWork>) =>
  works.map(({ outcomes }) => {
    const outcome = outcomes[0]?.outcome
    return outcome?._tag === "Kept" ? outcome.patch["name"] : outcome?._tag === "Failed" ? outcome.error.tag : outcome
  })
const details = (works: ReadonlyArray<StageWork>) =>
  works.map(({ outcomes }) => {
    const outcome = outcomes[0]?.outcome
    assert(outcome?._tag === "Kept")
    return outcome.detail as { readonly batch: number; readonly seen: ReadonlyArray<string> }
  })

describe("stage workers", () => {
  it.live("answer the rows of a call in order, over several batches and threads", () =>
    Effect.gen(function*() {
      const works = yield* run(numbered(1_000))
      assert.deepStrictEqual(inShort(works), numbered(1_000).map(({ fields }) => fields["name"]))
      assert.isAtMost(Math.max(...details(works).map(({ batch }) => batch)), 256)
      assert.deepStrictEqual(yield* run([]), [])
    }).pipe(Effect.provide(over({ workers: 2 }))))

  it.live("merge calls that wait for a thread into one batch, but never calls of different plans", () =>
    Effect.gen(function*() {
      const plans = [plan, planNamed("other")] as const
      const works = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, index) => index),
        (index) => run([named(`row ${index}`)], plans[index < 22 ? 0 : 1]),
        { concurrency: "unbounded" }
      )
      // Two go to the thread at once; what comes while it works goes together.
      const sizes = details(works.flat()).map(({ batch }) => batch)
      assert.deepStrictEqual(sizes, [
        1,
        1,
        ...Array.from({ length: 20 }, () => 20),
        ...Array.from({ length: 18 }, () => 18)
      ])
      assert.deepStrictEqual(inShort(works.flat()), numbered(40).map(({ fields }) => fields["name"]))
    }).pipe(Effect.provide(over())))

  for (const act of ["throw", "exit", "eat"]) {
    it.live(`fail a row that breaks its thread (${act}) alone, as StageCrashed, and answer all others`, () =>
      Effect.gen(function*() {
        const jobs = [...numbered(3), named("bad", act), ...numbered(3)]
        const [works, beside] = yield* Effect.all([run(jobs), run(numbered(2))], { concurrency: "unbounded" })
        const good = ["row 0", "row 1", "row 2"]
        assert.deepStrictEqual(inShort(works), [...good, "StageCrashed", ...good])
        assert.deepStrictEqual(inShort(beside), ["row 0", "row 1"])
      }).pipe(Effect.provide(over({ batchMillis: 30_000 }))))
  }

  it.live("hold a thread to its heap although the program was started with a larger one", () =>
    Effect.gen(function*() {
      setFlagsFromString("--max-old-space-size=4096")
      assert.deepStrictEqual(
        inShort(yield* run([named("bad", "eat"), named("good")]).pipe(Effect.provide(over({ batchMillis: 30_000 })))),
        ["StageCrashed", "good"]
      )
    }))

  it.live("fail a row that outlives its deadline alone, as StageTimedOut, and answer all others", () =>
    Effect.gen(function*() {
      const works = yield* run([named("before"), named("bad", "hang"), named("after")])
      assert.deepStrictEqual(inShort(works), ["before", "StageTimedOut", "after"])
      const failed = works[1]?.outcomes[0]?.outcome
      assert(failed?._tag === "Failed")
      assert.strictEqual(failed.error.message, `the stage took longer than ${batchMillis} ms`)
    }).pipe(Effect.provide(over())))

  it.live("never begin a call whose caller has gone while it waited", () =>
    Effect.gen(function*() {
      const hanging = yield* Effect.forkChild(run([named("hanging", "hang")]), { startImmediately: true })
      const next = yield* Effect.forkChild(run([named("next")]), { startImmediately: true })
      const gone = yield* Effect.forkChild(run([named("gone")]), { startImmediately: true })
      yield* Fiber.interrupt(gone)
      assert.deepStrictEqual(inShort(yield* Fiber.join(hanging)), ["StageTimedOut"])
      assert.deepStrictEqual(inShort(yield* Fiber.join(next)), ["next"])
      assert.deepStrictEqual(details(yield* run([named("last")])), [{ batch: 1, seen: ["next", "last"] }])
    }).pipe(Effect.provide(over())))

  it.live("prepare a plan again that a thread has let go for newer ones", () =>
    Effect.gen(function*() {
      const stages = [{ name: "normalise", params: {} }]
      const problem = { problem: "What   is $2+2$ ?" }
      const expected = inOutcome(yield* run([job(problem)], planNamed("plan 0", stages)))
      assert.strictEqual(expected, "Kept")
      for (const id of [1, 2, 3, 4, 5, 6, 0, 3, 0]) {
        assert.strictEqual(inOutcome(yield* run([job(problem)], planNamed(`plan ${id}`, stages))), expected)
      }
    }).pipe(Effect.provide(StageWorkers.layer({ workers: 1, batchMillis: 30_000, heapMiB: 256 }))))

  it.live("say of a plan that cannot be prepared why, for each row", () =>
    Effect.gen(function*() {
      const works = yield* run([job({ problem: "P" })], planNamed("bad", [{ name: "no-such-stage", params: {} }]))
      assert.deepStrictEqual(inShort(works), ["StageUnprepared"])
    }).pipe(Effect.provide(StageWorkers.layer({ workers: 1, batchMillis: 30_000, heapMiB: 256 }))))

  it.live("that cannot start fail the rows they are given and are not started for ever", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(inShort(yield* run(numbered(3))), ["StageCrashed", "StageCrashed", "StageCrashed"])
    }).pipe(Effect.provide(over({ script: new URL("./no-such-worker.ts", import.meta.url) }))))

  it.live("end all their threads with the scope, also those at work", () =>
    Effect.gen(function*() {
      const threads: Array<Worker> = []
      const note = (thread: Worker) => void threads.push(thread)
      process.on("worker", note)
      yield* Effect.gen(function*() {
        yield* run(numbered(2))
        yield* Effect.forkChild(run([named("hanging", "hang")]), { startImmediately: true })
        assert.strictEqual(threads.filter(({ threadId }) => threadId > 0).length, 3)
      }).pipe(Effect.provide(over({ workers: 3 })))
      process.off("worker", note)
      assert.deepStrictEqual(threads.map(({ threadId }) => threadId), [-1, -1, -1])
    }))
})

const inOutcome = (works: ReadonlyArray<StageWork>) => works[0]?.outcomes[0]?.outcome._tag
