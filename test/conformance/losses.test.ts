// Policy losses: about forty entries a case, value and gradient, and the metrics of each case. Objectives for which the case
// has no gradient (the geometric mean) are held to their value and to one value a sequence.
import { describe } from "@effect/vitest"
import { Schema } from "effect"
import { policyLoss, PolicyLossOptions } from "../../src/domain/PolicyLoss.ts"
import { policyMetrics } from "../../src/domain/PolicyLoss/Metrics.ts"
import { logRatioAt, type TokenSequence } from "../../src/domain/PolicyLoss/TokenSequence.ts"
import { conformance } from "./Conformance.ts"
import { differs, type Precise, rowDiffers } from "./Numbers.ts"

interface Entry {
  readonly algorithm: string
  readonly aggregation: string
  readonly params: Readonly<Record<string, number>>
  readonly loss: Precise
  readonly grad_wrt_logp_new?: ReadonlyArray<ReadonlyArray<number>>
  readonly per_sequence?: ReadonlyArray<number>
}

interface Row {
  readonly max_completion_length: number
  readonly sequences: ReadonlyArray<{
    readonly logp_new: ReadonlyArray<number>
    readonly logp_old: ReadonlyArray<number>
    readonly logp_ref?: ReadonlyArray<number>
    readonly advantage: number
    readonly mask: ReadonlyArray<number>
  }>
  readonly ratio?: ReadonlyArray<ReadonlyArray<number>>
  readonly metrics?: Readonly<Record<string, Precise>>
  readonly expected: ReadonlyArray<Entry>
}

const clippedBy = ({ eps_high, eps_low }: Entry["params"]) => ({
  _tag: "Clipped",
  epsilonLow: eps_low,
  epsilonHigh: eps_high
})

const objectiveOf = ({ algorithm, params }: Entry): unknown => {
  switch (algorithm.replace(/_k3$/, "")) {
    case "grpo":
    case "grpo_verl":
    case "dapo":
    case "dr_grpo":
    case "seq_mean_token_sum":
    case "tinker_ppo_sum":
      return clippedBy(params)
    case "dual_clip":
      return { ...clippedBy(params), dualClip: params["clip_ratio_c"] }
    case "two_sided_delta":
      return { ...clippedBy(params), ratioDelta: params["delta"] }
    case "cispo_two_sided":
    case "tinker_cispo_sum":
      return {
        _tag: "Cispo",
        ratioMin: 1 - (params["eps_low"] ?? Number.NaN),
        ratioMax: 1 + (params["eps_high"] ?? Number.NaN)
      }
    case "cispo_upper_only":
      return { _tag: "Cispo", ratioMin: 0, ratioMax: params["ratio_max"] }
    case "gspo":
      return { ...clippedBy(params), _tag: "Gspo" }
    case "sapo":
      return { _tag: "Sapo", tauPositive: params["tau_pos"], tauNegative: params["tau_neg"] }
    case "gmpo_geo_mean":
      return { _tag: "Gmpo", logClipLow: params["clip_log_low"], logClipHigh: params["clip_log_high"] }
    case "tinker_dro_sum":
      return { _tag: "Dro", beta: params["beta"] }
    case "tinker_importance_sampling_sum":
    case "reinforce_is_token_mean":
      return { _tag: "ImportanceSampling" }
    default: {
      if (algorithm.startsWith("ratio_capped_is_cap")) return { _tag: "RatioCapped", ratioMax: params["cap"] }
      throw new Error(`unknown algorithm ${algorithm}`)
    }
  }
}

const aggregationOf = ({ aggregation }: Entry, maxCompletionLength: number): unknown => {
  switch (aggregation) {
    case "token_mean":
      return { _tag: "TokenMean" }
    case "seq_mean_token_mean_all":
    case "seq_mean_all":
      return { _tag: "SequenceMeanOfTokenMeans" }
    case "seq_mean_token_mean_verl":
      return { _tag: "ActiveSequenceMeanOfTokenMeans" }
    case "seq_mean_token_sum":
      return { _tag: "ActiveSequenceMeanOfTokenSums" }
    case "seq_mean_token_sum_norm":
      return { _tag: "ActiveSequenceMeanOfTokenSumsNormed", horizon: maxCompletionLength }
    case "dr_grpo_const":
      return { _tag: "ConstantLength", maxCompletionLength }
    case "sum":
      return { _tag: "Sum" }
    default:
      throw new Error(`unknown aggregation ${aggregation}`)
  }
}

