// A mathematical text as the words that speak for a domain: words without their plural, pairs of neighbouring words, LaTeX
// commands, a few signs, `:points` for runs of capitals (ABC) and `:figure` for a drawing. Linear in the text, and no
// more than `readLimit` characters of it are read. `wordsOf` says what the words are; `WordTable.find` is the same
// without making a string for each, for those words only that a table has.

/** Characters of a text that are read; what comes later changes no domain. */
export const readLimit = 20_000

/** Capitals that are a word, not points of a figure. */
const acronyms = new Set(["gcd", "lcm", "gcf", "hcf", "crt", "am", "gm", "hm"])

/** Mathematical characters that stand for a command. */
const commandOf: ReadonlyMap<number, string> = new Map([
  [0xb0, "\\circ"],
  [0x3c0, "\\pi"],
  [0x2220, "\\angle"],
  [0x25b3, "\\triangle"],
  [0x2261, "\\equiv"],
  [0x221a, "\\sqrt"],
  [0x22a5, "\\perp"],
  [0x2225, "\\parallel"],
  [0x2223, "\\mid"]
])

const signs = "=<>%|+*!^"
/** What a character below 128 is: 0 ends a pair of words, 1 a letter, 2 what leaves words neighbours, 3 a sign. */
const classes = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[A-Za-z]/.test(character)) return 1
  return code <= 32 || "$-_".includes(character) ? 2 : signs.includes(character) ? 3 : 0
})

const lower = (code: number): number => (code >= 65 && code <= 90 ? code + 32 : code)
const isLetter = (code: number): boolean => code < 128 && classes[code] === 1
const isCapital = (code: number): boolean => code >= 65 && code <= 90

/** How long a word without its plural s is. "axis", "radius" and "less" keep theirs. */
const stemLength = (text: string, from: number, to: number): number => {
  const length = to - from
  if (length < 4 || lower(text.charCodeAt(to - 1)) !== 115) return length
  const before = lower(text.charCodeAt(to - 2))
  return before === 115 || before === 117 || before === 105 ? length : length - 1
}

const figureStart = "[asy]"
const figureEnd = "[/asy]"

/** A word in the text: its bounds and the hash of its characters in lower case. */
interface Place {
  from: number
  to: number
  hash: number
}

/** What a reading reports. The places are valid during the call only. */
interface Reader {
  /** A word; `points` when it is two to five capitals; `before` is null where no word stands right before it. */
  readonly word: (place: Place, points: boolean, before: Place | null) => void
  readonly command: (from: number, to: number) => void
  readonly named: (name: string) => void
}

const hashSeed = 7
const hashed = (hash: number, code: number): number => (Math.imul(hash, 31) + code) | 0

const scan = (text: string, reader: Reader): void => {
  const end = Math.min(text.length, readLimit)
  let at = 0
  let word: Place = { from: 0, to: 0, hash: 0 }
  let before: Place = { from: 0, to: 0, hash: 0 }
  let isNeighbour = false
  while (at < end) {
    const code = text.charCodeAt(at)
    const kind = code < 128 ? classes[code] : 0
    if (kind === 1) {
      const from = at
      let capitals = true
      let hash = hashSeed
      let shorter = hashSeed
      for (let next = code; at < end && isLetter(next); next = text.charCodeAt(at)) {
        if (!isCapital(next)) capitals = false
        shorter = hash
        hash = hashed(hash, lower(next))
        at++
      }
      const length = at - from
      const stem = stemLength(text, from, at)
      word.from = from
      word.to = from + stem
      word.hash = stem === length ? hash : shorter
      reader.word(word, capitals && length >= 2 && length <= 5, isNeighbour ? before : null)
      const free = before
      before = word
      word = free
      isNeighbour = true
      continue
    }
    if (kind === 2) {
      at++
      continue
    }
    isNeighbour = false
    if (code === 92) {
      const from = at++
      while (at < end && isLetter(text.charCodeAt(at))) at++
      if (at > from + 1) reader.command(from, at)
      else at++
    } else if (code === 91 && text.startsWith(figureStart, at)) {
      reader.named(":figure")
      const close = text.indexOf(figureEnd, at)
      at = close < 0 ? end : close + figureEnd.length
    } else {
      if (code > 127) {
        const name = commandOf.get(code)
        if (name !== undefined) reader.named(name)
      } else if (kind === 3) reader.named(text[at] as string)
      at++
    }
  }
}

