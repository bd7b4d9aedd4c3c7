import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  lengthEdges,
  makeReportData,
  reconcile,
  type Split,
  splitNames,
  Summary,
  total
} from "../../src/domain/RunReport.ts"
import { emptyRun, exampleRun } from "../runners/report/ExampleRun.ts"

const done = (
  rows: ReadonlyArray<Parameters<ReturnType<typeof makeReportData>["done"]>[0]>,
  split: Split = "train"
) => {
  const data = makeReportData()
  for (const row of rows) data.done(row, split, { derived: false })
  return data.build()
}

describe("Summary", () => {
  it("survives JSON", () => {
    const summary = exampleRun()
    assert.deepStrictEqual(Schema.decodeUnknownSync(Summary)(JSON.parse(JSON.stringify(summary))), summary)
  })

  it("refuses a summary without a count that the contract names", () => {
    const { in: _, ...rest } = exampleRun()
    assert.throws(() => Schema.decodeUnknownSync(Summary)(rest))
  })
})

describe("reconcile", () => {
  it("finds nothing wrong with a run whose counts add up, derived rows included", () => {
    assert.deepStrictEqual(reconcile(exampleRun()), [])
    assert.deepStrictEqual(reconcile(emptyRun()), [])
  })

  const run = exampleRun()
  const wrong: Record<string, Partial<Summary>> = {
    "a source row without a fate": { in: 21 },
    "a row counted as done twice": { done: 12 },
    "a drop that is not in its stage": { dropped: { ...run.dropped, "filter/too-short": 3 } },
    "a failure that was forgotten": { failed: 2 },
    "a fault that reached a stage": { faults: { MalformedRow: 1 } },
    "a derived row without a fate": { derivedFates: { done: 1, dropped: 0, failed: 0, expanded: 0 } },
    "derived rows that no stage derived": { derived: { extract: 3 } },
    "a row that was not written": { splits: { train: 8, validation: 1, test: 1 } },
    "a stage that lost a row": {
      stages: run.stages.map((stage) => stage.name === "filter" ? { ...stage, out: stage.out - 1 } : stage)
    },
    "a drop without a reason": {
      stages: run.stages.map((stage) => ({ ...stage, dropped: stage.dropped + 1, in: stage.in + 1 }))
    }
  }
  for (const [what, change] of Object.entries(wrong)) {
    it(`tells of ${what}`, () => assert.isNotEmpty(reconcile({ ...run, ...change })))
  }

  it("names the law and both sides", () => {
    assert.include(reconcile({ ...run, in: 21 }), "source rows = done + dropped + failed: 21 is not 20")
  })
})

describe("label balance", () => {
  it("counts every value by split, most frequent first, and rows without a value apart", () => {
    const data = makeReportData()
    data.done({ type: "b", difficulty: 5 }, "train", { derived: false })
    data.done({ type: "a" }, "test", { derived: false })
    data.done({ type: "a", difficulty: 5 }, "train", { derived: true })
    data.done({ type: "" }, "validation", { derived: false })
    const { answers, derived, labels } = data.build()
    assert.deepStrictEqual(labels.map(({ field }) => field), ["type", "difficulty"])
    assert.deepStrictEqual(labels[0], {
      field: "type",
      values: [{ value: "a", train: 1, validation: 0, test: 1 }, { value: "b", train: 1, validation: 0, test: 0 }],
      other: { train: 0, validation: 0, test: 0 },
      missing: { train: 0, validation: 1, test: 0 },
      distinct: 2
    })
    assert.deepStrictEqual(labels[1]?.values, [{ value: "5", train: 2, validation: 0, test: 0 }])
    assert.deepStrictEqual(derived, { train: 1, validation: 0, test: 0 })
    assert.deepStrictEqual(answers.absent, { train: 2, validation: 1, test: 1 })
  })

  it("shows 30 values and counts the rest as other", () => {
    const [label = assert.fail()] = done(Array.from({ length: 100 }, (_, i) => ({ source: `site ${i % 40}` }))).labels
    assert.strictEqual(label.values.length, 30)
    assert.strictEqual(label.other.train, 100 - label.values.reduce((sum, { train }) => sum + train, 0))
    assert.strictEqual(label.distinct, 40)
  })

  it("holds 1,000 different values, whatever their names, and loses no row", () => {
    const [label = assert.fail()] =
      done([{ type: "__proto__" }, ...Array.from({ length: 1_500 }, (_, i) => ({ type: String(i) }))]).labels
    assert.strictEqual(label.distinct, null)
    assert.strictEqual(label.other.train + label.values.length, 1_501)
    assert.include(label.values.map(({ value }) => value), "0")
  })
})

