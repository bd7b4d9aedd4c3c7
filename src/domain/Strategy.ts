// How a problem is solved: how many samples of what kind, which law stops them, what a sample counts, and who selects. A strategy has a short
// name, which a model's name may carry (`NAME@majority-16`), and a full form, in which everything can be chosen.
import { Result, Schema } from "effect"
import { samplesMaximum, SamplingParameters } from "./Generation.ts"
import { StopRule } from "./Stopping/StopRule.ts"
import { defaultToolBudget, ToolBudget } from "./ToolReasoning.ts"
import { VerifyOptions } from "./Verdict.ts"
import { VoteRule } from "./Vote/VoteRule.ts"

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/**
 * A model looks at candidates side by side and picks one (GenSelect: arXiv:2504.16891, section 4; its summaries are left out, a candidate is its
 * response without the reasoning). `window` candidates at a time; more than that play rounds, the picked ones against each other
 * (a tournament). `repeats`: each comparison is asked so often, the most picked goes on. `model` null: the model that solves.
 */
export const Selection = Schema.Struct({
  model: Schema.NullOr(Schema.String),
  window: count(2, 32),
  repeats: count(1, 64)
})
export type Selection = typeof Selection.Type

/** Each sample with an answer is shown to a model `votes` times, which says whether it is right; their share is its `verified`. */
export const SampleVerifier = Schema.Struct({ model: Schema.NullOr(Schema.String), votes: count(1, 64) })

export const Strategy = Schema.Struct({
  /** As it was asked for. */
  name: Schema.String.check(Schema.isMaxLength(100)),
  /** Samples planned. */
  samples: count(1, samplesMaximum),
  /** Samples under way at once. */
  parallel: count(1, samplesMaximum),
  vote: VoteRule,
  /** Looked at in this order whenever a sample ends; empty: all are awaited. */
  stop: Schema.Array(StopRule).check(Schema.isMaxLength(8)),
  /** null: the model writes text alone. */
  tools: Schema.NullOr(ToolBudget),
  select: Schema.NullOr(Selection),
  verify: Schema.NullOr(SampleVerifier),
  parameters: SamplingParameters,
  /** How answers are read and compared, such as `integers: [0, 99999]`. */
  answers: VerifyOptions
})
export type Strategy = typeof Strategy.Type

/** Samples under way at once where nobody says: more would be wasted whenever the first few agree. */
export const defaultParallel = 8

const weights = {
  logprob: { _tag: "LogprobWeighted", absentWeight: 1 },
  entropy: { _tag: "EntropyWeighted", floor: 0.3, absentWeight: 1 },
  confidence: { _tag: "ConfidenceWeighted", keep: 1 },
  verifier: { _tag: "VerifierWeighted", lambda: 2 }
} as const satisfies { readonly [name: string]: VoteRule }

/** The law that is used where nobody says: the vote cannot change any more, or the two best answers are far enough apart. */
export const defaultStop: ReadonlyArray<StopRule> = [
  { _tag: "CannotBeOvertaken", tiesGoToLeader: false },
  { _tag: "AdaptiveConsistency", threshold: 0.95 }
]

/** Greedy sampling, and the sampling of all others, where a caller says nothing else. */
const greedyParameters: SamplingParameters = { temperature: 0 }
const variedParameters: SamplingParameters = { temperature: 0.7, topP: 0.95 }
/** The likeliest tokens that entropy and confidence are computed from. */
const topLogprobs = 20

export const strategyForms = [
  "greedy",
  "majority-N",
  "weighted-logprob-N",
  "weighted-entropy-N",
  "weighted-confidence-N",
  "weighted-verifier-N",
  "genselect-N",
  "tournament-N",
  "tir-N",
  "tir-greedy",
  "tir-weighted-entropy-N and so on"
] as const

const majority: VoteRule = { _tag: "Majority" }

/** The strategy of a short name; a failure says what is wrong with it. N: 1..1,024. */
export const parseStrategy = (name: string): Result.Result<Strategy, string> => {
  const wrong = (why: string) =>
    Result.fail(
      `There is no strategy ${JSON.stringify(name.slice(0, 100))}: ${why}. There is ${strategyForms.join(", ")}`
    )
  const found =
    /^(tir-)?(?:(greedy)|(?:(majority|weighted|genselect|tournament)(?:-(logprob|entropy|confidence|verifier))?-)?(\d{1,5}))$/
      .exec(name)
  if (found === null) return wrong("its name is not known")
  const [, tir, greedy, kind, weight, digits] = found
  if (kind === undefined && greedy === undefined && tir === undefined) return wrong("a number alone says too little")
  if ((kind === "weighted") !== (weight !== undefined)) {
    return wrong(kind === "weighted" ? "say by what samples are weighted" : `${kind} takes no ${weight}`)
  }
  const samples = greedy === undefined ? Number(digits) : 1
  if (samples < 1 || samples > samplesMaximum) return wrong(`N is 1 to ${samplesMaximum}`)
  const rule = weight === undefined ? majority : weights[weight as keyof typeof weights]
  const logprobs = weight === "logprob"
    ? { topLogprobs: 0 }
    : weight === "entropy" || weight === "confidence"
    ? { topLogprobs }
    : {}
  const selects = kind === "genselect" || kind === "tournament"
  return Result.succeed({
    name,
    samples,
    parallel: Math.min(samples, defaultParallel),
    vote: rule,
    // Weights and selectors look at all samples: counts of votes do not say when they are decided.
    stop: kind === "weighted" || selects || samples === 1 ? [] : defaultStop,
    tools: tir === undefined ? null : defaultToolBudget,
    select: kind === "genselect"
      ? { model: null, window: 16, repeats: 1 }
      : kind === "tournament"
      ? { model: null, window: 2, repeats: 1 }
      : null,
    verify: weight === "verifier" ? { model: null, votes: 4 } : null,
    parameters: { ...(samples === 1 && greedy !== undefined ? greedyParameters : variedParameters), ...logprobs },
    answers: {}
  })
}

/** A model's name and the strategy that it carries after its last `@`; null: it carries none. */
export const splitModelName = (name: string): { readonly model: string; readonly strategy: string | null } => {
  const at = name.lastIndexOf("@")
  return at < 0 ? { model: name, strategy: null } : { model: name.slice(0, at), strategy: name.slice(at + 1) }
}
