// Whether two answers, as trees, say the same: structures by their parts, relations by their values or as multiples of each other,
// sets of reals as sets, and single values by Scalar.ts. The gold answer's kind decides how the other one is read.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { exactValue } from "./Exact.ts"
import type { Node, RelationOperator } from "./Node.ts"
import { canonicalForm, constantNames, converse, difference, isScalar, partsOf, product, someNode } from "./Node.ts"
import { keyOf, normal } from "./Normal.ts"
import { RealEvaluation } from "./Numeric.ts"
import * as Q from "./Rational.ts"
import { isRealSet, sameRealSet } from "./RealSet.ts"
import type { Finding, Tolerance } from "./Scalar.ts"
import { sameScalar } from "./Scalar.ts"
import {
  type Assignments,
  assignments,
  hasVariables,
  inNameOrder,
  isCompound,
  isEquality,
  recordsOf,
  residueOf,
  statedValue,
  totalOf,
  valueOf
} from "./Statements.ts"

export interface Comparison {
  readonly tolerance: Tolerance
  /** Names of variables must agree. */
  readonly strict: boolean
  /** Whether all plus-minus signs of one expression are upper or lower together. */
  readonly signsTogether: boolean
  /** A relation as the answer may stand for a gold interval. */
  readonly relationsAsSets: boolean
  readonly budget: Budget
}

const found = (outcome: Finding["outcome"], rule: string): Finding => ({ outcome, rule })

/** All equal: equal. One different: unequal. Else undecided. */
const allOf = (findings: Iterable<Finding>, rule: string): Finding => {
  let undecided: Finding | null = null
  for (const one of findings) {
    if (one.outcome === "unequal") return found("unequal", rule)
    if (one.outcome === "undecided") undecided ??= one
  }
  return undecided ?? found("equal", rule)
}

const compareRelations = (a: Extract<Node, { k: "rel" }>, b: Extract<Node, { k: "rel" }>, c: Comparison): Finding => {
  const congruent = compareCongruences(a, b, c)
  if (congruent !== null) return congruent
  const aligned = (ops: ReadonlyArray<RelationOperator>, items: ReadonlyArray<Node>): boolean =>
    a.ops.length === ops.length && a.ops.every((operator, at) => operator === ops[at])
    && allOf(a.items.map((item, at) => compare(item, items[at] ?? item, c)), "relation").outcome === "equal"
  if (aligned(b.ops, b.items)) return found("equal", "relation")
  if (aligned([...b.ops].reverse().map((operator) => converse[operator]), [...b.items].reverse())) {
    return found("equal", "relation")
  }
  const left = assignments(a)
  const right = assignments(b)
  if (left !== null && right !== null) {
    const stated = compareAssignments(left, right, c)
    // y = x + 1 and x = y - 1 are the same line although the values differ.
    if (stated.outcome === "equal" || !hasVariables(valueOf(a)) || !hasVariables(valueOf(b))) return stated
    return multiples(a, b, c) ?? stated
  }
  const scaled = multiples(a, b, c)
  if (scaled?.outcome === "equal") return scaled
  const inequality = [...a.ops, ...b.ops].some((operator) => !isEquality(operator))
  const isMembership = (node: typeof a) => node.ops.at(-1) === "in"
  if (isMembership(a) && !isMembership(b) && !c.relationsAsSets) return found("unequal", "relation-for-set")
  const set = !inequality
    ? null
    : sameRealSet(a, b, (x, y) => sameScalar(x, y, c.tolerance, c.budget).outcome === "equal", c.tolerance, c.budget)
  if (set !== null && (!c.strict || sameSubject(a, b))) return found(set ? "equal" : "unequal", "interval")
  const one = statedValue(a)
  const other = statedValue(b)
  if (one !== null && other !== null) return compare(one, other, c)
  return scaled ?? found("undecided", "relation")
}

