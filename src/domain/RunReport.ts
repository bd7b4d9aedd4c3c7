// What a dataset run tells about itself: `Summary` is the content of summary.json, `makeReportData` gathers its `report` part
// row by row while the outputs are written, and `reconcile` names every identity between the counts that does not hold.
// Memory is bounded whatever the source: every table below has a limit, and what goes over it is counted, never lost.
import { Schema } from "effect"
import { digest } from "./Ids.ts"
import { canonical, isJsonObject, type Json } from "./Json.ts"
import type { Fields } from "./Stage.ts"

export const splitNames = ["train", "validation", "test"] as const
export type Split = (typeof splitNames)[number]

const Count = Schema.Natural
const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Counts = Schema.Record(Schema.String, Count)
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
  failures: Schema.Array(FailureLine)
})
export type ReportData = typeof ReportData.Type

/** One stage of the run. out = in - dropped - failed - expanded + derived, all in rows, whether read or derived. */
export const StageLine = Schema.Struct({
  name: Schema.String,
  version: Schema.Int,
  in: Count,
  out: Count,
  dropped: Count,
  failed: Count,
  /** Time spent in the stage. */
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

// ---- the laws -------------------------------------------------------------------------------------------------------

/** One equation between counts: it holds when `left` and `right` are equal. */
export interface Identity {
  /** In words, the two sides in order. */
  readonly law: string
  readonly left: number
  readonly right: number
}

export const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)
const sumOf = <A>(items: ReadonlyArray<A>, count: (item: A) => number) => items.reduce((sum, item) => sum + count(item), 0)

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
    equal(`${name}: derived = the run's derived`, sumOf(lines, (stage) => stage.derived ?? 0), summary.derived[name] ?? 0)
    const reasons = report.drops.filter((drop) => drop.stage === name)
    equal(`${name}: dropped = sum of its reasons`, sumOf(lines, (stage) => stage.dropped), sumOf(reasons, (drop) => drop.rows))
  }
  equal(
    "unreadable rows + failures of the stages = failures by error",
    total(summary.faults) + sumOf(stages, (stage) => stage.failed),
    sumOf(report.failures, (failure) => failure.rows)
  )
  for (const split of splitNames) {
    equal(`${split}: rows written = with answer + without`, splits[split], report.answers.present[split] + report.answers.absent[split])
  }
  return list
}

/** One sentence for every identity that does not hold; empty when the counts add up. */
export const reconcile = (summary: Summary): ReadonlyArray<string> =>
  identities(summary)
    .filter(({ left, right }) => left !== right)
    .map(({ law, left, right }) => `${law}: ${left} is not ${right}`)

// ---- the accumulator ------------------------------------------------------------------------------------------------

export const labelFields = ["type", "level", "kind", "source", "domain", "difficulty"] as const
const shown = { labelValues: 30, samples: 3, characters: 400, dropExamples: 3, messageCharacters: 300, failureExamples: 5, setExamples: 20 }
const held = { labelValues: 1_000, reasons: 200, benchmarks: 200, tags: 200, clusters: 65_536 }

/**
 * Lower bounds of the length bins in characters: 0, then ten to the decade (the preferred numbers R10 of ISO 3, rounded up to
 * whole characters) from 10 to 1,000,000.
 */
export const lengthEdges: ReadonlyArray<number> = [0, ...Array.from({ length: 51 }, (_, k) => Math.ceil(10 ** (1 + k / 10) - 1e-6))]
const clusterSizes: ReadonlyArray<readonly [from: number, to: number | null]> = [
  [2, 2], [3, 3], [4, 4], [5, 5], [6, 10], [11, 20], [21, 50], [51, 100], [101, null]
]
const similarityBins = 50

const zero = () => ({ train: 0, validation: 0, test: 0 })
type Tally = ReturnType<typeof zero>

