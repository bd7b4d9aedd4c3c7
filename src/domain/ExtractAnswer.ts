// Where the answer is in a text: a model's response, a worked solution, or a bare answer. Rules in the order of how plainly
// they mark an answer; within a rule the last place counts, so that an abandoned earlier answer does not. Linear scanners over
// the last 20,000 characters; never throws. docs/verdicts.md tells the rules to users, Verify.ts compares what is found here.
import { anchoredCandidate, anchorsOf, computed, introduction, isAnswerLike, isJoint } from "./ExtractAnswer/Anchors.ts"
import { type Boxes, boxesOf, type Span } from "./ExtractAnswer/Boxes.ts"
import {
  type Candidate,
  candidatesWithin,
  type Layout,
  layoutOf,
  sentenceEnd,
  sentenceStart,
  trimmed
} from "./ExtractAnswer/Candidates.ts"
import { choiceOf } from "./ExtractAnswer/Choices.ts"
import {
  conditions,
  copulas,
  finals,
  nonAnswers,
  percentWords,
  retractions,
  uncertainties
} from "./ExtractAnswer/Phrases.ts"
import { foldedCase, responseOf, tailOf } from "./ExtractAnswer/Response.ts"
import type { VerifyOptions } from "./Verdict.ts"
import { unitSize } from "./Verify/Units.ts"

/**
 * The rule by which an answer was found.
 *
 * - `boxed`: in the last box, with the boxes that belong to it.
 * - `hash`: on the last line of "#### ...".
 * - `anchor`: after a phrase that announces it, in any known language, or in `<answer>` tags.
 * - `formula`, `number`: the last formula or number that answers, where nothing announces one.
 * - `letter`: one of the strings of a multiple choice.
 * - `bare`: a response that is nothing but an answer. `whole`: a reference answer that is nothing else.
 */
export type ExtractionRule = "boxed" | "hash" | "anchor" | "formula" | "number" | "letter" | "whole" | "bare"

export interface Extracted {
  /** The answer as written, LaTeX or plain text, without its delimiters; parts that belong together are joined by ", ". */
  readonly text: string
  readonly by: ExtractionRule
  /** More than one when neighbouring boxes, formulas or numbers form one answer ("\boxed{1} and \boxed{2}"). */
  readonly parts: ReadonlyArray<string>
  /** A percent sign, or the word, follows the answer and is not in `text`. */
  readonly percent: boolean
  /** It came from LaTeX delimiters or a box, or is LaTeX; else it is plain text. */
  readonly math: boolean
}

/**
 * The content of the last complete \boxed of a text, trimmed: "" for an empty box, null where there is none. Boxes inside of a box
 * stay in its content. Braces balance at any depth; without braces the number or word after the command counts. The last
 * 20,000 characters are searched.
 */
export const lastBoxed = (text: string): string | null =>
  boxesOf(tailOf(text), ["boxed"]).complete.at(-1)?.text.trim() ?? null

/** Lines of "####" in a text: where the rest of the line begins and ends. */
const hashLines = (text: string): ReadonlyArray<{ readonly from: number; readonly to: number }> => {
  const lines: Array<{ readonly from: number; readonly to: number }> = []
  for (let at = text.indexOf("####"); at >= 0; at = text.indexOf("####", at)) {
    let from = at
    while (text[from] === "#") from++
    if (from - at === 4) {
      while (text[from] === ":" || text[from] === "：" || text[from] === " " || text[from] === "\t") from++
      const end = text.indexOf("\n", from)
      lines.push({ from, to: end < 0 ? text.length : end })
    }
    at = from
  }
  return lines
}

/**
 * The answer as GSM8K marks it: the rest of the last line of "#### ...", trimmed, without a colon. Units and currencies stay.
 * Null where there is no such line or nothing is on it.
 */
