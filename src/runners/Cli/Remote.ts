// A running cluster as the command line sees it: requests with a deadline, answers as JSON, errors in the cluster's own words, files up and
// down, and a watch over WebSocket that goes on after a cut from where it was.
import { Clock, Effect, type Option, Queue, Schedule, Stream } from "effect"
import { createReadStream, createWriteStream } from "node:fs"
import { rename, rm, stat } from "node:fs/promises"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { WebSocket } from "ws"
import { isJsonObject, type Json, type JsonObject } from "../../domain/Json.ts"
import { applyPatch, type Patch } from "../../domain/JsonPatch.ts"
import { type CommandFailed, misused, workFailed } from "./Failure.ts"

export const defaultUrl = "http://127.0.0.1:7411"
const requestMillis = 60_000
/** A watch that gets no frame and no ping for so long is begun again. */
const silentMillis = 45_000
/** For so long a watch or a read tries to reach a cluster that is away. */
const awayMillis = 120_000

export interface Remote {
  readonly url: string
  /** Fails at once if nobody was ever there; a cluster that did answer before is waited for. */
  readonly get: (path: string) => Effect.Effect<any, CommandFailed>
  /** Asks again under the same key while the answer may be lost. */
  readonly send: (
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    body?: Json,
    key?: string
  ) => Effect.Effect<any, CommandFailed>
  /** For what has no key: asked once. */
  readonly sendOnce: (
    method: "POST",
    path: string,
    body: Json,
    deadlineMillis?: number
  ) => Effect.Effect<any, CommandFailed>
  readonly upload: (file: string, name: string) => Effect.Effect<{ readonly id: string }, CommandFailed>
  /** Writes to a temporary name of its own first: a file that is there is whole. */
  readonly download: (path: string, file: string) => Effect.Effect<void, CommandFailed>
  /** Every state of the actor that comes through, newest last. */
  readonly watch: (type: string, actor: string) => Stream.Stream<Snapshot, CommandFailed>
}
export interface Snapshot {
  readonly version: number
  readonly state: any
}

/** The cluster at `url`; the token is taken from POLYA_TOKEN. */
export const remote = (given: Option.Option<string>): Effect.Effect<Remote, CommandFailed> =>
  Effect.suspend(() => {
    const text = given._tag === "Some" ? given.value : defaultUrl
    const base = URL.parse(text)
    if (base === null || !/^https?:$/.test(base.protocol)) {
      return Effect.fail(misused(`--url ${text}: write the address of a polya serve, such as ${defaultUrl}`))
    }
    if (base.username !== "" || base.password !== "") {
      return Effect.fail(misused("An address may not hold a password here; set POLYA_TOKEN to the token"))
    }
    const token = (process.env["POLYA_TOKEN"] ?? "").trim()
    if (!/^[\x21-\x7e]*$/.test(token)) {
      return Effect.fail(misused("POLYA_TOKEN holds something that no token has", "`polya token create` prints one."))
    }
    return Effect.succeed(make(base, token))
  })

