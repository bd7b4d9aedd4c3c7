// Which texts stand where an answer should be and are none.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isNoAnswer, isPlaceholder } from "../../src/domain/NoAnswer.ts"

const markers = [
  "",
  " \n",
  "null",
  "NULL",
  "N/A",
  "n / a",
  "?",
  "???",
  "unknown",
  "Unknown.",
  "nan",
  "NaN",
  "<NA>",
  "...",
  "\u2026"
]
const templates = ["\\text{answer}", "[answer]", "<your answer>", "Your_Final_Answer", "$ANSWER", "\\ldots", "__"]
const real = [
  "0",
  "-",
  "no solution",
  "No solutions",
  "undefined",
  "\\emptyset",
  "\\{\\}",
  "{}",
  "[]",
  "\\infty",
  "DNE",
  "yes"
]
const more = [
  "x",
  "n/b",
  "\\frac{n}{a}",
  "na",
  "N",
  "answers",
  "none of these",
  "a null matrix",
  "1/0",
  "i",
  "()",
  ".",
  "None, 5"
]

describe("no answer", () => {
  it("is a blank, a marker, or the blank of a template, however it is wrapped", () => {
    for (const text of [...markers, ...templates]) {
      for (const one of [text, `\\boxed{${text}}`, ` $\\boxed{${text}}$ `, `\\boxed{\\text{${text}}}`, `"${text}"`]) {
        // A box around a template's own braces, and dollars within dollars, are nothing that anybody writes.
        if (one !== text && /[$\\]/.test(text)) continue
        assert.isTrue(isPlaceholder(one), one)
        assert.isTrue(isNoAnswer(one), one)
      }
    }
    for (
      const text of ["\\boxed{\\text{answer}}", "\\boxed{}", "\\text{}", "(unknown)", "**N/A**", "`null`", "no_answer"]
    ) {
      assert.isTrue(isPlaceholder(text), text)
    }
  })

  it("is a bare None only in an answer field", () => {
    for (const text of ["None", "none", "NONE", " none. ", "\\boxed{None}", "\\text{none}", "'None'"]) {
      assert.isTrue(isNoAnswer(text), text)
      assert.isFalse(isPlaceholder(text), text)
    }
  })

  it("is none of the words and signs that are answers", () => {
    for (const text of [...real, ...more]) assert.isFalse(isNoAnswer(text), text)
  })

  it("is never a long text, and costs no more than reading one", () => {
    assert.isFalse(isNoAnswer("?".repeat(1_000_000)))
    assert.isFalse(isNoAnswer("{".repeat(1_000_000)))
    assert.isTrue(isNoAnswer(" ".repeat(1_000_000)))
    assert.isFalse(isNoAnswer("\\boxed{".repeat(28)))
    assert.isFalse(isNoAnswer(`${"(".repeat(20)}none${")".repeat(20)}`))
  })

  it.prop("is any number neither", [Schema.Finite], ([number]) => {
    assert.isFalse(isNoAnswer(String(number)))
  }, { arbitrary: { seed: 2026, runs: 200 } })
})
