import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { maxDepth, type Node, parseBbCode } from "../../../src/domain/forum/BbCode.ts"
import { postText } from "../../../src/domain/forum/PostText.ts"

const plain = (post: string) => postText(post, { quotes: false, hidden: false }).text
const depthOf = (nodes: ReadonlyArray<Node>): number =>
  nodes.reduce((depth, node) => Math.max(depth, node._tag === "Element" ? 1 + depthOf(node.children) : 0), 0)

describe("mathematics that looks like markup survives untouched", () => {
  it.each([
    "$x \\in [0,1]$ and [0,1]",
    "[b, c] and (a, [b])",
    "\\left[i\\right] and $\\left[ b \\right]$",
    "\\[ x^2 + [u] = 1 \\]",
    "a \\\\[2pt] b \\\\[u] c \\[s] d",
    "$a[i]$, then a[i] + b[i]",
    "let S[u] = 5",
    "[i] = 4",
    "[ABC] is the area",
    "$[b]$ and $[quote]$ and $5$",
    "$\\begin{array}[b]{c}x\\\\[b]y\\end{array}$",
    "\\sqrt[s]{x}",
    "a<b and c>d",
    "a<b>c",
    "if 1<i<n",
    "2<p>1",
    "x[1], y[2], x[*]y",
    "[asy]draw((0,0)--(1,1)); label(\"[b]\"); // :) [/asy]",
    "$f:D \\to R$, f : D -> R, f :D -> R",
    "ratio 3:2 or (1:D)",
    "It costs $5 and I have $10 today."
  ])("%s", (text) => assert.strictEqual(plain(text), text))
})

describe("markup is rendered as plain text", () => {
  it.each([
    ["[b]bold[/b] [i]it[/i] [color=red]r[/color] [size=150]s[/size]", "bold it r s"],
    ["[B]x[/b] [url=http://a.b/c]text[/url] [url]http://x.y[/url]", "x text"],
    ["a<sub>1</sub>x<sup>2</sup><br>y", "a_{1}x^{2}\ny"],
    ["$a<sub>12</sub>$", "$a_{12}$"],
    ["a &lt; b &amp; c &#8804; d &unknown; &#55296;", "a < b & c \u2264 d &unknown; &#55296;"],
    ["&lt;b&gt;x&lt;/b&gt;", "<b>x</b>"],
    ["$a\\plus{}b \\equal{} c \\minus{} d$", "$a+b = c - d$"],
    ["[latex]x^2[/latex]", "$x^2$"],
    ["[code]\nfor [b]\n[/code]", "```\nfor [b]\n```"],
    ["[list=1][*]a[*]b[/list]c", "1. a\n2. b\nc"],
    ["[list][*]a[*]b[/list]", "- a\n- b"],
    ["a[hr]b", "a\n\nb"],
    ["[img]http://a/b.png[/img]", "[image]"],
    ["Nice! :lol: :D ;) ok", "Nice! ok"],
    ["pay $5 [b]now[/b] and $6", "pay $5 now and $6"],
    ["[[b]Note[/b] x]", "[Note x]"],
    ["stray[/b] [/quote]x", "stray x"],
    ["[b]x[/i]y[/b]", "xy"],
    ["[code]never closed [b]x[/b]", "never closed x"],
    ["[b]Problem[/color] open", "Problem open"]
  ])("%s", (post, text) => assert.strictEqual(plain(post), text))
})

describe("quotes and hidden parts", () => {
  it("leaves out quotes as a whole, nested ones too", () => {
    assert.strictEqual(plain("[quote=\"ann\"]a[quote]b[/quote]c[/quote]d"), "d")
    assert.strictEqual(postText("[quote]a[/quote]d", { quotes: true, hidden: false }).text, "a\nd")
  })
  it("keeps the rest of a post whose quote is never closed", () =>
    assert.strictEqual(plain("[quote]statement\nand more"), "statement\nand more"))
  it("reads a second opening tag as the mistyped closing tag", () =>
    assert.strictEqual(plain("[quote=A]statement [quote]\nreply"), "reply"))
  it("does not let the end of a bold text close the quote around it", () =>
    assert.strictEqual(plain("[b]x[quote]y[/b]z[/quote]w"), "x\nw"))
  it("hands hidden parts over apart, and keeps those that are the problem", () => {
    const post = postText("a[hide=Solution]b [b]c[/b][/hide][spoiler]d[/spoiler][hide=Problem 2]e[/hide]", {
      quotes: false,
      hidden: false
    })
    assert.deepStrictEqual(post, { text: "a\n\ne", hidden: ["b c", "d"], images: 0 })
    assert.strictEqual(postText("[hide]b[/hide]", { quotes: false, hidden: true }).text, "b")
  })
})

describe("any string can be read", () => {
  const pieces = [
    "[quote]",
    "[/quote]",
    "[quote=\"a\"]",
    "[b]",
    "[/b]",
    "[i]",
    "[code]",
    "[/code]",
    "[asy]",
    "[list][*]",
    "[/list]",
    "<sub>",
    "</sub>",
    "<b>",
    "$",
    "$$",
    "\\[",
    "\\]",
    "\\begin{align}",
    "\\end{align}",
    "[",
    "]",
    "\\",
    "&lt;",
    "\ud800",
    "\u0000",
    "\n\n",
    " :D ",
    "x"
  ] as const
  const markup = Schema.Array(Schema.Union([Schema.Literals(pieces), Schema.String]))
  it.prop("gives well-formed text without control characters, at a bounded depth", [markup], ([parts]) => {
    const post = parts.join("")
    const text = plain(post)
    assert.isTrue(text.isWellFormed())
    assert.notMatch(text, /[\u0000-\u0008\u000b-\u001f]/)
    assert.isAtMost(depthOf(parseBbCode(post)), maxDepth)
  }, { arbitrary: { seed: 2026, runs: 400 } })

  const words = Schema.Array(
    Schema.Literals(["[b]", "[/b]", "[i]", "[/color]", "[size=3]", "alpha", "beta", "[0,1]", "$x$"])
  )
  it.prop("loses no word that stands outside of tags and quotes", [words], ([parts]) => {
    const kept = parts.filter((part) => !/^\[\/?[a-z]/.test(part))
    assert.deepStrictEqual([...(plain(parts.join(" ")).match(/alpha|beta|\[0,1\]|\$x\$/g) ?? [])], [...kept])
  }, { arbitrary: { seed: 7, runs: 300 } })

  it("survives 100 kB of opening quotes", () => {
    const nest = "[quote]".repeat(15_000)
    assert.strictEqual(plain(`${nest}end`), "end")
    assert.strictEqual(plain(`${nest}in${"[/quote]".repeat(15_000)}out`), "out")
  })
})
