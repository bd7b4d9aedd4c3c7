import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { CodeSandbox, type SandboxFacts } from "../../src/actors/CodeSandbox.ts"
import { Generation, type ModelFacts } from "../../src/actors/Generation.ts"
import { Health } from "../../src/actors/Health.ts"
import * as Lifecycle from "../../src/actors/Lifecycle.ts"
import { Member } from "../../src/runners/Cluster/Member.ts"
import { StoreConfig } from "../../src/runners/Config.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import { EventLoop, type LoopDelay } from "../../src/runners/EventLoop.ts"
import * as RunnerHealth from "../../src/runners/Health.ts"
import { version } from "../../src/runners/Package.ts"

interface Facts {
  readonly store?: Effect.Effect<void, StoreFailed>
  readonly member?: Partial<Member["Service"]>
  readonly joined?: boolean
  readonly delay?: LoopDelay
  readonly postgres?: boolean
  readonly minFreeBytes?: number
  readonly sandbox?: Effect.Effect<SandboxFacts>
  readonly models?: Effect.Effect<ReadonlyArray<ModelFacts>>
}
const noSandbox: SandboxFacts = { level: null, python: null, sympy: null, numpy: null, levels: [] }
const still = { p50Millis: 0, p99Millis: 1, maxMillis: 2 }

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "polya-health-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const over = (dataDir: string, facts: Facts) => {
  const {
    delay = still,
    joined = false,
    member = {},
    minFreeBytes = 1,
    models = Effect.succeed([]),
    postgres = false,
    sandbox = Effect.succeed(noSandbox),
    store = Effect.void
  } = facts
  return RunnerHealth.layer({ dataDir, joined, minFreeBytes }).pipe(
    Layer.provide([
      EmbeddedCluster.layer(),
      Layer.effect(
        ActorStore,
        Effect.map(
          ActorStore,
          (real) => ActorStore.of({ ...real, load: (keys) => Effect.andThen(store, real.load(keys)) })
        )
      ).pipe(Layer.provide(ActorStoreMemory.layer)),
      Layer.effect(
        CodeSandbox,
        Effect.map(CodeSandbox, (none) => CodeSandbox.of({ ...none, facts: sandbox }))
      ).pipe(Layer.provide(CodeSandbox.layerNone)),
      Layer.succeed(Generation, { models, generate: () => Stream.empty }),
      Layer.succeed(EventLoop, { delay: () => delay, activeSeconds: () => 0 }),
      Layer.succeed(Member, { address: null, groups: ["default"], shards: 64, runners: () => [], ...member }),
      StoreConfig.layer(postgres ? { databaseUrl: Redacted.make("postgres://u:hunter22@h/x") } : {})
    ]),
    Layer.provideMerge(Lifecycle.layer)
  )
}
const started = Effect.flatMap(Effect.service(Lifecycle.Lifecycle), ({ started }) => started)
const failing = (checks: ReadonlyArray<{ readonly name: string; readonly ok: boolean }>) =>
  checks.filter(({ ok }) => !ok).map(({ name }) => name)

const healthOf = (facts: Facts) =>
  Effect.scoped(Effect.gen(function*() {
    const dataDir = yield* folder
    return yield* Effect.gen(function*() {
      yield* started
      const { health, live, ready } = yield* Health
      return { health: yield* health, ready: yield* ready, live: yield* live }
    }).pipe(Effect.provide(over(dataDir, facts)))
  }))

