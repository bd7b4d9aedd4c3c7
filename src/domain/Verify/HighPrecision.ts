// Constants to about seventy digits, in fixed-point arithmetic on big integers: where doubles cannot tell two values apart, this can
// (e^(pi sqrt 163) is no integer, sqrt(10^20 + 1) is not 10^10). Real values only, of moderate size.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { exactValue } from "./Exact.ts"
import type { Node } from "./Node.ts"

/** Bits after the point while calculating, and bits that two values must share to be called equal. */
const bits = 320n
const sharedBits = 224n
const one = 1n << bits
/** Values of a larger size are left to others. */
const maxSize = 1n << (bits + 400n)

/** No value here: not real, too large, or a function that is not known to this many digits. */
class NoValue extends Error {}

const fail = (): never => {
  throw new NoValue()
}

const multiply = (a: bigint, b: bigint): bigint => (a * b) >> bits
/** A value that is not zero and so small that its digits are lost has no value here. */
const seen = (x: bigint): bigint => (x < one >> 128n && x > -(one >> 128n) ? fail() : x)
const divide = (a: bigint, b: bigint): bigint => (b === 0n ? fail() : (a << bits) / b)

const squareRoot = (x: bigint): bigint => {
  if (x < 0n) return fail()
  if (x === 0n) return 0n
  const value = x << bits
  let guess = 1n << BigInt(Math.ceil(value.toString(16).length * 2) + 1)
  for (;;) {
    const next = (guess + value / guess) >> 1n
    if (next >= guess) return guess
    guess = next
  }
}

/** arctan(1/n) for an integer n, by its series. */
const inverseTangentOf = (n: bigint): bigint => {
  const square = n * n
  let term = one / n
  let sum = term
  for (let k = 3n; term !== 0n; k += 2n) {
    term = -term / square
    sum += term / k
  }
  return sum
}

/** Machin 1706: pi/4 = 4 arctan(1/5) - arctan(1/239). */
const pi = 4n * (4n * inverseTangentOf(5n) - inverseTangentOf(239n))

/** ln 2 = 2 artanh(1/3). */
const logarithmOfTwo = (() => {
  let term = one / 3n
  let sum = term
  for (let k = 3n; term !== 0n; k += 2n) {
    term /= 9n
    sum += term / k
  }
  return 2n * sum
})()

const exponential = (x: bigint): bigint => {
  const shifts = x / logarithmOfTwo - (x < 0n ? 1n : 0n)
  if (shifts > 400n || shifts < -400n) return fail()
  const rest = (x - shifts * logarithmOfTwo) >> 8n
  let term = one
  let sum = one
  for (let k = 1n; term !== 0n; k++) {
    term = multiply(term, rest) / k
    sum += term
  }
  for (let k = 0; k < 8; k++) sum = multiply(sum, sum)
  return shifts >= 0n ? sum << shifts : sum >> -shifts
}

const logarithm = (x: bigint): bigint => {
  if (x <= 0n) return fail()
  const length = BigInt(x.toString(2).length) - 1n - bits
  const mantissa = length >= 0n ? x >> length : x << -length
  // Newton: y <- y + 2 (m - e^y) / (m + e^y), from a double's guess, triples its digits each time.
  let y = BigInt(Math.round(Math.log(Number(mantissa >> (bits - 52n)) / 2 ** 52) * 2 ** 52)) << (bits - 52n)
  for (let k = 0; k < 4; k++) {
    const e = exponential(y)
    y += 2n * divide(mantissa - e, mantissa + e)
  }
  return y + length * logarithmOfTwo
}

/** Sine and cosine together, by halving the angle and doubling back. */
const sineAndCosine = (x: bigint): readonly [bigint, bigint] => {
  const turn = 2n * pi
  let angle = x % turn
  if (angle > pi) angle -= turn
  if (angle < -pi) angle += turn
  const small = angle >> 8n
  const square = multiply(small, small)
  let term = small
  let sine = small
  for (let k = 2n; term !== 0n; k += 2n) {
    term = -multiply(term, square) / (k * (k + 1n))
    sine += term
  }
  let cosine = squareRoot(one - multiply(sine, sine))
  for (let k = 0; k < 8; k++) {
    const doubled = 2n * multiply(sine, cosine)
    cosine = one - 2n * multiply(sine, sine)
    sine = doubled
  }
  return [sine, cosine]
}

const arctangent = (x: bigint): bigint => {
  if (x < 0n) return -arctangent(-x)
  if (x > one) return pi / 2n - arctangent(divide(one, x))
  let small = x
  for (let k = 0; k < 6; k++) small = divide(small, one + squareRoot(one + multiply(small, small)))
  const square = multiply(small, small)
  let term = small
  let sum = small
  for (let k = 3n; term !== 0n; k += 2n) {
    term = -multiply(term, square)
    sum += term / k
  }
  return sum << 6n
}

const arcsine = (x: bigint): bigint => {
  if (x > one || x < -one) return fail()
  const root = squareRoot(one - multiply(x, x))
  if (root === 0n) return x > 0n ? pi / 2n : -pi / 2n
  return arctangent(divide(x, root))
}

const integerPower = (base: bigint, exponent: bigint): bigint => {
  if (exponent < 0n) return divide(one, integerPower(base, -exponent))
  let result = one
  let square = base
  for (let e = exponent; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = bounded(multiply(result, square))
    if (e > 1n) square = bounded(multiply(square, square))
  }
  return result
}

