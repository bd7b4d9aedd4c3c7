// Models that answer what a function says, in memory: what they were asked is kept, interruptions are counted, and time is the test's.
import { Clock, Effect, Layer, Queue, Semaphore, Stream } from "effect"
import { Generation, type ModelFacts, type SampleEvent } from "../../src/actors/Generation.ts"
import {
  type GenerationRequest,
  noUsage,
  type Prompt,
  type SampleOutput,
  samplesMaximum
} from "../../src/domain/Generation.ts"
import { DeadlinePassed, type GenerationError, ModelUnknown } from "../../src/domain/Generation/Errors.ts"

/** One call of a sample. `attempt`: how often this model was asked this prompt with this seed, from 1. */
export type Script = (
  request: GenerationRequest,
  sample: number,
  seed: number | null,
  attempt: number
) => Effect.Effect<SampleOutput, GenerationError>

export interface Asked {
  readonly request: GenerationRequest
  readonly sample: number
  readonly seed: number | null
  readonly attempt: number
}

export interface ScriptedOptions {
  /** Default: `scripted` alone. */
  readonly models?: ReadonlyArray<string | ModelFacts>
  /** Samples of a model under way at once, of each or by name; the others wait. Default 64. */
  readonly inFlight?: number | { readonly [model: string]: number }
}

/** An output of some text, each word of it a token, that took no time. */
export const output = (text: string, more: Partial<SampleOutput> = {}): SampleOutput => ({
  text,
  reasoning: null,
  finish: "stop",
  usage: { ...noUsage, promptTokens: 10, completionTokens: wordsOf(text).length },
  figures: {},
  endpoint: "scripted",
  queueMillis: 0,
  firstTokenMillis: null,
  millis: 0,
  attempts: 1,
  microDollars: 0,
  ...more
})

/** A script's answer: the text at once. With `Effect.delay` it comes later. */
export const says = (text: string, more: Partial<SampleOutput> = {}): Effect.Effect<SampleOutput> =>
  Effect.sync(() => output(text, more))

/** Answers in turn by how often the model was asked, the last one for good. */
export const inTurn = (...texts: readonly [string, ...Array<string>]): Script => {
  let asked = 0
  return () => Effect.suspend(() => says(texts[Math.min(asked++, texts.length - 1)] ?? ""))
}

/** All that a prompt says, in one text. */
export const promptText = (prompt: Prompt): string =>
  prompt._tag === "Text" ? prompt.text : prompt.messages.map(({ content }) => content).join("\n")

export const modelFacts = (name: string, more: Partial<ModelFacts> = {}): ModelFacts => ({
  name,
  contextTokens: null,
  promptPrice: null,
  completionPrice: null,
  spentMicroDollars: 0,
  spendCapDollars: null,
  endpoints: [],
  ...more
})

const wordsOf = (text: string): ReadonlyArray<string> => text.match(/\s*\S+\s*?|\s+/g) ?? []

export const makeScripted = (script: Script, { inFlight = 64, models = ["scripted"] }: ScriptedOptions = {}) => {
  const asked: Array<Asked> = []
  const attempts = new Map<string, number>()
  let running = 0
  let mostRunning = 0
  let interrupted = 0
  const facts = models.map((model) => typeof model === "string" ? modelFacts(model) : model)
  const places = new Map(
    facts.map(({ name }) => [
      name,
      Semaphore.makeUnsafe(typeof inFlight === "number" ? inFlight : inFlight[name] ?? 64)
    ])
  )

  const call = (request: GenerationRequest, sample: number, seed: number | null) =>
    Effect.suspend(() => {
      const key = JSON.stringify([request.model, request.prompt, seed])
      const attempt = (attempts.get(key) ?? 0) + 1
      attempts.set(key, attempt)
      asked.push({ request, sample, seed, attempt })
      mostRunning = Math.max(mostRunning, ++running)
      return script(request, sample, seed, attempt).pipe(
        Effect.onInterrupt(() => Effect.sync(() => void interrupted++)),
        Effect.ensuring(Effect.sync(() => void running--))
      )
    })

  const generate: Generation["Service"]["generate"] = (request) => {
    const { deadlineMillis: millis, deltas, model, seeds } = request
    const seats = places.get(model)
    if (seats === undefined) {
      return Stream.fail(new ModelUnknown({ model, known: facts.map(({ name }) => name) }))
    }
    if (seeds.length < 1 || seeds.length > samplesMaximum) {
      return Stream.die(`${seeds.length} samples; 1 to ${samplesMaximum} can be asked for`)
    }
    return Stream.callback<SampleEvent, GenerationError>(
      (queue) => {
        const tell = (event: SampleEvent) => Queue.offer(queue, event)
        const one = (seed: number | null, sample: number) =>
          Effect.gen(function*() {
            const clock = yield* Clock.Clock
            const since = clock.currentTimeMillisUnsafe()
            const ended = yield* seats.withPermits(1)(Effect.gen(function*() {
              const queueMillis = clock.currentTimeMillisUnsafe() - since
              yield* tell({ _tag: "Started", sample })
              const output = yield* call(request, sample, seed)
              if (deltas) {
                if (output.reasoning !== null) {
                  yield* tell({ _tag: "Delta", sample, text: "", reasoning: output.reasoning })
                }
                for (const text of wordsOf(output.text)) yield* tell({ _tag: "Delta", sample, text, reasoning: "" })
              }
              return {
                ...output,
                queueMillis,
                millis: Math.max(output.millis, clock.currentTimeMillisUnsafe() - since)
              }
            })).pipe(
              Effect.timeoutOrElse({
                duration: millis,
                orElse: () => Effect.fail(new DeadlinePassed({ model, of: "sample", millis }))
              }),
              Effect.match({
                onSuccess: (output): SampleEvent => ({ _tag: "Ended", sample, output }),
                onFailure: (error): SampleEvent => ({ _tag: "Failed", sample, error })
              })
            )
            yield* tell(ended)
          })
        return Effect.forEach(seeds, one, { concurrency: "unbounded", discard: true }).pipe(
          Effect.andThen(Queue.end(queue))
        )
      },
      { bufferSize: 64 }
    )
  }

  return {
    layer: Layer.succeed(Generation, { models: Effect.succeed(facts), generate }),
    service: Generation.of({ models: Effect.succeed(facts), generate }),
    /** Every call, in the order in which they came. */
    asked: asked as ReadonlyArray<Asked>,
    /** Calls under way now, and at the fullest moment. */
    running: () => running,
    mostRunning: () => mostRunning,
    /** Calls that were called off. */
    interrupted: () => interrupted
  }
}
