// Places for sessions, fewer than those who want one. Tenants take turns: who asks for a thousand holds up only itself. What waits is bounded,
// and nobody waits longer than a stated time.
import { Clock, Effect, Exit, type Scope } from "effect"
import { SandboxBusy } from "../../domain/Sandbox.ts"

export interface PlacesOptions {
  readonly places: number
  /** Read at each use, as the two below. */
  readonly limits: { readonly maxWaiting: number; readonly waitMillis: number }
  /** Told how long each waited, also when in vain. */
  readonly waited?: (millis: number) => void
}

interface Waiter {
  readonly tenant: string
  readonly sinceMillis: number
  admitted: boolean
  /** Wakes who waits; the place is its own from `admitted` on. */
  wake: () => void
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
  let taken = 0
  let waiting = 0
  /** The tenants who wait, in turn; each with its own in order. */
  const turns = new Map<string, Array<Waiter>>()

  const leave = (waiter: Waiter) => {
    const mine = turns.get(waiter.tenant)
    const at = mine?.indexOf(waiter) ?? -1
    if (mine === undefined || at < 0) return
    mine.splice(at, 1)
    waiting--
    if (mine.length === 0) turns.delete(waiter.tenant)
  }
  /** The first of the tenant whose turn it is; the tenant goes to the end of the row. */
  const next = (): Waiter | undefined => {
    for (const [tenant, mine] of turns) {
      const [first] = mine
      if (first === undefined) continue
      leave(first)
      if (mine.length > 0) {
        turns.delete(tenant)
        turns.set(tenant, mine)
      }
      return first
    }
    return undefined
  }
  const release = Effect.sync(() => {
    const first = next()
    // Its place passes on.
    if (first === undefined) taken--
    else {
      first.admitted = true
      first.wake()
    }
  })
  const busy = (reason: SandboxBusy["reason"], waitedMillis: number) =>
    new SandboxBusy({ reason, waiting, sessions: places, waitedMillis })

  const join = (tenant: string, sinceMillis: number): Waiter => {
    const waiter = { tenant, sinceMillis, admitted: false, wake: () => {} }
    waiting++
    const mine = turns.get(tenant)
    if (mine === undefined) turns.set(tenant, [waiter])
    else mine.push(waiter)
    return waiter
  }
  const woken = (waiter: Waiter) =>
    Effect.callback<void>((resume) => {
      if (waiter.admitted) resume(Effect.void)
      waiter.wake = () => resume(Effect.void)
    })

  /** Whether it has a place is what `admitted` says: a place may come at the very moment at which the wait ends otherwise. */
  const take = (tenant: string) =>
    Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
      if (taken < places) {
        taken++
        waited(0)
        return yield* Effect.addFinalizer(() => release)
      }
      const { maxWaiting, waitMillis } = limits
      if (waiting >= maxWaiting) return yield* busy("queue-full", 0)
      const clock = yield* Clock.Clock
      const waiter = join(tenant, clock.currentTimeMillisUnsafe())
      const exit = yield* Effect.exit(restore(Effect.timeoutOption(woken(waiter), waitMillis)))
      waited(clock.currentTimeMillisUnsafe() - waiter.sinceMillis)
      if (Exit.isFailure(exit)) {
        if (waiter.admitted) yield* release
        else leave(waiter)
        return yield* Effect.failCause(exit.cause)
      }
      if (waiter.admitted) return yield* Effect.addFinalizer(() => release)
      leave(waiter)
      return yield* busy("waited", waitMillis)
    }))

  return {
    take,
    taken: () => taken,
    waiting: () => waiting,
    oldestMillis: () => {
      let oldest: number | null = null
      for (const [first] of turns.values()) {
        if (first !== undefined && (oldest === null || first.sinceMillis < oldest)) oldest = first.sinceMillis
      }
      return oldest
    }
  }
}
