// The answer that a program must not hold, in the spellings in which a program could hold it, and what is known besides: the numbers
// of the problem, which a program may use freely. Everything here is linear in the texts.

/** An exact number: `numerator / denominator`, denominator >= 1, in lowest terms. */
export interface Exact {
  readonly numerator: bigint
  readonly denominator: bigint
}

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** Null for a zero denominator. */
export const exact = (numerator: bigint, denominator = 1n): Exact | null => {
  if (denominator === 0n) return null
  if (denominator === 1n) return { numerator, denominator }
  const common = gcd(numerator, denominator) * (denominator < 0n ? -1n : 1n)
  return { numerator: numerator / common, denominator: denominator / common }
}

/** A Python or plain decimal literal of at most 80 characters, without a sign and with an exponent of at most 60; else null. */
export const readNumber = (text: string): Exact | null => {
  if (text.length > 80) return null
  const plain = text.includes("_") ? text.replaceAll("_", "") : text
  if (/^\d+$/.test(plain)) return { numerator: BigInt(plain), denominator: 1n }
  if (/^0[xXoObB][0-9a-fA-F]+$/.test(plain)) {
    try {
      return { numerator: BigInt(plain), denominator: 1n }
    } catch {
      return null
    }
  }
  const match = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(plain)
  if (match === null) return null
  const [, whole = "", fraction = "", exponent = "0"] = match
  if (whole === "" && fraction === "") return null
  const power = Number(exponent) - fraction.length
  if (Math.abs(power) > 90) return null
  const digits = BigInt(`${whole}${fraction}`)
  return power >= 0 ? exact(digits * 10n ** BigInt(power)) : exact(digits, 10n ** BigInt(-power))
}

/** Commands whose first letters Python takes for a control character where the text is not raw. */
const swallowed: ReadonlyArray<readonly [RegExp, string]> = [
  [/\t(?=frac|imes|ext|heta|an\b)/g, "\\t"],
  [/\r(?=ight)/g, "\\r"]
]

const mended = (text: string): string => {
  let plain = text
  if (/[\t\r]/.test(text)) { for (const [pattern, command] of swallowed) plain = plain.replace(pattern, command) }
  return plain
}

const isLatex = (text: string): boolean => /[\\$]/.test(text)

/** A part of a fraction, in brackets unless it is one term (above) or one factor (below). */
const part = (text: string, isBelow: boolean): string =>
  (isBelow ? /^(?:\d+(?:\.\d+)?|\\?[a-z]+|\\?sqrt\([^()]*\))$/i.test(text.trim()) : !/.\s*[-+]/.test(text.trim()))
    ? text
    : `(${text})`

/** LaTeX with its fractions and roots as in Python, without its layout; words, spaces and `\boxed` stay. Reads 20,000 characters. */
const withoutLayout = (text: string): string => {
  const read = text.slice(0, 20_000)
  if (!isLatex(read)) return read
  let plain = read
    .replace(/\\(?:(?:left|right|displaystyle|q?quad)(?![a-z])|[,;!()[\]])|\$/g, "")
    .replace(/\\[dt]frac/g, "\\frac")
    .replace(/\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}/g, "$1")
    .replace(/\\frac\s{0,3}(\d)\s{0,3}(\d)/g, "\\frac{$1}{$2}")
    .replace(/\\sqrt\s?(\d)/g, "\\sqrt{$1}")
  for (let round = 0; round < 4 && plain.includes("\\"); round++) {
    plain = plain
      .replace(
        /(?<![\d.])(\d{1,9})\s?\\frac\s?\{(\d{1,9})\}\s?\{(\d{1,9})\}/g,
        (_, whole: string, top: string, bottom: string) => `${BigInt(whole) * BigInt(bottom) + BigInt(top)}/${bottom}`
      )
      .replace(
        /\\frac\s{0,3}\{([^{}]*)\}\s{0,3}\{([^{}]*)\}/g,
        (_, top: string, bottom: string) => `${part(top.trim(), false)}/${part(bottom.trim(), true)}`
      )
      .replace(/\\sqrt\{([^{}]*)\}/g, (_, inner: string) => `sqrt(${inner.trim()})`)
  }
  return plain
}

