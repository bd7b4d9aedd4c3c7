// The value of an expression, as far as it can be told without running it: constants through names, operators, containers,
// comprehensions, Python's own functions, and calls of the program's functions a few levels deep. Texts that are executed are read.
import { bareMathematics, keyOf, readNumber } from "./Answer.ts"
import type { Answer } from "./Answer.ts"
import { compare, itemAt, itemsOf, negate, operate, slice } from "./Arithmetic.ts"
import { callBuiltin, callMethod, lookUp } from "./Calls.ts"
import { groupsOf, isPunctuation, parsePython, type PythonNode } from "./PythonTree.ts"
import {
  atLeast,
  computed,
  disguised,
  type Effort,
  effortOf,
  type FunctionValue,
  hole,
  indexOf,
  integer,
  isTrue,
  list,
  most,
  none,
  number,
  oneOf,
  plainText,
  render,
  respelled,
  same,
  text,
  truth,
  unknown,
  type Value,
  written
} from "./Value.ts"
import { type Argument, Watcher } from "./Watcher.ts"

interface Scope {
  values: Map<string, Value>
  readonly parent: Scope | null
  readonly globals: Set<string>
}

const outputs = new Set(
  "print display pprint pprint.pprint sys.stdout.write stdout.write sys.stdout.writelines sys.stderr.write puts echo os.write os.system subprocess.run logging.info logger.info"
    .split(" ")
)
const outputName = /(?:^|[._])(?:(?:final|submit|give|report)_?answer|submit|answer|set_answer)$/i
const comparisons =
  /(?:^|\.)(?:isclose|allclose|assertEqual|assertEquals|assertAlmostEqual|assert_equal|assert_allclose|assert_almost_equal|array_equal)$/
/** Methods that change what they are called on. */
export const mutating = new Set(
  "append extend insert remove pop clear sort reverse add discard update popitem setdefault appendleft popleft"
    .split(" ")
)
/** Functions of Python that are handed to `map`. */
const conversions = new Set(["chr", "str", "int", "ord", "float", "repr"])
const depthMax = 8
export const nestingMax = 100

export abstract class Evaluator extends Watcher {
  protected readonly root: Scope = { values: new Map(), parent: null, globals: new Set() }
  protected scope: Scope = this.root
  protected depth = 0
  protected nesting = 0
  /** Conditions inside of called functions that folding decided. */
  protected decided = 0
  protected hasOutput = false
  protected readonly called = new Set<number>()
  protected returns: Array<{ readonly value: Value; readonly node: PythonNode; readonly isSoft: boolean }> = []
  private readonly nodesMax: number
  private texts = 0

  constructor(code: string, answer: Answer, limits: { readonly steps: number; readonly nodes: number }) {
    super(code, answer, limits.steps)
    this.nodesMax = limits.nodes
    this.root.values.set("__name__", text("__main__", computed))
  }

  /** Walks statements; true if control cannot go past them. */
  protected abstract body(kids: ReadonlyArray<PythonNode>): boolean

  protected bodyOf(node: PythonNode): boolean {
    const inside = node.kids.find(({ type }) => type === "Body")
    return inside !== undefined && this.body(inside.kids)
  }

  protected isOutputCall(node: PythonNode): boolean {
    const [callee] = node.kids
    return node.type === "CallExpression" && callee !== undefined && this.isOutputName(this.source(callee))
  }

  protected isOutputName(name: string): boolean {
    return outputs.has(name) || (outputName.test(name) && this.lookUpName(name) === undefined) ||
      (name.endsWith(".write") && name.length < 40)
  }

  // --- names -------------------------------------------------------------------------------------------------------------------

  protected lookUpName(name: string): Value | undefined {
    for (let scope: Scope | null = this.scope; scope !== null; scope = scope.parent) {
      const value = scope.values.get(name)
      if (value !== undefined) return value
    }
    return undefined
  }

  protected set(name: string, value: Value): void {
    const scope = this.scope.globals.has(name) ? this.scope.parent ?? this.root : this.scope
    if (scope.values.size < 2_000 || scope.values.has(name)) scope.values.set(name, value)
  }

  protected assignGroup(targets: ReadonlyArray<PythonNode>, value: Value): void {
    const nodes = targets.filter((node) => !isPunctuation(node))
    const [only] = nodes
    if (only !== undefined && nodes.length === 1 && !targets.some(({ type }) => type === ",")) this.assign(only, value)
    else this.destructure(targets, value)
  }

