// Checks of arguments that come from code, never from data: a value outside of what a formula is defined for is a programmer's error.

/** `value` if it is a whole number in [least, most]; else throws RangeError. */
export const whole = (name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number => {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} must be a whole number in [${least}, ${most}], not ${value}`)
}

/** `value` if it is finite and in [least, most]; else throws RangeError. */
export const finite = (name: string, value: number, least = -Number.MAX_VALUE, most = Number.MAX_VALUE): number => {
  if (value >= least && value <= most) return value
  throw new RangeError(`${name} must be in [${least}, ${most}], not ${value}`)
}

/** `values` if all are finite; else throws RangeError. */
export const allFinite = (name: string, values: ReadonlyArray<number>): ReadonlyArray<number> => {
  for (const value of values) finite(name, value)
  return values
}
