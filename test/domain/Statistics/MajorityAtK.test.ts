// Majority voting under sampling, against all subsets.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { majorityAtK, majorityBinomial } from "../../../src/domain/Statistics/MajorityAtK.ts"

const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Credit over all subsets of size k. Class -1 stands for no answer. */
const counted = (classes: ReadonlyArray<number>, right: number, k: number): number => {
  let sum = 0
  let subsets = 0
  for (let bits = 0; bits < 1 << classes.length; bits++) {
    const drawn = classes.filter((_, i) => (bits >> i) & 1)
    if (drawn.length !== k) continue
    subsets++
    const votes = new Map<number, number>()
    for (const answer of drawn) if (answer >= 0) votes.set(answer, (votes.get(answer) ?? 0) + 1)
    const most = Math.max(...votes.values())
    const leaders = [...votes].filter(([, count]) => count === most).map(([answer]) => answer)
    if (leaders.includes(right)) sum += 1 / leaders.length
  }
  return sum / subsets
}

describe("majority@k", () => {
  it.prop("is the mean credit over all subsets", [
    Schema.Array(from(-1, 3)).check(Schema.isMinLength(1), Schema.isMaxLength(10)),
    from(1, 10)
  ], ([classes, k]) => {
    const size = Math.min(k, classes.length)
    const votes = [0, 1, 2, 3].map((answer) => classes.filter((here) => here === answer).length)
    const nulls = classes.filter((answer) => answer === -1).length
    for (const right of [0, 3]) {
      assert.approximately(majorityAtK(votes, right, size, nulls) ?? -1, counted(classes, right, size), 1e-12)
    }
  }, { arbitrary: { seed: 2026, runs: 150 } })

  it("is the share of the right ones for k = 1, and the vote itself for k = n", () => {
    assert.approximately(majorityAtK([3, 4], 0, 1, 3) ?? -1, 0.3, 1e-15)
    assert.approximately(majorityAtK([3, 3], 0, 6) ?? -1, 0.5, 1e-12)
    assert.approximately(majorityAtK([4, 3], 0, 7) ?? -1, 1, 1e-12)
  })

  it("is nothing without a right answer and says null where it would take too long", () => {
    assert.strictEqual(majorityAtK([3, 4], -1, 3), 0)
    assert.strictEqual(majorityAtK([0, 4], 0, 3), 0)
    assert.strictEqual(majorityAtK([], -1, 1, 1), 0)
    assert.strictEqual(majorityAtK(new Array<number>(1000).fill(1), 0, 1000), null)
    assert.throws(() => majorityAtK([1], 0, 2), RangeError)
  })

  it("takes a real pool: 64 of 512 samples", () => {
    const credit = majorityAtK([200, 150, 50, 50, 30], 0, 64, 32) ?? -1
    assert.isTrue(credit > 0.8 && credit < 1)
  })

  it("under the binomial model counts a tie as well", () => {
    assert.approximately(majorityBinomial(2, 0.5), 0.75, 1e-15)
    assert.approximately(50 * majorityBinomial(3, 0.47), 22.7527, 1e-12)
    assert.throws(() => majorityBinomial(0, 0.5), RangeError)
  })
})
