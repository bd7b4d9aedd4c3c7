import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parseHTML } from "linkedom"
import { makeReportData, type Summary } from "../../../src/domain/RunReport.ts"
import { diffReport, renderReport } from "../../../src/runners/report/ReportPage.ts"
import { Chromium, findChromium } from "./Chromium.ts"
import { emptyRun, exampleRun, hostile } from "./ExampleRun.ts"

const read = (page: string) => parseHTML(page).document
const textOf = (page: string, selector: string) =>
  (read(page).querySelector(selector)?.textContent ?? "").replace(/\s+/g, " ").trim()

/** Every outside name of an element or attribute through which a page could run or load something. */
const dangers = (page: string): ReadonlyArray<string> =>
  [...read(page).querySelectorAll("*")].flatMap((element) => {
    const name = element.localName
    const attributes = [...element.attributes].filter(({ name, value }) =>
      name.startsWith("on") || name === "src" || name === "srcset" ||
      ((name === "href" || name === "xlink:href") && !/^(#|data:,$)/.test(value))
    )
    return ["script", "img", "iframe", "object", "embed", "form", "base", "foreignObject", "use"].includes(name)
      ? [name]
      : attributes.map((attribute) => `${name} ${attribute.name}`)
  })

describe("renderReport", () => {
  it.effect("has a section for everything that a run tells", () =>
    Effect.gen(function*() {
      const document = read(yield* renderReport(exampleRun()))
      assert.strictEqual(document.querySelector("h1")?.textContent, "dataset-cpu")
      assert.deepStrictEqual([...document.querySelectorAll("section")].map(({ id }) => id), [
        "funnel",
        "labels",
        "lengths",
        "duplicates",
        "contamination",
        "timings",
        "failures",
        "samples",
        "provenance"
      ])
      for (const link of document.querySelectorAll("nav a")) {
        assert.isNotNull(document.querySelector(link.getAttribute("href") ?? "missing"))
      }
      for (const section of document.querySelectorAll("section")) {
        assert.strictEqual(section.querySelector("h2")?.id, section.getAttribute("aria-labelledby"))
      }
    }))

  it.effect("says each headline figure with its unit", () =>
    Effect.gen(function*() {
      const tiles = [...read(yield* renderReport(exampleRun())).querySelectorAll(".tiles > div")]
      assert.deepStrictEqual(
        tiles.map((tile) => [...tile.children].map((cell) => (cell.textContent ?? "").replace(/\s/g, " "))),
        [
          ["In", "20", "source rows"],
          ["Done", "11", "55.0 % of in"],
          ["Dropped", "6", "30.0 % of in"],
          ["Failed", "3", "15.0 % of in"],
          ["Rate", "8", "problems/s"],
          ["Time", "2.5 s", "wall clock"],
          ["Peak memory", "143 MiB", "of 7.45 GiB"]
        ]
      )
    }))

  it.effect("shows a green line when the counts add up and each broken equation when not", () =>
    Effect.gen(function*() {
      const right = yield* renderReport(exampleRun())
      assert.include(read(right).querySelector("#reconciliation")?.className, "good")
      assert.include(textOf(right, "#reconciliation"), "20 in = 11 done + 6 dropped + 3 failed")
      const wrong = yield* renderReport({ ...exampleRun(), in: 21 })
      assert.include(read(wrong).querySelector("#reconciliation")?.className, "bad")
      assert.include(textOf(wrong, "#reconciliation li"), "source rows = done + dropped + failed: 21 ≠ 20")
    }))

  it.effect("shows reasons, benchmarks, errors and samples where they belong", () =>
    Effect.gen(function*() {
      const page = yield* renderReport(exampleRun())
      assert.include(textOf(page, "#funnel"), "too-short 2")
      assert.include(textOf(page, "#funnel"), "1 row became 2 derived rows")
      assert.include(textOf(page, "#contamination"), "90.0 % of the benchmark's text is in the problem")
      assert.include(textOf(page, "#duplicates"), "1 row has another answer than the kept row.")
      assert.include(
        textOf(page, "#failures"),
        "MalformedRow 2 rows What to do: The row is not what its format asks for"
      )
      assert.include(textOf(page, "#failures"), "source, lines 4, 7")
      assert.include(textOf(page, "#samples"), "What is 0 + 0?")
      assert.include(textOf(page, "#provenance"), "2 Jan 2026, 03:04 UTC")
    }))

  it.effect("orders levels by their number", () =>
    Effect.gen(function*() {
      const titles = [...read(yield* renderReport(exampleRun())).querySelectorAll("#labels h3")]
      const level = titles.find((title) => title.textContent?.startsWith("level"))?.parentElement
      const levels = [...level?.querySelectorAll("tbody th bdi") ?? []].map((value) => value.textContent)
      assert.deepStrictEqual(levels.slice(0, 3), ["Level 1", "Level 2", "Level 3"])
      assert.strictEqual(levels.at(-1), "Level 11")
    }))

  it.effect("has a table for every chart, and a name and a tooltip in it", () =>
    Effect.gen(function*() {
      const charts = [...read(yield* renderReport(exampleRun())).querySelectorAll("svg[role=img]")]
      assert.isAtLeast(charts.length, 5)
      for (const chart of charts) {
        assert.match(chart.getAttribute("aria-label") ?? "", /the table below has the figures/)
        assert.isAbove(chart.querySelectorAll("rect title").length, 0)
        assert.isNotNull(chart.closest(".block")?.querySelector("details table"))
      }
    }))

  it.effect("never makes markup of a row's text, and shows what would reorder or hide it", () =>
    Effect.gen(function*() {
      const example = exampleRun()
      const summary: Summary = {
        ...example,
        recipe: hostile,
        runId: hostile,
        startedAt: hostile,
        status: "failed",
        error: { tag: hostile, message: hostile },
        stages: example.stages.map((stage) => ({ ...stage, name: `${stage.name} ${hostile}` })),
        faults: { [hostile]: 2 },
        sources: [{ name: hostile, rows: 20 }],
        outputs: [{ name: hostile, rows: 1, bytes: 1 }],
        machine: { ...example.machine, node: hostile, platform: hostile },
        version: hostile
      }
      for (const page of [yield* renderReport(summary), yield* diffReport(summary, example)]) {
        assert.deepStrictEqual(dangers(page), [])
        assert.notMatch(page, /[\u2028\u202E\u0000]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/)
        assert.include(
          page,
          "&lt;/script&gt;&lt;/title&gt;&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&#96;&amp;[U+2028][U+202E]evil[U+0000]\uFFFD"
        )
        assert.strictEqual(read(page).querySelectorAll("style").length, 1)
      }
      assert.include(textOf(yield* renderReport(example), "#samples .text"), "What is")
    }))

  it.effect("names no outside resource and forbids them", () =>
    Effect.gen(function*() {
      for (const page of [yield* renderReport(exampleRun()), yield* diffReport(exampleRun(), emptyRun())]) {
        assert.deepStrictEqual(dangers(page), [])
        assert.notMatch(page, /https?:\/\/(?!www\.w3\.org\/)|url\(|@import/)
        assert.match(page, /Content-Security-Policy" content="default-src 'none'/)
      }
    }))

  it.effect("says in words what is not there", () =>
    Effect.gen(function*() {
      const page = yield* renderReport(emptyRun())
      assert.include(textOf(page, ".lead"), "The source had no rows")
      for (const id of ["labels", "lengths", "duplicates", "contamination", "timings", "failures", "samples"]) {
        assert.match(textOf(page, `#${id} .empty`), /^(No|The) .+\.$/, id)
      }
      assert.notMatch(page, /NaN|Infinity|undefined|null/)
    }))

  it.effect("tells how a run failed", () =>
    Effect.gen(function*() {
      const page = yield* renderReport({
        ...exampleRun(),
        status: "failed",
        error: { tag: "StoreFailed", message: "The disk is full" }
      })
      assert.include(textOf(page, "header .bad"), "The run failed.")
      assert.include(textOf(page, "header .bad"), "StoreFailed The disk is full")
    }))

  it.effect("gives equal pages for equal summaries", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* renderReport(exampleRun()), yield* renderReport(exampleRun()))
    }))

  it.effect("stays under 400 KB with the most examples that a run can keep of everything usual", () =>
    Effect.gen(function*() {
      const data = makeReportData()
      const text = "\\frac{x}{2} < & ".repeat(400)
      for (let i = 0; i < 3_000; i++) {
        const row = {
          id: `r${i}`,
          problem: text.slice(i),
          solution: text,
          answer: text,
          type: `t${i}`,
          level: i % 9,
          source: `s${i % 50}`,
          domain: `d${i}`,
          verdict: "unequal",
          verdictRule: `rule${i}`,
          solutionAnswer: text,
          difficulty: i / 40,
          leak: { kind: `kind${i}`, snippet: text }
        }
        data.done(row, i % 2 === 0 ? "train" : "test", { derived: false })
        data.dropped("filter", `reason-${i % 12}`, { note: text }, row)
        data.dropped("duplicates", "near", { of: `k${i % 999}`, similarity: (i % 100) / 100, answersDiffer: true }, row)
        data.dropped("decontaminate", "benchmark", {
          matches: [{ benchmark: `bench${i % 5}`, id: `${i}`, benchmarkInProblem: 1 }]
        }, row)
        data.failed("filter", `Tag${i % 8}`, `${i} ${text}`, i)
      }
      const page = yield* renderReport({ ...exampleRun(), report: data.build() })
      assert.isBelow(Buffer.byteLength(page), 400_000)
    }))
})

