// How an evaluation goes and what came of it, for people: a line that is drawn anew while it works, and the figures at its end.
import { Clock, Effect } from "effect"
import type { EvaluatedProblem } from "../../../actors/Evaluations.ts"
import { type EvaluationState, problemsOf, totalOf } from "../../../domain/ModelEvaluation.ts"
import type { Rate } from "../../../domain/ModelEvaluation/Metrics.ts"
import { endedOf } from "../../../domain/ModelEvaluation/Results.ts"
import { count, plural, printLine, seconds, shown, table, visible } from "../Say.ts"
import type { EvaluationSummary } from "./Outputs.ts"

const barCells = 16
const barEveryMillis = 100
const lineEveryMillis = 2_000
const jsonEveryMillis = 500

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
export const points = (difference: number): string =>
  `${difference < 0 ? "-" : "+"}${(100 * Math.abs(difference)).toFixed(1)}`

export const makeProgress = (
  options: { readonly id: string; readonly json: boolean; readonly startedMillis: number }
) => {
  const { id, json, startedMillis } = options
  const terminal = !json && process.stderr.isTTY === true
  const everyMillis = json ? jsonEveryMillis : terminal ? barEveryMillis : lineEveryMillis
  let shownMillis = startedMillis
  let drawn = false
  return {
    show: (state: EvaluationState) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => {
        if (nowMillis - shownMillis < everyMillis) return Effect.void
        shownMillis = nowMillis
        const tally = totalOf(state)
        const [ended, of] = [endedOf(tally), problemsOf(state)]
        const elapsed = (nowMillis - startedMillis) / 1_000
        const graded = ended - tally.failed - tally.ungraded
        if (json) {
          return printLine({
            event: "progress",
            evaluation: id,
            problems: ended,
            of,
            right: tally.right,
            failed: tally.failed,
            samples: tally.samplesBegun,
            tokens: tally.completionTokens,
            dollars: tally.microDollars / 1e6,
            seconds: Math.round(elapsed * 10) / 10
          })
        }
        const filled = Math.round((ended / Math.max(1, of)) * barCells)
        const bar = terminal ? `${"█".repeat(filled)}${"░".repeat(barCells - filled)} ` : ""
        const text = `${bar}${count(ended)} of ${plural(of, "problem")}, ${
          graded === 0 ? "none graded" : `${percent(tally.right / graded)} right`
        }, ${count(tally.failed)} failed · ${plural(tally.samplesBegun, "sample")}, ${
          count(tally.completionTokens)
        } tokens${tally.microDollars === 0 ? "" : `, $${(tally.microDollars / 1e6).toFixed(2)}`}`
        return Effect.sync(() => {
          const columns = (process.stderr.columns ?? 80) - 3
          const line = text.length <= columns ? text : `${text.slice(0, columns - 1)}…`
          process.stderr.write(terminal ? `\r\u001b[2K${line}` : `${text}\n`)
          drawn = terminal
        })
      }),
    close: Effect.sync(() => {
      if (drawn) process.stderr.write("\r\u001b[2K")
    })
  }
}

const rateText = ({ high, low, of, right, share }: Rate): string =>
  `${percent(share).padStart(7)}  (${percent(low)} to ${percent(high)})  ${count(right)} of ${count(of)}`

const rates = (name: string, all: Readonly<Record<string, Rate>>): ReadonlyArray<readonly [string, string]> => {
  const known = Object.entries(all)
  return known.length < 2
    ? []
    : [[name, ""], ...known.map(([own, rate]) => [`  ${visible(own)}`, rateText(rate)] as const)]
}

/** Characters of a problem or an answer in the list of failures. */
const excerpt = (text: string, most: number): string => {
  const line = visible(text.replace(/\s+/g, " "))
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}

const failureText = ({ problem, result }: EvaluatedProblem): string => {
  const said = result?.grade === "failed"
    ? `failed: ${excerpt(`${result.error?.tag}: ${result.error?.message}`, 100)}`
    : result?.grade === "ungraded"
    ? "its reference answer cannot be read"
    : `${result?.grade === "noAnswer" ? "no answer" : excerpt(result?.answer ?? "", 40)} for ${
      excerpt(result?.reference ?? "", 40)
    }${result?.grade === "undecided" ? " (undecided)" : ""}`
  return `${said}  ·  ${excerpt(problem.text, 60)}`
}

export const summaryLines = (
  summary: EvaluationSummary,
  failures: ReadonlyArray<EvaluatedProblem>,
  out: string
): ReadonlyArray<string> => {
  const { accuracy, curves, noAnswer, samples, tokens } = summary
  const wrong = summary.problems - accuracy.right
  const curve = curves ?? []
  return [
    `${visible(summary.model)}, ${summary.strategy}, on ${plural(summary.problems, "problem")} of ${
      visible(summary.name)
    } (${seconds(summary.seconds)}, seed ${summary.seed})`,
    ...table([
      ["accuracy", rateText(accuracy)],
      ...rates("by domain", summary.byDomain),
      ...rates("by level", summary.byLevel),
      ...(summary.meanPassAt1 === null ? [] : [["mean pass@1", percent(summary.meanPassAt1).padStart(7)] as const]),
      ...(curve.length < 2
        ? []
        : [
          ["k", curve.map(({ k }) => String(k).padStart(7)).join(" ")] as const,
          ["pass@k", curve.map(({ pass }) => percent(pass).padStart(7)).join(" ")] as const,
          [
            "maj@k",
            `${curve.map(({ majority }) => percent(majority).padStart(7)).join(" ")}${
              curve.every(({ exact }) => exact) ? "  (exact)" : "  (by seeded draws where exact took too long)"
            }`
          ] as const
        ]),
      [
        "no answer",
        `${percent(noAnswer.sampleShare).padStart(7)}  of samples${
          noAnswer.truncated === 0 ? "" : `, ${count(noAnswer.truncated)} of them cut off at their token limit`
        }; ${plural(noAnswer.problems, "problem")}`
      ],
      ...(summary.failed === 0 ? [] : [["failed", plural(summary.failed, "problem")] as const]),
      ...(summary.ungraded === 0
        ? []
        : [["ungraded", `${plural(summary.ungraded, "problem")} whose reference answer cannot be read`] as const]),
      [
        "samples",
        `${count(samples.begun)} of ${count(samples.planned)} planned${
          summary.stopsEarly ? `, ${percent(samples.savedShare)} saved by early stops` : ""
        }${samples.cancelled === 0 ? "" : `, ${count(samples.cancelled)} called off`}${
          samples.failed === 0 ? "" : `, ${count(samples.failed)} failed`
        }`
      ],
      ["tokens", `${count(tokens.completion)} written, ${count(tokens.prompt)} read`],
      ...(summary.dollars === 0 ? [] : [["cost", `$${summary.dollars.toFixed(4)}`] as const]),
      ...(failures.length === 0 ? [] : [["not right", plural(wrong, "problem")] as const]),
      ...failures.map((one) => [`  ${excerpt(one.problem.id, 24)}`, failureText(one)] as const),
      ...(wrong > failures.length && failures.length > 0
        ? [["  ...", `all in ${shown(`${out}/failures.jsonl`)}`] as const]
        : []),
      ["files", shown(out)]
    ]).map((line) => line.trimEnd())
  ]
}
