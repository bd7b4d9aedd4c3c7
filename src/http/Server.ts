// The listening server: one node:http server that stands what comes from outside. Connections, requests in work, headers, bodies and reading
// clients are bounded in number, size and time; whoever is too slow, too large or too many gets a clear error, and everybody else an answer.
// It ends by letting what runs finish: no new requests (503), WebSockets closed with 1001, and a deadline.
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, Context, Effect, Exit, FiberSet, Schema, Scope } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Lifecycle } from "../actors/Lifecycle.ts"
import { edgeInstruments, MetricRegistry } from "../actors/Metrics.ts"
import { Tokens } from "../actors/Tokens.ts"
import { HttpLimits } from "./Limits.ts"
import { Live } from "./live/Live.ts"
import { bodyOf, ofProblem } from "./openai/Errors.ts"
import { isOpenAiPath } from "./openai/Paths.ts"
import { contentType, type KnownError, type ProblemDocument, problemOf } from "./Problems.ts"
import { BodyStalled, Busy, RequestUnfit } from "./Refusals.ts"
import { type Caller, Security } from "./Security.ts"

export interface ServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `Cannot listen for HTTP on ${this.host}:${this.port} (${this.detail}); choose another --port or --host`
  }
}
/** It would listen beyond this machine, and nobody could use it. */
export class AdminTokenMissing
  extends Schema.TaggedError<AdminTokenMissing>()("AdminTokenMissing", { host: Schema.String })
{
  override get message() {
    return `Listening on ${this.host} lets other machines in, so a token is needed, and there is no usable one with the scope admin. ` +
      "Make one with `polya token create --name NAME --scope admin`, or listen on 127.0.0.1"
  }
}

/** Where the server listens. */
export class Listening extends Context.Service<Listening, {
  readonly host: string
  readonly port: number
  readonly url: string
}>()("polya/Listening") {}

/** Where the WebSocket is. */
export const livePath = "/api/live"

/** Requests in work at once; more are told to come again. */
const maxInWork = 2_000
/** Requests of one connection that may wait for each other. */
const maxPipelined = 64
const maxHeaders = 200
/** An upload slower than that on the whole is given up. */
const uploadBytesPerSecond = 1_024
const sweepMillis = 250
/** What is in work when the process ends may take so long. */
const finishMillis = 8_000

