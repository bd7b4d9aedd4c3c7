// Blocks of code in what models write: which ones there are, when they are complete, and that it does not matter in what parts a text comes.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type CodeBlock, firstBlock, makeBlockScanner, stopTexts } from "../../src/domain/CodeBlocks.ts"
import { executionsNotice, harmless, outputBlock } from "../../src/domain/CodeBlocks/Output.ts"
import { openQuote } from "../../src/domain/CodeBlocks/PythonStrings.ts"
import type { ToolStyle } from "../../src/domain/ToolReasoning.ts"

const codeIn = (text: string, style: ToolStyle = "auto", stopped = true): string | null | undefined => {
  const block = firstBlock(text, style, stopped)
  return block === null ? undefined : block.code
}
const lines = (...all: ReadonlyArray<string>): string => all.join("\n")

describe("a block in a fence", () => {
  for (
    const [name, text, expected] of [
      ["is Python between its fences", "So\n```python\nprint(1)\n```\nmore", "print(1)"],
      ["may be called py", "```py\nx\n```", "x"],
      ["may be called Python3", "```Python3\nx\n```", "x"],
      ["may be called tool_code", "```tool_code\nx\n```", "x"],
      ["may be called {python}", "```{python}\nx\n```", "x"],
      ["may be called {.python .numberLines}", "``` {.python .numberLines}\nx\n```", "x"],
      ["may stand between tildes", "~~~python\nx = '```'\n```\n~~~", "x = '```'\n```"],
      ["may have longer fences", "````python\na\n```\nb\n````", "a\n```\nb"],
      ["ends at a longer fence as well", "```python\na\n`````", "a"],
      ["may be indented", "1. Try:\n   ```python\n   for x in y:\n       z\n\n   ```\n", "for x in y:\n    z\n"],
      ["may follow a list's mark", "- ```python\n  a\n    b\n  ```", "a\n  b"],
      ["may have lines that end in CR LF", "```python\r\na\r\nb\r\n```\r\n", "a\nb"],
      ["keeps blank lines", "```python\n\na\n\nb\n```", "\na\n\nb"],
      ["holds a fence in a sentence of a comment", "```python\n# ``` is no end\nx\n```", "# ``` is no end\nx"],
      [
        "holds fences in strings",
        lines("```python", "s = \"\"\"", "```", "inside", "```", "\"\"\"", "print(s)", "```", "after"),
        "s = \"\"\"\n```\ninside\n```\n\"\"\"\nprint(s)"
      ],
      [
        "ends at its first fence when a string never ends",
        lines("```python", "s = '''", "```", "Now words.", "And more."),
        "s = '''"
      ],
      [
        "ends at its first fence when another block comes while a string seems open",
        lines("```python", "s = '''", "```", "Now words.", "```python", "print(2)", "```"),
        "s = '''"
      ],
      ["begins again when the model begins again", "```python\nold\n```python\nnew\n```", "new"],
      ["comes after a block of something else", "```text\nx\n```\n```python\ny\n```", "y"],
      ["comes after a fence that nobody closed", "```\nx\n```python\ny\n```", "y"],
      ["comes after an empty one", "```python\n\n```\n```python\ny\n```", "y"],
      ["is not what a longer fence holds", "````markdown\n```python\nx\n```\n````\n", undefined],
      ["is not of another language", "```javascript\nx\n```", undefined],
      ["is not a console", "```pycon\n>>> x\n```\n```python-repl\nx\n```", undefined],
      ["is not without a language", "```\nprint(1)\n```", undefined],
      ["is not code within a sentence", "Write ```python and ``` around it: ```print(1)``` so", undefined],
      ["is not code on one line", "```python print(1) ```\nafter", undefined],
      ["is not an output", "```output\n5\n```", undefined]
    ] as const
  ) it(name, () => assert.strictEqual(codeIn(text), expected))

  it("that a limit cut off does not run", () => {
    assert.isUndefined(codeIn("```python\nprint(1)\n", "fenced", false))
    assert.isUndefined(codeIn("```python\nprint(1)\n``", "fenced", false))
    assert.isUndefined(codeIn("```python\nprint(1", "fenced", true))
    assert.strictEqual(codeIn("```python\nprint(1)\n```", "fenced", false), "print(1)")
  })

  it("is closed where the model went on with an output, whether the server keeps the stop text or not", () => {
    for (const text of ["```python\nx\n```output", "```python\nx\n", "```python\nx\n```output\n5\n```"]) {
      const block = firstBlock(text, "fenced", true)
      assert.strictEqual(block?.code, "x")
      assert.strictEqual(`${text.slice(0, block?.end)}${block?.close}`, "```python\nx\n```\n")
    }
    const block = firstBlock("```python\nx\n```\n```output", "fenced", true)
    assert.deepInclude(block, { code: "x", end: 16, close: "" })
  })

  it("tells where it stands", () => {
    const text = "Words.\n```python\nx\n```\nmore"
    const block = firstBlock(text, "auto", true)
    assert.strictEqual(text.slice(block?.start, block?.end), "```python\nx\n```\n")
  })
})

