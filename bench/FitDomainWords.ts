// Fits src/domain/MathDomain/TextPoints.ts: a multinomial logistic regression over the words of the development half of
// a labelled file. It starts at the seeds (DomainSeeds.ts) and an L1 penalty holds each weight there unless the texts say
// otherwise (proximal gradient with Nesterov's momentum; Beck and Teboulle 2009). Weights are not negative and rounded to
// whole points, four to a factor of e in the odds.
//   node bench/FitDomainWords.ts [FILE]    FILE: JSON lines with `problem` and `type`
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { mathDomains } from "../src/domain/MathDomain.ts"
import { wordsOf } from "../src/domain/MathDomain/Words.ts"
import { seeds, silent } from "./DomainSeeds.ts"
import { isHeldOut, labelOf, namesLevel } from "./MathTypes.ts"

const file = process.argv[2] ?? "../shared/data/real/math_train.jsonl"
const pointsPerNat = 4
const seedNats = 1.5
const penalty = 0.0005
/** A word that fewer texts have is kept only as a seed. */
const leastTexts = 8
/** Prealgebra and Precalculus name a level and not a domain: their rows say less. */
const levelWeight = 0.35
const rounds = 600
const step = 0.5

interface Labelled {
  readonly problem: string
  readonly type: string
}
const rows = readFileSync(file, "utf8").trim().split("\n")
  .map((line) => JSON.parse(line) as Labelled)
  .filter(({ problem, type }) => !isHeldOut(problem) && labelOf(type) !== null)
  .map(({ problem, type }) => ({
    words: [...new Set(wordsOf(problem))],
    label: mathDomains.findIndex((domain) => domain === labelOf(type)),
    weight: namesLevel(type) ? levelWeight : 1
  }))

const frequency = new Map<string, number>()
for (const { words } of rows) for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1)

const layout = /^\\(text|q?quad|left|right|l?dot)/
const speaks = (word: string): boolean => !word.split("_").every((part) => silent.has(part)) && !layout.test(word)

const K = mathDomains.length
const seeded = new Map<string, Array<number>>()
for (const [k, domain] of mathDomains.entries()) {
  for (const written of seeds[domain].split(/\s+/).filter((part) => part !== "")) {
    const word = written.startsWith(":") || written.startsWith("\\") ? written : wordsOf(written).at(-1)
    if (word !== written) throw new Error(`The seed ${written} is never read as such but as ${word}`)
    const weights = seeded.get(word) ?? mathDomains.map(() => 0)
    weights[k] = seedNats
    seeded.set(word, weights)
  }
}
const frequent = [...frequency].flatMap(([word, texts]) => (texts >= leastTexts && speaks(word) ? [word] : []))
const vocabulary = [...new Set([...frequent, ...seeded.keys()])].sort()
const numberOf = new Map(vocabulary.map((word, i) => [word, i]))
const data = rows.map(({ label, weight, words }) => ({
  label,
  weight,
  x: words.flatMap((word) => numberOf.get(word) ?? [])
}))
const n = data.reduce((sum, { weight }) => sum + weight, 0)

const at = (array: Float64Array, i: number): number => array[i] ?? 0
const add = (array: Float64Array, i: number, value: number): void => void (array[i] = at(array, i) + value)

const origin = Float64Array.from(vocabulary.flatMap((word) => seeded.get(word) ?? mathDomains.map(() => 0)))
let [weights, biases] = [origin, new Float64Array(K)]
let [aheadWeights, aheadBiases] = [weights, biases]
let momentum = 1
for (let round = 0; round < rounds; round++) {
  const weightSlopes = new Float64Array(weights.length)
  const biasSlopes = new Float64Array(K)
  for (const { label, weight, x } of data) {
    const scores = Float64Array.from(
      aheadBiases,
      (bias, k) => x.reduce((sum, v) => sum + at(aheadWeights, v * K + k), bias)
    )
    const top = Math.max(...scores)
    const odds = scores.map((score) => Math.exp(score - top))
    const sum = odds.reduce((a, b) => a + b, 0)
    for (let k = 0; k < K; k++) {
      const slope = ((at(odds, k) / sum - (k === label ? 1 : 0)) * weight) / n
      add(biasSlopes, k, slope)
      for (const v of x) add(weightSlopes, v * K + k, slope)
    }
  }
  const nextWeights = aheadWeights.map((value, i) => {
    const moved = value - step * at(weightSlopes, i) - at(origin, i)
    return Math.max(0, at(origin, i) + Math.sign(moved) * Math.max(0, Math.abs(moved) - step * penalty))
  })
  const nextBiases = aheadBiases.map((value, k) => value - step * at(biasSlopes, k))
  const nextMomentum = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2
  const ahead = (momentum - 1) / nextMomentum
  aheadWeights = nextWeights.map((value, i) => value + ahead * (value - at(weights, i)))
  aheadBiases = nextBiases.map((value, k) => value + ahead * (value - at(biases, k)))
  weights = nextWeights
  biases = nextBiases
  momentum = nextMomentum
}

const least = Math.min(...biases)
const lines = [
  "// How many points a word of a problem's text gives each domain; four points are a factor of e in the odds. A line is a",
  "// number of points and the words, as wordsOf makes them, that give so many. Made by bench/FitDomainWords.ts from its",
  "// seeds and the development half of MATH's training problems; words only, no text of theirs.",
  "import type { MathDomain } from \"../MathDomain.ts\"",
  "",
  "/** Where the scores start: how frequent the domains are among problems. */",
  `export const startPoints: Readonly<Record<MathDomain, number>> = { ${
    mathDomains.map((domain, k) => `${domain}: ${Math.round((at(biases, k) - least) * pointsPerNat)}`).join(", ")
  } }`,
  "",
  "export const textPoints: Readonly<Record<MathDomain, string>> = {"
]
for (const [k, domain] of mathDomains.entries()) {
  const byPoints = new Map<number, Array<string>>()
  for (const [v, word] of vocabulary.entries()) {
    const points = Math.round(at(weights, v * K + k) * pointsPerNat)
    if (points > 0) byPoints.set(points, [...(byPoints.get(points) ?? []), word])
  }
  lines.push(`  ${domain}: String.raw\``)
  for (const [points, words] of [...byPoints].sort(([a], [b]) => b - a)) {
    let line = `    ${String(points).padStart(2)}`
    for (const word of words) {
      if (line.length + word.length > 115) {
        lines.push(line)
        line = `    ${String(points).padStart(2)}`
      }
      line += ` ${word}`
    }
    lines.push(line)
  }
  lines.push(`  \`${k < K - 1 ? "," : ""}`)
}
writeFileSync(join(import.meta.dirname, "../src/domain/MathDomain/TextPoints.ts"), `${[...lines, "}"].join("\n")}\n`)
