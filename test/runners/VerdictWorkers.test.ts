// The pool of verdict threads: order, pairs that break their thread, interruption, the queue's bound, closing, and the last resort.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import type { Worker } from "node:worker_threads"
import { LastResort, Verdicts } from "../../src/actors/Verdicts.ts"
import type { Ballots, Pair, TimedVerdict } from "../../src/actors/Verdicts/Asked.ts"
import * as VerdictWorkers from "../../src/runners/VerdictWorkers.ts"

const fixture = new URL("./VerdictWorkerFixture.ts", import.meta.url)

const over = (
  options: Partial<VerdictWorkers.VerdictWorkersOptions> = {},
  lastResort: Layer.Layer<LastResort> = LastResort.layerNone
) =>
  VerdictWorkers.layer({ workers: 1, pairMillis: 800, voteMillis: 800, heapMiB: 64, script: fixture, ...options }).pipe(
    Layer.provide(lastResort)
  )

const verify = (preds: ReadonlyArray<string>) =>
  Effect.flatMap(Verdicts, (verdicts) => verdicts.verify(preds.map((pred) => ({ gold: "", pred }))))
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `pair ${from + index}`)
const rules = (verdicts: ReadonlyArray<TimedVerdict>) =>
  verdicts.map(({ answer, rule, verdict }) => verdict === "equal" ? answer : `${verdict}: ${rule}`)
const until = (holds: () => boolean) => Effect.yieldNow.pipe(Effect.repeat({ until: () => holds() }))
const threadsStarted = Effect.acquireRelease(
  Effect.sync(() => {
    const threads: Array<Worker> = []
    const note = (thread: Worker) => void threads.push(thread)
    process.on("worker", note)
    return { threads, note }
  }),
  ({ note }) => Effect.sync(() => process.off("worker", note))
).pipe(Effect.map(({ threads }) => threads))

