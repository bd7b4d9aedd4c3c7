// Samples over several endpoints in virtual time: which is asked, what is asked again and when, what is given up, and what is written down. The
// wire is scripted; test/runners/generation/Contract.test.ts has a real one.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CallLog } from "../../src/actors/CallLog.ts"
import { Generation, type SampleEvent } from "../../src/actors/Generation.ts"
import { makeRegistry, MetricRegistry, textOf } from "../../src/actors/Metrics.ts"
import { layerLocal } from "../../src/actors/Seats/Local.ts"
import { Spending } from "../../src/actors/Spending.ts"
import type { GenerationRequest } from "../../src/domain/Generation.ts"
import { LlmConfig } from "../../src/runners/Config.ts"
import { type LlmSettings, make } from "../../src/runners/Generation.ts"
import type { EndpointSpec, ModelSpec } from "../../src/runners/generation/ModelList.ts"
import { answers, fails, makeWire, type WireScript } from "./generation/ScriptedWire.ts"

const endpoint = (name: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({
  name,
  wire: { url: name, model: "m", api: "chat", stream: true, key: Redacted.make("sk-very-secret") },
  inFlight: null,
  weight: 1,
  ...more
})
const model = (endpoints: ReadonlyArray<EndpointSpec>, more: Partial<ModelSpec> = {}): ModelSpec => ({
  name: "m",
  contextTokens: null,
  promptPrice: null,
  completionPrice: null,
  spendCapDollars: null,
  hedgeMillis: null,
  endpoints,
  ...more
})
const request = (more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  model: "m",
  prompt: { _tag: "Chat", messages: [{ role: "user", content: "1 + 1?" }] },
  parameters: {},
  seeds: [1],
  owner: "test",
  deadlineMillis: 3_600_000,
  deltas: false,
  ...more
})

/** A world of its own around a script: `run` starts a request and gives its events once virtual time has passed. */
const world = (
  script: WireScript,
  { models = [model([endpoint("a")])], settings = {} }: {
    readonly models?: ReadonlyArray<ModelSpec>
    readonly settings?: Partial<LlmSettings>
  } = {}
) =>
  Effect.gen(function*() {
    const wire = makeWire(script)
    const registry = makeRegistry()
    const context = yield* Layer.build(
      Layer.effect(Generation, make({ ...LlmConfig.defaults, ...settings }, models)).pipe(
        Layer.provideMerge(
          Layer.mergeAll(wire.layer, layerLocal, Spending.layerMemory, CallLog.layerMemory()).pipe(
            Layer.provideMerge(Layer.succeed(MetricRegistry, registry))
          )
        )
      )
    )
    const inside = Effect.provide(context)
    const start = (asked: Partial<GenerationRequest> = {}) =>
      Effect.gen(function*() {
        const { generate } = yield* Generation
        const events: Array<SampleEvent> = []
        const fiber = yield* Effect.forkChild(
          Stream.runForEach(generate(request(asked)), (event) => Effect.sync(() => void events.push(event)))
        )
        yield* settle
        return { events, fiber }
      }).pipe(inside)
    const run = (asked: Partial<GenerationRequest> = {}, millis = 300_000) =>
      Effect.gen(function*() {
        const { events, fiber } = yield* start(asked)
        yield* TestClock.adjust(millis)
        yield* settle
        assert.isDefined(fiber.pollUnsafe(), "the samples have not ended")
        yield* Fiber.join(fiber)
        return events
      })
    return {
      wire,
      start,
      run,
      log: inside(Effect.flatMap(CallLog, ({ list }) => list({ limit: 500 }))),
      spent: inside(Effect.flatMap(Spending, ({ spent }) => spent("m"))),
      facts: inside(Effect.flatMap(Generation, ({ models }) => models)),
      metrics: () => textOf(registry.families())
    }
  })
/** Lets everything happen that waits for no clock. */
const settle = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })

