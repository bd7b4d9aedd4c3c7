import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { compareText, escapeText, unescapeText } from "../../src/domain/StoredText.ts"

/** Code units that matter here, in any order, so that halves of pairs stand alone and in the wrong order. */
const Units = Schema.Array(Schema.Literals([0, 1, 2, 0x30, 0x64, 0x61, 0xe9, 0xd83d, 0xde00, 0xd7ff, 0xe000, 0xfffd]))
const textOf = (units: ReadonlyArray<number>) => String.fromCharCode(...units)
const utf8Order = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe("text for a database", () => {
  it.prop("comes back as it was", [Units], ([units]) => {
    const text = textOf(units)
    assert.strictEqual(unescapeText(escapeText(text)), text)
  }, { arbitrary: { runs: 500 } })

  it.prop("survives UTF-8 and holds no U+0000", [Units], ([units]) => {
    const stored = escapeText(textOf(units))
    assert.strictEqual(Buffer.from(stored).toString(), stored)
    assert.notInclude(stored, "\u0000")
  }, { arbitrary: { runs: 500 } })

  it.prop("is compared as its UTF-8 bytes are", [Units, Units], ([a, b]) => {
    const [left, right] = [escapeText(textOf(a)), escapeText(textOf(b))]
    assert.strictEqual(Math.sign(compareText(left, right)), utf8Order(left, right))
  }, { arbitrary: { runs: 500 } })

  it("is left alone when it is ordinary, and gives different texts different forms", () => {
    assert.strictEqual(escapeText("x² ≤ \u{1F600}\n"), "x² ≤ \u{1F600}\n")
    assert.strictEqual(escapeText("a\u0000"), "a\u00010000")
    assert.notStrictEqual(escapeText("\u0000"), escapeText("\u00010000"))
  })
})
