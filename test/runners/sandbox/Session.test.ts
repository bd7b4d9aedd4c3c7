import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { sandboxLimitsDefaults } from "../../../src/domain/Sandbox.ts"
import { makeSession, type SessionOptions } from "../../../src/runners/sandbox/Session.ts"
import { scriptedBackend } from "./ScriptedBackend.ts"

const counts: SessionOptions["counts"] = { opened: () => {}, cell: () => {}, lost: () => {} }

const opened = (options: Partial<SessionOptions> = {}, scripted = scriptedBackend()) =>
  Effect.map(
    makeSession({
      id: "s",
      backend: scripted.backend,
      tenant: "t",
      seed: 0,
      limits: sandboxLimitsDefaults,
      maxWallMillis: () => 60_000,
      counts,
      ...options
    }),
    (session) => ({ session, ...scripted })
  )

describe("a session", () => {
  it.effect("numbers its cells and names its level", () =>
    Effect.gen(function*() {
      const { session } = yield* opened()
      assert.deepInclude(yield* session.exec("count"), { cell: 1, value: "1", level: "native-strict", status: "ok" })
      assert.deepInclude(yield* session.exec("count"), { cell: 2, value: "2" })
    }))

  it.effect("runs cells one at a time, in the order asked", () =>
    Effect.gen(function*() {
      const { session, started } = yield* opened()
      yield* Effect.all(["print 1", "print 2", "print 3"].map((code) => session.exec(code)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(started[0]?.ran, ["print 1", "print 2", "print 3"])
    }))

  it.effect("says that its state is lost, and runs nothing until it is told how to go on", () =>
    Effect.gen(function*() {
      const { session, started } = yield* opened()
      yield* session.exec("print a")
      assert.deepInclude(yield* session.exec("kill memory"), { status: "killed", cause: "memory", stateLost: true })
      const refused = yield* Effect.flip(session.exec("print b"))
      assert.deepInclude(refused, { _tag: "StateLost", cause: "memory", completedCells: 1 })
      assert.lengthOf(started, 1)
      yield* session.restart
      assert.deepInclude(yield* session.exec("count"), { value: "1" })
    }))

  it.effect("replays what was completed, in order, with its numbers, and not what was interrupted or killed", () =>
    Effect.gen(function*() {
      const { session, started } = yield* opened()
      for (const code of ["print a", "slow", "raise", "kill wall"]) yield* session.exec(code)
      const { drifted, results } = yield* session.replay
      assert.deepStrictEqual(results.map(({ cell, status }) => [cell, status]), [[1, "ok"], [3, "error"]])
      assert.deepStrictEqual(drifted, [])
      assert.deepStrictEqual(started[1]?.ran, ["print a", "raise"])
      assert.isFalse(started[0]?.isAlive)
      assert.deepInclude(yield* session.exec("print b"), { cell: 5, stdout: "b" })
    }))

  it.effect("tells cells whose replay came to something else", () =>
    Effect.gen(function*() {
      const { session } = yield* opened()
      for (const code of ["print a", "slow", "count"]) yield* session.exec(code)
      // Without the interrupted cell it is the second.
      assert.deepStrictEqual((yield* session.replay).drifted, [3])
    }))

  it.effect("is over once a cell of it was called off, and leaves no interpreter", () =>
    Effect.gen(function*() {
      const { session, started } = yield* opened()
      const fiber = yield* Effect.forkChild(session.exec("hang"), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.isFalse(started[0]?.isAlive)
      assert.deepInclude(yield* Effect.flip(session.exec("count")), { _tag: "SessionOver", reason: "interrupted" })
    }))

  it.effect("ends a cell in work when it is closed", () =>
    Effect.gen(function*() {
      const { session, started } = yield* opened()
      const fiber = yield* Effect.forkChild(session.exec("hang"), { startImmediately: true })
      yield* session.close
      assert.deepInclude(yield* Fiber.join(fiber), { status: "killed", stateLost: true })
      assert.isFalse(started[0]?.isAlive)
      assert.deepInclude(yield* Effect.flip(session.exec("count")), { reason: "closed" })
    }))

  it.effect("leaves no interpreter of a start that was called off", () =>
    Effect.gen(function*() {
      const scripted = scriptedBackend()
      const open = scripted.hold()
      const fiber = yield* Effect.forkChild(opened({}, scripted), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      open()
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.strictEqual(scripted.backend.processes(), 0)
    }))

  it.effect("has lost its state when its interpreter ended between two cells", () =>
    Effect.gen(function*() {
      const lost: Array<string> = []
      const { session, started } = yield* opened({
        counts: { ...counts, lost: (_, cause) => void lost.push(cause) }
      })
      yield* session.exec("print a")
      started[0]?.lose("host")
      assert.deepInclude(yield* Effect.flip(session.exec("print b")), { _tag: "StateLost", cause: "host" })
      assert.deepStrictEqual(lost, ["host"])
    }))

  it.effect("takes so many cells, and so much code, as its limits say", () =>
    Effect.gen(function*() {
      const { session } = yield* opened({ limits: { ...sandboxLimitsDefaults, cells: 2, codeBytes: 10 } })
      const long = yield* Effect.flip(session.exec("print ééé"))
      assert.deepInclude(long, { _tag: "CodeTooLong", bytes: 12, mostBytes: 10 })
      yield* session.exec("print 1")
      yield* session.exec("print 2")
      assert.deepInclude(yield* Effect.flip(session.exec("print 3")), { _tag: "SessionOver", reason: "cells" })
    }))

  it.effect("tells why it cannot start", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(opened({}, scriptedBackend({ refuse: () => true })))
      assert.deepInclude(refused, { _tag: "SandboxUnavailable", detail: "no interpreter today" })
    }))
})
