// Inflation against Node's own zlib, and on damaged input.
import { assert, describe, it } from "@effect/vitest"
import { deflateRawSync, deflateSync } from "node:zlib"
import { inflate } from "../../../src/domain/LeakScan/Inflate.ts"

const samples = ["", "print(42)", "abc".repeat(1_000), Array.from({ length: 2_000 }, (_, i) => String(i * i)).join(" ")]

describe("inflate", () => {
  it("gives back what zlib deflated, at every level and without a header", () => {
    for (const sample of samples) {
      const bytes = new TextEncoder().encode(sample)
      for (const level of [0, 1, 6, 9]) {
        for (const packed of [deflateSync(bytes, { level }), deflateRawSync(bytes, { level })]) {
          assert.deepStrictEqual(inflate(packed, 100_000), bytes)
        }
      }
    }
  })

  it("gives nothing for a stream that is cut, foreign or longer than the bound", () => {
    const packed = deflateSync(new TextEncoder().encode(samples[3]))
    assert.isNull(inflate(packed.subarray(0, packed.length >> 1), 100_000))
    assert.isNull(inflate(packed, 1_000))
    assert.isNull(inflate(new Uint8Array(), 100))
    assert.isNull(inflate(Uint8Array.of(255, 255, 255, 255), 100))
    assert.isNull(inflate(deflateSync(new Uint8Array(5_000_000)), 10_000))
  })

  it("never throws on damaged streams", () => {
    const packed = deflateSync(new TextEncoder().encode(samples[3]))
    for (let i = 0; i < packed.length; i += 61) {
      const damaged = Uint8Array.from(packed)
      damaged[i] = (damaged[i] ?? 0) ^ 85
      const plain = inflate(damaged, 20_000)
      assert.isTrue(plain === null || plain.length <= 20_000)
    }
  })
})
