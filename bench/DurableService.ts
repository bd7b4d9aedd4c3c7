// A small service on the durable actor, for load generators: POST /call/KEY {id, payload} adds one to a counter, keeps the payload and
// answers the state, once per id; POST /pipe/ITEM takes an item through five steps, each committed before the next begins.
// GET /health, GET /count (the sum of all counters). bench/README.md says how to drive it, against what, and what it reached.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Deferred, Effect, Layer, Logger, Redacted, Schema } from "effect"
import type { Sharding } from "effect/cluster"
import { openSync, readFileSync, writeSync } from "node:fs"
import { flushCompileCache } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ActorStore } from "../src/actors/ActorStore.ts"
import { type ActorUnavailable, Committer } from "../src/actors/Committer.ts"
import * as DurableActor from "../src/actors/DurableActor.ts"
import { accept } from "../src/domain/Decision.ts"
import * as EmbeddedCluster from "../src/runners/EmbeddedCluster.ts"
import * as Postgres from "../src/runners/postgres/Postgres.ts"
import * as Sqlite from "../src/runners/sqlite/Sqlite.ts"
import * as Bridge from "./Bridge.ts"
import { Counter, putOf, sumOfCounters } from "./CounterActor.ts"

const env = process.env
const databaseUrl = env["POLYA_DATABASE_URL"] ?? env["DATABASE_URL"]
const store = env["STORE"] ?? (databaseUrl === undefined ? "sqlite" : "postgres")
const { hostname, port } = new URL(env["SUT_URL"] ?? "http://127.0.0.1:3000")
const steps = Number(env["STEPS"] ?? 5)

const ItemState = Schema.Struct({ step: Schema.Int, value: Schema.Int })
const Item = DurableActor.make({
  type: "Item",
  state: ItemState,
  initial: { step: 0, value: 0 },
  commands: { StepDone: { payload: { step: Schema.Int, value: Schema.Int }, success: ItemState } },
  decide: {
    // The state guards its steps: a step that was done before changes nothing.
    StepDone: (state, { step, value }) => {
      if (step !== state.step) return accept(state, state)
      const next = { step: step + 1, value }
      return accept(next, next)
    }
  },
  placement: { _tag: "shared", hosts: 32 }
})

const audit = env["AUDIT_FILE"] === undefined ? undefined : openSync(env["AUDIT_FILE"], "a")
/** The work of a step; its line outlives the process. */
const work = (item: string, step: number, value: number): number => {
  if (audit !== undefined) writeSync(audit, `${item} ${step} ${process.pid}\n`)
  return value + 1
}

/** Takes an item from where its last commit was to its end. Each step is a command of its own, so its effect is there once. */
const makeWalks = Effect.gen(function*() {
  const item = yield* Item.client
  const running = new Map<string, Deferred.Deferred<number, ActorUnavailable>>()
  const walk = Effect.fnUntraced(function*(id: string) {
    const actor = item(id)
    let { state } = yield* actor.get
    while (state.step < steps) {
      const { step } = state
      const done = { step, value: work(id, step, state.value) }
      state = yield* actor.send("StepDone", done, { commandId: `step ${step}` })
    }
    return state.value
  })
  // Who asks while the item is on its way waits for the same walk.
  return (id: string) =>
    Effect.suspend(() => {
      const known = running.get(id)
      if (known !== undefined) return Deferred.await(known)
      const mine = Deferred.makeUnsafe<number, ActorUnavailable>()
      running.set(id, mine)
      return Effect.onExit(walk(id), (exit) => {
        running.delete(id)
        return Deferred.done(mine, exit)
      })
    })
})

const route: Effect.Effect<Bridge.Route<ActorStore>, never, Sharding.Sharding> = Effect.gen(function*() {
  const counter = yield* Counter.client
  const walk = yield* makeWalks
  return ({ headers, method, url = "" }, body) => {
    const [, name, part = ""] = url.split("/")
    const id = decodeURIComponent(part)
    switch (`${method} ${name}`) {
      case "POST call": {
        const { id: given, payload } = putOf(body)
        const commandId = given ?? headers["idempotency-key"]
        return counter(id).send("Put", { payload }, typeof commandId === "string" ? { commandId } : {})
      }
      case "POST pipe":
        return Effect.map(walk(id), (v) => ({ item: id, v }))
      case "GET count":
        return sumOfCounters
      case "GET health":
        return Effect.succeed({})
      default:
        return undefined
    }
  }
})

const http = Layer.tap(Bridge.layer({ host: hostname, port: Number(port) }, route), () =>
  // A killed process writes no cache at its end, and the next start is to be a quick one.
  Effect.sync(() => flushCompileCache()))

/** The parent's parent, where the system tells. */
const npmPid = (): number | undefined => {
  try {
    const [, parent] = readFileSync(`/proc/${process.ppid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
    return Number(parent)
  } catch {
    return undefined
  }
}
// Under `npm run` a shell stands between npm and this process: a kill of npm reaches neither, so this process follows by itself.
if (env["npm_lifecycle_event"] !== undefined) {
  const npm = npmPid()
  const watch = setInterval(() => {
    if (npmPid() !== npm) process.kill(process.pid, "SIGKILL")
  }, 50)
  watch.unref()
}

const storeLayer = Layer.unwrap(Effect.sync((): Layer.Layer<ActorStore, unknown> => {
  if (store === "sqlite") {
    return Sqlite.layer({ filename: env["SQLITE_FILE"] ?? join(tmpdir(), "polya-durable-service.db") })
  }
  if (databaseUrl === undefined) throw new Error("set POLYA_DATABASE_URL, or STORE=sqlite")
  return Postgres.layer({ url: Redacted.make(databaseUrl), schema: env["POLYA_SCHEMA"] ?? "polya_bench" })
}))

const app = http.pipe(
  Layer.provide(Layer.mergeAll(Counter.layer(), Item.layer())),
  Layer.provideMerge(Committer.layer),
  Layer.provideMerge(EmbeddedCluster.layer()),
  Layer.provideMerge(storeLayer),
  Layer.provide(Layer.succeed(Logger.LogToStderr, true))
)
NodeRuntime.runMain(Layer.launch(app))
