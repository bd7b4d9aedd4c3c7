// The wire client of OpenAI-compatible servers: one HTTP request over a connection that is kept, its answer read as it comes. Every wait, body
// and line is bounded; certificates are verified and no redirect is followed. Interruption ends the request and its socket at once.
import { Clock, Context, Effect, Layer, Option, Redacted } from "effect"
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import { type ChatMessage, noUsage, type TokenUsage } from "../../domain/Generation.ts"
import { endsInThought, opensThought } from "../../domain/Reasoning.ts"
import { estimatePromptTokens } from "../../domain/TokenEstimate.ts"
import { Answer, countWritten, type Seen } from "./Answer.ts"
import { addressOf, bodyOf, type Content } from "./Body.ts"
import type { LocalTokenizer } from "./LocalTokenizer.ts"
import { errorInside, jsonOrText, type Problem, problemOf, retryAfter, shown } from "./Refusal.ts"
import { ServerEvents } from "./ServerEvents.ts"
import {
  type WireDeadlines,
  type WireEndpoint,
  WireFailure,
  type WireOutput,
  type WirePart,
  type WireRequest
} from "./Wire.ts"

/** Bytes of a response that is kept whole, of one header, and of an error's body. */
const responseBytesDefault = 64 * 1024 * 1024
const headerBytes = 64 * 1024
const errorBytes = 64 * 1024
/** Log-probabilities make a stream many times as long as what is kept of it: so many times. */
const streamFactor = 16
/** Sockets to one server, to all, and kept open without a call; and how long the rest of an ended stream may take until its socket is closed. */
const socketsPerServer = 2_048
const socketsMaximum = 8_192
const idleSockets = 512
const drainMillis = 1_000
/** Characters of an answer that is shown where it cannot be read. */
const glimpseCharacters = 200

export class WireClient extends Context.Service<WireClient, {
  /** `onPart` is called as parts come (streaming endpoints); it must be quick and not throw. */
  readonly call: (
    endpoint: WireEndpoint,
    request: WireRequest,
    deadlines: WireDeadlines,
    onPart?: (part: WirePart) => void
  ) => Effect.Effect<WireOutput, WireFailure>
}>()("polya/WireClient") {}

interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

/** One call under way. */
interface Call {
  readonly endpoint: WireEndpoint
  readonly request: WireRequest
  readonly now: () => number
  readonly startMillis: number
  readonly answer: Answer
  status: number | null
  firstTokenMillis: number | null
  lastPartMillis: number
}

const unreadable = (detail: string): Problem => ({ class: "unreadable", detail })

const reasons: { readonly [code: string]: string } = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name could not be looked up",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  ETIMEDOUT: "it does not answer",
  HPE_HEADER_OVERFLOW: "its headers are too long"
}
/** Certificates, ciphers and all else that node words itself; its words hold no headers. */
const connectionProblem = (error: NodeJS.ErrnoException, { endpoint }: Call, url: URL): Problem => {
  const code = error.code ?? ""
  const why = Object.hasOwn(reasons, code) ? reasons[code] : error.message || "no connection"
  const isParse = code.startsWith("HPE_")
  return {
    class: isParse ? "unreadable" : "connection",
    detail: shown(`${url.host}: ${why}${code === "" ? "" : ` (${code})`}`, endpoint)
  }
}

const render = (tokenizer: LocalTokenizer, messages: ReadonlyArray<ChatMessage>, { request, startMillis }: Call) => {
  const { reasoningEffort } = request.parameters
  const effort = reasoningEffort === undefined ? {} : { reasoningEffort }
  return tokenizer.render(messages, { nowMillis: startMillis, ...effort })
}

/** The tokens, as the server counted them, else the endpoint's tokenizer, else roughly. */
const usageOf = Effect.fnUntraced(function*(call: Call, content: Content) {
  const { answer, endpoint, request } = call
  if (answer.usage !== null) return answer.usage
  const tokenizer = endpoint.tokenizer === undefined ? null : Option.getOrNull(yield* Effect.option(endpoint.tokenizer))
  const prompt = "text" in content
    ? content.text
    : tokenizer === null
    ? null
    : Option.getOrNull(yield* Effect.option(render(tokenizer, content.messages, call)))
  return {
    promptTokens: tokenizer !== null && prompt !== null
      ? tokenizer.count(prompt)
      : estimatePromptTokens(request.prompt),
    completionTokens: countWritten(answer, tokenizer === null ? null : tokenizer.count),
    estimated: true
  }
})

