// Whether an endpoint is to be asked now. Failures in a row open the breaker: nothing is asked for a while, then one call tries, and what
// becomes of it decides. A server that asks to be left alone is left alone for so long; that is no failure.
export interface BreakerLimits {
  readonly breakerFailures: number
  readonly breakerMillis: number
}

export type BreakerState = "closed" | "open" | "trying"

/** A call that may go out; one of these tells once what became of it. */
export interface Ticket {
  /** It answered, whatever it said. True: it had been away. */
  readonly answered: () => boolean
  readonly failed: (nowMillis: number) => void
  /** The call was called off, or says nothing about the endpoint. */
  readonly left: () => void
}

export interface Breaker {
  readonly state: () => BreakerState
  /** Until the endpoint may be asked: 0 now; Infinity while one call tries it. */
  readonly closedForMillis: (nowMillis: number) => number
  /** A call is about to go out; null: it must not. */
  readonly enter: (nowMillis: number) => Ticket | null
  readonly pause: (untilMillis: number) => void
  readonly isPaused: (nowMillis: number) => boolean
}

/** `limits` are read at each use. */
export const makeBreaker = (limits: BreakerLimits): Breaker => {
  let state: BreakerState = "closed"
  let failures = 0
  let openUntilMillis = 0
  let pausedUntilMillis = 0
  const closedForMillis = (nowMillis: number): number => {
    const paused = Math.max(0, pausedUntilMillis - nowMillis)
    if (state === "closed") return paused
    if (state === "trying") return Number.POSITIVE_INFINITY
    return Math.max(paused, openUntilMillis - nowMillis)
  }
  const ticket = (isTry: boolean): Ticket => ({
    answered: () => {
      const wasAway = state !== "closed"
      state = "closed"
      failures = 0
      return wasAway
    },
    // Calls that went out before the breaker opened do not decide about the one that tries.
    failed: (nowMillis) => {
      failures++
      if ((isTry && state === "trying") || (state === "closed" && failures >= limits.breakerFailures)) {
        state = "open"
        openUntilMillis = nowMillis + limits.breakerMillis
      }
    },
    // The next one tries.
    left: () => {
      if (isTry && state === "trying") state = "open"
    }
  })
  return {
    state: () => state,
    closedForMillis,
    enter: (nowMillis) => {
      if (closedForMillis(nowMillis) > 0) return null
      if (state === "closed") return ticket(false)
      state = "trying"
      return ticket(true)
    },
    pause: (untilMillis) => {
      pausedUntilMillis = Math.max(pausedUntilMillis, untilMillis)
    },
    isPaused: (nowMillis) => pausedUntilMillis > nowMillis
  }
}
