// One shape for answers that say the same in different brackets: plus-minus as the values that it stands for, matrix and finite set
// operations carried out, brackets around one thing gone.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { exactValue } from "./Exact.ts"
import { withMatrices } from "./MatrixAlgebra.ts"
import type { Node } from "./Node.ts"
import { addition, canonicalForm, isScalar, negated, partsOf, product, someNode, withParts } from "./Node.ts"
import * as Q from "./Rational.ts"

const maxSigns = 4

/**
 * Plus-minus as the values that it stands for. Signs go together where one of them is ∓, or where the caller says so; else every
 * combination is meant, up to sixteen.
 */
const signedReadings = (node: Node, together: boolean): ReadonlyArray<Node> => {
  let count = 0
  let linked = together
  someNode(node, (part) => {
    if (part.k === "pm") {
      count++
      if (part.upper === -1) linked = true
    }
    return false
  })
  if (count === 0) return [node]
  const signs = linked || count > maxSigns ? 1 : count
  return Array.from({ length: 2 ** signs }, (_, choice) => {
    let at = 0
    return withSign(node, () => (signs === 1 ? choice === 0 : ((choice >> at++) & 1) === 0))
  })
}

/** How many plus-minus signs a node has: with two or more of them there are two readings. */
export const signCount = (node: Node): number =>
  (node.k === "pm" ? 1 : 0) + partsOf(node).reduce((sum, part) => sum + signCount(part), 0)

/** The node with each sign chosen by `sign`, asked once for each in order. */
const withSign = (node: Node, sign: () => boolean): Node => {
  if (node.k !== "pm") return withParts(node, (part) => withSign(part, sign))
  const a = node.a === null ? null : withSign(node.a, sign)
  const isUpper = sign()
  const b = withSign(node.b, sign)
  const signed = isUpper === (node.upper === 1) ? b : negated(b)
  return a === null ? signed : addition([a, signed])
}

/** Brackets around one thing, plus-minus, matrix operations and finite set operations resolved. */
export const normal = (node: Node, budget: Budget, together: boolean): Node => {
  spend(budget, 12)
  switch (node.k) {
    case "list":
    case "set": {
      const each = node.items.flatMap((item) =>
        signedReadings(item, together).map((one) => normal(one, budget, together))
      )
      const items = withoutRepeats(each, budget)
      const [only] = items
      return items.length === 1 && only !== undefined ? only : { ...node, items }
    }
    case "tuple": {
      const readings = signedReadings(node, together)
      if (readings.length > 1) return { k: "list", items: readings.map((one) => normal(one, budget, together)) }
      return { ...node, items: node.items.map((item) => normal(item, budget, together)) }
    }
    case "matrix": {
      const rows = node.rows.map((row) => row.map((entry) => normal(entry, budget, together)))
      const only = rows.length === 1 && rows[0]?.length === 1 ? rows[0][0] : undefined
      return only ?? { k: "matrix", rows }
    }
    case "rel": {
      if (node.ops.includes("in")) return { ...node, items: node.items.map((item) => normal(item, budget, together)) }
      const readings = signedReadings(node, together)
      if (readings.length > 1) return { k: "list", items: readings.map((one) => normal(one, budget, together)) }
      return withoutBars({
        k: "rel",
        ops: node.ops,
        items: node.items.map((item) => (item.k === "sym" ? item : grouped(item, budget, together)))
      })
    }
    case "union":
    case "intersection":
    case "difference":
      return finiteSets({ k: node.k, args: node.args.map((arg) => unwrappedSet(arg, budget, together)) }, budget)
    default: {
      const readings = signedReadings(node, together)
      if (readings.length > 1) return { k: "list", items: readings.map((one) => normal(one, budget, together)) }
      const plain = withMatrices(withGcd(grouped(node, budget, together)), budget)
      return plain.k === "matrix" ? normal(plain, budget, together) : plain
    }
  }
}

/** One item where all have the same exact value: "15 39/40, or 639/40" is one number. */
const withoutRepeats = (items: ReadonlyArray<Node>, budget: Budget): ReadonlyArray<Node> => {
  if (items.length < 2 || !items.every(isScalar)) return items
  const byKey = new Map<string, Node>()
  for (const item of items) {
    const key = keyOf(item, budget)
    if (!byKey.has(key)) byKey.set(key, item)
  }
  return byKey.size === 1 ? [...byKey.values()] : items
}

