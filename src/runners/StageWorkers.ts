// Stages in worker threads (WorkerPool.ts). A batch that outlives its deadline or kills its thread is done again row by row, and the row
// that does it alone fails alone.
import { Effect, Layer } from "effect"
import { RunnerStats } from "../actors/RunnerStats.ts"
import { StageExecutor, type WorkPlan } from "../actors/StageExecutor.ts"
import type { StageJob, StageWork } from "../domain/Segment.ts"
import { failed } from "../domain/Stage.ts"
import type { ToWorker } from "./StageWorker.ts"
import { type Broken, makePool } from "./WorkerPool.ts"

export interface StageWorkersOptions {
  /** Threads; at least 1. */
  readonly workers: number
  /** A batch that takes longer is broken up; a row alone that takes longer fails as `StageTimedOut`. Default 30,000. Read at each batch. */
  readonly batchMillis: number
  /** Heap of one thread. Default 512. */
  readonly heapMiB: number
  /** The program of a thread. Default: StageWorker beside this file. */
  readonly script?: URL
}

const maxBatchRows = 256

interface StageCall {
  readonly work: WorkPlan
  readonly job: StageJob
}

const stageWorker = new URL(import.meta.url.endsWith(".ts") ? "./StageWorker.ts" : "./StageWorker.js", import.meta.url)

export const layer = (options: StageWorkersOptions): Layer.Layer<StageExecutor> =>
  Layer.effect(
    StageExecutor,
    Effect.gen(function*() {
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => stagePool(options)),
        (pool) => Effect.promise(() => pool.close())
      )
      const stats = yield* RunnerStats
      stats.workers = pool.state
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (stats.workers === pool.state) stats.workers = undefined
        })
      )
      return StageExecutor.of({ run: (work, jobs) => pool.run(jobs.map((job) => ({ work, job }))) })
    })
  )

const stagePool = (options: StageWorkersOptions) =>
  makePool<StageCall, StageWork>({
    workers: options.workers,
    heapMiB: options.heapMiB,
    script: options.script ?? stageWorker,
    maxBatch: maxBatchRows,
    eager: true,
    tracked: false,
    // Live: read anew for each batch.
    limitMillis: () => options.batchMillis,
    plan: {
      id: ({ work }) => work.id,
      prepare: ({ work: { id, resources, stages } }): ToWorker => ({ _tag: "Prepare", id, stages, resources }),
      job: ({ job }) => job
    },
    broken: ({ job }, why) => ({ outcomes: [{ ord: job.from, outcome: failureOf(why), millis: 0 }], entries: [] })
  })

const failureOf = ({ detail, reason }: Broken) =>
  reason === "unprepared"
    ? failed("StageUnprepared", detail)
    : failed(reason === "time" ? "StageTimedOut" : "StageCrashed", `the stage ${detail}`)