/** A map of at most `limit` entries made on demand; keys that come later share the entry of `pool(key)`. */
const bounded = <V>(limit: number, make: (key: string) => V, pool: (key: string) => string) => {
  const entries = new Map<string, V>()
  const at = (key: string): V => {
    let entry = entries.get(key)
    if (entry === undefined) entries.set(key, entry = make(key))
    return entry
  }
  return { entries, at: (key: string) => at(entries.has(key) || entries.size < limit ? key : pool(key)) }
}

/** Code points of a text; an unpaired surrogate counts as one. */
const characterCount = (text: string): number => {
  let count = text.length
  for (let i = 1; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count--
  }
  return count
}

const cut = (text: string, limit: number): string => {
  // Never more than twice `limit` code units are looked at.
  const characters = Array.from(text.slice(0, 2 * limit + 1))
  return characters.length <= limit ? text : `${characters.slice(0, limit).join("")}…`
}

const textOf = (value: Json | undefined): string | null => {
  if (value === undefined || value === null || value === "") return null
  return typeof value === "string" ? value : canonical(value)
}
const shownText = (value: Json | undefined, limit = shown.characters): string | null => {
  const text = textOf(value)
  return text === null ? null : cut(text, limit)
}
const numberOf = (value: Json | undefined): number | null => typeof value === "number" && Number.isFinite(value) ? value : null

const binOf = (length: number): number => {
  let low = 0
  let high = lengthEdges.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if ((lengthEdges[middle] ?? Infinity) <= length) low = middle
    else high = middle
  }
  return low
}

const makeLabels = (field: string) => {
  const counts = bounded<Tally>(held.labelValues, zero, () => "")
  const missing = zero()
  return {
    add: (value: Json | undefined, split: Split) => {
      const text = shownText(value, 100)
      if (text === null) missing[split]++
      else counts.at(text)[split]++
    },
    build: (): LabelBalance => {
      // No value is the empty text: that key is the pool of what came after the limit.
      const late = counts.entries.get("")
      const ranked = [...counts.entries]
        .flatMap(([value, tally]) => value === "" ? [] : [{ value, ...tally }])
        .sort((a, b) => size(b) - size(a) || (a.value < b.value ? -1 : 1))
      const other = { ...zero(), ...late }
      for (const rest of ranked.slice(shown.labelValues)) for (const split of splitNames) other[split] += rest[split]
      return { field, values: ranked.slice(0, shown.labelValues), other, missing, distinct: late === undefined ? ranked.length : null }
    }
  }
}
const size = (counts: SplitCounts) => counts.train + counts.validation + counts.test

const makeLengths = (field: "problem" | "solution") => {
  const bins = lengthEdges.map(zero)
  const facts = () => ({ rows: 0, absent: 0, characters: 0, shortest: null as number | null, longest: null as number | null })
  const splits = { train: facts(), validation: facts(), test: facts() }
  return {
    add: (value: Json | undefined, split: Split) => {
      const text = textOf(value)
      const of = splits[split]
      if (text === null) return void of.absent++
      const length = characterCount(text)
      const bin = bins[binOf(length)]
      if (bin !== undefined) bin[split]++
      of.rows++
      of.characters += length
      of.shortest = Math.min(of.shortest ?? length, length)
      of.longest = Math.max(of.longest ?? length, length)
    },
    build: (): LengthHistogram => {
      const first = bins.findIndex((bin) => size(bin) > 0)
      const last = bins.findLastIndex((bin) => size(bin) > 0)
      const all = bins.map((bin, i) => ({ from: lengthEdges[i] ?? 0, below: lengthEdges[i + 1] ?? null, ...bin }))
      return { field, splits, bins: first < 0 ? [] : all.slice(first, last + 1) }
    }
  }
}

