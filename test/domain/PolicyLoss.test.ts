// The laws of the policy losses: gradients are what differences show, masked tokens do not matter, weights add up, and the
// hand-worked corners of each objective.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { KlEstimator } from "../../src/domain/KlEstimators.ts"
import { policyLoss, type PolicyLossOptions } from "../../src/domain/PolicyLoss.ts"
import { type Aggregation, tokenWeights } from "../../src/domain/PolicyLoss/Aggregation.ts"
import { Objective } from "../../src/domain/PolicyLoss/Objective.ts"
import type { SamplerCorrection } from "../../src/domain/PolicyLoss/SamplerCorrection.ts"
import type { TokenSequence } from "../../src/domain/PolicyLoss/TokenSequence.ts"

const runs = { arbitrary: { seed: 2026, runs: 400 } }

const objectives: ReadonlyArray<Objective> = [
  { _tag: "ImportanceSampling" },
  { _tag: "Reinforce" },
  { _tag: "Clipped", epsilonLow: 0.2, epsilonHigh: 0.28 },
  { _tag: "Clipped", epsilonLow: 0.2, epsilonHigh: 0.2, dualClip: 3 },
  { _tag: "Clipped", epsilonLow: 0.2, epsilonHigh: 0.2, ratioDelta: 4 },
  { _tag: "RatioCapped", ratioMax: 2 },
  { _tag: "Cispo", ratioMin: 0.8, ratioMax: 1.2 },
  { _tag: "Cispo", ratioMin: 0, ratioMax: 5 },
  { _tag: "Sapo", tauPositive: 1, tauNegative: 1.05 },
  { _tag: "Dro", beta: 0.05 },
  { _tag: "Gspo", epsilonLow: 0.2, epsilonHigh: 0.2 },
  { _tag: "Gmpo", logClipLow: 0.4, logClipHigh: 0.4 },
  { _tag: "Clipped", epsilonLow: 0.2, epsilonHigh: 0.5, ratioDelta: 1.1 }
]
const aggregations: ReadonlyArray<Aggregation> = [
  { _tag: "TokenMean" },
  { _tag: "SequenceMeanOfTokenMeans" },
  { _tag: "ActiveSequenceMeanOfTokenMeans" },
  { _tag: "ActiveSequenceMeanOfTokenSums" },
  { _tag: "ActiveSequenceMeanOfTokenSumsNormed", horizon: 16 },
  { _tag: "ConstantLength", maxCompletionLength: 16 },
  { _tag: "Sum" }
]
const corrections: ReadonlyArray<SamplerCorrection | undefined> = [
  undefined,
  { _tag: "Truncated", ratioMax: 1.25 },
  { _tag: "Masked", ratioMin: 0.7, ratioMax: 1.4 }
]

const pick = <A>(all: ReadonlyArray<A>) => Schema.Literals([...all.keys()])
const logprob = Schema.Finite.check(Schema.isBetween({ minimum: -4, maximum: -0.01 }))
const token = Schema.Struct({
  next: logprob,
  old: logprob,
  reference: logprob,
  sampler: logprob,
  mask: Schema.Literals([0, 1, 1, 1])
})
const batch = Schema.Array(Schema.Struct({
  tokens: Schema.Array(token).check(Schema.isMaxLength(6)),
  advantage: Schema.Finite.check(Schema.isBetween({ minimum: -2, maximum: 2 }))
})).check(Schema.isMaxLength(4))
type Batch = typeof batch.Type
const options = Schema.Struct({
  objective: pick(objectives),
  aggregation: pick(aggregations),
  correction: pick(corrections),
  kl: Schema.NullOr(KlEstimator)
})

const sequencesOf = (drawn: Batch): Array<TokenSequence> =>
  drawn.map(({ advantage, tokens }) => ({
    logprobsNew_T: tokens.map(({ next }) => next),
    logprobsOld_T: tokens.map(({ old }) => old),
    logprobsReference_T: tokens.map(({ reference }) => reference),
    logprobsSampler_T: tokens.map(({ sampler }) => sampler),
    mask_T: tokens.map(({ mask }) => mask),
    advantage
  }))
