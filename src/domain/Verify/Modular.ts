// Identities of rational functions, decided in finite fields: both sides are evaluated at the same pseudo-random points modulo primes
// near 2^26 (Schwartz 1980, Zippel 1979). Two different sides agree at one point with probability about degree / 2^26; three points in
// three fields are taken. Whatever is no rational operation (a sine, a root, an unknown function) is a variable of its own, named by
// its canonical form: then equality is still proof, but difference is not.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { exactValue } from "./Exact.ts"
import type { Node } from "./Node.ts"
import { canonicalForm } from "./Node.ts"

/** A prime field with a square root of minus one, which is what `i` is there. */
interface Field {
  readonly p: number
  readonly i: number
}

const times = (a: number, b: number, p: number): number => (a * b) % p

const power = (base: number, exponent: number, p: number): number => {
  let result = 1
  let square = base
  for (let e = exponent; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) result = times(result, square, p)
    square = times(square, square, p)
  }
  return result
}

const isPrime = (n: number): boolean => {
  for (let d = 3; d * d <= n; d += 2) if (n % d === 0) return false
  return n % 2 === 1
}

/** The largest primes below 2^26 that are 1 modulo 4: products of residues stay below 2^53. */
const fields: ReadonlyArray<Field> = (() => {
  const found: Array<Field> = []
  for (let p = 2 ** 26 - 3; found.length < 3; p -= 2) {
    if (p % 4 !== 1 || !isPrime(p)) continue
    for (let g = 2;; g++) {
      const i = power(g, (p - 1) / 4, p)
      if (times(i, i, p) === p - 1) {
        found.push({ p, i })
        break
      }
    }
  }
  return found
})()

/** 32-bit FNV-1a with a final mix: the same name gives the same point. */
const hash = (text: string, seed: number): number => {
  let h = 0x811C9DC5 ^ seed
  for (let at = 0; at < text.length; at++) h = Math.imul(h ^ text.charCodeAt(at), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85EBCA6B)
  h = Math.imul(h ^ (h >>> 13), 0xC2B2AE35)
  return (h ^ (h >>> 16)) >>> 0
}

/** No value at this point: a division by zero there. */
class NoValue extends Error {}

class Point {
  readonly field: Field
  readonly seed: number
  readonly budget: Budget
  /** Something was taken as a variable that is none. */
  opaque = false

  constructor(field: Field, seed: number, budget: Budget) {
    this.field = field
    this.seed = seed
    this.budget = budget
  }

  unknown(name: string): number {
    return 1 + (hash(name, this.seed) % (this.field.p - 1))
  }

  asVariable(node: Node): number {
    this.opaque = true
    const name = canonicalForm(node)
    spend(this.budget, name.length)
    return this.unknown(name)
  }

  inverse(value: number): number {
    if (value === 0) throw new NoValue()
    return power(value, this.field.p - 2, this.field.p)
  }

  value(node: Node): number {
    const { p } = this.field
    spend(this.budget, 6)
    switch (node.k) {
      case "num": {
        const n = residue(node.q.n, p)
        return node.q.d === 1n ? n : times(n, this.inverse(residue(node.q.d, p)), p)
      }
      case "based":
        return residue(node.value, p)
      case "sym":
        return node.name === "i" ? this.field.i : this.unknown(node.name)
      case "unit":
        return this.value(node.x)
      case "percent":
        return times(this.value(node.x), this.inverse(100), p)
      case "add": {
        let sum = 0
        for (const arg of node.args) sum = (sum + this.value(arg)) % p
        return sum
      }
      case "mul": {
        let result = 1
        for (const arg of node.args) result = times(result, this.value(arg), p)
        return result
      }
      case "div":
        return times(this.value(node.a), this.inverse(this.value(node.b)), p)
      case "pow": {
        const exponent = exactValue(node.exp, this.budget)
        if (exponent === null || exponent === "undefined" || exponent.d !== 1n) return this.asVariable(node)
        const base = this.value(node.base)
        if (base === 0) {
          if (exponent.n > 0n) return 0
          if (exponent.n === 0n) return 1
          throw new NoValue()
        }
        const reduced = residue(exponent.n, p - 1)
        return power(base, reduced, p)
      }
      default:
        return this.asVariable(node)
    }
  }
}

const residue = (value: bigint, p: number): number => {
  if (value >= 0n && value < 0x1FFFFFFFFFFFFFn) return Number(value) % p
  const rest = Number(value % BigInt(p))
  return rest < 0 ? rest + p : rest
}

/**
 * Whether two expressions are the same rational function. `equal` is proof but for a chance below 10^-15 per degree; `unequal` is
 * proof; `unknown` where something else than a rational operation is in them, or no point has a value.
 */
export const sameRationalFunction = (a: Node, b: Node, budget: Budget): "equal" | "unequal" | "unknown" => {
  let agreed = 0
  for (let attempt = 0; attempt < 9 && agreed < 3; attempt++) {
    const field = fields[attempt % fields.length]
    if (field === undefined) break
    const point = new Point(field, attempt + 1, budget)
    try {
      const left = point.value(a)
      const right = point.value(b)
      if (left !== right) return point.opaque ? "unknown" : "unequal"
      agreed++
    } catch (error) {
      if (!(error instanceof NoValue)) throw error
    }
  }
  return agreed >= 3 ? "equal" : "unknown"
}
