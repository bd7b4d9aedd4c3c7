// Limits of the work on solves that hold for a whole runner. Read at each use, so that an object with getters makes them live; the fields of
// `polya config`'s area "solve".
import { Context } from "effect"

export interface SolveLimits {
  /** Solves that one runner drives at once; others wait for their turn. Default 512. */
  readonly maxDriven: number
  /** A sample of a solve without a budget of time ends by then. Default an hour. */
  readonly sampleMillis: number
  /** A sample that failed for a passing reason is asked for again so often. Default 2. */
  readonly retries: number
  /** After this, then after twice as long, and so on. Default 1,000. */
  readonly retryFirstMillis: number
}
export const solveLimitsDefaults: SolveLimits = {
  maxDriven: 512,
  sampleMillis: 3_600_000,
  retries: 2,
  retryFirstMillis: 1_000
}
export const SolveLimits = Context.Reference<SolveLimits>("polya/SolveLimits", {
  defaultValue: () => solveLimitsDefaults
})
