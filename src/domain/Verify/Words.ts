// The words that the notation of answers knows: functions and their other names, constants, letters, environments.

const listed = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ""))
const paired = (text: string): ReadonlyMap<string, string> => {
  const words = text.split(/\s+/).filter((word) => word !== "")
  return new Map(Array.from({ length: words.length / 2 }, (_, at) => [words[2 * at] ?? "", words[2 * at + 1] ?? ""]))
}

export const functions = listed(`
  sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch arcsinh arccosh arctanh ln log lg
  exp max min gcd lcm floor ceil abs det sgn sqrt cbrt Re Im arg deg mod round
`)

const otherNames = paired(`
  asin arcsin acos arccos atan arctan asinh arcsinh acosh arccosh atanh arctanh arsinh arcsinh arcosh arccosh artanh arctanh
  ceiling ceil GCD gcd LCM lcm tg tan ctg cot arctg arctan
`)

/** The name under which a function is known. */
export const functionName = (word: string): string => otherNames.get(word) ?? word

/** What an exponent of -1 makes of a function. */
export const inverses = paired(`
  sin arcsin cos arccos tan arctan cot arccot sec arcsec csc arccsc sinh arcsinh cosh arccosh tanh arctanh
`)

export const greek = listed(`
  alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega
  Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
`)

/** Constants by the words that name them. */
export const constants = paired(
  "pi pi infty infinity inf infinity infinity infinity oo infinity Infinity infinity imath i"
)

/** Commands that make another name of the one below or above them. */
export const decorations = listed(`
  overline bar hat widehat vec tilde dot ddot underline overrightarrow overleftarrow widetilde overarc
`)

export const matrices = listed("matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array")
