// The rooms of one process: who holds seats here and who waits, and what is counted of it. Where the seats come from is given (Local.ts,
// Cluster.ts). A room that nobody used for a minute is forgotten.
import { Clock, Effect, type Scope } from "effect"
import { SeatsTaken } from "../../domain/Seats.ts"
import { makeAlarms } from "../Alarms.ts"
import { type FairPlaces, makeFairPlaces } from "../FairPlaces.ts"
import { MetricRegistry, type Registry, secondsBounds } from "../Metrics.ts"
import type { SeatLimits, Seats } from "../Seats.ts"

export interface Room {
  readonly name: string
  /** As the last who took a seat gave them. */
  limits: SeatLimits
  usedMillis: number
  readonly places: FairPlaces<SeatsTaken>
}

export interface Source {
  /** Seats of the room that this process may use now. */
  readonly seats: (room: Room) => number
  /** Of these, those that are to be the owner's as long as it wants them; undefined: an even part. */
  readonly due?: (room: Room, owner: string) => number | undefined
  /** Told when one has to wait. */
  readonly short?: (room: Room) => void
}

const forgetMillis = 60_000
const sweepMillis = 1_000

const instruments = ({ gauge, histogram }: Registry) => ({
  held: gauge({ name: "polya_seats_held", help: "Seats in use by this process, by room.", labels: ["room"] }),
  waiting: gauge({
    name: "polya_seats_waiting",
    help: "Calls of this process that wait for a seat, by room.",
    labels: ["room"]
  }),
  allowed: gauge({
    name: "polya_seats_allowed",
    help: "Seats that this process may use now, by room.",
    labels: ["room"]
  }),
  waited: histogram({
    name: "polya_seats_wait_seconds",
    help: "Time that calls of this process waited for a seat, also in vain, by room.",
    labels: ["room"],
    bounds: secondsBounds
  })
})

export interface Rooms {
  readonly rooms: ReadonlyMap<string, Room>
  readonly service: Seats["Service"]
}

export const makeRooms = Effect.fnUntraced(function*(
  source: (rooms: ReadonlyMap<string, Room>) => Source
): Effect.fn.Return<Rooms, never, Scope.Scope> {
  const meters = instruments(yield* MetricRegistry)
  const clock = yield* Clock.Clock
  const alarms = yield* makeAlarms
  const rooms = new Map<string, Room>()
  const { due, seats, short } = source(rooms)

  const make = (name: string, limits: SeatLimits): Room => {
    const labels = [name]
    const places: FairPlaces<SeatsTaken> = makeFairPlaces({
      capacity: () => seats(room),
      due: (owner) => due?.(room, owner) ?? Math.max(1, Math.ceil(seats(room) / places.ownerCount())),
      busy: (reason, waiting, waitedMillis) => new SeatsTaken({ room: name, reason, waiting, waitedMillis }),
      waited: (millis) => meters.waited.observe(labels, millis / 1_000),
      short: () => short?.(room)
    })
    const room: Room = { name, limits, usedMillis: 0, places }
    return room
  }
  const roomOf = (name: string, limits: SeatLimits): Room => {
    let room = rooms.get(name)
    if (room === undefined) rooms.set(name, room = make(name, limits))
    room.limits = limits
    room.usedMillis = clock.currentTimeMillisUnsafe()
    return room
  }
  const sweep = Effect.sync(() => {
    const since = clock.currentTimeMillisUnsafe() - forgetMillis
    for (const [name, room] of rooms) {
      const { places, usedMillis } = room
      // The limits may have been raised meanwhile.
      places.refill()
      meters.held.set([name], places.taken())
      meters.waiting.set([name], places.waiting())
      const isGone = usedMillis < since && places.taken() === 0 && places.waiting() === 0
      meters.allowed.set([name], isGone ? 0 : seats(room))
      if (isGone) rooms.delete(name)
    }
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(sweepMillis), sweep)))

  return {
    rooms,
    service: {
      take: (name, owner, limits) => Effect.suspend(() => roomOf(name, limits).places.take(owner, limits)),
      ask: (name, owner, limits, told) => roomOf(name, limits).places.ask(owner, limits, alarms, told),
      facts: (name) => {
        const places = rooms.get(name)?.places
        return { held: places?.taken() ?? 0, waiting: places?.waiting() ?? 0 }
      }
    }
  }
})
