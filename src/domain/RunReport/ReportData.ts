// The aggregates that a report shows: label balance, lengths, sample rows, drops, duplicates, benchmark matches and failures of
// one run. Part of summary.json. Every list has a limit; what goes over it is counted, never lost.
import { Schema } from "effect"
import { FindingsFields } from "./Findings.ts"

export const splitNames = ["train", "validation", "test"] as const
export type Split = (typeof splitNames)[number]

const Count = Schema.Natural
const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Text = Schema.NullOr(Schema.String)
export const SplitCounts = Schema.Struct({ train: Count, validation: Count, test: Count })
export type SplitCounts = typeof SplitCounts.Type

/** How often each value of one label field occurs in the rows written. */
export const LabelBalance = Schema.Struct({
  field: Schema.String,
  /** The 30 most frequent values, most frequent first, ties in code unit order. */
  values: Schema.Array(Schema.Struct({ value: Schema.String, ...SplitCounts.fields })),
  /** Rows with any other value. */
  other: SplitCounts,
  /** Rows without a value. */
  missing: SplitCounts,
  /** Different values; null: more than 1,000, of which those that came after the first 1,000 are counted in `other`. */
  distinct: Schema.NullOr(Count)
})
export type LabelBalance = typeof LabelBalance.Type

const LengthFacts = Schema.Struct({
  /** Rows that have the text; the other figures are over these. */
  rows: Count,
  absent: Count,
  /** Sum over the rows. */
  characters: Count,
  shortest: Schema.NullOr(Count),
  longest: Schema.NullOr(Count)
})
/** Lengths of one text field in characters (Unicode code points). A bin holds `from <= length < below`; `below` null: no bound. */
export const LengthHistogram = Schema.Struct({
  field: Schema.Literals(["problem", "solution"]),
  splits: Schema.Struct({ train: LengthFacts, validation: LengthFacts, test: LengthFacts }),
  /** Without gaps from the first bin that holds a row to the last. */
  bins: Schema.Array(Schema.Struct({ from: Count, below: Schema.NullOr(Count), ...SplitCounts.fields }))
})
export type LengthHistogram = typeof LengthHistogram.Type

/** A row as shown: texts cut at 400 characters. */
export const SampleRow = Schema.Struct({
  id: Text,
  derived: Schema.Boolean,
  problem: Text,
  answer: Text,
  solution: Text,
  labels: Schema.Record(Schema.String, Schema.String)
})
export type SampleRow = typeof SampleRow.Type

/** Rows that one stage dropped for one reason, with the first 3 of them. */
export const DropLine = Schema.Struct({
  stage: Schema.String,
  reason: Schema.String,
  rows: Count,
  examples: Schema.Array(Schema.Struct({ id: Text, problem: Text, detail: Text }))
})

/** Rows that one stage dropped as duplicates, in clusters: a kept row and the rows dropped in its favour. */
export const DuplicateLine = Schema.Struct({
  stage: Schema.String,
  reason: Schema.String,
  rows: Count,
  clusters: Count,
  /** True where there were too many clusters to hold: `clusters` and `sizes` are then scaled up from a sample by hash. */
  estimated: Schema.Boolean,
  /** Rows of a cluster, the kept one included; `to` null: no bound. */
  sizes: Schema.Array(Schema.Struct({ from: Count, to: Schema.NullOr(Count), clusters: Count })),
  /** Similarity to the kept row, 0 to 1; a bin holds `from <= similarity < to`, the last one 1 as well. */
  similarity: Schema.Array(Schema.Struct({ from: Amount, to: Amount, rows: Count })),
  /** Rows whose answer differs from that of the kept row, with the first 20. */
  conflicts: Count,
  conflictExamples: Schema.Array(Schema.Struct({ id: Text, of: Schema.String, problem: Text, answer: Text }))
})
export type DuplicateLine = typeof DuplicateLine.Type

/** Rows that were dropped because of one benchmark, with the first 20. A row that matches two benchmarks counts in both. */
export const ContaminationLine = Schema.Struct({
  benchmark: Schema.String,
  rows: Count,
  examples: Schema.Array(Schema.Struct({
    id: Text,
    benchmark: Schema.String,
    benchmarkId: Text,
    problem: Text,
    /** Share of the benchmark text that is in the problem, and the reverse; 0 to 1. */
    benchmarkInProblem: Schema.NullOr(Schema.Finite),
    problemInBenchmark: Schema.NullOr(Schema.Finite)
  }))
})

/** Rows that failed with one error tag, with the first 5. `line`: from 1, in the source file. */
export const FailureLine = Schema.Struct({
  tag: Schema.String,
  rows: Count,
  examples: Schema.Array(Schema.Struct({ stage: Schema.String, line: Schema.NullOr(Count), message: Schema.String }))
})

/** The aggregates of a run; source rows and derived rows together. */
export const ReportData = Schema.Struct({
  /** Rows written that a stage had derived from a source row. */
  derived: SplitCounts,
  answers: Schema.Struct({ present: SplitCounts, absent: SplitCounts }),
  labels: Schema.Array(LabelBalance),
  lengths: Schema.Array(LengthHistogram),
  samples: Schema.Struct({
    train: Schema.Array(SampleRow),
    validation: Schema.Array(SampleRow),
    test: Schema.Array(SampleRow)
  }),
  drops: Schema.Array(DropLine),
  duplicates: Schema.Array(DuplicateLine),
  contamination: Schema.Array(ContaminationLine),
  failures: Schema.Array(FailureLine),
  /** Absent where no row has what they tell of. */
  ...FindingsFields
})
export type ReportData = typeof ReportData.Type
