// What stages found out about the rows written: domains against the types of the source, verdicts, difficulty; and leaks, of
// rows that were dropped for them as well. Each is absent where no row has it. Memory is bounded as in ReportDataBuilder.ts.
import { Schema } from "effect"
import { isJsonObject, type Json } from "../Json.ts"
import type { Fields } from "../Stage.ts"

const Count = Schema.Natural
const Text = Schema.NullOr(Schema.String)

/** Domains of the rows written, and how they stand to the types that the source gives. */
export const DomainLine = Schema.Struct({
  /** Most frequent first; at most 6. */
  domains: Schema.Array(Schema.Struct({ domain: Schema.String, rows: Count })),
  /** Rows with any other domain, and without one. */
  other: Count,
  none: Count,
  /** The 30 most frequent types; `rows` in the order of `domains`. */
  types: Schema.Array(Schema.Struct({ type: Schema.String, rows: Schema.Array(Count), other: Count, none: Count }))
})
export type DomainLine = typeof DomainLine.Type

/** Verdicts on the rows written. */
export const VerdictLine = Schema.Struct({
  /** Solutions against answers, by the rule that decided; most frequent first, at most 100. */
  solutions: Schema.Array(Schema.Struct({ verdict: Schema.String, rule: Schema.String, rows: Count })),
  /** The first 10 rows whose solution says another answer, or where it could not be decided. */
  examples: Schema.Array(
    Schema.Struct({ id: Text, verdict: Schema.String, problem: Text, answer: Text, solutionAnswer: Text })
  ),
  /** Rows with checked samples, and what was said of all of these samples. */
  sampled: Count,
  samples: Schema.Struct({ equal: Count, unequal: Count, undecided: Count, unanswered: Count }),
  /** Rows whose answer is the majority of their samples. */
  filled: Count
})
export type VerdictLine = typeof VerdictLine.Type

/** Rows by difficulty in bins of a half; a bin holds `from <= difficulty < from + 0.5`. Without gaps. */
export const DifficultyLine = Schema.Struct({
  rows: Count,
  /** Rows below -1 or from 100 on, which no scale has. */
  outside: Count,
  bins: Schema.Array(Schema.Struct({ from: Schema.Finite, rows: Count }))
})
export type DifficultyLine = typeof DifficultyLine.Type

/** Rows with a leaked answer, kept and dropped, by kind; a row with two kinds counts in both. The first 3 of each. */
export const LeakLine = Schema.Struct({
  kind: Schema.String,
  kept: Count,
  dropped: Count,
  examples: Schema.Array(Schema.Struct({ id: Text, problem: Text, snippet: Text }))
})
export type LeakLine = typeof LeakLine.Type

export const FindingsFields = {
  domains: Schema.optionalKey(DomainLine),
  verdicts: Schema.optionalKey(VerdictLine),
  difficulty: Schema.optionalKey(DifficultyLine),
  leaks: Schema.optionalKey(Schema.Array(LeakLine))
}
export type Findings = Schema.Struct<typeof FindingsFields>["Type"]

const held = { domains: 1_000, types: 1_000, rules: 1_000, kinds: 12 }
const shown = { domains: 6, types: 30, rules: 100, examples: 10, leakExamples: 3 }
const outcomes = ["equal", "unequal", "undecided", "unanswered"] as const

const textOf = (value: Json | undefined, characters: number): string | null => {
  if (typeof value === "number") return String(value)
  if (typeof value !== "string" || value === "") return null
  return value.length <= characters ? value : `${value.slice(0, characters).toWellFormed()}…`
}

/** Adds one under a key of at most `limit` keys; later keys share "". */
const count = (counts: Map<string, number>, key: string, limit: number, by = 1): void => {
  const place = counts.has(key) || counts.size < limit ? key : ""
  counts.set(place, (counts.get(place) ?? 0) + by)
}
const ranked = (counts: ReadonlyMap<string, number>) =>
  [...counts].filter(([key]) => key !== "").sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))

const makeDomains = () => {
  const domains = new Map<string, number>()
  const types = new Map<string, number>()
  /** By type and domain, with a zero character between; "" as a domain is none. */
  const cells = new Map<string, number>()
  let rows = 0
  return {
    add: (fields: Fields): void => {
      const domain = textOf(fields["domain"], 60)
      const type = textOf(fields["type"], 60)
      rows++
      if (domain !== null) count(domains, domain, held.domains)
      if (type === null) return
      count(types, type, held.types)
      count(cells, `${type}\0${domain ?? ""}`, held.types * 20)
    },
    build: (): DomainLine | undefined => {
      if (domains.size === 0) return undefined
      const first = ranked(domains).slice(0, shown.domains)
      const all = [...domains.values()].reduce((a, b) => a + b, 0)
      return {
        domains: first.map(([domain, rows]) => ({ domain, rows })),
        other: all - first.reduce((sum, [, rows]) => sum + rows, 0),
        none: rows - all,
        types: ranked(types).slice(0, shown.types).map(([type, rowsOfType]) => {
          const line = first.map(([domain]) => cells.get(`${type}\0${domain}`) ?? 0)
          const none = cells.get(`${type}\0`) ?? 0
          return { type, rows: line, other: rowsOfType - none - line.reduce((a, b) => a + b, 0), none }
        })
      }
    }
  }
}

