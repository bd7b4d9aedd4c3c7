// Code over HTTP: cells and checks, refusals, the scope, the bound on the whole, clients that leave, and what the audit log keeps.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Redacted } from "effect"
import { createHash } from "node:crypto"
import { AuditLog } from "../../src/actors/AuditLog.ts"
import { Tokens } from "../../src/actors/Tokens.ts"
import { CodeTooLong, SandboxBusy, SandboxUnavailable } from "../../src/domain/Sandbox.ts"
import { killedResult, makeScripted, type Script } from "../actors/ScriptedSandbox.ts"
import { type FixtureOptions, listen, make } from "./HttpFixture.ts"

const serve = Effect.fnUntraced(function*(script: Script = {}, options: FixtureOptions = {}) {
  const sandbox = makeScripted(script)
  const { ask, context } = yield* make({ ...options, sandbox: sandbox.layer })
  const exec = (body: unknown, token?: string) =>
    ask("POST", "/api/exec", { body, ...(token === undefined ? {} : { token }) })
  const audits = Effect.flatMap(Context.get(context, AuditLog).list({ limit: 10, type: "Sandbox" }), Effect.succeed)
  return { ...sandbox, ask, context, exec, audits }
})

describe("code over HTTP", () => {
  it.live("has its results in order, at a level that is named, in a session of the caller", () =>
    Effect.gen(function*() {
      const { exec, live, opened, walls } = yield* serve()
      const { body, status } = yield* exec({
        cells: ["1", "2"],
        seed: 3,
        wallMillis: 200,
        limits: { memoryBytes: 100_000_000 }
      })
      assert.strictEqual(status, 200)
      assert.strictEqual(body.level, "native-strict")
      assert.deepStrictEqual(body.results.map(({ cell, stdout }: any) => [cell, stdout]), [[1, "1\n"], [2, "2\n"]])
      assert.notProperty(body, "check")
      assert.deepStrictEqual(opened, [{ tenant: "local", seed: 3, limits: { memoryBytes: 100_000_000 } }])
      assert.deepStrictEqual([walls, live.size], [[200, 200], 0])
      assert.strictEqual((yield* exec({ code: "3" })).body.results[0].stdout, "3\n")
    }))

  it.live("that fails is a result, and one that loses the state ends the run", () =>
    Effect.gen(function*() {
      const { exec } = yield* serve({
        cells: { bad: { status: "error", stderr: "ValueError: no\n" }, hang: killedResult }
      })
      const { body, status } = yield* exec({ cells: ["bad", "hang", "never"] })
      assert.deepStrictEqual([status, body.results.map(({ status }: any) => status)], [200, ["error", "killed"]])
      assert.include(body.results[1], { cause: "wall", stateLost: true })
    }))

  it.live("is checked against the right answer, which stays outside of the sandbox", () =>
    Effect.gen(function*() {
      const { exec, opened, ran } = yield* serve({ cells: { half: { value: "Fraction(1, 2)" } } })
      const right = yield* exec({ code: "half", expect: "\\frac{1}{2}" })
      assert.deepInclude(right.body.check, { outcome: "right", answer: "1/2" })
      assert.strictEqual((yield* exec({ code: "41", expect: 31_337 })).body.check.outcome, "wrong")
      assert.strictEqual(
        (yield* exec({ code: "1041", expect: "41", opts: { modulo: 1_000 } })).body.check.outcome,
        "right"
      )
      assert.notInclude(JSON.stringify([ran, opened]), "31337")
    }))

  it.live("that does not fit is refused by name", () =>
    Effect.gen(function*() {
      const { exec, opened } = yield* serve()
      const cases: ReadonlyArray<unknown> = [
        {},
        { code: "1", cells: ["1"] },
        { cells: [] },
        { cells: Array.from({ length: 65 }, () => "1") },
        { cells: [1] },
        { code: 1 },
        { code: "1", seed: -1 },
        { code: "1", seed: 2 ** 32 },
        { code: "1", wallMillis: 0 },
        { code: "1", wallMillis: 1.5 },
        { code: "1", limits: { memory: 1 } },
        { code: "1", limits: { cells: -1 } },
        { code: "1", limits: { memoryBytes: 1_000_000 } },
        { code: "1", tenant: "root" },
        { code: "1", expect: {} }
      ]
      for (const body of cases) {
        const answer = yield* exec(body)
        assert.strictEqual(answer.status, 400, JSON.stringify(body).slice(0, 100))
        assert.strictEqual(answer.body.tag, "RequestUnfit")
      }
      assert.deepStrictEqual(opened, [])
    }))

  it.live("is refused in problem documents", () =>
    Effect.gen(function*() {
      const busy = new SandboxBusy({ reason: "queue-full", waiting: 9, sessions: 2, waitedMillis: 0 })
      const none = new SandboxUnavailable({ detail: "There is no bwrap: install it" })
      const { exec } = yield* serve({ refusals: [busy, none], codeBytes: 5 })
      const first = yield* exec({ code: "1" })
      assert.deepStrictEqual([first.status, first.body.tag], [503, "SandboxBusy"])
      assert.strictEqual(first.headers.get("retry-after"), "1")
      assert.include(first.body.facts, { reason: "queue-full", waiting: 9 })
      const second = yield* exec({ code: "1" })
      assert.deepInclude(second.body, {
        status: 503,
        tag: "SandboxUnavailable",
        detail: "There is no bwrap: install it"
      })
      const third = yield* exec({ cells: ["1", "123456"] })
      assert.deepInclude(third.body, { status: 413, tag: "CodeTooLong" })
      assert.strictEqual(third.body.detail, new CodeTooLong({ bytes: 6, mostBytes: 5 }).message)
      const { ask } = yield* make()
      assert.strictEqual((yield* ask("POST", "/api/exec", { body: { code: "1" } })).body.tag, "SandboxUnavailable")
    }))

  it.live("needs a token that may operate, whose id is the tenant", () =>
    Effect.gen(function*() {
      const { audits, context, exec, opened } = yield* serve({}, { exposed: true })
      const tokenOf = (scope: "operate" | "read") =>
        Context.get(context, Tokens).create({ name: scope, scope, expiresMillis: null }, { who: "t", why: "" })
      const [reader, operator] = [yield* tokenOf("read"), yield* tokenOf("operate")]
      const no = yield* exec({ code: "1" }, Redacted.value(reader.token))
      assert.deepStrictEqual([no.status, no.body.tag], [403, "ScopeMissing"])
      assert.strictEqual((yield* exec({ code: "1" })).status, 401)
      assert.strictEqual((yield* exec({ code: "1" }, Redacted.value(operator.token))).status, 200)
      assert.deepStrictEqual(opened, [{ tenant: operator.info.id }])
      assert.strictEqual((yield* audits)[0]?.who, "operate")
    }))

  it.live("is in the audit log by its size and hash, not by its text", () =>
    Effect.gen(function*() {
      const { audits, exec } = yield* serve()
      yield* exec({ cells: ["secret_1", "é"], why: "a try" })
      const [entry] = yield* audits
      const hash = createHash("sha256").update("secret_1é").digest("hex")
      assert.deepInclude(entry, { who: "local", why: "a try", command: "Exec", outcome: "done" })
      assert.strictEqual(entry?.detail, `2 cells, 10 bytes, sha256 ${hash}`)
    }))

  it.live("that takes longer than all of it may gets an error, and its session ends", () =>
    Effect.gen(function*() {
      const { exec, live } = yield* serve({}, { limits: { execMillis: 30, requestMillis: 1 } })
      const { body, headers, status } = yield* exec({ code: "wait" })
      assert.deepStrictEqual([status, body.tag, live.size], [503, "AnswerLate", 0])
      assert.strictEqual(headers.get("retry-after"), "1")
      assert.strictEqual((yield* exec({ code: "quick" })).status, 200)
    }))

  it.live("whose client goes away ends with its session", () =>
    Effect.gen(function*() {
      const sandbox = makeScripted()
      const { url } = yield* listen({ sandbox: sandbox.layer })
      const abort = new AbortController()
      const asked = fetch(`${url}/api/exec`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code: "wait" }),
        signal: abort.signal
      }).catch(() => undefined)
      yield* sandbox.waiting.await
      assert.strictEqual(sandbox.live.size, 1)
      abort.abort()
      yield* Effect.promise(() => asked)
      yield* Effect.timeout(sandbox.ended.await, "10 seconds")
      assert.strictEqual(sandbox.live.size, 0)
    }))
})
