// Advantages of sampled responses from their rewards: every scheme the field uses, in float64, plus GAE for training with a
// value function. Groups are the samples of one prompt. Total: where a scheme has no answer for a group, that group is null.
import { Schema } from "effect"
import { CompensatedSum } from "./CompensatedSum.ts"
import { isConstant } from "./GroupFilters.ts"

const Epsilon = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/**
 * How rewards r of a group of G become advantages (m: mean of the group, std: its standard deviation).
 *
 * - `Centred`: r - m. Dr. GRPO (arXiv:2503.20783), Tinker cookbook, aimo3-recipe.
 * - `LeaveOneOut`: r minus the mean of the others, which is G / (G - 1) * (r - m). RLOO (arXiv:2402.14740). A group of one
 *   keeps its raw reward, as in verl.
 * - `Standardised`: (r - m) / (std + epsilon). GRPO (arXiv:2402.03300). verl: `sample` (divisor G - 1), epsilon 1e-6, and a
 *   group of one counts with mean 0 and std 1 (`singleton: "raw"`); TRL: `sample`, 1e-4, and it gets 0 (`"zero"`).
 * - `BatchScaled`: (r - m) / (sample std of all rewards of the batch + epsilon). LitePPO (arXiv:2508.08221). A batch of one
 *   reward gets 0.
 * - `MeanScaled`: (r - m) / m. MaxRL. Only for groups with m > 0 (beyond rounding), null otherwise.
 * - `Whitened`: r - m, then minus its mean over the batch and divided by its sample std over the batch + epsilon.
 *   REINFORCE++-baseline (arXiv:2501.03262). Null for the whole batch where that std is 0 or there are fewer than 2 rewards.
 */
export const AdvantageScheme = Schema.Union([
  Schema.TaggedStruct("Centred", {}),
  Schema.TaggedStruct("LeaveOneOut", {}),
  Schema.TaggedStruct("Standardised", {
    std: Schema.Literals(["sample", "population"]),
    epsilon: Epsilon,
    singleton: Schema.Literals(["raw", "zero"])
  }),
  Schema.TaggedStruct("BatchScaled", { epsilon: Epsilon }),
  Schema.TaggedStruct("MeanScaled", {}),
  Schema.TaggedStruct("Whitened", { epsilon: Epsilon })
])
export type AdvantageScheme = typeof AdvantageScheme.Type

/** The schemes under the names by which configurations and papers know them. */
export const advantageSchemes = {
  center_only: { _tag: "Centred" },
  rloo: { _tag: "LeaveOneOut" },
  "grpo_std_sample_eps1e-6": { _tag: "Standardised", std: "sample", epsilon: 1e-6, singleton: "raw" },
  "grpo_std_sample_eps1e-4": { _tag: "Standardised", std: "sample", epsilon: 1e-4, singleton: "zero" },
  grpo_std_population_eps0: { _tag: "Standardised", std: "population", epsilon: 0, singleton: "zero" },
  "center_group_scale_batch_eps1e-4": { _tag: "BatchScaled", epsilon: 1e-4 },
  maxrl_mean_normalised: { _tag: "MeanScaled" },
  "reinforce_pp_baseline_whitened_eps1e-8": { _tag: "Whitened", epsilon: 1e-8 }
} as const satisfies Record<string, AdvantageScheme>

export interface GroupStatistics {
  readonly mean: number
  /** Divisor G - 1; null for a group of one. */
  readonly sampleStd: number | null
  /** Divisor G. */
  readonly populationStd: number
  /** r - mean, exactly 0 throughout for a constant group. */
  readonly deviations_G: Float64Array
}

/**
 * Mean, spread and deviations of rewards_G. Computed on differences to the first reward and scaled by the largest
 * deviation, so that neither a large offset nor a tiny or huge spread costs digits. Rewards equal up to rounding
 * (`isConstant`) have no spread. Null for no reward, for one that is not finite, and where the differences overflow.
 */
