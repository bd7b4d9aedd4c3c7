// Reads a cleaned answer (Clean.ts) into a tree (Node.ts) by recursive descent. Nothing is evaluated. Depth and steps are bounded;
// what cannot be read gives null, and the caller says "undecided" or compares the text.
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { closingBrace, groupedComma, negativeSpace, rowEnd, thinSpace } from "./Clean.ts"
import type { Node, RelationOperator } from "./Node.ts"
import { addition, fn, negated, num, product, sym } from "./Node.ts"
import type { Rational } from "./Rational.ts"
import { fromDecimal, rational } from "./Rational.ts"
import { isUnitWord } from "./Units.ts"

/** What may be read in two ways. The first reading is the usual one; a comparison may ask for the others. */
export interface Reading {
  /** `1,234` outside of brackets is one number (default), or a list of two. */
  readonly commas: "thousands" | "list" | "decimal"
}

export interface Parsed {
  readonly node: Node
  /** A comma between digits was taken as a thousands separator: the list is another reading. */
  readonly grouped: boolean
}

class Unreadable extends Error {}

const maxDepth = 64
/** Bars whose side is tried both ways before an answer with many of them is given up. */
const maxBarChoices = 32
const maxDigits = 20_000

const functions = new Set([
  "sin",
  "cos",
  "tan",
  "cot",
  "sec",
  "csc",
  "arcsin",
  "arccos",
  "arctan",
  "arccot",
  "arcsec",
  "arccsc",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
  "tanh",
  "coth",
  "sech",
  "csch",
  "arcsinh",
  "arccosh",
  "arctanh",
  "asinh",
  "acosh",
  "atanh",
  "arsinh",
  "arcosh",
  "artanh",
  "ln",
  "log",
  "lg",
  "exp",
  "max",
  "min",
  "gcd",
  "lcm",
  "floor",
  "ceil",
  "abs",
  "det",
  "sgn",
  "sqrt",
  "cbrt",
  "Re",
  "Im",
  "arg",
  "deg",
  "mod",
  "round"
])
const functionAliases: ReadonlyMap<string, string> = new Map([
  ["asin", "arcsin"],
  ["acos", "arccos"],
  ["atan", "arctan"],
  ["asinh", "arcsinh"],
  ["acosh", "arccosh"],
  ["atanh", "arctanh"],
  ["arsinh", "arcsinh"],
  ["arcosh", "arccosh"],
  ["artanh", "arctanh"],
  ["ceiling", "ceil"],
  ["GCD", "gcd"],
  ["LCM", "lcm"],
  ["tg", "tan"],
  ["ctg", "cot"],
  ["arctg", "arctan"]
])
const inverses: ReadonlyMap<string, string> = new Map([
  ["sin", "arcsin"],
  ["cos", "arccos"],
  ["tan", "arctan"],
  ["cot", "arccot"],
  ["sec", "arcsec"],
  ["csc", "arccsc"],
  ["sinh", "arcsinh"],
  ["cosh", "arccosh"],
  ["tanh", "arctanh"]
])
const greek = new Set(
  ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega "
    + "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega").split(" ")
)
const constants: ReadonlyMap<string, string> = new Map([
  ["pi", "pi"],
  ["infty", "infinity"],
  ["inf", "infinity"],
  ["infinity", "infinity"],
  ["oo", "infinity"],
  ["Infinity", "infinity"],
  ["imath", "i"]
])
const decorations = new Set([
  "overline",
  "bar",
  "hat",
  "widehat",
  "vec",
  "tilde",
  "dot",
  "ddot",
  "underline",
  "overrightarrow",
  "overleftarrow",
  "widetilde",
  "overarc"
])
const matrices = new Set(["matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"])
const relationWords: ReadonlyArray<readonly [string, RelationOperator]> = [
  ["<=", "<="],
  [">=", ">="],
  ["!=", "!="],
  ["=<", "<="],
  ["=", "="],
  ["<", "<"],
  [">", ">"],
  ["\\in ", "in"],
  ["\\approx ", "approx"],
  ["\\equiv ", "equiv"]
]

const isDigit = (sign: string | undefined): boolean => sign !== undefined && sign >= "0" && sign <= "9"
const isLetter = (sign: string | undefined): boolean =>
  sign !== undefined && ((sign >= "a" && sign <= "z") || (sign >= "A" && sign <= "Z"))
