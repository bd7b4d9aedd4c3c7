// The server against clients that are slow, large, many or wrong, over real sockets of this machine. Limits are small, so that the tests are short.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { execSync } from "node:child_process"
import { connect, type Socket } from "node:net"
import { WebSocket } from "ws"
import { Files } from "../../src/actors/Files.ts"
import { Tokens } from "../../src/actors/Tokens.ts"
import * as Http from "../../src/http/Http.ts"
import { listen } from "./HttpFixture.ts"

/** A connection as bytes; what came, and that it was closed, can be waited for. */
const dial = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Dialled>((resume) => {
      const socket = connect(port, "127.0.0.1")
      let received = ""
      let closed = false
      const listeners = new Set<() => void>()
      const changed = () => {
        for (const listener of listeners) listener()
      }
      socket.setEncoding("latin1")
      socket.on("data", (text) => {
        received += String(text)
        changed()
      })
      socket.on("error", () => undefined)
      socket.on("close", () => {
        closed = true
        changed()
      })
      const until = (test: () => boolean) =>
        Effect.timeout(
          Effect.callback<void>((resume) => {
            const look = () => {
              if (!test()) return
              listeners.delete(look)
              resume(Effect.void)
            }
            listeners.add(look)
            look()
          }),
          "15 seconds"
        )
      socket.once("connect", () =>
        resume(Effect.succeed({
          socket,
          send: (text: string) => void socket.write(text),
          text: () => received,
          isClosed: () => closed,
          closed: until(() => closed),
          until: (part: string) => until(() => received.includes(part) || closed)
        })))
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )
interface Dialled {
  readonly socket: Socket
  readonly send: (text: string) => void
  readonly text: () => string
  readonly isClosed: () => boolean
  readonly closed: Effect.Effect<void, unknown>
  readonly until: (part: string) => Effect.Effect<void, unknown>
}

const head = (line: string, headers: ReadonlyArray<string> = []) =>
  [line, "Host: localhost", ...headers, "", ""].join("\r\n")
const fetched = (url: string, init?: RequestInit) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) }
  })
/** The document in the last answer of a connection. */
const problemIn = (text: string) => JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n") + 4))