export const groupStatistics = (rewards_G: ArrayLike<number>): GroupStatistics | null => {
  const size = rewards_G.length
  if (size === 0) return null
  const first = rewards_G[0] as number
  const shift = new CompensatedSum()
  for (let i = 0; i < size; i++) shift.add((rewards_G[i] as number) - first)
  const meanShift = shift.total / size
  if (!Number.isFinite(first) || !Number.isFinite(meanShift)) return null
  const deviations_G = new Float64Array(size)
  let largest = 0
  if (!isConstant(rewards_G)) {
    for (let i = 0; i < size; i++) {
      const deviation = (rewards_G[i] as number) - first - meanShift
      deviations_G[i] = deviation
      if (Math.abs(deviation) > largest) largest = Math.abs(deviation)
    }
  }
  const squares = new CompensatedSum()
  if (largest > 0) { for (const deviation of deviations_G) squares.add((deviation / largest) ** 2) }
  const stdBy = (divisor: number): number => largest * Math.sqrt(squares.total / divisor)
  return {
    mean: first + meanShift,
    sampleStd: size === 1 ? null : stdBy(size - 1),
    populationStd: stdBy(size),
    deviations_G
  }
}

const scaled = (deviations_G: Float64Array, factor: number): Float64Array => deviations_G.map((d) => d * factor)

/** Deviations over a spread; a group without any spread has no advantages to tell apart and gets 0, also for epsilon 0. */
const overSpread = (deviations_G: Float64Array, spread: number): Float64Array =>
  spread === 0 ? deviations_G : deviations_G.map((d) => d / spread)

/** Whether a mean is above 0 by more than the rounding of rewards that cancel. */
const isPositive = (mean: number, rewards_G: ArrayLike<number>): boolean => {
  let largest = 0
  for (let i = 0; i < rewards_G.length; i++) largest = Math.max(largest, Math.abs(rewards_G[i] as number))
  return mean > 8 * Number.EPSILON * largest
}

/** The sample std over all values of the groups that have statistics; null for fewer than two values. */
const batchStd = (values_N_G: ReadonlyArray<ArrayLike<number>>): number | null =>
  groupStatistics(Float64Array.from(values_N_G.flatMap((values_G) => Array.from(values_G))))?.sampleStd ?? null

/**
 * One advantage per reward, in the shape of rewards_N_G (N groups, sizes may differ, an empty group stays empty). Null for a
 * group without an answer: a reward that is not finite, or what the scheme says. Batch-wide schemes (`BatchScaled`,
 * `Whitened`) are null throughout if any reward is not finite. Trainers treat null as "leave the group out". No result
 * holds NaN. Linear in the number of rewards.
 */
export const advantages = (
  scheme: AdvantageScheme,
  rewards_N_G: ReadonlyArray<ArrayLike<number>>
): Array<Float64Array | null> => {
  const statistics_N = rewards_N_G.map((rewards_G) =>
    rewards_G.length === 0 ? { mean: 0, sampleStd: null, populationStd: 0, deviations_G: new Float64Array(0) } : (
      groupStatistics(rewards_G)
    )
  )
  const broken = statistics_N.includes(null)
  const perGroup = (
    of: (statistics: GroupStatistics, rewards_G: ArrayLike<number>) => Float64Array | null
  ): Array<Float64Array | null> =>
    statistics_N.map((statistics, n) => {
      const advantages_G = statistics && of(statistics, rewards_N_G[n] as ArrayLike<number>)
      return advantages_G?.every(Number.isFinite) === true ? advantages_G : null
    })
  switch (scheme._tag) {
    case "Centred":
      return perGroup(({ deviations_G }) => deviations_G)
    case "LeaveOneOut":
      return perGroup(({ deviations_G }, rewards_G) =>
        rewards_G.length === 1
          ? Float64Array.from(rewards_G)
          : scaled(deviations_G, rewards_G.length / Math.max(1, rewards_G.length - 1))
      )
    case "Standardised":
      return perGroup(({ deviations_G, populationStd, sampleStd }, rewards_G) => {
        if (rewards_G.length === 1 && scheme.singleton === "raw") {
          return Float64Array.of((rewards_G[0] as number) / (1 + scheme.epsilon))
        }
        const std = scheme.std === "population" ? populationStd : sampleStd ?? 0
        return std === 0 ? deviations_G : overSpread(deviations_G, std + scheme.epsilon)
      })
    case "BatchScaled": {
      const std = broken ? null : batchStd(rewards_N_G)
      const alone = rewards_N_G.reduce((count, { length }) => count + length, 0) < 2
      return perGroup(({ deviations_G }) =>
        alone ? deviations_G : std === null ? null : overSpread(deviations_G, std + scheme.epsilon)
      )
    }
    case "MeanScaled":
      return perGroup(({ deviations_G, mean }, rewards_G) =>
        rewards_G.length === 0 ? deviations_G : isPositive(mean, rewards_G) ? overSpread(deviations_G, mean) : null
      )
    case "Whitened": {
      const centred_N_G = statistics_N.map((statistics) => statistics?.deviations_G ?? new Float64Array(0))
      const std = broken ? null : batchStd(centred_N_G)
      return perGroup(({ deviations_G }) =>
        std === null || std === 0 ? null : overSpread(deviations_G, std + scheme.epsilon)
      )
    }
  }
}

