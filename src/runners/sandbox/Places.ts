// Places for sessions, fewer than those who want one. Tenants take turns (FairPlaces.ts).
import type { Effect, Scope } from "effect"
import { makeFairPlaces, type WaitLimits } from "../../actors/FairPlaces.ts"
import { SandboxBusy } from "../../domain/Sandbox.ts"

export interface PlacesOptions {
  readonly places: number
  /** Read at each use. */
  readonly limits: WaitLimits
  /** Told how long each waited, also when in vain. */
  readonly waited?: (millis: number) => void
}

export interface Places {
  /** A place until the scope closes. */
  readonly take: (tenant: string) => Effect.Effect<void, SandboxBusy, Scope.Scope>
  readonly taken: () => number
  readonly waiting: () => number
  /** Since when the longest waiting waits; null: nobody waits. */
  readonly oldestMillis: () => number | null
}

export const makePlaces = ({ limits, places, waited = () => {} }: PlacesOptions): Places => {
  const { oldestMillis, take, taken, waiting } = makeFairPlaces({
    capacity: () => places,
    busy: (reason, waiting, waitedMillis) => new SandboxBusy({ reason, waiting, sessions: places, waitedMillis }),
    waited
  })
  return { take: (tenant) => take(tenant, limits), taken, waiting, oldestMillis }
}