/** Mathematics as bare text: no spaces, dollars, `\left`, `*` or module prefixes; fractions and roots as in Python. */
export const bareMathematics = (text: string): string => {
  let bare = withoutLayout(text.slice(0, 2_000)).toLowerCase()
  for (let round = 0; round < 4 && bare.includes("\\boxed"); round++) {
    bare = bare.replace(/\\boxed\{([^{}]*)\}/g, "$1")
  }
  return bare.replace(/\\(?:cdot|times)/g, "*").replace(/\*\*/g, "^").replace(/\b(?:math|sympy|sp|np|numpy)\./g, "")
    .replace(/[\s$\\]/g, "").replace(/(?<!\d)\*|\*(?!\d)/g, "").replaceAll("{", "(").replaceAll("}", ")")
    .replace(/\((\d+)\)(?=\/|$)/g, "$1")
}

export interface Answer {
  readonly raw: string
  readonly number: Exact | null
  /** `bareMathematics` of it. */
  readonly bare: string
  /** What to look for in text. */
  readonly spellings: ReadonlyArray<string>
  /** Digits that string building could be made of; empty for an answer that is no number. */
  readonly digits: string
  /**
   * So common in programs that meeting it means nothing by itself: |integer| <= 10, powers of ten, one letter, yes and no, or a
   * number of the problem. Only a plain statement of such an answer is a leak.
   */
  readonly common: boolean
  /** Whether the problem has it. */
  readonly isInProblem: boolean
  /** Numbers that a program may use because they are given. */
  readonly given: ReadonlySet<string>
}

export const keyOf = ({ denominator, numerator }: Exact): string =>
  denominator === 1n ? String(numerator) : `${numerator}/${denominator}`

const numberWords: ReadonlyArray<readonly [string, number]> = [
  ...("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    .split(" ").map((word, i) => [word, i] as const)),
  ...("twenty thirty forty fifty sixty seventy eighty ninety".split(" ").map((word, i) =>
    [word, 20 + 10 * i] as const
  )),
  ["once", 1],
  ["twice", 2],
  ["double", 2],
  ["half", 2],
  ["triple", 3],
  ["quarter", 25],
  ["dozen", 12],
  ["score", 20],
  ["hundred", 100],
  ["thousand", 1_000],
  ["million", 1_000_000]
]
const valueOfWord = new Map(numberWords)

/** What everybody knows without being told: days, hours, minutes, degrees, percents, metres. */
const units = "12 24 30 31 36 52 60 90 100 180 360 365 366 1000 1440 3600 5280 86400".split(" ")

/** The numbers that a problem states, in digits or words; its first 20,000 characters are read. */
export const numbersOf = (problem: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const text = problem.slice(0, 20_000)
  for (const [token] of text.matchAll(/\d{1,30}(?:(?:\{,\}|,)\d{3}(?!\d)){0,10}(?:\.\d{1,30})?/g)) {
    const value = readNumber(token.replace(/[{},]/g, ""))
    if (value !== null) found.add(keyOf(value))
    // "1,2,300" may be a list.
    if (token.includes(",")) { for (const part of token.split(/[{},]+/)) found.add(part) }
  }
  let tens = 0
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
    const value = valueOfWord.get(word)
    if (value !== undefined) {
      found.add(String(value))
      if (tens > 0 && value > 0 && value < 10) found.add(String(tens + value))
    }
    tens = value !== undefined && value >= 20 && value < 100 ? value : 0
  }
  return found
}

const wordAnswers = /^(?:yes|no|true|false|none|infinity|infinite|even|odd|[a-z])$/i

/** The number that a written answer stands for: sign, thousands, dollar, percent and degree signs, fractions; else null. */
const numberOfAnswer = (raw: string): Exact | null => {
  const bare = bareMathematics(raw).replace(/(?:\^\(?circ\)?|°|%)$/, "").replace(/^\(([^()]*)\)$/, "$1").replace(
    /^\+/,
    ""
  )
  const sign = bare.startsWith("-") ? -1n : 1n
  const body = sign < 0n ? bare.slice(1) : bare
  const plain = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(body) ? body.replaceAll(",", "") : body
  const parts = plain.split("/")
  if (parts.length > 2) return null
  const top = readNumber((parts[0] ?? "").replace(/^\((.*)\)$/, "$1"))
  const bottom = parts.length === 2 ? readNumber((parts[1] ?? "").replace(/^\((.*)\)$/, "$1")) : exact(1n)
  if (top === null || bottom === null) return null
  return exact(sign * top.numerator * bottom.denominator, top.denominator * bottom.numerator)
}

