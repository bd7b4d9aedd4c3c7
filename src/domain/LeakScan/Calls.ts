// Python's built-ins, methods and a few well-known library functions that can turn literals into a number or a text: conversions,
// codes, joins, encodings. Pure, bounded, never running anything; what is not listed here has an unknown result.
import { exact, readNumber } from "./Answer.ts"
import { braceFormat, itemsOf, operate } from "./Arithmetic.ts"
import { inflate } from "./Inflate.ts"
import {
  atLeast,
  computed,
  disguised,
  type Effort,
  effortShown,
  hole,
  indexOf,
  integer,
  list,
  most,
  none,
  number,
  plainText,
  render,
  respelled,
  same,
  text,
  type TextValue,
  unknown,
  type Value,
  wholeOf,
  written
} from "./Value.ts"

export interface Arguments {
  readonly items: ReadonlyArray<Value>
  readonly named: ReadonlyMap<string, Value>
}

/** Known Python text of a number: `int(" 42 ")`. */
const signedNumber = (source: string): Value => {
  const trimmed = source.trim()
  const sign = trimmed.startsWith("-") ? -1n : 1n
  const parts = trimmed.replace(/^[+-]/, "").split("/")
  const top = readNumber(parts[0]?.trim() ?? "")
  const bottom = parts.length === 2 ? readNumber(parts[1]?.trim() ?? "") : exact(1n)
  if (parts.length > 2 || top === null || bottom === null) return unknown
  const value = exact(sign * top.numerator * bottom.denominator, top.denominator * bottom.numerator)
  return number(value, false, respelled)
}

/** `int(text, base)`; converting another base than ten is work when the text is given, which the caller judges. */
const toInteger = (value: Value, base: Value | undefined): Value => {
  const radix = indexOf(base) ?? 10
  if (value.tag === "text" && radix !== 10) {
    const digits = value.text.trim().toLowerCase().replace(/^0[xob]/, "").replaceAll("_", "")
    if (radix < 2 || radix > 36 || digits.length > 200 || digits === "") return unknown
    let whole = 0n
    for (const character of digits) {
      const digit = Number.parseInt(character, 36)
      if (Number.isNaN(digit) || digit >= radix) return unknown
      whole = whole * BigInt(radix) + BigInt(digit)
    }
    return integer(whole, disguised)
  }
  if (value.tag === "text") return signedNumber(value.text)
  if (value.tag === "constant" && value.value !== null) return integer(value.value ? 1n : 0n, computed)
  if (value.tag !== "number") return unknown
  // Cutting off decimals is a calculation.
  return value.value.denominator === 1n
    ? { ...value, isFloat: false }
    : integer(value.value.numerator / value.value.denominator, computed)
}

const toNumber = (value: Value, isFloat: boolean): Value => {
  const read = value.tag === "text"
    ? signedNumber(value.text)
    : value.tag === "constant"
    ? toInteger(value, undefined)
    : value
  return read.tag === "number" ? { ...read, isFloat } : unknown
}

const character = (value: Value | undefined): Value => {
  const code = indexOf(value)
  if (code === null || code < 0 || code > 0x10ffff || value?.tag !== "number") return unknown
  return text(String.fromCodePoint(code), most(respelled, value.effort === computed ? computed : respelled))
}

const iterate = (value: Value | undefined): Value => {
  const items = value === undefined ? [] : itemsOf(value)
  return items === null ? unknown : list(items)
}

const bytesOf = (value: Value | undefined): Uint8Array | null => {
  if (value?.tag === "text") {
    const codes = Array.from(value.text, (one) => one.charCodeAt(0))
    return codes.every((code) => code < 256) ? Uint8Array.from(codes) : null
  }
  if (value?.tag !== "list") return null
  const codes = value.items.map(indexOf)
  return codes.every((code) => code !== null && code >= 0 && code < 256) ? Uint8Array.from(codes.map(Number)) : null
}

const latin = (bytes: Uint8Array, effort: Effort = respelled): Value => {
  let out = ""
  for (const byte of bytes.subarray(0, 10_001)) out += String.fromCharCode(byte)
  return text(out, effort, true)
}

const sixBits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** Base 2^bits text to bytes; null for foreign characters. */
const fromDigits = (source: string, alphabet: string, bits: number): Uint8Array | null => {
  const out: Array<number> = []
  let [buffer, held] = [0, 0]
  for (const one of source.replace(/[\s=]/g, "")) {
    const digit = alphabet.indexOf(one)
    if (digit < 0) return null
    buffer = ((buffer << bits) | digit) & 0xffff
    held += bits
    if (held >= 8) {
      held -= 8
      out.push((buffer >> held) & 255)
    }
  }
  return Uint8Array.from(out)
}

