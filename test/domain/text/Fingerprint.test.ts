// Fingerprints against plain sets, and MinHash against its own probability.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  answersDiffer,
  fingerprint,
  isVariant,
  jaccard,
  sameNumerals,
  shingleHashes
} from "../../../src/domain/text/Fingerprint.ts"
import { hashText, randomWords } from "../../../src/domain/text/Hash.ts"
import { minHash } from "../../../src/domain/text/MinHash.ts"
import { tokenise } from "../../../src/domain/text/Tokens.ts"

const payload = (text: string, answer?: string, size = 3) => {
  const { words } = tokenise(text)
  return fingerprint(words, shingleHashes(words, size), answer)
}
const sortedSet = (values: Iterable<number>) => Uint32Array.from(new Set(values)).sort()

const numbers = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))).check(
  Schema.isMaxLength(30)
)

describe("jaccard", () => {
  it.prop("equals the definition on sets", [numbers, numbers], ([left, right]) => {
    const [a, b] = [[...new Set(left)], [...new Set(right)]]
    const common = a.filter((value) => b.includes(value)).length
    const union = new Set([...a, ...b]).size
    const [one, other] = [fingerprint([], sortedSet(a), undefined), fingerprint([], sortedSet(b), undefined)]
    assert.strictEqual(jaccard(one, other), union === 0 ? 0 : common / union)
    assert.strictEqual(jaccard(one, other), jaccard(other, one))
  }, { arbitrary: { seed: 2026 } })

  it("reads payloads at any offset of a buffer", () => {
    const a = payload("the sum of the first ten numbers")
    const shifted = new Uint8Array(a.length + 3)
    shifted.set(a, 3)
    assert.strictEqual(jaccard(shifted.subarray(3), a), 1)
  })

  it("of a hand-worked pair: 3 of 5 shingles", () => {
    // a b c d e f: abc bcd cde def; a b c d e g: abc bcd cde deg
    assert.strictEqual(jaccard(payload("aa bb cc dd ee ff"), payload("aa bb cc dd ee gg")), 3 / 5)
  })
})

describe("shingleHashes", () => {
  it("are ascending and distinct, one for a short text, none for an empty one", () => {
    const { words } = tokenise("x y x y x y x y")
    assert.deepStrictEqual([...shingleHashes(words, 2)], [...sortedSet(shingleHashes(words, 2))])
    assert.strictEqual(shingleHashes(words, 2).length, 2)
    assert.strictEqual(shingleHashes(["x"], 3).length, 1)
    assert.strictEqual(shingleHashes([], 3).length, 0)
  })
})

describe("what else a fingerprint tells", () => {
  it("numerals as a multiset, words among them", () => {
    assert.isTrue(sameNumerals(payload("3 apples, 4 pears"), payload("four pears and three apples")))
    assert.isFalse(sameNumerals(payload("3 and 3 and 4"), payload("3 and 4 and 4")))
  })

  it("which variable is asked for", () => {
    assert.isTrue(isVariant(payload("If x+y=2 find x"), payload("If x+y=2 find y")))
    assert.isFalse(isVariant(payload("Find the x"), payload("Determine a x")))
  })

  it("whether both have an answer and they are written differently", () => {
    assert.isTrue(answersDiffer(payload("p", "1"), payload("p", "2")))
    assert.isFalse(answersDiffer(payload("p", "\\frac{1}{2}"), payload("p", "$\\dfrac12$")))
    assert.isFalse(answersDiffer(payload("p", "1"), payload("p")))
    assert.isFalse(answersDiffer(payload("p", ""), payload("p", "2")))
  })
})

describe("minHash", () => {
  it("is the same for the same seed and another for another", () => {
    const set = sortedSet(randomWords(1, 50))
    assert.deepStrictEqual(minHash(7, 32, 4)(set), minHash(7, 32, 4)(set))
    assert.notDeepEqual(minHash(7, 32, 4)(set), minHash(8, 32, 4)(set))
  })

  it("gives distinct integers below 2^53, and none for the empty set", () => {
    const keys = minHash(1, 32, 4)(sortedSet(randomWords(2, 10)))
    assert.strictEqual(new Set(keys).size, 32)
    assert.isTrue(keys.every((key) => Number.isSafeInteger(key) && key >= 0))
    assert.deepStrictEqual(minHash(1, 32, 4)(new Uint32Array(0)), [])
  })

  it("lets sets meet as often as 1 - (1 - s^rows)^bands says", () => {
    const [bands, rows, trials] = [16, 4, 600]
    for (const similarity of [0.3, 0.5, 0.7]) {
      let met = 0
      for (let trial = 0; trial < trials; trial++) {
        const pool = randomWords(hashText(`${similarity}/${trial}`), 100)
        const own = Math.round((100 * (1 - similarity)) / 2) // each side has this many of its own
        const [a, b] = [pool.slice(0, 100 - own), pool.slice(own)]
        const hash = minHash(trial, bands, rows)
        const keys = new Set(hash(sortedSet(a)))
        if (hash(sortedSet(b)).some((key) => keys.has(key))) met++
      }
      const expected = 1 - (1 - similarity ** rows) ** bands
      assert.closeTo(
        met / trials,
        expected,
        4 * Math.sqrt((expected * (1 - expected)) / trials) + 0.01,
        `at ${similarity}`
      )
    }
  })
})