const unwrappedSet = (node: Node, budget: Budget, together: boolean): Node =>
  node.k === "set" || node.k === "list"
    ? { k: "set", items: node.items.map((item) => normal(item, budget, together)) }
    : normal(node, budget, together)

/** |x| = 3 as x = 3 or x = -3; |AB| = 3 is a length and stays. */
const withoutBars = (node: Extract<Node, { k: "rel" }>): Node => {
  const [left, right] = node.items
  if (node.ops.length !== 1 || node.ops[0] !== "=" || left?.k !== "fn" || left.name !== "abs" || right === undefined) {
    return node
  }
  const [inside] = left.args
  if (inside?.k !== "sym" || !/^[a-z]$/.test(inside.name) || !isScalar(right)) return node
  return {
    k: "list",
    items: [right, negated(right)].map((value): Node => ({ k: "rel", ops: ["="], items: [inside, value] }))
  }
}

/** A set of one thing among factors or terms only groups: \{1+2\}\{3-4\}. */
const grouped = (node: Node, budget: Budget, together: boolean): Node => {
  switch (node.k) {
    case "set":
    case "list":
    case "tuple":
    case "matrix":
    case "union":
    case "intersection":
    case "difference":
      return normal(node, budget, together)
    case "add":
    case "mul":
      return { k: node.k, args: node.args.map((arg) => ungrouped(arg, budget, together)) }
    case "ratio":
      return { k: "ratio", items: node.items.map((item) => ungrouped(item, budget, together)) }
    default:
      return node
  }
}

const ungrouped = (node: Node, budget: Budget, together: boolean): Node => {
  if (node.k !== "set" && node.k !== "add" && node.k !== "mul") return node
  const [only] = node.k === "set" ? node.items : []
  return node.k === "set"
    ? (node.items.length === 1 && only !== undefined ? only : node)
    : grouped(node, budget, together)
}

/** Unions, intersections and differences of finite sets, carried out by canonical forms. */
const finiteSets = (node: Extract<Node, { k: "union" | "intersection" | "difference" }>, budget: Budget): Node => {
  if (!node.args.every((arg) => arg.k === "set")) return node
  spend(budget, 20)
  const sets = node.args.map((arg) => new Map(partsOf(arg).map((item): [string, Node] => [keyOf(item, budget), item])))
  const [first = new Map<string, Node>(), ...rest] = sets
  const result = new Map(first)
  for (const set of rest) {
    if (node.k === "union") { for (const [key, item] of set) result.set(key, item) }
    else for (const key of result.keys()) if (set.has(key) === (node.k === "difference")) result.delete(key)
  }
  return { k: "set", items: [...result.values()] }
}

/** Equal texts mean equal values: the exact value where there is one, else the canonical form. */
export const keyOf = (node: Node, budget: Budget): string => {
  const exact = isScalar(node) ? exactValue(node, budget) : null
  return exact === null || exact === "undefined" ? canonicalForm(node) : `${exact.n}/${exact.d}`
}

/** Greatest common divisors of monomials: numbers by their fractions, variables by their least powers. */
const withGcd = (node: Node): Node => {
  if (node.k !== "fn" || node.name !== "gcd") return node
  const monomials = node.args.map(monomialOf)
  if (monomials.some((one) => one === null) || monomials.every((one) => one?.powers.size === 0)) return node
  const [first, ...rest] = monomials
  if (first === null || first === undefined) return node
  let coefficient = first.coefficient
  const powers = new Map(first.powers)
  for (const one of rest) {
    if (one === null) return node
    coefficient = Q.gcd(coefficient, one.coefficient)
    for (const [name, power] of powers) powers.set(name, Math.min(power, one.powers.get(name) ?? 0))
  }
  return product([
    { k: "num", q: coefficient, decimal: false },
    ...[...powers].filter(([, power]) => power > 0).map(([name, power]): Node => ({
      k: "pow",
      base: { k: "sym", name },
      exp: { k: "num", q: Q.rational(BigInt(power)), decimal: false }
    }))
  ])
}

const monomialOf = (
  node: Node
): { readonly coefficient: Q.Rational; readonly powers: ReadonlyMap<string, number> } | null => {
  const powers = new Map<string, number>()
  let coefficient = Q.one
  for (const factor of node.k === "mul" ? node.args : [node]) {
    if (factor.k === "num") coefficient = Q.multiply(coefficient, factor.q)
    else if (factor.k === "sym") powers.set(factor.name, (powers.get(factor.name) ?? 0) + 1)
    else return null
  }
  return { coefficient, powers }
}
