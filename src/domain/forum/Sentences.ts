// A text cut into the units that readers of prose judge: sentences, which a line feed ends as well. Formulas are
// masked, so that no full stop
// inside one ends a sentence; offsets are those of the text.
import { displayEnd, formulaSign, maskFormulas } from "./Mathematics.ts"
import { pattern } from "./Pattern.ts"

export interface Sentence {
  readonly start: number
  readonly end: number
  /** The masked text of the sentence, blanks trimmed. */
  readonly masked: string
}

/**
 * The ends of sentences in masked text: a stop and a blank, or a line feed. Abbreviations before a small letter end
 * nothing.
 */
const sentenceEnd = /[.?!]+["')\]]*(?=\s+[^a-z\s]|\s*$|\s*\n)|\n|[.?!]\ue000/g

export const sentencesOf = (text: string): ReadonlyArray<Sentence> => {
  const masked = maskFormulas(text)
  const sentences: Array<Sentence> = []
  let start = 0
  const add = (to: number) => {
    const piece = masked.slice(start, to)
    const lead = piece.length - piece.trimStart().length
    const trimmed = piece.trim()
    if (trimmed !== "") {
      sentences.push({
        start: start + lead,
        end: start + lead + trimmed.length,
        masked: trimmed.endsWith(displayEnd) ? trimmed.slice(0, -1) : trimmed
      })
    }
    start = to
  }
  for (const end of masked.matchAll(sentenceEnd)) add(end.index + end[0].length)
  add(masked.length)
  return sentences
}

/** True where something is written in signs: a formula, a relation, an operation, a function's value. */
export const hasFormula = (masked: string): boolean =>
  masked.includes(formulaSign) ||
  /[=<>\u2264\u2265\u2260\u2211\u221a\u222b^\\|]|\w_[\w{(]|\d\s?[+*/\u00d7\u00b7\u00f7-]\s?[\w(]|\w[+*/]\w|\b[a-z]\([\w,+*-]{1,12}\)/i
    .test(masked)

const vocabulary = pattern(
  "gi",
  String.raw`\b(?:integers?|numbers?|primes?|polynomials?|functions?|sequences?|sums?|products?|angles?|`,
  String.raw`triangles?|circles?|areas?|perimeters?|volumes?|probabilit(?:y|ies)|inequalit(?:y|ies)|equations?|`,
  String.raw`reals?|positive|negative|divisible|divides?|divisors?|multiples?|factors?|remainders?|roots?|`,
  String.raw`matri(?:x|ces)|vectors?|planes?|points?|lines?|segments?|squares?|rectangles?|polygons?|`,
  String.raw`quadrilaterals?|trapezoids?|parallelograms?|perpendicular|parallel|graphs?|vert(?:ex|ices)|edges?|`,
  String.raw`digits?|even|odd|integrals?|derivatives?|limits?|ratios?|percent|radi(?:us|i)|diameters?|tangents?|`,
  String.raw`medians?|bisectors?|altitudes?|circumcircle|incircle|circumcenter|incenter|orthocenter|`,
  String.raw`tetrahedr(?:on|a)|cubes?|spheres?|coins?|dice|cards?|balls?|sets?|subsets?|elements?|permutations?|`,
  String.raw`combinations?|ways|colou?rs?|colou?red|chessboard|board|consecutive|average|mean|sides?|lengths?|`,
  String.raw`degrees?|minimum|maximum|smallest|largest|greatest|least|total|each|half|twice|times|hours?|`,
  String.raw`minutes?|dollars?|cents?|miles?|feet|inches|cm|meters?|kilometers?|equilateral|isosceles|hexagon|`,
  String.raw`pentagon|octagon|log(?:arithm)?|sin|cos|tan|complex|rational|irrational|finite|infinite|bounded|`,
  String.raw`continuous|differentiable|group|ring|field|two|three|four|five|six|seven|eight|nine|ten|eleven|`,
  String.raw`twelve|twenty|thirty|hundred|thousand|dozen|thirds?|quarters?|fifths?|fraction(?:al)?|older|`,
  String.raw`younger)\b`
)

/** How many words of `masked` belong to the vocabulary of problems, counted up to `limit`. */
export const mathematicalWords = (masked: string, limit = 4): number => {
  let count = 0
  vocabulary.lastIndex = 0
  while (count < limit && vocabulary.exec(masked) !== null) count++
  return count
}
