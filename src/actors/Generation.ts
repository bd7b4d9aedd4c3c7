// The port to models: samples of a prompt, from whatever serves the model. One contract suite (test/actors/GenerationContract.ts) runs on
// every adapter. An interruption of the stream calls off what is under way: connections are closed, places are free again.
import { Context, Effect, Layer, Stream } from "effect"
import type { GenerationRequest, SampleOutput } from "../domain/Generation.ts"
import { type GenerationError, ModelUnknown } from "../domain/Generation/Errors.ts"

/** What becomes known of a request's samples, in the order in which it happens. `sample`: index into `seeds`. */
export type SampleEvent =
  /** The sample has a place and its call goes out. */
  | { readonly _tag: "Started"; readonly sample: number }
  /** More of its text or reasoning; told only where the request asks for deltas. A call that is made again begins with `Restarted`. */
  | { readonly _tag: "Delta"; readonly sample: number; readonly text: string; readonly reasoning: string }
  | { readonly _tag: "Restarted"; readonly sample: number }
  | { readonly _tag: "Ended"; readonly sample: number; readonly output: SampleOutput }
  /** It has no output; the others are not concerned. */
  | { readonly _tag: "Failed"; readonly sample: number; readonly error: GenerationError }

/** One model as it can be asked for. */
export interface ModelFacts {
  readonly name: string
  /** Tokens of prompt and answer together; null: not known. */
  readonly contextTokens: number | null
  /** Dollars for a million tokens; null: not told. */
  readonly promptPrice: number | null
  readonly completionPrice: number | null
  readonly spentMicroDollars: number
  readonly spendCapDollars: number | null
  readonly endpoints: ReadonlyArray<EndpointFacts>
}
export interface EndpointFacts {
  /** Its address without secrets. */
  readonly name: string
  readonly health: "up" | "down" | "unknown"
  readonly inFlight: number
  readonly inFlightLimit: number
  readonly waiting: number
  /** The last failure in a sentence; null: none since it last answered. */
  readonly lastError: string | null
}

/** A request for one sample, told of when it ends. */
export type OneRequest = Omit<GenerationRequest, "seeds" | "deltas"> & { readonly seed: number | null }

export class Generation extends Context.Service<Generation, {
  readonly models: Effect.Effect<ReadonlyArray<ModelFacts>>
  /**
   * Every sample ends with one `Ended` or one `Failed`; then the stream ends. The stream fails only where nothing can be asked at all
   * (`ModelUnknown`, `SpendCapReached`).
   */
  readonly generate: (request: GenerationRequest) => Stream.Stream<SampleEvent, GenerationError>
  /** The same for one sample, where there is a shorter way to it: use `generateOne`. */
  readonly one?: (request: OneRequest) => Effect.Effect<SampleOutput, GenerationError>
}>()("polya/Generation") {
  /** No model at all. */
  static readonly layerNone: Layer.Layer<Generation> = Layer.succeed(Generation, {
    models: Effect.succeed([]),
    generate: ({ model }) => Stream.fail(new ModelUnknown({ model, known: [] }))
  })
}

/** The sample of a request with one seed. */
export const generateOne = (request: OneRequest): Effect.Effect<SampleOutput, GenerationError, Generation> =>
  Effect.flatMap(Generation, ({ generate, one }) => (one ?? lastOf(generate))(request))

const lastOf = (generate: Generation["Service"]["generate"]) =>
  Effect.fnUntraced(function*({ seed, ...rest }: OneRequest): Effect.fn.Return<SampleOutput, GenerationError> {
    let ended: SampleOutput | GenerationError | undefined
    yield* Stream.runForEach(generate({ ...rest, seeds: [seed], deltas: false }), (event) =>
      Effect.sync(() => {
        if (event._tag === "Ended") ended = event.output
        if (event._tag === "Failed") ended = event.error
      }))
    if (ended === undefined) return yield* Effect.die("A stream of samples ended without its sample")
    return yield* "_tag" in ended ? Effect.fail(ended) : Effect.succeed(ended)
  })