describe("a block between tags", () => {
  for (
    const [name, text, expected] of [
      ["is Python", "So <tool_call>\nprint(1)\n</tool_call> more", "print(1)"],
      ["may be on one line", "<tool_call> print(1) </tool_call>", "print(1)"],
      ["keeps its indentation", "<tool_call>\n\nfor x in y:\n  z\n</tool_call>", "for x in y:\n  z"],
      ["may hold a fence", "<tool_call>\n```python\nx\n```\n</tool_call>", "x\n"],
      [
        "may be a call in JSON",
        "<tool_call>\n{\"name\": \"python\", \"arguments\": {\"code\": \"a = 1\\nprint(a)\"}}\n</tool_call>",
        "a = 1\nprint(a)"
      ],
      [
        "may be JSON whose arguments are a string of JSON",
        "<tool_call>{\"name\": \"run\", \"arguments\": \"{\\\"source\\\": \\\"x\\\"}\"}</tool_call>",
        "x"
      ],
      [
        "may be JSON with line ends in its strings and a brace missing",
        "<tool_call>{\"name\": \"python\", \"arguments\": {\"code\": \"a = '{'\n\tb\"}</tool_call>",
        "a = '{'\n\tb"
      ],
      [
        "may have parameters in place of arguments",
        "<|python_tag|>{\"type\": \"function\", \"name\": \"py\", \"parameters\": {\"query\": \"x\"}}<|eom_id|>",
        "x"
      ],
      [
        "may be a function in JSON",
        "<tool_call>{\"type\":\"function\",\"function\":{\"name\":\"py\",\"arguments\":{\"x\":\"y\"}}}</tool_call>",
        "y"
      ],
      [
        "may have parameters in tags",
        "<tool_call>\n<function=python>\n<parameter=code>\na\n b\n</parameter>\n</function>\n</tool_call>",
        "a\n b\n"
      ],
      ["may be a set or a dict", "<tool_call>{1, 2}</tool_call>", "{1, 2}"],
      ["may be a dict that reads as JSON", "<tool_call>{\"a\": 1}</tool_call>", "{\"a\": 1}"],
      ["may stand behind the tag of Llama", "<|python_tag|>print(1)", "print(1)"],
      ["may stand in code tags", "<code>\nx = 1\n</code>", "x = 1"],
      ["may follow an empty one", "<tool_call></tool_call><tool_call>x</tool_call>", "x"],
      ["is not HTML in a sentence", "where <code>n</code> is a number", undefined],
      ["is not a tag in a sentence about tags", "I use `<tool_call>` and `</tool_call>`", undefined],
      ["has no code where a call has none", "<tool_call>{\"name\": \"search\", \"arguments\": {}}</tool_call>", null],
      [
        "has no code where a call cannot be read",
        "<tool_call>{\"name\": \"py\", \"arguments\": {\"code</tool_call>",
        null
      ]
    ] as const
  ) it(name, () => assert.strictEqual(codeIn(text), expected))

  it("that a limit cut off does not run", () => {
    assert.isUndefined(codeIn("<tool_call>\nprint(1)\n", "tags", false))
    assert.isUndefined(codeIn("<|python_tag|>print(1)", "tags", false))
    assert.strictEqual(codeIn("<tool_call>x</tool_call>", "tags", false), "x")
  })

  it("is closed where the server has cut the stop text off", () => {
    const text = "<tool_call>\nx\n"
    const block = firstBlock(text, "tags", true)
    assert.deepStrictEqual(block, { style: "tags", code: "x", start: 0, end: text.length, close: "</tool_call>" })
  })
})

describe("a style", () => {
  const fenced = "```python\na\n```\n"
  const tags = "<tool_call>\nb\n</tool_call>\n"
  it("of fences knows no tags, that of tags no fences, and auto takes what comes first", () => {
    assert.strictEqual(codeIn(tags + fenced, "fenced"), "a")
    assert.strictEqual(codeIn(fenced + tags, "tags"), "b")
    assert.strictEqual(codeIn(fenced + tags), "a")
    assert.strictEqual(codeIn(tags + fenced), "b")
    assert.strictEqual(codeIn("```python\ns = '<tool_call>b</tool_call>'\n```"), "s = '<tool_call>b</tool_call>'")
  })
  it("has few enough stop texts for every server", () => {
    for (const style of ["auto", "fenced", "tags"] as const) {
      assert.isAtLeast(stopTexts(style).length, 1)
      assert.isAtMost(stopTexts(style).length, 2)
    }
  })
})

