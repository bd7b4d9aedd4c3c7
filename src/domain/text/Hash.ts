// Fast hashes for finding equal and similar texts: 32 bits each, combined where more are needed. Not for ids and not
// against an adversary; those take the digest in Ids.ts.

/**
 * Spreads the bits of a 32-bit integer so that each input bit flips half of the output: the finaliser of MurmurHash3
 * (Appleby).
 */
export const mix = (value: number): number => {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Hash of the UTF-16 code units of `text`: FNV-1a (Fowler, Noll, Vo) over 16-bit units, then `mix`. In [0, 2^32). */
export const hashText = (text: string, seed = 0): number => {
  let h = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}

/** Hash of `words[from..to)`, which depends on their order. In [0, 2^32). */
export const hashWords = (words: ArrayLike<number>, from: number, to: number, seed = 0): number => {
  let h = seed ^ 0x9e3779b9
  for (let i = from; i < to; i++) h = Math.imul(((h << 5) | (h >>> 27)) ^ (words[i] as number), 0x9e3779b1)
  return mix(h)
}

/**
 * The first `count` outputs, in [0, 2^32), of a generator started at `seed`: SplitMix's idea (Steele et al. 2014) in 32
 * bits.
 */
export const randomWords = (seed: number, count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, index) => mix(mix(seed) + Math.imul(index + 1, 0x9e3779b9)))

/** A wider hash of `words[from..to)`: an integer in [0, 2^53). */
export const wideHash = (words: ArrayLike<number>, from: number, to: number, seed = 0): number =>
  (hashWords(words, from, to, seed ^ 0x27d4eb2f) >>> 11) * 0x1_0000_0000 + hashWords(words, from, to, seed)
