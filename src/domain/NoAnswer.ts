// Texts that stand where an answer should be and are none: what programs write for a missing value, and the blanks of prompt
// templates. One table for reference answers, samples and votes. "undefined", "no solution", "-", "{}" and the like
// are answers. Whether "none" is one depends on the place: in an answer field it is what Python writes for nothing, in a text
// ("The answer is none.") it is what somebody says.
import { bareAnswer } from "./text/Answer.ts"

/** Longer texts are no markers. */
const longest = 200
/** Wrappers that are taken off, one in the other. */
const deepest = 8

const markers: ReadonlySet<string> = new Set([
  "null",
  "nan",
  "n/a",
  "#n/a",
  "<na>",
  "unknown",
  "idk",
  "i don't know",
  "i do not know",
  "tbd",
  "todo",
  "error",
  "timeout",
  "not available",
  "not applicable",
  "not found",
  "no answer",
  "no answer found",
  "no valid answer",
  "no valid answer found",
  "answer",
  "the answer",
  "your answer",
  "final answer",
  "your final answer",
  "answer here",
  "your answer here",
  "$answer",
  "placeholder",
  "\\ldots",
  "\\dots"
])

/** Nothing but signs that stand for what is left out; a single "-" or "." is not among them. */
const leftOut = /^(?:[?\uff1f]+|\.{2,}|\u2026+|-{2,}|\u2014+|)$/

const wrappers: ReadonlyArray<RegExp> = [
  /^\\(?:boxed|fbox|text|textbf|textit|textrm|texttt|mathrm|mathbf|mathit|mbox|operatorname)\s*\{([^{}]*)\}$/,
  /^\[([^[\]]+)\]$/,
  /^\(([^()]+)\)$/,
  /^\{([^{}]+)\}$/,
  /^<([^<>]*)>$/,
  /^"([^"]*)"$/,
  /^'([^']*)'$/,
  /^`([^`]*)`$/,
  /^\*\*([^*]*)\*\*$/,
  /^(.*[a-z?\]})>])\.$/
]

const isMarker = (text: string, more: string | null): boolean => {
  let rest = text.trim()
  if (rest.length > longest) return false
  rest = rest.toLowerCase().replaceAll("\u2019", "'")
  for (let depth = 0; depth <= deepest; depth++) {
    const words = rest.replace(/\\?_/g, " ").replace(/\s+/g, " ").trim()
    if (markers.has(words) || words === more || leftOut.test(words) || words.replaceAll(" ", "") === "n/a") return true
    const bare = bareAnswer(rest)
    const inside = bare === rest
      ? wrappers.map((wrapper) => wrapper.exec(rest)?.[1]).find((it) => it !== undefined)
      : bare
    if (inside === undefined) return false
    rest = inside.trim()
  }
  return false
}

/**
 * Whether an answer that was found in a text is none: blank, a marker such as "N/A", "?", "unknown", "nan", or the blank of a
 * template such as "\text{answer}"; in any case, boxed, quoted, bracketed or set as text. Texts above 200 characters never are.
 */
export const isPlaceholder = (text: string): boolean => isMarker(text, null)

/** Whether the text of an answer field is none: as `isPlaceholder`, and a bare "None", too. */
export const isNoAnswer = (text: string): boolean => isMarker(text, "none")
