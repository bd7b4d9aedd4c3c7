// The desk of the cluster at which every process gets its part of the seats (Seats/Desk.ts). One for all rooms, on whichever runner holds its
// cluster shard. What it knows is in memory alone: it is said again twice a second.
import { Clock, Effect, type Layer, Schema } from "effect"
import { Entity, type Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { RoomAllowance, RoomNeed } from "../domain/Seats.ts"
import { makeDesk } from "./Seats/Desk.ts"

/** Rooms of one asking, at most, and owners of one room. */
export const maxAskedRooms = 1_024
export const maxAskedOwners = 256

/** An asking that was overtaken by a later one of its process. */
export class AskedLate extends Schema.TaggedError<AskedLate>()("AskedLate", {}) {
  override get message() {
    return "This process has asked again since"
  }
}

export const SeatsActor = Entity.make("Seats", [
  Rpc.make("Ask", {
    payload: {
      process: Schema.String,
      number: Schema.Int,
      needs: Schema.Array(RoomNeed).check(Schema.isMaxLength(maxAskedRooms))
    },
    success: Schema.Array(RoomAllowance),
    error: AskedLate
  })
])

/** The one desk. */
export const deskId = "desk"

export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

export const layer: Layer.Layer<never, never, Sharding.Sharding> = SeatsActor.toLayer(
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const desk = makeDesk(monotonicMillis(clock))
    return SeatsActor.of({
      Ask: ({ payload }) =>
        Effect.suspend(() => {
          const answer = desk.ask(payload, monotonicMillis(clock))
          return answer === undefined ? Effect.fail(new AskedLate()) : Effect.succeed(answer)
        })
    })
  }),
  { maxIdleTime: "10 minutes", mailboxCapacity: 4_096, disableFatalDefects: true }
)
