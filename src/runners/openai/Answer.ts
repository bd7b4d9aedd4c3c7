// An answer as it comes: chunks of a stream, or one object with the whole. Collects text, thought, figures and usage; nothing in it is trusted to
// have the shape that it should have.
import type { FinishReason, TokenUsage } from "../../domain/Generation.ts"
import { isJsonObject, type JsonObject } from "../../domain/Json.ts"
import { type ReasoningOptions, ReasoningSplitter } from "../../domain/Reasoning.ts"
import { estimateTokens, tokenWeight } from "../../domain/TokenEstimate.ts"
import { TokenFigures } from "../../domain/TokenFigures.ts"
import type { WirePart } from "./Wire.ts"

const finishes: { readonly [reason: string]: FinishReason } = {
  stop: "stop",
  eos: "stop",
  eos_token: "stop",
  stop_sequence: "stop",
  end_turn: "stop",
  length: "length",
  max_tokens: "length",
  model_length: "length",
  content_filter: "filter",
  tool_calls: "tool",
  function_call: "tool"
}
/** The server gave the sample up. */
const givenUp = /^(?:abort|aborted|error|cancelled|insufficient_system_resource)$/

const numberOf = (value: unknown): number => typeof value === "number" ? value : Number.NaN
/** More tokens than any context holds are a mistake of the server: they are not told, so that neither books nor caps believe them. */
const maxCount = 1_000_000_000
const countOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maxCount ? value : null

/** A message's content: a text, or parts of which some are thoughts. */
const textsOf = (content: unknown): { readonly text: string; readonly thought: string } => {
  if (typeof content === "string") return { text: content, thought: "" }
  let text = ""
  let thought = ""
  for (const part of Array.isArray(content) ? content.filter(isJsonObject) : []) {
    if (typeof part["text"] === "string") text += part["text"]
    const thinking = part["thinking"]
    if (typeof thinking === "string") thought += thinking
    for (const inner of Array.isArray(thinking) ? thinking.filter(isJsonObject) : []) {
      if (typeof inner["text"] === "string") thought += inner["text"]
    }
  }
  return { text, thought }
}
const first = (...values: ReadonlyArray<unknown>): string => {
  for (const value of values) if (typeof value === "string" && value !== "") return value
  return ""
}

/** What a chunk showed. */
export interface Seen {
  /** It is of this API: it holds a choice. */
  readonly isChoice: boolean
  /** Something was written. */
  readonly isToken: boolean
  readonly part: WirePart | null
}
const nothing: Seen = { isChoice: false, isToken: false, part: null }

export class Answer {
  readonly #splitter: ReasoningSplitter
  readonly figures = new TokenFigures()
  /** Told in a field of its own; then the text has no tags in it. */
  #reasoning = ""
  #plain = ""
  #pieces = 0
  #weight = 0
  #characters = 0
  #usage: TokenUsage | null = null
  #hasChoice = false
  finish: FinishReason | null = null
  givenUp: string | null = null

  constructor(options: ReasoningOptions) {
    this.#splitter = new ReasoningSplitter(options)
  }