describe("the server", () => {
  it.live("answers over a socket, keeps the connection, and answers pipelined requests in order", () =>
    Effect.gen(function*() {
      const { port } = yield* listen()
      const client = yield* dial(port)
      client.send(
        Array.from({ length: 40 }, (_, at) => head(at % 2 === 0 ? "GET /health HTTP/1.1" : "GET /nix HTTP/1.1")).join(
          ""
        )
      )
      yield* Effect.sync(() => [...client.text().matchAll(/HTTP\/1\.1 (\d+)/g)].length).pipe(
        Effect.delay("5 millis"),
        Effect.repeat({ until: (answers) => answers === 40 }),
        Effect.timeout("15 seconds")
      )
      assert.deepStrictEqual(
        [...client.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
        Array.from({ length: 40 }, (_, at) => at % 2 === 0 ? "200" : "404")
      )
      assert.isFalse(client.isClosed())
    }))

  it.live("cuts headers that come too slowly, are too large or cannot be read, with a problem", () =>
    Effect.gen(function*() {
      const { port, url } = yield* listen({ limits: { headersMillis: 300, maxHeaderBytes: 4_096 } })
      const slow = yield* dial(port)
      slow.send("GET /health HTTP/1.1\r\nHost: loc")
      yield* slow.closed
      assert.match(slow.text(), /^HTTP\/1\.1 408 /)
      assert.strictEqual(problemIn(slow.text()).status, 408)

      const bomb = yield* dial(port)
      bomb.send(head("GET /health HTTP/1.1", [`X-A: ${"x".repeat(8_000)}`]))
      yield* bomb.closed
      assert.match(bomb.text(), /^HTTP\/1\.1 431 /)

      for (
        const text of [
          "nonsense\r\n\r\n",
          "GET / HTTP/9.9\r\n\r\n",
          "\u0016\u0003\u0001\u0002\u0000",
          head("GET / HTTP/1.1", ["Content-Length: 1", "Content-Length: 2"])
        ]
      ) {
        const wrong = yield* dial(port)
        wrong.send(text)
        yield* wrong.closed
        assert.match(wrong.text(), /^HTTP\/1\.1 400 /, text)
      }
      const silent = yield* dial(port)
      yield* silent.closed
      assert.strictEqual((yield* fetched(`${url}/health`)).status, 200)
    }))

  it.live("refuses bodies that are too large, by what they say and by what comes", () =>
    Effect.gen(function*() {
      const { context, port, url } = yield* listen({ limits: { maxBodyBytes: 5_000, maxUploadBytes: 20_000 } })
      const said = yield* dial(port)
      said.send(head("POST /api/runs HTTP/1.1", ["Content-Type: application/json", "Content-Length: 99999999999"]))
      yield* said.closed
      assert.match(said.text(), /^HTTP\/1\.1 413 /)
      assert.strictEqual(problemIn(said.text()).tag, "BodyTooLarge")

      const endless = (path: string) =>
        Effect.gen(function*() {
          const client = yield* dial(port)
          client.send(head(`POST ${path} HTTP/1.1`, ["Content-Type: application/json", "Transfer-Encoding: chunked"]))
          const piece = `${(1_000).toString(16)}\r\n${"[".repeat(1_000)}\r\n`
          yield* Effect.sync(() => client.send(piece)).pipe(
            Effect.delay("1 millis"),
            Effect.repeat({ until: () => client.text().includes("\r\n\r\n") || client.isClosed() })
          )
          assert.match(client.text(), /^HTTP\/1\.1 413 /)
        })
      yield* endless("/api/runs")
      yield* endless("/api/files?name=a")
      const files = (yield* Effect.provideContext(Files, context)) as Files["Service"]
      assert.deepStrictEqual(yield* files.list({ kind: "upload", limit: 10 }), [])
      assert.strictEqual((yield* fetched(`${url}/health`)).status, 200)
    }))

  it.live("gives up bodies that stand still or drip", () =>
    Effect.gen(function*() {
      const { context, port } = yield* listen({ limits: { stallMillis: 400 } })
      const still = yield* dial(port)
      still.send(head("POST /api/runs HTTP/1.1", ["Content-Type: application/json", "Content-Length: 1000"]) + "{")
      yield* still.closed
      assert.match(still.text(), /^HTTP\/1\.1 408 /)
      assert.strictEqual(problemIn(still.text()).tag, "BodyStalled")

      const drip = yield* dial(port)
      drip.send(head("POST /api/files?name=drip HTTP/1.1", ["Content-Length: 100000"]))
      yield* Effect.sync(() => drip.send("x")).pipe(
        Effect.delay("50 millis"),
        Effect.repeat({ until: () => drip.isClosed() }),
        Effect.timeout("15 seconds")
      )
      assert.match(drip.text(), /^HTTP\/1\.1 408 /)
      const files = (yield* Effect.provideContext(Files, context)) as Files["Service"]
      assert.deepStrictEqual(yield* files.list({ kind: "upload", limit: 10 }), [])
    }))

  it.live("cuts who does not read the answer, and who goes away costs nothing", () =>
    Effect.gen(function*() {
      const { port, url } = yield* listen({ limits: { stallMillis: 400 } })
      const upload = yield* fetched(`${url}/api/files?name=big`, { method: "POST", body: new Uint8Array(20_000_000) })
      assert.strictEqual(upload.status, 201)
      const deaf = yield* dial(port)
      deaf.socket.pause()
      deaf.send(head(`GET /api/files/${upload.body.id}/content HTTP/1.1`))
      // Its own end learns of the cut only when it writes again.
      yield* Effect.sync(() => deaf.send("x")).pipe(
        Effect.delay("50 millis"),
        Effect.repeat({ until: () => deaf.isClosed() || deaf.socket.errored !== null }),
        Effect.timeout("15 seconds")
      )
      for (let client = 0; client < 20; client++) {
        const gone = yield* dial(port)
        gone.send(head("POST /api/files?name=gone HTTP/1.1", ["Content-Length: 1000"]) + "half")
        gone.socket.destroy()
      }
      const { body } = yield* fetched(`${url}/api/files`)
      assert.deepStrictEqual(body.items.map(({ name }: any) => name), ["big"])
    }))

  it.live(
    "holds only so many connections: the longest idle makes room, and others are served",
    () =>
      Effect.gen(function*() {
        const wanted = 5_000
        // Both ends are in this process.
        const most = Math.floor((Number(execSync("ulimit -n", { shell: "/bin/sh" }).toString()) - 500) / 2)
        const clients = Math.min(wanted, Number.isFinite(most) ? most : wanted)
        if (clients < wanted) {
          console.warn(`This machine lets a process open few files: ${clients} idle connections instead of ${wanted}`)
        }
        const { port, url } = yield* listen({
          limits: { maxConnections: Math.floor(clients / 2), headersMillis: 60_000 }
        })
        const sockets: Array<Dialled> = []
        for (let batch = 0; batch < clients; batch += 100) {
          sockets.push(
            ...yield* Effect.all(Array.from({ length: Math.min(100, clients - batch) }, () => dial(port)), {
              concurrency: 100
            })
          )
          if (batch % 1_000 === 0) assert.strictEqual((yield* fetched(`${url}/health`)).status, 200)
        }
        yield* Effect.sync(() => sockets.filter(({ isClosed }) => !isClosed()).length).pipe(
          Effect.delay("20 millis"),
          Effect.repeat({ until: (open) => open <= clients / 2 }),
          Effect.timeout("20 seconds")
        )
        assert.isTrue(sockets[0]?.isClosed())
        assert.isFalse(sockets.at(-1)?.isClosed())
        assert.strictEqual((yield* fetched(`${url}/health`)).status, 200)
      }),
    120_000
  )

  it.live("ends by finishing what runs and taking nothing new", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(listen(), scope)
      const upload = yield* dial(port)
      upload.send(head("POST /api/files?name=last HTTP/1.1", ["Content-Length: 10"]) + "12345")
      const other = yield* dial(port)
      other.send(head("GET /health HTTP/1.1"))
      yield* other.until("\r\n\r\n{")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* other.closed
      upload.send("67890")
      yield* upload.until("\"sha256\"")
      assert.match(upload.text(), /^HTTP\/1\.1 201 /)
      yield* upload.closed
      yield* Effect.promise(() =>
        fetch(`http://127.0.0.1:${port}/health`).then(() => assert.fail("it listens"), () => undefined)
      )
      yield* Effect.timeout(Fiber.join(closing), "10 seconds")
    }))

  it.live("does not listen beyond this machine without an admin token, nor on a port that is taken", () =>
    Effect.gen(function*() {
      const open = yield* Effect.flip(Effect.scoped(listen({ host: "0.0.0.0", exposed: true })))
      assert.strictEqual(open._tag, "AdminTokenMissing")
      assert.include(open.message, "polya token create")
      const { context, port } = yield* listen()
      const taken = yield* Effect.flip(Effect.scoped(Layer.build(
        Http.layer({ host: "127.0.0.1", port }).pipe(Layer.provide(Layer.succeedContext(context)))
      )))
      assert.strictEqual((taken as { readonly _tag: string })._tag, "ListenFailed")
    }))
})

