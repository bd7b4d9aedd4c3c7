// Seats that the processes of a cluster share. Each tells the desk (SeatsActor.ts) twice a second, and at once when it runs short, what it
// holds and wants, and gets an allowance with a lease; a seat itself costs no message. A process that does not reach the desk gives out no
// seat beyond its lease: those who wait have their deadline. Seats in use are never taken away; they drain.
import { Clock, Effect, Latch, Layer } from "effect"
import type { Sharding } from "effect/cluster"
import type { RoomAllowance, RoomNeed } from "../../domain/Seats.ts"
import { MetricRegistry } from "../Metrics.ts"
import { Seats } from "../Seats.ts"
import { deskId, maxAskedOwners, maxAskedRooms, monotonicMillis, SeatsActor } from "../SeatsActor.ts"
import { type Asking, leaseMillis } from "./Desk.ts"
import { makeRooms, type Room } from "./Rooms.ts"

const askEveryMillis = 500
/** Time between two askings, at least, however short it runs. */
const askGapMillis = 50
/** An asking without an answer is given up; the next one is made while the lease still holds. */
const answerMillis = 1_000
/** Without any room in use, the desk is kept awake: one that begins anew gives nothing at first. */
const idleMillis = 60_000
/** A desk on its way from one runner to another is silent for a moment; one that stays so is told of, once. */
const silencesTold = 4

interface Allowance {
  readonly seats: number
  readonly owners: ReadonlyMap<string, number>
  /** On the monotonic clock. */
  readonly untilMillis: number
}

/** An answer, or a failure of any kind: the process then goes on with what it has. */
export type Ask = (asking: Asking) => Effect.Effect<ReadonlyArray<RoomAllowance>, unknown>

const wishesOf = (room: Room): RoomNeed["owners"] => {
  const wishes = Array.from(room.places.owners(), ([owner, { held, waiting }]) => ({ owner, wanted: held + waiting }))
  if (wishes.length <= maxAskedOwners) return wishes
  wishes.sort((a, b) => b.wanted - a.wanted)
  const rest = wishes.slice(maxAskedOwners - 1).reduce((sum, { wanted }) => sum + wanted, 0)
  return [...wishes.slice(0, maxAskedOwners - 1), { owner: "", wanted: rest }]
}

/** The seats of one process, with the desk behind `ask`. */
export const makeMember = Effect.fnUntraced(function*(ask: Ask) {
  const clock = yield* Clock.Clock
  const lost = (yield* MetricRegistry).counter({
    name: "polya_seats_unanswered_total",
    help: "Askings for seats that the desk of the cluster did not answer in time."
  })
  const process = globalThis.crypto.randomUUID()
  const allowances = new Map<string, Allowance>()
  const wake = Latch.makeUnsafe(false)
  let number = 0
  let silences = 0

  const live = (room: string): Allowance | undefined => {
    const allowance = allowances.get(room)
    return allowance !== undefined && monotonicMillis(clock) < allowance.untilMillis ? allowance : undefined
  }
  const { rooms, service } = yield* makeRooms(() => ({
    seats: ({ limits, name }) => Math.min(live(name)?.seats ?? 0, limits.inFlight),
    due: ({ name }, owner) => live(name)?.owners.get(owner),
    short: () => wake.openUnsafe()
  }))

  /** Answers whether a part has become smaller: the desk gives it to others once it hears that it is known here. */
  const round = Effect.gen(function*() {
    wake.closeUnsafe()
    // What is not asked for is given up first.
    for (const name of allowances.keys()) if (!rooms.has(name)) allowances.delete(name)
    const asked = Array.from(rooms.values()).slice(0, maxAskedRooms)
    const needs = asked.map((room): RoomNeed => ({
      room: room.name,
      limit: Math.max(0, Math.floor(room.limits.inFlight)),
      held: room.places.taken(),
      allowed: live(room.name)?.seats ?? 0,
      owners: wishesOf(room)
    }))
    const untilMillis = monotonicMillis(clock) + leaseMillis
    const answer = yield* Effect.timeoutOption(Effect.exit(ask({ process, number: ++number, needs })), answerMillis)
    if (answer._tag === "None" || answer.value._tag === "Failure") {
      lost.add([])
      if (++silences === silencesTold && rooms.size > 0) {
        yield* Effect.logWarning("The desk that divides seats does not answer: calls to models wait until it does")
      }
      return false
    }
    silences = 0
    let isLess = false
    for (const { owners, room, seats } of answer.value.value) {
      isLess ||= seats < (live(room)?.seats ?? 0)
      allowances.set(room, { seats, owners: new Map(owners.map((one) => [one.owner, one.seats])), untilMillis })
    }
    for (const room of asked) room.places.refill()
    return isLess
  })
  yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
    const isLess = yield* round
    yield* Effect.sleep(askGapMillis)
    if (isLess) return
    yield* Effect.timeoutOption(wake.await, (rooms.size === 0 ? idleMillis : askEveryMillis) - askGapMillis)
  })))
  return service
})

export const layerCluster: Layer.Layer<Seats, never, Sharding.Sharding> = Layer.effect(
  Seats,
  Effect.gen(function*() {
    const client = (yield* SeatsActor.client)(deskId)
    return yield* makeMember((asking) => client.Ask(asking))
  })
)
