// How sure a model was while it wrote a sample, from the log-probabilities of the likeliest tokens at each place. DeepConf: Fu et
// al. 2025, arXiv:2508.15260, section 3. Its online stopping of a trace is left out. Nothing is rounded in between.
import { CompensatedSum } from "../CompensatedSum.ts"
import { whole } from "../Statistics/Range.ts"

/**
 * Confidence of each token: minus the mean of its top-k log-probabilities, in nats, at least 0 for log-probabilities. Higher is surer.
 * topLogprobs_T_K: any k per token. Values that are not finite are left out, and so are tokens that have none left: the result
 * can be shorter than T.
 */
export const tokenConfidences = (topLogprobs_T_K: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> => {
  const confidences: Array<number> = []
  for (const topLogprobs of topLogprobs_T_K) {
    let sum = 0
    let count = 0
    for (const logprob of topLogprobs) {
      if (!Number.isFinite(logprob)) continue
      sum += logprob
      count++
    }
    if (count > 0) confidences.push(sum === 0 ? 0 : -sum / count)
  }
  return confidences
}

const mean = (values: ArrayLike<number>, from: number, to: number): number => {
  const sum = new CompensatedSum()
  for (let i = from; i < to; i++) sum.add(values[i] as number)
  return sum.total / (to - from)
}

/** Means of all windows of `window` tokens, one token apart; of all tokens when there are fewer. Empty for no token. O(T). */
export const windowMeans = (confidences_T: ArrayLike<number>, window: number): Float64Array => {
  whole("window", window, 1)
  const tokens = confidences_T.length
  if (tokens === 0) return new Float64Array(0)
  const width = Math.min(window, tokens)
  const means = new Float64Array(tokens - width + 1)
  const running = new CompensatedSum()
  for (let i = 0; i < tokens; i++) {
    running.add(confidences_T[i] as number)
    if (i >= width) running.add(-(confidences_T[i - width] as number))
    if (i >= width - 1) means[i - width + 1] = running.total / width
  }
  return means
}

export interface TraceConfidence {
  readonly mean: number
  /** Mean of the last `tail` tokens. */
  readonly tail: number
  /** The least window mean ("lowest group confidence"). */
  readonly lowestWindow: number
  /** Mean of the lowest `bottomPercent` % of the window means, at least one of them. */
  readonly bottomWindows: number
}

/**
 * What a trace's token confidences come to. window and tail: tokens, default 2048; bottomPercent in [0, 100], default 10. Null
 * for no token. All finite if the confidences are. O(T log T).
 */
export const traceConfidence = (
  confidences_T: ArrayLike<number>,
  options: { readonly window?: number; readonly tail?: number; readonly bottomPercent?: number } = {}
): TraceConfidence | null => {
  const { bottomPercent = 10, tail = 2048, window = 2048 } = options
  const tokens = confidences_T.length
  if (tokens === 0) return null
  const sorted = windowMeans(confidences_T, window).sort()
  const bottom = Math.min(sorted.length, Math.max(1, Math.floor((sorted.length * bottomPercent) / 100)))
  return {
    mean: mean(confidences_T, 0, tokens),
    tail: mean(confidences_T, Math.max(0, tokens - whole("tail", tail, 1)), tokens),
    lowestWindow: sorted[0] as number,
    bottomWindows: mean(sorted, 0, bottom)
  }
}
