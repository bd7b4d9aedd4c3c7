import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Logger, Redacted, References, Schema, Tracer } from "effect"
import { jsonLines, textLines } from "../../src/runners/Telemetry/LogLines.ts"
import { scrubber, secretsOfUrl } from "../../src/runners/Telemetry/Scrub.ts"

const secrets = ["hunter22", "quoted\"\\secret", "pass word/x"]
const scrub = scrubber(secrets)

const logging = (make: typeof jsonLines, effect: Effect.Effect<unknown>) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const logger = make({ scrub, fields: { service: "polya", pid: 7 }, write: (line) => lines.push(line) })
    yield* effect.pipe(
      Effect.provide(Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Trace")))
    )
    return lines
  })
const jsonOf = (effect: Effect.Effect<unknown>) =>
  Effect.map(logging(jsonLines, effect), (lines) => lines.map((line): Record<string, any> => JSON.parse(line)))

describe("log lines for machines", () => {
  it.effect("are one JSON object each, with time, level, message and what they are about", () =>
    Effect.gen(function*() {
      const [first, second] = yield* jsonOf(
        Effect.andThen(
          Effect.logInfo("run started", { rows: 3 }).pipe(
            Effect.annotateLogs({ run: "r1", actor: "a", level: "mine" }),
            Effect.withLogSpan("start")
          ),
          Effect.logWarning("two\nlines", Cause.fail("broken"))
        )
      )
      assert.deepStrictEqual(first, {
        time: "1970-01-01T00:00:00.000Z",
        level: "INFO",
        message: "run started",
        service: "polya",
        pid: 7,
        run: "r1",
        actor: "a",
        level_: "mine",
        data: { rows: 3 },
        spans: { start: 0 }
      })
      assert.strictEqual(second?.["message"], "two\nlines")
      assert.include(second?.["cause"], "broken")
    }))

  it.effect("name the trace that they belong to, if it is recorded", () =>
    Effect.gen(function*() {
      const log = Effect.withSpan(Effect.logInfo("here"), "span")
      const [without] = yield* jsonOf(log)
      assert.isUndefined(without?.["traceId"])
      const tracer = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })
      const [traced] = yield* jsonOf(Effect.provideService(log, Tracer.Tracer, tracer))
      assert.match(traced?.["traceId"], /^[0-9a-f]{32}$/)
      assert.match(traced?.["spanId"], /^[0-9a-f]{16}$/)
    }))

  it.effect("are bounded, whatever is logged", () =>
    Effect.gen(function*() {
      const cycle: Record<string, unknown> = { name: "cycle" }
      cycle["self"] = cycle
      const lines = yield* logging(
        jsonLines,
        Effect.all([
          Effect.logInfo("x".repeat(1_000_000)),
          Effect.logInfo("much", { rows: Array.from({ length: 100_000 }, (_, i) => i) }),
          Effect.logInfo("cycle", cycle),
          Effect.logError("deep", Cause.die(new Error("y".repeat(1_000_000)))),
          Effect.logInfo(undefined, null, 3, Symbol("s"), () => 1)
        ])
      )
      assert.strictEqual(lines.length, 5)
      for (const line of lines) {
        assert.isBelow(line.length, 40_000)
        assert.isString(JSON.parse(line).message)
      }
      assert.isAbove(JSON.parse(lines[1] ?? "").truncated, 100_000)
    }))

  it.effect.prop(
    "hold no known secret, wherever it stands",
    [Schema.String, Schema.String],
    ([before, after]) =>
      Effect.gen(function*() {
        for (const secret of secrets) {
          const text = `${before}${secret}${after}`
          const lines = yield* logging(
            jsonLines,
            Effect.logError(text, { [text]: text }, new Error(text)).pipe(Effect.annotateLogs({ text }))
          )
          for (const line of lines) {
            const all = JSON.stringify(JSON.parse(line))
            assert.notInclude(all, JSON.stringify(secret).slice(1, -1))
            assert.notInclude(line, secret)
          }
        }
      }),
    { arbitrary: { runs: 100, seed: 3 } }
  )
})

