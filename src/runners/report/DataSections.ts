// Sections about what was written: label balance, lengths, sample rows.
import {
  type LabelBalance,
  type LengthHistogram,
  type SampleRow,
  type Split,
  splitNames,
  type Summary,
  total
} from "../../domain/RunReport.ts"
import { count, countOf, percent } from "./Format.ts"
import { bar, empty, identifier, quoted, section } from "./Frame.ts"
import type { HistogramSpec } from "./Histogram.ts"
import { type Html, html, type Part } from "./Html.ts"

type Row = LabelBalance["values"][number]
const sizeOf = (counts: Readonly<Record<Split, number>>) => counts.train + counts.validation + counts.test

/** Values that differ only by a number ("Level 1", "Level 2"; 1, 2, 3) in the order of that number, others as they come. */
const ordered = (values: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const parts = values.map(({ value }) => /^(\D*)(\d+(?:\.\d+)?)$/.exec(value))
  return parts.every((part) => part !== null && part[1] === parts[0]?.[1])
    ? values.map((row, i) => [row, Number(parts[i]?.[2])] as const).sort(([, a], [, b]) => a - b).map(([row]) => row)
    : values
}

const balance = ({ distinct, field, missing, other, values }: LabelBalance, splits: Summary["splits"]): Html => {
  const written = total(splits)
  const share = (row: Readonly<Record<Split, number>>, split: Split) =>
    splits[split] > 0 ? row[split] / splits[split] : 0
  const rows: ReadonlyArray<readonly [Part, Readonly<Record<Split, number>>]> = [
    ...ordered(values).map((row) => [html`<bdi>${row.value}</bdi>`, row] as const),
    ...(sizeOf(other) > 0 ? [[html`<em>other values</em>`, other] as const] : []),
    ...(sizeOf(missing) > 0 ? [[html`<em>no value</em>`, missing] as const] : [])
  ]
  const widest = Math.max(...rows.flatMap(([, row]) => splitNames.map((split) => share(row, split))))
  const gap = Math.max(
    ...rows.flatMap(([, row]) =>
      splitNames.filter((split) => splits[split] > 0).map((split) =>
        Math.abs(share(row, split) - sizeOf(row) / written)
      )
    )
  )
  const line = ([name, row]: (typeof rows)[number]) =>
    html`<tr><th scope="row"><div class="withbar"><span>${name}</span><span class="bars">${
      splitNames.map((split) =>
        bar([{
          kind: split,
          value: share(row, split),
          tooltip: `${split}: ${countOf(row[split], "row")}, ${percent(row[split], splits[split])}`
        }], widest)
      )
    }</span></div></th>${
      splitNames.map((split) => html`<td>${percent(row[split], splits[split])}<small>${count(row[split])}</small></td>`)
    }</tr>
`
  const table = (part: typeof rows) =>
    html`<table><thead><tr><th scope="col">${field}</th>${
      splitNames.map((split) => html`<th scope="col">${split}</th>`)
    }</tr></thead>
<tbody>${part.map(line)}</tbody></table>`
  const first = rows.length > 14 ? 12 : rows.length
  return html`<div class="block"><h3>${field} <small>${
    distinct === null ? "more than 1,000 values" : countOf(distinct, "value")
  }; largest gap between a split and the whole: ${(100 * gap).toFixed(1)} points</small></h3>
${table(rows.slice(0, first))}${
    first < rows.length &&
    html`<details><summary>${countOf(rows.length - first, "more value")}</summary>${table(rows.slice(first))}</details>`
  }</div>`
}

export const labels = ({ report, splits }: Summary): Html => {
  const { absent, present } = report.answers
  const answers: LabelBalance = {
    field: "answer",
    values: [{ value: "with answer", ...present }, { value: "without answer", ...absent }],
    other: { train: 0, validation: 0, test: 0 },
    missing: { train: 0, validation: 0, test: 0 },
    distinct: 2
  }
  return section(
    "labels",
    "Label balance",
    html`How labels spread over the splits: share of the rows of each split, with the number of rows. The bars are, from above, ${
      splitNames.map((split, i) => html`${i > 0 && ", "}<span class="whole">${swatch(split)}${split}</span>`)
    }.`,
    total(splits) === 0
      ? "No rows were written, so there are no labels to compare."
      : html`<div class="columns">${[answers, ...report.labels].map((field) => balance(field, splits))}</div>${
        report.labels.length === 0 &&
        empty("The rows carry none of the label fields (type, level, kind, source, domain, difficulty).")
      }`
  )
}

const swatch = (split: Split): Html =>
  html`<svg class="sign ${split}" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" y="2"/></svg>`

/** The length that half of the rows do not exceed, interpolated inside its bin on the logarithmic scale; null without rows. */
export const medianLength = ({ bins, splits }: LengthHistogram, split: Split): number | null => {
  const { longest, rows, shortest } = splits[split]
  if (rows === 0 || longest === null || shortest === null) return null
  let before = 0
  for (const bin of bins) {
    const inside = bin[split]
    if (inside > 0 && before + inside >= rows / 2) {
      const from = Math.max(1, bin.from, shortest)
      const to = Math.max(from, Math.min(bin.below ?? longest, longest))
      return Math.round(from * (to / from) ** ((rows / 2 - before) / inside))
    }
    before += inside
  }
  return longest
}

