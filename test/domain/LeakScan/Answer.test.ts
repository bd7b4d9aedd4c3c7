// Which answers are understood, in which spellings they are found in text, and what counts as saying so.
import { assert, describe, it } from "@effect/vitest"
import { numbersOf, placesIn, readAnswer, readNumber, speaksOf } from "../../../src/domain/LeakScan/Answer.ts"

const answerOf = (answer: string, problem = "") => {
  const made = readAnswer(answer, problem, undefined)
  if (made === null) throw new Error(`no answer: ${answer}`)
  return made
}

describe("an answer", () => {
  it("is a number in all of its usual spellings", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["42", "42/1"],
      ["-17", "-17/1"],
      ["1,234,567", "1234567/1"],
      ["$50", "50/1"],
      ["\\$50", "50/1"],
      ["90^\\circ", "90/1"],
      ["25\\%", "25/1"],
      ["3.50", "7/2"],
      ["\\frac{6}{8}", "3/4"],
      ["-\\dfrac{1}{2}", "-1/2"],
      ["\\frac12", "1/2"],
      ["12/18", "2/3"],
      ["2\\frac{1}{2}", "5/2"],
      ["$\\boxed{\\dfrac{73}{99}}$", "73/99"],
      ["\\left(\\tfrac{-3}{4}\\right)", "-3/4"]
    ]
    for (const [raw, wanted] of cases) {
      const { number } = answerOf(raw)
      assert.strictEqual(number === null ? null : `${number.numerator}/${number.denominator}`, wanted, raw)
    }
  })

  it("is text otherwise, and nothing when it is empty or very long", () => {
    assert.isNull(answerOf("x^2+1").number)
    assert.isNull(answerOf("1/0").number)
    assert.isNull(readAnswer("  ", "", undefined))
    assert.isNull(readAnswer("7".repeat(401), "", undefined))
  })

  it("is common when it is small, a power of ten, a letter, or in the problem", () => {
    for (const raw of ["0", "10", "-3", "1000", "B", "yes"]) assert.isTrue(answerOf(raw).common, raw)
    for (const raw of ["11", "42", "3/4", "0.5", "Paris"]) assert.isFalse(answerOf(raw).common, raw)
    assert.isTrue(answerOf("42", "There are 42 boxes.").common)
    assert.isTrue(answerOf("42", "There are forty-two boxes.").common)
    assert.isFalse(answerOf("42", "There are 420 boxes, 4 and 2.").common)
  })
})

describe("a number", () => {
  it("is read as Python reads it, or not at all", () => {
    assert.deepStrictEqual(readNumber("0x_2A".replace("_", "")), { numerator: 42n, denominator: 1n })
    assert.deepStrictEqual(readNumber("4.2e1"), { numerator: 42n, denominator: 1n })
    assert.deepStrictEqual(readNumber("1_000"), { numerator: 1000n, denominator: 1n })
    for (const bad of ["", ".", "1e999", "0b2", "1j", "1.2.3", "9".repeat(81), "NaN", "Infinity"]) {
      assert.isNull(readNumber(bad), bad)
    }
  })

  it("of a problem may be in digits, in words, or grouped", () => {
    const found = numbersOf("Of 1,200 eggs, twenty-five break; 3.5 dozen and 10{,}000 remain.")
    for (const key of ["1200", "25", "7/2", "12", "10000"]) assert.isTrue(found.has(key), key)
  })
})

describe("a text", () => {
  it("has the answer only where it stands alone", () => {
    const answer = answerOf("42")
    for (const text of ["42", "=42.", "(42)", "x is 42, y", "42.00", "a->42"]) {
      assert.isAbove(placesIn(text, answer).length, 0, text)
    }
    for (const text of ["142", "420", "4.42", "42.5", "x42", "42nd", "-42", "1,042", "42,000", "3/42", "_42"]) {
      assert.strictEqual(placesIn(text, answer).length, 0, text)
    }
  })

  it("states a common answer or says nothing of it", () => {
    const answer = answerOf("4")
    for (const text of ["4", "the answer is 4", "Answer: 4.", "result = 4", "-> 4", "\\boxed{4}"]) {
      assert.strictEqual(speaksOf(text, answer), "states", text)
    }
    for (const text of ["step 4", "the answer is 4 times as large", "4 boxes", "n = 4"]) {
      assert.isNull(speaksOf(text, answer), text)
    }
  })

  it("states an answer in LaTeX however it is set", () => {
    const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
      ["\\frac{73}{99}", ["73 / 99", "\\dfrac{146}{198}", "The answer is $\\frac{73}{99}$.", "\tfrac{73}{99}"]],
      ["\\sqrt{21}", ["$\\boxed{\\sqrt{21}}$", "\\sqrt{ 21 }", "answer: sqrt(21)"]],
      ["3\\sqrt{2}", ["3 \\sqrt2", "3*sqrt(2)", "final value: $3 \\sqrt{2}$"]],
      ["\\frac{\\pi}{4}", ["\\tfrac{\\pi}{4}", "pi / 4"]],
      ["(1,2)", ["\\left( 1, 2 \\right)", "The answer is (1, 2)."]],
      ["\\frac{x^2+1}{2y}", ["(x**2 + 1)/(2*y)", "\\dfrac{x^2+1}{2y}"]]
    ]
    for (const [raw, texts] of cases) {
      for (const text of texts) assert.strictEqual(speaksOf(text, answerOf(raw)), "states", `${raw}: ${text}`)
    }
    assert.isNull(speaksOf("-\\frac{73}{99}", answerOf("\\frac{73}{99}")))
    assert.isNull(speaksOf("21/2", answerOf("2\\frac{1}{2}")))
    assert.isNull(speaksOf("13\\sqrt{2}", answerOf("3\\sqrt{2}")))
    assert.isNull(speaksOf("23^5", answerOf("2\\cdot 3^5")))
  })

  it("is read in linear time", () => {
    for (const piece of ["\\frac{1}{", "\\frac{", "is = $\\sqrt{", "\\text{", "1 \\frac{1}{2}", "=", "\t"]) {
      assert.include([null, "mentions"], speaksOf(piece.repeat(100_000), answerOf("\\frac{73}{99}")))
      assert.isNull(speaksOf(piece.repeat(100_000), answerOf("x\\sqrt{21}")))
    }
    const text = "the answer is 4 ".repeat(60_000)
    assert.strictEqual(speaksOf(text, answerOf("17")), null)
    assert.strictEqual(placesIn("4".repeat(1_000_000), answerOf("4")).length, 0)
  })
})
