import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  curveSizes,
  drawnSubsets,
  majorityCredit,
  MetricsBuilder
} from "../../../src/domain/ModelEvaluation/Metrics.ts"
import { emptyResultTally, type ProblemResult, record, tallyOf } from "../../../src/domain/ModelEvaluation/Results.ts"
import { passAtK } from "../../../src/domain/Statistics.ts"

const resultOf = (changes: Partial<ProblemResult>): ProblemResult => ({
  at: 0,
  id: "p",
  hash: "h",
  domain: "algebra",
  level: null,
  grade: "right",
  answer: "1",
  reference: "1",
  stop: "AllFinished",
  planned: 4,
  samples: "RRWN",
  votes: [2, 1],
  rightClass: 0,
  truncated: 0,
  promptTokens: 10,
  completionTokens: 20,
  microDollars: 5,
  millis: 100,
  error: null,
  ...changes
})
const close = (a: number | undefined, b: number) => assert.closeTo(a ?? Number.NaN, b, 1e-12)
const count = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

describe("the metrics of an evaluation", () => {
  it("are worked out by hand for two problems", () => {
    const builder = new MetricsBuilder(4)
    builder.add(resultOf({}))
    builder.add(resultOf({ at: 1, grade: "noAnswer", samples: "NNXC", votes: [], rightClass: -1, level: "5" }))
    const { accuracy, curves, meanPassAt1, byLevel, tally } = builder.metrics
    assert.deepInclude(accuracy, { right: 1, of: 2, share: 0.5 })
    assert.deepStrictEqual(Object.keys(byLevel), ["5"])
    close(meanPassAt1 ?? undefined, 0.25)
    assert.deepStrictEqual(curves?.map(({ k }) => k), [1, 2, 4])
    // Of the first problem: 2 right, 1 wrong, 1 none.
    close(curves?.[0]?.pass, 0.25)
    close(curves?.[1]?.pass, (1 - 1 / 6) / 2)
    // Pairs of it: RR 1, RW 2 x 1/2 (both), RN 2 x 1 (both), WN 0; of six.
    close(curves?.[1]?.majority, (1 + 2 * 0.5 + 2 * 1) / 6 / 2)
    assert.deepStrictEqual([curves?.[2]?.pass, curves?.[2]?.majority], [0.5, 0.5])
    assert.deepInclude(tally, {
      samplesBegun: 8,
      samplesRight: 2,
      samplesWrong: 1,
      samplesNoAnswer: 3,
      samplesFailed: 1,
      samplesCancelled: 1
    })
  })

  it("leave out what failed or has no reference, and have no curves where samples stop early", () => {
    const builder = new MetricsBuilder(null)
    builder.add(resultOf({ samples: "RRC", planned: 8 }))
    builder.add(resultOf({ grade: "failed", samples: "XX", votes: [], rightClass: -1 }))
    builder.add(resultOf({ grade: "ungraded", samples: "GG", votes: [2], rightClass: -1 }))
    const { accuracy, curves, meanPassAt1, tally } = builder.metrics
    assert.deepInclude(accuracy, { right: 1, of: 1 })
    assert.deepStrictEqual([curves, meanPassAt1, tally.failed, tally.ungraded], [null, 1, 1, 1])
  })

  it("of nothing are told as such", () => {
    const { accuracy, curves, meanPassAt1 } = new MetricsBuilder(8).metrics
    assert.deepStrictEqual([accuracy.of, accuracy.low, accuracy.high, curves, meanPassAt1], [0, 0, 1, null, null])
  })

  it.prop(
    "have a majority over k that is never above pass@k, and is pass@1 for one sample",
    [count(12), count(12), count(6), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))],
    ([right, wrong, nulls, k]) => {
      const samples = right + wrong + nulls
      if (samples === 0 || k > samples || right === 0) return
      const votes = right >= wrong ? [right, wrong] : [wrong, right]
      const { credit, exact } = majorityCredit(
        votes.filter((own) => own > 0),
        right >= wrong ? 0 : 1,
        k,
        samples
      )
      assert.isTrue(exact)
      assert.isAtMost(credit, passAtK(samples, right, k) + 1e-9)
      if (k === 1) close(credit, right / samples)
    }
  )

  it("draw subsets where the exact way is too long, near the exact figure and always the same", () => {
    const votes = [120, 90, ...Array.from({ length: 20 }, () => 2)]
    const drawn = majorityCredit(votes, 0, 128, 256)
    assert.isFalse(drawn.exact)
    assert.deepStrictEqual(majorityCredit(votes, 0, 128, 256), drawn)
    // A margin of thirty of 256 in halves: nearly always, never below an even chance.
    assert.isAbove(drawn.credit, 0.9)
    assert.isAtMost(drawn.credit, 1)
    assert.isAbove(drawnSubsets, 99)
  })

  it("have a point for each power of two and for all samples", () => {
    assert.deepStrictEqual(curveSizes(1), [1])
    assert.deepStrictEqual(curveSizes(6), [1, 2, 4, 6])
    assert.deepStrictEqual(curveSizes(8), [1, 2, 4, 8])
  })
})

describe("a list of results", () => {
  it("counts the first result of a problem, however often it comes", () => {
    const first = record({ evaluation: "e", results: [] }, { evaluation: "e", results: [resultOf({})] })
    assert(first._tag === "Accepted")
    const again = record(first.state, { evaluation: "e", results: [resultOf({ grade: "wrong" }), resultOf({ at: 1 })] })
    assert(again._tag === "Accepted")
    assert.deepStrictEqual([again.reply.right, again.reply.wrong, again.state.results.length], [2, 0, 2])
    const same = record(again.state, { evaluation: "e", results: [resultOf({})] })
    assert(same._tag === "Accepted")
    assert.strictEqual(same.state, again.state)
    assert.notDeepEqual(tallyOf(resultOf({})), emptyResultTally)
  })
})