const optionsOf = (drawn: typeof options.Type): PolicyLossOptions => {
  const correction = corrections[drawn.correction]
  return {
    objective: objectives[drawn.objective] ?? { _tag: "Reinforce" },
    aggregation: aggregations[drawn.aggregation] ?? { _tag: "Sum" },
    ...(drawn.kl === null ? {} : { kl: { estimator: drawn.kl, coefficient: 0.1 } }),
    ...(correction === undefined ? {} : { samplerCorrection: correction })
  }
}
const lossOf = (options: PolicyLossOptions, sequences: ReadonlyArray<TokenSequence>) => {
  const result = policyLoss(options, sequences)
  if (result._tag === "Undefined") throw new Error(`${result.reason} (${result.sequence}, ${result.token})`)
  return result
}
const one = (objective: Objective, next: number, old: number, advantage: number) =>
  lossOf({ objective, aggregation: { _tag: "Sum" } }, [{ logprobsNew_T: [next], logprobsOld_T: [old], advantage }])

/** The batch with one token's trained log-prob moved. */
const moved = (sequences: ReadonlyArray<TokenSequence>, i: number, t: number, by: number): Array<TokenSequence> =>
  sequences.map((sequence, j) =>
    j === i
      ? { ...sequence, logprobsNew_T: Array.from(sequence.logprobsNew_T, (p, u) => u === t ? p + by : p) }
      : sequence
  )

/** Cispo's weight is a constant to its gradient, so differences are taken with the weight of the middle. */
const stopsGradient = (objective: Objective): boolean => objective._tag === "Cispo"

