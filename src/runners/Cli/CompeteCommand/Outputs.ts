// What a contest leaves in its folder: submission.csv (id,answer), whole from the first second and replaced at every change, and contest.json, how the
// contest stands. After a crash each of them is the old one or the new one.
import { Effect } from "effect"
import { join } from "node:path"
import type { SubmissionRow } from "../../../domain/Contest.ts"
import { contestAnswer } from "../../../domain/Contest/Tally.ts"
import type { ContestView } from "../../../domain/Contest/View.ts"
import { writeWhole } from "../../FileOutput.ts"
import { outputFailed } from "../../sinks/Sink.ts"

export const submissionFile = "submission.csv"
export const contestFile = "contest.json"

/** A field of CSV (RFC 4180). */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text)

export const submissionText = (rows: ReadonlyArray<SubmissionRow>): string =>
  `id,answer\n${rows.map(({ answer, id }) => `${field(id)},${answer}\n`).join("")}`

export const writeSubmission = (out: string, rows: ReadonlyArray<SubmissionRow>) =>
  Effect.tryPromise({
    try: () => writeWhole(join(out, submissionFile), submissionText(rows)),
    catch: outputFailed(out)
  })

export interface Score {
  readonly right: number
  /** Problems whose right answer is known. */
  readonly known: number
}

export const scoreOf = (
  { modulo, rows }: Pick<ContestView, "rows" | "modulo">,
  answers: ReadonlyMap<string, string>
): Score | null => {
  if (answers.size === 0) return null
  const right = rows.filter(({ answer, id }) => {
    const known = answers.get(id)
    return known !== undefined && contestAnswer(known, modulo) === answer
  })
  return { right: right.length, known: answers.size }
}

export const writeContest = (out: string, view: ContestView, score: Score | null) =>
  Effect.tryPromise({
    try: () =>
      writeWhole(
        join(out, contestFile),
        `${JSON.stringify({ ...view, ...(score === null ? {} : { score }) }, null, 2)}\n`
      ),
    catch: outputFailed(out)
  })

/** Writes what has changed since it wrote last. */
export const makeKeeper = (out: string) => {
  let rows = ""
  let version = -1
  return (view: ContestView, score: Score | null = null) =>
    Effect.gen(function*() {
      const text = submissionText(view.rows)
      if (text !== rows) {
        yield* writeSubmission(out, view.rows)
        rows = text
      }
      if (view.version === version && score === null) return
      yield* writeContest(out, view, score)
      version = view.version
    })
}
