// Every error that leaves the program, in one form: a problem document (RFC 9457) with the tag of the domain's error, a sentence and what
// to do. The table below says once, for HTTP and WebSocket alike, what each tag is worth as a status; a tag that is missing does not compile.
import { Effect, ErrorReporter, Schema } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiSchema } from "effect/http-api"
import type { FileTooLarge, FileUnknown } from "../actors/Files.ts"
import type { Gateway } from "../actors/Gateway.ts"
import type { Intake } from "../actors/Intake.ts"
import type { Settings } from "../actors/Settings.ts"
import type { StrategyUnknown } from "../actors/Solves/Given.ts"
import type { Tokens } from "../actors/Tokens.ts"
import type { VoteGivenUp } from "../actors/Verdicts.ts"
import type { ContestUnfit, ProblemRepeated, refusals as contestRefusals } from "../domain/Contest.ts"
import type { refusals } from "../domain/DatasetRun.ts"
import type { GenerationError } from "../domain/Generation/Errors.ts"
import type { Json } from "../domain/Json.ts"
import type { refusals as evaluationRefusals } from "../domain/ModelEvaluation.ts"
import type { ProblemListTaken, ProblemListTooLarge } from "../domain/ModelEvaluation/Problems.ts"
import type { ProblemChanged, ProblemUnknown, RecordStale, StageNotReached } from "../domain/Problem.ts"
import { redactAddresses, redactText } from "../domain/Redact.ts"
import type { CellRefusal, OpenRefusal } from "../domain/Sandbox.ts"
import type { SampleUnknown, SolveTaken, SolveUnknown } from "../domain/Solve.ts"
import type { LiveRefusal } from "./live/Refusals.ts"
import { Finding, type Refusal } from "./Refusals.ts"

type ErrorOf<R> = R extends Effect.Effect<any, infer E, any> ? E : never
/** The errors of a service's methods; a type of errors that only says that they have some tag is no error of its own. */
type ErrorsOf<S> = {
  [K in keyof S]: S[K] extends (...args: Array<any>) => infer R ? ErrorOf<R> : ErrorOf<S[K]>
}[keyof S]
type Named<E> = E extends { readonly _tag: infer Tag extends string } ? (string extends Tag ? never : E) : never

/** Every error that a caller from outside may meet. */
export type KnownError =
  | Refusal
  | LiveRefusal
  | typeof refusals.Type
  | ProblemUnknown
  | ProblemChanged
  | RecordStale
  | StageNotReached
  | FileTooLarge
  | FileUnknown
  | VoteGivenUp
  | OpenRefusal
  | CellRefusal
  | GenerationError
  | SolveUnknown
  | SolveTaken
  | SampleUnknown
  | StrategyUnknown
  | typeof evaluationRefusals.Type
  | typeof contestRefusals.Type
  | ContestUnfit
  | ProblemRepeated
  | ProblemListTaken
  | ProblemListTooLarge
  | Named<ErrorsOf<Gateway["Service"]>>
  | Named<ErrorsOf<Intake["Service"]>>
  | Named<ErrorsOf<Settings["Service"]>>
  | Named<ErrorsOf<Tokens["Service"]>>
export type Tag = KnownError["_tag"]

interface Worth<E> {
  /** Or the statuses that there are, and which of them an error has. */
  readonly status: number | { readonly among: ReadonlyArray<number>; readonly of: (error: E) => number }
  /** What to do about it. */
  readonly hint: string
}

/** Asking again later may help (503); the store is full (507); something there is broken (500); the data cannot be kept (422). */
const byReason = {
  among: [503, 507, 500, 422],
  of: ({ reason }: { readonly reason: string }) =>
    reason === "full" ? 507 : reason === "data" ? 422 : reason === "damaged" || reason === "unreadable" ? 500 : 503
}
const readAgain = "Read it again and decide anew."
const later = "Ask again after the seconds in Retry-After; a command with the same Idempotency-Key has one effect."

