// Where the mathematics is in a text: spans of LaTeX between their delimiters. Whoever reads prose or markup outside of
// formulas asks here first, so that `[0,1]`, `$a[i]$` and `\left[b\right]` are never taken for anything else.

export interface Span {
  readonly start: number
  /** One past the last code unit, delimiters included. */
  readonly end: number
}

/** A single-dollar formula is at most this long, in UTF-16 code units; a longer one is a stray dollar. */
export const maxInlineFormula = 4_000

/**
 * Answers "where is the next occurrence at or after `from`" for rising `from`: every part of the text is searched once,
 * however often one asks. -1: none.
 */
export const forwardSearch = (text: string, needle: string | RegExp): (from: number) => number => {
  let found = -2
  return (from) => {
    if (found === -1 || found >= from) return found
    if (typeof needle === "string") return found = text.indexOf(needle, from)
    needle.lastIndex = from
    return found = needle.exec(text)?.index ?? -1
  }
}

const latexSign = /[\\=^_<>]/

/** "$12 an hour and $9": an amount, not a formula. A formula that looks like one has some LaTeX in it. */
const isAmount = (text: string, start: number, end: number): boolean => {
  const after = text[start + 1] ?? ""
  if (after < "0" || after > "9") return false
  const before = text[end - 1] ?? ""
  const next = text[end + 1] ?? ""
  return (before === " " || before === "\n" || (next >= "0" && next <= "9")) &&
    !latexSign.test(text.slice(start + 1, end))
}

/**
 * Formulas of `text` in order, not overlapping: `$..$`, `$$..$$`, `\(..\)`, `\[..\]`, `\begin{..}..\end{..}`. A span
 * never contains
 * a match of `barrier` (closing tags, which no formula has; a global expression); an inline one never has a blank
 * line in it. Unclosed delimiters
 * and amounts of money open nothing. Linear time: each delimiter kind is searched forward once.
 */
export const formulaSpans = (text: string, barrier?: RegExp): ReadonlyArray<Span> => {
  const spans: Array<Span> = []
  if (!text.includes("$") && !text.includes("\\")) return spans
  const nextDouble = forwardSearch(text, "$$")
  const nextSingle = forwardSearch(text, "$")
  const nextBracket = forwardSearch(text, "\\]")
  const nextParenthesis = forwardSearch(text, "\\)")
  // An environment ends at the first `\end` of its own name. Names are kept apart, at most 32 of them, to stay linear.
  const nextEnds = new Map<string, (from: number) => number>()
  const nextBlank = forwardSearch(text, /\n[ \t]*\n/g)
  const nextBarrier = barrier === undefined ? () => -1 : forwardSearch(text, barrier)
  const close = (start: number, inner: number, closer: number, length: number, inline: boolean): number => {
    if (closer < 0) return -1
    const wall = nextBarrier(inner)
    if (wall >= 0 && wall < closer) return -1
    if (inline) {
      if (closer - start > maxInlineFormula) return -1
      const blank = nextBlank(inner)
      if (blank >= 0 && blank < closer) return -1
    }
    return closer + length
  }
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    let end = -1
    if (code === 36 /* $ */) {
      if (text.charCodeAt(at + 1) === 36) {
        end = close(at, at + 2, nextDouble(at + 2), 2, false)
        if (end < 0) at++ // an unclosed pair of dollars: neither opens
      } else {
        let closer = nextSingle(at + 1)
        while (closer > 0 && text.charCodeAt(closer - 1) === 92 && closer - at < maxInlineFormula) {
          closer = nextSingle(closer + 1)
        }
        end = close(at, at + 1, closer, 1, true)
        if (end >= 0 && isAmount(text, at, closer)) end = -1
      }
    } else if (code === 92 /* \ */) {
      const next = text.charCodeAt(at + 1)
      if (next === 91) end = close(at, at + 2, nextBracket(at + 2), 2, false)
      else if (next === 40) end = close(at, at + 2, nextParenthesis(at + 2), 2, true)
      else if (next === 98) {
        const name = environmentAt(text, at)
        if (name !== undefined && (nextEnds.has(name) || nextEnds.size < 32)) {
          const nextEnd = nextEnds.get(name) ?? forwardSearch(text, `\\end${name}`)
          nextEnds.set(name, nextEnd)
          end = close(at, at + 2, nextEnd(at + 2), name.length + 4, false)
        }
      }
      if (end < 0) at++ // an escaped character opens nothing
    }
    if (end < 0) at++
    else {
      spans.push({ start: at, end })
      at = end
    }
  }
  return spans
}

/** Name of the environment that opens at `at`, braces included; `undefined` where none does. */
const environmentAt = (text: string, at: number): string | undefined =>
  /^\\begin(\{[A-Za-z]{1,40}\*?\})/.exec(text.slice(at, at + 50))?.[1]

/** The sign that stands for a formula in masked text. */
export const formulaSign = "\u00a4"
/** The last code unit of a masked display that ends in a stop: a private-use character, so that it is no blank. */
export const displayEnd = "\ue000"

/**
 * `text` with every code unit of a formula replaced by `formulaSign`: same length, same offsets. A formula that ends
 * in a stop
 * keeps it before its end, and a display then ends in `displayEnd`, so that the sentence ends there too.
 */
export const maskFormulas = (text: string): string => {
  const spans = formulaSpans(text)
  if (spans.length === 0) return text
  let masked = ""
  let at = 0
  for (const { start, end } of spans) {
    const isInline = text.charCodeAt(end - 1) === 36 && text.charCodeAt(end - 2) !== 36
    const tail = /([.?])\s{0,3}(?:\$\$?|\\[\])])$/.exec(text.slice(Math.max(start, end - 6), end))?.[1]
    const kept = tail === undefined ? "" : isInline ? tail : `${tail}${displayEnd}`
    masked += text.slice(at, start) + formulaSign.repeat(end - start - kept.length) + kept
    at = end
  }
  return masked + text.slice(at)
}
