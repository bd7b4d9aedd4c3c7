// Progress of a run on stderr: a bar on a terminal, a plain line every two seconds otherwise, JSON lines on stdout for machines.
import { Clock, Effect } from "effect"
import type { RunState } from "../../domain/DatasetRun.ts"
import { planSteps } from "../../domain/Plan.ts"
import type { Recipe } from "../../domain/Recipe.ts"
import { stages } from "../../domain/stages/Registry.ts"
import { count, printLine } from "./Say.ts"

export interface Progress {
  readonly show: (state: RunState) => Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

const barCells = 16
const barEveryMillis = 100
const lineEveryMillis = 2_000
const jsonEveryMillis = 500

export const makeProgress = (run: {
  readonly id: string
  readonly json: boolean
  readonly recipe: Recipe
  /** Size of the source; null: unknown. */
  readonly bytes: number | null
  readonly startedMillis: number
}): Progress => {
  const terminal = !run.json && process.stderr.isTTY === true
  const everyMillis = run.json ? jsonEveryMillis : terminal ? barEveryMillis : lineEveryMillis
  const steps = planSteps(run.recipe, stages)
  let shownMillis = run.startedMillis
  let shownStep = -1
  let drawn = false

  const describe = (state: RunState, nowMillis: number) => {
    const step = steps[state.step]
    const names = run.recipe.stages.map(({ name }) => name)
    const { tally } = state
    const dropped = Object.values(tally.dropped).reduce((sum, n) => sum + n, 0)
    const [verb, objects] = step === undefined || step._tag === "Output"
      ? ["writing", []]
      : step._tag === "Close"
      ? ["comparing", step.stages.map((ord) => names[ord] ?? "")]
      : [step.source ? "reading" : "applying", names.slice(step.from, step.to)]
    const elapsed = Math.max(0.001, (nowMillis - run.startedMillis) / 1000)
    const done = step?._tag === "Walk" && !step.source
      ? (state.position._tag === "Index" ? state.position.after?.seq ?? 0 : 0)
      : undefined
    const share = step?._tag === "Walk"
      ? (step.source ? readShare(run.bytes, state) : done === undefined || tally.in === 0 ? undefined : done / tally.in)
      : undefined
    return {
      verb,
      objects: objects.join(", "),
      doing: objects.length === 0 ? verb : `${verb}: ${objects.join(", ")}`,
      dropped,
      elapsed,
      share,
      rate: tally.in / elapsed,
      in: tally.in,
      failed: tally.failed,
      step: state.step,
      steps: steps.length
    }
  }
  const text = (state: RunState, nowMillis: number): string => {
    const now = describe(state, nowMillis)
    return `${place(now)} ${now.doing} · ${counts(now)}`
  }
  /** What matters most comes first, for the line ends where the terminal does. */
  const bar = (state: RunState, nowMillis: number): string => {
    const now = describe(state, nowMillis)
    const { share } = now
    const filled = share === undefined ? 0 : Math.round(share * barCells)
    const drawing = share === undefined
      ? `${"·".repeat(barCells)}     `
      : `${"█".repeat(filled)}${"░".repeat(barCells - filled)} ${String(Math.floor(share * 100)).padStart(3)}%`
    // Two cells stay free, for the `^C` that a terminal prints.
    const columns = (process.stderr.columns ?? 80) - 3
    const line = `${place(now)} ${now.verb.padEnd(9)} ${drawing} ${counts(now)}${
      now.objects === "" ? "" : ` · ${now.objects}`
    }`
    return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`
  }

  return {
    show: (state) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => {
        const due = nowMillis - shownMillis >= everyMillis || state.step !== shownStep
        if (!due) return Effect.void
        shownMillis = nowMillis
        shownStep = state.step
        if (run.json) {
          const { doing, dropped, elapsed, failed, in: read, share, step, steps: all } = describe(
            state,
            nowMillis
          )
          return printLine({
            event: "progress",
            run: run.id,
            step: step + 1,
            steps: all,
            doing,
            in: read,
            dropped,
            failed,
            share: share ?? null,
            seconds: Math.round(elapsed * 10) / 10
          })
        }
        return Effect.sync(() => {
          if (terminal) process.stderr.write(`\r\u001b[2K${bar(state, nowMillis)}`)
          else process.stderr.write(`${text(state, nowMillis)}\n`)
          drawn = terminal
        })
      }),
    close: Effect.sync(() => {
      if (drawn) process.stderr.write("\r\u001b[2K")
    })
  }
}

const place = ({ step, steps }: { readonly step: number; readonly steps: number }): string =>
  `[${Math.min(step + 1, steps)}/${steps}]`
const counts = (now: { readonly in: number; readonly dropped: number; readonly failed: number }): string =>
  `${count(now.in)} read, ${count(now.dropped)} dropped, ${count(now.failed)} failed`

/** How much of the source is read, for one file; undefined where it cannot be known. */
const readShare = (bytes: number | null, { position }: RunState): number | undefined =>
  bytes === null || position._tag !== "Source" || position.cursor.file !== 0
    ? undefined
    // Of a packed file the offset counts unpacked bytes.
    : Math.min(1, position.cursor.offset / bytes)
