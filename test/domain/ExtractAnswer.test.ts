// Where the answer is in a text: a table of texts for each rule, and laws on random ones.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { extractAnswer, type ExtractionRule, gsm8kAnswer, lastBoxed } from "../../src/domain/ExtractAnswer.ts"
import type { VerifyOptions } from "../../src/domain/Verdict.ts"

type Case = readonly [text: string, answer: string | null, options?: VerifyOptions, role?: "gold" | "answer"]

const holds = (cases: ReadonlyArray<Case>, by?: ExtractionRule) => () => {
  for (const [text, answer, options, role] of cases) {
    const found = extractAnswer(text, options, role)
    assert.strictEqual(found?.text ?? null, answer, JSON.stringify(text))
    if (by !== undefined && found !== null) assert.strictEqual(found.by, by, JSON.stringify(text))
  }
}

const letters: VerifyOptions = { targets: ["string"] }
const after: VerifyOptions = { after_think_only: true }

describe("extractAnswer", () => {
  it(
    "takes the last box, whatever is in it and however it was damaged",
    holds([
      ["The answer is \\boxed{5}.", "5"],
      ["First \\boxed{3}. Wait, that is wrong, it is \\boxed{4}.", "4"],
      ["\\fbox{\\frac{1}{\\sqrt{2}}}", "\\frac{1}{\\sqrt{2}}"],
      ["So \\boxed 5 it is", "5"],
      ["$\\boxed9$", "9"],
      ["\\boxed{\\boxed{4}}", "4"],
      ["\\\\boxed{13}", "13"],
      ["\boxed{7}", "7"],
      ["\\boxed{3}. I hope it is correct.", "3"]
    ], "boxed")
  )

  it(
    "joins boxes that are one answer, and no others",
    holds([
      ["\\boxed{1} and \\boxed{2}", "1, 2"],
      ["$\\boxed{k = 45} \\quad \\text{and} \\quad \\boxed{n = 2}$", "k = 45, n = 2"],
      ["\\(\\boxed{1}\\) and \\(\\boxed{-2}\\).", "1, -2"],
      ["\\boxed{3} apples and \\boxed{4} pears", "3, 4"],
      ["\\boxed{1}\\boxed{2}", "1, 2"],
      ["The answer is \\boxed{1} or \\boxed{2}.", "1, 2"],
      ["\\boxed{3}, no wait, \\boxed{4}", "4"],
      ["\\boxed{3}. So \\boxed{4}", "4"],
      ["$\\boxed{6} = \\boxed{2 \\cdot 3}$", "2 \\cdot 3"],
      ["$\\boxed{\\sqrt2} \\approx \\boxed{1.414}$", "\\sqrt2"],
      ["\\[\\boxed{3}\\]\n\\[\\boxed{3}\\]", "3"]
    ], "boxed")
  )

  it(
    "lets a later final answer or a correction replace a box",
    holds([
      ["It pays $\\boxed{255}$ each. Final Answer: The final answer is $10,455$. I hope it is correct.", "10,455"],
      ["\\boxed{3}. Wait, that is a mistake. The correct answer is 4.", "4"]
    ], "anchor")
  )

  it(
    "finds no answer in an empty box or one that was cut off",
    holds([["\\boxed{}", null], ["\\boxed{ }", null], ["so \\boxed{12", null], ["$\\boxed{7$ is it", "7"]])
  )

  it(
    "reads the last line of four hashes that holds an answer",
    holds([
      ["6*7=42\n#### 42", "42"],
      ["The answer is 5\n#### 6", "6"],
      ["so\n#### $1,234.50", "1,234.50"],
      ["so\n#### -$5", "-5"],
      ["#### 7 apples", "7"],
      ["#### Yes", "Yes"],
      ["#### 3\n#### Conclusion\nIt was easy.", "3"]
    ], "hash")
  )

  it(
    "does not take a heading of four hashes for an answer",
    holds([["#### 1. Setup\nWe get 5.\n#### 2. Result\nSo it is 7.", "7"]], "number")
  )

  it(
    "reads what a phrase announces",
    holds([
      ["Final answer: 42", "42"],
      ["**Final Answer:** 42", "42"],
      ["**Answer: 42**", "42"],
      ["### Final Answer\n\n42", "42"],
      ["**Final Answer**\n\n$$42$$", "42"],
      ["So the answer is 17.", "17"],
      ["The answer, in simplest form, is 3/4.", "3/4"],
      ["The answer to the 3 questions is 7.", "7"],
      ["The answer is 5 because 3 + 2 = 5.", "5"],
      ["The answer is 42, not 43.", "42"],
      ["The answer isn't 5, it's 6.", "6"],
      ["The answer is not 42. The final answer is 43.", "43"],
      ["The answers are 3, 5 and 7.", "3, 5, 7"],
      ["The answer is 3 or 4.", "3, 4"],
      ["The answer is $x = 3$ and $y = 4$.", "x = 3, y = 4"],
      ["The answer is $1,234.", "1,234"],
      ["The answer is -$5.50.", "-5.50"],
      ["The answer is (3, 4).", "(3, 4)"],
      ["The answer is [0, 1).", "[0, 1)"],
      ["The answer is 2x + 3.", "2x + 3"],
      ["The answer is a prime, 7.", "7"],
      ["The answer is (C).", "C"],
      ["The answer is Yes.", "Yes"],
      ["The answer is no solution.", "no solution"],
      ["Final Answer: The largest $n$ is 34.", "34"],
      ["Final Answer: Jane started 3 hours ago.", "3 hours"],
      ["The correct answer is: **B) 42**", "42"],
      ["as a percentage the answer is: 20 puppies / 40 puppies * 100% = 50%", "50"],
      ["ans = 12", "12"],
      ["the last step\nA: -129025", "-129025"],
      ["it took 5\nA: 1,200", "1,200"],
      ["<think>so</think><answer>42</answer>", "42"]
    ], "anchor")
  )

  it(
    "knows the phrases of seven languages, their signs and their digits",
    holds([
      ["La réponse est 42.", "42"],
      ["La réponse finale est donc de 3,5 km.", "3,5 km"],
      ["Réponse: elle aura encore 220 $ à payer d'ici 12 mois.", "220"],
      ["Die Antwort lautet: 42", "42"],
      ["Antwort: 3,5", "3,5"],
      ["La respuesta final es igual a 7.", "7"],
      ["Ответ: 42 рубля.", "42"],
      ["Ответ равен 7.", "7"],
      ["答案是１２。", "12"],
      ["因此答案为 $x=3$。", "x=3"],
      ["答案：每份应该是 (\\frac{2}{5}) 吨。", "\\frac{2}{5}"],
      ["الإجابة هي 42.", "42"],
      ["الجواب: ٤٢", "42"]
    ], "anchor")
  )

  it(
    "else takes the last formula or number, in its sentence the one in bold or the one that is stated",
    holds([
      ["Thus $x=5$.", "x=5"],
      ["Therefore $x \\geq 5$ is the solution.", "x \\geq 5"],
      ["we have $x = 2$ and so $y = 7$", "y = 7"],
      ["Here $ \\frac{1}{2} \\$ = \\frac{10}{9} $", "\\frac{1}{2} \\$ = \\frac{10}{9}"],
      ["so \\begin{align*} a &= 2 + 3 \\\\ &= 5 \\end{align*}", "= 5"],
      ["the sum is $5$ when $n = 3$.", "5"],
      ["Therefore, there are 12 ways that meet the 3 conditions.", "12"],
      ["So the total is **42** apples in 3 days.", "42"],
      ["so the number is 10 which is 1,000.99m²", "1,000.99"],
      ["She has $10,000 + $200 = $10,200.", "10,200"],
      ["因此，水池中水将在300分钟内被放完。", "300"],
      ["Therefore, 100", "100"],
      ["Therefore x equals -3", "-3"],
      ["The largest such n is 34 (see step 2).", "34"],
      ["It took 4 * 3 = <<4*3=12>>12 hours of work.", "12 hours"],
      ["So they have 5 cards + 2 cards = <<5+2=7>>7 cards together.", "7"],
      ["Therefore, $n = 7$ (since $n > 0$).", "n = 7"],
      ["So she paid $15 for 3 apples.", "15"],
      ["The roots are 5 and 7.", "5, 7"],
      ["It could be 3 or maybe 4.", "3, 4"],
      ["**Step 1:** compute 3.\n**Step 2:** compute 5.\n\nThe value is <b>15</b>.", "15"],
      ["The short-answer questions give 5 * 4 = 20 points, which makes 58.", "58"]
    ])
  )

  it(
    "has no answer where none is given, or where it is denied or taken back",
    holds([
      ["", null],
      [" \n\t ", null],
      ["see above", null],
      ["I don't know.", null],
      ["I am not sure, maybe 5.", null],
      ["The answer is not 42.", null],
      ["The answer can't be 5.", null],
      ["The answer is unknown.", null],
      ["The answer is !!!invalid!!!", null],
      ["Therefore, we see that x grows.", null],
      ["AZYUK2A", null]
    ])
  )

  it(
    "reads a response that is nothing but an answer",
    holds([
      ["42", "42"],
      ["-3/4", "-3/4"],
      ["x = 3", "x = 3"],
      ["1, 2, 3", "1, 2, 3"],
      ["28%", "28"],
      ["28 percent", "28"],
      ["$18", "18"],
      ["\\frac{1}{2}", "\\frac{1}{2}"],
      ["W(x)=1orW(x)=-1", "W(x)=1orW(x)=-1"],
      ["Evelyn", "Evelyn"]
    ], "bare")
  )

  it(
    "takes a short reference answer whole",
    holds(
      ([
        ["x = 3 or x = 4", "x = 3 or x = 4"],
        ["5\\text{ cm}", "5\\text{ cm}"],
        ["no real solutions", "no real solutions"],
        ["(A) Cecile", "(A) Cecile"],
        ["11,\\! 111", "11,\\! 111"],
        ["25\\%", "25"],
        ["0.56 = 56\\%", "0.56 = 56\\%"]
      ] as const).map(([text, answer]): Case => [text, answer, {}, "gold"]),
      "whole"
    )
  )

  it("finds the answer of a worked reference solution", () => {
    assert.strictEqual(extractAnswer("Natalia sold 48/2 = 24.\n#### 72", {}, "gold")?.text, "72")
    assert.strictEqual(extractAnswer("Thus $(p,q) = \\boxed{(3, 2)}.$", {}, "gold")?.text, "(3, 2)")
    assert.strictEqual(extractAnswer("\\boxed{W = 1", {}, "gold")?.text, "W = 1")
    assert.deepStrictEqual(extractAnswer("$n=1$ and $n = 2$", {}, "gold")?.parts, ["n=1", "n = 2"])
  })

  it("says whether a percent sign follows and whether the answer is LaTeX", () => {
    assert.deepInclude(extractAnswer("$28$ percent"), { text: "28", percent: true, math: true })
    assert.deepInclude(extractAnswer("or $\\boxed{20}$ percent."), { text: "20", percent: true, math: true })
    assert.deepInclude(extractAnswer("it grows by 100%."), { text: "100", percent: true, math: false })
    assert.deepInclude(extractAnswer("$28\\%$"), { text: "28\\%", percent: false, math: true })
    assert.deepInclude(extractAnswer("The answer is 7."), { text: "7", percent: false, math: false })
  })

  it(
    "listens to what is said after the thinking, and to the thinking only where nothing else is said",
    holds([
      ["<think>maybe \\boxed{3}</think>\nThe answer is 4.", "4"],
      ["<think>\\boxed{1}</think>", "1"],
      ["<think>\\boxed{1}</think> Some other text.", "1"],
      ["<think>I count 5</think> Some other text.", null],
      ["<think>\\boxed{1}</think> Some other text.", null, after],
      ["\\boxed{1}", null, after],
      ["<think>so</think> \\boxed{1}", "1", after],
      ["<REASONING_START>so</REASONING_END> \\boxed{1}", "1", after],
      ["<|channel|>analysis<|message|>5?<|end|><|start|>assistant<|channel|>final<|message|>It is 7.<|return|>", "7"]
    ])
  )

  it(
    "stops where the chat goes on",
    holds([
      ["The answer is 5.<|im_end|>\n<|im_start|>user\nThe answer is 9", "5"],
      ["<|im_start|>user\nIs it 9?<|im_end|>\n<|im_start|>assistant\nIt is 5.<|im_end|>", "5"],
      ["It is 2/3. <|im_start|>user", "2/3"]
    ])
  )

  it(
    "looks only for what the targets name",
    holds([
      ["It is 5", null, { targets: ["latex"] }],
      ["It is $5$, not 6", "5", { targets: ["latex"] }],
      ["It is $5$", "5", { targets: ["expr"] }],
      ["final answer is $9999$, \\boxed{1}", "9999", { boxed_priority: "low" }],
      ["so \\boxed{1}", "1", { boxed_priority: "low" }]
    ])
  )

  it(
    "reads the letter of a multiple choice",
    holds([
      ["thinking about it I think the correct answer is C", "C", letters],
      ["It's not A because it is wrong, therefore I think it's B", "B", letters],
      ["The answer is for sure D, it can't be A or B", "D", letters],
      ["The answer: D, it doesn't make sense for it to be A or B", "D", letters],
      ["(A) Cecile", "A", letters],
      ["Alina and the answer is\nC Cecile", "C", letters],
      ["A dog is a mammal. So it's D.", "D", letters],
      ["I would choose option (c).", "C", letters],
      ["Answer: b", "B", letters],
      ["Answer: b", null, { ...letters, lowercase: false }],
      ["$\\boxed{\\text{(D)}}$", "D", letters],
      ["réponse est C non A", "C", letters],
      ["答案选B", "B", letters],
      ["B不是 A", "B", letters],
      ["yes, of course", "yes", { ...letters, strings: ["yes", "no"] }],
      ["b", "B", letters],
      ["उत्तर सही है c", "C", letters],
      ["Answer: E", null, letters],
      ["No idea", null, letters]
    ], "letter")
  )

  it("reads the end of a text of any length", () => {
    const filler = "The running total is 12 and $x$ grows. ".repeat(60_000)
    assert.strictEqual(extractAnswer(`${filler}\nThe answer is 7.`)?.text, "7")
    assert.strictEqual(extractAnswer(`\\boxed{7} ${filler} and so on`, { targets: ["latex"] })?.text, "x")
    assert.strictEqual(extractAnswer(`</think>${filler} \\boxed{7}`, after)?.text, "7")
    assert.isNull(lastBoxed(`\\boxed{7}${filler}`))
  })
})

