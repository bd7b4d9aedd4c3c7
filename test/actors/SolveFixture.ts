// Solves in memory: the real actors and driver over a scripted model, verdicts in this thread, and no sandbox unless the test brings one.
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { CodeSandbox } from "../../src/actors/CodeSandbox.ts"
import { Committer } from "../../src/actors/Committer.ts"
import * as Solving from "../../src/actors/Solving.ts"
import { LastResort, Verdicts } from "../../src/actors/Verdicts.ts"
import type { SolveSpec } from "../../src/domain/Solve.ts"
import { parseStrategy, type Strategy } from "../../src/domain/Strategy.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"
import type { makeScripted } from "./ScriptedGeneration.ts"

export type Scripted = ReturnType<typeof makeScripted>

export const strategyOf = (name: string, changes: Partial<Strategy> = {}): Strategy => {
  const parsed = parseStrategy(name)
  if (parsed._tag === "Failure") throw new Error(parsed.failure)
  return { ...parsed.success, ...changes }
}

export const specOf = (strategy: Strategy, changes: Partial<SolveSpec> = {}): SolveSpec => ({
  prompt: { _tag: "Problem", text: "What is 6 times 7?" },
  model: "m",
  strategy,
  seed: 7,
  budget: { tokens: null, millis: null },
  owner: "test",
  group: null,
  ...changes
})

const others = Layer.mergeAll(
  EmbeddedCluster.layer(),
  CodeSandbox.layerNone,
  Verdicts.layerMemory.pipe(Layer.provide(LastResort.layerNone))
)
type Store = Layer.Success<typeof ActorStoreMemory.layer>

/** The whole of solving over a model that a script speaks for. `store`: one that outlives it. */
export const solving = (scripted: Scripted, store: Layer.Layer<Store> = ActorStoreMemory.layer, supervise = true) =>
  Solving.layer(supervise).pipe(
    Layer.provideMerge(Committer.layer),
    Layer.provideMerge(Layer.mergeAll(store, others, scripted.layer))
  )

/** A store that outlives what works over it. */
export const survivingStore = Effect.map(
  Layer.build(Layer.fresh(ActorStoreMemory.layer)),
  (context) => Layer.succeedContext(context)
)

/** Lets virtual time run for as long as the work takes. */
export const inVirtualTime = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(work)
    const pump = yield* Effect.forkChild(Effect.forever(Effect.andThen(TestClock.adjust("10 millis"), Effect.yieldNow)))
    return yield* Effect.ensuring(Fiber.join(fiber), Fiber.interrupt(pump))
  })