const endOf = (events: ReadonlyArray<SampleEvent>) => {
  const ends = events.filter(({ _tag }) => _tag === "Ended" || _tag === "Failed")
  assert.lengthOf(ends, 1)
  const [end] = ends
  return end?._tag === "Ended" ? end.output : end?._tag === "Failed" ? end.error : assert.fail("no end")
}
const errorOf = (events: ReadonlyArray<SampleEvent>, tag: string) => {
  const error = endOf(events)
  assert.strictEqual("_tag" in error ? error._tag : "an output", tag)
  return error as Extract<typeof error, { readonly _tag: string }>
}
const outputOf = (events: ReadonlyArray<SampleEvent>) => {
  const output = endOf(events)
  if ("_tag" in output) return assert.fail(`${output._tag}: ${output.message}`)
  return output
}
const gaps = (times: ReadonlyArray<number>) => times.slice(1).map((time, at) => time - (times[at] ?? 0))

describe("calls that are made again", () => {
  it.effect("waits longer and longer between calls to a server that fails, and tells how often it tried", () =>
    Effect.gen(function*() {
      const { run, wire } = yield* world(() => fails("server", { status: 503, detail: "overloaded" }), {
        settings: { breakerFailures: 100, attempts: 9 }
      })
      const error = errorOf(yield* run(), "ServerFailed")
      assert.include(error.message, "9 times")
      assert.include(error.message, "503: overloaded")
      const waits = gaps(wire.calls.map(({ atMillis }) => atMillis))
      const least = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
      assert.lengthOf(waits, least.length)
      waits.forEach((wait, at) => {
        assert.isAtLeast(wait, least[at] ?? 0)
        assert.isAtMost(wait, (least[at] ?? 0) * 1.25 + 1)
      })
    }))

  for (
    const [failing, tag] of [["connection", "EndpointsDown"], ["server", "ServerFailed"], [
      "unreadable",
      "ResponseUnreadable"
    ], ["rate-limited", "RateLimited"]] as const
  ) {
    it.effect(`gets its answer after two failures of class ${failing}, and ends with ${tag} where they go on`, () =>
      Effect.gen(function*() {
        const { log, run } = yield* world((_call, nth) => nth < 3 ? fails(failing) : answers("2"))
        const events = yield* run()
        assert.deepInclude(outputOf(events), {
          text: "2",
          attempts: 3,
          usage: { promptTokens: 10, completionTokens: 5 }
        })
        assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Started", "Restarted", "Restarted", "Ended"])
        assert.deepStrictEqual((yield* log).map(({ attempt, outcome }) => [attempt, outcome]), [[3, "ok"], [2, tag], [
          1,
          tag
        ]])
        const other = yield* world(() => fails(failing))
        errorOf(yield* other.run(), tag)
        assert.lengthOf(other.wire.calls, LlmConfig.defaults.attempts)
      }))
  }

  for (const [failing, tag, status] of [["refused", "RequestRefused", 400], ["key", "KeyRefused", 401]] as const) {
    it.effect(`asks only once where the server answers ${status}`, () =>
      Effect.gen(function*() {
        const { facts, run, wire } = yield* world(() => fails(failing, { status }))
        errorOf(yield* run({}, 0), tag)
        assert.lengthOf(wire.calls, 1)
        assert.strictEqual((yield* facts)[0]?.endpoints[0]?.health, "up")
      }))
  }

  it.effect("does not come back before the time that the server asks for", () =>
    Effect.gen(function*() {
      const { run, start, wire } = yield* world((_call, nth) =>
        nth === 1 ? fails("rate-limited", { retryAfterMillis: 20_000 }) : answers("2")
      )
      const { fiber } = yield* start()
      yield* TestClock.adjust(1_000)
      // Neither does anybody else.
      const second = yield* start()
      yield* TestClock.adjust(18_900)
      assert.lengthOf(wire.calls, 1)
      yield* TestClock.adjust(10_000)
      yield* Fiber.join(fiber)
      yield* Fiber.join(second.fiber)
      assert.lengthOf(wire.calls, 3)
      assert.isAtLeast(wire.calls[1]?.atMillis ?? 0, 20_000)
      outputOf(yield* run())
    }))

  it.effect("gives up at once where that time is after the deadline, and asks elsewhere where there is an elsewhere", () =>
    Effect.gen(function*() {
      const limited: WireScript = ({ url }) =>
        url === "a" ? fails("rate-limited", { retryAfterMillis: 120_000 }) : answers("2")
      const one = yield* world(limited)
      const error = errorOf(yield* one.run({ deadlineMillis: 60_000 }, 0), "RateLimited")
      assert.include(error.message, "in 120 s")
      // Nor does the next one ask before.
      errorOf(yield* one.run({ deadlineMillis: 60_000 }, 0), "RateLimited")
      assert.lengthOf(one.wire.calls, 1)
      const two = yield* world(limited, { models: [model([endpoint("a"), endpoint("b")])] })
      for (let i = 0; i < 4; i++) outputOf(yield* two.run({ deadlineMillis: 60_000 }, 1_000))
      assert.isAtMost(two.wire.calls.filter(({ url }) => url === "a").length, 1)
    }))

  it.effect("begins no wait that ends after the deadline", () =>
    Effect.gen(function*() {
      const { run, wire } = yield* world(() => fails("server", { status: 500 }))
      errorOf(yield* run({ deadlineMillis: 700 }, 699), "ServerFailed")
      assert.lengthOf(wire.calls, 2)
    }))

  it.effect("asks once more for a shorter answer where prompt and answer do not fit", () =>
    Effect.gen(function*() {
      const overflow = { max_context_length: 4_096, message_tokens: 1_000 }
      const { run, wire } = yield* world(({ request }) =>
        (request.parameters.maxTokens ?? 0) > 3_000 ? fails("overflow", { status: 400, overflow }) : answers("2")
      )
      assert.strictEqual(outputOf(yield* run({ parameters: { maxTokens: 4_000 } }, 0)).attempts, 2)
      assert.strictEqual(wire.calls[1]?.request.parameters.maxTokens, 2_996)
      const never = yield* world(() => fails("overflow", { status: 400, overflow }))
      errorOf(yield* never.run({ parameters: { maxTokens: 4_000 } }, 0), "ContextOverflow")
      assert.lengthOf(never.wire.calls, 2)
      const long = yield* world(() =>
        fails("overflow", { status: 400, overflow: { max_context_length: 4_096, message_tokens: 5_000 } })
      )
      assert.include(errorOf(yield* long.run({ parameters: { maxTokens: 100 } }, 0), "ContextOverflow").message, "5000")
      assert.lengthOf(long.wire.calls, 1)
    }))
})

