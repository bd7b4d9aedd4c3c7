// What the quality stage drops and, as important, what it does not.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { JsonObject } from "../../../src/domain/Json.ts"
import { patched } from "../../../src/domain/Stage.ts"
import { normalise } from "../../../src/domain/stages/Normalise.ts"
import { quality, qualityReasons } from "../../../src/domain/stages/Quality.ts"
import { mapStage, realRows } from "./StageCase.ts"

const everything = { checks: [...qualityReasons].filter((reason) => reason !== "missing-answer") }
const reasonOf = (problem: string, params: JsonObject = {}, rest: JsonObject = {}): string | null => {
  const outcome = mapStage(quality, params)({ problem, ...rest })
  return outcome._tag === "Dropped" ? outcome.reason : null
}

const dropsFor: { readonly [reason: string]: ReadonlyArray<string> } = {
  "too-short": ["", "why?", "Find it"],
  "no-letters-or-mathematics": ["12345678 90123 4567", "[3] (4) {5}, 6..."],
  "unbalanced-mathematics": [
    "Let $x+1 = 3. Find x.",
    "Solve \\[x^2 = 4.",
    "Find $\\frac{1}{2$ of it",
    "Let \\begin{cases} x \\\\ y be given.",
    "Find $\\left( x$ and $y$ now."
  ],
  truncated: [
    "Find the number of ways to choose the",
    "Compute $x$ if $y=2$, [truncated]",
    "Let $x$ be a number such that"
  ],
  "needs-image": [
    "In the figure below, find the area of the triangle.",
    "What is $x$ in the diagram?",
    "Find the area ![figure](a.png) of the square.",
    "The graph of $y=f(x)$ is shown below. Find $f(2)$.",
    "Two tangent circles, as shown. Find the radius 5.",
    "Use Figure 3: see Figure 3 for the lengths."
  ],
  "external-link": [
    "Solve the problem at https://example.org/p/1 and explain.",
    "See www.example.com for the statement of it."
  ],
  "encoding-damage": [
    "Find the cafÃ© at 3 o'clock \ufffd.",
    "Janetâ€™s ducks lay 16 eggs.",
    "An angle of 60Â° is given."
  ],
  repetitive: [`Find x. ${"the same words come again and again ".repeat(40)}`],
  "not-english": [
    "Найдите все натуральные числа, для которых",
    "Bestimme alle Zahlen deren Quadrat kleiner ist als hundert und welche durch sieben teilbar sind"
  ]
}

const kept = [
  "Weng earns $12 an hour for babysitting. Yesterday, she did 50 minutes. How much did she earn?",
  "If a pen costs $3 and $x$ pens cost $12, what is $x$?",
  "How many $ does one need if each costs $12?",
  "A book costs $b and a pen $p. What do they cost?",
  "How much is US$5 in cents, and 7$ in cents?",
  "Evaluate $1+2=$",
  "What is 1+1?",
  "$2+2=?$ now",
  "Find the area. [asy]draw((0,0)--(1,1)); label(\"$x\",(0,0));[/asy] in the diagram.",
  "A chip is drawn at random from the bag as shown by the rules of the game. What is the chance of red?",
  "She took 12 pictures. How many of the pictures are left after she gave away 3 of them?",
  "The numbers are shown below.\n\n1, 2, 3, 5\n\nWhat is next?",
  "Find $\\lim_{x \\to 0^-} \\left. f(x) \\right|_{0}^{1}$ of the function.",
  "Compute \\$5 and \\{1, 2\\} and $\\{ x \\}$ for the set.",
  "Let $x$ be such that $x^2=4$. Find the value of a",
  "Find $f(x)$ on $[0, 1)$ and the half-open interval (0, 1]."
]

describe("quality", () => {
  for (const [reason, problems] of Object.entries(dropsFor)) {
    it(`drops as ${reason}`, () => {
      for (const problem of problems) assert.strictEqual(reasonOf(problem, everything), reason, problem)
    })
  }

  it("keeps money, figures in code, stories about pictures and exercises", () => {
    for (const problem of kept) assert.isNull(reasonOf(problem, everything), problem)
  })

  it("drops what is longer than the limits, and rows without an answer where asked to", () => {
    assert.strictEqual(reasonOf("Find x. ".repeat(10), { maxCharacters: 50 }), "too-long")
    assert.strictEqual(reasonOf("Find x. ".repeat(10), { maxTokens: 10 }), "too-long")
    assert.isNull(reasonOf("What is 1+1?"))
    assert.strictEqual(reasonOf("What is 1+1?", { checks: ["missing-answer"] }), "missing-answer")
    assert.isNull(reasonOf("What is 1+1?", { checks: ["missing-answer"] }, { answer: 2 }))
  })

  it("says what it found", () => {
    const outcome = mapStage(quality)({ problem: "In the figure below, find the area." })
    assert.deepStrictEqual(outcome, { _tag: "Dropped", reason: "needs-image", detail: { found: "In the figure" } })
  })

  it("checks nothing where no checks are named, and refuses unknown ones", () => {
    assert.isNull(reasonOf("", { checks: [] }))
    assert.throws(() => Schema.decodeUnknownSync(quality.params)({ checks: ["ugly"] }))
  })

  it("reads hostile texts in linear time", () => {
    const params = { maxCharacters: 1_000_000, maxTokens: 1_000_000 }
    for (
      const part of ["$", "\\begin{", "{", "the figure ", "a ", "\\left", "|x", "[asy]", "![", "graph ", "http://"]
    ) {
      assert.doesNotThrow(() => reasonOf(part.repeat(Math.floor(200_000 / part.length)), params))
    }
  })

  for (const name of ["math_train", "gsm8k_train"]) {
    const rows = realRows(name)
    it.skipIf(rows === undefined)(
      `drops fewer than one row in a hundred of ${name}${rows === undefined ? " (real data is not at hand)" : ""}`,
      () => {
        const [clean, check] = [mapStage(normalise), mapStage(quality)]
        const dropped = (rows ?? []).filter((row) => {
          const outcome = clean(row)
          return outcome._tag === "Kept" && check(patched(row, outcome.patch))._tag === "Dropped"
        })
        assert.isBelow(dropped.length, (rows ?? []).length / 100)
      }
    )
  }
})