const lengthsOf = (lengths: LengthHistogram, histogram: (spec: HistogramSpec) => Html): Html => {
  const { bins, field, splits } = lengths
  const measured = splitNames.filter((split) => splits[split].rows > 0)
  const start = bins[0]
  const end = bins.at(-1)
  if (start === undefined || end === undefined) {
    return html`<div class="block"><h3>${field}</h3>${empty(`No row that was written has a ${field}.`)}</div>`
  }
  // A logarithmic axis has no zero: the first bin, below 10 characters, is drawn from 8, and the last, open one ends at 1.26 times its start.
  const left = (from: number) => Math.max(8, from)
  const right = (bin: typeof start) => bin.below ?? Math.round(bin.from * 1.26)
  const share = (bin: typeof start, split: Split) => (100 * bin[split]) / Math.max(1, splits[split].rows)
  const max = Math.max(...bins.flatMap((bin) => measured.map((split) => share(bin, split))))
  const range = (bin: typeof start) =>
    bin.below === null ? `${count(bin.from)} and more` : `${count(bin.from)} to ${count(bin.below - 1)}`
  const charts = measured.map((split) => {
    const median = medianLength(lengths, split)
    return html`<figure><figcaption>${swatch(split)}${split} <small>${
      countOf(splits[split].rows, "row")
    }</small></figcaption>${
      histogram({
        bars: bins.map((bin) => ({
          from: left(bin.from),
          to: right(bin),
          value: share(bin, split),
          tooltip: `${range(bin)} characters: ${countOf(bin[split], "row")}, ${percent(bin[split], splits[split].rows)}`
        })),
        color: `var(--${split})`,
        description: `Histogram of the length of the ${field} in ${split}; the table below has the figures.`,
        x: { domain: [left(start.from), right(end)], log: true, label: `characters in the ${field}` },
        y: { max, label: "share of rows", format: (n) => `${n} %` },
        mark: median === null ? undefined : { at: Math.max(8, median), label: `median ≈ ${count(median)}` }
      })
    }</figure>`
  })
  const facts = (split: Split) => {
    const { absent, characters, longest, rows, shortest } = splits[split]
    const median = medianLength(lengths, split)
    const cells = rows === 0
      ? ["–", "–", "–", "–"]
      : [shortest, median, Math.round(characters / rows), longest].map((n) => count(n ?? 0))
    return html`<tr><th scope="row">${split}</th><td>${count(rows)}</td><td>${count(absent)}</td>${
      cells.map((cell) => html`<td>${cell}</td>`)
    }</tr>`
  }
  return html`<div class="block"><h3>${field} <small>characters, logarithmic scale; height is the share of the split's rows</small></h3>
<div class="grid3">${charts}</div>
<details><summary>Figures</summary><table>
<thead><tr><th scope="col">${field}</th><th scope="col">rows with</th><th scope="col">without</th><th scope="col">shortest</th><th scope="col">median ≈</th><th scope="col">mean</th><th scope="col">longest</th></tr></thead>
<tbody>${splitNames.map(facts)}</tbody></table>
<table><thead><tr><th scope="col">characters</th>${
    splitNames.map((split) => html`<th scope="col">${split}, rows</th>`)
  }</tr></thead>
<tbody>${
    bins.map((bin) =>
      html`<tr><th scope="row">${range(bin)}</th>${splitNames.map((split) => html`<td>${count(bin[split])}</td>`)}</tr>`
    )
  }</tbody></table></details></div>`
}

export const lengths = ({ report, splits }: Summary, histogram: (spec: HistogramSpec) => Html): Html =>
  section(
    "lengths",
    "Lengths",
    "How long problems and solutions are, in characters (Unicode code points). The dashed line is the median.",
    total(splits) === 0
      ? "No rows were written, so there are no lengths to show."
      : report.lengths.map((field) => lengthsOf(field, histogram))
  )

const card = ({ answer, derived, id, labels, problem, solution }: SampleRow): Html =>
  html`<article class="card"><p>${identifier(id)}${derived && html` <small>derived</small>`}</p>
${
    Object.keys(labels).length > 0 &&
    html`<ul class="chips">${
      Object.entries(labels).map(([field, value]) => html`<li>${field}: <bdi>${value}</bdi></li>`)
    }</ul>`
  }${quoted(problem)}
<p><small>Answer</small> ${answer === null ? html`<span class="muted">none</span>` : html`<bdi>${answer}</bdi>`}</p>
${solution !== null && html`<details><summary>Solution</summary>${quoted(solution)}</details>`}</article>
`

export const samples = ({ outputs, report, splits }: Summary): Html =>
  section(
    "samples",
    "Sample rows",
    "The first rows of each split, as text; mathematics is shown as it is written. Long texts are cut at 400 characters.",
    total(splits) === 0 ?
      "No rows were written." :
      splitNames.map((split) =>
        html`<h3>${swatch(split)}${split} <small>${countOf(splits[split], "row")}${
          outputs.some(({ name }) => name === `${split}.jsonl`) && `, in ${split}.jsonl`
        }</small></h3>${
          report.samples[split].length === 0
            ? empty(`No rows went to ${split}.`)
            : html`<div class="cards">${report.samples[split].map(card)}</div>`
        }`
      )
  )
