// What callers ask, as the two endpoints of the OpenAI API take it: checked by hand, because it is done thousands of times a second.
import { isJsonObject, type Json } from "../../domain/Json.ts"
import { countPieces } from "./Pieces.ts"

export type Api = "chat" | "completions"

export interface Asked {
  readonly api: Api
  readonly model: string
  /** All texts of the prompt, one after the other. */
  readonly prompt: string
  /** Those of the user alone; of a raw prompt all. */
  readonly userTexts: ReadonlyArray<string>
  readonly promptTokens: number
  readonly samples: number
  readonly maxTokens: number | undefined
  readonly seed: number | undefined
  readonly greedy: boolean
  readonly stops: ReadonlyArray<string>
  readonly stream: boolean
  readonly includeUsage: boolean
  /** Likeliest tokens told with each token; undefined: no log-probabilities. */
  readonly topLogprobs: number | undefined
  /** What code put out, in order. */
  readonly outputs: ReadonlyArray<string>
  /** The last thing in the prompt is such an output. */
  readonly endsInOutput: boolean
}

export const maxSamples = 128
const roles = new Set(["system", "developer", "user", "assistant", "tool"])

interface Message {
  readonly role: string
  readonly content: string
}

/** The request, or what the server says against it. */
export const askedOf = (body: Json, api: Api): Asked | string => {
  if (!isJsonObject(body)) return "The body must be a JSON object"
  const messages = api === "chat" ? messagesOf(body["messages"]) : promptOf(body["prompt"])
  if (typeof messages === "string") return messages
  const { model, temperature } = body
  if (typeof model !== "string" || model === "") return "model must be a text"
  const samples = integer(body, "n", 1, maxSamples)
  const seed = integer(body, "seed", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const maxTokens = integer(body, body["max_completion_tokens"] == null ? "max_tokens" : "max_completion_tokens", 1)
  const stops = stopsOf(body["stop"])
  const topLogprobs = logprobsOf(body, api)
  for (const mistake of [samples, seed, maxTokens, stops, topLogprobs]) if (typeof mistake === "string") return mistake
  if (temperature != null && !(typeof temperature === "number" && temperature >= 0)) {
    return `temperature must be non-negative, got ${JSON.stringify(temperature).slice(0, 100)}.`
  }
  const options = body["stream_options"]
  const { endsInOutput, outputs } = outputsOf(messages)
  return {
    api,
    model,
    prompt: messages.map(({ content }) => content).join("\n"),
    userTexts: messages.flatMap(({ content, role }) => (role === "user" ? [content] : [])),
    promptTokens: messages.reduce((sum, { content }) => sum + countPieces(content) + (api === "chat" ? 3 : 0), 0),
    samples: (samples as number | undefined) ?? 1,
    maxTokens: maxTokens as number | undefined,
    seed: seed as number | undefined,
    greedy: temperature === 0,
    stops: stops as ReadonlyArray<string>,
    stream: body["stream"] === true,
    includeUsage: options !== undefined && isJsonObject(options) && options["include_usage"] === true,
    topLogprobs: topLogprobs as number | undefined,
    outputs,
    endsInOutput
  }
}

const integer = (
  body: { readonly [key: string]: Json },
  key: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER
): number | string | undefined => {
  const value = body[key]
  if (value == null) return undefined
  if (typeof value !== "number" || !Number.isInteger(value)) return `${key} must be an integer`
  if (value < least) return `${key} must be at least ${least}, got ${value}.`
  return value > most ? `${key} must be at most ${most}, got ${value}.` : value
}

const messagesOf = (value: Json | undefined): ReadonlyArray<Message> | string => {
  if (!Array.isArray(value) || value.length === 0) return "messages must be a list that is not empty"
  const messages: Array<Message> = []
  for (const message of value as ReadonlyArray<Json>) {
    if (!isJsonObject(message) || typeof message["role"] !== "string" || !roles.has(message["role"])) {
      return `Each of messages must have a role: ${[...roles].join(", ")}`
    }
    const content = textOf(message["content"])
    if (content === undefined) return "The content of a message must be text"
    messages.push({ role: message["role"], content })
  }
  return messages
}

const textOf = (content: Json | undefined): string | undefined => {
  if (content == null) return ""
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return undefined
  const texts = (content as ReadonlyArray<Json>).map((part) =>
    isJsonObject(part) && typeof part["text"] === "string" ? part["text"] : undefined
  )
  return texts.includes(undefined) ? undefined : texts.join("")
}

const promptOf = (value: Json | undefined): ReadonlyArray<Message> | string => {
  const prompt = Array.isArray(value) && value.length === 1 ? (value as ReadonlyArray<Json>)[0] : value
  return typeof prompt === "string" ? [{ role: "user", content: prompt }] : "prompt must be one text"
}

const stopsOf = (value: Json | undefined): ReadonlyArray<string> | string => {
  if (value == null) return []
  const stops = Array.isArray(value) ? value as ReadonlyArray<Json> : [value]
  return stops.length <= 32 && stops.every((stop) => typeof stop === "string" && stop !== "")
    ? stops as ReadonlyArray<string>
    : "stop must be a text, or a list of at most 32"
}

const logprobsOf = (body: { readonly [key: string]: Json }, api: Api): number | string | undefined => {
  if (api === "completions") return integer(body, "logprobs", 0, 20)
  const top = integer(body, "top_logprobs", 0, 20)
  if (body["logprobs"] !== true) return top === undefined ? undefined : "top_logprobs needs logprobs"
  return top ?? 0
}

const opening = /^\s*(?:(`{3,}|~{3,})output\b|<tool_response>)/
const closingTag = "</tool_response>"

/** Outputs of code: messages of tools, fenced `output` blocks, and what stands between `<tool_response>` tags at the start of a line. */
const outputsOf = (messages: ReadonlyArray<Message>) => {
  const outputs: Array<string> = []
  let endsInOutput = false
  for (const { content, role } of messages) {
    if (role === "tool") {
      outputs.push(content)
      endsInOutput = true
      continue
    }
    if (content.includes("output") || content.includes("<tool_response>")) {
      const found = blocksOf(content)
      outputs.push(...found.outputs)
      endsInOutput = found.last
    } else if (content.trim() !== "") endsInOutput = false
  }
  return { outputs, endsInOutput }
}

/** What a driver of tools may add to an output, such as how many runs are left. */
const noticeCharacters = 300

/** `last`: hardly anything comes after the last block. */
const blocksOf = (text: string) => {
  const outputs: Array<string> = []
  let inside: { readonly close: string; readonly lines: Array<string> } | undefined
  let after = ""
  for (const line of text.split("\n")) {
    if (inside === undefined) {
      const found = opening.exec(line)
      if (found === null) {
        after += line.trim()
        continue
      }
      const rest = line.slice(found[0].length)
      inside = { close: found[1] ?? closingTag, lines: [] }
      if (found[1] !== undefined) continue
      const end = rest.indexOf(closingTag)
      inside.lines.push(end < 0 ? rest : rest.slice(0, end))
      if (end < 0) continue
    } else if (!line.trim().startsWith(inside.close)) {
      const end = inside.close === closingTag ? line.indexOf(closingTag) : -1
      inside.lines.push(end < 0 ? line : line.slice(0, end))
      if (end < 0) continue
    }
    outputs.push(inside.lines.join("\n").trim())
    inside = undefined
    after = ""
  }
  return { outputs, last: outputs.length > 0 && after.length <= noticeCharacters && inside === undefined }
}
