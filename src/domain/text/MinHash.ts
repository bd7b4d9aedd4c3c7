// MinHash with banding: similar sets share a band key with high probability, so that candidates are found by equality
// alone. Broder 1997, "On the resemblance and containment of documents"; banding as in Leskovec, Rajaraman and Ullman,
// "Mining of Massive Datasets", 3.4: two sets of Jaccard similarity s meet in some band with probability 1 - (1 -
// s^rows)^bands.
import { mix, randomWords, wideHash } from "./Hash.ts"

/**
 * Band keys of a set of 32-bit hashes: `bands` integers in [0, 2^53), or none for the empty set. Keys of different
 * bands differ. The permutations are `x -> a x + b` modulo 2^32 with odd `a`, over inputs that are well mixed; they
 * follow from `seed` alone.
 */
export const minHash = (seed: number, bands: number, rows: number): (hashes: Uint32Array) => Array<number> => {
  const size = bands * rows
  const factors = randomWords(seed, size).map((word) => word | 1)
  const terms = randomWords(seed ^ 0x5bd1e995, size)
  const minima = new Uint32Array(size)
  return (hashes) => {
    if (hashes.length === 0) return []
    for (let k = 0; k < size; k++) {
      const factor = factors[k] as number
      const term = terms[k] as number
      let least = 0xffffffff
      for (let i = 0; i < hashes.length; i++) {
        const value = (Math.imul(hashes[i] as number, factor) + term) >>> 0
        if (value < least) least = value
      }
      minima[k] = least
    }
    return Array.from({ length: bands }, (_, band) => wideHash(minima, band * rows, (band + 1) * rows, mix(band + 1)))
  }
}
