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
