// Whole numbers in given proportions: the one rounding rule of splits and of sampling to exact shares.

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
