import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  defaultEndTags,
  endsInThought,
  opensThought,
  ReasoningSplitter,
  splitReasoning
} from "../../src/domain/Reasoning.ts"

/** The law in its plainest form, without gpt-oss channels. */
const plain = (text: string) => {
  let end = { from: -1, to: -1 }
  for (const tag of defaultEndTags) {
    const from = text.lastIndexOf(tag)
    if (from >= 0 && from + tag.length > end.to) end = { from, to: from + tag.length }
  }
  const opening = /^\s*(?:<(?:think|thinking|reasoning|thought)>|\[THINK\]|<\|begin_of_thought\|>)\s*/
  if (end.from >= 0) {
    return { text: text.slice(end.to).trimStart(), reasoning: text.slice(0, end.from).trimStart().replace(opening, "") }
  }
  return opening.test(text) ? { text: "", reasoning: text.replace(opening, "") } : { text, reasoning: null }
}

/** What a listener has at the end. */
const listen = (pieces: ReadonlyArray<string>) => {
  const splitter = new ReasoningSplitter()
  let heard = { text: "", reasoning: "" }
  const hear = (part: ReturnType<ReasoningSplitter["push"]>) => {
    heard = part.restarted
      ? { text: part.text, reasoning: part.reasoning }
      : { text: heard.text + part.text, reasoning: heard.reasoning + part.reasoning }
  }
  for (const piece of pieces) hear(splitter.push(piece))
  hear(splitter.finish())
  return { heard, whole: { text: splitter.text, reasoning: splitter.reasoning } }
}

const Fragment = Schema.Literals([
  "<think>",
  "</think>",
  "<thinking>",
  "</thinking>",
  "[THINK]",
  "[/THINK]",
  "<|begin_of_thought|>",
  "<|end_of_thought|>",
  "<",
  "</",
  "</thi",
  "think>",
  " ",
  "\n",
  "a",
  "x = 1",
  "∑"
])
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })))

describe("Reasoning", () => {
  it("tells a thought from its response by the last end tag", () => {
    const cases: ReadonlyArray<readonly [string, string, string | null]> = [
      ["The answer is 4.", "The answer is 4.", null],
      ["", "", null],
      ["  spaces stay \n", "  spaces stay \n", null],
      ["<think>2 + 2</think>\n\nIt is 4.\n", "It is 4.\n", "2 + 2"],
      ["2 + 2\n</think>It is 4.", "It is 4.", "2 + 2\n"],
      ["<think>\n\n</think>\n\n4", "4", ""],
      ["a</think>b</think> c", "c", "a</think>b"],
      ["<thinking>a</thinking>b", "b", "a"],
      ["<reasoning>a</reasoning>b", "b", "a"],
      ["<|begin_of_thought|>a<|end_of_thought|>b", "b", "a"],
      ["[THINK]a[/THINK]b", "b", "a"],
      ["<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b", "b", "a"],
      ["\n<think>it goes on and on", "", "it goes on and on"],
      ["<think>", "", ""],
      ["<|channel|>analysis<|message|>a", "", "a"],
      ["say <think> and go on", "say <think> and go on", null]
    ]
    for (const [written, text, reasoning] of cases) {
      assert.deepStrictEqual(splitReasoning(written), { text, reasoning }, JSON.stringify(written))
    }
  })

  it("takes other tags, none, and a thought that the prompt opened", () => {
    assert.deepStrictEqual(splitReasoning("a assistantfinal b", { endTags: ["assistantfinal"] }), {
      text: "b",
      reasoning: "a "
    })
    assert.deepStrictEqual(splitReasoning("a</think>b", { endTags: [] }), { text: "a</think>b", reasoning: null })
    assert.deepStrictEqual(splitReasoning("\nand so", { opened: true }), { text: "", reasoning: "and so" })
    assert.deepStrictEqual(splitReasoning("so</think>4", { opened: true }), { text: "4", reasoning: "so" })
  })

  it.prop(
    "does the same however a text comes in pieces",
    [Schema.Array(Fragment), Cuts],
    ([fragments, cuts]) => {
      const written = fragments.join("")
      const pieces: Array<string> = []
      let at = 0
      for (let i = 0; at < written.length; i++) {
        const next = at + (cuts[i % Math.max(1, cuts.length)] ?? 1)
        pieces.push(written.slice(at, next))
        at = next
      }
      const wanted = plain(written)
      assert.deepStrictEqual(splitReasoning(written), wanted)
      const { heard, whole } = listen(pieces)
      assert.deepStrictEqual(whole, wanted)
      assert.deepStrictEqual(heard, { text: wanted.text, reasoning: wanted.reasoning ?? "" })
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("knows a prompt that ends inside of a thought", () => {
    for (const prompt of ["Q: 1+1\n<think>", "<|im_start|>assistant\n<think>\n", "[THINK] "]) {
      assert.isTrue(opensThought(prompt), prompt)
    }
    for (const prompt of ["", "put it into <think> and </think>", "<think>\n</think>\n"]) {
      assert.isFalse(opensThought(prompt), prompt)
    }
    assert.isTrue(endsInThought("<think>so far"))
    assert.isFalse(endsInThought("<think>so</think>It is"))
    assert.isFalse(endsInThought("It is"))
    assert.isFalse(endsInThought("<think>", []))
  })

  it("stays quick with a million end tags, in one piece and in many", () => {
    const { heard } = listen(new Array<string>(20_000).fill("a</think>"))
    assert.strictEqual(heard.text, "")
    assert.strictEqual(heard.reasoning.length, 20_000 * 9 - 8)
    assert.strictEqual(splitReasoning("</think>".repeat(1_000_000)).reasoning?.length, 999_999 * 8)
    assert.strictEqual(listen(new Array<string>(100_000).fill(" ")).whole.text.length, 100_000)
  })
})
