// Whether two single values are the same: exactly where that can be, else as rational functions, else by high precision (constants)
// or at sample points (expressions with variables). Says which of these decided.
import type { Outcome } from "../Verdict.ts"
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { exactValue } from "./Exact.ts"
import { sameConstant } from "./HighPrecision.ts"
import { sameRationalFunction } from "./Modular.ts"
import type { Node } from "./Node.ts"
import { canonicalForm, constantNames, num, partsOf, someNode } from "./Node.ts"
import { ComplexEvaluation, RealEvaluation } from "./Numeric.ts"
import type { Rational } from "./Rational.ts"
import * as Q from "./Rational.ts"
import { isUnclear, unitSize } from "./Units.ts"

export interface Tolerance {
  /** Decimals to which values are compared where one is written with a decimal point. */
  readonly precision: number
  /** Relative tolerance in place of it; null: none. */
  readonly relative: number | null
  /** Integers are compared modulo this; null: as they are. */
  readonly modulo: bigint | null
  /** Asked of two exact values that no rule could tell apart or show to be the same; absent: nobody is. */
  readonly resort?: Resort | undefined
}

/** Whether two values are the same, by other means than the rules. */
export type Resort = (gold: Node, answer: Node) => Outcome

export interface Finding {
  readonly outcome: Outcome
  readonly rule: string
}

const finding = (outcome: Outcome, rule: string): Finding => ({ outcome, rule })

/** The rule of two values that could not be had, or not well enough to tell. */
export const noValue = "no-value"

const isDecimal = (node: Node): boolean => someNode(node, (part) => part.k === "num" && part.decimal)
const isInfinite = (node: Node): boolean => someNode(node, (part) => part.k === "sym" && part.name === "infinity")
const isImaginary = (node: Node): boolean => someNode(node, (part) => part.k === "sym" && part.name === "i")

/** Names of the free variables of both sides, sorted. */
export const variablesOf = (...nodes: ReadonlyArray<Node>): ReadonlyArray<string> => {
  const names = new Set<string>()
  const walk = (node: Node, bound: ReadonlySet<string>): void => {
    if (node.k === "sym") {
      if (!constantNames.has(node.name) && !bound.has(node.name)) names.add(node.name)
      return
    }
    const inner = node.k === "big" && node.variable !== "" ? new Set([...bound, node.variable]) : bound
    for (const part of partsOf(node)) walk(part, inner)
  }
  for (const node of nodes) walk(node, new Set())
  return [...names].sort()
}

// ---- what a value carries

interface Carried {
  readonly core: Node
  readonly percent: boolean
  readonly degree: boolean
  readonly unit: string | null
}

/** Percent signs, degrees and units around the whole value, off. A sign before them is kept. */
const uncarried = (node: Node): Carried => {
  let core = node
  let percent = false
  let degree = false
  let unit: string | null = null
  for (let layer = 0; layer < 8; layer++) {
    if (core.k === "percent") percent = true
    else if (core.k === "degree") degree = true
    else if (core.k === "unit") unit = unit === null ? core.unit : `${core.unit} ${unit}`
    else if (core.k === "mul" || core.k === "add") {
      const last = core.args.at(-1)
      if (
        core.k === "mul" && (last?.k === "percent" || last?.k === "degree" || last?.k === "unit") &&
        core.args.slice(0, -1).every(isPlain)
      ) {
        core = { ...last, x: { k: "mul", args: [...core.args.slice(0, -1), last.x] } }
        layer--
        continue
      }
      break
    } else break
    core = core.x
  }
  return { core, percent, degree, unit }
}

const isPlain = (node: Node): boolean => node.k !== "percent" && node.k !== "degree" && node.k !== "unit"

const hundred = num(Q.rational(100n))
const halfTurn: Node = { k: "div", a: { k: "sym", name: "pi" }, b: num(Q.rational(180n)) }

