// RFC 1950/1951: inflates a zlib or raw deflate stream into at most `bytesMax` bytes. Checksums are not verified. Null for
// anything malformed or too long; the work is bounded by input and output.
const lengthBase = [
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  13,
  15,
  17,
  19,
  23,
  27,
  31,
  35,
  43,
  51,
  59,
  67,
  83,
  99,
  115,
  131,
  163,
  195,
  227,
  258
]
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const distanceBase = [
  1,
  2,
  3,
  4,
  5,
  7,
  9,
  13,
  17,
  25,
  33,
  49,
  65,
  97,
  129,
  193,
  257,
  385,
  513,
  769,
  1025,
  1537,
  2049,
  3073,
  4097,
  6145,
  8193,
  12289,
  16385,
  24577
]
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

interface Code {
  readonly counts: ReadonlyArray<number>
  readonly symbols: ReadonlyArray<number>
}

const codeOf = (lengths: ReadonlyArray<number>): Code => {
  const counts = Array.from(
    { length: 16 },
    (_, size) => (size === 0 ? 0 : lengths.filter((one) => one === size).length)
  )
  const symbols: Array<number> = []
  for (let size = 1; size < 16; size++) {
    for (const [symbol, one] of lengths.entries()) if (one === size) symbols.push(symbol)
  }
  return { counts, symbols }
}

const fixedLengths = Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))
const fixedLiterals = codeOf(fixedLengths)
const fixedDistances = codeOf(Array.from({ length: 30 }, () => 5))

export const inflate = (input: Uint8Array, bytesMax: number): Uint8Array | null => {
  const [first = 0, second = 0] = input
  const hasHeader = (first & 15) === 8 && ((first << 8) | second) % 31 === 0
  let at = hasHeader ? 16 : 0
  const end = input.length * 8
  const out: Array<number> = []
  const bits = (count: number): number => {
    let value = 0
    for (let i = 0; i < count; i++, at++) value |= (((input[at >> 3] ?? 0) >> (at & 7)) & 1) << i
    return value
  }
  const symbolOf = ({ counts, symbols }: Code): number => {
    let [code, firstCode, index] = [0, 0, 0]
    for (let size = 1; size < 16; size++) {
      code |= bits(1)
      const count = counts[size] ?? 0
      if (code - count < firstCode) return symbols[index + code - firstCode] ?? -1
      index += count
      firstCode = (firstCode + count) << 1
      code <<= 1
    }
    return -1
  }
  for (let isLast = 0; isLast === 0;) {
    if (at >= end) return null
    isLast = bits(1)
    const kind = bits(2)
    if (kind === 0) {
      at = (at + 7) & ~7
      const length = bits(16)
      bits(16)
      if (at + 8 * length > end || out.length + length > bytesMax) return null
      for (let i = 0; i < length; i++) out.push(bits(8))
      continue
    }
    if (kind === 3) return null
    let [literals, distances] = [fixedLiterals, fixedDistances]
    if (kind === 2) {
      const [literalCount, distanceCount, codeCount] = [bits(5) + 257, bits(5) + 1, bits(4) + 4]
      const sizes = Array.from({ length: 19 }, () => 0)
      for (let i = 0; i < codeCount; i++) sizes[codeOrder[i] ?? 0] = bits(3)
      const codes = codeOf(sizes)
      const lengths: Array<number> = []
      while (lengths.length < literalCount + distanceCount) {
        const symbol = symbolOf(codes)
        if (symbol < 0 || at > end) return null
        const times = symbol < 16 ? 1 : symbol === 16 ? 3 + bits(2) : symbol === 17 ? 3 + bits(3) : 11 + bits(7)
        const value = symbol < 16 ? symbol : symbol === 16 ? lengths[lengths.length - 1] ?? 0 : 0
        for (let i = 0; i < times; i++) lengths.push(value)
      }
      literals = codeOf(lengths.slice(0, literalCount))
      distances = codeOf(lengths.slice(literalCount, literalCount + distanceCount))
    }
    for (;;) {
      const symbol = symbolOf(literals)
      if (symbol < 0 || at > end || out.length > bytesMax) return null
      if (symbol === 256) break
      if (symbol < 256) {
        out.push(symbol)
        continue
      }
      const length = (lengthBase[symbol - 257] ?? 0) + bits(lengthExtra[symbol - 257] ?? 0)
      const code = symbolOf(distances)
      const distance = (distanceBase[code] ?? 0) + bits(distanceExtra[code] ?? 0)
      if (length === 0 || distance === 0 || distance > out.length) return null
      for (let i = 0; i < length; i++) out.push(out[out.length - distance] ?? 0)
    }
  }
  return out.length > bytesMax ? null : Uint8Array.from(out)
}