const isSpace = (sign: string | undefined): boolean =>
  sign === " " || sign === thinSpace || sign === negativeSpace || sign === "\t"

class Parser {
  readonly text: string
  readonly reading: Reading
  readonly budget: Budget
  /** For each bar that could close or open, in order: whether it opens. */
  readonly opening: ReadonlyArray<boolean>
  at = 0
  depth = 0
  /** Brackets of lists that are open; commas between digits are separators inside of them. */
  listDepth = 0
  /** Absolute values that are open. */
  bars = 0
  barChoices = 0
  grouped = false
  /** Inside of an integral, `dx` ends the integrand. */
  integrals = 0

  constructor(text: string, reading: Reading, opening: ReadonlyArray<boolean>, budget: Budget) {
    this.text = text
    this.reading = reading
    this.opening = opening
    this.budget = budget
  }

  fail(): never {
    throw new Unreadable()
  }

  skip(): void {
    while (isSpace(this.text[this.at])) this.at++
  }

  peek(word: string): boolean {
    this.skip()
    return this.text.startsWith(word, this.at)
  }

  take(word: string): boolean {
    if (!this.peek(word)) return false
    this.at += word.length
    return true
  }

  expect(word: string): void {
    if (!this.take(word)) this.fail()
  }

  /** The command at this place, without its backslash; "" where there is none. */
  command(): string {
    this.skip()
    if (this.text[this.at] !== "\\") return ""
    let end = this.at + 1
    while (isLetter(this.text[end])) end++
    return this.text.slice(this.at + 1, end)
  }

  takeCommand(name: string): void {
    this.at += 1 + name.length
    if (this.text[this.at] === " ") this.at++
  }

  word(): string {
    this.skip()
    let end = this.at
    while (isLetter(this.text[end])) end++
    return this.text.slice(this.at, end)
  }

  deeper<A>(run: () => A): A {
    if (++this.depth > maxDepth) this.fail()
    const result = run()
    this.depth--
    return result
  }

  // ---- statements and lists

  /** `and`, `or` between items; written together with what follows in "1or x". */
  connective(): boolean {
    const word = this.word()
    for (const known of ["and", "or"]) {
      if (word === known || (word.startsWith(known) && /^[A-Z]/.test(word.slice(known.length)))) {
        this.at += known.length
        return true
      }
    }
    return false
  }

  /** Items up to something that cannot continue a list. Semicolons bind less than commas. */
  sequence(cells = false): { readonly items: ReadonlyArray<Node>; readonly separated: boolean } {
    const groups: Array<Array<Node>> = [[]]
    let separated = false
    for (;;) {
      this.skip()
      const sign = this.text[this.at]
      if (sign === "," || sign === groupedComma) {
        this.at++
        separated = true
      } else if (sign === ";" || (sign === rowEnd && !cells)) {
        this.at++
        separated = true
        if ((groups.at(-1) ?? []).length > 0) groups.push([])
      } else if (sign === "&" && !cells) this.at++
      else if (this.connective()) separated = true
      else if (sign === undefined) break
      else {
        const group = groups.at(-1) ?? []
        const waiting = group.length === 0 || this.justSeparated()
        // In [0,1[ the second bracket closes; where an item is due, one opens.
        if (!waiting || (this.atCloser() && sign !== "[")) break
        group.push(this.relation())
        spend(this.budget, 4)
      }
    }
    const full = groups.filter((group) => group.length > 0)
    if (full.length <= 1) return { items: full[0] ?? [], separated }
    return {
      items: full.map((group) => {
        const [only] = group
        return group.length === 1 && only !== undefined ? only : { k: "list", items: group }
      }),
      separated: true
    }
  }

