// Benchmark texts found in every disguise that changes no token, and not found where only phrases are shared.
import { assert, describe, it } from "@effect/vitest"
import type { BenchmarkText } from "../../../src/domain/Stage.ts"
import { decontaminate } from "../../../src/domain/stages/Decontaminate.ts"
import { NgramIndex } from "../../../src/domain/text/NgramIndex.ts"
import { tokenise } from "../../../src/domain/text/Tokens.ts"
import { mapStage, realRows, resources, textOf } from "./StageCase.ts"

const long =
  "Let $x$ be a positive real number such that $x^2 + \\frac{1}{x^2} = 7$. Find the value of $x^3 + \\frac{1}{x^3}$."
const short = "What is $1+1$?"
const benchmarks: ReadonlyArray<BenchmarkText> = [
  { benchmark: "a", id: "long", text: long },
  { benchmark: "b", id: "short", text: short },
  { benchmark: "b", id: "vague", text: "Find $x$." },
  {
    benchmark: "c",
    id: "story",
    text:
      "A farmer has 17 sheep and buys 25 more at a fair. Then he sells 9 of them. How many has he now? Compute $3+4$."
  }
]
const run = mapStage(decontaminate, {}, resources(benchmarks))
const found = (problem: string): ReadonlyArray<string> => {
  const outcome = run({ problem })
  if (outcome._tag !== "Dropped") return []
  assert.strictEqual(outcome.reason, "contaminated")
  return (outcome.detail as { matches: ReadonlyArray<{ id: string }> }).matches.map(({ id }) => id)
}

describe("decontaminate", () => {
  it("finds a text verbatim, spaced, wrapped, upper-cased and delimited otherwise", () => {
    for (
      const disguise of [
        long,
        long.replaceAll(" ", "\n  "),
        long.toUpperCase().replaceAll("\\FRAC", "\\frac"),
        long.replace(/\$([^$]*)\$/g, "\\($1\\)"),
        long.replaceAll("\\frac", "\\dfrac").replaceAll(" = ", "\\;=\\, "),
        long.replaceAll("^2", "^{2}").replaceAll("$", "$$"),
        `Here is a nice exercise that I found in an old book. ${long} Show all of your steps, and good luck to you.`
      ]
    ) assert.deepStrictEqual(found(disguise), ["long"], disguise)
  })

  it("finds a problem that is a part of a text", () => {
    assert.deepStrictEqual(found("A farmer has 17 sheep and buys 25 more at a fair. Then he sells 9."), ["story"])
  })

  it("finds short texts whole, alone or as a sentence", () => {
    assert.deepStrictEqual(found("what is 1 + 1"), ["short"])
    assert.deepStrictEqual(found("I have a question for you today. What is $1 + 1$? Please do answer it soon."), [
      "short"
    ])
    assert.deepStrictEqual(found("Find $x$."), ["vague"])
    assert.deepStrictEqual(found("Compute 3+4."), ["story"])
  })

  it("does not take a phrase, a longer sum or a common order for a text", () => {
    for (
      const other of [
        "What is 1+1+1?",
        "So what is 1+1?",
        "Let $2x=4$. Find $x$.",
        "Let $x$ be a positive real number such that $x=1$.",
        "How many has he now?",
        "Find the value of it.",
        ""
      ]
    ) assert.deepStrictEqual(found(other), [], other)
  })

  it("reports every match with both shares, most alike first", () => {
    const outcome = mapStage(
      decontaminate,
      { maxMatches: 1 },
      resources([...benchmarks, { benchmark: "d", id: "again", text: `${long} Explain.` }])
    )({ problem: long })
    assert.deepStrictEqual(outcome, {
      _tag: "Dropped",
      reason: "contaminated",
      detail: { matches: [{ benchmark: "a", id: "long", benchmarkInProblem: 1, problemInBenchmark: 1 }], found: 2 }
    })
  })

  it("keeps everything where there are no benchmarks", () => {
    assert.deepStrictEqual(mapStage(decontaminate)({ problem: long }), { _tag: "Kept", patch: {} })
  })

  const real = realRows("math500")
  it.skipIf(real === undefined)(
    `finds each text of a real benchmark, inside of others too${
      real === undefined ? " (real data is not at hand)" : ""
    }`,
    () => {
      const texts = (real ?? []).map((row) => textOf(row["problem"]))
      const check = mapStage(
        decontaminate,
        {},
        resources(texts.map((text, i) => ({ benchmark: "math500", id: String(i), text })))
      )
      for (const text of texts) {
        assert.strictEqual(check({ problem: text })._tag, "Dropped", text)
        assert.strictEqual(
          check({ problem: `Think about this one.\n\n${text}\n\nGive reasons.` })._tag,
          "Dropped",
          text
        )
      }
    }
  )
})

describe("the index", () => {
  it("answers containment as the definition on sets of runs does", () => {
    const texts = ["a b c d e f", "b c d e", "x y z", "a b c a b c a b"].map((text) => tokenise(text))
    const runs = (text: string) => {
      const { words } = tokenise(text)
      return new Set(words.slice(2).map((_, i) => words.slice(i, i + 3).join(" ")))
    }
    const query = "b c d e f g"
    const answers = new NgramIndex(3, texts).query(tokenise(query), 0.01)
    const own = runs(query)
    for (const { queryInText, text, textInQuery } of answers) {
      const other = runs(texts[text]?.words.join(" ") ?? "")
      const common = [...other].filter((run) => own.has(run)).length
      assert.closeTo(textInQuery, common / other.size, 1e-12)
      assert.closeTo(queryInText, common / own.size, 1e-12)
    }
    assert.deepStrictEqual(answers.map(({ text }) => text), [0, 1])
  })

  it("needs a few megabytes for 2,000 texts of 80 tokens", () => {
    const texts = Array.from(
      { length: 2_000 },
      (_, t) => ({ words: Array.from({ length: 80 }, (_, i) => `w${t * i}`), starts: [] })
    )
    assert.isBelow(new NgramIndex(8, texts).byteLength, 30_000_000)
  })
})