/** Two values as they stand, with the percent signs, degrees and units that they carry. */
export const sameScalar = (gold: Node, answer: Node, tolerance: Tolerance, budget: Budget): Finding => {
  const a = uncarried(gold)
  const b = uncarried(answer)
  if (a.unit !== b.unit && (isUnclear(a.unit ?? "") || isUnclear(b.unit ?? ""))) return finding("undecided", "unit")
  if (a.unit !== null && b.unit !== null && a.unit !== b.unit) {
    const left = unitSize(a.unit)
    const right = unitSize(b.unit)
    if (left !== null && right !== null) {
      if (left.dimension !== right.dimension) return finding("unequal", "unit")
      if (!Q.equals(left.size, right.size)) {
        const scaled = (node: Node, size: Rational): Node => ({ k: "mul", args: [node, num(size)] })
        const found = sameValue(scaled(a.core, left.size), scaled(b.core, right.size), tolerance, budget)
        return finding(found.outcome, "unit")
      }
    }
  }
  const inner = (node: Node) =>
    someNode(node, (part) => part.k === "text" || (part.k === "unit" && isUnclear(part.unit)))
  if ((inner(a.core) || inner(b.core)) && canonicalForm(gold) !== canonicalForm(answer)) {
    return finding("undecided", "words")
  }
  if (a.degree !== b.degree) {
    // A degree sign on one side alone is usually left out on the other; where the other has pi, it is in radians.
    const [angle, other] = a.degree ? [a.core, b.core] : [b.core, a.core]
    const isRadian = /^rad(?:ians?)?$/.test((a.degree ? b.unit : a.unit) ?? "")
    if (isRadian || someNode(other, (part) => part.k === "sym" && part.name === "pi")) {
      return sameValue({ k: "mul", args: [angle, halfTurn] }, other, tolerance, budget)
    }
  }
  const plain = sameValue(a.core, b.core, tolerance, budget)
  if (plain.outcome === "equal" || a.percent === b.percent) return plain
  // A percent sign on one side alone: 50 and 0.5 both stand for 50 %.
  const share = a.percent
    ? sameValue({ k: "div", a: a.core, b: hundred }, b.core, tolerance, budget)
    : sameValue(a.core, { k: "div", a: b.core, b: hundred }, tolerance, budget)
  return share.outcome === "equal" ? finding("equal", "percent") : plain
}

// ---- values

const isFraction = (value: ReturnType<typeof exactValue>): value is Rational => value !== null && value !== "undefined"

/**
 * Whether two doubles agree to a number of decimals. Values below a thousandth must also agree to three digits: 10^-9 is not
 * 2 * 10^-9, whatever six decimals say.
 */
const agreeDecimally = (a: number, b: number, tolerance: Tolerance, exactly?: number): boolean => {
  const apart = exactly ?? Math.abs(a - b)
  const size = Math.max(Math.abs(a), Math.abs(b))
  if (!Number.isFinite(size)) return false // two different values, at least one beyond a double
  if (tolerance.relative !== null) return apart <= tolerance.relative * size
  if (apart > 0.5000001 * 10 ** -tolerance.precision && (exactly !== undefined || apart > 4e-15 * size)) return false
  return size >= 1e-3 || size === 0 || apart <= 5e-4 * size
}

const sameValue = (a: Node, b: Node, tolerance: Tolerance, budget: Budget): Finding => {
  const left = exactValue(a, budget)
  const right = exactValue(b, budget)
  if (left === "undefined" || right === "undefined") return finding("unequal", "undefined")
  const decimal = isDecimal(a) || isDecimal(b)
  if (isFraction(left) && isFraction(right)) {
    if (Q.equals(left, right)) return finding("equal", "exact")
    if (tolerance.modulo !== null && Q.isInteger(left) && Q.isInteger(right)) {
      return finding((left.n - right.n) % tolerance.modulo === 0n ? "equal" : "unequal", "modulo")
    }
    if (!decimal && tolerance.relative === null) return finding("unequal", "exact")
    const apart = Q.toNumber(Q.absolute(Q.subtract(left, right)))
    return finding(
      agreeDecimally(Q.toNumber(left), Q.toNumber(right), tolerance, apart) ? "equal" : "unequal",
      tolerance.relative === null ? "decimal" : "tolerance"
    )
  }
  if (canonicalForm(a) === canonicalForm(b)) return finding("equal", "same-form")
  const infinite = isInfinite(a) || isInfinite(b)
  if (!infinite) {
    const rational = sameRationalFunction(a, b, budget)
    if (rational === "equal") return finding("equal", "identity")
    if (rational === "unequal" && !decimal && tolerance.relative === null) return finding("unequal", "identity")
  }
  const variables = variablesOf(a, b)
  const rounded = decimal || tolerance.relative !== null
  const shown = variables.length === 0
    ? sameConstants(a, b, rounded, tolerance, budget)
    : atPoints(a, b, variables, rounded, tolerance, budget)
  if (shown.outcome !== "undecided" || rounded || tolerance.modulo !== null) return shown
  const resorted = tolerance.resort?.(a, b) ?? "undecided"
  return resorted === "undecided" ? shown : finding(resorted, "resort")
}

