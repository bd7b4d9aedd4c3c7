// Walks a program's syntax tree in order and follows constants, without running it: branches that cannot be told apart are both
// walked, loops lose what they change, calls of the program's own functions are followed a few levels deep. Wherever a value is
// shown, returned or compared, it asks whether that value is the answer. Work is bounded by steps and depth.
import { type Answer, bareMathematics, type Exact, keyOf, readNumber, speaksOf } from "./Answer.ts"
import { compare, itemAt, itemsOf, negate, operate, slice } from "./Arithmetic.ts"
import { callBuiltin, callMethod, lookUp } from "./Calls.ts"
import { parsePython, type PythonNode } from "./PythonTree.ts"
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

/** The labels of the field, most certain first; `uncertain` is no leak. */
export const leakKinds = [
  "direct_print",
  "print_or_comment",
  "assert_or_hardcode",
  "answer_seeded",
  "uncertain"
] as const
export type LeakKind = typeof leakKinds[number]

export interface Sighting {
  readonly kind: LeakKind
  /** What was seen, in a word or two. */
  readonly rule: string
  readonly from: number
  readonly to: number
  /** The value as it was folded, as Python would show it. */
  readonly folded: string
}

interface Scope {
  values: Map<string, Value>
  readonly parent: Scope | null
  readonly globals: Set<string>
}

interface Argument {
  readonly value: Value
  readonly node: PythonNode
}

/** How a value holds the answer. */
interface Match {
  readonly how: "states" | "mentions"
  readonly effort: Effort
  readonly why: "branch" | "seed" | "item" | "table" | "place" | null
}

const outputs = new Set(
  "print display pprint pprint.pprint sys.stdout.write stdout.write sys.stdout.writelines sys.stderr.write puts echo os.write os.system subprocess.run logging.info logger.info"
    .split(" ")
)
const outputName = /(?:^|[._])(?:(?:final|submit|give|report)_?answer|submit|answer|set_answer)$/i
const answerName = /^(?:final_?)?(?:ans|answer|result|res|solution|output|final)$/i
const solverName = /(?:solve|solution|answer|main|result|compute|calculate|^f$|^get)/i
const comparisons =
  /(?:^|\.)(?:isclose|allclose|assertEqual|assertEquals|assertAlmostEqual|assert_equal|assert_allclose|assert_almost_equal|array_equal)$/
const mutating = new Set(
  "append extend insert remove pop clear sort reverse add discard update popitem setdefault appendleft popleft"
    .split(" ")
)
/** Functions of Python that are handed to `map`. */
const conversions = new Set(["chr", "str", "int", "ord", "float", "repr"])
const depthMax = 8
const nestingMax = 100

const statementTypes = new Set([
  "AssignStatement",
  "UpdateStatement",
  "ExpressionStatement",
  "ReturnStatement",
  "AssertStatement",
  "IfStatement",
  "ForStatement",
  "WhileStatement",
  "TryStatement",
  "WithStatement",
  "FunctionDefinition",
  "ClassDefinition",
  "DecoratedStatement",
  "MatchStatement",
  "StatementGroup",
  "PrintStatement",
  "RaiseStatement",
  "ScopeStatement",
  "DeleteStatement",
  "BreakStatement",
  "ContinueStatement",
  "YieldStatement",
  "ImportStatement"
])

const isPunctuation = (node: PythonNode): boolean => {
  const first = node.type.charCodeAt(0)
  return !((first >= 65 && first <= 90) || node.type === "None")
}

/** Groups of nodes between separators of one kind. */
const groupsOf = (kids: ReadonlyArray<PythonNode>, separator: string): ReadonlyArray<ReadonlyArray<PythonNode>> => {
  const groups: Array<Array<PythonNode>> = [[]]
  for (const kid of kids) {
    if (kid.type === separator) groups.push([])
    else groups[groups.length - 1]?.push(kid)
  }
  return groups
}

