// Near-duplicates decided: which rows go and which stay together, from pairs that were compared. Greedy in row order, so that the
// first of several copies is the one that stays; the result depends on the pairs only, not on the order in which they came.

export interface ClusterOptions {
  /** Rows at least this similar to a kept earlier row are dropped; in [0, 1]. */
  readonly dropAt: number
  /** Rows at least this similar belong together; in [0, 1]. */
  readonly groupAt: number
}

export interface Clusters {
  /**
   * `keeper[j]`: the kept row that row `j` repeats, the most similar one (the first of several); -1 where `j` is kept.
   */
  readonly keeper: Int32Array
  /** `similarity[j]`: to the keeper; 0 where `j` is kept. */
  readonly similarity: Float64Array
  /** `cluster[j]`: smallest kept row of the cluster of `j`, its own for a row alone; -1 where `j` is dropped. */
  readonly cluster: Int32Array
  /** `size[c]`: kept rows of the cluster whose smallest kept row is `c`; 0 for others. */
  readonly size: Uint32Array
}

interface Copy {
  readonly earlier: number
  readonly similarity: number
}

/**
 * Collects compared pairs of rows 0..`rows`-1. Belonging together is settled as the pairs come (union-find, 4 bytes a row), also by way of
 * rows that are dropped in the end; only pairs of which one may be dropped are kept. 20 bytes a row at the end.
 */
export class PairCollector {
  readonly #options: ClusterOptions
  readonly #parent: Int32Array
  /** By the later row: the earlier ones that it may repeat. */
  readonly #copies = new Map<number, Array<Copy>>()

  constructor(rows: number, options: ClusterOptions) {
    this.#options = options
    this.#parent = Int32Array.from({ length: rows }, (_, row) => row)
  }

  /**
   * Rows `a` and `b`, in either order, of similarity in [0, 1]. `isVariant`: they differ in their numerals, say, so
   * that neither is a duplicate of the other, however similar; they are only grouped. The same pair may come again.
   */
  add(a: number, b: number, similarity: number, isVariant: boolean): void {
    if (a === b) return
    const { dropAt, groupAt } = this.#options
    if (similarity >= groupAt) {
      const x = this.#root(a)
      const y = this.#root(b)
      this.#parent[Math.max(x, y)] = Math.min(x, y)
    }
    if (isVariant || similarity < dropAt) return
    const later = Math.max(a, b)
    const copies = this.#copies.get(later) ?? []
    copies.push({ earlier: Math.min(a, b), similarity })
    this.#copies.set(later, copies)
  }

  #root(row: number): number {
    const parent = this.#parent
    let at = row
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number
      at = parent[at] as number
    }
    return at
  }

  /** Decides all rows. */
  decide(): Clusters {
    const rows = this.#parent.length
    const keeper = new Int32Array(rows).fill(-1)
    const similarity = new Float64Array(rows)
    const cluster = new Int32Array(rows).fill(-1)
    const size = new Uint32Array(rows)
    /** By root: the smallest kept row so far. */
    const first = new Int32Array(rows).fill(-1)
    for (let row = 0; row < rows; row++) {
      for (const copy of this.#copies.get(row) ?? []) {
        if (keeper[copy.earlier] !== -1) continue
        const best = similarity[row] as number
        const better = copy.similarity > best || (copy.similarity === best && copy.earlier < (keeper[row] as number))
        if (keeper[row] !== -1 && !better) continue
        keeper[row] = copy.earlier
        similarity[row] = copy.similarity
      }
      if (keeper[row] !== -1) continue
      const root = this.#root(row)
      if (first[root] === -1) first[root] = row
      const named = first[root] as number
      cluster[row] = named
      size[named] = (size[named] as number) + 1
    }
    return { keeper, similarity, cluster, size }
  }
}

export interface ComparedPair {
  readonly a: number
  readonly b: number
  readonly similarity: number
  readonly isVariant: boolean
}

/** `PairCollector` over a list. */
export const clusters = (rows: number, pairs: Iterable<ComparedPair>, options: ClusterOptions): Clusters => {
  const collector = new PairCollector(rows, options)
  for (const { a, b, isVariant, similarity } of pairs) collector.add(a, b, similarity, isVariant)
  return collector.decide()
}
