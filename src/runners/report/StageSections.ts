// Sections about what single stages found out: domains, verdicts, difficulty, leaks. Each is there only where its stage was.
import type { Summary } from "../../domain/RunReport.ts"
import { count, countOf, percent } from "./Format.ts"
import { bar, identifier, quoted, section, sign } from "./Frame.ts"
import type { HistogramSpec } from "./Histogram.ts"
import { type Html, html } from "./Html.ts"

const sum = (counts: ReadonlyArray<number>): number => counts.reduce((a, b) => a + b, 0)

/** Domains, and a table of them against the types that the source gives. */
export const domains = ({ report }: Summary): Html | false => {
  const found = report.domains
  if (found === undefined) return false
  const columns = [
    ...found.domains.map(({ domain }) => domain),
    ...(found.other > 0 ? ["other"] : []),
    ...(found.none > 0 ? ["none"] : [])
  ]
  const most = Math.max(...found.domains.map(({ rows }) => rows), found.other, found.none)
  const all = sum(found.domains.map(({ rows }) => rows)) + found.other + found.none
  const lines = [
    ...found.domains,
    ...(found.other > 0 ? [{ domain: "other domains", rows: found.other }] : []),
    ...(found.none > 0 ? [{ domain: "no domain", rows: found.none }] : [])
  ]
  return section(
    "domains",
    "Domains",
    "The domain of the problems that were written, by the words that speak for it, and how it stands to the type that the source gives.",
    html`<table><thead><tr><th scope="col">Domain</th><th scope="col">rows</th><th scope="col">share</th></tr></thead><tbody>${
      lines.map(({ domain, rows }) =>
        html`<tr><th scope="row"><div class="withbar"><bdi>${domain}</bdi>${
          bar([{ kind: "done", value: rows, tooltip: `${domain}: ${countOf(rows, "row")}` }], most)
        }</div></th><td>${count(rows)}</td><td>${percent(rows, all)}</td></tr>`
      )
    }</tbody></table>
${
      found.types.length > 0 &&
      html`<h3>Against the type of the source <small>share of the rows of each type, with the number of rows</small></h3>
<table><thead><tr><th scope="col">type</th>${
        columns.map((column) => html`<th scope="col" class="name"><bdi>${column}</bdi></th>`)
      }</tr></thead>
<tbody>${
        found.types.map(({ none, other, rows, type }) => {
          const cells = [...rows, ...(found.other > 0 ? [other] : []), ...(found.none > 0 ? [none] : [])]
          return html`<tr><th scope="row"><bdi>${type}</bdi></th>${
            cells.map((n) => html`<td>${percent(n, sum(cells))}<small>${count(n)}</small></td>`)
          }</tr>`
        })
      }</tbody></table>`
    }`
  )
}

const verdictSigns = { equal: "done", unequal: "failed", undecided: "dropped" } as const
const isVerdict = (verdict: string): verdict is keyof typeof verdictSigns => Object.hasOwn(verdictSigns, verdict)

export const verdicts = ({ report }: Summary): Html | false => {
  const found = report.verdicts
  if (found === undefined) return false
  const { examples, filled, sampled, samples, solutions } = found
  const checked = sum(solutions.map(({ rows }) => rows))
  const most = Math.max(0, ...solutions.map(({ rows }) => rows))
  const sampleLines = Object.entries(samples)
  const allSamples = sum(Object.values(samples))
  return section(
    "verdicts",
    "Verdicts",
    "Answers against what solutions and samples say. Undecided is not wrong: no rule could show either.",
    html`${
      solutions.length > 0 &&
      html`<h3>Solutions <small>${
        countOf(checked, "row")
      } whose solution marks its answer, by the rule that decided</small></h3>
<table><thead><tr><th scope="col">Verdict, rule</th><th scope="col">rows</th><th scope="col">share</th></tr></thead><tbody>${
        solutions.map(({ rows, rule, verdict }) =>
          html`<tr><th scope="row"><div class="withbar"><span>${
            isVerdict(verdict) && sign(verdictSigns[verdict])
          }${verdict}, <bdi>${rule}</bdi></span>${
            bar([{
              kind: isVerdict(verdict) ? verdictSigns[verdict] : "flow",
              value: rows,
              tooltip: countOf(rows, "row")
            }], most)
          }</div></th><td>${count(rows)}</td><td>${percent(rows, checked)}</td></tr>`
        )
      }</tbody></table>`
    }${
      examples.length > 0 &&
      html`<details><summary>Solutions that say another answer, or where it is not decided</summary><ul class="rows">${
        examples.map(({ answer, id, problem, solutionAnswer, verdict }) =>
          html`<li>${identifier(id)} <small>${verdict}</small>${quoted(problem)}<p><small>Answer</small> <bdi>${
            answer ?? "none"
          }</bdi> <small>Solution says</small> <bdi>${solutionAnswer ?? "none"}</bdi></p></li>`
        )
      }</ul></details>`
    }${
      sampled > 0 &&
      html`<h3>Samples <small>${countOf(allSamples, "sample")} of ${countOf(sampled, "row")}</small></h3>
<table><thead><tr><th scope="col">Verdict</th><th scope="col">samples</th><th scope="col">share</th></tr></thead><tbody>${
        sampleLines.map(([verdict, n]) =>
          html`<tr><th scope="row">${isVerdict(verdict) && sign(verdictSigns[verdict])}${verdict}</th><td>${
            count(n)
          }</td><td>${percent(n, allSamples)}</td></tr>`
        )
      }</tbody></table>`
    }${filled > 0 && html`<p>${countOf(filled, "row has", "rows have")} the answer that most samples say.</p>`}`
  )
}

