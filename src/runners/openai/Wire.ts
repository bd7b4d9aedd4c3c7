// The words of the wire client: one call to one OpenAI-compatible endpoint, what comes back, and why nothing did. A call is never made again
// here: whoever calls decides that by the failure's class.
import { type Effect, type Redacted, Schema } from "effect"
import { OverflowFacts } from "../../domain/ContextOverflow.ts"
import { type FinishReason, type Prompt, type SamplingParameters, TokenUsage } from "../../domain/Generation.ts"
import type { Json } from "../../domain/Json.ts"
import type { Figures } from "../../domain/Vote/VoteRule.ts"
import type { LocalTokenizer, TokenizerUnusable } from "./LocalTokenizer.ts"

/** Where to ask, and in what form. */
export interface WireEndpoint {
  /** Up to `/v1`, without it or with a slash behind: `http://127.0.0.1:8000/v1`. No user, no password in it. */
  readonly url: string
  /** The model's name on this server. */
  readonly model: string
  readonly key?: Redacted.Redacted<string>
  readonly organization?: string
  readonly headers?: { readonly [name: string]: string }
  /**
   * What chat prompts are sent to: `/chat/completions`, or `/completions` after the tokenizer's template (then `tokenizer` is needed). Text
   * prompts go to `/completions` always.
   */
  readonly api: "chat" | "completions"
  /** Whether parts are asked for as they are written. Without, there is no time of a first token and the idle deadline does not count. */
  readonly stream: boolean
  /** Fields of the body beside the usual ones; the request's own win. null: this field is never sent, such as `{ "seed": null }`. */
  readonly extraBody?: { readonly [name: string]: Json }
  /** Default `max_tokens`. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens"
  /** What ends a thought in the text, where the server does not tell thoughts apart. Default: Reasoning.ts, `defaultEndTags`. */
  readonly endTags?: ReadonlyArray<string>
  /** The chat template of the server opens a thought, so that an answer without any tag is an unfinished one. Default false. */
  readonly opensThought?: boolean
  /** Renders chat prompts for `completions` and counts tokens that the server does not tell (`lazyTokenizer`). */
  readonly tokenizer?: Effect.Effect<LocalTokenizer, TokenizerUnusable>
  /** Bytes of one response, at most. Default 64 MiB. */
  readonly responseBytes?: number
}

export interface WireRequest {
  readonly prompt: Prompt
  readonly parameters: SamplingParameters
  readonly seed: number | null
}

/** Counted from the start of the call; `idleMillis` from the last part. All above 0; Infinity: none. */
export interface WireDeadlines {
  readonly callMillis: number
  readonly firstTokenMillis: number
  readonly idleMillis: number
}

/** More of an answer. */
export interface WirePart {
  readonly text: string
  readonly reasoning: string
  /** What was told before is void, and this part holds it again: an end tag showed that it was a thought. */
  readonly restarted: boolean
  /** Tokens written so far, estimated. */
  readonly tokens: number
}

export interface WireOutput {
  readonly text: string
  /** null: none was told apart. */
  readonly reasoning: string | null
  readonly finish: FinishReason
  readonly usage: TokenUsage
  readonly figures: Figures
  /** null: the answer came in one piece. */
  readonly firstTokenMillis: number | null
  readonly millis: number
  readonly status: number
}

/**
 * - `connection`: no connection, or it broke before an answer began.
 * - `rate-limited`: 429. `server`: 5xx, 408, 409, 425, or an error of the server inside of an answer.
 * - `key`: 401, 403. `overflow`: context overflow. `refused`: any other answer that is no 2xx, and requests that cannot be sent.
 * - `unreadable`: cut off, no JSON, not of the API's shape, or too large.
 * - `deadline`: the time was up.
 */
export const WireFailureClass = Schema.Literals([
  "connection",
  "rate-limited",
  "server",
  "refused",
  "key",
  "overflow",
  "unreadable",
  "deadline"
])
export type WireFailureClass = typeof WireFailureClass.Type

/** A call without an output. `detail` is at most 2,000 characters, holds no key and no prompt of ours, and may be shown. */
export class WireFailure extends Schema.TaggedError<WireFailure>()("WireFailure", {
  class: WireFailureClass,
  /** null: there was no answer. */
  status: Schema.NullOr(Schema.Int),
  detail: Schema.String,
  /** How long the server asks to be left alone; null: it does not say. */
  retryAfterMillis: Schema.NullOr(Schema.Finite),
  /** Which deadline of how many milliseconds it was; null for other classes. */
  deadline: Schema.NullOr(
    Schema.Struct({ of: Schema.Literals(["first-token", "call", "idle"]), millis: Schema.Finite })
  ),
  /** What the server says of an overflow; null for other classes. */
  overflow: Schema.NullOr(OverflowFacts),
  /** What was spent nevertheless: the prompt and what was written before the failure; none where no answer began. */
  usage: TokenUsage,
  firstTokenMillis: Schema.NullOr(Schema.Finite),
  millis: Schema.Finite
}) {
  override get message() {
    return this.detail
  }
}
