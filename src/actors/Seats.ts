// The port to seats: how many calls may be under way at a model or an endpoint at once, over all processes of the cluster, shared fairly
// between owners. A seat is held for as long as a scope lives; what waits is bounded in number and time.
import { Context, type Effect, type Scope } from "effect"
import type { SeatsTaken } from "../domain/Seats.ts"

export interface SeatLimits {
  /** Seats of the whole cluster. */
  readonly inFlight: number
  /** Those who may wait on one process, and how long, at most. */
  readonly maxWaiting: number
  readonly waitMillis: number
}

export class Seats extends Context.Service<Seats, {
  /** A seat of `room` until the scope closes. Owners take turns. `limits` is read at each use. */
  readonly take: (room: string, owner: string, limits: SeatLimits) => Effect.Effect<void, SeatsTaken, Scope.Scope>
  /**
   * The same without an effect: `told` once, perhaps before this returns, that it has its seat (null) or why it has none. Answers what gives
   * the seat back or leaves the row, once.
   */
  readonly ask: (
    room: string,
    owner: string,
    limits: SeatLimits,
    told: (refusal: SeatsTaken | null) => void
  ) => () => void
  /** What this process holds and who waits here. */
  readonly facts: (room: string) => { readonly held: number; readonly waiting: number }
}>()("polya/Seats") {}
