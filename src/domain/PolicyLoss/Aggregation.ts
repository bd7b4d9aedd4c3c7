// How the terms of tokens become one number. Every aggregation of the field weighs all active tokens of a sequence alike, so it
// is one weight per sequence: loss = sum over i of weight_i * (sum over active t of term_it).
import { Schema } from "effect"

const Length = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))

/**
 * With n_i active tokens in sequence i of N, and N' sequences that have an active token:
 *
 * - `TokenMean`: 1 / sum of n. DAPO, BNPO, verl `token-mean`.
 * - `SequenceMeanOfTokenMeans`: 1 / (N n_i); a fully masked sequence counts as 0 (GRPO, TRL).
 * - `ActiveSequenceMeanOfTokenMeans`: 1 / (N' n_i); it is left out (verl `seq-mean-token-mean`).
 * - `ActiveSequenceMeanOfTokenSums`: 1 / N' (verl `seq-mean-token-sum`).
 * - `ActiveSequenceMeanOfTokenSumsNormed`: 1 / (N' horizon) (verl `seq-mean-token-sum-norm`; older versions have no N').
 * - `ConstantLength`: 1 / (N maxCompletionLength). Dr. GRPO (arXiv:2503.20783).
 * - `Sum`: 1. Tinker. The scale of the learning rate then depends on the tokens per batch: divide the advantages by the number
 *   of active tokens to port a recipe that uses a mean.
 */
export const Aggregation = Schema.Union([
  Schema.TaggedStruct("TokenMean", {}),
  Schema.TaggedStruct("SequenceMeanOfTokenMeans", {}),
  Schema.TaggedStruct("ActiveSequenceMeanOfTokenMeans", {}),
  Schema.TaggedStruct("ActiveSequenceMeanOfTokenSums", {}),
  Schema.TaggedStruct("ActiveSequenceMeanOfTokenSumsNormed", { horizon: Length }),
  Schema.TaggedStruct("ConstantLength", { maxCompletionLength: Length }),
  Schema.TaggedStruct("Sum", {})
])
export type Aggregation = typeof Aggregation.Type

/** The weight of each active token of a sequence; activeTokens_N: how many each has. 0 for a sequence without any. */
export const tokenWeights = (aggregation: Aggregation, activeTokens_N: ReadonlyArray<number>): Float64Array => {
  const sequences = activeTokens_N.length
  const active = activeTokens_N.filter((tokens) => tokens > 0).length
  const tokensTotal = activeTokens_N.reduce((sum, tokens) => sum + tokens, 0)
  const weightOf = (tokens: number): number => {
    switch (aggregation._tag) {
      case "TokenMean":
        return 1 / tokensTotal
      case "SequenceMeanOfTokenMeans":
        return 1 / (sequences * tokens)
      case "ActiveSequenceMeanOfTokenMeans":
        return 1 / (active * tokens)
      case "ActiveSequenceMeanOfTokenSums":
        return 1 / active
      case "ActiveSequenceMeanOfTokenSumsNormed":
        return 1 / (active * aggregation.horizon)
      case "ConstantLength":
        return 1 / (sequences * aggregation.maxCompletionLength)
      case "Sum":
        return 1
    }
  }
  return Float64Array.from(activeTokens_N, (tokens) => tokens === 0 ? 0 : weightOf(tokens))
}
