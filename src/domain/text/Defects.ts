// What can be wrong with the text of a problem. Each function looks for one defect and answers what it found, or null.
// They are cautious: money is not mathematics, a figure drawn in code is a figure, a graph may be of a function. Linear
// time: no pattern here can repeat over an unbounded stretch in more than one way.
import { formulaSpans } from "../forum/Mathematics.ts"
import type { Json } from "../Json.ts"
import { wordHashes } from "./Fingerprint.ts"
import { hashWords } from "./Hash.ts"

const figureOpenings = ["[asy]", "\\begin{asy}", "\\begin{tikzpicture}", "\\begin{picture}", "\\begin{pspicture}"]
const figureClosings = ["[/asy]", "\\end{asy}", "\\end{tikzpicture}", "\\end{picture}", "\\end{pspicture}"]

/** The text without figures drawn in code; each becomes a space. An unclosed one reaches to the end. */
export const withoutFigures = (text: string): string => {
  let rest = text
  for (const [kind, open] of figureOpenings.entries()) {
    if (!rest.includes(open)) continue
    const close = figureClosings[kind] as string // as many as openings
    let result = ""
    let at = 0
    for (let from = rest.indexOf(open); from >= 0; from = rest.indexOf(open, at)) {
      const end = rest.indexOf(close, from)
      result += `${rest.slice(at, from)} `
      at = end < 0 ? rest.length : end + close.length
    }
    rest = result + rest.slice(at)
  }
  return rest
}

/** The text with every formula (and unfinished figure) replaced by one `sign`. */
const withoutFormulas = (text: string, sign: string): string => {
  let result = ""
  let at = 0
  for (const { end, start } of formulaSpans(text)) {
    result += text.slice(at, start) + sign
    at = end
  }
  return result + text.slice(at)
}

/**
 * UTF-8 read as Windows-1252 (characters of two bytes, and of three that begin with E2), replacement characters, lone
 * surrogates, private-use glyphs of fonts.
 */
const damage = new RegExp(
  [
    "\\ufffd|[\\ue000-\\uf8ff]",
    "[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]",
    "\\u00e2\\u20ac[\\u0080-\\u00bf\\u0152-\\u0178\\u02dc\\u2018-\\u2122]",
    "\\u00e2[\\u02c6\\u2020\\u2030][\\u0080-\\u00bf\\u0152-\\u2122]",
    "[\\u00c2\\u00c3\\u00ce\\u00cf][\\u00a1-\\u00a9\\u00ab-\\u00b9\\u00bb-\\u00bf]",
    "[\\u00c2\\u00c3][\\u0192\\u02c6\\u02dc\\u2018-\\u2026\\u2030\\u2039\\u20ac\\u2122]"
  ].join("|")
)

export const encodingDamage = (text: string): Json => {
  const match = damage.exec(text)
  return match === null ? null : { at: match.index, found: match[0].toWellFormed() }
}

/** A statement has words, or at least a number and an operator, or a formula. */
export const hasSubstance = (text: string): boolean =>
  /\p{L}{2}/u.test(text) ||
  (/[\p{L}\p{N}]/u.test(text) && /[-+*/^=<>$\\\u00d7\u00f7\u2212\u2264\u2265\u221a]/.test(text))

const count = (text: string, pattern: RegExp): number => {
  let found = 0
  for (const _ of text.matchAll(pattern)) found++
  return found
}

/**
 * What follows a dollar that stands for money: an amount, a blank for one, or a letter for one that no formula goes on
 * after.
 */
