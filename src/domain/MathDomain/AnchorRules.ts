// The keyword rules by which the aimo3-dataset-pipeline (notebook 4) gives problems a domain, restated from their description
// and kept to compare with: families of words with points, penalties, forced answers, and what a model said in between.
// They are known to misfire ("solve" in prose forces algebra); classifyDomain in MathDomain.ts is what stages use.
import type { MathDomain } from "../MathDomain.ts"

/** Alphabetical: the order in which equal scores are decided. */
const order = ["algebra", "combinatorics", "geometry", "number_theory"] as const

/** Characters of text and code that are read. */
const limit = 20_000

export interface AnchorEvidence {
  readonly text: string
  readonly code: string
  /** The domain that a model gave; null: none. */
  readonly modelDomain: string | null
}

export interface AnchorReading {
  readonly domain: MathDomain
  /** The model's domain after renaming; null where it says nothing of the four. */
  readonly modelDomain: string | null
  readonly scores: Readonly<Record<MathDomain, number>>
  readonly best: MathDomain
  readonly margin: number
  readonly forced: MathDomain | null
  readonly reason: string
}

// Alternatives of fixed words only: linear on any text.
const words = (...alternatives: ReadonlyArray<string>): RegExp => new RegExp(`\\b(?:${alternatives.join("|")})\\b`, "i")

