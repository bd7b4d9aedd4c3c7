// Limits of the work on runs that hold for a whole runner, not for one run. Read at each use, so that an object with getters makes them
// live; the fields of `polya config`'s area "run".
import { Context } from "effect"

export interface RunLimits {
  /** Runs that one runner drives at once; others wait for their turn. Default 64. */
  readonly maxDriven: number
  /** A row whose stage failed for a passing reason is tried again after this, then after twice as long, and so on. Default 200. */
  readonly retryFirstMillis: number
  /** The longest such wait. Default 30,000. */
  readonly retryLongestMillis: number
}
export const runLimitsDefaults: RunLimits = { maxDriven: 64, retryFirstMillis: 200, retryLongestMillis: 30_000 }
export const RunLimits = Context.Reference<RunLimits>("polya/RunLimits", { defaultValue: () => runLimitsDefaults })

/** The wait before try number `attempt` (from 2). */
export const retryMillis = ({ retryFirstMillis, retryLongestMillis }: RunLimits, attempt: number): number =>
  Math.min(retryLongestMillis, retryFirstMillis * 2 ** Math.min(attempt - 2, 52))