const piece = Schema.Literals([
  "```",
  "````",
  "~~~",
  "```python",
  "```output",
  "python",
  "\n",
  "\r\n",
  " ",
  "    ",
  "x = 1",
  "'",
  "\"\"\"",
  "'''",
  "# ",
  "\\",
  "`",
  "<tool_call>",
  "</tool_call>",
  "<code>",
  "</code>",
  "<|python_tag|>",
  "<|eom_id|>",
  "{\"name\": \"p\", \"arguments\": {\"code\": \"",
  "\"}}",
  "- "
])
const text = Schema.Array(piece).check(Schema.isMaxLength(24))
const glue = Schema.Literals(["", "\n"])
const style = Schema.Literals(["auto", "fenced", "tags"])
const runs = { arbitrary: { seed: 6, runs: 2_000 } }

describe("a text", () => {
  it.prop(
    "has the same block in whatever parts it comes",
    [text, glue, style, Schema.Boolean, Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })))],
    ([pieces, glue, style, stopped, cuts]) => {
      const whole = pieces.join(glue)
      const scanner = makeBlockScanner(style)
      let found: CodeBlock | null = null
      let at = 0
      for (let part = 0; at < whole.length && found === null; part++) {
        const to = at + (cuts[part % Math.max(1, cuts.length)] ?? 1)
        found = scanner.push(whole.slice(at, to))
        at = to
      }
      assert.deepStrictEqual(found ?? scanner.end(stopped), firstBlock(whole, style, stopped))
    },
    runs
  )

  it.prop("has a block inside of itself, with code in it, and none more when it is cut off", [
    text,
    glue,
    style
  ], ([pieces, glue, style]) => {
    const whole = pieces.join(glue)
    const block = firstBlock(whole, style, true)
    if (block === null) {
      assert.isNull(firstBlock(whole, style, false))
      return
    }
    assert.isAtLeast(block.start, 0)
    assert.isBelow(block.start, block.end)
    assert.isAtMost(block.end, whole.length)
    if (block.code !== null) assert.notStrictEqual(block.code.trim(), "")
    // What is kept of the text has the same block, closed.
    const kept = `${whole.slice(0, block.end)}${block.close}`
    assert.strictEqual(firstBlock(kept, style, true)?.code, block.code)
  }, runs)

  it.prop("of a program can neither open nor close a block, whatever it prints", [
    text,
    Schema.String,
    Schema.Literals(["fenced", "tags"]),
    style
  ], ([pieces, other, own, style]) => {
    const printed = `${pieces.join("")}${other}${pieces.join("\n")}`
    const shown = outputBlock(harmless(printed), own, executionsNotice(3))
    assert.isNull(firstBlock(shown, style, true))
    const after = own === "fenced" ? "```python\nafter\n```\n" : "<tool_call>after</tool_call>"
    const block = firstBlock(shown + after, own, true)
    assert.strictEqual(block?.code, "after")
    assert.strictEqual(block?.start, shown.length)
  }, runs)

  it("of any length is read in time that grows with its length", () => {
    for (
      const part of [
        "`",
        "```\n",
        "```python\n",
        "<tool_call>",
        "<tool_call></tool_call>",
        "<|python_tag|>",
        "<code>\n",
        "'''\n",
        "\n",
        " ",
        "{\"name\":",
        "~~~\n'''"
      ]
    ) {
      const scanner = makeBlockScanner("auto")
      for (let count = 0; count < 200_000; count++) if (scanner.push(part) !== null) break
      scanner.end(true)
    }
  }, 300_000)
})

describe("a string of Python", () => {
  for (
    const [line, before, after] of [
      ["x = 'a'", null, null],
      ["x = '''a", null, "'''"],
      ["a'''", "'''", null],
      ["\"\"\" '''", "'''", null],
      ["\\\"\"\" ", "\"\"\"", "\"\"\""],
      ["x = 'a", null, null],
      ["x = 'a\\", null, "'"],
      ["# '''", null, null],
      ["'#' '''", null, "'''"],
      ["", "'''", "'''"]
    ] as const
  ) {
    it(`is ${after ?? "closed"} after ${JSON.stringify(line)} in ${before ?? "code"}`, () =>
      assert.strictEqual(openQuote(line, before), after))
  }
})