const make = (base: URL, token: string): Remote => {
  const url = base.href.replace(/\/$/, "")
  let met = false
  const authorization: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` }
  const request = (
    path: string,
    init: RequestInit & { readonly duplex?: "half" },
    deadlineMillis = requestMillis
  ): Effect.Effect<Response, CommandFailed> =>
    Effect.tryPromise({
      try: (signal) =>
        fetch(`${url}${path}`, {
          ...init,
          headers: { ...authorization, ...init.headers as Record<string, string> },
          signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMillis)])
        }),
      catch: (cause) => away(url, cause)
    }).pipe(
      Effect.flatMap((response) => {
        met = true
        return response.ok ? Effect.succeed(response) : Effect.flatMap(refusal(url, response), Effect.fail)
      })
    )
  const json = (response: Response) =>
    Effect.tryPromise({
      try: async () => response.status === 204 ? null : await response.json(),
      catch: (cause) => workFailed(`What came from ${url} is not JSON: ${String(cause)}`, "", "AnswerUnreadable")
    })
  const sendOnce = (
    method: string,
    path: string,
    body: Json | undefined,
    headers: Record<string, string>,
    deadlineMillis = requestMillis
  ) =>
    Effect.flatMap(
      request(path, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      }, deadlineMillis),
      json
    )
  /** Asking again is safe: reads change nothing, and a command has its key. */
  const patiently = <A>(ask: Effect.Effect<A, CommandFailed>): Effect.Effect<A, CommandFailed> =>
    Effect.retry(ask, {
      while: ({ tag }) => passing.has(tag) || (met && tag === "ClusterAway"),
      schedule: Schedule.spaced("1 second"),
      times: 20
    })

  return {
    url,
    get: (path) => patiently(Effect.flatMap(request(path, {}), json)),
    send: (method, path, body, key = globalThis.crypto.randomUUID()) =>
      patiently(sendOnce(method, path, body, { "idempotency-key": key })),
    sendOnce: (method, path, body, deadlineMillis) => sendOnce(method, path, body, {}, deadlineMillis),
    upload: (file, name) =>
      Effect.gen(function*() {
        const { size } = yield* Effect.tryPromise({
          try: () => stat(file),
          catch: (cause) => misused(`Cannot read ${file}: ${String(cause)}`)
        })
        // The bound on the time grows with the file: 1 MB a second is slow for a cluster.
        const millis = requestMillis + Math.ceil(size / 1_000)
        const response = yield* request(`/api/files?name=${encodeURIComponent(name)}`, {
          method: "POST",
          headers: { "content-type": "application/octet-stream", "content-length": String(size) },
          body: Readable.toWeb(createReadStream(file)) as unknown as ReadableStream,
          duplex: "half"
        }, millis)
        return yield* json(response)
      }),
    download: (path, file) =>
      patiently(
        Effect.gen(function*() {
          const response = yield* request(path, {}, 3_600_000)
          const temporary = `${file}.${globalThis.crypto.randomUUID().slice(0, 8)}.partial`
          yield* Effect.tryPromise({
            try: async () => {
              await pipeline(Readable.fromWeb(response.body as never), createWriteStream(temporary))
              await rename(temporary, file)
            },
            catch: (cause) =>
              isOfFile(cause)
                ? workFailed(`Cannot write ${file}: ${String(cause)}`, "", "OutputFailed")
                : away(url, cause)
          }).pipe(Effect.onError(() => Effect.promise(() => rm(temporary, { force: true }))))
        })
      ),
    watch: (type, actor) => watch(url, authorization, type, actor, () => met)
  }
}

/** Tags of what may be over in a moment. */
const passing: ReadonlySet<string> = new Set([
  "ActorUnavailable",
  "AnswerLate",
  "Busy",
  "RateExceeded",
  "StoreFailed",
  "TooManyWatches"
])

/** Whether the operating system refused a write, rather than the cluster the reading. */
const isOfFile = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && "path" in cause ||
  (cause instanceof Error && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT"))

const away = (url: string, cause: unknown): CommandFailed => {
  return workFailed(
    `Nobody answers at ${url} (${wordsOf(cause)}).`,
    "Start one with `polya serve`, or name another with --url.",
    "ClusterAway"
  )
}

const wordsOf = (cause: unknown): string => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return inner instanceof Error ? inner.message || inner.name : String(inner)
}

/** What the cluster said no with: its problem document. */
const refusal = (url: string, response: Response): Effect.Effect<CommandFailed> =>
  Effect.promise(async () => {
    const body: Json = await response.json().then((value) => value as Json, () => null)
    if (!isJsonObject(body) || typeof body["detail"] !== "string") {
      return workFailed(`${url} answered ${response.status} without saying why.`, "", "AnswerUnreadable")
    }
    const found = Array.isArray(body["errors"])
      ? (body["errors"] as ReadonlyArray<JsonObject>).map(({ message, path }) => `${path}: ${message}`)
      : []
    const message = [String(body["detail"]), ...found].join("\n")
    const [tag, hint] = [String(body["tag"]), String(body["hint"] ?? "")]
    return response.status < 500 && (response.status !== 409 || tag === "SettingNotLive") && response.status !== 429
      ? misused(message, hint, tag)
      : workFailed(message, hint, tag)
  })

/**
 * Begun again after each cut, from the version that was seen last; fails when the cluster stays away or says no. `met`: whether the cluster
 * ever answered; one that never did is not waited for.
 */
const watch = (
  url: string,
  headers: Record<string, string>,
  type: string,
  actor: string,
  met: () => boolean
): Stream.Stream<Snapshot, CommandFailed> =>
  Stream.callback<Snapshot, CommandFailed>((queue) =>
    Effect.gen(function*() {
      let held: Snapshot | undefined
      let seenMillis = yield* Clock.currentTimeMillis
      const clock = yield* Clock.Clock
      let opened = met()
      let isCut = false
      /** Why the last connection ended. */
      let why: unknown = "the connection was cut"
      /** One connection; its end, or the cluster's refusal. */
      const connection = Effect.callback<CommandFailed | undefined>((resume) => {
        const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/live`, { headers, handshakeTimeout: 10_000 })
        let alive: NodeJS.Timeout
        let [answered, ended] = [false, false]
        const hear = (): void => {
          if (answered) seenMillis = clock.currentTimeMillisUnsafe()
          clearTimeout(alive)
          if (!ended) alive = setTimeout(() => socket.terminate(), silentMillis)
        }
        alive = setTimeout(() => socket.terminate(), silentMillis)
        const end = (refused?: CommandFailed): void => {
          if (ended) return
          ended = true
          clearTimeout(alive)
          socket.terminate()
          resume(Effect.succeed(refused))
        }
        socket.on("open", () => {
          hear()
          opened = true
          const from = held === undefined ? {} : { from: held.version }
          socket.send(JSON.stringify({ id: 1, do: "watch", type, actor, ...from }))
        })
        socket.on("ping", hear)
        socket.on("message", (data) => {
          try {
            for (const message of (JSON.parse(String(data)) as { messages: ReadonlyArray<any> }).messages) {
              if (message.problem !== undefined) {
                if (passing.has(message.problem.tag)) {
                  why = message.problem.detail
                  return end()
                }
                return end(misused(message.problem.detail, message.problem.hint, message.problem.tag))
              }
              answered = true
              hear()
              if (isCut) process.stderr.write(`polya: the connection to ${url} is back\n`)
              isCut = false
              why = "the connection was cut"
              const next = after(held, message)
              if (next === held || next === undefined) continue
              held = next
              Queue.offerUnsafe(queue, next)
            }
          } catch {
            // A gap cannot be: begin anew, with a snapshot.
            held = undefined
            end()
          }
        })
        socket.on("unexpected-response", (_, response) => {
          const { statusCode = 0 } = response
          response.resume()
          opened = true
          why = `it answered ${statusCode}`
          end(
            statusCode === 401 || statusCode === 403
              ? misused(
                `The cluster at ${url} does not take this token (${statusCode}).`,
                "Set POLYA_TOKEN to a token of `polya token create`.",
                "TokenUnknown"
              )
              : undefined
          )
        })
        socket.on("error", (cause) => {
          if (!ended) why = cause
        })
        socket.on("close", () => end())
        return Effect.sync(() => end())
      })
      while (true) {
        const refused = yield* connection
        if (refused !== undefined) return yield* Queue.fail(queue, refused)
        if (!opened || (yield* Clock.currentTimeMillis) - seenMillis > awayMillis) {
          return yield* Queue.fail(queue, away(url, why))
        }
        if (!isCut) {
          isCut = true
          const bound = awayMillis / 1_000
          process.stderr.write(`polya: ${wordsOf(why)} (${url}); trying again for up to ${bound} s\n`)
        }
        yield* Effect.sleep(500)
      }
    }), { bufferSize: 1, strategy: "sliding" })

const after = (held: Snapshot | undefined, message: any): Snapshot | undefined => {
  if (message.snapshot !== undefined) return message.snapshot as Snapshot
  if (message.delta === undefined) return held
  const { from, patch, to } = message.delta as { readonly from: number; readonly to: number; readonly patch: Patch }
  if (held === undefined || held.version !== from) throw new Error("a gap")
  return { version: to, state: applyPatch(held.state, patch) }
}
