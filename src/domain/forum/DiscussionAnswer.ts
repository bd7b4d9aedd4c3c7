// What a discussion says the answer is. Only explicit words count ("the answer is 9", \boxed{9}, "(a,b,c) = (1,2,3)"
// where the problem asks for
// (a,b,c)); a guess, a question, a contradiction between replies or a wrong number gives null. Proofs have no answer.
import { formulaSpans } from "./Mathematics.ts"
import { itemLabels, type NumberedItem } from "./Numbering.ts"
import { pattern } from "./Pattern.ts"
import type { PostProblem } from "./PostProblems.ts"
import { postText } from "./PostText.ts"

/** Replies without these words are not read any further. */
const hint = /answer|boxed|\)\s*=\s*\$?\s*\(/i
const announced = pattern(
  "gi",
  String.raw`\banswers?\b(?:\s+(?:to|for|of|in)\s+(?:the\s+)?(?:problem|question|number|no\.?|part|`,
  String.raw`#)?\s*#?\s*(\d{1,3}))?\s*(?:is|are|was|should\s+be|must\s+be|equals|will\s+be|would\s+be|:|`,
  String.raw`=)\s*(?:(?:therefore|thus|then|simply|just|indeed|clearly|equal\s+to|exactly|option|choice|`,
  String.raw`still)\s+)?[:=]?\s*`
)
const doubt = pattern(
  "i",
  String.raw`\b(?:i\s+(?:think|believe|guess|suppose)|guess|may\s*be|perhaps|probably|not\s+sure|unsure|seems?|`,
  String.raw`might|could|if|whether|isn'?t|not|wrong|what|why|how|your|his|their|hope|book'?s|says)\b[^.!?\n]*$|`,
  String.raw`(?:^|[.!?,;:\n])\s*(?:is|was|are)\b[^.!?\n]*$`
)
const number = /^[-+\u2212]?\d[\d,]*(?:\.\d+)?(?:\s?\/\s?\d+)?\s?(?:%|\\%|\u00b0)?/
const tuple = /^\([^()\n=]{1,80}\)/
const letter = /^\(?([A-H])\)?(?![\w'])/
const word = /^(?:yes|no|true|false)\b/i
const expression = /^[-+]?[\w^*/+()\u221a\u03c0\\{}-]{1,40}/
/** After a value the sentence is over, or gives its reason. */
const over = /^\s*(?:$|[.,;!)\]\n]|(?:since|because|as|by|and|for|which|so|where|when|from|with|:\))(?![\w]))/i
const tuples = pattern(
  "g",
  String
    .raw`(\(\s*[A-Za-z](?:_\{?\w\}?)?(?:\s*,\s*[A-Za-z](?:_\{?\w\}?)?){1,5}\s*\))\s*=\s*(\([^()=\n]{1,60}\))(\s*(?:,|`,
  String.raw`;|or|and|\u222a|\\text\{\s?(?:or|and))?\s*\$?\s*\()?`
)

interface Candidate {
  readonly value: string
  /** The problem's number where the text says it. */
  readonly number: number | null
  /** "(a,b,c)" without blanks, for tuples. */
  readonly left: string | null
}

/** The argument of the `\boxed` at `at`, or `undefined` if its braces do not close within 200 characters. */
const boxedAt = (text: string, at: number): string | undefined => {
  const open = text.indexOf("{", at)
  if (open < 0 || text.slice(at + 6, open).trim() !== "") return undefined
  let depth = 0
  for (let end = open; end < Math.min(text.length, open + 200); end++) {
    const code = text.charCodeAt(end)
    if (code === 92) end++
    else if (code === 123) depth++
    else if (code === 125 && --depth === 0) return text.slice(open + 1, end).trim()
  }
  return undefined
}

/** "x = 5" gives "5"; a full stop inside the dollars goes. */
const bareValue = (formula: string): string =>
  formula.replace(/^(?:\$\$?|\\[([])|(?:\$\$?|\\[)\]])$/g, "").trim().replace(/[.,;]$/, "").replace(
    /^[A-Za-z](?:_\{?\w\}?)?\s*=\s*(?=[^=]+$)/,
    ""
  ).trim()

const valueAt = (text: string, at: number, kind: PostProblem["kind"]): string | undefined => {
  const rest = text.slice(at, at + 400)
  if (/^\$?\s*\\boxed/.test(rest)) return boxedAt(text, text.indexOf("\\boxed", at))
  const formula = formulaSpans(rest)[0]
  if (formula?.start === 0) {
    const value = bareValue(rest.slice(0, formula.end))
    return value !== "" && value.length <= 80 && over.test(rest.slice(formula.end)) ? value : undefined
  }
  const patterns = kind === "multiple-choice"
    ? [letter, number, tuple]
    : kind === "binary"
    ? [word, number]
    : [tuple, number, expression]
  for (const pattern of patterns) {
    const match = pattern.exec(rest)
    if (match === null || !over.test(rest.slice(match[0].length))) continue
    if (pattern === expression && !/[\d\u03c0\u221a]/.test(match[0])) continue
    return pattern === letter ? match[1] : match[0].trim()
  }
  return undefined
}