describe("time", () => {
  it.effect("ends a sample at its deadline, calls off its call, and writes that down", () =>
    Effect.gen(function*() {
      const { log, run, spent, wire } = yield* world(
        (_call, _nth, part) => Effect.andThen(answers("one two three", part), Effect.never),
        { settings: { completionPrice: 2 } }
      )
      const error = errorOf(yield* run({ deadlineMillis: 5_000 }, 5_000), "DeadlinePassed")
      assert.deepInclude(error, { of: "sample", millis: 5_000 })
      assert.strictEqual(wire.interrupted(), 1)
      const [entry] = yield* log
      assert.deepInclude(entry, { outcome: "DeadlinePassed", completionTokens: 3, microDollars: 6, status: null })
      assert.strictEqual((yield* spent).completionTokens, 3)
    }))

  it.effect("counts the wait for a place", () =>
    Effect.gen(function*() {
      const { run, wire } = yield* world(() => answers("2", undefined, { millis: 4_000 }), {
        settings: { inFlight: 1 }
      })
      const events = yield* run({ seeds: [1, 2, 3], deadlineMillis: 9_000 })
      const ends = events.flatMap((event) => event._tag === "Ended" ? [event.output] : [])
      assert.deepStrictEqual(ends.map(({ millis, queueMillis }) => [queueMillis, millis]), [[0, 4_000], [4_000, 8_000]])
      const failed = events.flatMap((event) => event._tag === "Failed" ? [event.error] : [])
      assert.deepInclude(failed[0], { _tag: "DeadlinePassed", of: "sample" })
      assert.strictEqual(wire.mostRunning(), 1)
    }))

  it.effect("tells those to come again later who find no place", () =>
    Effect.gen(function*() {
      const busy = yield* world(() => Effect.never, { settings: { inFlight: 1, maxWaiting: 1, waitMillis: 1_000 } })
      const { events, fiber } = yield* busy.start({ seeds: [1, 2, 3] })
      yield* TestClock.adjust(1_000)
      yield* settle
      const reasons = events.flatMap((event) =>
        event._tag === "Failed" && event.error._tag === "GenerationBusy" ? [event.error.reason] : []
      )
      assert.deepStrictEqual(reasons, ["queue-full", "waited"])
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(busy.wire.interrupted(), 1)
      assert.deepInclude((yield* busy.facts)[0]?.endpoints[0], { inFlight: 0, waiting: 0 })
      assert.strictEqual((yield* busy.log)[0]?.outcome, "cancelled")
    }))

  it.effect("asks elsewhere after a first token that did not come, and gives up where there is no elsewhere", () =>
    Effect.gen(function*() {
      const late: WireScript = ({ url }) =>
        url === "a"
          ? fails("deadline", { deadline: { of: "first-token", millis: 100 } }).pipe(Effect.delay(100))
          : answers("2")
      const one = yield* world(late)
      assert.deepInclude(errorOf(yield* one.run(), "DeadlinePassed"), { of: "first-token" })
      const two = yield* world(late, { models: [model([endpoint("a", { weight: 100 }), endpoint("b")])] })
      assert.strictEqual(outputOf(yield* two.run()).endpoint, "b")
      const call = yield* world(() => fails("deadline", { deadline: { of: "call", millis: 100 } }))
      assert.deepInclude(errorOf(yield* call.run(), "DeadlinePassed"), { of: "call" })
      const idle = yield* world((_call, nth) =>
        nth === 1 ? fails("deadline", { deadline: { of: "idle", millis: 100 } }) : answers("2")
      )
      outputOf(yield* idle.run())
    }))
})

