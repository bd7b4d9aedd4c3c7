// The models of this process, each behind its endpoints: adapter of the port Generation over OpenAI-compatible servers. Samples share the
// places of an endpoint with all others of the cluster; calls are made again, noted and charged (generation/). docs/models.md tells users.
import { Effect, Exit, Fiber, Layer, Queue, Stream } from "effect"
import { createHash } from "node:crypto"
import { type Alarms, makeAlarms } from "../actors/Alarms.ts"
import { CallLog } from "../actors/CallLog.ts"
import {
  type EndpointFacts,
  Generation,
  type ModelFacts,
  type OneRequest,
  type SampleEvent
} from "../actors/Generation.ts"
import { MetricRegistry } from "../actors/Metrics.ts"
import { Seats } from "../actors/Seats.ts"
import { Spending } from "../actors/Spending.ts"
import { type Prompt, type SampleOutput, samplesMaximum } from "../domain/Generation.ts"
import { DeadlinePassed, type GenerationError, ModelUnknown } from "../domain/Generation/Errors.ts"
import type { ConfigInvalid } from "./Config/Settings.ts"
import { type Job, jobOf, type Model, type Parts } from "./generation/Call.ts"
import { healthOf, makeEndpoints } from "./generation/Endpoints.ts"
import { instruments } from "./generation/Instruments.ts"
import { type LlmSettings, loadModels, type ModelSpec } from "./generation/ModelList.ts"
import { checkSpending, runSample } from "./generation/OneSample.ts"
import { makeTeller, silentTeller, type Teller } from "./generation/Teller.ts"
import { WireClient } from "./openai/Client.ts"

/** Events that wait for a slow consumer; beyond that, parts are put together. */
const eventsMaximum = 256
const hashDigits = 16

export type { LlmSettings } from "./generation/ModelList.ts"

const hashes = new WeakMap<Prompt, string>()
const hashOf = (prompt: Prompt): string => {
  let hash = hashes.get(prompt)
  if (hash === undefined) {
    const text = prompt._tag === "Text" ? prompt.text : JSON.stringify(prompt.messages)
    hash = createHash("sha256").update(text).digest("hex").slice(0, hashDigits)
    hashes.set(prompt, hash)
  }
  return hash
}

/** The effect in a fiber of its own, which is interrupted once the time is up; that it was late is known once it has ended. */
const within = <A, E, E2>(
  { at, now }: Alarms,
  millis: number,
  effect: Effect.Effect<A, E>,
  late: () => E2
): Effect.Effect<A, E | E2> =>
  Effect.flatMap(Effect.context<never>(), (context) =>
    Effect.callback<A, E | E2>((resume) => {
      const fiber = Effect.runForkWith(context)(effect)
      let isLate = false
      const stop = at(now() + millis, () => {
        isLate = true
        fiber.interruptUnsafe()
      })
      fiber.addObserver((exit) => {
        stop()
        resume(isLate && Exit.hasInterrupts(exit) ? Effect.fail(late()) : exit)
      })
      return Effect.suspend(() => {
        stop()
        return Fiber.interrupt(fiber)
      })
    }))

/** One sample from its start to its end. */
const sampleOf = (parts: Parts, job: Job, seed: number | null, teller: Teller) => {
  const { deadlineMillis: millis, model } = job.request
  return within(
    parts.alarms,
    millis,
    runSample(parts, job, seed, teller),
    () => new DeadlinePassed({ model, of: "sample", millis })
  )
}