  protected destructure(targets: ReadonlyArray<PythonNode>, value: Value): void {
    const nodes = targets.filter((node) => !isPunctuation(node))
    const items = itemsOf(value)
    const hasStar = targets.some(({ type }) => type === "*")
    for (const [i, node] of nodes.entries()) {
      this.assign(node, items === null || hasStar || items.length !== nodes.length ? unknown : items[i] ?? unknown)
    }
  }

  protected assign(target: PythonNode, value: Value): void {
    switch (target.type) {
      case "VariableName":
        this.set(this.source(target), value)
        return
      case "TupleExpression":
      case "ArrayExpression":
      case "ParenthesizedExpression":
        this.destructure(target.kids.slice(1, -1), value)
        return
      case "MemberExpression": {
        const [base] = target.kids
        if (base === undefined) return
        const name = this.source(base)
        if (target.kids[1]?.type === ".") {
          if (target.to - target.from < 100) this.set(this.source(target), value)
          return
        }
        const held = base.type === "VariableName" ? this.lookUpName(name) : undefined
        if (held?.tag === "dict" && held.entries.length < 512) {
          const key = this.sequence(target.kids.slice(2, -1))
          const others = held.entries.filter(([known]) => same(known, key) !== true)
          this.set(name, { tag: "dict", entries: [...others, [key, value]] })
        } else if (held?.tag === "list") {
          const index = indexOf(this.sequence(target.kids.slice(2, -1)))
          const place = index === null ? null : index < 0 ? index + held.items.length : index
          this.set(
            name,
            place === null ? unknown : list(held.items.map((item, i) => i === place ? value : item), held.kind)
          )
        }
        return
      }
      default:
        return
    }
  }

  // --- expressions -------------------------------------------------------------------------------------------------------------

  /** One expression, or several with commas between them: a tuple. */
  protected sequence(nodes: ReadonlyArray<PythonNode>): Value {
    const items = nodes.filter((node) => !isPunctuation(node) || node.type === "None")
    const [only] = items
    if (only === undefined) return unknown
    if (items.length === 1 && !nodes.some(({ type }) => type === ",")) return this.evaluate(only)
    if (nodes.some(({ type }) => type === "*")) return this.starred(nodes, "tuple")
    return list(items.map((item) => this.evaluate(item)), "tuple")
  }

  protected starred(nodes: ReadonlyArray<PythonNode>, kind: "list" | "tuple" | "set"): Value {
    const values: Array<Value> = []
    let isStar = false
    for (const node of nodes) {
      if (node.type === "*") isStar = true
      if (isPunctuation(node)) continue
      const value = this.evaluate(node)
      const items = isStar ? itemsOf(value) : [value]
      isStar = false
      if (items === null) return unknown
      values.push(...items.slice(0, 513))
      if (values.length > 512) return unknown
    }
    return list(values, kind)
  }

  protected evaluate(node: PythonNode): Value {
    if (!this.step() || this.nesting > nestingMax) return unknown
    this.nesting++
    const value = this.evaluateInside(node)
    this.nesting--
    // An answer that is no number is compared with the expression as it is written.
    if (
      value.tag === "unknown" && this.answer.number === null && node.to - node.from < 200 &&
      node.type !== "VariableName" &&
      /\d/.test(this.answer.bare) && bareMathematics(this.source(node)) === this.answer.bare
    ) {
      return text(this.answer.raw, written)
    }
    return value
  }

