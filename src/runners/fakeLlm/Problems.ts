// The problems that a script knows the answers of, and which of them a prompt asks: the longest one whose text is in it, but for spaces.
import { Result } from "effect"
import { fraction, mixed, weighted } from "./Draws.ts"
import type { ProblemRow, Rule } from "./Script.ts"

export interface Known extends ProblemRow {
  readonly index: number
}

const spaces = /\s+/g
export const plain = (text: string): string => text.replace(spaces, " ").trim()

const prefix = 16
const lookedAt = 65_536
/** Of a prompt, so much at its start and as much at its end is looked through. */
export const ends = (text: string): string =>
  text.length > 2 * lookedAt ? `${text.slice(0, lookedAt)}\n${text.slice(-lookedAt)}` : text
/** Prompts whose row is remembered, and their characters at most. */
const remembered = 4_096
const rememberedCharacters = 16_384

export interface Problems {
  readonly rows: ReadonlyArray<Known>
  readonly find: (prompt: string) => Known | undefined
}

/** A text that comes twice is taken once: the first row counts. */
export const problemsOf = (rows: ReadonlyArray<ProblemRow>): Problems => {
  const byText = new Map<string, ProblemRow>()
  for (const row of rows) {
    const text = plain(row.problem)
    if (text !== "" && !byText.has(text)) byText.set(text, row)
  }
  const known = [...byText].map(([problem, row], index): Known => ({ ...row, problem, answer: answerIn(row), index }))
  const byPrefix = new Map<string, Array<Known>>()
  const short = known.filter(({ problem }) => problem.length < prefix)
  for (const row of known) {
    if (row.problem.length < prefix) continue
    const key = row.problem.slice(0, prefix)
    const others = byPrefix.get(key)
    if (others === undefined) byPrefix.set(key, [row])
    else others.push(row)
  }
  const search = (given: string): Known | undefined => {
    const prompt = plain(ends(given))
    let best = short.find(({ problem }) => problem === prompt)
    const take = (row: Known) => {
      if (best === undefined || row.problem.length > best.problem.length) best = row
    }
    for (let at = 0; at + prefix <= prompt.length; at++) {
      byPrefix.get(prompt.slice(at, at + prefix))?.forEach((row) => {
        if (prompt.startsWith(row.problem, at)) take(row)
      })
    }
    if (best === undefined) { for (const row of short) if (prompt.includes(row.problem)) take(row) }
    return best
  }
  const found = new Map<string, Known | undefined>()
  return {
    rows: known,
    find: (prompt) => {
      if (known.length === 0) return undefined
      if (prompt.length > rememberedCharacters) return search(prompt)
      if (found.has(prompt)) return found.get(prompt)
      const row = search(prompt)
      if (found.size >= remembered) found.clear()
      found.set(prompt, row)
      return row
    }
  }
}

/** GSM8K writes whole solutions, which end in `#### 18`. */
const answerIn = ({ answer }: ProblemRow): string =>
  answer.slice(answer.lastIndexOf("####") + 1).replace(/^###/, "").trim()

/** Rows of JSON lines: `problem` or `question`, `answer`, and perhaps `id` and `accuracy`. */
export const rowsOf = (text: string): Result.Result<ReadonlyArray<ProblemRow>, string> => {
  const rows: Array<ProblemRow> = []
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const row = rowOf(line)
    if (typeof row === "string") return Result.fail(`line ${at + 1}: ${row}`)
    rows.push(row)
    if (rows.length > maxRows) return Result.fail(`more than ${maxRows} rows`)
  }
  return Result.succeed(rows)
}

const maxRows = 1_000_000

const rowOf = (line: string): ProblemRow | string => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return "it is not JSON"
  }
  if (typeof value !== "object" || value === null) return "it is not an object"
  const { accuracy, answer, id, problem, question } = value as { readonly [key: string]: unknown }
  const text = problem ?? question
  if (typeof text !== "string" || text.trim() === "") return "it has no problem (nor question)"
  if (typeof answer !== "string" && typeof answer !== "number") return "it has no answer"
  if (accuracy !== undefined && !(typeof accuracy === "number" && accuracy >= 0 && accuracy <= 1)) {
    return "its accuracy is not between 0 and 1"
  }
  return {
    problem: text,
    answer: String(answer),
    ...(typeof id === "string" || typeof id === "number" ? { id: String(id) } : {}),
    ...(accuracy === undefined ? {} : { accuracy })
  }
}

export interface Solved {
  readonly answer: string
  readonly right: boolean
}
type SolveWords = NonNullable<Rule["solve"]>

/** Answers as `solve` says them: of the rows, exactly `right` (rounded) are solved, those with the least hashes. */
export const solverOf = ({ accuracy = 1, right = 1, wrong }: SolveWords, { rows }: Problems, seed: number) => {
  const hashed = rows.map((row) => [mixed(seed, 1, row.problem), row.index] as const)
  hashed.sort(([a, i], [b, j]) => a - b || i - j)
  const solved = new Set(hashed.slice(0, Math.round(right * rows.length)).map(([, index]) => index))
  return (row: Known, sampleSeed: number): Solved => {
    const key = mixed(seed, 2, row.problem, sampleSeed)
    const isRight = solved.has(row.index) && fraction(key) < (row.accuracy ?? accuracy)
    return { answer: isRight ? row.answer : wrongAnswer(row.answer, wrong, mixed(key, 3)), right: isRight }
  }
}

const wrongAnswer = (right: string, wrong: SolveWords["wrong"], key: number): string => {
  if (wrong !== undefined) {
    const { [right]: _, ...others } = wrong
    if (Object.values(others).some((weight) => weight > 0)) return weighted(others, key)
  }
  const number = Number(right.replaceAll(",", "").replace(/^\$|\.0*$/g, ""))
  if (!Number.isSafeInteger(number) || right.trim() === "") return "987654321"
  return String(number + (number < 10 ? 1 : -1) + (number < 10 ? 1 : -1) * (Math.floor(fraction(key) * 4)))
}
