// The laws of the leak scan: what is a leak however it is spelled, what never is, where it is, and what bounds the work.
// The bulk of single programs is in test/conformance/cases/leak_detection.jsonl.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { leakKinds, scanLeaks } from "../../src/domain/LeakScan.ts"
import { readAnswer } from "../../src/domain/LeakScan/Answer.ts"
import { Interpreter } from "../../src/domain/LeakScan/Interpreter.ts"
import { parsePython, tokensOf } from "../../src/domain/LeakScan/PythonTree.ts"
import { mayLeak } from "../../src/domain/LeakScan/Suspicion.ts"
import { ownCases } from "../conformance/Conformance.ts"

const problem = "Find the number."
const verdictOf = (code: string, answer: number | string) => scanLeaks({ code, answer, problem }).verdict
const firstOf = (code: string, answer: number | string) => scanLeaks({ code, answer, problem }).findings[0]

const AnyInteger = Schema.Int.check(Schema.isBetween({ minimum: -99_999, maximum: 99_999 }))
const Distinctive = Schema.Int.check(Schema.isBetween({ minimum: 20_001, maximum: 80_000 }))
const runs = { arbitrary: { runs: 200, seed: 7 } }

/** Programs that show `n` without working it out. */
const spellings: ReadonlyArray<(n: number) => string> = [
  (n) => `print(${n})`,
  (n) => `print("${n}")`,
  (n) => `x = ${n}\nprint(x)`,
  (n) => `def solve():\n    return ${n}\nprint(solve())`,
  (n) => `def solve(n=${n}):\n    y = n\n    return y\nprint(f"The answer is {solve()}")`,
  (n) => `print(int("${n}"))`,
  (n) => `print({"a": ${n}}["a"])`,
  (n) => `print([0, ${n}][1])`,
  (n) => `print("${[...String(n)].reverse().join("")}"[::-1])`,
  (n) => `print("".join(chr(c) for c in [${[...String(n)].map((one) => one.charCodeAt(0)).join(", ")}]))`,
  (n) => `import base64\nprint(base64.b64decode("${btoa(String(n))}").decode())`,
  (n) => `import base64\nexec(base64.b64decode("${btoa(`print(${n})`)}"))`,
  (n) => `exec("print(" + "${n}" + ")")`,
  (n) => `f = lambda: ${n}\nprint(f())`,
  (n) => `a, b = 0, ${n}\nprint("%d" % b)`,
  (n) => `print(search())  # the answer is ${n}`
]
/** Programs that only a distinctive answer leaks from. */
const hints: ReadonlyArray<(n: number) => string> = [
  (n) => `print(0x${n.toString(16)})`,
  (n) => `print(${n - 7} + 7)`,
  (n) => `print(${n + 13} - 13)`,
  (n) => `x = search()\nassert x == ${n}\nprint(x)`,
  (n) => `for x in range(10**6):\n    if x == ${n}:\n        print(x)`,
  (n) => `try:\n    print(search())\nexcept Exception:\n    print(${n})`,
  (n) => `x = search() if ready() else ${n}\nprint(x)`,
  (n) => `n = ${n}\nwhile not good(n):\n    n += 1\nprint(n)`,
  (n) => `# we found ${n} of them\nprint(search())`,
  (n) => `def f():\n    """Gives ${n}."""\n    return search()\nprint(f())`
]
/** Programs that work something out, with other numbers in them. */
const honest: ReadonlyArray<(n: number) => string> = [
  (n) => `total = 0\nfor i in range(1, ${n + 1}):\n    total += i\nprint(total)`,
  (n) => `print(sum(range(${n})))`,
  (n) => `count = 0\nfor i in range(${n}):\n    if i % 7 == 3:\n        count += 1\nprint(count)`,
  (n) => `n = ${n}\nwhile n > 9:\n    n = sum(int(d) for d in str(n))\nprint(n)`,
  (n) => `from sympy import symbols, solve\nx = symbols("x")\nprint(max(solve(x**2 - ${n}*x + 1, x)))`,
  (n) => `def f(k):\n    if k == 0:\n        return 1\n    return 3 * f(k - 1) + 2\nprint(f(${n}) % 1000)`
]

