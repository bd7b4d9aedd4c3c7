// One sampled response as the loss sees it: a row of log-probs per model, a mask and an advantage. `checkSequences` says what is
// wrong with a batch before anything is computed, so that the rest may rely on shapes and finite numbers.

/** All rows have one entry per token, in nats: the log-prob of the sampled token. */
export interface TokenSequence {
  /** Under the policy that is trained. */
  readonly logprobsNew_T: ArrayLike<number>
  /** Under the policy before this step's updates, as the trainer computes it. */
  readonly logprobsOld_T: ArrayLike<number>
  /** Under the reference model; needed for a KL penalty. */
  readonly logprobsReference_T?: ArrayLike<number>
  /** As the sampling engine reported it; needed to correct for its difference from the trainer. */
  readonly logprobsSampler_T?: ArrayLike<number>
  /** 1 for tokens that count, 0 for prompt, tool and filtered tokens; all count by default. Masked tokens are not read. */
  readonly mask_T?: ArrayLike<number>
  /** One for the sequence, or one per token (PPO with a value function). */
  readonly advantage: number | ArrayLike<number>
}

export const isActive = (sequence: TokenSequence, t: number): boolean => (sequence.mask_T?.[t] ?? 1) !== 0

/** The advantage of one token. */
export const advantageAt = ({ advantage }: TokenSequence, t: number): number =>
  typeof advantage === "number" ? advantage : advantage[t] as number

export const logRatioAt = (sequence: TokenSequence, t: number): number =>
  (sequence.logprobsNew_T[t] as number) - (sequence.logprobsOld_T[t] as number)

/** How many tokens count. */
export const activeTokens = (sequence: TokenSequence): number => {
  let count = 0
  for (let t = 0; t < sequence.logprobsNew_T.length; t++) if (isActive(sequence, t)) count++
  return count
}

/** Why a loss is not defined, and where: a fact about the input, never an exception. */
export interface Undefined {
  readonly _tag: "Undefined"
  readonly reason: string
  readonly sequence: number | null
  readonly token: number | null
}

export const undefinedFor = (
  reason: string,
  sequence: number | null = null,
  token: number | null = null
): Undefined => ({ _tag: "Undefined", reason, sequence, token })

export type OptionalRow = "logprobsReference_T" | "logprobsSampler_T"

/** The largest log-ratio of two models on one token whose exponential is a finite float64. */
const logRatioBound = 709

/**
 * Null for a batch that the loss can read, else the first thing wrong: rows of different length, a row of `needed` that is
 * missing, a mask that is not 0 or 1, an advantage or a counted log-prob that is not finite, log-probs so far apart that
 * their ratio overflows. Reads every row that is there once.
 */
export const checkSequences = (
  sequences: ReadonlyArray<TokenSequence>,
  needed: ReadonlyArray<OptionalRow> = []
): Undefined | null => {
  for (const [i, sequence] of sequences.entries()) {
    const { advantage, logprobsNew_T, logprobsOld_T, logprobsReference_T, logprobsSampler_T, mask_T } = sequence
    const missing = needed.find((row) => sequence[row] === undefined)
    if (missing !== undefined) return undefinedFor(`${missing} is needed`, i)
    const rows: Array<[string, ArrayLike<number>]> = [["logprobsNew_T", logprobsNew_T], [
      "logprobsOld_T",
      logprobsOld_T
    ]]
    if (logprobsReference_T !== undefined) rows.push(["logprobsReference_T", logprobsReference_T])
    if (logprobsSampler_T !== undefined) rows.push(["logprobsSampler_T", logprobsSampler_T])
    if (typeof advantage !== "number") rows.push(["advantage", advantage])
    else if (!Number.isFinite(advantage)) return undefinedFor("advantage is not finite", i)
    if (mask_T !== undefined && mask_T.length !== logprobsNew_T.length) {
      return undefinedFor("mask_T has another length than logprobsNew_T", i)
    }
    for (const [name, row] of rows) {
      if (row.length !== logprobsNew_T.length) return undefinedFor(`${name} has another length than logprobsNew_T`, i)
    }
    for (let t = 0; t < logprobsNew_T.length; t++) {
      const mask = mask_T?.[t] ?? 1
      if (mask === 0) continue
      if (mask !== 1) return undefinedFor("a mask is 0 or 1", i, t)
      for (const [name, row] of rows) if (!Number.isFinite(row[t])) return undefinedFor(`${name} is not finite`, i, t)
      const [next, old] = [logprobsNew_T[t] as number, logprobsOld_T[t] as number]
      const reference = logprobsReference_T === undefined ? next : logprobsReference_T[t] as number
      if (next - old > logRatioBound || reference - next > logRatioBound) {
        return undefinedFor("log-probs are too far apart", i, t)
      }
    }
  }
  return null
}
