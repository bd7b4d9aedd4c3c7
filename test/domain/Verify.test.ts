import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { sameAnswer, verify } from "../../src/domain/Verify.ts"
import { differentPairs, equalPairs } from "./Verify/AnswerPairs.ts"
import { latexLikeText, numbersFrom, plainText } from "./Verify/LatexLike.ts"

describe("two answers that are the same", () => {
  for (const [kind, pairs] of Object.entries(equalPairs)) {
    it(`are equal: ${kind}`, () => {
      assert.deepStrictEqual(pairs.filter(([gold, answer]) => verify(gold, answer, {}, true).verdict !== "equal"), [])
    })
  }
})

describe("two answers that differ", () => {
  for (const [kind, pairs] of Object.entries(differentPairs)) {
    it(`are not equal, either way round: ${kind}`, () => {
      const wrong = pairs.filter(([a, b]) =>
        verify(a, b, {}, true).verdict === "equal" || verify(b, a, {}, true).verdict === "equal"
      )
      assert.deepStrictEqual(wrong, [])
    })
  }
})

describe("a verdict", () => {
  it("says which rule decided and what was compared", () => {
    assert.deepStrictEqual(verify("We get $\\boxed{\\frac12}$.", "The answer is 0.5"), {
      verdict: "equal",
      rule: "exact",
      gold: "\\frac12",
      answer: "0.5"
    })
    assert.strictEqual(verify("(x+1)^2", "x^2+2x+1", {}, true).rule, "identity")
    assert.strictEqual(verify("\\sin 2x", "2\\sin x\\cos x", {}, true).rule, "points")
    assert.strictEqual(verify("\\sqrt8", "2\\sqrt2", {}, true).rule, "high-precision")
    assert.strictEqual(verify("50\\%", "0.5", {}, true).rule, "percent")
  })

  it("keeps a response without an answer apart from a wrong one", () => {
    assert.deepInclude(verify("5", "   "), { verdict: "unequal", rule: "no-answer", answer: null })
    assert.deepInclude(verify("", "5"), { verdict: "undecided", rule: "no-gold", gold: null })
    assert.deepInclude(verify("5", "\\boxed{6}"), { verdict: "unequal", rule: "exact", answer: "6" })
  })

  it("is undecided where neither equality nor difference can be shown", () => {
    for (
      const [gold, answer] of [["5", "9^{9^{9^9}}"], ["1.2020569", "\\sum_{k=1}^{\\infty} \\frac{1}{k^3}"], [
        "x",
        "\\frac{"
      ], ["5", "\\lim_{x\\to 0} \\sin(1/x)"]] as const
    ) {
      assert.strictEqual(verify(gold, answer, {}, true).verdict, "undecided", `${gold} against ${answer}`)
    }
  })

  it("keeps what belongs to a number in a sentence: its sign, its multiple, its unit", () => {
    for (
      const text of [
        "The answer is - 4.",
        "The answer is minus 4.",
        "It is 4 million.",
        "The area is 4 pi.",
        "#### 4 squared"
      ]
    ) {
      assert.notStrictEqual(verify("4", text).verdict, "equal", text)
    }
    assert.strictEqual(verify("5\\text{ hours}", "The final answer is 5 minutes.").verdict, "unequal")
    assert.strictEqual(verify("2 hours", "The answer is 120 minutes.").verdict, "equal")
    assert.strictEqual(verify("5", "#### 5 minutes").verdict, "equal")
  })

  it("takes what overflows a double for large, not for infinite", () => {
    assert.strictEqual(verify("\\infty", "\\boxed{e^{1000}}").verdict, "unequal")
    assert.strictEqual(verify("(0,\\infty)", "\\boxed{(0,10^{400})}").verdict, "unequal")
  })

  it("looks at the end of a text, whatever blanks follow, and never at half a number", () => {
    assert.strictEqual(verify("42", `\\boxed{42}${"\n".repeat(30_000)}`).verdict, "equal")
    assert.strictEqual(verify("5", `The value is 15${" ".repeat(19_998)}.`).verdict, "unequal")
  })

  it("takes the choice that a response names where a letter is asked for", () => {
    assert.strictEqual(verify("C", "The correct option is C.").verdict, "equal")
    assert.strictEqual(verify("B", "the answer is (C) 5.").verdict, "unequal")
  })

  it("is undecided when its steps run out", () => {
    assert.deepInclude(verify("(x+1)^{20}", "\\sin(x)^{20}", {}, true, 50), { verdict: "undecided", rule: "steps" })
  })
})

