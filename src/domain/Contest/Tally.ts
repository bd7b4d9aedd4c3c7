// What has been voted on one problem of a contest, over all its passes: whole numbers in the contest's range and their votes. Other answers
// are none: they count as samples without a vote. Plain data that only grows, so that merging passes is adding them.
import { Schema } from "effect"
import { integerAnswer } from "../ExtractAnswer/IntegerAnswer.ts"
import { betaAboveHalf } from "../Statistics/Binomial.ts"
import type { VoteResult } from "../Vote.ts"

/** Answers of one problem whose votes are kept apart, at most; rarer ones count as none. */
export const maxAnswers = 32

export const Tally = Schema.Struct({
  /** In the order first seen. `picks`: how many passes gave it as their answer. */
  answers: Schema.Array(Schema.Struct({
    answer: Schema.Int,
    votes: Schema.Int,
    weight: Schema.Finite,
    picks: Schema.Int
  })),
  /** Samples that ended, those without an answer included. */
  samples: Schema.Int
})
export type Tally = typeof Tally.Type
export const noVotes: Tally = { answers: [], samples: 0 }

/** 0..99999 as AIMO 3 asks, or any whole number that is at least 0, reduced (AIMO 1 and 2: 1000). null: it is no answer. */
export const contestAnswer = (text: string, modulo: number | null): number | null =>
  integerAnswer(text, modulo === null ? { least: 0, most: 99_999 } : { modulo })

/** What a vote says of it. `answer`: what the pass answers, which need not lead in votes where a model selects; null: nothing. */
export const tallyOf = (
  vote: Pick<VoteResult, "groups" | "samples"> | null,
  answer: string | null,
  modulo: number | null
): Tally => {
  const found = new Map<number, { votes: number; weight: number }>()
  for (const { answer, votes, weight } of vote?.groups ?? []) {
    const number = contestAnswer(answer, modulo)
    if (number === null) continue
    const held = found.get(number)
    if (held === undefined && found.size >= maxAnswers) continue
    found.set(number, { votes: (held?.votes ?? 0) + votes, weight: (held?.weight ?? 0) + weight })
  }
  const picked = answer === null ? null : contestAnswer(answer, modulo)
  if (picked !== null && !found.has(picked)) found.set(picked, { votes: 0, weight: 0 })
  return {
    answers: [...found].map(([answer, counts]) => ({ answer, ...counts, picks: answer === picked ? 1 : 0 })),
    samples: vote?.samples ?? 0
  }
}

/** Both together; commutative but for the order in which answers were first seen. */
export const mergeTallies = (first: Tally, second: Tally): Tally => {
  if (first.samples === 0 && first.answers.length === 0) return second
  const answers = [...first.answers]
  for (const one of second.answers) {
    const at = answers.findIndex(({ answer }) => answer === one.answer)
    const held = answers[at]
    if (held === undefined) {
      if (answers.length < maxAnswers) answers.push(one)
      continue
    }
    answers[at] = {
      answer: one.answer,
      votes: held.votes + one.votes,
      weight: held.weight + one.weight,
      picks: held.picks + one.picks
    }
  }
  return { answers, samples: first.samples + second.samples }
}

/**
 * The answer to write: the heaviest, of equal ones the one that more passes gave, then the first seen. `selects`: a model chooses among
 * answers, so what it chose comes before weights. null: nobody answered.
 */
export const leaderOf = ({ answers }: Tally, selects = false): number | null => {
  let best: Tally["answers"][number] | null = null
  for (const one of answers) {
    if (best === null) best = one
    else {
      const byWeight = one.weight - best.weight
      const byPicks = one.picks - best.picks
      const order = selects ? [byPicks, byWeight] : [byWeight, byPicks]
      if ((order.find((difference) => Math.abs(difference) > 1e-9) ?? 0) > 0) best = one
    }
  }
  return best?.answer ?? null
}

/** Votes of the two answers that have most. */
export const topTwo = ({ answers }: Tally): readonly [top: number, second: number] => {
  let [top, second] = [0, 0]
  for (const { votes } of answers) {
    if (votes > top) [top, second] = [votes, top]
    else if (votes > second) second = votes
  }
  return [top, second]
}

/** How sure one may be that the leader is the model's most frequent answer: P(Beta(top + 1, second + 1) > 1/2); 0 without an answer. */
export const sureness = (tally: Tally): number => {
  const [top, second] = topTwo(tally)
  return top === 0 ? 0 : betaAboveHalf(top, second)
}

/** Share of the samples that agree with the leader, a guess of the chance that it is right; one sample in advance speaks against it. */
export const agreement = (tally: Tally): number => topTwo(tally)[0] / (tally.samples + 1)