export class Interpreter {
  readonly sightings: Array<Sighting> = []
  /** Whether the program was too much work to be followed to its end. */
  isExhausted = false
  private readonly answer: Answer
  private readonly nodesMax: number
  private stepsLeft: number
  private code: string
  /** Inside of executed text: where it is executed. */
  private origin: PythonNode | null = null
  private readonly root: Scope = { values: new Map(), parent: null, globals: new Set() }
  private scope: Scope = this.root
  private conditions = 0
  private loops = 0
  private depth = 0
  private nesting = 0
  private texts = 0
  private inAssert = false
  /** Conditions inside of called functions that folding decided. */
  private decided = 0
  private inWhile = false
  private hasOutput = false
  private isLibrary = false
  private readonly loopNames = new Set<string>()
  private readonly worked = new Set<string>()
  private readonly called = new Set<number>()
  private readonly defined: Array<
    { readonly name: string; readonly value: FunctionValue; readonly isMethod: boolean }
  > = []
  private returns: Array<{ readonly value: Value; readonly node: PythonNode; readonly isSoft: boolean }> = []
  private readonly isGiven = (value: Exact): boolean => {
    const key = keyOf(value)
    return this.answer.given.has(key) || this.worked.has(key)
  }

  constructor(code: string, answer: Answer, limits: { readonly steps: number; readonly nodes: number }) {
    this.code = code
    this.answer = answer
    this.stepsLeft = limits.steps
    this.nodesMax = limits.nodes
    this.root.values.set("__name__", text("__main__", computed))
  }

  run(script: PythonNode): void {
    this.body(script.kids)
    const last = script.kids.findLast((kid) => !isPunctuation(kid))
    const shown = last?.type === "ExpressionStatement" ? last.kids[0] : undefined
    if (shown !== undefined && shown.type !== "String" && !this.isOutputCall(shown)) {
      this.output([{ value: this.evaluate(shown), node: shown }], shown, "shown")
    }
    for (const { isMethod, name, value } of this.defined) {
      if (this.called.has(value.node.from) || this.isExhausted) continue
      const before = this.returns
      this.returns = []
      this.isLibrary = true
      const falls = this.walkFunction(value, [], new Map())
      this.isLibrary = false
      const mine = this.returns
      this.returns = before
      const [only] = mine
      if (
        mine.length === 1 && only !== undefined && !only.isSoft && !falls && !isMethod &&
        (!this.hasOutput || solverName.test(name))
      ) {
        this.output([only], only.node, "returned")
      }
    }
    if (!this.hasOutput) {
      for (const [name, value] of this.root.values) {
        if (answerName.test(name)) this.output([{ value, node: script }], null, `assigned to ${name}`)
      }
    }
  }

  private isOutputCall(node: PythonNode): boolean {
    const [callee] = node.kids
    return node.type === "CallExpression" && callee !== undefined && this.isOutputName(this.source(callee))
  }

  private isOutputName(name: string): boolean {
    return outputs.has(name) || (outputName.test(name) && this.lookUpName(name) === undefined) ||
      (name.endsWith(".write") && name.length < 40)
  }

  private source(node: PythonNode): string {
    return this.code.slice(node.from, node.to)
  }

  private step(): boolean {
    if (--this.stepsLeft >= 0) return true
    this.isExhausted = true
    return false
  }

  private see(kind: LeakKind, rule: string, node: PythonNode | null, folded: string): void {
    const { from, to } = this.origin ?? node ?? { from: 0, to: 0 }
    if (this.sightings.length >= 100) return
    if (this.sightings.some((one) => one.from === from && one.to === to && one.kind === kind)) return
    this.sightings.push({ kind, rule: this.origin === null ? rule : `executed text, ${rule}`, from, to, folded })
  }

  // --- what is asked of values -------------------------------------------------------------------------------------------------

