// Gathers the aggregates of a report, one call a row, in memory that does not grow with the source: examples and tables have
// limits, and clusters of duplicates beyond 65,536 are sampled by hash. Equal calls in equal order give equal data.
import { digest } from "../Ids.ts"
import { canonical, isJsonObject, type Json } from "../Json.ts"
import type { Fields } from "../Stage.ts"
import { makeFindings } from "./Findings.ts"
import type {
  ContaminationLine,
  DropLine,
  DuplicateLine,
  FailureLine,
  LabelBalance,
  LengthHistogram,
  ReportData,
  SampleRow,
  Split,
  SplitCounts
} from "./ReportData.ts"
import { splitNames } from "./ReportData.ts"

export const labelFields = ["type", "level", "kind", "source", "domain", "difficulty"] as const
const shown = {
  labelValues: 30,
  samples: 3,
  characters: 400,
  dropExamples: 3,
  messageCharacters: 300,
  failureExamples: 5,
  setExamples: 20
}
const held = { labelValues: 1_000, reasons: 200, benchmarks: 200, tags: 200, clusters: 65_536 }

/**
 * Lower bounds of the length bins in characters: 0, then ten to the decade (the preferred numbers R10 of ISO 3, rounded up to
 * whole characters) from 10 to 1,000,000.
 */
export const lengthEdges: ReadonlyArray<number> = [
  0,
  ...Array.from({ length: 51 }, (_, k) => Math.ceil(10 ** (1 + k / 10) - 1e-6))
]
const clusterSizes: ReadonlyArray<readonly [from: number, to: number | null]> = [
  [2, 2],
  [3, 3],
  [4, 4],
  [5, 5],
  [6, 10],
  [11, 20],
  [21, 50],
  [51, 100],
  [101, null]
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
const numberOf = (value: Json | undefined): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null

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
      return {
        field,
        values: ranked.slice(0, shown.labelValues),
        other,
        missing,
        distinct: late === undefined ? ranked.length : null
      }
    }
  }
}
const size = (counts: SplitCounts) => counts.train + counts.validation + counts.test

const makeLengths = (field: "problem" | "solution") => {
  const bins = lengthEdges.map(zero)
  const facts = () => ({
    rows: 0,
    absent: 0,
    characters: 0,
    shortest: null as number | null,
    longest: null as number | null
  })
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
      return {
        clusters: sizes.reduce((sum, bin) => sum + bin.clusters, 0),
        estimated: halvings > 0,
        sizes: sizes.filter((bin) => bin.clusters > 0)
      }
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
 * problemInBenchmark }] }` of contaminated rows and `{ of, similarity, answersDiffer, ofSource, ofLine }` of duplicates, where
 * `of` is the id of the kept row; any other is only shown.
 */
export const makeReportData = (): ReportDataBuilder => {
  const derived = zero()
  const answers = { present: zero(), absent: zero() }
  const labels = labelFields.map((field) => [field, makeLabels(field)] as const)
  const lengths = [makeLengths("problem"), makeLengths("solution")] as const
  const samples: Record<Split, Array<SampleRow>> = { train: [], validation: [], test: [] }
  const clusters = makeClusters()
  const findings = makeFindings()

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
  const failures = bounded(
    held.tags,
    (tag): Writable<typeof FailureLine.Type> => ({ tag, rows: 0, examples: [] }),
    () => "OtherErrors"
  )

  const duplicate = (stage: string, reason: string, of: string, detail: Fields, fields: Fields) => {
    const line = duplicates.at(`${stage}\0${reason}`)
    line.rows++
    // An id is unique only in its source.
    const kept = [of, textOf(detail["ofSource"]) ?? "", textOf(detail["ofLine"]) ?? ""]
    clusters.add([line.stage, line.reason, ...kept].join("\0"))
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
      const benchmark = shownText(match["benchmark"], 100) ?? "unnamed benchmark"
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
      findings.done(fields)
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
      findings.dropped(detail, fields)
      if (!isJsonObject(detail)) return
      if (Array.isArray(detail["matches"])) contaminated(detail["matches"], fields)
      const of = shownText(detail["of"])
      if (of !== null) duplicate(stage, reason, of, detail, fields)
    },
    failed: (stage, tag, message, line) => {
      const failure = failures.at(tag)
      failure.rows++
      if (failure.examples.length === shown.failureExamples) return
      failure.examples.push({ stage, line, message: cut(message, shown.messageCharacters) })
    },
    build: () =>
      structuredClone({
        derived,
        answers,
        labels: labels.map(([, counts]) => counts.build()).filter((balance) => balance.distinct !== 0),
        lengths: lengths.map((counts) => counts.build()),
        samples,
        drops: [...drops.entries.values()],
        duplicates: [...duplicates.entries].map(
          ([key, { conflictExamples, conflicts, reason, rows, similarity, stage }]) => {
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
          }
        ),
        contamination: [...contamination.entries.values()].sort((a, b) =>
          b.rows - a.rows || (a.benchmark < b.benchmark ? -1 : 1)
        ),
        failures: [...failures.entries.values()].sort((a, b) => b.rows - a.rows || (a.tag < b.tag ? -1 : 1)),
        ...findings.build()
      })
  }
}
