// What one model has cost so far, over all processes and for good: a sum that only grows.
import { Schema } from "effect"
import { accept, type Decision } from "./Decision.ts"

const amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** Calls, tokens, and millionths of a US dollar. */
export const SpendingState = Schema.Struct({
  calls: amount,
  promptTokens: amount,
  completionTokens: amount,
  microDollars: amount
})
export type SpendingState = typeof SpendingState.Type

export const noSpending: SpendingState = { calls: 0, promptTokens: 0, completionTokens: 0, microDollars: 0 }

export const addSpending = (a: SpendingState, b: SpendingState): SpendingState => ({
  calls: a.calls + b.calls,
  promptTokens: a.promptTokens + b.promptTokens,
  completionTokens: a.completionTokens + b.completionTokens,
  microDollars: a.microDollars + b.microDollars
})

export const ChargeFields = { sum: SpendingState }
/** What some calls cost; answers the sum of all so far. */
export const charge = (
  state: SpendingState,
  { sum }: { readonly sum: SpendingState }
): Decision<SpendingState, SpendingState> => {
  const next = addSpending(state, sum)
  return accept(next, next)
}
