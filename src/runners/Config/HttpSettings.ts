// The settings of area "http": what the API allows its clients. What each means is told in src/http/Limits.ts, where they are used.
import { Schema } from "effect"
import { type HttpLimits, httpLimitsDefaults as defaults, originsOf } from "../../http/Limits.ts"
import { int, type Setting } from "./Settings.ts"

const kib = 1_024
const mib = 1_048_576

const allowedOrigins: Setting<string> = {
  schema: Schema.String.check(
    Schema.isMaxLength(4_000),
    Schema.makeFilter((text) =>
      originsOf(text).every((one) => one === "*" || URL.parse(one)?.origin === one) ||
      "Expected origins like https://polya.example:8443 (no path, no slash at the end), joined by commas, or *"
    )
  ),
  default: defaults.allowedOrigins,
  unit: "",
  doc:
    "Origins of web pages that may use the API, joined by commas; *: every page, with a token; empty: only pages of the server itself.",
  live: true
}
const requireToken: Setting<HttpLimits["requireToken"]> = {
  schema: Schema.Literals(["beyond-loopback", "always"]),
  default: defaults.requireToken,
  unit: "",
  doc:
    "beyond-loopback: a bearer token is needed as soon as the server listens beyond this machine. always: on this machine, too, as behind a proxy."
}

export const http = {
  maxBodyBytes: int(defaults.maxBodyBytes, "bytes", "A larger body of a request that is no upload is refused.", {
    minimum: kib,
    maximum: 64 * mib,
    live: true
  }),
  maxUploadBytes: int(defaults.maxUploadBytes, "bytes", "A larger uploaded file is refused; nothing of it is kept.", {
    minimum: kib,
    maximum: 1_099_511_627_776,
    live: true
  }),
  maxHeaderBytes: int(
    defaults.maxHeaderBytes,
    "bytes",
    "Request line and headers together; a request with more is refused.",
    { minimum: kib, maximum: mib }
  ),
  headersMillis: int(
    defaults.headersMillis,
    "ms",
    "A client that has not sent its headers by then is cut off.",
    { minimum: 100, maximum: 600_000 }
  ),
  idleMillis: int(defaults.idleMillis, "ms", "A connection without a request for so long is closed.", {
    minimum: 100,
    maximum: 3_600_000
  }),
  requestMillis: int(
    defaults.requestMillis,
    "ms",
    "A request without an answer by then gets an error; giving a command again with its id is safe.",
    { minimum: 100, maximum: 3_600_000, live: true }
  ),
  execMillis: int(
    defaults.execMillis,
    "ms",
    "A request that runs code and has no answer by then gets an error; its session ends. The waiting for a place counts.",
    { minimum: 100, maximum: 86_400_000, live: true }
  ),
  openaiMillis: int(
    defaults.openaiMillis,
    "ms",
    "A completion over the OpenAI API that is not whole by then ends with an error; a strategy is told to answer a little earlier.",
    { minimum: 100, maximum: 86_400_000, live: true }
  ),
  stallMillis: int(defaults.stallMillis, "ms", "A request body of which nothing came for so long is given up.", {
    minimum: 100,
    maximum: 3_600_000,
    live: true
  }),
  requestsPerSecond: int(
    defaults.requestsPerSecond,
    "requests/s",
    "Requests of one client (its token, else its address); more are told to come again later. 0: no bound.",
    { minimum: 0, maximum: 1_000_000, live: true }
  ),
  requestBurst: int(defaults.requestBurst, "requests", "So many requests of one client may come at once.", {
    maximum: 1_000_000,
    live: true
  }),
  maxConnections: int(
    defaults.maxConnections,
    "connections",
    "Open connections of one process, WebSockets included; beyond that the longest idle one is closed, and new ones are refused if none is idle.",
    { maximum: 1_000_000, live: true }
  ),
  maxSockets: int(defaults.maxSockets, "sockets", "Open WebSockets of one process; more are refused.", {
    maximum: 1_000_000,
    live: true
  }),
  maxSubscriptions: int(defaults.maxSubscriptions, "subscriptions", "Subscriptions of one WebSocket, at most.", {
    maximum: 100_000,
    live: true
  }),
  maxCodeSessions: int(
    defaults.maxCodeSessions,
    "sessions",
    "Sessions with code that one WebSocket may have at once.",
    { maximum: 1_024, live: true }
  ),
  maxFrameBytes: int(
    defaults.maxFrameBytes,
    "bytes",
    "A WebSocket whose client sends a larger frame is closed. Holds for sockets opened afterwards.",
    { minimum: kib, maximum: 64 * mib, live: true }
  ),
  messagesPerSecond: int(
    defaults.messagesPerSecond,
    "frames/s",
    "Frames that one WebSocket's client may send; more wait unread.",
    { maximum: 1_000_000, live: true }
  ),
  framesPerSecond: int(
    defaults.framesPerSecond,
    "frames/s",
    "Frames with news that one WebSocket's client gets; the latest state wins.",
    { maximum: 1_000, live: true }
  ),
  maxUnsentBytes: int(
    defaults.maxUnsentBytes,
    "bytes",
    "A WebSocket whose client leaves more than that unread is closed.",
    { minimum: 64 * kib, maximum: 1_073_741_824, live: true }
  ),
  pingMillis: int(defaults.pingMillis, "ms", "A WebSocket that has not answered a ping by then is closed.", {
    minimum: 1_000,
    maximum: 600_000,
    live: true
  }),
  allowedOrigins,
  requireToken
}
