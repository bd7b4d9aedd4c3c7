// A world in virtual time: seeded numbers, a queue of events, and machines. All that happens on a machine (fibers, timers, answers from the
// network and the database) is an event or an immediate that belongs to it: a frozen machine's wait, a dead machine's never happen.
// Nothing real is waited for: one seed is one synchronous call, and gives one history.
import {
  Cause,
  Clock,
  Context,
  type Duration,
  Duration as Durations,
  Effect,
  Exit,
  type Fiber,
  Logger,
  References,
  Scheduler
} from "effect"

/** Equal seeds give equal numbers. Mulberry32. */
export class Dice {
  private state: number
  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bf03635) | 0
  }
  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296
  }
  chance(probability: number): boolean {
    return this.next() < probability
  }
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }
  pick<A>(list: ReadonlyArray<A>): A {
    const found = list[this.between(0, list.length - 1)]
    if (found === undefined) throw new Error("nothing to pick from")
    return found
  }
}

interface Event {
  readonly atMillis: number
  readonly order: number
  readonly machine: Machine | undefined
  readonly happen: () => void
  cancelled: boolean
}

/** A process on a computer of its own: it can be frozen, go on, and die. */
export class Machine {
  readonly name: string
  readonly world: World
  state: "running" | "frozen" | "dead" = "running"
  /** What its clock says beyond the world's time. */
  offsetMillis = 0
  /** What is to happen here once it is let go on, in order. */
  readonly parked: Array<() => void> = []
  /** What it had sent when it froze, or died: `leaves` goes its way, `stays` waits for it. */
  sent: "leaves" | "stays" = "leaves"
  private readonly held: Array<() => void> = []
  private isEnding = false
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  readonly context: Context.Context<never>
  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    this.context = Context.make(Clock.Clock, clockOf(this)).pipe(
      Context.add(Scheduler.Scheduler, schedulerOf(this)),
      Context.add(Logger.CurrentLoggers, new Set([loggerOf(this)])),
      Context.add(References.MinimumLogLevel, "Info")
    ) as Context.Context<never>
  }
  /** Starts a program on it. */
  run<A, E>(program: Effect.Effect<A, E>): void {
    this.world.immediate(this, () => {
      this.fiber = Effect.runForkWith(this.context)(program)
      this.fiber.addObserver((exit) => {
        if (Exit.isFailure(exit) && this.state === "running" && !this.isEnding) {
          this.world.crashes.push(`the program on ${this.name} ended: ${Cause.pretty(exit.cause)}`)
        }
      })
    })
  }
  /** Asks its program to end itself, as SIGTERM does, and dies with it. */
  end(ended: () => void): void {
    this.isEnding = true
    this.fiber?.addObserver(() => {
      this.die("leaves")
      ended()
    })
    this.world.immediate(this, () => this.fiber?.interruptUnsafe())
  }
  /** Something leaves it, and arrives after `delayMillis` unless it froze or died with it in its hands. */
  send(delayMillis: number, arrive: () => void): void {
    this.world.after(delayMillis, undefined, () => {
      if (this.state === "running" || this.sent === "leaves") arrive()
      else if (this.state === "frozen") this.held.push(arrive)
    })
  }
  freeze(sent: "leaves" | "stays"): void {
    this.state = "frozen"
    this.sent = sent
  }
  thaw(): void {
    this.state = "running"
    for (const arrive of this.held.splice(0)) arrive()
    for (const happen of this.parked.splice(0)) this.world.immediate(this, happen)
  }
  die(sent: "leaves" | "stays"): void {
    this.state = "dead"
    this.sent = sent
    this.parked.length = 0
    this.held.length = 0
  }
}

