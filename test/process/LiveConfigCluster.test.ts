// Two processes of one cluster over PostgreSQL: a change of live settings by a command or a file, and a revoked token, hold in both, and go on
// to when one of them is killed.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as TestDatabase from "../runners/postgres/TestDatabase.ts"
import { folder, jsonLines, polya, start } from "./Program.ts"

const schema = TestDatabase.freshSchema()
afterAll(() =>
  TestDatabase.available
    ? Effect.runPromise(TestDatabase.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)) as Promise<unknown>
    : undefined
)

/** Asks until the answer is as wanted; the deadline is for a machine in trouble. */
const until = async <A>(ask: () => Promise<A>, holds: (answer: A) => boolean, what: string): Promise<void> => {
  const endMillis = performance.now() + 60_000
  let last: unknown
  while (performance.now() < endMillis) {
    const answer = await ask().catch((error: unknown) => {
      last = error
      return undefined
    })
    if (answer !== undefined) {
      last = answer
      if (holds(answer)) return
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  assert.fail(`${what} never came; the last answer was ${JSON.stringify(last)} ${String(last)}`)
}

describe("live settings and tokens of a cluster", { timeout: 240_000 }, () => {
  it.skipIf(!TestDatabase.available)("hold in every process, and outlive the one that took them", async () => {
    using dir = folder()
    const env = {
      POLYA_DATABASE_URL: Redacted.value(TestDatabase.url),
      POLYA_STORE_SCHEMA: schema,
      POLYA_HTTP_REQUIRE_TOKEN: "always"
    }
    const tokenOf = async (...args: ReadonlyArray<string>) =>
      (await polya(["token", "create", ...args], { cwd: dir.path, env })).stdout.trim()
    const root = await tokenOf("--name", "root", "--scope", "admin")
    const reader = await tokenOf("--name", "reader", "--scope", "read")

    const serve = async (name: string) => {
      const cwd = join(dir.path, name)
      mkdirSync(cwd)
      writeFileSync(join(cwd, "polya.yaml"), "actor: { idleMillis: 11000 }\n")
      const { child, said } = start(["serve", "--port", "0", "--log-format", "text"], { cwd, env })
      let text = ""
      child.stderr?.on("data", (data: string) => text += data)
      await said(/ready at http:\S+/)
      const base = /ready at (http:[^\s;]+)/.exec(text)?.[1] ?? assert.fail(text)
      const get = async (path: string, token = root): Promise<any> => {
        const response = await fetch(`${base}${path}`, {
          headers: { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(5_000)
        })
        return { status: response.status, body: await response.json() }
      }
      const settings = async () => {
        const { body } = await get("/admin/config")
        const found = (key: string) => body.settings.find((one: any) => one.key === key)
        return {
          ...body,
          idle: found("actor.idleMillis"),
          sockets: found("http.maxSockets"),
          workers: found("stage.workers")
        }
      }
      return { child, cwd, base, get, settings }
    }
    const [one, two] = [await serve("one"), await serve("two")]
    assert.strictEqual((await one.get("/admin/config", `${root}x`)).status, 401)

    const config = (...args: ReadonlyArray<string>) =>
      polya(["config", "--json", "--url", one.base, ...args], { cwd: dir.path, env: { POLYA_TOKEN: root } })
    const changed = await config("--set", "http.maxSockets=123", "--why", "a test")
    assert.deepStrictEqual(jsonLines(changed.stdout), [{
      event: "changed",
      number: 1,
      patch: { "http.maxSockets": 123 }
    }])
    await until(two.settings, ({ sockets }) => sockets.value === "123", "the command's value in the other process")
    assert.strictEqual((await two.settings()).sockets.origin, "live #1 by root")
    const refused = await config(
      "--set",
      "http.maxSockets=many",
      "--set",
      "stage.workers=3",
      "--set",
      "http.maxSokets=1"
    )
    assert.strictEqual(refused.code, 2)
    assert.match(refused.stderr, /http\.maxSockets.*\n.*http\.maxSokets.*did you mean/)

    writeFileSync(join(two.cwd, "polya.yaml"), "actor: { idleMillis: 12000 }\nstage: { workers: 5 }\n")
    await until(one.settings, ({ idle }) => idle.value === "12000", "the file's value in the other process")
    await until(two.settings, ({ workers }) => workers.restartNeeded === true, "the word that it takes a restart")
    writeFileSync(join(two.cwd, "polya.yaml"), "actor: { idleMillis: 1 }\n")
    await until(two.settings, ({ problems }) => problems.length === 1, "the word that the file is bad")
    const { idle, number, problems } = await two.settings()
    assert.deepInclude(problems[0], { place: "polya.yaml:1:22", key: "actor.idleMillis" })
    assert.deepStrictEqual([idle.value, number], ["12000", 2])

    assert.strictEqual((await two.get("/api/runs", reader)).status, 200)
    one.child.kill("SIGKILL")
    const revoked = await polya(["token", "revoke", reader, "--url", two.base], { env: { POLYA_TOKEN: root } })
    assert.strictEqual(revoked.code, 0, revoked.stderr)
    await until(() => two.get("/api/runs", reader), ({ status }) => status === 401, "the refusal of a revoked token")
    const after = await polya(["config", "--url", two.base, "--unset", "http.maxSockets"], {
      env: { POLYA_TOKEN: root }
    })
    assert.match(after.stdout, /^change 3: /, after.stderr)
    assert.strictEqual((await two.settings()).sockets.origin, "default")
    const { body } = await two.get("/admin/config/history")
    assert.deepStrictEqual(body.items.map(({ number, why }: any) => [number, why]), [
      [3, "polya config"],
      [2, "the file changed"],
      [1, "a test"]
    ])
    two.child.kill("SIGTERM")
  })
})
if (!TestDatabase.available) process.stderr.write(`${TestDatabase.skipped}\n`)
