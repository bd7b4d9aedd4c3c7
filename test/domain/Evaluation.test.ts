// Evaluation metrics: bounds, votes by class, and what cannot be counted.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Aggregations, evaluate, type EvaluationOptions, type Metrics } from "../../src/domain/Evaluation.ts"
import { judgementOf, Prediction, tokensOf } from "../../src/domain/Evaluation/Prediction.ts"
import { majorities } from "../../src/domain/Evaluation/VoteCredit.ts"
import { majorityAtK } from "../../src/domain/Statistics/MajorityAtK.ts"

const runs = { arbitrary: { seed: 2026, runs: 150 } }
const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const sameNumber = (a: string, b: string) => Number(a) === Number(b)

const drawn = Schema.Struct({
  predicted_answer: Schema.NullOr(Schema.Literals(["1", "1.0", "2", "3", ""])),
  symbolic_correct: Schema.Boolean,
  judgement: Schema.Literals(["Judgement: Yes", "Judgement: No", "nothing"]),
  reward_model_score: from(-3, 3),
  num_generated_tokens: from(0, 100)
})
const problems = Schema.Array(Schema.Tuple([drawn, drawn, drawn])).check(Schema.isMinLength(1), Schema.isMaxLength(6))

const table = (list: Iterable<ReadonlyArray<Prediction>>, options: EvaluationOptions): Aggregations => {
  const evaluation = evaluate(list, options)
  if (evaluation._tag !== "Evaluated") throw new Error(evaluation._tag)
  return evaluation.subsets["_all_"] ?? {}
}
const figure = (metrics: Metrics | undefined, name: string): number => Number(metrics?.[name])
const attempts = (answers: ReadonlyArray<string | null>, right: string): ReadonlyArray<Prediction> =>
  answers.map((answer) => ({
    predicted_answer: answer,
    symbolic_correct: answer !== null && sameNumber(answer, right)
  }))

