// A text as the words and signs that carry its meaning: what duplicates and contamination are measured on. Spacing,
// delimiters, case, quotation marks, diacritics and the many spellings of one LaTeX command do not matter; numbers,
// operators and grouping do. One pass, linear time and memory on any input.
import {
  aliases,
  characters,
  hiddenCommands,
  lowered,
  raised,
  silentCommands,
  silentEnvironments,
  transparentCommands
} from "./LatexWords.ts"

export interface Tokens {
  /** Lower case; no token has white space in it. */
  readonly words: ReadonlyArray<string>
  /** `starts[i]`: a sentence or a line begins with token `i`. As long as `words`; the first is true. */
  readonly starts: ReadonlyArray<boolean>
}

const combining = /[\u0300-\u036f]+/g
const special = /[^\x00-\x7f]/gu
const raisedRun = /[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]+/g
const loweredRun = /[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙᵢ]+/g

/** Lower case without diacritics, mathematical characters as LaTeX words. ASCII texts are only lowered. */
const fold = (text: string): string => {
  const lower = text.toLowerCase()
  if (!/[^\x00-\x7f]/.test(lower)) return lower
  const plain = (table: ReadonlyMap<string, string>) => (run: string) =>
    `{${Array.from(run, (sign) => table.get(sign) ?? sign).join("")}}`
  return lower
    .replace(raisedRun, (run) => `^${plain(raised)(run)}`)
    .replace(loweredRun, (run) => `_${plain(lowered)(run)}`)
    .replace(special, (sign) => characters.get(sign) ?? sign)
    .normalize("NFKD")
    .replace(combining, "")
}

type Kind = "other" | "space" | "letter" | "digit"
const otherLetter = /[\p{L}\p{M}\p{N}]/u

const isDigit = (code: number): boolean => code >= 48 && code <= 57
const isAsciiLetter = (code: number): boolean => code >= 97 && code <= 122
/** Scripts that put no spaces between words: each character is a token. */
const isIdeograph = (code: number): boolean =>
  (code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) || (code >= 0x20000 && code <= 0x3ffff)

/** Past the end there is space. */
const kindOf = (text: string, at: number): Kind => {
  const code = at < text.length ? text.charCodeAt(at) : 32
  if (code < 128) {
    if (isAsciiLetter(code)) return "letter"
    if (isDigit(code)) return "digit"
    return code <= 32 ? "space" : "other"
  }
  const character = String.fromCodePoint(text.codePointAt(at) ?? code)
  if (otherLetter.test(character)) return "letter"
  return character.trim() === "" ? "space" : "other"
}

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)

/** End of the letters that begin at `at`; one ideograph at most. */
const wordEnd = (text: string, at: number): number => {
  let end = at
  while (end < text.length && kindOf(text, end) === "letter") {
    const ideograph = isIdeograph(text.codePointAt(end) ?? 0)
    if (ideograph && end > at) return end
    end += widthAt(text, end)
    if (ideograph) return end
  }
  return end
}

const digitsEnd = (text: string, at: number): number => {
  let end = at
  while (isDigit(text.charCodeAt(end))) end++
  return end
}

/** How thousands are set apart: 1,000 and the LaTeX ways around the space that a comma makes. */
const thousandsSigns = ["{,}", ",\\!", "\\,", ","]

/** The number whose digits begin at `at`: thousands joined, decimals included. */
const numberAt = (text: string, at: number): { readonly word: string; readonly end: number } => {
  let end = digitsEnd(text, at)
  let word = text.slice(at, end)
  if (end - at <= 3) {
    for (let joined = true; joined;) {
      joined = false
      for (const sign of thousandsSigns) {
        const next = end + sign.length
        if (text.startsWith(sign, end) && digitsEnd(text, next) === next + 3) {
          word += text.slice(next, next + 3)
          end = next + 3
          joined = true
          break
        }
      }
    }
  }
  if (text[end] === "." && isDigit(text.charCodeAt(end + 1))) {
    const decimals = digitsEnd(text, end + 1)
    word += text.slice(end, decimals)
    end = decimals
  }
  return { word, end }
}

/** A full stop ends a sentence if nothing of it follows: blanks, or closing signs and then blanks. */
const endsSentence = (text: string, at: number): boolean => {
  let next = at + 1
  while (next < text.length && next < at + 5 && "$)}]\"'*".includes(text[next] as string)) next++
  if (next >= text.length || text.charCodeAt(next) <= 32 || text[next] === "\\") return true
  return next > at + 1 && kindOf(text, next) === "space"
}

/** What closing a brace does: keep a group of several tokens, show or hide the argument of a command. */
type Group = { readonly at: number; readonly kind: "group" | "shown" | "hidden" }