/** Of a call that gave nothing: the prompt counts once the model has begun. */
const spent = ({ answer, request }: Call): TokenUsage =>
  answer.usage ?? (answer.tokens === 0
    ? noUsage
    : { promptTokens: estimatePromptTokens(request.prompt), completionTokens: answer.tokens, estimated: true })

const failure = (call: Call, problem: Problem, deadline: WireFailure["deadline"] = null): WireFailure =>
  new WireFailure({
    class: problem.class,
    status: call.status,
    detail: problem.detail,
    retryAfterMillis: problem.retryAfterMillis ?? null,
    deadline,
    overflow: problem.class === "overflow" ? problem.overflow ?? {} : null,
    usage: spent(call),
    firstTokenMillis: call.firstTokenMillis,
    millis: call.now() - call.startMillis
  })

/** Waits until a deadline has passed, and says which. Sleeps at most as long as a stream may be silent, so that no silence is overlooked. */
const overdue = Effect.fnUntraced(function*(call: Call, deadlines: WireDeadlines) {
  const { callMillis, firstTokenMillis, idleMillis } = deadlines
  const { endpoint: { stream }, startMillis } = call
  const clock = yield* Clock.Clock
  while (true) {
    const now = clock.currentTimeMillisUnsafe()
    const hasBegun = call.firstTokenMillis !== null
    const silence = !stream ? Infinity : hasBegun ? call.lastPartMillis + idleMillis : startMillis + firstTokenMillis
    const due = Math.min(startMillis + callMillis, silence)
    if (now >= due) {
      const of = due === startMillis + callMillis ? "call" : hasBegun ? "idle" : "first-token"
      const millis = of === "call" ? callMillis : of === "idle" ? idleMillis : firstTokenMillis
      const what = of === "call" ? "no end of the answer" : of === "idle" ? "nothing more" : "no first token"
      return yield* failure(call, { class: "deadline", detail: `${what} within ${Math.round(millis)} ms` }, {
        of,
        millis
      })
    }
    const wait = Math.min(due - now, stream ? idleMillis : Infinity)
    // Without any deadline it never ends.
    yield* wait === Infinity ? Effect.never : Effect.sleep(Math.max(1, wait))
  }
})

