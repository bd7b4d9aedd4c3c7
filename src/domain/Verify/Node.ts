// An answer as a tree: scalars (numbers, symbols, operations) and the structures that answers have (lists, tuples, sets, matrices,
// relations ...). Built by Parse.ts, never from evaluated text; compared by Compare.ts.
import type { Rational } from "./Rational.ts"

export type RelationOperator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "approx" | "equiv"

/** What a relation says when its sides change places. */
export const converse: Readonly<Record<RelationOperator, RelationOperator>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  in: "in",
  approx: "approx",
  equiv: "equiv"
}

export type Node =
  /** `decimal`: written with a decimal point, so that a rounding is meant. */
  | { readonly k: "num"; readonly q: Rational; readonly decimal: boolean }
  /** A variable or constant; `pi`, `e`, `i` and `infinity` have their values. */
  | { readonly k: "sym"; readonly name: string }
  | { readonly k: "add" | "mul"; readonly args: ReadonlyArray<Node> }
  | { readonly k: "div"; readonly a: Node; readonly b: Node }
  | { readonly k: "pow"; readonly base: Node; readonly exp: Node }
  /** `sqrt` has (radicand) or (radicand, index), `log` (x) or (x, base). Unknown names are opaque. */
  | { readonly k: "fn"; readonly name: string; readonly args: ReadonlyArray<Node> }
  /** Sum, product or integral over `variable` from `from` to `to`; limit of `body` as `variable` goes to `from`. */
  | {
    readonly k: "big"
    readonly op: "sum" | "prod" | "int" | "lim"
    readonly variable: string
    readonly from: Node
    readonly to: Node
    readonly body: Node
  }
  /** `a` plus or minus `b`; `upper` is +1 for ± and -1 for ∓. */
  | { readonly k: "pm"; readonly a: Node | null; readonly b: Node; readonly upper: 1 | -1 }
  | { readonly k: "percent" | "degree"; readonly x: Node }
  | { readonly k: "unit"; readonly x: Node; readonly unit: string }
  /** `digits` in base `base`. */
  | { readonly k: "based"; readonly value: bigint; readonly digits: string; readonly base: number }
  /** `by`: the word that joined the items of a list; it matters to inequalities. */
  | { readonly k: "list"; readonly items: ReadonlyArray<Node>; readonly by?: "and" | "or" }
  | { readonly k: "set"; readonly items: ReadonlyArray<Node> }
  | { readonly k: "tuple"; readonly open: string; readonly close: string; readonly items: ReadonlyArray<Node> }
  | { readonly k: "matrix"; readonly rows: ReadonlyArray<ReadonlyArray<Node>> }
  | { readonly k: "rel"; readonly ops: ReadonlyArray<RelationOperator>; readonly items: ReadonlyArray<Node> }
  | { readonly k: "union" | "intersection" | "difference"; readonly args: ReadonlyArray<Node> }
  | { readonly k: "ratio"; readonly items: ReadonlyArray<Node> }
  /** `x` modulo `m`, as in a congruence. */
  | { readonly k: "residue"; readonly x: Node; readonly m: Node }
  /** Minutes after midnight. */
  | { readonly k: "time"; readonly minutes: number }
  | { readonly k: "text"; readonly text: string }

/** Symbols that are no variables. */
export const constantNames: ReadonlySet<string> = new Set(["pi", "e", "i", "infinity"])

/** Names that stand for a function before a bracket. */
export const isFunctionName = (name: string): boolean => /^[fgFG]'*$/.test(name)

export type NodeKind = Node["k"]

export const num = (q: Rational, decimal = false): Node => ({ k: "num", q, decimal })
export const sym = (name: string): Node => ({ k: "sym", name })
export const fn = (name: string, ...args: ReadonlyArray<Node>): Node => ({ k: "fn", name, args })
const minusOneNode: Node = { k: "num", q: { n: -1n, d: 1n }, decimal: false }
export const negated = (node: Node): Node =>
  node.k === "num"
    ? { k: "num", q: { n: -node.q.n, d: node.q.d }, decimal: node.decimal }
    : { k: "mul", args: [minusOneNode, node] }
export const addition = (args: ReadonlyArray<Node>): Node => {
  const [first] = args
  return args.length === 1 && first !== undefined ? first : { k: "add", args }
}
export const product = (args: ReadonlyArray<Node>): Node => {
  const [first] = args
  return args.length === 1 && first !== undefined ? first : { k: "mul", args }
}
export const difference = (a: Node, b: Node): Node => ({ k: "add", args: [a, negated(b)] })

/** Whether the node is one value (which may have variables), not a structure of several or a statement. */
export const isScalar = (node: Node): boolean => scalarKinds.has(node.k)
const scalarKinds: ReadonlySet<NodeKind> = new Set<NodeKind>([
  "num",
  "sym",
  "add",
  "mul",
  "div",
  "pow",
  "fn",
  "big",
  "percent",
  "degree",
  "unit",
  "based"
])