export const gsm8kAnswer = (text: string): string | null => {
  const tail = tailOf(text)
  const line = hashLines(tail).at(-1)
  const answer = line === undefined ? "" : tail.slice(line.from, line.to).trim()
  return answer === "" ? null : answer
}

const percentAfter = (text: string, at: number): boolean => {
  percentWords.lastIndex = at
  return percentWords.test(text)
}

const extracted = (
  by: ExtractionRule,
  parts: ReadonlyArray<string>,
  percent: boolean,
  math: boolean
): Extracted | null => {
  const text = parts.join(", ")
  return text.trim() === "" ? null : { text, by, parts, percent, math }
}

const asciiDigits = (text: string): string =>
  text.replace(
    /[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g,
    (sign) => String(sign.charCodeAt(0) - (sign >= "\uff10" ? 0xff10 : sign >= "\u06f0" ? 0x6f0 : 0x660))
  )
    .replaceAll("\u066b", ".").replaceAll("\u066c", ",")

// ---- Boxes ----

const spacing = /\\(?:quad|qquad|hspace|text|textrm|mbox|mathrm|left|right|[,;:! ()[\]])|[{}$&~*_]/g
const corrected =
  /\b(?:no|not|wait|actually|then|rather|instead|hence|thus|so|therefore|but|as|equivalently|alternatively|simplified|that|oops|sorry|correction|becomes|which|because|since|if|when|where|with|is|are|was|were|equals|gives|we|from)\b|[=<>]|\\(?:to|implies|iff|rightarrow|right)|[⇒→≈]|\\approx/i

/**
 * Whether two neighbouring boxes are one answer: nothing but commas, "and", "or" and spacing between them, or such with a few
 * nouns ("papers and"). A new sentence, a relation or a word of correction between them makes the second replace the first.
 */
const boxesBelong = (gap: string): boolean => {
  if (gap.length > 120 || /\n\s*\n\s*\S/.test(gap) && /[\p{L}]/u.test(gap)) return false
  if (/\\(?:Rightarrow|implies|iff|to|approx|sim|equiv|le|ge|Longrightarrow)(?![a-zA-Z])/.test(gap)) return false
  const plain = gap.replace(spacing, " ").trim()
  if (plain === "" || /^[,;，；、]+$/.test(plain)) return true
  if (corrected.test(plain) || /[.!?。:]/.test(plain.replace(/^[.,;]+\s*(?=and\b|or\b)/i, ""))) return false
  const words = plain.split(/\s+/)
  return words.length <= 6 &&
    (/(?:^|[^a-z])(?:and|or|et|ou|und|oder|y|o|и|или)(?:[^a-z]|$)|[和或与]/i.test(plain) || /^[,;]|[,;]$/.test(plain))
}

/** The exact value before "≈ \boxed{...}" is the answer. */
const isApproximation = (gap: string): boolean =>
  /^[\s$)\\,]*(?:\\approx|≈|(?:or|which is|i\.e\.,?)? ?(?:approximately|about|roughly))[\s$(\\]*$/i.test(gap)

/** "\\boxed{8}, not \\boxed{7}": the last box is the one that is denied. */
const isDenial = (gap: string): boolean =>
  /^[\s$)\\,;]*(?:and |but |rather than|instead of|not)\s*(?:not)?[\s$(\\]*$/i.test(gap) && /not|than|of/i.test(gap)

const boxedAnswer = (text: string, boxes: Boxes): Extracted | null => {
  const spans = boxes.complete
  let index = spans.length - 1
  const at = (offset: number): Span | undefined => spans[offset]
  const before = at(index - 1)
  const final = at(index)
  if (
    before !== undefined && final !== undefined && before.text.trim() !== "" &&
    (isApproximation(text.slice(before.to, final.from)) || isDenial(text.slice(before.to, final.from)))
  ) index--
  const last = at(index)
  if (last === undefined || last.text.trim() === "") return null
  const parts = [last]
  for (let next = at(index - 1), from = last.from; next !== undefined && parts.length < 64; next = at(--index - 1)) {
    if (next.text.trim() === "" || !boxesBelong(text.slice(next.to, from))) break
    parts.unshift(next)
    from = next.from
  }
  const texts = parts.map((part) => trimmed(unwrapped(part.text)))
  const distinct = texts.filter((part, place) => part !== "" && texts.indexOf(part) === place)
  return extracted("boxed", distinct, percentAfter(text, last.to), true)
}

/** A box around all of a box's content adds nothing. */
const unwrapped = (content: string): string => {
  let inside = content.trim()
  for (let depth = 0; depth < 16; depth++) {
    const box = /^\\+(?:boxed|fbox|framebox)/.test(inside) ? boxesOf(inside).complete : []
    const only = box[0]
    if (only === undefined || box.length > 1 || only.to < inside.length) break
    inside = only.text.trim()
  }
  return inside
}

/** A box without an end: a slip where its formula or line ends before the text does; a truncated text otherwise. */
const unclosedAnswer = (
  unclosed: Span,
  role: "gold" | "answer"
): { readonly answer: Extracted | null; readonly truncated: boolean } => {
  const rest = unclosed.text.trimEnd()
  const line = rest.search(/\n|(?<!\\)\$|\\[)\]]/)
  const content = trimmed((line < 0 ? rest : rest.slice(0, line)).replace(/\.$/, ""))
  if (line < 0 && role === "answer") return { answer: null, truncated: true }
  return { answer: extracted("boxed", [content], false, true), truncated: false }
}

