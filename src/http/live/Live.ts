// The WebSockets of this process. The HTTP server hands a checked upgrade over to `accept`; from then on the connection is kept here: bounded
// frames and messages per second, pings, at most so many frames a second out, and an end with code 1001 when the process drains.
import { Clock, Context, Effect, Exit, FiberSet, Layer, Scope } from "effect"
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type RawData, type WebSocket, WebSocketServer } from "ws"
import { AuditLog } from "../../actors/AuditLog.ts"
import { CodeSandbox } from "../../actors/CodeSandbox.ts"
import { Gateway } from "../../actors/Gateway.ts"
import { edgeInstruments, MetricRegistry } from "../../actors/Metrics.ts"
import { HttpLimits } from "../Limits.ts"
import type { Caller } from "../Security.ts"
import { Routes } from "./Call.ts"
import * as CodeSessions from "./CodeSessions.ts"
import { Feeds } from "./Feeds.ts"
import { maxAnswerCharacters, maxAnswers, Outbox } from "./Outbox.ts"
import { handle, type SessionServices } from "./Session.ts"

/**
 * Frames with news that one process sends a second, to all its clients together: with more than 100 watching clients each gets fewer than
 * ten a second. So a thousand of them cost the actors beside them a few hundredths of their time.
 */
const newsOfAllPerSecond = 1_000
/** A client that takes nothing for so long is cut off. */
const stuckMillis = 30_000
/** Messages of one connection in work at once. */
const maxInWork = 32
/** While messages wait for their turn it is looked so often whether that has come. */
const turnMillis = 25
/** A client that does not answer the goodbye is not waited for any longer. */
const goodbyeMillis = 1_000
/** So often it is asked whether tokens hold: with the age of what is known of a token it makes two seconds. */
const tokenMillis = 500
/** The subprotocol that clients may name; a browser puts its token beside it as `bearer.TOKEN`. */
export const subprotocol = "polya"

export interface Accepted {
  readonly caller: Caller
  /** Asked again and again, once for all connections of one token: false once it is revoked or past its time. */
  readonly isValid: Effect.Effect<boolean>
  /** Counts a message like a request of this caller; false: it has to wait. */
  readonly admits: () => boolean
}

export class Live extends Context.Service<Live, {
  /** Takes a connection whose request was checked. */
  readonly accept: (request: IncomingMessage, socket: Duplex, head: Buffer, accepted: Accepted) => void
  readonly connections: () => number
  /** Says goodbye (1001) to everybody and takes nobody any more. */
  readonly close: Effect.Effect<void>
}>()("polya/Live") {
  static readonly layer = (
    services: Pick<SessionServices, "refused">
  ): Layer.Layer<Live, never, AuditLog | CodeSandbox | Gateway | Feeds | Routes> =>
    Layer.effect(Live, Effect.suspend(() => make(services)))
}

interface Connection {
  readonly socket: WebSocket
  readonly outbox: Outbox
  readonly accepted: Accepted
  /** It was told goodbye. */
  isEnding: boolean
  /** Pings without an answer. */
  unanswered: number
  checkedMillis: number
}