  justSeparated(): boolean {
    let back = this.at - 1
    while (isSpace(this.text[back])) back--
    const sign = this.text[back] ?? ""
    return sign === "," || sign === ";" || sign === rowEnd || sign === groupedComma || sign === "&"
      || /(?:^|[^A-Za-z])(?:and|or)$|[\d)\]}](?:and|or)$/.test(this.text.slice(Math.max(0, back - 4), back + 1))
  }

  atCloser(): boolean {
    const sign = this.text[this.at]
    if (sign === ")" || sign === "]" || sign === "}" || sign === "⟩" || sign === "⌋" || sign === "⌉" || sign === "‖") {
      return true
    }
    if (sign === "|") return this.bars > 0
    if (sign === "[") return this.listDepth > 0
    return sign === "\\" && (this.text.startsWith("\\}", this.at) || this.text.startsWith("\\end", this.at))
  }

  relationOperator(): RelationOperator | null {
    this.skip()
    for (const [written, operator] of relationWords) {
      if (this.text.startsWith(written, this.at)) {
        this.at += written.length
        return operator
      }
    }
    return null
  }

  relation(): Node {
    return this.deeper(() => {
      const items: Array<Node> = []
      const ops: Array<RelationOperator> = []
      if (!this.peek("=")) items.push(this.setExpression())
      for (let operator = this.relationOperator(); operator !== null; operator = this.relationOperator()) {
        if (items.length === 0) { // "= 5"
          items.push(this.setExpression())
          continue
        }
        ops.push(operator)
        this.skip()
        if (this.text[this.at] === rowEnd || this.text[this.at] === "&") this.at++
        items.push(this.setExpression())
      }
      const modulus = this.modulus()
      if (modulus !== null) {
        const last = items.pop() ?? this.fail()
        items.push({ k: "residue", x: last, m: modulus })
      }
      const [only] = items
      return ops.length === 0 ? only ?? this.fail() : { k: "rel", ops, items }
    })
  }

  /** `\pmod{7}`, `(\mod 7)`, `(mod 7)`. */
  modulus(): Node | null {
    this.skip()
    if (this.command() === "pmod") {
      this.takeCommand("pmod")
      return this.argument()
    }
    const open = /^\(\s*(?:\\mod\s|\\text\{mod\}|mod(?![a-z]))/.exec(this.text.slice(this.at, this.at + 16))
    if (open === null) return null
    this.at += open[0].length
    const modulus = this.sum()
    this.expect(")")
    return modulus
  }

  setExpression(): Node {
    let left = this.ratio()
    for (;;) {
      const name = this.command()
      if (name === "cup" || name === "cap" || name === "setminus") {
        this.takeCommand(name)
        const right = this.ratio()
        const k = name === "cup" ? "union" : name === "cap" ? "intersection" : "difference"
        left = left.k === k && k !== "difference" ? { k, args: [...left.args, right] } : { k, args: [left, right] }
      } else if (left.k === "sym" && left.name === "ℝ" && (this.peek("-\\{") || this.peek("- \\{"))) {
        this.take("-")
        left = { k: "difference", args: [left, this.ratio()] }
      } else return left
    }
  }

  ratio(): Node {
    const first = this.sum()
    if (!this.peek(":")) return first
    const items = [first]
    while (this.take(":")) items.push(this.sum())
    return { k: "ratio", items }
  }

  // ---- sums, products, powers

  sum(): Node {
    return this.deeper(() => {
      const terms: Array<Node> = []
      for (;;) {
        this.skip()
        const sign = this.text[this.at]
        const plusMinus = this.plusMinus()
        if (plusMinus !== null) {
          const a = terms.length === 0 ? null : addition(terms.splice(0))
          terms.push({ k: "pm", a, b: this.product(), upper: plusMinus })
        } else if (sign === "+") {
          this.at++
          terms.push(this.product())
        } else if (sign === "-") {
          this.at++
          terms.push(this.product(true))
        } else if (terms.length === 0) terms.push(this.product())
        else return addition(terms)
      }
    })
  }

  plusMinus(): 1 | -1 | null {
    const name = this.command()
    if (name === "pm" || name === "mp") {
      this.takeCommand(name)
      return name === "pm" ? 1 : -1
    }
    if (this.peek("+/-")) {
      this.at += 3
      return 1
    }
    return null
  }

  /** Factors; a minus before them goes with the first one, so that -1 mod 2 is one. */
  product(minus = false): Node {
    const first = this.unary()
    let factors: Array<Node> = [minus ? negated(first) : first]
    for (;;) {
      spend(this.budget, 2)
      this.skip()
      const sign = this.text[this.at]
      if (sign === "*") {
        this.at++
        factors.push(this.unary())
        continue
      }
      if (sign === "/") {
        this.at++
        const below = this.unary()
        factors = [{ k: "div", a: product(factors), b: below }]
        continue
      }
      const name = this.command()
      if (name === "mod" || (name === "" && this.word() === "mod")) {
        this.at += name === "" ? 3 : 0
        if (name !== "") this.takeCommand(name)
        factors = [fn("mod", product(factors), this.unary())]
        continue
      }
      if (!this.startsOperand()) return product(factors)
      const last = factors.at(-1)
      if (isSpace(this.text[this.at - 1]) && last?.k === "num" && !last.decimal && last.q.d === 1n && isDigit(sign)) {
        const mixed = this.mixedNumber(last.q)
        if (mixed !== null) {
          factors[factors.length - 1] = mixed
          continue
        }
      }
      factors.push(this.power())
    }
  }

  /** The fraction of "1 1/2" after its whole part; null, and nothing read, where there is none. */
  mixedNumber(whole: Rational): Node | null {
    const match = /^(\d{1,9})\s*\/\s*(\d{1,9})(?![\d.])/.exec(this.text.slice(this.at, this.at + 24))
    if (match === null || Number(match[2]) === 0 || Number(match[1]) >= Number(match[2])) return null
    this.at += match[0].length
    return mixed(whole, rational(BigInt(match[1] ?? "0"), BigInt(match[2] ?? "1")))
  }

  /** Whether a factor can begin here without a sign before it. */
  startsOperand(): boolean {
    this.skip()
    const sign = this.text[this.at]
    if (sign === undefined) return false
    if (isDigit(sign)) return true
    if (isLetter(sign)) {
      const word = this.word()
      if (word === "and" || word === "or" || /^(?:and|or)[A-Z]/.test(word)) return false
      return !(this.integrals > 0 && /^d[a-zA-Z]?$/.test(word))
    }
    if (sign === ".") return isDigit(this.text[this.at + 1])
    if (sign === "(") {
      return !/^\(\s*(?:\\mod\s|\\text\{mod\}|mod(?![a-z]))/.test(this.text.slice(this.at, this.at + 16))
    }
    if (sign === "[") return this.listDepth === 0 || this.bracketCloses()
    if (
      sign === "{" || sign === "⟨" || sign === "⌊" || sign === "⌈" || sign === "ℝ" || sign === "ℤ" || sign === "ℕ" ||
      sign === "ℚ" || sign === "ℂ"
    ) {
      return true
    }
    if (sign === "|") {
      if (this.bars === 0) return true
      const choice = this.barChoices++
      if (choice >= maxBarChoices) this.fail()
      return this.opening[choice] ?? false
    }
    if (sign === "…" || sign === "→") return false
    if (sign !== "\\") return sign > "\u007F" && /\p{L}/u.test(sign)
    if (this.text.startsWith("\\{", this.at)) return true
    const name = this.command()
    return !(name === "" || name === "in" || name === "approx" || name === "equiv" || name === "cup" ||
      name === "cap" || name === "setminus"
      || name === "pm" || name === "mp" || name === "end" || name === "pmod" || name === "mod" || name === "circ")
  }

  /** Whether the bracket here has a partner of its own, and so does not end an interval as in [0,1[. */
  bracketCloses(): boolean {
    const rest = this.text.slice(this.at + 1, this.at + 200)
    const close = rest.indexOf("]")
    return close > 0 && !rest.slice(0, close).includes("[")
  }

  unary(): Node {
    return this.deeper(() => {
      this.skip()
      const sign = this.text[this.at]
      if (sign === "-") {
        this.at++
        return negated(this.unary())
      }
      if (sign === "+") {
        this.at++
        return this.unary()
      }
      const plusMinus = this.plusMinus()
      if (plusMinus !== null) return { k: "pm", a: null, b: this.unary(), upper: plusMinus }
      return this.power()
    })
  }

  power(): Node {
    let base = this.atom()
    for (;;) {
      this.skip()
      const sign = this.text[this.at]
      if (sign === "!") {
        if (this.text[this.at + 1] === "=") return base
        this.at++
        const double = this.text[this.at] === "!" && this.text[this.at + 1] !== "="
        if (double) this.at++
        base = fn(double ? "doublefactorial" : "factorial", base)
      } else if (sign === "%") {
        this.at++
        base = { k: "percent", x: base }
      } else if (sign === "°") {
        this.at++
        base = { k: "degree", x: base }
      } else if (sign === "'" && base.k === "sym") {
        this.at++
        base = sym(`${base.name}'`)
      } else if (sign === "^") {
        this.at++
        base = this.exponent(base)
      } else if (sign === "_" && base.k === "pow" && base.base.k === "sym") {
        this.at++
        base = { k: "pow", base: sym(`${base.base.name}_${this.subscript()}`), exp: base.exp }
      } else if (sign === "\\" && this.command() === "circ") {
        this.takeCommand("circ")
        base = { k: "degree", x: base }
      } else {
        const unit = this.unit(base)
        if (unit === null) return base
        base = unit
      }
      spend(this.budget, 2)
    }
  }

  exponent(base: Node): Node {
    const degree = /^\s*(?:\\circ(?![a-zA-Z])|\{\s*\\circ\s*\}|°|\{\s*°\s*\})/.exec(
      this.text.slice(this.at, this.at + 16)
    )
    if (degree !== null) {
      this.at += degree[0].length
      return { k: "degree", x: base }
    }
    if (base.k === "sym" && this.take("'")) return sym(`${base.name}'`)
    this.skip()
    const sign = this.text[this.at]
    if (sign === "-") {
      this.at++
      return { k: "pow", base, exp: negated(this.singleArgument()) }
    }
    if (sign === "(") return { k: "pow", base, exp: this.atom() }
    return { k: "pow", base, exp: this.singleArgument() }
  }

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

  // ---- atoms

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

  /** A number, and the proper fraction of integers right after it: 2\frac12 is two and a half. */
  withFraction(number: Node): Node {
    if (number.k !== "num" || number.decimal || number.q.d !== 1n) return number
    const match = /^\s*\\frac\s*(?:\{\s*(\d{1,9})\s*\}|(\d))\s*(?:\{\s*(\d{1,9})\s*\}|(\d))/.exec(
      this.text.slice(this.at, this.at + 48)
    )
    if (match === null) return number
    const n = BigInt(match[1] ?? match[2] ?? "0")
    const d = BigInt(match[3] ?? match[4] ?? "1")
    if (d === 0n || n >= d) return number
    this.at += match[0].length
    return mixed(number.q, rational(n, d))
  }

  number(): Node {
    const start = this.at
    let digits = ""
    const run = () => {
      const from = this.at
      while (isDigit(this.text[this.at])) this.at++
      if (this.at - start > maxDigits) this.fail()
      digits += this.text.slice(from, this.at)
      return this.at - from
    }
    const first = run()
    if (first >= 1 && first <= 3) this.thousands(run)
    // A comma in braces, or one by itself where it is so read, before other than three digits is a decimal comma.
    const comma = this.text[this.at]
    const decimalComma =
      (comma === groupedComma || (comma === "," && this.reading.commas === "decimal" && this.listDepth === 0))
      && isDigit(this.text[this.at + 1])
    let decimal = false
    let q: Rational | null = null
    if (
      decimalComma || (this.text[this.at] === "." && (isDigit(this.text[this.at + 1]) || this.repeats(this.at + 1)))
    ) {
      this.at++
      decimal = true
      digits += "."
      run()
      q = this.repeating(digits)
      if (q !== null) decimal = false
    }
    if (!decimal && digits !== "" && this.text[this.at] === "." && !isLetter(this.text[this.at + 1])) {
      const after = this.text.slice(this.at + 1, this.at + 3).trim()
      if (after === "" || /^[,;)\]}\\]/.test(after)) this.at++ // "5." at the end of a sentence or item
    }
    if (this.text[this.at] === "_" && !decimal && q === null) return this.based(digits)
    q ??= fromDecimal(digits) ?? this.fail()
    const exponent = /^[eE]([+-]?\d{1,6})(?![\d.])/.exec(this.text.slice(this.at, this.at + 12))
    if (exponent !== null) {
      this.at += exponent[0].length
      const power = Number(exponent[1])
      if (Math.abs(power) > 5000) this.fail()
      const scale = 10n ** BigInt(Math.abs(power))
      q = power < 0 ? rational(q.n, q.d * scale) : rational(q.n * scale, q.d)
      return num(q, decimal || power < 0)
    }
    return num(q, decimal)
  }

  /** Groups of three digits after the first one, with whatever separates them. */
  thousands(run: () => number): void {
    for (let group = 0;; group++) {
      const separator = /^(?:\u2063|\u2009|,[ ]?\u200A[ ]?|,\u2009|[ ]?\u200A|,| (?=\d{3}(?:[^\d]|$)))(?=\d{3}(?!\d))/u
        .exec(this.text.slice(this.at, this.at + 8))
      if (separator === null) return
      if (separator[0] === ",") {
        if (this.reading.commas !== "thousands" || this.listDepth > 0 || this.text[this.at - 1] === undefined) return
        if (group === 0 && this.leadingZero()) return
        this.grouped = true
      }
      this.at += separator[0].length
      run()
    }
  }

  leadingZero(): boolean {
    let start = this.at
    while (isDigit(this.text[start - 1])) start--
    return this.text[start] === "0"
  }

  repeats(at: number): boolean {
    return /^(?:\\(?:overline|bar|dot)\s*\{|\(\d+\))/.test(this.text.slice(at, at + 16))
  }

  /** The exact value of a repeating decimal whose digits so far are `digits` (with a point); null where nothing repeats. */
  repeating(digits: string): Rational | null {
    const rest = this.text.slice(this.at, this.at + 64)
    const period = /^\\(?:overline|bar)\s*\{\s*(\d{1,40})\s*\}/.exec(rest) ?? /^\((\d{1,40})\)(?![\d(])/.exec(rest)
    const dotted = period === null ? /^\\dot\s*\{\s*(\d)\s*\}(?:(\d{0,40})\\dot\s*\{\s*(\d)\s*\})?/.exec(rest) : null
    const dots = period === null && dotted === null ? /^…/.exec(rest) : null
    const fraction = digits.slice(digits.indexOf(".") + 1)
    let plain = digits
    let cycle: string
    if (period !== null) cycle = period[1] ?? ""
    else if (dotted !== null) cycle = (dotted[1] ?? "") + (dotted[3] === undefined ? "" : (dotted[2] ?? "") + dotted[3])
    else if (dots !== null) {
      const tail = /(\d{1,6}?)\1{2,}$/.exec(fraction.slice(-60))
      this.at += dots[0].length
      if (tail === null) return null
      cycle = tail[1] ?? ""
      plain = digits.slice(0, digits.length - tail[0].length)
    } else return null
    if (dots === null) this.at += (period ?? dotted)?.[0].length ?? 0
    const base = plain.endsWith(".") ? fromDecimal(`${plain}0`) : fromDecimal(plain)
    if (base === null || cycle === "") return null
    const places = plain.length - plain.indexOf(".") - 1
    const repeated = rational(BigInt(cycle), (10n ** BigInt(cycle.length) - 1n) * 10n ** BigInt(places))
    return rational(base.n * repeated.d + repeated.n * base.d, base.d * repeated.d)
  }

  /** `digits` and the base that follows as an index. */
  based(digits: string): Node {
    this.at++
    const match = /^\s*(?:\{?\s*\(?\s*(\d{1,2})\s*\)?\s*\}?|\\text\{(\w+)\}|\{\s*\\text\{(\w+)\}\s*\})/.exec(
      this.text.slice(this.at, this.at + 32)
    )
    const words: Record<string, number> = {
      two: 2,
      three: 3,
      four: 4,
      five: 5,
      six: 6,
      seven: 7,
      eight: 8,
      nine: 9,
      ten: 10,
      twelve: 12,
      sixteen: 16
    }
    const base = match === null
      ? NaN
      : match[1] === undefined
      ? words[(match[2] ?? match[3] ?? "").toLowerCase()] ?? NaN
      : Number(match[1])
    if (match === null || !(base >= 2 && base <= 36)) this.fail()
    this.at += match[0].length
    return basedNumber(digits, base) ?? this.fail()
  }

  /** A plain word: a function, a constant, a variable, a product of variables, or a word. */
  named(): Node {
    const word = this.word()
    const alias = functionAliases.get(word) ?? word
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
    if (word.length >= 4 || word === "Yes" || word === "yes" || word === "No") {
      this.at += word.length
      return this.indexed(word)
    }
    this.at++
    return this.indexed(word[0] ?? "")
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

  skipIf(sign: string, then: () => void): void {
    while (this.text[this.at] === sign) {
      this.at++
      then()
    }
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
    return raw.replace(/\\text|\\|[{}\s\u2009\u200A]/g, "").toLowerCase()
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
    const head = /^\s*[A-Za-z](?:_\w)?\s*(?:\\in\s*[ℝℤℕℚ]\s*)?(?:\||:)/.exec(this.text.slice(this.at, this.at + 32))
    if (head !== null) this.at += head[0].length
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
    const alias = functionAliases.get(name) ?? name
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
    const alias = functionAliases.get(content) ?? content
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
    const args = this.functionArguments()
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

  functionArguments(): ReadonlyArray<Node> {
    this.skip()
    const sign = this.text[this.at]
    if (sign === "(" || sign === "{" || sign === "[" || this.text.startsWith("\\{", this.at)) {
      const node = sign === "\\" ? this.set() : this.atom()
      if (node.k === "tuple" || node.k === "list" || node.k === "set") return node.items
      return [node]
    }
    if (sign === "-") {
      this.at++
      return [negated(this.implicitArgument())]
    }
    return [this.implicitArgument()]
  }

  /** Factors side by side, as in \sin 2x, up to a sign or the next function. */
  implicitArgument(): Node {
    const factors = [this.power()]
    for (;;) {
      this.skip()
      const name = this.command()
      if (functions.has(functionAliases.get(name) ?? name) && name !== "sqrt") break
      if (name === "mod" || name === "text" || name === "sum" || name === "int") break
      if (
        !this.startsOperand() || this.text[this.at] === "(" || this.text[this.at] === "[" || functions.has(this.word())
      ) break
      factors.push(this.power())
    }
    if (this.peek("/")) { // \sin x/2 is the sine of a half
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
    const end = /^\\end ?\{\s*[a-zA-Z]+\*?\s*\}/.exec(this.text.slice(this.at, this.at + 40)) ?? this.fail()
    this.at += end[0].length
    const full = rows.filter((row) => row.length > 0)
    if (matrices.has(name)) {
      const width = full[0]?.length ?? 0
      if (width === 0 || full.some((row) => row.length !== width)) this.fail()
      const matrix: Node = { k: "matrix", rows: full }
      return name === "vmatrix" ? fn("det", matrix) : matrix
    }
    return { k: "list", items: full.map((row) => row[0] ?? this.fail()) }
  }

  /** A unit after a value: `\text{cm}^2`, a known word, or a counted thing. */
  unit(base: Node): Node | null {
    if (base.k === "text" || base.k === "list" || base.k === "set" || base.k === "matrix" || base.k === "unit") {
      return null
    }
    const back = this.at
    const words: Array<string> = []
    for (let part = 0; part < 6; part++) {
      const from = this.at
      this.skip()
      if (this.text.startsWith("\\text{", this.at)) {
        const close = closingBrace(this.text, this.at + 5)
        if (close < 0) break
        const content = this.text.slice(this.at + 6, close).trim()
        if (
          (functions.has(content) && !(base.k === "num" && isUnitWord(content))) || content === "mod" ||
          /^\(?[A-Z]\)?$/.test(content) && words.length === 0 && base.k !== "num"
        ) break
        const clock = /^([ap])\.?\s?m\.?$/i.exec(content)
        if (clock !== null) break
        words.push(plainText(content))
        this.at = close + 1
      } else if (base.k === "num" || words.length > 0) {
        const word = this.word()
        if (!isUnitWord(word) && !(words.length > 0 && word === "per")) {
          const slash = words.length > 0
            ? /^\s*\/\s*(?:\\text\{\s*([a-z]+)\s*\}|([a-z]+)\b)/.exec(this.text.slice(this.at, this.at + 24))
            : null
          if (slash === null) {
            this.at = from
            break
          }
          this.at += slash[0].length
          words.push("/", slash[1] ?? slash[2] ?? "")
          continue
        }
        this.at += word.length
        if (this.text[this.at] === "." && words.length >= 0) this.at++
        words.push(word.toLowerCase())
      } else {
        this.at = from
        break
      }
      const power = /^\s*\^\s*(?:\{\s*([23])\s*\}|([23]))/.exec(this.text.slice(this.at, this.at + 10))
      if (power !== null) {
        this.at += power[0].length
        words.push(`${words.pop() ?? ""}^${power[1] ?? power[2] ?? ""}`)
      }
    }
    if (words.length === 1 && /^(?:percent|percentage|pct)$/.test(words[0] ?? "")) return { k: "percent", x: base }
    if (words.length === 0) {
      this.at = back
      return null
    }
    const text = words.join(" ")
    return /^(?:degrees?|deg)$/.test(text) ? { k: "degree", x: base } : { k: "unit", x: base, unit: text }
  }

  whole(): Node {
    const { items, separated } = this.sequence()
    this.skip()
    if (this.at < this.text.length) this.fail()
    const [only] = items
    if (only === undefined) this.fail()
    return items.length === 1 && !(separated && only.k === "list") ? only : { k: "list", items }
  }
}

const mixed = (whole: Rational, part: Rational): Node =>
  num(whole.n < 0n ? rational(whole.n * part.d - part.n, part.d) : rational(whole.n * part.d + part.n, part.d))

const constantOrSymbol = (name: string): Node => sym(constants.get(name) ?? name)

/** Lower case, one blank between words, no punctuation at the end. */
export const plainText = (text: string): string =>
  text.replace(/[{}$\\]/g, " ").replace(/\s+/g, " ").trim().replace(/[.,;:]+$/, "").toLowerCase()

/** The value of digits in a base; null where a digit is not one of that base. */
export const basedNumber = (digits: string, base: number): Node | null => {
  if (digits.length > 2000) return null
  let value = 0n
  for (const digit of digits.toLowerCase()) {
    const worth = Number.parseInt(digit, 36)
    if (!(worth < base)) return null
    value = value * BigInt(base) + BigInt(worth)
  }
  return { k: "based", value, digits: digits.toLowerCase().replace(/^0+(?=.)/, ""), base }
}

const clockTime = (written: string): Node | null => {
  const text = written.replace(/[\u2009\u200A]/g, "")
  const match = /^(\d{1,2}):(\d{2})\s*(?:\\text\{\s*)?([ap])\.?\s?m\.?\s*\}?$/i.exec(text)
  if (match === null) return null
  const hours = Number(match[1]) % 12 + (/p/i.test(match[3] ?? "") ? 12 : 0)
  return { k: "time", minutes: hours * 60 + Number(match[2]) }
}

/** Letters among the digits of a number in a base above ten: 1A3_{16}. */
const alphanumericBased = (text: string): Node | null => {
  const match = /^([0-9][0-9A-Fa-f]*|[A-Fa-f][0-9A-Fa-f]*[0-9][0-9A-Fa-f]*)_\{?\s*(1[1-6])\s*\}?$/.exec(
    text.replace(/\\text\{\s*(\w+)\s*\}/, "$1")
  )
  return match === null ? null : basedNumber(match[1] ?? "", Number(match[2]))
}

/**
 * A cleaned answer as a tree, in one reading; null where it cannot be read within the bounds. Throws `StepsExhausted` when the
 * budget is gone.
 */
export const parse = (text: string, reading: Reading, budget: Budget): Parsed | null => {
  if (text === "") return null
  const special = text.length < 40 ? clockTime(text) ?? alphanumericBased(text) : null
  if (special !== null) return { node: special, grouped: false }
  // Bars say not whether they open or close: the usual side first, then others, in order.
  let opening: ReadonlyArray<boolean> = []
  for (let attempt = 0; attempt < 16; attempt++) {
    const parser = new Parser(text, reading, opening, budget)
    try {
      return { node: parser.whole(), grouped: parser.grouped }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      const choices = Math.min(parser.barChoices, maxBarChoices)
      const next = Array.from({ length: choices }, (_, at) => opening[at] ?? false)
      let last = choices - 1
      while (last >= 0 && next[last] === true) last--
      if (last < 0) return null
      next[last] = true
      opening = next.slice(0, last + 1)
    }
  }
  return null
}
