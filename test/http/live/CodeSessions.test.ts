// Sessions with code over a WebSocket: they belong to their connection, hold nothing back, and end with it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { AuditLog } from "../../../src/actors/AuditLog.ts"
import { SandboxBusy, SessionOver } from "../../../src/domain/Sandbox.ts"
import { HttpLimits, httpLimitsDefaults } from "../../../src/http/Limits.ts"
import { maxWaitingCells } from "../../../src/http/live/CodeSessions.ts"
import { killedResult, makeScripted, type Script } from "../../actors/ScriptedSandbox.ts"
import { app, connect, type Refused, serve } from "./LiveFixture.ts"

type Scripted = ReturnType<typeof makeScripted>
const inApp = <A, E>(
  body: (sandbox: Scripted) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof app>> | Scope.Scope>,
  { limits = {}, refused = { list: [] }, script = {} }: {
    readonly script?: Script
    readonly refused?: Refused
    readonly limits?: Partial<typeof httpLimitsDefaults>
  } = {}
) =>
  Effect.suspend(() => {
    const sandbox = makeScripted(script)
    return Effect.scoped(Effect.provide(body(sandbox), app({ stages: [], rows: [] }, refused, sandbox.layer))).pipe(
      Effect.provideService(HttpLimits, { ...httpLimitsDefaults, framesPerSecond: 1_000, ...limits })
    )
  })
type Client = Effect.Success<ReturnType<typeof connect>>
const open = (client: Client, more: object = {}) =>
  Effect.map(client.ask({ do: "session-open", ...more }), ({ reply }) => reply)

