// Whole numbers in given proportions: the one rounding rule of splits and of sampling to exact shares.
import { finite, whole } from "./Statistics/Range.ts"

/**
 * Who gets what rounding down leaves over, one each: `largest-remainder` goes by the fraction cut off (Hamilton's
 * method), `largest-share` by the share itself. Ties go to the earlier entry.
 */
export type RemainderRule = "largest-remainder" | "largest-share"

/** Shares as whole numbers in their exact proportions, each double taken for the shortest decimal that is read as it. */
const proportional = (shares: ReadonlyArray<number>): ReadonlyArray<bigint> => {
  const parts = shares.map((share) => {
    const [digits = "0", exponent = "0"] = finite("share", share, 0).toExponential().split("e")
    const [head = "0", tail = ""] = digits.split(".")
    return { digits: BigInt(head + tail), exponent: Number(exponent) - tail.length }
  })
  const least = parts.reduce((least, { exponent }) => Math.min(least, exponent), 0) - resolution
  return parts.map(({ digits, exponent }) => digits * 10n ** BigInt(exponent - least))
}
const resolution = 18

/** What the rounding of floating-point shares may do to a quota. Below half of 1 / entries, so that no sum exceeds the total. */
const slackOf = (total: number, entries: number): number => Math.min(1e-9 + total * 1e-12, 0.25 / Math.max(1, entries))
/** The part `slack` of `sum`. */
const partOf = (sum: bigint, slack: number): bigint => (sum * BigInt(Math.round(slack * 1e15))) / 1_000_000_000_000_000n

/**
 * `total` (a whole number, at least 0) in proportion to `shares` (at least 0, with a positive sum): whole numbers that
 * sum to `total`, each less than 1 away from its quota under `largest-remainder`, and 0 for a share of 0. Exact for every total to
 * 2^53 - 1; what makes no sense is a RangeError. A total of 0 needs no positive share.
 */
export const allocate = (
  total: number,
  shares: ReadonlyArray<number>,
  rule: RemainderRule = "largest-remainder"
): Array<number> => {
  const parts = proportional(shares)
  const sum = parts.reduce((a, b) => a + b, 0n)
  if (whole("total", total, 0) === 0) return shares.map(() => 0)
  if (sum === 0n) throw new RangeError("shares must have a positive sum")
  const slack = partOf(sum, slackOf(total, shares.length))
  // Everything in units of 1 / sum. Shares that differ by rounding only have one weight: 0.1 + 0.2 is 0.3 here.
  const entries = parts.map((part, i) => {
    const quota = BigInt(total) * part
    const count = (quota + slack) / sum
    const exact = rule === "largest-share" ? quota : quota - count * sum
    return { i, part, count: Number(count), weight: (exact + slack / 2n) / slack }
  })
  const counts = entries.map(({ count }) => count)
  const left = total - counts.reduce((a, b) => a + b, 0)
  const order = entries.filter(({ part }) => part > 0n).sort((a, b) =>
    a.weight === b.weight ? a.i - b.i : a.weight < b.weight ? 1 : -1
  )
  for (const { count, i } of order.slice(0, left)) counts[i] = count + 1
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

  // In units of 1 / parts: percentages that sum to 100 but for their rounding are taken as shares of their sum.
  const parts = proportional(keys.map(({ share }) => share))
  const all = parts.reduce((a, b) => a + b, 0n)
  let scarcest = 0
  let most = Infinity
  for (const [i, { available, share }] of keys.entries()) {
    if (share > 0 && (available * 100) / share < most) {
      most = (available * 100) / share
      scarcest = i
    }
  }
  const bottleneck = keys[scarcest]?.key ?? ""
  const scarce = parts[scarcest] ?? 1n
  const room = BigInt(keys[scarcest]?.available ?? 0) * all
  const cap = Number((room + partOf(scarce, slackOf(most, keys.length))) / scarce)
  const total = Math.min(target ?? Number.MAX_SAFE_INTEGER, cap)
  const slack = partOf(all, slackOf(total, keys.length))
  const counts = keys.map(({ available }, i) =>
    Math.min(available, Number((BigInt(total) * (parts[i] ?? 0n) + slack) / all))
  )
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
  const test = Math.ceil(n * share * (1 - 4 * Number.EPSILON))
  return test < 1 || test >= n ? null : { train: n - test, test }
}