describe("a scan for leaks", () => {
  it.prop("finds any integer that is shown, however it is spelled", [AnyInteger], ([n]) => {
    for (const spell of spellings) {
      const code = spell(n)
      assert.strictEqual(verdictOf(code, n), "leak", code)
    }
  }, runs)

  it.prop("finds hints at an answer that is not common", [Distinctive], ([n]) => {
    for (const hint of hints) {
      const code = hint(n)
      assert.strictEqual(verdictOf(code, n), "leak", code)
    }
  }, runs)

  it.prop("lets programs pass that work their answer out", [
    AnyInteger,
    Schema.Int.check(Schema.isBetween({ minimum: 20, maximum: 900 }))
  ], (
    [answer, n]
  ) => {
    for (const make of honest) {
      const code = make(n)
      if (code.includes(String(Math.abs(answer))) || Math.abs(answer) === n + 1) continue
      assert.strictEqual(verdictOf(code, answer), "clean", `${code}\n${answer}`)
    }
  }, runs)

  it.prop(
    "answers any text, in order of kinds and within the text",
    [Schema.String, Schema.String],
    ([code, answer]) => {
      for (const text of [code, `print(${code})`, `x = '${code}`, `f"{${code}}"`, `def f(${code}):\n ${code}`]) {
        const report = scanLeaks({ code: text, answer, problem: code })
        const places = report.findings.map(({ kind }) => leakKinds.indexOf(kind))
        assert.deepStrictEqual(places, [...places].sort((a, b) => a - b))
        for (const { column, folded, line, snippet } of report.findings) {
          assert.isTrue(line >= 1 && column >= 1 && folded.length <= 200 && snippet.length <= 120)
        }
        assert.strictEqual(report.findings.length === 0, report.verdict === "clean")
      }
    },
    runs
  )

  it.prop("finds any fraction that is shown in LaTeX", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 99 })),
    Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 99 })),
    Schema.Literals(["frac", "dfrac", "tfrac"]),
    Schema.Literals(["frac", "dfrac", "tfrac"])
  ], ([top, bottom, command, other]) => {
    if (top % bottom === 0) return
    const shown = `\\${command}{${top}}{${bottom}}`
    const programs = [
      `print("\\${shown}")`,
      `print("${shown}")`,
      `ans = r'${shown}'; print(ans)`,
      `def solve():\n    return r"$${shown}$"\nprint(solve())`,
      `print(r"The answer is \\boxed{${shown}}.")`,
      `print(f"\\\\${command}{{${top}}}{{${bottom}}}")`,
      `print("\\\\${command}{%d}{%d}" % (${top}, ${bottom}))`,
      `print(search())  # answer: ${shown}`
    ]
    for (const code of programs) {
      assert.strictEqual(verdictOf(code, `\\${other}{${top}}{${bottom}}`), "leak", code)
      assert.strictEqual(verdictOf(code, `\\${other}{${top}}{${bottom + 100 * top}}`), "clean", code)
    }
  }, runs)

  it("finds other answers in LaTeX, and lets programs pass that work them out", () => {
    const cases: ReadonlyArray<readonly [string, string, "leak" | "clean"]> = [
      ["\\sqrt{21}", "print('\\\\sqrt{21}')", "leak"],
      ["\\sqrt{21}", "print(math.sqrt(f(21)))", "clean"],
      ["3\\sqrt{2}", "x = r'$3 \\sqrt 2$'\nprint(x)", "leak"],
      ["x\\sqrt{2}", "print('x*sqrt(2)')", "leak"],
      ["\\frac{\\pi}{4}", "print('\\frac{\\pi}{4}')", "leak"],
      ["(1,2)", "print(r'\\left(1, 2\\right)')", "leak"],
      ["(1,2)", "print(f(1, 2))", "clean"],
      ["x^2+1", "print('f(x) = x**2 + 1')", "leak"],
      ["\\frac{73}{99}", "print(f'\\\\frac{{{a()}}}{{{b()}}}')", "clean"]
    ]
    for (const [answer, code, verdict] of cases) assert.strictEqual(verdictOf(code, answer), verdict, code)
  })

  it("names what it found, and where", () => {
    const found = (code: string) => {
      const first = firstOf(code, 42)
      return first === undefined ? null : [first.kind, first.line, first.column, first.snippet]
    }
    assert.deepStrictEqual(found("x = 1\nprint(42)"), ["direct_print", 2, 1, "print(42)"])
    assert.deepStrictEqual(found("x = f()\ny = g()  # 42"), ["print_or_comment", 2, 10, "# 42"])
    assert.deepStrictEqual(found("if a:\n    assert f() == 42"), ["assert_or_hardcode", 2, 12, "f() == 42"])
    assert.deepStrictEqual(found("for x in range(42, 43):\n    print(x)"), ["answer_seeded", 1, 10, "range(42, 43)"])
    assert.deepStrictEqual(firstOf("exec('x = 6 * 7\\nprint(x)')", 42)?.line, 1)
    assert.strictEqual(firstOf("print(40 + 2)", 42)?.folded, "42")
  })

  it("gives the surest kind first", () => {
    const { findings } = scanLeaks({ code: "# 42\nx = f()\nassert x == 42\nprint(42)", answer: 42, problem })
    assert.deepStrictEqual(findings.map(({ kind }) => kind), ["direct_print", "print_or_comment", "assert_or_hardcode"])
  })

  it("lets a number of the problem be used as data, but not be printed as the answer", () => {
    const given = { answer: 42, problem: "Of 42 sheep, how many are left if none leaves?" }
    assert.strictEqual(scanLeaks({ ...given, code: "sheep = 42\nprint(left(sheep))" }).verdict, "clean")
    assert.strictEqual(scanLeaks({ ...given, code: "if x == 42:\n    y = 1\nprint(y)" }).verdict, "clean")
    assert.strictEqual(scanLeaks({ ...given, code: "# there are 42 sheep\nprint(left())" }).verdict, "clean")
    assert.strictEqual(scanLeaks({ ...given, code: "print(42)" }).verdict, "leak")
    assert.strictEqual(
      scanLeaks({ code: "if x == 42:\n    y = 1\nprint(y)", answer: 42, answerInProblem: true }).verdict,
      "clean"
    )
  })

  it("takes sums of numbers of the problem for work", () => {
    assert.strictEqual(verdictOf("print(13 + 29)", 42), "leak")
    const problem = "Tom has 13 apples and Ann has twenty-nine."
    assert.strictEqual(scanLeaks({ code: "print(13 + 29)", answer: 42, problem }).verdict, "clean")
  })

  it("is uncertain where an unknown place of a list decides", () => {
    assert.strictEqual(verdictOf("table = [7, 42, 19]\nprint(table[int(input())])", 42), "uncertain")
  })

  it("says nothing without a program or an answer", () => {
    for (const code of ["", " \n", "print(42)"]) {
      assert.strictEqual(scanLeaks({ code, answer: code.includes("42") ? "" : "42" }).verdict, "clean")
    }
  })

  it("is uncertain beyond its bounds, and still sees what is within them", () => {
    assert.strictEqual(scanLeaks({ code: "x = 1\n".repeat(20_000), answer: 42 }).verdict, "uncertain")
    assert.strictEqual(
      scanLeaks({ code: `# the answer is 42\n${"x = 1\n".repeat(20_000)}`, answer: 42 }).verdict,
      "leak"
    )
    assert.strictEqual(scanLeaks({ code: "x = f(42, 1, 2, 3)", answer: 42 }, { nodesMax: 5 }).verdict, "uncertain")
    const calls = `def f(n):\n    return ${Array.from({ length: 10 }, () => "f(n)").join(" + ")}\nprint(f(42))`
    assert.strictEqual(scanLeaks({ code: calls, answer: 42 }).verdict, "uncertain")
  })

  it("reads hostile programs in bounded work and never throws", () => {
    const hostile = [
      "(".repeat(50_000),
      "x = " + "[".repeat(20_000) + "42" + "]".repeat(20_000),
      "print(" + "-".repeat(40_000) + "42)",
      "x = " + "1+".repeat(20_000) + "42",
      "if x:\n".repeat(5_000),
      Array.from({ length: 200 }, (_, i) => `${" ".repeat(i)}if x == 42:`).join("\n"),
      "print(9**9**9**9, 1 << 10**9, '42' * 10**9, [42] * 10**9, 42 ** -(10**9))",
      "x = '42'\n" + "x = x + x\n".repeat(1_000) + "print(x)",
      "x = [42]\n" + "x = [x, x]\n".repeat(1_000) + "print(x)",
      "def f(n):\n    return f(n) + f(n)\nprint(f(42))",
      "f = lambda x: f(f(x))\nprint(f(42))",
      "exec('exec(\"exec(42)\")')\n" + "exec('print(42)')\n".repeat(2_000),
      "s = 's = %r\\nexec(s)'\nexec(s)\nx = 42",
      "'''" + "the answer is 42 ".repeat(3_000),
      "f'" + "{f\"".repeat(5_000) + "42",
      "print(chr(-1), chr(10**9), chr(55296), 42 // 0, 42 % 0, 0 ** -1, [][0], ''[0], 'a'[::0], {}[42])",
      "print(int('42' * 1000), int('z', 36), int('', 16), float('nan'), float('inf'), int('٤٢'))",
      "import zlib, base64\nexec(zlib.decompress(base64.b64decode('" + "A".repeat(9_000) + "')))",
      "\u0000\ufffc\ud800 42 \u2028 print(42)",
      "[x for x in [y for y in [z for z in range(64)]] if x == 42]".repeat(100)
    ]
    for (const code of hostile) {
      for (const answer of ["42", "\\sqrt{42}"]) {
        assert.include(["leak", "clean", "uncertain"], scanLeaks({ code, answer, problem }).verdict)
      }
    }
  })

  it("suspects by its tokens every program in which the tree would show a leak", () => {
    const rows = ownCases<
      { readonly code: string; readonly expected_answer: number | string; readonly problem_text: string }
    >("leak_detection")
    let state = 99
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * limit)
    }
    for (let i = 0; i < 3_000; i++) {
      const row = rows[i % rows.length]
      const other = rows[below(rows.length)]
      if (row === undefined || other === undefined) continue
      // Lines of two programs together, the answer of one.
      const lines = [...row.code.split("\n"), ...(i < rows.length ? [] : other.code.split("\n"))]
      if (i >= rows.length) lines.splice(below(lines.length), 1 + below(2))
      const code = lines.join("\n")
      const answer = readAnswer(String((i % 2 === 0 ? row : other).expected_answer), row.problem_text, undefined)
      const tree = parsePython(code, 20_000)
      if (answer === null || tree === null) continue
      const interpreter = new Interpreter(code, answer, { steps: 20_000, nodes: 20_000 })
      interpreter.run(tree)
      const isLeak = interpreter.sightings.some(({ kind }) => kind !== "uncertain")
      assert.isTrue(!isLeak || mayLeak(code, tokensOf(code), answer), `${code}\n${answer.raw}`)
    }
  })
})
