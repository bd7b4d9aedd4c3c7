// Where the answer is in a text: a model's response, a worked solution, or a bare answer.
import { boxesOf } from "./ExtractAnswer/Boxes.ts"
import { responseOf, tailLength } from "./ExtractAnswer/Response.ts"
import type { VerifyOptions } from "./Verdict.ts"

/** The rule by which an answer was found. */
export type ExtractionRule = "boxed" | "hash" | "anchor" | "formula" | "number" | "letter" | "whole" | "bare"

export interface Extracted {
  /** The answer as written, without its delimiters; several parts that belong together are joined by ", ". */
  readonly text: string
  readonly by: ExtractionRule
  readonly parts: ReadonlyArray<string>
  /** A percent sign, or the word, follows the answer and is not in `text`. */
  readonly percent: boolean
  /** It came from LaTeX delimiters or a box. */
  readonly math: boolean
}

/** The content of the last complete box, trimmed; null where there is none. */
export const lastBoxed = (text: string): string | null =>
  boxesOf(text.length > tailLength ? text.slice(-tailLength) : text).complete.at(-1)?.text.trim() ?? null

export const extractAnswer = (
  text: string,
  options: VerifyOptions = {},
  role: "gold" | "answer" = "answer"
): Extracted | null => {
  const response = responseOf(text, options.after_think_only === true)
  const boxed = boxesOf(response.said).complete.at(-1)?.text.trim()
  if (boxed !== undefined) {
    return boxed === "" ? null : { text: boxed, by: "boxed", parts: [boxed], percent: false, math: true }
  }
  const bare = response.said.trim()
  return role === "gold" && bare !== "" && bare.length < 200
    ? { text: bare, by: "whole", parts: [bare], percent: false, math: bare.includes("\\") }
    : null
}
