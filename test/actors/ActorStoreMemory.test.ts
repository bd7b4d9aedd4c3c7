import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import type { ActorCommit } from "../../src/domain/Commit.ts"
import { actorIndexContract } from "./ActorIndexContract.ts"
import { actorStoreContract } from "./ActorStoreContract.ts"

actorStoreContract("memory", () => ActorStoreMemory.layer)
actorIndexContract("memory", () => Layer.fresh(ActorStoreMemory.layer))

describe("a faulty store", () => {
  const commit = (expected: number): ActorCommit => ({
    type: "T",
    id: "a",
    expected,
    state: String(expected + 1),
    replies: [{ commandId: `c${expected}`, reply: "1" }],
    events: []
  })

  it.effect("fails before the write, after it, and fences, in the order of its plan", () =>
    Effect.gen(function*() {
      const store = yield* ActorStore
      const version = Effect.map(store.load([{ type: "T", id: "a" }]), ([row]) => row?.version ?? 0)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(store.commit([commit(0)]))))
      assert.strictEqual(yield* version, 0)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(store.commit([commit(0)]))))
      assert.strictEqual(yield* version, 1)
      assert.strictEqual((yield* store.commit([commit(0)]))[0]?._tag, "Duplicate")
      assert.strictEqual((yield* store.commit([commit(1)]))[0]?._tag, "Fenced")
      assert.strictEqual(yield* version, 1)
      const late = yield* Effect.forkChild(store.commit([commit(1)]))
      yield* TestClock.adjust(999)
      assert.strictEqual(yield* version, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Fiber.join(late))[0]?._tag, "Committed")
      assert.strictEqual((yield* store.commit([commit(2)]))[0]?._tag, "Committed")
    }).pipe(
      Effect.provide(ActorStoreMemory.layerFaulty(["failBefore", "failAfter", "none", "fence", { delayMillis: 1000 }]))
    ))

  it("draws the same faults from the same seed, and all kinds of them", () => {
    const kinds = ["none", "failBefore", "failAfter", "fence"] as const
    const faults = ActorStoreMemory.seededFaults(7, 200, kinds)
    assert.deepStrictEqual(ActorStoreMemory.seededFaults(7, 200, kinds), faults)
    assert.notDeepEqual(ActorStoreMemory.seededFaults(8, 200, kinds), faults)
    assert.strictEqual(new Set(faults).size, kinds.length)
  })
})
