// Two runs side by side: what changed between the summaries of A and B, in figures, stages, drop reasons, failures and settings.
// The same kind of page as the report of one run.
import { splitNames, type StageLine, type Summary, total } from "../../domain/RunReport.ts"
import { bytes, change, count, decimal, instant, percent, seconds } from "./Format.ts"
import { page, section, sign } from "./Frame.ts"
import { type Html, html, type Part } from "./Html.ts"

/** One figure of both runs; null where a run does not have it. `unit` makes the text. */
interface Line {
  readonly name: Part
  readonly a: number | null
  readonly b: number | null
  readonly unit?: (n: number) => string
}

const changed = ({ a, b }: Line) => a !== b

const row = ({ a, b, name, unit = count }: Line, kind = ""): Html => {
  const difference = (b ?? 0) - (a ?? 0)
  const relative = a === null
    ? "only in B"
    : b === null
    ? "only in A"
    : a === 0 || difference === 0
    ? ""
    : change(difference, (n) => percent(n, a))
  return html`<tr class="${kind}${difference === 0 ? " same" : ""}"><th scope="row">${name}</th><td>${
    a === null ? "–" : unit(a)
  }</td><td>${b === null ? "–" : unit(b)}</td><td>${change(difference, unit)}</td><td>${relative}</td></tr>
`
}

const table = (head: string, rows: ReadonlyArray<Html>): Html =>
  html`<table><thead><tr><th scope="col">${head}</th><th scope="col">A</th><th scope="col">B</th><th scope="col">change</th><th scope="col">relative</th></tr></thead>
<tbody>${rows}</tbody></table>`

/** The lines of two records by key, in the order of A, then what only B has. */
const joined = <V>(
  a: Iterable<readonly [string, V]>,
  b: Iterable<readonly [string, V]>
): ReadonlyArray<readonly [string, V | undefined, V | undefined]> => {
  const inA = new Map(a)
  const inB = new Map(b)
  return [...new Set([...inA.keys(), ...inB.keys()])].map((key) => [key, inA.get(key), inB.get(key)] as const)
}

/** Two tables of counts by name, the largest change first. */
const counted = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): ReadonlyArray<Line> =>
  joined(Object.entries(a), Object.entries(b))
    .map(([name, inA = 0, inB = 0]) => ({ name: html`<bdi>${name}</bdi>`, a: inA, b: inB }))
    .sort((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a))

const stagesByName = ({ stages }: Summary) =>
  stages.map((stage, i) => {
    // The second stage of a name is not the same line as the first.
    const before = stages.slice(0, i).filter(({ name }) => name === stage.name).length
    return [before === 0 ? stage.name : `${stage.name} (${before + 1})`, stage] as const
  })

/** Every stage with its time, and below it the counts that differ. */
const stageRows = (a: Summary, b: Summary): ReadonlyArray<Html> =>
  joined(stagesByName(a), stagesByName(b)).map(([name, inA, inB]) => {
    const line = (of: Part, read: (stage: StageLine) => number, unit = count): Line => ({
      name: of,
      a: inA === undefined ? null : read(inA),
      b: inB === undefined ? null : read(inB),
      unit
    })
    const counts = [
      line("rows in", (stage) => stage.in),
      line("rows out", (stage) => stage.out),
      line("dropped", (stage) => stage.dropped),
      line("failed", (stage) => stage.failed)
    ].filter(changed)
    const version = inA === undefined || inB === undefined || inA.version === inB.version
      ? `version ${(inA ?? inB)?.version ?? "unknown"}`
      : `version ${inA.version} in A, ${inB.version} in B`
    return html`${
      row(
        line(html`${name} <small>${version}</small>`, (stage) => stage.seconds, seconds),
        counts.length > 0 ? "holder" : ""
      )
    }${counts.map((of, i) => row(of, i === counts.length - 1 ? "part changed end" : "part changed"))}`
  })

