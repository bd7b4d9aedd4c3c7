// The Solve actor: its driver runs beside its state, on whatever runner owns its host. `Drive` wakes the driver if there is work and nobody
// drives it; whoever waits for a solve says it, and so does the supervisor, so a solve outlives any process.
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Solve from "../domain/Solve.ts"
import { ActorUnavailable } from "./Committer.ts"
import * as Drivers from "./Drivers.ts"
import * as DurableActor from "./DurableActor.ts"
import { MetricRegistry } from "./Metrics.ts"
import { solveHosts } from "./SampleActor.ts"
import { drive } from "./SolveDriver.ts"
import { solveInstruments } from "./SolveDriver/Instruments.ts"
import { SolveLimits } from "./SolveLimits.ts"

const Drive = Rpc.make("Drive", {
  payload: { actor: Schema.String },
  success: Schema.Struct({ driving: Schema.Boolean, trouble: Schema.Null }),
  error: ActorUnavailable
})

export const SolveActor = DurableActor.make({
  type: "Solve",
  state: Solve.SolveState,
  initial: Solve.initialSolve,
  commands: {
    Start: { payload: Solve.StartFields, success: Schema.Void, error: Solve.refusals },
    Begin: { payload: Solve.BeginFields, success: Schema.Void, error: Solve.refusals },
    End: { payload: Solve.EndFields, success: Schema.Void, error: Solve.refusals },
    Select: { payload: Solve.SelectFields, success: Schema.Void, error: Solve.refusals },
    TimeUp: { payload: Solve.TimeFields, success: Schema.Void, error: Solve.refusals },
    Cancel: { payload: Solve.CancelFields, success: Schema.Void, error: Solve.refusals }
  },
  decide: {
    Start: Solve.start,
    Begin: Solve.begin,
    End: Solve.end,
    Select: Solve.select,
    TimeUp: Solve.timeUp,
    Cancel: Solve.cancel
  },
  placement: { _tag: "shared", hosts: solveHosts },
  describe: Solve.describe,
  fixed: Solve.fixed
}, [Drive])

/** Statuses in which a solve has work to do. */
export const activeStatuses = ["sampling", "selecting"] as const

/** Wakes the solve's driver now. */
export const wake = Effect.fnUntraced(function*(id: string) {
  const clientOf = yield* SolveActor.entity.client
  return yield* DurableActor.patiently(
    Effect.suspend(() => clientOf(SolveActor.hostOf(id)).Drive({ actor: id })),
    5_000
  )
})

export const layer = SolveActor.layer((host) =>
  Effect.gen(function*() {
    const limits = yield* SolveLimits
    const counts = solveInstruments(yield* MetricRegistry)
    const stateOf = (id: string) => Effect.map(host.snapshot(id), ({ state }) => state)
    return {
      Drive: yield* Drivers.make({
        type: "Solve",
        snapshot: host.snapshot,
        isActive: ({ status }) => status === "sampling" || status === "selecting",
        // Whoever ends it, its driver and all that it waits for are interrupted.
        isMoot: Solve.isOver,
        drive: (id) =>
          drive({
            id,
            state: stateOf(id),
            refresh: Effect.sync(() => host.release([id])),
            send: (tag, payload) => host.send(id, tag, payload as never)
          }),
        maxDriven: () => limits.maxDriven,
        restartMillis: 2_000,
        driven: (count) => counts.driven.set([], count),
        ended: (id) =>
          Effect.ignore(Effect.map(stateOf(id), (state) => {
            if (!Solve.isOver(state)) return
            counts.ended.add([state.status === "cancelled" ? "Cancelled" : state.stop?._tag ?? "none"])
            counts.seconds.observe([], Math.max(0, (state.endedMillis ?? 0) - state.startedMillis) / 1_000)
          }))
      })
    }
  })
)
