// A model's own tokenizer and chat template, from its files: renders conversations to the text that the model gets, and counts tokens.
import type { ChatMessage } from "../../domain/Generation.ts"

export interface LocalTokenizer {
  readonly count: (text: string) => number
  /** The conversation as text, up to where the model writes; a last message of the assistant is left open. Throws where the template does. */
  readonly render: (messages: ReadonlyArray<ChatMessage>) => string
}
