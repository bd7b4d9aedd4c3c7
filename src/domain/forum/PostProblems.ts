// From a forum post to the problems in it: none, one, or the items of a numbered list. A moderator's edit that states
// a problem wins over
// the text around it; quotes are looked into only where the post itself has no problem.
import { type NumberedList, numberedList } from "./Numbering.ts"
import { pattern } from "./Pattern.ts"
import { postText } from "./PostText.ts"
import { asserts, kindOfSentences, type ProblemKind } from "./ProblemKind.ts"
import { hasTask, tasksOf } from "./ProblemTasks.ts"
import { hasFormula, type Sentence, sentencesOf } from "./Sentences.ts"
import { isProblem, statementOf } from "./Statement.ts"

export interface PostProblem {
  readonly problem: string
  readonly kind: ProblemKind
  /** Its number in the post's list; null for a post with one problem. */
  readonly number: number | null
}

export interface PostReading {
  readonly problems: ReadonlyArray<PostProblem>
  /** The author's own solutions: hidden parts and what follows the statement. */
  readonly asides: ReadonlyArray<string>
  /** Items of a list that ask for nothing, and problems beyond `maxProblems`. */
  readonly leftOut: number
  /** Why there is no problem; null if there is one. */
  readonly none: "empty" | "image-only" | "only-talk" | "no-task" | null
}

/**
 * A post gives at most this many problems; a shared introduction longer than `maxIntroduction` characters is not
 * repeated.
 */
export const maxProblems = 100
export const maxIntroduction = 2_000

const edit = pattern(
  "gim",
  String.raw`(?:\[|^)[ \t]*(?:(?:mod(?:erator)?|admin(?:istrator)?)(?:'s)?\s+(?:edit|note)|`,
  String.raw`edit(?:ed)?\s+by\s+(?:an?\s+|the\s+)?(?:mod(?:erator)?|admin(?:istrator)?))\b[^:\n-]{0,40}[:-]`
)

/**
 * Cuts moderators' edits out of a text: "[Moderator edit: ...]", or a paragraph that begins so. One in brackets ends
 * at the bracket that
 * closes it; if none does, at the end of its paragraph.
 */
const takeEdits = (text: string): { readonly rest: string; readonly edits: ReadonlyArray<string> } => {
  const edits: Array<string> = []
  let rest = ""
  let at = 0
  for (const match of text.matchAll(edit)) {
    if (match.index < at) continue
    const bodyStart = match.index + match[0].length
    let depth = 1
    let end = bodyStart
    for (; match[0].startsWith("[") && end < text.length; end++) {
      const code = text.charCodeAt(end)
      if (code === 91) depth++
      else if (code === 93 && --depth === 0) break
    }
    if (depth > 0) {
      const paragraph = text.indexOf("\n\n", bodyStart)
      end = paragraph < 0 ? text.length : paragraph
    }
    edits.push(text.slice(bodyStart, end).trim())
    rest += text.slice(at, match.index)
    at = end + 1
  }
  return { rest: rest + text.slice(at), edits }
}

interface Found {
  readonly problems: ReadonlyArray<PostProblem>
  readonly attempts: ReadonlyArray<string>
  readonly leftOut: number
}

const problem = (text: string, sentences: ReadonlyArray<Sentence>, number: number | null): PostProblem => ({
  problem: text,
  kind: kindOfSentences(text, sentences),
  number
})

const single = (text: string): Found => {
  const statement = statementOf(text)
  const attempts = statement.attempt === "" ? [] : [statement.attempt]
  const found = isProblem(statement.text, statement.sentences)
  return { problems: found ? [problem(statement.text, statement.sentences, null)] : [], attempts, leftOut: 0 }
}

/** Names that a text defines or uses: letters standing alone or with an index, and groups of capitals such as ABC. */
const symbolsOf = (text: string): ReadonlySet<string> =>
  new Set(text.match(/(?<![A-Za-z\\])(?:[B-HJ-Zb-hj-z](?![A-Za-z])|[A-Z]{2,6}(?![A-Za-z])|a(?=\s*[=,<>^_+*/]))/g) ?? [])