describe("sections of stages", () => {
  const withFindings = (): Summary => {
    const data = makeReportData()
    const row = { id: "f-1", problem: hostile, answer: hostile, type: hostile, domain: hostile, difficulty: 9 }
    const verdict = { verdict: "unequal", verdictRule: hostile, solutionAnswer: hostile }
    const counts = { equal: 3, unequal: 1, undecided: 1, unanswered: 2 }
    data.done({ ...row, ...verdict, sampleVerdicts: counts, leak: { kind: hostile, snippet: hostile } }, "train", {
      derived: false
    })
    data.done({ type: "Algebra", domain: "algebra", difficulty: 2, answerFrom: "majority" }, "test", { derived: false })
    return { ...exampleRun(), report: { ...exampleRun().report, ...data.build() } }
  }

  it.effect("are there where their stages were, and in the contents", () =>
    Effect.gen(function*() {
      const page = yield* renderReport(withFindings())
      const document = read(page)
      const ids = [...document.querySelectorAll("section")].map(({ id }) => id)
      for (const id of ["domains", "difficulty", "verdicts", "leaks"]) {
        assert.include(ids, id)
        assert.isNotNull(document.querySelector(`nav a[href="#${id}"]`))
      }
      assert.deepStrictEqual(dangers(page), [])
      const verdicts = document.querySelector("#verdicts")?.textContent ?? ""
      for (
        const said of ["unequal", "unanswered", "7 samples of 1 row", "1 row has the answer that most samples say"]
      ) {
        assert.include(verdicts.replace(/\s/g, " "), said)
      }
      assert.include(document.querySelector("#domains")?.textContent ?? "", "algebra")
    }))
})