/** Whether two relations are about the same names. */
const sameSubject = (a: Node, b: Node): boolean => {
  const names = (node: Node) => {
    const all = new Set<string>()
    someNode(node, (part) => {
      if (part.k === "sym") all.add(part.name)
      return false
    })
    for (const constant of ["pi", "e", "i", "infinity", "ℝ"]) all.delete(constant)
    return [...all].sort().join()
  }
  return names(a) === names(b)
}

const compareCongruences = (a: Node, b: Node, c: Comparison): Finding | null => {
  const left = residueOf(a)
  const right = residueOf(b)
  if (left === null && right === null) return null
  if (left === null || right === null) return found("unequal", "congruence")
  const modulus = sameScalar(left.m, right.m, c.tolerance, c.budget)
  const subject = compare(left.x, right.x, c)
  if (modulus.outcome !== "equal" || subject.outcome !== "equal") return allOf([modulus, subject], "congruence")
  const apart = exactValue(difference(left.r, right.r), c.budget)
  const m = exactValue(left.m, c.budget)
  if (apart === null || m === null || apart === "undefined" || m === "undefined" || Q.isZero(m)) {
    return compare(left.r, right.r, c)
  }
  return found(Q.isZero(Q.modulo(apart, m) ?? Q.one) ? "equal" : "unequal", "congruence")
}

/** Whether one relation's difference of sides is a constant multiple of the other's; null where this says nothing. */
const multiples = (a: Extract<Node, { k: "rel" }>, b: Extract<Node, { k: "rel" }>, c: Comparison): Finding | null => {
  if (a.ops.length !== 1 || b.ops.length !== 1 || ![...a.items, ...b.items].every(isScalar)) return null
  const [a0, a1] = a.items
  const [b0, b1] = b.items
  const [over, under] = [a.ops[0], b.ops[0]]
  if (
    a0 === undefined || a1 === undefined || b0 === undefined || b1 === undefined || over === undefined ||
    under === undefined
  ) return null
  if (isEquality(over) !== isEquality(under) || (over === "!=") !== (under === "!=")) {
    return found("unequal", "relation")
  }
  const f = difference(a0, a1)
  const g = difference(b0, b1)
  if (!hasVariables(f) || !hasVariables(g)) return null // any two constants are multiples of each other
  const ratio = constantRatio(f, g, c.budget)
  if (ratio === null || ratio === 0) return found(ratio === null ? "undecided" : "unequal", "relation")
  if (!isEquality(over) && over !== "!=" && (ratio > 0 ? under : converse[under]) !== over) {
    return found("unequal", "relation")
  }
  const scale: Node = { k: "num", q: Q.rational(BigInt(Math.round(ratio * 2 ** 30)), 2n ** 30n), decimal: false }
  // The ratio is read off a point; that it holds everywhere is shown exactly where it is a fraction of small numbers.
  const exact = smallFraction(ratio)
  const same = sameScalar(
    f,
    product([exact === null ? scale : { k: "num", q: exact, decimal: false }, g]),
    c.tolerance,
    c.budget
  )
  return same.outcome === "equal"
    ? found("equal", "multiple")
    : exact === null
    ? found("undecided", "relation")
    : found("unequal", "relation")
}

/** f / g where that is the same at several points; 0 where it is not; null where no point has both. */
const constantRatio = (f: Node, g: Node, budget: Budget): number | null => {
  const names = new Set<string>()
  for (const node of [f, g]) {
    someNode(node, (part) => {
      if (part.k === "sym") names.add(part.name)
      return false
    })
  }
  let ratio: number | null = null
  let agreed = 0
  for (let attempt = 0; attempt < 12 && agreed < 5; attempt++) {
    const point = new Map(
      [...names].map((
        name,
        at
      ): [string, number] => [name, constantNames.has(name) ? NaN : 0.3 + ((attempt * 7 + at * 5) % 13) * 0.37])
    )
    for (const name of constantNames) point.delete(name)
    const evaluation = new RealEvaluation(point, budget)
    const x = evaluation.value(f)
    const y = evaluation.value(g)
    if (!Number.isFinite(x) || !Number.isFinite(y) || Math.abs(y) < 1e-9 || Math.abs(x) < 1e-9) continue
    const here = x / y
    if (ratio === null) ratio = here
    else if (Math.abs(here - ratio) > 1e-7 * Math.abs(ratio)) return 0
    agreed++
  }
  return agreed >= 3 ? ratio : null
}

