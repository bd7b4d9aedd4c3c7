// Rewards: outcomes stay apart, parts add up, penalties stay in their bounds.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  AnswerPoints,
  answerReward,
  blendJudge,
  cookbookPoints,
  dapoPoints,
  Judgement,
  judgeScore,
  JudgeScores,
  lengthPenalty,
  overlongPenalty,
  overlongPenaltyUnbounded,
  recipePoints,
  repeatedNgramShare,
  repetitionPenalty,
  withPart
} from "../../src/domain/Rewards.ts"
import { boxedJudge } from "../../src/domain/Rewards/BoxedJudge.ts"

const runs = { arbitrary: { seed: 2026, runs: 300 } }
const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const small = Schema.Finite.check(Schema.isBetween({ minimum: -10, maximum: 10 }))
const sum = (parts: Readonly<Record<string, number>>) => Object.values(parts).reduce((a, b) => a + b, 0)

describe("rewards", () => {
  it("tell a parse failure from a wrong answer, whatever they earn", () => {
    const wrong = answerReward({ outcome: "wrong", boxed: false }, recipePoints)
    const unparsed = answerReward({ outcome: "unparsed", boxed: false }, recipePoints)
    assert.strictEqual(wrong.total, unparsed.total)
    assert.notStrictEqual(wrong.outcome, unparsed.outcome)
  })

  it("are the published ones", () => {
    assert.strictEqual(answerReward({ outcome: "right", boxed: true }, recipePoints).total, 1.1)
    assert.strictEqual(answerReward({ outcome: "wrong", boxed: true }, recipePoints).total, -0.4)
    assert.strictEqual(answerReward({ outcome: "undecided", boxed: false }, dapoPoints).total, -1)
    assert.strictEqual(answerReward({ outcome: "right", boxed: false }, cookbookPoints(0.1)).total, 0.9)
  })

  it.prop("are the sum of their parts, and a judge of weight 0 or 1 decides nothing or all", [
    Judgement,
    Schema.Literals(["recipe", "dapo"]),
    small,
    JudgeScores,
    share
  ], ([judgement, name, length, scores, weight]) => {
    const points = Schema.decodeUnknownSync(AnswerPoints)(name === "recipe" ? recipePoints : dapoPoints)
    const reward = withPart(answerReward(judgement, points), "length", length)
    const blended = blendJudge(reward, scores, weight)
    assert.closeTo(sum(blended.parts), blended.total, 1e-12)
    assert.closeTo(blended.total, (1 - weight) * reward.total + weight * judgeScore(scores), 1e-12)
    assert.strictEqual(blended.outcome, judgement.outcome)
    assert.closeTo(blendJudge(reward, scores, 0).total, reward.total, 1e-12)
    assert.closeTo(blendJudge(reward, scores, 1).total, judgeScore(scores), 1e-12)
    assert.isTrue(judgeScore(scores) >= -0.5 && judgeScore(scores) <= 1)
  }, runs)

  it("replace a part of the same name", () => {
    const reward = answerReward({ outcome: "right", boxed: true }, dapoPoints)
    assert.strictEqual(withPart(withPart(reward, "length", -1), "length", -0.5).total, 0.5)
  })

  it.prop("punish length more the longer it is: DAPO within -1..0, verl alike until the limit and below it after", [
    whole(0, 300),
    whole(1, 200),
    whole(0, 100)
  ], ([length, maximum, cache]) => {
    const [now, next] = [length, length + 1].map((at) => overlongPenalty(at, maximum, cache)) as [number, number]
    assert.isTrue(now >= next && now <= 0 && now >= -1)
    const unbounded = overlongPenaltyUnbounded(length, maximum, cache)
    if (length <= maximum) assert.closeTo(unbounded, now, 1e-12)
    else assert.isAtMost(unbounded, -1)
    assert.isFalse(Object.is(now, -0) || Object.is(unbounded, -0))
  }, runs)

  it("take nothing off a response of up to 2000 characters", () => {
    assert.isTrue(Object.is(lengthPenalty(2000, 0.1), 0))
    assert.closeTo(lengthPenalty(3000, 0.1), -0.1, 1e-12)
  })

  it.prop("count repeated n-grams as a set of them does", [
    Schema.Array(whole(-1, 2)).check(Schema.isMaxLength(24)),
    whole(-1, 9)
  ], ([ids, n]) => {
    const grams = n < 1 ? [] : ids.slice(n - 1).map((_, i) => ids.slice(i, i + n).join())
    const slow = grams.length === 0 ? 0 : 1 - new Set(grams).size / grams.length
    assert.closeTo(repeatedNgramShare(ids, n), slow, 1e-12)
  }, runs)

  it("count the n-grams of hundreds of thousands of tokens, however long", () => {
    const constant = new Array<number>(300_000).fill(7)
    assert.closeTo(repetitionPenalty(constant, 100_000, -1), -(1 - 1 / 200_001), 1e-12)
    assert.isTrue(Object.is(repetitionPenalty([1, 2, 3], 3, -1), 0))
    assert.strictEqual(repeatedNgramShare([1, 1], 1.5), 0)
  })
})

describe("a judge of boxes", () => {
  const judge = boxedJudge((gold, pred) => {
    const answer = pred.slice("\\boxed{".length, -1)
    const verdict = answer === gold ? "equal" : answer === "?" ? "undecided" : "unequal"
    return { verdict, rule: "text", gold, answer: answer === "-" ? null : answer }
  })

  it("asks for a complete box with something in it and compares only that", () => {
    assert.deepStrictEqual(judge("it is 42", "42"), { outcome: "unparsed", boxed: false })
    assert.deepStrictEqual(judge("\\boxed{4", "42"), { outcome: "unparsed", boxed: false })
    assert.deepStrictEqual(judge("\\boxed{}", "42"), { outcome: "unparsed", boxed: true })
    assert.deepStrictEqual(judge("\\boxed{-}", "42"), { outcome: "unparsed", boxed: true })
    assert.deepStrictEqual(judge("\\boxed{?}", "42"), { outcome: "undecided", boxed: true })
    assert.deepStrictEqual(judge("\\boxed{41} no: \\boxed{42} or 43", "42"), { outcome: "right", boxed: true })
    assert.deepStrictEqual(judge("\\boxed{\\sqrt{\\frac34}}", "\\sqrt{\\frac34}"), { outcome: "right", boxed: true })
    assert.deepStrictEqual(judge("42 \\boxed{41}", "42"), { outcome: "wrong", boxed: true })
  })
})