/** Sizes of clusters by key: exact up to 65,536 clusters, then of those whose hash falls into a part halved as often as needed. */
const makeClusters = () => {
  const dropped = new Map<string, number>()
  let halvings = 0
  const sampled = (key: string) => Number.parseInt(digest([key], 8), 16) < 2 ** (32 - halvings)
  return {
    add: (key: string) => {
      if (halvings > 0 && !sampled(key)) return
      dropped.set(key, (dropped.get(key) ?? 0) + 1)
      while (dropped.size > held.clusters) {
        halvings++
        for (const other of dropped.keys()) if (!sampled(other)) dropped.delete(other)
      }
    },
    build: (prefix: string) => {
      const scale = 2 ** halvings
      const sizes = clusterSizes.map(([from, to]) => ({ from, to, clusters: 0 }))
      for (const [key, n] of dropped) {
        const bin = key.startsWith(prefix) ? sizes.find(({ to }) => to === null || n + 1 <= to) : undefined
        if (bin !== undefined) bin.clusters += scale
      }
      return { clusters: sumOf(sizes, (bin) => bin.clusters), estimated: halvings > 0, sizes: sizes.filter((bin) => bin.clusters > 0) }
    }
  }
}

type Writable<A> = { -readonly [K in keyof A]: A[K] extends ReadonlyArray<infer B> ? Array<B> : A[K] }

export interface ReportDataBuilder {
  /** A row that was written to `split`. */
  readonly done: (fields: Fields, split: Split, where: { readonly derived: boolean }) => void
  /** A row that `stage` dropped. What is known of duplicates and contamination is read from `detail`. */
  readonly dropped: (stage: string, reason: string, detail: Json | undefined, fields: Fields) => void
  /** A row that failed; `line` from 1, null where it is not known. */
  readonly failed: (stage: string, tag: string, message: string, line: number | null) => void
  /** What was gathered so far; equal calls in equal order give equal data. */
  readonly build: () => ReportData
}

/**
 * Gathers the aggregates of a report, one call a row. Details understood: `{ matches: [{ benchmark, id, benchmarkInProblem,
 * problemInBenchmark }] }` of contaminated rows and `{ of, similarity, answersDiffer }` of duplicates; any other is only shown.
 */
