// Drives one dataset run through the steps of its plan, from wherever it stands, until it is done, paused, cancelled or broken. All that
// it knows is in the store: any runner can go on with it at any time, and what it did since the last report is done again, without effect.
import { Cause, Clock, Effect, Schema } from "effect"
import type { Sharding } from "effect/cluster"
import type { RunState } from "../domain/DatasetRun.ts"
import type { Tally } from "../domain/Tally.ts"
import { emptyTally, TallyBuilder } from "../domain/Tally.ts"
import { ActorStore, StoreFailed } from "./ActorStore.ts"
import type { ActorUnavailable } from "./Committer.ts"
import { patient } from "./DurableActor.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { Plans, type RunPlan, runType } from "./Plans.ts"
import { writeRows } from "./RunDriver/Output.ts"
import { walk } from "./RunDriver/Walk.ts"
import { RunDisowned, RunIndex, type RunOwner } from "./RunIndex.ts"
import { RunnerStats } from "./RunnerStats.ts"
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
  /** The committed state, as far as this runner knows. */
  readonly state: Effect.Effect<RunState, ActorUnavailable>
  readonly version: Effect.Effect<number, ActorUnavailable>
  /** Lets go of what this runner knows of the run, if it can: it is read again. */
  readonly refresh: Effect.Effect<void>
  /** The reports; refused when the run has moved on without this driver. */
  readonly send: (tag: "Advance" | "NextStep" | "Finish" | "Break", payload: any) => Effect.Effect<void, any>
}

/**
 * Claims the run, then drives it, unless the run stands further than this runner knows: then others have driven it, and a runner that was
 * frozen must not begin where they were long ago. A driver that has lost the run to another ends quietly, whatever it met: what it saw of
 * the run may have been half the work of the other.
 */
export const drive = Effect.fn("RunDriver.drive")(function*(handle: RunHandle) {
  while (yield* sitting(handle)) yield* Effect.sleep("20 millis")
})

/**
 * A write to the run's index was broken off, or nobody knows the outcome of it: it may still land, and undo what was written after it. So
 * nothing more is written under this claim; after the next one the late write is refused.
 */
class WriteLost extends Schema.TaggedError<WriteLost>()("WriteLost", {}) {}

const certain = (index: RunIndex["Service"]): RunIndex["Service"] => {
  const unlessLost = <A, E>(write: Effect.Effect<A, E | StoreFailed>): Effect.Effect<A, E | StoreFailed> =>
    Effect.catchIf(
      write,
      (error) => error instanceof StoreFailed && error.reason === "unavailable",
      () => Effect.fail(new WriteLost() as unknown as StoreFailed)
    )
  return {
    ...index,
    put: (...args) => unlessLost(index.put(...args)),
    reopen: (...args) => unlessLost(index.reopen(...args)),
    putResults: (...args) => unlessLost(index.putResults(...args)),
    forget: (...args) => unlessLost(index.forget(...args))
  }
}

/** One claim of the run; true if it is to be claimed again. */
const sitting = Effect.fnUntraced(function*(handle: RunHandle) {
  const index = yield* RunIndex
  const store = yield* ActorStore
  const isBehind = Effect.gen(function*() {
    yield* handle.refresh
    const [stored] = yield* patient(store.load([{ type: runType, id: handle.id }]))
    return stored !== undefined && stored.version > (yield* patient(handle.version))
  })
  // Before the claim, so that the one who drives is not disturbed; after it, because only then nobody else goes on.
  if (yield* isBehind) return false
  const owner: RunOwner = { run: handle.id, epoch: yield* patient(index.claim(handle.id)) }
  if (yield* isBehind) return false
  const confirm = index.put(owner, [], [])
  return yield* goOn(handle, owner, confirm).pipe(
    Effect.provideService(RunIndex, certain(index)),
    Effect.as(false),
    Effect.catchIf((error: any) => error instanceof WriteLost, () => Effect.succeed(true)),
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.catchTag(confirm, "StoreFailed", () => Effect.void)
    ),
    Effect.catchIf((error: any) => error instanceof RunDisowned, () => Effect.succeed(false))
  )
})

