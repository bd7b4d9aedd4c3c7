// Values of expressions at points, in doubles. Real evaluation gives NaN where a value is not real or does not exist; complex
// evaluation takes principal branches, but odd roots of negative reals are real, as competition problems mean them.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { exactValue } from "./Exact.ts"
import type { Node } from "./Node.ts"
import { toNumber } from "./Rational.ts"

export type Point = ReadonlyMap<string, number>

const maxTerms = 20_000

const gammaCoefficients = [
  0.99999999999980993,
  676.5203681218851,
  -1259.1392167224028,
  771.32342877765313,
  -176.61502916214059,
  12.507343278686905,
  -0.13857109526572012,
  9.9843695780195716e-6,
  1.5056327351493116e-7
]

/** Gamma of x + 1 (Lanczos, g = 7), exact for small integers; NaN at negative integers. */
const factorialOf = (x: number): number => {
  if (Number.isInteger(x)) {
    if (x < 0) return NaN
    if (x > 170) return Infinity
    let product = 1
    for (let k = 2; k <= x; k++) product *= k
    return product
  }
  if (x < -0.5) return Math.PI / (Math.sin(Math.PI * (x + 1)) * factorialOf(-x - 1))
  let sum = gammaCoefficients[0] ?? 0
  for (let k = 1; k < 9; k++) sum += (gammaCoefficients[k] ?? 0) / (x + k)
  const t = x + 7.5
  return Math.sqrt(2 * Math.PI) * t ** (x + 0.5) * Math.exp(-t) * sum
}

const gcdOf = (a: number, b: number): number => {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return NaN
  let x = Math.abs(a)
  let y = Math.abs(b)
  while (y !== 0) [x, y] = [y, x % y]
  return x
}

/** The odd denominator of a literal exponent such as 2/3, or 0. */
const oddRoot = (exponent: Node, budget: Budget): { readonly n: number; readonly d: number } | null => {
  if (exponent.k !== "num" && exponent.k !== "div") return null
  const q = exactValue(exponent, budget)
  return typeof q === "object" && q !== null && q.d > 1n && q.d % 2n === 1n && q.d < 1000n
    ? { n: Number(q.n), d: Number(q.d) }
    : null
}

/** One real evaluation. `peak` is the largest intermediate size, from which the rounding error is estimated. */
export class RealEvaluation {
  readonly point: Map<string, number>
  readonly budget: Budget
  peak = 0

  constructor(point: Point, budget: Budget) {
    this.point = new Map(point)
    this.budget = budget
  }

  value(node: Node): number {
    const result = this.compute(node)
    const size = Math.abs(result)
    if (size > this.peak && size !== Infinity) this.peak = size
    return result
  }

  compute(node: Node): number {
    spend(this.budget, 4)
    switch (node.k) {
      case "num":
        return toNumber(node.q)
      case "based":
        return Number(node.value)
      case "sym":
        return this.point.get(node.name) ?? constantValue(node.name)
      case "unit":
        return this.value(node.x)
      case "percent":
        return this.value(node.x) / 100
      case "degree":
        return (this.value(node.x) * Math.PI) / 180
      case "add": {
        let sum = 0
        for (const arg of node.args) sum += this.value(arg)
        return sum
      }
      case "mul": {
        let result = 1
        for (const arg of node.args) result *= this.value(arg)
        return result
      }
      case "div": {
        const b = this.value(node.b)
        return b === 0 ? NaN : this.value(node.a) / b
      }
      case "pow": {
        const base = this.value(node.base)
        const root = base < 0 ? oddRoot(node.exp, this.budget) : null
        if (root !== null) return (root.n % 2 === 0 ? 1 : -1) * (-base) ** (root.n / root.d)
        const exponent = this.value(node.exp)
        return base === 0 && exponent <= 0 ? (exponent === 0 ? 1 : NaN) : base ** exponent
      }
      case "fn":
        return this.apply(node.name, node.args)
      case "big":
        return this.series(node)
      default:
        return NaN
    }
  }

  apply(name: string, args: ReadonlyArray<Node>): number {
    return realFunctions.has(name) ? realFunction(name, args.map((arg) => this.value(arg))) : NaN
  }

