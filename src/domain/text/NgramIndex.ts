// An index of texts by their runs of n tokens, for containment: how much of one text is in another. Runs are known by
// 53-bit hashes in open-addressed tables of typed arrays, so that 2,000 texts need a few megabytes and a query
// allocates little.
import { wordHashes } from "./Fingerprint.ts"
import { wideHash } from "./Hash.ts"
import { isNumeral, type Tokens } from "./Tokens.ts"

export interface Containment {
  /** Index of the text. */
  readonly text: number
  /** Share of the indexed text's distinct n-grams that the query has, in [0, 1]. */
  readonly textInQuery: number
  /** Share of the query's distinct n-grams that the indexed text has, in [0, 1]. */
  readonly queryInText: number
}

/** Numbers keys 0, 1, 2, ... in order of insertion. */
class KeyTable {
  #keys = new Float64Array(1024)
  /** Number + 1 of the key in the slot; 0: the slot is free. At most half are taken. */
  #numbers = new Uint32Array(1024)
  size = 0

  #slot(key: number): number {
    const wrap = this.#numbers.length - 1
    let slot = (key >>> 0) & wrap
    while (this.#numbers[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & wrap
    return slot
  }
  /** -1: not there. */
  get(key: number): number {
    return (this.#numbers[this.#slot(key)] as number) - 1
  }
  add(key: number): number {
    const slot = this.#slot(key)
    if (this.#numbers[slot] !== 0) return (this.#numbers[slot] as number) - 1
    this.#keys[slot] = key
    this.#numbers[slot] = ++this.size
    if (this.size * 2 > this.#numbers.length) this.#grow()
    return this.size - 1
  }
  #grow() {
    const keys = this.#keys
    const numbers = this.#numbers
    this.#keys = new Float64Array(numbers.length * 2)
    this.#numbers = new Uint32Array(numbers.length * 2)
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] === 0) continue
      const slot = this.#slot(keys[i] as number)
      this.#keys[slot] = keys[i] as number
      this.#numbers[slot] = numbers[i] as number
    }
  }
  get byteLength(): number {
    return this.#keys.byteLength + this.#numbers.byteLength
  }
}

/** For each key the texts that have it, one list after the other. */
class Postings {
  readonly #keys: KeyTable
  /** The list of key number `k` is `texts[offsets[k]..offsets[k + 1])`, ascending. */
  readonly #offsets: Uint32Array
  readonly #texts: Uint32Array

  /** `pairs`: key and text in turn, texts ascending. */
  constructor(pairs: ReadonlyArray<number>) {
    this.#keys = new KeyTable()
    const numbers = new Uint32Array(pairs.length / 2)
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.#keys.add(pairs[2 * i] as number)
    this.#offsets = new Uint32Array(this.#keys.size + 1)
    for (const number of numbers) this.#offsets[number + 1] = (this.#offsets[number + 1] as number) + 1
    for (let k = 1; k < this.#offsets.length; k++) {
      this.#offsets[k] = (this.#offsets[k] as number) + (this.#offsets[k - 1] as number)
    }
    this.#texts = new Uint32Array(numbers.length)
    const next = this.#offsets.slice()
    for (const [i, number] of numbers.entries()) {
      const at = next[number] as number
      next[number] = at + 1
      this.#texts[at] = pairs[2 * i + 1] as number
    }
  }
  of(key: number): Uint32Array {
    const number = this.#keys.get(key)
    return number < 0 ? none : this.#texts.subarray(this.#offsets[number], this.#offsets[number + 1])
  }
  get byteLength(): number {
    return this.#keys.byteLength + this.#offsets.byteLength + this.#texts.byteLength
  }
}
const none = new Uint32Array(0)

/** Hashes of all runs of `n` tokens, ascending and distinct. */
const distinctGrams = (hashes: Uint32Array, n: number): Float64Array => {
  const grams = new Float64Array(Math.max(0, hashes.length - n + 1))
  for (let i = 0; i < grams.length; i++) grams[i] = wideHash(hashes, i, i + n)
  grams.sort()
  let distinct = 0
  for (let i = 0; i < grams.length; i++) {
    if (i === 0 || grams[i] !== grams[i - 1]) grams[distinct++] = grams[i] as number
  }
  return grams.subarray(0, distinct)
}

/**
 * Calls `each` with the bounds of every sentence, or run of sentences, that has a numeral and fewer than `below`
 * tokens.
 */
