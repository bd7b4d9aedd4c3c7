// The Contest actor: its driver runs beside its state, on whatever runner owns its host. `Drive` wakes the driver if there is work and nobody
// drives it; the supervisor says it to every contest that runs, and so does whoever waits for one, so a contest outlives any process.
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Contest from "../domain/Contest.ts"
import { Turn } from "../domain/Contest/Schedule.ts"
import { ActorUnavailable } from "./Committer.ts"
import { drive } from "./ContestDriver.ts"
import { contestHosts } from "./ContestProblemActor.ts"
import * as Drivers from "./Drivers.ts"
import * as DurableActor from "./DurableActor.ts"

/** Contests that one runner drives at once; others wait for their turn. */
const maxDriven = 64

const Drive = Rpc.make("Drive", {
  payload: { actor: Schema.String },
  success: Schema.Struct({ driving: Schema.Boolean, trouble: Schema.Null }),
  error: ActorUnavailable
})

export const ContestActor = DurableActor.make({
  type: "Contest",
  state: Contest.ContestState,
  initial: Contest.initialContest,
  commands: {
    Start: { payload: Contest.StartFields, success: Schema.Void, error: Contest.refusals },
    Ask: { payload: Contest.AskFields, success: Schema.Struct({ index: Schema.Int }), error: Contest.refusals },
    Begin: { payload: Contest.TimeFields, success: Schema.NullOr(Turn), error: Contest.refusals },
    Lead: { payload: Contest.LeadFields, success: Schema.Void, error: Contest.refusals },
    End: { payload: Contest.EndFields, success: Schema.Void, error: Contest.refusals },
    Finish: { payload: Contest.TimeFields, success: Schema.Boolean, error: Contest.refusals },
    Cancel: { payload: Contest.CancelFields, success: Schema.Void, error: Contest.refusals }
  },
  decide: {
    Start: Contest.start,
    Ask: Contest.ask,
    Begin: Contest.begin,
    Lead: Contest.lead,
    End: Contest.end,
    Finish: Contest.finish,
    Cancel: Contest.cancel
  },
  placement: { _tag: "shared", hosts: contestHosts },
  describe: Contest.describe,
  fixed: Contest.fixed
}, [Drive])

/** Statuses in which a contest has work to do. */
export const activeStatuses = ["running"] as const

/** Wakes the contest's driver now. */
export const wake = Effect.fnUntraced(function*(id: string) {
  const clientOf = yield* ContestActor.entity.client
  return yield* DurableActor.patiently(
    Effect.suspend(() => clientOf(ContestActor.hostOf(id)).Drive({ actor: id })),
    5_000
  )
})

export const layer = ContestActor.layer((host) =>
  Effect.gen(function*() {
    return {
      Drive: yield* Drivers.make({
        type: "Contest",
        snapshot: host.snapshot,
        isActive: ({ status }) => status === "running",
        // Its driver ends its solves itself when the contest is over.
        isMoot: () => false,
        drive: (id) =>
          drive({
            id,
            state: Effect.map(host.snapshot(id), ({ state }) => state),
            refresh: Effect.sync(() => host.release([id])),
            send: (tag, payload) => host.send(id, tag, payload as never)
          }),
        maxDriven: () => maxDriven,
        restartMillis: 1_000
      })
    }
  })
)