const worth: { readonly [T in Tag]: Worth<Extract<KnownError, { readonly _tag: T }>> } = {
  RequestUnfit: { status: 400, hint: "Correct what `errors` names; /openapi.json says what each route takes." },
  TokenMissing: { status: 401, hint: "Send `Authorization: Bearer TOKEN`; `polya token create` makes one." },
  ScopeMissing: { status: 403, hint: "Use a token of that scope; `polya token create --scope SCOPE` makes one." },
  OriginRefused: { status: 403, hint: "Add the page's origin to http.allowedOrigins if it is trusted." },
  RouteUnknown: { status: 404, hint: "/docs shows every route." },
  MethodUnfit: { status: 405, hint: "Use one of the methods in the Allow header." },
  BodyStalled: { status: 408, hint: "Send it again, over a better connection or in smaller parts." },
  BodyTooLarge: { status: 413, hint: "Send less, or upload it as a file; http.maxBodyBytes is the bound." },
  MediaTypeUnknown: { status: 415, hint: "Send application/json." },
  RateExceeded: {
    status: 429,
    hint: "Ask again after the seconds in Retry-After; http.requestsPerSecond is the bound."
  },
  ServerFault: { status: 500, hint: "This is a bug; the log of the process has it under the incident's id." },
  Busy: { status: 503, hint: later },
  AnswerLate: { status: 503, hint: later },
  CountMoved: { status: 409, hint: "Do the dry run again and give its count." },
  OutputUnknown: { status: 404, hint: "GET /api/runs/{id}/outputs lists what there is." },
  RangeUnfit: { status: 416, hint: "Ask for bytes within the file." },

  AnswerTooLarge: { status: 413, hint: "Ask for a smaller page, or use HTTP." },
  FrameUnreadable: { status: 400, hint: "Send one JSON object a text frame; docs/live.md tells the messages." },
  MessageUnfit: { status: 400, hint: "docs/live.md tells the messages and their fields." },
  WatchUnknown: { status: 404, hint: "Name the id that the watch was begun with." },
  WatchTaken: { status: 409, hint: "Give each watch of a connection an id of its own, or end the other one first." },
  SessionUnknown: { status: 404, hint: "Name a session that this connection opened and did not close." },
  TooManySessions: {
    status: 429,
    hint: "Close a session that is not needed; http.maxCodeSessions is the bound of a connection."
  },
  TooManyCells: { status: 429, hint: "Wait for answers before sending more cells." },
  TooManyWatches: {
    status: 429,
    hint: "End watches that are not looked at; http.maxSubscriptions is the bound of a connection."
  },

  RunUnknown: { status: 404, hint: "GET /api/runs lists the runs." },
  RunNotReady: { status: 409, hint: readAgain },
  RunTaken: { status: 409, hint: "Give another id, or none." },
  AdvanceStale: { status: 409, hint: readAgain },
  StageUnknown: { status: 422, hint: "The run's recipe names its stages; GET /api/runs/{id} shows them." },
  ProblemUnknown: { status: 404, hint: "GET /api/problems lists the problems." },
  ProblemChanged: { status: 409, hint: readAgain },
  RecordStale: { status: 409, hint: readAgain },
  StageNotReached: { status: 409, hint: "GET /api/problems/{id} shows the stages that it has results of." },

  TypeUnknown: { status: 404, hint: "GET /admin/types lists the types." },
  CommandUnknown: { status: 404, hint: "GET /admin/types lists the commands of each type." },
  PayloadUnfit: { status: 422, hint: "GET /admin/types shows what each command takes." },
  ActorUnknown: { status: 404, hint: "GET /admin/actors lists the actors." },
  VersionUnknown: { status: 404, hint: "The history lists the versions that there are." },
  KeyReused: {
    status: 422,
    hint: "Give each command an Idempotency-Key of its own; the same key is for the same command again."
  },
  VersionMoved: { status: 409, hint: readAgain },
  StateUnfit: { status: 422, hint: "Start from the state as it is read, and change what is needed." },
  ActorUnavailable: { status: byReason, hint: later },
  StoreFailed: { status: byReason, hint: later },

  RecipeRefused: { status: 422, hint: "Correct what is named by line and column; docs/recipes.md tells the format." },
  SourceForbidden: { status: 403, hint: "POST /api/files uploads a file; name it as upload:ID." },
  SourceUnreadable: {
    status: { among: [422, 507], of: ({ reason }) => reason === "full" ? 507 : 422 },
    hint: "Correct the source, or upload it again; with 507, free space where it is read."
  },
  ResourcesTooLarge: { status: 413, hint: "Give fewer or smaller benchmark files." },
  FileUnknown: { status: 404, hint: "GET /api/files lists what was uploaded." },
  FileTooLarge: { status: 413, hint: "Split the file, or raise http.maxUploadBytes." },

  VoteGivenUp: { status: 422, hint: "Send fewer or shorter samples; verdict.voteMillis is the bound." },

  SandboxBusy: {
    status: 503,
    hint: "Ask again after the seconds in Retry-After; sandbox.sessions and sandbox.maxWaiting are the bounds."
  },
  SandboxUnavailable: {
    status: 503,
    hint: "`polya doctor` says what this machine lacks; docs/sandbox.md tells the levels."
  },
  SessionOver: { status: 410, hint: "Open another session and run its cells again." },
  StateLost: { status: 409, hint: "Replay the session's cells, restart it empty, or open another." },
  CodeTooLong: { status: 413, hint: "Send less code in one cell; sandbox.codeBytes is the bound." },

  ModelUnknown: { status: 404, hint: "GET /api/models lists the models; docs/models.md tells how to name one." },
  GenerationBusy: { status: 503, hint: later },
  EndpointsDown: {
    status: 503,
    hint: "GET /api/models shows what each endpoint said last; look at the model's server."
  },
  RateLimited: { status: 429, hint: "Ask again after the seconds in Retry-After, or lower llm.inFlight." },
  ServerFailed: { status: 502, hint: "Look at the log of the model's server; GET /api/calls shows the calls." },
  ResponseUnreadable: { status: 502, hint: "GET /api/calls shows the calls; is it an OpenAI-compatible server?" },
  RequestRefused: { status: 422, hint: "Correct what the model's server names; docs/models.md tells what is sent." },
  KeyRefused: { status: 502, hint: "Set the key of the model's endpoint and start the process again." },
  ContextOverflow: { status: 422, hint: "Shorten the prompt, or use a model with a longer context." },
  DeadlinePassed: { status: 504, hint: "Give it longer, ask for fewer tokens, or look at how busy the model is." },
  SpendCapReached: { status: 402, hint: "Raise the model's spend cap if it may cost more." },
  SolveUnknown: { status: 404, hint: "GET /api/solves lists the solves." },
  SolveTaken: { status: 409, hint: "Give another id, or none." },
  SampleUnknown: {
    status: 404,
    hint: "GET /api/solves/{id} shows its samples; a text is there once its sample has ended."
  },
  StrategyUnknown: { status: 422, hint: "docs/solving.md lists the strategies." },

  EvaluationUnknown: { status: 404, hint: "GET /api/evaluations lists the evaluations." },
  EvaluationTaken: { status: 409, hint: "Give another id, or none." },
  EvaluationNotReady: { status: 409, hint: "GET /api/evaluations/{id} shows how it stands." },
  ProblemListTaken: { status: 409, hint: "Send the next list, or create another evaluation." },
  ProblemListTooLarge: { status: 413, hint: "Send the problems in smaller lists." },

  ContestUnknown: { status: 404, hint: "GET /api/contests lists the contests." },
  ContestTaken: { status: 409, hint: "Give another id, or none." },
  ContestClosed: { status: 409, hint: "GET /api/contests/{id} shows how it stands; start another contest." },
  ContestUnfit: { status: 422, hint: "Correct what is named; docs/competition.md tells the bounds." },
  ProblemRepeated: { status: 409, hint: "Give each problem an id of its own." },
  PassStale: { status: 409, hint: readAgain },

  SettingInvalid: { status: 422, hint: "Nothing was changed; correct the values named." },
  SettingNotLive: { status: 409, hint: "Change the configuration file or the environment and restart the processes." },
  ConfigMoved: { status: 409, hint: readAgain },
  TokenUnknown: { status: 401, hint: "`polya token create` makes a token; send it whole." },
  TokenExpired: { status: 401, hint: "`polya token create` makes another." },
  TokenRevoked: { status: 401, hint: "`polya token create` makes another." },
  TokenAbsent: { status: 404, hint: "GET /admin/tokens lists the tokens." },
  TokenTaken: { status: 409, hint: "Ask again: each request makes another id." },
  ConfigFull: { status: 409, hint: "Unset live values that are no longer needed (null)." }
}

