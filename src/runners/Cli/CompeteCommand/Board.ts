// A contest as it goes: a table on a terminal, drawn anew; a line for each change otherwise; JSON lines for machines.
import { Clock, Effect } from "effect"
import type { ContestProblemView, ContestView } from "../../../domain/Contest/View.ts"
import { plural, printLine, seconds, visible } from "../Say.ts"

export interface Board {
  readonly show: (view: ContestView) => Effect.Effect<void>
  /** Draws it again: time has passed. */
  readonly tick: Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

const maxIdCharacters = 24
const marks = { waiting: "·", running: "▶", done: "✓" } as const

/** A time to go, such as 4:07:12. */
export const clockText = (millis: number): string => {
  const whole = Math.max(0, Math.ceil(millis / 1_000))
  const two = (value: number) => String(value).padStart(2, "0")
  return `${Math.floor(whole / 3_600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}

const shortId = (id: string): string => {
  const plain = visible(id)
  return plain.length <= maxIdCharacters ? plain : `${plain.slice(0, maxIdCharacters - 1)}…`
}

const votesText = ({ answered, second, samples, votes }: ContestProblemView): string =>
  !answered
    ? samples === 0 ? "no answer" : `no answer in ${plural(samples, "sample")}`
    : `${votes} of ${plural(samples, "vote")}${second > 0 ? `, next ${second}` : ""}`

const timeText = ({ deadlineMillis, millis, passes }: ContestProblemView, nowMillis: number): string => {
  const pass = passes > 1 ? `, pass ${passes}` : ""
  return deadlineMillis === null
    ? passes === 0 ? "" : `${seconds(millis / 1_000)}${pass}`
    : `${clockText(deadlineMillis - nowMillis)} left${pass}`
}

const headOf = ({ counts, endsMillis, problems, status }: ContestView, nowMillis: number): string =>
  `${counts.answered} of ${counts.expected} answered, ${counts.running} running, ${counts.waiting} waiting` +
  (status === "running" ? `, ${clockText(endsMillis - nowMillis)} left` : `, ${status}`) +
  `, ${problems.filter(({ passes }) => passes > 1).length} asked again`

/** Those that fit: what runs first, then what waits, then the rest; in their own order. */
const fitting = (problems: ReadonlyArray<ContestProblemView>, most: number): ReadonlyArray<ContestProblemView> => {
  if (problems.length <= most) return problems
  const rank = ({ status }: ContestProblemView) => (status === "running" ? 0 : status === "done" ? 1 : 2)
  const chosen = new Set(problems.toSorted((a, b) => rank(a) - rank(b)).slice(0, Math.max(0, most)))
  return problems.filter((one) => chosen.has(one))
}

export const boardLines = (view: ContestView, nowMillis: number, rows: number): ReadonlyArray<string> => {
  const shown = fitting(view.problems, rows - 3)
  const width = Math.max(0, ...shown.map(({ id }) => shortId(id).length))
  const lines = shown.map((one) =>
    `${marks[one.status]} ${shortId(one.id).padEnd(width)}  ${(one.answered ? String(one.answer) : "-").padStart(5)}  ${
      votesText(one).padEnd(24)
    }  ${timeText(one, nowMillis)}${one.error === null ? "" : `  ${one.error.tag}`}`
  )
  const hidden = view.problems.length - shown.length
  return [headOf(view, nowMillis), ...lines, ...(hidden > 0 ? [`  and ${plural(hidden, "more problem")}`] : [])]
}

/** What a line is written for: another status, another pass, another answer. */
const keyOf = ({ answer, answered, passes, status }: ContestProblemView): string =>
  `${status} ${passes} ${answered ? answer : ""}`

const changeText = (one: ContestProblemView): string =>
  one.status === "running"
    ? `${shortId(one.id)}: ${one.answered ? `${one.answer} leads (${votesText(one)})` : `begun`}${
      one.passes > 1 ? `, pass ${one.passes}` : ""
    }`
    : `${shortId(one.id)}: ${one.answered ? one.answer : "-"} (${votesText(one)}), ${seconds(one.millis / 1_000)}${
      one.error === null ? "" : `; ${one.error.tag}: ${visible(one.error.message)}`
    }`

export const makeBoard = (json: boolean): Board => {
  const terminal = !json && process.stderr.isTTY === true
  const seen = new Map<string, string>()
  let drawn = 0
  let last: ContestView | undefined
  const clear = (): string => (drawn === 0 ? "" : `\u001b[${drawn}A\r\u001b[0J`)
  const draw = (view: ContestView, nowMillis: number): void => {
    const columns = (process.stderr.columns ?? 80) - 1
    const lines = boardLines(view, nowMillis, process.stderr.rows ?? 24)
    const cut = lines.map((line) => (line.length <= columns ? line : `${line.slice(0, columns - 1)}…`))
    process.stderr.write(`${clear()}${cut.join("\n")}\n`)
    drawn = cut.length
  }
  const changes = (view: ContestView): ReadonlyArray<ContestProblemView> =>
    view.problems.filter((one) => {
      const key = keyOf(one)
      if (seen.get(one.id) === key || (one.status === "waiting" && !seen.has(one.id))) return false
      seen.set(one.id, key)
      return true
    })
  const redraw = Effect.flatMap(Clock.currentTimeMillis, (nowMillis) =>
    Effect.sync(() => {
      if (last !== undefined) draw(last, nowMillis)
    }))
  return {
    show: (view) => {
      last = view
      if (terminal) return redraw
      const news = changes(view)
      return json
        ? Effect.forEach(news, (one) => printLine({ event: "problem", ...one }), { discard: true })
        : Effect.sync(() => {
          for (const one of news) process.stderr.write(`${changeText(one)}\n`)
        })
    },
    tick: terminal ? redraw : Effect.void,
    close: Effect.sync(() => {
      drawn = 0
    })
  }
}

/** The end of a contest, for people. */
export const endLines = (
  view: ContestView,
  score: { readonly right: number; readonly known: number } | null,
  out: string
): ReadonlyArray<string> => {
  const { answered, expected } = view.counts
  const { deviation, mean } = view.guess
  const dollars = view.microDollars === 0 ? "" : `, $${(view.microDollars / 1e6).toFixed(4)}`
  const took = ((view.endedMillis ?? view.startedMillis) - view.startedMillis) / 1_000
  return [
    `compete: ${answered} of ${plural(expected, "problem")} answered in ${seconds(took)}, ${
      plural(view.tokens, "token")
    } written${dollars}`,
    ...(score === null ? [] : [`  score     ${score.right} of ${score.known}`]),
    `  expected  ${mean.toFixed(1)} ± ${deviation.toFixed(1)} right by the votes`,
    `  written   ${out}`
  ]
}