const grouped = (digits: string): string => digits.replace(/\B(?=(?:\d{3})+$)/g, ",")

/** A finite decimal of at most twelve places, or null. */
const decimalOf = ({ denominator, numerator }: Exact): string | null => {
  for (let places = 1; places <= 12; places++) {
    const scale = 10n ** BigInt(places)
    if ((numerator * scale) % denominator !== 0n) continue
    const scaled = (numerator < 0n ? -numerator : numerator) * scale / denominator
    const digits = String(scaled).padStart(places + 1, "0")
    return `${numerator < 0n ? "-" : ""}${digits.slice(0, -places)}.${digits.slice(-places)}`
  }
  return null
}

const spellingsOf = (raw: string, number: Exact | null): ReadonlyArray<string> => {
  if (number === null) return raw.length >= 1 ? [...new Set([raw, withoutLayout(raw).trim()])] : []
  if (number.denominator === 1n) {
    const digits = String(number.numerator)
    return digits.length > 3 && digits.length < 31
      ? [digits, grouped(digits), digits.replace(/\B(?=(?:\d{3})+$)/g, "_")]
      : [digits]
  }
  const decimal = decimalOf(number)
  const fraction = `${number.numerator}/${number.denominator}`
  return decimal === null ? [fraction] : [fraction, decimal]
}

