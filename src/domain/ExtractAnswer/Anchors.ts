// Where a text points at its answer ("the answer is ...", "Ответ: ..."), and which of the candidates near there it means.
import type { AnswerLanguage } from "../Verdict.ts"
import { type Candidate, candidatesWithin, type Layout, sentenceEnd } from "./Candidates.ts"
import { chineseEndings, copulas, fillers, joints, languages, negations, phrasesByLanguage } from "./Phrases.ts"

const letter = /[\p{L}\p{M}_]/u
const isWordSign = (sign: string | undefined): boolean => sign !== undefined && letter.test(sign)
const isUnspaced = (word: string): boolean => /[\u4e00-\u9fff]/.test(word)

/** Anchors of a text that are looked at, from its end. */
const anchorLimit = 64

/** Characters after an anchor in which its answer is looked for. */
const reach = 600

/** A place after which the answer is expected. */
export interface Anchor {
  readonly from: number
  readonly to: number
}

const wordsFound = (folded: string, words: ReadonlyArray<string>): ReadonlyArray<Anchor> => {
  const anchors: Array<Anchor> = []
  for (const word of words) {
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
      const to = at + word.length
      const whole = isUnspaced(word) || (!isWordSign(folded[at - 1]) && !isWordSign(folded[to]))
      // "short-answer questions" announce nothing.
      const compound = folded[at - 1] === "-" ||
        /^ (?:questions?|choices?|keys?|sheets?)(?!\p{L})/u.test(folded.slice(to, to + 12))
      if (whole && !compound) anchors.push({ from: at, to })
    }
  }
  return anchors
}

/** Lines that begin with "A:" (GSM8K's samples). */
const answerLines = (folded: string): ReadonlyArray<Anchor> => {
  const anchors: Array<Anchor> = []
  for (let at = folded.indexOf("a:"); at >= 0; at = folded.indexOf("a:", at + 2)) {
    if (at === 0 || folded[at - 1] === "\n") anchors.push({ from: at, to: at + 1 })
  }
  return anchors
}

/** The anchors of a text, last first; those of the language asked for before all others. */
export const anchorsOf = (
  layout: Layout,
  language: AnswerLanguage | undefined,
  choices: boolean
): ReadonlyArray<Anchor> => {
  const of = (names: ReadonlyArray<AnswerLanguage>) =>
    names.flatMap((name) => {
      const phrases = phrasesByLanguage[name]
      return wordsFound(layout.folded, choices ? [...phrases.answers, ...phrases.choices] : phrases.answers)
    })
  // Most formulas and bare answers have no letter of prose at all.
  if (!/\p{L}/u.test(layout.plain)) return []
  const last = (anchors: ReadonlyArray<Anchor>) => [...anchors].sort((a, b) => b.to - a.to).slice(0, anchorLimit)
  const others = last([...of(languages), ...answerLines(layout.folded)])
  return language === undefined || !languages.includes(language) ? others : [...last(of([language])), ...others]
}

