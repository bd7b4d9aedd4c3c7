// The split's promises: exact totals, proportional strata, whole clusters, and nothing that depends on the order of the
// input.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allocate } from "../../src/domain/Allocation.ts"
import { assign, type Fractions, splitNames, type SplitUnit } from "../../src/domain/ExactSplit.ts"

const fractionsOf = Schema.Literals([0, 1, 2, 3, 4])
const fractionSets: ReadonlyArray<Fractions> = [
  { train: 0.9, validation: 0.05, test: 0.05 },
  { train: 0.8, validation: 0.1, test: 0.1 },
  { train: 0.34, validation: 0.33, test: 0.33 },
  { train: 0, validation: 0.5, test: 0.5 },
  { train: 1, validation: 0, test: 0 }
]
const fractionsAt = (index: number): Fractions => fractionSets[index] as Fractions // drawn from its indexes
const seeds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
const unitsOf = (maxLength: number, clusters: number) =>
  Schema.Array(Schema.Struct({
    stratum: Schema.NullOr(Schema.Literals(["a", "b", "c", "d"])),
    cluster: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: clusters })))
  })).check(Schema.isMaxLength(maxLength))
/** In order of the list; clusters by name. */
const numbered = (
  list: ReadonlyArray<{ readonly stratum: string | null; readonly cluster: number | null }>
): ReadonlyArray<SplitUnit> =>
  list.map(({ cluster, stratum }, order) => ({ order, stratum, cluster: cluster === null ? null : String(cluster) }))
const alone = (units: ReadonlyArray<SplitUnit>) => units.map((unit) => ({ ...unit, cluster: null }))
const shares = (fractions: Fractions) => splitNames.map((name) => fractions[name])
const counts = (splits: Iterable<number>) => [...splits].reduce((sum, k) => sum.with(k, (sum[k] ?? 0) + 1), [0, 0, 0])

/** Whether some packing of whole clusters reaches the totals: all of them tried. */
const isPackable = (units: ReadonlyArray<SplitUnit>, totals: ReadonlyArray<number>): boolean => {
  const groups = Map.groupBy(units, ({ cluster, order }) => cluster ?? `alone ${order}`)
  const sizes = [...groups.values()].map((members) => members.length)
  let reached = new Set(["0,0,0"])
  for (const size of sizes) {
    reached = new Set([...reached].flatMap((state) => {
      const used = state.split(",").map(Number)
      return [0, 1, 2].flatMap((k) => {
        const next = used.with(k, (used[k] ?? 0) + size)
        return (next[k] ?? 0) <= (totals[k] ?? 0) ? [next.join(",")] : []
      })
    }))
  }
  return reached.has(totals.join(","))
}