const make = Effect.fnUntraced(function*(given: Pick<SessionServices, "refused">) {
  const gateway = yield* Gateway
  const feeds = yield* Feeds
  const routes = yield* Routes
  const sandbox = yield* CodeSandbox
  const audit = yield* AuditLog
  const scope = yield* Effect.scope
  const limits = yield* HttpLimits
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const connections = new Set<Connection>()
  /** Connections with something to send that may not go yet. */
  const waiting = new Set<Connection>()
  const meters = edgeInstruments(yield* MetricRegistry)
  const services: SessionServices = {
    ...given,
    gateway,
    feeds,
    routes,
    maxSubscriptions: () => limits.maxSubscriptions
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.maxFrameBytes,
    handleProtocols: (offered) => offered.has(subprotocol) ? subprotocol : false
  })
  const paces = {
    get framesPerSecond() {
      return limits.framesPerSecond
    },
    get newsPerSecond() {
      return Math.min(limits.framesPerSecond, newsOfAllPerSecond / Math.max(1, connections.size))
    }
  }
  let closing = false

  const end = (connection: Connection, code: number, why: string, label: string): void => {
    if (connection.isEnding) return
    connection.isEnding = true
    meters.refusals.add([`websocket ${label}`])
    connection.socket.close(code, why)
    // The goodbye is to come through before the connection is cut.
    fork(Effect.delay(Effect.sync(() => connection.socket.terminate()), goodbyeMillis))
  }

  const accept: Live["Service"]["accept"] = (request, duplex, head, accepted) => {
    if (closing) {
      duplex.destroy()
      return
    }
    // Sockets opened from now on have the bound in force now.
    server.options.maxPayload = limits.maxFrameBytes
    server.handleUpgrade(request, duplex, head, (socket) => {
      const connection: Connection = {
        socket,
        accepted,
        isEnding: false,
        unanswered: 0,
        checkedMillis: now(),
        outbox: new Outbox(
          {
            unsentBytes: () => socket.bufferedAmount,
            send: (text) => {
              meters.socketFrames.add(["out"])
              meters.socketBytes.add(["out"], text.length)
              socket.send(text)
            }
          },
          paces,
          () => {
            if (waiting.has(connection)) return
            waiting.add(connection)
            if (connection.outbox.waitMillis(now()) === 0) setImmediate(() => flush(connection))
          }
        )
      }
      const { outbox } = connection
      const ownScope = Scope.forkUnsafe(scope)
      const code = CodeSessions.make({
        sandbox,
        audit,
        caller: accepted.caller,
        maxSessions: () => limits.maxCodeSessions,
        scope: ownScope
      })
      connections.add(connection)
      meters.socketConnected.add([])
      meters.socketConnections.set([], connections.size)
      let allowance = limits.messagesPerSecond
      let countedMillis = now()
      let inWork = 0
      let isTaking = false
      let isDue = false
      /** Messages that wait for their turn: what one read of the connection brought. While there are any it is read no further. */
      const inbox: Array<string> = []

      const receive = (data: RawData, isBinary: boolean): void => {
        if (connection.isEnding) return
        meters.socketFrames.add(["in"])
        if (isBinary) return end(connection, 1003, "text frames only", "binary")
        inbox.push(textOf(data))
        take()
      }
      const take = (): void => {
        // A message that is done at once comes by here while the next one is taken.
        if (isTaking) return
        if (connection.isEnding) inbox.length = 0
        isTaking = true
        const { messagesPerSecond } = limits
        const atMillis = now()
        const grown = Math.max(0, atMillis - countedMillis) * messagesPerSecond / 1_000
        allowance = Math.min(messagesPerSecond, allowance + grown)
        countedMillis = atMillis
        let taken = 0
        const isRead = () => inWork + outbox.waiting < maxAnswers && outbox.waitingCharacters < maxAnswerCharacters
        while (taken < inbox.length && allowance >= 1 && inWork < maxInWork && isRead()) {
          if (!accepted.admits()) break
          allowance--
          inWork++
          const message = handle(services, accepted.caller, outbox, code, inbox[taken++] ?? "")
          fork(Effect.ensuring(
            message,
            Effect.sync(() => {
              inWork--
              if (inbox.length > 0) take()
            })
          ))
        }
        inbox.splice(0, taken)
        isTaking = false
        if (inbox.length === 0) {
          if (socket.isPaused) socket.resume()
          return
        }
        socket.pause()
        if (isDue) return
        isDue = true
        fork(Effect.delay(
          Effect.sync(() => {
            isDue = false
            take()
          }),
          turnMillis
        ))
      }
      socket.on("message", receive)
      socket.on("pong", () => {
        connection.unanswered = 0
      })
      // The reason stands in the close event; without a listener an error would end the process.
      socket.on("error", () => undefined)
      socket.on("close", () => {
        connections.delete(connection)
        waiting.delete(connection)
        inbox.length = 0
        meters.socketConnections.set([], connections.size)
        for (const feed of outbox.clear()) feeds.left(feed)
        fork(Scope.close(ownScope, Exit.void))
      })
    })
  }

  const flush = (connection: Connection): void => {
    const { outbox, socket } = connection
    if (socket.readyState !== socket.OPEN) return void waiting.delete(connection)
    try {
      outbox.flush(now())
    } catch (cause) {
      // A bug ends one connection, not the frames of all.
      waiting.delete(connection)
      fork(Effect.logError("A frame could not be made", cause))
      return end(connection, 1011, "a fault of the server", "fault")
    }
    if (outbox.isEmpty) waiting.delete(connection)
  }

  const tick = Effect.sync(() => {
    for (const connection of waiting) flush(connection)
    meters.socketSubscriptions.set([], [...connections].reduce((sum, { outbox }) => sum + outbox.size, 0))
  })
  yield* tick.pipe(
    Effect.andThen(Effect.suspend(() => Effect.sleep(Math.max(10, 1_000 / limits.framesPerSecond)))),
    Effect.forever,
    Effect.forkScoped
  )

  const look = Effect.sync(() => {
    const atMillis = now()
    for (const connection of connections) {
      const { outbox, socket } = connection
      if (outbox.stuckMillis(atMillis) > stuckMillis || socket.bufferedAmount > limits.maxUnsentBytes) {
        end(connection, 1008, "nothing is read", "stuck")
      } else if (atMillis - connection.checkedMillis >= limits.pingMillis / 4) {
        connection.checkedMillis = atMillis
        // Who is not read cannot be heard.
        if (socket.isPaused) connection.unanswered = 0
        if (connection.unanswered >= 4) end(connection, 1001, "no answer to pings", "silent")
        else if (!connection.isEnding) {
          connection.unanswered++
          socket.ping()
        }
      }
    }
  })
  yield* look.pipe(Effect.andThen(Effect.sleep(1_000)), Effect.forever, Effect.forkScoped)

  const lookAtTokens = Effect.suspend(() => {
    const byToken = Map.groupBy(connections, ({ accepted }) => accepted.caller.tokenId)
    byToken.delete(null)
    return Effect.forEach(
      byToken.values(),
      (some) =>
        Effect.map(some[0]?.accepted.isValid ?? Effect.succeed(true), (valid) => {
          if (valid) return
          for (const connection of some) end(connection, 1008, "the token is not valid any more", "token")
        }),
      { discard: true, concurrency: 8 }
    )
  })
  yield* lookAtTokens.pipe(
    Effect.catchCause((cause) => Effect.logError("Tokens of WebSockets could not be looked at", cause)),
    Effect.andThen(Effect.sleep(tokenMillis)),
    Effect.forever,
    Effect.forkScoped
  )

  const close = Effect.callback<void>((resume) => {
    closing = true
    for (const { socket } of connections) socket.close(1001, "the server is going away")
    const timer = setTimeout(() => {
      for (const { socket } of connections) socket.terminate()
      resume(Effect.void)
    }, connections.size === 0 ? 0 : 1_000)
    return Effect.sync(() => clearTimeout(timer))
  })
  yield* Effect.addFinalizer(() => close)

  return Live.of({ accept, connections: () => connections.size, close })
})

const textOf = (data: RawData): string =>
  Array.isArray(data)
    ? Buffer.concat(data).toString("utf8")
    : data instanceof ArrayBuffer
    ? Buffer.from(data).toString("utf8")
    : data.toString("utf8")