/** Two constants, at least one of which is no fraction. */
const sameConstants = (a: Node, b: Node, rounded: boolean, tolerance: Tolerance, budget: Budget): Finding => {
  const none = new Map<string, number>()
  const real = new RealEvaluation(none, budget)
  const x = real.value(a)
  const y = real.value(b)
  if (Math.abs(x) === Infinity || Math.abs(y) === Infinity) {
    // A plain infinity is a value; an overflow is not known.
    const [left, right] = [isInfinite(a), isInfinite(b)]
    if (!left && !right) return sameConstantFinding(a, b, budget)
    // What overflows a double is large, not infinite.
    if (left !== right) return finding(Number.isNaN(x) || Number.isNaN(y) ? "undecided" : "unequal", "infinity")
    return Number.isNaN(x) || Number.isNaN(y)
      ? finding("undecided", noValue)
      : finding(x === y ? "equal" : "unequal", "infinity")
  }
  if (!Number.isNaN(x) && !Number.isNaN(y)) {
    if (rounded) {
      return finding(
        agreeDecimally(x, y, tolerance) ? "equal" : "unequal",
        tolerance.relative === null ? "decimal" : "tolerance"
      )
    }
    const apart = Math.abs(x - y)
    if (apart > 1e-9 * Math.max(real.peak, 1e-300) && apart > 1e-9 * Math.max(Math.abs(x), Math.abs(y))) {
      return finding("unequal", "value")
    }
    const precise = sameConstantFinding(a, b, budget)
    if (precise.outcome !== "undecided") return precise
    const size = Math.max(Math.abs(x), Math.abs(y))
    return apart <= 1e-12 * size && real.peak < 1e6 * size ? finding("equal", "value") : precise
  }
  const complex = new ComplexEvaluation(none, budget)
  const u = complex.value(a)
  const v = complex.value(b)
  const apart = Math.hypot(u.re - v.re, u.im - v.im)
  if (Number.isNaN(apart) || apart === Infinity) return finding("undecided", noValue)
  if (rounded) {
    return finding(
      agreeDecimally(u.re, v.re, tolerance) && agreeDecimally(u.im, v.im, tolerance) ? "equal" : "unequal",
      "decimal"
    )
  }
  if (apart <= 1e-14 * Math.max(complex.peak, 1e-300)) return finding("equal", "complex")
  return apart > 1e-9 * complex.peak ? finding("unequal", "complex") : finding("undecided", noValue)
}

const sameConstantFinding = (a: Node, b: Node, budget: Budget): Finding => {
  const same = sameConstant(a, b, budget)
  return same === "unknown" ? finding("undecided", noValue) : finding(same, "high-precision")
}

// ---- expressions with variables

/** A double in [0, 1) that depends on the numbers alone. */
const spread = (attempt: number, index: number): number => {
  let h = Math.imul(attempt + 1, 0x9E3779B1) ^ Math.imul(index + 1, 0x85EBCA6B)
  h = Math.imul(h ^ (h >>> 15), 0x2C1B3C6D)
  h = Math.imul(h ^ (h >>> 12), 0x297A2D39)
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32
}

type PointAt = (variables: ReadonlyArray<string>, attempt: number) => ReadonlyMap<string, number>

/** Three points near one, all positive; then each variable negative alone, all of them, and mixed signs of sizes up to 200. */
const realPoint: PointAt = (variables, attempt) => {
  const alone = attempt - 3
  const scale = alone > variables.length ? [1, 5, 40, 200][(attempt - variables.length) % 4] ?? 1 : 1
  return new Map(variables.map((name, index): [string, number] => {
    const size = scale === 1 ? 0.2 + 2.6 * spread(attempt, index) : scale * (1 + spread(attempt, index))
    const mixed = variables.length === 1 ? attempt % 2 === 0 : spread(attempt, index + 97) < 0.5
    const negative = alone < 0
      ? false
      : alone < variables.length
      ? index === alone
      : alone === variables.length || mixed
    return [name, negative ? -size : size]
  }))
}

/** Points that are tried: enough to see every variable negative alone, for up to eight variables. */
const realAttempts = (variables: ReadonlyArray<string>): number => Math.min(variables.length, 8) + 10

/** Small integers, for factorials, roundings, powers of -1 and sums up to n. */
const integerPoint: PointAt = (variables, attempt) =>
  new Map(variables.map((name, index): [string, number] => [name, 1 + ((attempt * (2 * index + 1) + 3 * index) % 13)]))

