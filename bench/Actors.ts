// 100,000 durable actors touched once, over SQLite, on the cluster of one process: rate, peak memory, and memory after they have left it.
// node --expose-gc bench/Actors.ts [--actors N]   (starts itself again with --expose-gc where that is missing)
import { Effect, Layer, Schema } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Committer } from "../src/actors/Committer.ts"
import * as DurableActor from "../src/actors/DurableActor.ts"
import { accept } from "../src/domain/Decision.ts"
import * as EmbeddedCluster from "../src/runners/EmbeddedCluster.ts"
import * as Sqlite from "../src/runners/sqlite/Sqlite.ts"
import { figure } from "./Figure.ts"

if (globalThis.gc === undefined) {
  const flags = ["--expose-gc", "--max-old-space-size=1024", "--max-semi-space-size=8"]
  process.exit(
    spawnSync(process.execPath, [...flags, import.meta.filename, ...process.argv.slice(2)], { stdio: "inherit" })
      .status ?? 1
  )
}
const { values } = parseArgs({ options: { actors: { type: "string", default: "100000" } } })
const actors = Number(values.actors)

const Counter = DurableActor.make({
  type: "Counter",
  state: Schema.Struct({ count: Schema.Int, text: Schema.String }),
  initial: { count: 0, text: "" },
  commands: { Touch: { payload: { text: Schema.String }, success: Schema.Int } },
  decide: { Touch: (state, { text }) => accept({ count: state.count + 1, text }, state.count + 1) },
  placement: { _tag: "shared", hosts: 32 }
})

const idleMillis = 2_000
const folder = mkdtempSync(join(tmpdir(), "polya-bench-"))
const app = Counter.layer().pipe(
  Layer.provideMerge(Committer.layer),
  Layer.provideMerge(EmbeddedCluster.layer()),
  Layer.provideMerge(Sqlite.layer({ filename: join(folder, "actors.db") })),
  Layer.provideMerge(Layer.succeed(DurableActor.ActorLimits, { ...DurableActor.actorLimitsDefaults, idleMillis }))
)
const rss = (): number => process.memoryUsage.rss() / 1e6
const heap = (): number => process.memoryUsage().heapUsed / 1e6

const program = Effect.gen(function*() {
  const clientOf = yield* Counter.client
  yield* clientOf("warm").send("Touch", { text: "" })
  globalThis.gc?.()
  const [startRss, startHeap] = [rss(), heap()]
  const started = performance.now()
  yield* Effect.forEach(
    Array.from({ length: actors }, (_, i) => `actor-${i}`),
    (id) => clientOf(id).send("Touch", { text: "touched once".repeat(20) }),
    { concurrency: 512, discard: true }
  )
  const spentSeconds = (performance.now() - started) / 1000
  figure("actors/touched", actors, "actors")
  figure("actors/rate", actors / spentSeconds, "actors/s")
  figure("actors/memory-start", startRss, "MB")
  figure("actors/memory-peak", process.resourceUsage().maxRSS / 1000, "MB")
  yield* Effect.sleep(3 * idleMillis)
  globalThis.gc?.()
  yield* Effect.sleep(500)
  globalThis.gc?.()
  figure("actors/memory-settled", rss(), "MB")
  figure("actors/memory-settled-above-start", rss() - startRss, "MB")
  figure("actors/heap-settled-above-start", heap() - startHeap, "MB")
})

try {
  await Effect.runPromise(Effect.provide(program, app))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
