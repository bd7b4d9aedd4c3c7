// What the scanner knows of a Python value without running anything: an exact number, a text, a container of values, one of several
// values, or nothing. Each carries how it came about, because a number that was written down and one that was worked out differ.
import { type Exact, keyOf } from "./Answer.ts"
import type { PythonNode } from "./PythonTree.ts"

/**
 * How a value came about, from the barest to the most honest; a value made of others has the greatest of theirs.
 * 0 written: a literal. 1 respelled: the same digits built of texts, codes, look-ups or conversions.
 * 2 disguised: one sum, difference, bit operation or product of two digits, of numbers that nobody gave. 3 computed: arithmetic.
 */
export type Effort = 0 | 1 | 2 | 3
export const written = 0
export const respelled = 1
export const disguised = 2
export const computed = 3

export const most = (a: Effort, b: Effort): Effort => (a > b ? a : b)

export interface NumberValue {
  readonly tag: "number"
  readonly value: Exact
  readonly isFloat: boolean
  readonly effort: Effort
}
export interface TextValue {
  readonly tag: "text"
  /** `hole` stands where something unknown or computed is. */
  readonly text: string
  readonly isBytes: boolean
  readonly effort: Effort
}
export interface ConstantValue {
  readonly tag: "constant"
  readonly value: true | false | null
}
export interface ListValue {
  readonly tag: "list"
  readonly kind: "list" | "tuple" | "set"
  readonly items: ReadonlyArray<Value>
  /** Values inside, at all depths: lists may share theirs, so that a walk could take exponential time. */
  readonly weight: number
}
export interface DictValue {
  readonly tag: "dict"
  readonly entries: ReadonlyArray<readonly [key: Value, value: Value]>
}
export interface FunctionValue {
  readonly tag: "function"
  /** A FunctionDefinition or a LambdaExpression. */
  readonly node: PythonNode
  /** The text that the node's places point into. */
  readonly source: string
  readonly defaults: ReadonlyMap<string, Value>
}
/** A function of Python's own, by its name. */
export interface BuiltinValue {
  readonly tag: "builtin"
  readonly name: string
}
export interface RangeValue {
  readonly tag: "range"
  readonly start: bigint
  readonly stop: bigint
  readonly step: bigint
}
/** One of `options`; if `open`, or something unknown. */
export interface ChoiceValue {
  readonly tag: "choice"
  readonly options: ReadonlyArray<Value>
  readonly open: boolean
  /** branch: a condition chose. seed: a loop may have changed it. item: one of a written list. table, place: a look-up in a dictionary or list by something unknown. */
  readonly why: "branch" | "seed" | "item" | "table" | "place"
}
export interface UnknownValue {
  readonly tag: "unknown"
}
export type Value =
  | NumberValue
  | TextValue
  | ConstantValue
  | ListValue
  | DictValue
  | FunctionValue
  | BuiltinValue
  | RangeValue
  | ChoiceValue
  | UnknownValue

export const unknown: UnknownValue = { tag: "unknown" }
export const none: ConstantValue = { tag: "constant", value: null }
export const truth = (value: boolean): ConstantValue => ({ tag: "constant", value })
/** A character that no program text has a use for (U+FFFC, object replacement). */
export const hole = "\ufffc"

export const integer = (value: bigint, effort: Effort): NumberValue => ({
  tag: "number",
  value: { numerator: value, denominator: 1n },
  isFloat: false,
  effort
})
export const number = (value: Exact | null, isFloat: boolean, effort: Effort): Value =>
  value === null ? unknown : { tag: "number", value, isFloat, effort }
/** Texts beyond 10,000 characters are not followed. */
export const text = (value: string, effort: Effort, isBytes = false): Value =>
  value.length > 10_000 ? unknown : { tag: "text", text: value, isBytes, effort }
/** Lists beyond 512 items, or 4,096 at all depths, are not followed. */
export const list = (items: ReadonlyArray<Value>, kind: ListValue["kind"] = "list"): Value => {
  if (items.length > 512) return unknown
  let weight = 1
  for (const item of items) weight += item.tag === "list" ? item.weight : 1
  return weight > 4_096 ? unknown : { tag: "list", kind, items, weight }
}

export const wholeOf = (value: Value | undefined): bigint | null =>
  value?.tag === "number" && value.value.denominator === 1n
    ? value.value.numerator
    : value?.tag === "constant" && value.value !== null
    ? (value.value ? 1n : 0n)
    : null
/** A whole number of at most 2^31 in size, as a number. */
export const indexOf = (value: Value | undefined): number | null => {
  const whole = wholeOf(value)
  return whole === null || whole > 2_147_483_647n || whole < -2_147_483_647n ? null : Number(whole)
}
export const plainText = (value: Value | undefined): string | null => value?.tag === "text" ? value.text : null

