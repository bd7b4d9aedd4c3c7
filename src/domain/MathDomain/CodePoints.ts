// How many points a word of a solution's code gives each domain, in the form of TextPoints.ts. Names of functions of Python's
// libraries and the names that people give to theirs. Written by hand: programs that solve problems of a domain call
// what the domain is made of.
import type { MathDomain } from "../MathDomain.ts"

export const codePoints: Readonly<Record<MathDomain, string>> = {
  algebra: `
    10 linsolve nonlinsolve groebner eigenval eigenvect real_root nroot
     8 poly matrix linear_eq_to_matrix expand collect apart interpolate det rref
     6 solve nsolve solveset symbol eq simplify factor limit diff integrate series
     3 rational fraction sqrt log exp root coeff`,
  number_theory: `
    14 factorint isprime primerange nextprime prevprime primefactor mod_inverse crt valuation multiplicity totient
    12 gcd igcd lcm ilcm is_prime prime_factor divisor divisor_count divisor_sigma n_order primitive_root sieve
     8 prime is_square isqrt digit digit_sum modulu modular diophantine coprime
     4 % mod pow remainder base`,
  geometry: `
    14 geometry triangle polygon circle segment point line circumcenter incenter orthocenter
     8 angle radian degree atan perpendicular midpoint intersection tangent vertice
     5 area perimeter radiu side hypot distance sin co tan pi`,
  combinatorics: `
    14 itertool permutation combination combinations_with_replacement multiset bitmask subset
    12 comb binom binomial factorial npr ncr catalan stirling
     6 choice randint random random_choice probability prob dp memo lru_cache way arrangement issubset
     4 product count counter outcome favorable`
}
