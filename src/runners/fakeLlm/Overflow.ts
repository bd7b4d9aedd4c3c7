// What the usual servers say when prompt and answer do not fit into the context. The wordings are theirs; clients read numbers out of them.
import type { ServerKind } from "./Script.ts"

export interface Fit {
  readonly contextTokens: number
  readonly promptTokens: number
  /** undefined: as much as fits. */
  readonly maxTokens: number | undefined
}

/** llama.cpp shortens answers and refuses prompts alone; for all of them a prompt must leave a place for one token. */
export const overflows = (server: ServerKind, { contextTokens, maxTokens = 1, promptTokens }: Fit): boolean =>
  promptTokens + (server === "llama.cpp" ? 1 : maxTokens) > contextTokens

export const overflowMessage = (server: ServerKind, { contextTokens, maxTokens, promptTokens }: Fit): string => {
  const most = contextTokens
  const wanted = maxTokens ?? 0
  const alone = promptTokens >= contextTokens
  switch (server) {
    case "vllm":
      if (alone) {
        return `This model's maximum context length is ${most} tokens. However, your request has ${promptTokens} input tokens. Please reduce the length of the input messages.`
      }
      return `'max_tokens' or 'max_completion_tokens' is too large: ${wanted}. This model's maximum context length is ${most} tokens and your request has ${promptTokens} input tokens (${wanted} > ${most} - ${promptTokens}).`
    case "openai":
      return `This model's maximum context length is ${most} tokens. However, you requested ${
        promptTokens + wanted
      } tokens (${promptTokens} in the messages, ${wanted} in the completion). Please reduce the length of the messages or completion.`
    case "sglang":
      if (alone) {
        return `The input (${promptTokens} tokens) is longer than the model's context length (${most} tokens).`
      }
      return `Requested token count exceeds the model's maximum context length of ${most} tokens. You requested a total of ${
        promptTokens + wanted
      } tokens: ${promptTokens} tokens from the input messages and ${wanted} tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.`
    case "tensorrt-llm":
      return `The sum of prompt length (${promptTokens}) and query length (0) max_tokens (${wanted}) should not exceed max_seq_len (${most})`
    case "llama.cpp":
      return `request (${promptTokens} tokens) exceeds the available context size (${most} tokens), try increasing it`
  }
}

/** The body of an error in the server's shape. */
export const errorBody = (server: ServerKind, status: number, message: string, type: string, code?: string) => {
  switch (server) {
    case "vllm":
      return { error: { message, type, param: null, code: status } }
    case "sglang":
    case "tensorrt-llm":
      return { object: "error", message, type, param: null, code: status }
    case "llama.cpp":
      return { error: { code: status, message, type } }
    case "openai":
      return { error: { message, type, param: null, code: code ?? null } }
  }
}