  /** As the server counted; null: not told. */
  get usage(): TokenUsage | null {
    return this.#usage
  }
  get hasChoice(): boolean {
    return this.#hasChoice
  }
  /** Characters that are kept. */
  get characters(): number {
    return this.#characters
  }
  /** Tokens written so far: as told, else one for each log-probability, else estimated. */
  get tokens(): number {
    if (this.#usage !== null) return this.#usage.completionTokens
    return this.figures.tokens > 0 ? this.figures.tokens : Math.max(this.#pieces, Math.ceil(this.#weight))
  }
  get written(): { readonly text: string; readonly reasoning: string | null } {
    const { reasoning, text } = this.#splitter
    return {
      text: text + this.#plain,
      reasoning: this.#reasoning === "" ? reasoning : (reasoning ?? "") + this.#reasoning
    }
  }

  take(value: unknown): Seen {
    if (!isJsonObject(value)) return nothing
    this.#count(value["usage"])
    const choices = value["choices"]
    const choice = Array.isArray(choices)
      ? choices.find((one): one is JsonObject => isJsonObject(one) && (one["index"] ?? 0) === 0)
      : undefined
    if (choice === undefined) return nothing
    this.#hasChoice = true
    const message = [choice["delta"], choice["message"]].find(isJsonObject) ?? {}
    const { text, thought } = textsOf(message["content"] ?? choice["text"])
    const reasoning = first(message["reasoning_content"], message["reasoning"]) + thought
    const response = text === "" ? first(message["refusal"]) : text
    const before = this.figures.tokens
    this.#measure(choice["logprobs"])
    this.#end(choice["finish_reason"], first(message["refusal"]) !== "")
    const isToken = response !== "" || reasoning !== "" || this.figures.tokens > before
    if (isToken) {
      this.#pieces++
      this.#weight += tokenWeight(response) + tokenWeight(reasoning)
      this.#characters += response.length + reasoning.length
    }
    this.#reasoning += reasoning
    const split = this.#reasoning !== "" || response === "" ? null : this.#splitter.push(response)
    if (split === null) this.#plain += response
    return {
      isChoice: true,
      isToken,
      part: this.#part({
        text: split?.text ?? response,
        reasoning: reasoning + (split?.reasoning ?? ""),
        restarted: split?.restarted ?? false
      })
    }
  }

  /** No more comes: what was held back. */
  close(): WirePart | null {
    const held = this.#splitter.finish()
    // Text after a field of thoughts is told already, and stands behind.
    return this.#part(
      held.restarted ? { ...this.written, reasoning: this.written.reasoning ?? "", restarted: true } : held
    )
  }

  #part(part: { readonly text: string; readonly reasoning: string; readonly restarted: boolean }): WirePart | null {
    return part.text === "" && part.reasoning === "" && !part.restarted ? null : { ...part, tokens: this.tokens }
  }

  #end(reason: unknown, isRefusal: boolean): void {
    if (typeof reason !== "string" || reason === "") return
    if (givenUp.test(reason)) this.givenUp = reason
    this.finish = isRefusal ? "filter" : Object.hasOwn(finishes, reason) ? finishes[reason] ?? "stop" : "stop"
  }

  #count(usage: unknown): void {
    if (!isJsonObject(usage)) return
    const promptTokens = countOf(usage["prompt_tokens"])
    const completionTokens = countOf(usage["completion_tokens"])
    if (promptTokens === null || completionTokens === null) return
    const written = usage["completion_tokens_details"]
    const read = usage["prompt_tokens_details"]
    const reasoningTokens = isJsonObject(written) ? countOf(written["reasoning_tokens"]) : null
    const cachedTokens = isJsonObject(read) ? countOf(read["cached_tokens"]) : null
    this.#usage = {
      promptTokens,
      completionTokens,
      ...(reasoningTokens === null ? {} : { reasoningTokens }),
      ...(cachedTokens === null ? {} : { cachedTokens })
    }
  }

  #measure(logprobs: unknown): void {
    if (!isJsonObject(logprobs)) return
    const { content, token_logprobs: own, top_logprobs: tops } = logprobs
    for (const token of Array.isArray(content) ? content : []) {
      if (!isJsonObject(token)) continue
      const top = token["top_logprobs"]
      this.figures.add(
        numberOf(token["logprob"]),
        Array.isArray(top) ? top.map((one: unknown) => isJsonObject(one) ? numberOf(one["logprob"]) : Number.NaN) : []
      )
    }
    if (!Array.isArray(own)) return
    for (const [i, logprob] of own.entries()) {
      const top: unknown = Array.isArray(tops) ? tops[i] : null
      this.figures.add(numberOf(logprob), isJsonObject(top) ? Object.values(top).map(numberOf) : [])
    }
  }
}

/** Tokens of an answer that the server did not count. */
export const countWritten = (
  { figures, tokens, written }: Answer,
  count: ((text: string) => number) | null
): number => {
  if (count !== null) return count((written.reasoning ?? "") + written.text)
  if (figures.tokens > 0) return figures.tokens
  return Math.max(tokens, estimateTokens(written.text) + estimateTokens(written.reasoning ?? ""))
}
