// Waits that end at set times, many of them with one sleep of the Clock: to set an alarm and to call it off costs next to nothing. Most deadlines
// are never reached, so what is called off stays until half of all is such.
import { Clock, Effect, type Fiber, type Scope } from "effect"

export interface Alarms {
  readonly now: () => number
  /** Calls `ring` once, at that time or soon after; answers what calls it off. `ring` is quick and does not throw. Infinity: never. */
  readonly at: (dueMillis: number, ring: () => void) => () => void
}

interface Alarm {
  readonly dueMillis: number
  /** null: called off, or it rang. */
  ring: (() => void) | null
}

/** One sleep lasts so long at most. */
const sleepMaximum = 86_400_000
/** So many that were called off are kept in any case. */
const deadKept = 64
const silent = (): void => {}

/** Alarms ring until the scope closes, by the Clock with which they were made. */
export const makeAlarms: Effect.Effect<Alarms, never, Scope.Scope> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const now = () => clock.currentTimeMillisUnsafe()
  /** A heap: none is due before the one at (i - 1) / 2. */
  let heap: Array<Alarm> = []
  let dead = 0
  let sleeper: Fiber.Fiber<void> | null = null
  let sleepsUntilMillis = Infinity
  let isRinging = false
  let isClosed = false

  const dueAt = (i: number): number => heap[i]?.dueMillis ?? Infinity
  const swap = (a: number, b: number): void => {
    const [one, two] = [heap[a], heap[b]]
    if (one === undefined || two === undefined) return
    heap[a] = two
    heap[b] = one
  }
  const push = (alarm: Alarm): void => {
    let at = heap.push(alarm) - 1
    for (let up = (at - 1) >> 1; at > 0 && dueAt(up) > alarm.dueMillis; up = (at - 1) >> 1) {
      swap(up, at)
      at = up
    }
  }
  const shift = (): void => {
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let at = 0;;) {
      const left = 2 * at + 1
      const least = dueAt(left + 1) < dueAt(left) ? left + 1 : left
      if (dueAt(least) >= last.dueMillis) return
      swap(at, least)
      at = least
    }
  }

  const sleep = (): void => {
    const first = heap[0]
    if (first === undefined || isClosed || isRinging || first.dueMillis >= sleepsUntilMillis) return
    sleeper?.interruptUnsafe()
    sleepsUntilMillis = first.dueMillis
    const millis = Math.min(sleepMaximum, Math.max(1, Math.ceil(first.dueMillis - now())))
    const mine = run(Effect.andThen(Effect.sleep(millis), Effect.sync(() => wake())))
    // It may have rung already.
    if (sleepsUntilMillis !== Infinity) sleeper = mine
  }
  const wake = (): void => {
    sleeper = null
    sleepsUntilMillis = Infinity
    isRinging = true
    try {
      for (let first = heap[0]; first !== undefined; first = heap[0]) {
        const { ring } = first
        if (ring !== null && first.dueMillis > now()) break
        shift()
        first.ring = null
        if (ring === null) dead--
        else ring()
      }
    } finally {
      // One that throws must not silence the others.
      isRinging = false
      sleep()
    }
  }

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      heap = []
      sleeper?.interruptUnsafe()
    })
  )
  return {
    now,
    at: (dueMillis, ring) => {
      if (dueMillis === Infinity || isClosed) return silent
      const alarm: Alarm = { dueMillis, ring }
      push(alarm)
      sleep()
      return () => {
        if (alarm.ring === null) return
        alarm.ring = null
        if (++dead <= deadKept || dead * 2 <= heap.length) return
        const alive = heap.filter((one) => one.ring !== null)
        dead = 0
        heap = []
        for (const one of alive) push(one)
      }
    }
  }
})