/** Null for an answer that is empty or longer than 400 characters: nothing can be said about it. */
export const readAnswer = (answer: string, problem: string, answerInProblem: boolean | undefined): Answer | null => {
  const raw = answer.trim()
  if (raw === "" || raw.length > 400) return null
  const number = numberOfAnswer(raw)
  const stated = numbersOf(problem)
  const size = number === null ? 0n : number.numerator < 0n ? -number.numerator : number.numerator
  const magnitude = number === null ? "" : keyOf({ numerator: size, denominator: number.denominator })
  const inProblem = answerInProblem ?? (number === null
    ? raw.length < 200 && bareMathematics(problem.slice(0, 20_000)).includes(bareMathematics(raw))
    : stated.has(magnitude))
  const trivial = number === null
    ? wordAnswers.test(raw)
    : number.denominator === 1n && (size <= 10n || /^10*$/.test(String(size)))
  return {
    raw,
    number,
    bare: bareMathematics(raw),
    spellings: spellingsOf(raw, number),
    digits: number === null ? "" : number.denominator === 1n ? String(size) : `${size}${number.denominator}`,
    common: inProblem || trivial,
    isInProblem: inProblem,
    given: new Set([...stated, ...units])
  }
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57
const isLetter = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c > 160

/** Whether a spelling found at `at` stands alone there: no digit, letter, decimal or sign makes it part of something else. */
const standsAlone = (text: string, at: number, spelling: string): boolean => {
  const before = text.charCodeAt(at - 1)
  const before2 = text.charCodeAt(at - 2)
  const first = spelling.charCodeAt(0)
  if (isDigit(first)) {
    if (isDigit(before) || isLetter(before)) return false
    if ((before === 46 || before === 44 || before === 47) && isDigit(before2)) return false
    if (before === 45 && !(before2 === 45 || before2 === 62)) return false
  } else if (isLetter(first) && (isLetter(before) || isDigit(before))) return false
  else if (first === 45 && (isDigit(before) || isLetter(before) || before === 41)) return false
  const last = spelling.charCodeAt(spelling.length - 1)
  let to = at + spelling.length
  const after = text.charCodeAt(to)
  if (isDigit(last)) {
    if (isDigit(after) || isLetter(after)) return false
    const after2 = text.charCodeAt(to + 1)
    if (after === 46 && isDigit(after2)) {
      // "42.00" is 42.
      to++
      while (text.charCodeAt(to) === 48) to++
      return !isDigit(text.charCodeAt(to))
    }
    if ((after === 44 || after === 47) && isDigit(after2)) return false
  } else if (isLetter(last) && (isLetter(after) || isDigit(after))) return false
  return true
}

/** Places of the answer's spellings in a text, at most 50. */
export const placesIn = (
  text: string,
  answer: Answer
): ReadonlyArray<{ readonly from: number; readonly to: number }> => {
  const places: Array<{ readonly from: number; readonly to: number }> = []
  for (const spelling of answer.spellings) {
    let at = text.indexOf(spelling)
    while (at >= 0 && places.length < 50) {
      if (standsAlone(text, at, spelling)) places.push({ from: at, to: at + spelling.length })
      at = text.indexOf(spelling, at + 1)
    }
  }
  return places
}

/** Whether a text is the answer and nothing else, however it is set; a fraction may be in other terms. */
const isSpelled = (trimmed: string, { bare, number }: Answer): boolean => {
  if (trimmed === "" || trimmed.length > 2_000) return false
  if (number === null) return bareMathematics(trimmed) === bare
  if (number.denominator === 1n || trimmed.length > 200 || !/^[^\p{N}]*\p{N}/u.test(trimmed)) return false
  const value = numberOfAnswer(trimmed.replaceAll(" ", ""))
  return value !== null && keyOf(value) === keyOf(number)
}

/** Whether the answer is the only number of a text. */
export const isOnlyNumberOf = (text: string, answer: Answer): boolean => {
  if (answer.number === null || text.length > 400) return false
  return [...text.matchAll(/\d+(?:[.,/]\d+)*/g)].length === 1 && placesIn(text, answer).length > 0
}

const announces =
  /(?:\b(?:answer|ans|solution|output|expected|result|prints?|returns?|final(?: value)?)\b(?: (?:should|must|will|to))?(?: (?:is|be|equals?|was|of))?|(?:=+|-)>|→|\bprint\(|\\boxed\{)[\s:=('"$\\{]*$/i

/** What a text says after each of its first twenty announcements, to the end of the line. */
const announced = (text: string, isShown: boolean): ReadonlyArray<string> => {
  const found: Array<string> = []
  const pattern = isShown
    ? /\b(?:answer|ans|solution|output|expected|result|final value|is|are|equals?)\b|->|=>|[=:→]/gi
    : /\b(?:answer|ans|solution|output|expected|result|final value)\b|->|=>|→/gi
  for (const { 0: sign, index } of text.slice(0, 20_000).matchAll(pattern)) {
    if (found.length >= 20) break
    const start = index + sign.length
    const line = /^[^\n]*/.exec(text.slice(start, start + 500))?.[0] ?? ""
    found.push(line.replace(/^(?:[\s:=]|(?:is|be|equals?|was|of)\b)+/i, "").replace(/[\s.;!]+$/, ""))
  }
  return found
}

/**
 * How a text speaks of the answer. "states": it is nothing else, or says that this is the answer. "mentions": it stands there.
 * Null: it does not. A common answer is only ever stated. In text that is shown, "x = 4" states 4, too.
 */
export const speaksOf = (written: string, answer: Answer, isShown = false): "states" | "mentions" | null => {
  const text = mended(written)
  const trimmed = text.trim()
  if (trimmed === "") return null
  if (isSpelled(trimmed, answer)) return "states"
  const said = spokenIn(text, answer, isShown)
  if (said === "states") return said
  if (
    (answer.number === null || answer.number.denominator !== 1n) &&
    announced(text, isShown).some((one) => isSpelled(one, answer))
  ) {
    return "states"
  }
  if (!isLatex(text)) return said
  const plain = withoutLayout(text)
  return plain === text ? said : spokenIn(plain, answer, isShown) ?? said
}

const spokenIn = (text: string, answer: Answer, isShown: boolean): "states" | "mentions" | null => {
  const trimmed = text.trim()
  const places = placesIn(text, answer)
  for (const { from, to } of places) {
    if (
      !/[\p{L}\p{N}]/u.test(text.slice(Math.max(0, from - 400), from) + text.slice(to, to + 400)) &&
      trimmed.length < 200
    ) {
      return "states"
    }
    const rest = text.slice(to, to + 40).replace(/^\.0+(?!\d)/, "")
    // "the answer is 4 times as large" does not say that it is 4.
    const before = text.slice(Math.max(0, from - 60), from)
    if (
      (announces.test(before) || (isShown && /(?:[=:]|\b(?:is|are|equals?))\s*$/.test(before))) &&
      /^\s*(?:$|[.,;:!)}\]'"$\\#\n(]|(?:is|as|and|because|since)\b)/.test(rest)
    ) {
      return "states"
    }
  }
  return places.length > 0 && !answer.common ? "mentions" : null
}
