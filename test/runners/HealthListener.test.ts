import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { Health, type HealthReport } from "../../src/actors/Health.ts"
import * as Lifecycle from "../../src/actors/Lifecycle.ts"
import { Metrics } from "../../src/actors/Metrics.ts"
import * as HealthListener from "../../src/runners/HealthListener.ts"

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})
const ask = (port: number, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
  })
const report: HealthReport = {
  version: "1",
  state: "ready",
  store: "postgres",
  cluster: { role: "runner", address: "h:1", groups: ["default"], runners: ["h:1"] },
  sandbox: null,
  models: [],
  checks: [{ name: "store", ok: false, detail: "away" }]
}
const answers = Layer.mergeAll(
  Layer.succeed(Health, {
    live: Effect.succeed({ ok: true, detail: "" }),
    health: Effect.succeed({ ...report, ok: true }),
    ready: Effect.succeed({ ...report, ok: false })
  }),
  Layer.succeed(Metrics, { render: Effect.succeed("up 1\n") })
)

describe("the health listener", () => {
  it.live("answers for itself while the rest starts, then for all of it, and for itself again when that has ended", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* freePort
      yield* Effect.gen(function*() {
        const lifecycle = yield* Effect.service(Lifecycle.Lifecycle)
        assert.strictEqual((yield* ask(port, "/health")).status, 503)
        assert.strictEqual((yield* ask(port, "/metrics")).status, 503)
        yield* lifecycle.started
        assert.strictEqual((yield* ask(port, "/health")).status, 200)
        const app = HealthListener.attach.pipe(Layer.provide(answers))
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Layer.build(app)
          const ready = yield* ask(port, "/ready")
          assert.strictEqual(ready.status, 503)
          assert.deepInclude(JSON.parse(ready.text), { ok: false, checks: report.checks, reasons: [] })
          assert.strictEqual((yield* ask(port, "/health?verbose")).status, 200)
          const metrics = yield* ask(port, "/metrics")
          assert.deepStrictEqual(metrics, { status: 200, type: Metrics.contentType, text: "up 1\n" })
          assert.strictEqual((yield* ask(port, "/other")).status, 404)
        }))
        yield* lifecycle.drain
        assert.strictEqual((yield* ask(port, "/health")).status, 200)
        const ready = yield* ask(port, "/ready")
        assert.strictEqual(ready.status, 503)
        assert.include(ready.text, "draining")
      }).pipe(
        Effect.provide(HealthListener.layer({ host: "127.0.0.1", port }).pipe(Layer.provideMerge(Lifecycle.layer)))
      )
    })))

  it.live("says that its port is taken", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* freePort
      const layer = HealthListener.layer({ host: "127.0.0.1", port })
      yield* Layer.build(layer)
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(layer))))
      assert.include(error.message, `Cannot listen for HTTP on 127.0.0.1:${port}`)
    })))
})
