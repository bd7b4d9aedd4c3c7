// The wire client of OpenAI-compatible servers: one HTTP request over a connection that is kept, its answer read as it comes. Every wait, body
// and line is bounded; certificates are verified and no redirect is followed. Interruption ends the request and its socket at once.
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { type Alarms, makeAlarms } from "../../actors/Alarms.ts"
import { type ChatMessage, noUsage, type TokenUsage } from "../../domain/Generation.ts"
import { endsInThought, opensThought } from "../../domain/Reasoning.ts"
import { estimatePromptTokens } from "../../domain/TokenEstimate.ts"
import { Answer, countWritten, type Seen } from "./Answer.ts"
import { addressOf, bodyOf, type Content } from "./Body.ts"
import { Connections, type Headers, type Told } from "./Connections.ts"
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

/** Bytes of a response that is kept whole, and of an error's body. */
const responseBytesDefault = 64 * 1024 * 1024
const errorBytes = 64 * 1024
/** Log-probabilities make a stream many times as long as what is kept of it: so many times. */
const streamFactor = 16
/** How long the rest of an ended stream may take until its socket is closed. */
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
  UND_ERR_SOCKET: "the connection broke",
  UND_ERR_HEADERS_OVERFLOW: "its headers are too long"
}
/** Such as a line break in a header's value. */
const unsendable = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"])
/** Certificates, ciphers and all else that node words itself; its words hold no header's value. */
const connectionProblem = (error: NodeJS.ErrnoException, { endpoint }: Call, url: URL): Problem => {
  const code = error.code ?? (error.name === "HTTPParserError" ? "HPE_INVALID" : "")
  if (unsendable.has(code)) return { class: "refused", detail: shown(error.message, endpoint) }
  const why = Object.hasOwn(reasons, code) ? reasons[code] : error.message || "no connection"
  const isParse = code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW"
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

/** When to look for a deadline that has passed: at most as long after now as a stream may be silent, so that no silence is overlooked. */
const dueOf = (call: Call, { callMillis, firstTokenMillis, idleMillis }: WireDeadlines) => {
  const { endpoint: { stream }, startMillis } = call
  const hasBegun = call.firstTokenMillis !== null
  const silence = !stream ? Infinity : hasBegun ? call.lastPartMillis + idleMillis : startMillis + firstTokenMillis
  return { due: Math.min(startMillis + callMillis, silence), hasBegun }
}

/** Calls `late` once a deadline has passed. Answers what calls that off. */
const watch = (
  { at, now }: Alarms,
  call: Call,
  deadlines: WireDeadlines,
  late: (failed: WireFailure) => void
): () => void => {
  let stop = () => {}
  const look = (): void => {
    const { due, hasBegun } = dueOf(call, deadlines)
    const { callMillis, firstTokenMillis, idleMillis } = deadlines
    const time = now()
    if (time < due) {
      stop = at(Math.min(due, time + (call.endpoint.stream ? idleMillis : Infinity)), look)
      return
    }
    const of = due === call.startMillis + callMillis ? "call" : hasBegun ? "idle" : "first-token"
    const millis = of === "call" ? callMillis : of === "idle" ? idleMillis : firstTokenMillis
    const what = of === "call" ? "no end of the answer" : of === "idle" ? "nothing more" : "no first token"
    late(failure(call, { class: "deadline", detail: `${what} within ${Math.round(millis)} ms` }, { of, millis }))
  }
  look()
  return () => stop()
}

const only = (value: string | ReadonlyArray<string> | undefined): string =>
  typeof value === "string" ? value : value?.join(", ") ?? ""

/** Reads one response to its end; `done` is told once. What comes after is thrown away. */
const read = (
  call: Call,
  status: number,
  headers: Headers,
  onPart: ((part: WirePart) => void) | undefined,
  done: (problem: Problem | null) => void
): Pick<Told, "data" | "end"> & { readonly cut: () => void } => {
  const { answer, endpoint, request } = call
  call.status = status
  const responseBytes = endpoint.responseBytes ?? responseBytesDefault
  const isWell = status >= 200 && status < 300
  const type = only(headers["content-type"]).toLowerCase()
  const isStream = isWell && (type.includes("event-stream") || endpoint.stream && !type.includes("json"))
  const mostBytes = isWell ? responseBytes * (isStream ? streamFactor : 1) : errorBytes
  const refusal = (body: unknown) => problemOf(endpoint, request.prompt, status, body, retryAfter(headers, call.now()))
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
  const encoding = only(headers["content-encoding"])
  if (isWell && encoding !== "" && encoding !== "identity") {
    finish(unreadable(`the answer is packed (${shown(encoding, endpoint)}), which was not asked for`))
  }
  return {
    cut,
    data: (chunk) => {
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
    },
    end: () => {
      if (isOver) return
      if (!isStream) {
        const body = Buffer.concat(kept).toString("utf8").replace(/^\uFEFF/, "")
        if (!isWell) return finish(refusal(jsonOrText(body)))
        return take(body) ? conclude() : undefined
      }
      isEnding = true
      events.end()
      cut()
    }
  }
}

/** Where a call goes and with which headers. */
interface Prepared {
  readonly url: URL
  readonly path: string
  readonly headers: Array<string>
}

const prepare = (endpoint: WireEndpoint, path: Content["path"]): Prepared | null => {
  const url = addressOf(endpoint.url, path)
  if (url === null) return null
  const headers = new Map([["user-agent", "polya"]])
  for (const [name, value] of Object.entries(endpoint.headers ?? {})) headers.set(name.toLowerCase(), value)
  headers.set("content-type", "application/json")
  headers.set("accept", endpoint.stream ? "text/event-stream" : "application/json")
  headers.set("accept-encoding", "identity")
  if (endpoint.key !== undefined) headers.set("authorization", `Bearer ${Redacted.value(endpoint.key)}`)
  if (endpoint.organization !== undefined) headers.set("openai-organization", endpoint.organization)
  // It is told by the body.
  headers.delete("content-length")
  return { url, path: url.pathname + url.search, headers: [...headers].flat() }
}

/** Sends a request and reads its answer. The effect's interruption closes the socket. */
const exchange = (
  alarms: Alarms,
  connections: Connections,
  { headers, path, url }: Prepared,
  body: string,
  call: Call,
  deadlines: WireDeadlines,
  onPart: ((part: WirePart) => void) | undefined
): Effect.Effect<void, WireFailure> =>
  Effect.callback((resume) => {
    let isOver = false
    let isEnded = false
    let reading: ReturnType<typeof read> | undefined
    let draining: NodeJS.Timeout | undefined
    let callOff = () => {}
    let unwatch = () => {}
    const over = (failed: WireFailure | null) => {
      if (isOver) return
      isOver = true
      unwatch()
      if (failed !== null) {
        callOff()
        return resume(Effect.fail(failed))
      }
      // What is left of a stream is read, so that its socket can be used again; a server that does not end it loses the socket.
      if (!isEnded) {
        draining = setTimeout(callOff, drainMillis)
        draining.unref()
      }
      resume(Effect.void)
    }
    const finish = (problem: Problem | null) => over(problem === null ? null : failure(call, problem))
    const ended = () => {
      isEnded = true
      clearTimeout(draining)
    }
    callOff = connections.send({ origin: url.origin, path, headers, body }, {
      head: (status, found) => {
        if (!isOver) reading = read(call, status, found, onPart, finish)
      },
      data: (chunk) => reading?.data(chunk),
      end: () => {
        ended()
        reading?.end()
      },
      failed: (error) => {
        ended()
        if (reading === undefined) finish(connectionProblem(error, call, url))
        else reading.cut()
      }
    })
    if (!isOver) unwatch = watch(alarms, call, deadlines, over)
    // It may have been over before it was known how to call it off.
    else if (!isEnded) callOff()
    return Effect.sync(() => {
      isOver = true
      unwatch()
      callOff()
    })
  })

const make = Effect.gen(function*() {
  const alarms = yield* makeAlarms
  const connections = yield* Effect.acquireRelease(
    Effect.sync(() => new Connections()),
    (all) => Effect.sync(() => all.close())
  )
  const prepared = new WeakMap<WireEndpoint, Map<string, Prepared | null>>()
  const preparedOf = (endpoint: WireEndpoint, path: Content["path"]): Prepared | null => {
    let known = prepared.get(endpoint)
    if (known === undefined) prepared.set(endpoint, known = new Map())
    let one = known.get(path)
    if (one === undefined) known.set(path, one = prepare(endpoint, path))
    return one
  }
  const call = Effect.fnUntraced(function*(
    endpoint: WireEndpoint,
    request: WireRequest,
    deadlines: WireDeadlines,
    onPart?: (part: WirePart) => void
  ) {
    const { now } = alarms
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
    const target = preparedOf(endpoint, content.path)
    if (target === null) {
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
    yield* exchange(
      alarms,
      connections,
      target,
      bodyOf(endpoint, request, content),
      current,
      deadlines,
      onPart
    )
    const { answer, firstTokenMillis, status } = current
    const millis = now() - startMillis
    return {
      ...answer.written,
      finish: answer.finish ?? "stop",
      usage: answer.usage ?? (yield* usageOf(current, content)),
      figures: answer.figures.figures(),
      firstTokenMillis,
      millis,
      status: status ?? 0
    } satisfies WireOutput
  })
  return WireClient.of({ call })
})

export const layer: Layer.Layer<WireClient> = Layer.effect(WireClient, make)