describe("lengths", () => {
  it("have round bins, ten to the decade", () => {
    assert.deepStrictEqual(lengthEdges.slice(0, 13), [0, 10, 13, 16, 20, 26, 32, 40, 51, 64, 80, 100, 126])
    assert.strictEqual(lengthEdges.at(-1), 1_000_000)
  })

  it("count characters, not code units", () => {
    const { lengths } = done([{ problem: "𝑥".repeat(12) + "\uD800" }])
    assert.deepStrictEqual(lengths[0]?.bins, [{ from: 13, below: 16, train: 1, validation: 0, test: 0 }])
    assert.strictEqual(lengths[0]?.splits.train.characters, 13)
    assert.deepStrictEqual(lengths[1]?.splits.train, {
      rows: 0,
      absent: 1,
      characters: 0,
      shortest: null,
      longest: null
    })
  })

  it.prop("put every row into the bin that its length is in", {
    sizes: Schema.Array(
      Schema.Tuple([Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_000 })), Schema.Literals(splitNames)])
    )
  }, ({ sizes }) => {
    const data = makeReportData()
    for (const [size, split] of sizes) data.done({ problem: "x".repeat(size) }, split, { derived: false })
    const { bins, splits } = data.build().lengths[0] ?? assert.fail()
    for (const bin of bins) {
      for (const split of splitNames) {
        const inside = sizes.filter(([size, at]) =>
          at === split && size >= bin.from && (bin.below === null || size < bin.below)
        )
        assert.strictEqual(bin[split], inside.length)
      }
    }
    for (const split of splitNames) {
      assert.strictEqual(
        splits[split].rows,
        sizes.filter(([, at]) => at === split).length
      )
    }
    assert.strictEqual(bins.reduce((sum, bin) => sum + bin.train + bin.validation + bin.test, 0), sizes.length)
  })

  it("end in an open bin", () => {
    assert.deepStrictEqual(done([{ solution: "y".repeat(1_000_000) }]).lengths[1]?.bins, [
      { from: 1_000_000, below: null, train: 1, validation: 0, test: 0 }
    ])
  })
})

describe("examples", () => {
  it("are the first three rows of each split, cut at 400 characters without parting a pair of surrogates", () => {
    const { samples } = done(
      Array.from({ length: 5 }, (_, i) => ({ id: i, problem: "😀".repeat(401), answer: [1, 2], level: 3 })),
      "test"
    )
    assert.deepStrictEqual(samples.test.map(({ id }) => id), ["0", "1", "2"])
    assert.deepStrictEqual(samples.test[0], {
      id: "0",
      derived: false,
      problem: "😀".repeat(400) + "…",
      answer: "[1,2]",
      solution: null,
      labels: { level: "3" }
    })
    assert.isEmpty(samples.train)
  })

  it("of drops are at most three a reason, of failures five an error, and the counts go on", () => {
    const data = makeReportData()
    for (let i = 0; i < 9; i++) {
      data.dropped("filter", "too-short", { characters: i }, { id: `r${i}` })
      data.failed("source", "MalformedRow", `at ${i}`, i + 1)
    }
    const { drops, failures } = data.build()
    assert.deepStrictEqual(drops.map(({ reason, rows }) => [reason, rows]), [["too-short", 9]])
    assert.deepStrictEqual(drops[0]?.examples.map(({ detail, id }) => [id, detail]), [
      ["r0", "{\"characters\":0}"],
      ["r1", "{\"characters\":1}"],
      ["r2", "{\"characters\":2}"]
    ])
    assert.strictEqual(failures[0]?.rows, 9)
    assert.deepStrictEqual(failures[0]?.examples.map(({ line }) => line), [1, 2, 3, 4, 5])
  })
})

