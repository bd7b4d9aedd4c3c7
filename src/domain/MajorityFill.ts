// A reference answer where there is none: what most samples say, counted over classes of equal answers, and only with
// enough votes and a clear lead. Every count that led to it is told, so that nobody takes a filled answer for a given
// one; where the votes do not suffice there is no answer, never a marker in its place. The result does not depend on the
// order of the samples.
import { finite, whole } from "./Statistics/Range.ts"
import type { SameAnswer } from "./Verdict.ts"
import { noGroups, placeAnswers } from "./Vote/AnswerGroups.ts"

export interface FillPolicy {
  /** Votes that the answer has at least; >= 1. */
  readonly minVotes: number
  /** Votes that it has more than the next; >= 0. A tie never fills, whatever this is. */
  readonly minMargin: number
  /** Share that it has of all samples, those without an answer included; in [0, 1]. */
  readonly minShare: number
}

export interface MajorityFill {
  /** The most frequent spelling of the winning class, the shortest of several; null where the votes do not suffice. */
  readonly answer: string | null
  /** Why there is no answer. */
  readonly reason: "no-answers" | "tie" | "few-votes" | "close" | "small-share" | null
  /** Of the leading class; 0 without one. */
  readonly votes: number
  /** Votes of the next class. */
  readonly runnerUp: number
  /** Samples with an answer, and all samples. */
  readonly answered: number
  readonly total: number
  readonly isTie: boolean
  /** The spellings of the leading class, most votes first; of a tie, of the class named first. */
  readonly spellings: ReadonlyArray<{ readonly answer: string; readonly votes: number }>
  /** Classes of equal answers. */
  readonly classes: number
}

const byVotes = (a: readonly [string, number], b: readonly [string, number]): number =>
  b[1] - a[1] || a[0].length - b[0].length || (a[0] < b[0] ? -1 : 1)

/**
 * answers_G: one per sample, null or "" where none was found. Classes are made from the most frequent spelling down, each
 * spelling compared with the first of each class (Vote/AnswerGroups.ts has the limit of comparisons). A policy outside of its
 * ranges is a RangeError. Majority over strings is NeMo-Skills' fill_majority_answer, which splits equal spellings, breaks
 * ties by chance and writes a marker where nobody answered.
 */
export const majorityFill = (
  answers_G: ReadonlyArray<string | null>,
  { minMargin, minShare, minVotes }: FillPolicy,
  same: SameAnswer
): MajorityFill => {
  whole("minVotes", minVotes, 1)
  whole("minMargin", minMargin, 0)
  finite("minShare", minShare, 0, 1)
  const counts = new Map<string, number>()
  for (const answer of answers_G) {
    if (answer !== null && answer !== "") counts.set(answer, (counts.get(answer) ?? 0) + 1)
  }
  const spellings = [...counts].sort(byVotes)
  const { places } = placeAnswers(noGroups, spellings.map(([answer]) => answer), same)
  const classes: Array<
    { votes: number; readonly spellings: Array<{ readonly answer: string; readonly votes: number }> }
  > = []
  for (const [i, [answer, votes]] of spellings.entries()) {
    const group = places[i] ?? 0
    const known = classes[group] ??= { votes: 0, spellings: [] }
    known.votes += votes
    known.spellings.push({ answer, votes })
  }
  // The order of classes with equal votes is that of their first spellings: sorting is stable.
  const [first, second] = classes.toSorted((a, b) => b.votes - a.votes)
  const total = answers_G.length
  const answered = spellings.reduce((sum, [, votes]) => sum + votes, 0)
  const votes = first?.votes ?? 0
  const runnerUp = second?.votes ?? 0
  const isTie = first !== undefined && votes === runnerUp
  // A share of a count: the small term keeps 0.1 * 30 from being above 3.
  const reason = first === undefined
    ? "no-answers"
    : isTie
    ? "tie"
    : votes < minVotes
    ? "few-votes"
    : votes - runnerUp < minMargin
    ? "close"
    : votes < minShare * total - 1e-9
    ? "small-share"
    : null
  return {
    answer: reason === null ? first?.spellings[0]?.answer ?? null : null,
    reason,
    votes,
    runnerUp,
    answered,
    total,
    isTie,
    spellings: first?.spellings ?? [],
    classes: classes.length
  }
}