export class World {
  readonly dice: Dice
  nowMillis = Date.UTC(2026, 0, 1)
  readonly startMillis = this.nowMillis
  /** FNV-1a over every line of the trace. */
  digest = 0x811c9dc5
  happened = 0
  /** Programs that ended with a defect. */
  readonly crashes: Array<string> = []
  readonly listener: ((line: string) => void) | undefined
  private readonly chances: Dice
  private order = 0
  private readonly heap: Array<Event> = []
  private readonly immediates: Array<{ readonly machine: Machine | undefined; readonly happen: () => void }> = []
  private current: Machine | undefined = undefined
  constructor(seed: number, listener?: (line: string) => void) {
    this.dice = new Dice(seed)
    this.chances = new Dice(seed + 0x9e37)
    this.listener = listener
  }
  machine(name: string): Machine {
    return new Machine(this, name)
  }
  trace(line: string): void {
    const text = `${this.nowMillis - this.startMillis} ${line}`
    for (let i = 0; i < text.length; i++) this.digest = Math.imul(this.digest ^ text.charCodeAt(i), 0x01000193)
    this.listener?.(text)
  }
  after(millis: number, machine: Machine | undefined, happen: () => void): { cancelled: boolean } {
    const event: Event = {
      atMillis: this.nowMillis + Math.max(0, millis),
      order: this.order++,
      machine,
      happen,
      cancelled: false
    }
    push(this.heap, event)
    return event
  }
  immediate(machine: Machine | undefined, happen: () => void): void {
    this.immediates.push({ machine, happen })
  }
  as(machine: Machine | undefined, happen: () => void): void {
    if (machine?.state === "dead") return
    if (machine?.state === "frozen") {
      machine.parked.push(happen)
      return
    }
    const before = this.current
    this.current = machine
    try {
      happen()
    } finally {
      this.current = before
    }
  }
  /** Lets time pass until `done` or until so much of it has passed; says whether it is done. `done` is asked after each instant. */
  run(forMillis: number, done: () => boolean = () => false): boolean {
    const until = this.nowMillis + forMillis
    const { clearImmediate, setImmediate } = globalThis
    const { random } = Math
    // The Committer's pump, too, belongs to the machine that it runs on.
    const planned = (happen: () => void) => this.immediate(this.current, happen)
    Object.assign(globalThis, { setImmediate: planned, clearImmediate: () => {} })
    Math.random = () => this.chances.next()
    try {
      while (true) {
        this.settle()
        if (done()) return true
        const next = this.heap[0]
        if (next === undefined || next.atMillis > until) {
          this.nowMillis = until
          return false
        }
        pop(this.heap)
        if (next.cancelled) continue
        this.nowMillis = next.atMillis
        this.as(next.machine, next.happen)
      }
    } finally {
      Object.assign(globalThis, { setImmediate, clearImmediate })
      Math.random = random
    }
  }
  private settle(): void {
    for (let at = 0; at < this.immediates.length; at++) {
      const next = this.immediates[at]
      if (next === undefined) continue
      if (++this.happened > maxImmediates) throw new Error(`more than ${maxImmediates} steps: a fiber spins`)
      this.as(next.machine, next.happen)
    }
    this.immediates.length = 0
  }
}

/** Steps of one world, at most: beyond it a loop does not let time pass. */
const maxImmediates = 20_000_000

const clockOf = (machine: Machine): Clock.Clock => {
  const nowMillis = (): number => machine.world.nowMillis + machine.offsetMillis
  const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1_000)) * 1_000n
  return {
    currentTimeMillisUnsafe: nowMillis,
    currentTimeMillis: Effect.sync(nowMillis),
    currentTimeNanosUnsafe: () => nanos(nowMillis()),
    currentTimeNanos: Effect.sync(() => nanos(nowMillis())),
    // A clock that is set does not move the time that timers run by.
    monotonicTimeNanosUnsafe: () => nanos(machine.world.nowMillis),
    monotonicTimeNanos: Effect.sync(() => nanos(machine.world.nowMillis)),
    sleep: (duration: Duration.Duration) => {
      const millis = Durations.toMillis(duration)
      if (millis <= 0) return Effect.yieldNow
      if (!Number.isFinite(millis)) return Effect.never
      return Effect.callback<void>((resume) => {
        const event = machine.world.after(millis, machine, () => resume(Effect.void))
        return Effect.sync(() => {
          event.cancelled = true
        })
      })
    }
  }
}

const schedulerOf = (machine: Machine): Scheduler.Scheduler =>
  new Scheduler.MixedScheduler("async", (happen) => {
    let cancelled = false
    machine.world.immediate(machine, () => {
      if (!cancelled) happen()
    })
    return () => {
      cancelled = true
    }
  })

const loggerOf = (machine: Machine): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, logLevel, message }) => {
    if (machine.world.listener === undefined) return
    const texts = (Array.isArray(message) ? message : [message]).map(String)
    const why = cause.reasons.length === 0 ? "" : ` ${String(cause).slice(0, 300)}`
    machine.world.listener(`  ${machine.name} ${logLevel}: ${texts.join(" ")}${why}`)
  })

const before = (a: Event, b: Event): boolean =>
  a.atMillis < b.atMillis || (a.atMillis === b.atMillis && a.order < b.order)

const push = (heap: Array<Event>, event: Event): void => {
  let at = heap.length
  heap.push(event)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]
    if (parent === undefined || !before(event, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = event
}

const pop = (heap: Array<Event>): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  while (true) {
    let child = 2 * at + 1
    let least = heap[child]
    const right = heap[child + 1]
    if (least !== undefined && right !== undefined && before(right, least)) {
      least = right
      child++
    }
    if (least === undefined || !before(least, last)) break
    heap[at] = least
    at = child
  }
  heap[at] = last
}
