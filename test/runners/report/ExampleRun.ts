// A small authored run for tests of the report: 20 source rows, one of them a forum post that became two problems, with drops of
// every kind that the report knows, hostile text, and counts that add up.
import { makeReportData, type Split, type Summary } from "../../../src/domain/RunReport.ts"

/** Text that must come out as text wherever it is shown. */
export const hostile = "</script></title></style><img src=x onerror=alert(1)>\"'`&\u2028\u202Eevil\u0000\uD800"

const line = (
  name: string,
  rows: number,
  dropped: number,
  failed: number,
  derived?: { readonly expanded: number; readonly derived: number }
) => ({
  name,
  version: 1,
  in: rows,
  out: rows - dropped - failed - (derived?.expanded ?? 0) + (derived?.derived ?? 0),
  dropped,
  failed,
  seconds: rows / 100,
  ...derived
})

export const exampleRun = (): Summary => {
  const data = makeReportData()
  const problem = (i: number) => ({
    id: `p-${i}`,
    problem: `What is ${i} + ${i}?`.padEnd(20 + 10 * i, " and then?"),
    answer: i === 3 ? null : String(2 * i),
    solution: i % 2 === 0 ? `Add ${i} to itself: ${2 * i}.` : null,
    type: i % 3 === 0 ? "Algebra" : "Number Theory",
    level: `Level ${(i % 12) + 1}`
  })
  const split = (i: number): Split => i === 9 ? "test" : i === 8 ? "validation" : "train"
  for (let i = 0; i < 10; i++) data.done(problem(i), split(i), { derived: false })
  data.done({ ...problem(10), problem: hostile, answer: hostile, type: hostile }, "train", { derived: true })
  data.dropped("filter", "too-short", undefined, { id: "d-1", problem: "Hm?" })
  data.dropped("filter", "too-short", undefined, { id: "d-2", problem: hostile })
  data.dropped("decontaminate", "benchmark", {
    matches: [
      { benchmark: "aime24", id: "I-3", benchmarkInProblem: 0.9, problemInBenchmark: 0.8 },
      { benchmark: "aime24", id: "I-4", benchmarkInProblem: 0.7, problemInBenchmark: 0.6 },
      { benchmark: hostile, id: hostile, benchmarkInProblem: 1, problemInBenchmark: 0.5 }
    ]
  }, { id: "d-3", problem: "A walk of 9 kilometres." })
  data.dropped("duplicates", "exact", { of: "p-1", similarity: 1 }, { id: "d-4", problem: "What is 1 + 1?" })
  data.dropped("duplicates", "near", { of: "p-2", similarity: 0.82, answersDiffer: true }, {
    id: "d-5",
    problem: "What's 2 + 2?",
    answer: "5"
  })
  data.dropped("duplicates", "near", { of: "p-2", similarity: 0.91 }, { id: "d-6", problem: "What is 2+2?" })
  data.dropped("duplicates", "near", { of: "d-5", similarity: 0.75 }, { id: "d-7", problem: "What's two and 2?" })
  data.failed("source", "MalformedRow", hostile, 4)
  data.failed("source", "MalformedRow", hostile, 7)
  data.failed("filter", "OutOfSteps", "The rule took more than 10,000 steps", null)
  return {
    recipe: "dataset-cpu",
    runId: "run-1",
    seed: 7,
    startedAt: "2026-01-02T03:04:05.000Z",
    in: 20,
    done: 11,
    dropped: { "filter/too-short": 2, "decontaminate/benchmark": 1, "duplicates/exact": 1, "duplicates/near": 2 },
    failed: 3,
    derived: { extract: 2 },
    derivedFates: { done: 1, dropped: 1, failed: 0, expanded: 0 },
    splits: { train: 9, validation: 1, test: 1 },
    stages: [
      line("extract", 18, 0, 0, { expanded: 1, derived: 2 }),
      line("filter", 19, 2, 1),
      line("decontaminate", 16, 1, 0),
      line("duplicates", 15, 4, 0)
    ],
    seconds: 2.5,
    problemsPerSecond: 8,
    peakMemoryBytes: 150_000_000,
    faults: { MalformedRow: 2 },
    machine: { cpus: 2, memoryBytes: 8_000_000_000, node: "24.0.0", platform: "linux" },
    sources: [{ name: "forum", rows: 20 }],
    outputs: [{ name: "train.jsonl", rows: 9, bytes: 2_048 }],
    report: data.build()
  }
}

/** A run whose source had no rows. */
export const emptyRun = (): Summary => ({
  ...exampleRun(),
  in: 0,
  done: 0,
  dropped: {},
  failed: 0,
  derived: {},
  derivedFates: { done: 0, dropped: 0, failed: 0, expanded: 0 },
  splits: { train: 0, validation: 0, test: 0 },
  stages: [line("extract", 0, 0, 0), line("filter", 0, 0, 0)],
  faults: {},
  problemsPerSecond: 0,
  outputs: [],
  report: makeReportData().build()
})
