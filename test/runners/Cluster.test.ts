// The fixed list of shard groups, the words about a database, and how a dead neighbour is told from a busy one.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { RunnerAddress } from "effect/cluster"
import { createServer } from "node:net"
import { assignedGroups, shardGroups } from "../../src/runners/Cluster.ts"
import { knock } from "../../src/runners/Cluster/Neighbours.ts"
import { databaseName, waitForDatabase } from "../../src/runners/Cluster/Storage.ts"

describe("shard groups", () => {
  it("are these, in this order, for as long as a cluster lives", () => {
    assert.deepStrictEqual(shardGroups, [
      "default",
      "gpu",
      "gpu-00",
      "gpu-01",
      "gpu-02",
      "gpu-03",
      "gpu-04",
      "gpu-05",
      "gpu-06",
      "gpu-07",
      "gpu-08",
      "gpu-09",
      "gpu-10",
      "gpu-11",
      "gpu-12",
      "gpu-13",
      "gpu-14",
      "gpu-15"
    ])
    assert.deepStrictEqual([...shardGroups].sort(), shardGroups)
    assert.deepStrictEqual(Object.values(assignedGroups).flat().filter((group) => !shardGroups.includes(group)), [])
  })
})

describe("the address of a database", () => {
  it("is shown without user and password", () => {
    assert.strictEqual(
      databaseName(Redacted.make("postgres://polya:hunter2@db.example:5433/math?x=1")),
      "db.example:5433/math"
    )
  })

  it.live("that nobody answers at fails when the wait is over, and says for what it waited", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      const error = yield* Effect.flip(waitForDatabase(Redacted.make(`postgres://u:hunter2@127.0.0.1:${port}/math`), 1))
      assert.include(error.message, `PostgreSQL at 127.0.0.1:${port}/math did not answer`)
      assert.include(error.message, "ECONNREFUSED")
      assert.notInclude(error.message, "hunter2")
    }))
})

describe("a neighbour", () => {
  it.live("whose port refuses connections is gone; one that accepts and says nothing is not", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* knock(RunnerAddress.make("127.0.0.1", yield* closedPort)), "refused")
      const { close, port } = yield* silentServer
      assert.strictEqual(yield* knock(RunnerAddress.make("127.0.0.1", port)), "open")
      yield* Effect.promise(close)
    }))

  it.live("whose name nobody knows is not taken for dead", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* knock(RunnerAddress.make("no-such-host.invalid", 1)), "unknown")
    }))
})

/** Accepts connections and never says a word. */
const silentServer = Effect.callback<{ readonly port: number; readonly close: () => Promise<void> }>((resume) => {
  const server = createServer((socket) => void socket.on("error", () => {}))
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    resume(Effect.succeed({
      port: typeof address === "object" && address !== null ? address.port : 0,
      close: () => new Promise<void>((resolve) => void server.close(() => resolve()))
    }))
  })
})
const closedPort = Effect.flatMap(silentServer, ({ close, port }) => Effect.as(Effect.promise(close), port))