const pieces = Schema.Array(
  Schema.Literals([
    ..."{}[]()$\\%.,:;=+-*/^_!?' \n\t\0#<>|aAxI50",
    "\\boxed{",
    "\\boxed",
    "\\frac{",
    "\\text{ and }",
    "\\begin{align}",
    "\\end{align}",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "####",
    " the answer is ",
    " not ",
    "Final answer: ",
    "答案是",
    "الجواب: ",
    "</think>",
    "<answer>",
    "</answer>",
    "<|im_end|>",
    "**",
    "1,234.5",
    "٤",
    "√",
    "\ud800",
    "İ",
    "\u200b"
  ])
)
const options = Schema.Literals(["default", "latex", "expr", "string", "low", "after"])
const optionsOf: Readonly<Record<typeof options.Type, VerifyOptions>> = {
  default: {},
  latex: { targets: ["latex"] },
  expr: { targets: ["expr"] },
  string: { targets: ["string", "latex", "expr"] },
  low: { boxed_priority: "low" },
  after: { after_think_only: true }
}
const runs = { arbitrary: { runs: 2000, seed: 17 } }

/** The pieces with braces that match: a "}" too many is left out, a missing one is added. */
const balanced = (parts: ReadonlyArray<string>): string => {
  let depth = 0
  let text = ""
  for (const part of parts) {
    if (part === "}" && depth === 0) continue
    depth += part === "{" ? 1 : part === "}" ? -1 : 0
    text += part
  }
  return text + "}".repeat(depth)
}
const insides = Schema.Array(
  Schema.Literals(["{", "}", "\\{", "\\}", "x", "12", " + ", "\\frac", "\\\\", "^", "$", "π"])
)
const words = Schema.Array(
  Schema.Literals([
    "we",
    "see",
    "that",
    "this",
    "grows",
    "without",
    "bound",
    "and",
    "nobody",
    "can",
    "say",
    "why",
    "so",
    "the",
    "is"
  ])
).check(Schema.isMinLength(3))

