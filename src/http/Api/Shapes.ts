// The shapes that the routes share: ids, pages, headers of commands, entries of lists. Everything that comes in has a bound.
import { Context, Effect, Schema } from "effect"
import { HttpApiMiddleware, HttpApiSchema, OpenApi } from "effect/http-api"
import { ActorId, type Scope } from "../../actors/Gateway.ts"
import { isTooDeep, type Json, maxDepth } from "../../domain/Json.ts"
import { problems } from "../Problems.ts"
import type { CurrentCaller } from "../Security.ts"

/** The scope that an endpoint needs. */
export const NeedsScope = Context.Reference<Scope>("polya/http/NeedsScope", { defaultValue: () => "admin" })
/** An endpoint whose answer takes as long as its bytes do, or that watches its own time. */
export const OwnDeadline = Context.Reference<boolean>("polya/http/OwnDeadline", { defaultValue: () => false })

/** What an endpoint is for, and the scope it needs. */
export const about = (scope: Scope, summary: string, description = ""): Context.Context<never> =>
  Context.add(
    OpenApi.annotations({
      summary,
      description: `${description === "" ? "" : `${description}\n\n`}Needs the scope \`${scope}\`.`
    }),
    NeedsScope,
    scope
  ) as Context.Context<never>

/** Stands before every route of the API: who asks, whether they may, and until when there must be an answer. */
export class Guard extends HttpApiMiddleware.Service<Guard, { provides: CurrentCaller }>()("polya/http/Guard", {
  error: problems(
    "RequestUnfit",
    "TokenMissing",
    "TokenUnknown",
    "TokenExpired",
    "TokenRevoked",
    "ScopeMissing",
    "OriginRefused",
    "BodyStalled",
    "BodyTooLarge",
    "MediaTypeUnknown",
    "RateExceeded",
    "ServerFault",
    "Busy",
    "AnswerLate",
    "ActorUnavailable",
    "StoreFailed"
  )
}) {}

const text = (maxLength: number) => Schema.String.check(Schema.isMaxLength(maxLength))
const key = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?$/u, {
    expected: "1 to 200 printable ASCII characters"
  })
)
/** Why something is done, for the audit log. */
export const Why = Schema.optionalKey(text(500).annotate({ description: "Why it is done, for the audit log." }))

/** The body of a command that needs none. */
export const optionalBody = <F extends Schema.Struct.Fields>(fields: F): readonly [Schema.Struct<F>, Schema.Null] => [
  Schema.Struct(fields),
  Schema.Null
]

/** Headers of a command. */
export const CommandHeaders = {
  "idempotency-key": Schema.optionalKey(
    key.annotate({
      description: "Names this command for good: the same key again has no second effect and the same answer."
    })
  ),
  "x-reason": Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[\x20-\x7e]{0,500}$/u)).annotate({
      description: "Why it is done, for the audit log; `why` in the body wins."
    })
  )
}
/** Headers of a command's answer. */
export const AnswerHeaders = { "idempotency-key": Schema.String }
export const answered = <S extends Schema.Top>(schema: S) => HttpApiSchema.WithHeaders(schema, AnswerHeaders)

export const JsonValue = Schema.Unknown.annotate({ description: "Any JSON value." }) as unknown as Schema.Codec<
  Json,
  Json
>
/** The same from outside. */
export const GivenJson = Schema.Unknown.check(
  Schema.makeFilter((value) => !isTooDeep(value) || `Expected a value nested at most ${maxDepth} deep`)
).annotate({ description: `Any JSON value, nested at most ${maxDepth} deep.` }) as unknown as Schema.Codec<Json, Json>
export const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
export const Version = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))
export const Word = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._:/-]{1,100}$/u))
export const Words = text(300)

export const IdParams = { id: ActorId }
export const TypeParams = { type: Word, id: ActorId }
export const VersionField = { version: Version }

const orElse = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))
export const limitOf = (value: number, maximum: number) =>
  orElse(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum })), value)
export const Limit = limitOf(50, 500)

/** Where a page of a list by (sinceMillis, id) goes on. */
export const ListCursor = Schema.String.check(
  Schema.isPattern(/^\d{1,16}~[A-Za-z0-9._:-]{1,200}$/u, { expected: "the `next` of the page before" })
)
export const Order = orElse(Schema.Literals(["newest", "oldest"]), "newest")

/** What lists of actors can be asked for. */
export const FilterQuery = {
  status: Schema.optionalKey(Schema.Array(Word).check(Schema.isMaxLength(20))),
  stage: Schema.optionalKey(Schema.Array(Word).check(Schema.isMaxLength(20))),
  text: Schema.optionalKey(Words),
  sinceMillis: Schema.optionalKey(Millis),
  untilMillis: Schema.optionalKey(Millis)
}
export const PageQuery = { order: Order, limit: Limit, after: Schema.optionalKey(ListCursor) }
export const HistoryQuery = { limit: Limit, before: Schema.optionalKey(Version) }

export const Entry = Schema.Struct({
  type: Schema.String,
  id: Schema.String,
  version: Schema.Int,
  status: Schema.String,
  stage: Schema.NullOr(Schema.String),
  group: Schema.NullOr(Schema.String),
  attempts: Schema.Int,
  error: Schema.NullOr(Schema.String),
  waiting: Schema.NullOr(Schema.String),
  sinceMillis: Schema.Finite,
  excerpt: Schema.NullOr(Schema.String)
})

/** A page of a list; `next`: the `after` of the next page, null at the end. */
export const pageOf = <S extends Schema.Top>(item: S) =>
  Schema.Struct({ items: Schema.Array(item), next: Schema.NullOr(Schema.String) })

/** Said of routes that look for words. */
export const shortPages =
  "With `text` a page may hold fewer items than asked for, or none, while `next` is not null: words that many have take several pages."

export const Snapshot = Schema.Struct({ type: Schema.String, id: Schema.String, version: Schema.Int, state: JsonValue })

export const History = Schema.Struct({
  items: Schema.Array(Schema.Struct({
    version: Schema.Int,
    atMillis: Schema.Finite,
    events: Schema.Array(JsonValue)
  })),
  /** The `before` of the next page; null at the end. */
  next: Schema.NullOr(Schema.Int)
})

/** The answer to a command: it took effect, now or when its key came first. */
export const Done = Schema.Struct({
  type: Schema.String,
  id: Schema.String,
  command: Schema.String,
  commandId: Schema.String,
  reply: JsonValue
})
