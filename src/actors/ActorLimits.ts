// Limits of the actors of one runner; read at each use, so that an object with getters makes them live. Apart from the actors, so that commands
// that only read the configuration start quickly.
import { Context } from "effect"

export interface ActorLimits {
  /** A call that is not answered by then fails. Default 30,000. */
  readonly commandDeadlineMillis: number
  /** An actor that nobody used for so long leaves memory. Default 30,000. */
  readonly idleMillis: number
  /** Actors in memory on one runner, of one type; the longest unused leave first. Default 8,192. */
  readonly maxResidentActors: number
}
export const actorLimitsDefaults: ActorLimits = {
  commandDeadlineMillis: 30_000,
  idleMillis: 30_000,
  maxResidentActors: 8_192
}
export const ActorLimits = Context.Reference<ActorLimits>("polya/ActorLimits", {
  defaultValue: () => actorLimitsDefaults
})
