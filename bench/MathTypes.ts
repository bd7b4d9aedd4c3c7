// The `type` of MATH's problems (Hendrycks et al. 2021, arXiv:2103.03874) as one of the four domains, and the half of
// them that the classifier was never fitted to.
// Prealgebra and Precalculus name a level of school, not a domain. Both are counted as algebra: Prealgebra is mostly
// arithmetic, rates and equations, with some angles, areas, divisors and counting among it; Precalculus is trigonometric
// equations, complex numbers, matrices and vectors, with some lines and planes. What they have of the other domains counts
// as mistakes, so the figure over all types is below what the classifier is worth; bench/classifier.ts prints both.
import type { MathDomain } from "../src/domain/MathDomain.ts"
import { hashText } from "../src/domain/text/Hash.ts"

const domainOfType: ReadonlyMap<string, MathDomain> = new Map([
  ["Algebra", "algebra"],
  ["Intermediate Algebra", "algebra"],
  ["Prealgebra", "algebra"],
  ["Precalculus", "algebra"],
  ["Geometry", "geometry"],
  ["Number Theory", "number_theory"],
  ["Counting & Probability", "combinatorics"]
])

export const labelOf = (type: string): MathDomain | null => domainOfType.get(type) ?? null
export const namesLevel = (type: string): boolean => type === "Prealgebra" || type === "Precalculus"
/** True for the half of the texts with an odd hash. */
export const isHeldOut = (problem: string): boolean => hashText(problem) % 2 === 1
