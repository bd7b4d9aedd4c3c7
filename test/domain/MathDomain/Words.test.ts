// Words of a problem: what counts as one, and the fast search for known ones against the plain list of all.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { wordsOf, WordTable } from "../../../src/domain/MathDomain/Words.ts"

describe("wordsOf", () => {
  it("takes plurals, pairs, commands, signs, points and drawings as it says", () => {
    assert.deepStrictEqual(wordsOf("Two circles"), ["two", "circle", "two_circle"])
    assert.strictEqual(wordsOf("axis radius less is").join(" "), "axis radius axis_radius less radius_less is less_is")
    assert.deepStrictEqual(wordsOf("ABC, GCD. a\\frac12"), [":points", "gcd", "a", "\\frac"])
    assert.deepStrictEqual(wordsOf("$x$-axis; 40°"), ["x", "axis", "x_axis", "\\circ"])
    assert.deepStrictEqual(wordsOf("n! = 5%"), ["n", "!", "=", "%"])
    assert.deepStrictEqual(wordsOf("is_prime(n)"), ["is", "prime", "is_prime", "n"])
    assert.deepStrictEqual(wordsOf("a [asy] b c"), ["a", ":figure"])
    assert.deepStrictEqual(wordsOf("\\"), [])
  })
})

describe("WordTable", () => {
  const words = [
    "circle",
    "two_circle",
    "\\frac",
    ":points",
    ":figure",
    "=",
    "gcd",
    "how_many",
    "s",
    "x_axis",
    "\\circ"
  ]
  const table = new WordTable(words)
  const pieces = Schema.Array(Schema.Literals([
    "two",
    "circles",
    "Circle",
    " ",
    " ",
    "-",
    "$",
    "ABC",
    "GCD",
    "how",
    "many",
    "x",
    "axis",
    "s",
    "ss",
    "=",
    "\\frac",
    "\\FRAC",
    "\\",
    "[asy]",
    "[/asy]",
    "°",
    "1",
    ".",
    "_",
    "é"
  ])).check(Schema.isMaxLength(30))

  it.prop("finds what the plain list has, each once and in order", [pieces], ([parts]) => {
    const text = parts.join("")
    const slow = [...new Set(wordsOf(text).filter((word) => words.includes(word)))]
    assert.deepStrictEqual(table.find(text).map((index) => words[index]), slow)
  }, { arbitrary: { seed: 2026, runs: 2_000 } })

  it("without words finds nothing", () => assert.deepStrictEqual(new WordTable([]).find("two circles"), []))
})
