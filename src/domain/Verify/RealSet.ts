// Sets of real numbers with constant ends: intervals, finite sets, unions, intersections, complements and inequalities in one
// variable. Two of them are compared on the cells (points and gaps) that their ends cut the line into.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import type { Node, RelationOperator } from "./Node.ts"
import { converse, isFunctionName, isScalar, negated, someNode } from "./Node.ts"
import type { Tolerance } from "./Scalar.ts"
import { sizeOf } from "./Scalar.ts"
import { hasVariables } from "./Statements.ts"

/** A set as a test on cells: `index` is even for gaps and odd for points, counting from the left. */
type Membership = (cell: number) => boolean

interface End {
  readonly size: number
  readonly node: Node | null
}

/** Ends of both sides, merged where they are equal. */
class Line {
  readonly ends: Array<End> = []
  readonly budget: Budget
  readonly same: (a: Node, b: Node) => boolean

  /** How far apart two ends may be that are worth a comparison. */
  readonly nearness: (size: number) => number

  constructor(budget: Budget, same: (a: Node, b: Node) => boolean, nearness: (size: number) => number) {
    this.budget = budget
    this.same = same
    this.nearness = nearness
  }

  add(size: number, node: Node): boolean {
    if (Math.abs(size) === Infinity) return true
    if (this.ends.length >= 256) return false
    spend(this.budget, 4 + this.ends.length)
    let at = 0
    const near = this.nearness(size)
    while (at < this.ends.length && (this.ends[at]?.size ?? 0) < size - near) at++
    for (let next = at; next < this.ends.length && (this.ends[next]?.size ?? 0) <= size + near; next++) {
      const other = this.ends[next]?.node
      if (other !== null && other !== undefined && this.same(other, node)) return true
    }
    while (at < this.ends.length && (this.ends[at]?.size ?? 0) < size) at++
    this.ends.splice(at, 0, { size, node })
    return true
  }

  /** The point cell of an end that was added; -1 and beyond the last for the infinities. */
  cellOf(size: number, node: Node): number {
    if (size === -Infinity) return -1
    if (size === Infinity) return 2 * this.ends.length + 1
    const at = this.ends.findIndex((end) =>
      Math.abs(end.size - size) <= this.nearness(size) &&
      (end.node === node || (end.node !== null && this.same(end.node, node)))
    )
    return 2 * at + 1
  }
}

interface Interval {
  readonly from: Node
  readonly to: Node
  readonly closedFrom: boolean
  readonly closedTo: boolean
}

/** A real set in its parts. */
type Shape =
  | { readonly k: "interval"; readonly interval: Interval }
  | { readonly k: "points"; readonly points: ReadonlyArray<Node> }
  | { readonly k: "reals" }
  | { readonly k: "union" | "intersection" | "difference"; readonly parts: ReadonlyArray<Shape> }

const infinity: Node = { k: "sym", name: "infinity" }
const minusInfinity = negated(infinity)

/** Whether a scalar can be what an inequality bounds: a name, a name applied to names, or its absolute value. */
const isVariable = (node: Node): boolean => {
  switch (node.k) {
    case "sym":
      return hasVariables(node)
    case "mul":
      return node.args[0]?.k === "sym" && node.args.every((arg) => arg.k === "sym" || arg.k === "num") &&
        hasVariables(node)
    case "fn":
      return (node.name === "abs" || isFunctionName(node.name)) && node.args.every(isVariable)
    default:
      return false
  }
}

const halfLine = (operator: RelationOperator, bound: Node): Shape | null => {
  switch (operator) {
    case "<":
    case "<=":
      return {
        k: "interval",
        interval: { from: minusInfinity, to: bound, closedFrom: false, closedTo: operator === "<=" }
      }
    case ">":
    case ">=":
      return { k: "interval", interval: { from: bound, to: infinity, closedFrom: operator === ">=", closedTo: false } }
    case "!=":
      return { k: "difference", parts: [{ k: "reals" }, { k: "points", points: [bound] }] }
    case "=":
      return { k: "points", points: [bound] }
    default:
      return null
  }
}

