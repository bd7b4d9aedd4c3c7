// One WebSocket's side of the protocol (docs/live.md): decodes what comes, gives commands as the caller that its token named, keeps its
// watches. Bad input gets a problem and loses nothing; only a client that does not read is cut off.
import { Effect, Result, Schema } from "effect"
import { type Gateway, includes, type Scope } from "../../actors/Gateway.ts"
import type { Json } from "../../domain/Json.ts"
import { isJsonObject, isTooDeep, type JsonObject, maxDepth } from "../../domain/Json.ts"
import { type ProblemDocument as Problem, problemOf, problemOfUnknown } from "../Problems.ts"
import { ScopeMissing, ServerFault } from "../Refusals.ts"
import type { Caller } from "../Security.ts"
import { call, maxAnswerBytes, type Routes } from "./Call.ts"
import type { CodeSessions } from "./CodeSessions.ts"
import type { Feeds, Opened } from "./Feeds.ts"
import { kinds, Message } from "./Message.ts"
import type { Outbox } from "./Outbox.ts"
import { AnswerTooLarge, FrameUnreadable, MessageUnfit, TooManyWatches, WatchTaken, WatchUnknown } from "./Refusals.ts"

export interface SessionServices {
  readonly gateway: Gateway["Service"]
  readonly routes: Routes["Service"]
  readonly feeds: Feeds["Service"]
  /** Notes a command that was refused in the audit log; never fails. */
  readonly refused: (
    caller: Caller,
    command: { readonly type: string; readonly id: string; readonly command: string; readonly why: string },
    problem: Problem
  ) => Effect.Effect<void>
  readonly maxSubscriptions: () => number
}

const decode = Schema.decodeUnknownEffect(Message)
/** A value as deep as may be, in the body of a call. */
const maxMessageDepth = maxDepth + 4

/** Deals with one frame's text; the answer goes to the outbox. */
export const handle = (
  services: SessionServices,
  caller: Caller,
  outbox: Outbox,
  code: CodeSessions,
  text: string
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const value = parse(text)
    const id = isJsonObject(value) && typeof value["id"] === "number" ? value["id"] : null
    if (!isJsonObject(value)) return outbox.answer(said(null, documentOf(new FrameUnreadable())))
    // What stands in a message is looked at again by whom it is for.
    if (isTooDeep(value, maxMessageDepth)) {
      return outbox.answer(said(id, documentOf(new MessageUnfit({ detail: "it is nested too deeply" }))))
    }
    const answered = (answer: Answer | Problem) => {
      outbox.answer(said(id, answer))
      if ("after" in answer) answer.after?.()
    }
    const decoded = yield* Effect.result(decode(value))
    if (Result.isFailure(decoded)) {
      return answered(documentOf(unfit(value, String(decoded.failure.message))))
    }
    const message = decoded.success
    const acting = act(services, caller, outbox, code, message).pipe(
      Effect.catch((error) => Effect.succeed(documentOf(error))),
      Effect.catchDefect((defect) => {
        const incident = globalThis.crypto.randomUUID()
        return Effect.as(
          Effect.logError(`A WebSocket message met a defect (incident ${incident})`, defect),
          documentOf(new ServerFault({ incident }))
        )
      }),
      Effect.map(answered)
    )
    // Code takes as long as it likes, within its limits: nothing else waits for it.
    yield* runsCode(message)
      ? Effect.catch(code.start(acting), (error) => Effect.sync(() => answered(documentOf(error))))
      : acting
  })

const runsCode = (message: Message): boolean =>
  message.do === "exec" || message.do.startsWith("session-") ||
  (message.do === "call" && /^\/api\/exec\b/.test(message.path))

interface Told {
  readonly _tag: string
  readonly message: string
}
interface Answer {
  readonly _tag: "Answer"
  readonly reply: Json
  /** What begins once the answer was given. */
  readonly after?: () => void
}
const ok = (reply: Json): Answer => ({ _tag: "Answer", reply })

