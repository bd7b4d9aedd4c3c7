// The Contest actor: its driver runs beside its state, on whatever runner owns its host. `Drive` wakes the driver if there is work and nobody
// drives it; the supervisor says it to every contest that runs, and so does whoever waits for one, so a contest outlives any process.
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Contest from "../domain/Contest.ts"
import { Turn } from "../domain/Contest/Schedule.ts"
import { ActorUnavailable } from "./Committer.ts"
import { type ContestServices, drive } from "./ContestDriver.ts"
import { contestHosts } from "./ContestProblemActor.ts"
import * as DurableActor from "./DurableActor.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { inOwnTrace } from "./Tracing.ts"

/** Contests that one host drives at once; others wait for their turn. */
const maxDriven = 8

const Drive = Rpc.make("Drive", {
  payload: { actor: Schema.String },
  success: Schema.Struct({ driving: Schema.Boolean }),
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

/** A driver that broke is woken again no sooner than this. */
const restartMillis = 1_000

export const layer = ContestActor.layer((host) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<ContestServices>()
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const lifecycle = yield* Lifecycle
    /** Contests of this host that are driven, and until when one that broke is left alone. */
    const driven = new Set<string>()
    const resting = new Map<string, number>()

    const driving = (id: string): Effect.Effect<void> =>
      drive({
        id,
        state: Effect.map(host.snapshot(id), ({ state }) => state),
        refresh: Effect.sync(() => host.release([id])),
        send: (tag, payload) => host.send(id, tag, payload as never)
      }).pipe(
        inOwnTrace("Contest.driver", { "polya.contest": id }),
        Effect.annotateLogs("contest", id),
        Effect.provideContext(services),
        Effect.exit,
        Effect.flatMap((exit) => {
          if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return Effect.void
          resting.set(id, clock.currentTimeMillisUnsafe() + restartMillis)
          return Effect.logError(`Contest ${id} broke off and is driven again`, exit.cause)
        }),
        Effect.ensuring(Effect.sync(() => driven.delete(id)))
      )

    return {
      Drive: Effect.fnUntraced(function*({ actor }: { readonly actor: string }) {
        const { state } = yield* host.snapshot(actor)
        const rested = clock.currentTimeMillisUnsafe() >= (resting.get(actor) ?? 0)
        const may = rested && driven.size < maxDriven && lifecycle.state() !== "draining"
        if (state.status === "running" && may && !driven.has(actor)) {
          resting.delete(actor)
          driven.add(actor)
          yield* Effect.forkIn(driving(actor), scope)
        }
        return { driving: driven.has(actor) }
      })
    }
  })
)