describe("options", () => {
  it("precision and relative tolerance say how near numbers with a decimal point must be", () => {
    assert.strictEqual(verify("1/3", "0.33", {}, true).verdict, "unequal")
    assert.strictEqual(verify("1/3", "0.33", { precision: 2 }, true).verdict, "equal")
    assert.strictEqual(verify("1000", "1000.5", { rel_tol: 0.001 }, true).verdict, "equal")
    assert.strictEqual(verify("1000", "1002", { rel_tol: 0.001 }, true).verdict, "unequal")
  })

  it("a relation may stand for a gold interval only where that is allowed", () => {
    assert.strictEqual(verify("[-2,7]", "-2\\le x\\le 7", {}, true).verdict, "unequal")
    assert.strictEqual(verify("[-2,7]", "-2\\le x\\le 7", { allow_set_relation_comp: true }, true).verdict, "equal")
  })

  it("names of variables must agree unless strict is off", () => {
    assert.strictEqual(verify("x<3", "y<3", {}, true).verdict === "equal", false)
    assert.strictEqual(verify("x<3", "y<3", { strict: false }, true).verdict, "equal")
  })

  it("integers are compared modulo a number, and only those in range are answers", () => {
    assert.strictEqual(verify("336", "1336", { modulo: 1000 }, true).verdict, "equal")
    assert.strictEqual(verify("336", "1337", { modulo: 1000 }, true).verdict, "unequal")
    assert.deepInclude(verify("336", "100336", { integers: [0, 99_999] }, true), {
      verdict: "unequal",
      rule: "not-an-allowed-integer"
    })
    assert.strictEqual(verify("336", "\\boxed{336}", { integers: [0, 99_999] }).verdict, "equal")
  })

  it("a comma between digits is read as the gold's kind asks", () => {
    assert.strictEqual(verify("2.74", "2,74", {}, true).verdict, "equal")
    assert.strictEqual(verify("1,2", "1.2", {}, true).verdict, "unequal")
    assert.strictEqual(verify("30,951", "951,30", {}, true).verdict, "unequal")
    assert.strictEqual(verify("\\{100,200\\}", "200,100", {}, true).verdict, "equal")
  })

  it("choices are compared as letters", () => {
    const options = { targets: ["string"], strings: ["A", "B", "C", "D"] } as const
    assert.strictEqual(verify("B", "I think the answer is (B).", options).verdict, "equal")
    assert.strictEqual(verify("B", "The answer is C", options).verdict, "unequal")
  })
})

describe("laws", () => {
  it.prop("an answer equals itself", [Schema.Int], ([seed]) => {
    const text = latexLikeText(numbersFrom(seed))
    const { rule, verdict } = verify(text, text, {}, true)
    assert.isTrue(verdict === "equal" || rule === "no-answer" || rule === "no-gold", `${text}: ${verdict} by ${rule}`)
  }, { arbitrary: { runs: 2000, seed: 1 } })

  it.prop("scalar answers compare the same both ways round", [Schema.Int], ([seed]) => {
    const next = numbersFrom(seed)
    const [a, b] = [plainText(next), plainText(next)]
    assert.strictEqual(verify(a, b, {}, true).verdict, verify(b, a, {}, true).verdict, `${a} against ${b}`)
  }, { arbitrary: { runs: 3000, seed: 2 } })

  it.prop("integers are equal exactly when they are the same", [Schema.Int, Schema.Int], ([a, b]) => {
    assert.strictEqual(verify(String(a), `\\boxed{${b}}`).verdict, a === b ? "equal" : "unequal")
  }, { arbitrary: { runs: 500, seed: 3 } })

  it.prop("no text throws, and steps bound the work", [Schema.String, Schema.String], ([a, b]) => {
    verify(a, b)
    verify(a, b, {}, true)
  }, { arbitrary: { runs: 2000, seed: 4 } })

  it("sameAnswer is what votes ask: undecided counts as different", () => {
    assert.isTrue(sameAnswer("1/2", "0.5"))
    assert.isFalse(sameAnswer("1/2", "0.6"))
    assert.isFalse(sameAnswer("9^{9^{9^9}}", "5"))
  })
})
