// Which domain of competition mathematics a problem belongs to, by rules over its text, code and plan: each word that
// speaks for a domain gives it points once, the most points decide, and the rules that fired say why. No model, one pass,
// total on any text. What it is worth on labelled problems: docs/recipes.md; how the points were found:
// bench/FitDomainWords.ts. The rules of a known program are beside it, for comparison only (MathDomain/AnchorRules.ts).
import { codePoints } from "./MathDomain/CodePoints.ts"
import { startPoints, textPoints } from "./MathDomain/TextPoints.ts"
import { WordTable } from "./MathDomain/Words.ts"

export const mathDomains = ["algebra", "number_theory", "geometry", "combinatorics"] as const
export type MathDomain = typeof mathDomains[number]

/** What is known of a problem. Of each at most 20,000 characters are read. */
export interface DomainEvidence {
  readonly text: string
  /** Source code of a solution. */
  readonly code?: string
  /** What the author of a solution set out to do, in words. */
  readonly plan?: string
}

/** One word that speaks for one domain. */
export interface DomainRule {
  readonly where: "text" | "code" | "plan"
  /** As Words.ts makes them: `remainder`, `how_many`, `\binom`, `:points`; or `:no_algebra`. */
  readonly word: string
  readonly domain: MathDomain
  /** At least 1; four points are a factor of e in the odds. */
  readonly points: number
}

export interface DomainReading {
  /** The domain with the most points, the first of `mathDomains` among equals; null when no rule fired. */
  readonly domain: MathDomain | null
  /** Whole points, those that every problem starts with included. */
  readonly scores: Readonly<Record<MathDomain, number>>
  /** Points between the best domain and the next; at least 0, and 0 when no rule fired. */
  readonly margin: number
  /** Each once, in the order in which their words are met in text, plan and code; `:no_algebra` last. */
  readonly fired: ReadonlyArray<DomainRule>
}

interface RuleSet {
  readonly table: WordTable
  /** By the number of the word. */
  readonly rules: ReadonlyArray<ReadonlyArray<DomainRule>>
}

const ruleSet = (where: DomainRule["where"], points: Readonly<Record<MathDomain, string>>): RuleSet => {
  const rules = new Map<string, Array<DomainRule>>()
  for (const domain of mathDomains) {
    for (const line of points[domain].trim().split("\n")) {
      const [amount = "", ...words] = line.trim().split(" ")
      for (const word of words) {
        const rule = { where, word, domain, points: Number(amount) }
        const known = rules.get(word)
        if (known === undefined) rules.set(word, [rule])
        else known.push(rule)
      }
    }
  }
  return { table: new WordTable([...rules.keys()]), rules: [...rules.values()] }
}

const ruleSets = {
  text: ruleSet("text", textPoints),
  plan: ruleSet("plan", textPoints),
  code: ruleSet("code", codePoints)
}

/** Words of which one decides where nothing speaks for algebra, frequent as algebra is. */
const strongWords: Readonly<Partial<Record<MathDomain, ReadonlySet<string>>>> = {
  geometry: new Set(
    String
      .raw`triangle \triangle right_triangle equilateral isoscele hypotenuse altitude circle radius diameter chord semicircle
      circumcircle incircle circumcenter incenter orthocenter centroid \angle perpendicular quadrilateral cyclic_quadrilateral
      rhombus tetrahedron cone cylinder pyramid sphere`.split(/\s+/)
  ),
  number_theory: new Set(
    String
      .raw`prime prime_number prime_factor composite divisor positive_divisor divide divisible remainder gcd \gcd lcm
      coprime relatively_prime modulo congruent_to \mod \pmod \bmod \equiv`.split(/\s+/)
  )
}

/**
 * Where algebra leads by its start: one rule `:no_algebra` for each domain with a strong word, worth that start. None where a word speaks for algebra:
 * by two points or more, and by more than for geometry or number theory. A bare "=" (AB = 5) does not.
 */
const withoutAlgebra = (fired: ReadonlyArray<DomainRule>): ReadonlyArray<DomainRule> => {
  const others = new Map<string, number>()
  for (const { domain, points, word } of fired) {
    if (domain === "geometry" || domain === "number_theory") others.set(word, Math.max(points, others.get(word) ?? 0))
  }
  const hasAlgebra = fired.some(({ domain, points, word }) =>
    domain === "algebra" && points >= 2 && word !== "=" && points > (others.get(word) ?? 0)
  )
  if (hasAlgebra) return []
  return mathDomains.flatMap((domain): ReadonlyArray<DomainRule> =>
    fired.some(({ where, word }) => where !== "code" && strongWords[domain]?.has(word) === true)
      ? [{ where: "text", word: ":no_algebra", domain, points: startPoints.algebra }]
      : []
  )
}

const leader = (scores: Readonly<Record<MathDomain, number>>): MathDomain => {
  let best: MathDomain = "algebra"
  for (const domain of mathDomains) if (scores[domain] > scores[best]) best = domain
  return best
}

/** Time linear in what is read: about 2 microseconds for 100 characters. */
export const classifyDomain = ({ code = "", plan = "", text }: DomainEvidence): DomainReading => {
  const scores = { ...startPoints }
  const fired: Array<DomainRule> = []
  const read = (part: string, { rules, table }: RuleSet): void => {
    if (part === "") return
    for (const index of table.find(part)) {
      for (const rule of rules[index] ?? []) {
        scores[rule.domain] += rule.points
        fired.push(rule)
      }
    }
  }
  read(text, ruleSets.text)
  read(plan, ruleSets.plan)
  read(code, ruleSets.code)
  if (fired.length === 0) return { domain: null, scores, margin: 0, fired }
  if (leader(scores) === "algebra") {
    for (const rule of withoutAlgebra(fired)) {
      scores[rule.domain] += rule.points
      fired.push(rule)
    }
  }
  const domain = leader(scores)
  let next = -Infinity
  for (const other of mathDomains) if (other !== domain && scores[other] > next) next = scores[other]
  return { domain, scores, margin: scores[domain] - next, fired }
}
