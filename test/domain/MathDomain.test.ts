// The classifier of domains: what it says of plain problems, what it is worth on labelled ones, and its laws on any text.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isHeldOut, labelOf } from "../../bench/MathTypes.ts"
import { classifyDomain, type MathDomain, mathDomains } from "../../src/domain/MathDomain.ts"
import { startPoints } from "../../src/domain/MathDomain/TextPoints.ts"
import { readLimit } from "../../src/domain/MathDomain/Words.ts"
import { realRows, textOf } from "./stages/StageCase.ts"

const domainOf = (text: string, rest: { readonly code?: string; readonly plan?: string } = {}) =>
  classifyDomain({ text, ...rest }).domain

describe("classifyDomain", () => {
  const plain: ReadonlyArray<readonly [MathDomain, string]> = [
    ["number_theory", "Find the remainder when $7^{100}$ is divided by 13."],
    ["number_theory", "Find the greatest common divisor of 84 and 126, and all primes that divide it."],
    ["number_theory", "Find all integers $n$ with $n^2 \\equiv 1 \\pmod{24}$."],
    ["geometry", "In triangle $ABC$ the altitudes $AD$, $BE$ and $CF$ meet at the orthocenter $H$. Find $AH:HD$."],
    ["geometry", "Two circles are externally tangent. Find the length of the common tangent of radius 3 and 4."],
    ["geometry", "∠ABC = 40° and AB ⊥ BC."],
    ["geometry", "In triangle ABC, AB=5, BC=6, find the area."],
    ["geometry", "Find the area of the circle."],
    ["number_theory", "What is the number of primes below 700 that are odd?"],
    ["number_theory", "Find the gcd of 12 and 18."],
    ["algebra", "Find the remainder when the polynomial $x^3 + 2x + 1$ is divided by $x - 2$."],
    ["algebra", "Find the equation of the circle with center $(1, 2)$ in the plane."],
    ["combinatorics", "In how many ways can 5 people be seated around a table?"],
    ["combinatorics", "A fair coin is tossed 8 times. What is the probability of exactly three heads?"],
    ["combinatorics", "Compute $\\binom{8}{3} + \\dbinom{9}{2}$."],
    ["algebra", "Let $f$ be a quadratic polynomial with real roots. Solve the equation $f(x) = 0$."],
    ["algebra", "Evaluate $\\log_2 64 + \\sum_{k=1}^{5} k^2$."]
  ]
  for (const [domain, text] of plain) {
    it(`takes ${JSON.stringify(text)} for ${domain}`, () => assert.strictEqual(domainOf(text), domain))
  }

  it("knows nothing of a text without any word that speaks for a domain", () => {
    for (const text of ["", " ", "Hello there.", "你好", "12 34", "\ud800", "\\", "[asy"]) {
      assert.deepStrictEqual(classifyDomain({ text }), {
        domain: null,
        scores: { ...startPoints },
        margin: 0,
        fired: []
      })
    }
  })

  it("is moved by what the code calls and by what the plan says", () => {
    const text = "Find the value of N."
    const code = "from sympy import factorint\nfrom math import gcd\nprint(gcd(84, 126), factorint(84))"
    assert.strictEqual(domainOf(text, { code }), "number_theory")
    assert.strictEqual(
      domainOf(text, { code: "import itertools\nprint(len(list(itertools.permutations('abc'))))" }),
      "combinatorics"
    )
    assert.strictEqual(
      domainOf(text, { plan: "Draw the circumcircle of the triangle and bisect the angle." }),
      "geometry"
    )
    assert.isTrue(classifyDomain({ text, code }).fired.some((rule) => rule.where === "code" && rule.word === "gcd"))
  })

  it("lets a strong word decide only where nothing speaks for algebra", () => {
    const has = (text: string) => classifyDomain({ text }).fired.some(({ word }) => word === ":no_algebra")
    for (const text of ["A triangle.", "A triangle with AB = 5.", "A prime."]) assert.isTrue(has(text), text)
    for (const text of ["A triangle and an equation.", "A coin.", "An area.", ""]) assert.isFalse(has(text), text)
    assert.isFalse(classifyDomain({ text: "", code: "gcd(1, 2)" }).fired.some(({ word }) => word === ":no_algebra"))
  })

  it("counts a word once, however often it comes, and not what stands in a drawing", () => {
    const once = classifyDomain({ text: "A triangle." })
    assert.deepStrictEqual(classifyDomain({ text: "A triangle. ".repeat(50) }).scores, once.scores)
    assert.deepStrictEqual(classifyDomain({ text: "A TRIANGLE, two Triangles." }).scores, once.scores)
    const drawn = classifyDomain({ text: "[asy] triangle probability prime polynomial; [/asy]" })
    assert.deepStrictEqual([...new Set(drawn.fired.map((rule) => rule.word))], [":figure"])
  })

  it("reads the first 20,000 characters, of any number", () => {
    const text = "word ".repeat(readLimit / 5)
    assert.strictEqual(domainOf(text + "triangle probability"), null)
    assert.strictEqual(domainOf("circle of radius 5 ".repeat(100_000)), domainOf("circle of radius 5 circle"))
    assert.strictEqual(domainOf("[asy]".repeat(200_000)), domainOf("[asy]"))
    assert.strictEqual(domainOf("s".repeat(1_000_000)), null)
  })

  const pieces = Schema.Array(Schema.Literals([
    "triangle ",
    "remainder ",
    "how many ways ",
    "polynomial ",
    "ABC ",
    "$",
    "\\",
    "\\pmod",
    "[asy]",
    "[/asy]",
    "-",
    "_",
    "°",
    "s",
    "\ud800",
    "x^2",
    "=",
    "!",
    "GCD ",
    "\n",
    "probability",
    "circles",
    "é"
  ])).check(Schema.isMaxLength(40))

  it.prop("scores are the starting points and those of the rules that fired, and the margin is the lead", [
    pieces,
    pieces,
    pieces
  ], ([text, code, plan]) => {
    const reading = classifyDomain({ text: text.join(""), code: code.join(""), plan: plan.join("") })
    const scores: Record<MathDomain, number> = { ...startPoints }
    for (const rule of reading.fired) {
      assert.isAtLeast(rule.points, 1)
      scores[rule.domain] += rule.points
    }
    assert.deepStrictEqual(reading.scores, scores)
    assert.strictEqual(
      new Set(reading.fired.map(({ domain, where, word }) => `${where} ${word} ${domain}`)).size,
      reading.fired.length
    )
    assert.strictEqual(reading.domain === null, reading.fired.length === 0)
    if (reading.domain === null) return
    const best = scores[reading.domain]
    const others = mathDomains.filter((domain) => domain !== reading.domain).map((domain) => scores[domain])
    assert.strictEqual(reading.margin, best - Math.max(...others))
    assert.isAtLeast(reading.margin, 0)
  }, { arbitrary: { seed: 2026, runs: 300 } })

  for (const [name, least, held] of [["math_train", 0.81, true], ["math500", 0.83, false]] as const) {
    it(`agrees with the types of ${name} on problems it was never fitted to`, ({ skip }) => {
      const rows = realRows(name)
      if (rows === undefined) return skip("no shared data")
      let [right, all] = [0, 0]
      for (const row of rows) {
        const text = textOf(row["problem"])
        if (held && !isHeldOut(text)) continue
        all++
        if (domainOf(text) === labelOf(textOf(row["type"] ?? row["subject"]))) right++
      }
      process.stdout.write(`classifier: ${name}: ${right} of ${all} problems as their type says\n`)
      assert.isAtLeast(right / all, least)
    })
  }
})
