// What equations and congruences state: names and their values, values of chains, residues. Nothing is compared here.
import type { Node, RelationOperator } from "./Node.ts"
import { canonicalForm, constantNames, isFunctionName, isScalar, partsOf, someNode } from "./Node.ts"
import * as Q from "./Rational.ts"

/** Names and what they are said to be, in the order in which it is said. */
export type Assignments = ReadonlyArray<{ readonly name: string; readonly value: Node }>

/** Values of single letters stand in the order of the alphabet, whatever order they are stated in: (1, 2) is y = 2, x = 1. */
export const inNameOrder = (list: Assignments): Assignments =>
  list.every(({ name }) => /^[a-z]$/i.test(name)) && new Set(list.map(({ name }) => name)).size === list.length
    ? [...list].sort((one, other) => (one.name < other.name ? -1 : 1))
    : list

export const isEquality = (operator: RelationOperator): boolean => operator === "=" || operator === "approx"

const functionNames = /^(?:[fghFGHPQWTVSANLCRDE])(?:'|_.*)?$/

/** Something that only names what the other side is: x, a_3, f(x), |AB|, V_1 : V_2, (p, q), \text{Area}. */
const isName = (node: Node): boolean => {
  switch (node.k) {
    case "sym":
      return node.name !== "pi" && node.name !== "infinity" && node.name !== "…"
    case "text":
      return true
    case "mul": {
      const [first, ...rest] = node.args
      if (first?.k === "text") return true
      if (first?.k === "pow" && first.base.k === "sym" && functionNames.test(first.base.name) && rest.length === 1) {
        return true
      }
      if (first?.k !== "sym" || rest.length > 4) return false
      return rest.every((arg) => arg.k === "sym" || arg.k === "text") ||
        (functionNames.test(first.name) && rest.length === 1)
    }
    case "unit":
      return isName(node.x)
    case "degree":
      return isName(node.x)
    case "fn":
      if (isFunctionName(node.name)) return true
      return (node.name === "abs" || node.name === "det" || node.name === "norm" || node.name === "max" ||
        node.name === "min") && node.args.every(isName)
    case "div":
      return isName(node.a) && isName(node.b)
    case "ratio":
    case "tuple":
      return node.items.length > 0 && node.items.every(isName)
    default:
      return false
  }
}

/** Whether a node has free variables or words; the variable of a sum or limit is bound. */
export const hasVariables = (node: Node, bound: ReadonlySet<string> = constantNames): boolean => {
  if (node.k === "sym") return !bound.has(node.name)
  if (node.k === "text") return true
  const inner = node.k === "big" ? new Set([...bound, node.variable]) : bound
  return partsOf(node).some((part) => hasVariables(part, inner))
}

/** The value that an equation states, where its left side is a name or it is a chain of constants; null for a true equation. */
export const statedValue = (node: Extract<Node, { k: "rel" }>): Node | null => {
  const { items, ops } = node
  const last = items.at(-1)
  if (last === undefined) return null
  if (ops.at(-1) === "in") return ops.length === 1 && items[0] !== undefined && isName(items[0]) ? last : null
  if (!ops.every(isEquality)) return null
  const [first] = items
  const states = first !== undefined
    && (isName(first) || items.slice(0, -1).every((item) => !hasVariables(item)) ||
      (items.length > 2 && !hasVariables(last)))
  if (!states) return null
  const approx = ops.indexOf("approx")
  const exact = approx > 0 || (approx === 0 && !hasVariables(first)) ? items[approx] : last
  return exact ?? last
}

/** A name and its value; null where the node is no assignment. */
const assignment = (node: Node): { readonly name: string; readonly value: Node } | null => {
  if (node.k !== "rel" || !node.ops.every(isEquality)) return null
  const [first] = node.items
  const value = statedValue(node)
  return first === undefined || value === null || !isName(first) ? null : { name: nameOf(first), value }
}

/** A name as it is compared: functions without their arguments, ratios as quotients, case aside where it is more than a letter. */
const nameOf = (node: Node): string => {
  if (node.k === "sym") return node.name
  if (node.k === "fn" && isFunctionName(node.name)) return `${node.name}()`
  const [first] = node.k === "mul" ? node.args : []
  if (first?.k === "sym" && node.k === "mul" && node.args.length === 2 && functionNames.test(first.name)) {
    return `${first.name}()`
  }
  const [a, b] = node.k === "ratio" ? node.items : []
  return canonicalForm(a !== undefined && b !== undefined ? { k: "div", a, b } : node).toLowerCase()
}

/** Whether a name is made of several, so that what it equals is no value of one of them: xy, x/y. */
export const isCompound = (name: string): boolean => /[*/]/.test(name)

/** All assignments that a node makes; null where it says anything else. (p, q) = (3, 2) is p = 3, q = 2. */
export const assignments = (node: Node): Assignments | null => {
  if (node.k === "rel" && node.ops.length === 1 && node.ops[0] === "=") {
    const [names, values] = node.items
    if (names?.k === "tuple" && values?.k === "tuple" && names.items.length === values.items.length) {
      return names.items.map((name, at) => ({ name: canonicalForm(name), value: values.items[at] ?? name }))
    }
  }
  const items = node.k === "list" || node.k === "set"
    ? node.items.flatMap((item) => (item.k === "list" ? item.items : [item]))
    : [node]
  const parts = items.map(assignment)
  const full = parts.filter((part) => part !== null)
  if (full.length !== parts.length || full.length === 0) return null
  return items.flatMap((item, at) => namesOfChain(item) ?? full[at] ?? [])
}

/** a = b = c = 1 as three assignments. */
const namesOfChain = (node: Node): Assignments | null => {
  if (node.k !== "rel" || node.items.length < 3 || !node.ops.every((operator) => operator === "=")) return null
  const value = node.items.at(-1)
  const names = node.items.slice(0, -1)
  if (
    value === undefined || hasVariables(value) ||
    !names.every((name) => name.k === "sym" && !constantNames.has(name.name))
  ) return null
  return names.map((name) => ({ name: canonicalForm(name), value }))
}

/** What m + n = 7 gives where a number is asked for: a left side of names alone, a right side that is a constant other than 0. */
export const totalOf = (gold: Node, node: Extract<Node, { k: "rel" }>): Node | null => {
  const last = node.items.at(-1)
  if (
    !isScalar(gold) || hasVariables(gold) || last === undefined || hasVariables(last) || !node.ops.every(isEquality)
  ) return null
  const isNumber = (part: Node) => part.k === "num"
  if (node.items.slice(0, -1).some((item) => someNode(item, isNumber) || !isScalar(item))) return null
  return last.k === "num" && Q.isZero(last.q) ? null : last
}

export const valueOf = (node: Node): Node => (node.k === "rel" ? statedValue(node) ?? node : node)

export const residueOf = (node: Node): { readonly x: Node; readonly r: Node; readonly m: Node } | null => {
  if (node.k !== "rel" || node.ops.length !== 1 || (node.ops[0] !== "equiv" && node.ops[0] !== "=")) return null
  const [x, right] = node.items
  if (x === undefined) return null
  if (right?.k === "residue") return { x, r: right.x, m: right.m }
  const [r, m] = right?.k === "fn" && right.name === "mod" && node.ops[0] === "equiv" ? right.args : []
  return r === undefined || m === undefined ? null : { x, r, m }
}

/** p = 5, q = 2, p = 7, q = 2 as the pairs (5, 2) and (7, 2), by names or as written; null where the names do not repeat so. */
export const recordsOf = (list: Assignments, byName = true): ReadonlyArray<Node> | null => {
  const width = new Set(list.map(({ name }) => name)).size
  if (width < 2 || width === list.length || list.length % width !== 0) return null
  const records: Array<Node> = []
  const names = list.slice(0, width).map(({ name }) => name).sort().join("\u0000")
  for (let from = 0; from < list.length; from += width) {
    const written = list.slice(from, from + width)
    const record = byName ? [...written].sort((x, y) => (x.name < y.name ? -1 : 1)) : written
    if (record.map(({ name }) => name).sort().join("\u0000") !== names) return null
    records.push({ k: "tuple", open: "(", close: ")", items: record.map(({ value }) => value) })
  }
  return records
}