describe("diffReport", () => {
  const a = exampleRun()
  const last = a.stages[0] ?? assert.fail()
  const b: Summary = {
    ...a,
    done: 12,
    dropped: {
      "filter/too-short": 1,
      "filter/garbled": 1,
      "decontaminate/benchmark": 1,
      "duplicates/exact": 1,
      "duplicates/near": 1
    },
    stages: [...a.stages.slice(0, 3).map((stage) => ({ ...stage, version: 2, dropped: stage.dropped + 1 })), {
      ...last,
      name: "split"
    }],
    seed: 8
  }
  const page = Effect.runSync(diffReport(a, b))
  const rows = (id: string) =>
    [...read(page).querySelectorAll(`#${id} tbody tr`)].map((row) =>
      [...row.querySelectorAll("th, td")].map((cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim())
    )

  it("gives each figure of both runs, the change and its share", () => {
    assert.deepInclude(rows("headline"), ["done", "11", "12", "+1", "+9.1 %"])
    assert.deepInclude(rows("headline"), ["failed", "3", "3", "±0", ""])
  })

  it("puts reasons with the largest change first and knows those of one run only", () => {
    const reasons = rows("reasons")
    assert.deepStrictEqual(reasons.slice(0, 3), [
      ["filter/too-short", "2", "1", "−1", "−50.0 %"],
      ["duplicates/near", "2", "1", "−1", "−50.0 %"],
      ["filter/garbled", "0", "1", "+1", ""]
    ])
  })

  it("shows the versions of stages, their changed counts, and stages of one run only", () => {
    const stages = rows("stages")
    assert.strictEqual(stages[0]?.[0], "extract version 1 in A, 2 in B")
    assert.deepStrictEqual(stages[1], ["dropped", "0", "1", "+1", ""])
    assert.strictEqual(stages.find(([name]) => name?.startsWith("duplicates"))?.at(-1), "only in A")
    assert.strictEqual(stages.find(([name]) => name?.startsWith("split"))?.at(-1), "only in B")
  })

  it("shows settings that differ", () => {
    assert.deepInclude(rows("settings"), ["seed", "7", "8"])
    assert.deepInclude(rows("settings"), ["recipe", "dataset-cpu", "the same"])
  })
})

const path = findChromium()
if (path === undefined) console.warn("SKIPPED: the report in a browser (no Chromium on PATH and CHROMIUM is not set)")

describe.skipIf(path === undefined)("the report in Chromium", () => {
  let browser: Chromium | undefined
  beforeAll(() => {
    if (path !== undefined) browser = new Chromium(path)
  })
  afterAll(() => browser?.close())

  const pages: Record<string, Effect.Effect<string>> = {
    report: renderReport(exampleRun()),
    "empty report": renderReport(emptyRun()),
    "report of a run with long words": renderReport(longWords(exampleRun())),
    comparison: diffReport(exampleRun(), longWords(emptyRun()))
  }
  for (const [name, page] of Object.entries(pages)) {
    for (const width of [400, 1280]) {
      it.live(
        `shows the ${name} at ${width} pixels without complaint, request or sideways scrolling`,
        () =>
          Effect.gen(function*() {
            const html = yield* page
            // With everything opened, as a reader might.
            const measure =
              "for (const d of document.querySelectorAll('details')) d.open = true; [innerWidth, document.documentElement.scrollWidth]"
            const seen = yield* Effect.promise(async () => browser?.view(html, { width, dark: width === 400 }, measure))
            assert.deepStrictEqual(seen, { value: [width, width], complaints: [] })
          }),
        30_000
      )
    }
  }

  // WCAG 2.2: text 4.5:1 (success criterion 1.4.3), marks 3:1 (1.4.11).
  for (const dark of [false, true]) {
    it.live(`has enough contrast in ${dark ? "dark" : "light"}`, () =>
      Effect.gen(function*() {
        const html = yield* renderReport(exampleRun())
        const seen = yield* Effect.promise(async () => browser?.view(html, { width: 1280, dark }, `(${contrasts})()`))
        const ratios = Object.entries(seen?.value as Record<string, number>)
        assert.isAtLeast(ratios.length, 8)
        for (const [color, ratio] of ratios) {
          assert.isAtLeast(ratio, color === "ink" || color === "muted" ? 4.5 : 3, color)
        }
      }), 300_000)
  }
})

/** Names and texts without a place to break a line. */
const longWords = (run: Summary): Summary => {
  const long = "Unbreakable_".repeat(20)
  const data = makeReportData()
  const row = {
    id: long,
    problem: long,
    answer: long,
    solution: long,
    type: long,
    level: long,
    source: long,
    domain: long,
    verdict: "unequal",
    verdictRule: long,
    solutionAnswer: long,
    difficulty: 3,
    leak: { kind: long },
    sampleVerdicts: { equal: 1, unequal: 0, undecided: 0, unanswered: 0 }
  }
  data.done(row, "train", { derived: true })
  data.dropped("filter", long, {
    of: long,
    similarity: 0.5,
    answersDiffer: true,
    matches: [{ benchmark: long, id: long }]
  }, row)
  data.failed("filter", long, long, 1)
  return {
    ...run,
    recipe: long,
    runId: long,
    status: "failed",
    error: { tag: long, message: long },
    dropped: { [long]: 3 },
    faults: { [long]: 1 },
    splits: { train: 1, validation: 0, test: 0 },
    stages: run.stages.map((stage) => ({
      ...stage,
      name: stage.name === "filter" ? "filter" : `${stage.name}${long}`
    })),
    sources: [{ name: long, rows: 1 }],
    outputs: [{ name: long, rows: 1, bytes: 1 }],
    report: data.build()
  }
}

/** Runs in the page: the contrast of each colour of the palette to the paper, by the formula of WCAG 2.2. */
const contrasts = () => {
  const luminance = (name: string) => {
    const probe = document.createElement("i")
    probe.style.color = `var(--${name})`
    document.body.append(probe)
    const [r = 0, g = 0, b = 0] = getComputedStyle(probe).color.match(/\d+/g)?.map((n) => {
      const c = Number(n) / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    }) ?? []
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const paper = luminance("paper")
  return Object.fromEntries(
    ["ink", "muted", "done", "dropped", "failed", "flow", "train", "validation", "test"].map((name) => {
      const color = luminance(name)
      return [name, (Math.max(color, paper) + 0.05) / (Math.min(color, paper) + 0.05)]
    })
  )
}
