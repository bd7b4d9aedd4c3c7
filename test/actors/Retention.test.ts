// Forgetting the past: by age, in pieces, every so often, and again after a store that failed.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore, type RetentionCut, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { AuditLog } from "../../src/actors/AuditLog.ts"
import { CallLog } from "../../src/actors/CallLog.ts"
import { Files } from "../../src/actors/Files.ts"
import * as FilesMemory from "../../src/actors/FilesMemory.ts"
import * as Retention from "../../src/actors/Retention.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import { entryOf } from "./CallLogContract.ts"

const minute = 60_000
const options: Retention.RetentionOptions = {
  repliesMillis: 2 * minute,
  eventsMillis: 4 * minute,
  versionsMillis: 6 * minute,
  auditMillis: 3 * minute,
  callsMillis: 4 * minute,
  uploadsMillis: 5 * minute,
  everyMillis: minute
}

/** Commits version `expected + 1` of one actor with a reply named after it and some events. */
const commit = (expected: number, replies = [`c${expected}`], events = ["{}"]) =>
  Effect.flatMap(ActorStore, (store) =>
    store.commit([{
      type: "A",
      id: "a",
      expected,
      state: `{"n":${expected + 1}}`,
      replies: replies.map((commandId) => ({ commandId, reply: "null" })),
      events
    }]))

/** What is left of the first commit: is its reply known, its events, its state? */
const leftOfFirst = Effect.fnUntraced(function*() {
  const store = yield* ActorStore
  const key = { type: "A", id: "a" }
  const [outcome] = yield* commit(99, ["c0"])
  const first = (yield* store.history(key, { limit: 10 })).find(({ version }) => version === 1)
  return {
    reply: outcome?._tag === "Duplicate",
    events: (first?.events.length ?? 0) > 0,
    state: (yield* store.asOf(key, 1)) !== undefined
  }
})

describe("retention", () => {
  it.effect("forgets replies, events and earlier states each at its own age, and never the current state", () =>
    Effect.gen(function*() {
      const store = yield* ActorStore
      yield* commit(0)
      yield* commit(1)
      const seen: Array<unknown> = []
      for (let passed = 0; passed <= 7; passed++) {
        yield* Retention.prune(options)
        seen.push(Object.values(yield* leftOfFirst()).map(Number).join(""))
        yield* TestClock.adjust(minute)
      }
      assert.deepStrictEqual(seen, ["111", "111", "111", "011", "011", "001", "001", "000"])
      assert.deepStrictEqual(yield* store.load([{ type: "A", id: "a" }]), [{ version: 2, state: `{"n":2}` }])
    }).pipe(Effect.provide(ActorStoreMemory.layer)))

  it.effect("takes as many pieces as it needs in one round", () =>
    Effect.gen(function*() {
      yield* commit(0, Array.from({ length: 12_000 }, (_, index) => `c${index}`))
      yield* commit(1, [], [])
      yield* TestClock.adjust(10 * minute)
      assert.deepStrictEqual(yield* Retention.prune(options), { replies: 12_000, events: 1, versions: 1 })
      assert.deepStrictEqual(yield* Retention.prune(options), { replies: 0, events: 0, versions: 0 })
    }).pipe(Effect.provide(ActorStoreMemory.layer)))

  it.effect("forgets the audit log, calls and uploads at their own ages, and no output", () =>
    Effect.gen(function*() {
      const audit = yield* AuditLog
      const calls = yield* CallLog
      const files = yield* Files
      calls.note(entryOf(0))
      const entry = { who: "w", why: "", command: "c", type: null, id: null, commandId: null, version: null }
      yield* audit.append([{ ...entry, atMillis: 0, outcome: "done", detail: null }])
      for (const kind of ["upload", "output"] as const) {
        yield* files.put({ name: "f", kind, group: null, who: "w" }, Stream.empty, 1)
      }
      const left = Effect.gen(function*() {
        const uploads = yield* files.list({ kind: "upload", limit: 9 })
        return [(yield* audit.list({ limit: 9 })).length, (yield* calls.list({ limit: 9 })).length, uploads.length]
      })
      yield* TestClock.adjust(1) // the cluster takes its shards
      const seen: Array<unknown> = []
      for (let passed = 0; passed <= 6; passed++) {
        seen.push((yield* left).join(""))
        yield* TestClock.adjust(minute)
      }
      assert.deepStrictEqual(seen, ["111", "111", "111", "111", "011", "001", "000"])
      assert.strictEqual((yield* files.list({ kind: "output", limit: 9 })).length, 1)
    }).pipe(Effect.provide(
      Retention.layer(options).pipe(
        Layer.provideMerge(EmbeddedCluster.layer()),
        Layer.provideMerge(Layer.mergeAll(ActorStoreMemory.layer, FilesMemory.layer, CallLog.layerMemory()))
      )
    )))

  it.effect("takes a shorter time between rounds within a second, also while it waits for the next", () => {
    const live = { ...options, everyMillis: 60 * minute }
    let rounds = 0
    const store = Layer.effect(
      ActorStore,
      Effect.map(ActorStore, (memory) => ({
        ...memory,
        prune: (cut: RetentionCut) => {
          rounds++
          return memory.prune(cut)
        }
      }))
    ).pipe(Layer.provide(ActorStoreMemory.layer))
    return Effect.gen(function*() {
      yield* TestClock.adjust(1) // the cluster takes its shards
      yield* TestClock.adjust(10 * minute)
      assert.strictEqual(rounds, 0)
      live.everyMillis = minute
      yield* TestClock.adjust(1_000)
      assert.strictEqual(rounds, 1)
      yield* TestClock.adjust(minute)
      assert.strictEqual(rounds, 2)
    }).pipe(Effect.provide(
      Retention.layer(live).pipe(Layer.provideMerge(EmbeddedCluster.layer()), Layer.provideMerge(store))
    ))
  })

  it.effect("has a round every so often on the cluster, and another one after a store that failed", () => {
    const cuts: Array<RetentionCut> = []
    const store = Layer.effect(
      ActorStore,
      Effect.map(ActorStore, (memory) => ({
        ...memory,
        prune: (cut: RetentionCut) =>
          cuts.push(cut) === 1
            ? Effect.fail(new StoreFailed({ reason: "unavailable", detail: "away" }))
            : memory.prune(cut)
      }))
    ).pipe(Layer.provide(ActorStoreMemory.layer))
    return Effect.gen(function*() {
      yield* TestClock.adjust(1) // the cluster takes its shards
      yield* TestClock.adjust(minute - 1)
      const before = cuts.length
      for (let round = 0; round < 3; round++) yield* TestClock.adjust(minute)
      assert.strictEqual(cuts.length, before + 3)
      assert.deepStrictEqual(
        cuts.map(({ nowMillis }) => nowMillis),
        cuts.map((_, round) => (cuts[0]?.nowMillis ?? 0) + round * minute)
      )
      assert.include(cuts[1], { repliesMillis: 2 * minute, eventsMillis: 4 * minute, versionsMillis: 6 * minute })
    }).pipe(Effect.provide(
      Retention.layer(options).pipe(Layer.provideMerge(EmbeddedCluster.layer()), Layer.provideMerge(store))
    ))
  })
})