/** The effort of a known value; null where it is not known whole. */
export const effortOf = (value: Value): Effort | null => {
  switch (value.tag) {
    case "number":
    case "text":
      return value.effort
    case "constant":
      return written
    case "range":
      return computed
    case "list": {
      let effort: Effort = written
      for (const item of value.items) {
        const one = effortOf(item)
        if (one === null) return null
        effort = most(effort, one)
      }
      return effort
    }
    default:
      return null
  }
}

/** The value with at least this effort. */
export const atLeast = (value: Value, effort: Effort): Value => {
  if (value.tag === "number" || value.tag === "text") {
    return value.effort >= effort ? value : { ...value, effort }
  }
  if (value.tag === "choice") return { ...value, options: value.options.map((option) => atLeast(option, effort)) }
  return value
}

/** Python's `str`; what is unknown or computed becomes a hole. At most 10,000 characters. */
export const render = (value: Value, quoted = false): string => {
  switch (value.tag) {
    case "number":
      if (value.effort === computed) return hole
      return value.isFloat && value.value.denominator === 1n
        ? `${value.value.numerator}.0`
        : keyOf(value.value)
    case "text":
      return quoted ? `'${value.text}'` : value.text
    case "constant":
      return value.value === null ? "None" : value.value ? "True" : "False"
    case "list": {
      const [open, close] = value.kind === "list" ? "[]" : value.kind === "tuple" ? "()" : "{}"
      let inner = ""
      for (const [i, item] of value.items.entries()) {
        inner += `${i > 0 ? ", " : ""}${render(item, true)}`
        if (inner.length > 10_000) return hole
      }
      return `${open}${inner}${value.kind === "tuple" && value.items.length === 1 ? "," : ""}${close}`
    }
    default:
      return hole
  }
}

/** The effort of a text in which values are shown: a calculated one is a hole, so it does not count. */
export const effortShown = (values: ReadonlyArray<Value>): Effort => {
  let effort: Effort = respelled
  for (const value of values) if (effortOf(value) === disguised) effort = disguised
  return effort
}

/** Equality as far as it can be told; containers by their rendering. */
export const same = (a: Value, b: Value): boolean | null => {
  const [x, y] = [a.tag === "constant" ? wholeOf(a) : null, b.tag === "constant" ? wholeOf(b) : null]
  if (a.tag === "number" && b.tag === "number") return keyOf(a.value) === keyOf(b.value)
  if (a.tag === "number" && y !== null) return keyOf(a.value) === String(y)
  if (b.tag === "number" && x !== null) return keyOf(b.value) === String(x)
  if (a.tag === "constant" && b.tag === "constant") return a.value === b.value
  if (a.tag === "text" && b.tag === "text") {
    return a.text.includes(hole) || b.text.includes(hole) ? null : a.text === b.text
  }
  const plain = (value: Value) => value.tag === "number" || value.tag === "text" || value.tag === "constant"
  if (plain(a) && plain(b)) return a.tag === "text" && a.text.includes(hole) ? null : false
  if (a.tag === "list" && b.tag === "list" && effortOf(a) !== null && effortOf(b) !== null) {
    return a.items.length === b.items.length && a.items.every((item, i) => same(item, b.items[i] ?? unknown) === true)
  }
  return null
}

/** Python's truth of a value, or null. */
export const isTrue = (value: Value): boolean | null => {
  switch (value.tag) {
    case "number":
      return value.value.numerator !== 0n
    case "text":
      return value.text.includes(hole) ? null : value.text !== ""
    case "constant":
      return value.value === true
    case "list":
      return value.items.length > 0
    case "dict":
      return value.entries.length > 0
    case "function":
      return true
    default:
      return null
  }
}

/** One of these values; equal ones count once, more than 16 are not told apart. */
export const oneOf = (values: ReadonlyArray<Value>, why: ChoiceValue["why"]): Value => {
  const options: Array<Value> = []
  let open = false
  let reason = why
  for (const value of values) {
    if (value.tag === "unknown") open = true
    if (value.tag === "choice") {
      open ||= value.open
      reason = value.why
    }
    for (const option of value.tag === "choice" ? value.options : value.tag === "unknown" ? [] : [value]) {
      const known = options.findIndex((other) => other === option || same(other, option) === true)
      const there = options[known]
      if (there === undefined) options.push(option)
      else if ((effortOf(option) ?? 3) < (effortOf(there) ?? 3)) options[known] = option
    }
  }
  const [first] = options
  if (first === undefined) return unknown
  if (options.length === 1 && !open) return first
  return options.length > 64 ? unknown : { tag: "choice", options: options.slice(0, 64), open, why: reason }
}
