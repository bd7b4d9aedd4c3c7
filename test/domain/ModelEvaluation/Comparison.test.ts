import { assert, describe, it } from "@effect/vitest"
import { type ComparedResult, compareResults } from "../../../src/domain/ModelEvaluation/Comparison.ts"
import { mcNemarExact } from "../../../src/domain/Statistics/PairedTests.ts"

const set = (count: number, right: (n: number) => boolean): ReadonlyArray<ComparedResult> =>
  Array.from({ length: count }, (_, n) => ({
    id: `p${n}`,
    hash: `h${n}`,
    domain: n % 2 === 0 ? "algebra" : "geometry",
    level: null,
    grade: right(n) ? "right" : "wrong",
    passAt1: right(n) ? 1 : 0
  }))

describe("a comparison of two evaluations", () => {
  it("pairs by problem: who wins where, by how much, and how sure that is", () => {
    const a = set(200, (n) => n % 5 !== 0)
    const b = set(200, (n) => n % 5 !== 0 && n % 4 !== 1)
    const { byDomain, overall, onlyFirstRight, onlySecondRight, passAt1 } = compareResults(a, b, 1)
    const won = 200 / 4 - 200 / 20
    assert.deepInclude(overall, { problems: 200, onlyFirst: won, onlySecond: 0, p: mcNemarExact(won, 0) })
    assert.closeTo(overall?.difference ?? 0, won / 200, 1e-12)
    assert.isAbove(overall?.interval.low ?? 0, 0)
    assert.isBelow(overall?.interval.low ?? 1, won / 200)
    assert.strictEqual(byDomain["algebra"]?.onlyFirst, 0)
    assert.strictEqual(byDomain["geometry"]?.onlyFirst, won)
    assert.deepStrictEqual([onlyFirstRight.length, onlyFirstRight[0], onlySecondRight], [won, "p1", []])
    assert.closeTo(passAt1?.difference ?? 0, won / 200, 1e-12)
    assert.deepStrictEqual(compareResults(a, b, 1), compareResults(a, b, 1))
  })

  it("turns round when the two change places", () => {
    const [a, b] = [set(50, (n) => n % 3 === 0), set(50, (n) => n % 2 === 0)]
    const [forth, back] = [compareResults(a, b, 3), compareResults(b, a, 3)]
    assert.closeTo(forth.overall?.difference ?? 0, -(back.overall?.difference ?? 0), 1e-12)
    assert.deepStrictEqual(forth.onlyFirstRight, back.onlySecondRight)
    assert.strictEqual(forth.overall?.p, back.overall?.p)
  })

  it("tells problems that it cannot pair", () => {
    const a = set(6, () => true).map((one, n): ComparedResult => (n === 1 ? { ...one, grade: "failed" } : one))
    const b = set(8, () => false).slice(1).map((one, n) => (n === 2 ? { ...one, hash: "other" } : one))
    const { changed, onlyInFirst, onlyInSecond, overall, withoutGrade } = compareResults(a, b, 1)
    assert.deepStrictEqual([overall?.problems, onlyInFirst, onlyInSecond, changed, withoutGrade], [3, 1, 2, 1, 1])
    assert.isNull(compareResults(a, [], 1).overall)
  })
})
