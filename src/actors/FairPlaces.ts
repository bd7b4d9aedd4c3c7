// Places, fewer than those who want one. Owners take turns: who asks for a thousand holds up only itself. What waits is bounded, and nobody
// waits longer than a stated time. How many places there are may change at any time: too many taken ones drain, none is taken away.
import { Clock, Effect, Exit, type Scope } from "effect"
import type { Alarms } from "./Alarms.ts"

/** Read at each use, so an object with getters makes them live. */
export interface WaitLimits {
  readonly maxWaiting: number
  readonly waitMillis: number
}

export interface FairPlacesOptions<E> {
  /** Places there are now. When it has grown, `refill` lets in who waits. */
  readonly capacity: () => number
  /**
   * Places that an owner is due: one who waits and holds fewer goes before those who hold theirs. Default: all are due any number, so that
   * owners only take turns.
   */
  readonly due?: (owner: string) => number
  readonly busy: (reason: "queue-full" | "waited", waiting: number, waitedMillis: number) => E
  /** Told how long each waited, also when in vain. */
  readonly waited?: (millis: number) => void
  /** Told when one has to wait. */
  readonly short?: () => void
}

interface Waiter {
  readonly owner: string
  readonly sinceMillis: number
  admitted: boolean
  /** Wakes who waits; the place is its own from `admitted` on. */
  wake: () => void
}

export interface FairPlaces<E> {
  /** A place until the scope closes. */
  readonly take: (owner: string, limits: WaitLimits) => Effect.Effect<void, E, Scope.Scope>
  /**
   * The same without an effect: `told` once, perhaps before this returns, that it has its place (null) or why it has none. Answers what gives
   * the place back or leaves the row, once.
   */
  readonly ask: (owner: string, limits: WaitLimits, alarms: Alarms, told: (refusal: E | null) => void) => () => void
  /** Lets in as many of those who wait as there are places. */
  readonly refill: () => void
  readonly taken: () => number
  readonly waiting: () => number
  /** What each owner holds and how many of its wait; owners with neither are left out. */
  readonly owners: () => ReadonlyMap<string, { readonly held: number; readonly waiting: number }>
  readonly ownerCount: () => number
  /** Since when the longest waiting waits; null: nobody waits. */
  readonly oldestMillis: () => number | null
}

interface Owner {
  held: number
  readonly waiters: Array<Waiter>
}

