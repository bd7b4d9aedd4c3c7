// Exact values of constant expressions: fractions of big integers, within a bound of bits. No floating point.
import type { Budget } from "./Budget.ts"
import { spend, StepsExhausted } from "./Budget.ts"
import type { Node } from "./Node.ts"
import type { Rational } from "./Rational.ts"
import * as Q from "./Rational.ts"

/** Values of bound variables (of sums) by name. */
export type Bindings = ReadonlyMap<string, Rational>

/** `undefined`: there is no such value (division by zero). `null`: it is not a fraction, or too large to be written out. */
export type Exact = Rational | "undefined" | null

/** Numerators and denominators of more bits are not written out. */
const maxBits = 400_000
const maxTerms = 20_000
const noBindings: Bindings = new Map()

const bitsIn = (value: bigint): number => (value === 1n ? 1 : Q.bitLength(value))

/** Pays for a product of n bits, and for the greatest common divisor that brings it to lowest terms, before either is begun. */
const pay = (budget: Budget, numeratorBits: number, denominatorBits: number): boolean => {
  const few = Math.min(numeratorBits, denominatorBits)
  const many = Math.max(numeratorBits, denominatorBits)
  if (many > maxBits) return false
  spend(budget, 4 + many / 8 + (many * many) / 400_000 + (few <= 1 ? 0 : 0.6 * few * (10 + many / 600)))
  return true
}

const sum = (a: Rational, b: Rational, budget: Budget): Rational | null => {
  const [an, ad, bn, bd] = [bitsIn(a.n), bitsIn(a.d), bitsIn(b.n), bitsIn(b.d)]
  return pay(budget, Math.max(an + bd, bn + ad), a.d === 1n && b.d === 1n ? 1 : ad + bd) ? Q.add(a, b) : null
}

const times = (a: Rational, b: Rational, budget: Budget): Rational | null =>
  pay(budget, bitsIn(a.n) + bitsIn(b.n), a.d === 1n && b.d === 1n ? 1 : bitsIn(a.d) + bitsIn(b.d))
    ? Q.multiply(a, b)
    : null

const over = (a: Rational, b: Rational, budget: Budget): Rational | null =>
  pay(budget, bitsIn(a.n) + bitsIn(b.d), bitsIn(a.d) + bitsIn(b.n)) ? Q.divide(a, b) : null

const commonDivisor = (a: Rational, b: Rational, budget: Budget): Rational | null =>
  pay(budget, bitsIn(a.n) + bitsIn(b.d), bitsIn(b.n) + bitsIn(a.d)) &&
    pay(budget, bitsIn(a.n), bitsIn(a.d) + bitsIn(b.d))
    ? Q.gcd(a, b)
    : null

/** Steps of one exact evaluation: where they do not suffice, other ways are left to try. */
const exactSteps = 600_000

/** The exact value of a constant expression; null also where it takes too many steps. Throws `StepsExhausted` when the budget is gone. */
export const exactValue = (node: Node, budget: Budget): Exact => {
  if (node.k === "num") return node.q
  const part: Budget = { left: Math.min(exactSteps, budget.left) }
  const before = part.left
  try {
    const value = valueIn(node, part, noBindings)
    spend(budget, before - part.left)
    return value
  } catch (error) {
    if (!(error instanceof StepsExhausted)) throw error
    spend(budget, before)
    return null
  }
}

const valueIn = (node: Node, budget: Budget, bindings: Bindings): Exact => {
  spend(budget, 4)
  switch (node.k) {
    case "num":
      return node.q
    case "based":
      return { n: node.value, d: 1n }
    case "sym":
      return bindings.get(node.name) ?? null
    case "unit":
      return valueIn(node.x, budget, bindings)
    case "percent": {
      const x = valueIn(node.x, budget, bindings)
      return typeof x === "object" && x !== null ? Q.rational(x.n, x.d * 100n) : x
    }
    case "add":
    case "mul": {
      let total = node.k === "add" ? Q.zero : Q.one
      for (const arg of node.args) {
        const value = valueIn(arg, budget, bindings)
        if (value === null || value === "undefined") return value
        const next = node.k === "add" ? sum(total, value, budget) : times(total, value, budget)
        if (next === null) return null
        total = next
      }
      return total
    }
    case "div": {
      const a = valueIn(node.a, budget, bindings)
      const b = valueIn(node.b, budget, bindings)
      if (typeof b === "object" && b !== null && Q.isZero(b)) return "undefined"
      if (a === null || b === null || a === "undefined" || b === "undefined") {
        return a === "undefined" || b === "undefined" ? "undefined" : null
      }
      return over(a, b, budget)
    }
    case "pow": {
      const base = valueIn(node.base, budget, bindings)
      if (base === null || base === "undefined") return base
      const exponent = valueIn(node.exp, budget, bindings)
      return exponent === null || exponent === "undefined" ? exponent : exactPower(base, exponent, budget)
    }
    case "fn":
      return exactFunction(node.name, node.args, budget, bindings)
    case "big":
      return node.op === "sum" || node.op === "prod" ? exactSeries(node, budget, bindings) : null
    default:
      return null
  }
}

/** base^exponent where that is a fraction; exponents may be fractions when the root is exact. */
const exactPower = (base: Rational, exponent: Rational, budget: Budget): Exact => {
  if (!Q.isInteger(exponent)) {
    if (exponent.d > 64n) return null
    const root = exactRoot(base, Number(exponent.d), budget)
    return root === null ? null : exactPower(root, { n: exponent.n, d: 1n }, budget)
  }
  if (Q.isZero(base)) return exponent.n < 0n ? "undefined" : Q.isZero(exponent) ? Q.one : Q.zero
  if (base.d === 1n && (base.n === 1n || base.n === -1n)) return exponent.n % 2n === 0n ? Q.one : base
  const size = exponent.n < 0n ? -exponent.n : exponent.n
  const bits = Q.bitsOf(base)
  if (size > BigInt(maxBits) || Number(size) * bits > maxBits) return null
  spend(budget, 4 + (Number(size) * bits) ** 2 / 400_000)
  const power = { n: base.n ** size, d: base.d ** size }
  return exponent.n < 0n ? Q.rational(power.d, power.n) : power
}

