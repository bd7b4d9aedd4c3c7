// `polya token` as people and scripts use it: in a store, beside a process that has the store, through an API, and on PostgreSQL.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import * as TestDatabase from "../runners/postgres/TestDatabase.ts"
import { folder, jsonLines, polya, start } from "./Program.ts"

const form = /^polya_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/
const secretOf = (token: string): string => token.trim().split("_").slice(2).join("_")

/** An API that answers each request with what the test says, and remembers it. */
const fakeApi = async (answer: (request: IncomingMessage) => { readonly status: number; readonly body?: unknown }) => {
  const seen: Array<{ readonly line: string; readonly authorization: string | undefined; readonly body: any }> = []
  const server = createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8").on("data", (data) => text += data).on("end", () => {
      seen.push({
        line: `${request.method} ${request.url}`,
        authorization: request.headers.authorization,
        body: text === "" ? undefined : JSON.parse(text)
      })
      const { body, status } = answer(request)
      response.writeHead(status, { "content-type": "application/json" })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    })
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      })
  }
}

describe("polya token", { timeout: 240_000 }, () => {
  it("prints a new token once, alone on stdout, and keeps no secret in the store", async () => {
    using dir = folder()
    const data = join(dir.path, "store")
    const made = await polya([
      "token",
      "create",
      "--name",
      "ada",
      "--scope",
      "admin",
      "--expires",
      "30d",
      "--data",
      data
    ])
    assert.strictEqual(made.code, 0, made.stderr)
    assert.match(made.stdout, form)
    assert.notInclude(made.stderr, secretOf(made.stdout))
    const json = await polya(["token", "create", "--name", "ci", "--scope", "read", "--json", "--data", data])
    const [told, ...more] = jsonLines(json.stdout)
    assert.deepStrictEqual(more, [])
    assert.deepInclude(told, { event: "token", name: "ci", scope: "read", expiresMillis: null })
    assert.match(`${told.token}\n`, form)
    for (const name of readdirSync(data)) {
      const bytes = readFileSync(join(data, name), "latin1")
      for (const token of [made.stdout, told.token]) assert.notInclude(bytes, secretOf(token), name)
    }

    const revoked = await polya(["token", "revoke", made.stdout.trim(), "--data", data, "--json"])
    assert.deepStrictEqual(jsonLines(revoked.stdout), [{ event: "revoked", id: made.stdout.split("_")[1] }])
    const listed = jsonLines((await polya(["token", "list", "--data", data, "--json"])).stdout)
    assert.deepStrictEqual(
      listed.map(({ name, usable }) => [name, usable]).sort(),
      [["ada", false], ["ci", true]]
    )
    const shown = await polya(["token", "list", "--data", data])
    assert.match(shown.stdout, /^ID +SCOPE +STATE/)
    assert.match(shown.stdout, /admin +revoked \d{4}-\d\d-\d\d .* ada$/m)
  })

  it("says what is wrong with exit code 2, and makes no store to look into", async () => {
    using dir = folder()
    const data = join(dir.path, "store")
    const create = ["token", "create", "--scope", "read", "--data", data]
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [["token", "list", "--data", data], /There is no store in/],
      [["token", "revoke", "../x", "--data", data], /no id of a token/],
      [[...create, "--name", " "], /--name: .*a name in one line/],
      [[...create, "--name", "a", "--expires", "3y"], /such as 12h, 30d or 8w/],
      [[...create, "--name", "a", "--url", "http://127.0.0.1:1"], /give one of them/],
      [["token", "list", "--url", "ftp://x"], /--url/]
    ]
    for (const [args, said] of cases) {
      const { code, stderr, stdout } = await polya(args, { cwd: dir.path })
      assert.deepStrictEqual([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`)
      assert.match(stderr, said)
    }
    assert.deepStrictEqual(readdirSync(dir.path), [])
    await polya([...create, "--name", "a"])
    const absent = await polya(["token", "revoke", "0".repeat(16), "--data", data])
    assert.strictEqual(absent.code, 2)
    assert.match(absent.stderr, /There is no token 0{16}/)
  })

  it("leaves a store that polya serve has open alone, and points to --url", async () => {
    using dir = folder()
    const data = join(dir.path, "store")
    const serve = start(["serve", "--port", "0", "--data", data], { cwd: dir.path })
    await serve.said(/ready at/)
    const { code, stderr, stdout } = await polya(["token", "create", "--name", "a", "--scope", "admin", "--data", data])
    assert.deepStrictEqual([code, stdout], [2, ""])
    assert.match(stderr, /is in use by process \d+/)
    assert.match(stderr, /--url http:\/\/127\.0\.0\.1:7411/)
    serve.child.kill("SIGTERM")
    assert.strictEqual((await serve.ended).code, 0)
  })

  it("asks a running cluster with --url, as the holder of POLYA_TOKEN", async () => {
    const info = {
      id: "0123456789abcdef",
      name: "ci",
      scope: "operate",
      madeBy: "ada",
      madeMillis: 0,
      expiresMillis: null,
      revokedBy: null,
      revokedMillis: null,
      lastUsedMillis: null,
      usable: true
    }
    await using api = await fakeApi(({ method }) =>
      method === "POST"
        ? { status: 201, body: { token: `polya_${info.id}_${"A".repeat(43)}`, info } }
        : method === "GET"
        ? { status: 200, body: { items: [info] } }
        : { status: 204 }
    )
    const env = { POLYA_TOKEN: "polya_mine" }
    const made = await polya(["token", "create", "--name", "ci", "--scope", "operate", "--url", api.url], { env })
    assert.strictEqual(made.stdout, `polya_${info.id}_${"A".repeat(43)}\n`, made.stderr)
    const listed = await polya(["token", "list", "--json", "--url", api.url], { env })
    assert.deepStrictEqual(jsonLines(listed.stdout), [info])
    const revoked = await polya(["token", "revoke", info.id, "--url", api.url], { env })
    assert.match(revoked.stdout, /0123456789abcdef is revoked/)
    assert.deepStrictEqual(api.seen.map(({ line }) => line), [
      "POST /admin/tokens",
      "GET /admin/tokens",
      `DELETE /admin/tokens/${info.id}`
    ])
    assert.deepInclude(api.seen[0]?.body, { name: "ci", scope: "operate", expiresMillis: null })
    for (const { authorization } of api.seen) assert.strictEqual(authorization, "Bearer polya_mine")
  })

  it("tells a cluster's refusal in the cluster's words, without the token", async () => {
    await using api = await fakeApi(() => ({
      status: 401,
      body: { tag: "TokenRevoked", detail: "The bearer token was revoked", hint: "Make another." }
    }))
    const { code, stderr, stdout } = await polya(["token", "list", "--json", "--url", api.url], {
      env: { POLYA_TOKEN: "polya_mine" }
    })
    assert.strictEqual(code, 2)
    assert.include(stderr, "The bearer token was revoked")
    assert.notInclude(stdout + stderr, "polya_mine")
  })

  it.skipIf(!TestDatabase.available)("works on the database of POLYA_DATABASE_URL", async () => {
    using dir = folder()
    const schema = TestDatabase.freshSchema()
    const options = {
      cwd: dir.path,
      env: { POLYA_DATABASE_URL: Redacted.value(TestDatabase.url), POLYA_STORE_SCHEMA: schema }
    }
    try {
      const made = await polya(["token", "create", "--name", "ada", "--scope", "admin"], options)
      assert.match(made.stdout, form, made.stderr)
      const id = made.stdout.split("_")[1] ?? ""
      assert.strictEqual((await polya(["token", "revoke", id], options)).code, 0)
      const [only] = jsonLines((await polya(["token", "list", "--json"], options)).stdout)
      assert.deepInclude(only, { id, name: "ada", usable: false })
      const both = await polya(["token", "list", "--data", "x"], options)
      assert.strictEqual(both.code, 2)
      assert.match(both.stderr, /POLYA_DATABASE_URL is set/)
      assert.deepStrictEqual(readdirSync(dir.path), [])
    } finally {
      await Effect.runPromise(TestDatabase.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
    }
  })
})
if (!TestDatabase.available) process.stderr.write(`${TestDatabase.skipped}\n`)