const act = Effect.fnUntraced(function*(
  services: SessionServices,
  caller: Caller,
  outbox: Outbox,
  code: CodeSessions,
  message: Message
): Effect.fn.Return<Answer, Told> {
  const { feeds, gateway } = services
  const by = { who: caller.name, why: "why" in message ? message.why ?? "" : "" }
  switch (message.do) {
    case "ping":
      return ok("pong")
    case "get": {
      const { state, version } = yield* gateway.get(message.type, message.actor)
      return ok({ version, state })
    }
    case "command": {
      const { actor, command, type } = message
      const found = yield* gateway.find(type, command)
      const commandId = message.key ?? globalThis.crypto.randomUUID()
      return yield* allowed(caller, found.scope).pipe(
        Effect.andThen(gateway.command({ type, id: actor, command, payload: message.payload ?? {}, by, commandId })),
        Effect.map((reply) => ok({ key: commandId, reply })),
        Effect.tapError((error) => noted(services, caller, { type, id: actor, command, why: by.why }, error))
      )
    }
    case "replace": {
      const { actor, expected, state, type } = message
      const commandId = message.key ?? globalThis.crypto.randomUUID()
      return yield* allowed(caller, "admin").pipe(
        Effect.andThen(gateway.replace({ type, id: actor, expected, state: state as Json, by, commandId })),
        Effect.map(({ version }) => ok({ key: commandId, version })),
        Effect.tapError((error) => noted(services, caller, { type, id: actor, command: "Replace", why: by.why }, error))
      )
    }
    case "call": {
      const called = yield* call(services.routes, caller, message)
      if (called === undefined) return yield* new AnswerTooLarge({ maxBytes: maxAnswerBytes })
      return ok({ status: called.status, body: called.body })
    }
    case "session-open": {
      const { limits, seed } = message
      const { id, level } = yield* ofCode(
        services,
        caller,
        message,
        code.open({ ...(limits === undefined ? {} : { limits }), ...(seed === undefined ? {} : { seed }) })
      )
      return ok({ session: id, level })
    }
    case "exec": {
      const ran = code.exec(message.session, message.code, message.wallMillis)
      return ok(yield* ofCode(services, caller, message, ran))
    }
    case "session-replay": {
      const { drifted, results } = yield* ofCode(services, caller, message, code.replay(message.session))
      // What they printed was told when they ran first.
      return ok({
        results: results.map(({ cause, cell, millis, stateLost, status }) => ({
          cell,
          status,
          millis,
          cause,
          stateLost
        })),
        drifted
      })
    }
    case "session-restart": {
      yield* ofCode(services, caller, message, code.restart(message.session))
      return ok({ session: message.session })
    }
    case "session-close": {
      yield* ofCode(services, caller, message, code.close(message.session))
      return ok({ session: message.session })
    }
    case "watch": {
      const { actor, from = null, type } = message
      return yield* watched(services, outbox, message.id, feeds.actor({ type, actor }, from))
    }
    case "watch-list": {
      const { filter, from = null, limit = 100, order = "newest" } = message
      yield* gateway.shows(filter.type)
      return yield* watched(services, outbox, message.id, feeds.list({ filter, order, limit }, from))
    }
    case "unwatch": {
      const feed = outbox.unwatch(message.watch)
      if (feed === undefined) {
        return yield* new WatchUnknown({ watch: message.watch })
      }
      feeds.left(feed)
      return ok({ watch: message.watch })
    }
  }
})

const allowed = ({ scope }: Caller, needed: Scope): Effect.Effect<void, ScopeMissing> =>
  includes(scope, needed) ? Effect.void : Effect.fail(new ScopeMissing({ needed, scope }))

/** What runs code needs the scope operate; a no is noted. */
const ofCode = <A, E extends Told>(
  services: SessionServices,
  caller: Caller,
  message: { readonly do: string; readonly session?: string },
  work: Effect.Effect<A, E>
): Effect.Effect<A, E | ScopeMissing> =>
  Effect.andThen(allowed(caller, "operate"), work).pipe(
    Effect.tapError((error) =>
      noted(services, caller, { type: "Sandbox", id: message.session ?? "", command: message.do, why: "" }, error)
    )
  )

/** A place for the watch, its feed, and its beginning: an id is one watch's from the moment that it is asked for. */
const watched = <E extends Told>(
  services: SessionServices,
  outbox: Outbox,
  id: number,
  open: Effect.Effect<Opened, E>
): Effect.Effect<Answer, E | WatchTaken | TooManyWatches> =>
  Effect.suspend((): Effect.Effect<Answer, E | WatchTaken | TooManyWatches> => {
    if (outbox.has(id)) return Effect.fail(new WatchTaken({ watch: id }))
    const most = services.maxSubscriptions()
    if (outbox.size >= most) return Effect.fail(new TooManyWatches({ of: "connection", most }))
    outbox.reserve(id)
    return open.pipe(
      Effect.onError(() => Effect.sync(() => outbox.release(id))),
      Effect.map(({ feed, from }) => ({
        ...ok({ watch: id }),
        after: () => {
          if (!outbox.watch(id, feed, from)) services.feeds.left(feed)
        }
      }))
    )
  })

const noted = (
  services: SessionServices,
  caller: Caller,
  command: { readonly type: string; readonly id: string; readonly command: string; readonly why: string },
  error: Told
): Effect.Effect<void> => services.refused(caller, command, documentOf(error))

/** The same document as over HTTP. */
const documentOf = (error: Told): Problem =>
  problemOfUnknown(error) ?? problemOf(new ServerFault({ incident: error._tag }))

const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const unfit = (value: JsonObject, detail: string): MessageUnfit => {
  const word = value["do"]
  const known = typeof word === "string" && (kinds as ReadonlyArray<string>).includes(word)
  return new MessageUnfit({ detail: known ? detail : `"do" is to be one of ${kinds.join(", ")}` })
}

const said = (id: number | null, answer: Answer | Problem): string =>
  "reply" in answer
    ? `{"id":${JSON.stringify(id)},"ok":true,"reply":${JSON.stringify(answer.reply)}}`
    : `{"id":${JSON.stringify(id)},"ok":false,"problem":${JSON.stringify(plain(answer))}}`

/** The document's own fields, as over HTTP. */
const plain = ({ detail, errors, facts, hint, status, tag, title, type }: Problem): Problem => ({
  type,
  title,
  status,
  detail,
  tag,
  hint,
  ...(errors === undefined ? {} : { errors }),
  ...(facts === undefined ? {} : { facts })
})
