// `polya demo`: the main job on polya's own input, told step by step.
import { Effect, Option } from "effect"
import { join, resolve } from "node:path"
import type { StageLine, Summary } from "../../domain/RunReport.ts"
import { stages } from "../../domain/stages/Registry.ts"
import { packaged } from "../Package.ts"
import { run, type RunFlags } from "./RunCommand.ts"
import { count, plural, printLine, seconds, shown, table } from "./Say.ts"

export const demoCommand = Effect.fn("Cli.demo")(
  function*(flags: { readonly out: Option.Option<string>; readonly json: boolean }) {
    const out = resolve(Option.getOrElse(flags.out, () => "polya-demo"))
    const summary = yield* run({ ...asRun, out: Option.some(out), json: flags.json })
    if (flags.json) return yield* printLine({ event: "done", ...summary, report: undefined })
    yield* Effect.sync(() => process.stdout.write(`${story(summary, out).join("\n")}\n`))
  }
)

const asRun: RunFlags = {
  recipe: packaged("recipes/dataset-cpu.yaml"),
  source: [],
  out: Option.none(),
  against: [],
  mode: Option.some("demo"),
  stages: Option.none(),
  limit: Option.none(),
  seed: Option.none(),
  format: Option.none(),
  preset: Option.none(),
  field: [],
  query: Option.none(),
  data: Option.none(),
  resume: false,
  rerunFailed: false,
  rerunFrom: Option.none(),
  inFlight: Option.none(),
  rate: Option.none(),
  config: Option.none(),
  url: Option.none(),
  json: false
}

const story = (summary: Summary, out: string): ReadonlyArray<string> => {
  const { report, splits } = summary
  const faults = Object.values(summary.faults).reduce((sum, n) => sum + n, 0)
  const lines = [
    "",
    `Polya's main job, on its own input: ${
      summary.sources.map(({ name, rows }) => `${plural(rows, "row")} of ${name}`).join(", ")
    }.`,
    ""
  ]
  let step = 1
  const say = (title: string, ...details: ReadonlyArray<string>): void => {
    lines.push(`${step++}. ${title}`, ...details.map((detail) => `     ${detail}`))
  }
  say(
    `read: ${plural(summary.in, "row")}, ${count(summary.in - faults)} of them readable`,
    ...report.failures.flatMap(({ examples, tag }) =>
      examples.map(({ line, message }) => `line ${line ?? "?"}: ${tag}, ${message}`)
    )
  )
  for (const stage of summary.stages) say(stageTitle(stage), ...stageDetails(summary, stage))
  say(`write: train ${splits.train}, validation ${splits.validation}, test ${splits.test}`)
  lines.push(
    "",
    `Every row has one fate: ${summary.in} in = ${summary.done} done + ${
      summary.in - summary.done - summary.failed
    } dropped + ${summary.failed} failed. It took ${seconds(summary.seconds)}.`,
    "",
    "Look at:",
    ...table([
      [shown(join(out, "report.html")), "the report, open it in a browser"],
      [shown(join(out, "train.jsonl")), "the dataset"],
      [shown(join(out, "dropped.jsonl")), "what was dropped, why, and in favour of what"],
      [shown(join(out, "summary.json")), "the counts, for machines"]
    ]),
    "",
    "Try next:",
    ...table([
      ["npx polya run dataset-cpu --source YOUR.jsonl --out out/mine", "your own problems"],
      [
        "npx polya run dataset-cpu --source YOUR.jsonl --against BENCHMARK.jsonl --out out/clean",
        "without what a benchmark has"
      ],
      ["npx polya doctor", "what else could be used on this machine"]
    ])
  )
  return lines
}

const stageTitle = ({ dropped, failed, in: entered, name, out }: StageLine): string => {
  const lost = [dropped > 0 ? `${dropped} dropped` : "", failed > 0 ? `${failed} failed` : ""].filter((part) =>
    part !== ""
  )
  return `${name}: ${entered} in, ${out} out${lost.length > 0 ? ` (${lost.join(", ")})` : ""}`
}

const stageDetails = ({ report }: Summary, stage: StageLine): ReadonlyArray<string> => {
  const details = [stages.get(stage.name)?.summary ?? ""]
  if (stage.expanded !== undefined) {
    details.push(`${plural(stage.expanded, "forum post")} became ${plural(stage.derived ?? 0, "problem")}`)
  }
  for (const { examples, reason, rows, stage: at } of report.drops) {
    if (at !== stage.name) continue
    const ids = examples.flatMap(({ id }) => (id === null ? [] : [id]))
    details.push(`${reason}: ${rows}${ids.length > 0 ? ` (${ids.join(", ")}${rows > ids.length ? ", ..." : ""})` : ""}`)
  }
  for (const { conflicts, stage: at } of report.duplicates) {
    if (at === stage.name && conflicts > 0) {
      details.push(`${plural(conflicts, "duplicate")} with another answer than the kept row: a label is wrong`)
    }
  }
  return details.filter((detail) => detail !== "")
}