const pointsBack = /\b(?:this|these|those|its?|above|they|them|their)\b/i
const refersToItems = /\b(?:part|item|question|problem)s?\s*\(?#?\d|\bprevious\s+(?:part|problem|question|result|item)/i

/**
 * The items as problems, or `undefined` where they belong together: conditions, steps and parts of one problem. They
 * do if the introduction asks
 * for something itself, if most items ask for nothing, if "(1)", "(2)" follow an introduction, or if items speak of
 * each other.
 */
const split = (text: string, list: NumberedList): Found | undefined => {
  const introduction = statementOf(text.slice(0, list.items[0]?.start))
  if (hasTask(tasksOf(introduction.sentences))) return undefined
  const sets = introduction.sentences.some(({ masked }) =>
    /\b(?:let|suppose|given|consider|define|denote|assume)\b/i.test(masked) || hasFormula(masked)
  )
  if (list.style === "parenthesis" && sets) return undefined
  const items = list.items.map((item, index) => ({
    number: item.number,
    statement: statementOf(text.slice(item.textStart, list.items[index + 1]?.start))
  }))
  const asking = items.filter(({ statement }) => hasTask(tasksOf(statement.sentences)))
  if (asking.length < 2 || asking.length * 2 < items.length) return undefined
  if (list.style !== "label" && items.some(({ statement }) => refersToItems.test(statement.text))) return undefined
  const shared = sets && introduction.text.length <= maxIntroduction ? introduction.text : ""
  const names = symbolsOf(shared)
  const problems: Array<PostProblem> = []
  for (const { number, statement } of items.slice(0, maxProblems)) {
    if (!hasTask(tasksOf(statement.sentences)) && !asserts(statement.sentences)) continue
    const needed = shared !== "" &&
      (pointsBack.test(statement.text) || [...symbolsOf(statement.text)].some((name) => names.has(name)))
    const whole = needed ? `${shared}\n\n${statement.text}` : statement.text
    const sentences = needed ? sentencesOf(whole) : statement.sentences
    if (isProblem(whole, sentences)) problems.push(problem(whole, sentences, number))
  }
  const attempts = items.map(({ number, statement }) =>
    statement.attempt === "" ? "" : `${number}. ${statement.attempt}`
  ).filter((own) => own !== "")
  return problems.length === 0 ? undefined : { problems, attempts, leftOut: items.length - problems.length }
}

const inText = (text: string): Found => {
  const list = numberedList(text)
  return (list === undefined ? undefined : split(text, list)) ?? single(text)
}

const inPost = (text: string): Found => {
  const { rest, edits } = takeEdits(text)
  for (const body of edits) {
    const found = inText(body)
    if (found.problems.length > 0) return { ...found, attempts: [...found.attempts, rest] }
  }
  return inText(rest)
}

/**
 * The problems of a post in their order. Total on any string; time grows with its length and, for lists, at most by
 * `maxProblems` introductions.
 */
export const problemsOfPost = (post: string): PostReading => {
  const own = postText(post, { quotes: false, hidden: false })
  let found = inPost(own.text)
  if (found.problems.length === 0 && /quote/i.test(post)) {
    found = inPost(postText(post, { quotes: true, hidden: false }).text)
  }
  const asides = [...own.hidden, ...found.attempts]
  if (found.problems.length > 0) return { problems: found.problems, asides, leftOut: found.leftOut, none: null }
  const words = own.text.replaceAll("[image]", "").trim()
  const none = post.trim() === ""
    ? "empty"
    : words === "" && own.images > 0
    ? "image-only"
    : statementOf(words).text === ""
    ? "only-talk"
    : "no-task"
  return { problems: [], asides, leftOut: found.leftOut, none }
}
