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

/** Characters of a message that are looked at. */
const messageMaximum = 10_000

/** A whole number: 131072, 131,072, 131_072, 131 072 with a narrow space, 4096.0. */
const number = String.raw`(\d{1,3}(?:[,_'\u2009\u202f]\d{3})+|\d{1,12})(?:\.0+)?(?!\d|[.,]\d)`
/** What may stand between a name and its number: "is only ", " of ", ": ", " (". */
const lead = String.raw`(?: (?:is|of|was|to|allowed|supported))*[ :=]*(?:only |about |at most |at least )?\(? ?`
/** In a source, N is a number and L what leads to it. */
const shapes = (...sources: ReadonlyArray<string>) =>
  sources.map((source) => new RegExp(source.replaceAll("L", lead).replaceAll("N", number), "i"))

/** What most fits, as the usual servers say it. The first shape that is found tells; of several numbers its last. */
const limits = shapes(
  // OpenAI, vLLM, SGLang, llama.cpp, LM Studio: "maximum context length is N", "maximum model length of N", "context size (N tokens)".
  "(?:context|model|sequence)[ _-](?:length|size|window)(?: limit)?L(?:the )?N",
  "max(?:imum)? (?:length|context|tokens?)(?: limit)?LN",
  // SGLang: "maximum allowed length (N tokens)". TensorRT-LLM: "maximum input length (N)". xAI: "maximum prompt length is N".
  "max(?:imum)? (?:allowed |supported )?(?:prompt|input|total|allowed|token) (?:token )?(?:length|size|limit|tokens?)LN",
  // Anthropic: "exceed context limit: P + M > N", "prompt is too long: P tokens > N maximum".
  "context limit: N(?: tokens)? \\+ N(?: tokens)? > N",
  "N(?: tokens)? > N(?: tokens)? max",
  // Mistral: "too large for model with N maximum context length".
  "model with N max",
  // Gemini: "maximum number of tokens allowed (N)". Moonshot: "exceeded model token limit: N". Cohere: "tokens in the prompt cannot exceed N".
  "max(?:imum)? number of (?:input )?tokensLN",
  "model token limitLN",
  "tokens in the prompt cannot exceed N",
  // TGI: "`inputs` tokens + `max_new_tokens` must be <= N", "`inputs` must have less than N tokens".
  "`?inputs`? tokens \\+ `?max_(?:new_)?tokens`? must be <= N",
  "`?inputs`? must have (?:less|fewer) than N tokens",
  // TensorRT-LLM: "should not exceed max_num_tokens (N)", "max_seq_len (N)".
  "should not exceed (?:the )?[a-z_ ]{1,40}LN",
  "(?:max_(?:seq_len|model_len|input_len)|n_ctx)\"?LN",
  "range of input length should be \\[ ?\\d+ ?, ?N ?\\]"
)

/** Tokens of the prompt: likewise, of several numbers the first. */
const prompts = shapes(
  // OpenAI and others: "(P in the messages, M in the completion)", "(P in your prompt; M for the completion)", "(P of text input, M in the output)".
  "N(?: tokens?)? (?:in|from|of|for) (?:the |your )?(?:input messages|messages|prompt|text input|input)",
  // vLLM: "your request has P input tokens", "your prompt contains at least P input tokens", "(parameter=input_tokens, value=P)".
  "N (?:input|prompt|message|context) tokens",
  "parameter ?= ?input_tokens, value ?= ?N",
  "n_prompt_tokens\"?LN",
  // OpenAI: "your messages resulted in P tokens". Mistral: "prompt contains P tokens". xAI: "the request contains P tokens".
  "(?:messages|prompt|request|input)s? (?:resulted in|contains?|has|have|uses?|is|are|was)(?: at least| about)? N tokens",
  // SGLang: "the input (P tokens)". vLLM: "the decoder prompt (length P)". TensorRT-LLM: "prompt length (P)", "prompt_len (P)". Gemini: "the input
  // token count (P)". llama.cpp: "request (P tokens)".
  "(?:input|prompt|request|messages?)(?: token count| tokens?| length|_len)? ?\\((?:length |of length |is )?N",
  "(?:input|prompt)(?: token count| length) (?:is |of |was )N",
  // TGI: "Given: P `inputs` tokens". Cohere: "received P". Anthropic: "too long: P tokens", "P + M > N". LM Studio: "keep the first P tokens".
  "given: N",
  "received N",
  "too long: N",
  "context limit: N(?: tokens)? \\+",
  "keep the first N tokens"
)

