// Seats of a process that is alone: it may use all of a room's, and no message is sent for any.
import { Effect, Layer } from "effect"
import { Seats } from "../Seats.ts"
import { makeRooms } from "./Rooms.ts"

export const layerLocal: Layer.Layer<Seats> = Layer.effect(
  Seats,
  Effect.map(makeRooms(() => ({ seats: ({ limits }) => limits.inFlight })), ({ service }) => service)
)
