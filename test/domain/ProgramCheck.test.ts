// What a program came to, read off the result of its cell.
import { assert, describe, it } from "@effect/vitest"
import { isAnswered, printedAnswer, programCheck } from "../../src/domain/ProgramCheck.ts"
import type { Verdict } from "../../src/domain/Verdict.ts"
import { cellResult } from "../actors/ScriptedSandbox.ts"

const verdict = (verdict: Verdict["verdict"]): Verdict => ({ verdict, rule: "exact", gold: "77777", answer: "1" })

describe("the printed answer", () => {
  it("is the value, else the last line of the output that is not empty", () => {
    const cases: ReadonlyArray<readonly [Parameters<typeof cellResult>[0], string | null]> = [
      [{ value: "42", stdout: "41\n" }, "42"],
      [{ stdout: "1\n2\n\n  \n" }, "2"],
      [{ stdout: "  7 " }, "7"],
      [{ stdout: "\n \n" }, null],
      [{}, null],
      [{ stderr: "5\n" }, null],
      [{ value: "''", stdout: "3\n" }, null]
    ]
    for (const [result, answer] of cases) assert.strictEqual(printedAnswer(cellResult(result)), answer)
  })

  it("is what is boxed, if anything is", () => {
    assert.strictEqual(printedAnswer(cellResult({ stdout: "The answer is \\boxed{\\frac{1}{2}}.\n" })), "\\frac{1}{2}")
    assert.strictEqual(printedAnswer(cellResult({ value: "'\\\\boxed{3}'" })), "3")
    assert.strictEqual(printedAnswer(cellResult({ stdout: "\\boxed{1}\nno, 2\n" })), "no, 2")
  })

  it("is written as one would, not as Python shows its types", () => {
    const cases = {
      "'1/2'": "1/2",
      "\"it's\"": "it's",
      "Fraction(-1, 2)": "-1/2",
      "[Fraction(1, 2), 3]": "[1/2, 3]",
      "Decimal('0.50')": "0.50",
      "np.int64(7)": "7",
      "mpf('1.5')": "1.5",
      "sqrt(2)/2": "sqrt(2)/2",
      "'": "'"
    }
    for (const [value, answer] of Object.entries(cases)) {
      assert.strictEqual(printedAnswer(cellResult({ value })), answer)
    }
  })

  it("is not known of a text that was cut", () => {
    const flood = "1\n".repeat(100)
    assert.strictEqual(printedAnswer(cellResult({ stdout: flood, truncated: true })), null)
    assert.strictEqual(printedAnswer(cellResult({ stdout: flood })), "1")
    assert.strictEqual(printedAnswer(cellResult({ stdout: "2\n", stderr: flood, truncated: true })), "2")
    assert.strictEqual(printedAnswer(cellResult({ value: "9", stdout: flood, truncated: true })), "9")
    assert.include(programCheck(cellResult({ stdout: flood, truncated: true }), null).detail, "cut off")
  })

  it("takes time that grows with the text and no faster", () => {
    for (const piece of ["Fraction(1", "Decimal('", "np.int64(", "\\boxed{", "'\\", "\n"]) {
      const value = piece.repeat(60_000)
      assert.isDefined(printedAnswer(cellResult({ value })))
      assert.isDefined(printedAnswer(cellResult({ stdout: value })))
    }
  })
})

describe("the outcome of a program", () => {
  it("is right or wrong by the verdict, and nothing that is said tells the right answer", () => {
    const result = cellResult({ stdout: "1\n" })
    assert.isTrue(isAnswered(result))
    assert.deepInclude(programCheck(result, verdict("equal")), { outcome: "right", answer: "1", rule: "exact" })
    assert.deepInclude(programCheck(result, verdict("unequal")), { outcome: "wrong", answer: "1" })
    assert.deepInclude(programCheck(result, verdict("undecided")), { outcome: "wrong", answer: "1" })
    for (const one of ["equal", "unequal", "undecided"] as const) {
      assert.notInclude(programCheck(result, verdict(one)).detail, "77777")
    }
    assert.strictEqual(programCheck(cellResult({ status: "exited", stdout: "1\n" }), verdict("equal")).outcome, "right")
  })

  it("is an error with the end of the traceback, whose length is bounded", () => {
    const stderr = `${"  File <cell 1>, line 1\n".repeat(5_000)}ValueError: ${"x".repeat(9_000)} the end`
    const check = programCheck(cellResult({ status: "error", stdout: "3\n", stderr }), null)
    assert.strictEqual(check.outcome, "error")
    assert.match(check.detail, /^It raised an error:\n[^]*the end$/)
    assert.isBelow(check.detail.length, 2_000)
  })

  it("is a timeout or an error by what it was killed for, with what it had printed", () => {
    const killed = (cause: any) => programCheck(cellResult({ status: "killed", cause, stateLost: true }), null).outcome
    assert.deepStrictEqual(["wall", "cpu"].map(killed), ["timeout", "timeout"])
    assert.deepStrictEqual(
      ["memory", "disk", "crash", "protocol", "host"].map(killed),
      ["error", "error", "error", "error", "error"]
    )
    const check = programCheck(cellResult({ status: "timeout", stdout: "step 7\n", millis: 1_000.4 }), null)
    assert.deepInclude(check, { outcome: "timeout", answer: "step 7" })
    assert.strictEqual(check.detail, "Its time was up after 1000 ms. Printed last until then: step 7")
  })

  it("is no output where nothing was printed", () => {
    assert.strictEqual(programCheck(cellResult(), null).outcome, "no-output")
    assert.strictEqual(programCheck(cellResult({ status: "exited" }), null).outcome, "no-output")
    assert.isFalse(isAnswered(cellResult({ status: "error", stdout: "1\n" })))
  })
})
