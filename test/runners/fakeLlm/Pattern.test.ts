// Patterns of scripts agree with regular expressions where both know a form, and no text makes them slow.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { patternOf } from "../../../src/runners/fakeLlm/Pattern.ts"

const matches = (pattern: string, text: string): boolean => Result.getOrThrow(patternOf(pattern))(text)

describe("patterns", () => {
  it("match where a regular expression does", () => {
    const patterns = [
      "abc",
      "^abc$",
      "a.c",
      "a*b",
      "(ab|cd)+e?",
      "[a-c]{2,3}x",
      "[^a-c]+",
      "\\d{3}",
      "\\bcat\\b",
      "x|y|",
      "(?:a|b){2}c",
      "(a*)*b",
      "a{2,}",
      "[\\d-]+z",
      "\\$\\d+\\.\\d\\d",
      "^$",
      "()",
      "[]a]x"
    ]
    const texts = [
      "",
      "abc",
      "xabcx",
      "a\nc",
      "aaab",
      "ababe",
      "cde",
      "abx",
      "aabbx",
      "123",
      "a cat.",
      "concat",
      "y",
      "bac",
      "$3.50",
      "1-2z",
      "aaa",
      "ax"
    ]
    for (const pattern of patterns.filter((one) => one !== "[]a]x")) {
      for (const text of texts) {
        assert.strictEqual(
          matches(pattern, text),
          new RegExp(pattern).test(text),
          `${pattern} on ${JSON.stringify(text)}`
        )
      }
    }
    assert.isTrue(matches("[]a]x", "]x"))
  })

  const parts = Schema.Array(Schema.Tuple([
    Schema.Literals(["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "(?:a|)", "\\w", "\\S", "\\b", "^", "$"]),
    Schema.Literals(["", "*", "+", "?", "{2}", "{1,2}", "{0,}"])
  ])).check(Schema.isMaxLength(6))
  const letters = Schema.Array(Schema.Literals(["a", "b", " ", "c", "\n"])).check(Schema.isMaxLength(12))
  it.prop("agree with regular expressions on any small pattern and text", [parts, letters], ([parts, letters]) => {
    const pattern = parts.map(([part, sign]) => part + (/^(\\b|\^|\$)$/.test(part) ? "" : sign)).join("")
    const text = letters.join("")
    assert.strictEqual(matches(pattern, text), new RegExp(pattern).test(text), `${pattern} on ${JSON.stringify(text)}`)
  }, { arbitrary: { runs: 1_000 } })

  it("take the text's length in time, whatever they repeat", () => {
    const text = "a".repeat(5_000)
    for (const pattern of ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "a*a*a*a*a*b", "(a{1,30}){1,30}b"]) {
      assert.isFalse(matches(pattern, text), pattern)
    }
  })

  it("say what is wrong, and refuse to grow large", () => {
    const wrong = (pattern: string) => Result.getOrElse(Result.flip(patternOf(pattern)), () => "nothing")
    assert.match(wrong("(a"), /not closed/)
    assert.match(wrong("a)"), /closes nothing/)
    assert.match(wrong("[a"), /not closed/)
    assert.match(wrong("*a"), /nothing to repeat/)
    assert.match(wrong("a+?"), /nothing to repeat/)
    assert.match(wrong("(?=a)"), /\(\?: alone/)
    assert.match(wrong("\\1"), /not known/)
    assert.match(wrong("a\\"), /at the end/)
    assert.match(wrong("[z-a]"), /before it begins/)
    assert.match(wrong("a{101}"), /at most 100/)
    assert.match(wrong("((a{100}){100}){100}"), /too large/)
    assert.match(wrong("(".repeat(60)), /too deep/)
  })
})
