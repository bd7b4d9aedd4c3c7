// Sections about the flow of rows: the headline figures with the reconciliation line, the funnel of stages, timings, failures.
import { identities, type Summary, total } from "../../domain/RunReport.ts"
import { bytes, count, countOf, decimal, percent, seconds } from "./Format.ts"
import { bar, empty, identifier, quoted, section, sign } from "./Frame.ts"
import { type Html, html, type Part } from "./Html.ts"

const tile = (name: Part, figure: Part, below: Part = ""): Html =>
  html`<div><dt>${name}</dt><dd class="figure">${figure}</dd><dd><small>${below}</small></dd></div>`

export const headline = (summary: Summary): Html => {
  const dropped = total(summary.dropped)
  const whole = summary.in
  const written = total(summary.splits)
  const share = (n: number) => whole > 0 && html`${percent(n, whole)} of in`
  return html`${
    bar(
      [
        {
          kind: "done",
          value: summary.done,
          tooltip: `done: ${countOf(summary.done, "row")}, ${percent(summary.done, whole)}`
        },
        { kind: "dropped", value: dropped, tooltip: `dropped: ${countOf(dropped, "row")}, ${percent(dropped, whole)}` },
        {
          kind: "failed",
          value: summary.failed,
          tooltip: `failed: ${countOf(summary.failed, "row")}, ${percent(summary.failed, whole)}`
        }
      ],
      whole,
      true
    )
  }
<dl class="tiles">
${tile("In", count(whole), "source rows")}
${
    tile(
      html`${sign("done")}Done`,
      count(summary.done),
      written === summary.done ? share(summary.done) : countOf(written, "row written", "rows written")
    )
  }
${tile(html`${sign("dropped")}Dropped`, count(dropped), share(dropped))}
${tile(html`${sign("failed")}Failed`, count(summary.failed), share(summary.failed))}
${tile("Rate", decimal(summary.problemsPerSecond), "problems/s")}
${tile("Time", seconds(summary.seconds), "wall clock")}
${tile("Peak memory", bytes(summary.peakMemoryBytes), `of ${bytes(summary.machine.memoryBytes)}`)}
</dl>
`
}

/** One green line if the counts add up, else every equation that does not hold. */
export const reconciliation = (summary: Summary): Html => {
  const all = identities(summary)
  const broken = all.filter(({ left, right }) => left !== right)
  const row = ({ law, left, right }: (typeof all)[number]) =>
    html`<tr><th scope="row" class="words">${law}</th><td>${count(left)}</td><td>${
      left === right ? "=" : "≠"
    }</td><td>${count(right)}</td></tr>`
  const table = html`<details><summary>All ${countOf(all.length, "equation")}</summary><table>
<thead><tr><th scope="col" class="words">Equation</th><th scope="col">left</th><th scope="col"></th><th scope="col">right</th></tr></thead>
<tbody>${all.map(row)}</tbody></table></details>`
  const { done, failed, in: rows } = summary
  return broken.length === 0
    ? html`<div class="note good" id="reconciliation"><p><strong>✓ The counts add up.</strong> ${count(rows)} in = ${
      count(done)
    } done +
${count(total(summary.dropped))} dropped + ${count(failed)} failed, and so does every stage.</p>${table}</div>`
    : html`<div class="note bad" id="reconciliation"><p><strong>✗ The counts do not add up</strong>: ${
      countOf(broken.length, "equation does", "equations do")
    } not hold. ${
      summary.status === "failed" || summary.status === "cancelled"
        ? "The run ended before every row had its fate."
        : "Some rows were counted twice or lost: do not use this dataset before the cause is known."
    }</p><ul>${
      broken.map(({ law, left, right }) => html`<li>${law}: ${count(left)} ≠ ${count(right)}</li>`)
    }</ul>${table}</div>`
}

