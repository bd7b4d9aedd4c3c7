import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as SeatsActor from "../../src/actors/SeatsActor.ts"
import { Spending } from "../../src/actors/Spending.ts"
import * as SpendingActor from "../../src/actors/SpendingActor.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import { chargeOf, spendingContract } from "./SpendingContract.ts"

const over = <E, R>(store: Layer.Layer<ActorStore, E, R>) =>
  // Other actors end first, as in a whole program: with them the cluster lets go of all.
  Layer.fresh(SeatsActor.layer.pipe(
    Layer.provideMerge(SpendingActor.layerSpending),
    Layer.provideMerge(SpendingActor.layer),
    Layer.provide(Committer.layer),
    Layer.provide(EmbeddedCluster.layer()),
    Layer.provide(store)
  ))
const memory = () => over(Layer.fresh(ActorStoreMemory.layer))
/** The cluster takes its shards. */
const ready = TestClock.adjust(1)

spendingContract("in memory", () => Layer.fresh(Spending.layerMemory))
spendingContract("of the actors", memory, ready)

describe("Spending of the actors", () => {
  /** One process over a store that outlives it. */
  const processOver = Effect.fnUntraced(
    function*(store: Context.Context<ActorStore>, faults: ReadonlyArray<ActorStoreMemory.Fault> = []) {
      const scope = yield* Scope.make()
      const layer = over(ActorStoreMemory.faulty(faults).pipe(Layer.provide(Layer.succeedContext(store))))
      const context = yield* Layer.buildWithScope(layer, scope)
      yield* ready
      return { ...Context.get(context, Spending), leave: Scope.close(scope, Exit.void) }
    }
  )
  const storeOf = Layer.build(Layer.fresh(ActorStoreMemory.layer))
  const versions = (context: Context.Context<ActorStore>) =>
    Effect.map(
      Context.get(context, ActorStore).history({ type: "Spending", id: "m" }, { limit: 100 }),
      (all) => all.length
    )

  it.effect("is written once a second, however many calls there were", () =>
    Effect.gen(function*() {
      const store = yield* storeOf
      const { charge, spent } = yield* processOver(store)
      for (let i = 0; i < 50; i++) yield* charge("m", chargeOf(1, 2, 3))
      assert.strictEqual(yield* versions(store), 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* versions(store), 1)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* versions(store), 1)
      assert.deepInclude(yield* spent("m"), { calls: 50, microDollars: 150 })
    }))

  it.effect("is written before the second is over once there are many", () =>
    Effect.gen(function*() {
      const store = yield* storeOf
      const { charge } = yield* processOver(store)
      for (let i = 0; i < 200; i++) yield* charge("m", chargeOf(1, 2, 3))
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* versions(store), 1)
    }))

  it.effect("counts once what a store took without saying so, and nothing of what it refused", () =>
    Effect.gen(function*() {
      const store = yield* storeOf
      const { charge, spent } = yield* processOver(store, ["failAfter", "failBefore", "failAfter", "failAfter"])
      yield* charge("m", chargeOf(1, 1, 10))
      yield* TestClock.adjust("1 second")
      yield* charge("m", chargeOf(1, 1, 10))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* spent("m"), { calls: 2, promptTokens: 2, completionTokens: 2, microDollars: 20 })
      assert.strictEqual(yield* versions(store), 2)
    }))

  it.effect("outlives the process, which writes what is left when it ends", () =>
    Effect.gen(function*() {
      const store = yield* storeOf
      const first = yield* processOver(store)
      yield* first.charge("m", chargeOf(3, 4, 5))
      yield* first.leave
      const second = yield* processOver(store)
      assert.deepStrictEqual(yield* second.spent("m"), {
        calls: 1,
        promptTokens: 3,
        completionTokens: 4,
        microDollars: 5
      })
    }))

  it.effect("is known of other processes within seconds", () =>
    Effect.gen(function*() {
      const store = yield* storeOf
      const first = yield* processOver(store)
      assert.strictEqual((yield* first.spent("m")).calls, 0)
      const second = yield* processOver(store)
      yield* second.charge("m", chargeOf(1, 1, 1))
      yield* second.leave
      yield* TestClock.adjust("4 seconds")
      yield* first.charge("m", chargeOf(1, 1, 1))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* first.spent("m")).calls, 2)
    }))

  it.effect("takes no amount that is none", () =>
    Effect.gen(function*() {
      const { charge, spent } = yield* processOver(yield* storeOf)
      yield* charge("m", chargeOf(Number.NaN, -5, Number.POSITIVE_INFINITY))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* spent("m"), { calls: 1, promptTokens: 0, completionTokens: 0, microDollars: 0 })
    }))

  it("has an actor for every model, whatever its name", () => {
    const ids = ["m", "org/m", "org-m", "ü".repeat(300), ""].map(SpendingActor.spendingIdOf)
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const id of ids) assert.match(id, /^[A-Za-z0-9._:-]{1,200}$/)
  })
})
