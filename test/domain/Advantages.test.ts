// The laws of advantages: what every scheme keeps under shifts, scales, order and broken input; GAE against its definition.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  advantages,
  type AdvantageScheme,
  advantageSchemes,
  generalizedAdvantages,
  groupStatistics,
  klAdjustedAdvantages
} from "../../src/domain/Advantages.ts"

const runs = { arbitrary: { seed: 2026, runs: 300 } }
// Sixteenths: sums, shifts and powers of two are exact on them, so that laws are not blurred by rounding.
const reward = Schema.Int.check(Schema.isBetween({ minimum: -64, maximum: 64 }))
const groups = Schema.Array(Schema.Array(reward).check(Schema.isMaxLength(9))).check(Schema.isMaxLength(5))
const named = Schema.Literals(Object.keys(advantageSchemes) as Array<keyof typeof advantageSchemes>)
const sixteenths = (drawn: ReadonlyArray<ReadonlyArray<number>>) => drawn.map((group) => group.map((n) => n / 16))

const close = (
  actual: ReadonlyArray<ArrayLike<number> | null>,
  expected: ReadonlyArray<ArrayLike<number> | null>,
  tolerance = 1e-9
) => {
  assert.strictEqual(actual.length, expected.length)
  for (const [i, group] of actual.entries()) {
    const wanted = expected[i] ?? null
    assert.strictEqual(group === null, wanted === null)
    assert.strictEqual(group?.length, wanted?.length)
    for (let g = 0; g < (group?.length ?? 0); g++) assert.closeTo(group?.[g] ?? NaN, wanted?.[g] ?? NaN, tolerance)
  }
}

describe("advantages", () => {
  it.prop("have the shape of the rewards, hold no NaN and sum to 0 in each group", [named, groups], ([name, drawn]) => {
    const rewards = sixteenths(drawn)
    const result = advantages(advantageSchemes[name], rewards)
    assert.strictEqual(result.length, rewards.length)
    for (const [i, group] of result.entries()) {
      if (group === null) {
        assert.include(["maxrl_mean_normalised", "reinforce_pp_baseline_whitened_eps1e-8"], name)
        continue
      }
      assert.strictEqual(group.length, rewards[i]?.length)
      assert.isTrue(group.every(Number.isFinite))
      const raw = group.length === 1 && (name === "rloo" || name === "grpo_std_sample_eps1e-6")
      if (!raw) assert.closeTo(group.reduce((a, b) => a + b, 0), 0, 1e-9)
    }
  }, runs)

  it.prop("do not change when all rewards of a group are shifted, but for the mean-scaled", [
    named,
    groups,
    reward
  ], ([name, drawn, shift]) => {
    if (name === "maxrl_mean_normalised") return
    const several = sixteenths(drawn).filter((group) => group.length > 1)
    const shifted = several.map((group) => group.map((r) => r + shift))
    close(advantages(advantageSchemes[name], shifted), advantages(advantageSchemes[name], several))
  }, runs)

  it.prop("follow the order of groups and of samples", [named, groups], ([name, drawn]) => {
    const rewards = sixteenths(drawn)
    const reversed = rewards.map((group) => group.toReversed()).toReversed()
    const there = advantages(advantageSchemes[name], rewards)
    const back = advantages(advantageSchemes[name], reversed).map((group) => group?.toReversed() ?? null).toReversed()
    close(there, back)
  }, runs)

  it.prop("order samples as their rewards do", [named, groups], ([name, drawn]) => {
    const rewards = sixteenths(drawn)
    for (const [i, group] of advantages(advantageSchemes[name], rewards).entries()) {
      for (let g = 1; g < (group?.length ?? 0); g++) {
        const [before, now] = [rewards[i]?.[g - 1] ?? 0, rewards[i]?.[g] ?? 0]
        if (before < now) assert.isBelow(group?.[g - 1] ?? NaN, group?.[g] ?? NaN)
        if (before === now) assert.strictEqual(group?.[g - 1], group?.[g])
      }
    }
  }, runs)

  it.prop("leave one out as its definition does", [groups], ([drawn]) => {
    const rewards = sixteenths(drawn)
    const slow = rewards.map((group) =>
      group.map((r, i) =>
        group.length === 1 ? r : r - group.filter((_, j) => j !== i).reduce((a, b) => a + b, 0) / (group.length - 1)
      )
    )
    close(advantages({ _tag: "LeaveOneOut" }, rewards), slow)
  }, runs)

  it.prop("have spread 1 without an epsilon", [groups], ([drawn]) => {
    const scheme: AdvantageScheme = { _tag: "Standardised", std: "sample", epsilon: 0, singleton: "zero" }
    for (const group of advantages(scheme, sixteenths(drawn))) {
      const std = group === null ? null : groupStatistics(group)?.sampleStd ?? null
      if (std !== null && std > 0) assert.closeTo(std, 1, 1e-12)
    }
  }, runs)

  it("are 0 for constant groups, also where rounding makes them differ and nothing guards the division", () => {
    assert.deepStrictEqual(advantages(advantageSchemes.grpo_std_population_eps0, [[0.1 + 0.2, 0.3]]), [
      Float64Array.of(0, 0)
    ])
  })

  it("keep their digits at offsets and spreads where squares overflow or vanish", () => {
    const unit = Math.SQRT1_2
    for (const scale of [1e-200, 1, 1e200]) {
      const [group] = advantages({ _tag: "Standardised", std: "sample", epsilon: 0, singleton: "zero" }, [[0, scale]])
      assert.closeTo(group?.[1] ?? NaN, unit, 1e-15)
    }
    const [group] = advantages(advantageSchemes.center_only, [[2 ** 40, 2 ** 40 + 1]])
    assert.deepStrictEqual(group, Float64Array.of(-0.5, 0.5))
  })

  it("are null where there is no answer: a broken reward, a mean that is not positive, a batch without spread", () => {
    for (const broken of [Number.NaN, Infinity, -Infinity]) {
      for (const name of Object.keys(advantageSchemes) as Array<keyof typeof advantageSchemes>) {
        const [first, second] = advantages(advantageSchemes[name], [[1, broken], [1, 2]])
        assert.isNull(first)
        const wholeBatch = name === "center_group_scale_batch_eps1e-4" || name.startsWith("reinforce")
        assert.strictEqual(second === null, wholeBatch)
      }
    }
    assert.deepStrictEqual(advantages({ _tag: "MeanScaled" }, [[1, -1], [1.1, -0.4, -0.4, -0.3], [0, 1]]), [
      null,
      null,
      Float64Array.of(-1, 1)
    ])
    assert.deepStrictEqual(advantages({ _tag: "Whitened", epsilon: 1e-8 }, [[1, 1], [2]]), [null, null])
    assert.deepStrictEqual(advantages({ _tag: "Centred" }, [[-1.7e308, 1.7e308]]), [null])
    assert.deepStrictEqual(advantages({ _tag: "Centred" }, []), [])
  })

  it("of a million rewards are computed at once", () => {
    const [group] = advantages(advantageSchemes["grpo_std_sample_eps1e-6"], [
      Float64Array.from({ length: 1_000_000 }, (_, i) => i % 2)
    ])
    assert.closeTo(group?.[0] ?? NaN, -1, 1e-5)
  })
})