  protected evaluateInside(node: PythonNode): Value {
    const { kids } = node
    switch (node.type) {
      case "Number":
        return this.numberOf(this.source(node))
      case "String":
        return this.stringOf(node)
      case "FormatString":
        return this.formatStringOf(node)
      case "ContinuedString": {
        let joined: Value = text("", written)
        for (const kid of kids) joined = operate("+", joined, this.evaluate(kid), this.isGiven)
        return joined
      }
      case "VariableName":
        return this.nameOf(this.source(node))
      case "Boolean":
        return truth(this.code.charCodeAt(node.from) === 84)
      case "None":
        return none
      case "ParenthesizedExpression":
        return this.sequence(kids.slice(1, -1))
      case "TupleExpression":
        return this.starred(kids.slice(1, -1), "tuple")
      case "ArrayExpression":
        return this.starred(kids.slice(1, -1), "list")
      case "SetExpression":
        return this.starred(kids.slice(1, -1), "set")
      case "DictionaryExpression":
        return this.dictionary(kids.slice(1, -1))
      case "UnaryExpression": {
        const [operator, operand] = kids
        if (operator === undefined || operand === undefined) return unknown
        const value = this.evaluate(operand)
        const sign = this.source(operator)
        if (sign === "-") return negate(value)
        if (sign === "+") return value.tag === "number" ? value : unknown
        if (sign === "~") return operate("-", negate(value), integer(1n, written), this.isGiven)
        const known = isTrue(value)
        return known === null ? unknown : truth(!known)
      }
      case "BinaryExpression":
        return this.binary(node)
      case "ConditionalExpression": {
        const [first, , test, , second] = kids
        if (first === undefined || test === undefined || second === undefined) return unknown
        const known = isTrue(this.evaluate(test))
        if (known !== null) return this.evaluate(known ? first : second)
        return oneOf([this.evaluate(first), this.evaluate(second)], "branch")
      }
      case "NamedExpression": {
        const [target, , source] = kids
        if (target === undefined || source === undefined) return unknown
        const value = this.evaluate(source)
        this.assign(target, value)
        return value
      }
      case "LambdaExpression":
        return this.functionValue(node)
      case "CallExpression":
        return this.call(node)
      case "MemberExpression":
        return this.member(node)
      case "ArrayComprehensionExpression":
      case "ComprehensionExpression":
      case "SetComprehensionExpression":
        return this.comprehension(kids.slice(1, -1))
      case "DictionaryComprehensionExpression":
        this.comprehension(kids.slice(1, -1))
        return unknown
      case "AwaitExpression":
      case "YieldExpression":
        for (const kid of kids) if (!isPunctuation(kid)) this.evaluate(kid)
        return unknown
      default:
        return unknown
    }
  }

  protected nameOf(name: string): Value {
    return this.lookUpName(name) ?? (conversions.has(name) ? { tag: "builtin", name } : unknown)
  }

  protected numberOf(source: string): Value {
    const value = readNumber(source)
    return number(value, value !== null && /[.eE]/.test(source) && !/^0[xX]/.test(source), written)
  }

