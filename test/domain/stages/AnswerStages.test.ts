// The stages about answers and labels: what they set, what they leave alone, and that no row breaks them.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Json, JsonObject } from "../../../src/domain/Json.ts"
import {
  baseOf,
  fieldsAfter,
  ingested,
  initialProblem,
  record,
  rerun,
  type StageRecord
} from "../../../src/domain/Problem.ts"
import { type MapStage, patched } from "../../../src/domain/Stage.ts"
import { checkAnswers } from "../../../src/domain/stages/CheckAnswers.ts"
import { classify } from "../../../src/domain/stages/Classify.ts"
import { difficulty } from "../../../src/domain/stages/Difficulty.ts"
import { fillAnswers } from "../../../src/domain/stages/FillAnswers.ts"
import { mapStage, realRows } from "./StageCase.ts"

/** The fields after the stage. */
const after = <P>(stage: MapStage<P>, fields: JsonObject, params: JsonObject = {}): JsonObject => {
  const outcome = mapStage(stage, params)(fields)
  assert.strictEqual(outcome._tag, "Kept")
  return outcome._tag === "Kept" ? patched(fields, outcome.patch) : {}
}

describe("classify", () => {
  const problem = "Find the remainder when $7^{100}$ is divided by 13."

  it("gives a problem its domain, with the margin and the words that spoke for it", () => {
    const outcome = mapStage(classify)({ problem })
    assert.strictEqual(outcome._tag, "Kept")
    if (outcome._tag !== "Kept") return
    assert.deepStrictEqual(outcome.patch, { domain: "number_theory" })
    const detail = outcome.detail as { readonly margin: number; readonly words: ReadonlyArray<string> }
    assert.isAbove(detail.margin, 0)
    assert.include(detail.words, "remainder")
  })

  it("leaves a domain that is there, unless it may be replaced", () => {
    assert.strictEqual(after(classify, { problem, domain: "logic" })["domain"], "logic")
    assert.strictEqual(after(classify, { problem, domain: "logic" }, { overwrite: true })["domain"], "number_theory")
    assert.strictEqual(after(classify, { problem, domain: "" })["domain"], "number_theory")
  })

  it("gives none where nothing or too little speaks for one", () => {
    assert.deepStrictEqual(after(classify, { problem: "Hello there." }), { problem: "Hello there." })
    assert.deepStrictEqual(after(classify, { problem }, { minMargin: 1_000 }), { problem })
    assert.deepStrictEqual(after(classify, { problem: 7 }), { problem: 7 })
  })

  it("reads code and plan as well", () => {
    const code = "from math import gcd\nfrom sympy import factorint\nprint(gcd(8, 12), factorint(8))"
    assert.strictEqual(after(classify, { problem: "Find N.", code })["domain"], "number_theory")
    assert.strictEqual(
      after(classify, {
        problem: "Find N.",
        code: 5,
        plan: "Bisect the angle of the triangle, \
draw the circumcircle."
      })["domain"],
      "geometry"
    )
  })
})