describe("health", () => {
  it.live("is well when everything is, and says what there is", () =>
    Effect.gen(function*() {
      const { health, live, ready } = yield* healthOf({})
      assert.isTrue(health.ok && ready.ok && live.ok)
      assert.deepInclude(health, { version, state: "ready", store: "sqlite" })
      assert.deepStrictEqual(health.cluster, { role: "alone", address: null, groups: ["default"], runners: [] })
      assert.deepStrictEqual(
        ready.checks.map(({ name }) => name),
        ["process", "store", "cluster", "eventLoop", "disk"]
      )
    }))

  it.live("names the level of the sandbox, and is well without one", () =>
    Effect.gen(function*() {
      const level = "native-lsm"
      const facts: SandboxFacts = {
        level,
        python: "3.11.2",
        sympy: "1.13.3",
        numpy: null,
        levels: [
          { level: "native-strict", offered: false, detail: "no bubblewrap" },
          { level, offered: true, detail: "Landlock 7; seccomp" }
        ]
      }
      const { health } = yield* healthOf({ sandbox: Effect.succeed(facts) })
      assert.deepStrictEqual(health.sandbox, {
        level,
        python: "3.11.2",
        sympy: "1.13.3",
        numpy: null,
        detail: "native-lsm: Landlock 7; seccomp"
      })
      const without = yield* healthOf({})
      assert.isTrue(without.ready.ok)
      assert.deepInclude(without.health.sandbox, { level: null, detail: "no code runs here" })
    }))

  it.live("tells how the endpoints of its models are, and is ready whatever they are", () =>
    Effect.gen(function*() {
      const endpoint = (health: "up" | "down" | "unknown") => ({
        name: "http://gpu-1:8000",
        health,
        inFlight: 0,
        inFlightLimit: 1,
        waiting: 0,
        lastError: "sk-secret"
      })
      const model: ModelFacts = {
        name: "qwen",
        contextTokens: null,
        promptPrice: null,
        completionPrice: null,
        spentMicroDollars: 1,
        spendCapDollars: null,
        endpoints: [endpoint("down"), endpoint("down"), endpoint("unknown")]
      }
      const { health, ready } = yield* healthOf({ models: Effect.succeed([model]) })
      assert.deepStrictEqual(health.models, [{ name: "qwen", up: 0, down: 2, unknown: 1 }])
      assert.isTrue(ready.ok)
      const stuck = yield* healthOf({ models: Effect.never })
      assert.isNull(stuck.health.models)
      assert.isTrue(stuck.ready.ok)
    }))

  it.live("is not ready before the start and while it drains, but healthy while it drains", () =>
    Effect.scoped(Effect.gen(function*() {
      const dataDir = yield* folder
      yield* Effect.gen(function*() {
        const { health, ready } = yield* Health
        const lifecycle = yield* Effect.service(Lifecycle.Lifecycle)
        const said = Effect.map(Effect.all([health, ready]), ([a, b]) => [a.state, a.ok, b.ok])
        assert.deepStrictEqual(yield* said, ["starting", false, false])
        yield* lifecycle.started
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* said, ["ready", true, true])
        yield* lifecycle.drain
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* said, ["draining", true, false])
        yield* lifecycle.ended
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* said, ["ended", false, false])
      }).pipe(Effect.provide(over(dataDir, {})), Effect.provide(TestClock.layer()))
    })))

  it.live("says that the store is away or hangs, and waits for it no longer than a second", () =>
    Effect.gen(function*() {
      const away = Effect.fail(new StoreFailed({ reason: "unavailable", detail: "no connection to hunter22" }))
      for (const store of [away, Effect.die(new Error("a bug")), Effect.never]) {
        const { health, ready } = yield* healthOf({ store, postgres: true })
        assert.isTrue(health.ok)
        assert.isFalse(ready.ok)
        assert.deepStrictEqual(failing(ready.checks), ["store"])
        assert.notInclude(JSON.stringify(ready), "hunter22")
      }
    }))

  it.live("looks once a second, however many ask", () =>
    Effect.scoped(Effect.gen(function*() {
      const dataDir = yield* folder
      let looks = 0
      const gate = yield* Deferred.make<void>()
      const store = Effect.andThen(Effect.sync(() => void looks++), Deferred.await(gate))
      yield* Effect.gen(function*() {
        yield* started
        const { ready } = yield* Health
        const asked = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 100 }), () => ready, { concurrency: "unbounded" })
        )
        yield* Effect.yieldNow
        yield* Deferred.succeed(gate, undefined)
        yield* Effect.repeat(Effect.yieldNow, { until: () => asked.pollUnsafe() !== undefined })
        yield* ready
        assert.strictEqual(looks, 1)
        yield* TestClock.adjust("2 seconds")
        yield* ready
        assert.strictEqual(looks, 2)
      }).pipe(Effect.provide(over(dataDir, { store })), Effect.provide(TestClock.layer()))
    })))

  it.live("knows a runner that the cluster does not count yet, and a client without runners", () =>
    Effect.gen(function*() {
      const runner = { address: "h:1", runners: () => ["h:2"] }
      const missing = yield* healthOf({ joined: true, member: runner })
      assert.deepStrictEqual(failing(missing.ready.checks), ["cluster"])
      const joined = yield* healthOf({ joined: true, member: { ...runner, runners: () => ["h:1", "h:2"] } })
      assert.isTrue(joined.ready.ok)
      assert.strictEqual(joined.ready.cluster.role, "runner")
      const client = yield* healthOf({ joined: true, member: { address: null, groups: [] } })
      assert.deepStrictEqual(failing(client.ready.checks), ["cluster"])
      assert.strictEqual(client.ready.cluster.role, "client")
    }))

  it.live("knows a disk without space and a folder that is gone", () =>
    Effect.gen(function*() {
      const full = yield* healthOf({ minFreeBytes: 2 ** 60 })
      assert.deepStrictEqual(failing(full.ready.checks), ["disk"])
      yield* Effect.scoped(Effect.gen(function*() {
        const dataDir = join(yield* folder, "gone")
        yield* Effect.gen(function*() {
          yield* started
          const { ready } = yield* Health
          assert.deepStrictEqual(failing((yield* ready).checks), ["disk"])
          mkdirSync(dataDir)
          yield* TestClock.adjust("1 second")
          assert.isTrue((yield* ready).ok)
        }).pipe(Effect.provide(over(dataDir, {})), Effect.provide(TestClock.layer()))
      }))
    }))

  it.live("takes nothing new while the event loop is held up, and is dead when it crawls", () =>
    Effect.gen(function*() {
      const stuck = yield* healthOf({ delay: { p50Millis: 1, p99Millis: 10, maxMillis: 6_000 } })
      assert.deepStrictEqual(failing(stuck.ready.checks), ["eventLoop"])
      assert.isTrue(stuck.live.ok && stuck.health.ok)
      const crawling = yield* healthOf({ delay: { p50Millis: 1_500, p99Millis: 2_000, maxMillis: 2_000 } })
      assert.isFalse(crawling.live.ok)
      assert.isFalse(crawling.health.ok)
    }))
})

describe("the event loop", () => {
  it.live("shows for how long it was held up", () =>
    Effect.gen(function*() {
      const { activeSeconds, delay } = yield* EventLoop
      // A timer has to have seen the loop turn before it can see it held up.
      yield* Effect.repeat(Effect.yieldNow, { until: () => delay().maxMillis > 0 })
      const until = performance.now() + 120
      while (performance.now() < until);
      yield* Effect.repeat(Effect.yieldNow, { until: () => delay().maxMillis >= 60 })
      assert.isAtLeast(delay().maxMillis, delay().p50Millis)
      assert.isAbove(activeSeconds(), 0)
    }).pipe(Effect.provide(EventLoop.layer)), 20_000)
})
