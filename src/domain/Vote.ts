// The vote of samples on one problem: fed samples one at a time or in batches, it says at any time which answer leads, by how much,
// and who shares the lead. State is plain data, so an actor can keep it. Samples without an answer are counted and never vote.
// The result does not depend on the order of the samples, but for the spelling that names a group (the first seen) and a tie
// under the policy `first_seen`; see Vote/AnswerGroups.ts for a `same` that is not transitive, and for `exhausted`.
import { Schema } from "effect"
import type { SameAnswer } from "./Verdict.ts"
import { AnswerGroups, noGroups, placeAnswers, representatives } from "./Vote/AnswerGroups.ts"
import { type Ballot, Figures, groupWeights, meanOfKnown, VoteRule } from "./Vote/VoteRule.ts"

/** One sample as the vote sees it: what it answers (null: nothing was found) and what is known of it. */
export const VoteSample = Schema.Struct({ answer: Schema.NullOr(Schema.String), ...Figures.fields })
export type VoteSample = typeof VoteSample.Type

/** Samples that one vote takes; later ones are only counted, as ignored. */
export const samplesMaximum = 16_384

/**
 * Who wins a tie: `first_seen`, the answer that came first; `mean_logprob`, the one whose samples have the higher mean
 * log-probability (none known: lowest; still tied: nobody); `none`, nobody, so that the answer is null and the tie is told.
 */
export const TiePolicy = Schema.Literals(["first_seen", "mean_logprob", "none"])
export type TiePolicy = typeof TiePolicy.Type

export const Vote = Schema.Struct({
  rule: VoteRule,
  ties: TiePolicy,
  groups: AnswerGroups,
  /** One per sample, in order; group null: no answer. */
  samples: Schema.Array(Schema.Struct({ group: Schema.NullOr(Schema.Int), ...Figures.fields })),
  ignored: Schema.Int
})
export type Vote = typeof Vote.Type

export const VoteResult = Schema.Struct({
  /** Null when nobody answered, or a tie was left undecided. */
  answer: Schema.NullOr(Schema.String),
  /** Heaviest first, equal ones in the order first seen. `votes` counts all samples of the answer, kept or not. */
  groups: Schema.Array(Schema.Struct({ answer: Schema.String, votes: Schema.Int, weight: Schema.Finite })),
  /** Weight of the heaviest minus that of the next, which is 0 if there is none; 0 in a tie. In votes under `Majority`. */
  margin: Schema.Finite,
  /** The answers that share the lead, in the order first seen; empty when one leads alone. */
  tie: Schema.Array(Schema.String),
  /** Samples counted, with an answer, and with a say under the rule. */
  samples: Schema.Int,
  answered: Schema.Int,
  kept: Schema.Int,
  /** Too many different answers to compare all of them: equal ones may be split, depending on their order. */
  exhausted: Schema.Boolean
})
export type VoteResult = typeof VoteResult.Type

export const emptyVote = (rule: VoteRule, ties: TiePolicy = "first_seen"): Vote => ({
  rule,
  ties,
  groups: noGroups,
  samples: [],
  ignored: 0
})

/** The vote with more samples, in order. Linear in samples; see `placeAnswers` for the comparisons of answers. */
export const addSamples = (vote: Vote, samples: ReadonlyArray<VoteSample>, same: SameAnswer): Vote => {
  const taken = samples.slice(0, Math.max(0, samplesMaximum - vote.samples.length))
  const { groups, places } = placeAnswers(vote.groups, taken.map(({ answer }) => answer), same)
  const added = taken.map(({ answer: _, ...figures }, i) => ({ ...figures, group: places[i] ?? null }))
  return {
    ...vote,
    groups,
    samples: [...vote.samples, ...added],
    ignored: vote.ignored + samples.length - taken.length
  }
}

export const addSample = (vote: Vote, sample: VoteSample, same: SameAnswer): Vote => addSamples(vote, [sample], same)

/** Weights this close, relative to the larger, are equal: sums that differ by rounding only. */
const tieTolerance = 1e-12

const equalWeights = (a: number, b: number): boolean =>
  Math.abs(a - b) <= tieTolerance * Math.max(Math.abs(a), Math.abs(b))

/** What the vote says now. O(n log n) in its samples. */
export const voteResult = (vote: Vote): VoteResult => {
  const names = representatives(vote.groups)
  const ballots: Array<Ballot> = []
  const votes = names.map(() => 0)
  for (const { group, ...figures } of vote.samples) {
    if (group === null) continue
    ballots.push({ ...figures, group })
    votes[group] = (votes[group] ?? 0) + 1
  }
  const weighed = groupWeights(vote.rule, ballots, names.length)
    .map(({ kept, weight }, group) => ({ group, kept, weight, votes: votes[group] ?? 0, answer: names[group] ?? "" }))
  const ranked = weighed.toSorted((a, b) => Number(b.kept > 0) - Number(a.kept > 0) || b.weight - a.weight)
  const running = ranked.filter(({ kept }) => kept > 0)
  const [first, second] = running
  const leaders = first === undefined
    ? []
    : running.filter(({ weight }) => equalWeights(weight, first.weight)).toSorted((a, b) => a.group - b.group)
  const tied = leaders.length > 1
  const winner = tied ? winnerOfTie(vote.ties, leaders, ballots) : first
  return {
    answer: winner?.answer ?? null,
    groups: ranked.map(({ answer, votes, weight }) => ({ answer, votes, weight })),
    margin: first === undefined || tied ? 0 : first.weight - (second?.weight ?? 0),
    tie: tied ? leaders.map(({ answer }) => answer) : [],
    samples: vote.samples.length,
    answered: ballots.length,
    kept: running.reduce((sum, { kept }) => sum + kept, 0),
    exhausted: vote.groups.exhausted
  }
}

/** leaders: in the order first seen. */
const winnerOfTie = <Leader extends { readonly group: number }>(
  policy: TiePolicy,
  leaders: ReadonlyArray<Leader>,
  ballots: ReadonlyArray<Ballot>
): Leader | undefined => {
  if (policy === "none") return undefined
  if (policy === "first_seen") return leaders[0]
  const logprobs = new Map(leaders.map(({ group }): [number, Array<number | undefined>] => [group, []]))
  for (const { group, logprobMean } of ballots) logprobs.get(group)?.push(logprobMean)
  const ranked = leaders.map((leader) => ({ leader, logprob: meanOfKnown(logprobs.get(leader.group) ?? []) })).filter((
    { logprob }
  ) => logprob !== null).toSorted((a, b) => (b.logprob ?? 0) - (a.logprob ?? 0))
  const [best, next] = ranked
  if (best === undefined) return undefined
  return next !== undefined && equalWeights(best.logprob ?? 0, next.logprob ?? 0) ? undefined : best.leader
}
