// Learning rates and schedules.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  learningRateMultiplier,
  LearningRateSchedule,
  recommendedLearningRate,
  widthExponents
} from "../../src/domain/LearningRate.ts"

const runs = { arbitrary: { seed: 2026, runs: 300 } }
const steps = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

describe("learning rates", () => {
  it("are 5e-5 at a width of 2000, ten times that with LoRA, and null for no width", () => {
    assert.strictEqual(recommendedLearningRate(2000, widthExponents.llama, "full"), 5e-5)
    assert.closeTo(recommendedLearningRate(2000, widthExponents.qwen, "lora") ?? 0, 5e-4, 1e-18)
    for (const size of [0, -1, Number.NaN]) assert.isNull(recommendedLearningRate(size, 0.5, "lora"))
    assert.isNull(recommendedLearningRate(2000, Number.NaN, "lora"))
  })

  it.prop("rise through the warm-up and then never rise again, within 0..1", [
    LearningRateSchedule,
    steps,
    steps,
    steps
  ], ([schedule, step, total, warmup]) => {
    const now = learningRateMultiplier(schedule, step, total, warmup)
    const next = learningRateMultiplier(schedule, step + 1, total, warmup)
    assert.isTrue(now >= 0 && now <= 1)
    assert.isTrue(step + 1 < warmup ? next > now : step < warmup || next <= now)
    if (step === warmup && total > warmup) assert.strictEqual(now, 1)
    if (step >= Math.max(total, warmup) && schedule !== "constant") assert.strictEqual(now, 0)
  }, runs)

  it("take numbers that are not finite for 0", () => {
    assert.strictEqual(learningRateMultiplier("linear", Number.NaN, 10), 1)
    assert.strictEqual(learningRateMultiplier("cosine", 5, Number.NaN), 0)
  })
})
