// Rewards of sampled responses. A reward is not only a number: it keeps what was found (right, wrong, undecided, or no answer
// to judge at all) and the parts that it is the sum of, so that a parse failure is never mistaken for a wrong answer.
// Judging a text is left to a function handed in. Lengths are counts; a part that is not a number makes its total NaN, and no
// advantage is made of that.
import { Schema } from "effect"

/**
 * What a judge says of a response: its answer is `right`, `wrong` or `undecided` (the verifier could not tell), or there is no
 * answer (`unparsed`).
 */
export const RewardOutcome = Schema.Literals(["right", "wrong", "undecided", "unparsed"])
export type RewardOutcome = typeof RewardOutcome.Type

export const Judgement = Schema.Struct({
  outcome: RewardOutcome,
  /** Whether the response has a complete box: `\boxed{...}` with balanced braces, perhaps empty. */
  boxed: Schema.Boolean
})
export type Judgement = typeof Judgement.Type

/** Judges one response against the truth. Must be total and bounded: both are untrusted text. */
export type Judge = (response: string, groundTruth: string) => Judgement

export interface Reward {
  readonly outcome: RewardOutcome
  /** By name; their sum is the total. */
  readonly parts: Readonly<Record<string, number>>
  readonly total: number
}

/** What each outcome earns, and what having a box or not adds to it. */
export const AnswerPoints = Schema.Struct({
  right: Schema.Finite,
  wrong: Schema.Finite,
  undecided: Schema.Finite,
  unparsed: Schema.Finite,
  boxed: Schema.Finite,
  unboxed: Schema.Finite
})
export type AnswerPoints = typeof AnswerPoints.Type

/** aimo3-recipe: +1.0 right, -0.5 anything else, +0.1 for a box. */
export const recipePoints: AnswerPoints = {
  right: 1,
  wrong: -0.5,
  undecided: -0.5,
  unparsed: -0.5,
  boxed: 0.1,
  unboxed: 0
}

/** DAPO (arXiv:2503.14476): +1 right, -1 anything else. */
export const dapoPoints: AnswerPoints = { right: 1, wrong: -1, undecided: -1, unparsed: -1, boxed: 0, unboxed: 0 }

/** Tinker cookbook, `ProblemEnv`: correct + coefficient * (format - 1), each 0 or 1; the coefficient is usually 0.1. */
export const cookbookPoints = (coefficient: number): AnswerPoints => ({
  right: 1,
  wrong: 0,
  undecided: 0,
  unparsed: 0,
  boxed: 0,
  unboxed: 0 - coefficient
})

const totalOf = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((sum, part) => sum + part, 0)

/** The reward of a judgement: the parts `answer` and `format`. */
export const answerReward = ({ boxed, outcome }: Judgement, points: AnswerPoints): Reward => {
  const parts = { answer: points[outcome], format: boxed ? points.boxed : points.unboxed }
  return { outcome, parts, total: totalOf(parts) }
}

/** The reward with one more part, such as `length` or `repetition`; a part of that name is replaced. */
export const withPart = (reward: Reward, name: string, value: number): Reward => {
  const parts = { ...reward.parts, [name]: value }
  return { ...reward, parts, total: totalOf(parts) }
}

/** What a model that judges the reasoning gives, each 0..10. */
export const JudgeScores = Schema.Struct({
  correctness: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
  consistency: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
  clarity: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 }))
})
export type JudgeScores = typeof JudgeScores.Type

/** 1.5 * (0.4 correctness + 0.4 consistency + 0.2 clarity) / 10 - 0.5, in -0.5..1. Source: aimo3-recipe, judge mode. */
export const judgeScore = ({ clarity, consistency, correctness }: JudgeScores): number =>
  1.5 * (0.4 * correctness + 0.4 * consistency + 0.2 * clarity) / 10 - 0.5

