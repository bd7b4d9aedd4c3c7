// What sums and products are made of: numbers, names, brackets of all kinds, functions, sums and integrals, matrices, texts.
import { spend } from "./Budget.ts"
import { closingBrace, rowEnd } from "./Clean.ts"
import { isDigit, isLetter } from "./Cursor.ts"
import type { Node } from "./Node.ts"
import { fn, negated, num, product, sym } from "./Node.ts"
import { Numerals } from "./Numerals.ts"
import { fromDecimal, rational } from "./Rational.ts"
import { constants, decorations, functionName, functions, greek, inverses, matrices } from "./Words.ts"

const constantOrSymbol = (name: string): Node => sym(constants.get(name) ?? name)

/** Lower case, one blank between words, no punctuation at the end. */
export const plainText = (text: string): string =>
  text.replace(/[{}$\\]/g, " ").replace(/\s+/g, " ").trim().replace(/[.,;:]+$/, "").toLowerCase()

/** Items, and whether a separator stood between or after them. */
export interface Sequence {
  readonly items: ReadonlyArray<Node>
  readonly separated: boolean
  /** The word that joined them, if one did. */
  readonly by?: "and" | "or"
}

/** Letters in the order of the alphabet, as in the product abcd. */
const isAlphabetical = (word: string): boolean => {
  for (let at = 1; at < word.length; at++) if ((word[at] ?? "") <= (word[at - 1] ?? "")) return false
  return true
}

export abstract class Atoms extends Numerals {
  /** Absolute values that are open. */
  bars = 0
  /** Inside of an integral, `dx` ends the integrand. */
  integrals = 0

  /** Items up to something that cannot continue a list; `cells`: of one cell of a matrix. */
  abstract sequence(cells?: boolean): Sequence
  abstract sum(): Node
  abstract product(): Node
  /** A factor with its exponents and other signs behind it. */
  abstract power(): Node
  /** Whether a factor can begin here without a sign before it. */
  abstract startsOperand(): boolean

  /** A braced group, a number, or one letter or command: what an exponent or index is. */
  singleArgument(): Node {
    this.skip()
    const sign = this.text[this.at]
    if (sign === "{") return this.argument()
    if (isDigit(sign)) {
      const match = /^\d{1,400}(?:\.\d{1,40})?/.exec(this.text.slice(this.at, this.at + 450)) ?? this.fail()
      this.at += match[0].length
      return num(fromDecimal(match[0]) ?? this.fail())
    }
    if (isLetter(sign)) {
      this.at++
      return constantOrSymbol(sign ?? "")
    }
    return this.atom()
  }

  /** What a command such as \frac takes: a braced group, or the next single sign or command. */
  argument(): Node {
    return this.deeper(() => {
      this.skip()
      const sign = this.text[this.at]
      if (sign === "{") {
        this.at++
        const listDepth = this.listDepth
        const bars = this.bars
        this.listDepth = 0
        this.bars = 0
        const { items } = this.sequence()
        this.listDepth = listDepth
        this.bars = bars
        this.expect("}")
        const [only] = items
        if (only === undefined) this.fail()
        return items.length === 1 ? only : { k: "list", items }
      }
      if (isDigit(sign)) {
        this.at++
        return num(rational(BigInt(sign ?? "0")))
      }
      if (isLetter(sign)) {
        this.at++
        return constantOrSymbol(sign ?? "")
      }
      if (sign === "-") {
        this.at++
        return negated(this.argument())
      }
      if (sign === "\\") return this.atom()
      this.fail()
    })
  }

