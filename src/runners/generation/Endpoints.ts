// The endpoints of one model, and which of them is asked next: the least loaded of those that may be asked now, by weight.
import { Effect } from "effect"
import type { EndpointFacts } from "../../actors/Generation.ts"
import { type Breaker, type BreakerLimits, makeBreaker } from "./Breaker.ts"
import type { EndpointSpec } from "./ModelList.ts"

export interface Endpoint {
  readonly spec: EndpointSpec
  readonly breaker: Breaker
  /** Calls of this process that are under way there or wait for a place. */
  load: number
  /** Of the last call that failed; null: it answered since. */
  lastError: string | null
  /** Some call has ended. */
  asked: boolean
}

export interface Endpoints {
  readonly all: ReadonlyArray<Endpoint>
  /** null: none may be asked now. `avoid` is taken only where there is no other. */
  readonly choose: (nowMillis: number, avoid: Endpoint | null) => Endpoint | null
  /** Until one may be asked; Infinity: when a call that tries one ends. */
  readonly soonestMillis: (nowMillis: number) => number
  /** Whether all that keeps them from being asked is that a server wants to be left alone. */
  readonly arePaused: (nowMillis: number) => boolean
  /** Ends when some endpoint that was away answers again. */
  readonly back: Effect.Effect<void>
  readonly wake: () => void
}

export const makeEndpoints = (specs: ReadonlyArray<EndpointSpec>, limits: BreakerLimits): Endpoints => {
  const all = specs.map((spec): Endpoint => ({
    spec,
    breaker: makeBreaker(limits),
    load: 0,
    lastError: null,
    asked: false
  }))
  const sleepers = new Set<() => void>()
  /** Where the next look begins: equally loaded ones take turns. */
  let turn = 0
  return {
    all,
    choose: (nowMillis, avoid) => {
      turn = (turn + 1) % all.length
      let best: Endpoint | null = null
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < all.length; i++) {
        const endpoint = all[(turn + i) % all.length]
        if (endpoint === undefined || endpoint === avoid || endpoint.breaker.closedForMillis(nowMillis) > 0) continue
        const load = (endpoint.load + 1) / endpoint.spec.weight
        if (load >= least) continue
        best = endpoint
        least = load
      }
      return best ?? (avoid !== null && avoid.breaker.closedForMillis(nowMillis) === 0 ? avoid : null)
    },
    soonestMillis: (nowMillis) =>
      all.reduce((soonest, { breaker }) => Math.min(soonest, breaker.closedForMillis(nowMillis)), Infinity),
    arePaused: (nowMillis) => all.every(({ breaker }) => breaker.state() === "closed" && breaker.isPaused(nowMillis)),
    back: Effect.callback((resume) => {
      const wake = () => resume(Effect.void)
      sleepers.add(wake)
      return Effect.sync(() => void sleepers.delete(wake))
    }),
    wake: () => {
      const awake = [...sleepers]
      sleepers.clear()
      for (const wake of awake) wake()
    }
  }
}

export const healthOf = ({ asked, breaker, lastError }: Endpoint): EndpointFacts["health"] =>
  breaker.state() !== "closed" ? "down" : asked && lastError === null ? "up" : "unknown"
