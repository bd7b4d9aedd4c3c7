// What the HTTP edge itself refuses, before any actor is asked: wrong requests, missing rights, too much at once. Named as facts, like the
// refusals of actors; Problems.ts gives each its status.
import { Schema } from "effect"

/** What does not fit in a request: `path` says where (`query.limit`, `payload.filter.type`), `message` what would be right. */
export const Finding = Schema.Struct({ path: Schema.String, message: Schema.String })
export type Finding = typeof Finding.Type

export class RequestUnfit
  extends Schema.TaggedError<RequestUnfit>()("RequestUnfit", { findings: Schema.Array(Finding) })
{
  override get message() {
    const [first] = this.findings
    const more = this.findings.length > 1 ? `, and ${this.findings.length - 1} more` : ""
    return first === undefined
      ? "The request cannot be read"
      : `The request does not fit: ${first.path}: ${first.message}${more}`
  }
}
export class RouteUnknown extends Schema.TaggedError<RouteUnknown>()("RouteUnknown", { path: Schema.String }) {
  override get message() {
    return `There is nothing at ${this.path}`
  }
}
export class MethodUnfit extends Schema.TaggedError<MethodUnfit>()("MethodUnfit", {
  method: Schema.String,
  allowed: Schema.Array(Schema.String)
}) {
  override get message() {
    return `${this.method} cannot be used here; ${this.allowed.join(", ")} can`
  }
}
/** A token is needed, and none was given. */
export class TokenMissing extends Schema.TaggedError<TokenMissing>()("TokenMissing", {}) {
  override get message() {
    return "A bearer token is needed"
  }
}
export class ScopeMissing extends Schema.TaggedError<ScopeMissing>()("ScopeMissing", {
  needed: Schema.String,
  scope: Schema.String
}) {
  override get message() {
    return `This needs a token with the scope ${this.needed}; this one has ${this.scope}`
  }
}
/** A web page of another site may not use the API. */
export class OriginRefused extends Schema.TaggedError<OriginRefused>()("OriginRefused", { origin: Schema.String }) {
  override get message() {
    return `Pages of ${this.origin} may not use this API`
  }
}
export class BodyTooLarge extends Schema.TaggedError<BodyTooLarge>()("BodyTooLarge", { maxBytes: Schema.Int }) {
  override get message() {
    return `The body is larger than ${this.maxBytes} bytes`
  }
}
export class MediaTypeUnknown
  extends Schema.TaggedError<MediaTypeUnknown>()("MediaTypeUnknown", { mediaType: Schema.String })
{
  override get message() {
    return `A body of the type ${this.mediaType} is not taken here`
  }
}
export class RateExceeded
  extends Schema.TaggedError<RateExceeded>()("RateExceeded", { requestsPerSecond: Schema.Finite })
{
  override get message() {
    return `More than ${this.requestsPerSecond} requests a second came from this client`
  }
}
/** The process takes no new requests: it is ending, or as many are in work as may be. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", { reason: Schema.Literals(["draining", "full"]) }) {
  override get message() {
    return this.reason === "draining"
      ? "This process is ending and takes no new requests"
      : "As many requests are in work as this process takes"
  }
}
/** The request's body stood still, or came too slowly. */
export class BodyStalled extends Schema.TaggedError<BodyStalled>()("BodyStalled", {}) {
  override get message() {
    return "The request's body came too slowly and was given up"
  }
}
export class AnswerLate extends Schema.TaggedError<AnswerLate>()("AnswerLate", { millis: Schema.Int }) {
  override get message() {
    return `There was no answer within ${this.millis} ms`
  }
}
/** A bulk command would meet another number of actors than its giver saw. */
export class CountMoved extends Schema.TaggedError<CountMoved>()("CountMoved", {
  expected: Schema.Int,
  count: Schema.Int
}) {
  override get message() {
    return `The filter holds for ${this.count} actors now, not for ${this.expected}`
  }
}
export class OutputUnknown
  extends Schema.TaggedError<OutputUnknown>()("OutputUnknown", { run: Schema.String, name: Schema.String })
{
  override get message() {
    return `The run ${this.run} has no output ${this.name}`
  }
}
export class RangeUnfit extends Schema.TaggedError<RangeUnfit>()("RangeUnfit", { bytes: Schema.Int }) {
  override get message() {
    return `The range lies outside of the ${this.bytes} bytes of the file`
  }
}
/** A bug: what happened is in the log under this id, and nowhere else. */
export class ServerFault extends Schema.TaggedError<ServerFault>()("ServerFault", { incident: Schema.String }) {
  override get message() {
    return `Something went wrong inside of the server (incident ${this.incident})`
  }
}

export type Refusal =
  | RequestUnfit
  | RouteUnknown
  | MethodUnfit
  | TokenMissing
  | ScopeMissing
  | OriginRefused
  | BodyTooLarge
  | MediaTypeUnknown
  | RateExceeded
  | Busy
  | BodyStalled
  | AnswerLate
  | CountMoved
  | OutputUnknown
  | RangeUnfit
  | ServerFault
