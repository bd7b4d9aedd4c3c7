// Seeded draws of a script: what is drawn depends on the numbers and texts given and on nothing else, so neither order nor load changes it.
import { hashText, mix } from "../../domain/text/Hash.ts"
import type { Spread } from "./Script.ts"

/** One number for several. In [0, 2^32). */
export const mixed = (...parts: ReadonlyArray<number | string>): number =>
  parts.reduce<number>(
    (hash, part) =>
      typeof part === "string"
        ? hashText(part, hash)
        : mix(mix(Math.imul(hash, 31) ^ part) + Math.floor(part / 0x1_0000_0000) | 0),
    0x9e3779b9
  )

/** Evenly in [0, 1). */
export const fraction = (key: number): number => mix(key ^ 0x2545f491) / 0x1_0000_0000

/** One of the names, by weight. */
export const weighted = (weights: { readonly [name: string]: number }, key: number): string => {
  const entries = Object.entries(weights)
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0)
  let left = fraction(key) * total
  for (const [name, weight] of entries) {
    left -= weight
    if (left < 0) return name
  }
  return entries.findLast(([, weight]) => weight > 0)?.[0] ?? ""
}

/** Milliseconds of a spread. */
export const millisOf = (spread: Spread | undefined, key: number): number => {
  if (spread === undefined) return 0
  if (typeof spread === "number") return spread
  if ("uniform" in spread) {
    const [least, most] = spread.uniform
    return least + fraction(key) * (most - least)
  }
  // Box and Muller (1958).
  const normal = Math.sqrt(-2 * Math.log(1 - fraction(key))) * Math.cos(2 * Math.PI * fraction(key ^ 0x5bd1e995))
  return Math.min(spread.median * Math.exp(spread.sigma * normal), spread.most ?? 20 * spread.median)
}