describe("upgrades", () => {
  const opened = (
    url: string,
    options: { readonly headers?: Record<string, string>; readonly protocols?: ReadonlyArray<string> } = {}
  ) =>
    Effect.callback<number | "open">((resume) => {
      const socket = new WebSocket(url, [...options.protocols ?? []], { headers: { ...options.headers } })
      socket.once("open", () => {
        socket.terminate()
        resume(Effect.succeed("open" as const))
      })
      socket.once("unexpected-response", (request, response) => {
        response.resume()
        request.destroy()
        resume(Effect.succeed(response.statusCode ?? 0))
      })
      socket.on("error", () => undefined)
    }).pipe(Effect.timeout("10 seconds"))

  it.live("are checked like requests: token by header, protocol or query; origin always", () =>
    Effect.gen(function*() {
      const { context, port } = yield* listen({ limits: { requireToken: "always" } })
      const tokens = (yield* Effect.provideContext(Tokens, context)) as Tokens["Service"]
      const { info, token } = yield* tokens.create({ name: "a", scope: "read", expiresMillis: null }, {
        who: "t",
        why: ""
      })
      const text = Redacted.value(token)
      const url = `ws://127.0.0.1:${port}/api/live`
      assert.strictEqual(yield* opened(url), 401)
      assert.strictEqual(yield* opened(`${url}?token=nix`), 401)
      assert.strictEqual(yield* opened(`${url}?token=${text}`), "open")
      assert.strictEqual(yield* opened(url, { protocols: ["polya", `bearer.${text}`] }), "open")
      const headers = { authorization: `Bearer ${text}` }
      assert.strictEqual(yield* opened(url, { headers }), "open")
      assert.strictEqual(yield* opened(url, { headers: { ...headers, origin: "https://evil.example" } }), 403)
      assert.strictEqual(yield* opened(url, { headers: { ...headers, origin: `http://127.0.0.1:${port}` } }), "open")
      assert.strictEqual(yield* opened(`ws://127.0.0.1:${port}/api/runs`, { headers }), 200)
      yield* tokens.revoke(info.id, { who: "t", why: "" })
      assert.strictEqual(yield* opened(url, { headers }), 401)
    }))

  it.live("of local callers need no token, but the page's own origin; other protocols are not taken up", () =>
    Effect.gen(function*() {
      const { port } = yield* listen({ limits: { maxSockets: 1_000 } })
      assert.strictEqual(yield* opened(`ws://127.0.0.1:${port}/api/live`), "open")
      assert.strictEqual(yield* opened(`ws://127.0.0.1:${port}/api/live`, { headers: { origin: "http://evil" } }), 403)
      const h2c = yield* dial(port)
      h2c.send(
        head("GET /health HTTP/1.1", [
          "Connection: Upgrade, HTTP2-Settings",
          "Upgrade: h2c",
          "HTTP2-Settings: AAMAAABkAAQAAP__"
        ])
      )
      yield* h2c.until("\r\n\r\n{")
      assert.match(h2c.text(), /^HTTP\/1\.1 200 /)
    }))
})