  private match(value: Value): Match | null {
    switch (value.tag) {
      case "number":
        return this.answer.number !== null && keyOf(value.value) === keyOf(this.answer.number)
          ? { how: "states", effort: value.effort, why: null }
          : null
      case "text": {
        const how = speaksOf(value.text, this.answer, true)
        return how === null || (how === "mentions" && value.text.includes(hole))
          ? null
          : { how, effort: value.effort, why: null }
      }
      case "constant":
        return this.answer.number === null && bareMathematics(render(value)) === this.answer.bare
          ? { how: "states", effort: written, why: null }
          : null
      case "list": {
        if (value.items.length > 8) return null
        const effort = effortOf(value)
        if (this.answer.number === null && effort !== null) {
          return bareMathematics(render(value)) === this.answer.bare ? { how: "states", effort, why: null } : null
        }
        for (const item of value.items) {
          const found = item.tag === "number" ? this.match(item) : null
          if (found !== null) return { ...found, how: value.items.length === 1 ? "states" : "mentions" }
        }
        return null
      }
      case "choice": {
        let best: Match | null = null
        for (const option of value.options) {
          const found = this.match(option)
          if (found?.how === "states" && (best === null || found.effort < best.effort)) {
            best = { ...found, why: value.why }
          }
        }
        return best
      }
      default:
        return null
    }
  }

  /** Values that leave the program: printed, returned at the end, written, shown. */
  private output(given: ReadonlyArray<Argument>, node: PythonNode | null, rule: string, isUnsure = false): void {
    const isSoft = isUnsure || this.conditions > 0 || this.isLibrary
    for (const { node: at, value } of given) {
      const found = this.match(value)
      if (found === null || found.effort === computed) continue
      const others = given.filter((other) => other.node !== at)
      const isAmongResults = others.some(({ value }) => value.tag !== "text" || value.text.includes(hole))
      const isLoop = this.loops > 0
      if (this.answer.common) {
        // Only a plain, unconditional statement of the answer alone says anything.
        if (
          found.how !== "states" || found.effort > respelled || isSoft || isLoop || found.why !== null || isAmongResults
        ) continue
      } else {
        if (found.how === "mentions" && isAmongResults) continue
        if (isLoop && others.length > 0 && isAmongResults) continue
        if (found.effort > disguised) continue
      }
      const place = node ?? at
      const folded = render(
        value.tag === "choice" ? value.options.find((one) => this.match(one) !== null) ?? value : value
      )
        .replaceAll(hole, "…").slice(0, 200)
      if (found.why === "place") this.see("uncertain", "list at an unknown place", place, folded)
      else if (found.why === "table") this.see("assert_or_hardcode", "look-up table", place, folded)
      else if (found.why === "seed") this.see("answer_seeded", "initial value", place, folded)
      else if (found.why === "item" || isLoop) this.see("answer_seeded", "written candidates", place, folded)
      else if (found.why === "branch" || isSoft) this.see("assert_or_hardcode", `${rule} on a condition`, place, folded)
      else if (found.effort === written) this.see("direct_print", rule, place, folded)
      else {this.see(
          "print_or_comment",
          found.effort === disguised ? `${rule}, folded` : `${rule}, respelled`,
          place,
          folded
        )}
    }
  }

  /** `left == right`, or a test that says so. */
  private compared(left: Argument, right: Argument, node: PythonNode): void {
    for (const [one, other] of [[left, right], [right, left]] as const) {
      const found = this.match(one.value)
      if (found === null || found.how !== "states" || found.why !== null) continue
      if (one.node.type === "VariableName" && other.value.tag !== "unknown") continue
      if (other.node.type === "Number" || other.node.type === "String") continue
      const name = this.source(other.node)
      const isLoopName = this.loopNames.has(name)
      if (this.answer.common) {
        const isTheResult = other.node.type === "VariableName" &&
          (answerName.test(name) || this.code.includes(`print(${name})`))
        if (!this.inAssert || !isTheResult || found.effort > respelled) continue
      } else if (found.effort > disguised) continue
      const folded = render(one.value).slice(0, 200)
      if ((isLoopName || this.inWhile) && !this.inAssert) {
        this.see("answer_seeded", "search for the answer", node, folded)
      } else this.see("assert_or_hardcode", this.inAssert ? "assertion" : "comparison", node, folded)
      return
    }
  }

