// Values of plain numbers, against the equality that votes ask: different values are never equal answers.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { sameAnswer, verify } from "../../../src/domain/Verify.ts"
import { plainValue } from "../../../src/domain/Vote/PlainValue.ts"

const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const form = Schema.Literals(["integer", "decimal", "slash", "frac", "dfrac", "zeros"])
const number = Schema.Struct({
  form,
  isNegative: Schema.Boolean,
  n: Schema.Union([whole(12), whole(2000)]),
  d: Schema.Union([whole(12), whole(1100), Schema.Literals([10, 100, 1000])]),
  decimals: whole(5)
})
const written = ({ d, decimals, form, isNegative, n }: typeof number.Type): string => {
  const sign = isNegative ? "-" : ""
  switch (form) {
    case "integer":
      return `${sign}${n}`
    case "decimal":
      return `${sign}${(n / 10 ** decimals).toFixed(decimals)}`
    case "zeros":
      return `${sign}${n}.${"0".repeat(decimals + 1)}`
    case "slash":
      return `${sign}${n}/${d}`
    case "frac":
    case "dfrac":
      return `${sign}\\${form}{${n}}{${d}}`
  }
}

describe("the value of a plain number", () => {
  it.prop(
    "is the same only for equal answers, and differs only for unequal ones",
    [number, number],
    ([first, second]) => {
      const [a, b] = [written(first), written(second)]
      const [x, y] = [plainValue(a), plainValue(b)]
      if (x === null || y === null) return
      assert.strictEqual(verify(a, b, {}, true).verdict === "equal", x === y, `${a} and ${b}`)
    },
    { arbitrary: { seed: 2026, runs: 3_000 } }
  )

  it("is in lowest terms", () => {
    const values = [
      "2/4",
      "\\frac{1}{2}",
      "\\dfrac{3}{6}",
      "0.5",
      "0.500000",
      "-0",
      "-0.0",
      "0/7",
      "-1.25",
      "12",
      "7.00"
    ]
    assert.deepStrictEqual(values.map(plainValue), "1/2 1/2 1/2 1/2 1/2 0 0 0 -5/4 12 7".split(" "))
  })

  it("is none for other notation, what rounding could make equal, and texts of any length", () => {
    const others = [
      "",
      "-",
      "x",
      "1e3",
      "1,000",
      "50%",
      "012",
      ".5",
      "5.",
      "+3",
      "1/0",
      "0/0",
      " 1",
      "1\n",
      "10_2",
      "١"
    ]
      .concat(["0.3333333", "1/1001", "0.00001", "1".repeat(41), "1".repeat(1_000_000), "\\frac12", "1/-2", "NaN"])
    assert.deepStrictEqual(others.filter((text) => plainValue(text) !== null), [])
    assert.isTrue(sameAnswer("1/3", "0.3333333"))
  })
})