/**
 * (1 - weight) * reward + weight * judgeScore, weight 0..1 (aimo3-recipe: 0.5). The parts of the reward are scaled and the
 * judge's becomes the part `judge`.
 */
export const blendJudge = (reward: Reward, scores: JudgeScores, weight: number): Reward => {
  const scaled = Object.fromEntries(Object.entries(reward.parts).map(([name, part]) => [name, (1 - weight) * part]))
  return withPart({ ...reward, parts: scaled }, "judge", weight * judgeScore(scores))
}

/** -coefficient * max(0, characters / 1000 - 2), 0 or less: aimo3-recipe's optional length penalty. */
export const lengthPenalty = (characters: number, coefficient: number): number =>
  characters > 2000 ? 0 - coefficient * (characters / 1000 - 2) : 0

/**
 * DAPO's soft overlong punishment (arXiv:2503.14476), in -1..0: 0 up to maxLength - cacheLength tokens, then
 * falling linearly to -1 at maxLength, -1 beyond. Without a cache (0) it is a step after maxLength.
 */
export const overlongPenalty = (lengthTokens: number, maxLength: number, cacheLength: number): number => {
  const over = lengthTokens - (maxLength - cacheLength)
  if (!(over > 0)) return 0
  return over >= cacheLength ? -1 : -over / cacheLength
}

/**
 * verl's form of it: min(-(length - (maxLength - bufferLength)) / bufferLength * factor, 0), which has no floor. Without a
 * buffer (0) there is no slope to follow: -factor beyond maxLength.
 */
export const overlongPenaltyUnbounded = (
  lengthTokens: number,
  maxLength: number,
  bufferLength: number,
  factor = 1
): number => {
  const over = lengthTokens - (maxLength - bufferLength)
  if (!(over > 0)) return 0
  return bufferLength > 0 ? Math.min(0 - over / bufferLength * factor, 0) : 0 - factor
}

/** Names pairs of small whole numbers by small whole numbers, in order of appearance. */
const pairNames = (firsts: Int32Array, offset: number, length: number): Int32Array => {
  const names = new Map<number, number>()
  const named = new Int32Array(length)
  const base = firsts.length + 1
  for (let i = 0; i < length; i++) {
    const key = (firsts[i] as number) * base + (firsts[i + offset] as number)
    let name = names.get(key)
    if (name === undefined) {
      name = names.size
      names.set(key, name)
    }
    named[i] = name
  }
  return named
}

/**
 * Share of n-grams of tokenIds_T that repeat an earlier one: 1 - distinct / all, in 0..1; 0 where there is no n-gram, and for
 * an n that is not a whole number from 1. Windows are named by doubling their width, which takes O(T log n) steps and O(T) memory.
 */
export const repeatedNgramShare = (tokenIds_T: ReadonlyArray<number>, n: number): number => {
  const windows = tokenIds_T.length - n + 1
  if (!Number.isInteger(n) || n < 1 || windows < 1) return 0
  const ids = new Map<number, number>()
  let named: Int32Array = Int32Array.from(tokenIds_T, (id) => {
    const name = ids.get(id) ?? ids.size
    ids.set(id, name)
    return name
  })
  for (let width = 1; width < n;) {
    const next = Math.min(n, 2 * width)
    named = pairNames(named, next - width, tokenIds_T.length - next + 1)
    width = next
  }
  return 1 - new Set(named).size / windows
}

/** maxPenalty (0 or less) times the share of repeated n-grams. Yeo et al. 2025, arXiv:2502.03373. */
export const repetitionPenalty = (tokenIds_T: ReadonlyArray<number>, n: number, maxPenalty: number): number =>
  maxPenalty * repeatedNgramShare(tokenIds_T, n) + 0

/** AIMO3's penalised accuracy of one problem over the two runs of a notebook: 1, 0.5 or 0. */
export const twoRunScore = (firstRight: boolean, secondRight: boolean): number =>
  (Number(firstRight) + Number(secondRight)) / 2
