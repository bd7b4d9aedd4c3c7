// Streams of events in virtual time: when the status is decided, what keeps a silent stream open, what ends it; and calls that are made again.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import type { HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { Generation, type SampleEvent } from "../../../src/actors/Generation.ts"
import * as Lifecycle from "../../../src/actors/Lifecycle.ts"
import { EndpointsDown } from "../../../src/domain/Generation/Errors.ts"
import type { Head } from "../../../src/http/openai/Answers.ts"
import { respond } from "../../../src/http/openai/EventStream.ts"
import * as Plain from "../../../src/http/openai/Plain.ts"
import { output } from "../../actors/ScriptedGeneration.ts"

const options = { id: "x", millis: 100_000 }
const down = new EndpointsDown({ model: "m", detail: "down" })

/** The text of a response, read as it comes. */
const reading = Effect.fnUntraced(function*(response: HttpServerResponse.HttpServerResponse) {
  const lines: Array<string> = []
  if (response.body._tag !== "Stream") return yield* Effect.die("It is no stream")
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(
      response.body.stream,
      (bytes) => Effect.sync(() => void lines.push(new TextDecoder().decode(bytes).trim()))
    )
  )
  return { lines, ended: Effect.asVoid(Fiber.join(fiber)) }
})

describe("a stream of events", () => {
  it.effect("has the status of what fails before the first event", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(respond(() => Effect.fail(down), options))
      assert.deepStrictEqual(exit, Exit.fail(down))
      const later = yield* Effect.forkChild(Effect.exit(
        respond(() => Effect.andThen(Effect.sleep(14_000), Effect.fail(down)), options)
      ))
      yield* TestClock.adjust(14_000)
      assert.deepStrictEqual(yield* Fiber.join(later), Exit.fail(down))
    }).pipe(Effect.scoped))

  it.effect("begins after a while although nothing is there, and says from time to time that it lives", () =>
    Effect.gen(function*() {
      const begun = yield* Effect.forkChild(
        respond(
          (send) => Effect.andThen(Effect.sleep(40_000), Effect.andThen(send({ a: 1 }), Effect.fail(down))),
          options
        )
      )
      yield* TestClock.adjust(15_000)
      const { ended, lines } = yield* reading(yield* Fiber.join(begun))
      yield* TestClock.adjust(16_000)
      assert.deepStrictEqual(lines, [": keep-alive", ": keep-alive"])
      yield* TestClock.adjust(20_000)
      yield* ended
      assert.strictEqual(lines[2], "data: {\"a\":1}")
      assert.include(lines[3], "\"code\":\"service_unavailable\"")
      assert.lengthOf(lines, 4)
    }).pipe(Effect.scoped))

  it.effect("ends with [DONE], and a bug with the number of an incident alone", () =>
    Effect.gen(function*() {
      const good = yield* reading(yield* respond((send) => send({ a: "\n" }), options))
      yield* good.ended
      assert.deepStrictEqual(good.lines, ["data: {\"a\":\"\\n\"}", "data: [DONE]"])
      const bad = yield* reading(
        yield* respond((send) => Effect.andThen(send({}), Effect.die(new Error("secret"))), options)
      )
      yield* bad.ended
      assert.include(bad.lines[1], "incident")
      assert.notInclude(bad.lines.join(""), "secret")
      assert.notInclude(bad.lines.join(""), "[DONE]")
    }).pipe(Effect.scoped))

  it.effect("makes the one who writes wait for the one who reads", () =>
    Effect.gen(function*() {
      let sent = 0
      const { body } = yield* respond(
        (send) => Effect.forever(Effect.andThen(send({ sent }), Effect.sync(() => void sent++))),
        options
      )
      yield* TestClock.adjust(1_000)
      assert.isAtMost(sent, 70)
      if (body._tag !== "Stream") return assert.fail()
      yield* Stream.runDrain(Stream.take(body.stream, 100))
      yield* TestClock.adjust(1_000)
      assert.isAtLeast(sent, 100)
      assert.isAtMost(sent, 300)
    }).pipe(Effect.scoped))

  it.effect("is interrupted with its request, and ended by its deadline", () =>
    Effect.gen(function*() {
      const gone = yield* Deferred.make<void>()
      const scope = yield* Scope.make()
      const silent = Effect.onInterrupt(Effect.never, () => Deferred.succeed(gone, undefined))
      yield* respond((send) => Effect.andThen(send({}), silent), options).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      yield* Deferred.await(gone)

      const late = yield* reading(yield* respond((send) => Effect.andThen(send({}), Effect.never), options))
      yield* TestClock.adjust(100_000)
      yield* late.ended
      assert.include(late.lines.at(-1), "\"code\":\"timeout\"")
    }).pipe(Effect.scoped))

  it.effect("ends with an error soon after the process begins to end", () =>
    Effect.gen(function*() {
      const { drain } = yield* Lifecycle.Lifecycle
      const { ended, lines } = yield* reading(
        yield* respond((send) => Effect.andThen(send({}), Effect.never), options)
      )
      yield* drain
      yield* TestClock.adjust(4_000)
      yield* ended
      assert.include(lines.at(-1), "\"code\":\"service_unavailable\"")
    }).pipe(Effect.scoped, Effect.provide(Lifecycle.layer)))
})

