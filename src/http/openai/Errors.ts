// Errors as clients of the OpenAI API know them: `{error: {message, type, param, code}}` and a status by which they decide whether to ask
// again. One table for what the edge refuses, what models fail with, and what this API refuses itself.
import { Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { redactText } from "../../domain/Redact.ts"
import { type ProblemDocument, problemOfUnknown } from "../Problems.ts"

/** A field of the request that does not fit; `param` is its path, such as `messages[0].role`. */
export class FieldUnfit extends Schema.TaggedError<FieldUnfit>()("FieldUnfit", {
  param: Schema.NullOr(Schema.String),
  code: Schema.Literals(["invalid_value", "missing_required_parameter", "unsupported_parameter", "unknown_parameter"]),
  why: Schema.String
}) {
  override get message() {
    return this.why
  }
}
export class StrategyUnknown
  extends Schema.TaggedError<StrategyUnknown>()("StrategyUnknown", { model: Schema.String, why: Schema.String })
{
  override get message() {
    return `There is no model ${this.model}: ${this.why}`
  }
}
/** No sample of a solve gave anything; `tag`: the error of the last one. */
export class SolveFailed extends Schema.TaggedError<SolveFailed>()("SolveFailed", {
  solve: Schema.String,
  tag: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `No sample of ${this.solve} succeeded, the last with ${this.tag}: ${this.why}`
  }
}
/** Somebody called the solve off while its answer was waited for. */
export class SolveCancelled
  extends Schema.TaggedError<SolveCancelled>()("SolveCancelled", { solve: Schema.String, note: Schema.String })
{
  override get message() {
    return `The solve ${this.solve} was called off${this.note === "" ? "" : `: ${this.note}`}`
  }
}
/** The time of a solve was up before the first of its samples had ended. */
export class SolveUnanswered
  extends Schema.TaggedError<SolveUnanswered>()("SolveUnanswered", { solve: Schema.String })
{
  override get message() {
    return `No sample of ${this.solve} ended in time: give it longer (polya.budget.millis), or ask for fewer tokens`
  }
}
/** A call broke off amid its answer, and the one made instead says something else. */
export class StreamDiverged extends Schema.TaggedError<StreamDiverged>()("StreamDiverged", { model: Schema.String }) {
  override get message() {
    return `The server of ${this.model} broke off, and began another answer when asked again: ask again`
  }
}

/** The error as it is sent. */
export interface WireError {
  readonly status: number
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
  readonly retryAfterSeconds?: number
  /** Whether asking again does not help although the status says so; the official clients heed it. */
  readonly final?: boolean
}

interface Worth {
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly param?: string
  readonly final?: boolean
}

const invalid = (status: number, code: string | null, param?: string): Worth => ({
  status,
  type: "invalid_request_error",
  code,
  ...(param === undefined ? {} : { param })
})
const broken = (status: number, code: string): Worth => ({ status, type: "server_error", code })
const keyUnknown = invalid(401, "invalid_api_key")
const unavailable = broken(503, "service_unavailable")
const tooMany: Worth = { status: 429, type: "requests", code: "rate_limit_exceeded" }
const late = broken(504, "timeout")

const worth = new Map<string, Worth>(Object.entries({
  TokenMissing: keyUnknown,
  TokenUnknown: keyUnknown,
  TokenExpired: keyUnknown,
  TokenRevoked: keyUnknown,
  ScopeMissing: invalid(403, "insufficient_permissions"),
  OriginRefused: invalid(403, "origin_refused"),
  RouteUnknown: invalid(404, "unknown_url"),
  MethodUnfit: invalid(405, "method_not_supported"),
  RequestUnfit: invalid(400, "invalid_request"),
  BodyTooLarge: invalid(413, "request_too_large"),
  BodyStalled: invalid(408, "request_timeout"),
  MediaTypeUnknown: invalid(415, "unsupported_content_type"),
  RateExceeded: tooMany,
  ServerFault: broken(500, "internal_error"),
  Busy: unavailable,
  AnswerLate: late,
  ActorUnavailable: unavailable,
  StoreFailed: unavailable,
  SolveUnknown: unavailable,

  FieldUnfit: invalid(400, "invalid_value"),
  StrategyUnknown: invalid(404, "model_not_found", "model"),
  SolveCancelled: { ...broken(409, "solve_cancelled"), final: true },
  SolveUnanswered: { ...late, final: true },
  StreamDiverged: broken(502, "upstream_error"),

  ModelUnknown: invalid(404, "model_not_found", "model"),
  GenerationBusy: unavailable,
  EndpointsDown: unavailable,
  RateLimited: tooMany,
  ServerFailed: broken(502, "upstream_error"),
  ResponseUnreadable: broken(502, "upstream_error"),
  KeyRefused: { ...broken(502, "upstream_key_refused"), final: true },
  RequestRefused: invalid(400, "upstream_refused"),
  ContextOverflow: invalid(400, "context_length_exceeded", "messages"),
  DeadlinePassed: late,
  SpendCapReached: { status: 429, type: "insufficient_quota", code: "insufficient_quota", final: true }
}))
const ofStatus = (status: number): Worth =>
  status >= 500 ? broken(status, "server_error") : invalid(status, "invalid_request")

const maxMessageCharacters = 2_000

const wire = (
  { code, final, param, status, type }: Worth,
  message: string,
  more: { readonly param?: string | null; readonly code?: string; readonly retryAfterSeconds?: number } = {}
): WireError => ({
  status,
  error: {
    message: redactText(message).slice(0, maxMessageCharacters),
    type,
    param: more.param ?? param ?? null,
    code: more.code ?? code
  },
  ...(more.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: more.retryAfterSeconds }),
  ...(final === true ? { final } : {})
})