/** `confirm` fails if another driver has claimed the run. */
const goOn = Effect.fnUntraced(function*(
  handle: RunHandle,
  owner: RunOwner,
  confirm: Effect.Effect<void, StoreFailed | RunDisowned>
) {
  const plans = yield* Plans
  const clock = yield* Clock.Clock
  const stats = yield* RunnerStats
  const lifecycle = yield* Lifecycle
  /** A process that is about to end drives no further; the run goes on with its next owner. */
  const stays = (): boolean => lifecycle.state() !== "draining"
  while (stays()) {
    const state = yield* patient(handle.state)
    if (state.status !== "running") return
    const plan = yield* patient(plans.of(handle.id))
    const step = plan.plan.steps[state.step]
    const { generation } = state
    const none = emptyTally(plan.recipe.stages.length)
    const next = (tally: Tally) => report(handle.send("NextStep", { generation, step: state.step, tally }))
    switch (step?._tag) {
      case "Walk": {
        if (state.step === 0 && generation > 0 && isStart(state)) yield* forget(owner)
        const ended = yield* walk({
          owner,
          plan,
          step,
          state,
          // To the walk the end of the process is a pause: batches in work are finished and reported, none is begun.
          now: Effect.map(
            Effect.orElseSucceed(handle.state, () => state),
            (now): RunState => stays() ? now : { ...now, status: "paused" }
          ),
          report: ({ from, tally, to }) =>
            Effect.gen(function*() {
              const went = yield* report(handle.send("Advance", { generation, step: state.step, from, to, tally }))
              return went && (yield* patient(handle.state)).status === "running"
            })
        })
        // Batches in work were broken off, perhaps while they wrote.
        if (!ended) return yield* new WriteLost()
        yield* next(none)
        break
      }
      case "Close": {
        const tally = new TallyBuilder(plan.recipe.stages.map(({ name }) => name))
        for (const ord of step.stages) {
          const startedMillis = clock.currentTimeMillisUnsafe()
          yield* closeSet({ owner, plan, ord })
          const spentMillis = clock.currentTimeMillisUnsafe() - startedMillis
          tally.spent(ord, spentMillis)
          stats.stage(plan.recipe.stages[ord]?.name ?? "").millis += spentMillis
        }
        yield* next(tally.tally)
        break
      }
      default: {
        yield* reconcile(handle.id, plan, state)
        const outputs = yield* output(handle, plan, state, confirm)
        yield* report(handle.send("Finish", { generation, atMillis: clock.currentTimeMillisUnsafe(), outputs }))
      }
    }
  }
})

export type DriveServices = Plans | RunIndex | RunOutput | Sources | ActorStore | Sharding.Sharding

const isStart = ({ position }: RunState): boolean => position._tag === "Source" && position.cursor.rows === 0

const forget = Effect.fnUntraced(function*(owner: RunOwner) {
  const index = yield* RunIndex
  while (!(yield* patient(index.forget(owner, 20_000)))) yield* Effect.yieldNow
})

/** A report that comes too late is no error: the run stands elsewhere, and the loop reads where. */
const report = (sent: Effect.Effect<void, any>): Effect.Effect<boolean, any> =>
  patient(sent).pipe(
    Effect.as(true),
    Effect.catchIf((error: any) => error?._tag === "AdvanceStale", () => Effect.succeed(false))
  )

const output = Effect.fn("RunDriver.output")(function*(
  handle: RunHandle,
  plan: RunPlan,
  state: RunState,
  confirm: Effect.Effect<void, StoreFailed | RunDisowned>
) {
  const outputs = yield* RunOutput
  return yield* Effect.scoped(Effect.gen(function*() {
    const writer = yield* outputs.open({ id: handle.id, recipe: plan.recipe, plan: plan.plan, state })
    yield* writeRows(handle.id, plan, writer)
    // Rows that another driver was working on meanwhile are never shown as a result.
    yield* patient(confirm)
    const left = yield* writer.commit
    // Another driver that came meanwhile puts its own files in the place of these.
    yield* patient(confirm)
    return left
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