const makeVerdicts = () => {
  const solutions = new Map<string, number>()
  const examples: Array<VerdictLine["examples"][number]> = []
  const samples = { equal: 0, unequal: 0, undecided: 0, unanswered: 0 }
  let sampled = 0
  let filled = 0
  return {
    add: (fields: Fields): void => {
      const { sampleVerdicts, verdict, verdictRule } = fields
      if (fields["answerFrom"] === "majority") filled++
      if (
        (verdict === "equal" || verdict === "unequal" || verdict === "undecided") && typeof verdictRule === "string"
      ) {
        count(solutions, `${verdict}\0${verdictRule.slice(0, 60)}`, held.rules)
        if (verdict !== "equal" && examples.length < shown.examples) {
          examples.push({
            id: textOf(fields["id"], 400),
            verdict,
            problem: textOf(fields["problem"], 200),
            answer: textOf(fields["answer"], 100),
            solutionAnswer: textOf(fields["solutionAnswer"], 100)
          })
        }
      }
      if (!isJsonObject(sampleVerdicts)) return
      sampled++
      for (const outcome of outcomes) {
        const n = sampleVerdicts[outcome]
        if (typeof n === "number" && Number.isSafeInteger(n) && n >= 0 && n <= 1e6) samples[outcome] += n
      }
    },
    build: (): VerdictLine | undefined => {
      if (solutions.size === 0 && sampled === 0 && filled === 0) return undefined
      return {
        solutions: ranked(solutions).slice(0, shown.rules).map(([key, rows]) => {
          const [verdict = "", rule = ""] = key.split("\0")
          return { verdict, rule, rows }
        }),
        examples,
        sampled,
        samples,
        filled
      }
    }
  }
}

const lowest = -1
const binWidth = 0.5
const highest = 100

const makeDifficulty = () => {
  const bins = new Map<number, number>()
  let rows = 0
  let outside = 0
  return {
    add: (fields: Fields): void => {
      const difficulty = fields["difficulty"]
      if (typeof difficulty !== "number" || !Number.isFinite(difficulty)) return
      rows++
      const bin = Math.floor(difficulty / binWidth)
      if (difficulty < lowest || difficulty >= highest) outside++
      else bins.set(bin, (bins.get(bin) ?? 0) + 1)
    },
    build: (): DifficultyLine | undefined => {
      if (rows === 0) return undefined
      const places = [...bins.keys()]
      const first = Math.min(...places)
      const last = Math.max(...places)
      return {
        rows,
        outside,
        bins: places.length === 0
          ? []
          : Array.from(
            { length: last - first + 1 },
            (_, i) => ({ from: (first + i) * binWidth, rows: bins.get(first + i) ?? 0 })
          )
      }
    }
  }
}

/** Kinds with their first snippet, of a finding `{ kind, snippet }` or a list of them. */
const leaksOf = (value: Json | undefined): ReadonlyMap<string, string | null> => {
  const found = new Map<string, string | null>()
  for (const one of Array.isArray(value) ? value.slice(0, 100) : [value]) {
    const kind = isJsonObject(one) ? textOf(one["kind"], 60) : null
    if (kind !== null && !found.has(kind)) found.set(kind, isJsonObject(one) ? textOf(one["snippet"], 120) : null)
  }
  return found
}

const makeLeaks = () => {
  const kinds = new Map<
    string,
    { kept: number; dropped: number; readonly examples: Array<LeakLine["examples"][number]> }
  >()
  return {
    add: (leaks: Json | undefined, fields: Fields, fate: "kept" | "dropped"): void => {
      for (const [found, snippet] of leaksOf(leaks)) {
        const kind = kinds.has(found) || kinds.size < held.kinds ? found : "other kinds"
        const line = kinds.get(kind) ?? { kept: 0, dropped: 0, examples: [] }
        kinds.set(kind, line)
        line[fate]++
        if (line.examples.length === shown.leakExamples) continue
        line.examples.push({ id: textOf(fields["id"], 400), problem: textOf(fields["problem"], 200), snippet })
      }
    },
    build: (): ReadonlyArray<LeakLine> | undefined =>
      kinds.size === 0
        ? undefined
        : [...kinds].map(([kind, line]) => ({ kind, ...line }))
          .sort((a, b) => b.kept + b.dropped - a.kept - a.dropped || (a.kind < b.kind ? -1 : 1))
  }
}

export interface FindingsBuilder {
  /** A row that was written. */
  readonly done: (fields: Fields) => void
  /** A row that was dropped; the `findings` of its detail with a `kind` are its leaks. */
  readonly dropped: (detail: Json | undefined, fields: Fields) => void
  readonly build: () => Findings
}

export const makeFindings = (): FindingsBuilder => {
  const domains = makeDomains()
  const verdicts = makeVerdicts()
  const difficulty = makeDifficulty()
  const leaks = makeLeaks()
  return {
    done: (fields) => {
      domains.add(fields)
      verdicts.add(fields)
      difficulty.add(fields)
      leaks.add(fields["leak"], fields, "kept")
    },
    dropped: (detail, fields) => {
      if (isJsonObject(detail)) leaks.add(detail["findings"], fields, "dropped")
    },
    build: () => {
      const built = {
        domains: domains.build(),
        verdicts: verdicts.build(),
        difficulty: difficulty.build(),
        leaks: leaks.build()
      }
      // Absent, not undefined: the summary must come back equal from JSON.
      return Object.fromEntries(Object.entries(built).filter(([, line]) => line !== undefined))
    }
  }
}
