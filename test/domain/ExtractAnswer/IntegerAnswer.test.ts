// Answers read as the whole numbers that contests ask for.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { integerAnswer } from "../../../src/domain/ExtractAnswer/IntegerAnswer.ts"

const aimo = { least: 0, most: 99_999 }
const thousand = { modulo: 1000 }

describe("integerAnswer", () => {
  it("reads numbers as they are written in answers", () => {
    for (
      const text of [
        "1234",
        "01234",
        "+1234",
        "1234.0",
        "1234.",
        "1,234",
        "1{,}234",
        "1\\,234",
        "1 234",
        "$1234$",
        "\\(1234\\)",
        "\\boxed{1234}",
        "\\text{1234}",
        "\\mathbf{1234}",
        "**1234**",
        "\\$1234",
        "1234\\%",
        "1234^\\circ",
        "1234 cm",
        "1234cm",
        "1234\\text{ cm}^2",
        "n=1234",
        "n = 1000 + 234 = 1234",
        "n \\equiv 1234 \\pmod{5000}",
        "1234 (mod 5000)",
        "١٢٣٤",
        "１２３４",
        "12\u200b34",
        "The answer is 1234."
      ]
    ) assert.strictEqual(integerAnswer(text, aimo), 1234, text)
  })

  it("evaluates exactly", () => {
    const cases: ReadonlyArray<readonly [string, number]> = [
      ["2^{10}", 1024],
      ["2^10", 1024],
      ["\\binom{5}{2}", 10],
      ["7!", 5040],
      ["\\frac{84}{2}", 42],
      ["\\dfrac{1}{2} \\cdot 84", 42],
      ["2+3*4", 14],
      ["2(3+4)", 14],
      ["-2^2 + 46", 42],
      ["2^{3^2}", 512],
      ["\\sqrt{1764}", 42],
      ["\\sqrt{16} + 1", 5],
      ["\\lfloor 7.5 \\rfloor", 7],
      ["\\lceil -7.5 \\rceil + 9", 2],
      ["|{-42}|", 42],
      ["17 \\bmod 5", 2],
      ["4.2e1", 42],
      ["1e3", 1000],
      ["0.1 + 0.2 + 0.7", 1]
    ]
    for (const [text, value] of cases) assert.strictEqual(integerAnswer(text, aimo), value, text)
  })

  it("is null for what is no whole number, several of them or out of range", () => {
    for (
      const text of [
        "",
        "-1",
        "7.5",
        "100000",
        "1/2",
        "see above",
        "about 42",
        "3, 4",
        "3 or 4",
        "x=1 or x=2",
        "42x",
        "4 2",
        "3 1/2",
        "12,34",
        "1/0",
        "5!!",
        "NaN",
        "Infinity",
        "\\infty",
        "((((",
        "5 +",
        "9^9^9^9",
        "(10^9)!",
        "\\binom{1000000000}{500000000}",
        "0x2A",
        "\\text{forty}",
        "\\write18{ls}",
        "(".repeat(1500),
        "2^".repeat(900),
        "1".repeat(3000)
      ]
    ) assert.isNull(integerAnswer(text, aimo), text.slice(0, 40))
  })

  it("reduces by a modulus, but no negative number", () => {
    assert.strictEqual(integerAnswer("42", thousand), 42)
    assert.strictEqual(integerAnswer("100000", thousand), 0)
    assert.strictEqual(integerAnswer("7^{2025}", thousand), 807)
    assert.isNull(integerAnswer("-7", thousand))
  })

  it.prop("is the number itself, plain or dressed", [
    Schema.Int.check(Schema.isBetween({ minimum: -9, maximum: 200_000 }))
  ], ([number]) => {
    const expected = number >= 0 && number <= 99_999 ? number : null
    const grouped = number.toLocaleString("en-US")
    for (
      const text of [
        `${number}`,
        `$${number}$`,
        `\\boxed{${number}}`,
        `n = ${number}`,
        `${number}.00`,
        grouped,
        `${number} + 1 - 1`
      ]
    ) {
      assert.strictEqual(integerAnswer(text, aimo), expected, text)
    }
  }, { arbitrary: { runs: 500, seed: 5 } })
})