describe("duplicates", () => {
  it("are clusters of a kept row and what was dropped for it, stage and reason apart", () => {
    const data = makeReportData()
    for (
      const [reason, of, similarity] of [["near", "a", 0.58], ["near", "a", 0.7], ["near", "b", 1], [
        "exact",
        "a",
        1
      ]] as const
    ) {
      data.dropped("duplicates", reason, { of, similarity, ...(of === "b" ? { answersDiffer: true } : {}) }, {
        id: `${of}'`,
        answer: 4
      })
    }
    const [near, exact] = data.build().duplicates
    assert.strictEqual(near?.rows, 3)
    assert.strictEqual(near?.estimated, false)
    assert.deepStrictEqual(near?.sizes, [{ from: 2, to: 2, clusters: 1 }, { from: 3, to: 3, clusters: 1 }])
    assert.deepStrictEqual(near?.similarity[0], { from: 0.58, to: 0.6, rows: 1 })
    assert.deepStrictEqual(near?.similarity.at(-1), { from: 0.98, to: 1, rows: 1 })
    assert.strictEqual(near?.conflicts, 1)
    assert.deepStrictEqual(near?.conflictExamples, [{ id: "b'", of: "b", problem: null, answer: "4" }])
    assert.deepStrictEqual(exact?.sizes, [{ from: 2, to: 2, clusters: 1 }])
  })

  it("know the kept row by its id in its source, text or number", () => {
    const data = makeReportData()
    for (const ofSource of ["a", "b", "b"]) {
      data.dropped("duplicates", "exact", { of: 1, ofSource, ofLine: 5, similarity: 1 }, { id: 2 })
    }
    assert.deepStrictEqual(data.build().duplicates.map(({ clusters, rows }) => [rows, clusters]), [[3, 2]])
  })

  it("are sampled when there are more clusters than can be held, and the estimate is close", () => {
    const data = makeReportData()
    for (let i = 0; i < 70_000; i++) data.dropped("duplicates", "exact", { of: `kept ${i}`, similarity: 1 }, {})
    const [exact] = data.build().duplicates
    assert.strictEqual(exact?.estimated, true)
    assert.strictEqual(exact?.rows, 70_000)
    // Half of 70,000 by hash: the standard deviation of the estimate is 265 clusters.
    assert.approximately(exact?.clusters ?? 0, 70_000, 1_500)
  })

  it("need no similarity and no known shape", () => {
    const data = makeReportData()
    data.dropped("duplicates", "exact", { of: "a" }, {})
    data.dropped("duplicates", "exact", "same text as a", {})
    data.dropped("decontaminate", "benchmark", { matches: ["odd", { id: 3 }] }, {})
    const { contamination, drops, duplicates } = data.build()
    assert.deepStrictEqual(duplicates.map(({ rows, similarity }) => [rows, similarity]), [[1, []]])
    assert.deepStrictEqual(drops.map(({ rows }) => rows), [2, 1])
    assert.deepStrictEqual(contamination.map(({ benchmark, rows }) => [benchmark, rows]), [["unnamed benchmark", 1]])
  })
})

describe("contamination", () => {
  it("counts a row once for each benchmark that it matches", () => {
    const { contamination } = exampleRun().report
    assert.deepStrictEqual(contamination.map(({ rows }) => rows), [1, 1])
    const aime = contamination.find(({ benchmark }) => benchmark === "aime24")
    assert.deepStrictEqual(aime?.examples, [{
      id: "d-3",
      benchmark: "aime24",
      benchmarkId: "I-3",
      problem: "A walk of 9 kilometres.",
      benchmarkInProblem: 0.9,
      problemInBenchmark: 0.8
    }])
  })
})

describe("makeReportData", () => {
  it("is bounded and complete whatever reasons, benchmarks and errors come", () => {
    const data = makeReportData()
    for (let i = 0; i < 1_000; i++) {
      data.dropped("filter", `reason-${i}`, { of: "a", matches: [{ benchmark: `b${i}` }] }, {})
      data.failed("filter", `Tag${i}`, "x".repeat(10_000), null)
    }
    const report = data.build()
    for (const lines of [report.drops, report.duplicates, report.contamination, report.failures]) {
      assert.isAtMost(lines.length, 201)
      assert.strictEqual(total(Object.fromEntries(lines.map(({ rows }, i) => [i, rows]))), 1_000)
    }
    assert.isBelow(JSON.stringify(report).length, 400_000)
  })

  it("gives a copy that later rows do not change", () => {
    const data = makeReportData()
    data.dropped("filter", "too-short", undefined, {})
    const before = data.build()
    data.dropped("filter", "too-short", undefined, {})
    assert.strictEqual(before.drops[0]?.rows, 1)
  })
})

