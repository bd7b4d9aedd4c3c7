// Matrices in answers: sums, products, scalar multiples and small powers are carried out, so that only the entries are compared.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import type { Node } from "./Node.ts"
import { addition, fn, negated, num, partsOf, product, someNode } from "./Node.ts"
import { one } from "./Rational.ts"

type Rows = ReadonlyArray<ReadonlyArray<Node>>

const maxEntries = 10_000
/** Determinants of larger matrices stay as they are. */
const maxDeterminant = 4

const widthOf = (rows: Rows): number => rows[0]?.length ?? 0
const transposed = (rows: Rows): Rows =>
  Array.from({ length: widthOf(rows) }, (_, column) => rows.map((row) => row[column] ?? num(one)))

const sumOf = (a: Rows, b: Rows): Rows | null =>
  a.length !== b.length || widthOf(a) !== widthOf(b)
    ? null
    : a.map((row, at) => row.map((entry, column) => addition([entry, b[at]?.[column] ?? num(one)])))

/** Parts of an entry beyond which a product of matrices is not written out: entries share parts, and grow as powers. */
const maxEntrySize = 1000

/** How many nodes an entry has, written out; more than `most` count as `most`. */
const sizeOf = (node: Node, most: number): number => {
  let size = 1
  for (const part of partsOf(node)) {
    if (size >= most) return most
    size += sizeOf(part, most - size)
  }
  return Math.min(size, most)
}
const sizeOfRows = (rows: Rows): number =>
  rows.flat().reduce((most, entry) => Math.max(most, sizeOf(entry, maxEntrySize)), 0)

const productOf = (a: Rows, b: Rows, budget: Budget): Rows | null => {
  if (widthOf(a) !== b.length || a.length * widthOf(b) * b.length > maxEntries) return null
  const size = (sizeOfRows(a) + sizeOfRows(b)) * b.length
  if (size > maxEntrySize) return null
  spend(budget, a.length * widthOf(b) * (4 + size))
  const columns = transposed(b)
  return a.map((row) =>
    columns.map((column) => addition(row.map((entry, at) => product([entry, column[at] ?? num(one)]))))
  )
}

const scaled = (rows: Rows, factor: Node): Rows => rows.map((row) => row.map((entry) => product([factor, entry])))

const determinant = (rows: Rows): Node | null => {
  if (rows.length !== widthOf(rows) || rows.length > maxDeterminant) return null
  const [first = []] = rows
  if (rows.length === 1) return first[0] ?? null
  const terms: Array<Node> = []
  for (const [column, entry] of first.entries()) {
    const minor = determinant(rows.slice(1).map((row) => row.filter((_, at) => at !== column)))
    if (minor === null) return null
    const term = product([entry, minor])
    terms.push(column % 2 === 0 ? term : negated(term))
  }
  return addition(terms)
}

const rowsOf = (node: Node, budget: Budget): Rows | null => {
  switch (node.k) {
    case "matrix":
      return node.rows.length * widthOf(node.rows) > maxEntries ? null : node.rows
    case "add": {
      let total: Rows | null = null
      for (const [at, arg] of node.args.entries()) {
        const rows = rowsOf(arg, budget)
        if (rows === null) return null
        total = at === 0 ? rows : total === null ? null : sumOf(total, rows)
        if (total === null) return null
      }
      return total
    }
    case "mul": {
      let rows: Rows | null = null
      const factors: Array<Node> = []
      for (const arg of node.args) {
        const next = hasMatrix(arg) ? rowsOf(arg, budget) : null
        if (next === null) {
          if (hasMatrix(arg)) return null
          factors.push(arg)
        } else {
          rows = rows === null ? next : productOf(rows, next, budget)
          if (rows === null) return null
        }
      }
      return rows === null || factors.length === 0 ? rows : scaled(rows, product(factors))
    }
    case "div": {
      const rows = hasMatrix(node.b) ? null : rowsOf(node.a, budget)
      return rows === null ? null : scaled(rows, { k: "div", a: num(one), b: node.b })
    }
    case "pow": {
      const rows = rowsOf(node.base, budget)
      if (rows === null) return null
      if (node.exp.k === "sym" && (node.exp.name === "T" || node.exp.name === "top")) return transposed(rows)
      if (node.exp.k !== "num" || node.exp.q.d !== 1n || node.exp.q.n < 1n || node.exp.q.n > 8n) return null
      let result: Rows | null = rows
      for (let k = 1n; k < node.exp.q.n && result !== null; k++) result = productOf(result, rows, budget)
      return result
    }
    default:
      return null
  }
}

const hasMatrix = (node: Node): boolean => someNode(node, (part) => part.k === "matrix")

/** The node with its matrix operations carried out; the node itself where there are none, or where they do not fit. */
export const withMatrices = (node: Node, budget: Budget): Node => {
  if (node.k === "matrix" || !hasMatrix(node)) return node
  if (node.k === "fn" && node.name === "det") {
    const [inside] = node.args
    const rows = inside === undefined ? null : rowsOf(inside, budget)
    return (rows === null ? null : determinant(rows)) ?? node
  }
  if (node.k === "add" || node.k === "mul" || node.k === "div" || node.k === "pow") {
    const rows = rowsOf(node, budget)
    if (rows !== null) return { k: "matrix", rows }
  }
  switch (node.k) {
    case "add":
    case "mul":
      return { k: node.k, args: node.args.map((arg) => withMatrices(arg, budget)) }
    case "fn":
      return fn(node.name, ...node.args.map((arg) => withMatrices(arg, budget)))
    case "div":
      return { k: "div", a: withMatrices(node.a, budget), b: withMatrices(node.b, budget) }
    case "pow":
      return { k: "pow", base: withMatrices(node.base, budget), exp: node.exp }
    default:
      return node
  }
}