/** The fraction with a denominator below a thousand that a double is, by continued fractions; null where it is none. */
const smallFraction = (value: number): Q.Rational | null => {
  let [n0, n1, d0, d1] = [0, 1, 1, 0]
  let rest = value
  for (let term = 0; term < 24; term++) {
    const whole = Math.floor(rest)
    ;[n0, n1, d0, d1] = [n1, whole * n1 + n0, d1, whole * d1 + d0]
    if (!Number.isSafeInteger(n1) || d1 > 100_000) return null
    if (Math.abs(n1 / d1 - value) <= 1e-9 * Math.abs(value)) return d1 === 0 ? null : Q.rational(BigInt(n1), BigInt(d1))
    if (rest === whole) return null
    rest = 1 / (rest - whole)
  }
  return null
}

// ---- lists

const compareAssignments = (a: Assignments, b: Assignments, c: Comparison): Finding => {
  const names = (list: Assignments) => list.map(({ name }) => name).sort().join("\u0000")
  const distinct = new Set(a.map(({ name }) => name)).size === a.length
  if (names(a) === names(b) && distinct) {
    const values = new Map(b.map(({ name, value }) => [name, value]))
    return allOf(a.map(({ name, value }) => compare(value, values.get(name) ?? value, c)), "assignments")
  }
  if (names(a) !== names(b) && [...a, ...b].some(({ name }) => isCompound(name))) return found("unequal", "assignments")
  const [left, right] = [recordsOf(a), recordsOf(b)]
  if (left !== null && right !== null) return compareSets(left, right, c)
  if (a.length !== b.length) return found("unequal", "assignments")
  if (distinct && a.length > 1) {
    return allOf(a.map(({ value }, at) => compare(value, b[at]?.value ?? value, c)), "assignments")
  }
  return compareSets(a.map(({ value }) => value), b.map(({ value }) => value), c)
}

/** Items in any order, repeats counted once. Items with exact values are matched by them, the rest one by one. */
const compareSets = (a: ReadonlyArray<Node>, b: ReadonlyArray<Node>, c: Comparison): Finding => {
  const keyed = (items: ReadonlyArray<Node>) => {
    const keys = new Map<string, Node>()
    for (const item of items) {
      const exact = isScalar(item) && !someNode(item, (part) => part.k === "num" && part.decimal)
        ? keyOf(item, c.budget)
        : canonicalForm(item)
      keys.set(exact, item)
    }
    return keys
  }
  const left = keyed(a)
  const right = keyed(b)
  const restLeft = [...left].filter(([key]) => !right.has(key)).map(([, item]) => item)
  const restRight = [...right].filter(([key]) => !left.has(key)).map(([, item]) => item)
  if (restLeft.length === 0 && restRight.length === 0) {
    // Repeats count once, unless both sides have some and they are not the same ones.
    const differ = a.length === b.length && a.length > left.size && !sameRepeats(a, b, c.budget)
    return found(differ ? "unequal" : "equal", "set")
  }
  const matched = [...left].filter(([key]) => right.has(key)).map(([, item]) => item)
  const covered = (items: ReadonlyArray<Node>, others: ReadonlyArray<Node>): Finding => {
    let undecided: Finding | null = null
    for (const item of items) {
      let best: Finding = found("unequal", "set")
      for (const other of others) {
        spend(c.budget, 40)
        const one = compare(item, other, c)
        if (one.outcome === "equal") {
          best = one
          break
        }
        if (one.outcome === "undecided") best = one
      }
      if (best.outcome === "unequal") return found("unequal", "set")
      if (best.outcome === "undecided") undecided ??= best
    }
    return undecided ?? found("equal", "set")
  }
  // A repeated item may be spelled in two ways, so what is left may also equal something that was matched.
  return allOf([covered(restLeft, [...restRight, ...matched]), covered(restRight, [...restLeft, ...matched])], "set")
}

