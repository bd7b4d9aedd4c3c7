// A run in a cluster of three real runners over PostgreSQL: whatever is killed, frozen, cut off or stopped, it ends by itself, and its bytes
// are those of a single process.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { available, skipped, url } from "../runners/postgres/TestDatabase.ts"
import { type TestCluster, testCluster, type TestProcess, until } from "./ClusterFixture.ts"
import * as PrivatePostgres from "./PrivatePostgres.ts"
import { bytesOf, folder, polya, sourceLines } from "./Program.ts"

const canStop = available && PrivatePostgres.possible
if (!available) process.stderr.write(`${skipped}\n`)
else if (!canStop) process.stderr.write(`${PrivatePostgres.skipped}\n`)

const rows = 3_000
const place = folder()
const source = place.file("problems.jsonl", sourceLines(rows, 3).join("\n"))
let expected: ReadonlyArray<string> = []

beforeAll(async () => {
  if (!available) return
  const calm = await polya(["run", "dataset-cpu", "--source", source, "--out", join(place.path, "calm")])
  assert.strictEqual(calm.code, 0, calm.stderr)
  expected = bytesOf(join(place.path, "calm"))
}, 300_000)
afterAll(() => place[Symbol.dispose]())

/** A run in the cluster: slow enough that what happens to the cluster meets it. */
const begin = async (cluster: TestCluster, name: string) => {
  const out = join(place.path, name)
  await cluster.submit({ id: name, recipe: "dataset-cpu", sources: [source], out, limits: { rowsPerSecond: 300 } })
  const driver = (among: ReadonlyArray<TestProcess>): Promise<TestProcess> =>
    until("a driver", () => cluster.driverOf(name, among), { deadlineMillis: 60_000 })
  const reached = (share: number): Promise<void> =>
    until(`${share} of the rows`, async () => {
      const found = await cluster.stateOf(name)
      return found !== undefined && (found.state.step > 0 || found.state.tally.in >= share * rows)
    }, { deadlineMillis: 120_000 }).then(() => undefined)
  const ends = async (): Promise<void> => {
    const { state } = await until("the end of the run", async () => {
      const found = await cluster.stateOf(name)
      return found !== undefined && found.state.status !== "running" && found
    }, { deadlineMillis: 180_000, everyMillis: 200 })
    assert.strictEqual(state.status, "done", JSON.stringify(state.error))
    assert.strictEqual(state.tally.in, rows)
    assert.deepStrictEqual(bytesOf(out), expected)
  }
  return { driver, reached, ends }
}

const three = (cluster: TestCluster): Promise<Array<TestProcess>> =>
  Promise.all([cluster.runner(), cluster.runner(), cluster.runner()])

const live = (runners: ReadonlyArray<TestProcess>): void => {
  for (const { child, said } of runners) assert.isNull(child.exitCode, said())
}