  /** A finite sum, product or integral, or a limit; NaN where it has too many terms or does not settle. */
  series(node: Extract<Node, { k: "big" }>): number {
    const { variable, body } = node
    const before = this.point.get(variable)
    const at = (x: number): number => {
      this.point.set(variable, x)
      return this.value(body)
    }
    const restore = () => {
      if (before === undefined) this.point.delete(variable)
      else this.point.set(variable, before)
    }
    const from = this.value(node.from)
    if (node.op === "lim") {
      const value = limit(at, from)
      restore()
      return value
    }
    const to = this.value(node.to)
    let total: number
    if (node.op === "int") total = integral(at, from, to)
    else if (!Number.isInteger(from) || !Number.isInteger(to) || to - from > maxTerms) total = NaN
    else {
      total = node.op === "sum" ? 0 : 1
      for (let k = from; k <= to; k++) total = node.op === "sum" ? total + at(k) : total * at(k)
    }
    restore()
    return total
  }
}

const realFunctions = new Set(
  ("sqrt sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch arcsinh arccosh arctanh ln log abs "
    + "norm floor ceil round sgn Re Im max min gcd lcm mod binom factorial doublefactorial").split(" ")
)

/** A function at real values; NaN where it has none there. */
const realFunction = (name: string, values: ReadonlyArray<number>): number => {
  const [x, second] = values
  if (x === undefined) return NaN
  const y = second ?? NaN
  switch (name) {
    case "sqrt":
      if (second === undefined) return Math.sqrt(x)
      if (x < 0) return Number.isInteger(y) && Math.abs(y % 2) === 1 ? -((-x) ** (1 / y)) : NaN
      return y === 0 ? NaN : x ** (1 / y)
    case "sin":
      return Math.sin(x)
    case "cos":
      return Math.cos(x)
    case "tan":
      return Math.tan(x)
    case "cot":
      return 1 / Math.tan(x)
    case "sec":
      return 1 / Math.cos(x)
    case "csc":
      return 1 / Math.sin(x)
    case "arcsin":
      return Math.asin(x)
    case "arccos":
      return Math.acos(x)
    case "arctan":
      return Math.atan(x)
    case "arccot":
      return Math.PI / 2 - Math.atan(x)
    case "arcsec":
      return Math.acos(1 / x)
    case "arccsc":
      return Math.asin(1 / x)
    case "sinh":
      return Math.sinh(x)
    case "cosh":
      return Math.cosh(x)
    case "tanh":
      return Math.tanh(x)
    case "coth":
      return 1 / Math.tanh(x)
    case "sech":
      return 1 / Math.cosh(x)
    case "csch":
      return 1 / Math.sinh(x)
    case "arcsinh":
      return Math.asinh(x)
    case "arccosh":
      return Math.acosh(x)
    case "arctanh":
      return Math.atanh(x)
    case "ln":
      return x > 0 ? Math.log(x) : NaN
    case "log":
      // Without a base it is the natural one for both sides, or ten for both: the caller compares like with like.
      return x > 0 ? second === undefined ? Math.log(x) : y > 0 && y !== 1 ? Math.log(x) / Math.log(y) : NaN : NaN
    case "abs":
    case "norm":
      return Math.abs(x)
    case "floor":
      return Math.floor(x + Math.abs(x) * 1e-15)
    case "ceil":
      return Math.ceil(x - Math.abs(x) * 1e-15)
    case "round":
      return Math.round(x)
    case "sgn":
      return Math.sign(x)
    case "Re":
      return x
    case "Im":
      return 0
    case "max":
      return Math.max(...values)
    case "min":
      return Math.min(...values)
    case "gcd":
      return values.reduce(gcdOf, 0)
    case "lcm":
      return values.reduce((least, value) => {
        const common = gcdOf(least, value)
        return common === 0 ? 0 : Math.abs(least * value) / common
      }, 1)
    case "mod":
      return y === 0 ? NaN : x - y * Math.floor(x / y)
    case "binom":
      if (Number.isInteger(y) && y >= 0 && y < 1000) {
        let value = 1
        for (let k = 0; k < y; k++) value *= (x - k) / (k + 1)
        return value
      }
      return factorialOf(x) / (factorialOf(y) * factorialOf(x - y))
    case "factorial":
      return factorialOf(x)
    case "doublefactorial": {
      if (!Number.isInteger(x) || x < -1 || x > 300) return NaN
      let product = 1
      for (let k = x; k > 1; k -= 2) product *= k
      return product
    }
    default:
      return NaN
  }
}

