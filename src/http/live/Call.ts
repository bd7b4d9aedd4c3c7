// Any route of the HTTP API as a message of a WebSocket: the same handlers, guards and errors, without a connection of its own.
import { Context, Effect, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Json } from "../../domain/Json.ts"
import { type Caller, GivenWhy, KnownCaller } from "../Security.ts"

/** Bytes of an answer, at most: files are for HTTP. */
export const maxAnswerBytes = 1_048_576

export interface Call {
  readonly method: string
  readonly path: string
  readonly body?: Json | undefined
  readonly key?: string | undefined
  readonly why?: string | undefined
}
export interface Called {
  readonly status: number
  readonly body: Json
}

/** The routes of the API behind the edge: answers every request, never fails. */
export class Routes extends Context.Service<Routes, {
  readonly handle: Effect.Effect<
    HttpServerResponse.HttpServerResponse,
    never,
    HttpServerRequest.HttpServerRequest | Scope.Scope
  >
}>()("polya/http/Routes") {}

/** Answers undefined where the answer is too large or no JSON. */
export const call = Effect.fn("Live.call")(function*(
  routes: Routes["Service"],
  caller: Caller,
  { body, key, method, path, why }: Call
): Effect.fn.Return<Called | undefined> {
  const headers = new Headers({ "content-type": "application/json" })
  if (key !== undefined) headers.set("idempotency-key", key)
  const request = HttpServerRequest.fromWeb(
    new Request(`http://localhost${path}`, {
      method,
      headers,
      ...(body === undefined || method === "GET" || method === "HEAD" ? {} : { body: JSON.stringify(body) })
    })
  )
  return yield* Effect.scoped(Effect.gen(function*() {
    const response = yield* routes.handle
    const web = HttpServerResponse.toWeb(response)
    const text = yield* Effect.promise(() => textOf(web))
    if (text === undefined) return undefined
    if (text === "") return { status: response.status, body: null }
    const value = yield* Effect.try({ try: () => JSON.parse(text) as Json, catch: () => undefined }).pipe(
      Effect.orElseSucceed((): Json => text)
    )
    return { status: response.status, body: value }
  })).pipe(
    Effect.provideService(HttpServerRequest.HttpServerRequest, request),
    Effect.provideService(KnownCaller, caller),
    Effect.provideService(GivenWhy, why)
  )
})

const textOf = async (response: Response): Promise<string | undefined> => {
  if (response.body === null) return ""
  const parts: Array<Uint8Array> = []
  let bytes = 0
  for await (const part of response.body) {
    bytes += part.length
    if (bytes > maxAnswerBytes) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString("utf8")
}