// ---- Candidates ----

/** Whether parts can be items of one answer: equations join only where each names what it gives. */
const alike = (a: Candidate, b: Candidate): boolean =>
  a.name === b.name && [a, b].every(({ text }) => {
    const at = text.indexOf("=")
    return at < 0 || /^[a-zA-Z\\{}_'()\s,0-9]{1,24}$/.test(text.slice(0, at)) && !/^\s*[0-9]/.test(text)
  })

/** A candidate with the neighbours that belong to it. */
const groupOf = (
  layout: Layout,
  chosen: Candidate,
  to: number,
  joins: (gap: string, next: Candidate) => boolean
): ReadonlyArray<Candidate> => {
  const within = candidatesWithin(layout, sentenceStart(layout, chosen.from), to)
  let first = within.indexOf(chosen)
  if (first < 0) return [chosen]
  let last = first
  const belongs = (a: Candidate | undefined, b: Candidate | undefined): boolean => {
    if (a === undefined || b === undefined || a.source !== b.source || !alike(a, b)) return false
    const gap = layout.text.slice(a.to, b.from)
    return isJoint(gap) && joins(gap, b)
  }
  while (belongs(within[first - 1], within[first])) first--
  while (belongs(within[last], within[last + 1])) last++
  return within.slice(first, last + 1)
}

/** A number that a word follows counts something of its own: "5, 3 more than ..." is no list. */
const listed = (layout: Layout) => (gap: string, next: Candidate): boolean =>
  next.source !== "plain" || /[\p{L}]/u.test(gap) ||
  !/^\s*(?!(?:and|or|et|ou|und|oder|y|o|и|или)\b)[\p{L}]/u.test(layout.plain.slice(next.to, next.to + 8))

/** A sign apart from its number: "is - 4", "minus 4", "negative 4". */
const isNegated = (layout: Layout, { from, text }: Candidate): boolean => {
  if (!/^\d/.test(text)) return false
  const before = layout.plain.slice(Math.max(0, from - 24), from)
  return /(?:^|[^\p{L}])(?:minus|negative)\s+$/iu.test(before)
    ? !/[\d)]\s+minus\s+$/i.test(before)
    : /(?:\bis|\bare|\bbe|[=:])\s*[-−–]\s+$/i.test(before)
}

