import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Tokens } from "../../src/actors/Tokens.ts"
import { isLoopback } from "../../src/http/Security.ts"
import { finishedRun, make } from "./HttpFixture.ts"

const admin = Effect.fnUntraced(function*(ask: any) {
  const make = (name: string, scope: string, expiresMillis?: number) =>
    Effect.map(
      ask("POST", "/admin/tokens", {
        body: { name, scope, ...(expiresMillis === undefined ? {} : { expiresMillis }) }
      }) as Effect.Effect<any>,
      ({ body, status }) => {
        assert.strictEqual(status, 201, JSON.stringify(body))
        return body as { readonly token: string; readonly info: any }
      }
    )
  return {
    read: yield* make("reader", "read"),
    operate: yield* make("operator", "operate"),
    admin: yield* make("boss", "admin"),
    expired: yield* make("late", "admin", 1_000)
  }
})

describe("tokens", () => {
  it.live("wrong, expired and revoked tokens are refused, even where none is needed", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const tokens = yield* admin(ask)
      const asked = (token: string) =>
        Effect.map(ask("GET", "/api/runs", { token }), ({ body, headers, status }) => ({
          status,
          tag: body.tag,
          challenge: headers.get("www-authenticate")
        }))
      assert.strictEqual((yield* asked(tokens.read.token)).status, 200)
      const challenge = `Bearer realm="polya", error="invalid_token"`
      for (
        const wrong of [
          "x",
          tokens.read.token.slice(0, -1),
          `${tokens.read.token}x`,
          "polya_0000000000000000_" + "A".repeat(43)
        ]
      ) {
        assert.deepStrictEqual(yield* asked(wrong), { status: 401, tag: "TokenUnknown", challenge })
      }
      assert.deepStrictEqual(yield* asked(tokens.expired.token), { status: 401, tag: "TokenExpired", challenge })
      assert.strictEqual((yield* ask("DELETE", `/admin/tokens/${tokens.read.info.id}`)).status, 204)
      assert.deepStrictEqual(yield* asked(tokens.read.token), { status: 401, tag: "TokenRevoked", challenge })
      assert.strictEqual((yield* ask("DELETE", "/admin/tokens/nix")).body.tag, "TokenAbsent")
      const basic = yield* ask("GET", "/api/runs", { headers: { authorization: "Basic YTpi" } })
      assert.deepStrictEqual([basic.status, basic.body.tag], [401, "TokenUnknown"])
      const { body: list } = yield* ask("GET", "/admin/tokens")
      assert.strictEqual(list.items.length, 4)
      assert.notInclude(JSON.stringify(list), tokens.admin.token.slice(-43))
    }))

  it.live("a scope that does not suffice is named, and nothing happens", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const tokens = yield* admin(ask)
      yield* finishedRun(ask, "one")
      const { body: before } = yield* ask("GET", "/api/runs/one")
      const reading = yield* ask("POST", "/api/runs/one/limits", { body: { attempts: 9 }, token: tokens.read.token })
      assert.strictEqual(reading.status, 403)
      assert.deepStrictEqual([reading.body.tag, reading.body.facts], ["ScopeMissing", {
        needed: "operate",
        scope: "read"
      }])
      const operating = yield* ask("PATCH", "/admin/config", { body: { patch: {} }, token: tokens.operate.token })
      assert.deepStrictEqual([operating.status, operating.body.facts.needed], [403, "admin"])
      assert.deepStrictEqual((yield* ask("GET", "/api/runs/one")).body, before)
      assert.strictEqual(
        (yield* ask("POST", "/api/runs/one/limits", { body: { attempts: 9 }, token: tokens.operate.token })).status,
        200
      )
      const { body: audit } = yield* ask("GET", "/admin/audit?who=operator&type=DatasetRun")
      assert.strictEqual(audit.items[0].command, "ChangeLimits")
      const noted = yield* Effect.sleep("10 millis").pipe(
        Effect.andThen(ask("GET", "/admin/audit?who=reader")),
        Effect.repeat({ until: ({ body }) => body.items.length === 1, times: 500 })
      )
      assert.strictEqual(noted.body.items[0].outcome, "refused")
    }))

  it.live("beyond this machine nothing goes without a token but probes and documents", () =>
    Effect.gen(function*() {
      const { ask, context } = yield* make({ exposed: true })
      for (const path of ["/api/runs", "/admin/processes", "/metrics"]) {
        const { body, headers, status } = yield* ask("GET", path)
        assert.deepStrictEqual([status, body.tag, headers.get("www-authenticate")], [
          401,
          "TokenMissing",
          `Bearer realm="polya"`
        ])
      }
      for (const path of ["/health", "/ready", "/openapi.json", "/docs"]) {
        assert.strictEqual((yield* ask("GET", path)).status, 200)
      }
      const tokens = (yield* Effect.provideContext(Tokens, context)) as Tokens["Service"]
      const { token } = yield* tokens.create({ name: "a", scope: "read", expiresMillis: null }, { who: "t", why: "" })
      const { Redacted } = yield* Effect.promise(() => import("effect"))
      assert.strictEqual((yield* ask("GET", "/api/runs", { token: Redacted.value(token) })).status, 200)
    }))
})