  atom(): Node {
    return this.deeper(() => {
      spend(this.budget, 4)
      this.skip()
      const sign = this.text[this.at]
      if (sign === undefined) this.fail()
      if (isDigit(sign) || (sign === "." && isDigit(this.text[this.at + 1]))) return this.withFraction(this.number())
      if (isLetter(sign)) return this.named()
      switch (sign) {
        case "(":
        case "[":
        case "]":
          return this.bracket(sign)
        case "⟨":
          return this.angle()
        case "{":
          return this.braces()
        case "|":
          return this.absolute()
        case "‖":
          return this.between("‖", "‖", "norm")
        case "⌊":
          return this.between("⌊", "⌋", "floor")
        case "⌈":
          return this.between("⌈", "⌉", "ceil")
        case "…":
        case "ℝ":
        case "ℤ":
        case "ℕ":
        case "ℚ":
        case "ℂ":
          this.at++
          return sym(sign)
        case "\\":
          return this.commandAtom()
      }
      if (sign > "\u007F" && /\p{L}/u.test(sign)) {
        const match = /^[\p{L}\p{M}]+/u.exec(this.text.slice(this.at, this.at + 200)) ?? this.fail()
        this.at += match[0].length
        return sym(match[0])
      }
      return this.fail()
    })
  }

