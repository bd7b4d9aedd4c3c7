// Cleaning changes how a text is written and never what it says; doing it twice changes nothing.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { cleanText } from "../../../src/domain/text/Clean.ts"

const clean = (text: string) => cleanText(text, { quotes: true, latexSpacing: true })

const nasty = Schema.Array(Schema.Literals([
  "\\",
  "\\,",
  "\\!",
  "\\;",
  "\\ ",
  "~",
  " ",
  "\n",
  "\r",
  "\r\n",
  "\t",
  "\f",
  "rac",
  "\b",
  "egin{",
  "```",
  "[asy]",
  "[/asy]",
  "[code]",
  "`",
  "1",
  "000",
  "x",
  "a",
  "ﬁ",
  "\u200b",
  "\u200c",
  "\u200d",
  "\u2028",
  "\u00a0",
  "\ufeff",
  "\u202e",
  "e",
  "\u0301",
  "Å",
  "\u212a",
  "ｘ",
  "𝑥",
  "ب",
  "م",
  "“",
  "’",
  "—",
  "…",
  "²",
  "ℝ",
  "\\\\",
  "$",
  "{",
  "}",
  ",",
  "\ud835"
])).check(Schema.isMaxLength(30))

describe("cleanText", () => {
  it.prop(
    "changes nothing the second time",
    [nasty, Schema.Boolean, Schema.Boolean],
    ([parts, quotes, latexSpacing]) => {
      const once = cleanText(parts.join(""), { quotes, latexSpacing })
      assert.strictEqual(cleanText(once, { quotes, latexSpacing }), once)
    },
    { arbitrary: { seed: 2026, runs: 3_000 } }
  )

  it.prop("changes nothing the second time, whatever the characters", [Schema.String], ([text]) => {
    assert.strictEqual(clean(clean(text)), clean(text))
  }, { arbitrary: { seed: 7, runs: 300 } })

  it("leaves mathematical characters alone", () => {
    for (
      const text of ["x² + y³ = ½", "ℝ ⊂ ℂ", "𝔸 and 𝐯", "a ~ b", "\\alpha \\\\ \\beta", "$12 an hour", "x_{1} \\quad y"]
    ) {
      assert.strictEqual(clean(text), text)
    }
  })

  it("removes what cannot be seen and keeps joiners inside words", () => {
    assert.strictEqual(clean("a\u200bb\u202ec\u00add\ufeff"), "abcd")
    assert.strictEqual(clean("می\u200cخواهم"), "می\u200cخواهم")
    assert.strictEqual(clean("x\u200cy"), "xy")
  })

  it("gives LaTeX commands back what a string escape ate", () => {
    assert.strictEqual(
      clean("\frac{1}{2} \times 3 \begin{x} \boxed{1} \right)"),
      "\\frac{1}{2} \\times 3 \\begin{x} \\boxed{1} \\right)"
    )
  })

  it("makes runs of LaTeX spacing one space, and none inside numbers", () => {
    assert.strictEqual(clean("x\\,\\; ~y"), "x y")
    assert.strictEqual(clean("10,\\!080 and 11,\\! 111 and 10\\,000"), "10,080 and 11,111 and 10000")
    assert.strictEqual(clean("\\alpha\\!x and 3 \\! 5"), "\\alpha x and 3 5")
    assert.strictEqual(clean("5~cm but a~b"), "5 cm but a~b")
    assert.strictEqual(clean("a \\\\, b"), "a \\\\, b")
  })

  it("does not touch code", () => {
    const figure = "[asy]\nlabel(\"$a\\,b$\",  (0,0));\n[/asy]"
    assert.strictEqual(clean(figure), figure)
  })

  it("writes quotation marks, dashes and line ends plainly", () => {
    assert.strictEqual(clean("“It’s” 1–2 — x − y…\r\nend  \r\n\r\n\r\n\r\nz"), "\"It's\" 1-2 -- x - y...\nend\n\nz")
  })

  it("is linear on long runs", () => {
    for (const part of [" ", "~", "\\,", "\n", "\\", "\u200c", "`", " ~"]) {
      assert.isString(clean(`x${part.repeat(200_000)}x`))
    }
  })
})