  // --- statements --------------------------------------------------------------------------------------------------------------

  /** True if control cannot go past these statements. */
  private body(kids: ReadonlyArray<PythonNode>): boolean {
    for (const kid of kids) if (statementTypes.has(kid.type) && this.statement(kid)) return true
    return false
  }

  private statement(node: PythonNode): boolean {
    if (!this.step() || this.nesting > nestingMax) return true
    this.nesting++
    const stops = this.statementInside(node)
    this.nesting--
    return stops
  }

  private statementInside(node: PythonNode): boolean {
    const { kids } = node
    switch (node.type) {
      case "AssignStatement": {
        const groups = groupsOf(kids.filter(({ type }) => type !== "TypeDef"), "AssignOp")
        const last = groups[groups.length - 1]
        if (groups.length < 2 || last === undefined) return false
        const value = this.sequence(last)
        for (const target of groups.slice(0, -1)) this.assignGroup(target, value)
        return false
      }
      case "UpdateStatement": {
        const [target, operator, ...rest] = kids
        if (target === undefined || operator === undefined) return false
        const value = this.sequence(rest)
        const before = this.evaluate(target)
        this.assign(target, this.operation(this.source(operator).slice(0, -1), before, value))
        return false
      }
      case "ExpressionStatement": {
        const [only] = kids
        if (only !== undefined && (only.type === "String" || only.type === "ContinuedString")) this.docstring(only)
        else this.sequence(kids)
        return false
      }
      case "StatementGroup":
        return this.body(kids)
      case "ReturnStatement": {
        const shown = kids.slice(1)
        const value = shown.length === 0 ? none : this.sequence(shown)
        const isSoft = this.conditions > 0 || this.loops > 0
        // What a decided condition chose is at best a base case, which says nothing of a common answer.
        this.returns.push({ value: this.decided > 0 ? atLeast(value, disguised) : value, node, isSoft })
        const [first] = shown
        if (
          !this.answer.common && first !== undefined && first.type !== "VariableName" && first.type !== "CallExpression"
        ) {
          this.output([{ value, node }], node, "returned")
        }
        return true
      }
      case "PrintStatement":
        this.hasOutput = true
        for (const kid of kids.slice(1)) this.output([{ value: this.evaluate(kid), node: kid }], node, "printed")
        return false
      case "AssertStatement": {
        this.inAssert = true
        const groups = groupsOf(kids.slice(1), ",")
        if (groups[0] !== undefined) this.sequence(groups[0])
        this.inAssert = false
        if (groups[1] !== undefined) this.sequence(groups[1])
        return false
      }
      case "RaiseStatement": {
        for (const kid of kids.slice(1)) if (!isPunctuation(kid)) this.evaluate(kid)
        return true
      }
      case "BreakStatement":
      case "ContinueStatement":
        return true
      case "DeleteStatement":
        for (const kid of kids.slice(1)) if (kid.type === "VariableName") this.scope.values.delete(this.source(kid))
        return false
      case "ScopeStatement":
        for (const kid of kids) if (kid.type === "VariableName") this.scope.globals.add(this.source(kid))
        return false
      case "YieldStatement":
        this.sequence(kids.slice(1))
        this.returns.push({ value: unknown, node, isSoft: true })
        return false
      case "IfStatement":
        return this.ifStatement(kids)
      case "ForStatement":
        return this.forStatement(kids)
      case "WhileStatement":
        return this.whileStatement(kids)
      case "TryStatement":
        return this.tryStatement(kids)
      case "MatchStatement": {
        this.sequence(kids.filter(({ type }) => !statementTypes.has(type) && type !== "MatchBody" && type !== "match"))
        const clauses =
          kids.find(({ type }) => type === "MatchBody")?.kids.filter(({ type }) => type === "MatchClause") ?? []
        this.branches(clauses.map((clause) => () => this.bodyOf(clause)), true)
        return false
      }
      case "WithStatement": {
        for (const kid of kids) {
          if (kid.type === "Body") return this.body(kid.kids)
          if (!isPunctuation(kid) && kid.type !== "VariableName") this.evaluate(kid)
        }
        return false
      }
      case "FunctionDefinition": {
        const name = kids.find(({ type }) => type === "VariableName")
        if (name === undefined) return false
        const value = this.functionValue(node)
        this.set(this.source(name), value)
        if (this.defined.length < 200) this.defined.push({ name: this.source(name), value, isMethod: false })
        return false
      }
      case "ClassDefinition": {
        const inside = kids.find(({ type }) => type === "Body")
        const from = this.defined.length
        const before = this.scope
        this.scope = { values: new Map(), parent: before, globals: new Set() }
        if (inside !== undefined) this.body(inside.kids)
        this.scope = before
        for (let i = from; i < this.defined.length; i++) {
          const method = this.defined[i]
          if (method !== undefined) this.defined[i] = { ...method, isMethod: true }
        }
        return false
      }
      case "DecoratedStatement": {
        for (const kid of kids) if (statementTypes.has(kid.type)) this.statement(kid)
        return false
      }
      default:
        return false
    }
  }