const constantValue = (name: string): number => {
  switch (name) {
    case "pi":
      return Math.PI
    case "e":
      return Math.E
    case "infinity":
      return Infinity
    default:
      return NaN
  }
}

const nodes = [0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717]
const weights = [0.2955242247147529, 0.2692667193099963, 0.219086362515982, 0.1494513491505806, 0.0666713443086881]

/** Ten-point Gauss-Legendre on `pieces` equal pieces. */
const gauss = (f: (x: number) => number, from: number, to: number, pieces: number): number => {
  const width = (to - from) / pieces
  let total = 0
  for (let piece = 0; piece < pieces; piece++) {
    const middle = from + (piece + 0.5) * width
    for (let k = 0; k < nodes.length; k++) {
      const offset = ((nodes[k] ?? 0) * width) / 2
      total += (weights[k] ?? 0) * (f(middle - offset) + f(middle + offset))
    }
  }
  return (total * width) / 2
}

/** A proper integral that two resolutions agree on to 11 digits; NaN otherwise. */
const integral = (f: (x: number) => number, from: number, to: number): number => {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return NaN
  const coarse = gauss(f, from, to, 8)
  const fine = gauss(f, from, to, 16)
  return Math.abs(coarse - fine) <= 1e-11 * Math.max(1, Math.abs(fine)) ? fine : NaN
}

/** The value at h = 0 of a smooth function of h > 0, by Richardson's extrapolation; NaN where it does not settle to nine digits. */
const extrapolated = (f: (h: number) => number): number => {
  const rows: Array<Array<number>> = []
  for (let row = 0; row < 8; row++) {
    const line = [f(0.1 / 2 ** row)]
    for (let column = 1; column <= row; column++) {
      const factor = 2 ** column
      line.push((factor * (line[column - 1] ?? NaN) - (rows[row - 1]?.[column - 1] ?? NaN)) / (factor - 1))
    }
    rows.push(line)
  }
  const last = rows.at(-1)?.at(-1) ?? NaN
  const previous = rows.at(-2)?.at(-1) ?? NaN
  return Math.abs(last - previous) <= 1e-9 * Math.max(1, Math.abs(last)) ? last : NaN
}

/** A limit from the sides on which there are values; NaN where they differ or do not settle. */
const limit = (f: (x: number) => number, to: number): number => {
  if (!Number.isFinite(to)) return extrapolated((h) => f(to > 0 ? 1 / h : -1 / h))
  const right = Number.isNaN(f(to + 0.01)) ? null : extrapolated((h) => f(to + h))
  const left = Number.isNaN(f(to - 0.01)) ? null : extrapolated((h) => f(to - h))
  if (right === null || left === null) return right ?? left ?? NaN
  return Math.abs(right - left) <= 1e-8 * Math.max(1, Math.abs(right)) ? (right + left) / 2 : NaN
}

export interface Complex {
  readonly re: number
  readonly im: number
}

const complex = (re: number, im: number): Complex => ({ re, im })
const nowhere = complex(NaN, NaN)
const plus = (a: Complex, b: Complex): Complex => complex(a.re + b.re, a.im + b.im)
const times = (a: Complex, b: Complex): Complex =>
  a.im === 0 && b.im === 0 ? complex(a.re * b.re, 0) : complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
const over = (a: Complex, b: Complex): Complex => {
  const size = b.re * b.re + b.im * b.im
  return size === 0 ? nowhere : complex((a.re * b.re + a.im * b.im) / size, (a.im * b.re - a.re * b.im) / size)
}
const exponential = (z: Complex): Complex => {
  const r = Math.exp(z.re)
  return z.im === 0 ? complex(r, 0) : complex(r * Math.cos(z.im), r * Math.sin(z.im))
}
const logarithm = (z: Complex): Complex => {
  const size = Math.hypot(z.re, z.im)
  return size === 0 ? nowhere : complex(Math.log(size), Math.atan2(z.im, z.re))
}
const raised = (a: Complex, b: Complex): Complex => {
  if (a.re === 0 && a.im === 0) return b.re > 0 ? complex(0, 0) : b.re === 0 && b.im === 0 ? complex(1, 0) : nowhere
  if (b.im === 0 && Number.isInteger(b.re) && Math.abs(b.re) <= 64) {
    let result = complex(1, 0)
    for (let k = Math.abs(b.re); k > 0; k--) result = times(result, a)
    return b.re < 0 ? over(complex(1, 0), result) : result
  }
  return exponential(times(b, logarithm(a)))
}
const sine = (z: Complex): Complex => complex(Math.sin(z.re) * Math.cosh(z.im), Math.cos(z.re) * Math.sinh(z.im))
const cosine = (z: Complex): Complex => complex(Math.cos(z.re) * Math.cosh(z.im), -Math.sin(z.re) * Math.sinh(z.im))

