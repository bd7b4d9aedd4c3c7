// Rewards and their parts: answers and boxes, judge, length, overlong, repetition, two runs.
import { describe } from "@effect/vitest"
import {
  answerReward,
  blendJudge,
  cookbookPoints,
  type Judge,
  lengthPenalty,
  overlongPenalty,
  overlongPenaltyUnbounded,
  recipePoints,
  repetitionPenalty,
  type Reward,
  twoRunScore,
  withPart
} from "../../src/domain/Rewards.ts"
import { conformance } from "./Conformance.ts"
import { differs, type Precise } from "./Numbers.ts"
import { judge } from "./RewardJudge.ts"

interface Row {
  readonly scheme: string
  readonly response: string
  readonly ground_truth: string
  readonly format_coef: number
  readonly format: number
  readonly correct: number
  readonly chars: number
  readonly lambda: number
  readonly base_reward: number
  readonly consistency: number
  readonly correctness: number
  readonly clarity: number
  readonly answer_reward: number
  readonly weight: number
  readonly length: number
  readonly max_len: number
  readonly cache: number
  readonly buffer: number
  readonly factor: number
  readonly token_ids: ReadonlyArray<number>
  readonly n: number
  readonly max_penalty: number
  readonly run1_correct: boolean
  readonly run2_correct: boolean
  readonly expected: Precise
}

const rewardOf = (total: number): Reward => ({ outcome: "wrong", parts: { answer: total }, total })

/** By the beginning of the scheme's sentence, which names it. */
const schemes: ReadonlyArray<readonly [string, (row: Row, judge: Judge) => number]> = [
  [
    "aimo3-recipe: +1.0 correct",
    ({ ground_truth, response }, judge) => answerReward(judge(response, ground_truth), recipePoints).total
  ],
  [
    "aimo3-recipe optional length penalty",
    ({ base_reward, chars, lambda }) => withPart(rewardOf(base_reward), "length", lengthPenalty(chars, lambda)).total
  ],
  [
    "aimo3-recipe judge mix",
    ({ answer_reward, clarity, consistency, correctness, weight }) =>
      blendJudge(rewardOf(answer_reward), { clarity, consistency, correctness }, weight).total
  ],
  ["tinker-cookbook", ({ correct, format, format_coef }) =>
    answerReward(
      { outcome: correct === 1 ? "right" : "wrong", boxed: format === 1 },
      cookbookPoints(format_coef)
    ).total],
  ["DAPO", ({ cache, length, max_len }) => overlongPenalty(length, max_len, cache)],
  [
    "verl overlong buffer",
    ({ buffer, factor, length, max_len }) => overlongPenaltyUnbounded(length, max_len, buffer, factor)
  ],
  ["repetition penalty", ({ max_penalty, n, token_ids }) => repetitionPenalty(token_ids, n, max_penalty)],
  ["AIMO3 penalised accuracy", ({ run1_correct, run2_correct }) => twoRunScore(run1_correct, run2_correct)]
]

describe("conformance", () => {
  conformance<Row>("rewards", "each scheme gives its reward", {
    skip: ({ expected }) => expected === null ? "a question of convention" : null,
    check: (row) => {
      const scheme = schemes.find(([name]) => row.scheme.startsWith(name))
      if (scheme === undefined) throw new Error(`unknown scheme ${row.scheme}`)
      return differs("reward", scheme[1](row, judge), row.expected)
    }
  })
})
