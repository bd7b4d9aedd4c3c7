// Units that answers carry. A unit that only one side states is dropped; two different ones are a difference.
// Lengths, areas, times and so on compare by their size in a base unit, so that 50 cm and 0.5 m are equal.
import type { Rational } from "./Rational.ts"
import { rational } from "./Rational.ts"

interface Unit {
  readonly dimension: string
  /** How many of the dimension's base units one is. */
  readonly size: Rational
}

const unit = (dimension: string, n: bigint, d = 1n): Unit => ({ dimension, size: rational(n, d) })

const table: ReadonlyArray<readonly [string, Unit]> = [
  ["mm millimeter millimeters millimetre millimetres", unit("length", 1n, 1000n)],
  ["cm centimeter centimeters centimetre centimetres", unit("length", 1n, 100n)],
  ["dm decimeter decimeters", unit("length", 1n, 10n)],
  ["m meter meters metre metres", unit("length", 1n)],
  ["km kilometer kilometers kilometre kilometres", unit("length", 1000n)],
  ["in inch inches", unit("length-imperial", 1n)],
  ["ft foot feet", unit("length-imperial", 12n)],
  ["yd yard yards", unit("length-imperial", 36n)],
  ["mi mile miles", unit("length-imperial", 63_360n)],
  ["mg milligram milligrams", unit("mass", 1n, 1000n)],
  ["g gram grams", unit("mass", 1n)],
  ["kg kilogram kilograms", unit("mass", 1000n)],
  ["ton tons tonne tonnes", unit("mass-ton", 1n)],
  ["oz ounce ounces", unit("mass-imperial", 1n)],
  ["lb lbs pound pounds", unit("mass-imperial", 16n)],
  ["ml milliliter milliliters millilitre millilitres", unit("volume", 1n, 1000n)],
  ["l liter liters litre litres", unit("volume", 1n)],
  ["gallon gallons", unit("volume-imperial", 4n)],
  ["quart quarts", unit("volume-imperial", 1n)],
  ["cup cups", unit("volume-imperial", 1n, 4n)],
  ["s sec secs second seconds", unit("time", 1n)],
  ["min mins minute minutes", unit("time", 60n)],
  ["h hr hrs hour hours", unit("time", 3600n)],
  ["day days", unit("time", 86_400n)],
  ["week weeks", unit("time", 604_800n)],
  ["month months", unit("months", 1n)],
  ["year years yr yrs", unit("months", 12n)],
  ["mph", unit("speed-imperial", 1n)],
  ["rpm", unit("rotation", 1n)],
  ["hz hertz", unit("frequency", 1n)],
  ["cent cents ¢", unit("money", 1n, 100n)],
  ["dollar dollars usd bucks", unit("money", 1n)],
  ["euro euros", unit("euro", 1n)],
  ["yuan rmb", unit("yuan", 1n)],
  ["rupee rupees", unit("rupee", 1n)],
  ["radian radians rad", unit("angle", 1n)],
  ["joule joules j", unit("energy", 1n)],
  ["newton newtons n", unit("force", 1n)],
  ["watt watts w", unit("power", 1n)],
  ["volt volts v", unit("voltage", 1n)],
  ["kelvin k", unit("temperature", 1n)]
]

const units: ReadonlyMap<string, Unit> = new Map(
  table.flatMap(([names, value]) => names.split(" ").map((name): [string, Unit] => [name, value]))
)

/** Words that may follow a number and say what is counted, with no size of their own. */
const counted = new Set(
  ("unit units square sq cubic point points people person students apples ways times degree degrees deg percent pct items "
    + "coins marbles cookies books tickets games boxes numbers integers solutions pairs triangles sides pieces balls children "
    + "kids girls boys men women cars pages words questions problems votes dogs cats chickens eggs bags cards players teams")
    .split(" ")
)

/** Whether a plain word after a number can be a unit. Single letters cannot: they are variables. */
export const isUnitWord = (word: string): boolean => {
  const lower = word.toLowerCase()
  return word.length > 1 && (units.has(lower) || counted.has(lower))
}

const unclear =
  /\b(?:not|no|least|most|more|less|fewer|greater|than|over|under|above|below|before|after|out|squared|cubed|doubled|tripled|factorial|times|percent|half|quarter|third|only if|except|mod|divided|plus|minus|if|when|unless|even|odd|to|of|by|between|divisible)\b/

/** Whether the words after a value may change it, so that they cannot be dropped: "at least", "squared", "more". */
export const isUnclear = (text: string): boolean => text !== "times" && unclear.test(text)

/** One reading of a unit's text: dimension with its power, and size; null where the words are none that is known. */
export interface UnitSize {
  readonly dimension: string
  readonly size: Rational
}

const powerOf = (size: Rational, power: number): Rational => rational(size.n ** BigInt(power), size.d ** BigInt(power))

/**
 * The size of a unit written as words, e.g. "cm^2", "square feet", "km/h", "miles per hour". Null for words that are no known
 * unit, such as "apples".
 */
export const unitSize = (text: string): UnitSize | null => {
  const words = text.toLowerCase().replace(/\bper\b/g, "/").split(/(\/)|[\s.*]+/).filter((word) =>
    word !== undefined && word !== ""
  )
  let size = rational(1n)
  const dimensions: Array<string> = []
  let below = false
  let prefix = 1
  for (const word of words.slice(0, 8)) {
    if (word === "/") {
      below = true
      continue
    }
    if (word === "square" || word === "sq" || word === "cubic") {
      prefix = word === "cubic" ? 3 : 2
      continue
    }
    const match = /^([a-z¢]+)(?:\^?\{?([23])\}?)?$/.exec(word)
    const known = match === null ? undefined : units.get(match[1] ?? "")
    if (known === undefined) return null
    const power = Number(match?.[2] ?? prefix)
    prefix = 1
    const part = powerOf(known.size, power)
    size = below ? rational(size.n * part.d, size.d * part.n) : rational(size.n * part.n, size.d * part.d)
    dimensions.push(`${below ? "/" : ""}${known.dimension}${power}`)
  }
  return dimensions.length === 0 ? null : { dimension: dimensions.join("*"), size }
}
