// The payload of a duplicate stage: what two problems are compared by, without their texts. Layout, in 32-bit words of
// the machine's byte order (little endian on every platform that Node 24 is built for, but for IBM Z):
//   0    hash of the multiset of numerals            1    hash of the multiset of variables
//   2-3  hash of the reference answer, 0 0 if none   4..  shingle hashes, ascending and distinct
import { hashText, hashWords } from "./Hash.ts"
import { numberWords } from "./LatexWords.ts"
import { isNumeral, tokenise } from "./Tokens.ts"

const header = 4

/** Hashes of the words of a text, for everything that looks at runs of tokens. */
export const wordHashes = (words: ReadonlyArray<string>): Uint32Array => {
  const hashes = new Uint32Array(words.length)
  for (let i = 0; i < words.length; i++) hashes[i] = hashText(words[i] as string)
  return hashes
}

/**
 * Hashes of all runs of `size` tokens, ascending and distinct; of the whole text if it is shorter; of nothing if it is
 * empty.
 */
export const shingleHashes = (words: ReadonlyArray<string>, size: number): Uint32Array => {
  if (words.length === 0) return new Uint32Array(0)
  const hashes = wordHashes(words)
  if (words.length < size) return Uint32Array.of(hashWords(hashes, 0, words.length))
  const shingles = new Uint32Array(words.length - size + 1)
  for (let i = 0; i < shingles.length; i++) shingles[i] = hashWords(hashes, i, i + size)
  shingles.sort()
  let distinct = 0
  for (let i = 0; i < shingles.length; i++) {
    if (i === 0 || shingles[i] !== shingles[i - 1]) shingles[distinct++] = shingles[i] as number
  }
  return shingles.subarray(0, distinct)
}

/** Words of one letter that are no variables. */
const articles = new Set(["a", "i"])

/** Hash of the multiset of what `read` takes from the words; undefined: nothing. */
const multiset = (words: ReadonlyArray<string>, read: (word: string) => string | undefined): number =>
  hashText(words.map(read).filter((value) => value !== undefined).sort().join(" "))

/** Number words count as their numerals: "three" is 3. */
const numeralOf = (word: string): string | undefined => (isNumeral(word) ? word : numberWords.get(word))

const variableOf = (word: string): string | undefined =>
  word.length === 1 && word >= "a" && word <= "z" && !articles.has(word) ? word : undefined

/** The payload of a problem with tokens `words` and reference answer `answer` ("" or undefined: none). */
export const fingerprint = (
  words: ReadonlyArray<string>,
  shingles: Uint32Array,
  answer: string | undefined
): Uint8Array => {
  const payload = new Uint32Array(header + shingles.length)
  payload[0] = multiset(words, numeralOf)
  payload[1] = multiset(words, variableOf)
  const result = answer === undefined ? "" : tokenise(answer).words.join(" ")
  if (result !== "") {
    payload[2] = hashText(result, 3)
    payload[3] = hashText(result, 4)
  }
  payload.set(shingles, header)
  return new Uint8Array(payload.buffer)
}

/** The words of a payload, without a copy where its bytes are aligned. */
const wordsOf = (payload: Uint8Array): Uint32Array => {
  const aligned = payload.byteOffset % 4 === 0 ? payload : payload.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, payload.length >>> 2)
}

/** Jaccard similarity of the shingle sets of two payloads, in [0, 1]; 0 if both are empty. */
export const jaccard = (a: Uint8Array, b: Uint8Array): number => {
  const left = wordsOf(a)
  const right = wordsOf(b)
  let common = 0
  let i = header
  let j = header
  while (i < left.length && j < right.length) {
    const x = left[i] as number
    const y = right[j] as number
    if (x === y) common++
    if (x <= y) i++
    if (y <= x) j++
  }
  const union = left.length - header + right.length - header - common
  return union <= 0 ? 0 : common / union
}

/**
 * Whether two problems have the same numerals, each as often. Those that differ in them are variants, not duplicates.
 */
export const sameNumerals = (a: Uint8Array, b: Uint8Array): boolean => wordsOf(a)[0] === wordsOf(b)[0]

/**
 * Whether two problems differ in their numerals, or in their variables (which one is asked for): alike at most, never
 * duplicates.
 */
export const isVariant = (a: Uint8Array, b: Uint8Array): boolean =>
  !sameNumerals(a, b) || wordsOf(a)[1] !== wordsOf(b)[1]

/**
 * Whether both problems have a reference answer and the two are written differently: one may be wrong, or they are not
 * duplicates.
 */
export const answersDiffer = (a: Uint8Array, b: Uint8Array): boolean => {
  const left = wordsOf(a)
  const right = wordsOf(b)
  const missing = (words: Uint32Array) => words[2] === 0 && words[3] === 0
  return !missing(left) && !missing(right) && (left[2] !== right[2] || left[3] !== right[3])
}
