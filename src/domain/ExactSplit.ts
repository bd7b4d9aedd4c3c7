// Who goes to training, validation and test: exact totals, strata in proportion, clusters in one piece. Seeded; the
// result depends on the set of units, not on the order or the batches in which they come. O(n log n), about 30 bytes a
// unit and an entry for each distinct stratum and cluster.
import { allocate } from "./Allocation.ts"
import { packClusters } from "./ExactSplit/Packing.ts"
import { controlledRounding } from "./ExactSplit/Rounding.ts"
import { mix } from "./text/Hash.ts"

export const splitNames = ["train", "validation", "test"] as const
export type SplitName = typeof splitNames[number]
export type Fractions = { readonly [name in SplitName]: number }

export interface SplitUnit {
  /** Distinct integers in [0, 2^53): the row's place in the run. */
  readonly order: number
  readonly stratum: string | null
  readonly cluster: string | null
}

export interface SplitAssignment {
  /** For each unit, in the order given, an index into `splitNames`. */
  readonly splits: Uint8Array
  readonly totals: { readonly [name in SplitName]: number }
}

const splitCount = splitNames.length

export const fractionsSumToOne = ({ test, train, validation }: Fractions): boolean =>
  Math.abs(train + validation + test - 1) <= 1e-9

/** Units as columns, numbered as they came; everything else in an order that does not depend on that. */
interface Columns {
  readonly size: number
  readonly stratum: Uint32Array
  readonly strata: number
  /** The units in seeded, random order. */
  readonly shuffled: Uint32Array
  /** Clusters of two or more units: larger ones first, else as they were shuffled. */
  readonly clusters: ReadonlyArray<Uint32Array>
  readonly isClustered: Uint8Array
}

const readColumns = (units: Iterable<SplitUnit>, seed: number): Columns => {
  const orders: Array<number> = []
  const strata: Array<number> = []
  const clusters: Array<number> = []
  const stratumNumbers = new Map<string, number>()
  const clusterNumbers = new Map<string, number>()
  const number = (numbers: Map<string, number>, name: string): number => {
    const known = numbers.get(name)
    if (known !== undefined) return known
    numbers.set(name, numbers.size)
    return numbers.size - 1
  }
  for (const { cluster, order, stratum } of units) {
    orders.push(order)
    strata.push(number(stratumNumbers, stratum === null ? "" : `=${stratum}`))
    clusters.push(cluster === null ? -1 : number(clusterNumbers, cluster))
  }
  const size = orders.length
  const start = mix(seed)
  const priority = Uint32Array.from(
    orders,
    (order) => mix(mix(start ^ (order >>> 0)) + Math.floor(order / 0x1_0000_0000))
  )
  const shuffled = Uint32Array.from({ length: size }, (_, unit) => unit)
    .sort((a, b) => (priority[a] as number) - (priority[b] as number) || (orders[a] as number) - (orders[b] as number))
  const rank = new Uint32Array(size)
  for (let i = 0; i < size; i++) rank[shuffled[i] as number] = i
  const names = [...stratumNumbers].sort(([a], [b]) => (a < b ? -1 : 1))
  const place = new Uint32Array(names.length)
  for (const [at, [, old]] of names.entries()) place[old] = at
  const members: Array<Array<number>> = Array.from({ length: clusterNumbers.size }, () => [])
  for (const unit of shuffled) if (clusters[unit] !== -1) members[clusters[unit] as number]?.push(unit)
  const isClustered = new Uint8Array(size)
  const torn = members.filter((cluster) => cluster.length > 1).map((cluster) => Uint32Array.from(cluster))
  for (const cluster of torn) for (const unit of cluster) isClustered[unit] = 1
  torn.sort((a, b) => b.length - a.length || (rank[a[0] as number] as number) - (rank[b[0] as number] as number))
  return {
    size,
    stratum: Uint32Array.from(strata, (old) => place[old] as number),
    strata: names.length,
    shuffled,
    clusters: torn,
    isClustered
  }
}

/** Splits that take units at all. */
const openSplits = (fractions: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...fractions.keys()].filter((k) => (fractions[k] as number) > 0)