const settings = (a: Summary, b: Summary): Html => {
  const facts: ReadonlyArray<readonly [string, (summary: Summary) => string]> = [
    ["recipe", (summary) => summary.recipe],
    ["seed", (summary) => String(summary.seed)],
    ["run", (summary) => summary.runId],
    ["started", (summary) => instant(summary.startedAt)],
    ["ended as", (summary) => summary.status ?? "done"],
    ["sources", ({ sources }) => sources.map(({ name, rows }) => `${name} (${count(rows)} rows)`).join(", ")],
    [
      "program",
      ({ machine, version }) =>
        `${version === undefined ? "Polya" : `Polya ${version}`} on Node ${machine.node}, ${machine.platform}`
    ],
    ["machine", ({ machine }) => `${machine.cpus} CPUs, ${bytes(machine.memoryBytes)}`]
  ]
  return html`<table><thead><tr><th scope="col">Setting</th><th scope="col" class="words">A</th><th scope="col" class="words">B</th></tr></thead><tbody>${
    facts.map(([name, read]) => {
      const [inA, inB] = [read(a), read(b)]
      return html`<tr><th scope="row" class="whole">${name}</th><td class="words"><bdi>${inA}</bdi></td><td class="words">${
        inA === inB ? html`<span class="muted">the same</span>` : html`<bdi>${inB}</bdi>`
      }</td></tr>`
    })
  }</tbody></table>`
}

/** What changed from run `a` to run `b`, as a page. Equal summaries give equal text. */
export const comparison = (a: Summary, b: Summary): string => {
  const line = (name: Part, read: (summary: Summary) => number, unit = count): Line => ({
    name,
    a: read(a),
    b: read(b),
    unit
  })
  const headline = [
    line("in, source rows", (summary) => summary.in),
    line(html`${sign("done")}done`, (summary) => summary.done),
    line(html`${sign("dropped")}dropped`, (summary) => total(summary.dropped)),
    line(html`${sign("failed")}failed`, (summary) => summary.failed),
    ...splitNames.map((split) => line(`rows written to ${split}`, (summary) => summary.splits[split])),
    line("time", (summary) => summary.seconds, seconds),
    line("rate, problems/s", (summary) => summary.problemsPerSecond, decimal),
    line("peak memory", (summary) => summary.peakMemoryBytes, bytes)
  ]
  const tags = (summary: Summary) => Object.fromEntries(summary.report.failures.map(({ rows, tag }) => [tag, rows]))
  const benchmarks = (summary: Summary) =>
    Object.fromEntries(summary.report.contamination.map(({ benchmark, rows }) => [benchmark, rows]))
  const part = (id: string, title: string, about: string, head: string, lines: ReadonlyArray<Line>, none: string) =>
    section(id, title, about, lines.length === 0 ? none : table(head, lines.map((line) => row(line))))
  const stages = stageRows(a, b)
  return page(
    `${a.recipe} and ${b.recipe}: two runs`,
    html`<header>
<p class="over">Two dataset runs</p>
<h1><bdi>${a.recipe}</bdi>${a.recipe !== b.recipe && html` <span class="muted">and</span> <bdi>${b.recipe}</bdi>`}</h1>
<p class="lead">A is <bdi>${a.runId}</bdi> of ${instant(a.startedAt)}, B is <bdi>${b.runId}</bdi> of ${
      instant(b.startedAt)
    }. Changes are from A to B.</p>
</header>
<main>
${section("headline", "Figures", "The whole of each run.", table("Figure", headline.map((figure) => row(figure))))}${
      part(
        "reasons",
        "Drops by reason",
        "Source rows by stage and reason.",
        "Stage / reason",
        counted(a.dropped, b.dropped),
        "Neither run dropped a row."
      )
    }${
      part("failures", "Failures", "Rows by error.", "Error", counted(tags(a), tags(b)), "No row failed in either run.")
    }${
      part(
        "contamination",
        "Benchmark problems",
        "Rows dropped by benchmark.",
        "Benchmark",
        counted(benchmarks(a), benchmarks(b)),
        "No row matched a benchmark in either run."
      )
    }${
      section(
        "stages",
        "Stages",
        "The time of each stage and, below it, the counts that differ.",
        stages.length === 0 ? "Neither recipe has stages." : table("Stage", stages)
      )
    }${section("settings", "Settings", "What the runs were made with.", settings(a, b))}
</main>
<footer>Made by Polya from two summary.json. The page holds no scripts and loads nothing.</footer>`
  )
}