/** `text`: free of markup. `at` and on belong to problem `section`, or to none in particular. */
const candidatesIn = (text: string, section: number | null, kind: PostProblem["kind"]): ReadonlyArray<Candidate> => {
  const found: Array<Candidate> = []
  for (const match of text.matchAll(announced)) {
    const end = match.index + match[0].length
    if (doubt.test(text.slice(Math.max(0, match.index - 80), match.index))) continue
    const value = valueAt(text, end, kind)
    const sentence = text.slice(end, end + 120).split(/[.!\n]/, 1)[0] ?? ""
    if (value !== undefined && !sentence.includes("?")) {
      found.push({ value, number: match[1] === undefined ? section : Number(match[1]), left: null })
    }
  }
  const box = text.lastIndexOf("\\boxed")
  const boxed = box < 0 ? undefined : boxedAt(text, box)
  if (boxed !== undefined && boxed !== "") found.push({ value: bareValue(boxed), number: section, left: null })
  for (const match of text.matchAll(tuples)) {
    const [, left = "", right = "", more] = match
    const names = left.match(/[A-Za-z]/g) ?? []
    if (
      more !== undefined || !/\d/.test(right) ||
      names.some((name) => new RegExp(`(?<![a-z\\\\])${name}(?![a-z])`).test(right))
    ) continue
    found.push({ value: right, number: section, left: left.replace(/\s/g, "") })
  }
  return found
}

/**
 * Pieces of a reply by the problem that they speak of: numbers of the post's problems, rising, where items of a list
 * begin.
 */
const sectionsOf = (
  text: string,
  numbers: ReadonlySet<number>
): ReadonlyArray<{ readonly text: string; readonly number: number | null }> => {
  const marks: Array<NumberedItem> = []
  for (const mark of itemLabels(text)) {
    if (numbers.has(mark.number) && mark.number > (marks.at(-1)?.number ?? -1)) marks.push(mark)
  }
  const sections = [{ text: text.slice(0, marks[0]?.start), number: null as number | null }]
  for (const [index, mark] of marks.entries()) {
    sections.push({ text: text.slice(mark.textStart, marks[index + 1]?.start), number: mark.number })
  }
  return sections
}

const comparable = (value: string): string =>
  value.replace(/[\s$]|\\[,;! ]|\\left|\\right/g, "").replace(/\\dfrac|\\tfrac/g, "\\frac").toLowerCase()

/**
 * One answer or null per problem, in their order. `texts`: the author's own solutions (plain), then the replies (with
 * markup; hidden text counts,
 * quoted text does not). All candidates for a problem must agree.
 */
export const discussedAnswers = (
  problems: ReadonlyArray<PostProblem>,
  own: ReadonlyArray<string>,
  replies: ReadonlyArray<string>
): ReadonlyArray<{ readonly value: string; readonly from: "post" | "discussion" } | null> => {
  if (problems.every(({ kind }) => kind === "proof")) return problems.map(() => null)
  const numbers = new Set(problems.flatMap(({ number }) => number === null ? [] : [number]))
  const isUnique = numbers.size === problems.length
  const texts = [
    ...own.filter((text) => hint.test(text)).map((text) => ({ text, from: "post" as const })),
    ...replies.filter((reply) => hint.test(reply)).map((reply) => ({
      text: postText(reply, { quotes: false, hidden: true }).text,
      from: "discussion" as const
    }))
  ]
  const votes = problems.map(() => new Map<string, { readonly value: string; readonly from: "post" | "discussion" }>())
  for (const { text, from } of texts) {
    const sections = problems.length === 1 ? [{ text, number: null }] : sectionsOf(text, numbers)
    for (const section of sections) {
      for (const [index, problem] of problems.entries()) {
        if (problem.kind === "proof" || (section.number !== null && section.number !== problem.number)) continue
        for (const candidate of candidatesIn(section.text, section.number, problem.kind)) {
          const named = candidate.left !== null && asksFor(problem.problem, candidate.left)
          if (candidate.left !== null && !named) continue
          const isIts = problems.length === 1
            ? candidate.number === null || candidate.left === null
            : isUnique && candidate.number === problem.number
          const isOnlyOne = named &&
            problems.filter((other) => asksFor(other.problem, candidate.left ?? "")).length === 1
          if (isIts || isOnlyOne) votes[index]?.set(comparable(candidate.value), { value: candidate.value, from })
        }
      }
    }
  }
  return votes.map((values) => values.size === 1 ? values.values().next().value ?? null : null)
}

const asksFor = (problem: string, left: string): boolean => problem.replace(/\s/g, "").includes(left)
