// Multiple choice: which of the given strings a text settles on.
import type { AnswerLanguage } from "../Verdict.ts"
import { anchorsOf, introduction } from "./Anchors.ts"
import type { Layout } from "./Candidates.ts"
import { sentenceEnd } from "./Candidates.ts"
import { foldedCase } from "./Response.ts"

interface Mark {
  readonly from: number
  readonly to: number
  readonly choice: string
  /** Written as the choices are, or set apart by brackets: no article, no part of prose. */
  readonly plain: boolean
}

const isWordSign = (sign: string | undefined): boolean =>
  sign !== undefined && /[\p{Script=Latin}\p{Script=Cyrillic}\p{Nd}_]/u.test(sign)
const isApostrophe = (sign: string | undefined): boolean => sign === "'" || sign === "’"

/** At most this many marks of each choice are looked at. */
const markLimit = 2000

/** Characters after an anchor in which its choice is looked for. */
const reach = 300

const marksOf = (
  text: string,
  folded: string,
  strings: ReadonlyArray<string>,
  lowercase: boolean
): ReadonlyArray<Mark> => {
  const marks: Array<Mark> = []
  for (const choice of strings) {
    const wanted = lowercase ? choice.toLowerCase() : choice
    const where = lowercase ? folded : text
    let at = where.indexOf(wanted)
    for (let count = 0; at >= 0 && count < markLimit; count++, at = where.indexOf(wanted, at + 1)) {
      const to = at + wanted.length
      const before = text[at - 1]
      const after = text[to]
      if (isWordSign(before) || isWordSign(after) || isApostrophe(before)) continue
      if (isApostrophe(after) && isWordSign(text[to + 1])) continue
      const bracketed = (before === "(" || before === "[" || before === "{" || before === "*") && after !== undefined &&
        /[)\]}*.:]/.test(after)
      const article = choice.length === 1 && !bracketed && /^[aAI]$/.test(text.slice(at, to)) &&
        /^ \p{Ll}/u.test(text.slice(to, to + 2))
      marks.push({
        from: at,
        to,
        choice,
        plain: !article && (choice.length > 1 || bracketed || text.slice(at, to) === choice)
      })
    }
  }
  return marks.sort((a, b) => a.from - b.from)
}

/**
 * The choice that a text settles on: the content of the last box, the first one after the last anchor that is not denied,
 * the one it begins with, the last one in bold, the last one that is not denied. Null where none is there.
 */
export const choiceOf = (
  layout: Layout,
  strings: ReadonlyArray<string>,
  lowercase: boolean,
  language: AnswerLanguage | undefined
): string | null => {
  const box = layout.boxes.complete.at(-1)
  if (box !== undefined) {
    const inside = box.text.replace(/\\(?:text|textbf|mathrm|mathbf|textrm|mbox)(?![a-zA-Z])/g, " ")
    return marksOf(inside, foldedCase(inside), strings, lowercase)[0]?.choice ?? null
  }
  const { plain, text } = layout
  // Formulas may hold the letter: the text itself is searched.
  const marks = marksOf(text, foldedCase(text), strings, lowercase)
  const usable = marks.filter((mark) => mark.plain)
  for (const anchor of anchorsOf(layout, language, true)) {
    let to = sentenceEnd(layout, anchor.to)
    if (to - anchor.to < 24) to = sentenceEnd(layout, to + 1)
    to = Math.min(to, anchor.to + reach)
    let first: Mark | null = null
    for (const mark of marks) {
      if (mark.from < anchor.to || mark.from >= to) continue
      const said = introduction(plain.slice(anchor.to, mark.from))
      if (said === "stated") return mark.choice
      if (said === "none" && mark.plain) first ??= mark
    }
    if (first !== null) return first.choice
  }
  const opening = marks[0]
  if (opening !== undefined && opening.plain && /^[\s("*[]*$/.test(text.slice(0, opening.from))) return opening.choice
  const bold = usable.findLast((mark) => text[mark.from - 1] === "*" || text.slice(mark.from - 3, mark.from) === "**(")
  if (bold !== undefined) return bold.choice
  const last = usable.findLast((mark) => introduction(plain.slice(0, mark.from)) !== "denied")
  if (last !== undefined) return last.choice
  // In another case than the choices: alone, or at the very end.
  return marks.findLast((mark) => /^[\s.)\]*"!]*$/.test(text.slice(mark.to, mark.to + 8)) && mark.to + 8 >= text.length)
    ?.choice ?? null
}