export const funnel = (summary: Summary): Html => {
  const widest = Math.max(summary.in, ...summary.stages.map((stage) => Math.max(stage.in, stage.out)))
  const unread = total(summary.faults)
  const line = (
    name: Part,
    parts: Parameters<typeof bar>[0],
    figures: ReadonlyArray<Part>,
    reasons: ReadonlyArray<Html>
  ) =>
    html`<tr${reasons.length > 0 && html` class="holder"`}><th scope="row"><div class="withbar"><span>${name}</span>${
      bar(parts, widest)
    }</div></th>${figures.map((figure) => html`<td>${figure}</td>`)}</tr>
${reasons}`
  const reason = (name: Part, dropped: Part, failed: Part, last: boolean) =>
    html`<tr class="part${
      last ? " end" : ""
    }"><th scope="row">${name}</th><td></td><td>${dropped}</td><td>${failed}</td><td></td></tr>
`
  const dash = (n: number) => n === 0 ? html`<span class="muted">–</span>` : count(n)

  const faults = Object.entries(summary.faults).filter(([, n]) => n > 0)
  const source = line(
    "source",
    [
      { kind: "flow", value: summary.in - unread, tooltip: `read: ${countOf(summary.in - unread, "row")}` },
      { kind: "failed", value: unread, tooltip: `not readable: ${countOf(unread, "row")}` }
    ],
    [count(summary.in), dash(0), dash(unread), count(summary.in - unread)],
    faults.map(([tag, n], i) => reason(html`${sign("failed")}${tag}`, "", count(n), i === faults.length - 1))
  )
  const stages = summary.stages.map((stage) => {
    const drops = summary.report.drops.filter((drop) => drop.stage === stage.name)
    const derived = stage.derived ?? 0
    const kept = stage.in - stage.dropped - stage.failed
    const reasons = drops.map((drop, i) =>
      reason(html`${sign("dropped")}${drop.reason}`, count(drop.rows), "", i === drops.length - 1 && derived === 0)
    )
    if (derived > 0) {
      reasons.push(
        html`<tr class="part end"><th scope="row" colspan="5" class="words">${
          countOf(stage.expanded ?? 0, "row")
        } became ${countOf(derived, "derived row")}</th></tr>`
      )
    }
    return line(
      stage.name,
      [
        { kind: "flow", value: kept, tooltip: `${stage.name}: ${countOf(kept, "row")} went on` },
        {
          kind: "dropped",
          value: stage.dropped,
          tooltip: `${stage.name}: ${countOf(stage.dropped, "row")} dropped, ${percent(stage.dropped, stage.in)}`
        },
        {
          kind: "failed",
          value: stage.failed,
          tooltip: `${stage.name}: ${countOf(stage.failed, "row")} failed, ${percent(stage.failed, stage.in)}`
        }
      ],
      [count(stage.in), dash(stage.dropped), dash(stage.failed), count(stage.out)],
      reasons
    )
  })
  const examples = summary.report.drops.filter((drop) => drop.examples.length > 0)
  return section(
    "funnel",
    "From source to dataset",
    html`Rows into and out of each stage, in the order of the recipe, with the reasons of what was dropped. Bars share one scale.${
      total(summary.derived) > 0 &&
      " Rows that a stage derived are counted here as well, so stages can exceed the figures above."
    }`,
    html`<table>
<thead><tr><th scope="col">Stage</th><th scope="col">in</th><th scope="col">dropped</th><th scope="col">failed</th><th scope="col">out</th></tr></thead>
<tbody>${source}${stages}</tbody></table>
${summary.stages.length === 0 && empty("The recipe has no stages.")}${
      examples.length > 0 && html`<details><summary>Examples of dropped rows</summary>${
        examples.map((drop) =>
          html`<h3>${sign("dropped")}${drop.stage} / ${drop.reason} <small>${
            countOf(drop.rows, "row")
          }</small></h3><ul class="rows">${
            drop.examples.map(({ detail, id, problem }) =>
              html`<li>${identifier(id)}${quoted(problem)}${
                detail !== null && html`<p><small><bdi>${detail}</bdi></small></p>`
              }</li>`
            )
          }</ul>`
        )
      }</details>`
    }`
  )
}

export const timings = (summary: Summary): Html => {
  const spent = summary.stages.reduce((sum, stage) => sum + stage.seconds, 0)
  const longest = Math.max(0, ...summary.stages.map((stage) => stage.seconds))
  return section(
    "timings",
    "Time per stage",
    "Time that all workers together spent in each stage. Stages work side by side, so it need not add up to the time of the run.",
    spent === 0 ? "No stage spent any measurable time." : html`<table>
<thead><tr><th scope="col">Stage</th><th scope="col">time</th><th scope="col">share</th><th scope="col">rows per second</th></tr></thead>
<tbody>${
      summary.stages.map((stage) =>
        html`<tr><th scope="row"><div class="withbar"><span>${stage.name}</span>${
          bar([{ kind: "flow", value: stage.seconds, tooltip: `${stage.name}: ${seconds(stage.seconds)}` }], longest)
        }</div></th><td>${seconds(stage.seconds)}</td><td>${percent(stage.seconds, spent)}</td><td>${
          stage.seconds > 0 ? decimal(stage.in / stage.seconds) : "–"
        }</td></tr>
`
      )
    }</tbody><tfoot><tr><th scope="row">All stages</th><td>${
      seconds(spent)
    }</td><td></td><td></td></tr></tfoot></table>`
  )
}

const remedies = new Map(Object.entries({
  MalformedRow:
    "The row is not what its format asks for: one JSON object a line, or as many columns as the header. Correct or delete it in the source.",
  InvalidUtf8: "The bytes are not UTF-8. Convert the source first, for example with iconv -f WINDOWS-1252 -t UTF-8.",
  LineTooLong:
    "The line is over the limit for one row. Most often a line break is missing before it; otherwise split the row.",
  MissingField:
    "There is no problem text. Name the column that holds it under fields of the source in the recipe, or choose another preset."
}))

type Example = Summary["report"]["failures"][number]["examples"][number]

/** Examples that say the same as one, with the lines of all. */
const together = (examples: ReadonlyArray<Example>) =>
  [...Map.groupBy(examples, ({ message, stage }) => `${stage}\0${message}`).values()].flatMap((same) =>
    same[0] === undefined ? [] : [{ ...same[0], lines: same.flatMap(({ line }) => line === null ? [] : [line]) }]
  )

export const failures = ({ report }: Summary): Html =>
  section(
    "failures",
    "Failures",
    "Rows that could not be read or on which a stage gave up, by error. All of them are in failed.jsonl.",
    report.failures.length === 0 ?
      "No row failed." :
      report.failures.map(({ examples, rows, tag }) =>
        html`<div class="block"><h3>${sign("failed")}${tag} <small>${countOf(rows, "row")}</small></h3>
<p><strong>What to do:</strong> ${
          remedies.get(tag) ??
            "Read the messages below. Correct the rows or the parameters of the stage that they name, then run the recipe again."
        }</p>
<ul class="rows">${
          together(examples).map(({ lines, message, stage }) =>
            html`<li><small>${stage}${
              lines.length > 0 && `, ${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}`
            }</small><p><bdi>${message}</bdi></p></li>`
          )
        }</ul>${
          rows > examples.length && html`<p><small>and ${countOf(rows - examples.length, "more row")}</small></p>`
        }</div>`
      )
  )
