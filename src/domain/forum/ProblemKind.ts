// The kind of a problem by its words: what sort of answer would settle it.
import { pattern } from "./Pattern.ts"
import { tasksOf } from "./ProblemTasks.ts"
import { mathematicalWords, type Sentence, sentencesOf } from "./Sentences.ts"

/**
 * `proof`: asks for an argument only, or asserts something without asking. `multiple-choice`: offers lettered options.
 * `binary`: yes or no, true or false. `other`: has an answer of its own (a number, a formula, a set).
 */
export type ProblemKind = "proof" | "multiple-choice" | "binary" | "other"

/** An option's letter: "(A)", "A)", "A." at a line's or gap's start, or wrapped in a LaTeX font command. */
const option = pattern(
  "g",
  String.raw`\(\s?(?:\\(?:text|textbf|textrm|textit|mathrm|mathbf|bf|rm)\s*\{\s*)?([A-Ha-h])\s?\}?\s?\)|(?<=^|\n|`,
  String.raw`[ \t]{2}|[{~}\u00a0]|\\\\ ?|[a-z\d.,$] )([A-H])[.)](?=[\s}~$\\])`
)
const choiceWords = pattern(
  "i",
  String.raw`\bwhich\s+(?:one\s+)?of\s+(?:the\s+following|these)|\bchoose\s+(?:the|one)|\bselect\s+(?:the|one)|`,
  String.raw`\bmultiple.choice\b`
)
/** What may stand between two letters without being an option's text. */
const filler = pattern(
  "gi",
  String.raw`\\(?:text|textbf|textrm|mathrm|mathbf|bf|rm|qquad|quad|hspace|,|;|!|:|\\)|\{[^{}]{0,8}\}|\b(?:and|`,
  String.raw`or)\b|[\s,;.&$~{}()]`
)

/** Without Asymptote code, whose labels look like options. */
const withoutFigures = (text: string): string =>
  text.split("[asy]").map((part, index) => {
    const end = index === 0 ? -6 : part.indexOf("[/asy]")
    return part.slice(index > 0 && end < 0 ? part.length : end + 6)
  }).join(" ")

/**
 * True where options follow each other from A on: three, or two under "which of the following". Small letters name
 * parts of a problem unless the
 * text says that one is to choose. Letters with nothing between them ("circles (A), (B), (C)") are names.
 */
export const hasOptions = (text: string): boolean => {
  const problem = text.includes("[asy]") ? withoutFigures(text) : text
  if (!/[Aa]\s?\}?\s?[).]/.test(problem)) return false
  const chooses = choiceWords.test(problem)
  const enough = chooses ? 2 : 3
  let run = 0
  let last = 0
  let small = false
  for (const match of problem.matchAll(option)) {
    const letter = match[1] ?? match[2] ?? ""
    const isSmall = letter > "Z"
    if (isSmall && !chooses) continue
    const index = letter.toLowerCase().charCodeAt(0) - 97
    const body = problem.slice(last, Math.min(match.index, last + 400)).replace(filler, "")
    if (index === 0) {
      run = 1
      small = isSmall
    } else if (run > 0 && index === run && isSmall === small && body !== "") run++
    else if (index !== run) run = 0
    last = match.index + match[0].length
    if (run >= enough && problem.slice(last, last + 400).replace(filler, "") !== "") return true
  }
  return false
}

/** "f(3) =" at the end is a question. */
const openEnd = /=\s*(?:\\?[\])]|\$)*\s*[.:]?\s*$/

export const kindOfSentences = (problem: string, sentences: ReadonlyArray<Sentence>): ProblemKind => {
  if (hasOptions(problem)) return "multiple-choice"
  const tasks = tasksOf(sentences)
  if (tasks.find) return "other"
  if (tasks.decide) return "binary"
  if (tasks.prove) return "proof"
  return asserts(sentences) && !openEnd.test(problem.slice(-12)) ? "proof" : "other"
}

/** A statement without a question: "If ..., then ...", "there exist ...", "... if and only if ...". */
export const asserts = (sentences: ReadonlyArray<Sentence>): boolean =>
  !sentences.some(({ masked }) => masked.includes("?")) &&
  sentences.some(({ masked }) =>
    /\b(?:then|there (?:is|are|exists?)|exists?|if and only if|iff|for (?:all|any|every|each)|cannot|must)\b/i.test(
      masked
    ) &&
    (masked.includes("\u00a4") || /[=<>\u2264\u2265]/.test(masked) || mathematicalWords(masked) >= 2)
  )

/**
 * The kind of any problem text. Total; linear time. Works from wording alone, so it is a first guess that a model
 * may better.
 */
export const classifyKind = (problem: string): ProblemKind => kindOfSentences(problem, sentencesOf(problem))