/** Complex evaluation with principal branches. Functions that it does not know have no value. */
export class ComplexEvaluation {
  readonly point: Point
  readonly budget: Budget
  peak = 0

  constructor(point: Point, budget: Budget) {
    this.point = point
    this.budget = budget
  }

  value(node: Node): Complex {
    const result = this.compute(node)
    const size = Math.hypot(result.re, result.im)
    if (size > this.peak && size !== Infinity) this.peak = size
    return result
  }

  compute(node: Node): Complex {
    spend(this.budget, 8)
    switch (node.k) {
      case "sym":
        return node.name === "i" ? complex(0, 1) : complex(this.point.get(node.name) ?? constantValue(node.name), 0)
      case "unit":
        return this.value(node.x)
      case "percent":
        return over(this.value(node.x), complex(100, 0))
      case "degree":
        return times(this.value(node.x), complex(Math.PI / 180, 0))
      case "add":
        return node.args.reduce((sum, arg) => plus(sum, this.value(arg)), complex(0, 0))
      case "mul":
        return node.args.reduce((result, arg) => times(result, this.value(arg)), complex(1, 0))
      case "div":
        return over(this.value(node.a), this.value(node.b))
      case "pow": {
        const base = this.value(node.base)
        const root = base.im === 0 && base.re < 0 ? oddRoot(node.exp, this.budget) : null
        if (root !== null) return complex((root.n % 2 === 0 ? 1 : -1) * (-base.re) ** (root.n / root.d), 0)
        return raised(base, this.value(node.exp))
      }
      case "fn":
        return this.apply(node.name, node.args)
      default: {
        const real = new RealEvaluation(this.point, this.budget).value(node)
        return complex(real, 0)
      }
    }
  }

  apply(name: string, args: ReadonlyArray<Node>): Complex {
    const [first, second] = args
    if (first === undefined || !realFunctions.has(name)) return nowhere
    const z = this.value(first)
    switch (name) {
      case "sqrt": {
        if (second === undefined) {
          return z.im === 0 && z.re >= 0
            ? complex(Math.sqrt(z.re), 0)
            : raised(z, complex(0.5, 0))
        }
        const index = this.value(second)
        if (z.im === 0 && z.re < 0 && index.im === 0 && Math.abs(index.re % 2) === 1) {
          return complex(-((-z.re) ** (1 / index.re)), 0)
        }
        return raised(z, over(complex(1, 0), index))
      }
      case "sin":
        return sine(z)
      case "cos":
        return cosine(z)
      case "tan":
        return over(sine(z), cosine(z))
      case "cot":
        return over(cosine(z), sine(z))
      case "sinh":
        return complex(Math.sinh(z.re) * Math.cos(z.im), Math.cosh(z.re) * Math.sin(z.im))
      case "cosh":
        return complex(Math.cosh(z.re) * Math.cos(z.im), Math.sinh(z.re) * Math.sin(z.im))
      case "ln":
        return logarithm(z)
      case "log":
        return second === undefined ? logarithm(z) : over(logarithm(z), logarithm(this.value(second)))
      case "abs":
        return complex(Math.hypot(z.re, z.im), 0)
      case "Re":
        return complex(z.re, 0)
      case "Im":
        return complex(z.im, 0)
      default: {
        const others = args.slice(1).map((arg) => this.value(arg))
        if (z.im !== 0 || others.some(({ im }) => im !== 0)) return nowhere
        return complex(realFunction(name, [z.re, ...others.map(({ re }) => re)]), 0)
      }
    }
  }
}
