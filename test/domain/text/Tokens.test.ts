// What the tokeniser takes for the same, and what it must keep apart.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { tokenise } from "../../../src/domain/text/Tokens.ts"

const words = (text: string): string => tokenise(text).words.join(" ")
const same = (a: string, b: string) => assert.strictEqual(words(a), words(b))
const differ = (a: string, b: string) => assert.notStrictEqual(words(a), words(b))

/** Signs that mean something to the tokeniser, close together. */
const nasty = Schema.Array(Schema.Literals([
  "{",
  "}",
  "\\",
  "$",
  "frac",
  "\\frac",
  "\\text",
  "\\hspace",
  "\\left",
  ".",
  "...",
  " ",
  "\n",
  "1",
  "000",
  ",",
  "{,}",
  "x",
  "word",
  "'",
  "-",
  "--",
  "!",
  "?",
  "\\begin{a}",
  "é",
  "²",
  "₁",
  "π",
  "漢",
  "字",
  "😀",
  "\ud800",
  "*",
  "\\,"
])).check(Schema.isMaxLength(40))

const plain = Schema.Array(Schema.Literals(["x", "find", "12", "+", "\\pi", "(", ")"])).check(Schema.isMaxLength(30))

describe("tokenise", () => {
  it("takes the spellings of one thing for the same", () => {
    same("\\dfrac{1}{2} and \\tfrac12", "\\frac{1}{2} and \\frac 1 2")
    same("\\left( x \\right)", "(x)")
    same("Let $x=2$.", "let \\( x \\, = \\; 2 \\)")
    same("\\text{if } x \\le 3", "if x \\leq 3")
    same("1,000 and 1{,}000 and 1,\\!000", "1000 and 1000 and 1000")
    same("x^{2}", "x²")
    same("2πr", "2 \\pi r")
    same("a × b ≤ 60°", "a \\times b \\leq 60^\\circ")
    same("two-digit café", "two digit cafe")
    same("Janet’s “eggs”", "Janet's eggs")
    same("\\begin{align*} x \\end{align*}", "\\[ x \\]")
    same("\\hspace{2cm} x \\quad y", "x y")
    same(".5", "0.5")
    same("f'(x)", "f^{\\prime}(x)")
  })

  it("keeps apart what differs in number, operator or grouping", () => {
    differ("2^{x+1}", "2^x+1")
    differ("\\frac{a}{bc}", "\\frac{ab}{c}")
    differ("1.5", "15")
    differ("(1,23)", "(123)")
    differ("x-y", "x y")
    differ("5!", "5")
    differ("x<y", "x>y")
    differ("\\begin{pmatrix} 1 & 2 \\end{pmatrix}", "\\begin{bmatrix} 1 & 2 \\end{bmatrix}")
    differ("1 \\\\ 2", "1 2")
  })

  it("keeps numbers whole and lists apart", () => {
    assert.deepStrictEqual(tokenise("12,345,678.25 or 1,2,3").words, ["12345678.25", "or", "1", "2", "3"])
  })

  it("takes ideographs one by one", () => {
    assert.deepStrictEqual(tokenise("求和3").words, ["求", "和", "3"])
  })

  it("marks where sentences begin", () => {
    const { starts, words } = tokenise("Let $x = 3.$ What is x? It is e.g. 3.5\nwrapped.\n\nFind y.")
    assert.deepStrictEqual(words.filter((_, i) => starts[i]), ["let", "what", "it", "3.5", "find"])
  })

  it.prop("holds for any text: flags match words, and no token has white space", [nasty], ([parts]) => {
    const { starts, words } = tokenise(parts.join(""))
    assert.strictEqual(starts.length, words.length)
    if (starts.length > 0) assert.isTrue(starts[0])
    for (const word of words) assert.match(word, /^\S+$/u)
  }, { arbitrary: { seed: 2026, runs: 1_000 } })

  it.prop("does not depend on spaces around words", [plain], ([parts]) => {
    assert.deepStrictEqual(tokenise(parts.join(" ")).words, tokenise(`  ${parts.join(" \t\n ")} `).words)
  }, { arbitrary: { seed: 7 } })

  it("reads hostile nesting in one pass", () => {
    const deep = "{".repeat(100_000) + "x" + "}".repeat(100_000)
    assert.deepStrictEqual(tokenise(deep).words, ["x"])
    assert.isAbove(tokenise("\\frac{".repeat(50_000)).words.length, 50_000)
    assert.strictEqual(tokenise("\\hspace{a ".repeat(50_000) + "}".repeat(50_000)).words.length, 0)
  })
})