  protected stringOf(node: PythonNode): Value {
    const source = this.source(node)
    const match = /^([a-zA-Z]{0,2})("""|'''|"|')/.exec(source)
    if (match === null) return unknown
    const [opening = "", prefix = "", quote = ""] = match
    const closed = source.endsWith(quote) && source.length >= opening.length + quote.length
    const inner = source.slice(opening.length, closed ? -quote.length : undefined)
    const isBytes = /b/i.test(prefix)
    if (/r/i.test(prefix) || !inner.includes("\\")) return text(inner, written, isBytes)
    const plain = unescaped(inner)
    // Digits that are written as escapes are not written as digits.
    return text(plain, /\\(?:x|u|U|N|\d)/.test(inner) ? respelled : written, isBytes)
  }

  protected formatStringOf(node: PythonNode): Value {
    const source = this.source(node)
    const opening = /^[a-zA-Z]{1,2}("""|'''|"|')/.exec(source)
    const quote = opening?.[1] ?? "'"
    let at = node.from + (opening?.[0].length ?? 2)
    let out = ""
    let effort: Effort = written
    let only = 0
    for (const part of node.kids) {
      if (part.type === "Escape") continue
      if (part.type !== "FormatReplacement") continue
      out += unescaped(this.code.slice(at, part.from)).replaceAll("{{", "{").replaceAll("}}", "}")
      const inside = part.kids.filter((kid) => !isPunctuation(kid) && !kid.type.startsWith("Format"))
      const value = this.sequence(inside)
      out += render(value.tag === "choice" ? unknown : value)
      if (value.tag === "choice" && node.kids.length === 1) only++
      effort = most(
        effort,
        effortOf(value) === disguised ? disguised : effortOf(value) === written ? written : respelled
      )
      at = part.to
      if (out.length > 10_000) return unknown
      if (only === 1 && this.match(value) !== null) return value
    }
    out += unescaped(this.code.slice(at, Math.max(at, node.to - quote.length))).replaceAll("{{", "{").replaceAll(
      "}}",
      "}"
    )
    return text(out, effort)
  }

  protected dictionary(nodes: ReadonlyArray<PythonNode>): Value {
    const entries: Array<readonly [Value, Value]> = []
    for (const group of groupsOf(nodes, ",")) {
      const [key, colon, value] = group
      if (key === undefined) continue
      if (colon?.type !== ":" || value === undefined) {
        for (const one of group) if (!isPunctuation(one)) this.evaluate(one)
        return unknown
      }
      entries.push([this.evaluate(key), this.evaluate(value)])
      if (entries.length > 512) return unknown
    }
    return { tag: "dict", entries }
  }

  protected operation(operator: string, left: Value, right: Value): Value {
    if (left.tag === "choice" || right.tag === "choice") return unknown
    const made = operate(operator, left, right, this.isGiven)
    if (made.tag !== "number") return made
    // In a loop or a function with arguments, sums are work.
    const value = (this.loops > 0 || this.depth > 1) && made.effort === disguised ? atLeast(made, computed) : made
    if (value.tag === "number" && value.effort === computed && this.worked.size < 500) {
      const { denominator, numerator } = value.value
      this.worked.add(keyOf({ numerator: numerator < 0n ? -numerator : numerator, denominator }))
    }
    return value
  }

  protected binary(node: PythonNode): Value {
    const { kids } = node
    const [leftNode] = kids
    const rightNode = kids[kids.length - 1]
    const operatorNode = kids[1]
    if (leftNode === undefined || rightNode === undefined || operatorNode === undefined || kids.length < 3) {
      return unknown
    }
    const operator = kids.length > 3 ? kids.slice(1, -1).map(({ type }) => type).join(" ") : this.source(operatorNode)
    const left = this.evaluate(leftNode)
    if (operator === "and" || operator === "or") {
      const known = isTrue(left)
      const right = this.evaluate(rightNode)
      if (known === null) {
        if (right.tag === "constant") return isTrue(right) === (operator === "or") ? right : unknown
        return oneOf([left, right, unknown], "branch")
      }
      return known === (operator === "and") ? right : left
    }
    const right = this.evaluate(rightNode)
    if (operator === "==" || operator === "!=" || operator === "is" || operator === "is not") {
      this.compared({ value: left, node: leftNode }, { value: right, node: rightNode }, node)
      const equal = left.tag === "choice" || right.tag === "choice" ? null : same(left, right)
      return equal === null ? unknown : truth(equal === (operator === "==" || operator === "is"))
    }
    if (operator === "in" || operator === "not in") {
      if (right.tag === "list" && right.items.length === 1 && right.items[0] !== undefined) {
        this.compared({ value: left, node: leftNode }, { value: right.items[0], node: rightNode }, node)
      }
      return unknown
    }
    if (/^[<>]=?$/.test(operator)) {
      this.nearly(leftNode, node)
      const known = compare(operator, left, right)
      return known === null ? unknown : truth(known)
    }
    const made = this.operation(operator, left, right)
    // Digits are multiplied in disguise only where they are written side by side.
    const isWritten = operator !== "*" || (leftNode.type === "Number" && rightNode.type === "Number")
    return made.tag === "number" && made.effort === disguised && !isWritten ? atLeast(made, computed) : made
  }

  /** `abs(x - 42) < 1e-6` compares x with 42. */
  protected nearly(left: PythonNode, node: PythonNode): void {
    const [callee, given] = left.kids
    if (
      left.type !== "CallExpression" || callee === undefined || given === undefined ||
      !this.source(callee).endsWith("abs")
    ) return
    const [, difference] = given.kids
    const [a, operator, b] = difference?.kids ?? []
    if (difference?.type !== "BinaryExpression" || a === undefined || b === undefined || operator === undefined) return
    if (this.source(operator) !== "-") return
    this.compared({ value: this.evaluate(a), node: a }, { value: this.evaluate(b), node: b }, node)
  }

  protected member(node: PythonNode): Value {
    const [base, mark, ...rest] = node.kids
    if (base === undefined || mark === undefined) return unknown
    if (mark.type === ".") {
      const name = this.source(node)
      return name.length < 100 ? this.lookUpName(name) ?? unknown : unknown
    }
    const container = this.evaluate(base)
    const inside = rest.slice(0, -1)
    if (inside.some(({ type }) => type === ":")) {
      const bounds = groupsOf(inside, ":").map(([bound]) => bound === undefined ? null : this.evaluate(bound))
      const places = bounds.map((bound) => bound === null ? null : indexOf(bound))
      if (bounds.some((bound, i) => bound !== null && places[i] === null)) return unknown
      return slice(container, places[0] ?? null, places[1] ?? null, places[2] ?? null)
    }
    const key = this.sequence(inside)
    if (container.tag === "dict") return lookUp(container, key, unknown)
    const index = indexOf(key)
    if (index !== null) return itemAt(container, index)
    if (container.tag === "list" && container.items.length <= 64) {
      const options = container.items.filter(({ tag }) => tag === "number" || tag === "text")
      if (options.length > 0) return { tag: "choice", options, open: true, why: "place" }
    }
    return unknown
  }

  protected comprehension(nodes: ReadonlyArray<PythonNode>): Value {
    const at = nodes.findIndex(({ type }) => type === "for")
    if (at < 1) return unknown
    const element = nodes.slice(0, at).filter((node) => !isPunctuation(node))
    const clauses: Array<{ readonly kind: string; readonly nodes: Array<PythonNode> }> = []
    for (const node of nodes.slice(at)) {
      if (node.type === "for" || node.type === "in" || node.type === "if") clauses.push({ kind: node.type, nodes: [] })
      else clauses[clauses.length - 1]?.nodes.push(node)
    }
    const outer = this.scope
    this.scope = { values: new Map(), parent: outer, globals: new Set() }
    const result = this.comprehended(element, clauses)
    this.scope = outer
    return result
  }

  protected comprehended(
    element: ReadonlyArray<PythonNode>,
    clauses: ReadonlyArray<{ readonly kind: string; readonly nodes: ReadonlyArray<PythonNode> }>
  ): Value {
    const [target, source, ...rest] = clauses
    if (target === undefined || source === undefined) return unknown
    const conditions = rest.filter(({ kind }) => kind === "if")
    if (conditions.length === rest.length) {
      const items = itemsOf(this.sequence(source.nodes))
      if (items !== null && items.length <= 64) {
        const made: Array<Value> = []
        let isKnown = true
        this.loops++
        for (const item of items) {
          this.assignGroup(target.nodes, item)
          const passes = conditions.map(({ nodes }) => isTrue(this.sequence(nodes)))
          if (passes.includes(false)) continue
          if (passes.includes(null)) isKnown = false
          const [first, second] = element
          if (first !== undefined) made.push(this.evaluate(first))
          if (second !== undefined) this.evaluate(second)
        }
        this.loops--
        return isKnown ? list(made) : unknown
      }
    }
    const names: Array<string> = []
    let bound: ReadonlyArray<PythonNode> = []
    this.conditions++
    this.loops++
    for (const { kind, nodes } of clauses) {
      if (kind === "for") {
        bound = nodes
        continue
      }
      this.sequence(nodes)
      if (kind !== "in") continue
      this.assignGroup(bound, unknown)
      for (const node of bound) {
        const name = this.source(node)
        if (node.type !== "VariableName" || this.loopNames.has(name)) continue
        names.push(name)
        this.loopNames.add(name)
      }
    }
    // Conditions come before the element, in which the names are known.
    for (const { kind, nodes } of clauses) if (kind === "if") this.sequence(nodes)
    for (const node of element) this.evaluate(node)
    this.loops--
    this.conditions--
    for (const name of names) this.loopNames.delete(name)
    return unknown
  }

  // --- calls -------------------------------------------------------------------------------------------------------------------

  protected functionValue(node: PythonNode): FunctionValue {
    const defaults = new Map<string, Value>()
    const parameters = node.kids.find(({ type }) => type === "ParamList")?.kids ?? []
    for (const group of groupsOf(parameters, ",")) {
      const name = group.find(({ type }) => type === "VariableName")
      const at = group.findIndex(({ type }) => type === "AssignOp")
      const value = group[at + 1]
      if (name !== undefined && at >= 0 && value !== undefined) defaults.set(this.source(name), this.evaluate(value))
    }
    return { tag: "function", node, source: this.code, defaults }
  }

  /** Binds, walks, restores. True if the end of the body can be reached. */
  protected walkFunction(
    callee: FunctionValue,
    items: ReadonlyArray<Value>,
    named: ReadonlyMap<string, Value>
  ): boolean {
    const { code, conditions, decided, inAssert, inWhile, loops, scope } = this
    this.code = callee.source
    this.inAssert = false
    this.inWhile = false
    this.decided = 0
    const values = new Map<string, Value>()
    const parameters = callee.node.kids.find(({ type }) => type === "ParamList")?.kids ?? []
    let place = 0
    for (const group of groupsOf(parameters, ",")) {
      const node = group.find(({ type }) => type === "VariableName")
      if (node === undefined) continue
      const name = this.source(node)
      const isStar = group.some(({ type }) => type === "*" || type === "**")
      values.set(name, isStar ? unknown : named.get(name) ?? items[place] ?? callee.defaults.get(name) ?? unknown)
      place++
    }
    this.scope = { values, parent: callee.node.type === "LambdaExpression" ? scope : this.root, globals: new Set() }
    this.depth++
    let falls = false
    if (callee.node.type === "LambdaExpression") {
      const body = callee.node.kids[callee.node.kids.length - 1]
      if (body !== undefined) this.returns.push({ value: this.evaluate(body), node: body, isSoft: false })
    } else {
      this.loops = 0
      falls = !this.bodyOf(callee.node)
    }
    this.depth--
    this.scope = scope
    this.code = code
    this.conditions = conditions
    this.decided = decided
    this.loops = loops
    this.inAssert = inAssert
    this.inWhile = inWhile
    return falls
  }

  protected invoke(callee: Value, items: ReadonlyArray<Value>, named: ReadonlyMap<string, Value> = new Map()): Value {
    if (callee.tag === "builtin") return callBuiltin(callee.name, { items, named }, () => unknown) ?? unknown
    if (callee.tag !== "function") return unknown
    this.called.add(callee.node.from)
    if (this.depth >= depthMax) return unknown
    const before = this.returns
    this.returns = []
    const falls = this.walkFunction(callee, items, named)
    const values = this.returns.map(({ value }) => value)
    this.returns = before
    if (values.length === 0) return none
    return oneOf(falls ? [...values, none] : values, "branch")
  }

  protected call(node: PythonNode): Value {
    const [callee, list_] = node.kids
    if (callee === undefined || list_ === undefined) return unknown
    const name = callee.to - callee.from < 100 ? this.source(callee) : ""
    const given: Array<Argument> = []
    const named = new Map<string, Value>()
    let hasUnknownStar = false
    for (const group of groupsOf(list_.kids.slice(1, -1), ",")) {
      const [first, second, third] = group
      if (first === undefined) continue
      if (second?.type === "AssignOp" && third !== undefined) {
        const value = this.evaluate(third)
        named.set(this.source(first), value)
        this.walkArgument(value)
      } else if (first.type === "*" || first.type === "**") {
        const value = second === undefined ? unknown : this.evaluate(second)
        const items = first.type === "*" ? itemsOf(value) : null
        if (items === null || second === undefined) hasUnknownStar = true
        else given.push(...items.slice(0, 64).map((item) => ({ value: item, node: second })))
      } else if (group.some(({ type }) => type === "for")) {
        given.push({ value: this.comprehension(group), node: first })
      } else given.push({ value: this.evaluate(first), node: first })
    }
    const items = given.map(({ value }) => value)
    const own = callee.type === "VariableName"
      ? this.lookUpName(name)
      : callee.type === "MemberExpression"
      ? undefined
      : this.evaluate(callee)
    if (own?.tag === "function") return hasUnknownStar ? this.invoke(own, []) : this.invoke(own, items, named)
    if (name !== "" && this.isOutputName(name)) {
      if (this.depth === 0 || this.returns.length >= 0) this.hasOutput = true
      this.output(given, node, "printed")
      return none
    }
    if (own !== undefined) return unknown
    for (const value of items) if (name !== "map") this.walkArgument(value)
    if (/^(?:sys\.exit|exit|quit|SystemExit|os\._exit)$/.test(name)) {
      this.output(given, node, "exit code", true)
      return unknown
    }
    if (comparisons.test(name) && given[0] !== undefined && given[1] !== undefined) {
      this.inAssert = this.inAssert || name.toLowerCase().includes("assert")
      this.compared(given[0], given[1], node)
      this.inAssert = false
      return unknown
    }
    if (name === "eval" || name === "exec" || name === "compile") return this.executed(name, items[0], node)
    if (callee.type === "MemberExpression" && callee.kids[1]?.type === ".") {
      return this.method(callee, name, given, named)
    }
    if (name === "range") this.window(items, node)
    const made = callBuiltin(name, { items, named }, (one, values) => this.invoke(one, values))
    if (made?.tag === "number" && made.effort === disguised && items[0]?.tag === "text") {
      // A numeral of another base that the problem gives is there to be converted.
      const stated = items[0].text.trim()
      if (this.answer.given.has(stated)) return atLeast(made, computed)
    }
    return made ?? unknown
  }

  protected method(
    callee: PythonNode,
    name: string,
    given: ReadonlyArray<Argument>,
    named: ReadonlyMap<string, Value>
  ): Value {
    const [base] = callee.kids
    const property = callee.kids[callee.kids.length - 1]
    if (base === undefined || property === undefined) return unknown
    const method = this.source(property)
    const items = given.map(({ value }) => value)
    const self = this.evaluate(base)
    if (self.tag === "unknown" || self.tag === "builtin") {
      const root = /^[A-Za-z_]\w*/.exec(name)?.[0]
      return root === undefined || this.lookUpName(root) !== undefined
        ? unknown
        : callBuiltin(name, { items, named }, (one, values) => this.invoke(one, values)) ?? unknown
    }
    if (mutating.has(method)) {
      if (base.type !== "VariableName") return unknown
      const [item] = items
      const next = self.tag === "list" && method === "append" && item !== undefined && self.items.length < 512
        ? list([...self.items, item], self.kind)
        : unknown
      this.set(this.source(base), next)
      return unknown
    }
    return callMethod(self, method, { items, named })
  }

  /** A function handed to something unknown is walked once with unknown arguments. */
  protected walkArgument(value: Value): void {
    if (value.tag !== "function" || this.depth >= depthMax) return
    this.called.add(value.node.from)
    const parameters = value.node.kids.find(({ type }) => type === "ParamList")?.kids ?? []
    const names = parameters.filter(({ type }) => type === "VariableName").map(({ from, to }) =>
      value.source.slice(from, to)
    )
    const fresh = names.filter((name) => !this.loopNames.has(name))
    for (const name of fresh) this.loopNames.add(name)
    const before = this.returns
    this.returns = []
    this.conditions++
    this.walkFunction(value, [], new Map())
    this.conditions--
    this.returns = before
    for (const name of fresh) this.loopNames.delete(name)
  }

  /** Text that the program runs or evaluates. It is read like the program, never run. */
  protected executed(name: string, value: Value | undefined, node: PythonNode): Value {
    const source = plainText(value)
    if (source === null) return value?.tag === "function" ? unknown : unknown
    if (source.includes(hole)) return unknown
    if (name === "compile") return value ?? unknown
    if (this.texts >= 4) return unknown
    const tree = parsePython(source, this.nodesMax)
    if (tree === null) {
      this.isExhausted = true
      return unknown
    }
    const { code, origin } = this
    this.code = source
    this.origin ??= node
    this.texts++
    const [only] = tree.kids
    let made: Value = none
    if (name === "eval" && only?.type === "ExpressionStatement") made = atLeast(this.sequence(only.kids), respelled)
    else this.body(tree.kids)
    this.texts--
    this.code = code
    this.origin = origin
    return made
  }
}

const escapes: { readonly [letter: string]: string } = {
  n: "\n",
  t: "\t",
  r: "\r",
  "\\": "\\",
  "'": "'",
  "\"": "\"",
  "\n": ""
}

/** Python's escapes in a string; unknown ones stay. */
const unescaped = (source: string): string =>
  source.includes("\\")
    ? source.replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
      (found, x?: string, u?: string, long?: string, octal?: string, letter?: string) => {
        const code = x ?? u ?? long
        if (code !== undefined) {
          const point = Number.parseInt(code, 16)
          return point <= 0x10ffff ? String.fromCodePoint(point) : found
        }
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
        return letter === undefined ? found : escapes[letter] ?? found
      }
    )
    : source