const head: Head = { kind: "chat", id: "x", createdSeconds: 0, model: "m" }
const requests: Plain.Requests = [{
  model: "m",
  prompt: { _tag: "Text", text: "?" },
  parameters: {},
  seeds: [null],
  owner: "t",
  deadlineMillis: 1_000
}]
const delta = (text: string, reasoning = ""): SampleEvent => ({ _tag: "Delta", sample: 0, text, reasoning })
const again: SampleEvent = { _tag: "Restarted", sample: 0 }
const ended = (text: string, reasoning: string | null = null): SampleEvent => ({
  _tag: "Ended",
  sample: 0,
  output: output(text, { reasoning })
})

/** What a client reads of a stream with these events. */
const read = (...events: ReadonlyArray<SampleEvent>) =>
  Effect.suspend(() => {
    const chunks: Array<any> = []
    return Plain.stream(head, requests, false, (event) => Effect.sync(() => void chunks.push(event))).pipe(
      Effect.provide(Layer.succeed(Generation, {
        models: Effect.succeed([]),
        generate: () => Stream.fromIterable(events)
      })),
      Effect.map(() => {
        const deltas = chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta)
        const all = (name: string) => deltas.map((delta) => delta[name] ?? "").join("")
        return [all("content"), all("reasoning_content")]
      })
    )
  })

describe("a call that is made again amid a stream", () => {
  it.effect("goes on where it was, if it says the same", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* read(delta("ab"), again, delta("a"), delta("bc"), ended("abc")), ["abc", ""])
      assert.deepStrictEqual(yield* read(delta("abc"), again, delta("a"), again, delta("abcd"), ended("abcd")), [
        "abcd",
        ""
      ])
      assert.deepStrictEqual(yield* read(delta("", "hm"), delta("a"), again, delta("", "hm"), ended("ab", "hm")), [
        "ab",
        "hm"
      ])
      assert.deepStrictEqual(yield* read(again, delta("x"), ended("x")), ["x", ""])
      assert.deepStrictEqual(yield* read(delta("ab"), again, ended("abc")), ["abc", ""])
    }))

  it.effect("ends the stream, if it says something else", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<ReadonlyArray<SampleEvent>> = [
        [delta("ab"), again, delta("ax")],
        [delta("ab"), again, delta("b")],
        [delta("ab"), again, ended("xy")],
        [delta("", "hm"), again, delta("", "no")]
      ]
      for (const events of cases) {
        assert.strictEqual((yield* Effect.flip(read(...events)))._tag, "StreamDiverged", JSON.stringify(events))
      }
    }))

  it.effect("that never told parts is told whole at its end", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* read(ended("whole", "why")), ["whole", "why"])
      assert.deepStrictEqual(yield* read(delta(" trimmed "), ended("trimmed")), [" trimmed ", ""])
      assert.deepStrictEqual(yield* read(ended("")), ["", ""])
    }))
})
