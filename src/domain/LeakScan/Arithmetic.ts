// Python's operators on known values. The point is less the result than its effort: `print(40+2)` is a way to write 42, while
// `print(3*eggs)` is work. Results beyond 512 bits are not followed.
import { type Exact, exact } from "./Answer.ts"
import {
  computed,
  disguised,
  type Effort,
  effortShown,
  hole,
  integer,
  list,
  most,
  number,
  type NumberValue,
  render,
  respelled,
  text,
  type TextValue,
  unknown,
  type Value,
  wholeOf
} from "./Value.ts"

const bitsMax = 512

const small = (value: bigint): boolean => value < 1n << 512n && value > -(1n << 512n)
const whole = ({ denominator, numerator }: Exact): bigint | null => denominator === 1n ? numerator : null
const size = (value: Exact): bigint => value.numerator < 0n ? -value.numerator : value.numerator

export const floorDivide = (a: bigint, b: bigint): bigint => {
  const quotient = a / b
  return a % b !== 0n && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient
}

/** `a op b`, exactly; null where Python raises, where it is irrational, or where it is too big. */
const exactly = (op: string, a: Exact, b: Exact): Exact | null => {
  const [x, y] = [whole(a), whole(b)]
  switch (op) {
    case "+":
      return exact(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
    case "-":
      return exact(a.numerator * b.denominator - b.numerator * a.denominator, a.denominator * b.denominator)
    case "*":
      return exact(a.numerator * b.numerator, a.denominator * b.denominator)
    case "/":
      return exact(a.numerator * b.denominator, a.denominator * b.numerator)
    case "//":
    case "%": {
      if (b.numerator === 0n) return null
      const [left, right] = [a.numerator * b.denominator, b.numerator * a.denominator]
      const quotient = floorDivide(left, right)
      return op === "//" ? exact(quotient) : exact(left - quotient * right, a.denominator * b.denominator)
    }
    case "**": {
      if (y === null || y > BigInt(bitsMax) || y < -BigInt(bitsMax)) return null
      const power = y < 0n ? -y : y
      const bits = BigInt(size(a).toString(16).length * 4) + BigInt(a.denominator.toString(16).length * 4)
      if (bits * power > BigInt(4 * bitsMax)) return null
      return y < 0n
        ? exact(a.denominator ** power, a.numerator ** power)
        : exact(a.numerator ** power, a.denominator ** power)
    }
    default: {
      if (x === null || y === null) return null
      if (op === "&") return exact(x & y)
      if (op === "|") return exact(x | y)
      if (op === "^") return exact(x ^ y)
      if (y < 0n || y > BigInt(bitsMax)) return null
      return op === "<<" ? exact(x << y) : op === ">>" ? exact(x >> y) : null
    }
  }
}

/**
 * The effort of one operation on two numbers. Doing nothing (x + 0, x * 1) leaves what there was. One sum, difference or bit
 * operation, or one product of two digits, is a disguise unless the larger number is given, or the smaller one and it is not tiny; all else is arithmetic.
 */
const effortOfOperation = (op: string, a: NumberValue, b: NumberValue, isGiven: (value: Exact) => boolean): Effort => {
  const before = most(a.effort, b.effort)
  const [x, y] = [whole(a.value), whole(b.value)]
  if (y === 0n && (op === "+" || op === "-" || op === "|" || op === "^" || op === "<<" || op === ">>")) return a.effort
  if (x === 0n && (op === "+" || op === "|" || op === "^")) return b.effort
  if (y === 1n && (op === "*" || op === "/" || op === "//" || op === "**")) return a.effort
  if (x === 1n && op === "*") return b.effort
  if (before > respelled || x === null || y === null) return computed
  const [larger, smaller] = size(a.value) >= size(b.value)
    ? [size(a.value), size(b.value)]
    : [size(b.value), size(a.value)]
  if (isGiven({ numerator: larger, denominator: 1n })) return computed
  // Small numbers are given by accident.
  if (smaller >= 10n && isGiven({ numerator: smaller, denominator: 1n })) return computed
  if (op === "+" || op === "-" || op === "|" || op === "^" || op === "&") return disguised
  if (op === "<<" || op === ">>") return x === 1n ? computed : disguised
  return op === "*" && larger < 10n ? disguised : computed
}

/** `a op b` of two known values. `isGiven` tells the numbers that a program may use freely. */
export const operate = (op: string, a: Value, b: Value, isGiven: (value: Exact) => boolean): Value => {
  if (a.tag === "number" && b.tag === "number") {
    const value = exactly(op, a.value, b.value)
    if (value === null || !small(value.numerator) || !small(value.denominator)) return unknown
    // A fraction of two literals is how a fraction is written.
    const isFraction = op === "/" && value.denominator !== 1n && a.effort === 0 && b.effort === 0 &&
      value.denominator === size(b.value)
    const effort = isFraction ? respelled : effortOfOperation(op, a, b, isGiven)
    return number(value, a.isFloat || b.isFloat || op === "/", effort)
  }
  const [left, right] = [wholeOf(a), wholeOf(b)]
  if (a.tag === "constant" && left !== null && (b.tag === "number" || b.tag === "constant")) {
    return operate(op, integer(left, computed), b, isGiven)
  }
  if (b.tag === "constant" && right !== null && a.tag === "number") {
    return operate(op, a, integer(right, computed), isGiven)
  }
  if (op === "+") {
    if (a.tag === "text" && b.tag === "text") {
      return text(a.text + b.text, most(respelled, most(a.effort, b.effort)), a.isBytes)
    }
    if (a.tag === "list" && b.tag === "list") return list([...a.items, ...b.items], a.kind)
    // A text and something unknown: the known part stays readable.
    if (a.tag === "text" && b.tag === "unknown") return text(a.text + hole, respelled)
    if (a.tag === "unknown" && b.tag === "text") return text(hole + b.text, respelled)
  }
  if (op === "*") {
    const [body, count] = left === null ? [a, right] : [b, left]
    if (count === null || count < 0n || count > 512n) return unknown
    if (body.tag === "text" && BigInt(body.text.length) * count <= 10_000n) {
      return text(body.text.repeat(Number(count)), most(respelled, body.effort), body.isBytes)
    }
    if (body.tag === "list" && BigInt(body.items.length) * count <= 512n) {
      return list(Array.from({ length: Number(count) }, () => body.items).flat(), body.kind)
    }
  }
  if (op === "%" && a.tag === "text") return percentFormat(a, b)
  return unknown
}

/** `"..." % values`. Widths and precisions are not applied; what is not known becomes a hole. */
const percentFormat = (pattern: TextValue, values: Value): Value => {
  const items = values.tag === "list" && values.kind === "tuple" ? values.items : [values]
  let next = 0
  const filled = pattern.text.replace(
    /%(?:\(\w{1,64}\))?[-+ #0]{0,5}\d{0,4}(?:\.\d{1,4})?([a-zA-Z%])/g,
    (_, kind: string) => {
      if (kind === "%") return "%"
      const item = items[next++]
      if (item === undefined) return hole
      const code = wholeOf(item)
      return kind === "c" && code !== null && code >= 32n && code < 65_536n
        ? String.fromCharCode(Number(code))
        : render(item)
    }
  )
  return text(filled, effortShown(items))
}

/** `"...".format(...)`. Specifications are not applied. */
export const braceFormat = (pattern: string, items: ReadonlyArray<Value>, named: ReadonlyMap<string, Value>): Value => {
  let next = 0
  const filled = pattern.replace(/\{\{|\}\}|\{([^{}]{0,200})\}/g, (found, inner: string | undefined) => {
    if (found === "{{") return "{"
    if (found === "}}") return "}"
    const name = /^[^:!.[]*/.exec(inner ?? "")?.[0].trim() ?? ""
    const item = name === "" ? items[next++] : /^\d{1,3}$/.test(name) ? items[Number(name)] : named.get(name)
    return item === undefined ? hole : render(item)
  })
  return text(filled, effortShown([...items, ...named.values()]))
}

export const negate = (value: Value): Value => {
  if (value.tag !== "number") return unknown
  return { ...value, value: { numerator: -value.value.numerator, denominator: value.value.denominator } }
}

/** `a op b` for <, <=, >, >=; null if it cannot be told. */
export const compare = (op: string, a: Value, b: Value): boolean | null => {
  if (a.tag !== "number" || b.tag !== "number") return null
  const difference = a.value.numerator * b.value.denominator - b.value.numerator * a.value.denominator
  switch (op) {
    case "<":
      return difference < 0n
    case "<=":
      return difference <= 0n
    case ">":
      return difference > 0n
    case ">=":
      return difference >= 0n
    default:
      return null
  }
}

/** The value of a container at an index; a text's characters are respelled digits. */
export const itemAt = (container: Value, index: number): Value => {
  if (container.tag === "list") return container.items.at(index) ?? unknown
  if (container.tag === "text") {
    const character = container.text.at(index)
    if (character === undefined) return unknown
    return container.isBytes
      ? integer(BigInt(character.charCodeAt(0)), most(respelled, container.effort))
      : text(character, most(respelled, container.effort))
  }
  if (container.tag === "range") return integer(container.start + BigInt(index) * container.step, computed)
  return unknown
}

/** `container[start:stop:step]`; null stands for a bound that was left out. */
export const slice = (container: Value, start: number | null, stop: number | null, step: number | null): Value => {
  const stride = step ?? 1
  if (stride === 0) return unknown
  const items: ReadonlyArray<unknown> | null = container.tag === "text"
    ? [...container.text]
    : container.tag === "list"
    ? container.items
    : null
  if (items === null) return unknown
  const length = items.length
  const bound = (value: number, low: number, high: number) =>
    Math.min(Math.max(value < 0 ? value + length : value, low), high)
  const from = start === null
    ? (stride > 0 ? 0 : length - 1)
    : bound(start, stride > 0 ? 0 : -1, stride > 0 ? length : length - 1)
  const to = stop === null
    ? (stride > 0 ? length : -1)
    : bound(stop, stride > 0 ? 0 : -1, stride > 0 ? length : length - 1)
  const places: Array<number> = []
  for (let i = from; stride > 0 ? i < to : i > to; i += stride) places.push(i)
  if (container.tag === "text") {
    return text(places.map((i) => items[i]).join(""), most(respelled, container.effort), container.isBytes)
  }
  return container.tag === "list" ? list(places.map((i) => container.items[i] ?? unknown), container.kind) : unknown
}

/** Python's items of a value, or null where they are not known; a range of at most 64 is written out. */
export const itemsOf = (value: Value): ReadonlyArray<Value> | null => {
  switch (value.tag) {
    case "list":
      return value.items
    case "text":
      return value.text.includes(hole) ? null : [...value.text].map((character) =>
        value.isBytes
          ? integer(BigInt(character.charCodeAt(0)), most(respelled, value.effort))
          : text(character, most(respelled, value.effort))
      )
    case "dict":
      return value.entries.map(([key]) => key)
    case "range": {
      const span = value.step > 0n ? value.stop - value.start : value.start - value.stop
      const stride = value.step > 0n ? value.step : -value.step
      const count = span <= 0n ? 0n : (span + stride - 1n) / stride
      if (count > 64n) return null
      return Array.from(
        { length: Number(count) },
        (_, i) => integer(value.start + BigInt(i) * value.step, count === 1n ? respelled : computed)
      )
    }
    default:
      return null
  }
}
