// What every request passes on its way in and every answer on its way out: bounds of bodies, pages of other origins, the form of errors,
// headers, counts. Nothing fails beyond here: what is no answer of a route becomes a problem document, and a bug shows its number only.
import { ByteSize, Cause, Clock, Context, Effect, Option, SchemaIssue, type Scope } from "effect"
import { HttpIncomingMessage, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { edgeInstruments, MetricRegistry } from "../actors/Metrics.ts"
import { Api } from "./Api.ts"
import { HttpLimits } from "./Limits.ts"
import { reformed } from "./openai/Errors.ts"
import { forms as openAiForms, isOpenAiPath } from "./openai/Paths.ts"
import { contentType as problemType, problemOf, problemOfUnknown, problemResponse } from "./Problems.ts"
import {
  BodyTooLarge,
  type Finding,
  MediaTypeUnknown,
  MethodUnfit,
  RateExceeded,
  RequestUnfit,
  RouteUnknown,
  ServerFault
} from "./Refusals.ts"
import { Security } from "./Security.ts"

/** What the parts of one request tell each other. */
export interface RequestNotes {
  /** The template of its route, such as `/api/runs/:id`. */
  route: string
}
export const RequestNotes = Context.Reference<RequestNotes>("polya/http/RequestNotes", {
  defaultValue: () => ({ route: "" })
})

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

export const addressOf = (request: Request): string => Option.getOrElse(request.remoteAddress, () => "")

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? ""

/** Routes without a guard. */
const openRoutes: ReadonlySet<string> = new Set(["/", "/health", "/ready", "/openapi.json", "/docs"])
/** The route whose body is a file. */
const uploadRoute = "/api/files"

/** Method and form of each route of the API, to tell a wrong method from a wrong path. */
const routes = Object.values(Api.groups).flatMap((group) =>
  Object.values(group.endpoints as { readonly [name: string]: { readonly method: string; readonly path: string } }).map(
    ({ method, path }) => ({ method, form: new RegExp(`^${path.replaceAll(/:[A-Za-z]+/g, "[^/]+")}/?$`) })
  )
).concat(openAiForms)
const methodsAt = (path: string): ReadonlyArray<string> => {
  const methods = new Set(routes.filter(({ form }) => form.test(path)).map(({ method }) => method))
  if (openRoutes.has(path)) methods.add("GET")
  if (methods.has("GET")) methods.add("HEAD")
  return [...methods].sort()
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()
const maxFindings = 50

const findingsOf = (error: HttpApiError.HttpApiSchemaError): ReadonlyArray<Finding> =>
  formatIssues(error.cause.issue).issues.slice(0, maxFindings).map(({ message, path = [] }) => ({
    path: [error.kind.toLowerCase(), ...path.map((part) => String(typeof part === "object" ? part.key : part))].join(
      "."
    )
      .slice(0, 300),
    message: message.slice(0, 500)
  }))

const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/** Those that an answer may have its own of. */
const ownHeaders = ["cache-control", "content-security-policy"]

/** Headers that a page may send. Clients of the OpenAI API tell much of themselves, which is let through and not read. */
const allowedHeaders = (path: string, asked = ""): string =>
  [
    "authorization, content-type, idempotency-key, range, x-reason",
    ...(isOpenAiPath(path)
      ? asked.toLowerCase().match(/\b(?:x-stainless|openai)-[a-z-]{1,40}/g)?.slice(0, 20) ?? []
      : [])
  ].join(", ")

/** Wraps the routes; what comes out always answers. */
export const make = Effect.fnUntraced(function*<E>(
  app: Effect.Effect<Response, E, HttpServerRequest.HttpServerRequest | Scope.Scope>
) {
  const limits = yield* HttpLimits
  const security = yield* Security
  const clock = yield* Clock.Clock
  const { refusals, requestSeconds, requests } = edgeInstruments(yield* MetricRegistry)

  let bound = { bytes: -1, size: ByteSize.fromInputUnsafe(0) }
  const maxBodySize = (): ByteSize.ByteSize => {
    if (bound.bytes !== limits.maxBodyBytes) {
      bound = { bytes: limits.maxBodyBytes, size: ByteSize.fromInputUnsafe(limits.maxBodyBytes) }
    }
    return bound.size
  }
  const refuse = (error: Parameters<typeof problemOf>[0]): Response => {
    refusals.add([error._tag])
    return problemResponse(problemOf(error))
  }
  const tooLarge = () => refuse(new BodyTooLarge({ maxBytes: limits.maxBodyBytes }))

  const fault = (request: Request, cause: Cause.Cause<unknown>): Effect.Effect<Response> =>
    Effect.suspend(() => {
      const incident = globalThis.crypto.randomUUID()
      return Effect.as(
        Effect.logError(`Incident ${incident} in ${request.method} ${pathOf(request.url)}`, cause),
        problemResponse(problemOf(new ServerFault({ incident })))
      )
    })
  const notFound = (request: Request): Response => {
    const path = pathOf(request.url).slice(0, 200)
    const allowed = methodsAt(path)
    if (allowed.includes(request.method)) {
      return refuse(new RequestUnfit({ findings: [{ path: "path", message: "It is not well encoded, or too long" }] }))
    }
    return allowed.length === 0
      ? refuse(new RouteUnknown({ path }))
      : HttpServerResponse.setHeader(
        refuse(new MethodUnfit({ method: request.method.slice(0, 20), allowed })),
        "allow",
        allowed.join(", ")
      )
  }
  /** The answer to a request that no route answered. */
  const answerTo = (request: Request, cause: Cause.Cause<unknown>): Effect.Effect<Response> => {
    const [first] = cause.reasons.flatMap((reason): ReadonlyArray<unknown> =>
      reason._tag === "Fail" ? [reason.error] : reason._tag === "Die" ? [reason.defect] : []
    )
    if (HttpServerResponse.isHttpServerResponse(first)) return Effect.succeed(first)
    if (HttpApiError.HttpApiSchemaError.is(first) && first.kind !== "Body" && first.kind !== "ResponseHeaders") {
      return Effect.succeed(refuse(new RequestUnfit({ findings: findingsOf(first) })))
    }
    if (HttpApiError.HttpApiPayloadTooLarge.is(first)) return Effect.succeed(tooLarge())
    if (HttpServerError.isHttpServerError(first)) {
      const { reason } = first
      if (reason._tag === "RouteNotFound") return Effect.succeed(notFound(request))
      if (reason._tag === "RequestParseError") {
        return Effect.succeed(
          reason.reason === "BodyTooLarge"
            ? tooLarge()
            : refuse(new RequestUnfit({ findings: [{ path: "payload", message: "The body cannot be read" }] }))
        )
      }
    }
    // A body can be nested so deeply that reading it, or saying what is wrong with it, takes the whole stack.
    if (first instanceof RangeError && first.message.includes("call stack")) {
      return Effect.succeed(
        refuse(new RequestUnfit({ findings: [{ path: "payload", message: "It is nested too deeply" }] }))
      )
    }
    const problem = problemOfUnknown(first)
    return problem === undefined ? fault(request, cause) : Effect.succeed(problemResponse(problem))
  }

  /** Some answers of the framework are no problem documents yet. */
  const formed = (request: Request, response: Response): Response => {
    const type = response.headers["content-type"] ??
      ("contentType" in response.body ? response.body.contentType : "") ?? ""
    if (response.status < 400 || type.startsWith(problemType) || type.startsWith("application/json")) return response
    if (response.status === 413) return tooLarge()
    return response.status === 415
      ? refuse(new MediaTypeUnknown({ mediaType: (request.headers["content-type"] ?? "none").slice(0, 100) }))
      : response
  }
  const headersFor = (request: Request, response: Response): { [name: string]: string } => {
    const headers: { [name: string]: string } = { ...securityHeaders }
    for (const name of ownHeaders) if (response.headers[name] !== undefined) delete headers[name]
    if (response.status === 401) {
      headers["www-authenticate"] = request.headers["authorization"] === undefined
        ? "Bearer realm=\"polya\""
        : "Bearer realm=\"polya\", error=\"invalid_token\""
    }
    if ((response.status === 429 || response.status === 503) && response.headers["retry-after"] === undefined) {
      headers["retry-after"] = "1"
    }
    const origin = request.headers["origin"]
    if (origin !== undefined && security.isAllowedOrigin(origin)) {
      headers["access-control-allow-origin"] = origin
      headers["access-control-expose-headers"] =
        "idempotency-key, retry-after, content-range, content-disposition, x-request-id"
      headers["vary"] = "origin"
    }
    return headers
  }

  const answer = (
    request: Request,
    notes: RequestNotes
  ): Effect.Effect<Response, E, HttpServerRequest.HttpServerRequest | Scope.Scope> => {
    const path = pathOf(request.url)
    const { headers } = request
    if (request.method === "OPTIONS" && headers["access-control-request-method"] !== undefined) {
      notes.route = "preflight"
      return Effect.succeed(HttpServerResponse.empty({
        status: 204,
        headers: {
          "access-control-allow-methods": methodsAt(path).join(", "),
          "access-control-allow-headers": allowedHeaders(path, headers["access-control-request-headers"]),
          "access-control-max-age": "600"
        }
      }))
    }
    if (openRoutes.has(path)) notes.route = path
    // Guarded routes count by who asks.
    if (!/^\/+(?:api|admin|metrics|v1)(?:\/|$)/.test(path) && !security.admits(addressOf(request))) {
      return Effect.succeed(refuse(new RateExceeded({ requestsPerSecond: limits.requestsPerSecond })))
    }
    if (path !== uploadRoute && Number(headers["content-length"] ?? 0) > limits.maxBodyBytes) {
      return Effect.succeed(HttpServerResponse.setHeader(tooLarge(), "connection", "close"))
    }
    return app
  }

  return Effect.withFiber<Response, never, HttpServerRequest.HttpServerRequest | Scope.Scope>((fiber) => {
    const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
    const notes: RequestNotes = { route: "none" }
    const started = clock.currentTimeNanosUnsafe()
    const finish = (response: Response): Response => {
      const known = formed(request, response)
      const answered = isOpenAiPath(pathOf(request.url)) ? reformed(known) : known
      requests.add([notes.route, request.method, String(answered.status)])
      requestSeconds.observe([notes.route], Number(clock.currentTimeNanosUnsafe() - started) / 1e9)
      return HttpServerResponse.setHeaders(answered, headersFor(request, answered))
    }
    return answer(request, notes).pipe(
      Effect.provideService(RequestNotes, notes),
      Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBodySize()),
      Effect.matchCauseEffect({
        onSuccess: (response) => Effect.succeed(finish(response)),
        onFailure: (cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.failCause(cause as Cause.Cause<never>)
            : Effect.map(answerTo(request, cause), finish)
      })
    )
  })
})
