// Python source as a plain tree, and its tokens without one. The tree is Lezer's (error recovery included), copied within a bound
// on nodes and on the parser's steps; the tokens come from one linear pass and decide whether a tree is worth building.
import { parser } from "@lezer/python"

/** One node; `kids` are in source order and include punctuation. Nodes named "⚠" are where the parser recovered. */
export interface PythonNode {
  readonly type: string
  readonly from: number
  readonly to: number
  readonly kids: ReadonlyArray<PythonNode>
}

interface Growing extends PythonNode {
  readonly kids: Array<PythonNode>
}

/** The script's node, or null when it needs more than `nodesMax` nodes or eight parser steps a character. */
export const parsePython = (code: string, nodesMax: number): PythonNode | null => {
  const parse = parser.startParse(code)
  let steps = 4_000 + 8 * code.length
  let tree = parse.advance()
  while (tree === null) {
    if (--steps < 0) return null
    tree = parse.advance()
  }
  const cursor = tree.cursor()
  const root: Growing = { type: cursor.name, from: cursor.from, to: cursor.to, kids: [] }
  const stack: Array<Growing> = [root]
  let nodes = 1
  const entered = cursor.firstChild()
  while (entered) {
    const parent = stack[stack.length - 1]
    if (parent === undefined) break
    if (++nodes > nodesMax) return null
    const node: Growing = { type: cursor.name, from: cursor.from, to: cursor.to, kids: [] }
    if (node.type !== "Comment") parent.kids.push(node)
    if (cursor.firstChild()) {
      stack.push(node)
      continue
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return root
      stack.pop()
      if (stack.length === 0) return root
    }
  }
  return root
}

/** A keyword, sign or bracket. */
export const isPunctuation = (node: PythonNode): boolean => {
  const first = node.type.charCodeAt(0)
  return !((first >= 65 && first <= 90) || node.type === "None")
}

/** Groups of nodes between separators of one kind. */
export const groupsOf = (
  kids: ReadonlyArray<PythonNode>,
  separator: string
): ReadonlyArray<ReadonlyArray<PythonNode>> => {
  const groups: Array<Array<PythonNode>> = [[]]
  for (const kid of kids) {
    if (kid.type === separator) groups.push([])
    else groups[groups.length - 1]?.push(kid)
  }
  return groups
}

export interface Span {
  readonly from: number
  readonly to: number
}

export interface PythonTokens {
  /** Comments without their "#". */
  readonly comments: ReadonlyArray<Span>
  /** String literals with prefix and quotes. An unfinished one ends at its line's or the text's end. */
  readonly strings: ReadonlyArray<Span>
  readonly numbers: ReadonlyArray<Span>
  readonly names: ReadonlySet<string>
  readonly hasFormatString: boolean
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57
const isNameStart = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c > 160

/** The tokens that can carry an answer. Linear in the text. */
export const tokensOf = (code: string): PythonTokens => {
  const comments: Array<Span> = []
  const strings: Array<Span> = []
  const numbers: Array<Span> = []
  const names = new Set<string>()
  let hasFormatString = false
  const end = code.length
  let i = 0
  while (i < end) {
    const c = code.charCodeAt(i)
    if (c === 35) {
      let to = i + 1
      while (to < end && code.charCodeAt(to) !== 10 && code.charCodeAt(to) !== 13) to++
      comments.push({ from: i + 1, to })
      i = to
    } else if (c === 34 || c === 39) {
      const to = stringEnd(code, i)
      strings.push({ from: i, to })
      i = to
    } else if (isDigit(c) || (c === 46 && isDigit(code.charCodeAt(i + 1)))) {
      const to = numberEnd(code, i)
      numbers.push({ from: i, to })
      i = to
    } else if (isNameStart(c)) {
      let to = i + 1
      while (to < end && (isNameStart(code.charCodeAt(to)) || isDigit(code.charCodeAt(to)))) to++
      const next = code.charCodeAt(to)
      const name = code.slice(i, to)
      if ((next === 34 || next === 39) && /^(?:[rbuf]|[rb][fbr]|f[r])$/i.test(name)) {
        if (/f/i.test(name)) hasFormatString = true
        const last = stringEnd(code, to, /f/i.test(name))
        strings.push({ from: i, to: last })
        i = last
      } else {
        names.add(name)
        i = to
      }
    } else i++
  }
  return { comments, strings, numbers, names, hasFormatString }
}

/** Python reads "42print" as a number and a name. Hexadecimal, octal, binary and decimal literals. */
const numberEnd = (code: string, from: number): number => {
  const second = code.charCodeAt(from + 1) | 32
  let to = from + 1
  if (code.charCodeAt(from) === 48 && (second === 120 || second === 111 || second === 98)) {
    for (to++; to < code.length; to++) {
      const c = code.charCodeAt(to)
      if (!(isDigit(c) || c === 95 || (second === 120 && (c | 32) >= 97 && (c | 32) <= 102))) return to
    }
    return to
  }
  let hasPoint = code.charCodeAt(from) === 46
  for (; to < code.length; to++) {
    const c = code.charCodeAt(to)
    if (isDigit(c) || c === 95) continue
    if (c === 46 && !hasPoint) {
      hasPoint = true
      continue
    }
    if ((c | 32) !== 101) return to
    const next = code.charCodeAt(to + 1)
    const isSigned = next === 43 || next === 45
    if (!isDigit(isSigned ? code.charCodeAt(to + 2) : next)) return to
    if (isSigned) to++
  }
  return to
}

const stringEnd = (code: string, quoteAt: number, format = false): number => {
  const quote = code.charCodeAt(quoteAt)
  const long = code.charCodeAt(quoteAt + 1) === quote && code.charCodeAt(quoteAt + 2) === quote
  let i = quoteAt + (long ? 3 : 1)
  let braces = 0
  for (; i < code.length; i++) {
    const c = code.charCodeAt(i)
    if (c === 92) i++
    else if (!long && (c === 10 || c === 13)) return i
    else if (format && c === 123) braces++
    else if (format && c === 125) braces = Math.max(0, braces - 1)
    else if (c === quote && (!long || (code.charCodeAt(i + 1) === quote && code.charCodeAt(i + 2) === quote))) {
      if (format && braces > 0 && !long && sameQuoteGoesOn(code, i)) continue
      return i + (long ? 3 : 1)
    }
  }
  return code.length
}

/** Since Python 3.12 a replacement field may use the string's own quote: f"{d["x"]}". */
const sameQuoteGoesOn = (code: string, at: number): boolean => {
  for (let i = at + 1; i < code.length && i < at + 200; i++) {
    const c = code.charCodeAt(i)
    if (c === 10 || c === 13) return false
    if (c === 125) return true
  }
  return false
}