describe("generalised advantages", () => {
  const steps = Schema.Array(Schema.Tuple([reward, reward])).check(Schema.isMaxLength(12))
  const share = Schema.Literals([0, 0.5, 0.95, 1])

  it.prop("are the discounted sum of the one-step errors", [steps, share, share], ([drawn, discount, lambda]) => {
    const [rewards, values] = [drawn.map(([r]) => r), drawn.map(([, v]) => v)]
    const result = generalizedAdvantages(rewards, values, { discount, lambda, valueAfter: 3 })
    const errors = rewards.map((r, t) => r + discount * (values[t + 1] ?? 3) - (values[t] ?? NaN))
    for (const t of rewards.keys()) {
      const slow = errors.slice(t).reduce((sum, error, k) => sum + (discount * lambda) ** k * error, 0)
      assert.closeTo(result?.advantages_T[t] ?? NaN, slow, 1e-9)
      assert.closeTo(result?.returns_T[t] ?? NaN, slow + (values[t] ?? NaN), 1e-9)
    }
  }, runs)

  it("are null for lengths that differ and numbers that are not finite", () => {
    assert.isNull(generalizedAdvantages([1], [], { discount: 1, lambda: 1 }))
    assert.isNull(generalizedAdvantages([1, 1], [0, Number.NaN], { discount: 1, lambda: 1 }))
  })
})

describe("advantages with a KL penalty", () => {
  it("move credit from tokens that drift to tokens that do not, and sum to what they were", () => {
    const adjusted = klAdjustedAdvantages([1, -1], [[0.3, 0.1], [0.2, 9]], [[1, 1], [1, 0]], { coefficient: 0.5 })
    assert.isNotNull(adjusted)
    const [first, second] = adjusted ?? []
    assert.closeTo(first?.[0] ?? NaN, 0.95, 1e-12)
    assert.closeTo(first?.[1] ?? NaN, 1.05, 1e-12)
    assert.closeTo(second?.[0] ?? NaN, -1, 1e-12)
    assert.strictEqual(second?.[1], 0)
  })

  it("carry later terms back with a discount", () => {
    const [row] = klAdjustedAdvantages([0], [[0.3, 0.1]], [[1, 1]], { coefficient: 1, discount: 0.5 }) ?? []
    assert.closeTo(row?.[0] ?? NaN, -0.1 + 0.5 * 0.1, 1e-12)
    assert.closeTo(row?.[1] ?? NaN, 0.1, 1e-12)
  })

  it("are null for shapes that differ and broken numbers on counted tokens", () => {
    assert.isNull(klAdjustedAdvantages([1], [], [], { coefficient: 1 }))
    assert.isNull(klAdjustedAdvantages([1], [[Number.NaN]], [[1]], { coefficient: 1 }))
    assert.isNotNull(klAdjustedAdvantages([1], [[Number.NaN]], [[0]], { coefficient: 1 }))
  })
})
