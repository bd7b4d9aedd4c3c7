// docs/api.md, run as written against a served Polya: each block must succeed, and no route may be missing.
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Api } from "../../src/http/Api.ts"
import { fakeServer } from "../process/FakeServer.ts"
import { folder, start } from "../process/Program.ts"

const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "api.md"), "utf8")
const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block)
const [setup = "", ...others] = blocks

/** Uploads and downloads of files are for HTTP alone. */
const httpOnly: ReadonlySet<string> = new Set(["POST /api/files", "DELETE /api/files/:id"])

describe("docs/api.md", () => {
  it("shows every route with curl and over a WebSocket", () => {
    const lines = text.split("\n").filter((line) => /^(get|post|live|FILE=|TOKEN=|PROBLEM=)/.test(line))
    const named = (line: string): string => line.replaceAll(/'"\$[A-Z]+"'|\$[A-Z]+(?![A-Z])/g, "x")
    const shown = (transport: RegExp, path: RegExp, method: string): boolean =>
      lines.some((line) => {
        const plain = named(line.replaceAll("$POLYA", "POLYA"))
        return transport.test(line) && path.test(plain) &&
          (!/live/.test(transport.source) || plain.includes(`"method": "${method}"`) || /"do": "(?!call)/.test(plain))
      })
    const missing: Array<string> = []
    for (const group of Object.values(Api.groups)) {
      const endpoints = Object.values(
        group.endpoints as Record<string, { readonly method: string; readonly path: string }>
      )
      for (const { method, path } of endpoints) {
        const form = path.replaceAll(/:[A-Za-z]+/g, "[^/?\"]+")
        if (!shown(/curl|^get|^post/, new RegExp(`POLYA${form}["? ]`), method)) missing.push(`curl ${method} ${path}`)
        const command = /^\/api\/(runs|problems)\/:id\/[a-z-]+$/.test(path) && method === "POST" ||
          /\/commands\/|\/state$/.test(path)
        const isShown = command
          ? lines.some((line) => /"do": "(command|replace)"/.test(line))
          : shown(/^live/, new RegExp(`"${form}["?]`), method)
        if (!isShown && !httpOnly.has(`${method} ${path}`)) missing.push(`live ${method} ${path}`)
      }
    }
    assert.deepStrictEqual(missing, [])
  })

  it("holds when it is run as written", { timeout: 180_000 }, async () => {
    using place = folder()
    await using model = await fakeServer("arithmetic", { seed: 1 })
    const { child, ended, printed, said } = start([
      "serve",
      "--port",
      "0",
      "--data",
      join(place.path, "data"),
      "--json"
    ], { env: { POLYA_LLM_BASE_URL: model.url, POLYA_LLM_MODEL: "demo" } })
    await said(/"event":"ready"/)
    const url = /"url":"(http:[^"]+)"/.exec(printed())?.[1] ?? ""
    assert.include(setup, "export POLYA=http://127.0.0.1:7411")
    const script = ["set -euo pipefail", `export POLYA=${url}`, ...others].join("\n")
    const run = spawnSync("bash", ["-c", script], {
      cwd: place.path,
      encoding: "utf8",
      timeout: 150_000,
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` }
    })
    assert.strictEqual(run.status, 0, `${run.stdout.slice(-3_000)}\n${run.stderr.slice(-2_000)}`)
    child.kill("SIGTERM")
    assert.strictEqual((await ended).code, 0)
  })
})
