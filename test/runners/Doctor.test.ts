// The doctor looks for real, answers within its deadline whatever is broken, and never shows a secret.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { ConfigPlaces } from "../../src/runners/Config/Settings.ts"
import { deadlineMillis, type DoctorFinding, examine, runDoctor } from "../../src/runners/Doctor.ts"
import { Absent, withoutPassword } from "../../src/runners/Doctor/Probes.ts"

const withEnvironment = (environment: ConfigPlaces["environment"]) =>
  Effect.provideService(ConfigPlaces, { environment, directory: tmpdir() })
const named = (findings: ReadonlyArray<DoctorFinding>, name: string) => {
  const finding = findings.find((one) => one.name === name)
  if (finding === undefined) throw new Error(`no finding ${name}`)
  return finding
}

/** An OpenAI-compatible server with one model, that wants the key "k3y". */
const modelServer = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer((request, response) => {
      const isKnown = request.headers.authorization === "Bearer k3y"
      response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ data: [{ id: "tiny-math" }] }))
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

describe("the doctor", () => {
  it.live("finds what the tests themselves run on, and says of every part what it adds", () =>
    Effect.gen(function*() {
      const findings = yield* runDoctor()
      for (const name of ["Node.js", "configuration", "SQLite", "worker threads", "processor"]) {
        assert.strictEqual(named(findings, name).status, "ok", JSON.stringify(named(findings, name)))
      }
      assert.match(named(findings, "Node.js").found, /v24\./)
      assert.match(named(findings, "SQLite").found, /WAL, a write survived/)
      assert.deepStrictEqual(findings.filter((one) => one.found === "" || one.adds === ""), [])
      assert.deepStrictEqual(findings.filter((one) => (one.status === "ok") !== (one.fix === "")), [])
      for (const name of ["PostgreSQL", "language model"]) assert.strictEqual(named(findings, name).status, "missing")
    }).pipe(withEnvironment({})))

  it.effect("answers for a probe that hangs once its deadline has passed", () =>
    Effect.gen(function*() {
      const probe = { name: "slow", adds: "a", fix: "f", required: false, look: Effect.never }
      const fiber = yield* Effect.forkChild(examine(probe))
      yield* TestClock.adjust(deadlineMillis)
      assert.deepStrictEqual(yield* Fiber.join(fiber), {
        name: "slow",
        status: "problem",
        found: "no answer within 3 seconds",
        adds: "a",
        fix: "f"
      })
    }))

  it.effect("answers for a probe that is broken itself", () =>
    Effect.gen(function*() {
      const probe = { name: "bug", adds: "a", fix: "f", required: false, look: Effect.die(new Error("oops")) }
      assert.strictEqual((yield* examine(probe)).found, "Error: oops")
    }))

  it.effect("calls an absent part a problem only where it is needed", () =>
    Effect.gen(function*() {
      const probe = { name: "part", adds: "a", fix: "f", look: Effect.fail(new Absent({ found: "none" })) }
      assert.strictEqual((yield* examine({ ...probe, required: false })).status, "missing")
      assert.strictEqual((yield* examine({ ...probe, required: true })).status, "problem")
    }))

  it("takes a password out of what a database said, decoded or not", () => {
    const address = "postgres://polya:hunt%2Fer2@db/polya"
    assert.strictEqual(
      withoutPassword(`no ${address}: hunt/er2 and hunt%2Fer2 are wrong`, address),
      "no ***: *** and *** are wrong"
    )
  })

  it.live("shows the mistakes of the configuration and goes on", () =>
    Effect.gen(function*() {
      const findings = yield* runDoctor()
      assert.strictEqual(named(findings, "configuration").status, "problem")
      assert.match(named(findings, "configuration").found, /POLYA_STAGE_WORKERS stage.workers: /)
      assert.strictEqual(named(findings, "SQLite").status, "ok")
    }).pipe(withEnvironment({ POLYA_STAGE_WORKERS: "many" })))

  it.live("names every level of the sandbox, with what shuts code in there or why it cannot be had", () =>
    Effect.gen(function*() {
      const { found } = named(yield* runDoctor(), "sandbox")
      assert.match(found, /^native-strict\b.*: .+\nnative-lsm\b.*: .+\nembedded\b.*: .+/)
    }).pipe(withEnvironment({})))

  it.live("calls it a problem where the settings ask for what is not there", () =>
    Effect.gen(function*() {
      const { found, status } = named(yield* runDoctor(), "sandbox")
      assert.deepStrictEqual([status, /native-strict NOT OFFERED: /.test(found)], ["problem", true], found)
      assert.strictEqual(named(yield* runDoctor(), "Python").status, "problem")
    }).pipe(withEnvironment({ POLYA_SANDBOX_LEVEL: "native-strict", POLYA_SANDBOX_PYTHON: "/nowhere/python3" })))

  it.live("calls a folder without SymPy a problem where it is named", () =>
    Effect.gen(function*() {
      const finding = named(yield* runDoctor(), "SymPy")
      assert.strictEqual(finding.status, "problem")
      assert.match(finding.found, /sandbox\.sympy is \/nowhere, which lacks sympy\/release\.py/)
    }).pipe(withEnvironment({ POLYA_SANDBOX_SYMPY: "/nowhere" })))

  it.live("does not show the password of a database that it cannot reach", () =>
    Effect.gen(function*() {
      const findings = yield* runDoctor()
      assert.strictEqual(named(findings, "PostgreSQL").status, "problem")
      assert.notInclude(JSON.stringify(findings), "hunter2")
    }).pipe(withEnvironment({ POLYA_DATABASE_URL: "postgres://polya:hunter2@127.0.0.1:1/polya" })))

  const url = process.env["POLYA_TEST_DATABASE_URL"]
  const title = "asks PostgreSQL for its version and the right to create tables"
  if (url === undefined) it(title, (context) => context.skip("POLYA_TEST_DATABASE_URL is not set"))
  else {
    it.live(title, () =>
      Effect.gen(function*() {
        const findings = yield* runDoctor().pipe(withEnvironment({ POLYA_DATABASE_URL: url }))
        assert.match(named(findings, "PostgreSQL").found, /^PostgreSQL \d+ at .*tables can be created$/)
      }))
  }

  it.live("asks the server of a language model for its models", () =>
    Effect.gen(function*() {
      const { port } = (yield* modelServer).address() as AddressInfo
      const base = { POLYA_LLM_BASE_URL: `http://127.0.0.1:${port}/v1/` }
      const look = (more: ConfigPlaces["environment"]) =>
        Effect.map(runDoctor().pipe(withEnvironment({ ...base, ...more })), (findings) =>
          named(findings, "language model"))
      const right = yield* look({ POLYA_LLM_API_KEY: "k3y", POLYA_LLM_MODEL: "tiny-math" })
      assert.deepStrictEqual([right.status, right.found], ["ok", `127.0.0.1:${port} serves tiny-math`])
      const wrongKey = yield* look({ POLYA_LLM_API_KEY: "s3cret" })
      assert.deepStrictEqual([wrongKey.status, wrongKey.found], [
        "problem",
        `127.0.0.1:${port} answered 401 to GET /v1/models`
      ])
      const wrongModel = yield* look({ POLYA_LLM_API_KEY: "k3y", POLYA_LLM_MODEL: "huge" })
      assert.deepStrictEqual([wrongModel.status, wrongModel.found], [
        "problem",
        `127.0.0.1:${port} has no model huge; it has tiny-math`
      ])
      const unnamed = yield* look({ POLYA_LLM_API_KEY: "k3y" })
      assert.deepStrictEqual([unnamed.status, unnamed.found], [
        "problem",
        `127.0.0.1:${port} serves tiny-math: set POLYA_LLM_MODEL to one of them`
      ])
      const listed = yield* look({ POLYA_LLM_BASE_URL: "", POLYA_LLM_MODELS: "nowhere.yaml" })
      assert.deepStrictEqual([listed.status, listed.found], [
        "problem",
        "llm.models: Cannot read nowhere.yaml: there is no such file"
      ])
    }))
})