describe("an evaluation", () => {
  it.prop("has percentages in 0..100, and pass@k that grows with k", [problems], ([list]) => {
    for (const votes of ["classes", "answer_and_score"] as const) {
      const aggregations = table(list, { type: "math", votes, same: sameNumber })
      for (const [name, metrics] of Object.entries(aggregations)) {
        for (const [metric, value] of Object.entries(metrics)) {
          if (typeof value !== "number" || /^(num_entries|avg_tokens|gen_seconds)$/.test(metric)) continue
          assert.isTrue(value >= 0 && value <= 100 + 1e-9, `${name}/${metric}: ${value}`)
        }
      }
      for (const kind of ["symbolic_correct", "judge_correct", "both_correct", "any_correct"]) {
        const at = (k: number) => figure(aggregations[`pass@${k}`], kind)
        assert.isTrue(at(1) <= at(2) + 1e-9 && at(2) <= at(3) + 1e-9)
        assert.isAtMost(figure(aggregations["pass@2"], "both_correct"), figure(aggregations["pass@2"], "any_correct"))
      }
    }
  }, runs)

  it.prop("has pass@1 as the mean over all runs, and the runs' statistics around it", [problems], ([list]) => {
    const aggregations = table(list, { type: "math" })
    const mean = list.flat().filter(({ symbolic_correct }) => symbolic_correct).length / (3 * list.length)
    assert.approximately(figure(aggregations["pass@1"], "symbolic_correct"), 100 * mean, 1e-9)
    const metrics = aggregations["pass@1[avg-of-3]"]
    assert.approximately(figure(metrics, "symbolic_correct"), 100 * mean, 1e-9)
    const statistics = metrics?.["symbolic_correct_statistics"]
    assert.approximately(typeof statistics === "object" ? statistics.avg : -1, mean, 1e-12)
  }, runs)

  it.prop("sums up to the whole over its subsets", [problems], ([list]) => {
    const labelled = list.map((three, i) => three.map((one) => ({ ...one, subset_for_metrics: `s${i % 2}` })))
    const evaluation = evaluate(labelled, { type: "math" })
    if (evaluation._tag !== "Evaluated") throw new Error(evaluation._tag)
    const { _all_: whole, ...parts } = evaluation.subsets
    for (const name of ["pass@2", "majority@3", "rm_best@2"]) {
      for (const metric of ["symbolic_correct", "no_answer"]) {
        const sum = Object.values(parts).reduce(
          (sum, part) => sum + figure(part[name], metric) * figure(part[name], "num_entries"),
          0
        )
        assert.approximately(sum, figure(whole?.[name], metric) * list.length, 1e-6)
      }
    }
  }, runs)

  it("votes for classes of equal answers, unless it is asked to split spellings", () => {
    const list = [attempts(["0.5", "2", ".5", "2", "5e-1"], "0.5")]
    const pooled = table(list, { type: "math", same: sameNumber })
    const split = table(list, { type: "math", same: sameNumber, votes: "answer_and_score" })
    assert.strictEqual(figure(pooled["majority@5"], "symbolic_correct"), 100)
    assert.strictEqual(figure(split["majority@5"], "symbolic_correct"), 0)
    assert.strictEqual(figure(pooled["majority@2"], "symbolic_correct"), 50)
  })

  it("gives an answer that was graded both ways the mean of its grades", () => {
    const list = [[
      { predicted_answer: "1", symbolic_correct: true },
      { predicted_answer: "1", symbolic_correct: false }
    ]]
    assert.strictEqual(figure(table(list, { type: "math" })["majority@2"], "symbolic_correct"), 50)
  })

  it("counts who did not answer once, whatever the ways of scoring", () => {
    const nobody: Prediction = { predicted_answer: null, symbolic_correct: false, judgement: "Judgement: No" }
    for (const metrics of Object.values(table([[nobody, nobody]], { type: "math" }))) {
      assert.strictEqual(metrics["no_answer"], 100)
      assert.strictEqual(metrics["any_correct"], 0)
    }
  })

  it("counts a figure over the problems that have it, and says how many", () => {
    const bare: Prediction = { predicted_answer: "1", symbolic_correct: true }
    const rich: Prediction = {
      ...bare,
      judgement: "Judgement: Yes",
      reward_model_score: 1,
      num_generated_tokens: 100
    }
    for (const list of [[[rich, rich], [bare, bare]], [[bare, bare], [rich, rich]], [[rich, rich], [bare, rich]]]) {
      const aggregations = table(list, { type: "math" })
      for (const [name, metrics] of Object.entries(aggregations)) {
        assert.strictEqual(metrics["num_entries"], 2)
        assert.strictEqual(metrics["avg_tokens"], 100)
        assert.strictEqual(metrics["avg_tokens_entries"], 1)
        for (const kind of ["judge_correct", "both_correct", "any_correct", "symbolic_correct"]) {
          assert.strictEqual(metrics[kind], 100, `${name}/${kind}`)
          const isFew = kind !== "symbolic_correct" || name.startsWith("rm_")
          assert.strictEqual(metrics[`${kind}_entries`], isFew ? 1 : undefined, `${name}/${kind}`)
        }
      }
      assert.strictEqual(aggregations["rm_best@1"]?.["no_answer_entries"], 1)
    }
  })

  it.prop("says nothing of entries where all problems have everything", [problems], ([list]) => {
    for (const metrics of Object.values(table(list, { type: "math" }))) {
      assert.deepStrictEqual(Object.keys(metrics).filter((name) => name.endsWith("_entries")), ["num_entries"])
    }
  }, runs)

  it("tells how many problems have too many different answers to compare", () => {
    const many = Array.from(
      { length: 600 },
      (_, i): Prediction => ({ predicted_answer: `${i} x`, symbolic_correct: false })
    )
    const few = many.map((prediction) => ({ ...prediction, predicted_answer: "x" }))
    const evaluation = evaluate([many, few], { type: "math" })
    assert.strictEqual(evaluation._tag === "Evaluated" && evaluation.exhausted, 1)
  })

  it("scores an attempt that is too long as wrong and without an answer", () => {
    const long: Prediction = {
      predicted_answer: "1",
      symbolic_correct: true,
      judgement: "Judgement: Yes",
      num_generated_tokens: 9000
    }
    const [first] = Object.values(table([[long]], { type: "math", maximumTokens: 8192 }))
    assert.deepStrictEqual([first?.["any_correct"], first?.["no_answer"], first?.["avg_tokens"]], [0, 100, 9000])
    const judged: Prediction = {
      judgement: "Judgement: Yes",
      expected_judgement: "Judgement: Yes",
      num_generated_tokens: 9000
    }
    const [judge] = Object.values(table([[judged]], { type: "answer-judgement", maximumTokens: 8192 }))
    assert.deepStrictEqual([judge?.["correct_judgements"], judge?.["false_negatives"]], [0, 100])
  })

  it("never holds an unreadable truth for judged right", () => {
    const unreadable: Prediction = { judgement: "?", expected_judgement: "?" }
    const [metrics] = Object.values(table([[unreadable]], { type: "answer-judgement" }))
    assert.strictEqual(metrics?.["correct_judgements"], 0)
    assert.strictEqual(metrics?.["invalid_judgements"], 100)
  })

  it("says which problem has another number of attempts", () => {
    const one: Prediction = { predicted_answer: "1", symbolic_correct: true }
    const uneven = { _tag: "UnevenAttempts" as const, problem: 1, expected: 2, found: 1 }
    assert.deepStrictEqual(evaluate([[one, one], [one]], { type: "math" }), uneven)
    assert.deepStrictEqual(evaluate([[]], { type: "math" }), { ...uneven, problem: 0, expected: 0, found: 0 })
    assert.deepStrictEqual(evaluate([], { type: "math" }), { _tag: "Evaluated", subsets: {}, exhausted: 0 })
    const many = Array.from({ length: 2000 }, (_, i) => [{ ...one, subset_for_metrics: `${i}` }])
    assert.strictEqual(evaluate(many, { type: "math" })._tag, "TooManySubsets")
  })

  it("keeps a subset whose name an object would not, and predictions with nothing in them", () => {
    const odd = evaluate([[{ subset_for_metrics: "__proto__" }]], { type: "math" })
    assert.strictEqual(odd._tag === "Evaluated" && Object.keys(odd.subsets).length, 2)
    for (const type of ["multichoice", "answer-judgement", "lean4"] as const) {
      assert.strictEqual(evaluate([[{}]], { type })._tag, "Evaluated")
    }
  })

  it("takes many problems in one pass", () => {
    function* many() {
      for (let i = 0; i < 20_000; i++) yield attempts([`${i % 3}`, `${i % 2}`, null, "1"], "1")
    }
    assert.strictEqual(figure(table(many(), { type: "math" })["pass@1"], "num_entries"), 20_000)
  })
})

