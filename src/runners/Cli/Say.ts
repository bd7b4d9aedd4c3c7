// What commands say: numbers as people read them, the end of a run in a few lines, and JSON lines for machines.
import { Effect } from "effect"
import { relative } from "node:path"
import type { Summary } from "../../domain/RunReport.ts"

/** One JSON object on a line of stdout. */
export const printLine = (value: object): Effect.Effect<void> =>
  Effect.sync(() => {
    process.stdout.write(`${JSON.stringify(value)}\n`)
  })

/** What a model, a server or a file says, made harmless for a terminal: nothing of it moves the cursor, colours or turns the line around. */
export const visible = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd")

const grouped = new Intl.NumberFormat("en-US")
export const count = (n: number): string => grouped.format(n)
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`
export const seconds = (
  n: number
): string => (n < 10
  ? `${n.toFixed(1)} s`
  : n < 120
  ? `${Math.round(n)} s`
  : `${Math.floor(Math.round(n) / 60)} min ${Math.round(n) % 60} s`)
export const mebibytes = (bytes: number): string => `${count(Math.round(bytes / 1_048_576))} MiB`

/** A path as the user would type it. */
export const shown = (path: string): string => {
  const near = relative(process.cwd(), path)
  return near === "" ? "." : near.startsWith("..") ? path : near
}

/** Lines with their second column aligned. */
export const table = (rows: ReadonlyArray<readonly [string, string]>, indent = "  "): ReadonlyArray<string> => {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${indent}${left.padEnd(width)}  ${right}`)
}

/** The end of a run. */
export const summaryLines = (summary: Summary, out: string): ReadonlyArray<string> => {
  const derived = Object.entries(summary.derived)
  const drops = Object.entries(summary.dropped).sort(([, a], [, b]) => b - a)
  const dropped = drops.reduce((sum, [, n]) => sum + n, 0)
  const { test, train, validation } = summary.splits
  return [
    `${summary.recipe}: ${plural(summary.in, "row")} in ${seconds(summary.seconds)} (${
      count(Math.round(summary.problemsPerSecond))
    } a second, peak memory ${mebibytes(summary.peakMemoryBytes)})`,
    ...table([
      ["done", count(summary.done)],
      ...derived.map((
        [stage, n]
      ): [string, string] => [
        "",
        `${stage} made ${plural(n, "problem")} of ${plural(expandedAt(summary, stage), "row")}`
      ]),
      ["dropped", count(dropped)],
      ...drops.map(([reason, n]): [string, string] => ["", `${count(n).padStart(7)}  ${reason}`]),
      ["failed", count(summary.failed)],
      ...summary.report.failures.map((
        failure
      ): [string, string] => ["", `${count(failure.rows).padStart(7)}  ${failure.tag}`]),
      ["written", `train ${count(train)}, validation ${count(validation)}, test ${count(test)}`],
      ["files", shown(out)],
      ["report", shown(`${out}/report.html`)]
    ])
  ]
}

const expandedAt = (summary: Summary, name: string): number =>
  summary.stages.reduce((sum, stage) => sum + (stage.name === name ? stage.expanded ?? 0 : 0), 0)