describe("several endpoints", () => {
  it.effect("shares calls by weight, and fills what is free first", () =>
    Effect.gen(function*() {
      const { run, wire } = yield* world(() => answers("2", undefined, { millis: 1_000 }), {
        models: [model([endpoint("a", { weight: 3 }), endpoint("b"), endpoint("c", { inFlight: 100 })])]
      })
      yield* run({ seeds: Array.from({ length: 50 }, (_, seed) => seed) })
      const of = (name: string) => wire.calls.filter(({ url }) => url === name).length
      assert.deepStrictEqual([of("a"), of("b"), of("c")], [30, 10, 10])
    }))

  it.effect("leaves an endpoint alone that failed too often, then tries it with one call", () =>
    Effect.gen(function*() {
      let isWell = false
      const { facts, metrics, run, start, wire } = yield* world(
        ({ url }) => url === "a" && !isWell ? fails("connection") : answers("2", undefined, { millis: 10 }),
        {
          models: [model([endpoint("a"), endpoint("b")])],
          settings: { breakerFailures: 3, breakerMillis: 10_000 }
        }
      )
      const asked = () => wire.calls.filter(({ url }) => url === "a").length
      for (let i = 0; i < 10; i++) outputOf(yield* run({}, 900))
      assert.strictEqual(asked(), 3)
      assert.deepStrictEqual((yield* facts)[0]?.endpoints.map(({ health }) => health), ["down", "up"])
      assert.strictEqual((yield* facts)[0]?.endpoints[0]?.lastError, "scripted connection")
      assert.include(metrics(), `polya_llm_endpoint_away{model="m",endpoint="a"} 1`)
      yield* TestClock.adjust(10_000)
      isWell = true
      const { fiber } = yield* start({ seeds: [1, 2, 3, 4, 5, 6] })
      assert.strictEqual(asked(), 4)
      yield* TestClock.adjust(10)
      yield* Fiber.join(fiber)
      for (let i = 0; i < 4; i++) outputOf(yield* run({}, 10))
      assert.isAtLeast(asked(), 5)
      assert.deepStrictEqual((yield* facts)[0]?.endpoints.map(({ health }) => health), ["up", "up"])
      assert.include(metrics(), `polya_llm_endpoint_away{model="m",endpoint="a"} 0`)
    }))

  it.effect("waits for the only endpoint while it is left alone, goes on as soon as it is back, and gives up in the end", () =>
    Effect.gen(function*() {
      const { run, start, wire } = yield* world(
        ({ atMillis }) => atMillis < 5_000 ? fails("connection") : answers("2", undefined, { millis: 100 }),
        { settings: { breakerFailures: 2, breakerMillis: 6_000 } }
      )
      const { events, fiber } = yield* start({ seeds: Array.from({ length: 20 }, (_, seed) => seed) })
      yield* TestClock.adjust(5_900)
      const before = wire.calls.length
      yield* TestClock.adjust(5_000)
      yield* Fiber.join(fiber)
      assert.strictEqual(events.filter(({ _tag }) => _tag === "Ended").length, 20)
      // One tried it before all others came.
      assert.strictEqual(
        wire.calls.filter(({ atMillis }, at) => at >= before && atMillis < (wire.calls[before]?.atMillis ?? 0) + 100)
          .length,
        1
      )
      outputOf(yield* run())
      const dead = yield* world(() => fails("connection"), { settings: { breakerFailures: 2, breakerMillis: 6_000 } })
      const deads = yield* dead.run({ seeds: Array.from({ length: 20 }, (_, seed) => seed) })
      const errors = deads.flatMap((event) => event._tag === "Failed" ? [event.error._tag] : [])
      assert.deepStrictEqual(errors, errors.map(() => "EndpointsDown"))
      assert.lengthOf(errors, 20)
      assert.isAtMost(dead.wire.calls.length, 20 + 20)
    }))

  it.effect("does not hold it against an endpoint that it refuses, or that it is asked too often", () =>
    Effect.gen(function*() {
      const { facts, run } = yield* world(
        (_call, nth) => nth % 2 === 0 ? fails("rate-limited") : fails("refused", { status: 422 }),
        { settings: { breakerFailures: 1 } }
      )
      for (let i = 0; i < 10; i++) errorOf(yield* run(), "RequestRefused")
      assert.notStrictEqual((yield* facts)[0]?.endpoints[0]?.health, "down")
    }))
})

