// The greedy decision against a slow version of itself, and its laws.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { clusters, type ComparedPair } from "../../src/domain/Clusters.ts"

const options = { dropAt: 0.85, groupAt: 0.6 }
const rows = 12
const row = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: rows - 1 }))
const drawn = Schema.Array(Schema.Struct({
  a: row,
  b: row,
  similarity: Schema.Literals([0.5, 0.6, 0.7, 0.85, 0.9, 1]),
  isVariant: Schema.Boolean
})).check(Schema.isMaxLength(40))
/** Each pair once: two comparisons of the same rows agree. */
const distinct = (
  pairs: typeof drawn.Type
) => [...new Map(pairs.map((pair) => [`${Math.min(pair.a, pair.b)}-${Math.max(pair.a, pair.b)}`, pair])).values()]
const runs = { arbitrary: { seed: 2026, runs: 500 } }

/** As the words have it: row by row over all pairs. */
const slow = (pairs: ReadonlyArray<ComparedPair>) => {
  const keeper = new Array<number>(rows).fill(-1)
  const other = (pair: ComparedPair, row: number) => (pair.a === row ? pair.b : pair.b === row ? pair.a : -1)
  for (let row = 0; row < rows; row++) {
    const best = pairs
      .filter((pair) => other(pair, row) >= 0 && other(pair, row) < row && keeper[other(pair, row)] === -1)
      .filter((pair) => pair.similarity >= options.dropAt && !pair.isVariant)
      .sort((x, y) => y.similarity - x.similarity || other(x, row) - other(y, row))[0]
    if (best !== undefined) keeper[row] = other(best, row)
  }
  const group = keeper.map((_, row) => row)
  for (let again = true; again;) {
    again = false
    for (const { a, b, similarity } of pairs) {
      const [x, y] = [group[a] as number, group[b] as number]
      if (similarity < options.groupAt || x === y) continue
      for (let row = 0; row < rows; row++) if (group[row] === Math.max(x, y)) group[row] = Math.min(x, y)
      again = true
    }
  }
  const cluster = keeper.map((kept, row) =>
    kept === -1 ? group.findIndex((other, at) => other === group[row] && keeper[at] === -1) : -1
  )
  return { keeper, cluster }
}

describe("clusters", () => {
  it.prop("decides as the slow version does", [drawn], ([list]) => {
    const pairs = distinct(list)
    const decided = clusters(rows, pairs, options)
    const expected = slow(pairs)
    assert.deepStrictEqual([...decided.keeper], expected.keeper)
    assert.deepStrictEqual([...decided.cluster], expected.cluster)
    assert.deepStrictEqual(
      [...decided.size],
      expected.cluster.map((_, c) => expected.cluster.filter((other) => other === c).length)
    )
  }, runs)

  it.prop("depends neither on the order of the pairs nor on repeats", [drawn], ([list]) => {
    const pairs = distinct(list)
    assert.deepStrictEqual(clusters(rows, [...pairs, ...pairs].reverse(), options), clusters(rows, pairs, options))
  }, runs)

  it.prop("never drops in favour of a dropped row, nor a variant", [drawn], ([list]) => {
    const pairs = distinct(list)
    const { keeper, similarity } = clusters(rows, pairs, options)
    for (const [row, kept] of keeper.entries()) {
      if (kept === -1) continue
      assert.strictEqual(keeper[kept], -1)
      assert.isAtLeast(similarity[row] ?? 0, options.dropAt)
      assert.isTrue(
        pairs.some(({ a, b, isVariant }) => !isVariant && Math.min(a, b) === kept && Math.max(a, b) === row)
      )
    }
  }, runs)

  it("a copy of a copy that was dropped is compared with what was kept, and stays with it", () => {
    const chain = [{ a: 0, b: 1, similarity: 0.9, isVariant: false }, { a: 1, b: 2, similarity: 0.9, isVariant: false }]
    const { cluster, keeper } = clusters(3, chain, options)
    assert.deepStrictEqual([...keeper], [-1, 0, -1])
    assert.deepStrictEqual([...cluster], [0, -1, 0])
  })
})