describe("check-answers", () => {
  const solution = "First $4$, then $5$; so the answer is $\\boxed{\\frac12}$."

  it("sets the verdict on the answer that the solution boxes, and the rule that decided", () => {
    const row = after(checkAnswers, { answer: "0.5", solution })
    assert.deepStrictEqual([row["verdict"], row["solutionAnswer"]], ["equal", undefined])
    assert.isString(row["verdictRule"])
    const other = after(checkAnswers, { answer: 3, solution })
    assert.deepStrictEqual([other["verdict"], other["solutionAnswer"]], ["unequal", "\\frac12"])
  })

  it("drops a row whose solution says another answer only where it is asked to, and never an undecided one", () => {
    const run = mapStage(checkAnswers, { dropDisagreeing: true })
    const outcome = run({ answer: "3", solution })
    assert.strictEqual(outcome._tag, "Dropped")
    if (outcome._tag === "Dropped") assert.strictEqual(outcome.reason, "answer-disagrees")
    assert.strictEqual(run({ answer: "0.5", solution })._tag, "Kept")
    assert.strictEqual(run({ answer: "3", solution: "It is 5." })._tag, "Kept")
    assert.strictEqual(mapStage(checkAnswers)({ answer: "3", solution })._tag, "Kept")
  })

  it("looks for words and last numbers only where it is asked to", () => {
    const told = { answer: "7", solution: "We add. The answer is 8." }
    const last = { answer: "7", solution: "We add 3 and 5, which gives 8" }
    const verdictOf = (fields: JsonObject, mode: string) => after(checkAnswers, fields, { solution: mode })["verdict"]
    assert.deepStrictEqual(["boxed", "announced", "any", "none"].map((mode) => verdictOf(told, mode)), [
      undefined,
      "unequal",
      "unequal",
      undefined
    ])
    assert.strictEqual(verdictOf(last, "any"), "unequal")
    assert.strictEqual(verdictOf({ answer: "3", solution }, "none"), undefined)
  })

  it("counts samples: a missing answer is no pass, an unreadable sample neither", () => {
    const samples = ["so \\boxed{7}", { text: "The answer is 7." }, { answer: 7 }, { answer: "8" }, "", {}, 5]
    const row = after(checkAnswers, { answer: "7", samples })
    assert.deepStrictEqual(row["sampleVerdicts"], { equal: 3, unequal: 1, undecided: 0, unanswered: 3 })
    assert.strictEqual(row["passRate"], 3 / 7)
    assert.deepStrictEqual(after(checkAnswers, { answer: "7", samples }, { samples: 2 })["passRate"], 1)
    assert.deepStrictEqual(after(checkAnswers, { answer: "7", samples }, { samples: 0 }), { answer: "7", samples })
  })

  it("leaves the undecided out of the pass rate", () => {
    const row = after(checkAnswers, { answer: "\\int_0^1 f(t)\\,dt", samples: [{ answer: "\\heartsuit(x)" }] })
    const verdicts = row["sampleVerdicts"] as { readonly undecided: number }
    if (verdicts.undecided === 1) assert.isUndefined(row["passRate"])
  })

  it("leaves what the source says itself, of the solution and of the samples apart, unless it may be replaced", () => {
    const samples = ["so \\boxed{3}"]
    const fields = { answer: "3", solution, samples }
    const accepted = { ...fields, verdict: "accepted" }
    const first = after(checkAnswers, accepted)
    assert.deepStrictEqual([first["verdict"], first["verdictRule"], first["solutionAnswer"]], [
      "accepted",
      undefined,
      undefined
    ])
    assert.strictEqual(first["passRate"], 1)
    const rated = after(checkAnswers, { ...fields, passRate: 0.25 })
    assert.deepStrictEqual([rated["passRate"], rated["sampleVerdicts"], rated["verdict"]], [0.25, undefined, "unequal"])
    for (const name of ["verdict", "verdictRule", "solutionAnswer", "passRate", "sampleVerdicts"]) {
      assert.strictEqual(after(checkAnswers, { ...fields, [name]: 0 })[name], 0)
      assert.notStrictEqual(after(checkAnswers, { ...fields, [name]: 0 }, { overwrite: true })[name], 0)
      assert.deepStrictEqual(after(checkAnswers, { ...fields, [name]: "" }), after(checkAnswers, fields))
    }
    // What is replaced is replaced as a whole: an equal solution has no other answer.
    const stale = { answer: "0.5", solution, verdict: "unequal", solutionAnswer: "7", passRate: 0.1 }
    const anew = after(checkAnswers, stale, { overwrite: true })
    assert.deepStrictEqual([anew["verdict"], anew["solutionAnswer"], anew["passRate"]], ["equal", undefined, 0.1])
    // A drop rests on the stage's own comparison.
    assert.strictEqual(mapStage(checkAnswers, { dropDisagreeing: true })(accepted)._tag, "Dropped")
  })

  it("replaces its own values in a rerun, which starts from the fields before it", () => {
    const raw = { answer: "3", solution, difficulty: 2 }
    const row = { run: "r", seq: 0, sub: 0, parent: null, id: "p", source: "s", line: 1, raw, from: 0 }
    const outcome = mapStage(checkAnswers)(raw) as StageRecord["outcome"]
    const one: StageRecord = {
      ord: 0,
      name: "check-answers",
      version: 1,
      inputs: "",
      generation: 0,
      attempts: 1,
      millis: 0,
      outcome
    }
    const walk = { generation: 0, to: 1 }
    const made = record(ingested(initialProblem, row), {
      base: baseOf(raw),
      from: 0,
      records: [one],
      last: true,
      walk
    })
    assert.strictEqual(made._tag, "Accepted")
    if (made._tag !== "Accepted") return
    assert.strictEqual(fieldsAfter(made.state.raw, made.state.records)["verdict"], "unequal")
    const again = rerun(made.state, { stage: "check-answers" })
    assert.strictEqual(again._tag, "Accepted")
    if (again._tag === "Accepted") assert.deepStrictEqual(fieldsAfter(again.state.raw, again.state.records), raw)
  })

  it("takes markers for no answer, of the row, its solution and its samples", () => {
    const samples = [{ answer: "None" }, { answer: " ", text: "so \\boxed{7}" }, "\\boxed{N/A}", "None", {
      answer: "7"
    }]
    const row = after(checkAnswers, { answer: "7", samples })
    assert.deepStrictEqual(row["sampleVerdicts"], { equal: 2, unequal: 0, undecided: 0, unanswered: 3 })
    const template = { answer: "7", solution: "\\boxed{\\text{answer}}" }
    assert.deepStrictEqual(after(checkAnswers, template, { dropDisagreeing: true }), template)
    for (const answer of ["n/a", "None", "\\boxed{?}"]) {
      assert.deepStrictEqual(after(checkAnswers, { answer, solution, samples }), { answer, solution, samples })
    }
  })

  it("leaves rows alone that have nothing to check", () => {
    for (
      const fields of [{}, { answer: "7" }, { solution }, { answer: "", solution }, { answer: null, samples: ["7"] }]
    ) {
      assert.deepStrictEqual(after(checkAnswers, fields), fields)
    }
    for (
      const fields of [{ answer: "7", samples: [] }, { answer: "7", samples: "7" }, {
        answer: "x".repeat(3_000),
        solution
      }]
    ) {
      assert.deepStrictEqual(after(checkAnswers, fields), fields)
    }
  })

  it("finds the gold answers of MATH in their solutions", ({ skip }) => {
    const rows = realRows("math500")
    if (rows === undefined) return skip("no shared data")
    const found = rows.map((row) => after(checkAnswers, row)["verdict"])
    assert.isAtLeast(found.filter((verdict) => verdict === "equal").length, 495)
  })
})