describe("findings of stages", () => {
  it("are absent where no row has what they tell of", () => {
    const data = done([{ problem: "p", type: "Algebra", level: 1 }])
    for (const key of ["domains", "verdicts", "difficulty", "leaks"]) assert.isFalse(key in data, key)
  })

  it("set domains against the types of the source, with what has none", () => {
    const { domains } = done([
      { type: "Algebra", domain: "algebra" },
      { type: "Algebra", domain: "geometry" },
      { type: "Algebra" },
      { type: "Geometry", domain: "geometry" },
      { domain: "geometry" }
    ])
    assert.deepStrictEqual(domains, {
      domains: [{ domain: "geometry", rows: 3 }, { domain: "algebra", rows: 1 }],
      other: 0,
      none: 1,
      types: [
        { type: "Algebra", rows: [1, 1], other: 0, none: 1 },
        { type: "Geometry", rows: [1, 0], other: 0, none: 0 }
      ]
    })
  })

  it("keep domains and types within their limits, and count the rest", () => {
    const { domains } = done(
      Array.from({ length: 3_000 }, (_, i) => ({ domain: `domain ${i}`, type: `type ${i % 50}` }))
    )
    assert.strictEqual(domains?.domains.length, 6)
    assert.strictEqual(domains?.types.length, 30)
    assert.strictEqual((domains?.other ?? 0) + 6, 3_000)
    for (const { none, other, rows } of domains?.types ?? []) {
      assert.strictEqual(rows.reduce((a, b) => a + b, 0) + other + none, 60)
    }
  })

  it("count verdicts by rule, samples and filled answers, and show what disagrees", () => {
    const { verdicts } = done([
      {
        id: "a",
        verdict: "equal",
        verdictRule: "exact",
        sampleVerdicts: { equal: 2, unequal: 1, undecided: 0, unanswered: 1 }
      },
      { id: "b", verdict: "equal", verdictRule: "exact" },
      { id: "c", verdict: "unequal", verdictRule: "exact", answer: "1", solutionAnswer: "2", problem: "p" },
      { id: "d", answerFrom: "majority" },
      { id: "e", verdict: "correct", verdictRule: "x", sampleVerdicts: { equal: "many", unequal: -1, undecided: 1.5 } }
    ])
    assert.deepStrictEqual(verdicts, {
      solutions: [{ verdict: "equal", rule: "exact", rows: 2 }, { verdict: "unequal", rule: "exact", rows: 1 }],
      examples: [{ id: "c", verdict: "unequal", problem: "p", answer: "1", solutionAnswer: "2" }],
      sampled: 2,
      samples: { equal: 2, unequal: 1, undecided: 0, unanswered: 1 },
      filled: 1
    })
  })

  it("bin difficulty by halves without gaps, and count apart what no scale has", () => {
    const { difficulty } = done([0.2, 1, 1.4, 9, -0.15, 1e9, NaN, Infinity].map((difficulty) => ({ difficulty })))
    assert.strictEqual(difficulty?.rows, 6)
    assert.strictEqual(difficulty?.outside, 1)
    assert.deepStrictEqual(difficulty?.bins[0], { from: -0.5, rows: 1 })
    assert.deepStrictEqual(difficulty?.bins.at(-1), { from: 9, rows: 1 })
    assert.strictEqual(difficulty?.bins.length, 20)
    assert.deepStrictEqual(done([{ difficulty: 1e9 }]).difficulty, { rows: 1, outside: 1, bins: [] })
  })

  it("count leaks by kind, of rows kept and of rows dropped", () => {
    const data = makeReportData()
    const finding = { kind: "direct_print", snippet: "print(42)" }
    data.done({ id: "a", leak: { kind: "uncertain", verdict: "uncertain" } }, "train", { derived: false })
    data.dropped("leaks", "direct-print", { findings: [finding, finding, 5, null, {}] }, { id: "b", problem: "p" })
    assert.deepStrictEqual(data.build().leaks, [
      {
        kind: "direct_print",
        kept: 0,
        dropped: 1,
        examples: [{ id: "b", problem: "p", snippet: "print(42)" }]
      },
      { kind: "uncertain", kept: 1, dropped: 0, examples: [{ id: "a", problem: null, snippet: null }] }
    ])
  })

  it("survive JSON", () => {
    const report = done([{
      domain: "algebra",
      difficulty: 1,
      leak: { kind: "x" },
      verdict: "equal",
      verdictRule: "exact"
    }])
    const summary = { ...exampleRun(), report }
    assert.deepStrictEqual(Schema.decodeUnknownSync(Summary)(JSON.parse(JSON.stringify(summary))), summary)
  })
})
