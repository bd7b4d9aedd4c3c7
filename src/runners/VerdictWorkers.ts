// Verdicts and votes in worker threads: a text that hangs the rules, or needs more memory than a thread has, costs its own verdict and no other.
// Threads start when there is work for them. What waits is bounded: callers beyond that wait their turn, in order.
import { Effect, Layer, Semaphore } from "effect"
import { LastResort, Verdicts, withLastResort } from "../actors/Verdicts.ts"
import {
  type BrokenRule,
  brokenVerdict,
  type GivenUp,
  type TimedVerdict,
  type VoteResult
} from "../actors/Verdicts/Asked.ts"
import type { VerdictJob, VerdictWork } from "./VerdictWorker.ts"
import { type Broken, makePool } from "./WorkerPool.ts"

export interface VerdictWorkersOptions {
  /** Threads, at most. */
  readonly workers: number
  /** A pair that takes longer is undecided by the rule `time`. */
  readonly pairMillis: number
  /** A vote that takes longer is given up. */
  readonly voteMillis: number
  /** Heap of one thread. */
  readonly heapMiB: number
  /** The program of a thread. Default: VerdictWorker beside this file. */
  readonly script?: URL
}

/** Pairs that travel to a thread together, and votes. */
const batchPairs = 128
const batchVotes = 8
/** Characters of a batch: two batches and the work on them must fit the heap of a thread. */
const batchCharacters = 8_000_000

const charactersOf = (job: VerdictJob): number =>
  job._tag === "Pair"
    ? job.pair.gold.length + job.pair.pred.length
    : job.ballots.samples.reduce((sum, { answer, text }) => sum + (answer?.length ?? 0) + (text?.length ?? 0), 0)

/** What the pool holds for each thread, in batches; what is beyond waits with its caller, in turn. */
const batchesPerThread = 4

const verdictWorker = new URL(
  import.meta.url.endsWith(".ts") ? "./VerdictWorker.ts" : "./VerdictWorker.js",
  import.meta.url
)

export const layer = (options: VerdictWorkersOptions): Layer.Layer<Verdicts, never, LastResort> =>
  Layer.effect(
    Verdicts,
    Effect.gen(function*() {
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => verdictPool(options)),
        (pool) => Effect.promise(() => pool.close())
      )
      const held = Math.max(1, options.workers) * batchesPerThread
      const turns = yield* Semaphore.make(held * batchPairs)
      const work = Effect.fnUntraced(function*(jobs: ReadonlyArray<VerdictJob>, size: number) {
        const batches = Array.from(
          { length: Math.ceil(jobs.length / size) },
          (_, at) => jobs.slice(at * size, (at + 1) * size)
        )
        const run = (batch: ReadonlyArray<VerdictJob>) =>
          turns.withPermits(batch.length * (batchPairs / size))(pool.run(batch))
        const works = yield* Effect.forEach(batches, run, { concurrency: held })
        return works.flat()
      })
      return Verdicts.of({
        // A job of one kind has work of the same kind.
        verify: withLastResort(yield* LastResort, (pairs) =>
          work(pairs.map((pair) => ({ _tag: "Pair", pair })), batchPairs) as Effect.Effect<
            ReadonlyArray<TimedVerdict>
          >),
        vote: (all) =>
          work(all.map((ballots) => ({ _tag: "Ballots", ballots })), batchVotes) as Effect.Effect<
            ReadonlyArray<VoteResult | GivenUp>
          >
      })
    })
  )

const verdictPool = (options: VerdictWorkersOptions) => {
  const { heapMiB, script = verdictWorker, workers } = options
  const limitMillis = ({ _tag }: VerdictJob) => _tag === "Pair" ? options.pairMillis : options.voteMillis
  return makePool<VerdictJob, VerdictWork>({
    workers,
    heapMiB,
    script,
    maxBatch: batchPairs,
    weight: { of: charactersOf, most: batchCharacters },
    eager: false,
    tracked: true,
    limitMillis,
    broken: (job, why) => {
      const rule = ruleOf(why)
      return job._tag === "Pair"
        ? { ...brokenVerdict(rule), ms: rule === "time" ? options.pairMillis : 0 }
        : { _tag: "GivenUp", rule, detail: `The vote ${why.detail}` }
    }
  })
}

const ruleOf = ({ reason }: Broken): BrokenRule => reason === "unprepared" ? "crash" : reason
