// Walks a program's statements in order: branches that cannot be told apart are both walked and joined, loops lose what they change,
// functions that nothing calls are walked at the end. Together with the evaluator it runs nothing, and its work is bounded by steps
// and depth.
import { speaksOf } from "./Answer.ts"
import { itemsOf } from "./Arithmetic.ts"
import { Evaluator, mutating, nestingMax } from "./Evaluator.ts"
import { groupsOf, isPunctuation, type PythonNode } from "./PythonTree.ts"
import { atLeast, disguised, type FunctionValue, isTrue, none, oneOf, unknown, type Value } from "./Value.ts"
import { answerName, solverName } from "./Watcher.ts"

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

export class Interpreter extends Evaluator {
  private readonly defined: Array<
    { readonly name: string; readonly value: FunctionValue; readonly isMethod: boolean }
  > = []

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
    this.settle()
    if (!this.hasOutput) {
      for (const [name, value] of this.root.values) {
        if (answerName.test(name)) this.output([{ value, node: script }], null, `assigned to ${name}`)
      }
    }
  }

  /** True if control cannot go past these statements. */
  protected body(kids: ReadonlyArray<PythonNode>): boolean {
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
}