/** Halves of odd numbers: where roundings of numbers between integers differ. */
const halfPoint: PointAt = (variables, attempt) =>
  new Map(variables.map((name, index): [string, number] => [name, ((attempt * (2 * index + 1)) % 11) - 4.5]))

const roundings = new Set(["floor", "ceil", "round", "mod", "gcd", "lcm"])
const isRounding = (node: Node): boolean => someNode(node, (part) => part.k === "fn" && roundings.has(part.name))
/** Letters that stand for integers by custom. */
export const integerLetters = /^[i-nN](?:_.*)?$/

/** Two expressions at sample points: one clear difference decides, and so do enough agreements without one. */
const atPoints = (
  a: Node,
  b: Node,
  variables: ReadonlyArray<string>,
  rounded: boolean,
  tolerance: Tolerance,
  budget: Budget
): Finding => {
  if (variables.length > 64) return finding("undecided", "too-many-variables")
  const complex = isImaginary(a) || isImaginary(b)
  const test = (point: ReadonlyMap<string, number>, inComplex: boolean): "agree" | "differ" | "unclear" | "none" => {
    spend(budget, 50)
    let apart: number
    let peak: number
    let size: number
    if (inComplex) {
      const evaluation = new ComplexEvaluation(point, budget)
      const u = evaluation.value(a)
      const v = evaluation.value(b)
      apart = Math.hypot(u.re - v.re, u.im - v.im)
      peak = evaluation.peak
      size = Math.max(Math.hypot(u.re, u.im), Math.hypot(v.re, v.im))
    } else {
      const evaluation = new RealEvaluation(point, budget)
      const x = evaluation.value(a)
      const y = evaluation.value(b)
      apart = Math.abs(x - y)
      peak = evaluation.peak
      size = Math.max(Math.abs(x), Math.abs(y))
    }
    if (!Number.isFinite(apart)) return "none"
    if (rounded) {
      const allowed = tolerance.relative !== null
        ? tolerance.relative * size
        : size < 1e-3
        ? 5e-4 * size
        : 10 ** -tolerance.precision * Math.max(1, size)
      return apart <= allowed ? "agree" : "differ"
    }
    if (apart <= 1e-10 * size || (size <= 1e-13 * peak && apart <= 1e-14 * peak)) return "agree"
    return apart > 1e-7 * size && apart > 1e-11 * peak ? "differ" : "unclear"
  }
  let unclear = false
  const run = (pointAt: PointAt, inComplex: boolean, attempts: number, least: number): Finding | null => {
    let agreed = 0
    for (let attempt = 0; attempt < attempts; attempt++) {
      const result = test(pointAt(variables, attempt), inComplex)
      if (result === "differ") return finding("unequal", "points")
      if (result === "agree") agreed++
      if (result === "unclear") unclear = true
    }
    return agreed >= least && !unclear ? finding("equal", "points") : null
  }
  const undecided = finding("undecided", noValue)
  if (!complex && (isRounding(a) || isRounding(b))) {
    const integers = run(integerPoint, false, 14, 6)
    if (integers?.outcome !== "equal" || variables.every((name) => integerLetters.test(name))) {
      return integers ?? undecided
    }
    const halves = run(halfPoint, false, 11, 0)
    return halves?.outcome === "unequal" ? halves : run(realPoint, false, realAttempts(variables), 0) ?? undecided
  }
  return run(realPoint, complex, realAttempts(variables), 4) ?? (unclear ? null : run(integerPoint, complex, 12, 4))
    ?? (complex || unclear ? null : run(realPoint, true, realAttempts(variables), 4)) ?? undecided
}

/** The integer that a value is, without its sign of percent, degrees or unit; null where it is none. */
export const integerValue = (node: Node, budget: Budget): bigint | null => {
  const exact = exactValue(uncarried(node).core, budget)
  return exact !== null && exact !== "undefined" && Q.isInteger(exact) ? exact.n : null
}

/** A comparable size of a constant, or null where it has none. */
export const sizeOf = (node: Node, budget: Budget): number | null => {
  const exact = exactValue(node, budget)
  if (exact === "undefined") return null
  const value = exact === null ? new RealEvaluation(new Map(), budget).value(node) : Q.toNumber(exact)
  return Number.isNaN(value) || (Math.abs(value) === Infinity && !isInfinite(node)) ? null : value
}
