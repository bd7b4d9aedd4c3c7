// Seats: places for calls under way, shared by the processes of a cluster and by owners.
import { Schema } from "effect"

/** Too many wait already, or this one waited too long. */
export class SeatsTaken extends Schema.TaggedError<SeatsTaken>()("SeatsTaken", {
  room: Schema.String,
  reason: Schema.Literals(["queue-full", "waited"]),
  waiting: Schema.Int,
  waitedMillis: Schema.Finite
}) {
  override get message() {
    return this.reason === "queue-full"
      ? `${this.waiting} wait for a seat of ${this.room} already`
      : `No seat of ${this.room} was free within ${Math.round(this.waitedMillis)} ms`
  }
}

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

/** What one process has and wants in one room. */
export const RoomNeed = Schema.Struct({
  room: Schema.String,
  /** Seats of the whole cluster, as this process knows. */
  limit: count,
  /** Seats in use here. */
  held: count,
  /** Seats that it may use by an allowance whose lease is not over. */
  allowed: count,
  /** Seats in use and waited for, by owner; absent owners want none. */
  owners: Schema.Array(Schema.Struct({ owner: Schema.String, wanted: count }))
})
export type RoomNeed = typeof RoomNeed.Type

/** What a process may use in one room until its lease is over; `owners`: whose they are to be, where they want them. */
export const RoomAllowance = Schema.Struct({
  room: Schema.String,
  seats: count,
  owners: Schema.Array(Schema.Struct({ owner: Schema.String, seats: count }))
})
export type RoomAllowance = typeof RoomAllowance.Type

/**
 * Shares `total` among those who want, max-min fair: a share is never more than is wanted, and nobody goes without a seat that it wants while
 * another has two more than it. What does not come out even goes, one each, to those next from `turn` on, so that turns go round.
 */
export const shareOut = (total: number, wants: ReadonlyArray<number>, turn = 0): ReadonlyArray<number> => {
  const byWant = wants.map((_, at) => at).sort((a, b) => (wants[a] ?? 0) - (wants[b] ?? 0))
  const shares = wants.map(() => 0)
  let left = Math.max(0, total)
  let unserved = wants.length
  let level = 0
  const above: Array<number> = []
  for (const at of byWant) {
    const want = wants[at] ?? 0
    // Whoever wants no more than an even part has what it wants; the others part the rest evenly.
    if (above.length === 0 && want * unserved <= left) {
      shares[at] = want
      left -= want
      unserved--
      continue
    }
    if (above.length === 0) level = Math.floor(left / unserved)
    above.push(at)
    shares[at] = level
  }
  above.sort((a, b) => a - b)
  for (let odd = above.length === 0 ? 0 : left - level * above.length; odd > 0; odd--) {
    const at = above[(odd + turn) % above.length] ?? 0
    shares[at] = level + 1
  }
  return shares
}

export interface SeatWish {
  readonly process: string
  readonly owner: string
  readonly wanted: number
}

/**
 * Divides the seats of a room: max-min fair among owners of the whole cluster, and an owner's among its processes. Answers the seats of each
 * wish, in their order. `turn` says who is first to have what does not come out even.
 */
export const divideSeats = (
  limit: number,
  wishes: ReadonlyArray<SeatWish>,
  turn = 0
): ReadonlyArray<number> => {
  const byOwner = new Map<string, Array<number>>()
  wishes.forEach(({ owner }, at) => {
    const mine = byOwner.get(owner)
    if (mine === undefined) byOwner.set(owner, [at])
    else mine.push(at)
  })
  // In the order of names, whatever order the processes were heard in.
  const owners = [...byOwner].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, mine]) =>
    mine.sort((a, b) => ((wishes[a]?.process ?? "") < (wishes[b]?.process ?? "") ? -1 : 1))
  )
  const wantedOf = (at: number): number => wishes[at]?.wanted ?? 0
  const shares = shareOut(limit, owners.map((mine) => mine.reduce((sum, at) => sum + wantedOf(at), 0)), turn)
  const seats = wishes.map(() => 0)
  owners.forEach((mine, owner) => {
    shareOut(shares[owner] ?? 0, mine.map(wantedOf), turn).forEach((share, index) => {
      seats[mine[index] ?? 0] = share
    })
  })
  return seats
}
