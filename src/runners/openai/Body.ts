// What is sent: the address and the body of one call.
import type { ChatMessage, Prompt } from "../../domain/Generation.ts"
import type { Json, JsonObject } from "../../domain/Json.ts"
import type { WireEndpoint, WireRequest } from "./Wire.ts"

/** A prompt in the form in which it is sent. */
export type Content =
  | { readonly path: "/chat/completions"; readonly messages: ReadonlyArray<ChatMessage> }
  | {
    readonly path: "/completions"
    readonly text: string
    /** The text begins with what the server puts before each prompt by itself. */
    readonly isComplete: boolean
  }

/** Where a call goes; null: the endpoint's address is none, or holds a user or password. An address without a path gets `/v1`. */
export const addressOf = (base: string, path: string): URL | null => {
  const url = URL.canParse(base) ? new URL(base) : null
  if (url === null || url.protocol !== "http:" && url.protocol !== "https:") return null
  if (url.username !== "" || url.password !== "") return null
  const root = url.pathname.replace(/\/+$/, "")
  url.pathname = `${root === "" ? "/v1" : root}${path}`
  url.hash = ""
  return url
}

/** Names and values that are not given are left out. */
const given = (fields: { readonly [name: string]: Json | undefined }): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] !== undefined))

interface Known {
  readonly endpoint: WireEndpoint
  readonly parameters: WireRequest["parameters"]
  readonly text: string | null
  readonly body: string
}
/** The last body of each prompt without its seed: the samples of a request differ in nothing else. */
const known = new WeakMap<Prompt, Known>()

export const bodyOf = (endpoint: WireEndpoint, request: WireRequest, content: Content): string => {
  const { parameters, prompt, seed } = request
  if (seed === null || Object.hasOwn(endpoint.extraBody ?? {}, "seed")) return wholeBodyOf(endpoint, request, content)
  const text = "text" in content ? content.text : null
  let last = known.get(prompt)
  if (last === undefined || last.endpoint !== endpoint || last.parameters !== parameters || last.text !== text) {
    last = { endpoint, parameters, text, body: wholeBodyOf(endpoint, { ...request, seed: null }, content) }
    known.set(prompt, last)
  }
  const rest = last.body === "{}" ? "" : ","
  return `${last.body.slice(0, -1)}${rest}"seed":${JSON.stringify(seed)}}`
}

const wholeBodyOf = (endpoint: WireEndpoint, request: WireRequest, content: Content): string => {
  const { extraBody = {}, maxTokensField = "max_tokens", model, stream } = endpoint
  const { parameters, seed } = request
  const { topLogprobs } = parameters
  const own = given({
    model,
    [maxTokensField]: parameters.maxTokens,
    temperature: parameters.temperature,
    top_p: parameters.topP,
    top_k: parameters.topK,
    min_p: parameters.minP,
    stop: parameters.stop === undefined || parameters.stop.length === 0 ? undefined : parameters.stop,
    seed: seed ?? undefined,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(content.path === "/completions"
      ? {
        prompt: content.text,
        logprobs: topLogprobs,
        add_special_tokens: content.isComplete ? false : undefined
      }
      : {
        messages: content.messages.map(({ content, role }) => ({ role, content })),
        ...(topLogprobs === undefined
          ? {}
          : { logprobs: true, top_logprobs: topLogprobs === 0 ? undefined : topLogprobs }),
        reasoning_effort: parameters.reasoningEffort,
        ...(content.messages.at(-1)?.role === "assistant"
          ? { continue_final_message: true, add_generation_prompt: false }
          : {})
      })
  })
  const never = new Set(Object.keys(extraBody).filter((name) => extraBody[name] === null))
  return JSON.stringify(
    Object.fromEntries(Object.entries({ ...extraBody, ...own }).filter(([name]) => !never.has(name)))
  )
}