export const makeReportData = (): ReportDataBuilder => {
  const derived = zero()
  const answers = { present: zero(), absent: zero() }
  const labels = labelFields.map((field) => [field, makeLabels(field)] as const)
  const lengths = [makeLengths("problem"), makeLengths("solution")] as const
  const samples: Record<Split, Array<SampleRow>> = { train: [], validation: [], test: [] }
  const clusters = makeClusters()

  const parts = (key: string) => {
    const [stage = "", reason = ""] = key.split("\0")
    return { stage, reason }
  }
  const drops = bounded(
    held.reasons,
    (key): Writable<typeof DropLine.Type> => ({ ...parts(key), rows: 0, examples: [] }),
    (key) => `${parts(key).stage}\0other-reasons`
  )
  const duplicates = bounded(
    held.reasons,
    (key) => ({
      ...parts(key),
      rows: 0,
      similarity: new Array<number>(similarityBins).fill(0),
      conflicts: 0,
      conflictExamples: [] as Array<DuplicateLine["conflictExamples"][number]>
    }),
    (key) => `${parts(key).stage}\0other-reasons`
  )
  const contamination = bounded(
    held.benchmarks,
    (benchmark): Writable<typeof ContaminationLine.Type> => ({ benchmark, rows: 0, examples: [] }),
    () => "other benchmarks"
  )
  const failures = bounded(held.tags, (tag): Writable<typeof FailureLine.Type> => ({ tag, rows: 0, examples: [] }), () => "OtherErrors")

  const duplicate = (stage: string, reason: string, of: string, detail: Fields, fields: Fields) => {
    const line = duplicates.at(`${stage}\0${reason}`)
    line.rows++
    clusters.add(`${line.stage}\0${line.reason}\0${of}`)
    const similarity = numberOf(detail["similarity"])
    if (similarity !== null) {
      // The small term keeps a multiple of the bin's width, such as 0.58, out of the bin below.
      const bin = Math.min(similarityBins - 1, Math.max(0, Math.floor(similarity * similarityBins + 1e-9)))
      line.similarity[bin] = (line.similarity[bin] ?? 0) + 1
    }
    if (detail["answersDiffer"] !== true) return
    line.conflicts++
    if (line.conflictExamples.length === shown.setExamples) return
    line.conflictExamples.push({
      id: shownText(fields["id"]),
      of,
      problem: shownText(fields["problem"], 200),
      answer: shownText(fields["answer"], 100)
    })
  }

  const contaminated = (matches: ReadonlyArray<Json>, fields: Fields) => {
    const seen = new Set<string>()
    for (const match of matches) {
      if (!isJsonObject(match)) continue
      const benchmark = textOf(match["benchmark"]) ?? "unnamed benchmark"
      const line = contamination.at(benchmark)
      if (seen.has(line.benchmark)) continue
      seen.add(line.benchmark)
      line.rows++
      if (line.examples.length === shown.setExamples) continue
      line.examples.push({
        id: shownText(fields["id"]),
        benchmark,
        benchmarkId: shownText(match["id"], 100),
        problem: shownText(fields["problem"], 200),
        benchmarkInProblem: numberOf(match["benchmarkInProblem"]),
        problemInBenchmark: numberOf(match["problemInBenchmark"])
      })
    }
  }

  return {
    done: (fields, split, where) => {
      if (where.derived) derived[split]++
      answers[textOf(fields["answer"]) === null ? "absent" : "present"][split]++
      for (const [field, counts] of labels) counts.add(fields[field], split)
      for (const counts of lengths) counts.add(fields[counts === lengths[0] ? "problem" : "solution"], split)
      if (samples[split].length === shown.samples) return
      const present = labelFields.flatMap((field) => {
        const value = shownText(fields[field], 100)
        return value === null ? [] : [[field, value] as const]
      })
      samples[split].push({
        id: shownText(fields["id"]),
        derived: where.derived,
        problem: shownText(fields["problem"]),
        answer: shownText(fields["answer"]),
        solution: shownText(fields["solution"]),
        labels: Object.fromEntries(present)
      })
    },
    dropped: (stage, reason, detail, fields) => {
      const line = drops.at(`${stage}\0${reason}`)
      line.rows++
      if (line.examples.length < shown.dropExamples) {
        const problem = shownText(fields["problem"] ?? fields["forum_post"], 200)
        line.examples.push({ id: shownText(fields["id"]), problem, detail: shownText(detail, 200) })
      }
      if (!isJsonObject(detail)) return
      if (Array.isArray(detail["matches"])) contaminated(detail["matches"], fields)
      if (typeof detail["of"] === "string") duplicate(stage, reason, detail["of"], detail, fields)
    },
    failed: (stage, tag, message, line) => {
      const failure = failures.at(tag)
      failure.rows++
      if (failure.examples.length === shown.failureExamples) return
      failure.examples.push({ stage, line, message: cut(message, shown.messageCharacters) })
    },
    build: () => structuredClone({
      derived,
      answers,
      labels: labels.map(([, counts]) => counts.build()).filter((balance) => balance.distinct !== 0),
      lengths: lengths.map((counts) => counts.build()),
      samples,
      drops: [...drops.entries.values()],
      duplicates: [...duplicates.entries].map(([key, { conflictExamples, conflicts, reason, rows, similarity, stage }]) => {
        const bins = similarity.map((rows, i) => ({ from: i / similarityBins, to: (i + 1) / similarityBins, rows }))
        const first = similarity.findIndex((rows) => rows > 0)
        return {
          stage,
          reason,
          rows,
          ...clusters.build(`${key}\0`),
          similarity: first < 0 ? [] : bins.slice(first, similarity.findLastIndex((rows) => rows > 0) + 1),
          conflicts,
          conflictExamples
        }
      }),
      contamination: [...contamination.entries.values()].sort((a, b) => b.rows - a.rows || (a.benchmark < b.benchmark ? -1 : 1)),
      failures: [...failures.entries.values()].sort((a, b) => b.rows - a.rows || (a.tag < b.tag ? -1 : 1))
    })
  }
}