describe.skipIf(!available)("a run in a cluster of three runners", () => {
  const address = Redacted.value(url)

  it("outlives kill -9 of its driver's runner, and then of the next", async () => {
    await using cluster = testCluster(address)
    let runners = await three(cluster)
    const run = await begin(cluster, "killed")
    for (const share of [0.2, 0.5]) {
      await run.reached(share)
      const victim = await run.driver(runners)
      victim.child.kill("SIGKILL")
      await victim.ended
      runners = runners.filter((runner) => runner !== victim)
      if (share === 0.2) runners.push(await cluster.runner())
    }
    await run.ends()
    live(runners)
    // The last kill left two runners, one of which took cluster shards over from a dead process and knows it.
    await until(
      "counted fail-overs",
      async () => (await cluster.vitals()).reduce((sum, { vitals }) => sum + vitals.failovers, 0) > 0
    )
  }, 300_000)

  it(
    "goes on elsewhere while its driver's runner is frozen for five seconds, which does no harm when it wakes",
    async () => {
      await using cluster = testCluster(address, { POLYA_CLUSTER_EXPIRATION_MILLIS: "3000" })
      const runners = await three(cluster)
      const run = await begin(cluster, "frozen")
      await run.reached(0.1)
      const victim = await run.driver(runners)
      const before = await cluster.stateOf("frozen")
      victim.child.kill("SIGSTOP")
      const frozenMillis = performance.now()
      await until(
        "progress without the frozen runner",
        async () => ((await cluster.stateOf("frozen"))?.version ?? 0) > (before?.version ?? 0) + 2,
        { deadlineMillis: 30_000 }
      )
      await until("five seconds", () => Promise.resolve(performance.now() - frozenMillis > 5_000))
      victim.child.kill("SIGCONT")
      await run.ends()
      live(runners)
      await until(
        "the woken runner among the others",
        async () => (await cluster.vitals()).filter(({ vitals }) => vitals.runners.length === 3).length === 3
      )
    },
    300_000
  )

  it("goes on when a runner is told to end, which hands over and exits with 0", async () => {
    await using cluster = testCluster(address)
    const runners = await three(cluster)
    const run = await begin(cluster, "ended")
    await run.reached(0.2)
    const leaving = await run.driver(runners)
    leaving.child.kill("SIGTERM")
    const { code } = await leaving.ended
    assert.strictEqual(code, 0, leaving.said())
    assert.match(leaving.said(), /SIGTERM: taking no new work[^]*everything was handed over/)
    const rows = await cluster.query<{ readonly state: string }>(
      `SELECT state FROM ${cluster.schema}.polya_process WHERE address = '${leaving.address}'`
    )
    assert.deepStrictEqual(rows, [{ state: "ended" }])
    await run.ends()
    await until(
      "no shard counted as failed over",
      async () => (await cluster.vitals()).every(({ vitals }) => vitals.failovers === 0)
    )
  }, 300_000)

  it("goes on when the connections between runners are cut, and while nothing gets through", async () => {
    await using cluster = testCluster(address)
    await using wires = await cables(3)
    const runners = await Promise.all(
      wires.ends.map((env) => cluster.runner(env))
    )
    const run = await begin(cluster, "cut")
    await run.reached(0.2)
    wires.cut()
    await run.reached(0.35)
    wires.hold(true)
    const heldMillis = performance.now()
    await until("four seconds", () => Promise.resolve(performance.now() - heldMillis > 4_000))
    wires.hold(false)
    wires.cut()
    await run.ends()
    live(runners)
  }, 300_000)
})

describe.skipIf(!canStop)("a run in a cluster whose PostgreSQL crashes", () => {
  it("waits for it with all its processes, which say so once, and goes on", async () => {
    await using postgres = await PrivatePostgres.privatePostgres()
    await using cluster = testCluster(postgres.url)
    const runners = await three(cluster)
    const run = await begin(cluster, "database")
    await run.reached(0.3)
    postgres.stop()
    const stoppedMillis = performance.now()
    await until("words about it", () => Promise.resolve(runners.every(({ said }) => /does not answer/.test(said()))))
    await until("three seconds", () => Promise.resolve(performance.now() - stoppedMillis > 3_000))
    postgres.start()
    const before = (await cluster.stateOf("database"))?.version ?? 0
    await until("progress", async () => ((await cluster.stateOf("database"))?.version ?? 0) > before, {
      deadlineMillis: 30_000
    })
    await run.ends()
    live(runners)
    for (const { said } of runners) {
      assert.lengthOf(said().match(/does not answer/g) ?? [], 1, said())
      assert.lengthOf(said().match(/answers again after/g) ?? [], 1, said())
    }
  }, 300_000)
})

/** Runners reach each other through these: each is known by an address of its own at which a cable ends that the test can cut or hold. */
const cables = async (count: number) => {
  const sockets = new Set<Socket>()
  const servers: Array<Server> = []
  const ends: Array<NodeJS.ProcessEnv> = []
  let held = false
  for (let index = 0; index < count; index++) {
    const host = `127.0.0.${10 + index}`
    const port = await PrivatePostgres.freePort()
    const server = createServer((near) => {
      const far = connect(port, "127.0.0.1")
      for (const [from, to] of [[near, far], [far, near]] as const) {
        sockets.add(from)
        if (held) from.pause()
        from.on("data", (data) => to.write(data))
        from.on("error", () => {})
        from.on("close", () => {
          sockets.delete(from)
          to.destroy()
        })
      }
    })
    await new Promise<void>((resolve) => server.listen(port, host, resolve))
    servers.push(server)
    ends.push({ POLYA_CLUSTER_HOST: host, POLYA_CLUSTER_LISTEN_HOST: "127.0.0.1", POLYA_CLUSTER_PORT: String(port) })
  }
  return {
    ends,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    hold: (is: boolean) => {
      held = is
      for (const socket of sockets) {
        if (is) socket.pause()
        else socket.resume()
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    }
  }
}