export const makeFairPlaces = <E>(
  { busy, capacity, due, short = () => {}, waited = () => {} }: FairPlacesOptions<E>
): FairPlaces<E> => {
  let taken = 0
  let waiting = 0
  const owners = new Map<string, Owner>()
  /** The owners who wait, in turn. */
  const turns = new Set<string>()

  const of = (name: string): Owner => {
    let owner = owners.get(name)
    if (owner === undefined) owners.set(name, owner = { held: 0, waiters: [] })
    return owner
  }
  const tidy = (name: string): void => {
    // Looked up again: who was woken meanwhile may have come and gone under the same name.
    const owner = owners.get(name)
    if (owner === undefined || owner.waiters.length > 0) return
    turns.delete(name)
    if (owner.held === 0) owners.delete(name)
  }
  const hold = (name: string): void => {
    taken++
    of(name).held++
  }
  const leave = (waiter: Waiter): void => {
    const owner = owners.get(waiter.owner)
    const at = owner?.waiters.indexOf(waiter) ?? -1
    if (owner === undefined || at < 0) return
    owner.waiters.splice(at, 1)
    waiting--
    tidy(waiter.owner)
  }
  /** Whose turn it is: the first who has less than it is due, else the first of all. */
  const nextOwner = (): string | undefined => {
    let first: string | undefined
    for (const name of turns) {
      if (due === undefined || (owners.get(name)?.held ?? 0) < due(name)) return name
      first ??= name
    }
    return first
  }
  /** Lets the first of that owner in; the owner goes to the end of the row. */
  const admit = (name: string): void => {
    const owner = of(name)
    const first = owner.waiters.shift()
    if (first === undefined) return
    waiting--
    turns.delete(name)
    if (owner.waiters.length > 0) turns.add(name)
    hold(name)
    first.admitted = true
    first.wake()
  }
  let isRefilling = false
  const refill = (): void => {
    // Who is let in may give its place back at once: the row goes on here, however long it is.
    if (isRefilling) return
    isRefilling = true
    try {
      while (waiting > 0 && taken < capacity()) {
        const name = nextOwner()
        if (name === undefined) break
        admit(name)
      }
    } finally {
      isRefilling = false
    }
  }
  const giveBack = (name: string): void => {
    const owner = of(name)
    taken--
    owner.held--
    // What it leaves may be its own next one's, so it is asked before it is forgotten.
    refill()
    tidy(name)
  }
  const release = (name: string) => Effect.sync(() => giveBack(name))

  const join = (name: string, sinceMillis: number): Waiter => {
    const waiter = { owner: name, sinceMillis, admitted: false, wake: () => {} }
    of(name).waiters.push(waiter)
    turns.add(name)
    waiting++
    return waiter
  }
  const woken = (waiter: Waiter) =>
    Effect.callback<void>((resume) => {
      if (waiter.admitted) resume(Effect.void)
      waiter.wake = () => resume(Effect.void)
    })

  /** Whether it has a place is what `admitted` says: a place may come at the very moment at which the wait ends otherwise. */
  const take = (name: string, limits: WaitLimits) =>
    Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
      refill()
      if (waiting === 0 && taken < capacity()) {
        hold(name)
        waited(0)
        return yield* Effect.addFinalizer(() => release(name))
      }
      const { maxWaiting, waitMillis } = limits
      if (waiting >= maxWaiting) return yield* Effect.fail(busy("queue-full", waiting, 0))
      const clock = yield* Clock.Clock
      const waiter = join(name, clock.currentTimeMillisUnsafe())
      short()
      const exit = yield* Effect.exit(restore(Effect.timeoutOption(woken(waiter), waitMillis)))
      waited(clock.currentTimeMillisUnsafe() - waiter.sinceMillis)
      if (Exit.isFailure(exit)) {
        if (waiter.admitted) yield* release(name)
        else leave(waiter)
        return yield* Effect.failCause(exit.cause)
      }
      if (waiter.admitted) return yield* Effect.addFinalizer(() => release(name))
      leave(waiter)
      return yield* Effect.fail(busy("waited", waiting, waitMillis))
    }))

  const ask: FairPlaces<E>["ask"] = (name, { maxWaiting, waitMillis }, { at, now }, told) => {
    refill()
    let isOver = false
    if (waiting === 0 && taken < capacity()) {
      hold(name)
      waited(0)
      told(null)
      return () => {
        if (isOver) return
        isOver = true
        giveBack(name)
      }
    }
    if (waiting >= maxWaiting) {
      told(busy("queue-full", waiting, 0))
      return () => {}
    }
    const sinceMillis = now()
    const waiter = join(name, sinceMillis)
    const ends = (): void => {
      isOver = true
      leave(waiter)
      waited(now() - sinceMillis)
    }
    const stop = at(sinceMillis + waitMillis, () => {
      if (isOver || waiter.admitted) return
      ends()
      told(busy("waited", waiting, waitMillis))
    })
    waiter.wake = () => {
      stop()
      waited(now() - sinceMillis)
      told(null)
    }
    short()
    return () => {
      if (isOver) return
      if (waiter.admitted) {
        isOver = true
        return giveBack(name)
      }
      stop()
      ends()
    }
  }

  return {
    take,
    ask,
    refill,
    taken: () => taken,
    waiting: () => waiting,
    owners: () => new Map(Array.from(owners, ([name, { held, waiters }]) => [name, { held, waiting: waiters.length }])),
    ownerCount: () => owners.size,
    oldestMillis: () => {
      let oldest: number | null = null
      for (const name of turns) {
        const [first] = owners.get(name)?.waiters ?? []
        if (first !== undefined && (oldest === null || first.sinceMillis < oldest)) oldest = first.sinceMillis
      }
      return oldest
    }
  }
}
