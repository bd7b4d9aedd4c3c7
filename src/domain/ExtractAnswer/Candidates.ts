// A text laid out for the search of an answer: its boxes, formulas and plain expressions in one row, and where its sentences end.
import { type Boxes, boxesOf, type Span } from "./Boxes.ts"
import { formulasOf } from "./Formulas.ts"
import { runsOf } from "./PlainExpressions.ts"
import { foldedCase } from "./Response.ts"

export interface Candidate extends Span {
  readonly source: "box" | "formula" | "plain"
  /** What a chain of plain equations ends in; the text itself otherwise. */
  readonly value: string
  /** A variable or a name of a function alone: what is asked for rather than what is answered. */
  readonly name: boolean
}

export interface Layout {
  readonly text: string
  readonly folded: string
  /** The text with U+0000 for each sign of a formula or box, blanks for calculator notes. */
  readonly plain: string
  readonly boxes: Boxes
  readonly candidates: ReadonlyArray<Candidate>
  /** Ends of sentences and lines, ascending; the last is the length of the text. */
  readonly ends: ReadonlyArray<number>
}

const tags = /<\/?(?:b|strong|i|em|u|p|br|span|div|sub|sup|code)\s{0,4}\/?>/gi

/** GSM8K's calculator notes, "<<3*2=6>>", and tags of plain HTML become blanks. */
const withoutNotes = (text: string): string => {
  if (!text.includes("<")) return text
  return text.replace(/<<[^<>\n]{0,120}>>/g, (note) => " ".repeat(note.length))
    .replace(tags, (tag) => " ".repeat(tag.length))
}

const walled = (text: string, spans: ReadonlyArray<Span>): string => {
  let plain = ""
  let from = 0
  for (const span of spans) {
    plain += text.slice(from, span.from) + "\0".repeat(span.to - span.from)
    from = span.to
  }
  return plain + text.slice(from)
}

/** A formula without the punctuation that the sentence put into it. */
export const trimmed = (text: string): string => {
  let from = 0
  let to = text.length
  while (from < to && /[\s,;:]/.test(text[from] ?? "")) from++
  for (;;) {
    const sign = text[to - 1] ?? ""
    const blanked = text[to - 2] === "\\" && text[to - 3] !== "\\"
    if (to > from && /[\s.,;:]/.test(sign)) to -= blanked ? 2 : 1
    else return text.slice(from, Math.max(from, to))
  }
}

const commands = /\\(?:text|mbox|frac|dfrac|tfrac|sqrt|pi|infty|begin|binom|emptyset|varnothing)(?![a-zA-Z])/

const isNameFormula = (text: string): boolean =>
  text.length <= 40 && !/[0-9=<>+*/∞]/.test(text) && !commands.test(text) && /^[a-zA-Z\\{}()_^'\s,]*$/.test(text)

const abbreviation = /(?:^|[\s(])(?:approx|i\.e|e\.g|eq|eqs|no|ca|vs|etc|fig|resp|cf|z\.b|d\.h)$/

const endsOf = (plain: string, folded: string, formulas: ReadonlyArray<Span>): ReadonlyArray<number> => {
  // A formula may hold the full stop of its sentence.
  const ends = formulas.filter(({ text }) => /[.?!]\s*$/.test(text)).map(({ to }) => to)
  for (let at = 0; at < plain.length; at++) {
    const sign = plain[at]
    if (sign === "\n" || sign === "。" || sign === "！" || sign === "？" || sign === "؟" || sign === "۔") ends.push(at)
    else if (sign === "." || sign === "!" || sign === "?") {
      if (plain[at - 1] === "\\") continue
      const next = plain[at + 1]
      if (next !== undefined && !/[\s"”')*_\]\0]/.test(next)) continue
      if (sign === "." && abbreviation.test(folded.slice(Math.max(0, at - 8), at))) continue
      // The number of a point in a list.
      if (
        sign === "." && /(?:^|\n)[ \t*#]{0,8}[0-9]{1,2}$/.test(plain.slice(Math.max(0, at - 12), at)) && next === " "
      ) continue
      ends.push(at)
    }
  }
  ends.push(plain.length)
  return ends.sort((a, b) => a - b)
}

/** Lays out a text of at most some ten thousand characters. `formulas: false` reads formulas as plain text. */
export const layoutOf = (
  text: string,
  formulas: boolean,
  plains: boolean,
  boxes: Boxes = boxesOf(text)
): Layout => {
  const clean = withoutNotes(text)
  const inBoxes = walled(clean, boxes.complete)
  const found = formulas ? formulasOf(clean) : []
  const candidates: Array<Candidate> = []
  for (const { from, text, to } of found) {
    const value = trimmed(text)
    if (value !== "") candidates.push({ from, to, text: value, value, source: "formula", name: isNameFormula(value) })
  }
  const plain = walled(inBoxes, found)
  if (plains) {
    for (const { from, kind, text, to, value } of runsOf(plain)) {
      const chain = value !== text && !/[a-zA-Z]/.test(text.slice(0, text.lastIndexOf("=")))
      candidates.push({ from, to, text: chain ? value : text, value, source: "plain", name: kind === "name" })
    }
    candidates.sort((a, b) => a.from - b.from)
  }
  const folded = foldedCase(plain)
  return { text: clean, folded, plain, boxes, candidates, ends: endsOf(plain, folded, found) }
}

/** The index of the first end at or after `at`. */
const endIndex = (layout: Layout, at: number): number => {
  let low = 0
  let high = layout.ends.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((layout.ends[middle] ?? 0) >= at) high = middle
    else low = middle + 1
  }
  return low
}

export const sentenceEnd = (layout: Layout, at: number): number =>
  layout.ends[endIndex(layout, at)] ?? layout.plain.length

export const sentenceStart = (layout: Layout, at: number): number => {
  const index = endIndex(layout, at)
  return index === 0 ? 0 : (layout.ends[index - 1] ?? -1) + 1
}

/** The candidates that begin within [from, to). */
export const candidatesWithin = (layout: Layout, from: number, to: number): ReadonlyArray<Candidate> => {
  let low = 0
  let high = layout.candidates.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((layout.candidates[middle]?.from ?? 0) >= from) high = middle
    else low = middle + 1
  }
  const within: Array<Candidate> = []
  for (let index = low; index < layout.candidates.length; index++) {
    const candidate = layout.candidates[index]
    if (candidate === undefined || candidate.from >= to) break
    within.push(candidate)
  }
  return within
}