describe("a session of a WebSocket", () => {
  it.live("is opened, runs cells in order, is replayed, restarted and closed", () =>
    inApp((sandbox) =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const client = yield* connect(port)
        const { level, session } = yield* open(client, { seed: 5, limits: { cells: 9 } })
        assert.strictEqual(level, "native-strict")
        assert.deepStrictEqual(sandbox.opened, [{ tenant: "local", limits: { cells: 9 }, seed: 5 }])
        const first = yield* client.ask({ do: "exec", session, code: "1", wallMillis: 70 })
        assert.deepInclude(first.reply, { cell: 1, status: "ok", stdout: "1\n", stateLost: false })
        const hung = yield* client.ask({ do: "exec", session, code: "hang" })
        assert.deepInclude(hung.reply, { status: "killed", cause: "wall", stateLost: true })
        const lost = yield* client.ask({ do: "exec", session, code: "2" })
        assert.deepInclude(lost.problem, { tag: "StateLost", status: 409 })
        assert.sameMembers(Object.keys(lost.problem), ["type", "title", "status", "detail", "tag", "hint", "facts"])
        assert.deepStrictEqual(lost.problem.facts, { cause: "wall", completedCells: 1 })
        const { reply } = yield* client.ask({ do: "session-replay", session })
        assert.deepStrictEqual(reply, {
          results: [{ cell: 1, status: "ok", millis: 2, cause: null, stateLost: false }],
          drifted: []
        })
        assert.strictEqual((yield* client.ask({ do: "exec", session, code: "2" })).reply.cell, 2)
        assert.deepStrictEqual((yield* client.ask({ do: "session-restart", session })).reply, { session })
        assert.strictEqual((yield* client.ask({ do: "exec", session, code: "2" })).reply.cell, 1)
        assert.deepStrictEqual((yield* client.ask({ do: "session-close", session })).reply, { session })
        assert.strictEqual(sandbox.live.size, 0)
        const gone = yield* client.ask({ do: "exec", session, code: "2" })
        assert.deepInclude(gone.problem, { tag: "SessionUnknown", status: 404 })
      }), { script: { cells: { hang: killedResult } } }))

  it.live("holds back nothing else of its connection, however long its cell takes", () =>
    inApp((sandbox) =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const client = yield* connect(port)
        const { session } = yield* open(client)
        for (let at = 0; at < maxWaitingCells; at++) client.send({ id: 1_000 + at, do: "exec", session, code: "wait" })
        const more = yield* client.ask({ do: "exec", session, code: "1" })
        assert.deepInclude(more.problem, { tag: "TooManyCells", status: 429 })
        for (let at = 0; at < 40; at++) assert.strictEqual((yield* client.ask({ do: "ping" })).reply, "pong")
        yield* sandbox.gate.open
        yield* client.until(({ id }) => id === 1_000 + maxWaitingCells - 1)
        assert.isTrue((yield* client.ask({ do: "exec", session, code: "1" })).ok)
      })
    ))

  it.live("ends with its connection, whatever it does just then", () =>
    inApp((sandbox) =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const client = yield* connect(port)
        const { session } = yield* open(client)
        client.send({ id: 99, do: "exec", session, code: "wait" })
        yield* sandbox.waiting.await
        assert.strictEqual(sandbox.live.size, 1)
        client.socket.terminate()
        yield* Effect.timeout(sandbox.ended.await, "10 seconds")
        assert.strictEqual(sandbox.live.size, 0)
      })
    ))

  it.live("is no other connection's, and a connection has only so many", () =>
    inApp(() =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const [one, other] = [yield* connect(port), yield* connect(port)]
        const { session } = yield* open(one)
        yield* open(one)
        for (const message of [{ do: "exec", code: "1" }, { do: "session-close" }, { do: "session-replay" }]) {
          assert.strictEqual((yield* other.ask({ ...message, session })).problem.tag, "SessionUnknown")
        }
        const many = yield* one.ask({ do: "session-open" })
        assert.deepInclude(many.problem, { tag: "TooManySessions", status: 429 })
        yield* one.ask({ do: "session-close", session })
        assert.isTrue((yield* one.ask({ do: "session-open" })).ok)
      }), { limits: { maxCodeSessions: 2 } }))

  it.live("that the sandbox ended, or had no place for, gives its place back", () => {
    const busy = () => new SandboxBusy({ reason: "waited", waiting: 1, sessions: 1, waitedMillis: 5 })
    return inApp((sandbox) =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const client = yield* connect(port)
        for (let at = 0; at < 2; at++) {
          assert.strictEqual((yield* client.ask({ do: "session-open" })).problem.tag, "SandboxBusy")
        }
        const { session } = yield* open(client)
        sandbox.live.clear()
        const over = yield* client.ask({ do: "exec", session, code: "1" })
        assert.deepInclude(over.problem, { tag: "SessionOver", status: 410 })
        assert.strictEqual(over.problem.detail, new SessionOver({ reason: "closed" }).message)
        assert.isTrue((yield* client.ask({ do: "session-open" })).ok)
      }), { script: { refusals: [busy(), busy()] }, limits: { maxCodeSessions: 1 } })
  })

  it.live("needs the scope operate; who opened it and how much it ran is noted", () => {
    const refused: Refused = { list: [] }
    return inApp(() =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const reader = yield* connect(port, "?who=eve&scope=read")
        for (const message of [{ do: "session-open" }, { do: "exec", session: "native-strict-1", code: "1" }]) {
          assert.strictEqual((yield* reader.ask(message)).problem.tag, "ScopeMissing")
        }
        assert.deepStrictEqual(refused.list, [
          "eve session-open  ScopeMissing",
          "eve exec native-strict-1 ScopeMissing"
        ])
        const client = yield* connect(port, "?who=ada&scope=operate")
        const { session } = yield* open(client)
        yield* client.ask({ do: "exec", session, code: "secret" })
        yield* client.ask({ do: "session-close", session })
        const audits = yield* (yield* AuditLog).list({ limit: 10, type: "Sandbox" })
        assert.deepStrictEqual(audits.map(({ command, who }) => [who, command]), [["ada", "CloseSession"], [
          "ada",
          "OpenSession"
        ]])
        assert.match(audits[0]?.detail ?? "", /^1 cell, 6 bytes, sha256 [0-9a-f]{64}$/)
      }), { refused })
  })

  it.live("is told what does not fit, and goes on", () =>
    inApp((sandbox) =>
      Effect.gen(function*() {
        const { port } = yield* serve
        const client = yield* connect(port)
        const { session } = yield* open(client)
        const cases = [
          { do: "exec", session },
          { do: "exec", code: "1" },
          { do: "exec", session: 7, code: "1" },
          { do: "exec", session, code: "1", wallMillis: -1 },
          { do: "session-open", seed: "1" },
          { do: "session-open", limits: { cells: 0 } },
          { do: "session-end", session }
        ]
        for (const message of cases) {
          const { ok, problem } = yield* client.ask(message)
          assert.deepStrictEqual([ok, problem.tag], [false, "MessageUnfit"], JSON.stringify(message))
        }
        assert.isTrue((yield* client.ask({ do: "exec", session, code: "1" })).ok)
        assert.deepStrictEqual(sandbox.ran, ["1"])
      })
    ))
})