describe("hedging", () => {
  const two = { models: [model([endpoint("a", { weight: 100 }), endpoint("b")], { hedgeMillis: 1_000 })] }

  it.effect("asks a second endpoint where the first token is late; the first to end counts and both are charged", () =>
    Effect.gen(function*() {
      const { log, metrics, run, spent, wire } = yield* world(
        ({ url }, _nth, part) =>
          url === "a"
            ? answers("from a", part, { firstMillis: 60_000 })
            : answers("from b", part, { firstMillis: 500 }),
        two
      )
      const events = yield* run({ deltas: true })
      assert.deepInclude(outputOf(events), {
        text: "from b",
        attempts: 2,
        endpoint: "b",
        millis: 1_500,
        firstTokenMillis: 1_500
      })
      assert.strictEqual(wire.interrupted(), 1)
      assert.strictEqual(told(events), "from b")
      const entries = (yield* log).map(({ attempt, hedged, outcome }) => [attempt, hedged, outcome])
      assert.sameDeepMembers(entries, [[1, false, "cancelled"], [1, true, "ok"]])
      assert.strictEqual((yield* spent).calls, 2)
      assert.include(metrics(), `polya_llm_hedges_total{model="m",won="hedge"} 1`)
    }))

  it.effect("tells the answer of the one that ends first, also where the other was told before", () =>
    Effect.gen(function*() {
      const { run } = yield* world(({ url }, _nth, part) =>
        url === "a"
          ? answers("answer 41", part, { firstMillis: 1_500, millis: 60_000 })
          : answers("answer 42", part, { firstMillis: 1_000, millis: 2_000 }), two)
      const events = yield* run({ deltas: true })
      assert.strictEqual(outputOf(events).text, "answer 42")
      assert.strictEqual(told(events), "answer 42")
      assert.include(events.map(({ _tag }) => _tag), "Restarted")
    }))

  it.effect("asks nobody else where the first token came in time, the first call failed, or all others are away", () =>
    Effect.gen(function*() {
      const quick = yield* world((_call, _nth, part) => answers("2", part, { firstMillis: 900, millis: 9_000 }), two)
      outputOf(yield* quick.run())
      assert.lengthOf(quick.wire.calls, 1)
      const failing = yield* world(({ url }) => url === "a" ? fails("refused", { status: 400 }) : answers("2"), two)
      errorOf(yield* failing.run(), "RequestRefused")
      assert.lengthOf(failing.wire.calls, 1)
      const alone = yield* world(() => answers("2", undefined, { firstMillis: 5_000 }), {
        models: [model([endpoint("a")], { hedgeMillis: 1_000 })]
      })
      outputOf(yield* alone.run())
      assert.lengthOf(alone.wire.calls, 1)
    }))

  it.effect("takes the other's answer where one of the two fails, and the first's failure where both do", () =>
    Effect.gen(function*() {
      const one = yield* world(
        ({ url }) => url === "b" ? fails("server", { status: 500 }) : answers("2", undefined, { firstMillis: 5_000 }),
        two
      )
      assert.strictEqual(outputOf(yield* one.run()).endpoint, "a")
      const other = yield* world(({ url }) =>
        url === "a"
          ? fails("server", { status: 500 }).pipe(Effect.delay(2_000))
          : answers("2", undefined, { firstMillis: 5_000 }), two)
      assert.strictEqual(outputOf(yield* other.run()).endpoint, "b")
      const both = yield* world(
        ({ url }) => fails("refused", { status: url === "a" ? 400 : 422 }).pipe(Effect.delay(2_000)),
        two
      )
      assert.deepInclude(errorOf(yield* both.run(), "RequestRefused"), { status: 400 })
    }))
})

