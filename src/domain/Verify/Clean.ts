// A written answer in one small notation, whatever it was written in: LaTeX with or without delimiters, doubled backslashes,
// Unicode signs, Markdown. One linear pass; what the notation keeps of LaTeX is what Parse.ts reads.
//
// In the result: thin spaces are U+2009, negative thin spaces U+200A, a comma in braces is U+2063 (all three matter between digits),
// the end of a matrix row is a line feed, every other space is one blank; sizes, fonts, delimiters and colours are gone.

import { isUnitWord, unitSize } from "./Units.ts"

/** Longest text that is cleaned; longer ones are compared as they stand. */
export const maxAnswerCharacters = 20_000

export const thinSpace = "\u2009"
export const negativeSpace = "\u200A"
export const groupedComma = "\u2063"
export const rowEnd = "\n"

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹"
const subscripts = "₀₁₂₃₄₅₆₇₈₉"
/** Pairs of a word and what stands for it, separated by spaces; a command gets the space that ends it. */
const table = (text: string): ReadonlyMap<string, string> => {
  const words = text.split(/\s+/).filter((word) => word !== "")
  return new Map(Array.from({ length: words.length / 2 }, (_, at): [string, string] => {
    const value = words[2 * at + 1] ?? ""
    return [
      words[2 * at] ?? "",
      /^\\[a-zA-Z]+$/.test(value) && value !== "\\frac" && value !== "\\binom" ? `${value} ` : value
    ]
  }))
}

const vulgar: ReadonlyMap<string, string> = new Map(
  [...table("½ 1/2 ⅓ 1/3 ⅔ 2/3 ¼ 1/4 ¾ 3/4 ⅕ 1/5 ⅖ 2/5 ⅗ 3/5 ⅘ 4/5 ⅙ 1/6 ⅚ 5/6 ⅛ 1/8 ⅜ 3/8 ⅝ 5/8 ⅞ 7/8")]
    .map(([sign, value]) => [sign, `\\frac{${value.replace("/", "}{")}}`])
)

const signs = table(`
  − - – - — - ‐ - ‑ - ⁻ ^- × * · * ⋅ * ∗ * • * ÷ / ∕ / ⁄ / ≤ <= ⩽ <= ≦ <= ≥ >= ⩾ >= ≧ >= ≠ != ≈ \\approx ≃ \\approx ≅ \\approx
  ∼ \\approx ≡ \\equiv ∞ \\infty π \\pi √ \\sqrt ∛ \\sqrt[3] ∪ \\cup ∩ \\cap ∖ \\setminus ∈ \\in ∅ \\emptyset ± \\pm ∓ \\mp
  ， , 、 , ； ; ： : （ ( ） ) ［ [ ］ ] ｛ \\{ ｝ \\} 。 . ％ % ＝ = ＋ + － - ＜ < ＞ > ′ ' ’ ' 〈 ⟨ 〉 ⟩ ∣ | ∑ \\sum ∏ \\prod ∫ \\int
  α \\alpha β \\beta γ \\gamma δ \\delta ε \\epsilon θ \\theta λ \\lambda μ \\mu ρ \\rho σ \\sigma τ \\tau φ \\phi ϕ \\phi
  ψ \\psi ω \\omega Δ \\Delta Ω \\Omega ٫ . ٬ ,
`)
/** Signs that stay as they are, and signs that say nothing. */
const kept = "°→⟨⟩ℝℤℕℚℂ⌊⌋⌈⌉‖…"
const silent = "€£¥₹\u200A"

/** Characters that are not seen: zero-width, direction marks, byte order mark, soft hyphen. */
const unseen = /[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu

/** Unicode's signs in the notation's own ASCII; digits of other scripts and wide forms as plain ones. */
const plainSigns = (text: string): string => {
  let out = ""
  for (const sign of text.replace(unseen, "")) {
    const code = sign.codePointAt(0) ?? 0
    if (code < 0x80) {
      out += sign
      continue
    }
    const known = signs.get(sign) ?? vulgar.get(sign)
    if (known !== undefined) out += known
    else if (kept.includes(sign)) out += sign
    else if (silent.includes(sign)) continue
    else if (sign === "\u202F" || sign === thinSpace) out += thinSpace
    else if (superscripts.includes(sign)) {
      out += (out.endsWith("\u0002") ? out.slice(0, -1) : "^{") + superscripts.indexOf(sign) + "}"
    } else if (subscripts.includes(sign)) out += `_{${subscripts.indexOf(sign)}}`
    else if (code >= 0x660 && code <= 0x669) out += String(code - 0x660)
    else if (code >= 0x6F0 && code <= 0x6F9) out += String(code - 0x6F0)
    else out += sign.normalize("NFKC")
  }
  return out.replace(/\}\^\{(?=\d\})/g, "")
}