describe("log lines for people", () => {
  it.effect("are one line with what it is about, and cannot be forged", () =>
    Effect.gen(function*() {
      const [line, forged] = yield* logging(
        textLines,
        Effect.andThen(
          Effect.logInfo("run started").pipe(Effect.annotateLogs({ run: "r1", why: "two words" })),
          Effect.logInfo("\u001b[2Jgone\r\n12:00:00.000 ERROR forged")
        )
      )
      assert.strictEqual(line, "00:00:00.000 INFO  run started run=r1 why=\"two words\"")
      assert.strictEqual(forged, "00:00:00.000 INFO  \\u001b[2Jgone\\u000d\n  12:00:00.000 ERROR forged")
    }))
})

describe("the scrubber", () => {
  const clean = scrubber([])

  it("knows secrets by their looks and leaves the rest alone", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["postgres://polya:p%40ss@db:5432/x?sslmode=require", "postgres://polya:<redacted>@db:5432/x?sslmode=require"],
      ["redis://:pw12@h", "redis://:<redacted>@h"],
      ["postgres://u:a@b@h/x", "postgres://u:<redacted>@h/x"],
      ["Authorization: Bearer abc.def-1", "Authorization: Bearer <redacted>"],
      ["basic dXNlcjpwYXNz", "basic <redacted>"],
      ["polya_k7m2_0123456789abcdefABCDEF-_", "polya_k7m2_<redacted>"],
      ["key sk-proj-0123456789abcdef!", "key <redacted>!"],
      ["/live?token=abc&run=1", "/live?token=<redacted>&run=1"],
      ["{\"apiKey\":\"a\\\"b\",\"tokenId\":\"t1\"}", "{\"apiKey\":\"<redacted>\",\"tokenId\":\"t1\"}"],
      ["{\"authorization\": \"x\"}", "{\"authorization\": \"<redacted>\"}"]
    ]
    for (const [given, expected] of cases) assert.strictEqual(clean(given), expected)
    const harmless = [
      "http://127.0.0.1:4318/v1/traces",
      "actor-1@host: 12:30:45",
      "the bearer of news",
      "https://example.com/a:b?at=x@y",
      "{\"problem\":\"Let polya_x = 3.\",\"tokens\":\"12\"}"
    ]
    for (const text of harmless) assert.strictEqual(clean(text), text)
  })

  it("takes passwords out of addresses in every form", () => {
    assert.deepStrictEqual(secretsOfUrl("postgres://u:p%40ssw0rd@h/x"), ["p%40ssw0rd", "p@ssw0rd"])
    assert.deepStrictEqual(secretsOfUrl("not an address"), ["", ""])
    const known = scrubber(secretsOfUrl("postgres://u:p%40ssw0rd@h/x"))
    assert.strictEqual(known("p@ssw0rd p%40ssw0rd"), "<redacted> <redacted>")
  })

  it("does not take every short word for a secret", () => {
    assert.strictEqual(scrubber(["x", "", "abc"])("x abc"), "x abc")
  })

  it("leaves JSON whole", () => {
    const value = {
      url: "postgres://u:pw@h/x",
      password: "a\"b\\",
      text: "Bearer abcdef\" quoted",
      nested: [{ "x-api-key": "k", headers: { cookie: "a=b" } }]
    }
    assert.deepStrictEqual(JSON.parse(clean(JSON.stringify(value))), {
      url: "postgres://u:<redacted>@h/x",
      password: "<redacted>",
      text: "Bearer <redacted>\" quoted",
      nested: [{ "x-api-key": "<redacted>", headers: { cookie: "<redacted>" } }]
    })
  })

  it.effect("is not needed for values that are redacted already", () =>
    Effect.gen(function*() {
      const lines = yield* logging(jsonLines, Effect.logInfo("here", { key: Redacted.make("s-e-c-r-e-t") }))
      assert.notInclude(lines.join(), "s-e-c-r-e-t")
    }))
})