interface Connection {
  readonly socket: Socket
  requests: number
}
interface Request {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedMillis: number
  readonly readBefore: number
  bytes: number
  movedMillis: number
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split(/[?#]/, 1)[0] ?? ""
const probes: ReadonlySet<string> = new Set(["/health", "/ready", "/metrics"])

const documentOf = ({ detail, errors, facts, hint, status, tag, title, type }: ProblemDocument): string =>
  JSON.stringify({ type, title, status, detail, tag, hint, errors, facts })

/** A problem as bytes of HTTP, where there is no request that could be answered. */
const rawOf = (problem: ProblemDocument, headers = ""): string => {
  const body = documentOf(problem)
  return `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${contentType}\r\nContent-Length: ${
    Buffer.byteLength(body)
  }\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n${headers}\r\n${body}`
}
const refuseRaw = (socket: Duplex, problem: ProblemDocument, headers = ""): void => {
  if (!socket.writable || socket.destroyed) return
  socket.end(rawOf(problem, headers))
  // Who does not read its answer is not waited for.
  setTimeout(() => socket.destroy(), 1_000).unref()
}
const refuseRequest = (response: ServerResponse, problem: ProblemDocument): void => {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const isOpenAi = isOpenAiPath(pathOf(response.req))
  const body = isOpenAi ? bodyOf(ofProblem(problem)) : documentOf(problem)
  response.writeHead(problem.status, {
    "content-type": isOpenAi ? "application/json" : contentType,
    "content-length": Buffer.byteLength(body),
    connection: "close",
    "x-content-type-options": "nosniff",
    ...(problem.status === 503 ? { "retry-after": "1" } : {})
  })
  response.end(body)
}

/** What a client did that node:http cannot read. */
const unreadable = (code: string | undefined): ProblemDocument => {
  const unfit = problemOf(
    new RequestUnfit({ findings: [{ path: "request", message: "It is no HTTP that can be read" }] })
  )
  if (code === "HPE_HEADER_OVERFLOW") {
    return { ...unfit, status: 431, title: "Request Header Fields Too Large", detail: "The headers are too large" }
  }
  return code === "ERR_HTTP_REQUEST_TIMEOUT"
    ? { ...unfit, status: 408, title: "Request Timeout", detail: "The headers came too slowly" }
    : unfit
}

/** Serves `app` until the scope ends. */
export const make = Effect.fnUntraced(function*(
  options: ServerOptions & { readonly exposed: boolean },
  app: Effect.Effect<
    HttpServerResponse.HttpServerResponse,
    never,
    HttpServerRequest.HttpServerRequest | Scope.Scope
  >
) {
  const { exposed, host } = options
  const limits = yield* HttpLimits
  const lifecycle = yield* Lifecycle
  const security = yield* Security
  const tokens = yield* Tokens
  const live = yield* Live
  const clock = yield* Clock.Clock
  const { activeRequests, refusals } = edgeInstruments(yield* MetricRegistry)
  const now = () => clock.currentTimeMillisUnsafe()
  if (exposed && !(yield* tokens.any)) return yield* new AdminTokenMissing({ host })

  // Requests in work are interrupted when this is closed: after the server has waited for them.
  const work = yield* Effect.acquireRelease(Scope.make(), (work) => Scope.close(work, Exit.void))
  const handle = yield* NodeHttpServer.makeHandler(app, { scope: work })
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const connections = new Map<Socket, Connection>()
  /** Without a request in work, the longest idle first. */
  const idle = new Set<Connection>()
  const inWork = new Set<Request>()
  /** Upgrades whose callers are being looked at. */
  let upgrading = 0
  let ending = false

  const problemFor = (error: KnownError): ProblemDocument => {
    refusals.add([error._tag])
    return problemOf(error)
  }
  const isDraining = (): boolean => {
    const state = lifecycle.state()
    return ending || state === "draining" || state === "ended"
  }

  const connected = (socket: Socket): void => {
    const connection: Connection = { socket, requests: 0 }
    connections.set(socket, connection)
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      connections.delete(socket)
      idle.delete(connection)
    })
    if (connections.size > limits.maxConnections) {
      // The one that was idle for longest makes room; if all are at work, the new one has to go.
      const [longest] = idle
      if (longest === undefined) {
        return refuseRaw(socket, problemFor(new Busy({ reason: "full" })), "Retry-After: 1\r\n")
      }
      refusals.add(["idle connection"])
      longest.socket.destroy()
    }
    idle.add(connection)
  }

  const requested = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(request.socket)
    if (connection === undefined) return void response.destroy()
    if (isDraining() && !probes.has(pathOf(request))) {
      return refuseRequest(response, problemFor(new Busy({ reason: "draining" })))
    }
    if (inWork.size >= maxInWork || connection.requests >= maxPipelined) {
      return refuseRequest(response, problemFor(new Busy({ reason: "full" })))
    }
    const atMillis = now()
    const { bytesRead, bytesWritten } = request.socket
    const one: Request = {
      request,
      response,
      startedMillis: atMillis,
      readBefore: bytesRead,
      bytes: bytesRead + bytesWritten,
      movedMillis: atMillis
    }
    inWork.add(one)
    connection.requests++
    idle.delete(connection)
    activeRequests.set([], inWork.size)
    response.once("close", () => {
      inWork.delete(one)
      connection.requests--
      activeRequests.set([], inWork.size)
      if (connection.requests === 0 && connections.has(connection.socket)) idle.add(connection)
    })
    if (isDraining()) response.setHeader("connection", "close")
    handle(request, response)
  }

  /** Ends what stands still: a body that does not come, an answer that is not read. */
  const sweep = (): void => {
    const atMillis = now()
    for (const one of inWork) {
      const { request, response, startedMillis } = one
      const { socket } = request
      const bytes = socket.bytesRead + socket.bytesWritten
      if (bytes !== one.bytes) {
        one.bytes = bytes
        one.movedMillis = atMillis
      }
      const aged = atMillis - startedMillis
      const still = atMillis - one.movedMillis
      if (!request.complete) {
        const grace = limits.stallMillis
        const slow = aged > grace &&
          (socket.bytesRead - one.readBefore) < (aged - grace) / 1_000 * uploadBytesPerSecond
        if (still > grace || slow) cut(one)
      } else if (response.headersSent && response.writableLength > 0 && still > limits.stallMillis) {
        refusals.add(["answer unread"])
        socket.destroy()
      }
    }
  }
  const cut = ({ request, response }: Request): void => {
    refuseRequest(response, problemFor(new BodyStalled()))
    setTimeout(() => request.socket.destroy(), 500).unref()
  }

  const upgraded = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => socket.destroy())
    const connection = connections.get(request.socket)
    if (connection !== undefined) idle.delete(connection)
    const query = new URLSearchParams((request.url ?? "").split("?")[1] ?? "")
    const offered = String(request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
    const token = offered.find((name) => name.startsWith("bearer."))?.slice("bearer.".length) ??
      query.get("token") ?? undefined
    const credentials = { headers: request.headers, address: request.socket.remoteAddress ?? "", token, upgrade: true }
    if (isDraining()) return refuseRaw(socket, problemFor(new Busy({ reason: "draining" })), "Retry-After: 1\r\n")
    if (live.connections() + upgrading >= limits.maxSockets) {
      return refuseRaw(socket, problemFor(new Busy({ reason: "full" })), "Retry-After: 1\r\n")
    }
    upgrading++
    fork(Effect.match(security.identify(credentials), {
      onFailure: (error) => {
        upgrading--
        const headers = error._tag.startsWith("Token") ? "WWW-Authenticate: Bearer realm=\"polya\"\r\n" : ""
        refuseRaw(socket, problemFor(error), headers)
      },
      onSuccess: (caller) => {
        upgrading--
        live.accept(request, socket, head, {
          caller,
          admits: () => security.admits(caller.tokenId === null ? credentials.address : `token ${caller.tokenId}`),
          isValid: isStillValid(caller, () => security.identify({ ...credentials, again: true }))
        })
      }
    }))
  }

