// The Solve actor: its driver runs beside its state, on whatever runner owns its host. `Drive` wakes the driver if there is work and nobody
// drives it; whoever waits for a solve says it, and so does the supervisor, so a solve outlives any process.
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Solve from "../domain/Solve.ts"
import { ActorUnavailable } from "./Committer.ts"
import * as DurableActor from "./DurableActor.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { MetricRegistry } from "./Metrics.ts"
import { RunnerStats } from "./RunnerStats.ts"
import { solveHosts } from "./SampleActor.ts"
import { drive, type DriveServices } from "./SolveDriver.ts"
import { solveInstruments } from "./SolveDriver/Instruments.ts"
import { SolveLimits } from "./SolveLimits.ts"
import { inOwnTrace } from "./Tracing.ts"

const Drive = Rpc.make("Drive", {
  payload: { actor: Schema.String },
  success: Schema.Struct({ driving: Schema.Boolean }),
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

/** A driver that broke is woken again no sooner than this. */
const restartMillis = 2_000
/** Between two looks at whether somebody has cancelled a solve. */
const lookMillis = 200

export const layer = SolveActor.layer((host) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<DriveServices>()
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const lifecycle = yield* Lifecycle
    const limits = yield* SolveLimits
    const driven = (yield* RunnerStats).driving("Solve")
    const counts = solveInstruments(yield* MetricRegistry)
    /** Until when one that broke is left alone. */
    const resting = new Map<string, number>()

    const over = (id: string): Effect.Effect<void> =>
      host.snapshot(id).pipe(
        Effect.map(({ state }) => Solve.isOver(state)),
        Effect.orElseSucceed(() => false),
        Effect.delay(lookMillis),
        Effect.repeat({ until: (is) => is }),
        Effect.asVoid
      )
    const noted = (id: string): Effect.Effect<void> =>
      host.snapshot(id).pipe(
        Effect.map(({ state }) => {
          if (!Solve.isOver(state)) return
          counts.ended.add([state.status === "cancelled" ? "Cancelled" : state.stop?._tag ?? "none"])
          counts.seconds.observe([], Math.max(0, (state.endedMillis ?? 0) - state.startedMillis) / 1_000)
        }),
        Effect.ignore
      )
    const driving = (id: string): Effect.Effect<void> =>
      drive({
        id,
        state: Effect.map(host.snapshot(id), ({ state }) => state),
        refresh: Effect.sync(() => host.release([id])),
        send: (tag, payload) => host.send(id, tag, payload as never)
      }).pipe(
        inOwnTrace("Solve.driver", { "polya.solve": id }),
        Effect.annotateLogs("solve", id),
        Effect.provideContext(services),
        // Whoever ends it, its driver and all that it waits for are interrupted.
        Effect.raceFirst(over(id)),
        Effect.exit,
        Effect.flatMap((exit) => {
          if (Exit.isSuccess(exit)) return noted(id)
          if (Cause.hasInterruptsOnly(exit.cause)) return Effect.void
          resting.set(id, clock.currentTimeMillisUnsafe() + restartMillis)
          return Effect.logError(`Solve ${id} broke off and is begun again`, exit.cause)
        }),
        Effect.ensuring(Effect.sync(() => {
          driven.delete(id)
          counts.driven.set([], driven.size)
        }))
      )

    return {
      Drive: Effect.fnUntraced(function*({ actor }: { readonly actor: string }) {
        const { state } = yield* host.snapshot(actor)
        const active = state.status === "sampling" || state.status === "selecting"
        const rested = clock.currentTimeMillisUnsafe() >= (resting.get(actor) ?? 0)
        const room = driven.size < limits.maxDriven
        if (active && rested && room && !driven.has(actor) && lifecycle.state() !== "draining") {
          resting.delete(actor)
          driven.add(actor)
          counts.driven.set([], driven.size)
          yield* Effect.forkIn(driving(actor), scope)
        }
        return { driving: driven.has(actor) }
      })
    }
  })
)