const dozens = /^\s?(?:dozen|hundred|thousand|million|billion|trillion)\b/i
const changed = /^\s(?:squared|cubed|factorial|times|percent of|out of|less than|more than)\b/i

/**
 * What after a plain number belongs to its value: "5 million", "2 pi", "5 minutes". Words that change it in another way come as text, and
 * leave a comparison undecided.
 */
const tailOfNumber = (after: string): string => {
  const dozen = dozens.exec(after)?.[0]
  if (dozen !== undefined) return ` ${dozen.trim().toLowerCase()}`
  if (/^\s?(?:pi\b|π)/.test(after)) return "\\pi"
  const change = changed.exec(after)?.[0]
  if (change !== undefined) return `\\text{${change}}`
  const unit = /^\s?([a-zA-Z]{1,12}(?:\/[a-zA-Z]{1,8})?)(?![\p{L}\d])/u.exec(after)?.[1]
  return unit !== undefined && unit.length > 1 && unit.toLowerCase() !== "in" && unitSize(unit) !== null
    ? ` ${unit}`
    : ""
}

const answerOf = (layout: Layout, by: ExtractionRule, group: ReadonlyArray<Candidate>): Extracted | null => {
  const last = group.at(-1)
  if (last === undefined) return null
  const math = last.source !== "plain"
  const texts = group.map(({ text }) => math ? text : asciiDigits(text))
  // The minus before a currency: -$5.
  const first = group[0]
  const signed = first !== undefined && first.source === "plain" &&
    /[-−][$€£¥₹]\s?$/.test(layout.plain.slice(Math.max(0, first.from - 3), first.from))
  if (signed) texts[0] = `-${texts[0] ?? ""}`
  else if (first !== undefined && first.source === "plain" && isNegated(layout, first)) texts[0] = `-${texts[0] ?? ""}`
  if (group.length === 1 && last.source === "plain" && /\d$/.test(texts[0] ?? "")) {
    texts[0] += tailOfNumber(layout.plain.slice(last.to, last.to + 40))
  }
  const parts = texts.filter((part, place) => texts.indexOf(part) === place)
  return extracted(by, parts, percentAfter(layout.text, last.to), math || parts.some((part) => part.includes("\\")))
}