const decoded = (source: string | null, alphabet: string, bits: number): Value => {
  if (source === null || source.length > 10_000) return unknown
  const bytes = fromDigits(source, alphabet, bits)
  return bytes === null ? unknown : latin(bytes)
}

const rotated = (source: string): string =>
  source.replace(/[a-z]/gi, (one) => {
    const base = one <= "Z" ? 65 : 97
    return String.fromCharCode((one.charCodeAt(0) - base + 13) % 26 + base)
  })

const bigIntegerOf = (bytes: Uint8Array, order: string | null): Value => {
  if (bytes.length > 64) return unknown
  let whole = 0n
  for (const byte of order === "little" ? [...bytes].reverse() : bytes) whole = whole * 256n + BigInt(byte)
  return integer(whole, respelled)
}

type Builtin = (given: Arguments, call: (callee: Value, items: ReadonlyArray<Value>) => Value) => Value

const numeric = (isFloat: boolean): Builtin => ({ items: [value = unknown] }) => toNumber(value, isFloat)

const fraction: Builtin = ({ items: [top = unknown, bottom] }) => {
  if (bottom === undefined) return toNumber(top, false)
  const [a, b] = [toNumber(top, false), toNumber(bottom, false)]
  return a.tag === "number" && b.tag === "number" ? { ...operate("/", a, b, () => false) } : unknown
}

const firstOf: Builtin = ({ items: [value = unknown] }) => value

const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ["int", ({ items: [value = unknown, base], named }) => toInteger(value, base ?? named.get("base"))],
  ["float", numeric(true)],
  ["Integer", numeric(false)],
  ["Decimal", numeric(false)],
  ["S", numeric(false)],
  ["sympify", numeric(false)],
  ["nsimplify", numeric(false)],
  ["simplify", firstOf],
  ["int64", numeric(false)],
  ["int32", numeric(false)],
  ["mpz", numeric(false)],
  ["mpf", numeric(true)],
  ["Float", numeric(true)],
  ["Fraction", fraction],
  ["Rational", fraction],
  ["str", ({ items: [value = unknown] }) => value.tag === "text" && !value.isBytes ? value : rendered(value)],
  ["repr", ({ items: [value = unknown] }) => rendered(value)],
  ["latex", ({ items: [value = unknown] }) => rendered(value)],
  ["format", ({ items: [value = unknown] }) => rendered(value)],
  ["ascii", ({ items: [value = unknown] }) => rendered(value)],
  ["chr", ({ items: [value] }) => character(value)],
  ["unichr", ({ items: [value] }) => character(value)],
  ["ord", ({ items: [value] }) => {
    const source = plainText(value)
    return source === null || [...source].length !== 1
      ? unknown
      : integer(BigInt(source.codePointAt(0) ?? 0), respelled)
  }],
  ["abs", ({ items: [value = unknown] }) => {
    if (value.tag !== "number") return unknown
    const { denominator, numerator } = value.value
    return numerator >= 0n
      ? value
      : number({ numerator: -numerator, denominator }, value.isFloat, most(disguised, value.effort))
  }],
  [
    "round",
    ({ items: [value = unknown] }) =>
      value.tag === "number" && value.value.denominator === 1n ? { ...value, isFloat: false } : unknown
  ],
  ["list", ({ items: [value] }) => iterate(value)],
  ["tuple", ({ items: [value] }) => {
    const made = iterate(value)
    return made.tag === "list" ? { ...made, kind: "tuple" } : made
  }],
  ["reversed", ({ items: [value] }) => {
    const made = iterate(value)
    return made.tag === "list" ? { ...made, items: [...made.items].reverse() } : made
  }],
  ["map", ({ items: [callee = unknown, value] }, call) => {
    const made = iterate(value)
    return made.tag === "list" && made.items.length <= 64
      ? list(made.items.map((item) => call(callee, [item])))
      : unknown
  }],
  ["next", ({ items: [value] }) => {
    const made = iterate(value)
    return made.tag === "list" ? made.items[0] ?? unknown : unknown
  }],
  ["iter", firstOf],
  ["sum", ({ items: [value] }) => {
    const made = iterate(value)
    if (made.tag !== "list") return unknown
    let total: Value = integer(0n, computed)
    for (const item of made.items) total = operate("+", total, atLeast(item, computed), () => true)
    const [only] = made.items
    return made.items.length === 1 && only !== undefined ? only : total
  }],
  ["max", ({ items }) => extreme(items)],
  ["min", ({ items }) => extreme(items)],
  ["bytes", ({ items: [value] }) => {
    const bytes = bytesOf(value)
    return bytes === null ? unknown : latin(bytes)
  }],
  ["bytearray", ({ items: [value] }) => {
    const bytes = bytesOf(value)
    return bytes === null ? unknown : latin(bytes)
  }],
  ["bytes.fromhex", ({ items: [value] }) => decoded(plainText(value)?.toLowerCase() ?? null, "0123456789abcdef", 4)],
  ["unhexlify", ({ items: [value] }) => decoded(plainText(value)?.toLowerCase() ?? null, "0123456789abcdef", 4)],
  ["b16decode", ({ items: [value] }) => decoded(plainText(value)?.toLowerCase() ?? null, "0123456789abcdef", 4)],
  ["b32decode", ({ items: [value] }) => decoded(plainText(value), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5)],
  ["b64decode", ({ items: [value] }) => decoded(plainText(value), sixBits, 6)],
  ["standard_b64decode", ({ items: [value] }) => decoded(plainText(value), sixBits, 6)],
  ["decodebytes", ({ items: [value] }) => decoded(plainText(value), sixBits, 6)],
  [
    "urlsafe_b64decode",
    ({ items: [value] }) => decoded(plainText(value)?.replaceAll("-", "+").replaceAll("_", "/") ?? null, sixBits, 6)
  ],
  ["zlib.decompress", ({ items: [value] }) => {
    const bytes = bytesOf(value)
    const plain = bytes === null ? null : inflate(bytes, 10_000)
    return plain === null ? unknown : latin(plain)
  }],
  ["int.from_bytes", ({ items: [value, order], named }) => {
    const bytes = bytesOf(value)
    return bytes === null ? unknown : bigIntegerOf(bytes, plainText(order ?? named.get("byteorder")))
  }],
  ["codecs.decode", ({ items: [value, codec] }) => decode(value, plainText(codec))],
  ["literal_eval", ({ items: [value = unknown] }) => toNumber(value, false)],
  ["json.loads", ({ items: [value = unknown] }) => toNumber(value, false)],
  ["dict", ({ items, named }) => {
    const entries = [...named].map(([name, value]) => [text(name, written), value] as const)
    const pairs = items[0] === undefined ? [] : itemsOf(items[0])
    if (pairs === null || items[0]?.tag === "dict") return items[0]?.tag === "dict" ? items[0] : unknown
    for (const pair of pairs) {
      if (pair.tag !== "list" || pair.items.length !== 2) return unknown
      entries.push([pair.items[0] ?? unknown, pair.items[1] ?? unknown])
    }
    return { tag: "dict", entries }
  }],
  ["zip", ({ items }) => {
    const rows = items.map(itemsOf)
    if (rows.length === 0 || rows.some((row) => row === null)) return unknown
    const count = Math.min(...rows.map((row) => row?.length ?? 0))
    return list(Array.from({ length: count }, (_, i) => list(rows.map((row) => row?.[i] ?? unknown), "tuple")))
  }],
  ["enumerate", ({ items: [value] }) => {
    const made = iterate(value)
    return made.tag === "list"
      ? list(made.items.map((item, i) => list([integer(BigInt(i), computed), item], "tuple")))
      : unknown
  }],
  ["range", ({ items }) => {
    const [a, b, c] = items.map(wholeOf)
    if (a === undefined || a === null || b === null || c === null || c === 0n) return unknown
    return { tag: "range", start: b === undefined ? 0n : a, stop: b ?? a, step: c ?? 1n }
  }],
  ["set", ({ items: [value] }) => {
    const made = iterate(value)
    return made.tag === "list" ? { ...made, kind: "set" } : made
  }]
])

