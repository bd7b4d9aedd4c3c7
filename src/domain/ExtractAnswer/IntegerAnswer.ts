// An extracted answer read as the whole number that a contest asks for: AIMO 3 wants 0..99999, AIMO 1 and 2 a number modulo
// 1000. Exact rational arithmetic over a small grammar; texts, depths and numbers are bounded, and what is beyond is null.
import { extractAnswer, lastBoxed } from "../ExtractAnswer.ts"

/** Either a closed range, or a modulus to which non-negative numbers are reduced. */
export type IntegerRule = { readonly least: number; readonly most: number } | { readonly modulo: number }

const longestText = 2000
const deepest = 64
const longestBits = 65_536n
const largestFactorial = 2000n

interface Ratio {
  readonly over: bigint
  readonly under: bigint
}

const magnitude = (value: bigint): bigint => value < 0n ? -value : value

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [magnitude(a), magnitude(b)]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** A power of two bounds the size: comparing with it is cheaper than counting digits. */
const limit = 1n << longestBits

const ratio = (over: bigint, under: bigint): Ratio | null => {
  if (under === 0n || magnitude(over) > limit || magnitude(under) > limit) return null
  const shared = gcd(over, under)
  const sign = under < 0n ? -1n : 1n
  return shared === 0n ? { over: 0n, under: 1n } : { over: sign * over / shared, under: sign * under / shared }
}

const power = (base: Ratio, exponent: Ratio): Ratio | null => {
  if (exponent.under !== 1n || exponent.over < -longestBits || exponent.over > longestBits) return null
  const times = magnitude(exponent.over)
  const bits = BigInt(Math.max(base.over.toString(2).length, base.under.toString(2).length))
  if (
    bits * times > longestBits && magnitude(base.over) > 1n ||
    times > 0n && base.under > 1n && bits * times > longestBits
  ) return null
  const over = base.over ** times
  const under = base.under ** times
  return exponent.over < 0n ? ratio(under, over) : ratio(over, under)
}

const factorial = (value: Ratio): Ratio | null => {
  if (value.under !== 1n || value.over < 0n || value.over > largestFactorial) return null
  let product = 1n
  for (let factor = 2n; factor <= value.over; factor++) product *= factor
  return ratio(product, 1n)
}

const binomial = (top: Ratio, bottom: Ratio): Ratio | null => {
  if (top.under !== 1n || bottom.under !== 1n || bottom.over < 0n || top.over < 0n) return null
  if (bottom.over > top.over) return { over: 0n, under: 1n }
  const few = bottom.over * 2n > top.over ? top.over - bottom.over : bottom.over
  if (few > largestFactorial) return null
  let product = 1n
  for (let step = 1n; step <= few; step++) {
    product = product * (top.over - few + step) / step
    if (product > limit) return null
  }
  return { over: product, under: 1n }
}

/** The exact root of a perfect square, else null. */
const wholeRoot = (value: bigint): bigint | null => {
  if (value < 0n) return null
  if (value < 2n) return value
  let guess = 1n << (BigInt(value.toString(2).length + 1) / 2n)
  for (;;) {
    const next = (guess + value / guess) / 2n
    if (next >= guess) return guess * guess === value ? guess : null
    guess = next
  }
}

const floor = ({ over, under }: Ratio): bigint => over >= 0n ? over / under : -((-over + under - 1n) / under)

const token =
  /\s*(?:(\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE]([+-]?\d{1,4})(?![\d.]))?|(\\[a-zA-Z]+)|([-+*/^!(){}[\]|]))/y

