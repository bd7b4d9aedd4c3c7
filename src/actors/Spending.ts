// The port to what models have cost: tokens and millionths of a US dollar by model, over all processes of the cluster, for good.
import { Context, Effect, Layer } from "effect"
import type { TokenUsage } from "../domain/Generation.ts"

export interface Charge {
  readonly usage: TokenUsage
  readonly microDollars: number
}
export interface Spent {
  readonly calls: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly microDollars: number
}

export class Spending extends Context.Service<Spending, {
  /** Notes what a call cost. Never waits, never fails: it is written together with others soon. */
  readonly charge: (model: string, charge: Charge) => Effect.Effect<void>
  /** What is known on this process: the last total that was read, at most some seconds old, and what was charged here since. */
  readonly spent: (model: string) => Effect.Effect<Spent>
}>()("polya/Spending") {
  /** Forgets with the process. */
  static readonly layerMemory: Layer.Layer<Spending> = Layer.sync(Spending, () => {
    const models = new Map<string, Spent>()
    const of = (model: string): Spent =>
      models.get(model) ?? { calls: 0, promptTokens: 0, completionTokens: 0, microDollars: 0 }
    return {
      charge: (model, { microDollars, usage }) =>
        Effect.sync(() => {
          const before = of(model)
          models.set(model, {
            calls: before.calls + 1,
            promptTokens: before.promptTokens + usage.promptTokens,
            completionTokens: before.completionTokens + usage.completionTokens,
            microDollars: before.microDollars + microDollars
          })
        }),
      spent: (model) => Effect.sync(() => of(model))
    }
  })
}
