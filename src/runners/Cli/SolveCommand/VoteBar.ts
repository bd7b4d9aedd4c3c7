// The vote as it forms: one line on a terminal, drawn anew; a plain line where the lead changes otherwise; JSON lines for machines.
import { Clock, Effect } from "effect"
import { currentVote, type SolveState } from "../../../domain/Solve.ts"
import { count, plural, printLine, seconds, visible } from "../Say.ts"

export interface VoteBar {
  readonly show: (state: SolveState) => Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

const everyMillis = 100
const lineEveryMillis = 2_000
const jsonEveryMillis = 250
const barCells = 24
/** Answers that are shown, and characters of each. */
const maxAnswers = 4
const maxAnswerCharacters = 24

const short = (text: string): string => {
  const plain = visible(text)
  return plain.length <= maxAnswerCharacters ? plain : `${plain.slice(0, maxAnswerCharacters - 1)}…`
}

interface Shown {
  readonly ended: number
  readonly running: number
  readonly failed: number
  readonly planned: number
  readonly groups: ReadonlyArray<{ readonly answer: string; readonly votes: number; readonly weight: number }>
}

const shownOf = (state: SolveState): Shown => {
  const of = (...statuses: ReadonlyArray<string>) =>
    state.samples.filter(({ status }) => statuses.includes(status)).length
  return {
    ended: of("done"),
    running: of("running"),
    failed: of("failed"),
    planned: state.spec?.strategy.samples ?? 0,
    groups: currentVote(state)?.groups ?? []
  }
}

const barOf = ({ groups }: Shown): string => {
  const total = groups.reduce((sum, { weight }) => sum + weight, 0)
  return groups.slice(0, maxAnswers).map(({ answer, votes, weight }, at) => {
    const cells = total <= 0 ? 0 : Math.round((weight / total) * barCells)
    return `${short(answer)} ${(at === 0 ? "█" : "▒").repeat(Math.max(1, cells))} ${votes}`
  }).join(" · ") + (groups.length > maxAnswers ? ` · ${count(groups.length - maxAnswers)} more` : "")
}

export const makeVoteBar = (options: { readonly json: boolean; readonly startedMillis: number }): VoteBar => {
  const { json, startedMillis } = options
  const terminal = !json && process.stderr.isTTY === true
  const every = json ? jsonEveryMillis : terminal ? everyMillis : lineEveryMillis
  let shownMillis = Number.NEGATIVE_INFINITY
  let drawn = false
  return {
    show: (state) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now - shownMillis < every) return Effect.void
        // The first plain line comes after a while: what is quick needs none.
        if (!terminal && shownMillis === Number.NEGATIVE_INFINITY) {
          shownMillis = now
          if (!json) return Effect.void
        }
        shownMillis = now
        const shown = shownOf(state)
        const elapsed = (now - startedMillis) / 1_000
        if (json) {
          return printLine({
            event: "progress",
            ...shown,
            status: state.status,
            seconds: Math.round(elapsed * 10) / 10
          })
        }
        const doing = state.status === "selecting" ? ", selecting" : ""
        const text = `[${shown.ended}/${shown.planned}] ${barOf(shown)}${
          shown.groups.length === 0 ? "" : " · "
        }${shown.running} running${shown.failed === 0 ? "" : `, ${shown.failed} failed`}${doing}, ${seconds(elapsed)}`
        return Effect.sync(() => {
          const columns = (process.stderr.columns ?? 80) - 1
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

const stopWords: { readonly [tag: string]: string } = {
  Agreed: "enough samples agreed",
  ShareReached: "a large enough share agreed",
  NotToBeOvertaken: "the lead could not change any more",
  Confident: "the lead was clear",
  WindowUnanimous: "the last samples all agreed",
  Arbitrated: "by the shape of the votes",
  AllFinished: "all samples ended",
  TimeUp: "the time was up",
  TokensSpent: "the tokens were spent",
  NoneWorked: "every sample failed"
}

/** What came of a solve, in a line or two. */
export const outcomeLines = (state: SolveState): ReadonlyArray<string> => {
  const shown = shownOf(state)
  const millis = (state.endedMillis ?? state.startedMillis) - state.startedMillis
  const stop = state.stop === null ? "" : `; ${stopWords[state.stop._tag] ?? state.stop._tag}`
  const dollars = state.microDollars === 0 ? "" : `, $${(state.microDollars / 1e6).toFixed(4)}`
  const first = shown.groups.find(({ answer }) => answer === state.answer)
  const executions = state.samples.reduce((sum, one) => sum + one.executions, 0)
  return [
    first === undefined
      ? `no answer in ${plural(shown.ended, "sample")}${stop}`
      : `${plural(first.votes, "vote")} of ${plural(shown.ended, "sample")}${stop}${
        state.rounds.length === 0 ? "" : `; selected in ${plural(state.rounds.length, "comparison")}`
      }`,
    ...(shown.groups.length > 1 ? [`votes: ${barOf(shown)}`] : []),
    `${plural(state.usage.completionTokens, "token")} written${dollars}${
      executions === 0 ? "" : `, ${plural(executions, "program")} run`
    }${shown.failed === 0 ? "" : `, ${plural(shown.failed, "sample")} failed`}, ${seconds(millis / 1_000)}, seed ${
      state.spec?.seed ?? 0
    }`
  ]
}
