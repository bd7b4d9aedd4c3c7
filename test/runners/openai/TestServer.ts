// A server for one test: answers every request with what the test says, and knows what it was asked and who still listens.
import { Effect } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { WireEndpoint } from "../../../src/runners/openai/Wire.ts"

export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: { readonly [name: string]: unknown }
  readonly socket: Socket
}

export const serve = (answer: (response: ServerResponse, asked: Asked) => void) =>
  Effect.gen(function*() {
    const asked: Array<Asked> = []
    let waiting: Array<() => void> = []
    const server = createServer((request, response) => {
      const pieces: Array<Buffer> = []
      request.on("data", (piece: Buffer) => pieces.push(piece))
      request.on("end", () => {
        const one: Asked = {
          path: request.url ?? "",
          headers: request.headers,
          body: JSON.parse(Buffer.concat(pieces).toString("utf8")),
          socket: request.socket
        }
        asked.push(one)
        answer(response, one)
        for (const wake of waiting) wake()
        waiting = []
      })
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const endpoint: WireEndpoint = { url, model: "tiny", api: "chat", stream: true }
    /** The next request that comes. */
    const next = Effect.callback<void>((resume) => {
      waiting.push(() => resume(Effect.void))
    })
    return { asked, endpoint, next, server }
  })

export const json = (response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value))

/** Begins a stream of events; each value is one. */
export const events = (response: ServerResponse, ...values: ReadonlyArray<unknown>) => {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" })
  for (const value of values) response.write(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`)
}
export const delta = (content: string, more: object = {}) => ({ choices: [{ index: 0, delta: { content }, ...more }] })
export const end = (reason = "stop") => ({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })
export const usage = (prompt: number, completion: number) => ({
  choices: [],
  usage: { prompt_tokens: prompt, completion_tokens: completion }
})