describe("whatever happens", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    it.effect(`ends every sample once, frees every place and books every call (troubles of seed ${seed})`, () =>
      Effect.gen(function*() {
        const draw = drawsOf(seed)
        const { facts, log, metrics, start, wire } = yield* world(
          (_call, _nth, part) => {
            const millis = Math.floor(draw() * 3_000)
            const outcome = draw()
            if (outcome < 0.5) return answers("some words here", part, { firstMillis: millis, millis: 2 * millis })
            if (outcome < 0.6) return fails("rate-limited", { retryAfterMillis: millis })
            if (outcome < 0.7) return fails("connection").pipe(Effect.delay(millis))
            if (outcome < 0.8) return fails("server", { status: 503 }).pipe(Effect.delay(millis))
            if (outcome < 0.85) return Effect.never
            return outcome < 0.9 ? fails("refused", { status: 400 }) : fails("unreadable")
          },
          {
            models: [
              model([endpoint("a"), endpoint("b", { weight: 3 }), endpoint("c", { inFlight: 2 })], { hedgeMillis: 700 })
            ],
            settings: { inFlight: 8, maxWaiting: 40, waitMillis: 20_000, breakerFailures: 3, breakerMillis: 4_000 }
          }
        )
        const started: Array<{ readonly events: Array<SampleEvent>; readonly fiber: Fiber.Fiber<void, unknown> }> = []
        for (let i = 0; i < 30; i++) {
          const seeds = Array.from({ length: 1 + Math.floor(draw() * 12) }, (_, at) => at)
          started.push(yield* start({ seeds, owner: `o${i % 3}`, deltas: i % 2 === 0, deadlineMillis: 30_000 }))
          yield* TestClock.adjust(Math.floor(draw() * 1_500))
          const victim = started[Math.floor(draw() * started.length)]
          if (draw() < 0.3 && victim !== undefined) yield* Fiber.interrupt(victim.fiber)
        }
        yield* TestClock.adjust(60_000)
        yield* settle
        for (const { events, fiber } of started) {
          const exit = fiber.pollUnsafe()
          assert.isDefined(exit)
          const ends = events.flatMap((event) =>
            event._tag === "Ended" || event._tag === "Failed" ? [event.sample] : []
          )
          assert.lengthOf(ends, new Set(ends).size)
          if (exit?._tag === "Success") assert.lengthOf(ends, Math.max(...events.map(({ sample }) => sample)) + 1)
          for (const event of events) {
            if (event._tag !== "Ended") continue
            const deltas = events.filter((one) => one.sample === event.sample)
            if (deltas.some(({ _tag }) => _tag === "Delta")) assert.strictEqual(told(deltas), event.output.text)
          }
        }
        assert.strictEqual(wire.running(), 0)
        for (const one of (yield* facts)[0]?.endpoints ?? []) assert.deepInclude(one, { inFlight: 0, waiting: 0 })
        assert.isAtMost(wire.mostRunning(), 8 + 8 + 2)
        assert.isAbove(wire.calls.length, 100)
        const text = metrics()
        assert.include(text, `polya_llm_calls_in_flight{model="m"} 0`)
        assert.include(text, `polya_llm_calls_waiting{model="m"} 0`)
        assert.lengthOf(yield* log, Math.min(500, wire.calls.length))
      }))
  }
})