describe("fill-answers", () => {
  const of = (samples: ReadonlyArray<Json>, more: JsonObject = {}, params: JsonObject = {}) =>
    after(fillAnswers, { samples, ...more }, params)

  it("fills with what most samples say, over classes of equal answers, and tells the votes", () => {
    const row = of(["\\boxed{0.5}", "so \\boxed{\\frac12}", { answer: "1/2" }, { text: "The answer is 3." }, "no idea"])
    assert.strictEqual(row["answerFrom"], "majority")
    const votes = row["answerVotes"] as JsonObject
    assert.deepStrictEqual([votes["votes"], votes["runnerUp"], votes["answered"], votes["total"], votes["classes"]], [
      3,
      1,
      4,
      5,
      2
    ])
    assert.include(["0.5", "1/2", "\\frac12"], row["answer"])
  })

  it("does not fill with too few votes, without a lead, or without answers, and never with a marker", () => {
    for (const samples of [["5"], ["5", "5"], ["5", "5", "5", "6", "6"], ["no", "idea"], ["", "", ""], [null, 5]]) {
      assert.deepStrictEqual(of(samples), { samples })
    }
    assert.strictEqual(of(["5", "5"], {}, { minVotes: 2 })["answer"], "5")
  })

  it("takes no marker for an answer, neither of samples nor of the row", () => {
    const fills = (samples: ReadonlyArray<Json>, more: JsonObject = {}) => of(samples, more)["answer"]
    for (const marker of ["None", "null", "N/A", "?", "unknown", "nan", "\\text{answer}", "\\boxed{None}", " "]) {
      assert.isUndefined(fills([{ answer: marker }, { answer: marker }, { answer: marker }]), marker)
      assert.strictEqual(fills(["5", "5", "5"], { answer: marker }), "5", marker)
      if (marker === "\\boxed{None}") continue
      assert.isUndefined(fills([marker, marker, marker]), marker)
      const said = `The final answer is \\boxed{${marker}}`
      if (marker !== "None") assert.isUndefined(fills([said, said, said]), said)
    }
    assert.strictEqual(fills(["5", "5", "5", { answer: "None" }, { answer: "N/A" }]), "5")
    assert.isUndefined(fills(["5", "5", "5", ...Array.from({ length: 4 }, () => ({ answer: "None" }))]))
  })

  it("fills with none and no solution where texts say so", () => {
    const all = (text: string) => of([text, text, text])["answer"]
    assert.strictEqual(all("The answer is none."), "none")
    assert.strictEqual(all("It has \\boxed{\\text{no solution}}"), "\\text{no solution}")
    assert.strictEqual(of(["a", "b", "c"].map(() => ({ answer: "no solutions" })))["answer"], "no solutions")
  })

  it("reads the text of a sample whose answer is blank", () => {
    for (const answer of ["", "  ", "None"]) {
      const sample = { answer, text: "so \\boxed{7}" }
      assert.strictEqual(of([sample, sample, sample])["answer"], "7")
    }
  })

  it("leaves an answer that is there, and rows without samples", () => {
    assert.strictEqual(of(["5", "5", "5"], { answer: "6" })["answer"], "6")
    assert.strictEqual(of(["5", "5", "5"], { answer: 0 })["answer"], 0)
    assert.strictEqual(of(["5", "5", "5"], { answer: " " })["answer"], "5")
    assert.deepStrictEqual(after(fillAnswers, { problem: "p" }), { problem: "p" })
    assert.deepStrictEqual(after(fillAnswers, { samples: "5" }), { samples: "5" })
  })
})

