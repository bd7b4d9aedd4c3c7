// Near-duplicates decided: which rows go and which stay together, from pairs that were compared. Greedy in row order,
// so that the first of several copies is the one that stays; the result depends on the pairs only, not on the order in
// which they came.

/** A growing column of numbers. */
class Column<A extends Float64Array | Uint32Array | Uint8Array> {
  #values: A
  readonly #make: (size: number) => A
  length = 0
  constructor(make: (size: number) => A) {
    this.#make = make
    this.#values = make(1024)
  }
  push(value: number) {
    if (this.length === this.#values.length) {
      const grown = this.#make(this.length * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.length++] = value
  }
  at(index: number): number {
    return this.#values[index] as number
  }
}

export interface ClusterOptions {
  /** Rows at least this similar to a kept earlier row are dropped; in [0, 1]. */
  readonly dropAt: number
  /** Kept rows at least this similar belong together; in [0, 1]. */
  readonly groupAt: number
}

export interface Clusters {
  /**
   * `keeper[j]`: the kept row that row `j` repeats, the most similar one (the first of several); -1 where `j` is kept.
   */
  readonly keeper: Int32Array
  /** `similarity[j]`: to the keeper; 0 where `j` is kept. */
  readonly similarity: Float64Array
  /** `cluster[j]`: smallest row of the cluster of `j`, its own for a row alone; -1 where `j` is dropped. */
  readonly cluster: Int32Array
  /** `size[c]`: rows of the cluster whose smallest row is `c`; 0 for others. */
  readonly size: Uint32Array
}

/**
 * Collects compared pairs: 17 bytes each, and 20 a row at the end. Pairs less similar than both limits are not stored.
 */
export class PairCollector {
  readonly #options: ClusterOptions
  readonly #earlier = new Column((size) => new Uint32Array(size))
  readonly #later = new Column((size) => new Uint32Array(size))
  readonly #similarity = new Column((size) => new Float64Array(size))
  readonly #variant = new Column((size) => new Uint8Array(size))

  constructor(options: ClusterOptions) {
    this.#options = options
  }

  /**
   * Rows `a` and `b`, in either order, of similarity in [0, 1]. `isVariant`: they differ in their numerals, say, so
   * that neither is a duplicate of the other, however similar; they are only grouped. The same pair may come again.
   */
  add(a: number, b: number, similarity: number, isVariant: boolean): void {
    const { dropAt, groupAt } = this.#options
    if (a === b || similarity < Math.min(isVariant ? groupAt : dropAt, groupAt)) return
    this.#earlier.push(Math.min(a, b))
    this.#later.push(Math.max(a, b))
    this.#similarity.push(similarity)
    this.#variant.push(isVariant ? 1 : 0)
  }

  /** Pairs stored. */
  get length(): number {
    return this.#earlier.length
  }

  /** Decides rows 0..rows-1. */
  decide(rows: number): Clusters {
    const { dropAt, groupAt } = this.#options
    const keeper = new Int32Array(rows).fill(-1)
    const similarity = new Float64Array(rows)
    const cluster = Int32Array.from({ length: rows }, (_, row) => row)
    const root = (row: number): number => {
      let at = row
      while (cluster[at] !== at) {
        cluster[at] = cluster[cluster[at] as number] as number
        at = cluster[at] as number
      }
      return at
    }
    const { offsets, pairs } = this.#byLater(rows)
    for (let row = 0; row < rows; row++) {
      const from = offsets[row] as number
      const to = offsets[row + 1] as number
      for (let i = from; i < to; i++) {
        const pair = pairs[i] as number
        const earlier = this.#earlier.at(pair)
        const similar = this.#similarity.at(pair)
        if (similar < dropAt || this.#variant.at(pair) === 1 || keeper[earlier] !== -1) continue
        const best = similarity[row] as number
        if (keeper[row] !== -1 && (similar < best || (similar === best && earlier >= (keeper[row] as number)))) continue
        keeper[row] = earlier
        similarity[row] = similar
      }
      if (keeper[row] !== -1) continue
      for (let i = from; i < to; i++) {
        const pair = pairs[i] as number
        const earlier = this.#earlier.at(pair)
        if (this.#similarity.at(pair) < groupAt || keeper[earlier] !== -1) continue
        const a = root(earlier)
        const b = root(row)
        cluster[Math.max(a, b)] = Math.min(a, b)
      }
    }
    const size = new Uint32Array(rows)
    for (let row = 0; row < rows; row++) {
      const first = keeper[row] === -1 ? root(row) : -1
      cluster[row] = first
      if (first !== -1) size[first] = (size[first] as number) + 1
    }
    return { keeper, similarity, cluster, size }
  }

  /** Numbers of the pairs ordered by their later row: those of row `j` are `pairs[offsets[j]..offsets[j + 1])`. */
  #byLater(rows: number): { readonly offsets: Uint32Array; readonly pairs: Uint32Array } {
    const offsets = new Uint32Array(rows + 2)
    for (let i = 0; i < this.length; i++) {
      const slot = this.#later.at(i) + 2
      offsets[slot] = (offsets[slot] as number) + 1
    }
    for (let row = 2; row < offsets.length; row++) {
      offsets[row] = (offsets[row] as number) + (offsets[row - 1] as number)
    }
    const pairs = new Uint32Array(this.length)
    for (let i = 0; i < this.length; i++) {
      const slot = this.#later.at(i) + 1
      const at = offsets[slot] as number
      offsets[slot] = at + 1
      pairs[at] = i
    }
    return { offsets, pairs }
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
  const collector = new PairCollector(options)
  for (const { a, b, isVariant, similarity } of pairs) collector.add(a, b, similarity, isVariant)
  return collector.decide(rows)
}
