// The report of one dataset run, report.html: everything that summary.json says, for people, and the comparison of two runs.
// One file without scripts or outside resources, the same bytes for the same summary.
import { Effect } from "effect"
import { type Summary, total } from "../../domain/RunReport.ts"
import { labels, lengths, samples } from "./DataSections.ts"
import { comparison } from "./DiffPage.ts"
import { contamination, duplicates } from "./FindingSections.ts"
import { failures, funnel, headline, reconciliation, timings } from "./FlowSections.ts"
import { bytes, count, countOf, instant, seconds } from "./Format.ts"
import { page, section } from "./Frame.ts"
import { loadHistogram } from "./Histogram.ts"
import { type Html, html, type Part } from "./Html.ts"
import { difficulty, domains, leaks, verdicts } from "./StageSections.ts"

const contents = [
  ["funnel", "Stages"],
  ["labels", "Labels"],
  ["lengths", "Lengths"],
  ["domains", "Domains"],
  ["difficulty", "Difficulty"],
  ["verdicts", "Verdicts"],
  ["leaks", "Leaks"],
  ["duplicates", "Duplicates"],
  ["contamination", "Benchmarks"],
  ["timings", "Time"],
  ["failures", "Failures"],
  ["samples", "Samples"],
  ["provenance", "Provenance"]
] as const

const lead = (summary: Summary): string => {
  const written = total(summary.splits)
  if (summary.in === 0) return "The source had no rows, so there is no dataset."
  const became = written === 0
    ? `None of ${countOf(summary.in, "source row")} became part of the dataset`
    : `${countOf(summary.in, "source row")} became ${countOf(written, "problem")}`
  return `${became} in ${seconds(summary.seconds)}${
    written === 0
      ? "."
      : `: ${count(summary.splits.train)} to train on, ${count(summary.splits.validation)} to validate, ${
        count(summary.splits.test)
      } to test.`
  }`
}

const outcome = ({ error, status }: Summary): Html | false =>
  (status === "failed" || status === "cancelled") &&
  html`<div class="note bad"><p><strong>${
    status === "failed" ? "✗ The run failed." : "✗ The run was cancelled."
  }</strong> What is below is what had been written by then.</p>${
    error !== undefined && html`<p><code>${error.tag}</code> <bdi>${error.message}</bdi></p>`
  }</div>`

const provenance = (summary: Summary): Html => {
  const { machine, outputs, sources, stages } = summary
  const fact = (name: string, value: Part) => html`<dt>${name}</dt><dd>${value}</dd>`
  return section(
    "provenance",
    "Provenance",
    "What is needed to make the same dataset again: equal recipe, seed and sources give equal files.",
    html`<dl class="facts">
${fact("Recipe", html`<bdi>${summary.recipe}</bdi>`)}
${fact("Seed", html`<code>${summary.seed}</code>`)}
${fact("Run", html`<bdi class="id">${summary.runId}</bdi>`)}
${fact("Started", html`<time datetime="${summary.startedAt}">${instant(summary.startedAt)}</time>`)}
${
      fact(
        "Stages",
        stages.length === 0 ? "none" : stages.map(({ name, version }) => `${name} (version ${version})`).join(", ")
      )
    }
${
      fact(
        "Program",
        `${
          summary.version === undefined ? "Polya" : `Polya ${summary.version}`
        } on Node ${machine.node}, ${machine.platform}`
      )
    }
${fact("Machine", `${countOf(machine.cpus, "CPU")}, ${bytes(machine.memoryBytes)} of memory`)}
</dl>
<div class="grid2"><table><thead><tr><th scope="col">Source</th><th scope="col">rows</th></tr></thead><tbody>${
      sources.map(({ name, rows }) => html`<tr><th scope="row"><bdi>${name}</bdi></th><td>${count(rows)}</td></tr>`)
    }${sources.length === 0 && html`<tr><th scope="row" colspan="2">none</th></tr>`}</tbody></table>
<table><thead><tr><th scope="col">Output</th><th scope="col">rows</th><th scope="col">size</th></tr></thead><tbody>${
      outputs.map(({ bytes: size, name, rows }) =>
        html`<tr><th scope="row"><bdi>${name}</bdi></th><td>${count(rows)}</td><td>${bytes(size)}</td></tr>`
      )
    }${outputs.length === 0 && html`<tr><th scope="row" colspan="3">none</th></tr>`}</tbody></table></div>`
  )
}

/** The page as text. Never fails: a summary that does not add up is shown as such. */
export const renderReport: (summary: Summary) => Effect.Effect<string> = Effect.fn("ReportPage.renderReport")(
  function*(summary) {
    const histogram = yield* loadHistogram
    // Sections of stages that were not in the recipe are left out.
    const stageSections = {
      domains: domains(summary),
      difficulty: difficulty(summary, histogram),
      verdicts: verdicts(summary),
      leaks: leaks(summary)
    }
    const there = contents.filter(([id]) =>
      !(id in stageSections) || stageSections[id as keyof typeof stageSections] !== false
    )
    return page(
      `${summary.recipe}: dataset run`,
      html`<header>
<p class="over">Dataset run · ${instant(summary.startedAt)}</p>
<h1><bdi>${summary.recipe}</bdi></h1>
<p class="lead">${lead(summary)}</p>
${outcome(summary)}</header>
<main>
${headline(summary)}${reconciliation(summary)}
<nav aria-label="Contents"><ul>${there.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${funnel(summary)}${labels(summary)}${lengths(summary, histogram)}${Object.values(stageSections)}${
        duplicates(summary, histogram)
      }${contamination(summary)}${timings(summary)}${failures(summary)}${samples(summary)}${provenance(summary)}
</main>
<footer>Made by Polya from summary.json. The page holds no scripts and loads nothing.</footer>`
    )
  }
)

/** What changed from run `a` to run `b`, as a page of the same kind. */
export const diffReport = (a: Summary, b: Summary): Effect.Effect<string> => Effect.sync(() => comparison(a, b))