const relationShape = (node: Extract<Node, { k: "rel" }>): Shape | null => {
  const { items, ops } = node
  const [first, second, third] = items
  const [operator, next] = ops
  if (first === undefined || second === undefined || operator === undefined) return null
  if (ops.length === 1) {
    if (operator === "in") return isVariable(first) ? shapeOf(second, true) : null
    if (isVariable(first) && !hasVariables(second)) {
      return absoluteShape(first, operator, second) ?? halfLine(operator, second)
    }
    if (isVariable(second) && !hasVariables(first)) {
      return absoluteShape(second, converse[operator], first) ?? halfLine(converse[operator], first)
    }
    return null
  }
  if (
    ops.length !== 2 || third === undefined || next === undefined || !isVariable(second) || hasVariables(first) ||
    hasVariables(third)
  ) return null
  const low = halfLine(converse[operator], first)
  const high = halfLine(next, third)
  return low === null || high === null ? null : { k: "intersection", parts: [low, high] }
}

/** |x| < a and the like, for a plain variable. */
const absoluteShape = (left: Node, operator: RelationOperator, bound: Node): Shape | null => {
  const [inside] = left.k === "fn" && left.name === "abs" ? left.args : []
  if (inside?.k !== "sym") return null
  const below = operator === "<" || operator === "<="
  const low = halfLine(below ? converse[operator] : operator === "!=" ? "!=" : converse[operator], negated(bound))
  const high = halfLine(operator, bound)
  return low === null || high === null
    ? null
    : { k: below || operator === "!=" ? "intersection" : "union", parts: [low, high] }
}

/** Inequalities joined by "and" hold together, by "or" apart; after a mere comma, half-lines that overlap hold together. */
const joint = (by: "and" | "or" | undefined, parts: ReadonlyArray<Shape>): "union" | "intersection" => {
  if (by !== undefined) return by === "and" ? "intersection" : "union"
  const sides = parts.map((part) =>
    part.k !== "interval"
      ? null
      : part.interval.from === minusInfinity
      ? "below"
      : part.interval.to === infinity
      ? "above"
      : null
  )
  if (!sides.includes("below") || !sides.includes("above") || sides.length !== 2) return "union"
  const ends = parts.map((part, at) =>
    part.k !== "interval"
      ? NaN
      : sizeOf(sides[at] === "below" ? part.interval.to : part.interval.from, { left: 100_000 }) ?? NaN
  )
  const [below, above] = sides[0] === "below" ? ends : [ends[1], ends[0]]
  return (below ?? NaN) > (above ?? NaN) ? "intersection" : "union"
}

/** What a node says as a set of reals; null where it says none. A pair in brackets is an interval only where `pairs` allows it. */
const shapeOf = (node: Node, pairs: boolean): Shape | null => {
  switch (node.k) {
    case "sym":
      return node.name === "ℝ" || node.name === "R" ? { k: "reals" } : null
    case "tuple": {
      const [from, to] = node.items
      if (
        !pairs || node.items.length !== 2 || from === undefined || to === undefined || !isScalar(from) || !isScalar(to)
      ) return null
      return { k: "interval", interval: { from, to, closedFrom: node.open === "[", closedTo: node.close === "]" } }
    }
    case "set":
      return node.items.every(isScalar) ? { k: "points", points: node.items } : null
    case "list": {
      if (node.items.every(isScalar)) return { k: "points", points: node.items }
      const parts = node.items.map((item) => shapeOf(item, pairs))
      const full = parts.filter((part) => part !== null)
      if (full.length !== parts.length || full.length === 0) return null
      return { k: node.items.every((item) => item.k === "rel") ? joint(node.by, full) : "union", parts: full }
    }
    case "union":
    case "intersection":
    case "difference": {
      const parts = node.args.map((arg) => shapeOf(arg, true))
      const full = parts.filter((part) => part !== null)
      return full.length === parts.length ? { k: node.k, parts: full } : null
    }
    case "rel":
      return relationShape(node)
    default:
      return null
  }
}

