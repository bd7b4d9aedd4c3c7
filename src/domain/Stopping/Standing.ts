// How the samples of a problem stand: what the rules of stopping look at. It is counted from the whole list each time, which is bounded.

/** What a rule sees. */
export interface Standing {
  /** First spelling of each answer, in the order first seen, and its votes. */
  readonly names: ReadonlyArray<string>
  readonly votes: ReadonlyArray<number>
  /** Index of the answer of each finished sample, in the order finished; null: none found, or the sample failed. */
  readonly finished: ReadonlyArray<number | null>
  /** Samples still to come. */
  readonly remaining: number
  /** The answer with the most votes, of equal ones the one seen first; null before any. */
  readonly leader: number | null
  readonly top: number
  /** Votes of the best other answer. */
  readonly second: number
}

export const standingOf = (
  names: ReadonlyArray<string>,
  finished: ReadonlyArray<number | null>,
  remaining: number
): Standing => {
  const votes = names.map(() => 0)
  for (const place of finished) if (place !== null) votes[place] = (votes[place] ?? 0) + 1
  let leader: number | null = null
  let top = 0
  let second = 0
  for (const [place, count] of votes.entries()) {
    if (count > top) {
      second = top
      top = count
      leader = place
    } else if (count > second) second = count
  }
  return { names, votes, finished, remaining, leader, top, second }
}