/** Errors whose hint says more than their sentence; those of others speak of the rest of the API. */
const hinted: ReadonlySet<string> = new Set([
  "TokenMissing",
  "TokenUnknown",
  "TokenExpired",
  "TokenRevoked",
  "ScopeMissing",
  "OriginRefused",
  "ServerFault"
])

/** A problem document in the other form. */
export const ofProblem = ({ detail, errors, hint, status, tag }: ProblemDocument): WireError => {
  const path = errors?.[0]?.path
  const sentence = hinted.has(tag) ? `${detail}. ${hint}` : detail
  return wire(worth.get(tag) ?? ofStatus(status), sentence, path === undefined ? {} : { param: path })
}

/** Whatever else an error is, it has a tag and a sentence. */
export interface Told {
  readonly _tag: string
  readonly message: string
}

/** An error of the program in that form; one that nobody foresaw says its status alone. */
export const ofError = (error: Told): WireError => {
  if (error instanceof FieldUnfit) {
    const { code, message, param } = error
    return wire(ofStatus(400), message, { code, param })
  }
  if (error instanceof SolveFailed) return wire(worth.get(error.tag) ?? broken(502, "upstream_error"), error.message)
  const known = worth.get(error._tag)
  if (known !== undefined) {
    const after = "retryAfterMillis" in error && typeof error.retryAfterMillis === "number"
      ? { retryAfterSeconds: Math.max(1, Math.ceil(error.retryAfterMillis / 1_000)) }
      : {}
    const problem = problemOfUnknown(error)
    return problem === undefined ? wire(known, error.message, after) : { ...ofProblem(problem), ...after }
  }
  const problem = problemOfUnknown(error)
  return problem === undefined ? wire(broken(500, "internal_error"), error.message) : ofProblem(problem)
}

export const bodyOf = ({ error }: WireError): string => JSON.stringify({ error })

/** Headers that belong to an error. */
const headersOf = ({ final, retryAfterSeconds }: WireError): { [name: string]: string } => ({
  ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
  ...(final === true ? { "x-should-retry": "false" } : {})
})

export const responseOf = (error: WireError): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(bodyOf(error), {
    status: error.status,
    contentType: "application/json",
    headers: headersOf(error)
  })

const problemType = "application/problem+json"

/** An answer of the edge in this API's form: its problem documents become errors, all else stays. */
export const reformed = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  if (response.status < 400 || body._tag !== "Uint8Array" || !body.contentType.startsWith(problemType)) return response
  const problem = JSON.parse(new TextDecoder().decode(body.body)) as ProblemDocument
  const { "content-length": _length, "content-type": _type, ...headers } = response.headers
  return HttpServerResponse.setHeaders(responseOf(ofProblem(problem)), headers)
}