const sameRepeats = (a: ReadonlyArray<Node>, b: ReadonlyArray<Node>, budget: Budget): boolean => {
  const keys = (items: ReadonlyArray<Node>) => items.map((item) => keyOf(item, budget)).sort().join("\u0000")
  return keys(a) === keys(b)
}

const inOrder = (a: ReadonlyArray<Node>, b: ReadonlyArray<Node>, c: Comparison, rule: string): Finding =>
  a.length !== b.length ? found("unequal", rule) : allOf(
    (function*() {
      for (const [at, item] of a.entries()) {
        const other = b[at]
        if (other !== undefined) yield compare(item, valueOf(other), c)
      }
    })(),
    rule
  )

const compareLists = (gold: Node, answer: Node, c: Comparison): Finding => {
  const a = assignments(gold)
  const b = assignments(answer)
  if (a !== null && b !== null) return compareAssignments(a, b, c)
  if (a !== null && answer.k !== "rel") {
    const items = partsOf(answer)
    const records = recordsOf(a, false)
    if (records !== null && items.some((item) => item.k === "tuple")) return compareSets(records, items, c)
    const distinct = new Set(a.map(({ name }) => name)).size === a.length
    if (distinct && a.length > 1) return inOrder(a.map(({ value }) => value), items, c, "assignments")
    return compareSets(a.map(({ value }) => value), items, c)
  }
  if (b !== null && gold.k !== "rel") {
    const distinct = new Set(b.map(({ name }) => name)).size === b.length
    const items = partsOf(gold)
    const records = recordsOf(b, false)
    if (records !== null && items.some((item) => item.k === "tuple")) return compareSets(items, records, c)
    const values = b.map(({ value }) => value)
    if (distinct && b.length > 1 && gold.k === "tuple") return inOrder(items, values, c, "assignments")
    return compareSets(items, values, c)
  }
  const flat = (node: Node): ReadonlyArray<Node> =>
    partsOf(node).flatMap((item) => (item.k === "list" ? item.items : [item]))
  const direct = compareSets(partsOf(gold), partsOf(answer), c)
  if (direct.outcome === "equal" || !(nested(gold) !== nested(answer))) return direct
  const left = flat(gold)
  const right = flat(answer)
  return left.length === right.length ? inOrder(left, right, c, "list") : direct
}

const nested = (node: Node): boolean => partsOf(node).some((item) => item.k === "list")

// ---- everything

/** The gold answer against the other one. Throws `StepsExhausted`. */
export const compare = (gold: Node, answer: Node, c: Comparison): Finding => {
  spend(c.budget, 40)
  return compareNormal(normal(gold, c.budget, c.signsTogether), normal(answer, c.budget, c.signsTogether), c)
}

const isCollection = (node: Node): boolean => node.k === "list" || node.k === "set"

