// Rounding to exact sums.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allocate, downsample, holdOut } from "../../src/domain/Allocation.ts"

describe("allocate", () => {
  const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
  const others = Schema.Array(whole(100)).check(Schema.isMaxLength(5))

  it.prop("sums to the total, each less than one from its quota, nothing for a share of nothing", [
    whole(100_000),
    whole(99),
    others
  ], ([total, first, rest]) => {
    const list = [first + 1, ...rest]
    const counts = allocate(total, list)
    const sum = list.reduce((a, b) => a + b, 0)
    assert.strictEqual(counts.reduce((a, b) => a + b, 0), total)
    for (const [i, share] of list.entries()) {
      assert.isBelow(Math.abs((counts[i] ?? 0) - (total * share) / sum), 1)
      if (share === 0) assert.strictEqual(counts[i], 0)
    }
  }, { arbitrary: { seed: 2026, runs: 500 } })

  const large = Schema.Literals([1e12, 1e12 + 1, 1e14 + 7, 2 ** 53 - 1])
  const share = Schema.Union([whole(1_000_000_000), Schema.Literals([0.1, 0.1 + 0.2, 1 / 3, 1e-9, 33.3, 1e20])])
  const shares = Schema.Array(share).check(Schema.isMinLength(1), Schema.isMaxLength(8))
  it.prop("is exact for totals and shares of any size", [Schema.Union([whole(50), large]), shares], ([total, list]) => {
    if (!list.some((share) => share > 0)) return
    for (const rule of ["largest-remainder", "largest-share"] as const) {
      const counts = allocate(total, list, rule)
      assert.strictEqual(counts.reduce((a, b) => a + BigInt(b), 0n), BigInt(total))
      for (const [i, count] of counts.entries()) assert.isTrue(count >= 0 && (list[i] !== 0 || count === 0))
    }
  }, { arbitrary: { seed: 2026, runs: 500 } })

  it.prop("is within one of each quota, however large the total", [large, others], ([total, rest]) => {
    const list = [1, ...rest]
    const sum = BigInt(list.reduce((a, b) => a + b, 0))
    for (const [i, count] of allocate(total, list).entries()) {
      const apart = BigInt(count) * sum - BigInt(total) * BigInt(list[i] ?? 0)
      assert.isTrue((apart < 0n ? -apart : apart) < sum)
    }
  }, { arbitrary: { seed: 2026, runs: 300 } })

  it("shares a trillion by three, and refuses what has no proportions", () => {
    assert.deepStrictEqual(allocate(1e12, [1, 1, 1]), [333_333_333_334, 333_333_333_333, 333_333_333_333])
    assert.deepStrictEqual(allocate(1, [1e-12, 3e-12], "largest-share"), [0, 1])
    assert.deepStrictEqual(allocate(1, [0.3, 0.1 + 0.2]), [1, 0])
    assert.deepStrictEqual(allocate(0, [0, 0]), [0, 0])
    for (const [total, list] of [[1, [0, 0]], [1, []], [1.5, [1]], [-1, [1]], [1, [-1, 2]], [1, [NaN]]] as const) {
      assert.throws(() => allocate(total, list), RangeError)
    }
  })

  it("gives what is left by the largest remainder or by the largest share", () => {
    // Quotas 6.6, 2.75, 1.65.
    assert.deepStrictEqual(allocate(11, [60, 25, 15]), [6, 3, 2])
    assert.deepStrictEqual(allocate(11, [60, 25, 15], "largest-share"), [7, 3, 1])
    assert.deepStrictEqual(allocate(101, [34, 33, 33], "largest-share"), [35, 33, 33])
    assert.deepStrictEqual(allocate(100, [0.9, 0.05, 0.05]), [90, 5, 5])
    assert.deepStrictEqual(allocate(3, [0.1, 0.1, 0.1]), [1, 1, 1])
  })
})