/** What is left for the answer is below one token: vLLM "max_tokens must be at least 1, got -5", TensorRT-LLM "default_max_tokens (-5) must be ...". */
const excesses = shapes(
  "max_(?:completion_|new_|output_)?tokens['\"`]? must be (?:at least 1|greater than 0|positive)[^-\u2212\\d]{0,20}[-\u2212]N",
  "max_tokens \\([-\u2212]N\\) must be"
)

/** Limits of use, which have limits and tokens in them too. */
const isAboutRates = /per[ -](?:second|min|hour|day)|\bTPM\b|\bRPM\b|rate limit|quota/i

const found = (list: ReadonlyArray<RegExp>, message: string): ReadonlyArray<number> => {
  for (const shape of list) {
    const groups = shape.exec(message)
    if (groups !== null) return groups.slice(1).map((digits) => Number(digits.replace(/\D/g, "")))
  }
  return []
}

/** What a server says of an overflow; null where it is no such message, or says no number. Looks at the first 10,000 characters. */
export const parseContextOverflow = (message: string): OverflowFacts | null => {
  const text = message.slice(0, messageMaximum).replace(/\s+/g, " ")
  const limit = found(limits, text).at(-1)
  const excess = found(excesses, text).at(-1)
  if (limit === undefined && excess === undefined || isAboutRates.test(text)) return null
  const prompt = found(prompts, text)[0]
  return {
    ...(limit === undefined ? {} : { max_context_length: limit }),
    ...(prompt === undefined ? {} : { message_tokens: prompt }),
    ...(excess === undefined ? {} : { message_tokens_overflow: excess })
  }
}

const says = new RegExp(
  [
    "context_length_exceeded|exceed(?:s|ed)?_context_size|context_window_exceeded|string_above_max_length",
    "(?:exceed|longer than|beyond|larger than)[^.]{0,60}(?:context|sequence) (?:length|size|window|limit)",
    "(?:prompt|input|request|message)s?(?: tokens?| length)? (?:is|are) (?:too (?:long|large)|longer than)",
    "reduce the length of the (?:messages|prompt|input)",
    "input length exceeds|maximum prompt length|too many (?:input |prompt )?tokens: total number"
  ].join("|"),
  "i"
)

/** Whether a message, or an error code, tells of an overflow, with numbers or without. */
export const saysContextOverflow = (message: string): boolean => {
  const text = message.slice(0, messageMaximum).replace(/\s+/g, " ")
  return says.test(text) && !isAboutRates.test(text) || parseContextOverflow(text) !== null
}

/** Tokens that are left free: servers and tokenizers do not count alike to the token. */
export const overflowMargin = 100

/**
 * The tokens to ask for once after an overflow, fewer than `maxTokens`, 1 or more; null when the prompt itself does not fit. maxTokens: what was
 * asked for, null: the server's default. promptTokens: our own count of the prompt, used where the server tells none; null: unknown, and
 * then half of what was asked for is tried.
 */
export const shrink = (
  facts: OverflowFacts,
  { margin = overflowMargin, maxTokens, promptTokens }: {
    readonly maxTokens: number | null
    readonly promptTokens: number | null
    readonly margin?: number
  }
): number | null => {
  const positive = (tokens: number): number | null => tokens >= 1 ? Math.floor(tokens) : null
  const most = maxTokens ?? Infinity
  const { max_context_length: limit, message_tokens: told, message_tokens_overflow: excess } = facts
  if (excess !== undefined) return null
  const prompt = told ?? promptTokens
  if (limit !== undefined && prompt !== null) {
    const room = limit - prompt - margin
    // It should have fitted by these numbers: they are lower bounds, or counted otherwise.
    return positive(room < most ? room : most - margin)
  }
  const half = Math.min(most, limit ?? Infinity) / 2
  return Number.isFinite(half) ? positive(half) : null
}
