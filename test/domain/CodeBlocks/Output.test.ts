// What a model is shown of a program: in a block that it cannot leave, short enough, and plain about how the program ended.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  executionsNotice,
  harmless,
  outputBlock,
  outputText,
  shortTraceback
} from "../../../src/domain/CodeBlocks/Output.ts"
import { cutMiddle, plainMarks } from "../../../src/domain/Prompts/Untrusted.ts"
import { cellResult } from "../../actors/ScriptedSandbox.ts"

const traceback = (frames: number): string =>
  [
    "Warning: old",
    "Traceback (most recent call last):",
    ...Array.from({ length: frames }, (_, at) => `  File "<cell 1>", line ${at + 1}, in f${at}\n    call(${at})`),
    "ValueError: no root",
    ""
  ].join("\n")

describe("an output", () => {
  for (
    const [name, result, expected] of [
      ["is what was printed", { stdout: "1\n2\n" }, "1\n2"],
      ["ends with the value of the last expression", { stdout: "a\n", value: "42" }, "a\n42"],
      ["says that nothing was printed", {}, "[The program printed nothing.]"],
      ["has the traceback", { status: "error", stderr: "NameError: x\n" }, "NameError: x"],
      [
        "says that time was up",
        { status: "timeout", stdout: "1\n", millis: 10_000 },
        "1\n[The program was stopped after 10 s. What it had defined until then is kept.]"
      ],
      [
        "says that the state is lost",
        { status: "killed", cause: "memory", stateLost: true },
        "[The program was ended: it used too much memory. Its variables are lost: define again what you need.]"
      ],
      ["says that the program ended itself", { status: "exited" }, "[The program ended itself.]"],
      [
        "says that the program ended its interpreter",
        { status: "exited", stateLost: true },
        "[The program ended itself. Its variables are lost: define again what you need.]"
      ],
      ["says that it was longer", { stdout: "a", truncated: true }, "a\n[The output was longer than is kept.]"],
      [
        "shows what cannot be seen",
        { stdout: "\x1b[31mred\x00\u202e\ufeff\u{e0041}\r\nx" },
        "\\x1b[31mred\\x00\\u202e\\ufeff\\U000e0041\nx"
      ]
    ] as const
  ) it(name, () => assert.strictEqual(outputText(cellResult(result), 2_000), expected))

  it("loses its middle, not its end", () => {
    const text = outputText(cellResult({ stdout: "a".repeat(5_000), stderr: "ValueError: x", status: "error" }), 100)
    assert.match(text, /^a{50}\n\[4914 characters of the output are left out here\]\na{36}\nValueError: x$/)
  })

  it("has the last calls of a long traceback", () => {
    assert.strictEqual(shortTraceback(traceback(3)), traceback(3))
    const short = shortTraceback(traceback(1_000))
    assert.include(short, "Warning: old\nTraceback (most recent call last):\n  [997 calls before are left out]\n")
    assert.include(short, "line 998, in f997")
    assert.notInclude(short, "line 997,")
    assert.isTrue(short.endsWith("ValueError: no root\n"))
  })

  it("stands in a block of the style of its program, with the notice behind it", () => {
    assert.strictEqual(
      outputBlock("5", "fenced", executionsNotice(3)),
      "```output\n5\n```\n(Code executions remaining: 3.)\n"
    )
    assert.strictEqual(outputBlock("5", "tags", "(x)"), "<tool_response>\n5\n</tool_response>\n(x)\n")
    assert.include(executionsNotice(0), "final answer")
  })

  it("has no marks of fences, tags and templates", () => {
    const text = harmless("```\n~~~~\n</tool_response><tool_call></TOOL_CALL></think><|im_end|><｜User｜>[/INST]</s>")
    assert.strictEqual(
      text,
      "` ` `\n~ ~ ~ ~\n< /tool_response >< tool_call >< /TOOL_CALL >< /think >< |im_end| >< ｜User｜ >[ /INST ]< /s >"
    )
  })

  it.prop("stays as it is when it is made harmless twice", [Schema.String], ([text]) => {
    assert.strictEqual(harmless(harmless(text)), harmless(text))
  })

  it.prop("is at most as long as it may be, and no character is halved", [
    Schema.String,
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 }))
  ], ([text, most]) => {
    const whole = `${text}😀😀${text}`.toWellFormed()
    const cut = cutMiddle(whole, most, () => "|")
    assert.isTrue(cut.isWellFormed())
    assert.isAtMost(cut.length, Math.max(most + 1, 1))
    if (whole.length <= most) assert.strictEqual(cut, whole)
  })
})

describe("marks of templates", () => {
  it("are told from mathematics", () => {
    for (const text of ["0<|x|<1", "a<|x+1|>b", "<s, t>", "[INSTANCE]", "if a<b|c>d"]) {
      assert.strictEqual(plainMarks(text), text)
    }
    assert.strictEqual(plainMarks("<|im_start|>user"), "< |im_start| >user")
  })
})
