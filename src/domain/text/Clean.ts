// Character-level cleaning of a text with mathematics in it: what cannot be seen goes, what was damaged on the way and
// can be known for sure is mended, and nothing that a reader could take for mathematics changes. Every step is
// idempotent, and so is the whole.

export interface CleanOptions {
  /** Curly quotation marks and dashes become ASCII. */
  readonly quotes: boolean
  /** LaTeX's horizontal spacing becomes one space. */
  readonly latexSpacing: boolean
}

/** Commands whose backslash and first letter a careless reader of string escapes took for a control character. */
const eatenCommands: ReadonlyArray<readonly [RegExp, string]> = [
  [/\f(?=rac(?![a-z])|box\{|orall(?![a-z]))/g, "\\f"],
  [/\x08(?=egin\{|inom(?![a-z])|oxed\{|eta(?![a-z])|ar(?![a-z])|mod(?![a-z]))/g, "\\b"],
  [/\t(?=imes(?![a-z])|heta(?![a-z])|frac(?![a-z])|riangle(?![a-z])|ext(?:bf|it|rm)?\{)/g, "\\t"],
  [/\r(?=ight(?![a-z]))/g, "\\r"],
  [/\x0b(?=ec(?![a-z])|arphi(?![a-z])|ert(?![a-z]))/g, "\\v"],
  [/\x07(?=lpha(?![a-z])|ngle(?![a-z])|pprox(?![a-z]))/g, "\\a"]
]

/**
 * Compatibility characters that mean nothing else: ligatures, full-width forms, italic mathematical letters, signs for
 * signs.
 */
const compatible = new RegExp(
  "[\\ufb00-\\ufb04\\uff0b\\uff0d\\uff0f-\\uff19\\uff1c-\\uff1e\\uff21-\\uff3a\\uff3e\\uff41-\\uff5a" +
    "\\u210e\\u{1d434}-\\u{1d467}\\u{1d6e2}-\\u{1d71b}]",
  "gu"
)
const spaces = /[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g
const lineEnds = /\r\n|[\r\u0085\u2028\u000b\f]/g
/** Controls, soft hyphens, bidirectional marks, invisible operators, byte order marks, presentation selectors, tags. */
const invisible = new RegExp(
  "[\\x00-\\x09\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u202a-\\u202e" +
    "\\u2060-\\u2064\\u2066-\\u206f\\ufe0e\\ufe0f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]",
  "gu"
)
/** Joiners stay inside words of scripts that need them. */
const joiners = /([^\u200c\u200d])?[\u200c\u200d]+(?=([^])?)/gu

const quoteSigns: ReadonlyMap<string, string> = new Map(Object.entries({
  "‘": "'",
  "’": "'",
  "‚": "'",
  "‛": "'",
  "“": "\"",
  "”": "\"",
  "„": "\"",
  "‟": "\"",
  "‐": "-",
  "‑": "-",
  "‒": "-",
  "–": "-",
  "—": "--",
  "―": "--",
  "−": "-",
  "…": "..."
}))

const cleanCharacters = (text: string, quotes: boolean): string => {
  let clean = text
  if (/[\x07\x08\t\x0b\f\r]/.test(clean)) {
    for (const [eaten, whole] of eatenCommands) clean = clean.replace(eaten, whole)
  }
  clean = clean.replace(lineEnds, "\n")
  if (/[^\n\x20-\x7e]/.test(clean)) {
    clean = clean.replace(/\u2029/g, "\n\n").replace(spaces, " ").replace(invisible, "")
    clean = clean.replace(compatible, (sign) => sign.normalize("NFKC")).normalize("NFC")
    clean = clean.replace(
      joiners,
      (run, before: string | undefined, after: string | undefined) =>
        isJoined(before) && isJoined(after) ? run : before ?? ""
    )
    if (quotes) clean = clean.replace(/[‘’‚‛“”„‟‐‑‒–—―−…]/g, (sign) => quoteSigns.get(sign) ?? sign)
    clean = clean.normalize("NFC") // what stood on both sides of a joiner may compose
  }
  return clean
}

const isJoined = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{M}\p{Extended_Pictographic}]/u.test(character) && character > "\u007f"

/** Parts in which white space is code: figures and listings. An unclosed one reaches to the end. */
const codeOpenings: ReadonlyArray<readonly [string, string]> = [
  ["[asy]", "[/asy]"],
  ["\\begin{asy}", "\\end{asy}"],
  ["```", "```"],
  ["[code]", "[/code]"],
  ["\\begin{verbatim}", "\\end{verbatim}"],
  ["\\begin{tikzpicture}", "\\end{tikzpicture}"],
  ["\\verb|", "|"]
]
const codeOpening = /\[(?:asy|code)\]|```|\\begin\{(?:asy|verbatim|tikzpicture)\}|\\verb\|/g

/** Applies `each` to the parts of `text` that are not code. */
const outsideCode = (text: string, each: (part: string) => string): string => {
  let result = ""
  let at = 0
  codeOpening.lastIndex = 0
  for (let match = codeOpening.exec(text); match !== null; match = codeOpening.exec(text)) {
    const close = codeOpenings.find(([open]) => open === match?.[0])?.[1] ?? ""
    const body = text.indexOf(close, codeOpening.lastIndex)
    const end = body < 0 ? text.length : body + close.length
    result += each(text.slice(at, match.index)) + text.slice(match.index, end)
    codeOpening.lastIndex = at = end
  }
  return result + each(text.slice(at))
}

const isLetter = (sign: string | undefined): boolean => sign !== undefined && /[A-Za-z]/.test(sign)
const isDigit = (sign: string | undefined): boolean => sign !== undefined && sign >= "0" && sign <= "9"

/** A thin space that sets thousands apart: one to three digits before, exactly three after. */
const isThousands = (text: string, from: number, to: number): boolean => {
  const before = text.slice(Math.max(0, from - 4), from)
  return /(?:^|[^0-9])[0-9]{1,3}$/.test(before) && /^[0-9]{3}(?![0-9])/.test(text.slice(to, to + 4))
}

/**
 * Runs of `\,` `\;` `\:` `\>` `\!` `\ ` `~` and spaces become one space; nothing inside a number (`1,\!000`, `1\,000`).
 * A lone `~` stays where it may be a sign ("a ~ b") and is a space between number and unit.
 */
const cleanLatexSpacing = (text: string): string => {
  if (!text.includes("\\") && !text.includes("~")) return text
  let result = ""
  let copied = 0
  let at = 0
  while (at < text.length) {
    const sign = text[at]
    if (sign === "\\" && !",;:>! ".includes(text[at + 1] ?? "x")) {
      at += 2 // a command, or an escaped sign such as the second half of a line break
      continue
    }
    if (sign !== "\\" && sign !== "~") {
      at++
      continue
    }
    let from = at
    while (from > copied && text[from - 1] === " ") from--
    let to = from
    let spaceCommands = 0
    let thinCommands = 0
    let ties = 0
    let blanks = 0
    for (let next = text[to]; next === " " || next === "~" || next === "\\"; next = text[to]) {
      const spacing = next === "\\" ? text[to + 1] ?? "x" : ""
      if (next === "~") ties++
      else if (next === " ") blanks++
      else if (spacing === "!") thinCommands++
      else if (",;:> ".includes(spacing)) spaceCommands++
      else break
      to += next === "\\" ? 2 : 1
    }
    at = to
    const isUnit = ties === 1 && blanks === 0 && isDigit(text[from - 1]) && (isLetter(text[to]) || text[to] === "\\")
    if (spaceCommands + thinCommands === 0 && ties < 2 && !isUnit) continue
    const isNothing = isDigit(text[to]) && ties === 0 && (spaceCommands === 0
      ? blanks === 0 || text[from - 1] === ","
      : spaceCommands === 1 && thinCommands + blanks === 0 && isThousands(text, from, to))
    result += `${text.slice(copied, from)}${isNothing ? "" : " "}`
    copied = to
  }
  return result + text.slice(copied)
}

/** Lines without blanks at their ends, at most one blank line in a row, none at the edges. */
const cleanLines = (text: string): string =>
  text.split("\n").map((line) => line.trimEnd()).join("\n").replace(/\n{3,}/g, "\n\n").trim()

/** Idempotent; linear in the length of `text`. */
export const cleanText = (text: string, { latexSpacing, quotes }: CleanOptions): string => {
  const clean = cleanCharacters(text, quotes)
  return cleanLines(latexSpacing ? outsideCode(clean, cleanLatexSpacing) : clean)
}
