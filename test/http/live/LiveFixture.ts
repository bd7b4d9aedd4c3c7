// WebSockets of a Polya in memory: a real server and real clients on a loopback port, over the real actors.
import { Effect, Layer, Queue, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { WebSocket } from "ws"
import type { ActorIndex } from "../../../src/actors/ActorIndex.ts"
import * as ActorStoreMemory from "../../../src/actors/ActorStoreMemory.ts"
import type { AuditLog } from "../../../src/actors/AuditLog.ts"
import { CodeSandbox } from "../../../src/actors/CodeSandbox.ts"
import { Gateway, type Scope as CallerScope } from "../../../src/actors/Gateway.ts"
import * as RunIndexMemory from "../../../src/actors/RunIndexMemory.ts"
import { applyPatch } from "../../../src/domain/JsonPatch.ts"
import { Routes } from "../../../src/http/live/Call.ts"
import { Feeds } from "../../../src/http/live/Feeds.ts"
import { type Accepted, Live } from "../../../src/http/live/Live.ts"
import { type Caller, GivenWhy, KnownCaller } from "../../../src/http/Security.ts"
import { fresh, type World } from "../../actors/Fixture.ts"
import * as Fixture from "../../actors/Fixture.ts"

/** Refused commands, as the audit log would have them. */
export interface Refused {
  readonly list: Array<string>
}

/** Routes that say what they were asked. */
const echo = Effect.gen(function*() {
  const { headers, method, text, url } = yield* HttpServerRequest.HttpServerRequest
  const { name } = yield* Effect.map(KnownCaller, (caller) => caller ?? { name: "nobody" })
  if (url === "/large") return HttpServerResponse.text("x".repeat(2_000_000))
  const why = yield* GivenWhy
  const body = yield* Effect.orElseSucceed(text, () => "")
  return HttpServerResponse.jsonUnsafe({ method, url, body, key: headers["idempotency-key"], name, why }, {
    status: 201
  })
})

export const app = (
  world: World,
  refused: Refused = { list: [] },
  sandbox: Layer.Layer<CodeSandbox> = CodeSandbox.layerNone
) =>
  Live.layer({
    refused: (caller, { command, id }, { tag }) =>
      Effect.sync(() => void refused.list.push(`${caller.name} ${command} ${id} ${tag}`))
  }).pipe(
    Layer.provideMerge(Layer.succeed(Routes, { handle: echo })),
    Layer.provideMerge([Feeds.layer, sandbox]),
    Layer.provideMerge(Gateway.layer),
    Layer.provideMerge(
      Fixture.polya<ActorIndex | AuditLog>(
        world,
        fresh(),
        Layer.fresh(ActorStoreMemory.layer).pipe(Layer.merge(Layer.fresh(RunIndexMemory.layer)))
      )
    )
  )

const listen = (
  acceptedOf: (query: URLSearchParams) => Accepted
): Effect.Effect<{ readonly port: number; readonly server: Server }, never, Live | Scope.Scope> =>
  Effect.gen(function*() {
    const live = yield* Live
    const server = createServer()
    server.on("upgrade", (request, socket, head) => {
      const query = new URL(request.url ?? "/", "http://x").searchParams
      live.accept(request, socket, head, acceptedOf(query))
    })
    yield* Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
    return { port: (server.address() as AddressInfo).port, server }
  })

/** A server whose callers say in the address who they are. */
export const serve = listen((query) => ({
  caller: {
    name: query.get("who") ?? "ada",
    scope: (query.get("scope") ?? "admin") as CallerScope,
    tokenId: null
  },
  isValid: Effect.succeed(true),
  admits: () => true
}))
/** A server for one caller. */
export const serveAs = (caller: Caller, more: Omit<Accepted, "caller">) => listen(() => ({ caller, ...more }))

/** A plain client: what it was sent, frame by frame and message by message. */
export const connect = (port: number, query = "") =>
  Effect.gen(function*() {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live${query}`)
    const messages = yield* Queue.unbounded<any>()
    const frames: Array<{ readonly atMillis: number; readonly frame: number }> = []
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data))
      frames.push({ atMillis: performance.now(), frame: frame.frame })
      for (const message of frame.messages) Queue.offerUnsafe(messages, message)
    })
    const closed = new Promise<{ readonly code: number; readonly why: string }>((resolve) =>
      socket.on("close", (code, why) => resolve({ code, why: String(why) }))
    )
    socket.on("error", () => undefined)
    yield* Effect.callback<void>((resume) => void socket.once("open", () => resume(Effect.void)))
    yield* Effect.addFinalizer(() => Effect.sync(() => socket.terminate()))
    const next = Effect.timeout(Queue.take(messages), "10 seconds")
    const until = (test: (message: any) => boolean) => next.pipe(Effect.repeat({ until: test }))
    let id = 0
    return {
      socket,
      frames,
      closed: Effect.timeout(Effect.promise(() => closed), "10 seconds"),
      next,
      until,
      send: (message: object | string): void => {
        socket.send(typeof message === "string" ? message : JSON.stringify(message))
      },
      /** Sends a message under an id of its own and waits for the answer to it. */
      ask: (message: object) =>
        Effect.suspend(() => {
          const mine = ++id
          socket.send(JSON.stringify({ ...message, id: mine }))
          return until((one) => one.id === mine)
        })
    }
  })

/** What a client makes of the messages of one watch of an actor; throws at a gap, a repeat or a patch that does not fit. */
export const makeReader = (from: { readonly version: number; readonly state: any } | undefined = undefined) => {
  let held = from
  return {
    get held() {
      return held
    },
    take: (message: any): void => {
      if (message.snapshot !== undefined) {
        if (held !== undefined && message.snapshot.version <= held.version) throw new Error("a repeat")
        held = message.snapshot
      } else if (message.delta !== undefined) {
        const { from, patch, to } = message.delta
        if (held === undefined || held.version !== from || to <= from) {
          throw new Error(`a gap: ${held?.version} is held, ${from} to ${to} came`)
        }
        held = { version: to, state: applyPatch(held.state, patch) }
      }
    }
  }
}
