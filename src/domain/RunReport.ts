// What a dataset run tells about itself: `Summary` is the content of summary.json, `makeReportData` gathers its `report` part
// row by row while the outputs are written, and `reconcile` names every equation between the counts that does not hold.
import { Schema } from "effect"
import { ReportData, SplitCounts, splitNames } from "./RunReport/ReportData.ts"

export * from "./RunReport/ReportData.ts"
export { labelFields, lengthEdges, makeReportData, type ReportDataBuilder } from "./RunReport/ReportDataBuilder.ts"

const Count = Schema.Natural
const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Counts = Schema.Record(Schema.String, Count)

/** One stage of the run. out = in - dropped - failed - expanded + derived, all in rows, whether read or derived. */
export const StageLine = Schema.Struct({
  name: Schema.String,
  version: Schema.Int,
  in: Count,
  out: Count,
  dropped: Count,
  failed: Count,
  /** Time spent in the stage, over all workers. */
  seconds: Amount,
  /** Rows that became derived rows here, and how many they became; absent: none. */
  expanded: Schema.optionalKey(Count),
  derived: Schema.optionalKey(Count)
})
export type StageLine = typeof StageLine.Type

/** The content of summary.json. */
export const Summary = Schema.Struct({
  recipe: Schema.String,
  runId: Schema.String,
  seed: Schema.Int,
  /** ISO 8601, UTC. */
  startedAt: Schema.String,
  /** How the run ended; absent: done. */
  status: Schema.optionalKey(Schema.Literals(["done", "failed", "cancelled"])),
  /** What ended a failed run. */
  error: Schema.optionalKey(Schema.Struct({ tag: Schema.String, message: Schema.String })),
  /** Source rows, malformed ones included. */
  in: Count,
  /** Source rows that were kept; those that became derived rows are among them. */
  done: Count,
  /** Source rows by "stage/reason". */
  dropped: Counts,
  failed: Count,
  /** Rows derived, by stage. */
  derived: Counts,
  /** Fates of the derived rows; absent: there were none, or it is not known. */
  derivedFates: Schema.optionalKey(Schema.Struct({ done: Count, dropped: Count, failed: Count, expanded: Count })),
  /** Rows written. */
  splits: SplitCounts,
  stages: Schema.Array(StageLine),
  seconds: Amount,
  problemsPerSecond: Amount,
  peakMemoryBytes: Count,
  /** Source rows that could not be read, by error tag. They are in `failed` and reach no stage. */
  faults: Counts,
  machine: Schema.Struct({ cpus: Count, memoryBytes: Count, node: Schema.String, platform: Schema.String }),
  /** Of the program. */
  version: Schema.optionalKey(Schema.String),
  sources: Schema.Array(Schema.Struct({ name: Schema.String, rows: Count })),
  outputs: Schema.Array(Schema.Struct({ name: Schema.String, rows: Count, bytes: Count })),
  report: ReportData
})
export type Summary = typeof Summary.Type

/** One equation between counts: it holds when `left` and `right` are equal. */
export interface Identity {
  /** In words, the two sides in order. */
  readonly law: string
  readonly left: number
  readonly right: number
}

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0)
const sumOf = <A>(items: ReadonlyArray<A>, count: (item: A) => number) =>
  items.reduce((sum, item) => sum + count(item), 0)

/** Every equation that the counts of a finished run must satisfy. */
export const identities = (summary: Summary): ReadonlyArray<Identity> => {
  const { report, splits, stages } = summary
  const written = total(splits)
  const list: Array<Identity> = []
  const equal = (law: string, left: number, right: number) => list.push({ law, left, right })

  equal("source rows = done + dropped + failed", summary.in, summary.done + total(summary.dropped) + summary.failed)
  const fates = summary.derivedFates
  if (fates !== undefined) {
    equal("derived rows = their done + dropped + failed + expanded", total(summary.derived), total(fates))
    // Every expanded row was a source row, counted as done, or a derived one, counted in the fates.
    const expandedSources = sumOf(stages, (stage) => stage.expanded ?? 0) - fates.expanded
    equal("rows written = done - expanded + derived rows done", written, summary.done - expandedSources + fates.done)
  } else if (total(summary.derived) === 0) {
    equal("rows written = done", written, summary.done)
  }
  let before = "source rows that could be read"
  let flow = summary.in - total(summary.faults)
  for (const stage of stages) {
    const derived = stage.derived ?? 0
    equal(`${stage.name}: in = ${before}`, stage.in, flow)
    equal(
      `${stage.name}: out = in - dropped - failed${derived > 0 ? " - expanded + derived" : ""}`,
      stage.out,
      stage.in - stage.dropped - stage.failed - (stage.expanded ?? 0) + derived
    )
    before = `out of ${stage.name}`
    flow = stage.out
  }
  equal(`rows written = ${before}`, written, flow)
  for (const name of new Set(stages.map((stage) => stage.name))) {
    const lines = stages.filter((stage) => stage.name === name)
    const derived = sumOf(lines, (stage) => stage.derived ?? 0)
    if (derived > 0 || name in summary.derived) {
      equal(`${name}: derived = the run's derived`, derived, summary.derived[name] ?? 0)
    }
    const reasons = report.drops.filter((drop) => drop.stage === name)
    equal(
      `${name}: dropped = sum of its reasons`,
      sumOf(lines, (stage) => stage.dropped),
      sumOf(reasons, (drop) => drop.rows)
    )
  }
  equal(
    "unreadable rows + failures of the stages = failures by error",
    total(summary.faults) + sumOf(stages, (stage) => stage.failed),
    sumOf(report.failures, (failure) => failure.rows)
  )
  for (const split of splitNames) {
    equal(
      `${split}: rows written = with answer + without`,
      splits[split],
      report.answers.present[split] + report.answers.absent[split]
    )
  }
  return list
}

/** One sentence for every identity that does not hold; empty when the counts add up. */
export const reconcile = (summary: Summary): ReadonlyArray<string> =>
  identities(summary)
    .filter(({ left, right }) => left !== right)
    .map(({ law, left, right }) => `${law}: ${left} is not ${right}`)
