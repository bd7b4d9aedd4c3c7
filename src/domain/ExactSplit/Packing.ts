// Clusters packed into splits when largest-first runs out of room: an exact search over what two of the splits can
// hold.

/** States and steps of the search; beyond, clusters go largest first to where most room is. */
const maxStates = 1_000_000
const maxSteps = 50_000_000

/**
 * The split (an index into `totals`) of each cluster. `sizes`: descending, each at least 2; `open`: splits that may
 * take units; `rows`: units in all, those without a cluster included, which fill up what the clusters leave. The sum of
 * what splits get beyond their totals is smallest.
 */
export const packClusters = (
  sizes: ReadonlyArray<number>,
  totals: ReadonlyArray<number>,
  rows: number,
  open: ReadonlyArray<number>
): ReadonlyArray<number> => {
  // The largest total takes the rest; the search is over the fillings of the other two.
  const [rest = 0, first = rest, second = rest] = [...open].sort((a, b) =>
    (totals[b] as number) - (totals[a] as number)
  )
  const clustered = sizes.reduce((a, b) => a + b, 0)
  const reach = (split: number): number =>
    split === rest ? 0 : Math.min(clustered, (totals[split] as number) + (sizes[0] ?? 0))
  const width = reach(second) + 1
  const states = (reach(first) + 1) * width
  if (rows === 0 || states > maxStates || states * sizes.length > maxSteps) return largestFirst(sizes, totals, open)

  /** The cluster by which a filling was first reached, + 1, negative if it went to `second`; 0: not reached. */
  const by = new Int32Array(states)
  const start = sizes.length + 1
  by[0] = start
  for (const [at, size] of sizes.entries()) {
    for (let state = states - 1; state >= size; state--) {
      if (by[state] !== 0) continue
      if (first !== rest && state >= size * width && by[state - size * width] !== 0) by[state] = at + 1
      else if (second !== rest && state % width >= size && by[state - size] !== 0) by[state] = -(at + 1)
    }
  }
  const over = (state: number): number => {
    const a = Math.floor(state / width)
    const b = state % width
    const beyond = (split: number, used: number) => Math.max(0, used - (totals[split] as number))
    return beyond(first, a) + beyond(second, b) + beyond(rest, clustered - a - b)
  }
  let best = 0
  for (let state = 0; state < states; state++) if (by[state] !== 0 && over(state) < over(best)) best = state
  const places = sizes.map(() => rest)
  for (let state = best; by[state] !== start;) {
    const reached = by[state] as number
    const at = Math.abs(reached) - 1
    places[at] = reached > 0 ? first : second
    state -= (sizes[at] as number) * (reached > 0 ? width : 1)
  }
  return places
}

const largestFirst = (
  sizes: ReadonlyArray<number>,
  totals: ReadonlyArray<number>,
  open: ReadonlyArray<number>
): ReadonlyArray<number> => {
  const room = [...totals]
  return sizes.map((size) => {
    const most = open.reduce((a, b) => ((room[b] as number) > (room[a] as number) ? b : a))
    room[most] = (room[most] as number) - size
    return most
  })
}
