// What majority voting over k samples would score: exactly over all subsets of the samples at hand, or under a binomial model.
import { CompensatedSum } from "../CompensatedSum.ts"
import { binomialTail, hypergeometric } from "./Binomial.ts"
import { whole } from "./Range.ts"

/** Steps that `majorityAtK` may take; beyond, it says null. */
export const majorityAtKSteps = 100_000_000

/**
 * P(Binomial(samples, p) >= ceil(samples / 2)): how often at least half of independent samples are right, when each is with
 * probability p. The wrong ones are taken to agree and a tie to go well: between a pessimist's and an optimist's view.
 * samples: 1..10^9; p in [0, 1]. AIMO-3 write-ups (arXiv:2603.27844) multiply it by 50 problems.
 */
export const majorityBinomial = (samples: number, p: number): number =>
  binomialTail(whole("samples", samples, 1), p, Math.ceil(samples / 2))

/**
 * Expected credit of a majority vote over k of the samples, all subsets of size k being equally likely: 1 when the right answer
 * leads alone, 1 / (1 + t) when it ties with t others, 0 else and when nobody in the subset answered.
 * votes_A: samples per class of answers; right: index of the right class, or -1 (then 0); nulls: samples without an answer.
 * In [0, 1]; k in 1..sum(votes) + nulls, RangeError otherwise. Exact (dynamic programme over classes; about
 * A k^3 steps); null when that is above `majorityAtKSteps`.
 */
export const majorityAtK = (
  votes_A: ReadonlyArray<number>,
  right: number,
  k: number,
  nulls = 0
): number | null => {
  for (const votes of votes_A) whole("votes", votes, 0)
  const answered = votes_A.reduce((a, b) => a + b, 0)
  whole("k", k, 1, answered + whole("nulls", nulls, 0))
  const own = whole("right", right, -1, votes_A.length - 1) === -1 ? 0 : votes_A[right] as number
  if (own === 0) return 0
  const others = votes_A.filter((votes, index) => index !== right && votes > 0)
  if ((others.length + 1) * k ** 3 > majorityAtKSteps) return null

  // chances[a][r][i]: i of class a among r draws from it and everything after it.
  let pool = answered + nulls - own
  const ownChances = hypergeometric(pool + own, own, k)
  const chances = others.map((size) => {
    const rows = Array.from({ length: Math.min(k, pool) + 1 }, (_, draws) => hypergeometric(pool, size, draws))
    pool -= size
    return rows
  })
  const credit = new CompensatedSum()
  for (let lead = 1; lead <= Math.min(own, k); lead++) {
    const chance = ownChances[lead] as number
    if (chance > 0) credit.add(chance * shareOfLead(chances, others, lead, k - lead, nulls))
  }
  return Math.min(1, credit.total)
}

/** E[1 / (1 + ties); nobody above `lead`] over `draws` taken from the other classes and the nulls. */
const shareOfLead = (
  chances: ReadonlyArray<ReadonlyArray<Float64Array>>,
  sizes: ReadonlyArray<number>,
  lead: number,
  draws: number,
  nulls: number
): number => {
  const tiesMaximum = Math.min(sizes.length, Math.floor(draws / lead))
  const width = tiesMaximum + 1
  // reached[left * width + ties]: the chance of so many draws left and so many ties so far.
  let reached = new Float64Array((draws + 1) * width)
  reached[draws * width] = 1
  for (const [a, size] of sizes.entries()) {
    const next = new Float64Array(reached.length)
    for (let left = 0; left <= draws; left++) {
      const row = chances[a]?.[left]
      if (row === undefined) continue
      for (let ties = 0; ties <= tiesMaximum; ties++) {
        const here = reached[left * width + ties] as number
        if (here === 0) continue
        for (let i = 0; i <= Math.min(size, lead, left); i++) {
          const tied = i === lead ? ties + 1 : ties
          const to = (left - i) * width + tied
          next[to] = (next[to] as number) + here * (row[i] as number)
        }
      }
    }
    reached = next
  }
  let share = 0
  for (let left = 0; left <= Math.min(draws, nulls); left++) {
    for (let ties = 0; ties <= tiesMaximum; ties++) share += (reached[left * width + ties] as number) / (1 + ties)
  }
  return share
}
