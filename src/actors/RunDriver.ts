// Drives one dataset run through the steps of its plan, from wherever it stands, until it is done, paused, cancelled or broken. All that
// it knows is in the store: any runner can go on with it at any time, and what it did since the last report is done again, without effect.
import { Clock, Effect, Schema } from "effect"
import type { Sharding } from "effect/cluster"
import type { RunState } from "../domain/DatasetRun.ts"
import type { Tally } from "../domain/Tally.ts"
import { emptyTally, TallyBuilder } from "../domain/Tally.ts"
import type { ActorStore } from "./ActorStore.ts"
import type { ActorUnavailable } from "./Committer.ts"
import { patient } from "./DurableActor.ts"
import { Plans, type RunPlan } from "./Plans.ts"
import { writeRows } from "./RunDriver/Output.ts"
import { walk } from "./RunDriver/Walk.ts"
import { RunIndex } from "./RunIndex.ts"
import { RunOutput } from "./RunOutput.ts"
import { closeSet } from "./SetClosing.ts"
import type { Sources } from "./Sources.ts"

/** The run's index does not say what its counts say: a bug of ours. Nothing was written. */
export class CountsDisagree extends Schema.TaggedError<CountsDisagree>()("CountsDisagree", { detail: Schema.String }) {
  override get message() {
    return `The run's counts do not add up (${this.detail}). Nothing was written; please report this.`
  }
}

/** What the driver needs of the DatasetRun actor that it works for. */
export interface RunHandle {
  readonly id: string
  /** The committed state. */
  readonly state: Effect.Effect<RunState, ActorUnavailable>
  /** The reports; refused when the run has moved on without this driver. */
  readonly send: (tag: "Advance" | "NextStep" | "Finish" | "Break", payload: any) => Effect.Effect<void, any>
}

export const drive = Effect.fn("RunDriver.drive")(function*(handle: RunHandle) {
  const plans = yield* Plans
  const clock = yield* Clock.Clock
  while (true) {
    const state = yield* patient(handle.state)
    if (state.status !== "running") return
    const plan = yield* patient(plans.of(handle.id))
    const step = plan.plan.steps[state.step]
    const { generation } = state
    const none = emptyTally(plan.recipe.stages.length)
    const next = (tally: Tally) => report(handle.send("NextStep", { generation, step: state.step, tally }))
    switch (step?._tag) {
      case "Walk": {
        if (state.step === 0 && generation > 0 && isStart(state)) yield* forget(handle.id)
        const ended = yield* walk({
          run: handle.id,
          plan,
          step,
          state,
          now: Effect.orElseSucceed(handle.state, () => state),
          report: ({ from, tally, to }) =>
            Effect.gen(function*() {
              const went = yield* report(handle.send("Advance", { generation, step: state.step, from, to, tally }))
              return went && (yield* patient(handle.state)).status === "running"
            })
        })
        if (ended) yield* next(none)
        break
      }
      case "Close": {
        const tally = new TallyBuilder(plan.recipe.stages.map(({ name }) => name))
        for (const ord of step.stages) {
          const startedMillis = clock.currentTimeMillisUnsafe()
          yield* closeSet({ run: handle.id, plan, ord })
          tally.spent(ord, clock.currentTimeMillisUnsafe() - startedMillis)
        }
        yield* next(tally.tally)
        break
      }
      default: {
        yield* reconcile(handle.id, plan, state)
        yield* output(handle, plan, state)
        yield* report(handle.send("Finish", { generation, atMillis: clock.currentTimeMillisUnsafe() }))
      }
    }
  }
})

export type DriveServices = Plans | RunIndex | RunOutput | Sources | ActorStore | Sharding.Sharding

const isStart = ({ position }: RunState): boolean => position._tag === "Source" && position.cursor.rows === 0

const forget = Effect.fnUntraced(function*(run: string) {
  const index = yield* RunIndex
  while (!(yield* patient(index.forget(run, 20_000)))) yield* Effect.yieldNow
})

/** A report that comes too late is no error: the run stands elsewhere, and the loop reads where. */
const report = (sent: Effect.Effect<void, any>): Effect.Effect<boolean, any> =>
  patient(sent).pipe(
    Effect.as(true),
    Effect.catchIf((error: any) => error?._tag === "AdvanceStale", () => Effect.succeed(false))
  )

const output = Effect.fn("RunDriver.output")(function*(handle: RunHandle, plan: RunPlan, state: RunState) {
  const outputs = yield* RunOutput
  yield* Effect.scoped(Effect.gen(function*() {
    const writer = yield* outputs.open({ id: handle.id, recipe: plan.recipe, plan: plan.plan, state })
    yield* writeRows(handle.id, plan, writer)
    yield* writer.commit
  }))
})

/** in = done + dropped + failed, and the index agrees row by row. */
const reconcile = Effect.fn("RunDriver.reconcile")(function*(run: string, plan: RunPlan, { tally }: RunState) {
  const index = yield* RunIndex
  const counts = yield* patient(index.counts(run))
  const names = plan.recipe.stages.map(({ name }) => name)
  const source = counts.filter(({ derived }) => !derived)
  const total = (status: string) => source.reduce((sum, one) => sum + (one.status === status ? one.count : 0), 0)
  const wrong: Array<string> = []
  const check = (what: string, counted: number, indexed: number): void => {
    if (counted !== indexed) wrong.push(`${what}: ${counted} counted, ${indexed} in the index`)
  }
  check("done", tally.done, total("done") + total("expanded"))
  check("failed", tally.failed, total("failed"))
  for (const one of source) {
    if (one.status !== "dropped") continue
    const key = `${one.stage === null || one.stage < 0 ? "source" : names[one.stage]}/${one.reason}`
    check(key, tally.dropped[key] ?? 0, one.count)
  }
  check("in", tally.in, source.reduce((sum, one) => sum + one.count, 0))
  const live = counts.filter(({ status }) => status === "live").reduce((sum, one) => sum + one.count, 0)
  if (live > 0) wrong.push(`${live} rows without a fate`)
  if (wrong.length > 0) return yield* new CountsDisagree({ detail: wrong.join("; ") })
})
