// An actor has one memory at a time: what happens when a runner nevertheless comes to hold two, or has no room for one.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { Cell, Committer, type Op } from "../../src/actors/Committer.ts"
import * as DurableActor from "../../src/actors/DurableActor.ts"
import { accept } from "../../src/domain/Decision.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"

const add = (commandId: string, waiter: Op<number>["waiters"][number]): Op<number> => ({
  name: "Sum.Add",
  commandId,
  decide: (state) => accept(state + 1, state + 1),
  encodeReply: JSON.stringify,
  decodeReply: JSON.parse,
  waiters: [waiter]
})

describe("two cells of one actor on one runner", () => {
  it.live("never travel in one batch, and no effect is lost", () =>
    Effect.gen(function*() {
      const batches: Array<ReadonlyArray<string>> = []
      const recording = Layer.effect(
        ActorStore,
        Effect.map(ActorStore, (store) => ({
          ...store,
          load: (keys) => {
            batches.push(keys.map(({ id }) => id))
            return store.load(keys)
          },
          commit: (batch) => {
            batches.push(batch.map(({ id }) => id))
            return store.commit(batch)
          }
        }))
      )
      const layer = Committer.layer.pipe(
        Layer.provideMerge(recording),
        Layer.provide(Layer.fresh(ActorStoreMemory.layer))
      )
      const codec = { initial: 0, encode: String, decode: Number }
      yield* Effect.gen(function*() {
        const committer = yield* Committer
        const submit = (cell: Cell<number>, id: string): Effect.Effect<number, unknown> =>
          Effect.callback((resume) => committer.submit(cell, add(id, resume)))
        const [old, now, other] = ["a", "a", "b"].map((id) => new Cell("Sum", id, codec))
        const retried = (cell: Cell<number> | undefined, id: string) =>
          Effect.retry(submit(cell as Cell<number>, id), { times: 3 })
        yield* Effect.all([retried(old, "1"), retried(now, "2"), retried(other, "3")], { concurrency: "unbounded" })
        const [row] = yield* (yield* ActorStore).load([{ type: "Sum", id: "a" }])
        assert.deepStrictEqual(row, { version: 2, state: "2" })
        for (const ids of batches) assert.strictEqual(new Set(ids).size, ids.length, ids.join())
      }).pipe(Effect.provide(layer))
    }))
})

const Sum = DurableActor.make({
  type: "Sum",
  state: Schema.Number,
  initial: 0,
  commands: { Add: { payload: {}, success: Schema.Number } },
  decide: { Add: (state) => accept(state + 1, state + 1) },
  placement: { _tag: "shared", hosts: 1 }
})

describe("an actor for which there is no room", () => {
  it.live("is watched all the same", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const begun = yield* Deferred.make<void>()
      const gated = Layer.effect(
        ActorStore,
        Effect.map(ActorStore, (store) => ({
          ...store,
          commit: (batch) =>
            Deferred.succeed(begun, undefined).pipe(
              Effect.andThen(Deferred.await(gate)),
              Effect.andThen(store.commit(batch))
            )
        }))
      )
      const layer = Sum.layer().pipe(
        Layer.provideMerge(Committer.layer),
        Layer.provideMerge(EmbeddedCluster.layer()),
        Layer.provideMerge(gated),
        Layer.provide(Layer.fresh(ActorStoreMemory.layer)),
        Layer.provide(
          Layer.succeed(DurableActor.ActorLimits, { ...DurableActor.actorLimitsDefaults, maxResidentActors: 1 })
        )
      )
      yield* Effect.gen(function*() {
        const clientOf = yield* Sum.client
        const busy = yield* Effect.forkChild(clientOf("a").send("Add", {}))
        yield* Deferred.await(begun)
        const watching = yield* Deferred.make<void>()
        const seen = yield* clientOf("b").watch.pipe(
          Stream.tap(() => Deferred.succeed(watching, undefined)),
          Stream.takeUntil(({ version }) => version === 1),
          Stream.runCollect,
          Effect.forkChild
        )
        yield* Deferred.await(watching)
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(busy)
        yield* clientOf("b").send("Add", {})
        assert.deepStrictEqual((yield* Fiber.join(seen)).map(({ version }) => version), [0, 1])
      }).pipe(Effect.provide(layer))
    }), 20_000)
})