describe("verdict workers", () => {
  it.live("ask the last resort about what is undecided and has both answers, and about nothing else", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const lastResort = Layer.succeed(LastResort, {
        decide: ({ pred }, { gold, rule }) =>
          Effect.sync(() => {
            asked.push(`${gold} ${pred} ${rule}`)
            return pred === "doubt 2" ? "undecided" as const : "unequal" as const
          })
      })
      const verdicts = yield* verify(["pair", "doubt 1", "doubt 2", "exit"]).pipe(Effect.provide(over({}, lastResort)))
      assert.deepStrictEqual(rules(verdicts), [
        "pair",
        "unequal: last-resort",
        "undecided: fixture",
        "undecided: crash"
      ])
      assert.deepStrictEqual(asked.map((one) => one.replace(/^\d+ /, "")), ["doubt 1 fixture", "doubt 2 fixture"])
    }))

  it.live("share batches by what pairs weigh, so that long ones do not fill a thread's heap together", () =>
    Effect.gen(function*() {
      const long = numbered(40).map((name) => name.padEnd(2_000_000))
      const verdicts = yield* verify(long).pipe(Effect.provide(over()))
      assert.deepStrictEqual(rules(verdicts).map((answer) => answer?.trim()), numbered(40))
    }))

  it.live("answer pairs in order, over many batches and several threads", () =>
    Effect.gen(function*() {
      const [one, other] = yield* Effect.all([verify(numbered(2_000)), verify(numbered(300, 5_000))], {
        concurrency: 2
      })
      assert.deepStrictEqual(rules(one), numbered(2_000))
      assert.deepStrictEqual(rules(other), numbered(300, 5_000))
      assert.deepStrictEqual(yield* verify([]), [])
    }).pipe(Effect.provide(over({ workers: 2 }))))

  it.live("judge and vote as the same rules do without threads", () =>
    Effect.gen(function*() {
      const answers = [
        "1/2",
        "0.5",
        "\\boxed{\\frac{1}{2}}",
        "50\\%",
        "x+1",
        "1+x",
        "(1,2)",
        "",
        "2^{10}",
        "1024",
        "\\frac{"
      ]
      const pairs = answers.flatMap((gold) => answers.map((pred): Pair => ({ gold, pred })))
      const ballots = answers.map((gold): Ballots => ({ gold, samples: answers.map((text) => ({ text })) }))
      const timeless = (all: ReadonlyArray<TimedVerdict>) => all.map(({ ms: _, ...verdict }) => verdict)
      const both = Effect.flatMap(Verdicts, ({ verify, vote }) => Effect.all([verify(pairs), vote(ballots)]))
      const [verdicts, votes] = yield* both.pipe(
        Effect.provide(
          VerdictWorkers.layer({ workers: 2, pairMillis: 30_000, voteMillis: 30_000, heapMiB: 256 }).pipe(
            Layer.provide(LastResort.layerNone)
          )
        )
      )
      const [here, votesHere] = yield* both.pipe(
        Effect.provide(Layer.provide(Verdicts.layerMemory, LastResort.layerNone))
      )
      assert.deepStrictEqual(timeless(verdicts), timeless(here))
      assert.deepStrictEqual(votes, votesHere)
      assert.include(verdicts.map(({ verdict }) => verdict), "equal")
    }))

  it.live("start no thread before there is a pair, and no more than there are batches", () =>
    Effect.gen(function*() {
      const threads = yield* threadsStarted
      yield* Effect.gen(function*() {
        yield* Verdicts
        assert.strictEqual(threads.length, 0)
        yield* verify(numbered(3))
        assert.strictEqual(threads.length, 1)
      }).pipe(Effect.provide(over({ workers: 8 })))
      assert.deepStrictEqual(threads.map(({ threadId }) => threadId), [-1])
    }))

  for (const [act, rule] of [["hang", "time"], ["eat", "memory"], ["throw", "crash"], ["exit", "crash"]] as const) {
    it.live(`lose one verdict to a pair that breaks its thread (${act}: ${rule})`, () =>
      Effect.gen(function*() {
        const threads = yield* threadsStarted
        const preds = [...numbered(200), act, ...numbered(200, 200)]
        // Only the pair that hangs may run into its limit here.
        const pairMillis = act === "hang" ? 400 : 60_000
        const [verdicts, beside] = yield* Effect.all([verify(preds), verify(numbered(2))], { concurrency: 2 }).pipe(
          Effect.provide(over({ pairMillis }))
        )
        const expected = [...numbered(200), `undecided: ${rule}`, ...numbered(200, 200)]
        assert.deepStrictEqual(rules(verdicts), expected)
        assert.deepStrictEqual(rules(beside), numbered(2))
        assert.strictEqual(threads.length, 2)
        const lost = verdicts[200]
        assert.deepStrictEqual([lost?.gold, lost?.answer], [null, null])
      }))
  }

  it.live("lose one verdict a pair also where many of a batch break their threads", () =>
    Effect.gen(function*() {
      const preds = ["exit", "pair 0", "throw", "hang", "pair 1", "exit", "hang"]
      assert.deepStrictEqual(rules(yield* verify(preds)), [
        "undecided: crash",
        "pair 0",
        "undecided: crash",
        "undecided: time",
        "pair 1",
        "undecided: crash",
        "undecided: time"
      ])
    }).pipe(Effect.provide(over())))

  it.live("never hold the pairs of a batch together against the limit of one", () =>
    Effect.gen(function*() {
      // Twenty naps of 100 ms are more than twice the limit.
      assert.deepStrictEqual(rules(yield* verify(Array.from({ length: 20 }, () => "nap"))), new Array(20).fill("nap"))
    }).pipe(Effect.provide(over())))

  it.live("give a vote up that outlives its limit, alone", () =>
    Effect.gen(function*() {
      const { vote } = yield* Verdicts
      const results = yield* vote(["", "hang", ""].map((gold) => ({ samples: [], gold })))
      assert.deepStrictEqual(results.map(({ _tag }) => _tag), ["Decided", "GivenUp", "Decided"])
      assert.deepInclude(results[1], { rule: "time", detail: "The vote took longer than 800 ms" })
    }).pipe(Effect.provide(over())))

  it.live("stop work that nobody waits for any more", () =>
    Effect.gen(function*() {
      const threads = yield* threadsStarted
      yield* Effect.gen(function*() {
        const naps = yield* Effect.forkChild(verify(Array.from({ length: 128 }, () => "nap")))
        yield* until(() => threads.length === 1)
        yield* Fiber.interrupt(naps)
        const [next] = yield* verify(["pair"])
        // Of the 128, ten seconds and more together, few were begun.
        assert.strictEqual(next?.answer, "pair")
        assert.isBelow(Number(next?.gold), 20)
      }).pipe(Effect.provide(over()))
    }))

  it.live("give a thread up that is long at a vote that nobody waits for any more", () =>
    Effect.gen(function*() {
      const threads = yield* threadsStarted
      yield* Effect.gen(function*() {
        const { vote } = yield* Verdicts
        const begun = yield* Effect.acquireRelease(
          Effect.sync(() => new BroadcastChannel("verdict worker fixture")),
          (channel) => Effect.sync(() => channel.close())
        )
        const heard = yield* Effect.forkChild(
          Effect.callback<void>((resume) =>
            begun.addEventListener("message", () => resume(Effect.void), { once: true })
          ),
          { startImmediately: true }
        )
        const hung = yield* Effect.forkChild(vote([{ samples: [], gold: "say and hang" }]))
        yield* Fiber.join(heard)
        yield* Fiber.interrupt(hung)
        assert.deepStrictEqual(rules(yield* verify(["pair"])), ["pair"])
        assert.strictEqual(threads.length, 2)
        // The limit of a vote is far beyond that of this test.
      }).pipe(Effect.provide(over({ voteMillis: 600_000, pairMillis: 600_000 })))
    }), 300_000)

  it.live("fail the pairs they are given where they cannot start, and are not started for ever", () =>
    Effect.gen(function*() {
      const threads = yield* threadsStarted
      const verdicts = yield* verify(numbered(3)).pipe(
        Effect.provide(over({ script: new URL("./no-such-worker.ts", import.meta.url) }))
      )
      assert.deepStrictEqual(rules(verdicts), new Array(3).fill("undecided: crash"))
      assert.isAtMost(threads.length, 3)
    }))

  it.live("end all their threads with the scope, also those at work", () =>
    Effect.gen(function*() {
      const threads = yield* threadsStarted
      yield* Effect.gen(function*() {
        yield* Effect.forkChild(verify(["hang"]), { startImmediately: true })
        yield* Effect.forkChild(verify(["hang"]), { startImmediately: true })
        yield* until(() => threads.length === 2)
      }).pipe(Effect.provide(over({ workers: 3, pairMillis: 60_000 })))
      assert.deepStrictEqual(threads.map(({ threadId }) => threadId), [-1, -1])
    }))
})
