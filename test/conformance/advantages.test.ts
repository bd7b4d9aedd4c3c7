// Advantages by every scheme, statistics of the groups and what dynamic sampling keeps. Each row is held twice: with its
// rewards as the doubles they are, and with its exact decimals scaled to whole numbers, where no digit is lost on the way in.
import { describe } from "@effect/vitest"
import { advantages, type AdvantageScheme, advantageSchemes, groupStatistics } from "../../src/domain/Advantages.ts"
import { fractionRewardZeroStd, keepForDynamicSampling } from "../../src/domain/GroupFilters.ts"
import { conformance } from "./Conformance.ts"
import { differs, rowDiffers } from "./Numbers.ts"

type Groups = ReadonlyArray<ReadonlyArray<number>>

interface Row {
  readonly rewards_by_group: Groups
  readonly rewards_dec: ReadonlyArray<ReadonlyArray<string>>
  readonly group_mean: ReadonlyArray<number | null>
  readonly group_std_sample: ReadonlyArray<number | null>
  readonly group_std_population: ReadonlyArray<number | null>
  readonly keep_for_dynamic_sampling: ReadonlyArray<boolean>
  readonly frac_reward_zero_std: number
  readonly expected: Readonly<Record<string, ReadonlyArray<ReadonlyArray<number> | null> | null>>
}

const schemes: Readonly<Record<string, AdvantageScheme>> = advantageSchemes

/** Decimal places of a number as written, "1E-9" included. */
const places = (text: string): number => {
  const [, fraction = "", exponent = "0"] = /^-?\d+(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text) ?? []
  return Math.max(0, fraction.length - Number(exponent))
}

/** The decimals times 10^power, exact as long as they stay whole numbers below 2^53. */
const scaledUp = (text: string, power: number): number => Math.round(Number(text) * 10 ** power)

/** The scheme for rewards that are `factor` times as large. */
const scaledScheme = (scheme: AdvantageScheme, factor: number): AdvantageScheme =>
  "epsilon" in scheme ? { ...scheme, epsilon: scheme.epsilon * factor } : scheme

/** What a scheme's advantages are multiplied with when rewards and epsilon are: difference schemes scale along, ratios do not. */
const degree = (scheme: AdvantageScheme): number => scheme._tag === "Centred" || scheme._tag === "LeaveOneOut" ? 1 : 0

const compare = (
  name: string,
  actual: ReadonlyArray<ArrayLike<number> | null>,
  expected: ReadonlyArray<ReadonlyArray<number> | null> | null,
  tolerance: number
): string | null => {
  if (expected === null) return actual.includes(null) ? null : `${name} is not defined there`
  if (actual.length !== expected.length) return `${name}: ${actual.length} groups`
  for (const [i, wanted] of expected.entries()) {
    const group = actual[i] ?? null
    if (wanted === null) {
      if (group !== null) return `${name}: group ${i} is not defined there`
      continue
    }
    // A group without advantages is left out of training, which zeros do as well.
    const wrong = rowDiffers(`${name} of group ${i}`, group ?? wanted.map(() => 0), wanted, tolerance)
    if (wrong !== null) return wrong
  }
  return null
}

describe("conformance", () => {
  conformance<Row>("advantages", "every scheme, and what is kept", {
    check: (row) => {
      const rewards = row.rewards_by_group
      const largest = Math.max(0, ...rewards.flat().map(Math.abs))
      // A double of size x stands for a decimal that is up to x * 2^-53 away; two of them make a difference.
      const inputError = largest * Number.EPSILON
      const statistics = rewards.map((group) => groupStatistics(group))
      for (const [i, group] of statistics.entries()) {
        const wrong = differs("mean", group?.mean ?? null, row.group_mean[i] ?? null) ??
          differs("sample std", group?.sampleStd ?? null, row.group_std_sample[i] ?? null, 1e-12 + 2 * inputError) ??
          differs("std", group?.populationStd ?? null, row.group_std_population[i] ?? null, 1e-12 + 2 * inputError)
        if (wrong !== null) return wrong
      }
      const keeps = rewards.map((group) => keepForDynamicSampling(group))
      if (keeps.join() !== row.keep_for_dynamic_sampling.join()) return `keeps ${keeps.join()}`
      const fraction = differs("frac_reward_zero_std", fractionRewardZeroStd(rewards), row.frac_reward_zero_std)
      if (fraction !== null) return fraction

      const power = Math.max(0, ...row.rewards_dec.flat().map(places))
      const exact = row.rewards_dec.map((group) => group.map((text) => scaledUp(text, power)))
      const fits = exact.flat().every(Number.isSafeInteger)
      const spread = Math.min(...statistics.map((group) => group?.populationStd || 1), 1)
      for (const [name, expected] of Object.entries(row.expected)) {
        if (name.endsWith("__dec")) continue
        const scheme = schemes[name]
        if (scheme === undefined) throw new Error(`unknown scheme ${name}`)
        const direct = compare(name, advantages(scheme, rewards), expected, 1e-12 + 8 * inputError / spread)
        if (direct !== null) return direct
        const scale = 10 ** power
        const scaled = advantages(scaledScheme(scheme, scale), exact)
          .map((group) => group?.map((value) => value / scale ** degree(scheme)) ?? null)
        // A group of one that keeps its raw reward does not scale along.
        const scales = fits && exact.every((group) => group.length !== 1)
        const wrong = !scales ? null : compare(`${name} of decimals`, scaled, expected, 1e-12)
        if (wrong !== null) return wrong
      }
      return null
    }
  })
})
