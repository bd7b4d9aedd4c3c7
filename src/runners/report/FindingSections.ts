// Sections about what was found in the rows and kept out of the dataset: duplicates and benchmark problems.
import type { ContaminationLine, DuplicateLine, Summary } from "../../domain/RunReport.ts"
import { count, countOf, percent } from "./Format.ts"
import { bar, identifier, quoted, section, sign } from "./Frame.ts"
import type { HistogramSpec } from "./Histogram.ts"
import { type Html, html } from "./Html.ts"

const clusterTable = ({ clusters, estimated, sizes }: DuplicateLine): Html => {
  const most = Math.max(...sizes.map((bin) => bin.clusters))
  return html`<table>
<thead><tr><th scope="col">Rows in the cluster</th><th scope="col">clusters</th><th scope="col">share</th></tr></thead>
<tbody>${
    sizes.map((bin) => {
      const range = bin.to === null
        ? `${bin.from} and more`
        : bin.to === bin.from
        ? `${bin.from}`
        : `${bin.from} to ${bin.to}`
      return html`<tr><th scope="row"><div class="withbar"><span>${range}</span>${
        bar(
          [{ kind: "dropped", value: bin.clusters, tooltip: `${range} rows: ${countOf(bin.clusters, "cluster")}` }],
          most
        )
      }</div></th><td>${estimated && "≈ "}${count(bin.clusters)}</td><td>${percent(bin.clusters, clusters)}</td></tr>`
    })
  }</tbody></table>`
}

const similarityChart = (
  { reason, rows, similarity }: DuplicateLine,
  histogram: (spec: HistogramSpec) => Html
): Html | false => {
  const start = similarity[0]
  // Exact duplicates all have similarity 1: nothing to draw.
  if (start === undefined || start.from >= 0.98) return false
  const range = (bin: typeof start) => `${bin.from.toFixed(2)} to ${bin.to.toFixed(2)}`
  return html`<figure><figcaption>Similarity to the kept row</figcaption>${
    histogram({
      bars: similarity.map((bin) => ({
        from: bin.from,
        to: bin.to,
        value: bin.rows,
        tooltip: `${range(bin)}: ${countOf(bin.rows, "row")}`
      })),
      color: "var(--dropped)",
      description:
        `Histogram of the similarity of rows dropped as ${reason} to the row that was kept; the table below has the figures.`,
      x: { domain: [Math.floor(start.from * 10) / 10, 1], log: false, label: "similarity, 0 to 1" },
      y: {
        max: Math.max(...similarity.map((bin) => bin.rows)),
        label: "rows",
        format: (n) => Number.isInteger(n) ? count(n) : ""
      }
    })
  }<details><summary>Figures</summary><table><thead><tr><th scope="col">similarity</th><th scope="col">rows</th><th scope="col">share</th></tr></thead>
<tbody>${
    similarity.map((bin) =>
      html`<tr><th scope="row">${range(bin)}</th><td>${count(bin.rows)}</td><td>${percent(bin.rows, rows)}</td></tr>`
    )
  }</tbody></table></details></figure>`
}

const conflicts = ({ conflictExamples, conflicts }: DuplicateLine): Html =>
  conflicts === 0 ?
    html`<p class="muted">No answer contradicts the answer of the row that was kept.</p>` :
    html`<p><strong>${
      countOf(conflicts, "row has", "rows have")
    } another answer than the kept row.</strong> One of the two is likely wrong: look before you train on it.</p>
<details><summary>${
      conflictExamples.length < conflicts
        ? `The first ${conflictExamples.length} conflicting answers`
        : "Conflicting answers"
    }</summary><ul class="rows">${
      conflictExamples.map(({ answer, id, of, problem }) =>
        html`<li>${identifier(id)} <small>dropped; kept:</small> ${identifier(of)}${
          quoted(problem)
        }<p><small>Answer of the dropped row</small> <bdi>${answer ?? "none"}</bdi></p></li>`
      )
    }</ul></details>`

export const duplicates = ({ report }: Summary, histogram: (spec: HistogramSpec) => Html): Html =>
  section(
    "duplicates",
    "Duplicates",
    "A cluster is a kept row and the rows that were dropped because they say the same.",
    report.duplicates.length === 0 ?
      "No duplicates were found." :
      report.duplicates.map((line) =>
        html`<div class="block"><h3>${sign("dropped")}${line.stage} / ${line.reason} <small>${
          countOf(line.rows, "row")
        } dropped from ${line.estimated && "about "}${countOf(line.clusters, "cluster")}</small></h3>
<div class="grid2">${line.sizes.length > 0 && html`<div>${clusterTable(line)}</div>`}${
          similarityChart(line, histogram)
        }</div>${
          line.estimated &&
          html`<p><small>Too many clusters to count each: sizes are scaled up from a sample of clusters.</small></p>`
        }
${conflicts(line)}</div>`
      )
  )

const overlap = (
  { benchmarkInProblem, problemInBenchmark }: (typeof ContaminationLine.Type)["examples"][number]
): string =>
  [
    benchmarkInProblem !== null && `${percent(benchmarkInProblem, 1)} of the benchmark's text is in the problem`,
    problemInBenchmark !== null && `${percent(problemInBenchmark, 1)} of the problem is in the benchmark's text`
  ].filter((part) => part !== false).join("; ")

export const contamination = ({ report }: Summary): Html => {
  const lines = report.contamination
  const most = Math.max(0, ...lines.map((line) => line.rows))
  return section(
    "contamination",
    "Benchmark problems",
    "Rows dropped because they hold a problem of a benchmark. A row that matches two benchmarks counts in both.",
    lines.length === 0
      ? "No row was dropped for holding a benchmark problem. Rows are compared only with the benchmark files that a run is given."
      : html`<table><thead><tr><th scope="col">Benchmark</th><th scope="col">rows dropped</th></tr></thead><tbody>${
        lines.map(({ benchmark, rows }) =>
          html`<tr><th scope="row"><div class="withbar"><bdi>${benchmark}</bdi>${
            bar([{ kind: "dropped", value: rows, tooltip: `${benchmark}: ${countOf(rows, "row")}` }], most)
          }</div></th><td>${count(rows)}</td></tr>`
        )
      }</tbody></table>
${
        lines.map(({ benchmark, examples, rows }) =>
          html`<details><summary><bdi>${benchmark}</bdi>: ${
            examples.length < rows ? `the first ${examples.length} of ${count(rows)} rows` : countOf(rows, "row")
          }</summary>
<ul class="rows">${
            examples.map((example) =>
              html`<li>${identifier(example.id)} <small>matches</small> ${identifier(example.benchmarkId)}${
                quoted(example.problem)
              }<p><small>${overlap(example)}</small></p></li>`
            )
          }</ul></details>`
        )
      }`
  )
}