  const server = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const server = createServer({
        maxHeaderSize: limits.maxHeaderBytes,
        headersTimeout: limits.headersMillis,
        // Bodies have their own watch: an upload may take long, as long as it comes.
        requestTimeout: 0,
        keepAliveTimeout: limits.idleMillis,
        connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headersMillis / 4)),
        // What asks to become something else than a WebSocket here is answered as if it had not asked.
        shouldUpgradeCallback: (request) =>
          pathOf(request) === livePath && String(request.headers.upgrade).toLowerCase() === "websocket"
      })
      server.maxHeadersCount = maxHeaders
      server.on("connection", connected)
      server.on("request", requested)
      server.on("upgrade", upgraded)
      server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
        refusals.add(["unreadable"])
        const answering = connections.get(socket as Socket)?.requests ?? 0
        // A connection that is being answered gets no second answer in the middle of the first.
        if (answering > 0 || error.code === "ECONNRESET") socket.destroy()
        else refuseRaw(socket, unreadable(error.code))
      })
      return server
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        ending = true
        const close = () => {
          server.closeAllConnections()
          resume(Effect.void)
        }
        const deadline = setTimeout(close, finishMillis)
        server.close()
        for (const { socket } of idle) socket.destroy()
        const wait = setInterval(() => {
          if (inWork.size > 0) return
          clearInterval(wait)
          clearTimeout(deadline)
          close()
        }, 20)
        return Effect.sync(() => {
          clearInterval(wait)
          clearTimeout(deadline)
        })
      })
  )
  yield* listen(server, options)
  yield* Effect.acquireRelease(
    Effect.sync(() => setInterval(sweep, sweepMillis).unref()),
    (timer) => Effect.sync(() => clearInterval(timer))
  )
  yield* lifecycle.draining.pipe(Effect.andThen(live.close), Effect.forkScoped)

  const bound = (server.address() as AddressInfo).port
  const shown = host.includes(":") ? `[${host}]` : host
  return Listening.of({ host, port: bound, url: `http://${shown}:${bound}` })
})

/** A token that cannot be looked up just now is not held to be wrong. */
const isStillValid = (
  caller: Caller,
  again: () => Effect.Effect<Caller, { readonly _tag: string }>
): Effect.Effect<boolean> =>
  caller.tokenId === null
    ? Effect.succeed(true)
    : Effect.suspend(again).pipe(
      Effect.map((now) => now.tokenId === caller.tokenId),
      Effect.catch(({ _tag }) => Effect.succeed(!_tag.startsWith("Token")))
    )

const listen = (server: Server, { host, port }: ServerOptions): Effect.Effect<void, ListenFailed> =>
  Effect.callback((resume) => {
    const failed = (error: Error) => resume(Effect.fail(new ListenFailed({ host, port, detail: error.message })))
    server.once("error", failed)
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off("error", failed)
      resume(Effect.void)
    })
  })
