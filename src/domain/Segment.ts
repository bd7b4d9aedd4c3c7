// Runs a stretch of map and expand stages on one row, and makes the entries for set stages that close next. Cheap CPU stages fuse
// here: one call, one commit. Pure but for the clock that it is handed; it runs in worker threads.
import type { PlannedStage } from "./Plan.ts"
import {
  type ExpandOutcome,
  type Failed,
  failed,
  type Fields,
  patched,
  type Resources,
  type SetEntry
} from "./Stage.ts"

/** One row's work: stages [`from`, `to`) and then entries for the set stages `index` if the row still lives. */
export interface StageJob {
  readonly fields: Fields
  readonly from: number
  readonly to: number
  readonly index: ReadonlyArray<number>
}
export interface StageWork {
  /** In order; the last may be a fate (dropped, failed, expanded), after which nothing ran. */
  readonly outcomes: ReadonlyArray<{ readonly ord: number; readonly outcome: ExpandOutcome; readonly millis: number }>
  /** In the order of `index`; empty if the row met its fate. */
  readonly entries: ReadonlyArray<{ readonly ord: number; readonly entry: SetEntry; readonly millis: number }>
}

export type PreparedSegment = (job: StageJob, now: () => number) => StageWork

/** Prepares every stage once (indexes are built here) and answers a function that works rows. */
export const prepareSegment = (stages: ReadonlyArray<PlannedStage>, resources: Resources): PreparedSegment => {
  const maps = new Map<number, (fields: Fields) => ExpandOutcome>()
  const sets = new Map<number, (fields: Fields) => SetEntry>()
  for (const { ord, params, stage } of stages) {
    if (stage.kind === "set") sets.set(ord, stage.prepare(params, resources))
    else maps.set(ord, stage.prepare(params, resources))
  }
  return (job, now) => {
    const outcomes: Array<StageWork["outcomes"][number]> = []
    const entries: Array<StageWork["entries"][number]> = []
    let fields = job.fields
    for (let ord = job.from; ord < job.to; ord++) {
      const run = maps.get(ord)
      if (run === undefined) continue
      const startedMillis = now()
      const outcome = attempt(() => run(fields))
      outcomes.push({ ord, outcome, millis: now() - startedMillis })
      if (outcome._tag !== "Kept") return { outcomes, entries }
      fields = patched(fields, outcome.patch)
    }
    for (const ord of job.index) {
      const make = sets.get(ord)
      if (make === undefined) continue
      const startedMillis = now()
      const entry = attempt(() => make(fields))
      if ("_tag" in entry) {
        outcomes.push({ ord, outcome: entry, millis: now() - startedMillis })
        return { outcomes, entries: [] }
      }
      entries.push({ ord, entry, millis: now() - startedMillis })
    }
    return { outcomes, entries }
  }
}

/** A stage that throws is a bug of ours, but costs its own row only. */
const attempt = <A>(run: () => A): A | Failed => {
  try {
    return run()
  } catch (defect) {
    return failed("StageDefect", String(defect))
  }
}
