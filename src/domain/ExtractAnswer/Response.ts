// What of a model's output is its answer to the reader: the last turn, after the thinking, up to where the chat goes on,
// and of that only the end. Every cost here is linear in the cap, but for one native search when `after_think_only` is asked.

/** Characters at the end of a text that are searched. */
export const tailLength = 20_000

/** The end of a text without the blanks after it; where it is cut, a word that the cut goes through is left out. */
export const tailOf = (text: string): string => {
  const end = text.length > tailLength ? text.trimEnd() : text
  if (end.length <= tailLength) return end
  const tail = end.slice(-tailLength)
  const whole = /\s/.test(end[end.length - tailLength - 1] ?? "") ? 0 : tail.search(/\s/)
  return whole > 0 && whole <= 1000 ? tail.slice(whole) : tail
}

// What ends the thinking of the model families: most; Magistral; Kimi; gpt-oss ("harmony"); OpenThoughts.
const thinkingEnds: ReadonlyArray<string> = [
  "</think>",
  "</thinking>",
  "</thought>",
  "</thoughts>",
  "</reasoning>",
  "</reasoning_end>",
  "[/think]",
  "◁/think▷",
  "<|channel|>final<|message|>",
  "<|end_of_thought|>"
]
const turnStarts: ReadonlyArray<string> = [
  "<|im_start|>assistant",
  "<|start_header_id|>assistant<|end_header_id|>",
  "<start_of_turn>model",
  "<｜assistant｜>"
]
const turnEnds: ReadonlyArray<string> = [
  "<|im_end|>",
  "<|im_start|>",
  "<|endoftext|>",
  "<|eot_id|>",
  "<|end_of_text|>",
  "<|start_header_id|>",
  "<|return|>",
  "<|end|>",
  "<end_of_turn>",
  "<｜end▁of▁sentence｜>",
  "</s>"
]

/** Lower case with every index kept: a sign whose lower case has another length stays as it is. */
export const foldedCase = (text: string): string => {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  let folded = ""
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ""
    const small = sign.toLowerCase()
    folded += small.length === 1 ? small : sign
  }
  return folded
}

/** The end of the last of the marks, or -1. */
const afterLast = (folded: string, marks: ReadonlyArray<string>): number =>
  marks.reduce((best, mark) => {
    const at = folded.lastIndexOf(mark)
    return at < 0 ? best : Math.max(best, at + mark.length)
  }, -1)

const untilTurnEnd = (text: string): string => {
  const folded = foldedCase(text)
  const from = Math.max(0, afterLast(folded, turnStarts))
  let to = text.length
  for (const mark of turnEnds) {
    let at = folded.indexOf(mark, from)
    // A mark before the first word opens the turn.
    while (at >= 0 && text.slice(from, at).trim() === "") at = folded.indexOf(mark, at + mark.length)
    if (at >= 0 && at < to) to = at
  }
  return text.slice(from, to)
}

export interface Response {
  /** What the reader was told. The whole tail where no thinking ends in it. */
  readonly said: string
  /** What was thought before, if an end of thinking is in the tail; null otherwise. */
  readonly thought: string | null
  /** Whether an end of thinking was seen. */
  readonly thinkingEnded: boolean
}

/**
 * Splits the tail of an output at the last end of thinking: `</think>`, `</thinking>`, `</thought>`, `</thoughts>`,
 * `</reasoning>`, `</REASONING_END>`, `[/THINK]`, `◁/think▷`, `<|channel|>final<|message|>`, `<|end_of_thought|>`, in any case.
 */
export const responseOf = (text: string, everywhere: boolean): Response => {
  const tail = tailOf(text)
  // Every mark has one of these; most texts have none.
  const marked = tail.includes("<") || tail.includes("[/") || tail.includes("◁")
  if (!marked && !everywhere) return { said: tail, thought: null, thinkingEnded: false }
  const end = afterLast(foldedCase(tail), thinkingEnds)
  const ended = end >= 0 || (everywhere && tail !== text && afterLast(text.toLowerCase(), thinkingEnds) >= 0)
  if (end < 0) return { said: untilTurnEnd(tail), thought: null, thinkingEnded: ended }
  return { said: untilTurnEnd(tail.slice(end)), thought: tail.slice(0, end), thinkingEnded: true }
}