/** The direct parts of a node, in order. */
export const partsOf = (node: Node): ReadonlyArray<Node> => {
  switch (node.k) {
    case "num":
    case "sym":
    case "based":
    case "time":
    case "text":
      return []
    case "add":
    case "mul":
    case "fn":
    case "union":
    case "intersection":
    case "difference":
      return node.args
    case "div":
      return [node.a, node.b]
    case "pow":
      return [node.base, node.exp]
    case "big":
      return [node.from, node.to, node.body]
    case "pm":
      return node.a === null ? [node.b] : [node.a, node.b]
    case "percent":
    case "degree":
    case "unit":
      return [node.x]
    case "list":
    case "set":
    case "tuple":
    case "rel":
    case "ratio":
      return node.items
    case "matrix":
      return node.rows.flat()
    case "residue":
      return [node.x, node.m]
  }
}

/** Whether any node of the tree passes the test. */
export const someNode = (node: Node, test: (node: Node) => boolean): boolean =>
  test(node) || partsOf(node).some((part) => someNode(part, test))

/**
 * One text for all trees that differ only in the order of summands and factors, the spelling of numbers, or brackets. Equal texts
 * mean equal values; different texts mean nothing.
 */
export const canonicalForm = (node: Node): string => {
  switch (node.k) {
    case "num":
      return node.q.d === 1n ? String(node.q.n) : `${node.q.n}/${node.q.d}`
    case "sym":
      return node.name
    case "add":
    case "mul": {
      const parts = flattened(node.k, node.args).map(canonicalForm).sort()
      return `(${parts.join(node.k === "add" ? "+" : "*")})`
    }
    case "div":
      return `(${canonicalForm(node.a)}/${canonicalForm(node.b)})`
    case "pow":
      return `(${canonicalForm(node.base)}^${canonicalForm(node.exp)})`
    case "fn":
      return `${node.name}[${node.args.map(canonicalForm).join(",")}]`
    case "big":
      return `${node.op}{${node.variable},${canonicalForm(node.from)},${canonicalForm(node.to)},${
        canonicalForm(node.body)
      }}`
    case "pm":
      return `(${node.a === null ? "" : canonicalForm(node.a)}${node.upper === 1 ? "±" : "∓"}${canonicalForm(node.b)})`
    case "percent":
      return `${canonicalForm(node.x)}%`
    case "degree":
      return `${canonicalForm(node.x)}°`
    case "unit":
      return `${canonicalForm(node.x)}"${node.unit}"`
    case "based":
      return `${node.digits}_${node.base}`
    case "list":
    case "set": {
      const unequal = node.k === "list" &&
        node.items.every((item) => item.k === "rel" && item.ops.some((op) => op !== "="))
      return `{${node.items.map(canonicalForm).sort().join(",")}}${unequal && node.k === "list" ? node.by ?? "" : ""}`
    }
    case "tuple":
      return `${node.open}${node.items.map(canonicalForm).join(",")}${node.close}`
    case "matrix":
      return `matrix${node.rows.map((row) => `[${row.map(canonicalForm).join(",")}]`).join("")}`
    case "rel":
      return `(${node.items.map((item, at) => canonicalForm(item) + (node.ops[at] ?? "")).join("")})`
    case "union":
    case "intersection":
      return `${node.k}(${node.args.map(canonicalForm).sort().join(",")})`
    case "difference":
      return `difference(${node.args.map(canonicalForm).join(",")})`
    case "ratio":
      return `(${node.items.map(canonicalForm).join(":")})`
    case "residue":
      return `(${canonicalForm(node.x)} mod ${canonicalForm(node.m)})`
    case "time":
      return `time${node.minutes}`
    case "text":
      return `"${node.text}"`
  }
}

const flattened = (kind: "add" | "mul", args: ReadonlyArray<Node>): ReadonlyArray<Node> =>
  args.some((arg) => arg.k === kind)
    ? args.flatMap((arg) => (arg.k === kind ? flattened(kind, arg.args) : [arg]))
    : args

/** The node with each of its direct parts replaced by what `change` makes of it, in order. */
export const withParts = (node: Node, change: (part: Node) => Node): Node => {
  switch (node.k) {
    case "num":
    case "sym":
    case "based":
    case "time":
    case "text":
      return node
    case "add":
    case "mul":
      return { k: node.k, args: node.args.map(change) }
    case "union":
    case "intersection":
    case "difference":
      return { k: node.k, args: node.args.map(change) }
    case "fn":
      return { k: "fn", name: node.name, args: node.args.map(change) }
    case "div":
      return { k: "div", a: change(node.a), b: change(node.b) }
    case "pow":
      return { k: "pow", base: change(node.base), exp: change(node.exp) }
    case "big":
      return { ...node, from: change(node.from), to: change(node.to), body: change(node.body) }
    case "pm":
      return { ...node, a: node.a === null ? null : change(node.a), b: change(node.b) }
    case "percent":
    case "degree":
      return { k: node.k, x: change(node.x) }
    case "unit":
      return { ...node, x: change(node.x) }
    case "list":
    case "set":
    case "tuple":
    case "ratio":
    case "rel":
      return { ...node, items: node.items.map(change) }
    case "matrix":
      return { k: "matrix", rows: node.rows.map((row) => row.map(change)) }
    case "residue":
      return { k: "residue", x: change(node.x), m: change(node.m) }
  }
}

/** The node with each free variable `from` called `to`. */
export const renamed = (node: Node, from: string, to: string): Node => {
  if (node.k === "sym") return node.name === from ? sym(to) : node
  return node.k === "big" && node.variable === from ? node : withParts(node, (part) => renamed(part, from, to))
}