const compareNormal = (g: Node, p: Node, c: Comparison): Finding => {
  if (isScalar(g) && isScalar(p)) return sameScalar(g, p, c.tolerance, c.budget)
  if (canonicalForm(g) === canonicalForm(p)) return found("equal", "same-form")
  if (g.k === "text" || p.k === "text") return compareText(g, p)
  if (g.k === "time" || p.k === "time" || g.k === "ratio" || p.k === "ratio") {
    if (g.k !== "rel" && p.k !== "rel") return compareRatios(g, p, c)
  }
  if (g.k === "residue" || p.k === "residue") {
    const [one, other] = [
      residueOf(g) ?? (g.k === "residue" ? { r: g.x, m: g.m } : null),
      residueOf(p) ?? (p.k === "residue" ? { r: p.x, m: p.m } : null)
    ]
    if (one !== null && other !== null) {
      return allOf([compare(one.m, other.m, c), compare(one.r, other.r, c)], "congruence")
    }
    return g.k === "residue" && p.k === "residue"
      ? allOf([compare(g.m, p.m, c), compare(g.x, p.x, c)], "congruence")
      : found("unequal", "congruence")
  }
  if (g.k === "rel" && p.k === "rel") return compareRelations(g, p, c)
  if (isRealSet(g) || isRealSet(p)) {
    const set = compareRealSets(g, p, c)
    if (set !== null) return set
  }
  if (g.k === "rel") {
    const value = statedValue(g)
    const chain = assignments(g)
    if (chain !== null && chain.length > 1 && p.k === "tuple") {
      return inOrder(chain.map((one) => one.value), p.items, c, "assignments")
    }
    if (value !== null && !(value.k === "tuple" && isCollection(p))) {
      const exact = compare(value, p, c)
      const rounded = g.items.at(-1)
      // An answer may be either side of "≈".
      return exact.outcome === "equal" || !g.ops.includes("approx") || rounded === undefined
        ? exact
        : compare(rounded, p, c)
    }
    return assignments(g) !== null && (isCollection(p) || p.k === "tuple")
      ? compareLists(g, p, c)
      : found("unequal", "kind")
  }
  if (p.k === "rel") {
    if (assignments(g) !== null && (assignments(p)?.length ?? 0) > 1) return compareLists(g, p, c)
    const chain = g.k === "tuple" ? assignments(p) : null
    if (chain !== null && g.k === "tuple" && chain.length > 1) {
      return inOrder(
        g.items,
        chain.map((one) => one.value),
        c,
        "assignments"
      )
    }
    const value = statedValue(p) ?? totalOf(g, p)
    if (value === null) return found("unequal", "kind")
    return compare(g, value, c)
  }
  if (g.k === "matrix" || p.k === "matrix") return compareMatrices(g, p, c)
  if (g.k === "tuple" && p.k === "tuple") return compareTuples(g, p, c)
  if (isCollection(g) && isCollection(p)) return compareLists(g, p, c)
  if (g.k === "tuple" && isCollection(p)) {
    if (p.k === "set" || (g.items.length === 2 && g.open === "[")) return found("unequal", "kind")
    const named = assignments(p)
    return inOrder(g.items, named === null ? partsOf(p) : inNameOrder(named).map(({ value }) => value), c, "tuple")
  }
  if (isCollection(g) && p.k === "tuple") {
    if (g.k === "set" || p.open === "[" || p.close === "]") return found("unequal", "kind")
    const named = assignments(g)
    return inOrder(named === null ? partsOf(g) : inNameOrder(named).map(({ value }) => value), p.items, c, "tuple")
  }
  if (g.k === "union" && p.k === "union") return compareSets(g.args, p.args, c)
  return found("unequal", "kind")
}

const compareRealSets = (g: Node, p: Node, c: Comparison): Finding | null => {
  // An inequality for a gold interval is another kind of answer, unless the caller takes it.
  const relation = p.k === "rel" && !(p.ops.length === 1 && p.ops[0] === "in")
  if (
    relation && g.k !== "rel" && !c.relationsAsSets && !(g.k === "list" && g.items.every((item) => item.k === "rel"))
  ) return found("unequal", "relation-for-set")
  if (isScalar(g) && g.k !== "sym" || isScalar(p) && p.k !== "sym") return found("unequal", "kind")
  const same = sameRealSet(
    g,
    p,
    (a, b) => sameScalar(a, b, c.tolerance, c.budget).outcome === "equal",
    c.tolerance,
    c.budget
  )
  return same === null ? null : found(same ? "equal" : "unequal", "interval")
}