const bounded = (x: bigint): bigint => (x > maxSize || x < -maxSize ? fail() : x)

class Evaluation {
  readonly budget: Budget

  constructor(budget: Budget) {
    this.budget = budget
  }

  value(node: Node): bigint {
    spend(this.budget, 40)
    return bounded(this.compute(node))
  }

  compute(node: Node): bigint {
    switch (node.k) {
      case "num":
        return node.q.n === 0n ? 0n : seen((node.q.n << bits) / node.q.d)
      case "based":
        return node.value << bits
      case "unit":
        return this.value(node.x)
      case "percent":
        return this.value(node.x) / 100n
      case "degree":
        return multiply(this.value(node.x), pi) / 180n
      case "sym":
        if (node.name === "pi") return pi
        return node.name === "e" ? exponential(one) : fail()
      case "add":
        return node.args.reduce((sum, arg) => sum + this.value(arg), 0n)
      case "mul":
        return node.args.reduce((result, arg) => {
          const value = this.value(arg)
          return result === 0n || value === 0n ? 0n : seen(multiply(result, value))
        }, one)
      case "div": {
        const a = this.value(node.a)
        const b = divide(a, this.value(node.b))
        return a === 0n ? 0n : seen(b)
      }
      case "pow": {
        const base = this.value(node.base)
        return base === 0n ? this.power(base, node.exp) : seen(this.power(base, node.exp))
      }
      case "fn":
        spend(this.budget, 5000)
        return this.apply(node.name, node.args)
      case "big": {
        const exact = exactValue(node, this.budget)
        return exact === null || exact === "undefined" ? fail() : (exact.n << bits) / exact.d
      }
      default:
        return fail()
    }
  }

  power(base: bigint, exponent: Node): bigint {
    const exact = exactValue(exponent, this.budget)
    if (exact !== null && exact !== "undefined") {
      if (exact.d === 1n && exact.n < 100_000n && exact.n > -100_000n) return integerPower(base, exact.n)
      if (exact.d < 1000n && exact.n < 1000n && exact.n > -1000n) {
        return integerPower(this.root(base, Number(exact.d)), exact.n)
      }
    }
    spend(this.budget, 8000)
    return base === 0n ? 0n : exponential(multiply(logarithm(base), this.value(exponent)))
  }

  root(x: bigint, index: number): bigint {
    spend(this.budget, 2000)
    if (x === 0n) return 0n
    if (index === 2) return squareRoot(x)
    if (x < 0n) return index % 2 === 0 ? fail() : -this.root(-x, index)
    return exponential(logarithm(x) / BigInt(index))
  }

  apply(name: string, args: ReadonlyArray<Node>): bigint {
    const [first, second] = args
    if (first === undefined) return fail()
    const x = this.value(first)
    switch (name) {
      case "sqrt": {
        if (second === undefined) return squareRoot(x)
        const index = exactValue(second, this.budget)
        return index === null || index === "undefined" || index.d !== 1n || index.n < 1n || index.n > 1000n
          ? fail()
          : this.root(x, Number(index.n))
      }
      case "sin":
        return sineAndCosine(x)[0]
      case "cos":
        return sineAndCosine(x)[1]
      case "tan": {
        const [sine, cosine] = sineAndCosine(x)
        return divide(sine, cosine)
      }
      case "cot": {
        const [sine, cosine] = sineAndCosine(x)
        return divide(cosine, sine)
      }
      case "sec":
        return divide(one, sineAndCosine(x)[1])
      case "csc":
        return divide(one, sineAndCosine(x)[0])
      case "arcsin":
        return arcsine(x)
      case "arccos":
        return pi / 2n - arcsine(x)
      case "arctan":
        return arctangent(x)
      case "arccot":
        return pi / 2n - arctangent(x)
      case "sinh":
        return (exponential(x) - exponential(-x)) / 2n
      case "cosh":
        return (exponential(x) + exponential(-x)) / 2n
      case "tanh": {
        const up = exponential(x)
        const down = exponential(-x)
        return divide(up - down, up + down)
      }
      case "ln":
        return logarithm(x)
      case "log":
        return second === undefined ? logarithm(x) : divide(logarithm(x), logarithm(this.value(second)))
      case "abs":
        return x < 0n ? -x : x
      case "max":
        return args.map((arg) => this.value(arg)).reduce((a, b) => (a > b ? a : b))
      case "min":
        return args.map((arg) => this.value(arg)).reduce((a, b) => (a < b ? a : b))
      default: {
        const exact = exactValue({ k: "fn", name, args }, this.budget)
        return exact === null || exact === "undefined" ? fail() : (exact.n << bits) / exact.d
      }
    }
  }
}

/**
 * Whether two real constants are equal to about 67 digits. `unknown` where one has no value here, or both are too small for that
 * many digits.
 */
export const sameConstant = (a: Node, b: Node, budget: Budget): "equal" | "unequal" | "unknown" => {
  try {
    const evaluation = new Evaluation(budget)
    const left = evaluation.value(a)
    const right = evaluation.value(b)
    const apart = left > right ? left - right : right - left
    const size = left < 0n ? -left : left
    const scale = size > one ? size : one
    if (apart > scale >> sharedBits) return "unequal"
    return size !== 0n && size < 1n << (bits - 64n) ? "unknown" : "equal"
  } catch (error) {
    if (error instanceof NoValue) return "unknown"
    throw error
  }
}
