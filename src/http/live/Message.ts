// What a client may send over a WebSocket: one JSON object a text frame (docs/live.md). Decoded here, once; the answers are made by Session.
import { Schema } from "effect"
import { GivenLimits, GivenSeed, GivenWall } from "../../actors/CodeSandbox/Given.ts"
import { ActorId } from "../../actors/Gateway.ts"

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(60))
const Id = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Words = Schema.String.check(Schema.isMaxLength(1_000))
const Millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 8.64e15 }))
const Few = <S extends Schema.Codec<any, any>>(schema: S) => Schema.Array(schema).check(Schema.isMaxLength(50))

export const Filter = Schema.Struct({
  type: Name,
  statuses: Schema.optionalKey(Few(Name)),
  stages: Schema.optionalKey(Few(Schema.String.check(Schema.isMaxLength(100)))),
  group: Schema.optionalKey(ActorId),
  text: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200))),
  sinceMillis: Schema.optionalKey(Millis),
  untilMillis: Schema.optionalKey(Millis)
})

/** Names the command: sent again with it, a command has no second effect and the same answer. */
export const Key = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]{1,200}$/, { expected: "1 to 200 printable characters without spaces" })
)

const ofSession = { session: Schema.String.check(Schema.isMaxLength(100)) }
const ofActor = { type: Name, actor: ActorId }

export const Message = Schema.Union([
  Schema.Struct({
    id: Id,
    do: Schema.Literal("command"),
    ...ofActor,
    command: Name,
    payload: Schema.optionalKey(Schema.Json),
    key: Schema.optionalKey(Key),
    why: Schema.optionalKey(Words)
  }),
  Schema.Struct({
    id: Id,
    do: Schema.Literal("replace"),
    ...ofActor,
    expected: Schema.Int,
    state: Schema.Json,
    key: Schema.optionalKey(Key),
    why: Words.check(Schema.isMinLength(1))
  }),
  Schema.Struct({ id: Id, do: Schema.Literal("get"), ...ofActor }),
  Schema.Struct({
    id: Id,
    do: Schema.Literal("watch"),
    ...ofActor,
    /** The version that the client has. */
    from: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
  }),
  Schema.Struct({
    id: Id,
    do: Schema.Literal("watch-list"),
    filter: Filter,
    order: Schema.optionalKey(Schema.Literals(["newest", "oldest"])),
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 }))),
    /** `at` or `to` of the last message of this list that the client has. */
    from: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(60)))
  }),
  Schema.Struct({
    id: Id,
    do: Schema.Literal("call"),
    method: Schema.Literals(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path: Schema.String.check(
      Schema.isPattern(/^\/[\x21-\x7e]{0,4000}$/, { expected: "a path of the HTTP API with its query" })
    ),
    body: Schema.optionalKey(Schema.Json),
    key: Schema.optionalKey(Key),
    why: Schema.optionalKey(Words)
  }),
  Schema.Struct({ id: Id, do: Schema.Literal("session-open"), seed: GivenSeed, limits: GivenLimits }),
  Schema.Struct({ id: Id, do: Schema.Literal("exec"), ...ofSession, code: Schema.String, wallMillis: GivenWall }),
  Schema.Struct({ id: Id, do: Schema.Literal("session-replay"), ...ofSession }),
  Schema.Struct({ id: Id, do: Schema.Literal("session-restart"), ...ofSession }),
  Schema.Struct({ id: Id, do: Schema.Literal("session-close"), ...ofSession }),
  Schema.Struct({ id: Id, do: Schema.Literal("unwatch"), watch: Id }),
  Schema.Struct({ id: Id, do: Schema.Literal("ping") })
])
export type Message = typeof Message.Type

/** What there is to do, for the answer to a message that says something else. */
export const kinds = [
  "call",
  "command",
  "exec",
  "get",
  "ping",
  "replace",
  "session-close",
  "session-open",
  "session-replay",
  "session-restart",
  "unwatch",
  "watch",
  "watch-list"
] as const