const optionsOf = (entry: Entry, maxCompletionLength: number): PolicyLossOptions =>
  Schema.decodeUnknownSync(PolicyLossOptions)({
    objective: objectiveOf(entry),
    aggregation: aggregationOf(entry, maxCompletionLength),
    ...(entry.algorithm.endsWith("_k3") ? { kl: { estimator: "k3", coefficient: entry.params["beta"] } } : {})
  })

const metricOf = (name: string, sequences: ReadonlyArray<TokenSequence>): number | null => {
  const clip = /^clip_frac_(low|high)_([\d.]+)_([\d.]+)$/.exec(name)
  const metrics = policyMetrics(
    sequences,
    clip === null ? null : { low: 1 - Number(clip[2]), high: 1 + Number(clip[3]), level: "token" }
  )
  if (clip !== null) return clip[1] === "low" ? metrics.clipFractionLow : metrics.clipFractionHigh
  switch (name) {
    case "kl_k1_mean":
      return metrics.referenceKlK1Mean
    case "kl_k2_mean":
      return metrics.referenceKlK2Mean
    case "kl_k3_mean":
      return metrics.referenceKlK3Mean
    case "tinker_kl_sample_train_v1":
    case "ppo_kl_verl":
      return metrics.policyKlK1Mean
    case "tinker_kl_sample_train_v2":
      return metrics.policyKlK2Mean
    case "entropy_estimate":
      return metrics.entropyEstimateMean
    default:
      throw new Error(`unknown metric ${name}`)
  }
}

describe("conformance", () => {
  conformance<Row>("losses", "value, gradient and metrics of every objective and aggregation", {
    check: (row) => {
      const sequences = row.sequences.map(({ advantage, logp_new, logp_old, logp_ref, mask }): TokenSequence => ({
        logprobsNew_T: logp_new,
        logprobsOld_T: logp_old,
        ...(logp_ref === undefined ? {} : { logprobsReference_T: logp_ref }),
        mask_T: mask,
        advantage
      }))
      for (const [i, ratios] of (row.ratio ?? []).entries()) {
        const sequence = sequences[i]
        if (sequence === undefined) throw new Error("a ratio without a sequence")
        const wrong = rowDiffers("ratio", ratios.map((_, t) => Math.exp(logRatioAt(sequence, t))), ratios)
        if (wrong !== null) return wrong
      }
      for (const [name, value] of Object.entries(row.metrics ?? {})) {
        const wrong = differs(name, metricOf(name, sequences), value)
        if (wrong !== null) return wrong
      }
      if (row.expected.length === 0) throw new Error("nothing is expected")
      for (const entry of row.expected) {
        const where = `${entry.algorithm} ${entry.aggregation} ${JSON.stringify(entry.params)}`
        const result = policyLoss(optionsOf(entry, row.max_completion_length), sequences)
        if (result._tag === "Undefined") return `${where}: ${result.reason}`
        const wrong = differs(`${where} loss`, result.loss, entry.loss, 1e-10) ??
          (entry.per_sequence === undefined
            ? null
            : rowDiffers(`${where} sequence`, result.terms_N, entry.per_sequence, 1e-10))
        if (wrong !== null) return wrong
        if (entry.grad_wrt_logp_new === undefined && entry.per_sequence === undefined) throw new Error("no gradient")
        for (const [i, gradient] of (entry.grad_wrt_logp_new ?? []).entries()) {
          const off = rowDiffers(`${where} gradient ${i}`, result.gradient_N_T[i] ?? [], gradient, 1e-10)
          if (off !== null) return off
        }
      }
      return null
    }
  })
})