/** Commands that only change how things look; those of the second list take a braced argument with them. */
const dropped: ReadonlyMap<string, number> = new Map([
  ...`left right mleft mright middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle
    limits nolimits hline boxed fbox ensuremath mathstrut strut Large large small normalsize bf rm it centering noindent`
    .split(/\s+/).map((name): [string, number] => [name, 0]),
  ..."hspace vspace phantom hphantom vphantom label tag color textcolor".split(" ").map((
    name
  ): [string, number] => [name, 1])
])

const spaces: ReadonlyMap<string, string> = new Map([
  ..."quad qquad enspace space newline lnot because therefore".split(" ").map((name): [string, string] => [name, " "]),
  ["thinspace", thinSpace],
  ["negthinspace", negativeSpace]
])

/** Commands that another one, or a sign, says as well. */
const renamed = table(`
  dfrac \\frac tfrac \\frac cfrac \\frac frac \\frac dbinom \\binom tbinom \\binom binom \\binom le <= leq <= leqslant <= leqq <= ge >= geq >=
  geqslant >= geqq >= lt < gt > ne != neq != cdot * times * ast * div / lbrace \\{ rbrace \\} lbrack [ rbrack ] lparen ( rparen ) lgroup (
  rgroup ) langle ⟨ rangle ⟩ lvert | rvert | vert | mid | lVert ‖ rVert ‖ Vert ‖ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ colon : ldots … dots …
  cdots … dotsc … to → rightarrow → degree ° simeq \\approx sim \\approx approxeq \\approx varnothing \\emptyset bmod \\mod lor , land ,
  wedge , vee , varepsilon \\epsilon vartheta \\theta varphi \\phi backslash \\setminus smallsetminus \\setminus R ℝ prime '
`)
const silentCommands = new Set("pounds euro checkmark blacksquare square Box qed underline uline".split(" "))

const numberSets: ReadonlyMap<string, string> = new Map([["R", "ℝ"], ["Z", "ℤ"], ["N", "ℕ"], ["Q", "ℚ"], ["C", "ℂ"]])
const mathFonts = new Set(
  "mathbf mathrm mathit mathsf mathtt mathcal mathscr mathfrak boldsymbol bm operatorname mathbb".split(" ")
)
const textFonts = new Set("text mbox hbox textbf textit textrm textnormal textsf texttt emph textup".split(" "))

/** Commands that a doubled backslash may stand before where an answer went through one escape too many. */
const escaped =
  /^(?:[dtc]?frac|sqrt|left|right|pi|text\w*|math\w+|begin|end|boxed|cdot|times|infty|leq?|geq?|neq?|in|cup|cap|pm|mp|log|ln|sin|cos|tan|circ|quad|overline|theta|alpha|beta|binom|d?bmod|pmod)$/

const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122)

/** Index of the brace that closes the one at `open`, or -1. */
export const closingBrace = (text: string, open: number): number => {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    const sign = text[at]
    if (sign === "\\") at++
    else if (sign === "{") depth++
    else if (sign === "}" && --depth === 0) return at
  }
  return -1
}

const separators: ReadonlyMap<string, string> = new Map([
  [",", ","],
  [";", ","],
  ["and", " and "],
  ["und", " and "],
  ["et", " and "],
  ["y", " and "],
  [", and", ", and "],
  ["or", " or "],
  ["oder", " or "],
  ["ou", " or "],
  ["o", " or "],
  [", or", ", or "],
  ["and,", " and "],
  ["or,", " or "]
])
const percentWord = /^(?:percent|per\s?cent|pct)$/i

/** Whether text is a formula or a number with its unit: digits or operators, and no word but short ones and units. */
const isMathematics = (text: string): boolean =>
  /[\d=<>+^]|^-\s*\w|[a-z]\s-\s[a-z]/i.test(text) &&
  (text.match(/[A-Za-z]+/g) ?? []).every((word) => word.length <= 2 || isUnitWord(word))

/** What stands for `\text{content}`: a separator, a number, or the text itself as one unit. */
const textInside = (content: string): string => {
  const text = content.replace(/\\[,;:! ]|\\quad|~/g, " ").replace(/[${}]/g, "").trim()
  if (text === "") return " "
  const separator = separators.get(text.toLowerCase())
  if (separator !== undefined) return separator
  if (percentWord.test(text)) return "%"
  if (unitSize(text) === null && isMathematics(text)) return text
  return `\\text{${text.replace(/\\/g, " ")}}`
}

/**
 * An answer in the notation that Parse.ts reads. Total; linear in the length of `text`, which the caller bounds
 * (`maxAnswerCharacters`).
 */
