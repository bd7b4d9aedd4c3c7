// The Evaluation actor: its driver runs beside its state, on whatever runner owns its host. `Drive` wakes the driver if there is work and nobody
// drives it; the supervisor says it to every evaluation that runs, so an evaluation outlives any process.
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Evaluation from "../domain/ModelEvaluation.ts"
import { SampleError } from "../domain/Solve.ts"
import { ActorUnavailable } from "./Committer.ts"
import * as Drivers from "./Drivers.ts"
import * as DurableActor from "./DurableActor.ts"
import { drive } from "./EvaluationDriver.ts"

/** Hosts of Evaluation actors in a cluster; fixed, because it says where an actor lives. */
const hosts = 16
/** Evaluations that one runner drives at once; others wait for their turn. */
const maxDriven = 16

/** What stopped the driver and could not be written into the evaluation (its store is full or away); null: nothing. */
const Drive = Rpc.make("Drive", {
  payload: { actor: Schema.String },
  success: Schema.Struct({ driving: Schema.Boolean, trouble: Schema.NullOr(SampleError) }),
  error: ActorUnavailable
})

export const EvaluationActor = DurableActor.make({
  type: "Evaluation",
  state: Evaluation.EvaluationState,
  initial: Evaluation.initialEvaluation,
  commands: {
    Create: { payload: Evaluation.CreateFields, success: Schema.Void, error: Evaluation.refusals },
    Add: { payload: Evaluation.AddFields, success: Schema.Void, error: Evaluation.refusals },
    Start: { payload: Evaluation.StartFields, success: Schema.Void, error: Evaluation.refusals },
    Progress: { payload: Evaluation.ProgressFields, success: Schema.Void, error: Evaluation.refusals },
    Finish: { payload: Evaluation.FinishFields, success: Schema.Void, error: Evaluation.refusals },
    Cancel: { payload: Evaluation.CancelFields, success: Schema.Void, error: Evaluation.refusals },
    Cancelled: { payload: Evaluation.CancelledFields, success: Schema.Void, error: Evaluation.refusals },
    Break: { payload: Evaluation.BreakFields, success: Schema.Void, error: Evaluation.refusals },
    Resume: { payload: Evaluation.ResumeFields, success: Schema.Void, error: Evaluation.refusals }
  },
  decide: {
    Create: Evaluation.create,
    Add: Evaluation.add,
    Start: Evaluation.start,
    Progress: Evaluation.progress,
    Finish: Evaluation.finish,
    Cancel: Evaluation.cancel,
    Cancelled: Evaluation.cancelled,
    Break: Evaluation.breakOff,
    Resume: Evaluation.resume
  },
  placement: { _tag: "shared", hosts },
  describe: Evaluation.describe,
  fixed: Evaluation.fixed
}, [Drive])

/** Statuses in which an evaluation has work to do. */
export const activeStatuses = ["running", "cancelling"] as const
const isActive = (status: Evaluation.EvaluationStatus): boolean => status === "running" || status === "cancelling"

/** Wakes the evaluation's driver now. Says if it is driven, and what stopped it if that could not be stored. */
export const wake = Effect.fnUntraced(function*(id: string) {
  const clientOf = yield* EvaluationActor.entity.client
  return yield* DurableActor.patiently(
    Effect.suspend(() => clientOf(EvaluationActor.hostOf(id)).Drive({ actor: id })),
    5_000
  )
})

export const layer = EvaluationActor.layer((host) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    /** Says in the evaluation what stopped it; answers it where that cannot be stored. */
    const broke = Effect.fnUntraced(function*(id: string, cause: Cause.Cause<unknown>) {
      const found = Cause.squash(cause) as { readonly _tag?: unknown; readonly message?: unknown }
      const error = typeof found._tag === "string"
        ? { tag: found._tag, message: String(found.message ?? found) }
        : { tag: "Defect", message: Cause.pretty(cause).slice(0, 2_000) }
      // Its actor moved on meanwhile: whoever is next finds how it stands.
      if (error.tag === "EvaluationNotReady") return null
      const told = yield* Effect.exit(host.send(id, "Break", { error, atMillis: clock.currentTimeMillisUnsafe() }))
      return Exit.isFailure(told) ? error : null
    })
    return {
      Drive: yield* Drivers.make({
        type: "Evaluation",
        snapshot: host.snapshot,
        isActive: ({ status }) => isActive(status),
        isMoot: ({ status }, from) => status !== from.status && status !== "done",
        drive: (id) =>
          drive({
            id,
            state: Effect.map(host.snapshot(id), ({ state }) => state),
            send: (tag, payload) => host.send(id, tag, payload as never)
          }),
        maxDriven: () => maxDriven,
        restartMillis: 5_000,
        broke
      })
    }
  })
)