export const difficulty = ({ report }: Summary, histogram: (spec: HistogramSpec) => Html): Html | false => {
  const found = report.difficulty
  if (found === undefined) return false
  const { bins, outside, rows } = found
  const start = bins[0]
  const end = bins.at(-1)
  const range = (from: number) => `${from.toFixed(1)} to ${(from + 0.5).toFixed(1)}`
  return section(
    "difficulty",
    "Difficulty",
    "How hard the problems that were written are. What nobody solved stands above the top of the ladder, unless the recipe asks for the published score.",
    start === undefined || end === undefined
      ? "No row has a difficulty that a scale knows."
      : html`<figure><figcaption>${countOf(rows, "row")} with a difficulty${
        outside > 0 && `, ${countOf(outside, "row")} outside of the scale`
      }</figcaption>${
        histogram({
          bars: bins.map(({ from, rows: n }) => ({
            from,
            to: from + 0.5,
            value: n,
            tooltip: `${range(from)}: ${countOf(n, "row")}, ${percent(n, rows)}`
          })),
          color: "var(--train)",
          description: "Histogram of the difficulty; the table below has the figures.",
          x: { domain: [start.from, end.from + 0.5], log: false, label: "difficulty" },
          y: {
            max: Math.max(...bins.map((bin) => bin.rows)),
            label: "rows",
            format: (n) => Number.isInteger(n) ? count(n) : ""
          }
        })
      }<details><summary>Figures</summary><table><thead><tr><th scope="col">difficulty</th><th scope="col">rows</th><th scope="col">share</th></tr></thead>
<tbody>${
        bins.map((bin) =>
          html`<tr><th scope="row">${range(bin.from)}</th><td>${count(bin.rows)}</td><td>${
            percent(bin.rows, rows)
          }</td></tr>`
        )
      }</tbody></table></details></figure>`
  )
}

export const leaks = ({ report }: Summary): Html | false => {
  const found = report.leaks
  if (found === undefined) return false
  const most = Math.max(...found.map(({ dropped, kept }) => dropped + kept))
  return section(
    "leaks",
    "Leaks",
    "Programs that have the answer of their problem written into them, by kind. A row with two kinds counts in both.",
    html`<table><thead><tr><th scope="col">Kind</th><th scope="col">rows kept</th><th scope="col">rows dropped</th></tr></thead><tbody>${
      found.map(({ dropped, kept, kind }) =>
        html`<tr><th scope="row"><div class="withbar"><bdi>${kind}</bdi>${
          bar([
            { kind: "done", value: kept, tooltip: `kept: ${countOf(kept, "row")}` },
            { kind: "dropped", value: dropped, tooltip: `dropped: ${countOf(dropped, "row")}` }
          ], most)
        }</div></th><td>${count(kept)}</td><td>${count(dropped)}</td></tr>`
      )
    }</tbody></table>${
      found.map(({ examples, kind }) =>
        html`<details><summary><bdi>${kind}</bdi></summary><ul class="rows">${
          examples.map(({ id, problem, snippet }) =>
            html`<li>${identifier(id)}${quoted(problem)}${
              snippet !== null && html`<p><code>${snippet}</code></p>`
            }</li>`
          )
        }</ul></details>`
      )
    }`
  )
}
