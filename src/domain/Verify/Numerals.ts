// Numbers as people write them: separators of thousands, decimal points and commas, repeating decimals, mixed numbers, exponents,
// other bases, clock times.
import type { Budget } from "./Budget.ts"
import { groupedComma } from "./Clean.ts"
import { Cursor, isDigit, isLetter } from "./Cursor.ts"
import type { Node } from "./Node.ts"
import { num } from "./Node.ts"
import type { Rational } from "./Rational.ts"
import { fromDecimal, rational } from "./Rational.ts"

/** What may be read in two ways. The first reading is the usual one; a comparison may ask for the others. */
export interface Reading {
  /** `1,234` outside of brackets is one number (default), a list of two, or (`1,5`) a decimal. */
  readonly commas: "thousands" | "list" | "decimal"
}

const maxDigits = 20_000

export class Numerals extends Cursor {
  readonly reading: Reading
  /** Brackets of lists that are open; commas between digits are separators inside of them. */
  listDepth = 0
  /** A comma between digits was taken as a thousands separator. */
  grouped = false

  constructor(text: string, reading: Reading, budget: Budget) {
    super(text, budget)
    this.reading = reading
  }

  number(): Node {
    const start = this.at
    let digits = ""
    const run = () => {
      const from = this.at
      while (isDigit(this.text[this.at])) this.at++
      if (this.at - start > maxDigits) this.fail()
      digits += this.text.slice(from, this.at)
      return this.at - from
    }
    const first = run()
    if (first >= 1 && first <= 3) this.thousands(run)
    // A comma in braces, or one by itself where it is so read, before other than three digits is a decimal comma.
    const comma = this.text[this.at]
    const decimalComma =
      (comma === groupedComma || (comma === "," && this.reading.commas === "decimal" && this.listDepth === 0))
      && isDigit(this.text[this.at + 1])
    let decimal = false
    let q: Rational | null = null
    if (
      decimalComma || (this.text[this.at] === "." && (isDigit(this.text[this.at + 1]) || this.repeats(this.at + 1)))
    ) {
      this.at++
      decimal = true
      digits += "."
      run()
      q = this.repeating(digits)
      if (q !== null) decimal = false
    }
    if (!decimal && digits !== "" && this.text[this.at] === "." && !isLetter(this.text[this.at + 1])) {
      const after = this.text.slice(this.at + 1, this.at + 3).trim()
      if (after === "" || /^[,;)\]}\\]/.test(after)) this.at++ // "5." at the end of a sentence or item
    }
    if (this.text[this.at] === "_" && !decimal && q === null) return this.based(digits)
    q ??= fromDecimal(digits) ?? this.fail()
    const exponent = /^[eE]([+-]?\d{1,6})(?![\d.])/.exec(this.text.slice(this.at, this.at + 12))
    if (exponent !== null) {
      this.at += exponent[0].length
      const power = Number(exponent[1])
      if (Math.abs(power) > 5000) this.fail()
      const scale = 10n ** BigInt(Math.abs(power))
      q = power < 0 ? rational(q.n, q.d * scale) : rational(q.n * scale, q.d)
      return num(q, decimal || power < 0)
    }
    return num(q, decimal)
  }

  /** Groups of three digits after the first one, with whatever separates them. */
  thousands(run: () => number): void {
    for (let group = 0;; group++) {
      const separator = /^(?:\u2063|\u2009|,[ ]?\u200A[ ]?|,\u2009|[ ]?\u200A|,| (?=\d{3}(?:[^\d]|$)))(?=\d{3}(?!\d))/u
        .exec(this.text.slice(this.at, this.at + 8))
      if (separator === null) return
      if (separator[0] === ",") {
        if (this.reading.commas !== "thousands" || this.listDepth > 0 || this.text[this.at - 1] === undefined) return
        if (group === 0 && this.leadingZero()) return
        this.grouped = true
      }
      this.at += separator[0].length
      run()
    }
  }

  leadingZero(): boolean {
    let start = this.at
    while (isDigit(this.text[start - 1])) start--
    return this.text[start] === "0"
  }

  repeats(at: number): boolean {
    return /^(?:\\(?:overline|bar|dot)\s*\{|\(\d+\))/.test(this.text.slice(at, at + 16))
  }

  /** The exact value of a repeating decimal whose digits so far are `digits` (with a point); null where nothing repeats. */
  repeating(digits: string): Rational | null {
    const rest = this.text.slice(this.at, this.at + 64)
    const period = /^\\(?:overline|bar)\s*\{\s*(\d{1,40})\s*\}/.exec(rest) ?? /^\((\d{1,40})\)(?![\d(])/.exec(rest)
    const dotted = period === null ? /^\\dot\s*\{\s*(\d)\s*\}(?:(\d{0,40})\\dot\s*\{\s*(\d)\s*\})?/.exec(rest) : null
    const dots = period === null && dotted === null ? /^…/.exec(rest) : null
    const fraction = digits.slice(digits.indexOf(".") + 1)
    let plain = digits
    let cycle: string
    if (period !== null) cycle = period[1] ?? ""
    else if (dotted !== null) cycle = (dotted[1] ?? "") + (dotted[3] === undefined ? "" : (dotted[2] ?? "") + dotted[3])
    else if (dots !== null) {
      const tail = /(\d{1,6}?)\1{2,}$/.exec(fraction.slice(-60))
      this.at += dots[0].length
      if (tail === null) return null
      cycle = tail[1] ?? ""
      plain = digits.slice(0, digits.length - tail[0].length)
    } else return null
    if (dots === null) this.at += (period ?? dotted)?.[0].length ?? 0
    const base = plain.endsWith(".") ? fromDecimal(`${plain}0`) : fromDecimal(plain)
    if (base === null || cycle === "") return null
    const places = plain.length - plain.indexOf(".") - 1
    const repeated = rational(BigInt(cycle), (10n ** BigInt(cycle.length) - 1n) * 10n ** BigInt(places))
    return rational(base.n * repeated.d + repeated.n * base.d, base.d * repeated.d)
  }

  /** `digits` and the base that follows as an index. */
  based(digits: string): Node {
    this.at++
    const match = /^\s*(?:\{?\s*\(?\s*(\d{1,2})\s*\)?\s*\}?|\\text\{(\w+)\}|\{\s*\\text\{(\w+)\}\s*\})/.exec(
      this.text.slice(this.at, this.at + 32)
    )
    const words: Record<string, number> = {
      two: 2,
      three: 3,
      four: 4,
      five: 5,
      six: 6,
      seven: 7,
      eight: 8,
      nine: 9,
      ten: 10,
      twelve: 12,
      sixteen: 16
    }
    const base = match === null
      ? NaN
      : match[1] === undefined
      ? words[(match[2] ?? match[3] ?? "").toLowerCase()] ?? NaN
      : Number(match[1])
    if (match === null || !(base >= 2 && base <= 36)) this.fail()
    this.at += match[0].length
    return basedNumber(digits, base) ?? this.fail()
  }

  /** The fraction of "1 1/2" after its whole part; null, and nothing read, where there is none. */
  mixedNumber(whole: Rational): Node | null {
    const match = /^(\d{1,9})\s*\/\s*(\d{1,9})(?![\d.])/.exec(this.text.slice(this.at, this.at + 24))
    if (match === null || Number(match[2]) === 0 || Number(match[1]) >= Number(match[2])) return null
    this.at += match[0].length
    return mixed(whole, rational(BigInt(match[1] ?? "0"), BigInt(match[2] ?? "1")))
  }

  /** A number, and the proper fraction of integers right after it: 2\frac12 is two and a half. */
  withFraction(number: Node): Node {
    if (number.k !== "num" || number.decimal || number.q.d !== 1n) return number
    const match = /^\s*\\frac\s*(?:\{\s*(\d{1,9})\s*\}|(\d))\s*(?:\{\s*(\d{1,9})\s*\}|(\d))/.exec(
      this.text.slice(this.at, this.at + 48)
    )
    if (match === null) return number
    const n = BigInt(match[1] ?? match[2] ?? "0")
    const d = BigInt(match[3] ?? match[4] ?? "1")
    if (d === 0n || n >= d) return number
    this.at += match[0].length
    return mixed(number.q, rational(n, d))
  }
}

const mixed = (whole: Rational, part: Rational): Node =>
  num(whole.n < 0n ? rational(whole.n * part.d - part.n, part.d) : rational(whole.n * part.d + part.n, part.d))

/** The value of digits in a base; null where a digit is not one of that base. */
const basedNumber = (digits: string, base: number): Node | null => {
  if (digits.length > 2000) return null
  let value = 0n
  for (const digit of digits.toLowerCase()) {
    const worth = Number.parseInt(digit, 36)
    if (!(worth < base)) return null
    value = value * BigInt(base) + BigInt(worth)
  }
  return { k: "based", value, digits: digits.toLowerCase().replace(/^0+(?=.)/, ""), base }
}

/** 8:34 p.m. as minutes after midnight; null where the text is no such time. */
export const clockTime = (written: string): Node | null => {
  const text = written.replace(/[\u2009\u200A]/g, "")
  const match = /^(\d{1,2}):(\d{2})\s*(?:\\text\{\s*)?([ap])\.?\s?m\.?\s*\}?$/i.exec(text)
  if (match === null) return null
  const hours = Number(match[1]) % 12 + (/p/i.test(match[3] ?? "") ? 12 : 0)
  return { k: "time", minutes: hours * 60 + Number(match[2]) }
}

/** Letters among the digits of a number in a base above ten: 1A3_{16}. */
export const alphanumericBased = (text: string): Node | null => {
  const match = /^([0-9][0-9A-Fa-f]*|[A-Fa-f][0-9A-Fa-f]*[0-9][0-9A-Fa-f]*)_\{?\s*(1[1-6])\s*\}?$/.exec(
    text.replace(/\\text\{\s*(\w+)\s*\}/, "$1")
  )
  return match === null ? null : basedNumber(match[1] ?? "", Number(match[2]))
}