describe("difficulty", () => {
  const of = (fields: JsonObject, params: JsonObject = {}) => after(difficulty, fields, params)["difficulty"]

  it("is from the ladder, else from the pass rate, else from the level", () => {
    const computation_buckets = [{ level: 3, passes: 0 }, { level: 5, passes: 1 }]
    assert.strictEqual(of({ computation_buckets, passRate: 0.5, level: 1 }), 5)
    assert.strictEqual(of({ passRate: 0.5, level: 1 }), 4)
    assert.strictEqual(of({ passRate: 0.5 }, { mode: "published" }), 3)
    assert.strictEqual(of({ level: 1 }), 1)
    assert.strictEqual(of({ level: "3" }), 3)
    assert.strictEqual(of({ computation_buckets, from_solution: { case_split: "multi" } }, { mode: "published" }), 5.3)
  })

  it("takes the unsolved for the hardest, or for the middle as published", () => {
    const unsolved = { computation_buckets: [{ level: 1, passes: 0 }] }
    assert.strictEqual(of(unsolved), 9)
    assert.strictEqual(of(unsolved, { mode: "published" }), 2)
    assert.strictEqual(of({ passRate: 0 }), 9)
    assert.strictEqual(of({ passRate: 0 }, { top: 3 }), 4)
  })

  it("takes no pass rate of too few samples; then the level counts", () => {
    const rated = (equal: number, unequal: number, more: JsonObject = {}) => ({
      passRate: equal / (equal + unequal),
      sampleVerdicts: { equal, unequal, undecided: 9, unanswered: 0 },
      ...more
    })
    assert.strictEqual(of(rated(1, 0, { level: 5 })), 5)
    assert.strictEqual(of(rated(0, 3, { level: 5 })), 5)
    assert.strictEqual(of(rated(2, 2, { level: 5 })), 4)
    assert.strictEqual(of(rated(0, 4, { level: 5 })), 9)
    assert.strictEqual(of(rated(1, 0, { level: 5 }), { minDecided: 1 }), 0)
    assert.strictEqual(of(rated(1, 0, { level: 5 }), { counts: "none" }), 0)
    assert.isUndefined(of(rated(1, 0)))
    assert.strictEqual(of(rated(1, 0, { from_text: {} })), 2)
    // A sample without an answer did not solve the problem, and is one.
    assert.strictEqual(of({ passRate: 0.25, sampleVerdicts: { equal: 1, unanswered: 3 }, level: 5 }), 6)
    const one = after(checkAnswers, { answer: "7", level: 5, samples: ["so \\boxed{7}"] })
    assert.deepStrictEqual([one["passRate"], of(one)], [1, 5])
  })

  it("takes nothing of a ladder without a try", () => {
    const untried: ReadonlyArray<Json> = [{}, null, 5, { level: 1 }, { passes: 1 }, {
      level: 2,
      passes: 0,
      attempts: 0
    }, {
      level: 3,
      passes: null,
      attempts: "many"
    }]
    for (const one of untried) assert.strictEqual(of({ computation_buckets: [one], level: 3 }), 3, JSON.stringify(one))
    assert.deepStrictEqual(after(difficulty, { computation_buckets: untried }), { computation_buckets: untried })
    assert.strictEqual(of({ computation_buckets: [...untried, { level: 1, attempts: 1 }], level: 3 }), 9)
    assert.strictEqual(of({ computation_buckets: [...untried, { level: 4, passes: 1 }], level: 3 }), 4)
  })

  it("leaves rows alone of which nothing is known, and a difficulty that is there", () => {
    const odd: ReadonlyArray<JsonObject> = [{}, { level: "hard" }, { passRate: 2 }, { passRate: "n/a" }, {
      from_text: 5
    }]
    for (const fields of odd) assert.deepStrictEqual(after(difficulty, fields), fields)
    assert.strictEqual(of({ level: 1, difficulty: 4 }), 4)
    assert.strictEqual(of({ level: 1, difficulty: 4 }, { overwrite: true }), 1)
    assert.strictEqual(of({ computation_buckets: [], level: 2 }), 2)
  })
})

