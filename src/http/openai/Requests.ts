// What clients of the OpenAI API ask, read strictly: a field that would change what comes back and is not supported is refused by name, one
// that changes nothing is passed over. Everything that comes in has a bound beside the size of the body.
import { Result, Schema, SchemaIssue } from "effect"
import { type ChatMessage, SamplingParameters } from "../../domain/Generation.ts"
import { isJsonObject, type JsonObject } from "../../domain/Json.ts"
import { SolveBudget } from "../../domain/Solve.ts"
import { Strategy } from "../../domain/Strategy.ts"
import { ToolBudget } from "../../domain/ToolReasoning.ts"
import { FieldUnfit } from "./Errors.ts"

/** Choices of one answer, over all its prompts. */
export const choicesMaximum = 128
const maxMessages = 2_048
const maxPrompts = 64

/** What the extension field `polya` may ask for; all of it needs a strategy, but for the seed and the time. */
export const Extension = Schema.Struct({
  seed: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))),
  budget: Schema.optionalKey(Schema.Struct({
    millis: Schema.optionalKey(SolveBudget.fields.millis),
    tokens: Schema.optionalKey(SolveBudget.fields.tokens)
  })),
  /** Parts of the strategy that are other than its name says. */
  strategy: Schema.optionalKey(Schema.Struct({
    samples: Schema.optionalKey(Strategy.fields.samples),
    parallel: Schema.optionalKey(Strategy.fields.parallel),
    vote: Schema.optionalKey(Strategy.fields.vote),
    stop: Schema.optionalKey(Strategy.fields.stop),
    tools: Schema.optionalKey(Strategy.fields.tools),
    select: Schema.optionalKey(Strategy.fields.select),
    verify: Schema.optionalKey(Strategy.fields.verify),
    parameters: Schema.optionalKey(Strategy.fields.parameters),
    answers: Schema.optionalKey(Strategy.fields.answers)
  })),
  /** Whether samples run code, and within which budget. */
  tools: Schema.optionalKey(Schema.Union([Schema.Boolean, Schema.Null, ToolBudget]))
})
export type Extension = typeof Extension.Type

/** What both ways of asking share. */
export interface Asked {
  /** As the client names it, its strategy included. */
  readonly model: string
  readonly parameters: SamplingParameters
  readonly n: number
  readonly seed: number | null
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly extension: Extension
}
export interface ChatAsked extends Asked {
  readonly messages: ReadonlyArray<ChatMessage>
}
export interface TextAsked extends Asked {
  readonly prompts: ReadonlyArray<string>
}

type Read<A> = Result.Result<A, FieldUnfit>

const unfit = (
  param: string | null,
  why: string,
  code: FieldUnfit["code"] = "invalid_value"
): Result.Result<never, FieldUnfit> => Result.fail(new FieldUnfit({ param: param?.slice(0, 200) ?? null, code, why }))

/** Absent, or what the API takes for it. */
const isNone = (value: unknown): boolean => value === undefined || value === null
const isEmpty = (value: unknown): boolean =>
  isNone(value) || value === "" || (Array.isArray(value) && value.length === 0) ||
  (isJsonObject(value) && Object.keys(value).length === 0)
const isOff = (value: unknown): boolean => isNone(value) || value === false || value === 0
const among = (...values: ReadonlyArray<unknown>) => (value: unknown): boolean =>
  isNone(value) || values.includes(value)

const noTools = "tools are not called over this API: a strategy with tools (NAME@tir-8) lets the model run code here"
const noLogprobs = "log-probabilities of tokens are not given out: leave it away"

/** Fields that change nothing of what comes back. */
const ignored: ReadonlySet<string> = new Set([
  "user",
  "metadata",
  "store",
  "service_tier",
  "parallel_tool_calls",
  "prediction",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "safety_identifier"
])
/** Fields that would change what comes back: the values that ask for nothing are taken, all others refused. */
const refused = new Map<string, { readonly takes: (value: unknown) => boolean; readonly why: string }>(Object.entries({
  tools: { takes: isEmpty, why: noTools },
  tool_choice: { takes: among("none", "auto"), why: noTools },
  functions: { takes: isEmpty, why: noTools },
  function_call: { takes: among("none", "auto"), why: noTools },
  response_format: {
    takes: (value: unknown) => isNone(value) || (isJsonObject(value) && value["type"] === "text"),
    why: "only text comes back: leave it away, and ask for the form in the messages"
  },
  audio: { takes: isNone, why: "only text comes back: leave it away" },
  modalities: {
    takes: (value: unknown) => isNone(value) || (Array.isArray(value) && value.every((one) => one === "text")),
    why: "only text comes back: leave it away, or give [\"text\"]"
  },
  moderation: { takes: isNone, why: "nothing is moderated here: leave it away" },
  verbosity: { takes: among("medium"), why: "leave it away, and say in the messages how long the answer may be" },
  web_search_options: { takes: isNone, why: "nothing is searched here: leave it away" },
  frequency_penalty: { takes: isOff, why: "penalties are not passed on: leave it away, or give 0" },
  presence_penalty: { takes: isOff, why: "penalties are not passed on: leave it away, or give 0" },
  logit_bias: { takes: isEmpty, why: "biases are not passed on: leave it away" },
  logprobs: { takes: among(false), why: noLogprobs },
  top_logprobs: { takes: isOff, why: noLogprobs }
}))
const refusedOfText = new Map([
  ...refused,
  ...Object.entries({
    best_of: { takes: among(1), why: "give n, or a strategy (NAME@majority-8) that finds the best of several" },
    echo: { takes: among(false), why: "the prompt does not come back: leave it away" },
    suffix: { takes: isEmpty, why: "nothing is inserted: leave it away" }
  })
])

