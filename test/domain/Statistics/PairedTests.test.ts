// Tests of two systems on the same problems.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  mcNemarExact,
  pairedBootstrap,
  pairedDifference,
  signTest
} from "../../../src/domain/Statistics/PairedTests.ts"

const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const pairs = Schema.Array(Schema.Tuple([from(0, 1), from(0, 1)])).check(Schema.isMinLength(2), Schema.isMaxLength(30))
const runs = { arbitrary: { seed: 2026, runs: 100 } }

describe("paired tests", () => {
  it("give the exact p-values of small tables", () => {
    assert.strictEqual(mcNemarExact(0, 0), 1)
    assert.strictEqual(mcNemarExact(1, 1), 1)
    assert.approximately(mcNemarExact(0, 5), 0.0625, 1e-15) // 2 / 2^5
    assert.approximately(mcNemarExact(1, 9), (2 * (1 + 10)) / 1024, 1e-15)
    assert.isAbove(mcNemarExact(0, 500), 0)
    assert.deepStrictEqual(signTest([1, 2, 3], [0, 2, 4]), { better: 1, worse: 1, p: 1 })
  })

  it.prop("do not care which system is called the first", [pairs], ([list]) => {
    const a = list.map(([x]) => x)
    const b = list.map(([, y]) => y)
    const there = pairedDifference(a, b)
    const back = pairedDifference(b, a)
    assert.approximately(there?.mean ?? 9, -(back?.mean ?? 9), 1e-15)
    assert.approximately(there?.low ?? 9, -(back?.high ?? 9), 1e-12)
    assert.strictEqual(signTest(a, b).p, signTest(b, a).p)
  }, runs)

  it.prop("bootstrap to an interval around the mean, the same for the same seed", [pairs, from(0, 1000)], ([
    list,
    seed
  ]) => {
    const a = list.map(([x]) => x)
    const b = list.map(([, y]) => y)
    const once = pairedBootstrap(a, b, { seed, resamples: 200 })
    assert.deepStrictEqual(pairedBootstrap(a, b, { seed, resamples: 200 }), once)
    assert.isTrue(once !== null && once.low <= once.mean + 1e-12 && once.mean <= once.high + 1e-12)
  }, runs)

  it("draw unlike resamples for neighbouring seeds and in neighbouring resamples", () => {
    // Powers of 13: a mean tells which pairs were drawn, and how often. A single resample is told by its interval.
    const a = Array.from({ length: 12 }, (_, i) => 13 ** i)
    const b = a.map(() => 0)
    const ends = (seed: number, resamples: number) => {
      const { high, low } = pairedBootstrap(a, b, { seed, resamples, level: 1 }) ?? { high: 0, low: 0 }
      return [low, high]
    }
    const singles = Array.from({ length: 500 }, (_, seed) => ends(seed, 1)[0])
    assert.isAtLeast(new Set(singles).size, 498)
    // The extremes of 50 resamples of one seed are those of the next only if resamples are shared.
    const extremes = Array.from({ length: 40 }, (_, seed) => ends(seed, 50)).flat()
    assert.isAtLeast(new Set(extremes).size, 78)
    assert.throws(() => pairedBootstrap([1], [0], { seed: 0.5 }), RangeError)
  })

  it("bootstrap about as wide as the normal interval", () => {
    const a = Array.from({ length: 400 }, (_, i) => Number(i % 10 < 7))
    const b = Array.from({ length: 400 }, (_, i) => Number(i % 7 < 4))
    const normal = pairedDifference(a, b)
    const drawn = pairedBootstrap(a, b, { seed: 1, resamples: 4000 })
    assert.approximately(drawn?.low ?? 9, normal?.low ?? 0, 0.01)
    assert.approximately(drawn?.high ?? 9, normal?.high ?? 0, 0.01)
  })

  it("have nothing to say of nothing, and refuse lists that do not pair", () => {
    assert.strictEqual(pairedDifference([], []), null)
    assert.strictEqual(pairedDifference([1], [0]), null)
    assert.strictEqual(pairedBootstrap([], [], { seed: 1 }), null)
    assert.throws(() => pairedDifference([1, 2], [1]), RangeError)
    assert.throws(() => pairedDifference([1, Number.NaN], [1, 1]), RangeError)
  })
})