const shortStatements = ({ starts, words }: Tokens, below: number, each: (from: number, to: number) => void): void => {
  for (let from = 0; from < words.length; from++) {
    if (!starts[from]) continue
    let isNumbered = false
    for (let to = from + 1; to <= words.length && to - from < below; to++) {
      isNumbered ||= isNumeral(words[to - 1] as string)
      if (isNumbered && to - from > 2 && (to === words.length || starts[to])) each(from, to)
    }
  }
}

/**
 * Indexes texts by n-grams. A text or query of fewer than n tokens has none. It is found in the other, with containment
 * 1, if both are the same, or if it has a numeral and three tokens and is a whole sentence (or several) there: "What is
 * 1+1?" says what it asks, "Find x." does not.
 */
export class NgramIndex {
  readonly #n: number
  readonly #grams: Postings
  /** Short statements of all texts, and whole texts of fewer than n tokens. */
  readonly #statements: Postings
  readonly #wholes: Postings
  /** Distinct n-grams of each text, and its tokens. */
  readonly #sizes: Uint32Array
  readonly #lengths: Uint32Array
  /** Scratch: common n-grams of the present query and each text; zero between queries. */
  readonly #common: Uint32Array

  constructor(n: number, texts: ReadonlyArray<Tokens>) {
    this.#n = n
    this.#sizes = new Uint32Array(texts.length)
    this.#lengths = Uint32Array.from(texts, ({ words }) => words.length)
    this.#common = new Uint32Array(texts.length)
    const grams: Array<number> = []
    const statements: Array<number> = []
    const wholes: Array<number> = []
    for (const [text, tokens] of texts.entries()) {
      const hashes = wordHashes(tokens.words)
      const distinct = distinctGrams(hashes, n)
      this.#sizes[text] = distinct.length
      for (const gram of distinct) grams.push(gram, text)
      if (hashes.length > 0 && hashes.length < n) wholes.push(wideHash(hashes, 0, hashes.length), text)
      shortStatements(tokens, n, (from, to) => statements.push(wideHash(hashes, from, to), text))
    }
    this.#grams = new Postings(grams)
    this.#statements = new Postings(statements)
    this.#wholes = new Postings(wholes)
  }

  /**
   * Texts of which the query has, or which have of the query, a share of at least `threshold` (above 0), in order of
   * text.
   */
  query(tokens: Tokens, threshold: number): ReadonlyArray<Containment> {
    const hashes = wordHashes(tokens.words)
    const grams = distinctGrams(hashes, this.#n)
    const touched: Array<number> = []
    for (const gram of grams) {
      for (const text of this.#grams.of(gram)) {
        if (this.#common[text] === 0) touched.push(text)
        this.#common[text] = (this.#common[text] as number) + 1
      }
    }
    const found = new Map<number, Containment>()
    for (const text of touched) {
      const common = this.#common[text] as number
      this.#common[text] = 0
      const textInQuery = common / (this.#sizes[text] as number)
      const queryInText = common / grams.length
      if (textInQuery >= threshold || queryInText >= threshold) found.set(text, { text, textInQuery, queryInText })
    }
    this.#short(tokens, hashes, found)
    return [...found.values()].sort((a, b) => a.text - b.text)
  }

  /**
   * Short texts that the query is or has, and texts that a short query is or is in. Shares of the longer side are
   * counted in tokens.
   */
  #short(tokens: Tokens, hashes: Uint32Array, found: Map<number, Containment>): void {
    const length = hashes.length
    const inQuery = (text: number) => {
      const share = (this.#lengths[text] as number) / length
      if (!found.has(text)) found.set(text, { text, textInQuery: 1, queryInText: Math.min(1, share) })
    }
    shortStatements(tokens, this.#n, (from, to) => {
      for (const text of this.#wholes.of(wideHash(hashes, from, to))) inQuery(text)
    })
    if (length === 0 || length >= this.#n) return
    const whole = wideHash(hashes, 0, length)
    for (const text of this.#wholes.of(whole)) inQuery(text)
    if (!tokens.words.some(isNumeral)) return
    for (const text of this.#statements.of(whole)) {
      const textInQuery = Math.min(1, length / (this.#lengths[text] as number))
      if (!found.has(text)) found.set(text, { text, textInQuery, queryInText: 1 })
    }
  }

  /** Bytes of the tables. */
  get byteLength(): number {
    return this.#grams.byteLength + this.#statements.byteLength + this.#wholes.byteLength + this.#sizes.byteLength * 3
  }
}
