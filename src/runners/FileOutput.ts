// The outputs of a run as files in its folder: train, validation, test, dropped, failed (JSONL, and Parquet for the splits if the recipe
// asks), summary.json and report.html. Everything is written under temporary names first; summary.json gets its name last, so a folder
// with a summary is whole. The JSONL files have the same bytes for the same input, recipe and seed.
import { Clock, Context, Effect, Layer } from "effect"
import { existsSync } from "node:fs"
import { mkdir, open, readFile, rm, stat } from "node:fs/promises"
import { availableParallelism, totalmem } from "node:os"
import { dirname, join } from "node:path"
import type { OutputFailed } from "../actors/RunOutput.ts"
import { type OutputRow, RunOutput, type RunOutputWriter } from "../actors/RunOutput.ts"
import type { RunState } from "../domain/DatasetRun.ts"
import type { JsonObject } from "../domain/Json.ts"
import type { Plan } from "../domain/Plan.ts"
import type { Recipe } from "../domain/Recipe.ts"
import { makeReportData, type ReportData, type Summary } from "../domain/RunReport.ts"
import { version } from "./Package.ts"
import { JsonlSink } from "./sinks/JsonlSink.ts"
import { outputFailed, partialPath, publish, type SinkWriter } from "./sinks/Sink.ts"

export const splits = ["train", "validation", "test"] as const
export const jsonlFiles = [...splits, "dropped", "failed"] as const
type FileName = (typeof jsonlFiles)[number]

/** Called when a run's outputs stand, with what was written: for a command line that says where things are. */
export const OutputWritten = Context.Reference<(run: string, summary: Summary) => Effect.Effect<void>>(
  "polya/OutputWritten",
  {
    defaultValue: () => () => Effect.void
  }
)

/** Writes a whole file; after a crash there is the old one or the new one, never half of it. */
export const writeWhole = async (path: string, text: string): Promise<void> => {
  const temporary = partialPath(path)
  try {
    await using handle = await open(temporary, "w")
    await handle.writeFile(text)
    await publish(handle, temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** The folder and those above it. (Node's own recursive form never ends where the system refuses a folder as missing, as /proc does.) */
const makeFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return
    const parent = dirname(folder)
    if (code !== "ENOENT" || existsSync(parent)) throw cause
    await makeFolder(parent)
    await makeFolder(folder)
  }
}

/** Makes sure that files can be written into `folder`, before any work is done. */
export const checkFolder = (folder: string): Effect.Effect<void, OutputFailed> => {
  const probe = join(folder, ".polya-write-check")
  return Effect.tryPromise({
    try: async () => {
      await makeFolder(folder)
      await writeWhole(probe, "ok")
      await rm(probe, { force: true })
    },
    catch: outputFailed(folder)
  })
}

export const layer: Layer.Layer<RunOutput> = Layer.effect(
  RunOutput,
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    return RunOutput.of({
      open: Effect.fn("FileOutput.open")(function*(run) {
        const folder = run.state.out
        yield* Effect.tryPromise({ try: () => makeFolder(folder), catch: outputFailed(folder) })
        const names: Array<{ readonly file: string; readonly split: FileName }> = jsonlFiles.map((split) => ({
          file: `${split}.jsonl`,
          split
        }))
        const sinks = new Map<string, SinkWriter>()
        for (const { file } of names) sinks.set(file, yield* JsonlSink.open(join(folder, file)))
        if (run.recipe.outputs.includes("parquet")) {
          const { ParquetSink } = yield* Effect.promise(() => import("./sinks/ParquetSink.ts"))
          for (const split of splits) {
            const file = `${split}.parquet`
            sinks.set(file, yield* ParquetSink.open(join(folder, file)))
            names.push({ file, split })
          }
        }
        const rows = new Map<string, number>()
        const report = makeReportData()
        const note = noteOf(report)

        const write: RunOutputWriter["write"] = Effect.fnUntraced(function*(batch) {
          const bySplit = Map.groupBy(batch, fileOf)
          for (const row of batch) note(row)
          for (const { file, split } of names) {
            const mine = bySplit.get(split) ?? []
            rows.set(file, (rows.get(file) ?? 0) + mine.length)
            if (mine.length > 0) yield* sinks.get(file)?.write(mine.map(fileRow)) ?? Effect.void
          }
        })
        const commit = Effect.gen(function*() {
          const summaryFile = join(folder, "summary.json")
          yield* Effect.tryPromise({ try: () => rm(summaryFile, { force: true }), catch: outputFailed(summaryFile) })
          for (const { file } of names) yield* sinks.get(file)?.commit ?? Effect.void
          const outputs = yield* Effect.forEach(names, ({ file }) =>
            Effect.tryPromise({
              try: async () => ({
                name: file,
                rows: rows.get(file) ?? 0,
                bytes: (await stat(join(folder, file))).size
              }),
              catch: outputFailed(join(folder, file))
            }))
          const summary = summaryOf({
            ...run,
            nowMillis: clock.currentTimeMillisUnsafe(),
            outputs,
            report: report.build()
          })
          const { renderReport } = yield* Effect.promise(() => import("./report/ReportPage.ts"))
          const page = yield* renderReport(summary)
          yield* Effect.tryPromise({
            try: async () => {
              await writeWhole(join(folder, "report.html"), page)
              await writeWhole(summaryFile, `${JSON.stringify(summary, null, 2)}\n`)
            },
            catch: outputFailed(folder)
          })
          yield* (yield* OutputWritten)(run.id, summary)
          return []
        })
        return { write, commit }
      })
    })
  })
)

