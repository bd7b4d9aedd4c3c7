// Solving as a service: what the API, evaluations, contests and command lines use. A solve is a durable actor: it goes on although nobody asks,
// on another runner if its own dies, and its samples that have ended are kept.
import { Context, type Effect, type Stream } from "effect"
import type { SampleState, SolveSpec, SolveState, SolveTaken, SolveUnknown } from "../domain/Solve.ts"
import type { ActorUnavailable, KeyReused } from "./Committer.ts"
import type { SendOptions } from "./DurableActor.ts"

export class Solves extends Context.Service<Solves, {
  /** Starts it; the same id with the same spec again changes nothing. */
  readonly start: (
    id: string,
    spec: SolveSpec,
    options?: SendOptions
  ) => Effect.Effect<void, SolveTaken | ActorUnavailable | KeyReused>
  readonly state: (id: string) => Effect.Effect<SolveState, SolveUnknown | ActorUnavailable>
  /** The state now, then every later one that the consumer is quick enough to see; ends after the last one. */
  readonly watch: (id: string) => Stream.Stream<SolveState, SolveUnknown | ActorUnavailable>
  /** Waits until it is over. */
  readonly outcome: (id: string) => Effect.Effect<SolveState, SolveUnknown | ActorUnavailable>
  /** Calls it off; what runs for it is interrupted within a second. */
  readonly cancel: (
    id: string,
    why: string,
    options?: SendOptions
  ) => Effect.Effect<void, SolveUnknown | ActorUnavailable | KeyReused>
  /** The text of a sample that has ended; undefined: there is none. */
  readonly text: (id: string, sample: number) => Effect.Effect<SampleState | undefined, ActorUnavailable>
}>()("polya/Solves") {}
