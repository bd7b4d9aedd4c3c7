// Texts that look like answers in LaTeX without being made by a grammar: pieces of the notation in any order. A seed gives the same
// text everywhere.
const pieces = [
  "\\frac{",
  "}{",
  "}",
  "{",
  "\\sqrt{",
  "\\sqrt[3]{",
  "(",
  ")",
  "[",
  "]",
  "\\{",
  "\\}",
  "|",
  "x",
  "y",
  "n",
  "\\pi",
  "e",
  "i",
  "1",
  "2",
  "3",
  "10",
  "0.5",
  "0",
  "7",
  "123,456",
  "+",
  "-",
  "*",
  "/",
  "^",
  "^2",
  "^{",
  "_",
  "_{1}",
  "=",
  "<",
  "\\le ",
  ",",
  ";",
  " ",
  "\\cup ",
  "\\cap ",
  "\\setminus ",
  "\\infty ",
  "\\mathbb{R}",
  "\\sin ",
  "\\ln ",
  "\\log_2 ",
  "!",
  "%",
  "^\\circ",
  "\\text{ cm}",
  "\\text{and}",
  "\\pm ",
  "\\begin{pmatrix}",
  "\\end{pmatrix}",
  "&",
  "\\\\",
  "\\left",
  "\\right",
  "\\sum_{k=1}^{n} ",
  "\\int_0^1 ",
  " dx",
  "\\binom{",
  "\\pmod ",
  "\\equiv ",
  "\\in ",
  ":",
  "\\cdot ",
  "\\boxed{",
  "$",
  "\\overline{",
  "'",
  "…",
  "\\lfloor ",
  "\\rfloor ",
  "\\max(",
  "\\gcd(",
  "\\lim_{x\\to 0} ",
  "9^{9^9}",
  "\\emptyset ",
  "≤",
  "½",
  "√"
]

/** The next of a sequence of 32-bit numbers (mulberry32). */
export const numbersFrom = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** A text of up to `most` pieces. */
export const latexLikeText = (next: () => number, most = 24): string => {
  let text = ""
  for (let count = 1 + (next() % most); count > 0; count--) text += pieces[next() % pieces.length] ?? ""
  return text
}

const operators = ["+", "-", "\\cdot ", "/", "^"]
const operands = [
  "1",
  "2",
  "3",
  "0.5",
  "\\frac12",
  "\\sqrt2",
  "x",
  "y",
  "\\pi",
  "10",
  "2x",
  "x^2",
  "(x+1)",
  "\\sin x",
  "5\\%"
]

/** A sum or product of a few operands. */
export const plainText = (next: () => number): string => {
  let text = operands[next() % operands.length] ?? ""
  for (let count = next() % 3; count > 0; count--) {
    text += (operators[next() % operators.length] ?? "") + (operands[next() % operands.length] ?? "")
  }
  return text
}
