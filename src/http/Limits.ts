// What the HTTP API and the WebSocket allow: sizes, rates, numbers at once, deadlines. Read at each use, so that an object with getters makes
// them live; the fields of `polya config`'s area "http". Runners provide them; without that the defaults hold.
import { Context } from "effect"

export interface HttpLimits {
  /** Bytes of a request's body, at most, where it is no upload. */
  readonly maxBodyBytes: number
  readonly maxUploadBytes: number
  /** Bytes of a request's line and headers together, at most. Holds from the start of the server. */
  readonly maxHeaderBytes: number
  /** A client that has not sent its headers by then is cut off. Holds from the start of the server. */
  readonly headersMillis: number
  /** A connection without a request for so long is closed. Holds from the start of the server. */
  readonly idleMillis: number
  /** A request without an answer by then is answered with an error; uploads and downloads go on while bytes flow. */
  readonly requestMillis: number
  /** The same for a request that runs code, its wait for a place included. */
  readonly execMillis: number
  /** The same for a completion over the OpenAI API: the whole of it, streamed or not. */
  readonly openaiMillis: number
  /** A body that stands still for so long is given up. */
  readonly stallMillis: number
  /** Requests of one client (its token, else its address) per second; 0: no bound. */
  readonly requestsPerSecond: number
  /** So many requests of one client may come at once. */
  readonly requestBurst: number
  /** Open connections, WebSockets included. */
  readonly maxConnections: number
  readonly maxSockets: number
  /** Subscriptions of one WebSocket. */
  readonly maxSubscriptions: number
  /** Sessions with code of one WebSocket. */
  readonly maxCodeSessions: number
  /** Bytes of one frame from a client, at most. */
  readonly maxFrameBytes: number
  /** Frames from one client per second; more wait unread. */
  readonly messagesPerSecond: number
  /** Frames with news to one client per second; the latest state wins. */
  readonly framesPerSecond: number
  /** A client that lets more than so many bytes lie unread is cut off. */
  readonly maxUnsentBytes: number
  /** A WebSocket that has not answered a ping by then is closed. */
  readonly pingMillis: number
  /** Origins of web pages that may use the API, joined by commas; `*`: every page; empty: pages of the server itself. */
  readonly allowedOrigins: string
  /** When a bearer token is asked for. Holds from the start of the server. */
  readonly requireToken: "beyond-loopback" | "always"
}

export const httpLimitsDefaults: HttpLimits = {
  maxBodyBytes: 1_048_576,
  maxUploadBytes: 1_073_741_824,
  maxHeaderBytes: 16_384,
  headersMillis: 10_000,
  idleMillis: 60_000,
  requestMillis: 30_000,
  execMillis: 240_000,
  openaiMillis: 3_600_000,
  stallMillis: 30_000,
  requestsPerSecond: 1_000,
  requestBurst: 2_000,
  maxConnections: 10_000,
  maxSockets: 4_000,
  maxSubscriptions: 64,
  maxCodeSessions: 4,
  maxFrameBytes: 1_048_576,
  messagesPerSecond: 200,
  framesPerSecond: 10,
  maxUnsentBytes: 4_194_304,
  pingMillis: 20_000,
  allowedOrigins: "",
  requireToken: "beyond-loopback"
}

export const HttpLimits = Context.Reference<HttpLimits>("polya/HttpLimits", { defaultValue: () => httpLimitsDefaults })

/** The origins of `allowedOrigins`, in the form in which browsers send them. */
export const originsOf = (allowedOrigins: string): ReadonlyArray<string> =>
  allowedOrigins.split(",").map((one) => one.trim()).filter((one) => one !== "")
