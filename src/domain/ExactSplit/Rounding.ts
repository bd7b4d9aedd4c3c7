// Controlled rounding: a table of quotas made whole so that every row and every column has its exact sum (Cox 1987, "A
// constructive procedure for unbiased controlled rounding", solves it too; here the table is fitted, rounded by rows
// and mended along augmenting paths).

/** Rounds of proportional fitting; each brings the sums closer by a constant factor. */
const fittingRounds = 60
/** In place of quotas of nothing, so that fitting can still give such a cell something. */
const least = 1e-6
const tolerance = 1e-9

/**
 * Iterative proportional fitting (Deming and Stephan 1940): scales columns and rows in turn until both have their sums.
 */
const fit = (cells: Float64Array, rows: Uint32Array, columns: ReadonlyArray<number>): void => {
  const width = columns.length
  for (let round = 0; round < fittingRounds; round++) {
    const sums = new Float64Array(width)
    for (let cell = 0; cell < cells.length; cell++) {
      sums[cell % width] = (sums[cell % width] as number) + (cells[cell] as number)
    }
    let worst = 0
    for (let k = 0; k < width; k++) worst = Math.max(worst, Math.abs((sums[k] as number) - (columns[k] as number)))
    if (round > 0 && worst < tolerance) return
    for (let s = 0; s < rows.length; s++) {
      let sum = 0
      for (let k = 0; k < width; k++) {
        const cell = s * width + k
        cells[cell] = sums[k] === 0 ? 0 : ((cells[cell] as number) * (columns[k] as number)) / (sums[k] as number)
        sum += cells[cell]
      }
      for (let k = 0; k < width; k++) {
        cells[s * width + k] = sum === 0
          ? 0
          : ((cells[s * width + k] as number) * (rows[s] as number)) / sum
      }
    }
  }
}

/**
 * `quotas`: row by row, `columns.length` cells each; below 0 counts as 0. `rows`, `columns`: whole sums, equal in
 * total. Whole counts with these sums, in the same layout, as near to the quotas as the sums allow.
 */
export const controlledRounding = (
  quotas: Float64Array,
  rows: Uint32Array,
  columns: ReadonlyArray<number>
): Uint32Array => {
  const width = columns.length
  const cells = quotas.map((quota, cell) => ((columns[cell % width] as number) > 0 ? Math.max(quota, least) : 0))
  fit(cells, rows, columns)
  const floors = Uint32Array.from(cells, (quota) => Math.floor(quota + tolerance))
  const counts = floors.slice()
  /** What earlier rows owe each column. */
  const owed = new Float64Array(width)
  for (let s = 0; s < rows.length; s++) {
    const gains = columns.map((_, k) => (cells[s * width + k] as number) - (floors[s * width + k] as number))
    const order = gains
      .map((gain, k) => ({ k, gain, weight: gain > tolerance ? gain + (owed[k] as number) : -Infinity }))
      .sort((a, b) => b.weight - a.weight || b.gain - a.gain || a.k - b.k)
    let left = rows[s] as number
    for (let k = 0; k < width; k++) left -= floors[s * width + k] as number
    for (let i = 0; i < left; i++) {
      const cell = s * width + (order[i % width]?.k ?? 0)
      counts[cell] = (counts[cell] as number) + 1
    }
    for (let k = 0; k < width; k++) {
      owed[k] = (owed[k] as number) + (cells[s * width + k] as number) - (counts[s * width + k] as number)
    }
  }
  mend(counts, cells, floors, columns)
  return counts
}

/**
 * Moves units within rows until the columns have their sums: by rounding the other way where that is possible, else
 * anyhow.
 */
const mend = (counts: Uint32Array, cells: Float64Array, floors: Uint32Array, columns: ReadonlyArray<number>): void => {
  const width = columns.length
  const excess = columns.map((total) => -total)
  for (let cell = 0; cell < counts.length; cell++) {
    excess[cell % width] = (excess[cell % width] as number) + (counts[cell] as number)
  }
  /** The first row that can give a unit of column `from` to column `to`; -1: none. */
  const giver = (from: number, to: number, gently: boolean): number => {
    for (let row = 0; row < counts.length; row += width) {
      const [a, b] = [row + from, row + to]
      if (!gently && (counts[a] as number) > 0) return row
      const isUp = (counts[a] as number) > (floors[a] as number)
      const isDown = counts[b] === floors[b] && (cells[b] as number) - (floors[b] as number) > tolerance
      if (isUp && isDown) return row
    }
    return -1
  }
  for (const gently of [true, false]) {
    for (let from = excess.findIndex((e) => e > 0); from >= 0;) {
      // Breadth first over columns, from the one with too much to any with too little.
      const before = new Map([[from, { column: -1, row: -1 }]])
      let end = -1
      for (const column of before.keys()) {
        if ((excess[column] as number) < 0) {
          end = column
          break
        }
        for (let next = 0; next < width; next++) {
          if (before.has(next)) continue
          const row = giver(column, next, gently)
          if (row >= 0) before.set(next, { column, row })
        }
      }
      if (end >= 0) {
        excess[from] = (excess[from] as number) - 1
        excess[end] = (excess[end] as number) + 1
        for (let step = before.get(end); step !== undefined && step.column >= 0; step = before.get(end)) {
          counts[step.row + step.column] = (counts[step.row + step.column] as number) - 1
          counts[step.row + end] = (counts[step.row + end] as number) + 1
          end = step.column
        }
        from = excess.findIndex((e) => e > 0)
      } else from = excess.findIndex((e, k) => e > 0 && k > from)
    }
  }
}
