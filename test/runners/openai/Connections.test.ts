// Connections at their bound: who waits gets one, once.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Connections } from "../../../src/runners/openai/Connections.ts"
import { json, serve } from "./TestServer.ts"

describe("connections", () => {
  it.live("send a request once that had to wait for the socket of another server", () =>
    Effect.gen(function*() {
      const answer = (response: Parameters<typeof json>[0]) => void json(response, 200, {})
      const [one, other] = [yield* serve(answer), yield* serve(answer)]
      const connections = yield* Effect.acquireRelease(
        Effect.sync(() => new Connections(1)),
        (all) => Effect.sync(() => all.close())
      )
      const ask = ({ endpoint: { url } }: typeof one) =>
        Effect.callback<number, Error>((resume) => {
          let status = 0
          connections.send({ origin: new URL(url).origin, path: "/v1", headers: [], body: "{}" }, {
            head: (found) => {
              status = found
            },
            data: () => {},
            end: () => resume(Effect.succeed(status)),
            failed: (error) => resume(Effect.fail(error))
          })
        })
      const asks = [one, other, one, other].map(ask)
      assert.deepStrictEqual(yield* Effect.all(asks, { concurrency: "unbounded" }), [200, 200, 200, 200])
      assert.deepStrictEqual([one.asked.length, other.asked.length], [2, 2])
    }).pipe(Effect.scoped))
})