/** Every word of a text in order, pairs as `how_many`. */
export const wordsOf = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  scan(text, {
    word: ({ from, to }, points, before) => {
      const word = text.slice(from, to).toLowerCase()
      if (points && !acronyms.has(word)) {
        found.push(":points")
        return
      }
      found.push(word)
      if (before !== null) found.push(`${text.slice(before.from, before.to).toLowerCase()}_${word}`)
    },
    command: (from, to) => found.push(text.slice(from, to).toLowerCase()),
    named: (name) => found.push(name)
  })
  return found
}

const pairSign = 95

const hashPart = (text: string, from: number, to: number, seed = hashSeed): number => {
  let hash = seed
  for (let i = from; i < to; i++) hash = hashed(hash, lower(text.charCodeAt(i)))
  return hash
}

/** A set of words, each with its number in the order given, that finds its words in a text. */
export class WordTable {
  readonly size: number
  readonly #words: ReadonlyArray<string>
  /** Open addressing: number + 1 of a word, 0 for none. */
  readonly #slots: Uint16Array
  readonly #hashes: Int32Array
  readonly #mask: number

  /** At most 30,000 different words, as `wordsOf` makes them. */
  constructor(words: ReadonlyArray<string>) {
    this.#words = words
    this.size = words.length
    let capacity = 64
    while (capacity < words.length * 8) capacity *= 2
    this.#mask = capacity - 1
    this.#slots = new Uint16Array(capacity)
    this.#hashes = Int32Array.from(words, (word) => hashPart(word, 0, word.length))
    for (const [index, hash] of this.#hashes.entries()) {
      let slot = this.#slot(hash)
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
      this.#slots[slot] = index + 1
    }
  }

  #slot(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 8) & this.#mask
  }

  /** The number of the word that is `text[from..to)` in lower case, or a pair with the word `before` it; -1: none. */
  #look(text: string, hash: number, from: number, to: number, before: Place | null): number {
    for (let slot = this.#slot(hash);; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot] as number
      if (entry === 0) return -1
      if (this.#hashes[entry - 1] !== hash) continue
      const word = this.#words[entry - 1] as string
      const left = before === null ? 0 : before.to - before.from + 1
      if (word.length !== left + to - from) continue
      let same = true
      for (let i = from; i < to && same; i++) same = word.charCodeAt(left + i - from) === lower(text.charCodeAt(i))
      if (before !== null) {
        same &&= word.charCodeAt(left - 1) === pairSign
        for (let i = before.from; i < before.to && same; i++) {
          same = word.charCodeAt(i - before.from) === lower(text.charCodeAt(i))
        }
      }
      if (same) return entry - 1
    }
  }

  /** The numbers of the table's words that the text has, each once, in the order in which they are first met. */
  find(text: string): ReadonlyArray<number> {
    const found: Array<number> = []
    const add = (index: number): void => {
      if (index >= 0 && !found.includes(index)) found.push(index)
    }
    const name = (written: string): void => {
      add(this.#look(written, hashPart(written, 0, written.length), 0, written.length, null))
    }
    scan(text, {
      word: ({ from, hash, to }, points, before) => {
        if (points && !acronyms.has(text.slice(from, to).toLowerCase())) return name(":points")
        add(this.#look(text, hash, from, to, null))
        if (before === null) return
        add(this.#look(text, hashPart(text, from, to, hashed(before.hash, pairSign)), from, to, before))
      },
      command: (from, to) => add(this.#look(text, hashPart(text, from, to), from, to, null)),
      named: name
    })
    return found
  }
}