/** Reads one response to its end; `done` is told once. What comes after is thrown away. */
const read = (
  call: Call,
  response: IncomingMessage,
  onPart: ((part: WirePart) => void) | undefined,
  done: (problem: Problem | null) => void
): void => {
  const { answer, endpoint, request } = call
  const status = response.statusCode ?? 0
  call.status = status
  const responseBytes = endpoint.responseBytes ?? responseBytesDefault
  const isWell = status >= 200 && status < 300
  const type = String(response.headers["content-type"] ?? "").toLowerCase()
  const isStream = isWell && (type.includes("event-stream") || endpoint.stream && !type.includes("json"))
  const mostBytes = isWell ? responseBytes * (isStream ? streamFactor : 1) : errorBytes
  const refusal = (body: unknown) =>
    problemOf(endpoint, request.prompt, status, body, retryAfter(response.headers, call.now()))
  const encoding = response.headers["content-encoding"] ?? "identity"
  if (isWell && encoding !== "identity") {
    return done(unreadable(`the answer is packed (${shown(encoding, endpoint)}), which was not asked for`))
  }
  let isOver = false
  let isEnding = false
  const finish = (problem: Problem | null) => {
    if (isOver) return
    isOver = true
    done(problem)
  }
  const tell = (part: WirePart | null) => {
    if (part !== null && onPart !== undefined) onPart(part)
  }
  const glimpse = (text: string) => shown(text.slice(0, glimpseCharacters), endpoint, request.prompt)

  /** The answer is whole: what is said of its end. */
  const conclude = () => {
    if (isOver) return
    if (!answer.hasChoice) return finish(unreadable("the answer holds no choice"))
    if (answer.givenUp !== null) {
      return finish({ class: "server", detail: `the server gave the answer up (${shown(answer.givenUp, endpoint)})` })
    }
    if (endpoint.stream) tell(answer.close())
    else answer.close()
    finish(null)
  }
  const take = (text: string): boolean => {
    let error: unknown
    let seen: Seen
    try {
      const value: unknown = JSON.parse(text)
      error = errorInside(value)
      seen = answer.take(value)
    } catch {
      if (!isEnding) finish(unreadable(`a part is no JSON: ${glimpse(text)}`))
      return false
    }
    if (error !== null) {
      finish(refusal(error))
      return false
    }
    if (answer.characters > responseBytes) {
      finish(unreadable(`the answer has more than ${responseBytes} characters`))
      return false
    }
    if (isStream && endpoint.stream) {
      if (seen.isChoice) call.lastPartMillis = call.now()
      if (seen.isToken) call.firstTokenMillis ??= call.now() - call.startMillis
      tell(seen.part)
    }
    return true
  }

  const events = new ServerEvents(({ data, event }) => {
    if (isOver) return
    if (data.trim() === "[DONE]") return conclude()
    if (event === "error" && errorInside(jsonOrText(data)) === null) return finish(refusal(jsonOrText(data)))
    take(data)
  })
  let bytes = 0
  const kept: Array<Buffer> = []
  response.on("data", (chunk: Buffer) => {
    if (isOver) return
    bytes += chunk.length
    if (bytes > mostBytes) {
      if (isWell) return finish(unreadable(`the answer has more than ${mostBytes} bytes`))
      // The rest of a refusal tells no more.
      return finish(refusal(jsonOrText(Buffer.concat(kept).toString("utf8"))))
    }
    if (!isStream) return void kept.push(chunk)
    events.push(chunk)
    if (events.tooLong) finish(unreadable("a line of the stream is too long"))
  })
  const cut = () => {
    // What has an end is whole, whatever became of the connection after it.
    if (isStream && answer.finish !== null) return conclude()
    if (isOver) return
    const what = isStream && !answer.hasChoice ? `holds no part of an answer (${shown(type, endpoint)})` : "was cut off"
    finish(
      isWell
        ? unreadable(`the answer ${what}, after ${bytes} bytes`)
        : refusal(jsonOrText(Buffer.concat(kept).toString("utf8")))
    )
  }
  response.on("end", () => {
    if (isOver) return
    if (!response.complete) return cut()
    if (!isStream) {
      const body = Buffer.concat(kept).toString("utf8").replace(/^\uFEFF/, "")
      if (!isWell) return finish(refusal(jsonOrText(body)))
      return take(body) ? conclude() : undefined
    }
    isEnding = true
    events.end()
    cut()
  })
  response.on("error", cut)
  response.on("close", cut)
}

/** Sends a request and reads its answer. The effect's interruption closes the socket. */
const exchange = (
  agents: Agents,
  url: URL,
  body: string,
  call: Call,
  onPart: ((part: WirePart) => void) | undefined
): Effect.Effect<void, WireFailure> =>
  Effect.callback((resume) => {
    const { endpoint } = call
    const isSecure = url.protocol === "https:"
    let isOver = false
    let current: ClientRequest | undefined
    let answering: IncomingMessage | undefined
    const finish = (problem: Problem | null) => {
      if (isOver) return
      isOver = true
      if (problem === null) {
        drain()
        resume(Effect.void)
      } else {
        current?.destroy()
        resume(Effect.fail(failure(call, problem)))
      }
    }
    /** What is left of a stream is read, so that its socket can be used again; a server that does not end it loses the socket. */
    const drain = () => {
      const request = current
      if (request === undefined || answering === undefined || answering.readableEnded) return
      const timer = setTimeout(() => request.destroy(), drainMillis)
      timer.unref()
      answering.once("close", () => clearTimeout(timer))
    }
    const send = (agent: HttpAgent | HttpsAgent | false) => {
      const headers: { [name: string]: string | number } = {
        "user-agent": "polya",
        ...endpoint.headers,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        accept: endpoint.stream ? "text/event-stream" : "application/json",
        "accept-encoding": "identity"
      }
      if (endpoint.key !== undefined) headers["authorization"] = `Bearer ${Redacted.value(endpoint.key)}`
      if (endpoint.organization !== undefined) headers["openai-organization"] = endpoint.organization
      const options = { method: "POST", headers, agent, maxHeaderSize: headerBytes }
      const request = isSecure
        ? httpsRequest(url, { ...options, rejectUnauthorized: true })
        : httpRequest(url, options)
      current = request
      request.on("error", (error: NodeJS.ErrnoException) => {
        // Once an answer has begun, its own end tells what became of it.
        if (isOver || request !== current || call.status !== null) return
        // A connection that was kept and that the server had closed meanwhile says nothing of the server: once more on a fresh one.
        if (request.reusedSocket && agent !== false) return send(false)
        finish(connectionProblem(error, call, url))
      })
      request.on("response", (response) => {
        answering = response
        if (isOver) response.resume()
        else read(call, response, onPart, finish)
      })
      request.end(body)
    }
    try {
      send(isSecure ? agents.https : agents.http)
    } catch (error) {
      // Such as a line break in a header's value; node names the header and not what is in it.
      finish({ class: "refused", detail: shown(error instanceof Error ? error.message : String(error), endpoint) })
    }
    return Effect.sync(() => {
      isOver = true
      current?.destroy()
    })
  })

