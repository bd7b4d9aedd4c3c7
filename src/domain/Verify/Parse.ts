// Reads a cleaned answer (Clean.ts) into a tree (Node.ts) by recursive descent. Nothing is evaluated. Depth and steps are bounded;
// what cannot be read gives null, and the caller says "undecided" or compares the text.
import type { Sequence } from "./Atoms.ts"
import { Atoms, plainText } from "./Atoms.ts"
import type { Budget } from "./Budget.ts"
import { spend } from "./Budget.ts"
import { closingBrace, groupedComma, rowEnd } from "./Clean.ts"
import { isDigit, isLetter, isSpace, Unreadable } from "./Cursor.ts"
import type { Node, RelationOperator } from "./Node.ts"
import { addition, fn, negated, num, product, sym } from "./Node.ts"
import type { Reading } from "./Numerals.ts"
import { alphanumericBased, clockTime } from "./Numerals.ts"
import { divide, rational } from "./Rational.ts"
import { isUnitWord, unitSize } from "./Units.ts"
import { functions } from "./Words.ts"

export interface Parsed {
  readonly node: Node
  /** A comma between digits was taken as a thousands separator: the list is another reading. */
  readonly grouped: boolean
}

const multipliers: ReadonlyMap<string, bigint> = new Map([
  ["dozen", 12n],
  ["hundred", 100n],
  ["thousand", 1000n],
  ["million", 1_000_000n],
  ["billion", 1_000_000_000n],
  ["trillion", 1_000_000_000_000n]
])

type Unit = Extract<Node, { k: "unit" }>

/** 5 feet 6 inches in the second unit; null where the units do not add. */
const mixedUnits = (a: Unit, b: Unit): Node | null => {
  const [larger, smaller] = [unitSize(a.unit), unitSize(b.unit)]
  if (larger === null || smaller === null || larger.dimension !== smaller.dimension) return null
  const ratio = divide(larger.size, smaller.size)
  return ratio === null ? null : { k: "unit", x: addition([product([a.x, num(ratio)]), b.x]), unit: b.unit }
}

/** Bars whose side is tried both ways before an answer with many of them is given up. */
const maxBarChoices = 32

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

class Parser extends Atoms {
  /** For each bar that could close or open, in order: whether it opens. */
  readonly opening: ReadonlyArray<boolean>
  barChoices = 0

  constructor(text: string, reading: Reading, opening: ReadonlyArray<boolean>, budget: Budget) {
    super(text, reading, budget)
    this.opening = opening
  }

  // ---- statements and lists

  /** `and`, `or` between items; written together with what follows in "1or x". */
  connective(): "and" | "or" | null {
    const word = this.word()
    for (const known of ["and", "or"] as const) {
      if (word === known || (word.startsWith(known) && /^[A-Z]/.test(word.slice(known.length)))) {
        this.at += known.length
        return known
      }
    }
    return null
  }

  /** Items up to something that cannot continue a list. Semicolons bind less than commas. */
  sequence(cells = false): Sequence {
    const groups: Array<Array<Node>> = [[]]
    let separated = false
    let by: "and" | "or" | undefined
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
      else if (this.atConnective()) {
        const word = this.connective()
        by = word === "or" ? "or" : by ?? "and"
        separated = true
      } else if (sign === undefined) break
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
    if (full.length <= 1) return { items: full[0] ?? [], separated, ...(by === undefined ? {} : { by }) }
    return {
      items: full.map((group) => {
        const [only] = group
        return group.length === 1 && only !== undefined ? only : { k: "list", items: group }
      }),
      separated: true
    }
  }

  atConnective(): boolean {
    const from = this.at
    const found = this.connective() !== null
    this.at = from
    return found
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
    if (this.aligned && this.text[this.at] === rowEnd && /^\n[\s&]*[=<>]/.test(this.text.slice(this.at, this.at + 8))) {
      this.at++
      this.skip()
    }
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
      if (!this.peek("=") && !this.peek("\\approx ")) items.push(this.setExpression())
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
      const next = this.power()
      if (last?.k === "num" && next.k === "num" && isDigit(sign) && next.q.d === 1n) this.fail() // "1 2" is no product
      if (last?.k === "unit" && next.k === "unit") factors[factors.length - 1] = mixedUnits(last, next) ?? this.fail()
      else factors.push(next)
    }
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
      || name === "choose" || name === "over" || name === "pm" || name === "mp" || name === "end" || name === "pmod" ||
      name === "mod" || name === "circ")
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
      } else if (
        sign === "_" && base.k === "num" && base.q.d === 1n && base.q.n >= 0n && this.text[this.at - 1] === ")"
      ) {
        base = this.based(String(base.q.n))
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
        if (!isUnitWord(word) && !multipliers.has(word) && !(words.length > 0 && word === "per")) {
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
    const multiplier = multipliers.get(words[0] ?? "")
    if (multiplier !== undefined) {
      const scaled = product([base, num(rational(multiplier))])
      return words.length === 1 ? scaled : { k: "unit", x: scaled, unit: words.slice(1).join(" ") }
    }
    const text = words.join(" ")
    return /^(?:degrees?|deg)$/.test(text) ? { k: "degree", x: base } : { k: "unit", x: base, unit: text }
  }

  whole(): Node {
    const { by, items, separated } = this.sequence()
    this.skip()
    if (this.at < this.text.length) this.fail()
    const [only] = items
    if (only === undefined) this.fail()
    return items.length === 1 && !(separated && only.k === "list")
      ? only
      : { k: "list", items, ...(by === undefined ? {} : { by }) }
  }
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
