// The exact value of an answer that is a plain number: integers, short decimals and simple fractions. Votes sort by it, so that
// hundreds of different numbers need not be compared each with each.
import type { SameAnswer } from "../Verdict.ts"

/** Denominators up to this, in lowest terms, are plain: two such values that differ are at least 10^-6 apart. */
export const plainDenominatorMaximum = 1000n

const integer = /^-?(?:0|[1-9]\d{0,39})$/
const decimal = /^(-?)(0|[1-9]\d{0,39})\.(\d{1,20})$/
const fraction = /^(-?)(?:(\d{1,40})\/(\d{1,40})|\\[dt]?frac\{(\d{1,40})\}\{(\d{1,40})\})$/

const greatestCommonDivisor = (a: bigint, b: bigint): bigint => b === 0n ? a : greatestCommonDivisor(b, a % b)

const lowestTerms = (sign: string, n: bigint, d: bigint): string | null => {
  if (d === 0n) return null
  const divisor = greatestCommonDivisor(n, d)
  const denominator = d / divisor
  if (denominator > plainDenominatorMaximum) return null
  return `${n === 0n ? "" : sign}${n / divisor}${denominator === 1n ? "" : `/${denominator}`}`
}

/**
 * The value of a plain number in lowest terms ("2/4", "\\frac{1}{2}" and "0.50" are "1/2"); null for everything else: other notation, more
 * than 40 digits, a denominator above `plainDenominatorMaximum`. Linear in a text of at most 100 characters, longer ones are not read.
 */
export const plainValue = (answer: string): string | null => {
  if (answer.length > 100) return null
  if (integer.test(answer)) return answer === "-0" ? "0" : answer
  const [, sign = "", whole, decimals] = decimal.exec(answer) ?? []
  if (whole !== undefined && decimals !== undefined) {
    return lowestTerms(sign, BigInt(whole + decimals), 10n ** BigInt(decimals.length))
  }
  const found = fraction.exec(answer)
  return found === null
    ? null
    : lowestTerms(found[1] ?? "", BigInt(found[2] ?? found[4] ?? 0), BigInt(found[3] ?? found[5] ?? 0))
}

/**
 * `same` with the key of plain values: for an equality that never takes two plain numbers of different value for the same, as that of
 * Verify.ts is with its default precision or a higher one, but not with a modulus or a relative tolerance.
 */
export const byPlainValue = (same: SameAnswer): SameAnswer =>
  Object.assign((a: string, b: string) => same(a, b), { keyOf: plainValue })