/** The port over these models. Settings are read at each use. */
export const make = Effect.fnUntraced(function*(settings: LlmSettings, specs: ReadonlyArray<ModelSpec>) {
  const parts: Parts = {
    settings,
    wire: yield* WireClient,
    seats: yield* Seats,
    spending: yield* Spending,
    log: yield* CallLog,
    meters: instruments(yield* MetricRegistry),
    alarms: yield* makeAlarms
  }
  const models = new Map(
    specs.map((spec): [string, Model] => [spec.name, { spec, endpoints: makeEndpoints(spec.endpoints, settings) }])
  )

  const generate: Generation["Service"]["generate"] = (request) => {
    const model = models.get(request.model)
    const { seeds } = request
    if (model === undefined) {
      return Stream.fail<GenerationError>(new ModelUnknown({ model: request.model, known: [...models.keys()] }))
    }
    if (seeds.length < 1 || seeds.length > samplesMaximum) {
      return Stream.die(`${seeds.length} samples are asked for; 1 to ${samplesMaximum} can be`)
    }
    return Stream.callback<SampleEvent, GenerationError>(
      (queue) =>
        checkSpending(parts, model).pipe(
          Effect.andThen(Effect.suspend(() => {
            const job = jobOf(request, model, hashOf(request.prompt))
            return Effect.forEach(seeds, (seed, sample) =>
              Effect.flatMap(
                Effect.result(sampleOf(parts, job, seed, makeTeller(queue, sample, request.deltas))),
                (result) => {
                  const isWell = result._tag === "Success"
                  parts.meters.samples.add([request.model, isWell ? "ok" : result.failure._tag])
                  return Queue.offer(
                    queue,
                    isWell
                      ? { _tag: "Ended", sample, output: result.success }
                      : { _tag: "Failed", sample, error: result.failure }
                  )
                }
              ), { concurrency: "unbounded", discard: true })
          })),
          Effect.andThen(Queue.end(queue)),
          Effect.catch((error) => Queue.fail(queue, error))
        ),
      { bufferSize: eventsMaximum }
    )
  }

  const one = ({ seed, ...rest }: OneRequest): Effect.Effect<SampleOutput, GenerationError> =>
    Effect.suspend((): Effect.Effect<SampleOutput, GenerationError> => {
      const model = models.get(rest.model)
      if (model === undefined) {
        return Effect.fail(new ModelUnknown({ model: rest.model, known: [...models.keys()] }))
      }
      const request = { ...rest, seeds: [seed], deltas: false }
      return Effect.andThen(
        checkSpending(parts, model),
        Effect.onExit(
          sampleOf(parts, jobOf(request, model, hashOf(request.prompt)), seed, silentTeller),
          (exit) =>
            Effect.sync(() => {
              const error = Exit.isFailure(exit) ? exit.cause.reasons.find(({ _tag }) => _tag === "Fail") : undefined
              if (Exit.isSuccess(exit)) parts.meters.samples.add([rest.model, "ok"])
              else if (error?._tag === "Fail") parts.meters.samples.add([rest.model, error.error._tag])
            })
        )
      )
    })

  const factsOf = ({ endpoints, spec }: Model): Effect.Effect<ModelFacts> =>
    Effect.map(parts.spending.spent(spec.name), ({ microDollars }) => {
      const { inFlight, spendCapDollars } = settings
      const capDollars = spec.spendCapDollars ?? spendCapDollars
      const promptPrice = spec.promptPrice ?? settings.promptPrice
      const completionPrice = spec.completionPrice ?? settings.completionPrice
      return {
        name: spec.name,
        contextTokens: spec.contextTokens,
        promptPrice: promptPrice === 0 ? null : promptPrice,
        completionPrice: completionPrice === 0 ? null : completionPrice,
        spentMicroDollars: microDollars,
        spendCapDollars: capDollars === 0 ? null : capDollars,
        endpoints: endpoints.all.map((endpoint): EndpointFacts => {
          const { held, waiting } = parts.seats.facts(endpoint.spec.name)
          return {
            name: endpoint.spec.name,
            health: healthOf(endpoint),
            inFlight: held,
            inFlightLimit: endpoint.spec.inFlight ?? inFlight,
            waiting,
            lastError: endpoint.lastError
          }
        })
      }
    })

  return Generation.of({
    models: Effect.suspend(() => Effect.forEach([...models.values()], factsOf)),
    generate,
    one
  })
})

/** The models that the settings name, and their file. A mistake in the file fails with all mistakes. */
export const layer = (
  settings: LlmSettings
): Layer.Layer<Generation, ConfigInvalid, WireClient | Seats | Spending | CallLog> =>
  Layer.effect(Generation, Effect.flatMap(loadModels(settings), (specs) => make(settings, specs)))