const make = Effect.gen(function*() {
  const options = {
    keepAlive: true,
    maxSockets: socketsPerServer,
    maxTotalSockets: socketsMaximum,
    maxFreeSockets: idleSockets,
    scheduling: "lifo" as const
  }
  const agents: Agents = yield* Effect.acquireRelease(
    Effect.sync(() => ({ http: new HttpAgent(options), https: new HttpsAgent(options) })),
    ({ http, https }) =>
      Effect.sync(() => {
        http.destroy()
        https.destroy()
      })
  )
  const call = Effect.fnUntraced(function*(
    endpoint: WireEndpoint,
    request: WireRequest,
    deadlines: WireDeadlines,
    onPart?: (part: WirePart) => void
  ) {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    const startMillis = now()
    const { prompt } = request
    const begin = (opened: boolean): Call => ({
      endpoint,
      request,
      now,
      startMillis,
      answer: new Answer({ opened, ...(endpoint.endTags === undefined ? {} : { endTags: endpoint.endTags }) }),
      status: null,
      firstTokenMillis: null,
      lastPartMillis: startMillis
    })
    const cannotBeSent = (detail: string) => failure(begin(false), { class: "refused", detail })
    let content: Content
    if (prompt._tag === "Text") content = { path: "/completions", text: prompt.text, isComplete: false }
    else if (endpoint.api === "chat") content = { path: "/chat/completions", messages: prompt.messages }
    else {
      if (endpoint.tokenizer === undefined) {
        return yield* cannotBeSent(
          "conversations are sent to completions after a chat template: name the model's tokenizer"
        )
      }
      const tokenizer = yield* Effect.mapError(endpoint.tokenizer, ({ message }) => cannotBeSent(message))
      const text = yield* Effect.mapError(
        render(tokenizer, prompt.messages, begin(false)),
        ({ message }) => cannotBeSent(message)
      )
      const isComplete = tokenizer.bosToken !== "" && text.startsWith(tokenizer.bosToken)
      content = { path: "/completions", text, isComplete }
    }
    const url = addressOf(endpoint.url, content.path)
    if (url === null) {
      return yield* cannotBeSent(
        "its address is none: it begins with http:// or https:// and holds no user or password"
      )
    }
    const last = prompt._tag === "Chat" ? prompt.messages.at(-1) : undefined
    const opened = last?.role === "assistant"
      ? endsInThought(last.content, endpoint.endTags)
      : "text" in content
      ? opensThought(content.text, endpoint.endTags)
      : endpoint.opensThought === true
    const current = begin(opened)
    yield* Effect.raceFirst(
      exchange(agents, url, bodyOf(endpoint, request, content), current, onPart),
      overdue(current, deadlines)
    )
    const { answer, firstTokenMillis, status } = current
    const millis = now() - startMillis
    return {
      ...answer.written,
      finish: answer.finish ?? "stop",
      usage: yield* usageOf(current, content),
      figures: answer.figures.figures(),
      firstTokenMillis,
      millis,
      status: status ?? 0
    } satisfies WireOutput
  })
  return WireClient.of({ call })
})

export const layer: Layer.Layer<WireClient> = Layer.effect(WireClient, make)
