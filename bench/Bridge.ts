// node:http straight into effects: one fiber a request, JSON in and out, nothing in between. For services that benchmarks drive.
import { Effect, Exit, Layer } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

const maxBodyBytes = 1_048_576

/** What a request asks for; `undefined`: there is no such route. May throw where the request does not fit. */
export type Route<R> = (
  request: IncomingMessage,
  body: string
) => Effect.Effect<unknown, { readonly message: string }, R> | undefined

const answer = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}
const refuse = (response: ServerResponse, status: number, error: unknown): void =>
  answer(response, status, JSON.stringify({ error: String(error) }))

/** Listens for as long as the scope lives. */
export const layer = <R, E, RX>(
  options: { readonly host: string; readonly port: number },
  makeRoute: Effect.Effect<Route<R>, E, RX>
): Layer.Layer<never, E | Error, R | RX> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const route = yield* makeRoute
    const fork = Effect.runForkWith(yield* Effect.context<R>())
    const handle = (request: IncomingMessage, response: ServerResponse, body: string): void => {
      const asked = route(request, body)
      if (asked === undefined) return refuse(response, 404, "there is no such route")
      fork(asked).addObserver((exit) =>
        Exit.isSuccess(exit)
          ? answer(response, 200, JSON.stringify(exit.value))
          : refuse(response, 503, exit.cause)
      )
    }
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      let bytes = 0
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxBodyBytes) chunks.push(chunk)
      })
      request.on("end", () => {
        if (bytes > maxBodyBytes) return refuse(response, 413, "the body is too large")
        try {
          handle(request, response, Buffer.concat(chunks).toString())
        } catch (error) {
          refuse(response, 400, error)
        }
      })
    })
    yield* Effect.acquireRelease(
      Effect.callback<void, Error>((resume) => {
        server.once("error", (error) => resume(Effect.fail(error)))
        server.listen(options.port, options.host, () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
  }))