describe("downsample", () => {
  const rows = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 }))
  const keys = Schema.Array(
    Schema.Struct({ rows, share: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })) })
  )
    .check(Schema.isMinLength(1), Schema.isMaxLength(6))
  const target = Schema.Union([Schema.Null, rows])

  it.prop("is exact, within one of each quota, never above what is there, and as much as the scarcest key allows", [
    keys,
    target
  ], ([list, wanted]) => {
    const sum = list.reduce((total, { share }) => total + share, 0)
    if (sum === 0) return
    const of = (pick: (one: (typeof list)[number]) => number) =>
      Object.fromEntries(list.map((one, i) => [`k${i}`, pick(one)]))
    const found = downsample(of((one) => one.rows), of(({ share }) => (100 * share) / sum), wanted)
    assert.strictEqual(found._tag, "Allocated")
    if (found._tag !== "Allocated") return
    const counts = Object.values(found.allocated)
    assert.strictEqual(counts.reduce((a, b) => a + b, 0), found.total)
    const most = Math.min(...list.flatMap(({ rows, share }) => (share === 0 ? [] : [(rows * sum) / share])))
    assert.strictEqual(found.total, Math.min(wanted ?? Infinity, Math.floor(most + 1e-9)))
    for (const [i, { rows, share }] of list.entries()) {
      assert.isAtMost(counts[i] ?? NaN, rows)
      assert.isAtMost(Math.abs((counts[i] ?? NaN) - (found.total * share) / sum), 1 + 1e-9)
    }
  }, { arbitrary: { seed: 2026, runs: 1_000 } })

  it("gives the rest to the largest percentage that has rows left", () => {
    const found = downsample({ a: 1, b: 9, c: 9 }, { a: 50, b: 25, c: 25 }, null)
    assert.deepStrictEqual(found, {
      _tag: "Allocated",
      total: 2,
      bottleneck: "a",
      allocated: { a: 1, b: 1, c: 0 }
    })
  })

  it("is exact for trillions of rows, and for percentages that miss 100 by their rounding", () => {
    const sloppy = { a: 33.3333333, b: 33.3333333, c: 33.3333333 }
    for (const rows of [1e9, 1e12 + 1, 2 ** 53 - 1]) {
      for (const percent of [sloppy, { a: 0.1, b: 33.3, c: 66.6 }, { a: 100 / 3, b: 100 / 3, c: 100 / 3 }]) {
        for (const target of [null, rows, 1e11 + 3]) {
          const found = downsample({ a: rows, b: rows, c: rows }, percent, target)
          if (found._tag !== "Allocated") throw new Error(found.message)
          assert.strictEqual(
            Object.values(found.allocated).reduce((a, b) => a + BigInt(b), 0n),
            BigInt(found.total)
          )
          for (const count of Object.values(found.allocated)) assert.isTrue(count >= 0 && count <= rows)
        }
      }
    }
  })

  it("takes nothing where a key that is asked for has no row, and refuses what makes no sense", () => {
    assert.deepStrictEqual(downsample({ a: 9 }, { a: 50, b: 50 }, 5), {
      _tag: "Allocated",
      total: 0,
      bottleneck: "b",
      allocated: { a: 0, b: 0 }
    })
    const reasonOf = (...given: Parameters<typeof downsample>) => {
      const found = downsample(...given)
      return found._tag === "Refused" ? found.reason : null
    }
    assert.strictEqual(reasonOf({ a: 1 }, { a: 120, b: -20 }, 1), "percent-negative")
    assert.strictEqual(reasonOf({ a: 1 }, { a: NaN }, 1), "percent-negative")
    assert.strictEqual(reasonOf({ a: 1 }, { a: Infinity }, 1), "percent-sum")
    assert.strictEqual(reasonOf({ a: 1 }, {}, 1), "percent-sum")
    assert.strictEqual(reasonOf({ a: 1 }, { a: 0 }, 1), "percent-sum")
    assert.strictEqual(reasonOf({ a: 1.5 }, { a: 100 }, 1), "available-invalid")
    assert.strictEqual(reasonOf({ a: NaN }, { a: 100 }, 1), "available-invalid")
    assert.strictEqual(reasonOf({ a: 1 }, { a: 100 }, -1), "target-invalid")
    assert.strictEqual(reasonOf({ a: 1 }, { a: 100 }, Infinity), "target-invalid")
    // A name of Object's prototype is a key like any other.
    assert.deepStrictEqual(downsample({}, { constructor: 100 }, 3), {
      _tag: "Allocated",
      total: 0,
      bottleneck: "constructor",
      allocated: { constructor: 0 }
    })
  })
})

describe("holdOut", () => {
  it("rounds the test part up and leaves no part empty", () => {
    assert.deepStrictEqual(holdOut(5_509), { train: 4_958, test: 551 })
    assert.deepStrictEqual(holdOut(2), { train: 1, test: 1 })
    assert.deepStrictEqual(holdOut(10_000_000_000, 0.07), { train: 9_300_000_000, test: 700_000_000 })
    assert.deepStrictEqual(holdOut(1_000_000, 0.3), { train: 700_000, test: 300_000 })
    assert.isNull(holdOut(0))
    assert.isNull(holdOut(1))
    assert.isNull(holdOut(3, 0.9))
    for (const share of [0, 1, NaN]) assert.throws(() => holdOut(10, share), RangeError)
    assert.throws(() => holdOut(1.5), RangeError)
  })

  it("adds up for every size", () => {
    for (let n = 2; n < 20_000; n++) {
      const parts = holdOut(n)
      assert.strictEqual((parts?.train ?? 0) + (parts?.test ?? 0), n)
      assert.strictEqual(parts?.test, Math.ceil(n / 10))
    }
  })
})
