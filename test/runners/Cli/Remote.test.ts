// A watch from the command line: it goes on after a cut from what it has, waits out what passes, and says at once that nobody is there.
import { assert, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import type { AddressInfo } from "node:net"
import { type WebSocket, WebSocketServer } from "ws"
import { remote } from "../../../src/runners/Cli/Remote.ts"

/** A server that answers the nth connection's watch with the nth of `answers`, and then cuts it. */
const server = (answers: ReadonlyArray<(from: number | undefined) => ReadonlyArray<object>>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly asked: Array<number | undefined>; readonly close: () => void }>(
      (resume) => {
        const asked: Array<number | undefined> = []
        const listener = new WebSocketServer({ port: 0, host: "127.0.0.1" })
        listener.on("connection", (socket: WebSocket) =>
          socket.on("message", (data) => {
            const { from } = JSON.parse(String(data)) as { readonly from?: number }
            const messages = (answers[asked.length] ?? (() => []))(from)
            asked.push(from)
            socket.send(JSON.stringify({ frame: 1, messages }), () => socket.close(1001))
          }))
        listener.on("listening", () =>
          resume(Effect.succeed({
            url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
            asked,
            close: () => listener.close()
          })))
      }
    ),
    ({ close }) => Effect.sync(close)
  )
const version = (number: number) => ({ watch: 1, snapshot: { version: number, state: { n: number } } })

it.live("a watch that is cut goes on from the version that it has", () =>
  Effect.gen(function*() {
    const { asked, url } = yield* server([
      () => [{ id: 1, ok: true, reply: { watch: 1 } }, version(3)],
      () => [{ watch: 1, delta: { from: 3, to: 5, patch: [{ op: "replace", path: "/n", value: 5 }] } }]
    ])
    const cluster = yield* remote(Option.some(url))
    const last = yield* cluster.watch("DatasetRun", "mine").pipe(
      Stream.takeUntil(({ version }) => version === 5),
      Stream.runLast
    )
    assert.deepStrictEqual(Option.getOrThrow(last), { version: 5, state: { n: 5 } })
    assert.deepStrictEqual(asked.slice(0, 2), [undefined, 3])
  }).pipe(Effect.scoped))

it.live("a watch waits out a cluster that cannot answer for the moment", () =>
  Effect.gen(function*() {
    const problem = { tag: "StoreFailed", status: 503, detail: "The store is away", hint: "" }
    const { url } = yield* server([() => [{ id: 1, ok: false, problem }], () => [version(1)]])
    const cluster = yield* remote(Option.some(url))
    const first = yield* cluster.watch("DatasetRun", "mine").pipe(Stream.runHead)
    assert.strictEqual(Option.getOrThrow(first).version, 1)
  }).pipe(Effect.scoped))

it.live("a watch ends at once where nobody is, and where the cluster says no", () =>
  Effect.gen(function*() {
    const { close, url } = yield* server([
      () => [{ id: 1, ok: false, problem: { tag: "ActorUnknown", status: 404, detail: "There is none", hint: "" } }]
    ])
    const watch = Effect.flatMap(
      remote(Option.some(url)),
      (cluster) => Effect.flip(Stream.runDrain(cluster.watch("DatasetRun", "mine")))
    )
    const no = yield* watch
    assert.deepStrictEqual([no.tag, no.exitCode, no.message], ["ActorUnknown", 2, "There is none"])
    close()
    const nobody = yield* watch
    assert.strictEqual(nobody.tag, "ClusterAway")
    assert.include(nobody.message, "ECONNREFUSED")
  }).pipe(Effect.scoped))