describe("any row", () => {
  const value = Schema.Union([
    Schema.Literals(["", "7", "\\boxed{7}", "\\boxed{", "\\frac", "A triangle", "####", "\ud800", "-0"]),
    Schema.Literals([0, -1, 1e300]),
    Schema.Boolean
  ])
  const list = Schema.Array(Schema.Union([value, Schema.Struct({ text: value }), Schema.Struct({ answer: value })]))
    .check(Schema.isMaxLength(4))
  const field = Schema.Union([value, Schema.Null, list])
  const row = Schema.Struct({
    problem: field,
    answer: field,
    solution: field,
    samples: list,
    level: field,
    passRate: field,
    computation_buckets: field,
    from_text: field,
    domain: field
  })

  it.prop("is kept by all four, which say the same when asked again", [row], ([fields]) => {
    for (const stage of [checkAnswers, fillAnswers, classify, difficulty] as ReadonlyArray<MapStage>) {
      const run = mapStage(stage)
      const outcome = run(fields)
      assert.strictEqual(outcome._tag, "Kept")
      assert.deepStrictEqual(run(fields), outcome)
      if (outcome._tag !== "Kept") continue
      // What is set is JSON without numbers that are none.
      assert.deepStrictEqual(JSON.parse(JSON.stringify(outcome.patch)), outcome.patch)
      const again = run(patched(fields, outcome.patch))
      if (again._tag === "Kept") {
        assert.deepStrictEqual(patched(patched(fields, outcome.patch), again.patch), patched(fields, outcome.patch))
      }
    }
  }, { arbitrary: { seed: 2026, runs: 300 } })
})
