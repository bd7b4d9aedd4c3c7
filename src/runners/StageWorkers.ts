// Stages in worker threads. Calls that wait are merged into batches; a worker has one batch in work and one waiting, so it never idles.
// A batch that outlives its deadline or kills its thread is done again row by row, and the row that does it alone fails alone.
import { Effect, Layer } from "effect"
import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import { RunnerStats, type WorkerState } from "../actors/RunnerStats.ts"
import { StageExecutor, type WorkPlan } from "../actors/StageExecutor.ts"
import type { StageJob, StageWork } from "../domain/Segment.ts"
import { failed } from "../domain/Stage.ts"
import type { FromWorker, ToWorker } from "./StageWorker.ts"

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

interface Call {
  readonly work: WorkPlan
  readonly job: StageJob
  readonly done: (work: StageWork) => void
  /** It was in a batch that broke: it runs alone. */
  alone: boolean
}
interface Batch {
  readonly call: number
  readonly calls: ReadonlyArray<Call>
}
interface Thread {
  readonly worker: Worker
  readonly prepared: Set<string>
  /** The first is in work, the second waits in the thread's mailbox. */
  readonly batches: Array<Batch>
  timer: NodeJS.Timeout | undefined
}

const stageWorker = new URL(import.meta.url.endsWith(".ts") ? "./StageWorker.ts" : "./StageWorker.js", import.meta.url)

export const layer = (options: StageWorkersOptions): Layer.Layer<StageExecutor> =>
  Layer.effect(
    StageExecutor,
    Effect.gen(function*() {
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => makePool(options)),
        (pool) => Effect.promise(() => pool.close())
      )
      const stats = yield* RunnerStats
      stats.workers = pool.state
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (stats.workers === pool.state) stats.workers = undefined
        })
      )
      return StageExecutor.of({
        run: (work, jobs) =>
          jobs.length === 0 ? Effect.succeed([]) : Effect.callback<ReadonlyArray<StageWork>>((resume) => {
            const works: Array<StageWork> = new Array(jobs.length)
            let missing = jobs.length
            const calls = jobs.map((job, index): Call => ({
              work,
              job,
              alone: false,
              done: (result) => {
                works[index] = result
                if (--missing === 0) resume(Effect.succeed(works))
              }
            }))
            pool.submit(calls)
            return Effect.sync(() => pool.withdraw(calls))
          })
      })
    })
  )

const makePool = (options: StageWorkersOptions) => {
  const { heapMiB, script = stageWorker, workers } = options
  // A heap flag of the program would hold for every new thread and win over the limit below; the main heap has its size already.
  setFlagsFromString("--max-old-space-size=0")
  let waiting: Array<Call> = []
  let calls = 0
  let closed = false
  const threads: Array<Thread> = []

  const start = (): void => {
    const worker = new Worker(script, {
      resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 24 },
      execArgv: ["--disable-warning=ExperimentalWarning"]
    })
    const thread: Thread = { worker, prepared: new Set(), batches: [], timer: undefined }
    worker.on("message", (message: FromWorker) => answered(thread, message))
    worker.on("error", (error) => broken(thread, "StageCrashed", `the stage crashed its thread: ${error.message}`))
    worker.on("exit", (code) => broken(thread, "StageCrashed", `the stage ended its thread (code ${code})`))
    threads.push(thread)
  }
  const startAll = (): void => {
    while (threads.length < Math.max(1, workers)) start()
  }
  const post = (thread: Thread, message: ToWorker): void => thread.worker.postMessage(message)

  const dispatch = (): void => {
    // A thread that broke is replaced when there is work, so that one that can never start costs the calls it fails and no more.
    if (waiting.length > 0) startAll()
    for (const thread of threads) {
      while (thread.batches.length < 2 && waiting.length > 0) {
        const first = waiting[0] as Call
        let size = 1
        while (size < maxBatchRows && !first.alone) {
          const next = waiting[size]
          if (next === undefined || next.alone || next.work.id !== first.work.id) break
          size++
        }
        send(thread, waiting.splice(0, size))
      }
    }
  }
  const send = (thread: Thread, batch: ReadonlyArray<Call>): void => {
    const { work } = batch[0] as Call
    if (!thread.prepared.has(work.id)) {
      thread.prepared.add(work.id)
      post(thread, { _tag: "Prepare", id: work.id, stages: work.stages, resources: work.resources })
    }
    const call = ++calls
    thread.batches.push({ call, calls: batch })
    if (thread.batches.length === 1) watch(thread)
    post(thread, { _tag: "Run", call, id: work.id, jobs: batch.map(({ job }) => job) })
  }
  const watch = (thread: Thread): void => {
    clearTimeout(thread.timer)
    const { batchMillis } = options
    thread.timer = thread.batches.length === 0
      ? undefined
      : setTimeout(() => broken(thread, "StageTimedOut", `the stage took longer than ${batchMillis} ms`), batchMillis)
  }
  const answered = (thread: Thread, message: FromWorker): void => {
    // What a thread says while it is being ended comes too late: its rows are done again.
    if (!threads.includes(thread)) return
    const batch = thread.batches.shift()
    watch(thread)
    if (batch === undefined) return
    if (message._tag === "Done") batch.calls.forEach((call, index) => call.done(message.works[index] ?? lost))
    else {
      // The thread let go of this plan for newer ones, or could not prepare it.
      const plan = batch.calls[0]?.work.id ?? ""
      thread.prepared.delete(plan)
      if (message.detail === "") waiting = batch.calls.concat(waiting)
      else for (const call of batch.calls) call.done(failure(call.job, "StageUnprepared", message.detail))
    }
    dispatch()
  }
  /** Ends the thread and does its batches again, the one that broke it row by row. */
  const broken = (thread: Thread, tag: string, message: string): void => {
    const at = threads.indexOf(thread)
    if (at < 0) return
    threads.splice(at, 1)
    clearTimeout(thread.timer)
    void thread.worker.terminate()
    const [inWork, ...others] = thread.batches
    const again: Array<Call> = []
    if (inWork !== undefined) {
      const [only] = inWork.calls
      if (inWork.calls.length === 1 && only !== undefined) only.done(failure(only.job, tag, message))
      else for (const call of inWork.calls) again.push(Object.assign(call, { alone: true }))
    }
    for (const batch of others) again.push(...batch.calls)
    waiting = again.concat(waiting)
    if (!closed) dispatch()
  }

  startAll()
  return {
    state: (): WorkerState => ({
      workers: threads.length,
      busy: threads.filter(({ batches }) => batches.length > 0).length,
      waiting: threads.reduce(
        (sum, { batches: [, next] }) => sum + (next === undefined ? 0 : next.calls.length),
        waiting.length
      )
    }),
    submit: (batch: ReadonlyArray<Call>): void => {
      waiting.push(...batch)
      dispatch()
    },
    withdraw: (batch: ReadonlyArray<Call>): void => {
      const gone = new Set(batch)
      waiting = waiting.filter((call) => !gone.has(call))
    },
    close: async (): Promise<void> => {
      closed = true
      const all = threads.splice(0)
      for (const { timer } of all) clearTimeout(timer)
      await Promise.all(all.map(({ worker }) => worker.terminate()))
    }
  }
}

const failure = (job: StageJob, tag: string, message: string): StageWork => ({
  outcomes: [{ ord: job.from, outcome: failed(tag, message), millis: 0 }],
  entries: []
})
const lost: StageWork = { outcomes: [], entries: [] }
