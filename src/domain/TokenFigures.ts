// What the log-probabilities of a sample's tokens come to, token by token: what votes are weighted by (Vote/VoteRule.ts). Natural logarithms.
// Memory is 8 bytes a token, whatever number of likeliest tokens comes with each.
import { CompensatedSum } from "./CompensatedSum.ts"
import { traceConfidence } from "./Vote/TraceConfidence.ts"
import type { Figures } from "./Vote/VoteRule.ts"

/** Servers write this, or less, for a probability of nothing: it is left out. */
const nothing = -9999
const known = (logprob: number): boolean => Number.isFinite(logprob) && logprob > nothing

/** Tokens that are counted for the confidence; those after them are not. */
const confidencesMaximum = 1_000_000

const noConfidences = new Float64Array(0)
const confidencesFirst = 256

export class TokenFigures {
  #tokens = 0
  readonly #logprobs = new CompensatedSum()
  #logprobCount = 0
  readonly #entropies = new CompensatedSum()
  #entropyCount = 0
  #confidences = noConfidences
  #confidenceCount = 0

  /** Tokens added. */
  get tokens(): number {
    return this.#tokens
  }

  /**
   * One token: its log-probability and those of the likeliest tokens at its place, as the server lists them (k of them, its own among them or not;
   * none: it counts for `logprobMean` alone). Above 0 counts as 0; what is not finite, or -9999 and less, is left out.
   */
  add(logprob: number | null, topLogprobs_K: ReadonlyArray<number>): void {
    this.#tokens++
    if (logprob !== null && known(logprob)) {
      this.#logprobs.add(Math.min(logprob, 0))
      this.#logprobCount++
    }
    let mass = 0
    let entropy = 0
    let sum = 0
    let count = 0
    for (const top of topLogprobs_K) {
      if (!known(top)) continue
      const value = Math.min(top, 0)
      const probability = Math.exp(value)
      mass += probability
      entropy -= probability * value
      sum += value
      count++
    }
    if (count === 0) return
    const rest = 1 - mass
    if (rest > 0) entropy -= rest * Math.log(rest)
    this.#entropies.add(Math.max(0, entropy))
    this.#entropyCount++
    if (this.#confidenceCount === confidencesMaximum) return
    if (this.#confidenceCount === this.#confidences.length) {
      const wider = new Float64Array(
        Math.min(confidencesMaximum, Math.max(confidencesFirst, 2 * this.#confidences.length))
      )
      wider.set(this.#confidences)
      this.#confidences = wider
    }
    this.#confidences[this.#confidenceCount++] = sum === 0 ? 0 : -sum / count
  }

  /**
   * - `logprobMean`: mean log-probability of the tokens, in nats, at most 0.
   * - `entropyMean`: mean over tokens of the entropy of the k likeliest tokens with all the others as one lump, in nats, 0..ln(k + 1). A lower bound
   *   of the entropy over the whole vocabulary.
   * - `confidence`: mean of the lowest 10 % of the means of 2,048 tokens, a token being as sure as minus the mean of its k log-probabilities
   *   (Vote/TraceConfidence.ts, `bottomWindows`); of fewer tokens the mean of all. At least 0.
   *
   * What nothing is known of is absent. O(T log T).
   */
  figures(): Figures {
    const trace = traceConfidence(this.#confidences.subarray(0, this.#confidenceCount))
    return {
      ...(this.#logprobCount === 0 ? {} : { logprobMean: this.#logprobs.total / this.#logprobCount }),
      ...(this.#entropyCount === 0 ? {} : { entropyMean: this.#entropies.total / this.#entropyCount }),
      ...(trace === null ? {} : { confidence: trace.bottomWindows })
    }
  }
}
