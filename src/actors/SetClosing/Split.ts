// The closing of the split: all live rows are assigned at once, clusters in one piece, so that the counts come out exactly.
// Memory: about 50 bytes a row while it runs.
import { Effect } from "effect"
import { assign, splitNames, type SplitUnit } from "../../domain/ExactSplit.ts"
import type { RowRef } from "../../domain/RunRow.ts"
import type { SplitParams } from "../../domain/stages/Split.ts"
import { patient } from "../DurableActor.ts"
import { RunIndex } from "../RunIndex.ts"
import { type Closing, makeResults, pageMembers, RowList } from "./Closing.ts"

export const closeSplit = Effect.fnUntraced(function*(closing: Closing, params: SplitParams) {
  const index = yield* RunIndex
  const { ord, owner: { run }, plan } = closing
  const clusterOrd = plan.plan.stages.findIndex(({ stage }) => stage.name === params.clusters)
  const clusterStage = clusterOrd < 0 || clusterOrd >= ord ? null : clusterOrd
  const rows = new RowList()
  // Strata and clusters are few beside rows: each text is kept once.
  const names = new Map<string, string>()
  const once = (name: string | null): string | null => {
    if (name === null) return null
    const known = names.get(name)
    if (known === undefined) names.set(name, name)
    return known ?? name
  }
  const strata: Array<string | null> = []
  const clusters: Array<string | null> = []
  let after: RowRef | null = null
  while (true) {
    const page: ReadonlyArray<RowRef & { readonly stratum: string | null; readonly cluster: string | null }> =
      yield* patient(
        index.strata(run, ord, { clusterStage, after, limit: pageMembers })
      )
    const last = page.at(-1)
    if (last === undefined) break
    for (const { cluster, seq, stratum, sub } of page) {
      rows.push({ seq, sub })
      strata.push(once(stratum))
      clusters.push(once(cluster))
    }
    after = { seq: last.seq, sub: last.sub }
  }
  const units = function*(): Generator<SplitUnit> {
    for (let row = 0; row < rows.length; row++) {
      const { seq, sub } = rows.at(row)
      yield { order: seq * maxDerived + sub, stratum: strata[row] ?? null, cluster: clusters[row] ?? null }
    }
  }
  const { splits } = assign(units(), params.fractions, plan.recipe.seed)
  const results = yield* makeResults(closing)
  for (let row = 0; row < rows.length; row++) {
    yield* results.add({ ...rows.at(row), drop: null, patch: { split: splitNames[splits[row] ?? 0] ?? "train" } })
  }
  yield* results.flush
})

/** Rows derived from one source row have places of their own up to this many; more would share one. */
const maxDerived = 65_536
