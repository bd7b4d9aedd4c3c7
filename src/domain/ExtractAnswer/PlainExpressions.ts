// Numbers and expressions in plain prose: "1,000.99", "3 1/2", "x = 5", "(3, 4)", "2^10", a stray "\frac{2}{5}".
// A run of operands and operators is read from left to right; every look-ahead is bounded, so the whole costs as much as the
// text is long. What is found is a candidate for an answer, not yet a parsed expression.
import type { Span } from "./Boxes.ts"

/** `number`: a value with digits; `expression`: anything else that is mathematics; `name`: a single variable or label. */
export type RunKind = "number" | "expression" | "name"

export interface Run extends Span {
  readonly kind: RunKind
  /** The value that a chain of equations ends in ("13" of "3 + 10 = 13"); the run itself where it is no chain. */
  readonly value: string
}

const digit = "0-9\u0660-\u0669\u06f0-\u06f9\uff10-\uff19"
const thinSpaces = " \u00a0\u2009\u202f"
const oneDigit = new RegExp(`^[${digit}]`, "u")
const isDigit = (sign: string | undefined): boolean => sign !== undefined && oneDigit.test(sign)
const isLetter = (sign: string | undefined): boolean => sign !== undefined && /[a-zA-Z\u00c0-\u024f]/.test(sign)

const mixedNumber = new RegExp(`[${digit}]{1,9} [${digit}]{1,4}/[${digit}]{1,4}(?![${digit}])`, "uy")
const spacedNumber = new RegExp(
  `[${digit}]{1,3}(?:[${thinSpaces}][${digit}]{3}(?![${digit}])){1,20}(?:[.,][${digit}]+)?`,
  "uy"
)
const plainNumber = new RegExp(
  `(?:[${digit}]+(?:(?:,|\\{,\\}|,\\\\! ?|[.\u066b\u066c])[${digit}]+)*|\\.[${digit}]+)(?:[eE][-+]?[0-9]+(?![0-9a-zA-Z]))?`,
  "uy"
)
const operator =
  /[ \t]{0,3}(?:(?<=[0-9a-zA-Z)])\*\*(?=[0-9a-zA-Z(])|<=|>=|!=|==|[-+*/^=<>≤≥≠≈×·÷±∓−–∪∩∈]|\\(?:cdot|times|div|pm|mp|leq?|geq?|neq?|lt|gt|cup|cap|in|approx)(?![a-zA-Z]))[ \t]{0,3}/y
const colon = /:(?=[0-9])| : (?=[0-9])/y
const commandName = /\\[a-zA-Z]{1,16}/y
const functionName =
  /(?:sqrt|arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|gcd|lcm|max|min|pi|infty|infinity|oo)(?![a-zA-Z])/y
