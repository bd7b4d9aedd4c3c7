// Exact fractions of big integers, in lowest terms with a positive denominator. Their size is bounded by whoever makes them.

export interface Rational {
  readonly n: bigint
  readonly d: bigint
}

const gcdOf = (a: bigint, b: bigint): bigint => {
  let x = a < 0n ? -a : a
  let y = b < 0n ? -b : b
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** n/d in lowest terms. `d` must not be zero. */
export const rational = (n: bigint, d = 1n): Rational => {
  if (d === 1n) return { n, d }
  const common = gcdOf(n, d)
  const sign = d < 0n ? -1n : 1n
  return common === 1n ? { n: sign * n, d: sign * d } : { n: (sign * n) / common, d: (sign * d) / common }
}

export const zero: Rational = { n: 0n, d: 1n }
export const one: Rational = { n: 1n, d: 1n }
export const minusOne: Rational = { n: -1n, d: 1n }

export const isInteger = (q: Rational): boolean => q.d === 1n
export const isZero = (q: Rational): boolean => q.n === 0n
export const equals = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d
export const negate = (q: Rational): Rational => ({ n: -q.n, d: q.d })
export const absolute = (q: Rational): Rational => (q.n < 0n ? negate(q) : q)
export const add = (a: Rational, b: Rational): Rational =>
  a.d === 1n && b.d === 1n ? { n: a.n + b.n, d: 1n } : rational(a.n * b.d + b.n * a.d, a.d * b.d)
export const subtract = (a: Rational, b: Rational): Rational => add(a, negate(b))
export const multiply = (a: Rational, b: Rational): Rational =>
  a.d === 1n && b.d === 1n ? { n: a.n * b.n, d: 1n } : rational(a.n * b.n, a.d * b.d)
/** a/b, or null where b is zero. */
export const divide = (
  a: Rational,
  b: Rational
): Rational | null => (b.n === 0n ? null : rational(a.n * b.d, a.d * b.n))
/** Negative, zero or positive as a is below, at or above b. */
export const compare = (a: Rational, b: Rational): number => {
  const left = a.n * b.d
  const right = b.n * a.d
  return left < right ? -1 : left > right ? 1 : 0
}
export const floor = (q: Rational): Rational => {
  const whole = q.n / q.d
  return { n: q.n < 0n && whole * q.d !== q.n ? whole - 1n : whole, d: 1n }
}
export const ceiling = (q: Rational): Rational => negate(floor(negate(q)))
/** Greatest common divisor of fractions: the largest fraction of which both are whole multiples. */
export const gcd = (a: Rational, b: Rational): Rational => rational(gcdOf(a.n * b.d, b.n * a.d), a.d * b.d)
/** a - b * floor(a / b), with the sign of b; null where b is zero. */
export const modulo = (a: Rational, b: Rational): Rational | null => {
  const quotient = divide(a, b)
  return quotient === null ? null : subtract(a, multiply(b, floor(quotient)))
}

/** Bits of the larger of numerator and denominator, to within four. */
export const bitsOf = (q: Rational): number => (bitLength(q.n) > bitLength(q.d) ? bitLength(q.n) : bitLength(q.d))
/** Bits of an integer without its sign, to within four. */
export const bitLength = (value: bigint): number =>
  value > -0x1fffffffffffffn && value < 0x1fffffffffffffn
    ? Math.ceil(Math.log2(Math.abs(Number(value)) + 1))
    : value.toString(16).length * 4

/** The nearest double; infinite where it is out of range. */
export const toNumber = (q: Rational): number => {
  if (q.d === 1n) return Number(q.n)
  const n = Number(q.n)
  const d = Number(q.d)
  if (Math.abs(n) < 2 ** 53 && d < 2 ** 53) return n / d
  const shift = BigInt(Math.max(0, bitLength(q.d) - bitLength(q.n) + 64))
  const scaled = Number((q.n << shift) / q.d)
  return scaled / 2 ** Number(shift)
}

/** "12", "-0.125", ".5": digits with at most one point and a sign. Null for anything else. */
export const fromDecimal = (text: string): Rational | null => {
  const match = /^([+-]?)(\d*)\.?(\d*)$/.exec(text)
  if (match === null) return null
  const [, sign = "", whole = "", fraction = ""] = match
  if (whole === "" && fraction === "") return null
  const digits = BigInt(whole + fraction)
  return rational(sign === "-" ? -digits : digits, fraction === "" ? 1n : 10n ** BigInt(fraction.length))
}
