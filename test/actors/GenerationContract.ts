// The contract of Generation, sentence by sentence: every adapter runs it over models that answer as `contractAnswer` says. Prompts are of one
// word and what belongs to it, so that whatever serves the models can be told in a few lines.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, type Layer, Stream } from "effect"
import { generateOne, Generation, type SampleEvent } from "../../src/actors/Generation.ts"
import type { GenerationRequest } from "../../src/domain/Generation.ts"

/** What a model answers to a prompt's text: `say TEXT`, `think TEXT`, `seed`, `wait` (never ends), `refuse`. */
export type ContractAnswer =
  | { readonly _tag: "Says"; readonly text: string; readonly reasoning: string | null }
  | { readonly _tag: "Waits" }
  | { readonly _tag: "Refuses" }
export const contractAnswer = (prompt: string, seed: number | null): ContractAnswer => {
  const [word = "", ...rest] = prompt.split(" ")
  const text = rest.join(" ")
  if (word === "wait") return { _tag: "Waits" }
  if (word === "refuse") return { _tag: "Refuses" }
  if (word === "think") return { _tag: "Says", text, reasoning: `thought of ${text}` }
  return { _tag: "Says", text: word === "seed" ? `my seed is ${seed ?? "none"}` : text, reasoning: null }
}

/** The models of a contract: both answer as above; `narrow` takes two calls at once. */
export const wideModel = "wide"
export const narrowModel = "narrow"
export const narrowPlaces = 2

const testMillis = 60_000
/** Long enough for any machine; nothing waits for its end. */
const longMillis = 50_000

export interface ContractWorld {
  readonly layer: Layer.Layer<Generation, unknown>
  /** Calls that are under way where the models are. */
  readonly openCalls: () => number
}

const text = (event: SampleEvent): string => event._tag === "Delta" ? event.text : ""
const reasoning = (event: SampleEvent): string => event._tag === "Delta" ? event.reasoning : ""
/** The deltas that count: those after the last `Restarted`. */
const counting = (events: ReadonlyArray<SampleEvent>, sample: number) => {
  const mine = events.filter((event) => event.sample === sample)
  return mine.slice(mine.findLastIndex(({ _tag }) => _tag === "Restarted") + 1)
}