/** Blanks, quotes, marks of emphasis, brackets and currencies: what may touch a value on its left. */
const leading = /[\s"“”„'‘’«»*_([$€£¥₹\\]$/
const stop = /[:：=→⇒—–]$/

const lastWord = (text: string): string => /[\p{L}\p{M}'’]{1,24}$/u.exec(text.slice(-24))?.[0] ?? ""

/** What the words before a value say of it: it is stated, it is denied, or neither. */
export const introduction = (before: string): "stated" | "denied" | "none" => {
  let rest = before.slice(-160)
  for (let words = 0; words <= 4; words++) {
    while (rest !== "" && leading.test(rest)) rest = rest.slice(0, -1)
    if (rest === "") return words > 0 || before.length > 160 ? "none" : "stated"
    if (stop.test(rest)) return "stated"
    if (rest.endsWith(",") && words > 0) rest = rest.slice(0, -1).trimEnd()
    const word = lastWord(rest).toLowerCase().replaceAll("’", "'")
    if (word === "") return "none"
    if (isUnspaced(word)) {
      if (chineseEndings.negations.some((ending) => word.endsWith(ending))) return "denied"
      if (chineseEndings.copulas.some((ending) => word.endsWith(ending))) return "stated"
      const filler = chineseEndings.fillers.find((ending) => word.endsWith(ending))
      if (filler === undefined) return "none"
      rest = rest.slice(0, -filler.length)
      continue
    }
    if (negations.has(word) || word.endsWith("n't")) return "denied"
    if (copulas.has(word) || word.endsWith("'s")) {
      const earlier = lastWord(rest.slice(0, -word.length).trimEnd()).toLowerCase().replaceAll("’", "'")
      return negations.has(earlier) || earlier.endsWith("n't") ? "denied" : "stated"
    }
    if (!fillers.has(word)) return "none"
    rest = rest.slice(0, -word.length)
  }
  return "none"
}

const gapSigns = /^(?:[\s,;，；、$&*{}]|\\(?:quad|qquad|text|mbox|textrm|[,;:! ()[\]]))+/

/** Whether what stands between two values makes them one answer: commas, "and", "or", spacing; and at least one of these. */
export const isJoint = (gap: string): boolean => {
  if (gap.length > 80) return false
  let rest = gap.toLowerCase()
  let joins = gap === "" || /[,;，；、&]/.test(gap) ? 1 : 0
  for (let count = 0; count < 12 && rest !== ""; count++) {
    const signs = gapSigns.exec(rest)?.[0] ?? ""
    rest = rest.slice(signs.length)
    const word = /^[\p{L}]{1,8}/u.exec(rest)?.[0] ?? ""
    if (word !== "" && joints.has(word)) {
      joins++
      rest = rest.slice(word.length)
    } else if (signs === "") return false
  }
  return rest === "" && joins > 0
}

const numbered =
  /(?:step|steps|equation|eq|eq\.|part|case|figure|fig\.|section|problem|question|line|note|chapter|exercise|example|theorem|lemma|method|option|étape|schritt|paso|шаг|步骤|第|page|item|point)\s{0,2}[(#]?$/

/** Whether a plain number only counts something: "step 3", "equation (2)", the number of a point in a list. */
export const isLabel = (layout: Layout, candidate: Candidate): boolean => {
  if (candidate.source !== "plain") return false
  const before = layout.folded.slice(Math.max(0, candidate.from - 16), candidate.from)
  if (numbered.test(before)) return true
  return /^[0-9]{1,2}$/.test(candidate.text) &&
    /^(?:\.|\)|\*{0,2}\.)\s/.test(layout.plain.slice(candidate.to, candidate.to + 4)) &&
    /(?:^|\n)[ \t*#(]*$/.test(before)
}

/** Whether a candidate can be an answer at all where it stands. A lone letter before a word is an article or a name. */
export const isAnswerLike = (layout: Layout, candidate: Candidate): boolean => {
  if (isLabel(layout, candidate)) return false
  if (candidate.source !== "plain" || !/^[a-zA-Z]$/.test(candidate.text)) return true
  const after = layout.plain.slice(candidate.to, candidate.to + 24)
  if (/^\)\s?[$\\\0\p{Nd}]/u.test(after)) return false // the letter of a choice before its value
  if (/[a-z]/.test(candidate.text)) return /^[\s.,;:!?)\]*_"”]*(?:\n|$)|^[.,;:!?)\]*_"”]/.test(after)
  if (/[AI]/.test(candidate.text) && /^[.)]?\s*[\p{L}'’]/u.test(after)) {
    return candidate.text === "A" && /^[.)]?\s+(?:because|since|as|and|for)\b/.test(after)
  }
  return true
}

const reasons = /[\n;]|\b(?:because|since|as|where|when|so|with|if|for|while|but|which|not)\b/

/** What a stated calculation with units comes to: "20 apples / 4 boxes = 5". A candidate that is no calculation stays. */
export const computed = (layout: Layout, stated: Candidate, near: ReadonlyArray<Candidate>): Candidate => {
  if (stated.source !== "plain") return stated
  return near.findLast((candidate) => {
    const gap = candidate.source === "plain" && candidate.from > stated.to
      ? layout.folded.slice(stated.to, candidate.from)
      : ""
    return gap !== "" && gap.length <= 160 && /=\s*[$€£]?\s*$/.test(gap) && !reasons.test(gap) && !gap.includes("\0")
  }) ?? stated
}

/**
 * The first candidate in the sentence after an anchor that is stated as the answer; else, after "is" or a colon, the first
 * value that is not denied. Null where nothing there is an answer. Where the line ends at the anchor, the next lines count.
 */
export const anchoredCandidate = (
  layout: Layout,
  anchor: Anchor
): { readonly candidate: Candidate | null; readonly from: number; readonly to: number; readonly opened: boolean } => {
  let from = anchor.to
  let to = Math.min(sentenceEnd(layout, from), from + reach)
  const opening = /^[\s*_:：=>\-"“]*/.exec(layout.plain.slice(from, to))?.[0] ?? ""
  let opened = /[:：=]/.test(opening)
  if (
    from + opening.length >= to ||
    copulas.has(layout.folded.slice(from + opening.length, to).replace(/[\s*_:：]+$/, ""))
  ) {
    // Nothing on this line: a heading.
    let next = to
    while (next < layout.plain.length && /[\s*_:：.]/.test(layout.plain[next] ?? "")) next++
    if (next < layout.plain.length && next - to < 40) {
      from = next
      to = Math.min(sentenceEnd(layout, next), next + reach)
      opened = true
    }
  }
  if (!opened) {
    const word = /^[\s*_,]*([\p{L}\p{M}]{1,16})/u.exec(layout.folded.slice(from, from + 40))?.[1] ?? ""
    opened = copulas.has(word) || (isUnspaced(word) && chineseEndings.copulas.some((copula) => word.startsWith(copula)))
  }
  const near = candidatesWithin(layout, from, to).filter((candidate) => isAnswerLike(layout, candidate))
  let first: Candidate | null = null
  for (const candidate of near) {
    const said = introduction(layout.plain.slice(from, candidate.from))
    if (said === "stated") return { candidate: computed(layout, candidate, near), from, to, opened }
    if (said === "none" && first === null && !candidate.name) first = candidate
  }
  return { candidate: opened ? first : null, from, to, opened }
}
