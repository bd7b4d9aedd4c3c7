// Questions as text: what they are made of, what has none, and that nothing of an answer's own text is in them.
import { assert, describe, it } from "@effect/vitest"
import { defaultSteps } from "../../../src/domain/Verify.ts"
import { clean } from "../../../src/domain/Verify/Clean.ts"
import { openQuestions, outcomeKnowing } from "../../../src/domain/Verify/OpenQuestions.ts"
import { parse } from "../../../src/domain/Verify/Parse.ts"
import { sympyQuestion } from "../../../src/domain/Verify/SymPyText.ts"
import { latexLikeText, numbersFrom } from "./LatexLike.ts"

const questions = (gold: string, pred: string) => openQuestions({ gold, pred, bare: true })
const geometric = "\\sum_{k=0}^\\infty \\frac{1}{2^k}"

describe("questions about values", () => {
  it("are calls of the program's own names, with names of our own for variables", () => {
    assert.deepStrictEqual(questions("\\ln 2", "\\sum_{n=1}^\\infty \\frac{(-1)^{n+1}}{n}"), [
      "decide(lambda: (ln(integer(2)), infinite_sum(lambda k0: div(power(integer(-1), add(k0, integer(1))), k0), integer(1))), (), True, False)"
    ])
    assert.deepStrictEqual(questions("2^{4000}", "2^{n-1}\\beta\\sqrt7"), [
      "decide(lambda s0, s1: (power(integer(2), integer(4000)), mul(power(integer(2), add(s1, integer(-1))), s0, root(integer(7), integer(2)))), (False, True,), True, False)"
    ])
  })

  it("are asked of what the rules leave open alone", () => {
    assert.deepStrictEqual(questions("1/2", "0.5"), [])
    assert.deepStrictEqual(questions("\\sin 2x", "2\\sin x\\cos x"), [])
    assert.lengthOf(questions(`(1, ${geometric})`, "(1, 2)"), 1)
    assert.lengthOf(questions(`(1, ${geometric})`, "(3, 2)"), 0)
  })

  it("have no form for what has no faithful counterpart", () => {
    for (
      const open of [
        "f(4-x)",
        "\\operatorname{lcm}(\\pi, 3)",
        `0.5 + ${geometric}`,
        `5\\text{ squared}`,
        "\\sum_{k=0}^\\infty x^k",
        "\\prod_{k=1}^\\infty (1+\\frac{1}{k^2})",
        "\\sum_{k=1}^\\infty \\sum_{j=1}^\\infty \\frac{1}{j^2k^2}",
        "\\int \\frac{1}{x} dx"
      ]
    ) assert.deepStrictEqual(questions("47", open), [], open)
  })

  it("are not asked where a rounding or a modulus is allowed", () => {
    const pair = { gold: "2", pred: geometric, bare: true }
    assert.lengthOf(openQuestions(pair), 1)
    assert.deepStrictEqual(openQuestions({ ...pair, opts: { rel_tol: 0.1 } }), [])
    assert.deepStrictEqual(openQuestions({ ...pair, opts: { modulo: 1000 } }), [])
    assert.deepStrictEqual(openQuestions({ ...pair, gold: "2.0" }), [])
  })

  it("cannot say that two logarithms without a base differ", () => {
    assert.match(questions("\\log 3", geometric)[0] ?? "", /, False, False\)$/)
    assert.match(questions("\\ln 3", geometric)[0] ?? "", /, True, False\)$/)
  })

  it("are made of closed lists of names, whatever the answers are", () => {
    const next = numbersFrom(20_261_121)
    const read = (text: string) => parse(clean(text), { commas: "thousands" }, { left: defaultSteps })?.node ?? null
    const hostile = [
      "x_{os.system(1)}",
      "\\operatorname{__import__}(x)",
      "\\text{eval}",
      "s0_{0)}",
      "E_1",
      "\\sin_x",
      "x'",
      "\\bar{x}"
    ]
    const names = new Set<string>()
    let count = 0
    for (let pair = 0; pair < 6_000; pair++) {
      const [gold, answer] = [
        read(`${latexLikeText(next, 4)}+${hostile[pair % hostile.length]}`),
        read(`${latexLikeText(next, 4)}+\\int_0^1 e^{-t^2}dt`)
      ]
      for (const [a, b] of [[gold, gold], [answer, answer], [gold, answer]]) {
        const question = a == null || b == null ? null : sympyQuestion(a, b)
        if (question === null) continue
        count++
        assert.match(
          question,
          /^decide\(lambda(?: s\d(?:, s\d)*)?: \([\w(), :-]+\), \((?:(?:True|False),? ?)*\), (?:True|False), (?:True|False)\)$/
        )
        assert.isAtMost(question.length, 4_000)
        for (const [name] of question.matchAll(/[A-Za-z_]\w*/g)) names.add(name)
      }
    }
    const known =
      "decide lambda True False integer rational add mul div power root ln log_to pi E I oo Abs sin cos tan integral "
      + "factorial_of double_factorial_of choose round_down infinite_sum remainder largest smallest limit_at"
    assert.isAbove(count, 200)
    assert.deepStrictEqual([...names].filter((name) => !known.split(" ").includes(name) && !/^[sk]\d+$/.test(name)), [])
  })

  it("are not asked of what is too deep or too long", () => {
    assert.deepStrictEqual(questions("2", `${"\\sin(".repeat(70)}${geometric}${")".repeat(70)}`), [])
    assert.deepStrictEqual(questions("2", `${geometric}${"+\\sqrt{17}".repeat(300)}`), [])
  })
})

describe("the outcome of a pair", () => {
  const known = (
    pair: { readonly gold: string; readonly pred: string },
    outcomes: ReadonlyArray<"equal" | "unequal">
  ) =>
    outcomeKnowing(
      { ...pair, bare: true },
      new Map(
        questions(pair.gold, pair.pred).slice(0, outcomes.length).map((
          question,
          at
        ) => [question, outcomes[at] ?? "undecided"])
      )
    )

  it("is that of its parts", () => {
    const pair = { gold: `(1, ${geometric})`, pred: "(1, 2)" }
    assert.strictEqual(known(pair, ["equal"]), "equal")
    assert.strictEqual(known(pair, ["unequal"]), "unequal")
    assert.strictEqual(known(pair, []), "undecided")
  })

  it("is not unequal while another reading is open", () => {
    const pair = { gold: "50\\%", pred: geometric }
    assert.lengthOf(questions(pair.gold, pair.pred), 2)
    assert.strictEqual(known(pair, ["unequal"]), "undecided")
    assert.strictEqual(known(pair, ["unequal", "unequal"]), "unequal")
    assert.strictEqual(known(pair, ["unequal", "equal"]), "equal")
  })

  it("is never changed where the rules have decided", () => {
    assert.strictEqual(outcomeKnowing({ gold: "1", pred: "1", bare: true }, new Map()), "equal")
    assert.strictEqual(outcomeKnowing({ gold: "1", pred: "2", bare: true }, new Map()), "unequal")
  })
})
