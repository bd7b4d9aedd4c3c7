// The processes that stay: how they start, what they refuse, and how they end.
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { freePort } from "./PrivatePostgres.ts"
import { folder, jsonLines, polya, start } from "./Program.ts"

const without = { POLYA_DATABASE_URL: "" }

describe("polya serve", () => {
  it("is everything in one process over SQLite, and ends with 0 when it is told to", async () => {
    using place = folder()
    const port = String(await freePort())
    const { child, ended, said } = start(["serve", "--port", port, "--data", join(place.path, "data"), "--json"], {
      env: without
    })
    await said(/"event":"ready"/)
    const health = await fetch(`http://127.0.0.1:${port}/health`)
    assert.strictEqual(health.status, 200)
    child.kill("SIGTERM")
    const end = await ended
    assert.strictEqual(end.code, 0, end.stderr)
    assert.deepStrictEqual(jsonLines(end.stdout).map(({ event }) => event), ["ready", "draining", "ended"])
  }, 300_000)

  it("ends at once with 130 at the second signal", async () => {
    using place = folder()
    const port = String(await freePort())
    const { child, ended, said } = start(["serve", "--port", port, "--data", join(place.path, "data"), "--json"], {
      env: without
    })
    await said(/"event":"ready"/)
    child.kill("SIGINT")
    child.kill("SIGTERM")
    const { code } = await ended
    // The first may have been enough where the process was quick.
    assert.include([130, 0], code)
  }, 300_000)

  it("says that a cluster needs PostgreSQL", async () => {
    const { code, stderr } = await polya(["serve", "--groups", "none"], { env: without })
    assert.strictEqual(code, 2, stderr)
    assert.include(stderr, "POLYA_DATABASE_URL")
  }, 300_000)
})

describe("polya runner", () => {
  it("needs POLYA_DATABASE_URL, and says so", async () => {
    const { code, stderr, stdout } = await polya(["runner", "--groups", "cpu", "--json"], { env: without })
    assert.strictEqual(code, 2, stderr)
    assert.include(stderr, "set POLYA_DATABASE_URL")
    assert.strictEqual(jsonLines(stdout)[0]?.tag, "DatabaseMissing")
  }, 300_000)

  it("knows its groups", async () => {
    const { code, stderr } = await polya(["runner", "--groups", "tpu"], { env: without })
    assert.strictEqual(code, 2, stderr)
    assert.include(stderr, "there is cpu, gpu")
  }, 300_000)

  it("waits for a database that is away, says for which, and gives up in the end", async () => {
    const port = await freePort()
    const { code, stderr, stdout } = await polya(["runner", "--json"], {
      env: {
        POLYA_DATABASE_URL: `postgres://u:hunter2@127.0.0.1:${port}/math`,
        POLYA_CLUSTER_DATABASE_WAIT_MILLIS: "500"
      }
    })
    assert.strictEqual(code, 1, stderr)
    assert.include(stderr, `Waiting for PostgreSQL at 127.0.0.1:${port}/math`)
    assert.include(stderr, "did not answer within")
    assert.notInclude(stderr, "hunter2")
    assert.strictEqual(jsonLines(stdout).at(-1)?.tag, "DatabaseAway")
  }, 300_000)
})
