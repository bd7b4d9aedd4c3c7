// Whole numbers in given proportions: the one rounding rule of splits and of sampling to exact shares.
import { finite, whole } from "./Statistics/Range.ts"

/**
 * Who gets what rounding down leaves over, one each: `largest-remainder` goes by the fraction cut off (Hamilton's
 * method), `largest-share` by the share itself. Ties go to the earlier entry.
 */
export type RemainderRule = "largest-remainder" | "largest-share"

/**
 * `total` (a whole number, at least 0) in proportion to `shares` (at least 0, with a positive sum): whole numbers that
 * sum to `total`, each less than 1 away from its quota under `largest-remainder`, and 0 for a share of 0.
 */
export const allocate = (
  total: number,
  shares: ReadonlyArray<number>,
  rule: RemainderRule = "largest-remainder"
): Array<number> => {
  const tolerance = 1e-9 + total * 1e-12 // what floating point may add: 0.1 + 0.2 is 0.3 here
  const sum = shares.reduce((a, b) => a + b, 0)
  const quotas = shares.map((share) => (total * share) / sum)
  const counts = quotas.map((quota) => Math.floor(quota + tolerance))
  const weight = (i: number): number => {
    const exact = rule === "largest-share" ? (shares[i] as number) : (quotas[i] as number) - (counts[i] as number)
    return Math.round(exact / tolerance)
  }
  const left = total - counts.reduce((a, b) => a + b, 0)
  const order = [...shares.keys()].filter((i) => (shares[i] as number) > 0).sort((a, b) =>
    weight(b) - weight(a) || a - b
  )
  for (const i of order.slice(0, left)) counts[i] = (counts[i] as number) + 1
  return counts
}

/** A sample in exact proportions, or why there is none. */
export type Downsample =
  | {
    readonly _tag: "Allocated"
    /** Rows in all: what was asked for, or as many as the scarcest key allows. */
    readonly total: number
    /** The key that allows the fewest rows in all; the first of several. */
    readonly bottleneck: string
    /** Rows by key, in the order of the percentages; they sum to `total` and none is above what is available. */
    readonly allocated: Readonly<Record<string, number>>
  }
  | { readonly _tag: "Refused"; readonly reason: DownsampleRefusal; readonly message: string }
export type DownsampleRefusal = "percent-negative" | "percent-sum" | "available-invalid" | "target-invalid"

const refused = (reason: DownsampleRefusal, message: string): Downsample => ({ _tag: "Refused", reason, message })
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/**
 * How many rows to take of each key so that the keys stand in the proportions of `percent` (0 to 100 each, together 100) and no more
 * than `target` rows come out; null: as many as there are. The total is capped by the scarcest key; rounding down leaves a rest, which goes to the
 * keys with the largest percentage first, one each, as far as they have rows left. A key without an entry in `available`
 * has none; keys without a percentage get nothing. aimo3-dataset-pipeline, notebook 8, whose rest may exceed what is available.
 */
export const downsample = (
  available: Readonly<Record<string, number>>,
  percent: Readonly<Record<string, number>>,
  target: number | null
): Downsample => {
  const keys = Object.entries(percent).map(([key, share]) => ({
    key,
    share,
    available: Object.hasOwn(available, key) ? available[key] ?? 0 : 0
  }))
  if (!keys.every(({ share }) => share >= 0)) return refused("percent-negative", "percentages must be numbers >= 0")
  const sum = keys.reduce((total, { share }) => total + share, 0)
  if (!(Math.abs(sum - 100) <= 1e-6)) return refused("percent-sum", "percentages must sum to 100")
  if (!keys.every((key) => isCount(key.available))) {
    return refused("available-invalid", "what is available must be whole numbers >= 0")
  }
  if (target !== null && !isCount(target)) return refused("target-invalid", "the target must be a whole number >= 0")

  let bottleneck = ""
  let most = Infinity
  for (const { available, key, share } of keys) {
    if (share > 0 && (available * 100) / share < most) {
      most = (available * 100) / share
      bottleneck = key
    }
  }
  const cap = Math.floor(most * (1 + 1e-12) + 1e-9)
  const total = target === null ? cap : Math.min(target, cap)
  const tolerance = 1e-9 + total * 1e-12
  const counts = keys.map(({ available, share }) => Math.min(available, Math.floor((total * share) / 100 + tolerance)))
  let left = total - counts.reduce((a, b) => a + b, 0)
  const order = [...keys.keys()].sort((a, b) => (keys[b]?.share ?? 0) - (keys[a]?.share ?? 0) || a - b)
  for (const i of order) {
    const key = keys[i]
    if (left <= 0 || key === undefined || key.share === 0 || (counts[i] ?? 0) >= key.available) continue
    counts[i] = (counts[i] ?? 0) + 1
    left--
  }
  const allocated = Object.fromEntries(keys.map(({ key }, i) => [key, counts[i] ?? 0]))
  return { _tag: "Allocated", total, bottleneck, allocated }
}

/**
 * Rows of a training and a test part of `n` rows: test gets `share` of them, rounded up. Null where one of the two would be
 * empty. `n` >= 0, 0 < share < 1, else RangeError.
 */
export const holdOut = (n: number, share = 0.1): { readonly train: number; readonly test: number } | null => {
  whole("n", n, 0)
  finite("share", share, Number.MIN_VALUE, 1 - Number.EPSILON)
  const test = Math.ceil(n * share - 1e-9)
  return test < 1 || test >= n ? null : { train: n - test, test }
}
