// Quantiles by linear interpolation between order statistics.
import { finite } from "./Range.ts"

/**
 * The q-quantile of `values_N` (any order, not changed): linear interpolation at position q (N - 1) of the sorted values, type 7
 * of Hyndman and Fan 1996, NumPy's default. q in [0, 1], RangeError otherwise. Null for no value. A position within 1e-9 of
 * a whole number is that number, so that a quantile that falls on a value is that very value.
 */
export const quantile = (values_N: ReadonlyArray<number>, q: number): number | null => {
  finite("q", q, 0, 1)
  if (values_N.length === 0) return null
  const sorted = Float64Array.from(values_N).sort()
  const exact = q * (sorted.length - 1)
  const position = Math.abs(exact - Math.round(exact)) < 1e-9 ? Math.round(exact) : exact
  const below = Math.floor(position)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return position === below ? low : low + (position - below) * (high - low)
}
