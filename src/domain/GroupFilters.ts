// Which groups of samples (one group: the samples of one prompt) a policy step may use: fresh enough, complete enough, and
// with rewards that differ. Pure and total; a number that is not finite never keeps a group.
import { Schema } from "effect"

/**
 * Whether samples made with the weights of `samplingStep` may train the weights of `currentStep`: at most
 * `maxStepsOffPolicy` steps old. Source: Tinker cookbook, asynchronous off-policy loop.
 */
export const isFresh = (currentStep: number, samplingStep: number, maxStepsOffPolicy: number): boolean =>
  currentStep - samplingStep <= maxStepsOffPolicy

/**
 * Least number of finished samples with which a partly failed group is used: ceil(share * groupSize), share 0..1, taken for the
 * decimal that it is written as: 0.55 of 100 are 55, although the double of 0.55 times 100 is above that.
 */
export const minimumViableSize = (groupSize: number, share = 0.75): number =>
  Math.ceil(share * groupSize * (1 - 4 * Number.EPSILON))

/** Whether a group of which `successes` samples finished is used. An empty group never is. Source: Tinker cookbook. */
export const isViable = (groupSize: number, successes: number, share = 0.75): boolean =>
  successes > 0 && successes >= minimumViableSize(groupSize, share)

/** Rewards this many units in the last place of the largest one apart count as equal: 0.1 + 0.2 and 0.3 do. */
const equalWithinUlps = 8

/**
 * Whether the rewards of a group differ by no more than the rounding of their arithmetic. True for none and for one.
 * False if a reward is not finite: such a group is not constant but broken.
 */
export const isConstant = (rewards_G: ArrayLike<number>): boolean => {
  let [least, largest] = [Infinity, -Infinity]
  for (let i = 0; i < rewards_G.length; i++) {
    const reward = rewards_G[i] as number
    if (!Number.isFinite(reward)) return false
    if (reward < least) least = reward
    if (reward > largest) largest = reward
  }
  if (rewards_G.length === 0) return true
  return largest - least <= equalWithinUlps * Number.EPSILON * Math.max(Math.abs(least), Math.abs(largest))
}

/**
 * Whether a group has something to teach: its rewards are finite and differ. DAPO's dynamic sampling (arXiv:2503.14476)
 * keeps 0 < right < G; for rewards of right and wrong that is the same. Compare outcomes (`outcomesDiffer`)
 * where rewards also carry shaping (length, format) that should not keep a group.
 */
export const keepForDynamicSampling = (rewards_G: ArrayLike<number>): boolean => {
  for (let i = 0; i < rewards_G.length; i++) if (!Number.isFinite(rewards_G[i] as number)) return false
  return !isConstant(rewards_G)
}

/** Whether some but not all of a group's samples are right. */
export const outcomesDiffer = (right_G: ReadonlyArray<boolean>): boolean =>
  right_G.includes(true) && right_G.includes(false)

/** Share of groups with constant rewards, 0..1 (TRL's metric `frac_reward_zero_std`); null for no groups. */
export const fractionRewardZeroStd = (rewards_N_G: ReadonlyArray<ArrayLike<number>>): number | null =>
  rewards_N_G.length === 0 ? null : rewards_N_G.filter(isConstant).length / rewards_N_G.length

/**
 * Dynamic sampling that refills: prompts are generated in batches until `targetGroups` groups qualify. `filled`: they do,
 * and the surplus of the last batch is cut. `exhausted`: `maxGenerationBatches` were used first; `kept` is what there is.
 */
export const DynamicSampling = Schema.Struct({
  targetGroups: Schema.Int,
  /** Null: no limit but the caller's own. */
  maxGenerationBatches: Schema.NullOr(Schema.Int),
  status: Schema.Literals(["sampling", "filled", "exhausted"]),
  batchesUsed: Schema.Int,
  kept: Schema.Int,
  discardedValid: Schema.Int
})
export type DynamicSampling = typeof DynamicSampling.Type

const settled = (state: Omit<DynamicSampling, "status">): DynamicSampling => ({
  ...state,
  status: state.kept >= state.targetGroups
    ? "filled"
    : state.maxGenerationBatches !== null && state.batchesUsed >= state.maxGenerationBatches
    ? "exhausted"
    : "sampling"
})

/** The state before the first batch; already `filled` for a target of 0 and `exhausted` without any batch allowed. */
export const startDynamicSampling = (targetGroups: number, maxGenerationBatches: number | null): DynamicSampling =>
  settled({ targetGroups, maxGenerationBatches, batchesUsed: 0, kept: 0, discardedValid: 0 })

/** One more batch, of which `qualified` groups (0 or more) passed. A state that is settled stays as it is. */
export const addGenerationBatch = (state: DynamicSampling, qualified: number): DynamicSampling => {
  if (state.status !== "sampling") return state
  const found = state.kept + Math.max(0, Math.trunc(qualified) || 0)
  const kept = Math.min(found, state.targetGroups)
  return settled({ ...state, batchesUsed: state.batchesUsed + 1, kept, discardedValid: found - kept })
}