const endsOf = (shape: Shape): ReadonlyArray<Node> => {
  switch (shape.k) {
    case "reals":
      return []
    case "points":
      return shape.points
    case "interval":
      return [shape.interval.from, shape.interval.to]
    default:
      return shape.parts.flatMap(endsOf)
  }
}

const membership = (shape: Shape, line: Line, sizes: ReadonlyMap<Node, number>): Membership => {
  const cell = (node: Node) => line.cellOf(sizes.get(node) ?? NaN, node)
  switch (shape.k) {
    case "reals":
      return () => true
    case "points": {
      const cells = new Set(shape.points.map(cell))
      return (at) => cells.has(at)
    }
    case "interval": {
      const { closedFrom, closedTo } = shape.interval
      const from = cell(shape.interval.from)
      const to = cell(shape.interval.to)
      return (at) => (at > from || (closedFrom && at === from)) && (at < to || (closedTo && at === to))
    }
    default: {
      const parts = shape.parts.map((part) => membership(part, line, sizes))
      if (shape.k === "union") return (at) => parts.some((part) => part(at))
      if (shape.k === "intersection") return (at) => parts.every((part) => part(at))
      return (at) => parts.every((part, index) => (index === 0) === part(at))
    }
  }
}

/** Whether a pair that should be an interval has its larger end first, and so is none. */
const isReversed = (shape: Shape, sizes: ReadonlyMap<Node, number>): boolean =>
  shape.k === "interval"
    ? (sizes.get(shape.interval.from) ?? NaN) > (sizes.get(shape.interval.to) ?? NaN)
    : "parts" in shape && shape.k !== "intersection" && shape.parts.some((part) => isReversed(part, sizes))

/** Whether a node can only be meant as a set of reals: a union, a half-open or unbounded interval, an inequality. */
export const isRealSet = (node: Node): boolean => {
  switch (node.k) {
    case "union":
    case "intersection":
    case "difference":
      return true
    case "tuple":
      return node.items.length === 2 && (node.open === "[") !== (node.close === "]") || isUnbounded(node)
    case "rel":
      return relationShape(node) !== null && node.ops.some((operator) => operator !== "=")
    case "list":
      return node.items.length > 0 && node.items.every((item) => item.k === "rel" && isRealSet(item))
    case "sym":
      return node.name === "ℝ"
    default:
      return false
  }
}

const isUnbounded = (node: Extract<Node, { k: "tuple" }>): boolean =>
  node.items.length === 2 &&
  node.items.some((item) => someNode(item, (part) => part.k === "sym" && part.name === "infinity"))

/**
 * Whether two nodes say the same set of reals; null where one says none or has ends that are no constants. `same` compares two ends
 * that are close to each other.
 */
export const sameRealSet = (
  a: Node,
  b: Node,
  same: (a: Node, b: Node) => boolean,
  tolerance: Tolerance,
  budget: Budget
): boolean | null => {
  const left = shapeOf(a, true)
  const right = shapeOf(b, true)
  if (left === null || right === null) return null
  const sizes = new Map<Node, number>()
  const least = tolerance.relative === null ? 10 ** -tolerance.precision : 0
  const line = new Line(
    budget,
    same,
    (size) => Math.max(least, Math.max(1e-6, tolerance.relative ?? 0) * Math.max(1, Math.abs(size)))
  )
  for (const end of [...endsOf(left), ...endsOf(right)]) {
    const size = hasVariables(end) ? null : sizeOf(end, budget)
    if (size === null) return null
    sizes.set(end, size)
    if (!line.add(size, end)) return null
  }
  if (isReversed(left, sizes) || isReversed(right, sizes)) return null
  const inLeft = membership(left, line, sizes)
  const inRight = membership(right, line, sizes)
  for (let cell = 0; cell <= 2 * line.ends.length; cell++) if (inLeft(cell) !== inRight(cell)) return false
  return true
}
