// How numbers of the cases are compared: the double nearest to the exact value, within an absolute tolerance that grows with
// the size of values beyond 1, because a double has no more digits than that.

/** A high-precision number: the nearest double and its decimal digits; an exact zero or a plain value may stand alone. */
export type Precise = number | { readonly f64: number; readonly dec: string } | null

export const doubleOf = (value: Precise): number | null =>
  value === null || typeof value === "number" ? value : value.f64

/** Null where `actual` is `expected` (null for null), else what differs. */
export const differs = (name: string, actual: number | null, expected: Precise, tolerance = 1e-12): string | null => {
  const wanted = doubleOf(expected)
  if (actual === null || wanted === null) return actual === wanted ? null : `${name}: ${actual} for ${wanted}`
  return Math.abs(actual - wanted) <= tolerance * Math.max(1, Math.abs(wanted))
    ? null
    : `${name}: ${actual} for ${wanted}`
}

/** The first difference of two rows of numbers. */
export const rowDiffers = (
  name: string,
  actual: ArrayLike<number>,
  expected: ReadonlyArray<number>,
  tolerance = 1e-12
): string | null => {
  if (actual.length !== expected.length) return `${name}: ${actual.length} numbers for ${expected.length}`
  for (const [i, wanted] of expected.entries()) {
    const difference = differs(`${name}[${i}]`, actual[i] as number, wanted, tolerance)
    if (difference !== null) return difference
  }
  return null
}

/** The first of the named numbers that differs. */
export const expectNumbers = (
  expected: Readonly<Record<string, Precise>>,
  actual: (name: string) => number | null,
  tolerance = 1e-12
): string | null => {
  for (const [name, value] of Object.entries(expected)) {
    const difference = differs(name, actual(name), value, tolerance)
    if (difference !== null) return difference
  }
  return null
}
