import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CodeSandbox } from "../../src/actors/CodeSandbox.ts"
import { makeRegistry, MetricRegistry, textOf } from "../../src/actors/Metrics.ts"
import type { SandboxLevel, SandboxLimits } from "../../src/domain/Sandbox.ts"
import { SandboxConfig } from "../../src/runners/Config.ts"
import * as Sandbox from "../../src/runners/Sandbox.ts"
import type { Backend, StartOptions } from "../../src/runners/sandbox/Interpreter.ts"
import { scriptedBackend } from "./sandbox/ScriptedBackend.ts"

const world = (offered: ReadonlyArray<SandboxLevel>) => {
  const asked: Array<SandboxLevel> = []
  const starts: Array<StartOptions> = []
  let closed = 0
  const scripted = scriptedBackend()
  const makers: Sandbox.Makers = (["native-strict", "native-lsm", "embedded"] as const).map((level) => [
    level,
    () =>
      Promise.resolve(() => {
        asked.push(level)
        const backend: Backend = {
          ...scripted.backend,
          level,
          facts: { level, offered: true, detail: `${level} is there` },
          start: (options) => {
            starts.push(options)
            return scripted.backend.start(options)
          },
          close: () => {
            closed++
            return Promise.resolve()
          }
        }
        return Promise.resolve(offered.includes(level) ? backend : { level, detail: `install ${level}` })
      })
  ])
  return { ...scripted, asked, starts, makers, closed: () => closed }
}
type World = ReturnType<typeof world>

const over = (
  { makers }: World,
  settings: Partial<Sandbox.SandboxOptions> = {},
  checked = false,
  registry = makeRegistry()
) =>
  Sandbox.layer({ ...SandboxConfig.defaults, ...settings }, { checked, makers }).pipe(
    Layer.provide(Layer.succeed(MetricRegistry, registry))
  )
const facts = Effect.flatMap(CodeSandbox, ({ facts }) => facts)
const session = (tenant = "t", limits: Partial<SandboxLimits> = {}) =>
  Effect.flatMap(CodeSandbox, ({ open }) => open({ tenant, limits }))

describe("the level", () => {
  it.live("is the strongest that the machine has; weaker ones are not looked at", () =>
    Effect.gen(function*() {
      const here = world(["native-lsm", "embedded"])
      const found = yield* Effect.provide(facts, over(here))
      assert.strictEqual(found.level, "native-lsm")
      assert.deepStrictEqual(found.levels, [
        { level: "native-strict", offered: false, detail: "install native-strict" },
        { level: "native-lsm", offered: true, detail: "native-lsm is there" }
      ])
      assert.deepStrictEqual(here.asked, ["native-strict", "native-lsm"])
      assert.strictEqual(here.closed(), 1)
    }))

  it.live("is the one that is asked for, and no other", () =>
    Effect.gen(function*() {
      const here = world(["native-strict", "embedded"])
      assert.strictEqual((yield* Effect.provide(facts, over(here, { level: "embedded" }))).level, "embedded")
      const refused = yield* Effect.flip(
        Effect.scoped(session()).pipe(Effect.provide(over(here, { level: "native-lsm" })))
      )
      assert.deepInclude(refused, { _tag: "SandboxUnavailable" })
      assert.include(refused.message, "native-lsm: install native-lsm")
    }))

  it.live("is never below the least: a process that stays does not start, and no session is opened", () =>
    Effect.gen(function*() {
      const settings = { minIsolation: "native-lsm" } as const
      const here = world(["embedded"])
      const atStart = yield* Effect.flip(Layer.build(over(here, settings, true)).pipe(Effect.scoped))
      assert.include(atStart.message, "at least native-lsm")
      assert.include(atStart.message, "install native-strict")
      const later = yield* Effect.flip(Effect.scoped(session()).pipe(Effect.provide(over(here, settings))))
      assert.strictEqual(later.message, atStart.message)
      assert.strictEqual(here.starts.length, 0)
      const both = yield* Effect.flip(
        Layer.build(over(here, { ...settings, level: "embedded" }, true)).pipe(Effect.scoped)
      )
      assert.include(both.message, "below sandbox.minIsolation")
    }))

  it.live("is looked for again by the next who asks, after a look that failed", () =>
    Effect.gen(function*() {
      const here = world(["embedded"])
      let looks = 0
      const makers = here.makers.map(([level, load]) =>
        [
          level,
          () => level === "native-strict" && looks++ === 0 ? Promise.reject(new Error("no descriptors")) : load()
        ] as const
      )
      yield* Effect.gen(function*() {
        assert.include((yield* Effect.flip(session())).message, "no descriptors")
        assert.strictEqual((yield* session()).level, "embedded")
      }).pipe(Effect.scoped, Effect.provide(over({ ...here, makers })))
    }))

  it.live("is in every reply", () =>
    Effect.gen(function*() {
      const { exec, level } = yield* session()
      assert.strictEqual(level, "embedded")
      assert.strictEqual((yield* exec("count")).level, "embedded")
    }).pipe(Effect.scoped, Effect.provide(over(world(["embedded"])))))
})