describe("extraction", () => {
  it.prop(
    "never throws, and what it finds is the join of its parts and not blank",
    [pieces, options],
    ([parts, name]) => {
      const text = parts.join("")
      for (const role of ["gold", "answer"] as const) {
        const found = extractAnswer(text, optionsOf[name], role)
        if (found === null) continue
        assert.notStrictEqual(found.text.trim(), "")
        assert.strictEqual(found.text, found.parts.join(", "))
      }
      lastBoxed(text)
      gsm8kAnswer(text)
    },
    runs
  )

  it.prop("gives back what is in a box", [insides], ([parts]) => {
    const inside = balanced(parts)
    assert.strictEqual(lastBoxed(`so $\\boxed{${inside}}$.`), inside.trim())
    assert.strictEqual(lastBoxed(`\\boxed{0} { and \\boxed{${inside}} for { all`), inside.trim())
  }, runs)

  it.prop("does not depend on what stands before the tail", [pieces, options], ([parts, name]) => {
    if (name === "after") return
    const text = ` so it goes on. ${"word ".repeat(4100)}${parts.join("")}`
    assert.deepStrictEqual(
      extractAnswer(`\\boxed{1} #### 2${text}`, optionsOf[name]),
      extractAnswer(text, optionsOf[name])
    )
  }, { arbitrary: { runs: 100, seed: 18 } })

  it.prop("finds nothing in words alone", [words], ([parts]) => {
    assert.isNull(extractAnswer(`${parts.join(" ")}.`))
  }, runs)
})

