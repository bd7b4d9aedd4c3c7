// The Evaluation actor: its driver runs beside its state, on whatever runner owns its host. `Drive` wakes the driver if there is work and nobody
// drives it; the supervisor says it to every evaluation that runs, so an evaluation outlives any process.
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Evaluation from "../domain/ModelEvaluation.ts"
import { SampleError } from "../domain/Solve.ts"
import { ActorUnavailable } from "./Committer.ts"
import * as DurableActor from "./DurableActor.ts"
import { drive, type EvaluationServices } from "./EvaluationDriver.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { inOwnTrace } from "./Tracing.ts"

/** Hosts of Evaluation actors in a cluster; fixed, because it says where an actor lives. */
const hosts = 16
/** Evaluations that one host drives at once; others wait for their turn. */
const maxDriven = 4

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

/** A driver that broke and could not say so is woken again no sooner than this. */
const restartMillis = 5_000
/** Between two looks at whether somebody has cancelled an evaluation. */
const lookMillis = 200

export const layer = EvaluationActor.layer((host) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<EvaluationServices>()
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const lifecycle = yield* Lifecycle
    const driven = new Set<string>()
    const troubles = new Map<string, { readonly error: typeof SampleError.Type; readonly untilMillis: number }>()

    /** Ends when the status is another than it was: the driver and all it waits for are interrupted at once. */
    const moved = (id: string, from: Evaluation.EvaluationStatus): Effect.Effect<void> =>
      host.snapshot(id).pipe(
        Effect.map(({ state }) => state.status !== from && state.status !== "done"),
        Effect.orElseSucceed(() => false),
        Effect.delay(lookMillis),
        Effect.repeat({ until: (is) => is }),
        Effect.asVoid
      )
    const driving = (id: string, status: Evaluation.EvaluationStatus): Effect.Effect<void> =>
      drive({
        id,
        state: Effect.map(host.snapshot(id), ({ state }) => state),
        send: (tag, payload) => host.send(id, tag, payload as never)
      }).pipe(
        inOwnTrace("Evaluation.driver", { "polya.evaluation": id }),
        Effect.annotateLogs("evaluation", id),
        Effect.provideContext(services),
        Effect.raceFirst(moved(id, status)),
        Effect.exit,
        Effect.flatMap((exit) => (Exit.isSuccess(exit) ? Effect.void : broke(id, exit))),
        Effect.ensuring(Effect.sync(() => driven.delete(id)))
      )
    const broke = Effect.fnUntraced(function*(id: string, exit: Exit.Failure<void, any>) {
      if (Cause.hasInterruptsOnly(exit.cause)) return
      const found = Exit.findErrorOption(exit)
      const error = found._tag === "Some"
        ? { tag: String(found.value._tag ?? "Unknown"), message: String(found.value.message ?? found.value) }
        : { tag: "Defect", message: Cause.pretty(exit.cause).slice(0, 2_000) }
      yield* Effect.logError(`Evaluation ${id} broke off: ${error.message}`)
      // Its actor moved on meanwhile: whoever is next finds how it stands.
      if (error.tag === "EvaluationNotReady") return
      const atMillis = clock.currentTimeMillisUnsafe()
      const told = yield* Effect.exit(host.send(id, "Break", { error, atMillis }))
      if (Exit.isFailure(told)) troubles.set(id, { error, untilMillis: atMillis + restartMillis })
    })

    return {
      Drive: Effect.fnUntraced(function*({ actor }: { readonly actor: string }) {
        const { state } = yield* host.snapshot(actor)
        const trouble = troubles.get(actor)
        const rested = trouble === undefined || clock.currentTimeMillisUnsafe() >= trouble.untilMillis
        const may = rested && driven.size < maxDriven && lifecycle.state() !== "draining"
        if (isActive(state.status) && may && !driven.has(actor)) {
          troubles.delete(actor)
          driven.add(actor)
          yield* Effect.forkIn(driving(actor, state.status), scope)
        }
        return { driving: driven.has(actor), trouble: trouble?.error ?? null }
      })
    }
  })
)
