// An OTLP collector for tests: takes traces over HTTP as JSON and answers what it was told to.
import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface Collector {
  readonly url: string
  readonly spans: () => ReadonlyArray<ReceivedSpan>
  readonly requests: ReadonlyArray<
    { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }
  >
  /** Waits until a span is there that fits; the deadline is the test's own. */
  readonly span: (fits: (span: ReceivedSpan) => boolean) => Effect.Effect<ReceivedSpan>
}

const valueOf = (value: Record<string, unknown>): unknown => Object.values(value)[0]

const spansOf = (body: string): ReadonlyArray<ReceivedSpan> => {
  const data = JSON.parse(body) as any
  return data.resourceSpans.flatMap((resource: any) =>
    resource.scopeSpans.flatMap((scope: any) =>
      scope.spans.map((span: any): ReceivedSpan => ({
        ...span,
        attributes: Object.fromEntries(span.attributes.map(({ key, value }: any) => [key, valueOf(value)]))
      }))
    )
  )
}

/** `answer`: the status for the n-th request; 0: it is never answered. */
export const collector = (answer: (request: number) => number = () => 200) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<Collector & { readonly close: () => void }>((done) => {
        const requests: Array<Collector["requests"][number]> = []
        const waiters = new Set<() => void>()
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => {
            requests.push({
              path: request.url ?? "",
              headers: request.headers,
              body: Buffer.concat(chunks).toString()
            })
            const status = answer(requests.length)
            if (status > 0) response.writeHead(status, { "content-type": "application/json" }).end("{}")
            for (const waiter of waiters) waiter()
          })
        })
        const spans = () => requests.flatMap(({ body }) => spansOf(body))
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          done({
            url: `http://127.0.0.1:${port}`,
            spans,
            requests,
            span: (fits) =>
              Effect.callback((resume) => {
                const look = (): void => {
                  const found = spans().find(fits)
                  if (found === undefined) return
                  waiters.delete(look)
                  resume(Effect.succeed(found))
                }
                waiters.add(look)
                look()
                return Effect.sync(() => waiters.delete(look))
              }),
            close: () => {
              server.closeAllConnections()
              server.close()
            }
          })
        })
      })
    ),
    ({ close }) => Effect.sync(close)
  )