const powerOfThree = /\bpow\s{0,8}\([^(),]{1,200},[^(),]{1,200},[^(),]{1,200}\)/i
const numberTheoryCode = [
  words("gcd", "igcd", "isprime", "factorint", "primerange", "mod_inverse", "crt", "valuation", "v_p"),
  powerOfThree
]
const numberTheoryText = [/≡|\\equiv/, words("mod", "lcm")]
const algebraCode = [words("solve", "linsolve", "Poly", "groebner", "Matrix", "det", "trace", "rank", "eigen\\w{0,20}")]
const geometryText = [
  "triangle",
  "circle",
  "angle",
  "perpendicular",
  "parallel",
  "tangent",
  "chord",
  "arc",
  "circumcircle",
  "incircle",
  "midpoint",
  "bisector",
  "orthocenter",
  "incenter",
  "circumcenter",
  "omega"
].map((word) => words(word)).concat([/∠|\\angle/, /°|\\circ\b/, /ω|\\omega\b/i])
const enumerationCode = [
  words("itertools", "combinations", "permutations", "product"),
  words("subset", "subsets", "bitmask"),
  /1\s{0,4}<<|\bbin\(/
]

interface Family {
  readonly domain: MathDomain
  readonly points: number
  readonly in: "text" | "code"
  readonly patterns: ReadonlyArray<RegExp>
}
const families: ReadonlyArray<Family> = [
  { domain: "number_theory", points: 6, in: "code", patterns: numberTheoryCode },
  {
    domain: "number_theory",
    points: 5,
    in: "text",
    patterns: [/≡|\\equiv/, words("mod", "remainder", "divides", "gcd", "lcm", "prime", "composite")]
  },
  {
    domain: "number_theory",
    points: 3,
    in: "text",
    patterns: [words("diophantine", "highest power of \\w{1,20} dividing")]
  },
  {
    domain: "number_theory",
    points: 4,
    in: "text",
    patterns: [words("work modulo", "prime factorization", "divisibility")]
  },
  { domain: "algebra", points: 6, in: "code", patterns: algebraCode },
  {
    domain: "algebra",
    points: 5,
    in: "text",
    patterns: [
      words(
        "polynomial",
        "roots",
        "degree",
        "coefficients?",
        "functional equation",
        "system of equations",
        "matrix",
        "determinant",
        "trace",
        "vector space",
        "linear transformation"
      )
    ]
  },
  {
    domain: "algebra",
    points: 3,
    in: "text",
    patterns: [words("AM-GM", "Cauchy", "Jensen", "Schur", "inequality", "inequalities")]
  },
  {
    domain: "algebra",
    points: 4,
    in: "text",
    patterns: [words("solve for", "find all functions", "analyze (?:the )?(?:roots|coefficients)")]
  },
  {
    domain: "geometry",
    points: 6,
    in: "code",
    patterns: [/\bsympy\.geometry\b/i, words("Point", "Line", "Circle")]
  },
  { domain: "geometry", points: 6, in: "text", patterns: geometryText },
  {
    domain: "geometry",
    points: 4,
    in: "text",
    patterns: [words("intersection", "construct", "reflection", "homothety"), /\b[Ll]et points?\s{1,4}[A-Z]\b/]
  },
  { domain: "combinatorics", points: 5, in: "code", patterns: enumerationCode.slice(0, 1) },
  { domain: "combinatorics", points: 5, in: "code", patterns: enumerationCode.slice(1) },
  {
    domain: "combinatorics",
    points: 3,
    in: "code",
    patterns: [/\bissubset\b|\bin str\(|"0123456789"|'0123456789'|\bstring\.digits\b/]
  },
  {
    domain: "combinatorics",
    points: 4,
    in: "text",
    patterns: [
      words(
        "how many",
        "number of ways",
        "arrangements?",
        "permutations?",
        "combinations?",
        "choose",
        "count",
        "exactly \\w{1,20} of",
        "substrings?",
        "forbidden",
        "avoid",
        "graph",
        "matching",
        "coloring",
        "invariant",
        "game"
      )
    ]
  },
  {
    domain: "combinatorics",
    points: 4,
    in: "text",
    patterns: [words("enumerate", "generate all", "filter", "brute force")]
  }
]

const countingText = words(
  "arrangements?",
  "arrange",
  "counting",
  "count",
  "ways",
  "exactly \\w{1,20} of",
  "forbidden",
  "substrings?",
  "graph",
  "matching"
)
const renames: ReadonlyMap<string, string | null> = new Map([
  ["arithmetic", "algebra"],
  ["inequalities", "algebra"],
  ["functional_equations", "algebra"],
  ["probability", "combinatorics"],
  ["mixed", null],
  ["", null]
])

const isDomain = (name: string): name is MathDomain => order.some((domain) => domain === name)

/** What those rules make of a problem. Total; linear in the first 20,000 characters of text and code. */
export const anchorDomain = (
  { code: wholeCode, modelDomain: said, text: wholeText }: AnchorEvidence
): AnchorReading => {
  const text = wholeText.slice(0, limit)
  const code = wholeCode.slice(0, limit)
  const has = (patterns: ReadonlyArray<RegExp>, part: string): boolean => patterns.some((pattern) => pattern.test(part))
  const strongNumberTheory = has(numberTheoryCode, code) || has(numberTheoryCode, text) || has(numberTheoryText, text)
  const strongAlgebra = has(algebraCode, code) || has(algebraCode, text)
  const enumerates = has(enumerationCode, code)

  const scores = { algebra: 0, number_theory: 0, combinatorics: 0, geometry: 0 }
  for (const { domain, in: where, patterns, points } of families) {
    if (has(patterns, where === "text" ? text : code)) scores[domain] += points
  }
  if (enumerates && !strongNumberTheory) scores.number_theory -= 4
  if (strongNumberTheory) {
    scores.algebra -= 4
    scores.geometry -= 4
    scores.combinatorics -= 4
  }
  if (strongAlgebra) scores.combinatorics -= 4
  for (const domain of order) scores[domain] = Math.max(0, scores[domain])

  const ranked = [...order].sort((a, b) => scores[b] - scores[a] || (a < b ? -1 : 1))
  const best: MathDomain = ranked[0] ?? "algebra"
  const margin = scores[best] - scores[ranked[1] ?? best]
  const forced: MathDomain | null = geometryText.filter((pattern) => pattern.test(text)).length >= 2
    ? "geometry"
    : strongNumberTheory
    ? "number_theory"
    : strongAlgebra
    ? "algebra"
    : enumerates && countingText.test(text)
    ? "combinatorics"
    : null
  const named = said === null ? null : renames.has(said) ? renames.get(said) ?? null : said
  const reading = { modelDomain: named, scores, best, margin, forced }
  if (forced !== null) return { ...reading, domain: forced, reason: `hard_override:${forced}` }
  if (named === null || !isDomain(named)) return { ...reading, domain: best, reason: "llm_missing_heuristic_fallback" }
  if (named === best) return { ...reading, domain: best, reason: "agree" }
  if (margin >= 6) return { ...reading, domain: best, reason: "heuristic_margin" }
  return { ...reading, domain: named, reason: "llm_default" }
}