  /** A plain word: a function, a constant, a variable, a product of variables, or a word. */
  named(): Node {
    const word = this.word()
    const alias = functionName(word)
    if (functions.has(alias) && word !== "deg" && word !== "arg" && word !== "mod") {
      this.at += word.length
      return this.applied(alias)
    }
    const constant = constants.get(word)
    if (constant !== undefined) {
      this.at += word.length
      return sym(constant)
    }
    if (greek.has(word)) {
      this.at += word.length
      return this.indexed(word)
    }
    // Digits with letters before an index are a number in a base above ten only when they begin with a digit; letters here are names.
    const isName = word.length >= 3 && word === word.toUpperCase()
    if ((word.length >= 4 && !isAlphabetical(word)) || isName || word === "Yes" || word === "yes" || word === "No") {
      this.at += word.length
      return this.indexed(word)
    }
    this.at++
    const letter = word[0] ?? ""
    if (/^[fgFG]$/.test(letter) && /^'*\(/.test(this.text.slice(this.at, this.at + 4))) return this.functionCall(letter)
    return this.indexed(letter)
  }

  /** f(x): a function that is not known, and so no product. */
  functionCall(letter: string): Node {
    let name = letter
    this.skipIf("'", () => (name += "'"))
    const inside = this.bracket("(")
    return fn(name, ...(inside.k === "tuple" ? inside.items : [inside]))
  }

  /** A name with the index and primes that follow. */
  indexed(name: string): Node {
    let full = name
    this.skipIf("'", () => (full += "'"))
    const back = this.at
    this.skip()
    if (this.text[this.at] === "_") {
      this.at++
      full += `_${this.subscript()}`
      this.skipIf("'", () => (full += "'"))
    } else this.at = back
    return full.length === name.length ? constantOrSymbol(name) : sym(full)
  }

  subscript(): string {
    this.skip()
    const sign = this.text[this.at]
    let raw: string
    if (sign === "{") {
      const close = closingBrace(this.text, this.at)
      if (close < 0 || close - this.at > 200) this.fail()
      raw = this.text.slice(this.at + 1, close)
      this.at = close + 1
    } else if (sign === "\\") {
      const name = this.command()
      if (name === "text") {
        const close = closingBrace(this.text, this.at + 5)
        if (close < 0) this.fail()
        raw = this.text.slice(this.at, close + 1)
        this.at = close + 1
      } else {
        raw = name
        this.takeCommand(name)
      }
    } else if (isDigit(sign)) {
      const from = this.at
      while (isDigit(this.text[this.at])) this.at++
      raw = this.text.slice(from, this.at)
    } else {
      raw = sign ?? this.fail()
      this.at++
    }
    return raw.replace(/\\text|\\|[{}\s\u2009\u200A]/g, "")
  }

  bracket(open: "(" | "[" | "]"): Node {
    this.at++
    this.listDepth++
    const bars = this.bars
    this.bars = 0
    const { items, separated } = this.sequence()
    this.bars = bars
    this.listDepth--
    this.skip()
    const close = this.text[this.at] ?? ""
    const [only] = items
    const fits = close === ")" || close === "]" || (close === "[" && items.length === 2 && open !== "(") ||
      (close === "[" && open === "(" && items.length === 2)
    if (!fits) this.fail()
    this.at++
    if (only === undefined) this.fail()
    if (items.length === 1 && !separated) {
      if (open === "]" || (open === "[" && close === "[")) this.fail()
      return only
    }
    return { k: "tuple", open: open === "]" ? "(" : open, close: close === "[" ? ")" : close, items }
  }

  angle(): Node {
    this.at++
    this.listDepth++
    const { items } = this.sequence()
    this.listDepth--
    this.expect("⟩")
    return { k: "tuple", open: "(", close: ")", items }
  }

  /** Braces that group, or that stand for a set's although they were not escaped. */
  braces(): Node {
    this.at++
    const listDepth = this.listDepth
    const bars = this.bars
    this.bars = 0
    const { items, separated } = this.sequence()
    const above = items.length === 1 ? items[0] : undefined
    const name = this.command()
    if (above !== undefined && (name === "choose" || name === "over")) {
      this.takeCommand(name)
      const below = this.sequence().items[0] ?? this.fail()
      this.listDepth = listDepth
      this.bars = bars
      this.expect("}")
      return name === "over" ? { k: "div", a: above, b: below } : fn("binom", above, below)
    }
    this.listDepth = listDepth
    this.bars = bars
    this.skip()
    if (!this.take("}") && !this.take("\\}")) this.fail()
    const [only] = items
    if (only === undefined) {
      if (this.startsOperand()) return this.power()
      this.fail()
    }
    if (items.length === 1 && !separated) return only
    return { k: "list", items }
  }

  set(): Node {
    this.at += 2
    this.listDepth++
    const bars = this.bars
    this.bars = 0
    // {x in R | condition} is its condition.
    const head = /^\s*[A-Za-z](?:_\w)?\s*(?:\\in\s*ℝ\s*)?(?:\||:)/.exec(this.text.slice(this.at, this.at + 32))
    if (head !== null) this.at += head[0].length
    else if (/^[^}]{0,80}(?:\||:)[^}]{0,80}\\in /.test(this.text.slice(this.at, this.at + 170))) this.fail() // a set of values of a formula
    const { items } = this.sequence()
    this.closeSet()
    this.listDepth--
    this.bars = bars
    const [condition] = items
    return head === null
      ? { k: "set", items }
      : items.length === 1 && condition !== undefined
      ? condition
      : { k: "list", items }
  }

  closeSet(): void {
    this.skip()
    if (!this.take("\\}") && !this.take("}")) this.fail()
  }

  absolute(): Node {
    this.at++
    this.bars++
    const inside = this.sum()
    this.bars--
    this.expect("|")
    return fn("abs", inside)
  }

  between(open: string, close: string, name: string): Node {
    this.expect(open)
    const inside = this.sum()
    this.expect(close)
    return fn(name, inside)
  }

  commandAtom(): Node {
    if (this.text.startsWith("\\{", this.at)) return this.set()
    const name = this.command()
    switch (name) {
      case "frac": {
        this.takeCommand(name)
        const a = this.argument()
        return { k: "div", a, b: this.argument() }
      }
      case "sqrt":
        this.takeCommand(name)
        return this.root()
      case "binom": {
        this.takeCommand(name)
        const n = this.argument()
        return fn("binom", n, this.argument())
      }
      case "sum":
      case "prod":
      case "int":
      case "lim":
        this.takeCommand(name)
        return this.big(name)
      case "begin":
        return this.environment()
      case "text":
        return this.textAtom()
      case "emptyset":
        this.takeCommand(name)
        return { k: "set", items: [] }
      case "angle":
      case "triangle":
      case "deg":
      case "operatorname":
        this.takeCommand(name)
        return this.power()
      case "circ":
      case "end":
      case "":
        return this.fail()
    }
    this.takeCommand(name)
    const alias = functionName(name)
    if (functions.has(alias)) return this.applied(alias)
    const constant = constants.get(name)
    if (constant !== undefined) return sym(constant)
    if (decorations.has(name)) {
      this.skip()
      const raw = this.text[this.at] === "{"
        ? this.text.slice(this.at + 1, Math.max(this.at + 1, closingBrace(this.text, this.at)))
        : this.text[this.at] ?? this.fail()
      this.at += this.text[this.at] === "{" ? raw.length + 2 : 1
      return this.indexed(`${name}(${raw.replace(/\s/g, "")})`)
    }
    return this.indexed(name)
  }

  textAtom(): Node {
    const open = this.at + 5
    const close = closingBrace(this.text, open)
    if (this.text[open] !== "{" || close < 0) this.fail()
    const content = this.text.slice(open + 1, close).trim()
    this.at = close + 1
    const alias = functionName(content)
    if (functions.has(alias)) return this.applied(alias)
    if (/^[A-Za-z]$/.test(content)) return this.indexed(content)
    const choice = /^\(([A-Z])\)$/.exec(content)
    if (choice !== null) return sym(choice[1] ?? "")
    if (constants.has(content) || greek.has(content)) return sym(constants.get(content) ?? content)
    return { k: "text", text: plainText(content) }
  }

  root(): Node {
    this.skip()
    let index: Node | null = null
    if (this.text[this.at] === "[") {
      this.at++
      index = this.sum()
      this.expect("]")
    }
    this.skip()
    const sign = this.text[this.at]
    const inside = isDigit(sign) ? this.number() : sign === "(" ? this.atom() : this.argument()
    return index === null ? fn("sqrt", inside) : fn("sqrt", inside, index)
  }

  /** A function's exponent, base and argument, and so its value. */
  applied(name: string): Node {
    if (name === "sqrt") return this.root()
    let power: Node | null = null
    let base: Node | null = null
    for (;;) {
      this.skip()
      const sign = this.text[this.at]
      if (sign === "^" && power === null) {
        this.at++
        power = this.exponentOfFunction()
      } else if (sign === "_" && base === null && name === "log") {
        this.at++
        base = this.singleArgument()
      } else break
    }
    const args = this.functionArguments(name)
    const isInverse = power?.k === "num" && power.q.n === -1n && power.q.d === 1n
    const inverse = isInverse ? inverses.get(name) : undefined
    if (inverse !== undefined) return fn(inverse, ...args)
    const value = name === "lg"
      ? fn("log", ...args, num(rational(10n)))
      : name === "exp"
      ? { k: "pow" as const, base: sym("e"), exp: args[0] ?? this.fail() }
      : name === "cbrt"
      ? fn("sqrt", args[0] ?? this.fail(), num(rational(3n)))
      : base === null
      ? fn(name, ...args)
      : fn("log", ...args, base)
    return power === null ? value : { k: "pow", base: value, exp: power }
  }

  exponentOfFunction(): Node {
    this.skip()
    if (this.take("-")) return negated(this.singleArgument())
    return this.singleArgument()
  }

  functionArguments(name: string): ReadonlyArray<Node> {
    this.skip()
    const sign = this.text[this.at]
    if (sign === "(" || sign === "{" || sign === "[" || this.text.startsWith("\\{", this.at)) {
      const node = sign === "\\" ? this.set() : this.atom()
      if (node.k === "tuple" || node.k === "list" || node.k === "set") return node.items
      return [node]
    }
    if (sign === "-") {
      this.at++
      return [negated(this.implicitArgument(name))]
    }
    return [this.implicitArgument(name)]
  }

  /** Factors side by side, as in \sin 2x, up to a sign or the next function. */
  implicitArgument(name: string): Node {
    const factors = [this.power()]
    const angle = /^(?:sin|cos|tan|cot|sec|csc)$/.test(name)
      && factors.every((factor) => factor.k === "sym" && factor.name === "pi" || factor.k === "num")
    for (;;) {
      this.skip()
      const name = this.command()
      if (functions.has(functionName(name)) && name !== "sqrt") break
      if (name === "mod" || name === "text" || name === "sum" || name === "int") break
      if (
        !this.startsOperand() || this.text[this.at] === "(" || this.text[this.at] === "[" || functions.has(this.word())
      ) break
      factors.push(this.power())
    }
    if (angle && this.peek("/")) { // \sin \pi/6, but \ln 2/2 is a half of the logarithm
      this.at++
      return { k: "div", a: product(factors), b: this.power() }
    }
    return product(factors)
  }

  big(op: "sum" | "prod" | "int" | "lim"): Node {
    let below: Node | null = null
    let above: Node | null = null
    let variable = ""
    for (;;) {
      this.skip()
      const sign = this.text[this.at]
      if (sign === "_" && below === null) {
        this.at++
        this.skip()
        const arrow = op === "lim" ? this.limitPoint() : null
        if (arrow !== null) [variable, below] = arrow
        else below = this.text[this.at] === "{" ? this.argument() : this.singleArgument()
      } else if (sign === "^" && above === null) {
        this.at++
        above = this.singleArgument()
      } else break
    }
    if (below?.k === "rel" && below.ops[0] === "=" && below.items.length === 2) {
      const [name, from] = below.items
      if (name?.k === "sym" && from !== undefined) {
        variable = name.name
        below = from
      }
    }
    if (op === "int") {
      this.integrals++
      const body = this.startsDifferential() ? num(rational(1n)) : this.sum()
      this.integrals--
      const match = /^\s*\\?d\s*\\?([A-Za-z]+)/.exec(this.text.slice(this.at, this.at + 24))
      if (match === null) this.fail()
      this.at += match[0].length
      return { k: "big", op, variable: match[1] ?? "x", from: below ?? sym("?"), to: above ?? sym("?"), body }
    }
    const body = this.product()
    const from = below ?? sym("?")
    return { k: "big", op, variable, from, to: op === "lim" ? from : above ?? sym("?"), body }
  }

  startsDifferential(): boolean {
    return /^d[a-zA-Z]?$/.test(this.word())
  }

  /** `{x \to a}` after a limit sign. */
  limitPoint(): [string, Node] | null {
    if (this.text[this.at] !== "{") return null
    const back = this.at
    this.at++
    const name = this.atom()
    if (name.k !== "sym" || !this.take("→")) {
      this.at = back
      return null
    }
    const point = this.sum()
    this.skip()
    if (this.take("^")) this.skipIf("+", () => undefined)
    this.expect("}")
    return [name.name, point]
  }

  environment(): Node {
    const match = /^\\begin \{\s*([a-zA-Z]+)\*?\s*\}/.exec(this.text.slice(this.at, this.at + 40))
      ?? /^\\begin\{\s*([a-zA-Z]+)\*?\s*\}/.exec(this.text.slice(this.at, this.at + 40))
    if (match === null) this.fail()
    this.at += match[0].length
    const name = match[1] ?? ""
    if (name === "array") {
      this.skip()
      if (this.text[this.at] === "{") this.at = Math.max(this.at, closingBrace(this.text, this.at)) + 1
    }
    const bars = this.bars
    const listDepth = this.listDepth
    this.bars = 0
    this.listDepth = 0
    const wasAligned = this.aligned
    this.aligned = !matrices.has(name) && name !== "cases"
    const rows: Array<Array<Node>> = [[]]
    for (;;) {
      this.skip()
      const sign = this.text[this.at]
      if (sign === undefined) this.fail()
      if (this.text.startsWith("\\end", this.at)) break
      if (sign === rowEnd) {
        this.at++
        rows.push([])
      } else if (sign === "&") this.at++
      else {
        const { items } = this.sequence(true)
        const [only] = items
        if (only === undefined) this.fail()
        rows.at(-1)?.push(items.length === 1 ? only : { k: "list", items })
      }
      spend(this.budget, 4)
    }
    this.bars = bars
    this.listDepth = listDepth
    this.aligned = wasAligned
    const end = /^\\end ?\{\s*[a-zA-Z]+\*?\s*\}/.exec(this.text.slice(this.at, this.at + 40)) ?? this.fail()
    this.at += end[0].length
    const full = rows.filter((row) => row.length > 0)
    if (matrices.has(name)) {
      const width = full[0]?.length ?? 0
      if (width === 0 || full.some((row) => row.length !== width)) this.fail()
      const matrix: Node = { k: "matrix", rows: full }
      return name === "vmatrix" ? fn("det", matrix) : matrix
    }
    // Values with their conditions stay together; the rows of an alignment are statements.
    return {
      k: "list",
      items: full.map((
        row
      ): Node => (row.length === 1 ? row[0] ?? this.fail() : { k: "tuple", open: "(", close: ")", items: row }))
    }
  }
}
