// The names of the rules by which samples count; alone, so that a command line can have them without the rules.

/**
 * What a sample counts, by name: see VoteRule.ts. `auto`: its `weight` if a sample has one, else by `logprobMean` if one has it, else each
 * counts one.
 */
export const voteStrategies = [
  "auto",
  "majority",
  "logprob",
  "entropy",
  "confidence",
  "verified",
  "borda",
  "weight",
  "score"
] as const
export type VoteStrategy = (typeof voteStrategies)[number]
