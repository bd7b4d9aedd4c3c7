// `polya report`: draws a run's page again from its summary, or compares two runs.
import { Effect, Option, Schema } from "effect"
import { join, resolve } from "node:path"
import { reconcile, Summary } from "../../domain/RunReport.ts"
import { readSummary, writeWhole } from "../FileOutput.ts"
import { diffReport, renderReport } from "../report/ReportPage.ts"
import { outputFailed } from "../sinks/Sink.ts"
import { misused, workFailed } from "./Failure.ts"
import { printLine, shown } from "./Say.ts"

const summaryIn = Effect.fnUntraced(function*(folder: string) {
  const raw = yield* Effect.tryPromise({
    try: () => readSummary(resolve(folder)),
    catch: (cause) => misused(`Cannot read ${join(folder, "summary.json")}: ${String(cause)}`)
  })
  if (raw === undefined) {
    return yield* misused(`There is no summary.json in ${folder}`, "Give the output folder of a run that was done.")
  }
  return yield* Effect.mapError(
    Schema.decodeUnknownEffect(Summary)(raw),
    (error) => misused(`${join(folder, "summary.json")} is not a summary of this version of polya: ${error.message}`)
  )
})

export const reportCommand = Effect.fn("Cli.report")(function*(flags: {
  readonly folders: ReadonlyArray<string>
  readonly out: Option.Option<string>
  readonly json: boolean
}) {
  const [first = ".", second] = flags.folders
  const one = yield* summaryIn(first)
  const two = second === undefined ? undefined : yield* summaryIn(second)
  const page = yield* two === undefined ? renderReport(one) : diffReport(one, two)
  const file = Option.match(flags.out, {
    onNone: () => join(resolve(first), two === undefined ? "report.html" : "comparison.html"),
    onSome: (path) => resolve(path)
  })
  yield* Effect.tryPromise({
    try: () => writeWhole(file, page),
    catch: (cause) => misused(outputFailed(file)(cause).message)
  })
  const broken = [one, ...(two === undefined ? [] : [two])].flatMap(reconcile)
  if (flags.json) yield* printLine({ event: "done", file, broken })
  else yield* Effect.sync(() => process.stdout.write(`${shown(file)}\n`))
  if (broken.length > 0) return yield* workFailed(`The counts do not add up: ${broken.join("; ")}`)
})
