// The scripted OpenAI-compatible server over plain node:http: routes, key, bounds, and the times and failures of answers. It is for tests and
// demos; nothing of it is asked by the program itself. Every answer is made before its first byte goes out and then sent piece by piece.
import { timingSafeEqual } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Json } from "../../domain/Json.ts"
import { type Api, type Asked, askedOf } from "./Asked.ts"
import { composerOf } from "./Composer.ts"
import { type Counts, countsOf, type Entry } from "./Counts.ts"
import { millisOf, mixed } from "./Draws.ts"
import { errorBody, overflowMessage, overflows } from "./Overflow.ts"
import { type Problems, problemsOf } from "./Problems.ts"
import { bodyOf, doneEvent, eventsOf, type Reply, sampleOf, usageOf } from "./Replies.ts"
import type { Failure, Latency, Script } from "./Script.ts"

export interface FakeServer {
  /** With `/v1`, as clients want it. */
  readonly url: string
  readonly port: number
  readonly counts: () => Counts
  /** Forgets counts and attempts. */
  readonly reset: () => void
  /** Ends it and all its connections. */
  readonly close: () => Promise<void>
}

export interface StartOptions {
  readonly script: Script
  /** The rows of the script's problems; default: those that stand in it. */
  readonly problems?: Problems
  /** Default 0: any that is free. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** In place of the script's. */
  readonly seed?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const bodyBytes = 16 * 1_048_576
const maxConnections = 8_192
/** Pieces that are due within so many milliseconds go out together. */
const tickMillis = 5
const half = 0.5

/** Listens; rejects if it cannot. */
export const start = async (options: StartOptions): Promise<FakeServer> => {
  const { host = "127.0.0.1", now = () => performance.timeOrigin + performance.now(), port = 0, script } = options
  const seed = options.seed ?? script.seed ?? 0
  const problems = options.problems ?? problemsOf(typeof script.problems === "string" ? [] : script.problems ?? [])
  const composer = composerOf(script, problems, seed)
  const counts = countsOf()
  const models = script.models ?? ["fake"]
  const kind = script.server ?? "vllm"
  const key = script.key === undefined ? undefined : Buffer.from(`Bearer ${script.key}`)
  const reset = () => {
    composer.reset()
    counts.reset()
  }

  const json = (
    response: ServerResponse,
    status: number,
    value: unknown,
    headers: Record<string, string> = {}
  ): void => {
    const body = typeof value === "string" ? value : JSON.stringify(value)
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...headers
    }).end(body)
  }
  const refuse = (response: ServerResponse, status: number, message: string, type: string, code?: string): void =>
    json(response, status, errorBody(kind, status, message, type, code))

  const mayAsk = ({ headers: { authorization = "" } }: IncomingMessage): boolean => {
    if (key === undefined) return true
    const given = Buffer.from(authorization)
    return given.length === key.length && timingSafeEqual(given, key)
  }

  const answer = (request: IncomingMessage, response: ServerResponse, path: string, api: Api, body: Buffer): void => {
    let value: Json
    try {
      value = JSON.parse(body.toString()) as Json
    } catch {
      return refuse(response, 400, "The body is not JSON", "invalid_request_error")
    }
    const asked = askedOf(value, api)
    if (typeof asked === "string") return refuse(response, 400, asked, "invalid_request_error")
    const entry = counts.begin(asked, path)
    // Whoever has not got the whole answer when the connection closes has left.
    response.on("close", () => entry.end("cancelled"))
    if (!models.includes(asked.model)) {
      entry.end("model-unknown")
      return refuse(response, 404, unknownModel(asked.model), "NotFoundError", "model_not_found")
    }
    if (script.inFlight !== undefined && counts.inFlight() > script.inFlight) {
      return fail({ kind: "rate-limited", retryAfter: 1 }, asked, response, entry)
    }
    const { fault, samples } = composer.compose(asked, request.headers)
    entry.rules = samples.map(({ rule }) => rule)
    const context = script.contextTokens
    const { maxTokens, promptTokens } = asked
    if (context !== undefined && overflows(kind, { contextTokens: context, maxTokens, promptTokens })) {
      return fail({ kind: "overflow" }, asked, response, entry)
    }
    if (fault !== undefined && comesFirst.has(fault.kind)) return fail(fault, asked, response, entry)
    const room = context === undefined ? Infinity : context - promptTokens
    const reply: Reply = {
      id: `${api === "chat" ? "chatcmpl" : "cmpl"}-fake-${entry.number}`,
      created: Math.floor(now() / 1_000),
      asked,
      samples: samples.map((told, index) => sampleOf(told, index, asked, room)),
      usage: script.usage !== false
    }
    const drawn = mixed(samples[0]?.key ?? 0, 50)
    send(reply, response, entry, fault, samples[0]?.latency ?? {}, drawn)
  }

  /** Failures that are told in place of an answer. */
  const fail = (failure: Failure, asked: Asked, response: ServerResponse, entry: Entry): void => {
    const { message, status } = failure
    switch (failure.kind) {
      case "rate-limited": {
        const { retryAfter, retryAfterAs } = failure
        entry.end(failure.kind)
        return json(
          response,
          429,
          errorBody(kind, 429, message ?? "Too many requests: slow down", "rate_limit_error", "rate_limit_exceeded"),
          retryAfter === undefined
            ? {}
            : retryAfterAs === "date"
            ? { "retry-after": new Date(now() + retryAfter * 1_000).toUTCString() }
            : retryAfterAs === "millis"
            ? { "retry-after-ms": String(Math.round(retryAfter * 1_000)) }
            : { "retry-after": String(Math.ceil(retryAfter)) }
        )
      }
      case "server-error":
        entry.end(failure.kind)
        return refuse(response, status ?? 500, message ?? "The engine failed", "server_error")
      case "refused":
        entry.end(failure.kind)
        return refuse(response, status ?? 400, message ?? "The request cannot be served", "invalid_request_error")
      case "key-refused":
        entry.end(failure.kind)
        return refuse(
          response,
          status ?? 401,
          message ?? "The key is not valid",
          "authentication_error",
          "invalid_api_key"
        )
      case "model-unknown":
        entry.end(failure.kind)
        return refuse(response, 404, message ?? unknownModel(asked.model), "NotFoundError", "model_not_found")
      case "overflow": {
        const server = failure.server ?? kind
        const { maxTokens, promptTokens } = asked
        const contextTokens = script.contextTokens ?? 4_096
        const fit = { contextTokens, maxTokens, promptTokens }
        // Asked for by a rule where everything fits: the prompt plays one that is too long.
        const told = overflows(server, fit) ? fit : { ...fit, promptTokens: contextTokens + promptTokens }
        entry.end(failure.kind)
        const type = server === "llama.cpp"
          ? "exceed_context_size_error"
          : server === "openai"
          ? "invalid_request_error"
          : "BadRequestError"
        return json(
          response,
          400,
          errorBody(server, 400, overflowMessage(server, told), type, "context_length_exceeded")
        )
      }
      case "html": {
        entry.end(failure.kind)
        const page =
          "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"
        return void response.writeHead(status ?? 502, {
          "content-type": "text/html; charset=utf-8",
          "content-length": Buffer.byteLength(page)
        }).end(page)
      }
      case "wrong-shape":
        entry.end(failure.kind)
        return asked.stream
          ? void opened(response).end(`data: {"result":"ok"}\n\n${doneEvent}`)
          : json(response, 200, { result: "ok" })
      case "huge":
        return flood(response, asked, (failure.mebibytes ?? 128) * 1_048_576, () => entry.end(failure.kind))
      default:
        entry.end(failure.kind)
        return void response.socket?.resetAndDestroy()
    }
  }

  const send = (
    reply: Reply,
    response: ServerResponse,
    entry: Entry,
    fault: Failure | undefined,
    latency: Latency,
    drawn: number
  ): void => {
    const { asked, samples } = reply
    const longest = samples.reduce((most, { pieces }) => Math.max(most, pieces.length), 0)
    const firstMillis = fault?.kind === "slow-first" ? fault.millis ?? 60_000 : millisOf(latency.first, drawn)
    const tokenMillis = millisOf(latency.token, mixed(drawn, 1))
    const usage = usageOf(reply)
    const tokens = { prompt: usage.prompt_tokens, completion: usage.completion_tokens }
    const outcome = fault === undefined ? "answered" : fault.kind
    const breaks = fault !== undefined && fault.kind !== "slow-first" ? fault : undefined
    const stopAt = breaks === undefined ? longest : Math.min(longest, breaks.after ?? Math.ceil(longest * half))
    if (!asked.stream) {
      return after(response, firstMillis + tokenMillis * stopAt, () => {
        if (breaks === undefined) {
          entry.end(outcome, tokens)
          return json(response, 200, bodyOf(reply))
        }
        breakBody(breaks, bodyOf(reply), reply, response, entry)
      })
    }
    const events = eventsOf(reply)
    let at = 0
    const started = performance.now()
    const upTo = (to: number): string => {
      let text = at === 0 ? samples.map(events.opening).join("") : ""
      for (; at < to; at++) for (const sample of samples) text += events.piece(sample, at)
      return text
    }
    const finish = (text: string): void => {
      if (breaks !== undefined) return breakStream(breaks, text, events, response, entry)
      entry.end(outcome, tokens)
      response.end(text + samples.map(events.closing).join("") + events.usage() + doneEvent)
    }
    const tick = (): void => {
      const passed = performance.now() - started - firstMillis
      const due = tokenMillis === 0 ? stopAt : Math.min(stopAt, Math.floor(Math.max(0, passed) / tokenMillis) + 1)
      if (at === 0) opened(response)
      const text = upTo(due)
      if (at >= stopAt) return finish(text)
      response.write(text)
      after(response, Math.max(tickMillis, firstMillis + at * tokenMillis - (performance.now() - started)), tick)
    }
    after(response, firstMillis, tick)
  }

  const breakStream = (
    fault: Failure,
    text: string,
    events: ReturnType<typeof eventsOf>,
    response: ServerResponse,
    entry: Entry
  ): void => {
    switch (fault.kind) {
      case "stall":
        // Nothing more comes: the client has to leave.
        return void response.write(text)
      case "reset-amid":
        entry.end(fault.kind)
        return void response.write(text, () => response.socket?.resetAndDestroy())
      case "malformed":
        entry.end(fault.kind)
        return void response.end(text + events.broken() + doneEvent)
      case "error-in-stream":
        entry.end(fault.kind)
        return void response.end(`${text}data: ${JSON.stringify(innerError(fault))}\n\n${doneEvent}`)
      case "empty-choices":
        entry.end(fault.kind)
        return void response.end(events.empty() + doneEvent)
      default:
        entry.end(fault.kind)
        return void response.end(text)
    }
  }

  const breakBody = (fault: Failure, body: string, reply: Reply, response: ServerResponse, entry: Entry): void => {
    const part = body.slice(0, Math.floor(body.length * half))
    if (fault.kind === "stall" && fault.after === 0) return
    if (fault.kind !== "stall") entry.end(fault.kind)
    switch (fault.kind) {
      case "malformed":
        return json(response, 200, part)
      case "empty-choices":
        return json(response, 200, bodyOf(reply, []))
      case "error-in-stream":
        return json(response, 200, innerError(fault))
      default: {
        response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
        response.write(part, () => {
          if (fault.kind === "cut") response.socket?.end()
          if (fault.kind === "reset-amid") response.socket?.resetAndDestroy()
        })
      }
    }
  }

  const route = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/"
    const api = path === "/v1/chat/completions" ? "chat" : path === "/v1/completions" ? "completions" : undefined
    response.on("error", () => {})
    if (path === "/health") return json(response, 200, { status: "ok" })
    if (!mayAsk(request)) {
      request.resume()
      return refuse(response, 401, "The key is missing or not valid", "authentication_error", "invalid_api_key")
    }
    if (request.method === "GET" && path === "/v1/models") {
      return json(response, 200, {
        object: "list",
        data: models.map((id) => ({
          id,
          object: "model",
          created: 0,
          owned_by: "polya fake-llm",
          ...(script.contextTokens === undefined ? {} : { max_model_len: script.contextTokens })
        }))
      })
    }
    if (request.method === "GET" && path === "/fake/counts") return json(response, 200, counts.read())
    if (request.method === "POST" && path === "/fake/reset") {
      request.resume()
      reset()
      return json(response, 200, { reset: true })
    }
    if (request.method !== "POST" || api === undefined) {
      request.resume()
      const known = ["/v1/models", "/fake/counts", "/fake/reset", "/v1/chat/completions", "/v1/completions"]
      return refuse(
        response,
        known.includes(path) ? 405 : 404,
        `There is no ${request.method} ${path.slice(0, 200)} here`,
        "NotFoundError"
      )
    }
    const chunks: Array<Buffer> = []
    let bytes = 0
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bodyBytes) chunks.push(chunk)
      else if (!response.headersSent) {
        chunks.length = 0
        refuse(response, 413, `The body has more than ${bodyBytes} bytes`, "invalid_request_error")
        response.once("finish", () => request.destroy())
      }
    })
    request.on("end", () => {
      if (bytes <= bodyBytes) {
        answer(request, response, path, api, chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
      }
    })
    request.on("error", () => {})
  }

  const server = createServer({ keepAliveTimeout: 65_000, maxHeaderSize: 32_768, noDelay: true }, route)
  server.maxConnections = maxConnections
  const taken = await listening(server, host, port)
  const shownHost = host.includes(":") ? `[${host}]` : host
  return {
    url: `http://${shownHost}:${taken}/v1`,
    port: taken,
    counts: counts.read,
    reset,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

const listening = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off("error", reject)
      server.on("error", () => {})
      resolve((server.address() as AddressInfo).port)
    })
  })

