// The contract of Spending, sentence by sentence. Every layer runs it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Spending } from "../../src/actors/Spending.ts"

export const chargeOf = (promptTokens: number, completionTokens: number, microDollars: number) => ({
  usage: { promptTokens, completionTokens },
  microDollars
})

/** `ready`: what has to pass before anything is charged. */
export const spendingContract = (
  name: string,
  layer: () => Layer.Layer<Spending>,
  ready: Effect.Effect<void> = Effect.void
): void => {
  describe(`Spending ${name}`, () => {
    it.effect("is nothing at first, and afterwards the sum of what was charged to each model", () =>
      Effect.provide(
        Effect.gen(function*() {
          yield* ready
          const { charge, spent } = yield* Spending
          const nothing = { calls: 0, promptTokens: 0, completionTokens: 0, microDollars: 0 }
          assert.deepStrictEqual(yield* spent("org/model a"), nothing)
          yield* charge("org/model a", chargeOf(10, 5, 1_500))
          yield* charge("org/model a", chargeOf(1, 0, 0.5))
          yield* charge("b", chargeOf(7, 7, 7))
          assert.deepStrictEqual(yield* spent("org/model a"), {
            calls: 2,
            promptTokens: 11,
            completionTokens: 5,
            microDollars: 1_500.5
          })
          assert.strictEqual((yield* spent("b")).calls, 1)
          assert.deepStrictEqual(yield* spent("c"), nothing)
        }),
        layer()
      ))
  })
}
