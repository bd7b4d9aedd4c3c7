// Answers in words, and words around answers: choices, sayings that stand for a sign, clauses about what a letter runs through.

/** Words and no mathematics: letters, blanks and apostrophes, at least three letters of one word or all set as text. */
export const isWords = (cleaned: string, text: string): boolean =>
  /^\p{L}[\p{L}\s'’]*$/u.test(text) && (/\p{L}{3}|\p{Lo}/u.test(text) || /^\\text\{[^}]*\}$/.test(cleaned))

/** Short words that are no products of variables. */
export const shortWords = new Set(["yes", "no", "odd", "all", "one", "two", "six", "ten"])

/** A text for comparison: lower case, without its article and the punctuation at its end. */
export const inWords = (text: string): string =>
  text.toLowerCase().replace(/^(?:an?|the)\s+(?=\p{L}{3})/u, "").replace(/\s+/g, " ").replace(/[.,;:!?'’\s]+$/, "")
    .trim()

/** Text without the commands that only set it as text. */
export const asText = (cleaned: string): string => cleaned.replace(/\\text\{/g, " ").replace(/[{}]/g, " ").trim()

/** The letter of a multiple choice in "(C)", "C.", "(C) 12"; null where there is none. */
export const choiceLetter = (cleaned: string): string | null => {
  if (cleaned.length > 200) return null
  const match = /^\(?([A-J])\)?[.:]?$/.exec(asText(cleaned)) ?? labelled.exec(asText(cleaned))
  return match?.[1] ?? match?.[2] ?? null
}

/** "(C) 12", "C) 12": a choice and what it says. */
export const labelled = /^(?:\(([A-J])\)|([A-J])\))\s*(?![-+*/=^_<>!)(\s])(.+)$/

/** What a choice may be where none are named. */
export const choiceLetters: ReadonlyArray<string> = [..."ABCDEFGHIJ"]

/** The same thing said in one word or another. */
const sayings: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^(?:there (?:is|are) )?(?:no|none)(?: (?:real|such|integer|positive))?(?: (?:solutions?|values?|integers?|numbers?))?$/,
    "\\emptyset"
  ],
  [/^(?:the )?empty set$/, "\\emptyset"],
  [/^(?:dne|does not exist|undefined)$/, "\\text{does not exist}"],
  [/^(?:infinitely many|infinite|infinity)(?: solutions)?$/, "\\infty"],
  [/^all (?:real numbers|reals|real values?(?: of [a-z])?|real [a-z])$/, "ℝ"]
]
const numberWords =
  ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    + "nineteen twenty").split(" ")

/** Words that stand for something with a sign of its own, as that; the text itself otherwise. */
export const said = (cleaned: string): string => {
  if (cleaned.length > 60 || /\d/.test(cleaned)) return cleaned
  const text = inWords(asText(cleaned))
  const number = numberWords.indexOf(text)
  if (number >= 0) return String(number)
  return text === "no" ? cleaned : sayings.find(([pattern]) => pattern.test(text))?.[1] ?? cleaned
}

/** Longer answers are taken as they are. */
const maxClaused = 400

export interface Clause {
  readonly text: string
  readonly letter: string | null
}

/** Without a clause that only says what a letter runs through: "for all x", "k \\in \\mathbb{Z}". `letter`: the letter, if it is one. */
export const withoutClause = (cleaned: string): Clause => {
  if (cleaned.length > maxClaused) return { text: cleaned, letter: null }
  const domain =
    /^(.*?\S)\s*[,;]?\s*\(?\s*(?:\\text\{\s*(?:for|where|with|for all|for any)\s*\}|for all|for any|for|where|\\forall )?\s*([a-z])\s*\\in\s*[ℤℕℚ]\s*(?:\^[+*]|\^\{[+*]\})?\s*\)?$/
      .exec(cleaned)
  if (domain !== null) return { text: domain[1] ?? cleaned, letter: domain[2] ?? null }
  const all =
    /^(.*?\S)\s*[,;]?\s*\(?\s*(?:\\text\{\s*for (?:all|any|every|each)\b[^}]*\}|for (?:all|any|every|each)\s|\\forall )(.*)$/
      .exec(cleaned)
  return { text: all?.[1] ?? cleaned, letter: null }
}
