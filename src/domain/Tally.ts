// The counts of a dataset run. Each source row's fate is counted once, per stage and at the top; derived rows are counted in
// their stages. Tallies of disjoint batches add up, so a run keeps one and adds each batch's when the batch is committed.
import { Schema } from "effect"
import type { RowStatus } from "./RunRow.ts"

const Count = Schema.Int
const Counts = Schema.Record(Schema.String, Count)

export const StageTally = Schema.Struct({
  in: Count,
  out: Count,
  dropped: Count,
  failed: Count,
  /** Rows that became derived rows here, and how many those are. */
  expanded: Count,
  derived: Count,
  /** Time spent in the stage itself, over all workers. */
  millis: Schema.Finite
})
export type StageTally = typeof StageTally.Type

export const Tally = Schema.Struct({
  /** Source rows read, malformed ones included. */
  in: Count,
  /** Fates of source rows. An expanded row is done. */
  done: Count,
  failed: Count,
  /** By "stage/reason". */
  dropped: Counts,
  /** Source rows that could not be read, by error tag; they are among the failed. */
  faults: Counts,
  /** Source rows by source name. */
  sources: Counts,
  /** Fates of derived rows. */
  derived: Schema.Struct({ done: Count, dropped: Count, failed: Count, expanded: Count }),
  /** In the recipe's order. */
  stages: Schema.Array(StageTally)
})
export type Tally = typeof Tally.Type

const zeroStage: StageTally = { in: 0, out: 0, dropped: 0, failed: 0, expanded: 0, derived: 0, millis: 0 }
const noFates = { done: 0, dropped: 0, failed: 0, expanded: 0 }
export const emptyTally = (stages: number): Tally => ({
  in: 0,
  done: 0,
  failed: 0,
  dropped: {},
  faults: {},
  sources: {},
  derived: noFates,
  stages: Array.from({ length: stages }, () => zeroStage)
})

/** What one walk says about one row. */
export interface Counted {
  readonly derived: boolean
  /** First stage that the row met in this walk. */
  readonly from: number
  /** One past the last stage of the walk. */
  readonly to: number
  readonly status: RowStatus
  /** Stage that decided the fate; -1: none, the row met no stage; null while the row lives or if it is done. */
  readonly stage: number | null
  readonly reason: string | null
  /** Derived rows that an expanding stage made of it. */
  readonly children: number
  /** Milliseconds by stage. */
  readonly millis: ReadonlyArray<{ readonly ord: number; readonly millis: number }>
  /** Set if the row is read in this walk: it is counted as `in`. */
  readonly read: { readonly source: string } | null
}

export const sourceStage = "source"

/** Collects rows into a tally; the only mutable thing here, so that a batch costs no garbage. */
export class TallyBuilder {
  private readonly names: ReadonlyArray<string>
  private readonly stages: Array<{ -readonly [K in keyof StageTally]: StageTally[K] }>
  private readonly dropped: { [key: string]: number } = {}
  private readonly faults: { [key: string]: number } = {}
  private readonly sources: { [key: string]: number } = {}
  private readonly derived = { ...noFates }
  private in = 0
  private done = 0
  private failed = 0
  constructor(names: ReadonlyArray<string>) {
    this.names = names
    this.stages = names.map(() => ({ ...zeroStage }))
  }
  add(row: Counted): void {
    if (row.read !== null) {
      this.in++
      bump(this.sources, row.read.source)
    }
    for (const { millis, ord } of row.millis) {
      const stage = this.stages[ord]
      if (stage !== undefined) stage.millis += millis
    }
    const end = row.stage === null ? row.to : row.stage + 1
    for (let ord = row.from; ord < end; ord++) {
      const stage = this.stages[ord]
      if (stage === undefined) continue
      stage.in++
      if (ord !== row.stage || row.status === "live" || row.status === "done") stage.out++
      else if (row.status === "dropped") stage.dropped++
      else if (row.status === "failed") stage.failed++
      else {
        stage.expanded++
        stage.derived += row.children
        stage.out += row.children
      }
    }
    if (row.derived) {
      if (row.status !== "live") this.derived[row.status]++
      return
    }
    const name = row.stage === null || row.stage < 0 ? sourceStage : this.names[row.stage] ?? sourceStage
    if (row.status === "done" || row.status === "expanded") this.done++
    if (row.status === "dropped") bump(this.dropped, `${name}/${row.reason ?? "unknown"}`)
    if (row.status === "failed") {
      this.failed++
      if (row.stage === -1) bump(this.faults, row.reason ?? "unknown")
    }
  }
  /** Time of a set stage's closing. */
  spent(ord: number, millis: number): void {
    const stage = this.stages[ord]
    if (stage !== undefined) stage.millis += millis
  }
  get tally(): Tally {
    const { derived, done, dropped, failed, faults, sources, stages } = this
    return { in: this.in, done, failed, dropped, faults, sources, derived, stages }
  }
}

const bump = (counts: { [key: string]: number }, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1
}

const sum = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> => {
  const out = { ...a }
  for (const [key, count] of Object.entries(b)) out[key] = (out[key] ?? 0) + count
  return out
}

export const addTallies = (a: Tally, b: Tally): Tally => ({
  in: a.in + b.in,
  done: a.done + b.done,
  failed: a.failed + b.failed,
  dropped: sum(a.dropped, b.dropped),
  faults: sum(a.faults, b.faults),
  sources: sum(a.sources, b.sources),
  derived: {
    done: a.derived.done + b.derived.done,
    dropped: a.derived.dropped + b.derived.dropped,
    failed: a.derived.failed + b.derived.failed,
    expanded: a.derived.expanded + b.derived.expanded
  },
  stages: a.stages.map((stage, ord) => {
    const other = b.stages[ord] ?? zeroStage
    return {
      in: stage.in + other.in,
      out: stage.out + other.out,
      dropped: stage.dropped + other.dropped,
      failed: stage.failed + other.failed,
      expanded: stage.expanded + other.expanded,
      derived: stage.derived + other.derived,
      millis: stage.millis + other.millis
    }
  })
})
