// What a sample with tools has come to, and how the model is asked to go on with it: behind raw text, in its own message of a conversation, or
// in turns with the user.
import type { ChatMessage, Prompt } from "../../domain/Generation.ts"
import type { ToolTurn } from "../../domain/ToolReasoning.ts"

const openThought = "<think>\n"
const closeThought = "\n</think>\n\n"
const onOwnLine = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`)
const goOn = "Go on."

export const makeTranscript = (prompt: Prompt, asked: ToolTurn) => {
  let turn = asked
  /** All of it, thoughts between their tags. */
  let raw = ""
  let isThinking = prompt._tag === "Text" && prompt.text.trimEnd().endsWith("<think>")
  let words = ""
  let thoughts = ""
  const turns: Array<ChatMessage> = []

  return {
    /** What the model wrote, and the output behind it. An output stands in the thought where nothing but a thought was written. */
    add: (reasoning: string | null, text: string, output?: string): void => {
      const inThought = text === "" && reasoning !== null
      if (reasoning !== null && reasoning !== "") {
        if (!isThinking) raw += openThought
        raw += reasoning
        isThinking = true
        if (!inThought) {
          raw += closeThought
          isThinking = false
        }
        thoughts += reasoning
      }
      raw += text
      words += text
      if (output === undefined) return
      raw = onOwnLine(raw) + output
      if (inThought) thoughts = onOwnLine(thoughts) + output
      else words = onOwnLine(words) + output
      turns.push({ role: "assistant", content: inThought ? reasoning : text }, {
        role: "user",
        content: `${output}${goOn}`
      })
    },
    prompt: (): Prompt => {
      if (raw === "") return prompt
      if (prompt._tag === "Text") return { _tag: "Text", text: prompt.text + raw }
      if (turn === "user") return { _tag: "Chat", messages: [...prompt.messages, ...turns] }
      // Thoughts that have ended are left out, as chat templates leave them out: not every one gives them back as they were.
      const content = isThinking ? raw : words
      const last = prompt.messages.at(-1)
      return {
        _tag: "Chat",
        messages: last?.role === "assistant"
          ? [...prompt.messages.slice(0, -1), { role: "assistant", content: `${last.content}${content}` }]
          : [...prompt.messages, { role: "assistant", content }]
      }
    },
    /** Whether outputs stand in the model's own message and may stand in the user's instead. */
    canTakeTurns: (): boolean => prompt._tag === "Chat" && turn === "model" && turns.length > 0,
    takeTurns: (): void => {
      turn = "user"
    },
    words: (): string => words,
    thoughts: (): string | null => (thoughts === "" ? null : thoughts)
  }
}
