// Why a model gave no sample. Each error says what to do, is safe to show (no key, no prompt), and has one class that decides whether the
// same call may be tried again.
import { Schema } from "effect"

export class ModelUnknown extends Schema.TaggedError<ModelUnknown>()("ModelUnknown", {
  model: Schema.String,
  known: Schema.Array(Schema.String)
}, { httpApiStatus: 404 }) {
  override get message() {
    return this.known.length === 0
      ? `There is no model ${this.model}: no model is configured. Set POLYA_LLM_BASE_URL and POLYA_LLM_MODEL, or list models in llm.models`
      : `There is no model ${this.model}; there is ${this.known.join(", ")}`
  }
}
/** Every place of the model is taken and too many wait, or this one waited too long. */
export class GenerationBusy extends Schema.TaggedError<GenerationBusy>()("GenerationBusy", {
  model: Schema.String,
  reason: Schema.Literals(["queue-full", "waited"]),
  waiting: Schema.Int,
  waitedMillis: Schema.Finite
}, { httpApiStatus: 503 }) {
  override get message() {
    return this.reason === "queue-full"
      ? `${this.waiting} calls wait for ${this.model} already: ask again later, or raise llm.maxWaiting`
      : `No place for a call of ${this.model} within ${
        Math.round(this.waitedMillis)
      } ms: ask again later, or raise llm.inFlight`
  }
}
/** No endpoint of the model can be reached now; those that failed are left alone for a while. */
export class EndpointsDown extends Schema.TaggedError<EndpointsDown>()("EndpointsDown", {
  model: Schema.String,
  detail: Schema.String
}, { httpApiStatus: 503 }) {
  override get message() {
    return `No endpoint of ${this.model} can be reached: ${this.detail}`
  }
}
/** The server keeps saying that there are too many requests. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  model: Schema.String,
  retryAfterMillis: Schema.NullOr(Schema.Finite),
  attempts: Schema.Int
}, { httpApiStatus: 429 }) {
  override get message() {
    const when = this.retryAfterMillis === null ? "later" : `in ${Math.ceil(this.retryAfterMillis / 1_000)} s`
    return `The server of ${this.model} says that it gets too many requests (asked ${this.attempts} times): ask again ${when}, or lower llm.inFlight`
  }
}
/** The server failed (5xx), and kept failing. */
export class ServerFailed extends Schema.TaggedError<ServerFailed>()("ServerFailed", {
  model: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  attempts: Schema.Int
}, { httpApiStatus: 502 }) {
  override get message() {
    return `The server of ${this.model} failed ${this.attempts} times, last with ${this.status}: ${this.detail}`
  }
}
/** The connection broke, or the answer was cut off, was no JSON, or was not what the API answers; and kept being so. */
export class ResponseUnreadable extends Schema.TaggedError<ResponseUnreadable>()("ResponseUnreadable", {
  model: Schema.String,
  detail: Schema.String,
  attempts: Schema.Int
}, { httpApiStatus: 502 }) {
  override get message() {
    return `The server of ${this.model} gave no readable answer (${this.attempts} times): ${this.detail}`
  }
}
/** The server refuses the request as it is (4xx). Asking again does not help. */
export class RequestRefused extends Schema.TaggedError<RequestRefused>()("RequestRefused", {
  model: Schema.String,
  status: Schema.Int,
  detail: Schema.String
}, { httpApiStatus: 422 }) {
  override get message() {
    return `The server of ${this.model} refuses the request (${this.status}): ${this.detail}`
  }
}
/** The server does not take the key. */
export class KeyRefused extends Schema.TaggedError<KeyRefused>()("KeyRefused", {
  model: Schema.String,
  status: Schema.Int
}, { httpApiStatus: 502 }) {
  override get message() {
    return `The server of ${this.model} does not take the key (${this.status}): set POLYA_LLM_API_KEY, or the variable that its endpoint names`
  }
}
/** Prompt and answer do not fit into the model's context, also after the answer was made shorter once. */
export class ContextOverflow extends Schema.TaggedError<ContextOverflow>()("ContextOverflow", {
  model: Schema.String,
  maxContextLength: Schema.NullOr(Schema.Int),
  promptTokens: Schema.NullOr(Schema.Int)
}, { httpApiStatus: 422 }) {
  override get message() {
    const prompt = this.promptTokens === null ? "The prompt" : `The prompt of ${this.promptTokens} tokens`
    const most = this.maxContextLength === null ? "" : ` of ${this.maxContextLength} tokens`
    return `${prompt} does not fit into the context${most} of ${this.model}: shorten it`
  }
}
/** The time was up. */
export class DeadlinePassed extends Schema.TaggedError<DeadlinePassed>()("DeadlinePassed", {
  model: Schema.String,
  /** What was waited for: the first token, the end of one call, or the sample with all its calls. */
  of: Schema.Literals(["first-token", "call", "sample"]),
  millis: Schema.Finite
}, { httpApiStatus: 504 }) {
  override get message() {
    return `${this.model} did not answer in time (${this.of}, ${
      Math.round(this.millis)
    } ms): give it longer, or ask for fewer tokens`
  }
}
/** What the model may cost is used up. */
export class SpendCapReached extends Schema.TaggedError<SpendCapReached>()("SpendCapReached", {
  model: Schema.String,
  capDollars: Schema.Finite,
  spentDollars: Schema.Finite
}, { httpApiStatus: 402 }) {
  override get message() {
    return `${this.model} has cost $${
      this.spentDollars.toFixed(4)
    } of $${this.capDollars} that it may: raise its spendCap`
  }
}

export const GenerationError = Schema.Union([
  ModelUnknown,
  GenerationBusy,
  EndpointsDown,
  RateLimited,
  ServerFailed,
  ResponseUnreadable,
  RequestRefused,
  KeyRefused,
  ContextOverflow,
  DeadlinePassed,
  SpendCapReached
])
export type GenerationError = typeof GenerationError.Type

/** Whether the same request may well succeed later: what decides between trying again and giving a sample up. */
export const mayPassLater = ({ _tag }: GenerationError): boolean =>
  _tag === "GenerationBusy" || _tag === "EndpointsDown" || _tag === "RateLimited" || _tag === "ServerFailed" ||
  _tag === "ResponseUnreadable"
