// Learning rates: the recommended rate for a model's width, and the multiplier of a schedule at a step. Total: what has no
// answer is null, and a step outside of the run is taken as its nearest end.
import { Schema } from "effect"

/** Exponents of the width rule by model family: Tinker cookbook, `hyperparam_utils`. */
export const widthExponents = { qwen: 0.0775, llama: 0.781 } as const

/**
 * Recommended Adam learning rate for a model of `hiddenSize` (width of the residual stream, > 0):
 * 5e-5 * (10 with LoRA) * (2000 / hiddenSize) ** exponent. Null if the size or the exponent is no such number.
 * Source: Tinker cookbook, `get_lr`; exponents in `widthExponents`.
 */
export const recommendedLearningRate = (
  hiddenSize: number,
  exponent: number,
  method: "lora" | "full"
): number | null => {
  if (!(hiddenSize > 0)) return null
  const rate = 5e-5 * (method === "lora" ? 10 : 1) * (2000 / hiddenSize) ** exponent
  return Number.isFinite(rate) ? rate : null
}

export const LearningRateSchedule = Schema.Literals(["constant", "linear", "cosine"])
export type LearningRateSchedule = typeof LearningRateSchedule.Type

/**
 * What the learning rate is multiplied with at `step` (0 is the first) of `totalSteps`, in 0..1. With `warmupSteps` w the
 * multiplier first rises as step / w, and the schedule spans the steps that remain: constant 1, linear 1 - p, cosine
 * (1 + cos(pi p)) / 2 with p the share done. A run without steps to decay over is at its end (p = 1); numbers that are
 * not finite count as 0.
 */
export const learningRateMultiplier = (
  schedule: LearningRateSchedule,
  step: number,
  totalSteps: number,
  warmupSteps = 0
): number => {
  const [at, total, warmup] = [step, totalSteps, warmupSteps].map((n) => Number.isFinite(n) ? Math.max(0, n) : 0) as [
    number,
    number,
    number
  ]
  if (at < warmup) return at / warmup
  const done = total > warmup ? Math.min(1, (at - warmup) / (total - warmup)) : 1
  switch (schedule) {
    case "constant":
      return 1
    case "linear":
      return 1 - done
    case "cosine":
      return (1 + Math.cos(Math.PI * done)) / 2
  }
}