describe("lastBoxed", () => {
  it("is the last complete box, with the boxes inside of it, and \"\" for an empty one", () => {
    assert.strictEqual(lastBoxed("\\boxed{5} wait \\boxed{6"), "5")
    assert.strictEqual(lastBoxed("\\boxed{\\boxed{4}}"), "\\boxed{4}")
    assert.strictEqual(lastBoxed("\\boxed{}"), "")
    assert.strictEqual(lastBoxed("\\boxed {8}"), "8")
    assert.isNull(lastBoxed("so \\boxed{12"))
    assert.isNull(lastBoxed("The unboxed value"))
  })
})

describe("gsm8kAnswer", () => {
  it("is the rest of the last line of four hashes", () => {
    assert.strictEqual(gsm8kAnswer("work\n#### 42"), "42")
    assert.strictEqual(gsm8kAnswer("####: 55"), "55")
    assert.strictEqual(gsm8kAnswer("   ####    20   "), "20")
    assert.strictEqual(gsm8kAnswer("#### $99"), "$99")
    assert.strictEqual(gsm8kAnswer("#### 1\n#### 2\n"), "2")
    assert.isNull(gsm8kAnswer("no marker"))
    assert.isNull(gsm8kAnswer("#### "))
    assert.isNull(gsm8kAnswer("##### 5"))
  })
})
