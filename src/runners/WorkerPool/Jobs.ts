// What a pool (WorkerPool.ts) and its threads say to each other, and the program of a tracked thread: in shared memory it says which job it is
// at, and sees which batch nobody waits for any more.
import { parentPort, workerData } from "node:worker_threads"

/** What a thread is told; beside these, whatever the pool's `prepare` makes. */
export interface RunMessage<Job> {
  readonly _tag: "Run"
  /** Counts the batches of one thread. */
  readonly call: number
  /** The plan that was prepared for these jobs; "" without plans. */
  readonly id: string
  readonly jobs: ReadonlyArray<Job>
}
/** What a thread answers, batch by batch in order. `works` is as long as `jobs`, or shorter where the batch was called off. */
export type PoolAnswer<Work> =
  | { readonly _tag: "Done"; readonly call: number; readonly works: ReadonlyArray<Work> }
  | { readonly _tag: "Unprepared"; readonly call: number; readonly detail: string }

/** Where in shared memory stand the jobs begun and finished by a thread in its life, and the calls (even, odd) that nobody waits for. */
export const Track = { begun: 0, finished: 1, off: 2, length: 4 } as const

/** The program of a tracked thread: works the jobs of each batch in order, after what `prepare` does for them. */
export const serveJobs = <Job, Work>(
  work: (job: Job) => Work,
  prepare: (jobs: ReadonlyArray<Job>) => Promise<void> = () => Promise.resolve()
): void => {
  const { track } = workerData as { readonly track: Int32Array }
  let turn = Promise.resolve()
  const run = ({ call, jobs }: RunMessage<Job>): void => {
    const works: Array<Work> = []
    for (const job of jobs) {
      if (Atomics.load(track, Track.off + (call & 1)) === call) break
      Atomics.add(track, Track.begun, 1)
      works.push(work(job))
      Atomics.add(track, Track.finished, 1)
    }
    // Jobs that were called off count as done, so that places in later batches can be told.
    Atomics.add(track, Track.begun, jobs.length - works.length)
    Atomics.add(track, Track.finished, jobs.length - works.length)
    parentPort?.postMessage({ _tag: "Done", call, works } satisfies PoolAnswer<Work>)
  }
  parentPort?.on("message", (message: RunMessage<Job>) => {
    // Batches are answered in the order in which they came. A job that throws ends the thread.
    turn = turn.then(() => prepare(message.jobs)).then(() => run(message))
  })
}