describe("sessions", () => {
  it.live("have the limits asked for, within those configured", () => {
    const here = world(["embedded"])
    return Effect.gen(function*() {
      yield* session("t", { wallMillis: 50_000, memoryBytes: 1e15, outputBytes: 1_000, cells: -5 })
      assert.deepInclude(here.starts[0]?.limits, {
        wallMillis: 50_000,
        memoryBytes: SandboxConfig.defaults.memoryBytes,
        outputBytes: 1_000,
        cells: 1
      })
      yield* session("t", { wallMillis: 1e12 })
      assert.strictEqual(here.starts[1]?.limits.wallMillis, SandboxConfig.defaults.maxWallMillis)
    }).pipe(Effect.scoped, Effect.provide(over(here)))
  })

  it.live("give their place and their interpreter back with their scope", () => {
    const here = world(["embedded"])
    return Effect.gen(function*() {
      for (let at = 0; at < 5; at++) yield* Effect.scoped(session())
      assert.strictEqual(here.backend.processes(), 0)
    }).pipe(Effect.provide(over(here, { sessions: 1 })))
  })

  it.effect("wait for a place, and are told when there was none in time", () => {
    const here = world(["embedded"])
    return Effect.gen(function*() {
      yield* session()
      const fiber = yield* Effect.forkChild(Effect.flip(session("other")), { startImmediately: true })
      // The look at what there is takes real time; the wait for a place is over in virtual time.
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("31 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "SandboxBusy", reason: "waited", sessions: 1 })
    }).pipe(Effect.scoped, Effect.provide(over(here, { sessions: 1 })))
  })

  it.effect("are closed when nobody uses them for too long", () => {
    const here = world(["embedded"])
    return Effect.gen(function*() {
      const { exec } = yield* session()
      yield* exec("count")
      yield* TestClock.adjust("9 minutes")
      yield* exec("count")
      yield* TestClock.adjust("9 minutes")
      yield* exec("count")
      yield* TestClock.adjust("11 minutes")
      assert.deepInclude(yield* Effect.flip(exec("count")), { _tag: "SessionOver", reason: "idle" })
      assert.strictEqual(here.backend.processes(), 0)
    }).pipe(Effect.scoped, Effect.provide(over(here)))
  })

  it.live("are counted: what runs, what was killed and why", () => {
    const registry = makeRegistry()
    return Effect.gen(function*() {
      const { exec } = yield* session()
      yield* exec("count")
      yield* exec("kill memory")
      const text = textOf(registry.families())
      assert.include(text, `polya_sandbox_kills_total{level="embedded",cause="memory"} 1`)
      assert.include(text, `polya_sandbox_exec_seconds_count{level="embedded",status="ok"} 1`)
      assert.include(text, `polya_sandbox_open_seconds_count{level="embedded"} 1`)
      assert.include(text, `polya_sandbox_wait_seconds_count 1`)
    }).pipe(Effect.scoped, Effect.provide(over(world(["embedded"]), {}, false, registry)))
  })
})
