// What a search for words compares: the same words from a text and from what somebody types, on every store. Case,
// diacritics and the mathematical shapes of letters do not matter; LaTeX commands are words, signs are nothing.
import { hashText } from "./text/Hash.ts"

/** Words count up to their 40th character. */
const maxWordLength = 40
/** Words of a search beyond these are not looked at. */
export const maxQueryWords = 10

/** Scripts that put no spaces between words: each character is a word. */
const ideographs = String.raw`\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u{20000}-\u{3ffff}`
const word = new RegExp(`[${ideographs}]|[[\\p{L}\\p{M}\\p{N}]--[${ideographs}]]+`, "gv")
const plainWord = /[a-z0-9]+/g
const combining = /[\u0300-\u036f]+/g

/** The first `length` characters; never half of a surrogate pair that was whole. */
export const cutText = (text: string, length: number): string => {
  if (text.length <= length) return text
  const end = text.codePointAt(length - 1) ?? 0
  return text.slice(0, end > 0xffff ? length - 1 : length)
}

const find = (text: string): ReadonlyArray<string> => {
  const lower = text.toLowerCase()
  if (!/[^\x00-\x7f]/.test(lower)) return lower.match(plainWord) ?? []
  return text.normalize("NFKD").toLowerCase().replace(combining, "").match(word) ?? []
}

/** The words of a text, each once. */
export const wordsOf = (text: string): ReadonlyArray<string> => [
  ...new Set(find(text).map((one) => cutText(one, maxWordLength)))
]

/** The words that must all occur; the last may be the beginning of one. None: every text fits. */
export const queryWords = (text: string): ReadonlyArray<string> =>
  find(text).slice(0, maxQueryWords).map((one) => cutText(one, maxWordLength))

/** Words as they are stored: in one string, with a space before and after each. */
export const joinWords = (words: ReadonlyArray<string>): string => ` ${words.join(" ")} `

/** Whether a stored string of words has what `query` asks for. */
export const hasWords = (stored: string, query: ReadonlyArray<string>): boolean =>
  query.every((one, i) => stored.includes(i === query.length - 1 ? ` ${one}` : ` ${one} `))

/** Below 2^53. Another number: the text, or the way its words are found, is another. */
export const wordsDigest = (text: string): number => hashText(text, 1) * 2 ** 21 + (hashText(text, 2) >>> 11)