const titles: { readonly [status: number]: string } = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  507: "Insufficient Storage"
}
export const titleOf = (status: number): string => titles[status] ?? "Error"

/** The document as it is sent. */
export interface ProblemDocument<T extends string = string> {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly tag: T
  readonly hint: string
  /** Each thing that does not fit, where there are several. */
  readonly errors?: ReadonlyArray<Finding>
  /** The error's own fields, for programs. */
  readonly facts?: { readonly [name: string]: Json }
}

export const contentType = "application/problem+json"

/** An error on its way out. */
export class Problem<T extends string = string> implements ProblemDocument<T> {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly tag: T
  readonly hint: string
  declare readonly errors?: ReadonlyArray<Finding>
  declare readonly facts?: { readonly [name: string]: Json }
  constructor(document: Omit<ProblemDocument<T>, "type" | "title">) {
    this.type = `urn:polya:problem:${document.tag}`
    this.title = titleOf(document.status)
    this.status = document.status
    this.detail = document.detail
    this.tag = document.tag
    this.hint = document.hint
    if (document.errors !== undefined) this.errors = document.errors
    if (document.facts !== undefined) this.facts = document.facts
  }
  readonly [ErrorReporter.ignore] = true;
  [HttpServerRespondable.symbol]() {
    return Effect.succeed(problemResponse(this))
  }
}