/** One to three words that an anchor announces: "Yes", "no solution", "Evelyn". */
const wordsAnswer = (region: string): string | null => {
  const words = region.replace(/^[\s*_:：=>"“”'().-]+|[\s*_"“”'().!;,-]+$/g, "")
  const first = /^[\p{L}]+/u.exec(words)?.[0].toLowerCase() ?? ""
  const rest = copulas.has(first) ? words.slice(first.length).trim().replace(/^[*_:"“(]+|[*_"”)]+$/g, "") : words
  if (rest.length > 40 || !/^[\p{L}\p{M}]+(?:[ '’-][\p{L}\p{M}]+){0,2}$/u.test(rest)) return null
  if (
    nonAnswers.has(rest.toLowerCase()) || /^(?:as|the|that|what|this|to|in|it|not|given|correct|found|we)\b/i.test(rest)
  ) return null
  return rest
}

const anchorAnswer = (
  layout: Layout,
  options: VerifyOptions,
  words: boolean,
  counts: (anchor: string) => boolean = () => true
): Extracted | null => {
  for (const anchor of anchorsOf(layout, options.language, false)) {
    if (!counts(layout.folded.slice(Math.max(0, anchor.from - 24), anchor.to))) continue
    const { candidate, from, opened, to } = anchoredCandidate(layout, anchor)
    if (candidate !== null) {
      const group = groupOf(layout, candidate, to, listed(layout))
      return answerOf(layout, "anchor", group.slice(Math.max(0, group.indexOf(candidate))))
    }
    const said = words && opened ? wordsAnswer(layout.plain.slice(from, to)) : null
    if (said !== null) return extracted("anchor", [said], false, false)
  }
  return null
}

/** What is called the final answer after the last box, or is announced after words that take the box back. */
const laterAnswer = (after: string, options: VerifyOptions, latex: boolean, expr: boolean): Extracted | null => {
  const folded = foldedCase(after)
  const retracted = retractions.some((word) => folded.includes(word))
  if (!retracted && !finals.some((word) => folded.includes(word))) return null
  const layout = layoutOf(after, latex, expr)
  return anchorAnswer(layout, options, false, (anchor) => retracted || finals.some((word) => anchor.includes(word)))
}

const hashAnswer = (layout: Layout): Extracted | null => {
  for (const line of [...hashLines(layout.text)].reverse().slice(0, 64)) {
    const first = candidatesWithin(layout, line.from, line.to)[0]
    const leads = first !== undefined && /^[\s*_$€£¥₹([≈−-]*$/.test(layout.plain.slice(line.from, first.from))
    if (first !== undefined && leads && !/^\.\s|^\)\s/.test(layout.plain.slice(first.to, first.to + 2))) {
      const group = groupOf(layout, first, line.to, listed(layout))
      return answerOf(layout, "hash", group.slice(Math.max(0, group.indexOf(first))))
    }
    if (first === undefined && layout.text.slice(line.to).trim() === "") {
      const said = wordsAnswer(layout.text.slice(line.from, line.to))
      if (said !== null) return extracted("hash", [said], false, false)
    }
  }
  return null
}

/**
 * The last candidate that answers: in its sentence one in bold comes first, then one that is stated, then the
 * last one that is no condition ("$n = 7$, since $n > 0$").
 */
const lastAnswer = (layout: Layout): Extracted | null => {
  const usable = layout.candidates.filter((candidate) => isAnswerLike(layout, candidate))
  const denied = (candidate: Candidate) =>
    introduction(layout.plain.slice(Math.max(0, candidate.from - 161), candidate.from)) === "denied"
  const strong = usable.findLast((candidate) =>
    !candidate.name && (candidate.source !== "plain" || /\p{Nd}|[√π∞½⅓⅔¼¾]|\\/u.test(candidate.value)) &&
    !denied(candidate)
  )
  const chosen = strong ?? usable.findLast((candidate) => candidate.source === "formula" && !denied(candidate))
  if (chosen === undefined) return null
  const start = sentenceStart(layout, chosen.from)
  const end = sentenceEnd(layout, chosen.from)
  if (chosen.source === "plain" && uncertainties.some((words) => layout.folded.slice(start, end).includes(words))) {
    return null
  }
  const near = strong === undefined ? [] : candidatesWithin(layout, Math.max(start, chosen.from - 600), chosen.to)
    .filter((candidate) => !candidate.name && isAnswerLike(layout, candidate))
  const bold = near.findLast((candidate) =>
    /\*\*[$€£¥]?$/.test(layout.plain.slice(Math.max(0, candidate.from - 3), candidate.from))
  )
  const free = near.filter((candidate) =>
    !conditions.test(layout.folded.slice(Math.max(start, candidate.from - 32), candidate.from))
  )
  const stated = free.findLast((candidate) => {
    const before = layout.plain.slice(Math.max(start, candidate.from - 161), candidate.from)
    return /[\p{L}:：=]/u.test(before) && introduction(before) === "stated"
  })
  const picked = bold ?? (stated === undefined ? undefined : computed(layout, stated, near)) ?? free.at(-1) ?? chosen
  const joins = listed(layout)
  const group = groupOf(
    layout,
    picked,
    end,
    (gap, next) =>
      picked.source === "formula" || picked === stated
        ? joins(gap, next)
        : /[\p{L}]/u.test(gap) && /or|ou|oder|или|或/i.test(gap)
  )
  // In plain text what comes before the stated value is no part of the list.
  const from = picked.source === "plain" && picked === stated ? group.indexOf(picked) : 0
  return answerOf(layout, picked.source === "plain" ? "number" : "formula", group.slice(Math.max(0, from)))
}

// ---- Whole texts ----

const knownWords =
  /^(?:and|or|sqrt|sin|cos|tan|cot|sec|csc|log|ln|exp|pi|infty|infinity|oo|inf|gcd|lcm|max|min|mod|et|ou|und)$/i

/** Whether a short text is nothing but mathematics: no words besides names of functions, "and" and "or". */
const isBareMathematics = (text: string): boolean => {
  if (text.length > 300 || text.includes("\n\n") || !/[\p{L}\p{Nd}∞π√∅½]/u.test(text)) return false
  const plain = text.replace(/\\(?:text|mbox|mathrm|operatorname)\s*\{[^{}]{0,60}\}/g, " ").replace(/\\[a-zA-Z]+/g, " ")
  for (const token of plain.split(/[\s{}()[\],;]+/)) {
    if (/^[\p{L}]{2,}[.:!?]*$/u.test(token) && !knownWords.test(token.replace(/[.:!?]+$/, ""))) return false
    for (const letters of token.match(/\p{L}+/gu) ?? []) {
      if (letters.length >= 4 && !knownWords.test(letters)) return false
    }
  }
  return !/[!?]{2}|[`\u3040-\u30ff\u4e00-\u9fff]|<\/?[a-z]{1,8}>|^\*|^[^\p{L}\p{Nd}\\∞π√∅½]*$/u.test(text)
}

const phrase =
  /^(?:no (?:real )?solutions?|infinitely many(?: solutions)?|does not exist|all real numbers|not enough information)$/i

const trailing = /^([\s\S]*?[^\s\\%％])\s{0,8}\\?(?:[%％]|per ?cent|pct)$/i

/** A text that is an answer, with a percent sign at its end taken off. */
const asWhole = (text: string, by: "bare" | "whole"): Extracted | null => {
  const bare = trimmed(text.replace(/^(?:\*\*|__)([\s\S]*)(?:\*\*|__)$/, "$1"))
  const percent = bare.length <= 60 && /^[^%％=,;]*$/.test(bare.slice(0, -1)) ? trailing.exec(bare) : null
  const kept = (percent?.[1] ?? bare).replace(/^(?:=\s*)?([-−+]?)[$€£¥₹]\s?(?=[.\p{Nd}][^$]*$)|^=\s*/u, "$1")
  return extracted(by, [asciiDigits(kept)], percent !== null, kept.includes("\\"))
}

const bareAnswer = (said: string): Extracted | null => {
  const text = said.trim()
  if (text.length > 300 || text === "") return null
  const plain = text.replace(/[.!]+$/, "")
  const word = /^\*{0,2}[\p{L}]{2,20}\*{0,2}$/u.test(plain) && !nonAnswers.has(plain.toLowerCase())
  if (word || phrase.test(plain)) return asWhole(plain, "bare")
  const stripped = plain.replace(/\s{0,8}\\?(?:[%％]|per ?cent|pct)$/i, "")
  return isBareMathematics(stripped) ? asWhole(plain, "bare") : null
}

/** A reference answer without any delimiters: short, and one sentence at most. */
const wholeGold = (said: string, layout: Layout): Extracted | null => {
  const text = said.trim()
  const short = text.length <= 300 && text.split(/\s+/).length <= 16
  const first = said.length - said.trimStart().length
  const last = said.trimEnd().length - 1
  const isFactorial = (end: number) =>
    [said[end], said[end - 1]].includes("!") && !/!\s+\p{L}{2}/u.test(said.slice(end - 1, end + 5))
  const oneSentence = layout.ends.every((end) => end <= first || end >= last || isFactorial(end))
  return short && oneSentence ? asWhole(text, "whole") : null
}

// ---- The rules in their order ----

const answerTag = (said: string): string | null => {
  const folded = foldedCase(said)
  const close = folded.lastIndexOf("</answer>")
  const open = close < 0 ? -1 : folded.lastIndexOf("<answer>", close)
  return open < 0 ? null : said.slice(open + 8, close)
}

/** Formulas that hold a box become the box, where a box is no better than other mathematics. */
const withBoxes = (layout: Layout): Layout => {
  const spans = layout.boxes.complete
  if (spans.length === 0) return layout
  const others = layout.candidates.filter((candidate) =>
    !spans.some((span) => span.from < candidate.to && candidate.from < span.to)
  )
  const boxes = spans.filter(({ text }) => text.trim() !== "").map(({ from, text, to }): Candidate => {
    const value = trimmed(unwrapped(text))
    return { from, to, text: value, value, source: "box", name: false }
  })
  return { ...layout, candidates: [...others, ...boxes].sort((a, b) => a.from - b.from) }
}

const find = (said: string, options: VerifyOptions, role: "gold" | "answer", marked: boolean): Extracted | null => {
  if (said.trim() === "") return null
  const targets = options.targets ?? ["latex", "expr"]
  const latex = targets.includes("latex")
  const expr = targets.includes("expr")
  const boxes = boxesOf(said)
  if (targets.includes("string")) {
    const choices = options.strings ?? ["A", "B", "C", "D"]
    const layout = layoutOf(said, latex || !expr, false, boxes)
    const choice = choiceOf(layout, choices, options.lowercase ?? true, options.language)
    if (choice !== null) return extracted("letter", [choice], false, false)
    if (!latex && !expr) return null
  }
  const low = options.boxed_priority === "low"
  if (!low) {
    const last = boxes.complete.at(-1)
    if (last !== undefined) {
      return laterAnswer(said.slice(last.to), options, latex, expr) ?? boxedAnswer(said, boxes)
    }
    if (boxes.unclosed !== null) {
      const { answer, truncated } = unclosedAnswer(boxes.unclosed, role)
      if (truncated || answer !== null) return answer
    }
  }
  const layout = layoutOf(said, latex, expr, boxes)
  const hash = hashAnswer(layout)
  if (hash !== null) return hash
  const placed = low ? withBoxes(layout) : layout
  const anchored = anchorAnswer(placed, options, expr)
  if (anchored !== null || marked) return anchored
  const formulas = placed.candidates.some(({ source }) => source !== "plain")
  if (!formulas) {
    const whole = role === "gold" ? wholeGold(said, layout) : expr || said.includes("\\") ? bareAnswer(said) : null
    if (whole !== null) return whole
  }
  return lastAnswer(placed)
}

/**
 * The answer of a text, or null where it has none: nothing is said, the last box is empty or was cut off, the number is denied
 * ("is not 42") or taken back ("I am not sure"), nothing looks like an answer.
 *
 * Searched are the last 20,000 characters, of them what comes after the end of thinking (Response.ts lists the tags) and before
 * the next turn of the chat. Where nothing is found there, an answer that the thinking marks (box, "####", anchor) counts,
 * unless `after_think_only`. With role "gold" a short text without delimiters is itself the answer, and a box need not be closed.
 * `targets`: without `latex` formulas are read as plain text; without `expr` only boxes and formulas count; with `string` the
 * choices come first. `integers` and `modulo` are not looked at: IntegerAnswer.ts reads an extracted text so.
 */
export const extractAnswer = (
  text: string,
  options: VerifyOptions = {},
  role: "gold" | "answer" = "answer"
): Extracted | null => {
  const only = options.after_think_only === true && role === "answer"
  const response = responseOf(text, only)
  if (only && !response.thinkingEnded) return null
  const tagged = answerTag(response.said)
  const inTag = tagged === null ? null : find(tagged, options, "gold", false)
  if (inTag !== null) return inTag.by === "whole" ? { ...inTag, by: "anchor" } : inTag
  const said = find(response.said, options, role, false)
  if (said !== null || only || response.thought === null) return said
  return find(response.thought, options, role, true)
}
