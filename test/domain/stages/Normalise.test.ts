// Rows of many sources made alike.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Json, JsonObject } from "../../../src/domain/Json.ts"
import { patched } from "../../../src/domain/Stage.ts"
import { normalise } from "../../../src/domain/stages/Normalise.ts"
import { mapStage } from "./StageCase.ts"

const run = mapStage(normalise)
const patchOf = (fields: JsonObject, stage = run): JsonObject => {
  const outcome = stage(fields)
  assert(outcome._tag === "Kept")
  return outcome.patch
}
const answered = (answer: Json) => patched({ answer }, patchOf({ answer }))["answer"]

const text = Schema.Array(Schema.Literals([
  "$",
  "$$",
  "\\boxed{",
  "\\(",
  "\\)",
  "{",
  "}",
  "\\",
  "1,000",
  "1{,}000",
  ".",
  "####",
  "\n",
  " ",
  "42",
  "x",
  "-",
  "\\,",
  "\\!",
  "“",
  "\u200b"
])).check(Schema.isMaxLength(14))
const level = Schema.Union([Schema.Literals(["Level 5", "5.0", "hard", "Level ?"]), Schema.Int, Schema.Null])

describe("normalise", () => {
  it.prop("changes nothing the second time", [text, text, text, level], ([problem, answer, solution, level]) => {
    for (const name of ["problem", "question"]) {
      const row = { [name]: problem.join(""), answer: answer.join(""), solution: solution.join(""), level }
      const once = patched(row, patchOf(row))
      assert.deepStrictEqual(patchOf(once), {})
    }
  }, { arbitrary: { seed: 2026, runs: 3_000 } })

  it("patches changed fields only", () => {
    assert.deepStrictEqual(patchOf({ problem: "What is $1+1$?", answer: "2", level: 3, other: "  kept  " }), {})
    assert.deepStrictEqual(patchOf({ problem: "What is  it? ", level: "Level 3" }), {
      problem: "What is  it?",
      level: 3
    })
  })

  it("gives fields their canonical names where those are missing", () => {
    assert.deepStrictEqual(patchOf({ question: "Why 42?", difficulty: 5 }), {
      problem: "Why 42?",
      question: null,
      level: 5,
      difficulty: null
    })
    assert.deepStrictEqual(patchOf({ problem: "Why 42?", question: "No" }), {})
    assert.deepStrictEqual(patchOf({ forum_post: "Why?", question: "No" }), {})
    assert.deepStrictEqual(patchOf({ question: "Why 42?" }, mapStage(normalise, { fields: false })), {})
  })

  it("bares answers", () => {
    for (
      const [answer, bare] of [
        [" $\\boxed{\\frac{1}{2}}$ ", "\\frac{1}{2}"],
        ["\\boxed{\\$5}", "\\$5"],
        ["\\[ 12 \\]", "12"],
        ["1,234,567", "1234567"],
        ["10,\\!080", "10080"],
        ["-1{,}000.", "-1000"],
        [42, "42"],
        [true, "true"]
      ] as const
    ) assert.strictEqual(answered(answer), bare)
  })

  it("leaves answers alone that only look wrapped or separated", () => {
    for (
      const answer of [
        "$a$ and $b$",
        "\\boxed{a}+\\boxed{b}",
        "1,2,3",
        "12,34",
        "(1,000)",
        "1,000.5",
        "$5",
        "\\frac{1}{2}",
        "x."
      ]
    ) {
      assert.strictEqual(answered(answer), answer)
    }
  })

  it("takes the answer out of a last line of the working", () => {
    assert.deepStrictEqual(patchOf({ solution: "3*6=18\n#### 18" }), { answer: "18", solution: "3*6=18" })
    assert.deepStrictEqual(patchOf({ answer: "3*600=1800\n#### 1,800" }), { answer: "1800", solution: "3*600=1800" })
    assert.deepStrictEqual(patchOf({ answer: "7", solution: "no\n#### 18" }), {})
    assert.deepStrictEqual(patchOf({ solution: "#### not the end\nmore" }), {})
  })

  it("writes whole levels as numbers and others as they are", () => {
    for (
      const [level, whole] of [["Level 5", 5], ["5.0", 5], ["level 2", 2], ["Level ?", "Level ?"], ["2.5", "2.5"], [
        4,
        4
      ]] as const
    ) {
      assert.strictEqual(patched({ level }, patchOf({ level }))["level"], whole)
    }
  })

  it("cleans the texts of a discussion, whatever their shape", () => {
    assert.deepStrictEqual(patchOf({ forum_discussions: ["a\u200bb", 3] }), { forum_discussions: ["ab", 3] })
  })
})