/** The exact real root, or null where it is none; odd roots of negative numbers are negative. */
const exactRoot = (q: Rational, index: number, budget: Budget): Rational | null => {
  if (index < 1) return null
  if (q.n < 0n) {
    if (index % 2 === 0) return null
    const root = exactRoot(Q.negate(q), index, budget)
    return root === null ? null : Q.negate(root)
  }
  const n = integerRoot(q.n, index, budget)
  const d = integerRoot(q.d, index, budget)
  return n === null || d === null ? null : { n, d }
}

/** The integer whose power is exactly `value` (not negative), or null. Newton's iteration from above. */
const integerRoot = (value: bigint, index: number, budget: Budget): bigint | null => {
  if (value < 2n || index === 1) return value
  const bits = value.toString(16).length * 4
  spend(budget, 16 + (bits * bits) / 2000)
  const k = BigInt(index)
  let guess = 1n << BigInt(Math.ceil(bits / index) + 1)
  for (;;) {
    const next = ((k - 1n) * guess + value / guess ** (k - 1n)) / k
    if (next >= guess) return guess ** k === value ? guess : null
    guess = next
    spend(budget, 4 + bits / 8)
  }
}

const exactFunction = (name: string, args: ReadonlyArray<Node>, budget: Budget, bindings: Bindings): Exact => {
  const values: Array<Rational> = []
  if (name === "det") return null
  for (const arg of args) {
    const value = valueIn(arg, budget, bindings)
    if (value === null || value === "undefined") return value
    values.push(value)
  }
  const [first, second] = values
  if (first === undefined) return null
  switch (name) {
    case "sqrt":
      return second === undefined ?
        exactRoot(first, 2, budget) :
        Q.isInteger(second) && second.n > 0n && second.n <= 64n
        ? exactRoot(first, Number(second.n), budget)
        : null
    case "abs":
      return Q.absolute(first)
    case "floor":
      return Q.floor(first)
    case "ceil":
      return Q.ceiling(first)
    case "sgn":
      return { n: first.n < 0n ? -1n : first.n > 0n ? 1n : 0n, d: 1n }
    case "max":
      return values.reduce((a, b) => (Q.compare(a, b) >= 0 ? a : b))
    case "min":
      return values.reduce((a, b) => (Q.compare(a, b) <= 0 ? a : b))
    case "gcd":
    case "lcm": {
      let result = Q.absolute(first)
      for (const value of values.slice(1)) {
        const common = commonDivisor(result, value, budget)
        if (common === null) return null
        if (name === "gcd") result = common
        else if (Q.isZero(common)) result = Q.zero
        else {
          const part = over(Q.absolute(value), common, budget)
          const multiple = part === null ? null : times(result, part, budget)
          if (multiple === null) return null
          result = multiple
        }
      }
      return result
    }
    case "mod":
      if (second === undefined || over(first, second, budget) === null) {
        return second !== undefined && Q.isZero(second)
          ? "undefined"
          : null
      }
      return Q.modulo(first, second) ?? "undefined"
    case "binom":
      return second === undefined ? null : binomial(first, second, budget)
    case "factorial":
    case "doublefactorial":
      return factorial(first, name === "factorial" ? 1n : 2n, budget)
    default:
      return null
  }
}

const factorial = (q: Rational, step: bigint, budget: Budget): Exact => {
  if (!Q.isInteger(q) || q.n < 0n) return "undefined"
  if (q.n > 5000n) return null
  let product = 1n
  for (let k = q.n; k > 1n; k -= step) {
    product *= k
    spend(budget, 2 + Number(q.n - k) / 16)
  }
  return { n: product, d: 1n }
}

const binomial = (n: Rational, k: Rational, budget: Budget): Exact => {
  if (!Q.isInteger(n) || !Q.isInteger(k)) return null
  if (k.n < 0n || (n.n >= 0n && k.n > n.n)) return Q.zero
  const few = n.n >= 0n && n.n - k.n < k.n ? n.n - k.n : k.n
  if (few > 5000n) return null
  const bits = bitsIn(n.n)
  if (bits * Number(few) > maxBits) return null
  let value = 1n
  for (let j = 0n; j < few; j++) {
    value = (value * (n.n - j)) / (j + 1n)
    spend(budget, 8 + (Number(j) * bits * (bits + 64)) / 20_000)
  }
  return { n: value, d: 1n }
}

const exactSeries = (node: Extract<Node, { k: "big" }>, budget: Budget, bindings: Bindings): Exact => {
  const from = valueIn(node.from, budget, bindings)
  const to = valueIn(node.to, budget, bindings)
  if (from === null || to === null || from === "undefined" || to === "undefined") return null
  if (!Q.isInteger(from) || !Q.isInteger(to) || to.n - from.n > BigInt(maxTerms)) return null
  let total = node.op === "sum" ? Q.zero : Q.one
  const inner = new Map(bindings)
  for (let k = from.n; k <= to.n; k++) {
    inner.set(node.variable, { n: k, d: 1n })
    const value = valueIn(node.body, budget, inner)
    if (value === null || value === "undefined") return value
    const next = node.op === "sum" ? sum(total, value, budget) : times(total, value, budget)
    if (next === null) return null
    total = next
  }
  return total
}
