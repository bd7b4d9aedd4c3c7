// Whether a program's tokens could hold the answer in any way that the interpreter follows. A tree costs ten times as much as the
// tokens, and most programs need none. It may be wrong only one way: whatever the interpreter finds, this suspects.
import { type Answer, type Exact, keyOf, readNumber } from "./Answer.ts"
import type { PythonTokens } from "./PythonTree.ts"

/** Names that can make digits of anything. */
const makers = [
  "chr",
  "unichr",
  "ord",
  "bytes",
  "bytearray",
  "exec",
  "eval",
  "compile",
  "decode",
  "b64decode",
  "standard_b64decode",
  "urlsafe_b64decode",
  "decodebytes",
  "b32decode",
  "b16decode",
  "fromhex",
  "unhexlify",
  "decompress",
  "from_bytes"
]
const builders = ["str", "join", "repr", "format", "map"]

/** Whether the program's tokens could hold the answer in any way that the interpreter follows; most programs do not. */
export const mayLeak = (
  code: string,
  { hasFormatString, names, numbers, strings }: PythonTokens,
  answer: Answer
): boolean => {
  for (const name of makers) if (names.has(name)) return true
  const wanted = answer.number
  const texts = strings.map(({ from, to }) => code.slice(from, to))
  if (texts.some((one) => one.includes("\\") && /\\[xuUN\d]/.test(one))) return true
  if (wanted === null) {
    const lower = code.toLowerCase()
    // Words that meet in the bare answer may be apart in the program.
    const joined = lower.replace(/\b(?:math|sympy|sp|np|numpy)\.|[\s$*\\"'+]/g, "")
    return (answer.bare.match(/\p{L}+|\p{N}+/gu) ?? [answer.bare]).every((word) =>
      lower.includes(word) || joined.includes(word)
    )
  }
  if (wanted.denominator !== 1n && texts.some((one) => /[\d./]|frac/.test(one))) return true
  const magnitude = keyOf({ ...wanted, numerator: wanted.numerator < 0n ? -wanted.numerator : wanted.numerator })
  const values = new Map<string, Exact>()
  const add = (literal: string): void => {
    const value = readNumber(literal)
    if (value !== null && values.size < 400) values.set(keyOf(value), value)
  }
  for (const { from, to } of numbers) add(code.slice(from, to))
  if (values.has(magnitude)) return true
  const spellings = answer.spellings.map((one) => one.replace(/^-/, ""))
  const isCounted = names.has("int")
  for (const one of texts) {
    if (!/\d/.test(one) && !(isCounted && /^.{0,3}[0-9a-zA-Z_]+.{0,3}$/.test(one) && one.length < 40)) continue
    if (spellings.some((spelling) => one.includes(spelling))) return true
    const inner = one.replace(/^[a-zA-Z]{0,2}["']+|["']+$/g, "").trim()
    if (/^-?[\d_.]+$/.test(inner)) add(inner.replace(/^-/, ""))
    if (isCounted && /^(?:0[xob])?[0-9a-z_]+$/i.test(inner)) return true
  }
  if (
    isBuilt(
      code,
      texts,
      values,
      answer,
      hasFormatString || names.has("str") || builders.some((name) => names.has(name))
    )
  ) {
    return true
  }
  return values.size > 60 || isOneStep([...values.values()], wanted, code.includes("~"), answer.common)
}

/** Whether the answer's digits can be put together of digits in texts and, where numbers are made texts, of literals. */
const isBuilt = (
  code: string,
  texts: ReadonlyArray<string>,
  values: ReadonlyMap<string, Exact>,
  { digits }: Answer,
  hasBuilder: boolean
): boolean => {
  if (digits.length < 2) return false
  const pieces = new Set<string>()
  for (const one of texts) if (/\d/.test(one)) { for (const [digit] of one.matchAll(/\d/g)) pieces.add(digit) }
  if (hasBuilder || (texts.length > 0 && code.includes("%"))) { for (const key of values.keys()) pieces.add(key) }
  const reached = [true]
  for (let at = 0; at < digits.length; at++) {
    if (reached[at] !== true) continue
    for (const piece of pieces) if (digits.startsWith(piece, at)) reached[at + piece.length] = true
  }
  return reached[digits.length] === true
}

/** Whether one operation on two of the numbers gives the answer: the disguises, fractions and narrow ranges that the interpreter knows. */
const isOneStep = (values: ReadonlyArray<Exact>, wanted: Exact, hasInversion: boolean, isCommon: boolean): boolean => {
  const target = wanted.numerator < 0n ? -wanted.numerator : wanted.numerator
  if (wanted.denominator !== 1n) {
    return values.some(({ denominator }) => denominator !== 1n && denominator === wanted.denominator) ||
      values.some((top) =>
        values.some((bottom) =>
          top.numerator * bottom.denominator * wanted.denominator === target * bottom.numerator * top.denominator
        )
      )
  }
  if (isCommon) return false
  const whole = values.flatMap(({ denominator, numerator }) => denominator === 1n ? [numerator] : [])
  if (hasInversion) whole.push(1n)
  const isSmall = target < 1n << 52n && whole.every((value) => value < 1n << 52n)
  return isSmall
    ? someStep(whole.map(Number), Number(target))
    : whole.some((a) =>
      whole.some((b) =>
        a + b === target || a - b === target || (a | b) === target || (a ^ b) === target || (a & b) === target ||
        (a < 10n && b < 10n && a * b === target) ||
        (a <= target && target < b && (b - a) * 20n <= target) ||
        (b < 64n && (a << b === target || a >> b === target))
      )
    )
}

const someStep = (values: ReadonlyArray<number>, target: number): boolean => {
  for (const a of values) {
    for (const b of values) {
      if (a + b === target || a - b === target || (a < 10 && b < 10 && a * b === target)) return true
      if (a <= target && target < b && (b - a) * 20 <= target) return true
      if (b < 53 && (a * 2 ** b === target || Math.floor(a / 2 ** b) === target)) return true
      if (a < 2 ** 31 && b < 2 ** 31 && ((a | b) === target || (a ^ b) === target || (a & b) === target)) return true
    }
  }
  return false
}
