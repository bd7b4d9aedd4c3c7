// The models of this process, each behind its endpoints: adapter of the port Generation over OpenAI-compatible servers. Samples share the
// places of an endpoint with all others of the cluster; calls are made again, noted and charged (generation/). docs/models.md tells users.
import { Effect, Layer, Queue, Stream } from "effect"
import { createHash } from "node:crypto"
import { CallLog } from "../actors/CallLog.ts"
import { type EndpointFacts, Generation, type ModelFacts, type SampleEvent } from "../actors/Generation.ts"
import { MetricRegistry } from "../actors/Metrics.ts"
import { Seats } from "../actors/Seats.ts"
import { Spending } from "../actors/Spending.ts"
import { type GenerationRequest, type Prompt, samplesMaximum } from "../domain/Generation.ts"
import { DeadlinePassed, type GenerationError, ModelUnknown } from "../domain/Generation/Errors.ts"
import { estimatePromptTokens } from "../domain/TokenEstimate.ts"
import type { ConfigInvalid } from "./Config/Settings.ts"
import { type Job, type Model, type Parts } from "./generation/Call.ts"
import { healthOf, makeEndpoints } from "./generation/Endpoints.ts"
import { instruments } from "./generation/Instruments.ts"
import { type LlmSettings, loadModels, type ModelSpec } from "./generation/ModelList.ts"
import { checkSpending, runSample } from "./generation/OneSample.ts"
import { makeTeller } from "./generation/Teller.ts"
import { WireClient } from "./openai/Client.ts"

/** Events that wait for a slow consumer; beyond that, parts are put together. */
const eventsMaximum = 256
const hashDigits = 16

export type { LlmSettings } from "./generation/ModelList.ts"

const hashOf = (prompt: Prompt): string =>
  createHash("sha256").update(prompt._tag === "Text" ? prompt.text : JSON.stringify(prompt.messages)).digest("hex")
    .slice(0, hashDigits)

const jobOf = (request: GenerationRequest, model: Model): Job => {
  let tokens: number | null = null
  return {
    request,
    model,
    promptHash: hashOf(request.prompt),
    promptTokens: () => tokens ??= estimatePromptTokens(request.prompt)
  }
}

/** One sample from its start to the event that ends it. */
const sampleOf = (parts: Parts, job: Job, queue: Queue.Enqueue<SampleEvent>) => (seed: number | null, sample: number) =>
  Effect.suspend(() => {
    const { deadlineMillis: millis, deltas, model } = job.request
    const told = runSample(parts, job, seed, makeTeller(queue, sample, deltas)).pipe(
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () => Effect.fail(new DeadlinePassed({ model, of: "sample", millis }))
      }),
      Effect.match({
        onSuccess: (output): SampleEvent => ({ _tag: "Ended", sample, output }),
        onFailure: (error): SampleEvent => ({ _tag: "Failed", sample, error })
      })
    )
    return Effect.flatMap(told, (event) => {
      parts.meters.samples.add([model, event._tag === "Failed" ? event.error._tag : "ok"])
      return Queue.offer(queue, event)
    })
  })

/** The port over these models. Settings are read at each use. */
export const make = Effect.fnUntraced(function*(settings: LlmSettings, specs: ReadonlyArray<ModelSpec>) {
  const parts: Parts = {
    settings,
    wire: yield* WireClient,
    seats: yield* Seats,
    spending: yield* Spending,
    log: yield* CallLog,
    meters: instruments(yield* MetricRegistry)
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
          Effect.andThen(Effect.suspend(() =>
            Effect.forEach(seeds, sampleOf(parts, jobOf(request, model), queue), {
              concurrency: "unbounded",
              discard: true
            })
          )),
          Effect.andThen(Queue.end(queue)),
          Effect.catch((error) => Queue.fail(queue, error))
        ),
      { bufferSize: eventsMaximum }
    )
  }

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
    generate
  })
})

/** The models that the settings name, and their file. A mistake in the file fails with all mistakes. */
export const layer = (
  settings: LlmSettings
): Layer.Layer<Generation, ConfigInvalid, WireClient | Seats | Spending | CallLog> =>
  Layer.effect(Generation, Effect.flatMap(loadModels(settings), (specs) => make(settings, specs)))