const amount = /^\s?(?:[\d._]|[a-z](?![a-z]|\s?[=+^\\_<>*/(-]))/i
/** A dollar is money before an amount, after a number or a country, or as a word of its own. */
const isMoney = (text: string, at: number): boolean => {
  const before = text.slice(Math.max(0, at - 1), at)
  return amount.test(text.slice(at + 1, at + 5)) || /[\dA-Z]/.test(before) ||
    (/^[\s(]?$/.test(before) && /^[\s).,?!;:]?$/.test(text.slice(at + 1, at + 2)))
}

/**
 * Delimiters without a partner: a dollar that is not money, `\[`, `\(`, `\begin{...}`, `\left`, or a brace inside a
 * formula.
 */
export const unbalancedMathematics = (text: string): Json => {
  const prose = withoutFigures(text)
  const spans = formulaSpans(prose)
  let at = 0
  for (const { end, start } of [...spans, { start: prose.length, end: prose.length }]) {
    const outside = prose.slice(at, start)
    for (const match of outside.matchAll(/\\.|\$/gs)) {
      const found = match[0]
      if (found === "\\[" || found === "\\]" || found === "\\(" || found === "\\)") {
        return { at: at + match.index, found }
      }
      if (found === "$" && !isMoney(outside, match.index)) {
        return { at: at + match.index, found: outside.slice(match.index, match.index + 20) }
      }
    }
    const depth = openBraces(prose, start, end)
    if (depth !== 0) return { at: start, found: prose.slice(start, Math.min(end, start + 40)), braces: depth }
    at = end
  }
  const [lefts, rights] = [count(prose, /\\left(?![A-Za-z])/g), count(prose, /\\right(?![A-Za-z])/g)]
  if (lefts !== rights) return { left: lefts, right: rights }
  const [begins, ends] = [count(prose, /\\begin\s*\{/g), count(prose, /\\end\s*\{/g)]
  return begins === ends ? null : { begin: begins, end: ends }
}

/** Opening minus closing braces in `text[from..to)`; escaped ones are signs. */
const openBraces = (text: string, from: number, to: number): number => {
  let depth = 0
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code === 92) at++
    else if (code === 123) depth++
    else if (code === 125) depth--
  }
  return depth
}

const cutMark = /(?:\[truncated\]|\(truncated\)|\[cut\]|\[continued\]|\bread more|\bsee more|\bshow more)[.\s\u2026]*$/i
/** Words that no statement ends with. */
const openEnding =
  /(?:^|[\s$])(?:the|and|an|that|with|than|whose|where|which|such|if|let|from|between|into|because|when|while)$/i

/** Marks of a cut, an ending in the middle of a sentence, or an unfinished command. */
export const truncation = (text: string): Json => {
  const end = withoutFigures(text).trimEnd().slice(-60)
  const mark = cutMark.exec(end)
  if (mark !== null) return { found: mark[0] }
  const open = openEnding.exec(end) ?? /(?:[^\\]\\|,|\\(?:frac|sqrt|left|begin)\{?)$/.exec(end)
  return open === null ? null : { found: end.slice(-30) }
}

const picture = "(?:figure|diagram|picture|image|drawing|illustration|sketch|photo|photograph)s?"
/** What may be drawn beside a text, or be only spoken of. */
const drawable =
  "(?:graph|triangle|square|circle|grid|rectangle|trapezoid|parallelogram|quadrilateral|region|polygon|hexagon|" +
  "octagon|pentagon|table|chart|map|clock|net|plot|board|spinner|shape|solid|block|cube|function|curve|parabola|line)s?"
const beside = "(?:following|accompanying|adjacent|attached|adjoining)"
const shown = "(?:shown|pictured|depicted|illustrated|displayed|sketched)"
const place = "(?:below|above|at (?:the )?(?:right|left)|(?:to|on) (?:the|its|your) (?:right|left)|here)"
/**
 * Words that point at a picture. A picture in a story ("the photos that he took") is no such thing, nor is a list
 * "shown below".
 */
const pointers = [
  new RegExp(
    `\\b(?:in|from|see|using|consider|on) the (?:(?:${beside}|given|above) )?(?:figure|diagram)s?\\b(?! of)`,
    "i"
  ),
  new RegExp(`\\b${beside} ${picture}\\b`, "i"),
  new RegExp(`\\b${picture} (?:is |are |that is )?(?:${shown} )?${place}\\b`, "i"),
  new RegExp(`\\b(?:figure|diagram)s? (?:is |are )?(?:${shown}|shows?|depicts?|illustrates?)\\b`, "i"),
  new RegExp(
    `\\b${drawable} (?:[^.?!:]{0,60} )?(?:is |are )?${shown}(?: in [a-z]{2,10})? ${place}\\s*(?:$|[.,;(])`,
    "i"
  ),
  new RegExp(`\\b${drawable} (?:is |are )?(?:pictured|depicted|sketched)\\b`, "i"),
  new RegExp(`\\bas ${shown}(?: ${place})?(?:[.,;]|$| in the (?:${picture}))`, "i"),
  new RegExp(`\\b(?:graph|chart|map|plot|grid)s? ${place}\\b`, "i"),
  /\b(?:see|in|refer to) (?:the )?(?:attached|fig(?:ure|\.)? ?\d)/i
]
/** A picture that is outside of the text: markup that would load it. */
const loaded =
  /\\includegraphics|!\[[^\]\n]{0,200}\]\(|<img[\s>]|\[img[\]=\s]|\[attachment|\.(?:png|jpe?g|gif|svg|bmp)\b/i
/** A table in the text is what "the table shown" means. */
const tables =
  /\\begin\s*\{(?:array|tabular|[bpvBV]?matrix|cases|align|verbatim)|\|[^|\n]{1,80}\|[^|\n]{0,80}\||<table/i

/** What points at a figure, diagram or image where the text draws none. */
export const missingImage = (text: string): Json => {
  const markup = loaded.exec(text)
  if (markup !== null) return { found: markup[0] }
  if (figureOpenings.some((open) => text.includes(open)) || tables.test(text)) return null
  const prose = withoutFormulas(text, "x").replace(/\s+/g, " ")
  for (const pointer of pointers) {
    const match = pointer.exec(prose)
    if (match !== null) return { found: match[0] }
  }
  return null
}

const link = /\b(?:https?|ftp):\/\/[^\s<>"')\]]{3,200}|\bwww\.[a-z0-9-]{2,63}\.[a-z]{2,10}[^\s<>"')\]]{0,200}/i

export const externalLink = (text: string): Json => {
  const match = link.exec(text)
  return match === null ? null : { found: match[0] }
}

/** Tokens below which no text counts as repetitive. */
const enoughTokens = 60
const run = 5

/** Share of the runs of five tokens that occurred before in the text: in [0, 1), 0 for short texts. */
export const repetition = (words: ReadonlyArray<string>): number => {
  if (words.length < enoughTokens) return 0
  const hashes = wordHashes(words)
  const runs = words.length - run + 1
  const seen = new Set<number>()
  for (let at = 0; at < runs; at++) seen.add(hashWords(hashes, at, at + run))
  return 1 - seen.size / runs
}

const frequent = new Set(
  ("the of and to in is a that for it as with on are at by this be from or if what how find many let which each " +
    "he she his her there has have all two one can more than").split(" ")
)

/**
 * Mostly other letters than Latin, or twelve words of prose and hardly one of the most frequent English ones among
 * them.
 */
export const foreignText = (text: string): boolean => {
  const prose = withoutFormulas(withoutFigures(text), " ")
  const letters = count(prose, /\p{L}/gu)
  const latin = count(prose, /\p{Script=Latin}/gu)
  if (letters >= 10 && latin < letters * 0.7) return true
  const words = prose.toLowerCase().match(/\p{L}{2,}/gu) ?? []
  return words.length >= 12 && words.filter((word) => frequent.has(word)).length < words.length * 0.04
}