describe("assign", () => {
  it.prop(
    "reaches the totals exactly whenever the clusters can be packed so",
    [unitsOf(25, 6), fractionsOf, seeds],
    ([list, at, seed]) => {
      const [units, fractions] = [numbered(list), fractionsAt(at)]
      const totals = allocate(units.length, shares(fractions))
      const found = counts(assign(units, fractions, seed).splits)
      if (isPackable(units, totals)) assert.deepStrictEqual(found, totals)
      assert.strictEqual(found.reduce((a, b) => a + b, 0), units.length)
    },
    { arbitrary: { seed: 2026, runs: 300 } }
  )

  it.prop(
    "packs clusters exactly where that is possible, even where no row is alone",
    [unitsOf(24, 5), seeds],
    ([list, seed]) => {
      const units = numbered(list.map((unit) => ({ ...unit, cluster: unit.cluster ?? 0 })))
      const fractions = { train: 0.5, validation: 0.25, test: 0.25 }
      const totals = allocate(units.length, shares(fractions))
      if (isPackable(units, totals)) assert.deepStrictEqual(counts(assign(units, fractions, seed).splits), totals)
    },
    { arbitrary: { seed: 2026, runs: 500 } }
  )

  it("finds the one packing that largest-first misses", () => {
    // Two clusters of three and three of two into 6 and 6: largest first leaves 1 and 1 for the last.
    const units = Array.from({ length: 12 }, (_, order) => ({
      order,
      stratum: null,
      cluster: order < 6 ? `three ${Math.floor(order / 3)}` : `two ${Math.floor(order / 2)}`
    }))
    const { totals } = assign(units, { train: 0.5, validation: 0, test: 0.5 }, 1)
    assert.deepStrictEqual(totals, { train: 6, validation: 0, test: 6 })
  })

  it.prop("never puts a cluster on two sides, nor a row into a split without a share", [
    unitsOf(60, 8),
    fractionsOf,
    seeds
  ], ([list, at, seed]) => {
    const [units, fractions] = [numbered(list), fractionsAt(at)]
    const { splits } = assign(units, fractions, seed)
    const sides = new Map<string, number>()
    for (const [i, { cluster }] of units.entries()) {
      assert.isAbove(shares(fractions)[splits[i] ?? 0] ?? 0, 0)
      if (cluster === null) continue
      assert.strictEqual(sides.get(cluster) ?? splits[i], splits[i])
      sides.set(cluster, splits[i] ?? -1)
    }
  }, { arbitrary: { seed: 2026, runs: 300 } })

  it.prop(
    "keeps every stratum within one row of its rounded share",
    [unitsOf(120, 1), fractionsOf, seeds],
    ([list, at, seed]) => {
      const [units, fractions] = [alone(numbered(list)), fractionsAt(at)]
      const { splits } = assign(units, fractions, seed)
      for (const stratum of [null, "a", "b", "c", "d"]) {
        const found = counts(splits.filter((_, i) => units[i]?.stratum === stratum))
        const share = allocate(found.reduce((a, b) => a + b, 0), shares(fractions))
        for (const k of [0, 1, 2]) assert.isAtMost(Math.abs((found[k] ?? 0) - (share[k] ?? 0)), 1)
      }
    },
    { arbitrary: { seed: 2026, runs: 500 } }
  )

  it.prop("does not depend on the order of the input", [unitsOf(40, 6), fractionsOf, seeds], ([list, at, seed]) => {
    const [units, fractions] = [numbered(list), fractionsAt(at)]
    const forwards = assign(units, fractions, seed).splits
    const backwards = assign([...units].reverse(), fractions, seed).splits
    assert.deepStrictEqual([...forwards], [...backwards].reverse())
  }, { arbitrary: { seed: 2026, runs: 300 } })

  it("mixes: another seed gives another split, and clusters reach every split in proportion", () => {
    const units = Array.from({ length: 3_000 }, (_, order) => ({
      order,
      stratum: order % 2 === 0 ? "even" : "odd",
      cluster: order < 1_000 ? `c${Math.floor(order / 4)}` : null
    }))
    const fractions = { train: 0.8, validation: 0.1, test: 0.1 }
    const { splits, totals } = assign(units, fractions, 1)
    assert.deepStrictEqual(totals, { train: 2_400, validation: 300, test: 300 })
    assert.notDeepEqual(splits, assign(units, fractions, 2).splits)
    for (const [k, share] of shares(fractions).entries()) {
      assert.closeTo(counts(splits.subarray(0, 1_000))[k] ?? 0, 1_000 * share, 16)
      assert.closeTo(counts(splits.filter((_, i) => i % 2 === 0))[k] ?? 0, 1_500 * share, 16)
    }
  })

  it("comes as near as it can where a cluster is larger than any other split", () => {
    const units = Array.from(
      { length: 10 },
      (_, order) => ({ order, stratum: null, cluster: order < 8 ? "big" : null })
    )
    assert.deepStrictEqual(assign(units, { train: 0.5, validation: 0.25, test: 0.25 }, 3).totals, {
      train: 8,
      validation: 1,
      test: 1
    })
  })

  it("answers an empty run", () => {
    assert.deepStrictEqual(assign([], { train: 0.9, validation: 0.05, test: 0.05 }, 1).totals, {
      train: 0,
      validation: 0,
      test: 0
    })
  })
})
