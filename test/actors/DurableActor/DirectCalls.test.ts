import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { Entity, EntityAddress, EntityId, EntityType, ShardId, Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import { ActorUnavailable, Cell, type Op, readOp } from "../../../src/actors/Committer.ts"
import { type DirectHost, DirectHosts, serve } from "../../../src/actors/DurableActor/DirectCalls.ts"

const codec = { initial: 0, encode: String, decode: Number }
const unavailable = (reason: ActorUnavailable["reason"]) => new ActorUnavailable({ reason, detail: reason })

/** One awake host whose ops wait until the test answers them, on a runner that holds its shard while `held`. */
const awake = Effect.gen(function*() {
  const runner = { held: true }
  const sharding = Sharding.Sharding.of({ hasShardId: () => runner.held } as any)
  const hosts = new DirectHosts<number>()
  const scope = yield* Scope.make()
  const ops: Array<Op<number>> = []
  const address = EntityAddress.make({
    shardId: ShardId.make("default", 1),
    entityType: EntityType.make("Log"),
    entityId: EntityId.make("h1")
  })
  const reached = yield* serve(hosts, (_, op) => ops.push(op), (actor) => new Cell("Log", actor, codec)).pipe(
    Effect.provideService(Sharding.Sharding, sharding),
    Effect.provideService(Entity.CurrentAddress, address),
    Scope.provide(scope)
  )
  const host = hosts.on(sharding).get("h1") as DirectHost<number>
  const messages: Array<number> = []
  const ask = (deadlineMillis: number) =>
    host.ask("a", { ...readOp(), waiters: [] }, deadlineMillis, (restMillis) => {
      messages.push(restMillis)
      return Effect.succeed("by message")
    })
  const answer = (at: number, exit: Exit.Exit<unknown, unknown>) => ops[at]?.waiters.forEach((waiter) => waiter(exit))
  const close = Scope.close(scope, Exit.void)
  return { runner, host, ask, answer, messages, reached, close, awake: () => hosts.on(sharding).has("h1") }
})

describe("a direct call", () => {
  it.effect("is answered with what the host's commit says, refusals too", () =>
    Effect.gen(function*() {
      const { answer, ask, messages } = yield* awake
      const kept = yield* Effect.forkChild(ask(1_000), { startImmediately: true })
      const refused = yield* Effect.forkChild(Effect.flip(ask(1_000)), { startImmediately: true })
      answer(1, Exit.fail("full"))
      answer(0, Exit.succeed(7))
      assert.strictEqual(yield* Fiber.join(kept), 7)
      assert.strictEqual(yield* Fiber.join(refused), "full")
      assert.isEmpty(messages)
    }))

  it.effect("goes on as a message, in the rest of its deadline, when the host says to ask again", () =>
    Effect.gen(function*() {
      const { answer, ask, messages } = yield* awake
      const call = yield* Effect.forkChild(ask(1_000), { startImmediately: true })
      yield* TestClock.adjust(300)
      answer(0, Exit.fail(unavailable("fenced")))
      assert.strictEqual(yield* Fiber.join(call), "by message")
      assert.deepStrictEqual(messages, [700])
    }))

  it.effect("fails with what will not pass", () =>
    Effect.gen(function*() {
      const { answer, ask } = yield* awake
      const call = yield* Effect.forkChild(Effect.flip(ask(1_000)), { startImmediately: true })
      answer(0, Exit.fail(unavailable("data")))
      assert.deepInclude(yield* Fiber.join(call), { reason: "data" })
    }))

  it.effect("fails at its deadline, whatever the deadlines of the calls before and after it", () =>
    Effect.gen(function*() {
      const { answer, ask } = yield* awake
      const ended: Array<number> = []
      const timed = (deadlineMillis: number) =>
        Effect.forkChild(
          ask(deadlineMillis).pipe(
            Effect.flip,
            Effect.andThen(Effect.sync(() => ended.push(deadlineMillis)))
          ),
          { startImmediately: true }
        )
      for (const deadlineMillis of [500, 100, 900, 100, 300]) yield* timed(deadlineMillis)
      for (const [afterMillis, expected] of [[99, 0], [1, 2], [199, 2], [1, 3], [200, 4], [399, 4], [1, 5]] as const) {
        yield* TestClock.adjust(afterMillis)
        assert.lengthOf(ended, expected)
      }
      // An answer that comes afterwards finds nobody.
      answer(0, Exit.succeed(1))
      yield* timed(50)
      yield* TestClock.adjust(50)
      assert.lengthOf(ended, 6)
    }))

  it.effect("is for a runner that holds the shard, and once a minute not even there", () =>
    Effect.gen(function*() {
      const { host, reached, runner } = yield* awake
      assert.isTrue(host.open())
      runner.held = false
      yield* TestClock.adjust(1)
      assert.isFalse(host.open())
      runner.held = true
      yield* TestClock.adjust(60_000)
      assert.isFalse(host.open())
      reached()
      yield* TestClock.adjust(1)
      assert.isTrue(host.open())
    }))

  it.effect("is waited for when its host goes, and asked again by message after five seconds", () =>
    Effect.gen(function*() {
      const { answer, ask, awake: isAwake, close, messages } = yield* awake
      const quick = yield* Effect.forkChild(ask(30_000), { startImmediately: true })
      const stuck = yield* Effect.forkChild(ask(30_000), { startImmediately: true })
      const closed = yield* Deferred.make<void>()
      yield* Effect.forkChild(Effect.andThen(close, Deferred.succeed(closed, undefined)), { startImmediately: true })
      assert.isFalse(isAwake())
      answer(0, Exit.succeed(1))
      assert.strictEqual(yield* Fiber.join(quick), 1)
      yield* TestClock.adjust(4_999)
      assert.isFalse(yield* Deferred.isDone(closed))
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(stuck), "by message")
      assert.deepStrictEqual(messages, [25_000])
      yield* Deferred.await(closed)
    }))

  it.effect("that was interrupted leaves nothing to wait for", () =>
    Effect.gen(function*() {
      const { ask, close, messages } = yield* awake
      const call = yield* Effect.forkChild(ask(30_000), { startImmediately: true })
      yield* Fiber.interrupt(call)
      yield* close
      assert.isEmpty(messages)
    }))
})
