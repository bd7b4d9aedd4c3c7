// What a program that was to print an answer came to: right, wrong, or why there is nothing to compare. The comparison itself is a verdict
// from elsewhere, never from the interpreter that ran the program, and what is said here never tells the right answer, so that it can go
// into a prompt that asks for a better program.
import { Schema } from "effect"
import { lastBoxed } from "./ExtractAnswer.ts"
import type { CellResult, KillCause } from "./Sandbox.ts"
import type { Verdict } from "./Verdict.ts"

/**
 * - `right`, `wrong`: it printed an answer, which is or is not shown to be the right one.
 * - `error`: it raised, or was ended for anything but its time. `timeout`: its time was up. `no-output`: it printed nothing to compare.
 */
export const ProgramOutcome = Schema.Literals(["right", "wrong", "error", "timeout", "no-output"])
export type ProgramOutcome = typeof ProgramOutcome.Type

export const ProgramCheck = Schema.Struct({
  outcome: ProgramOutcome,
  answer: Schema.NullOr(Schema.String).annotate({
    description: "What it printed last, the value of a last expression before all else; null: nothing."
  }),
  rule: Schema.NullOr(Schema.String).annotate({
    description: "The rule of the verdict (docs/verdicts.md); null: nothing was compared."
  }),
  detail: Schema.String.annotate({
    description: "What happened, for whoever is to mend the program; never tells the right answer."
  })
})
export type ProgramCheck = typeof ProgramCheck.Type

const maxShown = 200
const maxTracebackLines = 20
const maxTraceback = 1_500

/** The text with the middle left out if it is longer than `most`. */
const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most / 2)} ... ${text.slice(-most / 2)}`

const escapes: { readonly [sign: string]: string } = { n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", "\"": "\"" }

/** Python writes numbers of some types as calls of their makers, and texts in quotes. */
const numberCalls = [
  [/\bFraction\((-?\d+), (\d+)\)/g, "$1/$2"],
  [/\b(?:Decimal|mpf)\('([^'()]{1,10000})'\)/g, "$1"],
  [/\bnp\.(?:int|uint|float)\d{1,3}\(([^'()]{1,10000})\)/g, "$1"]
] as const

/** A value as one would write it: without Python's quotes and the names of its types of numbers. */
const written = (value: string): string => {
  const quote = value[0]
  if ((quote === "'" || quote === "\"") && value.length >= 2 && value.endsWith(quote)) {
    return value.slice(1, -1).replace(/\\([ntr\\'"])/g, (_, sign: string) => escapes[sign] ?? "")
  }
  return numberCalls.reduce((text, [form, instead]) => text.replace(form, instead), value)
}

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length

/** Texts are cut at one limit, so the longest one was: of a cut text nobody knows how it ended. */
const isCut = ({ stderr, stdout, truncated, value }: CellResult, text: string): boolean => {
  // A cut leaves out a character that would not fit whole.
  const slack = 4
  return truncated && utf8Bytes(text) + slack >= Math.max(...[stdout, stderr, value ?? ""].map(utf8Bytes))
}

const lastLine = (text: string): string => {
  const trimmed = text.trimEnd()
  return trimmed.slice(trimmed.lastIndexOf("\n") + 1).trim()
}

/** The answer that a cell printed: its value, else the last line of its output that is not empty; of that what is boxed, if anything is. */
export const printedAnswer = (result: CellResult): string | null => {
  const { stdout, value } = result
  const source = value ?? stdout
  if (isCut(result, source)) return null
  const text = value === null ? lastLine(stdout) : written(value).trim()
  const answer = lastBoxed(text) ?? text
  return answer === "" ? null : answer
}

const killed: { readonly [C in KillCause]: readonly [ProgramOutcome, string] } = {
  wall: ["timeout", "It did not stop when its time was up and was killed"],
  cpu: ["timeout", "It used up its processor time and was killed"],
  memory: ["error", "It used up its memory and was killed"],
  disk: ["error", "It used up its disk space and was killed"],
  crash: ["error", "It crashed its interpreter"],
  protocol: ["error", "It disturbed its interpreter and was killed"],
  host: ["error", "Its interpreter was ended from outside, which says nothing of the program"]
}

/** The end of a traceback: the error itself is its last line. */
const tracebackOf = (stderr: string): string => {
  const lines = stderr.trimEnd().split("\n").slice(-maxTracebackLines).join("\n")
  return lines.length <= maxTraceback ? lines : `... ${lines.slice(-maxTraceback)}`
}

const printedWords = (answer: string | null): string =>
  answer === null ? "It had printed nothing until then" : `Printed last until then: ${shortened(answer, maxShown)}`

/** Whether the cell ended in a way that leaves an answer to be compared. */
export const isAnswered = (result: CellResult): boolean =>
  (result.status === "ok" || result.status === "exited") && printedAnswer(result) !== null

/** What the program came to. `verdict`: on its printed answer; null where there is none (`isAnswered`). */
export const programCheck = (result: CellResult, verdict: Verdict | null): ProgramCheck => {
  const answer = printedAnswer(result)
  const said = (outcome: ProgramOutcome, detail: string): ProgramCheck => ({ outcome, answer, rule: null, detail })
  const { cause, millis, status, stderr, truncated } = result
  if (status === "error") return said("error", `It raised an error:\n${tracebackOf(stderr)}`)
  if (status === "timeout") {
    return said("timeout", `Its time was up after ${Math.round(millis)} ms. ${printedWords(answer)}`)
  }
  if (status === "killed") {
    const [outcome, words] = killed[cause ?? "crash"]
    return said(outcome, `${words} after ${Math.round(millis)} ms. ${printedWords(answer)}`)
  }
  if (answer === null || verdict === null) {
    const ended = status === "exited" ? "It ended itself" : "It ran to its end"
    return said(
      "no-output",
      truncated ? `${ended}, but printed so much that its last line was cut off` : `${ended} and printed no answer`
    )
  }
  const shown = shortened(answer, maxShown)
  const compared = { answer, rule: verdict.rule }
  switch (verdict.verdict) {
    case "equal":
      return { ...compared, outcome: "right", detail: `It printed ${shown}, which is right` }
    case "unequal":
      return { ...compared, outcome: "wrong", detail: `It printed ${shown}, which is not the right answer` }
    case "undecided":
      return {
        ...compared,
        outcome: "wrong",
        detail:
          `It printed ${shown}, which could not be shown to be the right answer: print the answer alone, as a number or an expression`
      }
  }
}