export const generationContract = (name: string, make: () => Promise<ContractWorld>): void => {
  describe(`generation by ${name}`, { timeout: testMillis }, () => {
    const test = (
      title: string,
      body: (world: ContractWorld) => Effect.Effect<void, unknown, Generation>
    ) =>
      it.live(title, () =>
        Effect.gen(function*() {
          const world = yield* Effect.promise(make)
          yield* Effect.provide(body(world), world.layer)
        }))
    const request = (content: string, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
      model: wideModel,
      prompt: { _tag: "Chat", messages: [{ role: "user", content }] },
      parameters: {},
      seeds: [1],
      owner: "contract",
      deadlineMillis: longMillis,
      deltas: false,
      ...more
    })
    const generate = (asked: GenerationRequest) =>
      Stream.unwrap(Effect.map(Generation, ({ generate }) => generate(asked)))
    const all = (asked: GenerationRequest) => Stream.runCollect(generate(asked))
    const outputs = (events: ReadonlyArray<SampleEvent>) =>
      events.flatMap((event) => event._tag === "Ended" ? [event] : []).sort((a, b) => a.sample - b.sample)
    /** Until the models have that many calls under way. */
    const untilOpen = (world: ContractWorld, calls: number): Effect.Effect<void> =>
      Effect.suspend(() => world.openCalls() === calls ? Effect.void : Effect.delay(untilOpen(world, calls), 5))

    test("gives every sample one end, whatever becomes of the others", () =>
      Effect.gen(function*() {
        const seeds = Array.from({ length: 40 }, (_, seed) => seed)
        for (const model of [wideModel, narrowModel]) {
          const events = yield* all(request("seed", { model, seeds }))
          assert.deepStrictEqual(
            outputs(events).map(({ output, sample }) => [sample, output.text]),
            seeds.map((seed) => [seed, `my seed is ${seed}`])
          )
          for (const sample of seeds) {
            assert.deepStrictEqual(
              events.filter((event) => event.sample === sample).map(({ _tag }) => _tag),
              ["Started", "Ended"]
            )
          }
        }
        const refused = yield* all(request("refuse", { seeds: [1, 2] }))
        const errors = refused.flatMap((event) => event._tag === "Failed" ? [event.error._tag] : [])
        assert.deepStrictEqual(errors, ["RequestRefused", "RequestRefused"])
      }))

    test("sends no seed where none is given", () =>
      Effect.gen(function*() {
        const { deltas: _, seeds: _seeds, ...rest } = request("seed")
        assert.strictEqual((yield* generateOne({ ...rest, seed: null })).text, "my seed is none")
        assert.strictEqual((yield* generateOne({ ...rest, seed: 7 })).text, "my seed is 7")
      }))

    test("takes text as well as conversations", () =>
      Effect.gen(function*() {
        const events = yield* all(request("", { prompt: { _tag: "Text", text: "say it plainly" } }))
        assert.strictEqual(outputs(events)[0]?.output.text, "it plainly")
      }))

    test("tells parts only where they are asked for, in order, and together they are the whole", () =>
      Effect.gen(function*() {
        const long = Array.from({ length: 3_000 }, (_, at) => `word${at} \u00fc\u{1f600}`).join(" ")
        const seeds = [1, 2, 3]
        const events = yield* all(request(`think ${long}`, { seeds, deltas: true }))
        for (const { output, sample } of outputs(events)) {
          const mine = counting(events, sample)
          assert.strictEqual(mine.map(text).join(""), output.text)
          assert.strictEqual(mine.map(reasoning).join(""), output.reasoning)
          assert.strictEqual(output.text, long)
          assert.strictEqual(output.reasoning, `thought of ${long}`)
          const tags = events.filter((event) => event.sample === sample).map(({ _tag }) => _tag)
          assert.strictEqual(tags[0], "Started")
          assert.strictEqual(tags.at(-1), "Ended")
          assert.include(tags, "Delta")
        }
        assert.lengthOf(outputs(events), seeds.length)
        const plain = yield* all(request("think of nothing", { seeds }))
        assert.notInclude(plain.map(({ _tag }) => _tag), "Delta")
      }))

    test("tells what an answer took", () =>
      Effect.gen(function*() {
        const { output } = outputs(yield* all(request("say one two three")))[0] ?? assert.fail("no output")
        assert.deepInclude(output, { text: "one two three", reasoning: null, finish: "stop", attempts: 1 })
        assert.isAbove(output.usage.promptTokens, 0)
        assert.isAbove(output.usage.completionTokens, 0)
        assert.isAtLeast(output.millis, output.queueMillis)
      }))

    test("lets go of what is under way when it is interrupted, and its places are free again", (world) =>
      Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          const fiber = yield* Effect.forkChild(all(request("wait", { model: narrowModel, seeds: [1, 2, 3, 4] })))
          yield* untilOpen(world, narrowPlaces)
          yield* Fiber.interrupt(fiber)
          yield* untilOpen(world, 0)
        }
        assert.lengthOf(outputs(yield* all(request("say hello", { model: narrowModel, seeds: [1, 2, 3] }))), 3)
      }))

    test("gives one sample as it gives many: its end, its error, its deadline, and nothing once interrupted", (world) =>
      Effect.gen(function*() {
        const one = (content: string, more: Partial<GenerationRequest> = {}) => {
          const { deltas: _, seeds: _seeds, ...rest } = request(content, { model: narrowModel, ...more })
          return generateOne({ ...rest, seed: 3 })
        }
        assert.strictEqual((yield* one("seed")).text, "my seed is 3")
        assert.strictEqual((yield* Effect.flip(one("refuse")))._tag, "RequestRefused")
        assert.strictEqual((yield* Effect.flip(one("seed", { model: "nobody" })))._tag, "ModelUnknown")
        const late = yield* Effect.flip(one("wait", { deadlineMillis: 100 }))
        assert.deepInclude(late, { _tag: "DeadlinePassed", of: "sample", millis: 100 })
        yield* untilOpen(world, 0)
        const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(one("wait")))
        yield* untilOpen(world, narrowPlaces)
        yield* Fiber.interruptAll(fibers)
        yield* untilOpen(world, 0)
        assert.strictEqual((yield* one("say hello")).text, "hello")
      }))

    test("lets go, too, when who listens has heard enough", (world) =>
      Effect.gen(function*() {
        const events = yield* Stream.runCollect(
          Stream.take(generate(request("wait", { model: narrowModel, seeds: [1, 2, 3] })), 1)
        )
        assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Started"])
        yield* untilOpen(world, 0)
        assert.lengthOf(outputs(yield* all(request("say hello", { model: narrowModel }))), 1)
      }))

    test("does not begin before somebody listens, and waits for who listens slowly", (world) =>
      Effect.gen(function*() {
        const stream = generate(request("say a b c d e f g h", { seeds: [1, 2], deltas: true }))
        assert.strictEqual(world.openCalls(), 0)
        const gate = yield* Latch.make()
        const fiber = yield* Effect.forkChild(
          Stream.runCollect(Stream.tap(stream, () => gate.await))
        )
        yield* Effect.yieldNow
        yield* gate.open
        assert.lengthOf(outputs(yield* Fiber.join(fiber)), 2)
      }))

    test("ends a sample at its deadline, and the call with it", (world) =>
      Effect.gen(function*() {
        const events = yield* all(request("wait", { model: narrowModel, seeds: [1, 2, 3], deadlineMillis: 100 }))
        const errors = events.flatMap((event) => event._tag === "Failed" ? [event.error] : [])
        assert.lengthOf(errors, 3)
        for (const error of errors) assert.deepInclude(error, { _tag: "DeadlinePassed", of: "sample", millis: 100 })
        yield* untilOpen(world, 0)
      }))

    test("says which models there are to who asks for another", () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(all(request("say hello", { model: "nobody" })))
        const error = Exit.isFailure(exit) ? exit.cause.reasons.find(({ _tag }) => _tag === "Fail") : undefined
        const { models } = yield* Generation
        const names = (yield* models).map(({ name }) => name)
        assert.sameMembers(names, [wideModel, narrowModel])
        assert.deepInclude(error?._tag === "Fail" ? error.error : {}, { _tag: "ModelUnknown", known: names })
      }))
  })
}