const maxDetailCharacters = 2_000

const isKnown = (tag: string): tag is Tag => Object.hasOwn(worth, tag)

/** The problem document of an error of the program. */
export const problemOf = <E extends KnownError>(error: E): Problem<E["_tag"]> => {
  const { hint, status } = worth[error._tag] as Worth<E>
  const facts = factsOf(error)
  return new Problem<E["_tag"]>({
    status: typeof status === "number" ? status : status.of(error),
    detail: redactText(error.message).slice(0, maxDetailCharacters),
    tag: error._tag,
    hint,
    ...(error._tag === "RequestUnfit" ? { errors: error.findings } : facts === undefined ? {} : { facts })
  })
}

/** The same for an error whose type is not known; none if it is no error of the program. */
export const problemOfUnknown = (error: unknown): Problem | undefined => {
  if (error instanceof Problem) return error
  const tag = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
  return typeof tag === "string" && isKnown(tag) ? problemOf(error as KnownError) : undefined
}

/** Facts that are said elsewhere in the document. */
const said = new Set(["_tag", "message", "name", "stack", "cause", "findings"])
const factsOf = (error: object): { readonly [name: string]: Json } | undefined => {
  const facts: { [name: string]: Json } = {}
  for (const [name, value] of Object.entries(error)) {
    if (said.has(name) || name.startsWith("~")) continue
    if (typeof value === "string") {
      facts[name] = redactText(value).slice(0, maxDetailCharacters)
    } else if (typeof value === "number" || typeof value === "boolean" || value === null) facts[name] = value
    else if (Array.isArray(value)) facts[name] = redactAddresses(value.slice(0, 100) as ReadonlyArray<Json>)
  }
  // Of most errors this is another error, for the log; of some it is one of their words.
  if ("cause" in error && typeof error.cause === "string") facts["cause"] = redactText(error.cause)
  return Object.keys(facts).length === 0 ? undefined : facts
}

export const problemResponse = (
  { detail, errors, facts, hint, status, tag, title, type }: ProblemDocument
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify({ type, title, status, detail, tag, hint, errors, facts }), {
    status,
    contentType
  })

const statusesOf = (tag: Tag): ReadonlyArray<number> => {
  const { status } = worth[tag]
  return typeof status === "number" ? [status] : status.among
}

const schemas = new Map<string, Schema.Top>()
/** The schema of documents of one status; the same one for the same tags, so that the OpenAPI document names it once. */
const schemaOf = (status: number, tags: ReadonlyArray<Tag>): Schema.Top => {
  const identifier = `Problem${status}.${tags.join(".")}`
  const made = schemas.get(identifier) ?? Schema.Struct({
    type: Schema.String,
    title: Schema.String,
    status: Schema.Literal(status),
    detail: Schema.String,
    tag: Schema.Literals(tags),
    hint: Schema.String,
    errors: Schema.optionalKey(Schema.Array(Finding)),
    facts: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
  }).annotate({ httpApiStatus: status, description: titleOf(status), identifier }).pipe(
    HttpApiSchema.asJson({ contentType })
  )
  schemas.set(identifier, made)
  return made
}

/** Schemas of the problem documents with these tags, one a status: what a route says in the OpenAPI document that it may answer. */
export const problems = <const T extends ReadonlyArray<Tag>>(
  ...tags: T
): ReadonlyArray<Schema.Codec<Problem<T[number]>, ProblemDocument>> => {
  const byStatus = new Map<number, Array<Tag>>()
  for (const tag of tags) {
    for (const status of statusesOf(tag)) byStatus.set(status, [...byStatus.get(status) ?? [], tag])
  }
  return [...byStatus].sort(([a], [b]) => a - b).map(([status, tags]) =>
    schemaOf(status, tags) as unknown as Schema.Codec<Problem<T[number]>, ProblemDocument>
  )
}
