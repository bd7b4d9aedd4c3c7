// The formulas of a text: $...$, $$...$$, \(...\), \[...\] and the display environments. A dollar that stands for money, or
// that would make a formula out of prose, opens none. One pass; each delimiter is looked at a bounded number of times.
import type { Span } from "./Boxes.ts"

const environments: ReadonlyArray<string> = [
  "equation",
  "equation*",
  "align",
  "align*",
  "aligned",
  "gather",
  "gather*",
  "multline",
  "multline*",
  "eqnarray",
  "eqnarray*",
  "displaymath",
  "math"
]

/** Characters of a formula. */
const longest = 20_000

/** The next dollar at or after `from` that no backslash escapes, -1 if none is near. */
const nextDollar = (text: string, from: number): number => {
  const to = Math.min(text.length, from + longest)
  for (let at = from; at < to; at++) {
    if (text[at] === "\\") at++
    else if (text[at] === "$") return at
  }
  return -1
}

/** How many words stand in a formula outside of commands and their text arguments: variables are letters, prose is words. */
const wordsIn = (formula: string): number => {
  let words = 0
  let at = 0
  while (at < formula.length) {
    const sign = formula[at] ?? ""
    if (sign === "\\") {
      // A doubled backslash before a name is an escape too many; before anything else it breaks a line.
      const command = /^\\{1,2}[a-zA-Z]+|^\\./.exec(formula.slice(at, at + 40))?.[0].replace("\\\\", "\\") ?? "\\"
      at += command.length + (formula[at + 1] === "\\" && command.length > 2 ? 1 : 0)
      if (
        /^\\(?:text|mbox|textbf|textit|textrm|textnormal|mathrm|operatorname|mathbf|begin|end|boxed|label|tag)$/.test(
          command
        )
      ) {
        const close = formula.indexOf("}", at)
        if (close < 0) return words
        at = close + 1
      }
    } else if (/[a-zA-Z]/.test(sign)) {
      const from = at
      while (at < formula.length && /[a-zA-Z]/.test(formula[at] ?? "")) at++
      if (at - from >= 3) words++
    } else at++
  }
  return words
}

/** Whether what lies between two dollars can be a formula: not money, not prose, not two paragraphs. */
const isFormula = (inside: string, after: string | undefined): boolean => {
  if (/^\s*(?:and|or|[,;])?\s*$/.test(inside) || /\n\s{0,20}\n/.test(inside)) return false
  const money = /^\s*\d/.test(inside)
  if (money && after !== undefined && /\d/.test(after)) return false
  if (money && (inside.includes("\n") || /[-+*/=×]\s*$/.test(inside))) return false
  const words = wordsIn(inside)
  return money && /\s$/.test(inside) ? words === 0 || inside.includes("\\") : words <= 2
}

/** The last row of an aligned display, which states the result. */
const lastRow = (inside: string): string => {
  const rows = inside.split("\\\\").map((row) => row.replaceAll("&", "").trim()).filter((row) => row !== "")
  return rows.at(-1) ?? ""
}

/** Formulas in order; none lies in another. */
export const formulasOf = (text: string): ReadonlyArray<Span> => {
  const formulas: Array<Span> = []
  const ahead = new Map<string, number>()
  // Where a mark comes next is remembered, so that many unclosed delimiters do not search the same stretch again and again.
  const closing = (mark: string, from: number): number => {
    const known = ahead.get(mark)
    if (known !== undefined && (known < 0 || known >= from)) return known
    const close = text.indexOf(mark, from)
    ahead.set(mark, close)
    return close
  }
  const add = (from: number, to: number, inside: string) => {
    if (inside.trim() !== "") formulas.push({ from, to, text: inside })
  }
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === "\\") {
      const next = text[at + 1]
      if (next === "(" || next === "[") {
        const close = closing(next === "(" ? "\\)" : "\\]", at + 2)
        const again = next === "(" ? closing("\\(", at + 2) : -1
        if (close >= 0 && (again < 0 || again > close)) {
          add(at, close + 2, text.slice(at + 2, close))
          at = close + 1
          continue
        }
      } else if (next === "b" && text.startsWith("begin{", at + 1)) {
        const brace = text.indexOf("}", at + 7)
        const name = text.slice(at + 7, brace < 0 || brace > at + 24 ? at + 7 : brace)
        if (environments.includes(name)) {
          const mark = `\\end{${name}}`
          const close = closing(mark, brace)
          if (close >= 0) {
            add(at, close + mark.length, lastRow(text.slice(brace + 1, close)))
            at = close + mark.length - 1
            continue
          }
        }
      }
      at++ // what a backslash escapes delimits nothing
    } else if (sign === "$") {
      if (text[at + 1] === "$") {
        let close = closing("$$", at + 2)
        while (close >= 0 && text[close - 1] === "\\" && text[close - 2] !== "\\") close = closing("$$", close + 1)
        const inside = close < 0 ? "" : text.slice(at + 2, close)
        if (inside.trim() !== "" && inside.length <= longest) {
          add(at, close + 2, inside)
          at = close + 1
        } else at++
      } else {
        const close = nextDollar(text, at + 1)
        if (close >= 0 && isFormula(text.slice(at + 1, close), text[close + 1])) {
          add(at, close + 1, text.slice(at + 1, close))
          at = close
        } // else the closing dollar may open the next one
      }
    }
  }
  return formulas
}