export const tokenise = (text: string): Tokens => {
  const input = fold(text)
  const words: Array<string> = []
  const starts: Array<boolean> = []
  const groups: Array<Group> = []
  let fresh = true
  /** What the next brace opens. */
  let opens: Group["kind"] = "group"
  /** Arguments of one digit each that `\frac12` still takes. */
  let digitArguments = 0
  /** The last token is a word of prose, longer than a variable; or may carry a prime or a factorial. */
  let lastProse = false
  let lastTerm = false
  let at = 0

  const push = (word: string, prose = false, term = false) => {
    words.push(word)
    starts.push(fresh)
    fresh = false
    lastProse = prose
    lastTerm = term
    opens = "group"
  }
  const closeBrace = () => {
    const group = groups.pop()
    if (group === undefined) return push("}")
    const first = group.kind === "group" ? group.at + 1 : group.at
    if (group.kind === "hidden") {
      fresh ||= starts[group.at] === true
      words.length = starts.length = group.at
    } else if (group.kind === "group" && words.length - first < 2) {
      // A group of one token is that token.
      fresh ||= words.length === first && starts[group.at] === true
      words.splice(group.at, 1)
      starts.splice(group.at + (words.length > group.at ? 1 : 0), 1)
    } else if (group.kind === "group") push("}")
    lastProse = false
    lastTerm = true
  }
  const command = (name: string): void => {
    if (silentCommands.has(name)) {
      if ((name === "left" || name === "right") && input[at] === ".") at++
    } else if (transparentCommands.has(name) || hiddenCommands.has(name)) {
      opens = hiddenCommands.has(name) ? "hidden" : "shown"
      if (input[at] === "*") at++
    } else if (name === "begin" || name === "end") {
      const close = input.slice(at, at + 42).match(/^\{([a-z]{1,38})\*?\}/)
      if (close === null) return push(name)
      at += close[0].length
      if (!silentEnvironments.has(close[1] ?? "")) push(`${name}:${close[1]}`)
    } else {
      push(aliases.get(name) ?? name, false, true)
      digitArguments = words.at(-1) === "frac" ? 2 : 0
    }
  }
  const sign = (character: string): void => {
    switch (character) {
      case "{":
        groups.push({ at: words.length, kind: opens })
        if (opens === "group") push("{")
        opens = "group"
        return
      case "}":
        return closeBrace()
      case "$":
      case "\"":
      case "`":
      case "~":
      case ",":
      case ";":
      case ":":
        return
      case ".":
        if (input.startsWith("...", at)) {
          at += 2
          return push("dots")
        }
        fresh ||= endsSentence(input, at)
        return
      case "?":
        fresh = true
        return
      case "!":
        if (lastTerm) push("!", false, true)
        fresh ||= endsSentence(input, at)
        return
      case "'":
        if (!lastTerm) return
        push("^")
        return push("prime", false, true)
      case "-": {
        const next = input.charCodeAt(at + 1)
        if (next === 45) { while (input.charCodeAt(at + 1) === 45) at++ // TeX's dashes
         } else if (!lastProse || !isAsciiLetter(next) || kindOf(input, at - 1) !== "letter") push("-")
        return
      }
      default:
        return push(character, false, character === ")" || character === "]")
    }
  }
  const backslash = (): void => {
    const next = at + 1
    const end = wordEnd(input, next)
    if (end > next) {
      at = end
      command(input.slice(next, end))
      return
    }
    at += 1 + Math.max(widthAt(input, next), 1)
    const escaped = input.slice(next, at)
    if (escaped === "\\") push("\\")
    else if (escaped === "{" || escaped === "}") push(escaped === "{" ? "lbrace" : "rbrace", false, escaped === "}")
    else if (escaped === "|") push("parallel")
    else if (escaped !== "" && "%&#_".includes(escaped)) push(escaped)
    // Delimiters, spaces, escaped dollars: nothing.
  }

  while (at < input.length) {
    const kind = kindOf(input, at)
    if (kind === "letter") {
      const begin = at
      at = wordEnd(input, at)
      let word = input.slice(begin, at)
      while (at - begin > 1 && input[at] === "'" && kindOf(input, at + 1) === "letter") {
        const end = wordEnd(input, at + 1) // Janet's
        word += input.slice(at + 1, end)
        at = end
      }
      push(word, word.length > 1, word.length === 1)
      digitArguments = 0
    } else if (kind === "digit") {
      if (digitArguments > 0) {
        push(input[at++] as string, false, true)
        digitArguments--
      } else {
        const { end, word } = numberAt(input, at)
        push(word, false, true)
        at = end
      }
    } else if (kind === "space") {
      if (input.charCodeAt(at) === 10 && (input.charCodeAt(at + 1) === 10 || endsLine(input, at))) fresh = true
      at++
    } else if (input.charCodeAt(at) === 92) {
      backslash()
    } else {
      const width = widthAt(input, at)
      if (input[at] === "." && isDigit(input.charCodeAt(at + 1)) && !isDigit(input.charCodeAt(at - 1))) {
        const end = digitsEnd(input, at + 1) // .5 is 0.5
        push(`0${input.slice(at, end)}`, false, true)
        at = end
      } else {
        sign(input.slice(at, at + width))
        at += width
        digitArguments = 0
      }
    }
  }
  return { words, starts }
}

/** A line feed after the end of a statement; other ones only wrap a sentence. */
const endsLine = (text: string, at: number): boolean => at === 0 || ".?!:]}$)".includes(text[at - 1] as string)

const numeral = /^\d/

export const isNumeral = (word: string): boolean => numeral.test(word)