const fileOf = (
  row: OutputRow
): FileName => (row._tag === "Done" ? row.split : row._tag === "Dropped" ? "dropped" : "failed")

/** A row as it stands in its file. */
const fileRow = (row: OutputRow): JsonObject => {
  switch (row._tag) {
    case "Done":
      return row.row
    case "Dropped": {
      const { detail, line, reason, source, stage } = row
      return { stage, reason, source, line, derived: row.derived, ...(detail === null ? {} : { detail }), row: row.row }
    }
    case "Failed": {
      const { line, message, source, stage, tag } = row
      return {
        stage,
        error: tag,
        tag,
        message,
        source,
        line,
        derived: row.derived,
        ...(row.row === null ? {} : { row: row.row })
      }
    }
  }
}

const noteOf = (report: ReturnType<typeof makeReportData>) => (row: OutputRow): void => {
  switch (row._tag) {
    case "Done":
      return report.done(row.row, row.split, { derived: row.derived })
    case "Dropped":
      return report.dropped(row.stage, row.reason, row.detail ?? undefined, row.row)
    case "Failed":
      return report.failed(row.stage, row.tag, row.message, row.line)
  }
}

const summaryOf = (run: {
  readonly id: string
  readonly recipe: Recipe
  readonly plan: Plan
  readonly state: RunState
  readonly nowMillis: number
  readonly outputs: Summary["outputs"]
  readonly report: ReportData
}): Summary => {
  const { outputs, plan, recipe, state } = run
  const { tally } = state
  const written = (file: string): number => outputs.find(({ name }) => name === file)?.rows ?? 0
  const seconds = (state.workedMillis + Math.max(0, run.nowMillis - state.startedMillis)) / 1000
  const stages = plan.stages.map(({ ord, stage }) => {
    const { derived, dropped, expanded, failed, in: entered, millis, out } = tally.stages[ord] ?? noStage
    const line = {
      name: stage.name,
      version: stage.version,
      in: entered,
      out,
      dropped,
      failed,
      seconds: rounded(millis / 1000)
    }
    return expanded > 0 ? { ...line, expanded, derived } : line
  })
  const derived = Object.fromEntries(
    stages.flatMap((stage) => ("derived" in stage ? [[stage.name, stage.derived]] : []))
  )
  return {
    recipe: recipe.name,
    in: tally.in,
    done: tally.done,
    dropped: sorted(tally.dropped),
    failed: tally.failed,
    derived,
    splits: { train: written("train.jsonl"), validation: written("validation.jsonl"), test: written("test.jsonl") },
    stages,
    seconds: rounded(seconds),
    problemsPerSecond: seconds > 0 ? Math.round((tally.in / seconds) * 10) / 10 : 0,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    runId: run.id,
    seed: recipe.seed,
    startedAt: new Date(state.startedMillis - state.workedMillis).toISOString(),
    status: "done",
    derivedFates: tally.derived,
    faults: sorted(tally.faults),
    machine: {
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`
    },
    version,
    sources: Object.entries(sorted(tally.sources)).map(([name, rows]) => ({ name, rows })),
    outputs,
    report: run.report
  }
}

const noStage = { in: 0, out: 0, dropped: 0, failed: 0, expanded: 0, derived: 0, millis: 0 }
const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000
const sorted = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))

/** The summary of a finished run in `folder`, as it was written; undefined if there is none. */
export const readSummary = async (folder: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(join(folder, "summary.json"), "utf8"))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}