export const clean = (text: string): string => {
  const source = /[^\x00-\x7F]/.test(text) ? plainSigns(text) : text
  let out = ""
  let at = 0
  const length = source.length
  while (at < length) {
    const sign = source[at] ?? ""
    if (sign === "\\") {
      let run = at
      while (source[run] === "\\") run++
      const count = run - at
      let end = run
      while (end < length && isLetter(source.charCodeAt(end))) end++
      const name = source.slice(run, end)
      if (name === "") {
        // \\ ends a row; an odd one more escapes the sign after it. A run of four is a doubled pair.
        const rows = count >= 4 ? Math.floor(count / 4) : Math.floor(count / 2)
        if (rows > 0) out += rowEnd
        at = run
        if (count % 2 === 0) continue
        const next = source[run] ?? ""
        at = run + 1
        if (next === "{" || next === "}") out += `\\${next}`
        else if (next === ",") out += thinSpace
        else if (next === "!") out += negativeSpace
        else if (next === "%") out += "%"
        else if (next === "|") out += "‖"
        else if (next === "(" || next === ")" || next === "[" || next === "]") out += " "
        else if (next === "_" || next === "&" || next === "#") out += next
        else out += " "
        continue
      }
      if (count >= 2 && !(count % 2 === 0 && escaped.test(name))) {
        out += rowEnd
        if (count % 2 === 0) {
          at = run
          continue
        }
      }
      at = end
      const spaced = spaces.get(name)
      if (spaced !== undefined) {
        out += spaced
        continue
      }
      const skip = dropped.get(name)
      if (skip !== undefined) {
        if ((name === "left" || name === "right") && /^\s*\./.test(source.slice(at, at + 4))) {
          at = source.indexOf(".", at) + 1
        }
        for (let k = 0; k < skip; k++) {
          const open = /^\s*\{/.exec(source.slice(at, at + 8))
          const close = open === null ? -1 : closingBrace(source, at + open[0].length - 1)
          if (close >= 0) at = close + 1
        }
        continue
      }
      if (mathFonts.has(name) || textFonts.has(name)) {
        if (source[at] === "*") at++
        while (source[at] === " ") at++
        const close = source[at] === "{" ? closingBrace(source, at) : -1
        if (close < 0) {
          const set = name === "mathbb" ? numberSets.get(source[at] ?? "") : undefined
          if (set !== undefined) {
            out += set
            at++
          }
          continue
        }
        const inside = source.slice(at + 1, close).replace(/^(?:~|\\[,; ]|\s)+/, " ")
        if (name === "mathbb" && /^\s*[A-Z]\s*$/.test(inside)) {
          out += numberSets.get(inside.trim()) ?? inside.trim()
          at = close + 1
        } else if (
          textFonts.has(name) || /^\s*[A-Za-z]{2,}\s*$/.test(inside) ||
          (/\d\s*$/.test(out) && /^\s*[A-Za-z]+(?:\s*[/*]\s*[A-Za-z]+(?:\^\{?-?\d\}?)?)+\s*$/.test(inside))
        ) {
          out += textInside(inside)
          at = close + 1
        } // else the group stays, and only the font goes
        continue
      }
      if (silentCommands.has(name)) continue
      const other = renamed.get(name)
      if (other !== undefined) out += other
      else if (name.length === 1) out += name === "n" || name === "t" || name === "r" ? " " : `\\${name} `
      else out += `\\${name} `
      continue
    }
    at++
    if (sign === "$" || sign === "`" || sign === "~") out += " "
    else if (
      sign === " " || sign === "\t" || sign === "\r" || sign === "\n" || sign === "\f" || sign === "\v" ||
      sign === "\u00A0"
    ) {
      if (!out.endsWith(" ")) out += " "
    } else if (sign === "*" && source[at] === "*") {
      at++
      out += "^"
    } else if (sign === "{" && source.startsWith(",}", at)) {
      at += 2
      out += groupedComma
    } else if (sign === "." && source.startsWith("..", at)) {
      while (source[at] === ".") at++
      out += "…"
    } else if (sign === "=" && source[at] === "=") {
      at++
      out += "="
    } else if (sign === "=" && (source[at] === "<" || source[at] === ">") && source[at] === "<") {
      at++
      out += "<="
    } else out += sign
  }
  return trimmed(out)
}

/** Without the punctuation and emphasis around an answer; a decimal point before a digit stays. */
const trimmed = (text: string): string => {
  let from = 0
  let to = text.length
  for (; from < to; from++) {
    const sign = text[from] ?? ""
    if (sign === "." && /\d/.test(text[from + 1] ?? "")) break
    if (!" ,;:.^*\n\u2009\u200A\u2063".includes(sign)) break
  }
  for (; to > from; to--) {
    const sign = text[to - 1] ?? ""
    if (!" ,;:.^*\n\u2009\u200A\u2063\\".includes(sign)) break
  }
  return text.slice(from, to)
}
