// Jobs in worker threads. Jobs that wait are merged into batches; a thread has one batch in work and one waiting, so it never idles.
// A job that outlives its limit or kills its thread costs its own result and no other: where threads say which job they are at (`tracked`, see Jobs.ts),
// that job is given up and the rest is done again by a fresh thread; elsewhere the batch is done again job by job.
// Jobs must be pure: they may be done twice.
import { Effect } from "effect"
import { getCompileCacheDir } from "node:module"
import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import type { WorkerState } from "../actors/RunnerStats.ts"
import { type PoolAnswer, type RunMessage, Track } from "./WorkerPool/Jobs.ts"
import type { ThreadData } from "./WorkerPool/Thread.ts"

/** Why a job has no result. */
export interface Broken {
  readonly reason: "time" | "memory" | "crash" | "unprepared"
  readonly detail: string
}

export interface PoolOptions<Job, Work> {
  /** Threads; at least 1. */
  readonly workers: number
  /** Heap of one thread. */
  readonly heapMiB: number
  /** The program of a thread. */
  readonly script: URL
  /** Jobs of one batch, at most. */
  readonly maxBatch: number
  /** What a batch may hold together, by the weight of its jobs; a heavier job goes alone. Default: no bound. */
  readonly weight?: { readonly of: (job: Job) => number; readonly most: number }
  /** All threads are started at once, not when there is work for them. */
  readonly eager: boolean
  /** The threads say at which job they are (`serveJobs`); then `limitMillis` is for one job, else for a batch. */
  readonly tracked: boolean
  readonly limitMillis: (job: Job) => number
  /** Jobs of different plans share no batch; a thread is told of a plan once. Default: one plan that needs no preparation. */
  readonly plan?: {
    readonly id: (job: Job) => string
    readonly prepare: (job: Job) => object
    readonly job: (job: Job) => unknown
  }
  /** Stands for the result of a job that has none. */
  readonly broken: (job: Job, why: Broken) => Work
}

export interface WorkerPool<Job, Work> {
  readonly state: () => WorkerState
  /** The work of each job, in order. Never fails. An interruption calls off what no thread has begun. */
  readonly run: (jobs: ReadonlyArray<Job>) => Effect.Effect<ReadonlyArray<Work>>
  readonly close: () => Promise<void>
}

/** Until a thread has begun its first job, and between jobs: starting a thread takes its time on a busy machine. */
const startMillis = 30_000
/** A tracked thread is looked at so often. */
const lookMillis = 250
/** A job that takes longer than this and that nobody waits for any more is ended with its tracked thread. */
const goneMillis = 1_000

/** Threads that may end before they come to a job; it has no result then. */
const maxStrikes = 1

interface Call<Job, Work> {
  readonly job: Job
  readonly done: (work: Work) => void
  /** It was in a batch that broke: it runs alone. */
  alone: boolean
  /** Threads that ended before they came to it. */
  strikes: number
  /** Nobody waits for it any more. */
  gone: boolean
}
interface Batch<Job, Work> {
  readonly call: number
  readonly calls: ReadonlyArray<Call<Job, Work>>
}
interface Thread<Job, Work> {
  readonly worker: Worker
  readonly track: Int32Array
  readonly prepared: Set<string>
  /** The first is in work, the second waits in the thread's mailbox. */
  readonly batches: Array<Batch<Job, Work>>
  calls: number
  /** Jobs of batches that were answered, as `track` counts them. */
  answered: number
  seen: number
  seenMillis: number
  timer: NodeJS.Timeout | undefined
}

const threadProgram = new URL(
  import.meta.url.endsWith(".ts") ? "./WorkerPool/Thread.ts" : "./WorkerPool/Thread.js",
  import.meta.url
)

