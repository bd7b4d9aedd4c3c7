// The boxes of a text: \boxed{...}, \fbox{...} and \framebox{...}, also as damaged text has them (a doubled or a lost backslash).
// One pass over the text matches all braces, so any nesting costs no more than the text is long. Total on every input.

/** Where something stands in a text, and what it holds: `text` lies within [from, to), which includes the delimiters. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** The complete boxes that are in no other complete box, in order, and whether the text ends inside of one. */
export interface Boxes {
  readonly complete: ReadonlyArray<Span>
  /** The last box, when no brace closes it and no complete box comes after it. It reaches to the end of the text. */
  readonly unclosed: Span | null
}

const allNames: ReadonlyArray<string> = ["boxed", "fbox", "framebox"]
const isLetter = (sign: string | undefined): boolean => sign !== undefined && /[a-zA-Z]/.test(sign)
const isBlank = (sign: string | undefined): boolean => sign !== undefined && sign.trim() === ""

/** For each "{" the index of its "}", else -1. A brace after a backslash is a sign and not a brace. */
const matchingBraces = (text: string): Int32Array => {
  const closes = new Int32Array(text.length).fill(-1)
  const open: Array<number> = []
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === "\\") at++
    else if (sign === "{") open.push(at)
    else if (sign === "}") {
      const from = open.pop()
      if (from !== undefined) closes[from] = at
    }
  }
  return closes
}

/** The end of a name of a box that starts at `at` (where its letters start), or -1. */
const nameEnd = (text: string, at: number, names: ReadonlyArray<string>): number => {
  for (const name of names) {
    if (text.startsWith(name, at) && !isLetter(text[at + name.length])) return at + name.length
  }
  // A "\b" that was read as a backspace takes the first letter with it.
  return text[at - 1] === "\b" && text.startsWith("oxed", at) && !isLetter(text[at + 4]) ? at + 4 : -1
}

/** What TeX would take without braces, read kindly: a whole number or name, not its first sign. */
const unbracedEnd = (text: string, at: number): number => {
  let end = at
  while (end < text.length && end - at < 64 && !isBlank(text[end]) && text[end] !== "$") {
    if (text[end] === "\\" && /[)\]]/.test(text[end + 1] ?? "")) break
    end++
  }
  while (end > at && /[.,;:!?]/.test(text[end - 1] ?? "")) end--
  return end
}

export const boxesOf = (text: string, names: ReadonlyArray<string> = allNames): Boxes => {
  const complete: Array<Span> = []
  let unclosed: Span | null = null
  let closes: Int32Array | null = null
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign !== "b" && sign !== "f" && sign !== "o") continue
    const end = nameEnd(text, at, names)
    if (end < 0) continue
    const before = text[at - 1]
    const commanded = before === "\\" || before === "\b"
    if (!commanded && isLetter(before)) continue
    let from = at
    while (from > 0 && (text[from - 1] === "\\" || text[from - 1] === "\b")) from--
    let open = end
    while (isBlank(text[open])) open++
    if (text[open] === "{") {
      closes ??= matchingBraces(text)
      const close = closes[open] ?? -1
      if (close >= 0) {
        complete.push({ from, to: close + 1, text: text.slice(open + 1, close) })
        unclosed = null
        at = close
      } else unclosed = { from, to: text.length, text: text.slice(open + 1) }
    } else if (commanded) {
      const to = unbracedEnd(text, open)
      if (to > open) {
        complete.push({ from, to, text: text.slice(open, to) })
        unclosed = null
        at = to - 1
      }
    }
  }
  return { complete, unclosed }
}