/** Sampling parameters by the API's names. */
const parameterNames = new Map([
  ["max_tokens", "maxTokens"],
  ["max_completion_tokens", "maxTokens"],
  ["temperature", "temperature"],
  ["top_p", "topP"],
  ["top_k", "topK"],
  ["min_p", "minP"],
  ["stop", "stop"],
  ["reasoning_effort", "reasoningEffort"]
])
const common: ReadonlySet<string> = new Set([
  "model",
  "n",
  "seed",
  "stream",
  "stream_options",
  "polya",
  ...parameterNames.keys()
])

const format = SchemaIssue.makeFormatterStandardSchemaV1()
const firstOf = ({ issue }: Schema.SchemaError): { readonly path: ReadonlyArray<string>; readonly message: string } => {
  const [first] = format(issue).issues
  const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part).slice(0, 60))
  return { path: path.slice(0, 12), message: (first?.message ?? "It does not fit").slice(0, 500) }
}

const readParameters = (body: JsonObject): Read<SamplingParameters> => {
  const given: { [name: string]: unknown } = {}
  for (const [name, own] of parameterNames) {
    const value = body[name]
    if (isNone(value) || (name === "stop" && isEmpty(value))) continue
    given[own] = name === "stop" && typeof value === "string" ? [value] : value
  }
  const read = Schema.decodeUnknownResult(SamplingParameters)(given)
  if (Result.isSuccess(read)) return Result.succeed(read.success)
  const { message, path: [own, ...rest] } = firstOf(read.failure)
  const name = [...parameterNames].findLast(([wire, known]) => known === own && !isNone(body[wire]))?.[0] ?? null
  return unfit(name === null ? null : [name, ...rest].join("."), `${name}: ${message}`)
}

/** The extension field: nothing in it is passed over. */
const readExtension = (value: unknown): Read<Extension> => {
  if (isNone(value)) return Result.succeed({})
  const read = Schema.decodeUnknownResult(Extension)(value, { onExcessProperty: "error" })
  if (Result.isSuccess(read)) return Result.succeed(read.success)
  const { message, path } = firstOf(read.failure)
  const param = ["polya", ...path].join(".")
  return unfit(param, `${param}: ${message}`)
}

