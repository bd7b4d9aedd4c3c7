// A stage worker that does what a row's `do` says, for the tests of the pool. It answers what it knows: the size of the row's batch
// and how many rows this thread has seen.
import { parentPort } from "node:worker_threads"
import { kept } from "../../src/domain/Stage.ts"
import type { FromWorker, ToWorker } from "../../src/runners/StageWorker.ts"

const prepared = new Set<string>()
const seen: Array<unknown> = []

const acts: { readonly [name: string]: () => void } = {
  throw: () => {
    throw new Error("a bug of the worker")
  },
  exit: () => process.exit(7),
  hang: () => {
    for (;;);
  },
  eat: () => {
    for (const all: Array<unknown> = [];;) all.push({ some: "thing", more: [all.length] })
  }
}

parentPort?.on("message", (message: ToWorker) => {
  if (message._tag === "Prepare") return void prepared.add(message.id)
  const { call, id, jobs } = message
  if (!prepared.has(id)) throw new Error(`${id} was not prepared`)
  const answer: FromWorker = {
    _tag: "Done",
    call,
    works: jobs.map(({ fields, from }) => {
      seen.push(fields["name"])
      acts[String(fields["do"])]?.()
      const detail = { batch: jobs.length, seen: seen.map(String) }
      return {
        outcomes: [{ ord: from, outcome: kept({ name: fields["name"] ?? null }, detail), millis: 0 }],
        entries: []
      }
    })
  }
  parentPort?.postMessage(answer)
})