/** Failures that need no answer to break. */
const comesFirst: ReadonlySet<Failure["kind"]> = new Set([
  "rate-limited",
  "server-error",
  "refused",
  "key-refused",
  "model-unknown",
  "overflow",
  "reset-before",
  "wrong-shape",
  "html",
  "huge"
])

const unknownModel = (model: string): string => `The model \`${model.slice(0, 200)}\` does not exist.`

/** An error inside of an answer that began well. */
const innerError = ({ message = "The engine failed amid the answer", status = 500 }: Failure) => ({
  error: { message, type: "server_error", code: status }
})

const opened = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" })

/** Of Node; a longer one would end at once. */
const longestTimerMillis = 0x7fff_ffff

/** Later, unless the client has left by then. Node keeps timers of one length in one list, so whole milliseconds keep them few. */
const after = (response: ServerResponse, millis: number, run: () => void): void => {
  if (millis <= 0) return run()
  const timer = setTimeout(() => {
    response.off("close", stop)
    if (!response.destroyed) run()
  }, Math.min(Math.ceil(millis), longestTimerMillis))
  const stop = (): void => clearTimeout(timer)
  response.once("close", stop)
}

/** One text that does not end, as fast as the client takes it. */
const flood = (response: ServerResponse, { stream }: Asked, bytes: number, ended: () => void): void => {
  const chunk = Buffer.alloc(65_536, "x")
  let left = bytes
  response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" })
  response.write(
    stream ? `data: {"choices":[{"index":0,"delta":{"content":"` : `{"choices":[{"index":0,"message":{"content":"`
  )
  const pour = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length
      if (!response.write(chunk)) return void response.once("drain", pour)
    }
    if (!response.destroyed) {
      ended()
      response.end(stream ? `"}}]}\n\n${doneEvent}` : `"}}]}`)
    }
  }
  pour()
}
