// What the first k attempts at a problem score together, for every k at once: by majority, by the best reward, by summed rewards.
// Pure; time is attempts times different answers. Answers are compared as strings: `pooled` makes equal answers equal strings first.
import type { SameAnswer } from "../Verdict.ts"
import { noGroups, placeAnswers, representatives } from "../Vote/AnswerGroups.ts"

/**
 * What one vote is for. `classes`: an answer, equal spellings together; a class scores the mean of its attempts' scores, should
 * they have been graded differently. `answer_and_score`: a spelling with a score, as NeMo-Skills counts, so that spellings split
 * and so do different grades of one spelling; there, in summed rewards, a spelling scores as its last attempt did.
 */
export type VoteKey = "classes" | "answer_and_score"

export interface Attempt {
  readonly answer: string | null
  readonly score: boolean
  /** Absent: takes no part where rewards decide. */
  readonly reward?: number | undefined
}

export interface Majority {
  /** 0..1; tied leaders share: the mean of their scores. 0 without an answer. */
  readonly credit: number
  /** Of tied leaders the least in the order of strings; null without an answer. */
  readonly answer: string | null
}

interface Group {
  readonly answer: string
  votes: number
  right: number
  last: boolean
  reward: number
}

/** Every answer under the first spelling of its class. See `placeAnswers` for what this costs, what order means, and `exhausted`. */
export const pooled = (
  answers: ReadonlyArray<string | null>,
  same: SameAnswer
): { readonly answers: ReadonlyArray<string | null>; readonly exhausted: boolean } => {
  const { groups, places } = placeAnswers(noGroups, answers, same)
  const names = representatives(groups)
  return {
    answers: places.map((place) => place === null ? null : names[place] ?? null),
    exhausted: groups.exhausted
  }
}

/** The group that `name` stands for, made when it is new. */
const groupIn = (groups: Map<string, Group>, name: string, answer: string): Group => {
  const own = groups.get(name) ?? { answer, votes: 0, right: 0, last: false, reward: 0 }
  groups.set(name, own)
  return own
}

/** Majority over the first k attempts, k = 1..n; index k - 1. Wang et al. 2022, arXiv:2203.11171. */
export const majorities = (attempts: ReadonlyArray<Attempt>, key: VoteKey): ReadonlyArray<Majority> => {
  const groups = new Map<string, Group>()
  // Only the group that just got a vote can join the leaders or leave them all behind; leaders change in no other way.
  let most = 0
  let leaders = 0
  let right = 0
  let least: string | null = null
  return attempts.map(({ answer, score }) => {
    if (answer !== null) {
      const own = groupIn(groups, key === "classes" ? answer : `${score} ${answer}`, answer)
      own.votes++
      if (score) own.right++
      if (own.votes > most) {
        most = own.votes
        leaders = 0
        right = 0
        least = null
      }
      if (own.votes === most) {
        leaders++
        right += own.right
        if (least === null || answer < least) least = answer
      }
    }
    return { credit: leaders === 0 ? 0 : right / most / leaders, answer: least }
  })
}

/** Score of the attempt with the best reward (of equal ones the first) among the first k that have an answer; index k - 1. */
export const bestRewards = (attempts: ReadonlyArray<Attempt>): ReadonlyArray<number> => {
  let best: Attempt | null = null
  return attempts.map((attempt) => {
    if (attempt.answer !== null && attempt.reward !== undefined) {
      if (best === null || attempt.reward > (best.reward ?? 0)) best = attempt
    }
    return best?.score === true ? 1 : 0
  })
}

/** Score of the answer with the largest sum of rewards (of equal sums the first seen) among the first k; index k - 1. */
export const rewardMajorities = (attempts: ReadonlyArray<Attempt>, key: VoteKey): ReadonlyArray<number> => {
  const groups = new Map<string, Group>()
  return attempts.map(({ answer, reward, score }) => {
    if (answer !== null && reward !== undefined) {
      const own = groupIn(groups, answer, answer)
      own.votes++
      own.reward += reward
      own.last = score
      if (score) own.right++
    }
    let best: Group | null = null
    for (const group of groups.values()) if (best === null || group.reward > best.reward) best = group
    if (best === null) return 0
    return key === "classes" ? best.right / best.votes : Number(best.last)
  })
}