const isWhole = (value: unknown, minimum: number, maximum: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum

const readCommon = (
  body: JsonObject,
  own: ReadonlySet<string>,
  notTaken: typeof refused
): Read<Asked> => {
  for (const [name, value] of Object.entries(body)) {
    if (common.has(name) || own.has(name) || ignored.has(name)) continue
    const one = notTaken.get(name)
    if (one === undefined) {
      return unfit(name, `${JSON.stringify(name.slice(0, 100))} is no field of this request`, "unknown_parameter")
    }
    if (!one.takes(value)) return unfit(name, `${name} is not supported: ${one.why}`, "unsupported_parameter")
  }
  const { model, n, polya, seed, stream, stream_options: options } = body
  if (isNone(model)) {
    return unfit("model", "model is missing: GET /v1/models lists the models", "missing_required_parameter")
  }
  if (typeof model !== "string" || model === "" || model.length > 300) {
    return unfit("model", "model: Expected a text of 1 to 300 characters")
  }
  if (!isNone(n) && !isWhole(n, 1, choicesMaximum)) {
    return unfit("n", `n: Expected a whole number from 1 to ${choicesMaximum}`)
  }
  if (!isNone(seed) && !isWhole(seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)) {
    return unfit("seed", "seed: Expected a whole number")
  }
  if (!isNone(stream) && typeof stream !== "boolean") return unfit("stream", "stream: Expected true or false")
  if (!isNone(options) && !isJsonObject(options)) return unfit("stream_options", "stream_options: Expected an object")
  return Result.flatMap(readParameters(body), (parameters) =>
    Result.map(readExtension(polya), (extension) => ({
      model,
      parameters,
      n: typeof n === "number" ? n : 1,
      seed: extension.seed ?? (typeof seed === "number" ? seed : null),
      stream: stream === true,
      includeUsage: isJsonObject(options) && options["include_usage"] === true,
      extension
    })))
}

const roles = new Map<unknown, ChatMessage["role"]>([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
  ["tool", "tool"]
])
const messageFields: ReadonlySet<string> = new Set([
  "role",
  "content",
  // Of what answers hold, clients give back some; models are not shown it.
  "name",
  "tool_call_id",
  "annotations",
  "reasoning",
  "reasoning_content"
])
/** Of a message, what must ask for nothing. */
const emptyFields: ReadonlySet<string> = new Set(["tool_calls", "function_call", "audio", "refusal"])

const readContent = (content: unknown, param: string): Read<string> => {
  if (typeof content === "string") return Result.succeed(content)
  if (!Array.isArray(content) || content.length === 0) {
    return unfit(param, `${param}: Expected a text, or a list of parts like {"type": "text", "text": "..."}`)
  }
  const texts: Array<string> = []
  for (const [at, part] of content.entries()) {
    if (!isJsonObject(part) || part["type"] !== "text" || typeof part["text"] !== "string") {
      const kind = isJsonObject(part) && typeof part["type"] === "string"
        ? ` of the type ${part["type"].slice(0, 40)}`
        : ""
      return unfit(
        `${param}[${at}]`,
        `${param}[${at}]: A part${kind} is not supported: only parts of the type text are`
      )
    }
    texts.push(part["text"])
  }
  return Result.succeed(texts.join(""))
}

const readMessage = (given: unknown, param: string): Read<ChatMessage> => {
  if (!isJsonObject(given)) return unfit(param, `${param}: Expected an object with role and content`)
  for (const [name, value] of Object.entries(given)) {
    if (messageFields.has(name) || (emptyFields.has(name) && isEmpty(value))) continue
    const field = `${param}.${name.slice(0, 60)}`
    return unfit(
      field,
      emptyFields.has(name) ? `${field} is not supported: messages are text` : `${field} is no field of a message`,
      emptyFields.has(name) ? "unsupported_parameter" : "unknown_parameter"
    )
  }
  const role = roles.get(given["role"])
  if (role === undefined) {
    return unfit(`${param}.role`, `${param}.role: Expected system, developer, user, assistant or tool`)
  }
  return Result.map(readContent(given["content"], `${param}.content`), (content) => ({ role, content }))
}

const readAll = <A>(
  given: ReadonlyArray<unknown>,
  read: (one: unknown, at: number) => Read<A>
): Read<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for (const [at, one] of given.entries()) {
    const result = read(one, at)
    if (Result.isFailure(result)) return Result.fail(result.failure)
    all.push(result.success)
  }
  return Result.succeed(all)
}

const asObject = (body: unknown): Read<JsonObject> =>
  isJsonObject(body) ? Result.succeed(body) : unfit(null, "The body is no JSON object")

const chatFields: ReadonlySet<string> = new Set(["messages"])
export const readChat = (body: unknown): Read<ChatAsked> =>
  Result.flatMap(asObject(body), (body) =>
    Result.flatMap(readCommon(body, chatFields, refused), (asked) => {
      const { messages } = body
      if (isNone(messages)) return unfit("messages", "messages is missing", "missing_required_parameter")
      if (!Array.isArray(messages) || messages.length === 0 || messages.length > maxMessages) {
        return unfit("messages", `messages: Expected a list of 1 to ${maxMessages} messages`)
      }
      return Result.map(
        readAll(messages, (one, at) => readMessage(one, `messages[${at}]`)),
        (messages) => ({ ...asked, messages })
      )
    }))

const textFields: ReadonlySet<string> = new Set(["prompt"])
export const readText = (body: unknown): Read<TextAsked> =>
  Result.flatMap(asObject(body), (body) =>
    Result.flatMap(readCommon(body, textFields, refusedOfText), (asked) => {
      const { prompt } = body
      if (isNone(prompt)) return unfit("prompt", "prompt is missing", "missing_required_parameter")
      const several = Array.isArray(prompt) ? prompt : [prompt]
      if (several.length === 0 || several.length > maxPrompts || several.length * asked.n > choicesMaximum) {
        return unfit(
          "prompt",
          `prompt: Expected 1 to ${maxPrompts} prompts, with at most ${choicesMaximum} choices together`
        )
      }
      return Result.map(
        readAll(several, (one) =>
          typeof one === "string"
            ? Result.succeed(one)
            : unfit("prompt", "prompt: Expected a text, or a list of texts; numbers of tokens are not supported")),
        (prompts) => ({ ...asked, prompts })
      )
    }))
