// What is asked of a model and what comes back: the words of the port `Generation` (actors/Generation.ts). A request asks for samples of one
// prompt; each sample has a seed of its own and ends on its own, with an output or a typed error (Generation/Errors.ts).
import { Schema } from "effect"
import { Figures } from "./Vote/VoteRule.ts"

export const ChatRole = Schema.Literals(["system", "user", "assistant", "tool"])

/** One message of a conversation. `assistant` as the last one: the model goes on where it ends. */
export const ChatMessage = Schema.Struct({ role: ChatRole, content: Schema.String })
export type ChatMessage = typeof ChatMessage.Type

/** A conversation, which the server or a local chat template renders, or text as the model gets it. */
export const Prompt = Schema.Union([
  Schema.TaggedStruct("Chat", { messages: Schema.Array(ChatMessage).check(Schema.isMinLength(1)) }),
  Schema.TaggedStruct("Text", { text: Schema.String })
])
export type Prompt = typeof Prompt.Type

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Samples of one request, and stop texts of one, at most. */
export const samplesMaximum = 1_024
export const stopsMaximum = 16

/**
 * How to sample; what is left out is the server's default.
 * - `maxTokens`: tokens to write, 1..1,000,000. `temperature`: 0..5; 0 is greedy. `topP`: 0..1. `topK`: tokens, -1: all. `minP`: 0..1.
 * - `stop`: texts at which the model stops; they are not part of the output.
 * - `topLogprobs`: likeliest tokens whose log-probabilities come with each token, 0..20; 0: only those of the tokens written. Without it none.
 */
export const SamplingParameters = Schema.Struct({
  maxTokens: Schema.optionalKey(count(1, 1_000_000)),
  temperature: Schema.optionalKey(between(0, 5)),
  topP: Schema.optionalKey(between(0, 1)),
  topK: Schema.optionalKey(count(-1, 1_000_000)),
  minP: Schema.optionalKey(between(0, 1)),
  stop: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isMinLength(1))).check(Schema.isMaxLength(stopsMaximum))
  ),
  topLogprobs: Schema.optionalKey(count(0, 20)),
  reasoningEffort: Schema.optionalKey(Schema.Literals(["low", "medium", "high"]))
})
export type SamplingParameters = typeof SamplingParameters.Type

export interface GenerationRequest {
  /** A model's name, as `Generation.models` has it. */
  readonly model: string
  readonly prompt: Prompt
  readonly parameters: SamplingParameters
  /** One seed a sample; as many samples as seeds, 1..1,024. null: none is sent. */
  readonly seeds: ReadonlyArray<number | null>
  /** Whose work it is. */
  readonly owner: string
  /** Which work of the owner's, such as an evaluation or a solve; absent: a call of its own. */
  readonly run?: string
  /** A sample that has not ended so long after its start (the wait for a place included) fails with `DeadlinePassed`. */
  readonly deadlineMillis: number
  /** Whether parts of samples are told as they come. */
  readonly deltas: boolean
}

/** Who takes turns with others for the places of an endpoint, and whom a call is listed under: a run, else its owner. */
export const callerOf = ({ owner, run }: Pick<GenerationRequest, "owner" | "run">): string =>
  run === undefined ? owner : `${owner}/${run}`

/** Tokens as the server counted them; what it does not say is counted by a local tokenizer, else estimated, and marked. */
export const TokenUsage = Schema.Struct({
  promptTokens: Schema.Int,
  completionTokens: Schema.Int,
  /** Of `completionTokens`, those of the reasoning; absent: not told. */
  reasoningTokens: Schema.optionalKey(Schema.Int),
  /** Of `promptTokens`, those that the server had cached. */
  cachedTokens: Schema.optionalKey(Schema.Int),
  estimated: Schema.optionalKey(Schema.Boolean)
})
export type TokenUsage = typeof TokenUsage.Type

export const noUsage: TokenUsage = { promptTokens: 0, completionTokens: 0 }
/** Servers say what they like: a sum stays a whole number. */
const sum = (a: number, b: number): number => Math.min(Number.MAX_SAFE_INTEGER, a + b)
export const addUsage = (a: TokenUsage, b: TokenUsage): TokenUsage => {
  const optional = (name: "reasoningTokens" | "cachedTokens") =>
    a[name] === undefined && b[name] === undefined ? {} : { [name]: sum(a[name] ?? 0, b[name] ?? 0) }
  return {
    promptTokens: sum(a.promptTokens, b.promptTokens),
    completionTokens: sum(a.completionTokens, b.completionTokens),
    ...optional("reasoningTokens"),
    ...optional("cachedTokens"),
    ...(a.estimated === true || b.estimated === true ? { estimated: true } : {})
  }
}

/** Why a sample ended: by itself or at a stop text, at `maxTokens` or the context's end, by a filter, or to call a tool. */
export const FinishReason = Schema.Literals(["stop", "length", "filter", "tool"])
export type FinishReason = typeof FinishReason.Type

/** A sample that ended well. */
export const SampleOutput = Schema.Struct({
  /** The response without its reasoning. */
  text: Schema.String,
  /** What the model thought before (a field of its own, or the text before the end tag); null: none was told apart. */
  reasoning: Schema.NullOr(Schema.String),
  finish: FinishReason,
  usage: TokenUsage,
  /** From log-probabilities, where the request asked for them: logprobMean, entropyMean, confidence. */
  figures: Figures,
  /** Model and endpoint as they answered; an endpoint's name holds no secret. */
  endpoint: Schema.String,
  /** From the start of the sample: its wait for a place, up to the first token (null: not told), and the whole. */
  queueMillis: Schema.Finite,
  firstTokenMillis: Schema.NullOr(Schema.Finite),
  millis: Schema.Finite,
  /** Calls that it took, failed ones included. */
  attempts: Schema.Int,
  /** What it cost by the model's prices, in millionths of a US dollar; 0 where no price is set. */
  microDollars: Schema.Finite
})
export type SampleOutput = typeof SampleOutput.Type
