// RunIndex in plain Maps: deterministic, for tests and throw-away runs. Pages are computed from scratch each time, so
// it is the plain reading of the contract that the SQL adapters are compared with.
import { Effect, Layer } from "effect"
import type { RowRef, RunRow, SetResult } from "../domain/RunRow.ts"
import { clusterText, dropDetail } from "../domain/StoredResult.ts"
import { compareText, escapeText } from "../domain/StoredText.ts"
import { type GroupMember, type IndexedEntry, RunDisowned, RunIndex, type RunOwner } from "./RunIndex.ts"

interface Run {
  readonly rows: Map<string, RunRow>
  /** By stage, then by row. */
  readonly entries: Map<number, Map<string, IndexedEntry>>
  readonly results: Map<number, Map<string, SetResult>>
}

const refKey = ({ seq, sub }: RowRef) => `${seq}/${sub}`
const compareRef = (a: RowRef, b: RowRef) => a.seq - b.seq || a.sub - b.sub
const isAfter = (ref: RowRef, after: RowRef | null) => after === null || compareRef(ref, after) > 0

const stageMap = <A>(stages: Map<number, Map<string, A>>, stage: number): Map<string, A> => {
  const found = stages.get(stage)
  if (found !== undefined) return found
  const made = new Map<string, A>()
  stages.set(stage, made)
  return made
}

/** Groups in their order: keys by their UTF-8 bytes, bands by their number; then `seq`, then `sub`. */
const compareMember = (by: "key" | "band") => {
  const compareGroup = by === "band"
    ? (a: string, b: string) => Number(a) - Number(b)
    : (a: string, b: string) => compareText(escapeText(a), escapeText(b))
  return (a: GroupMember, b: GroupMember) => compareGroup(a.group, b.group) || compareRef(a, b)
}

const make = () => {
  const runs = new Map<string, Run>()
  const epochs = new Map<string, number>()
  const owned = <A>({ epoch, run }: RunOwner, write: (run: Run) => A): Effect.Effect<A, RunDisowned> =>
    Effect.suspend(() =>
      epochs.get(run) === epoch ? Effect.sync(() => write(of(run))) : Effect.fail(new RunDisowned({ run }))
    )
  const of = (run: string): Run => {
    const found = runs.get(run)
    if (found !== undefined) return found
    const made: Run = { rows: new Map(), entries: new Map(), results: new Map() }
    runs.set(run, made)
    return made
  }
  const isLive = (run: Run, ref: RowRef) => run.rows.get(refKey(ref))?.status === "live"
  const pick = ({ seq, sub }: RowRef): RowRef => ({ seq, sub })

  return RunIndex.of({
    claim: (run) =>
      Effect.sync(() => {
        const epoch = (epochs.get(run) ?? 0) + 1
        epochs.set(run, epoch)
        return epoch
      }),
    put: (owner, rows, entries) =>
      owned(owner, (run) => {
        for (const row of rows) run.rows.set(refKey(row), { ...row })
        for (const { entries: list, stage } of entries) {
          const stored = stageMap(run.entries, stage)
          for (const row of rows) stored.delete(refKey(row))
          for (const entry of list) {
            stored.set(refKey(entry), {
              ...entry,
              bands: [...new Set(entry.bands)],
              payload: entry.payload && entry.payload.slice()
            })
          }
        }
      }),
    rows: (name, { after, limit, statuses }) =>
      Effect.sync(() =>
        [...of(name).rows.values()]
          .filter((row) => isAfter(row, after) && statuses.includes(row.status))
          .sort(compareRef)
          .slice(0, limit)
      ),
    reopen: (owner, stage) =>
      owned(owner, (run) => {
        for (const [key, row] of run.rows) {
          if (row.status === "dropped" && row.stage === stage) {
            run.rows.set(key, { ...row, status: "live", stage: null, reason: null, detail: null })
          }
        }
        run.results.delete(stage)
      }),
    groups: (name, stage, by, { after, limit }) =>
      Effect.sync(() => {
        const run = of(name)
        const groups = new Map<string, Array<GroupMember>>()
        for (const entry of run.entries.get(stage)?.values() ?? []) {
          if (!isLive(run, entry)) continue
          for (const group of by === "band" ? entry.bands.map(String) : entry.key === null ? [] : [entry.key]) {
            const members = groups.get(group) ?? []
            groups.set(group, members)
            members.push({ group, ...pick(entry) })
          }
        }
        const compare = compareMember(by)
        return [...groups.values()]
          .filter((members) => members.length > 1)
          .flat()
          .filter((member) => after === null || compare(member, after) > 0)
          .sort(compare)
          .slice(0, limit)
      }),
    payloads: (name, stage, refs) =>
      Effect.sync(() => {
        const entries = of(name).entries.get(stage)
        return refs.map((ref) => entries?.get(refKey(ref))?.payload?.slice() ?? null)
      }),
    strata: (name, stage, { after, clusterStage, limit }) =>
      Effect.sync(() => {
        const run = of(name)
        return [...run.rows.values()]
          .filter((row) => row.status === "live" && isAfter(row, after))
          .sort(compareRef)
          .slice(0, limit)
          .map((row) => {
            const result = clusterStage === null ? undefined : run.results.get(clusterStage)?.get(refKey(row))
            return {
              ...pick(row),
              stratum: run.entries.get(stage)?.get(refKey(row))?.stratum ?? null,
              cluster: result === undefined ? null : clusterText(result.patch)
            }
          })
      }),
    putResults: (owner, stage, results) =>
      owned(owner, (run) => {
        for (const result of results) {
          stageMap(run.results, stage).set(refKey(result), result)
          const row = run.rows.get(refKey(result))
          if (result.drop === null || row === undefined) continue
          // A fate is decided once: only a row that is on its way, or that this stage dropped before, can be dropped
          // here.
          if (row.status === "live" || (row.status === "dropped" && row.stage === stage)) {
            const { detail, reason } = result.drop
            run.rows.set(refKey(row), { ...row, status: "dropped", stage, reason, detail: dropDetail(detail) })
          }
        }
      }),
    results: (name, stage, refs) => Effect.sync(() => refs.map((ref) => of(name).results.get(stage)?.get(refKey(ref)))),
    counts: (name) =>
      Effect.sync(() => {
        const counts = new Map<
          string,
          { derived: boolean; status: RunRow["status"]; stage: number | null; reason: string | null; count: number }
        >()
        for (const { reason, stage, status, sub } of of(name).rows.values()) {
          const key = JSON.stringify([sub > 0, status, stage, reason])
          const counted = counts.get(key)
          if (counted === undefined) counts.set(key, { derived: sub > 0, status, stage, reason, count: 1 })
          else counted.count++
        }
        return [...counts.values()]
      }),
    forget: (owner, maxRows) =>
      owned(owner, (run) => {
        let left = maxRows
        for (const map of [...run.results.values(), ...run.entries.values(), run.rows]) {
          for (const key of map.keys()) {
            if (left-- <= 0) return false
            map.delete(key)
          }
        }
        runs.delete(owner.run)
        return true
      })
  })
}

export const layer: Layer.Layer<RunIndex> = Layer.sync(RunIndex, make)