describe("callers without a token on this machine", () => {
  it.live("are refused where another might stand behind them", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { allowedOrigins: "https://ok.example" } })
      const asked = (headers: { readonly [name: string]: string }) =>
        Effect.map(ask("GET", "/api/runs", { headers }), ({ body, status }) => status === 200 ? 200 : body.tag)
      assert.strictEqual(yield* asked({}), 200)
      assert.strictEqual(yield* asked({ host: "127.0.0.1:7411" }), 200)
      assert.strictEqual(yield* asked({ host: "[::1]:7411" }), 200)
      // DNS rebinding: the browser thinks that it talks to its own site.
      assert.strictEqual(yield* asked({ host: "evil.example:7411" }), "TokenMissing")
      assert.strictEqual(yield* asked({ host: "localhost.evil.example" }), "TokenMissing")
      assert.strictEqual(yield* asked({ "x-forwarded-for": "1.2.3.4" }), "TokenMissing")
      assert.strictEqual(yield* asked({ origin: "https://evil.example" }), "OriginRefused")
      assert.strictEqual(yield* asked({ origin: "null" }), "OriginRefused")
      assert.strictEqual(yield* asked({ "sec-fetch-site": "cross-site" }), "OriginRefused")
      assert.strictEqual(yield* asked({ origin: "http://localhost:7411" }), 200)
      assert.strictEqual(yield* asked({ origin: "https://ok.example" }), 200)
    }))

  it.live("where every page may ask, those that nobody named need a token", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { allowedOrigins: "https://ok.example,*" } })
      const asked = (origin: string, token?: string) =>
        Effect.map(
          ask("GET", "/api/runs", { headers: { origin }, ...(token === undefined ? {} : { token }) }),
          ({ body, status }) => status === 200 ? 200 : body.tag
        )
      assert.strictEqual(yield* asked("https://ok.example"), 200)
      assert.strictEqual(yield* asked("https://evil.example"), "TokenMissing")
      const tokens = yield* admin(ask)
      assert.strictEqual(yield* asked("https://evil.example", tokens.read.token), 200)
    }))

  it.live("pages of allowed origins may ask, others are told nothing", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { allowedOrigins: "https://ok.example" } })
      const preflight = (origin: string) =>
        ask("OPTIONS", "/api/runs", { headers: { origin, "access-control-request-method": "POST" } })
      const good = yield* preflight("https://ok.example")
      assert.strictEqual(good.status, 204)
      assert.strictEqual(good.headers.get("access-control-allow-origin"), "https://ok.example")
      assert.include(good.headers.get("access-control-allow-methods") ?? "", "POST")
      assert.isNull((yield* preflight("https://evil.example")).headers.get("access-control-allow-origin"))
    }))

  it("loopback names and addresses are known in every form", () => {
    for (
      const host of [
        "localhost",
        "LOCALHOST:1",
        "a.localhost:80",
        "127.0.0.1",
        "127.9.8.7:65535",
        "::1",
        "[::1]",
        "[::1]:7411",
        "::ffff:127.0.0.1"
      ]
    ) {
      assert.isTrue(isLoopback(host), host)
    }
    for (
      const host of [
        "0.0.0.0",
        "::",
        "[::]:80",
        "localhost.evil",
        "127.0.0.1.evil",
        "10.0.0.1",
        "evil",
        "",
        "1127.0.0.1"
      ]
    ) {
      assert.isFalse(isLoopback(host), host)
    }
  })
})

describe("rates", () => {
  it.live("who asks too often is told to come again, and others are not", () =>
    Effect.gen(function*() {
      const { ask } = yield* make({ limits: { requestsPerSecond: 0.001, requestBurst: 20 } })
      const tokens = yield* admin(ask)
      const answers: Array<number> = []
      for (let request = 0; request < 30; request++) {
        const { body, headers, status } = yield* ask("GET", "/admin/types")
        answers.push(status)
        if (status === 429) {
          assert.strictEqual(body.tag, "RateExceeded")
          assert.strictEqual(headers.get("retry-after"), "1")
        }
      }
      assert.strictEqual(answers[0], 200)
      assert.strictEqual(answers.at(-1), 429)
      assert.strictEqual((yield* ask("GET", "/admin/types", { token: tokens.read.token })).status, 200)
    }))

  it.live("wrong tokens are not tried for long, and shut out nobody who gave a right one", () =>
    Effect.gen(function*() {
      const { ask } = yield* make()
      const tokens = yield* admin(ask)
      const known = () => ask("GET", "/api/runs", { token: tokens.read.token })
      assert.strictEqual((yield* known()).status, 200)
      const statuses = new Set<number>()
      for (let guess = 0; guess < 200 && !statuses.has(429); guess++) {
        statuses.add(
          (yield* ask("GET", "/api/runs", { token: `polya_0000000000000${String(100 + guess)}_${"A".repeat(43)}` }))
            .status
        )
      }
      assert.deepStrictEqual([...statuses], [401, 429])
      assert.strictEqual((yield* known()).status, 200)
      yield* ask("DELETE", `/admin/tokens/${tokens.read.info.id}`)
      assert.strictEqual((yield* known()).status, 401)
    }))
})