  private bodyOf(node: PythonNode): boolean {
    const inside = node.kids.find(({ type }) => type === "Body")
    return inside !== undefined && this.body(inside.kids)
  }

  private docstring(node: PythonNode): void {
    const value = this.evaluate(node)
    if (value.tag !== "text") return
    for (const line of value.text.split("\n")) {
      // A line that is only a number says nothing of a common answer: it may be the output of an example.
      if (this.answer.common && !/\p{L}/u.test(line)) continue
      if (speaksOf(line, this.answer) === null) continue
      this.see("print_or_comment", "docstring", node, line.trim().slice(0, 200))
      return
    }
  }

  /** Walks alternatives from the same state and joins what they leave. True if all of them stop. */
  private branches(alternatives: ReadonlyArray<() => boolean>, mayPass: boolean): boolean {
    const { scope } = this
    const before = scope.values
    const ends: Array<ReadonlyMap<string, Value>> = mayPass ? [before] : []
    this.conditions++
    for (const walk of alternatives) {
      scope.values = new Map(before)
      if (!walk()) ends.push(scope.values)
    }
    this.conditions--
    const [first, ...rest] = ends
    if (first === undefined) {
      scope.values = before
      return true
    }
    if (rest.length === 0) {
      scope.values = new Map(first)
      return false
    }
    const names = new Set<string>()
    for (const end of ends) for (const name of end.keys()) names.add(name)
    const joined = new Map<string, Value>()
    for (const name of names) {
      const values = ends.map((end) => end.get(name))
      const [value] = values
      joined.set(
        name,
        value !== undefined && values.every((other) => other === value)
          ? value
          : oneOf(values.map((other) => other ?? unknown), "branch")
      )
    }
    scope.values = joined
    return false
  }

  private ifStatement(kids: ReadonlyArray<PythonNode>): boolean {
    const alternatives: Array<() => boolean> = []
    let test: PythonNode | null = null
    let isTest = false
    for (const kid of kids) {
      if (kid.type === "if" || kid.type === "elif") isTest = true
      else if (kid.type === "else") {
        test = null
        isTest = false
      } else if (kid.type !== "Body") { if (isTest) test = kid }
      else {
        const known = test === null ? true : isTrue(this.evaluate(test))
        if (known === false) continue
        if (known === true) {
          if (alternatives.length === 0) {
            if (this.depth === 0 || test?.type === "Boolean") return this.body(kid.kids)
            this.decided++
            const stops = this.body(kid.kids)
            this.decided--
            return stops
          }
          return this.branches([...alternatives, () => this.body(kid.kids)], false)
        }
        alternatives.push(() => this.body(kid.kids))
      }
    }
    return alternatives.length > 0 && this.branches(alternatives, true)
  }

