// Rewrites the largest memory that a WebAssembly module may have, so that the engine itself refuses more.

/** A number of a binary, seven bits to the byte: its value and its length. */
const readNumber = (bytes: Uint8Array, at: number): readonly [number, number] => {
  let value = 0
  for (let length = 0; length < 5; length++) {
    const byte = bytes[at + length] ?? 0
    value |= (byte & 127) << 7 * length
    if (byte < 128) return [value >>> 0, length + 1]
  }
  throw new Error("A number in the module is too long")
}

const headerBytes = 8
const memorySection = 5
const pageBytes = 65_536

/** A copy of the module whose memory grows to so many bytes at most. */
export const capMemory = (module: Uint8Array, mostBytes: number): Uint8Array => {
  for (let at = headerBytes; at < module.length;) {
    const [size, sizeBytes] = readNumber(module, at + 1)
    const body = at + 1 + sizeBytes
    if (module[at] === memorySection) {
      const [count, countBytes] = readNumber(module, body)
      const flags = module[body + countBytes] ?? 0
      if (count !== 1 || (flags & 1) === 0) throw new Error("The module has not one memory with a maximum")
      const [, leastBytes] = readNumber(module, body + countBytes + 1)
      const maximum = body + countBytes + 1 + leastBytes
      const [, length] = readNumber(module, maximum)
      const capped = Uint8Array.from(module)
      // As long as the old number, so that nothing moves.
      let rest = Math.floor(mostBytes / pageBytes)
      for (let index = 0; index < length; index++, rest >>>= 7) {
        capped[maximum + index] = rest & 127 | (index < length - 1 ? 128 : 0)
      }
      return capped
    }
    at = body + size
  }
  throw new Error("The module has no memory of its own")
}
