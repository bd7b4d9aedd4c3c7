// Prompt and answer that are longer than a model's context: what servers say when that happens, read for its numbers, and how much shorter an
// answer has to be asked for. Servers word it in their own ways and change their words; what is not recognised is no overflow.
import { Schema } from "effect"

/** What a server's message says; what it does not say is absent. Names as in the conformance cases. Tokens. */
export const OverflowFacts = Schema.Struct({
  /** What prompt and answer together may come to. */
  max_context_length: Schema.optionalKey(Schema.Int),
  message_tokens: Schema.optionalKey(Schema.Int),
  /** By how much the prompt alone is too long. */
  message_tokens_overflow: Schema.optionalKey(Schema.Int)
})
export type OverflowFacts = typeof OverflowFacts.Type