/** The value of an arithmetic expression that is the whole text, or null. */
const evaluated = (text: string): Ratio | null => {
  interface Token {
    readonly number: Ratio | null
    readonly sign: string
  }
  const tokens: Array<Token> = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const from = token.lastIndex
    const match = token.exec(text)
    if (match === null) {
      if (text.slice(from).trim() === "") break
      return null
    }
    const [, digits, exponent, command, sign] = match
    if (digits === undefined) tokens.push({ number: null, sign: command ?? sign ?? "" })
    else {
      const [whole = "", fraction = ""] = digits.replaceAll(",", "").split(".")
      const mantissa = ratio(BigInt(whole + fraction), 10n ** BigInt(fraction.length))
      const scale = power({ over: 10n, under: 1n }, { over: BigInt(exponent ?? 0), under: 1n })
      const value = mantissa === null || scale === null
        ? null
        : ratio(mantissa.over * scale.over, mantissa.under * scale.under)
      if (value === null) return null
      tokens.push({ number: value, sign: "" })
    }
  }
  let at = 0
  let depth = 0
  const peek = (): string => tokens[at]?.sign ?? ""
  const group = (open: string, close: string): Ratio | null => {
    if (peek() !== open || depth >= deepest) return null
    at++
    depth++
    const inside = sum()
    depth--
    if (inside === null || peek() !== close) return null
    at++
    return inside
  }
  const argument = (): Ratio | null => {
    if (peek() === "{") return group("{", "}")
    return atom()
  }
  const atom = (): Ratio | null => {
    const next = tokens[at]
    if (next === undefined) return null
    if (next.number !== null) {
      at++
      return next.number
    }
    switch (next.sign) {
      case "(":
        return group("(", ")")
      case "{":
        return group("{", "}")
      case "[":
        return group("[", "]")
      case "|":
        return absolute(group("|", "|"))
      case "\\lvert":
        return absolute(group("\\lvert", "\\rvert"))
      case "\\lfloor": {
        const inside = group("\\lfloor", "\\rfloor")
        return inside === null ? null : { over: floor(inside), under: 1n }
      }
      case "\\lceil": {
        const inside = group("\\lceil", "\\rceil")
        return inside === null ? null : { over: -floor({ over: -inside.over, under: inside.under }), under: 1n }
      }
      case "\\frac": {
        at++
        const over = argument()
        const under = over === null ? null : argument()
        return over === null || under === null ? null : ratio(over.over * under.under, over.under * under.over)
      }
      case "\\binom": {
        at++
        const top = argument()
        const bottom = top === null ? null : argument()
        return top === null || bottom === null ? null : binomial(top, bottom)
      }
      case "\\sqrt": {
        at++
        if (peek() === "[") return null
        const inside = argument()
        const over = inside === null ? null : wholeRoot(inside.over)
        const under = inside === null ? null : wholeRoot(inside.under)
        return over === null || under === null ? null : { over, under }
      }
      default:
        return null
    }
  }
  const absolute = (value: Ratio | null): Ratio | null =>
    value === null ? null : { over: magnitude(value.over), under: value.under }
  const powered = (): Ratio | null => {
    let base = atom()
    if (base !== null && peek() === "!") {
      at++
      // A double factorial is another function, and not the factorial of one.
      base = peek() === "!" ? null : factorial(base)
    }
    if (base === null || peek() !== "^") return base
    at++
    if (depth >= deepest) return null
    depth++
    const exponent = signed()
    depth--
    return exponent === null ? null : power(base, exponent)
  }
  const signed = (): Ratio | null => {
    let negative = false
    while (peek() === "-" || peek() === "+") {
      if (peek() === "-") negative = !negative
      at++
    }
    const value = powered()
    return value === null || !negative ? value : { over: -value.over, under: value.under }
  }
  const product = (): Ratio | null => {
    let value = signed()
    while (value !== null) {
      const sign = peek()
      const times = sign === "*" || sign === "\\cdot" || sign === "\\times"
      const divides = sign === "/" || sign === "\\div"
      const remainder = sign === "\\bmod" || sign === "\\mod"
      const touches = sign === "(" || sign === "\\frac" || sign === "\\binom" || sign === "\\sqrt" ||
        sign === "\\lfloor"
      if (!times && !divides && !remainder && !touches) return value
      if (!touches) at++
      const next = touches ? powered() : signed()
      if (next === null) return null
      if (remainder) {
        if (value.under !== 1n || next.under !== 1n || next.over <= 0n) return null
        value = { over: ((value.over % next.over) + next.over) % next.over, under: 1n }
      } else {
        value = divides
          ? ratio(value.over * next.under, value.under * next.over)
          : ratio(value.over * next.over, value.under * next.under)
      }
    }
    return null
  }
  const sum = (): Ratio | null => {
    let value = product()
    while (value !== null && (peek() === "+" || peek() === "-")) {
      const sign = peek() === "-" ? -1n : 1n
      at++
      const next = product()
      value = next === null
        ? null
        : ratio(value.over * next.under + sign * next.over * value.under, value.under * next.under)
    }
    return value
  }
  const value = sum()
  return value !== null && at === tokens.length ? value : null
}

const wrapper = /^\\(?:text|mathbf|mathrm|textbf|textrm|mathit|boldsymbol|mbox|operatorname)\s*\{([^{}]*)\}/

