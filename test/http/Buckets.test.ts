import { assert, describe, it } from "@effect/vitest"
import { makeBuckets } from "../../src/http/Buckets.ts"

const made = (rate: number, burst: number, maxClients = 100) => {
  let now = 1_000
  const buckets = makeBuckets({ rate: () => rate, burst: () => burst, maxClients, nowMillis: () => now })
  return { buckets, pass: (millis: number) => void (now += millis) }
}

describe("token buckets", () => {
  it("give a burst at once and then the rate", () => {
    const { buckets, pass } = made(10, 5)
    assert.deepStrictEqual(Array.from({ length: 6 }, () => buckets.take("a")), [true, true, true, true, true, false])
    pass(100)
    assert.deepStrictEqual([buckets.take("a"), buckets.take("a")], [true, false])
    pass(60_000)
    assert.deepStrictEqual(Array.from({ length: 6 }, () => buckets.take("a")), [true, true, true, true, true, false])
  })

  it("keep clients apart, look without taking, and survive a clock that jumps back", () => {
    const { buckets, pass } = made(1, 1)
    assert.isTrue(buckets.take("a"))
    assert.isFalse(buckets.has("a"))
    assert.isTrue(buckets.has("b"))
    assert.isTrue(buckets.take("b"))
    pass(-10_000)
    assert.isFalse(buckets.take("a"))
    pass(1_000)
    assert.isTrue(buckets.take("a"))
  })

  it("remember only so many clients", () => {
    const { buckets } = made(1, 1, 10)
    for (let client = 0; client < 1_000; client++) buckets.take(String(client))
    assert.strictEqual(buckets.size(), 10)
    assert.isFalse(buckets.take("999"))
    assert.isTrue(buckets.take("0"))
  })

  it("of rate 0 bound nothing", () => {
    const { buckets } = made(0, 1)
    for (let request = 0; request < 100; request++) assert.isTrue(buckets.take("a"))
    assert.strictEqual(buckets.size(), 0)
  })
})
