// The DatasetRun actor: one host each, so that its driver runs beside its state, on whatever runner owns it. `Drive` wakes the driver if
// the run is running and nobody drives it; the supervisor says it to every active run every second, so a run outlives any process.
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Run from "../domain/DatasetRun.ts"
import { ActorUnavailable } from "./Committer.ts"
import * as DurableActor from "./DurableActor.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { runType } from "./Plans.ts"
import { drive, type DriveServices } from "./RunDriver.ts"
import { RunLimits } from "./RunLimits.ts"
import { RunnerStats } from "./RunnerStats.ts"
import { inOwnTrace } from "./Tracing.ts"

/** What stopped the driver and could not be written into the run (its store is full or away); null: nothing. */
const Drive = Rpc.make("Drive", {
  payload: { actor: Schema.String },
  success: Schema.Struct({ driving: Schema.Boolean, trouble: Schema.NullOr(Run.RunError) }),
  error: ActorUnavailable
})

export const DatasetRunActor = DurableActor.make({
  type: runType,
  state: Run.RunState,
  initial: Run.initialRun,
  commands: {
    Start: { payload: Run.StartFields, success: Schema.Void, error: Run.refusals },
    Pause: { payload: Run.WhoFields, success: Schema.Void, error: Run.refusals },
    Resume: { payload: Run.WhoFields, success: Schema.Void, error: Run.refusals },
    Cancel: { payload: Run.WhoFields, success: Schema.Void, error: Run.refusals },
    ChangeLimits: { payload: Run.ChangeLimitsFields, success: Schema.Void, error: Run.refusals },
    RerunFailed: { payload: Run.RerunFailedFields, success: Schema.Void, error: Run.refusals },
    Rerun: { payload: Run.RerunFields, success: Schema.Void, error: Run.refusals },
    Advance: { payload: Run.AdvanceFields, success: Schema.Void, error: Run.refusals },
    NextStep: { payload: Run.StepFields, success: Schema.Void, error: Run.refusals },
    Finish: { payload: Run.FinishFields, success: Schema.Void, error: Run.refusals },
    Break: { payload: Run.BreakFields, success: Schema.Void, error: Run.refusals }
  },
  decide: {
    Start: Run.start,
    Pause: Run.pause,
    Resume: Run.resume,
    Cancel: Run.cancel,
    ChangeLimits: Run.changeLimits,
    RerunFailed: Run.rerunFailed,
    Rerun: Run.rerun,
    Advance: Run.advance,
    NextStep: Run.nextStep,
    Finish: Run.finish,
    Break: Run.breakOff
  },
  placement: { _tag: "own" },
  describe: Run.describe,
  fixed: Run.fixed
}, [Drive])

/** Wakes the run's driver now; without it the supervisor does within a second. Says if it is driven, and what stopped it if that could not be stored. */
export const wake = Effect.fnUntraced(function*(run: string) {
  const clientOf = yield* DatasetRunActor.entity.client
  const host = clientOf(run)
  return yield* DurableActor.patiently(host.Drive({ actor: run }), 5_000)
})

/** A driver that broke and could not say so in the run is woken again no sooner than this. */
const restartMillis = 5_000

export const layer = DatasetRunActor.layer((host) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<DriveServices>()
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const lifecycle = yield* Lifecycle
    const stats = yield* RunnerStats
    const limits = yield* RunLimits
    let driving = false
    let trouble: typeof Run.RunError.Type | null = null
    let restMillis = 0

    const driven = (id: string): Effect.Effect<void> =>
      drive({
        id,
        state: Effect.map(host.snapshot(id), ({ state }) => state),
        version: Effect.map(host.snapshot(id), ({ version }) => version),
        refresh: Effect.sync(() => host.release([id])),
        send: (tag, payload) => host.send(id, tag, payload)
      }).pipe(
        inOwnTrace("DatasetRun.driver", { "polya.run": id }),
        Effect.annotateLogs("run", id),
        Effect.provideContext(services),
        Effect.raceFirst(cancelled(id)),
        Effect.exit,
        Effect.flatMap((exit) => (Exit.isSuccess(exit) ? Effect.void : broke(id, exit))),
        Effect.ensuring(Effect.sync(() => {
          driving = false
          stats.driven.delete(id)
        }))
      )
    /** Ends when somebody cancels the run: the driver and all it waits for are interrupted at once. */
    const cancelled = (id: string): Effect.Effect<void> =>
      host.snapshot(id).pipe(
        Effect.map(({ state }) => state.status === "cancelled"),
        Effect.orElseSucceed(() => false),
        Effect.delay("200 millis"),
        Effect.repeat({ until: (is) => is }),
        Effect.asVoid
      )
    const broke = Effect.fnUntraced(function*(id: string, exit: Exit.Failure<void, any>) {
      if (Cause.hasInterruptsOnly(exit.cause)) return
      stats.driveFailures++
      const found = Exit.findErrorOption(exit)
      const error = found._tag === "Some"
        ? { tag: String(found.value._tag ?? "Unknown"), message: String(found.value.message ?? found.value) }
        : { tag: "Defect", message: String(exit.cause) }
      yield* Effect.logError(`Run ${id} broke off: ${error.message}`).pipe(
        Effect.annotateLogs({ run: id, error: error.tag })
      )
      const told = yield* Effect.exit(Effect.gen(function*() {
        const { state } = yield* host.snapshot(id)
        yield* host.send(id, "Break", {
          generation: state.generation,
          error,
          atMillis: clock.currentTimeMillisUnsafe()
        })
      }))
      if (Exit.isSuccess(told)) return
      trouble = error
      restMillis = clock.currentTimeMillisUnsafe() + restartMillis
    })

    return {
      Drive: Effect.fnUntraced(function*({ actor }: { readonly actor: string }) {
        const { state } = yield* host.snapshot(actor)
        // A process that is about to end drives nothing new: the next owner does.
        const may = lifecycle.state() !== "draining" && clock.currentTimeMillisUnsafe() >= restMillis &&
          stats.driven.size < limits.maxDriven
        if (state.status === "running" && !driving && may) {
          trouble = null
          driving = true
          stats.drives++
          stats.driven.set(actor, Effect.map(host.snapshot(actor), ({ state }) => state))
          yield* Effect.forkIn(driven(actor), scope)
        }
        return { driving, trouble }
      })
    }
  })
)
