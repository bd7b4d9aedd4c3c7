// How many tokens a text has where neither the server nor a tokenizer says. Rough: what is computed from it is marked `estimated`.
import type { Prompt } from "./Generation.ts"

/** Characters of ASCII a token: mathematical English with LaTeX is between 2.6 and 3.6 with the usual vocabularies of 100,000 to 200,000 words. */
const asciiPerToken = 3
/** What a chat template writes around one message. */
const tokensPerMessage = 5

/** Tokens of a text, not rounded: a third for each character of ASCII, one for each other UTF-16 unit. Adds up over pieces of a text. */
export const tokenWeight = (text: string): number => {
  let other = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) other++
  return (text.length - other) / asciiPerToken + other
}

export const estimateTokens = (text: string): number => Math.ceil(tokenWeight(text))

export const estimatePromptTokens = (prompt: Prompt): number =>
  prompt._tag === "Text"
    ? estimateTokens(prompt.text)
    : Math.ceil(prompt.messages.reduce((sum, { content }) => sum + tokensPerMessage + tokenWeight(content), 0))
