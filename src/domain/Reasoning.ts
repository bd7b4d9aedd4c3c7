// A model's thought told apart from its response, where both are one text. What is before the last end tag is the thought; a text that begins with
// an opening tag and has no end tag is an unfinished thought, all of it; without any tag all is response. Works as the text comes, tags
// split over its pieces. No piece is looked at twice but for the few characters that may become a tag.

/** Thoughts of the usual models. The last three: gpt-oss channels, as they are when special tokens are not left out. */
export const defaultEndTags: ReadonlyArray<string> = [
  "</think>",
  "</thinking>",
  "</reasoning>",
  "</thought>",
  "[/THINK]",
  "<|end_of_thought|>",
  "<|end|><|start|>assistant<|channel|>final<|message|>",
  "<|start|>assistant<|channel|>final<|message|>",
  "<|channel|>final<|message|>"
]

/** What opens a thought that the end tag closes; none known: null. */
const openingOf = (end: string): string | null => {
  if (end === "<|end_of_thought|>") return "<|begin_of_thought|>"
  if (end.endsWith("<|channel|>final<|message|>")) return "<|channel|>analysis<|message|>"
  const found = /^([<[]\|?)\/(.+)$/.exec(end)
  return found === null ? null : `${found[1]}${found[2]}`
}

export interface ReasoningOptions {
  /** Default `defaultEndTags`; none: nothing is told apart. Each 1 to 200 characters. */
  readonly endTags?: ReadonlyArray<string>
  /** The prompt ends inside of a thought: a text without an end tag is an unfinished one. */
  readonly opened?: boolean
}

/** What a piece of text adds. */
export interface ReasoningPart {
  readonly text: string
  readonly reasoning: string
  /** What was told before is void: it was a thought, which this part holds. */
  readonly restarted: boolean
}

interface Tags {
  readonly ends: ReadonlyArray<string>
  readonly openings: ReadonlyArray<string>
}
const tagsKnown = new WeakMap<ReadonlyArray<string>, Tags>()
const tagsOf = (all: ReadonlyArray<string>): Tags => {
  let tags = tagsKnown.get(all)
  if (tags === undefined) {
    const ends = all.filter((tag) => tag !== "")
    tags = { ends, openings: [...new Set(ends.map(openingOf).filter((tag) => tag !== null))] }
    tagsKnown.set(all, tags)
  }
  return tags
}
const defaultTags = tagsOf(defaultEndTags)

/** The length of the longest end of `text` that a tag begins with, and is longer than. */
const heldLength = (text: string, tags: ReadonlyArray<string>): number => {
  let held = 0
  for (const tag of tags) {
    for (let length = Math.min(tag.length - 1, text.length); length > held; length--) {
      if (text.endsWith(tag.slice(0, length))) held = length
    }
  }
  return held
}

/** The end tag that is complete last, the longest such one; it lies at `from` up to `to`. */
const lastEnd = (text: string, tags: ReadonlyArray<string>): { readonly from: number; readonly to: number } | null => {
  let best: { readonly from: number; readonly to: number } | null = null
  for (const tag of tags) {
    const from = text.lastIndexOf(tag)
    if (from < 0) continue
    const to = from + tag.length
    if (best === null || to > best.to || to === best.to && from < best.from) best = { from, to }
  }
  return best
}

/** White space before an opening tag, at most: more of it is response. */
const beginMaximum = 1_000
/** Restarts that are told as they come; with more of them the last is told at the end. Each tells the whole thought again. */
const restartsMaximum = 8

export class ReasoningSplitter {
  readonly #tags: Tags
  #state: "begin" | "thought" | "response" = "begin"
  /** Not looked at yet: a beginning that may become an opening tag, or an end that may become an end tag. */
  #held = ""
  #text = ""
  /** null: no thought. */
  #reasoning: string | null = null
  /** What stands between thought and response: the end tag and white space. */
  #between = ""
  /** White space is no part of what comes next. */
  #skips = false
  #newText = ""
  #newReasoning = ""
  #isTextTold = false
  #isVoid = false
  #restarts = 0

  constructor({ endTags, opened = false }: ReasoningOptions = {}) {
    this.#tags = endTags === undefined ? defaultTags : tagsOf(endTags)
    if (opened) this.#openThought()
  }

  /** The response so far. */
  get text(): string {
    return this.#text
  }
  /** The thought so far; null: none was told apart. */
  get reasoning(): string | null {
    return this.#reasoning
  }

  push(piece: string): ReasoningPart {
    this.#take(this.#held + piece, false)
    return this.#tell(false)
  }
  /** No more comes: what was held back is told. */
  finish(): ReasoningPart {
    this.#take(this.#held, true)
    return this.#tell(true)
  }

  #openThought(): void {
    this.#state = "thought"
    this.#reasoning = ""
    this.#skips = true
  }

  #take(piece: string, ends: boolean): void {
    const { ends: endTags, openings } = this.#tags
    let rest = piece
    this.#held = ""
    if (this.#state === "begin") {
      const begun = rest.trimStart()
      const opening = openings.find((tag) => begun.startsWith(tag))
      if (opening !== undefined) {
        this.#openThought()
        rest = begun.slice(opening.length)
      } else if (!ends && rest.length < beginMaximum && openings.some((tag) => tag.startsWith(begun))) {
        this.#held = rest
        return
      } else this.#state = "response"
    }
    const end = lastEnd(rest, endTags)
    if (end !== null) {
      this.#close(rest.slice(0, end.from), rest.slice(end.from, end.to))
      rest = rest.slice(end.to)
    }
    const kept = ends ? 0 : heldLength(rest, endTags)
    this.#held = rest.slice(rest.length - kept)
    this.#append(rest.slice(0, rest.length - kept))
  }

  /** What was response so far, and `thought`, are thought. */
  #close(thought: string, tag: string): void {
    this.#isVoid = this.#isVoid || this.#isTextTold
    const isFirst = this.#reasoning === null
    const more = this.#between + this.#text + thought
    const added = isFirst || this.#skips && this.#reasoning === "" ? more.trimStart() : more
    this.#reasoning = (this.#reasoning ?? "") + added
    this.#newReasoning += added
    this.#text = ""
    this.#newText = ""
    this.#between = tag
    this.#state = "response"
    this.#skips = true
  }

  #append(piece: string): void {
    const text = this.#skips ? piece.trimStart() : piece
    if (this.#state === "response" && this.#skips) this.#between += piece.slice(0, piece.length - text.length)
    if (text === "") return
    this.#skips = false
    if (this.#state === "thought") {
      this.#reasoning = (this.#reasoning ?? "") + text
      this.#newReasoning += text
    } else {
      this.#text += text
      this.#newText += text
    }
  }

  #tell(ends: boolean): ReasoningPart {
    const restarted = this.#isVoid
    const waits = restarted && !ends && this.#restarts >= restartsMaximum
    if (waits) return { text: "", reasoning: "", restarted: false }
    const part = restarted
      ? { text: this.#text, reasoning: this.#reasoning ?? "", restarted }
      : { text: this.#newText, reasoning: this.#newReasoning, restarted }
    if (restarted) this.#restarts++
    this.#isVoid = false
    this.#isTextTold = this.#isTextTold && !restarted || part.text !== ""
    this.#newText = ""
    this.#newReasoning = ""
    return part
  }
}

/** Whether a prompt ends with an opening tag, so that the model begins inside of a thought. */
export const opensThought = (prompt: string, endTags?: ReadonlyArray<string>): boolean => {
  const tail = prompt.slice(-1_000).trimEnd()
  return (endTags === undefined ? defaultTags : tagsOf(endTags)).openings.some((tag) => tail.endsWith(tag))
}
/** Whether what a model has written so far ends inside of a thought. */
export const endsInThought = (written: string, endTags?: ReadonlyArray<string>): boolean => {
  const tags = endTags === undefined ? defaultTags : tagsOf(endTags)
  const begun = written.trimStart()
  return tags.openings.some((tag) => begun.startsWith(tag)) && lastEnd(begun, tags.ends) === null
}

/** The same for a whole text. */
export const splitReasoning = (
  text: string,
  options: ReasoningOptions = {}
): { readonly text: string; readonly reasoning: string | null } => {
  const splitter = new ReasoningSplitter(options)
  splitter.push(text)
  splitter.finish()
  return { text: splitter.text, reasoning: splitter.reasoning }
}