describe("policy losses", () => {
  it.prop("have the gradient that central differences show", [options, batch], ([drawn, tokens]) => {
    const chosen = optionsOf(drawn)
    if (stopsGradient(chosen.objective)) return
    const sequences = sequencesOf(tokens)
    const { gradient_N_T, loss } = lossOf(chosen, sequences)
    const h = 1e-5
    for (const [i, { logprobsNew_T }] of sequences.entries()) {
      for (let t = 0; t < logprobsNew_T.length; t++) {
        const [up, down] = [h, -h].map((by) => lossOf(chosen, moved(sequences, i, t, by)).loss) as [number, number]
        const [right, left] = [(up - loss) / h, (loss - down) / h]
        const exact = gradient_N_T[i]?.[t] ?? Number.NaN
        // At a kink the two sides differ; the gradient is between them.
        const slack = 1e-3 * Math.max(1, Math.abs(exact))
        assert.isAtLeast(exact, Math.min(left, right) - slack)
        assert.isAtMost(exact, Math.max(left, right) + slack)
        if (Math.abs(right - left) < slack) {
          assert.closeTo((up - down) / (2 * h), exact, 1e-6 * Math.max(1, Math.abs(exact)))
        }
      }
    }
  }, runs)

  it.prop("with a stopped gradient are the weight times that of REINFORCE", [batch], ([tokens]) => {
    const sequences = sequencesOf(tokens)
    const { gradient_N_T } = lossOf({
      objective: { _tag: "Cispo", ratioMin: 0.8, ratioMax: 1.2 },
      aggregation: { _tag: "Sum" }
    }, sequences)
    const plain = lossOf({ objective: { _tag: "Reinforce" }, aggregation: { _tag: "Sum" } }, sequences).gradient_N_T
    for (const [i, { tokens: row }] of tokens.entries()) {
      for (const [t, { next, old }] of row.entries()) {
        const weight = Math.min(1.2, Math.max(0.8, Math.exp(next - old)))
        assert.closeTo(gradient_N_T[i]?.[t] ?? NaN, weight * (plain[i]?.[t] ?? NaN), 1e-12)
      }
    }
  }, runs)

  it.prop("do not read masked tokens", [options, batch], ([drawn, tokens]) => {
    const chosen = optionsOf(drawn)
    const sequences = sequencesOf(tokens)
    const hidden = tokens.map((sequence, i) => {
      const hide = (row: ArrayLike<number> = []) => Array.from(row, (p, t) => sequence.tokens[t]?.mask === 0 ? NaN : p)
      const { logprobsNew_T, logprobsOld_T, logprobsReference_T, logprobsSampler_T, mask_T = [] } = sequences[i] ?? {
        logprobsNew_T: [],
        logprobsOld_T: []
      }
      return {
        logprobsNew_T: hide(logprobsNew_T),
        logprobsOld_T: hide(logprobsOld_T),
        logprobsReference_T: hide(logprobsReference_T),
        logprobsSampler_T: hide(logprobsSampler_T),
        mask_T,
        advantage: sequence.advantage
      }
    })
    assert.deepStrictEqual(policyLoss(chosen, hidden), policyLoss(chosen, sequences))
  }, runs)

  it.prop("follow the order of the sequences", [options, batch], ([drawn, tokens]) => {
    const chosen = optionsOf(drawn)
    const there = lossOf(chosen, sequencesOf(tokens))
    const back = lossOf(chosen, sequencesOf(tokens).toReversed())
    assert.closeTo(there.loss, back.loss, 1e-12)
    assert.deepStrictEqual(there.gradient_N_T, back.gradient_N_T.toReversed())
    assert.deepStrictEqual(there.terms_N, back.terms_N.toReversed())
  }, runs)

  it.prop(
    "at the policy that sampled: centred groups have loss 0, nothing is clipped, and every objective has one gradient",
    [
      pick(objectives),
      batch
    ],
    ([index, tokens]) => {
      const objective = objectives[index] ?? { _tag: "Reinforce" }
      const active = sequencesOf(tokens).filter(({ mask_T }) => Array.from(mask_T ?? []).includes(1))
      const mean = active.reduce((sum, { advantage }) => sum + Number(advantage), 0) / Math.max(1, active.length)
      const sequences = active.map((sequence) => ({
        ...sequence,
        logprobsOld_T: sequence.logprobsNew_T,
        advantage: Number(sequence.advantage) - mean
      }))
      const aggregation: Aggregation = { _tag: "SequenceMeanOfTokenMeans" }
      const { gradient_N_T, loss, metrics } = lossOf({ objective, aggregation }, sequences)
      const plain = lossOf({ objective: { _tag: "Reinforce" }, aggregation }, sequences).gradient_N_T
      for (const [i, row] of gradient_N_T.entries()) {
        for (const [t, slope] of row.entries()) assert.closeTo(slope, plain[i]?.[t] ?? NaN, 1e-12)
      }
      const withoutRatio = ["Reinforce", "Cispo", "Dro"].includes(objective._tag)
      // SAPO's values depend on the sign by tau; its gradients do not.
      if (!withoutRatio && objective._tag !== "Sapo") assert.closeTo(loss, 0, 1e-12)
      assert.isTrue([0, null].includes(metrics.clipFractionLow))
      assert.isTrue([0, null].includes(metrics.clipFractionHigh))
      assert.closeTo(metrics.policyKlK1Mean ?? 0, 0, 1e-15)
    },
    runs
  )

  it.prop("weigh tokens so that the weights add up to what the aggregation says", [
    pick(aggregations),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))
  ], ([index, lengths]) => {
    const aggregation = aggregations[index] ?? { _tag: "Sum" }
    const weights = tokenWeights(aggregation, lengths)
    const sum = lengths.reduce((total, length, i) => total + length * (weights[i] ?? NaN), 0)
    const [tokens, active] = [lengths.reduce((a, b) => a + b, 0), lengths.filter((length) => length > 0).length]
    const expected = {
      TokenMean: Math.min(1, tokens),
      SequenceMeanOfTokenMeans: active / Math.max(1, lengths.length),
      ActiveSequenceMeanOfTokenMeans: Math.min(1, active),
      ActiveSequenceMeanOfTokenSums: tokens / Math.max(1, active),
      ActiveSequenceMeanOfTokenSumsNormed: tokens / Math.max(1, active) / 16,
      ConstantLength: tokens / Math.max(1, lengths.length) / 16,
      Sum: tokens
    }[aggregation._tag]
    assert.closeTo(sum, expected, 1e-9)
  }, runs)

  it.prop(
    "are linear in the KL coefficient and in a sampler factor that all tokens share",
    [options, batch],
    ([drawn, tokens]) => {
      const { kl, samplerCorrection: _, ...plain } = optionsOf(drawn)
      const sequences = sequencesOf(tokens)
      const base = lossOf(plain, sequences).loss
      if (kl !== undefined) {
        const [once, twice] = [1, 2].map((coefficient) =>
          lossOf({ ...plain, kl: { ...kl, coefficient } }, sequences).loss
        )
        assert.closeTo((twice ?? NaN) - base, 2 * ((once ?? NaN) - base), 1e-9)
      }
      const half = sequences.map((sequence) => ({
        ...sequence,
        logprobsSampler_T: Array.from(sequence.logprobsOld_T, (old) => old + Math.LN2)
      }))
      const corrected = lossOf({ ...plain, samplerCorrection: { _tag: "Truncated", ratioMax: 2 } }, half)
      assert.closeTo(corrected.loss, base / 2, 1e-9)
    },
    runs
  )

  it("clip by hand: a good token that grew, a bad one that shrank, and the bounds on a bad one that grew", () => {
    const clipped: Objective = { _tag: "Clipped", epsilonLow: 0.2, epsilonHigh: 0.28 }
    const high = one(clipped, Math.log(1.5), 0, 2)
    assert.closeTo(high.loss, -2.56, 1e-12)
    assert.strictEqual(high.gradient_N_T[0]?.[0], 0)
    assert.strictEqual(high.metrics.clipFractionHigh, 1)
    const low = one(clipped, Math.log(0.5), 0, -2)
    assert.closeTo(low.loss, 1.6, 1e-12)
    assert.strictEqual(low.metrics.clipFractionLow, 1)
    const grown = one(clipped, Math.log(10), 0, -1)
    assert.closeTo(grown.loss, 10, 1e-12)
    assert.closeTo(grown.gradient_N_T[0]?.[0] ?? NaN, 10, 1e-12)
    const dual = one({ ...clipped, dualClip: 3 }, Math.log(10), 0, -1)
    assert.deepStrictEqual([dual.loss, dual.gradient_N_T[0]?.[0]], [3, 0])
    const delta = one({ ...clipped, ratioDelta: 4 }, Math.log(10), 0, -1)
    assert.deepStrictEqual([delta.loss, delta.gradient_N_T[0]?.[0]], [4, 0])
    // Below the upper clip, the cap on the ratio is not what decides for A < 0.
    const within = one({ ...clipped, ratioDelta: 0.5 }, Math.log(0.9), 0, -1)
    assert.deepStrictEqual([within.loss, within.gradient_N_T[0]?.[0]], [
      Math.exp(Math.log(0.9)),
      Math.exp(Math.log(0.9))
    ])
    const beyond = one({ ...clipped, ratioDelta: 0.5 }, Math.log(1.5), 0, -1)
    assert.deepStrictEqual([beyond.loss, beyond.gradient_N_T[0]?.[0]], [1.28, 0])
    const gained = one({ ...clipped, ratioDelta: 0.5 }, Math.log(0.9), 0, 1)
    assert.deepStrictEqual([gained.loss, gained.gradient_N_T[0]?.[0]], [-0.5, 0])
  })

  it("mask and truncate by the difference from the sampler", () => {
    const options = { objective: { _tag: "ImportanceSampling" }, aggregation: { _tag: "TokenMean" } } as const
    const row = [-1, -1, -1]
    const sequence: TokenSequence = {
      logprobsNew_T: row,
      logprobsOld_T: row,
      logprobsSampler_T: [-1 - Math.log(4), -1 - Math.log(1.5), -1 + Math.log(8)],
      advantage: 1
    }
    const truncated = lossOf({ ...options, samplerCorrection: { _tag: "Truncated", ratioMax: 2 } }, [sequence])
    assert.closeTo(truncated.loss, -(2 + 1.5 + 0.125) / 3, 1e-12)
    const masked = lossOf(
      { ...options, samplerCorrection: { _tag: "Masked", ratioMin: 0.5, ratioMax: 2 } },
      [sequence]
    )
    assert.closeTo(masked.loss, -1.5 / 3, 1e-12)
    assert.closeTo(masked.metrics.samplerRatioMean ?? NaN, (4 + 1.5 + 0.125) / 3, 1e-12)
  })

  it("count clipped tokens by the ratio that the objective clips: the sequence's for GSPO", () => {
    // The ratios 4 and 1/4 have the geometric mean 1; 2 and 1/8 have 1/2.
    const sequence = (first: number, second: number, advantage: number): TokenSequence => ({
      logprobsNew_T: [Math.log(first) - 5, Math.log(second) - 5],
      logprobsOld_T: [-5, -5],
      advantage
    })
    const sequences = [sequence(4, 0.25, 1), sequence(2, 0.125, -1)]
    const range = { epsilonLow: 0.2, epsilonHigh: 0.2 }
    const aggregation: Aggregation = { _tag: "TokenMean" }
    const byToken = lossOf({ objective: { _tag: "Clipped", ...range }, aggregation }, sequences).metrics
    assert.deepStrictEqual([byToken.clipFractionLow, byToken.clipFractionHigh], [0.25, 0.25])
    const bySequence = lossOf({ objective: { _tag: "Gspo", ...range }, aggregation }, sequences).metrics
    assert.deepStrictEqual([bySequence.clipFractionLow, bySequence.clipFractionHigh], [0.5, 0])
  })

  it("cap a sampler that found a token all but impossible", () => {
    const result = lossOf({
      objective: { _tag: "ImportanceSampling" },
      aggregation: { _tag: "Sum" },
      samplerCorrection: { _tag: "Truncated", ratioMax: 2 }
    }, [{ logprobsNew_T: [-1], logprobsOld_T: [-1], logprobsSampler_T: [-1e6], advantage: 1 }])
    assert.strictEqual(result.loss, -2)
    assert.isNull(result.metrics.samplerRatioMean)
  })

  it("take one advantage per token, but not for an objective with one value per sequence", () => {
    const sequence = { logprobsNew_T: [-1, -2], logprobsOld_T: [-1, -2], advantage: [1, -3] }
    const result = lossOf({ objective: { _tag: "ImportanceSampling" }, aggregation: { _tag: "Sum" } }, [sequence])
    assert.deepStrictEqual(Array.from(result.gradient_N_T[0] ?? []), [-1, 3])
    assert.strictEqual(
      policyLoss({ objective: { _tag: "Gspo", epsilonLow: 0.2, epsilonHigh: 0.2 }, aggregation: { _tag: "Sum" } }, [
        sequence
      ])._tag,
      "Undefined"
    )
  })

  it("are 0 without tokens, with metrics that say nothing", () => {
    for (const objective of objectives) {
      for (const aggregation of aggregations) {
        for (const sequences of [[], [{ logprobsNew_T: [], logprobsOld_T: [], advantage: 1 }]]) {
          const { loss, metrics } = lossOf({ objective, aggregation }, sequences)
          assert.strictEqual(loss, 0)
          assert.strictEqual(metrics.ratioMean, null)
          assert.strictEqual(metrics.activeTokens, 0)
        }
      }
    }
  })

  it("say what is wrong and where, and never return NaN", () => {
    const good = { logprobsNew_T: [-1, -1], logprobsOld_T: [-1, -1], advantage: 1 }
    const cases: ReadonlyArray<readonly [TokenSequence, number | null]> = [
      [{ ...good, logprobsOld_T: [-1] }, null],
      [{ ...good, mask_T: [1] }, null],
      [{ ...good, mask_T: [1, 0.5] }, 1],
      [{ ...good, logprobsNew_T: [-1, -Infinity] }, 1],
      [{ ...good, logprobsReference_T: [NaN, -1] }, 0],
      [{ ...good, advantage: NaN }, null],
      [{ ...good, advantage: [1, Infinity] }, 1],
      [{ ...good, advantage: [1] }, null],
      [{ ...good, logprobsOld_T: [-1, -2000] }, 1],
      [{ ...good, logprobsNew_T: [-1, -300], logprobsOld_T: [-1, -1000], advantage: 1e10 }, 1]
    ]
    for (const [sequence, token] of cases) {
      const result = policyLoss({ objective: { _tag: "ImportanceSampling" }, aggregation: { _tag: "Sum" } }, [
        good,
        sequence
      ])
      assert.strictEqual(result._tag, "Undefined", JSON.stringify(sequence))
      if (result._tag === "Undefined") assert.deepStrictEqual([result.sequence, result.token], [1, token])
    }
    const needs = { kl: { estimator: "k3", coefficient: 0.1 } } as const
    const result = policyLoss({ objective: { _tag: "Reinforce" }, aggregation: { _tag: "Sum" }, ...needs }, [good])
    assert.strictEqual(result._tag, "Undefined")
  })

  it("of hundreds of thousands of tokens do not overflow the stack", () => {
    const row = new Float64Array(200_000).fill(-0.5)
    const sequences = [{ logprobsNew_T: row, logprobsOld_T: row, advantage: 1 }]
    for (const objective of [objectives[2], objectives[10], objectives[11]]) {
      const aggregation: Aggregation = { _tag: "TokenMean" }
      assert.closeTo(lossOf({ objective: objective ?? { _tag: "Reinforce" }, aggregation }, sequences).loss, -1, 1e-12)
    }
  })

  it("are data: an objective is decoded from a recipe, and refused with parameters out of range", () => {
    const decode = Schema.decodeUnknownSync(Objective)
    for (const objective of objectives) assert.deepStrictEqual(decode(structuredClone(objective)), objective)
    assert.throws(() => decode({ _tag: "Clipped", epsilonLow: -1, epsilonHigh: 0.2 }))
    assert.throws(() => decode({ _tag: "Unheard" }))
  })
})