const compareTuples = (g: Extract<Node, { k: "tuple" }>, p: Extract<Node, { k: "tuple" }>, c: Comparison): Finding => {
  if (g.items.length === 2 && p.items.length === 2 && (g.open !== p.open || g.close !== p.close)) {
    return found("unequal", "interval")
  }
  return inOrder(g.items, p.items, c, g.open === "(" && g.close === ")" ? "tuple" : "interval")
}

const compareMatrices = (g: Node, p: Node, c: Comparison): Finding => {
  if (g.k === "matrix" && p.k === "matrix") {
    const width = g.rows[0]?.length
    if (g.rows.length !== p.rows.length || width !== p.rows[0]?.length) return found("unequal", "matrix")
    return inOrder(g.rows.flat(), p.rows.flat(), c, "matrix")
  }
  const [matrix, other] = g.k === "matrix" ? [g, p] : [p, g]
  if (matrix.k !== "matrix" || (other.k !== "tuple" && other.k !== "list")) return found("unequal", "kind")
  if (matrix.rows.length !== 1 && matrix.rows[0]?.length !== 1) return found("unequal", "kind")
  return inOrder(matrix.rows.flat(), other.items, c, "matrix")
}

/** Ratios by their proportions, clock times by their minutes. */
const compareRatios = (g: Node, p: Node, c: Comparison): Finding => {
  const time = (node: Node): number | null => {
    if (node.k === "time") return node.minutes
    if (node.k !== "ratio" || node.items.length !== 2) return null
    const [hours, minutes] = node.items.map((item) => (item.k === "num" && item.q.d === 1n ? Number(item.q.n) : NaN))
    return hours !== undefined && minutes !== undefined && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60
      ? hours * 60 + minutes
      : null
  }
  if (g.k === "time" || p.k === "time") {
    const a = time(g)
    const b = time(p)
    return a === null || b === null ? found("unequal", "kind") : found(a === b ? "equal" : "unequal", "time")
  }
  if (g.k === "ratio" && p.k === "ratio") {
    if (g.items.length !== p.items.length) return found("unequal", "ratio")
    const direct = inOrder(g.items, p.items, c, "ratio")
    if (direct.outcome === "equal") return direct
    const isZero = (node: Node) => {
      const value = exactValue(node, c.budget)
      return value !== null && value !== "undefined" && Q.isZero(value)
    }
    if ([...g.items, ...p.items].some(isZero)) return direct
    const [g0, ...gRest] = g.items
    const [p0, ...pRest] = p.items
    if (g0 === undefined || p0 === undefined) return direct
    return allOf(
      gRest.map((item, at) => sameScalar(product([g0, pRest[at] ?? item]), product([p0, item]), c.tolerance, c.budget)),
      "ratio"
    )
  }
  const quotient = (node: Node): Node | null => {
    if (node.k !== "ratio") return node
    const [a, b] = node.items
    return node.items.length === 2 && a !== undefined && b !== undefined ? { k: "div", a, b } : null
  }
  const a = quotient(g)
  const b = quotient(p)
  if (a === null || b === null || !isScalar(a) || !isScalar(b)) return found("unequal", "kind")
  const same = sameScalar(a, b, c.tolerance, c.budget)
  return same.outcome === "equal" ? found("equal", "ratio") : same
}

const compareText = (g: Node, p: Node): Finding => {
  const words = (node: Node): string => letters(node.k === "text" ? node.text : node.k === "sym" ? node.name : "")
  const a = words(g)
  const b = words(p)
  if (a !== "" && b !== "") return found(a === b ? "equal" : "unequal", "text")
  return found("unequal", "kind")
}

/** A text as it is compared: lower case, one blank between words, without quotes, brackets and punctuation outside of numbers. */
export const letters = (text: string): string =>
  text.toLowerCase().replace(/[,;:!?'"’$\\(){}[\]]|\.(?!\d)/g, " ").replace(/\s+/g, " ").trim()