export const makePool = <Job, Work>(options: PoolOptions<Job, Work>): WorkerPool<Job, Work> => {
  const { eager, heapMiB, maxBatch, plan, script, tracked, weight } = options
  const weightOf = (call: Call<Job, Work>): number => weight?.of(call.job) ?? 0
  const workers = Math.max(1, options.workers)
  type MyCall = Call<Job, Work>
  type MyThread = Thread<Job, Work>
  // A heap flag of the program would hold for every new thread and win over the limit below; the main heap has its size already.
  setFlagsFromString("--max-old-space-size=0")
  let waiting: Array<MyCall> = []
  let closed = false
  const threads: Array<MyThread> = []
  const planOf = (call: MyCall): string => plan?.id(call.job) ?? ""

  const start = (): void => {
    const track = new Int32Array(new SharedArrayBuffer(Track.length * Int32Array.BYTES_PER_ELEMENT))
    const worker = new Worker(threadProgram, {
      resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 24 },
      execArgv: ["--disable-warning=ExperimentalWarning"],
      workerData: { track, script: script.href, compileCache: getCompileCacheDir() } satisfies ThreadData
    })
    const thread: MyThread = {
      worker,
      track,
      prepared: new Set(),
      batches: [],
      calls: 0,
      answered: 0,
      seen: 0,
      seenMillis: 0,
      timer: undefined
    }
    worker.on("message", (message: PoolAnswer<Work>) => answered(thread, message))
    // An error may overtake answers that the thread gave before; at its exit all of them have come, and blame falls on the right job.
    let cause: Broken | undefined
    worker.on("error", (error: NodeJS.ErrnoException) => {
      cause = {
        reason: error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "memory" : "crash",
        detail: `crashed its thread: ${error.message}`
      }
    })
    worker.on("exit", (code) => broken(thread, cause ?? { reason: "crash", detail: `ended its thread (code ${code})` }))
    threads.push(thread)
  }
  const startAll = (): void => {
    while (threads.length < workers) start()
  }
  /** As many threads as there are batches for them. */
  const startNeeded = (): void => {
    const busy = threads.filter(({ batches }) => batches.length > 0).length
    const needed = Math.min(workers, busy + Math.ceil(waiting.length / maxBatch))
    while (threads.length < needed) start()
  }

  const dispatch = (): void => {
    // A thread that broke is replaced when there is work, so that one that can never start costs the calls it fails and no more.
    if (closed || waiting.length === 0) return
    if (eager) startAll()
    else startNeeded()
    for (const depth of [1, 2]) {
      for (const thread of threads) {
        while (thread.batches.length < depth && waiting.length > 0) {
          const first = waiting[0] as MyCall
          const id = planOf(first)
          let size = 1
          let heavy = weightOf(first)
          while (size < maxBatch && !first.alone) {
            const next = waiting[size]
            if (next === undefined || next.alone || planOf(next) !== id) break
            heavy += weightOf(next)
            if (weight !== undefined && heavy > weight.most) break
            size++
          }
          send(thread, id, waiting.splice(0, size))
        }
      }
    }
  }
  const send = (thread: MyThread, id: string, calls: ReadonlyArray<MyCall>): void => {
    const [first] = calls
    if (plan !== undefined && first !== undefined && !thread.prepared.has(id)) {
      thread.prepared.add(id)
      thread.worker.postMessage(plan.prepare(first.job))
    }
    const call = ++thread.calls
    thread.batches.push({ call, calls })
    if (thread.batches.length === 1) watch(thread)
    const jobs = calls.map(({ job }) => plan === undefined ? job : plan.job(job))
    thread.worker.postMessage({ _tag: "Run", call, id, jobs } satisfies RunMessage<unknown>)
  }

  /** The call that a tracked thread is at; undefined between calls. */
  const current = (thread: MyThread): MyCall | undefined => {
    const begun = Atomics.load(thread.track, Track.begun)
    if (begun === Atomics.load(thread.track, Track.finished)) return undefined
    // Counters of 32 bits may go round.
    const at = (begun - thread.answered - 1) | 0
    const inFirst = thread.batches[0]?.calls.length ?? 0
    return thread.batches[0]?.calls[at] ?? thread.batches[1]?.calls[at - inFirst]
  }
  const limitOf = (thread: MyThread): number => {
    const call = tracked ? current(thread) : thread.batches[0]?.calls[0]
    if (call === undefined) return startMillis
    const limit = options.limitMillis(call.job)
    return tracked && call.gone ? Math.min(limit, goneMillis) : limit
  }
  /** The clock of a thread's batch, or of its job, begins anew. */
  const watch = (thread: MyThread): void => {
    thread.seen = Atomics.load(thread.track, Track.begun)
    thread.seenMillis = performance.now()
    clearTimeout(thread.timer)
    if (thread.batches.length === 0) thread.timer = undefined
    else arm(thread)
  }
  const arm = (thread: MyThread): void => {
    const limit = limitOf(thread)
    thread.timer = setTimeout(() => look(thread, limit), tracked ? Math.min(lookMillis, limit / 4) : limit)
  }
  const look = (thread: MyThread, armed: number): void => {
    if (tracked && Atomics.load(thread.track, Track.begun) !== thread.seen) return watch(thread)
    const limit = tracked ? limitOf(thread) : armed
    if (tracked && performance.now() - thread.seenMillis < limit) return arm(thread)
    broken(thread, { reason: "time", detail: `took longer than ${limit} ms` })
  }

  const answered = (thread: MyThread, message: PoolAnswer<Work>): void => {
    // What a thread says while it is being ended comes too late: its jobs are done again.
    if (!threads.includes(thread)) return
    const batch = thread.batches.shift()
    if (batch === undefined) return
    thread.answered = (thread.answered + batch.calls.length) | 0
    watch(thread)
    if (message._tag === "Done") {
      for (const [index, call] of batch.calls.entries()) {
        const work = message.works[index]
        call.done(work ?? options.broken(call.job, { reason: "crash", detail: "was called off" }))
      }
    } else {
      // The thread let go of this plan for newer ones, or could not prepare it.
      const [first] = batch.calls
      if (first !== undefined) thread.prepared.delete(planOf(first))
      if (message.detail === "") waiting = batch.calls.concat(waiting)
      else for (const call of batch.calls) fail(call, { reason: "unprepared", detail: message.detail })
    }
    dispatch()
  }
  const fail = (call: MyCall, why: Broken): void => call.done(options.broken(call.job, why))

  /** Ends the thread and does its batches again, without the job that broke it where that is known. */
  const broken = (thread: MyThread, why: Broken): void => {
    const at = threads.indexOf(thread)
    if (at < 0) return
    threads.splice(at, 1)
    clearTimeout(thread.timer)
    void thread.worker.terminate()
    const calls = thread.batches.flatMap(({ calls }) => calls)
    const guilty = tracked ? current(thread) : undefined
    const inWork = new Set(thread.batches[0]?.calls)
    const again = calls.filter((call) => {
      if (call.gone) return false
      if (tracked) {
        if (guilty === undefined ? ++call.strikes > maxStrikes : call === guilty) {
          fail(call, why)
          return false
        }
      } else if (inWork.has(call)) {
        if (inWork.size === 1) {
          fail(call, why)
          return false
        }
        call.alone = true
      }
      return true
    })
    waiting = again.concat(waiting)
    dispatch()
  }

  const withdraw = (calls: ReadonlyArray<MyCall>): void => {
    for (const call of calls) call.gone = true
    waiting = waiting.filter(({ gone }) => !gone)
    for (const { batches, track } of threads) {
      for (const { call, calls } of batches) {
        if (calls.every(({ gone }) => gone)) Atomics.store(track, Track.off + (call & 1), call)
      }
    }
  }

  if (eager) startAll()
  return {
    state: () => ({
      workers: threads.length,
      busy: threads.filter(({ batches }) => batches.length > 0).length,
      waiting: threads.reduce(
        (sum, { batches: [, next] }) => sum + (next === undefined ? 0 : next.calls.length),
        waiting.length
      )
    }),
    run: (jobs) =>
      jobs.length === 0 ? Effect.succeed([]) : Effect.callback<ReadonlyArray<Work>>((resume) => {
        const works: Array<Work> = new Array(jobs.length)
        let missing = jobs.length
        const calls = jobs.map((job, index): MyCall => ({
          job,
          alone: false,
          strikes: 0,
          gone: false,
          done: (work) => {
            works[index] = work
            if (--missing === 0) resume(Effect.succeed(works))
          }
        }))
        for (const call of calls) waiting.push(call)
        dispatch()
        return Effect.sync(() => withdraw(calls))
      }),
    close: async () => {
      closed = true
      const all = threads.splice(0)
      for (const { timer } of all) clearTimeout(timer)
      await Promise.all(all.map(({ worker }) => worker.terminate()))
    }
  }
}