/** Two equations side by side give two values: "x=1 or x=2". */
const severalEquations = (text: string): boolean => {
  const between = text.slice(text.indexOf("="), Math.max(0, text.lastIndexOf("=")))
  return /(?:[^a-zA-Z]|^)(?:and|or)(?![a-zA-Z])|,(?!\d{3}(?!\d))|;/.test(between)
}

/**
 * An answer as an arithmetic expression: wrappers, units, percent signs and the name it is given to taken off. "" where it has
 * several values.
 */
const arithmetic = (answer: string): string => {
  let text = (lastBoxed(answer) ?? answer).normalize("NFKC")
    .replace(/[\u200b-\u200f\u2060\ufeff]/g, "")
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (sign) => String(sign.charCodeAt(0) % 16))
    .replace(/[−–]/g, "-").replaceAll("×", "*").replaceAll("·", "*").replaceAll("÷", "/").replaceAll("√", "\\sqrt ")
    .replace(/\\[!,;: ]|\\(?:quad|qquad|left|right|displaystyle)(?![a-zA-Z])|~/g, " ")
    .replace(/\\?\$|\\[()[\]]|\*\*|[€£¥]/g, " ")
    .replaceAll("{,}", ",").replace(/\\[dtc]frac(?![a-zA-Z])/g, "\\frac").replace(/\\[dt]binom(?![a-zA-Z])/g, "\\binom")
    .replace(/,\s(?=\d{3}(?!\d))/g, ",")
    .trim()
  if (severalEquations(text)) return ""
  text = text.slice(Math.max(text.lastIndexOf("="), text.lastIndexOf("≡")) + 1)
  const equivalent = text.lastIndexOf("\\equiv")
  if (equivalent >= 0) text = text.slice(equivalent + 6)
  text = text.trim().replace(/\\pmod\s*\{[^{}]*\}$|\\pmod\s*\d+$|\(\s*(?:\\?mod|\\bmod)[^()]*\)$/, "").trim()
  text = text.replace(/(?:\s|^)mod(?=\s)/, " \\bmod")
  for (let count = 0; count < 8; count++) {
    const inside = wrapper.exec(text)
    if (inside === null) break
    text = `${inside[1] ?? ""}${text.slice(inside[0].length)}`.trim()
  }
  return text
    .replace(
      /(?:\s{0,8}\\(?:text|mathrm|mbox|textrm|textnormal|operatorname)\s{0,8}\{[^{}\d]{0,40}\}(?:\^\{?\d\}?)?)+$/,
      ""
    )
    .replace(/\s{0,8}(?:\\?%|\^\s?\{?\s?\\circ\s?\}?|°)$/, "")
    .replace(/(?<=\d) (?=\d{3}(?!\d))/g, "")
    .replace(/(?<=[\d)}])(?:\s{1,8}[a-zA-Z]{1,16}){1,3}\.?$/, "")
    .replace(/(?<=\d)\s?(?:cm|mm|km|kg|mg|ml|ft|in|units?|degrees?|percent)$/, "")
    .replace(/\.$/, "")
    .trim()
}

/** The value of an answer that is still a sentence: "The answer is 42." */
const announced = (answer: string): Ratio | null => {
  const found = extractAnswer(answer)
  return found !== null && (found.by === "anchor" || found.by === "hash") ? evaluated(arithmetic(found.text)) : null
}

/**
 * The whole number that an answer is, or null: not a number, not whole, outside of the range. Expressions are evaluated exactly
 * ("2^{10}", "\binom{5}{2}", "8/2"). In a range nothing is reduced; with a modulus negative numbers are no answer (AIMO 1) and
 * others are taken modulo it. Answers over 2,000 characters, numbers over 65,536 bits and brackets over 64 deep are null.
 * A modulus under 1 and a bound that is no number are mistakes of the caller and throw.
 */
export const integerAnswer = (answer: string, rule: IntegerRule): number | null => {
  if (answer.length > longestText) return null
  const value = evaluated(arithmetic(answer)) ?? announced(answer)
  if (value === null || value.under !== 1n) return null
  if ("modulo" in rule) return value.over < 0n ? null : Number(value.over % BigInt(Math.trunc(rule.modulo)))
  return value.over < BigInt(Math.ceil(rule.least)) || value.over > BigInt(Math.floor(rule.most))
    ? null
    : Number(value.over)
}