describe("majority credit", () => {
  const answers = Schema.Array(Schema.NullOr(Schema.Literals(["1", "2", "3"]))).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(8)
  )
  it.prop("of all samples is what drawing all of them would score", [answers], ([list]) => {
    const credit = majorities(list.map((answer) => ({ answer, score: answer === "1" })), "classes").at(-1)?.credit
    const votes = ["1", "2", "3"].map((name) => list.filter((answer) => answer === name).length)
    const nulls = list.filter((answer) => answer === null).length
    assert.approximately(credit ?? -1, majorityAtK(votes, 0, list.length, nulls) ?? -2, 1e-12)
  }, runs)
})

describe("a judgement", () => {
  it("is the last one that is readable as such", () => {
    assert.strictEqual(judgementOf("Judgement: No. On reflection, Judgement: YES!"), true)
    assert.strictEqual(judgementOf("Judgement:\n  not equivalent"), false)
    assert.strictEqual(judgementOf("Judgement: Yes ... Judgement: perhaps"), null)
    assert.strictEqual(judgementOf("Judgment: Yes"), null)
    assert.strictEqual(judgementOf(undefined), null)
    assert.strictEqual(judgementOf("Judgement:".repeat(100_000)), null)
  })

  it("is read from rows as the files have them", () => {
    const row = Schema.decodeUnknownSync(Prediction)({ predicted_answer: null, num_generated_tokens: 3, other: 1 })
    assert.deepStrictEqual(tokensOf(row), { generated: 3, reasoning: 0, answer: 3 })
  })
})