/**
 * Puts each cluster where its strata are least filled for their share, among the splits with room for all of it.
 * Answers null once a cluster fits nowhere: that needs fewer rows left than three times the size of the cluster.
 */
const placeClusters = (
  { clusters, strata, stratum }: Columns,
  quotas: Float64Array,
  totals: ReadonlyArray<number>,
  open: ReadonlyArray<number>
): ReadonlyArray<number> | null => {
  const used = new Uint32Array(strata * splitCount)
  const room = [...totals]
  const places: Array<number> = []
  for (const cluster of clusters) {
    const counts = new Map<number, number>()
    for (const unit of cluster) counts.set(stratum[unit] as number, (counts.get(stratum[unit] as number) ?? 0) + 1)
    let best = -1
    let bestFill = Infinity
    for (const k of open) {
      if ((room[k] as number) < cluster.length) continue
      let fill = 0
      for (const [s, count] of counts) {
        const cell = s * splitCount + k
        fill += (count * ((used[cell] as number) + count)) / (quotas[cell] as number)
      }
      if (fill < bestFill) {
        best = k
        bestFill = fill
      }
    }
    if (best < 0) return null
    for (const [s, count] of counts) used[s * splitCount + best] = (used[s * splitCount + best] as number) + count
    room[best] = (room[best] as number) - cluster.length
    places.push(best)
  }
  return places
}

/**
 * Assigns every unit to a split. The totals are `allocate(n, fractions)` whenever the clusters can be packed so. They
 * always can where no cluster has more rows than a third of the rows without a cluster; where they cannot, the totals
 * are as near as any packing comes (for more than about a million states of the search, as near as largest-first
 * comes). The rows without a cluster make every stratum as proportional as its clusters allow: without clusters, each
 * count of a stratum is within 1 of `allocate(rows of the stratum, fractions)`.
 */
export const assign = (units: Iterable<SplitUnit>, fractions: Fractions, seed: number): SplitAssignment => {
  const columns = readColumns(units, seed)
  const { clusters, isClustered, shuffled, size, strata, stratum } = columns
  const shares = splitNames.map((name) => fractions[name])
  const open = openSplits(shares)
  const totals = allocate(size, shares)
  const quotas = new Float64Array(strata * splitCount)
  for (const s of stratum) {
    for (const k of open) quotas[s * splitCount + k] = (quotas[s * splitCount + k] as number) + (shares[k] as number)
  }

  const places = placeClusters(columns, quotas, totals, open) ??
    packClusters(clusters.map((cluster) => cluster.length), totals, size, open)
  const splits = new Uint8Array(size)
  const room = [...totals]
  for (const [at, cluster] of clusters.entries()) {
    const k = places[at] as number
    room[k] = (room[k] as number) - cluster.length
    for (const unit of cluster) {
      splits[unit] = k
      const cell = (stratum[unit] as number) * splitCount + k
      quotas[cell] = (quotas[cell] as number) - 1
    }
  }
  const alone = new Uint32Array(strata)
  for (let unit = 0; unit < size; unit++) {
    if (isClustered[unit] === 0) alone[stratum[unit] as number] = (alone[stratum[unit] as number] as number) + 1
  }
  const rest = alone.reduce((a, b) => a + b, 0)
  const columnTotals = room.some((left) => left < 0) ? allocate(rest, room.map((left) => Math.max(0, left))) : room
  const counts = controlledRounding(quotas, alone, rest === 0 ? shares.map(() => 0) : columnTotals)
  for (const unit of shuffled) {
    if (isClustered[unit] === 1) continue
    let cell = (stratum[unit] as number) * splitCount
    const first = cell
    while (counts[cell] === 0) cell++ // the counts of a stratum sum to its units
    counts[cell] = (counts[cell] as number) - 1
    splits[unit] = cell - first
  }
  const result = [0, 0, 0]
  for (const k of splits) result[k] = (result[k] as number) + 1
  const [train = 0, validation = 0, test = 0] = result
  return { splits, totals: { train, validation, test } }
}
