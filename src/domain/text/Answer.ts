// A reference answer as bare as it can be without judging it: wrappers and separators off, the value as written.
// Idempotent.

/**
 * A solution as GSM8K writes it: the working, and a last line of `#### 42` with the answer. Null where the last line is
 * no such line.
 */
export const splitFinalLine = (solution: string): { readonly working: string; readonly answer: string } | null => {
  const text = solution.trimEnd()
  const from = text.lastIndexOf("\n") + 1
  const line = text.slice(from).trimStart()
  const answer = line.startsWith("####") ? line.replace(/^[#\s]+/, "") : ""
  return answer === "" ? null : { working: text.slice(0, from).trimEnd(), answer }
}

const delimiters: ReadonlyArray<readonly [string, string]> = [["$$", "$$"], ["$", "$"], ["\\(", "\\)"], ["\\[", "\\]"]]

/** The inside of a pair of delimiters around all of `text`; null where they are not one pair. */
const withoutDelimiters = (text: string): string | null => {
  for (const [open, close] of delimiters) {
    if (text.length < open.length + close.length || !text.startsWith(open) || !text.endsWith(close)) continue
    const inside = text.slice(open.length, text.length - close.length)
    if (inside.trim() !== "" && !/\$|\\[()[\]]|\\$/.test(inside)) return inside
  }
  return null
}

/** The argument of a `\boxed{...}` or `\fbox{...}` that is all of `text`; null where it is not. */
const withoutBox = (text: string): string | null => {
  const open = /^\\(?:boxed|fbox)\s*\{/.exec(text)
  if (open === null || !text.endsWith("}")) return null
  let depth = 1
  for (let at = open[0].length; at < text.length; at++) {
    const sign = text[at]
    if (sign === "\\") at++
    else if (sign === "{") depth++
    else if (sign === "}" && --depth === 0) {
      const inside = text.slice(open[0].length, at)
      return at === text.length - 1 && inside.trim() !== "" ? inside : null
    }
  }
  return null
}

/** A whole number with its thousands set apart: 1,234,567, also as LaTeX spaces it. */
const separated = /^[+-]?\d{1,3}(?:(?:,|\{,\}|,\\!|\\,)\d{3})+$/

/** Wrappers and a final full stop off a number, thousands joined in whole numbers. At most 16 wrappers deep. */
export const bareAnswer = (answer: string): string => {
  let bare = answer.trim()
  for (let depth = 0; depth < 16; depth++) {
    const inside = withoutDelimiters(bare) ?? withoutBox(bare)
    if (inside === null || inside.includes("####")) break // a final line is no answer yet
    bare = inside.trim()
  }
  const stopped = bare.endsWith(".") ? bare.slice(0, -1) : bare
  if (/^[+-]?\d+$/.test(stopped) || separated.test(stopped)) bare = stopped
  return separated.test(bare) ? bare.replace(/[^\d+-]/g, "") : bare
}