/** A text made of a value; a calculated one leaves a hole. */
const rendered = (value: Value): Value => {
  if (value.tag === "unknown" || value.tag === "choice") return value.tag === "choice" ? value : text(hole, respelled)
  return text(render(value), effortShown([value]))
}

/** max and min choose by calculation, except from one value. */
const extreme = (items: ReadonlyArray<Value>): Value => {
  const all = items.length === 1 && items[0] !== undefined ? itemsOf(items[0]) : items
  return all?.length === 1 ? all[0] ?? unknown : unknown
}

const decode = (value: Value | undefined, codec: string | null): Value => {
  if (value?.tag !== "text") return unknown
  const name = (codec ?? "utf8").toLowerCase().replace(/[-_]/g, "")
  if (name === "rot13") return text(rotated(value.text), respelled)
  if (name === "hex" || name === "hexcodec") return decoded(value.text.toLowerCase(), "0123456789abcdef", 4)
  if (name === "base64" || name === "base64codec") return decoded(value.text, sixBits, 6)
  return text(value.text, value.effort)
}

/** Whether a name is one that `callBuiltin` knows, with or without the module before it. */
const builtinOf = (name: string): Builtin | undefined =>
  builtins.get(name) ?? builtins.get(name.slice(name.lastIndexOf(".") + 1))

/** The result of a function by its dotted name, or null if nothing is known of it. */
export const callBuiltin = (
  name: string,
  given: Arguments,
  call: (callee: Value, items: ReadonlyArray<Value>) => Value
): Value | null => builtinOf(name)?.(given, call) ?? null

