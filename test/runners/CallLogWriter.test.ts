import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { StoreFailed } from "../../src/actors/ActorStore.ts"
import { type CallEntry, CallLog } from "../../src/actors/CallLog.ts"
import { makeRegistry, MetricRegistry, textOf } from "../../src/actors/Metrics.ts"
import { type CallStore, makeCallLog, maxWaiting } from "../../src/runners/CallLogWriter.ts"
import { callLogContract, entryOf } from "../actors/CallLogContract.ts"

callLogContract("memory", () => CallLog.layerMemory())

/** A table that fails as it is told to. */
const scripted = () => {
  const written: Array<CallEntry> = []
  const batches: Array<number> = []
  const table = {
    fails: null as StoreFailed["reason"] | null,
    hangs: false,
    written,
    batches
  }
  const store: CallStore = {
    append: (entries) =>
      Effect.suspend(() => {
        if (table.hangs) return Effect.never
        if (table.fails !== null) return Effect.fail(new StoreFailed({ reason: table.fails, detail: "told to" }))
        batches.push(entries.length)
        written.push(...entries)
        return Effect.void
      }),
    list: () => Effect.succeed([]),
    prune: () => Effect.succeed(0)
  }
  return { table, store }
}

describe("the writer of the record of calls", () => {
  it.effect("writes many at once, within a second", () =>
    Effect.gen(function*() {
      const { store, table } = scripted()
      const log = yield* makeCallLog(store)
      for (let i = 0; i < 1_100; i++) log.note(entryOf(i))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(table.batches, [500, 500, 100])
      assert.deepStrictEqual(table.written.map(({ atMillis }) => atMillis), Array.from({ length: 1_100 }, (_, i) => i))
    }))

  it.effect("keeps what a store that is away does not take, in order", () =>
    Effect.gen(function*() {
      const { store, table } = scripted()
      const log = yield* makeCallLog(store)
      table.fails = "unavailable"
      log.note(entryOf(1))
      yield* TestClock.adjust("5 seconds")
      log.note(entryOf(2))
      table.fails = null
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(table.written.map(({ atMillis }) => atMillis), [1, 2])
    }))

  it.effect("counts what does not fit while the store is away, and goes on afterwards", () => {
    const registry = makeRegistry()
    return Effect.gen(function*() {
      const { store, table } = scripted()
      const log = yield* makeCallLog(store)
      table.fails = "unavailable"
      for (let i = 0; i < maxWaiting + 7; i++) log.note(entryOf(i))
      yield* TestClock.adjust("2 seconds")
      assert.include(textOf(registry.families()), "polya_calls_lost_total 7")
      table.fails = null
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(table.written.length, maxWaiting)
      log.note(entryOf(-1))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(table.written.length, maxWaiting + 1)
    }).pipe(Effect.provideService(MetricRegistry, registry))
  })

  it.effect("gives up what the store will never take", () =>
    Effect.gen(function*() {
      const { store, table } = scripted()
      const log = yield* makeCallLog(store)
      table.fails = "data"
      log.note(entryOf(1))
      yield* TestClock.adjust("1 second")
      table.fails = null
      log.note(entryOf(2))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(table.written.map(({ atMillis }) => atMillis), [2])
    }))

  it.effect("writes what is left when the process ends, and waits for no store for ever", () =>
    Effect.gen(function*() {
      const { store, table } = scripted()
      const scope = yield* Scope.make()
      const log = yield* Scope.provide(makeCallLog(store), scope)
      log.note(entryOf(1))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(table.written.length, 1)

      const other = yield* Scope.make()
      const late = yield* Scope.provide(makeCallLog(store), other)
      table.hangs = true
      late.note(entryOf(2))
      const closing = yield* Effect.forkChild(Scope.close(other, Exit.void))
      yield* TestClock.adjust("6 seconds")
      yield* Fiber.join(closing)
    }))

  it.effect("lists although what was noted last cannot be written", () =>
    Effect.gen(function*() {
      const { store, table } = scripted()
      const log = yield* makeCallLog(store)
      table.hangs = true
      log.note(entryOf(1))
      const listing = yield* Effect.forkChild(log.list({ limit: 1 }))
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(yield* Fiber.join(listing), [])
      table.hangs = false
    }))

  it.effect("stores texts and numbers within bounds, whatever a server said", () =>
    Effect.gen(function*() {
      const { store, table } = scripted()
      const log = yield* makeCallLog(store)
      log.note(entryOf(Number.NaN, {
        detail: "x".repeat(100_000),
        parameters: "y".repeat(100_000),
        model: "z".repeat(100_000),
        promptTokens: 1e300,
        microDollars: Number.POSITIVE_INFINITY,
        millis: Number.NaN
      }))
      yield* TestClock.adjust("1 second")
      const [entry] = table.written
      assert.deepInclude(entry, { atMillis: 0, promptTokens: Number.MAX_SAFE_INTEGER, microDollars: 0, millis: 0 })
      assert.deepStrictEqual(
        [entry?.detail?.length, entry?.parameters.length, entry?.model.length],
        [300, 1_000, 300]
      )
    }))
})
