// A solve outlives the process that works on it: what had ended is kept, what was under way is asked for again, and nothing counts twice. Over
// SQLite the process starts again; over PostgreSQL another one goes on.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { join } from "node:path"
import type { SolveState } from "../../src/domain/Solve.ts"
import { available, freshSchema, query, skipped, url as databaseUrl } from "../runners/postgres/TestDatabase.ts"
import { until } from "./ClusterFixture.ts"
import { fakeServer } from "./FakeServer.ts"
import { folder, start } from "./Program.ts"

if (!available) process.stderr.write(`${skipped}\n`)

const samples = 12
const parallel = 3
/** Slow enough that the kill meets samples that are under way. */
const script = `
models: [slow]
latency: { first: 400, token: 1 }
rules:
  - say: 'The answer is $\\boxed{5}$.'
`

const serve = async (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv) => {
  const { child, ended, printed, said } = start(["serve", "--port", "0", "--json", ...args], { env })
  await said(/"event":"ready".*\n/)
  const url = /"url":"(http:[^"]+)"/.exec(printed())?.[1] ?? assert.fail(printed())
  const json = async (path: string, body?: object): Promise<any> => {
    const response = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body)
      })
    })
    const text = await response.text()
    assert.isTrue(response.ok, text)
    return text.startsWith("{") ? JSON.parse(text) : text
  }
  const solve = async (): Promise<SolveState> => (await json("/api/solves/s")).state
  const drives = async (): Promise<boolean> => /^polya_solves_driven [1-9]/m.test(await json("/metrics"))
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL")
    await ended
  }
  const end = async (): Promise<void> => {
    child.kill("SIGTERM")
    await ended
  }
  return { json, solve, drives, kill, end }
}
type Served = Awaited<ReturnType<typeof serve>>

const begin = ({ json }: Served) =>
  json("/api/solves", { id: "s", problem: "What is 2 + 3?", strategy: `majority-${samples}`, parallel, stop: [] })

/** The state at a moment at which some samples have ended and others are under way. */
const halfway = (solve: () => Promise<SolveState>) =>
  until("some samples", async () => {
    const state = await solve()
    const ended = state.samples.filter(({ status }) => status === "done").length
    return ended >= 3 && ended <= samples - parallel && state
  }, { everyMillis: 20 })

const finished = (solve: () => Promise<SolveState>) =>
  until("the end of the solve", async () => {
    const state = await solve()
    return state.status === "done" && state
  }, { deadlineMillis: 120_000 })

const check = (before: SolveState, after: SolveState, requests: number): void => {
  assert.deepStrictEqual([after.answer, after.samples.length, after.vote?.samples], ["5", samples, samples])
  for (const [at, sample] of before.samples.entries()) {
    if (sample.status === "done") assert.deepStrictEqual(after.samples[at], sample)
  }
  const attempts = after.samples.reduce((sum, { attempt }) => sum + attempt, 0)
  // What ended between the look and the kill was kept, so at most those under way were asked for again.
  assert.isAbove(attempts, samples)
  assert.isAtMost(attempts, samples + parallel)
  assert.isAtMost(requests, attempts)
}

describe("a solve whose process is killed", { timeout: 180_000 }, () => {
  it("goes on when the process starts again", async () => {
    using place = folder()
    await using model = await fakeServer(place.file("slow.yaml", script))
    const env = { POLYA_LLM_BASE_URL: model.url, POLYA_LLM_MODEL: "slow" }
    const data = ["--data", join(place.path, "data")]
    const first = await serve(data, env)
    await begin(first)
    const before = await halfway(first.solve)
    await first.kill()
    const second = await serve(data, env)
    const after = await finished(second.solve)
    check(before, after, (await model.counts()).requests)
    await second.end()
  })

  it.skipIf(!available)("goes on in another process of the cluster", async () => {
    using place = folder()
    await using model = await fakeServer(place.file("slow.yaml", script))
    const schema = freshSchema()
    const env = {
      POLYA_LLM_BASE_URL: model.url,
      POLYA_LLM_MODEL: "slow",
      POLYA_DATABASE_URL: Redacted.value(databaseUrl),
      POLYA_STORE_SCHEMA: schema
    }
    const both = [await serve([], env), await serve([], env)] as const
    await begin(both[0])
    const before = await halfway(both[0].solve)
    const driver = await until(
      "a driver",
      async () => (await both[0].drives()) ? 0 : (await both[1].drives()) ? 1 : false
    )
    await both[driver].kill()
    const other = both[driver === 0 ? 1 : 0]
    const after = await finished(other.solve)
    check(before, after, (await model.counts()).requests)
    await other.end()
    await Effect.runPromise(query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
  })
})