describe("money and books", () => {
  it.effect("charges by price, and asks nothing more when the cap is reached", () =>
    Effect.gen(function*() {
      const { facts, run, spent, start, wire } = yield* world(() => answers("2", undefined, { millis: 10 }), {
        models: [
          model([endpoint("a", { inFlight: 1 })], { promptPrice: 1, completionPrice: 4, spendCapDollars: 0.0001 })
        ]
      })
      assert.strictEqual(outputOf(yield* run()).microDollars, 30)
      // The one that waits for its place sees that the one before it has used up the rest.
      const events = yield* run({ seeds: [1, 2, 3, 4, 5, 6] })
      assert.sameMembers(
        events.flatMap((event) =>
          event._tag === "Ended" ? ["Ended"] : event._tag === "Failed" ? [event.error._tag] : []
        ),
        ["Ended", "Ended", "Ended", "SpendCapReached", "SpendCapReached", "SpendCapReached"]
      )
      assert.lengthOf(wire.calls, 4)
      const { fiber } = yield* start()
      assert.include(String((yield* Effect.flip(Fiber.join(fiber))).message), "$0.0001 of $0.0001")
      assert.deepStrictEqual(yield* spent, { calls: 4, promptTokens: 40, completionTokens: 20, microDollars: 120 })
      assert.deepInclude((yield* facts)[0], { spentMicroDollars: 120, spendCapDollars: 0.0001, promptPrice: 1 })
    }))

  it.effect("gives runs of one owner turns, and lists their calls by run", () =>
    Effect.gen(function*() {
      const { log, start } = yield* world(() => answers("x", undefined, { millis: 1_000 }), {
        settings: { inFlight: 1 }
      })
      yield* start({ seeds: [1, 2, 3, 4, 5, 6], owner: "o", run: "long" })
      yield* start({ seeds: [7], owner: "o", run: "short" })
      yield* TestClock.adjust(60_000)
      yield* settle
      const owners = (yield* log).map(({ owner }) => owner).reverse()
      assert.strictEqual(owners.filter((owner) => owner === "o/long").length, 6)
      assert.include([1, 2], owners.indexOf("o/short"))
    }))

  it.effect("writes down every call without prompt, answer or key", () =>
    Effect.gen(function*() {
      const { log, metrics, run } = yield* world((_call, nth) =>
        nth === 1 ? fails("server", { status: 502, detail: `bad\n${"x".repeat(1_000)}` }) : answers("the secret answer")
      )
      yield* run({
        parameters: { temperature: 0.7, stop: Array.from({ length: 16 }, () => "s".repeat(100)) },
        seeds: [17],
        owner: "solve/1"
      })
      const entries = yield* log
      const [second, first] = entries
      assert.deepInclude(first, { outcome: "ServerFailed", status: 502, owner: "solve/1", model: "m", endpoint: "a" })
      assert.isAtMost(first?.detail?.length ?? 0, 300)
      assert.deepInclude(second, { outcome: "ok", status: 200, detail: null, promptTokens: 10, completionTokens: 5 })
      assert.match(second?.promptHash ?? "", /^[0-9a-f]{16}$/)
      assert.deepInclude(JSON.parse(second?.parameters ?? ""), { temperature: 0.7, seed: 17, stop: "16 texts" })
      const all = JSON.stringify(entries) + metrics()
      for (const secret of ["1 + 1", "secret answer", "sk-very"]) assert.notInclude(all, secret)
      assert.include(metrics(), `polya_llm_calls_total{model="m",outcome="ok"} 1`)
      assert.include(metrics(), `polya_llm_retries_total{model="m",after="ServerFailed"} 1`)
      assert.include(metrics(), `polya_llm_calls_in_flight{model="m"} 0`)
      assert.include(metrics(), `polya_llm_calls_waiting{model="m"} 0`)
    }))
})

/** Numbers of 0 to 1 that a seed decides (mulberry32). */
const drawsOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What the deltas of the one sample come to. */
const told = (events: ReadonlyArray<SampleEvent>): string =>
  events.reduce(
    (text, event) => event._tag === "Restarted" ? "" : event._tag === "Delta" ? text + event.text : text,
    ""
  )
