// A verdict worker that does what a pair's `pred` says, for the tests of the pool. A verdict's `gold` is the number of pairs that this thread
// has been given before.
import { isMainThread } from "node:worker_threads"
import type { VerdictJob, VerdictWork } from "../../src/runners/VerdictWorker.ts"
import { serveJobs } from "../../src/runners/WorkerPool/Jobs.ts"

let seen = 0

const acts: { readonly [name: string]: () => void } = {
  throw: () => {
    throw new Error("a bug of the worker")
  },
  exit: () => process.exit(7),
  hang: () => {
    for (;;);
  },
  "say and hang": () => {
    new BroadcastChannel("verdict worker fixture").postMessage("begun")
    for (;;);
  },
  eat: () => {
    for (const all: Array<unknown> = [];;) all.push({ some: "thing", more: [all.length] })
  },
  nap: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
}

if (!isMainThread) {
  serveJobs<VerdictJob, VerdictWork>((job) => {
    if (job._tag === "Ballots") {
      acts[job.ballots.gold ?? ""]?.()
      return { _tag: "Decided", answer: null, groups: [], margin: 0, tie: false, tied: [], answered: 0 }
    }
    const { pred } = job.pair
    acts[pred]?.()
    const verdict = pred.startsWith("doubt") ? "undecided" : "equal"
    return { verdict, rule: "fixture", gold: String(seen++), answer: pred, ms: 0 }
  })
}
