// Whether a Python program that is meant to solve a problem has the answer written into it. Judged on the syntax tree with constants
// folded, so that 40+2, 0x2A, chr(52)+chr(50), {1: 42}[1] and text in base64 are 42, and a loop that counts to 42 is not. Nothing is
// ever run; every loop here is bounded, and a program that is too much work is `uncertain`. It sits under the stage `leaks`.
import { type Answer, readAnswer, speaksOf } from "./LeakScan/Answer.ts"
import { Interpreter } from "./LeakScan/Interpreter.ts"
import { parsePython, type PythonTokens, tokensOf } from "./LeakScan/PythonTree.ts"
import { mayLeak } from "./LeakScan/Suspicion.ts"
import { type LeakKind, leakKinds, type Sighting } from "./LeakScan/Watcher.ts"

export { type LeakKind, leakKinds } from "./LeakScan/Watcher.ts"

export interface LeakLimits {
  /** Characters of a program that are read; default 50,000. */
  readonly charactersMax: number
  /** Nodes of the syntax tree; default 20,000. */
  readonly nodesMax: number
  /** Statements and expressions that are folded, calls and short loops counted each time; default 20,000. */
  readonly stepsMax: number
}
export const leakLimits: LeakLimits = { charactersMax: 50_000, nodesMax: 20_000, stepsMax: 20_000 }

export interface LeakInput {
  readonly code: string
  /** The reference answer: an integer, a fraction, a decimal, LaTeX or text of at most 400 characters. */
  readonly answer: string | number | bigint
  /** The problem's text: its numbers may be used as data, and an answer that is among them must be stated to be a leak. */
  readonly problem?: string | undefined
  /** Whether the problem has the answer in it, where that is known better than from its text. */
  readonly answerInProblem?: boolean | undefined
}

/**
 * One place. `kind` is the label of the field: `direct_print` (the literal is printed, returned or shown), `print_or_comment` (a
 * folded or respelled literal is, or a comment or docstring tells it), `assert_or_hardcode` (assertions, comparisons, look-up
 * tables, conditions and fall-backs that yield it), `answer_seeded` (a search that starts at, around or for it), `uncertain`.
 */
export interface LeakFinding {
  readonly kind: LeakKind
  /** What it is, in a few words: "printed", "comment", "look-up table", ... */
  readonly rule: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** The start of the source there, at most 120 characters. */
  readonly snippet: string
  /** The value as folded, or the words that tell it; at most 200 characters. */
  readonly folded: string
}

export interface LeakReport {
  /** `leak` if any finding is more than uncertain; `clean` if there is none. */
  readonly verdict: "leak" | "clean" | "uncertain"
  /** By kind in the order of `leakKinds`, then by place; at most 100. */
  readonly findings: ReadonlyArray<LeakFinding>
}

const clean: LeakReport = { verdict: "clean", findings: [] }

/**
 * Scans one program. An empty program or answer is clean; text that is not Python is read as far as the parser recovers.
 *
 * Two principles keep it precise. Arithmetic is no leak: only one sum, difference, bit operation or product of two digits, of
 * numbers that the problem does not give, is a disguise of its result; `3*3`, `44//11`, `7*11` are calculations. And answers that
 * stand in most programs anyway (up to 10, powers of ten, numbers of the problem) leak only where they are plainly stated: printed,
 * returned or assigned without a condition, or announced by a comment ("the answer is 4").
 */
export const scanLeaks = (input: LeakInput, limits: Partial<LeakLimits> = {}): LeakReport => {
  const { charactersMax, nodesMax, stepsMax } = { ...leakLimits, ...limits }
  const answer = readAnswer(String(input.answer), input.problem ?? "", input.answerInProblem)
  if (answer === null || input.code.trim() === "") return clean
  const isCut = input.code.length > charactersMax
  const code = isCut ? input.code.slice(0, charactersMax) : input.code
  const tokens = tokensOf(code)
  const sightings: Array<Sighting> = commentsThatTell(code, tokens, answer)
  let isExhausted = isCut
  if (mayLeak(code, tokens, answer)) {
    const tree = parsePython(code, nodesMax)
    if (tree === null) isExhausted = true
    else {
      const interpreter = new Interpreter(code, answer, { steps: stepsMax, nodes: nodesMax })
      interpreter.run(tree)
      for (const one of interpreter.sightings) sightings.push(one)
      isExhausted ||= interpreter.isExhausted
    }
  }
  if (isExhausted) {
    sightings.push({ kind: "uncertain", rule: "too long or too much work", from: 0, to: 0, folded: "" })
  }
  if (sightings.length === 0) return clean
  sightings.sort((a, b) => leakKinds.indexOf(a.kind) - leakKinds.indexOf(b.kind) || a.from - b.from)
  return {
    verdict: sightings.some(({ kind }) => kind !== "uncertain") ? "leak" : "uncertain",
    findings: sightings.slice(0, 100).map((one) => findingOf(code, one))
  }
}

const findingOf = (code: string, { folded, from, kind, rule, to }: Sighting): LeakFinding => {
  let line = 1
  let lineStart = 0
  for (let at = code.indexOf("\n"); at >= 0 && at < from; at = code.indexOf("\n", at + 1)) {
    line++
    lineStart = at + 1
  }
  return { kind, rule, line, column: from - lineStart + 1, snippet: code.slice(from, Math.min(to, from + 120)), folded }
}

const commentsThatTell = (code: string, { comments }: PythonTokens, answer: Answer): Array<Sighting> => {
  const found: Array<Sighting> = []
  for (const { from, to } of comments) {
    if (found.length >= 50) break
    const comment = code.slice(from, Math.min(to, from + 2_000))
    if (speaksOf(comment, answer) === null) continue
    // "# 1" on a line of its own numbers a step.
    if (
      answer.common && !/\p{L}|[=>→]/u.test(comment) &&
      code.slice(code.lastIndexOf("\n", from) + 1, from - 1).trim() === ""
    ) {
      continue
    }
    found.push({ kind: "print_or_comment", rule: "comment", from: from - 1, to, folded: comment.trim().slice(0, 200) })
  }
  return found
}