export interface GeneralizedAdvantages {
  readonly advantages_T: Float64Array
  /** Targets of the value function: advantage + value. */
  readonly returns_T: Float64Array
}

/**
 * Generalised advantage estimation for one trajectory: delta_t = r_t + discount * V_(t+1) - V_t and
 * A_t = delta_t + discount * lambda * A_(t+1). rewards_T and values_T: one per step; `valueAfter` is the value after the last
 * step, 0 where the trajectory is finished. discount, lambda in 0..1. Null for lengths that differ or a result that is not
 * finite. Schulman et al. 2015, arXiv:1506.02438, equation 16.
 */
export const generalizedAdvantages = (
  rewards_T: ArrayLike<number>,
  values_T: ArrayLike<number>,
  options: { readonly discount: number; readonly lambda: number; readonly valueAfter?: number }
): GeneralizedAdvantages | null => {
  const steps = rewards_T.length
  if (values_T.length !== steps) return null
  const advantages_T = new Float64Array(steps)
  const returns_T = new Float64Array(steps)
  let [advantage, valueNext] = [0, options.valueAfter ?? 0]
  for (let t = steps - 1; t >= 0; t--) {
    const value = values_T[t] as number
    advantage = (rewards_T[t] as number) + options.discount * valueNext - value +
      options.discount * options.lambda * advantage
    advantages_T[t] = advantage
    returns_T[t] = advantage + value
    valueNext = value
  }
  return advantages_T.every(Number.isFinite) && returns_T.every(Number.isFinite) ? { advantages_T, returns_T } : null
}

/**
 * Advantages per token with a KL penalty inside: token t of sequence i gets its sequence's advantage plus
 * coefficient * (mean over the batch of (logprob - reference) - this token's), and with `discount` > 0 the discounted sum of
 * these terms from t on. differences_N_T: log pi_sampler - log pi_ref; mask_N_T: 1 for tokens that count; others get the
 * plain advantage times their mask (0). Null for shapes that differ or a number that is not finite on a counted token.
 * Tinker cookbook, `incorporate_kl_penalty`.
 */
export const klAdjustedAdvantages = (
  advantages_N: ArrayLike<number>,
  differences_N_T: ReadonlyArray<ArrayLike<number>>,
  mask_N_T: ReadonlyArray<ArrayLike<number>>,
  options: { readonly coefficient: number; readonly discount?: number }
): Array<Float64Array> | null => {
  const size = advantages_N.length
  if (differences_N_T.length !== size || mask_N_T.length !== size) return null
  const total = new CompensatedSum()
  let tokens = 0
  for (let i = 0; i < size; i++) {
    const [differences_T, mask_T] = [differences_N_T[i] as ArrayLike<number>, mask_N_T[i] as ArrayLike<number>]
    if (differences_T.length !== mask_T.length) return null
    for (let t = 0; t < mask_T.length; t++) {
      if (mask_T[t] === 0) continue
      total.add(differences_T[t] as number)
      tokens++
    }
  }
  const mean = tokens === 0 ? 0 : total.total / tokens
  const adjusted_N_T = differences_N_T.map((differences_T, i) => {
    const mask_T = mask_N_T[i] as ArrayLike<number>
    const adjusted_T = new Float64Array(mask_T.length)
    let future = 0
    for (let t = mask_T.length - 1; t >= 0; t--) {
      const own = mask_T[t] === 0 ? 0 : options.coefficient * (mean - (differences_T[t] as number))
      future = own + (options.discount ?? 0) * future
      if (mask_T[t] !== 0) adjusted_T[t] = (advantages_N[i] as number) + future
    }
    return adjusted_T
  })
  return adjusted_N_T.every((adjusted_T) => adjusted_T.every(Number.isFinite)) ? adjusted_N_T : null
}