type Method = (self: TextValue, given: Arguments) => Value

const changed =
  (change: (self: string, a: string | null, b: string | null) => string | null): Method => (self, { items }) => {
    if (items.length > 0 && plainText(items[0]) === null && indexOf(items[0]) === null) return unknown
    const made = change(self.text, plainText(items[0]), plainText(items[1]))
    return made === null ? unknown : text(made, most(respelled, self.effort), self.isBytes)
  }

const trimOf = (characters: string | null) => (one: string): boolean =>
  characters === null ? /\s/.test(one) : characters.includes(one)
const trimmed = (source: string, characters: string | null, start: boolean, end: boolean): string => {
  const isTrimmed = trimOf(characters)
  let [from, to] = [0, source.length]
  while (start && from < to && isTrimmed(source.charAt(from))) from++
  while (end && to > from && isTrimmed(source.charAt(to - 1))) to--
  return source.slice(from, to)
}

const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["format", (self, { items, named }) => braceFormat(self.text, items, named)],
  ["join", (self, { items: [value] }) => {
    const items = value === undefined ? null : itemsOf(value)
    if (items === null) return text(hole, respelled)
    let out = ""
    for (const [i, item] of items.entries()) {
      out += `${i > 0 ? self.text : ""}${item.tag === "text" ? item.text : hole}`
      if (out.length > 10_000) return unknown
    }
    return text(out, respelled)
  }],
  ["strip", changed((self, characters) => trimmed(self, characters, true, true))],
  ["lstrip", changed((self, characters) => trimmed(self, characters, true, false))],
  ["rstrip", changed((self, characters) => trimmed(self, characters, false, true))],
  ["lower", changed((self) => self.toLowerCase())],
  ["upper", changed((self) => self.toUpperCase())],
  ["title", changed((self) => self)],
  ["capitalize", changed((self) => self)],
  [
    "removeprefix",
    changed((self, prefix) => prefix !== null && self.startsWith(prefix) ? self.slice(prefix.length) : self)
  ],
  [
    "removesuffix",
    changed((self, suffix) =>
      suffix !== null && suffix !== "" && self.endsWith(suffix) ? self.slice(0, -suffix.length) : self
    )
  ],
  [
    "replace",
    changed((self, from, to) => {
      if (from === null || to === null || from === "") return null
      const parts = self.split(from)
      return self.length + parts.length * to.length > 10_000 ? null : parts.join(to)
    })
  ],
  ["zfill", changed((self) => self)],
  ["encode", (self) => ({ ...self, isBytes: true })],
  ["decode", (self, { items: [codec] }) => decode({ ...self, isBytes: false }, plainText(codec))],
  ["hex", (self) => {
    const bytes = bytesOf(self)
    return bytes === null
      ? unknown
      : text(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""), respelled)
  }],
  ["split", (self, { items: [separator] }) => {
    const by = plainText(separator)
    const parts = by === null || by === "" ? self.text.trim().split(/\s+/) : self.text.split(by)
    return list(parts.map((part) => text(part, most(respelled, self.effort))))
  }],
  ["splitlines", (self) => list(self.text.split("\n").map((part) => text(part, most(respelled, self.effort))))]
])

/** The result of a method of a known value; unknown when it is not known here. */
export const callMethod = (self: Value, name: string, given: Arguments): Value => {
  if (self.tag === "text") return methods.get(name)?.(self, given) ?? unknown
  if (self.tag === "dict") {
    if (name === "get") return lookUp(self, given.items[0] ?? unknown, given.items[1] ?? none)
    if (name === "values") return list(self.entries.map(([, value]) => value))
    if (name === "keys") return list(self.entries.map(([key]) => key))
    if (name === "items") return list(self.entries.map(([key, value]) => list([key, value], "tuple")))
  }
  if (self.tag === "list" && name === "copy") return self
  if (self.tag === "number" && (name === "item" || name === "evalf" || name === "doit")) return self
  return unknown
}

/** A dictionary at a key: the entry, the default if there is none, or one of its values where the key is not known. */
export const lookUp = (table: Value & { readonly tag: "dict" }, key: Value, otherwise: Value): Value => {
  let isSure = key.tag !== "unknown" && key.tag !== "choice"
  for (const [known, value] of isSure ? table.entries : []) {
    const equal = same(known, key)
    if (equal === true) return value.tag === "number" || value.tag === "text" ? atLeast(value, respelled) : value
    if (equal === null) isSure = false
  }
  if (isSure) return otherwise
  const options = table.entries.map(([, value]) => value).filter(({ tag }) => tag === "number" || tag === "text")
  return options.length === 0 || options.length > 512 ? unknown : { tag: "choice", options, open: true, why: "table" }
}