const bareValues: ReadonlySet<string> = new Set(["pi", "infty", "infinity", "oo"])
const symbol = /[√∛π∞∅ℝℤℕℚℂ°½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞αβγδθλμφω|∠]/y
const superscript = /[⁰¹²³⁴-⁹⁻⁺ⁿ°′']{1,12}/y
const ordinal = /(?:st|nd|rd|th|er|ère|ème|e)(?![a-zA-Z\u00c0-\u024f])/y

const operandCommands: ReadonlySet<string> = new Set(
  ("frac dfrac tfrac cfrac sqrt pi infty binom dbinom tbinom overline dot bar left right sin cos tan cot sec csc arcsin arccos " +
    "arctan log ln exp gcd lcm max min alpha beta gamma delta theta lambda mu phi varphi omega sigma rho tau epsilon " +
    "varepsilon mathbb mathbf mathrm text mbox circ emptyset varnothing lfloor rfloor lceil rceil langle rangle angle " +
    "triangle degree displaystyle begin end operatorname vec hat sum prod int lim bmod pmod mod").split(" ")
)
// After a number these letters are units; others are variables.
const unitLetters: ReadonlySet<string> = new Set("mghsLldKMBCFJNVWA")

const groupReach = 240
const closers: ReadonlyMap<string, string> = new Map([["(", ")"], ["[", "]"], ["{", "}"]])

const matchAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

/** The end of a balanced group that opens at `at`, within reach and on one line; -1 otherwise. */
const groupEnd = (text: string, at: number): number => {
  const to = Math.min(text.length, at + groupReach)
  let depth = 0
  for (let index = at; index < to; index++) {
    const code = text.charCodeAt(index)
    if (code === 92) index++ // what a backslash escapes
    else if (code === 10) return -1
    else if (code === 40 || code === 91 || code === 123) depth++
    else if ((code === 41 || code === 93 || code === 125) && --depth === 0) return index + 1
  }
  return -1
}

/** Whether the inside of brackets in prose is mathematics: no words but names of functions and "and", "or". */
const isMathematics = (inside: string): boolean => {
  if (!/[\p{Nd}a-zA-Z\\π∞√]/u.test(inside) || /["“”;?]|\.\s|\.$/.test(inside)) return false
  for (const word of inside.match(/\\?[a-zA-Z\u00c0-\uffff]{2,}/g) ?? []) {
    if (word.startsWith("\\") || /^(?:sqrt|sin|cos|tan|log|ln|exp|pi|infty|infinity|oo|inf|and|or)$/.test(word)) {
      continue
    }
    if (/[π∞√∪∩≤≥°−]/.test(word) || (word.length === 2 && word.toLowerCase() === word)) continue
    return false
  }
  return true
}

const scriptEnd = (text: string, at: number): number => {
  let index = at
  if (text[index] === "-" || text[index] === "−" || text[index] === "+") index++
  const sign = text[index]
  if (sign === "{" || sign === "(") return groupEnd(text, index)
  const number = matchAt(plainNumber, text, index)
  if (number >= 0) return number
  const command = matchAt(commandName, text, index)
  if (command >= 0) return command
  return isLetter(sign) ? index + 1 : -1
}

/** Powers, indices, accents and factorials after an operand. */
const afterPostfix = (text: string, at: number): number => {
  let index = at
  for (let count = 0; count < 8; count++) {
    const sign = text[index]
    if (sign === "^" || sign === "_") {
      const end = scriptEnd(text, index + 1)
      if (end < 0) return index
      index = end
    } else if (sign === "!" && /^[-+*/^=)\]]/.test(text.slice(index + 1, index + 4).trimStart())) index++
    else {
      const end = matchAt(superscript, text, index)
      if (end < 0) return index
      index = end
    }
  }
  return index
}

const commandEnd = (text: string, at: number): number => {
  const end = matchAt(commandName, text, at)
  if (end < 0 || !operandCommands.has(text.slice(at + 1, end))) return -1
  let index = end
  if (text.startsWith("\\begin", at)) {
    const close = text.slice(index, index + 2000).indexOf("\\end{")
    const brace = close < 0 ? -1 : text.indexOf("}", index + close)
    return brace < 0 ? -1 : brace + 1
  }
  for (let count = 0; count < 4 && (text[index] === "{" || text[index] === "["); count++) {
    const group = groupEnd(text, index)
    if (group < 0) break
    index = group
  }
  if (index === end && text.startsWith("frac", end - 4)) { // \frac12
    const digits = /^\s?[0-9a-z]{2}/.exec(text.slice(end, end + 3))
    index += digits?.[0].length ?? 0
  }
  return index
}

/** The end of one operand without what is multiplied to it; -1 where none begins. */
const atomEnd = (text: string, at: number): number => {
  const sign = text[at]
  if (sign === undefined) return -1
  if (isDigit(sign) || (sign === "." && isDigit(text[at + 1]))) {
    for (const pattern of [mixedNumber, spacedNumber, plainNumber]) {
      const end = matchAt(pattern, text, at)
      if (end >= 0) return end
    }
    return -1
  }
  if (sign === "\\") return text[at + 1] === "{" ? setEnd(text, at) : commandEnd(text, at)
  if (closers.has(sign)) {
    const end = groupEnd(text, at)
    return end > 0 && isMathematics(text.slice(at + 1, end - 1)) ? end : -1
  }
  const symbolEnd = matchAt(symbol, text, at)
  if (symbolEnd >= 0) return symbolEnd
  if (isLetter(sign) && !isLetter(text[at - 1])) {
    const named = matchAt(functionName, text, at)
    if (named >= 0) return bareValues.has(text.slice(at, named)) || /[([{^_0-9\\]/.test(text[named] ?? "") ? named : -1
    if (!isLetter(text[at + 1]) && text[at + 1] !== "'" && text[at + 1] !== "’" && /[a-zA-Z]/.test(sign)) return at + 1
    // Two variables side by side: "xy", but no English word of two letters.
    if (
      !isLetter(text[at + 2]) && /^(?:x[yzn]|y[zx]|ab|bc|ca|ac|abc|pq|mn|nm|kn|rs|uv)$/.test(text.slice(at, at + 2))
    ) return at + 2
  }
  return -1
}

/** The end of \{ ... \}. */
const setEnd = (text: string, at: number): number => {
  const close = text.slice(at, at + groupReach).indexOf("\\}")
  return close < 0 ? -1 : at + close + 2
}

const signs = /[-+−–±∓]|\\(?:pm|mp)(?![a-zA-Z])[ \t]{0,3}/y

/** An operand with its sign, its powers and what is multiplied to it without a sign. */
const operandEnd = (text: string, at: number): number => {
  let index = at
  for (let count = 0; count < 2; count++) {
    const signed = matchAt(signs, text, index)
    if (signed < 0) break
    index = signed
  }
  const first = index
  let end = atomEnd(text, index)
  if (end < 0) return -1
  end = afterPostfix(text, end)
  for (let count = 0; count < 64; count++) {
    const sign = text[end]
    if (sign === undefined) break
    if (isDigit(text[end - 1]) && isLetter(sign)) {
      // A letter after a number: a variable, a unit or the end of an ordinal.
      if (isLetter(text[end + 1])) {
        if (
          !/^[a-z]{2}(?![a-zA-Z\u00c0-\u024f])/.test(text.slice(end, end + 3)) ||
          atomEnd(` ${text.slice(end, end + 3)}`, 1) < 0
        ) break
      } else if (unitLetters.has(sign)) {
        const after = matchAt(operator, text, end + 1)
        if (after < 0 || atomEnd(text, after) < 0) break
        end++
        continue
      }
    }
    // Only what touches multiplies; a command may also come after a space.
    const from = sign === " " && (text[end + 1] === "\\" || text[end + 1] === "π" || text[end + 1] === "√")
      ? end + 1
      : end
    if (isDigit(sign) && isDigit(text[end - 1])) break
    if (sign === "-" || sign === "+" || sign === "=" || sign === "[") break
    const next = isLetter(text[from]) && isLetter(text[from - 1]) && !isLetter(text[from + 1])
      ? from + 1
      : isLetter(text[from]) && !isLetter(text[from + 1])
      ? from + 1
      : atomEnd(text, from)
    if (next < 0 || next === end) break
    if (isDigit(text[from]) && first !== from && isLetter(text[from - 1])) break
    end = afterPostfix(text, next)
  }
  return end
}

const relation = /<=|>=|!=|==|[=<>≤≥≠]|\\(?:leq?|geq?|neq?|lt|gt)(?![a-zA-Z])/

const isName = (text: string): boolean =>
  /^[a-zA-Z\\{}_'()\s]{1,40}$/.test(text) && !/\\(?:frac|sqrt|pi|infty)/.test(text)

/** What a chain of equations ends in. An approximation is worth less than what it approximates, unless that is a name. */
export const chainValue = (run: string): string => {
  const exact = run.split(/≈|\\approx(?![a-zA-Z])/)
  const kept = exact.length > 1 && isName((exact[0] ?? "").trim()) ? exact.slice(1).join("=") : exact[0] ?? run
  const parts = kept.split("=")
  if (parts.length < 2 || parts.some((part) => relation.test(part))) return kept.trim()
  return parts.at(-1)?.trim() ?? kept
}

const kindOf = (text: string): RunKind =>
  /\p{Nd}|[√π∞∅½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]|\\(?:frac|sqrt|pi|infty|binom)/u.test(text)
    ? "number"
    : /^[([]?[a-zA-Z]{1,3}[)\]]?$/.test(text)
    ? "name"
    : "expression"

/**
 * All runs of a text, in order, none inside of another. U+0000 in the text is a wall that no run crosses (callers put it
 * where formulas are).
 */
export const runsOf = (text: string): ReadonlyArray<Run> => {
  const runs: Array<Run> = []
  let at = 0
  while (at < text.length) {
    const sign = text[at] ?? ""
    // A sign after an operand is an operator whose left side was no run; it begins nothing.
    const joined = isDigit(text[at - 1]) || isLetter(text[at - 1]) || text[at - 1] === "_"
    if (joined && !closers.has(sign) && sign !== "\\") {
      at++
      continue
    }
    if (sign === "[" && /^\[[0-9]{1,3}\]/.test(text.slice(at, at + 5))) { // a reference
      at += 2
      while (text[at] !== "]") at++
      at++
      continue
    }
    let end = operandEnd(text, at)
    if (end < 0) {
      at++
      continue
    }
    // Brackets around one thing are punctuation: look inside.
    const first = end
    for (let count = 0; count < 400; count++) {
      const between = Math.max(matchAt(operator, text, end), matchAt(colon, text, end))
      if (between < 0) break
      const next = operandEnd(text, between)
      if (next < 0) break
      end = next
    }
    const written = text.slice(at, end)
    if (end === first && closers.has(sign) && groupEnd(text, at) === end && !/[,;]/.test(written)) {
      at++
      continue
    }
    const ordinalEnd = isDigit(text[end - 1]) ? matchAt(ordinal, text, end) : -1
    const word = isLetter(text[end - 1]) && isLetter(text[end])
    if (ordinalEnd >= 0 || word) at = Math.max(ordinalEnd, end)
    else {
      const kind = kindOf(written)
      if (kind !== "expression" || end > first || /[^a-zA-Z]/.test(written)) {
        runs.push({ from: at, to: end, text: written, kind, value: chainValue(written) })
      }
      at = end
    }
    if (at < end) at = end
  }
  return runs
}
