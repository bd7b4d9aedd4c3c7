import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Json } from "../../src/domain/Json.ts"
import { applyPatch, diff } from "../../src/domain/JsonPatch.ts"

const Two = Schema.Tuple([Schema.Json, Schema.Json])

describe("a patch", () => {
  it.prop("makes the second value of the first", [Two], ([[a, b]]) => {
    assert.deepStrictEqual(applyPatch(a as Json, diff(a as Json, b as Json)), b)
  }, { arbitrary: { runs: 500, seed: 7 } })

  it.prop("of equal values is empty", [Schema.Json], ([a]) => {
    assert.deepStrictEqual(diff(a as Json, JSON.parse(JSON.stringify(a)) as Json), [])
  }, { arbitrary: { runs: 200, seed: 8 } })

  it("names the place alone that has changed", () => {
    const a = { tally: { in: 1, stages: [{ out: 1 }, { out: 2 }] }, note: "x" }
    const b = { tally: { in: 2, stages: [{ out: 1 }, { out: 3 }] }, note: "x" }
    assert.deepStrictEqual(diff(a, b), [
      { op: "replace", path: "/tally/in", value: 2 },
      { op: "replace", path: "/tally/stages/1/out", value: 3 }
    ])
  })

  it("takes keys with slashes, tildes and names of prototypes as data", () => {
    const a = JSON.parse("{\"a/b\": 1, \"~c\": 2, \"__proto__\": {\"d\": 3}}") as Json
    const b = JSON.parse("{\"a/b\": 2, \"~c\": {\"e~/\": 1}, \"__proto__\": {\"d\": 4}, \"constructor\": 1}") as Json
    assert.deepStrictEqual(applyPatch(a, diff(a, b)), b)
  })

  it("that does not fit its value throws", () => {
    assert.throws(() => applyPatch({ a: 1 }, [{ op: "remove", path: "/b" }]), /does not fit/)
    assert.throws(() => applyPatch([1], [{ op: "replace", path: "/1", value: 2 }]), /does not fit/)
    assert.throws(() => applyPatch(1, [{ op: "replace", path: "/a/b", value: 2 }]), /does not fit/)
  })
})