  /** Names that statements may change. */
  private changedIn(node: PythonNode, into: Set<string>): void {
    const pending = [node]
    for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
      if (!this.step()) return
      if (
        one.type === "AssignStatement" || one.type === "UpdateStatement" || one.type === "ForStatement" ||
        one.type === "NamedExpression" || one.type === "WithStatement"
      ) {
        for (const kid of one.kids) {
          if (kid.type === "AssignOp" || kid.type === "UpdateOp" || kid.type === "in") break
          this.namesOf(kid, into)
        }
        const groups = one.type === "AssignStatement" ? groupsOf(one.kids, "AssignOp") : []
        for (const group of groups.slice(0, -1)) for (const kid of group) this.namesOf(kid, into)
      } else if (one.type === "CallExpression") {
        const [callee] = one.kids
        const method = callee?.type === "MemberExpression" ? callee.kids.at(-1) : undefined
        const [self] = callee?.kids ?? []
        if (method?.type === "PropertyName" && self !== undefined && mutating.has(this.source(method))) {
          this.namesOf(self, into)
        }
      }
      for (const kid of one.kids) if (kid.kids.length > 0) pending.push(kid)
    }
  }

  private namesOf(node: PythonNode, into: Set<string>): void {
    if (node.type === "VariableName") into.add(this.source(node))
    else if (node.type === "MemberExpression") {
      into.add(this.source(node))
      const [base] = node.kids
      if (base?.type === "VariableName") into.add(this.source(base))
    } else if (
      node.type === "TupleExpression" || node.type === "ArrayExpression" || node.type === "ParenthesizedExpression"
    ) {
      for (const kid of node.kids) if (kid.type === "VariableName") into.add(this.source(kid))
    }
  }

  /** A body that runs any number of times: what it changes is one of what it was and something unknown. */
  private loop(bodies: ReadonlyArray<PythonNode>, start: () => void): void {
    const names = new Set<string>()
    for (const one of bodies) this.changedIn(one, names)
    const before = new Map<string, Value>()
    for (const name of names) {
      const value = this.lookUpName(name)
      if (value === undefined) continue
      before.set(name, value)
      this.set(name, this.afterLoop(value))
    }
    this.conditions++
    this.loops++
    start()
    for (const one of bodies) this.body(one.kids)
    this.loops--
    this.conditions--
    for (const name of names) {
      const value = this.lookUpName(name) ?? unknown
      const first = before.get(name)
      this.set(name, first === undefined ? oneOf([value, unknown], "branch") : oneOf([first, value, unknown], "seed"))
    }
  }

  private afterLoop(value: Value): Value {
    return value.tag === "number" || value.tag === "text" || value.tag === "choice"
      ? oneOf([value, unknown], "seed")
      : unknown
  }

  private forStatement(kids: ReadonlyArray<PythonNode>): boolean {
    const at = kids.findIndex(({ type }) => type === "in")
    const first = kids.findIndex(({ type }) => type === "for")
    const firstBody = kids.findIndex(({ type }) => type === "Body")
    const body = kids[firstBody]
    if (at < 0 || body === undefined) return false
    const target = kids.slice(first + 1, at)
    const over = this.sequence(kids.slice(at + 1, firstBody))
    const others = kids.slice(firstBody + 1).filter(({ type }) => type === "Body")
    const items = itemsOf(over)
    if (items !== null && items.length <= 64 && items.length * (body.to - body.from) < 4_000 && this.isStraight(body)) {
      this.loops++
      for (const item of items) {
        this.assignGroup(target, item)
        this.body(body.kids)
      }
      this.loops--
    } else {
      const loopNames = target.filter(({ type }) => type === "VariableName").map((node) => this.source(node))
      const fresh = loopNames.filter((name) => !this.loopNames.has(name))
      for (const name of fresh) this.loopNames.add(name)
      this.loop([body], () => this.assignGroup(target, items === null ? unknown : oneOf(items, "item")))
      for (const name of fresh) this.loopNames.delete(name)
    }
    for (const other of others) this.branches([() => this.body(other.kids)], true)
    return false
  }

  /** No jumps, loops or definitions: it can be walked once an item. */
  private isStraight(node: PythonNode): boolean {
    const pending = [node]
    for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
      if (/^(?:Break|Continue|Return|For|While|FunctionDef|ClassDef|Try|Lambda)/.test(one.type)) return false
      for (const kid of one.kids) if (kid.kids.length > 0) pending.push(kid)
    }
    return true
  }

  private whileStatement(kids: ReadonlyArray<PythonNode>): boolean {
    const bodies = kids.filter(({ type }) => type === "Body")
    const [body, ...others] = bodies
    const test = kids.find((kid) => kid.type !== "while" && kid.type !== "Body")
    if (body === undefined) return false
    this.loop([body], () => {
      if (test === undefined) return
      this.inWhile = true
      this.evaluate(test)
      this.inWhile = false
    })
    for (const other of others) this.branches([() => this.body(other.kids)], true)
    return false
  }

  private tryStatement(kids: ReadonlyArray<PythonNode>): boolean {
    let part = "try"
    const handlers: Array<PythonNode> = []
    let main: PythonNode | null = null
    let last: PythonNode | null = null
    let otherwise: PythonNode | null = null
    for (const kid of kids) {
      if (kid.type === "except" || kid.type === "else" || kid.type === "finally") part = kid.type
      if (kid.type !== "Body") continue
      if (part === "try") main = kid
      else if (part === "except") handlers.push(kid)
      else if (part === "else") otherwise = kid
      else last = kid
    }
    const { scope } = this
    const before = new Map(scope.values)
    let stops = main !== null && this.body(main.kids)
    if (!stops && otherwise !== null) stops = this.body(otherwise.kids)
    const after = scope.values
    scope.values = before
    const handled = this.branches([
      () => {
        scope.values = after
        return stops
      },
      ...handlers.map((handler) => () => this.body(handler.kids))
    ], false)
    return (last !== null && this.body(last.kids)) || handled
  }

  // --- names -------------------------------------------------------------------------------------------------------------------

  private lookUpName(name: string): Value | undefined {
    for (let scope: Scope | null = this.scope; scope !== null; scope = scope.parent) {
      const value = scope.values.get(name)
      if (value !== undefined) return value
    }
    return undefined
  }

  private set(name: string, value: Value): void {
    const scope = this.scope.globals.has(name) ? this.scope.parent ?? this.root : this.scope
    if (scope.values.size < 2_000 || scope.values.has(name)) scope.values.set(name, value)
  }

  private assignGroup(targets: ReadonlyArray<PythonNode>, value: Value): void {
    const nodes = targets.filter((node) => !isPunctuation(node))
    const [only] = nodes
    if (only !== undefined && nodes.length === 1 && !targets.some(({ type }) => type === ",")) this.assign(only, value)
    else this.destructure(targets, value)
  }

  private destructure(targets: ReadonlyArray<PythonNode>, value: Value): void {
    const nodes = targets.filter((node) => !isPunctuation(node))
    const items = itemsOf(value)
    const hasStar = targets.some(({ type }) => type === "*")
    for (const [i, node] of nodes.entries()) {
      this.assign(node, items === null || hasStar || items.length !== nodes.length ? unknown : items[i] ?? unknown)
    }
  }

  private assign(target: PythonNode, value: Value): void {
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
            place === null ? unknown : { ...held, items: held.items.map((item, i) => i === place ? value : item) }
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
  private sequence(nodes: ReadonlyArray<PythonNode>): Value {
    const items = nodes.filter((node) => !isPunctuation(node) || node.type === "None")
    const [only] = items
    if (only === undefined) return unknown
    if (items.length === 1 && !nodes.some(({ type }) => type === ",")) return this.evaluate(only)
    if (nodes.some(({ type }) => type === "*")) return this.starred(nodes, "tuple")
    return list(items.map((item) => this.evaluate(item)), "tuple")
  }

  private starred(nodes: ReadonlyArray<PythonNode>, kind: "list" | "tuple" | "set"): Value {
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

  private evaluate(node: PythonNode): Value {
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

  private evaluateInside(node: PythonNode): Value {
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

  private nameOf(name: string): Value {
    return this.lookUpName(name) ?? (conversions.has(name) ? { tag: "builtin", name } : unknown)
  }

  private numberOf(source: string): Value {
    const value = readNumber(source)
    return number(value, value !== null && /[.eE]/.test(source) && !/^0[xX]/.test(source), written)
  }

  private stringOf(node: PythonNode): Value {
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

  private formatStringOf(node: PythonNode): Value {
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

  private dictionary(nodes: ReadonlyArray<PythonNode>): Value {
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

  private operation(operator: string, left: Value, right: Value): Value {
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

  private binary(node: PythonNode): Value {
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
  private nearly(left: PythonNode, node: PythonNode): void {
    const [callee, given] = left.kids
    if (
      left.type !== "CallExpression" || callee === undefined || given === undefined || !/abs$/.test(this.source(callee))
    ) return
    const [, difference] = given.kids
    const [a, operator, b] = difference?.kids ?? []
    if (difference?.type !== "BinaryExpression" || a === undefined || b === undefined || operator === undefined) return
    if (this.source(operator) !== "-") return
    this.compared({ value: this.evaluate(a), node: a }, { value: this.evaluate(b), node: b }, node)
  }

  private member(node: PythonNode): Value {
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

  private comprehension(nodes: ReadonlyArray<PythonNode>): Value {
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

  private comprehended(
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

  private functionValue(node: PythonNode): FunctionValue {
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
  private walkFunction(callee: FunctionValue, items: ReadonlyArray<Value>, named: ReadonlyMap<string, Value>): boolean {
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

  private invoke(callee: Value, items: ReadonlyArray<Value>, named: ReadonlyMap<string, Value> = new Map()): Value {
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

  private call(node: PythonNode): Value {
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

  private method(
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
  private walkArgument(value: Value): void {
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
  private executed(name: string, value: Value | undefined, node: PythonNode): Value {
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

  /** A search that begins at the answer, or in a window so narrow that it gives the answer away. */
  private window(items: ReadonlyArray<Value>, node: PythonNode): void {
    const { common, number: wanted } = this.answer
    if (common || wanted === null || wanted.denominator !== 1n || items.length < 2) return
    const [start, stop] = items
    if (start?.tag !== "number" || stop === undefined || start.effort > disguised) return
    if (start.value.denominator !== 1n || this.isGiven(start.value)) return
    const from = start.value.numerator
    const startsThere = from === wanted.numerator && start.effort <= respelled
    const to = stop.tag === "number" && stop.effort <= disguised && stop.value.denominator === 1n
      ? stop.value.numerator
      : null
    const size = wanted.numerator < 0n ? -wanted.numerator : wanted.numerator
    const isNarrow = to !== null && from <= wanted.numerator && wanted.numerator < to && (to - from) * 20n <= size &&
      !this.isGiven({ numerator: to, denominator: 1n })
    if (startsThere || isNarrow) {
      this.see(
        "answer_seeded",
        startsThere ? "search from the answer" : "search around the answer",
        node,
        this.answer.raw
      )
    }
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
