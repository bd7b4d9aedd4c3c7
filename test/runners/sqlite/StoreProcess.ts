// A process for tests: `open FILE` says whether the store can be opened; `commit FILE` commits batches of 7 actors
// until it is killed and prints each acknowledged `id version`.
import { Cause, Effect, Exit } from "effect"
import { writeSync } from "node:fs"
import { ActorStore } from "../../../src/actors/ActorStore.ts"
import * as Sqlite from "../../../src/runners/sqlite/Sqlite.ts"

const [mode, filename = ""] = process.argv.slice(2)
const print = (text: string) => writeSync(1, `${text}\n`)

const program = Effect.gen(function*() {
  const store = yield* ActorStore
  if (mode === "open") return print("opened")
  print("ready")
  for (let version = 1; version < 100; version++) {
    const batch = Array.from({ length: 7 }, (_, i) => ({
      type: "T",
      id: `a${i}`,
      expected: version - 1,
      state: `{"n":${version}}`,
      replies: [{ commandId: `c${version}`, reply: String(version) }],
      events: [`"e${version}"`]
    }))
    const outcomes = yield* store.commit(batch)
    if (outcomes.some(({ _tag }) => _tag !== "Committed")) throw new Error("a commit was refused")
    print(batch.map(({ id }) => `${id} ${version}`).join("\n"))
  }
  return yield* Effect.never
})

const exit = await Effect.runPromiseExit(Effect.provide(program, Sqlite.layer({ filename })))
if (Exit.isFailure(exit)) {
  const error = Cause.squash(exit.cause)
  print(error instanceof Sqlite.StoreInUse ? `StoreInUse ${error.pid}` : String(error))
}
