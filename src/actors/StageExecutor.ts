// The port to where map and expand stages run: inline for tests, worker threads in a runner, so that a busy stage never blocks the
// runner's event loop (a blocked loop looks like a dead runner).
import { Clock, Context, Effect, Layer } from "effect"
import type { Plan } from "../domain/Plan.ts"
import type { RecipeStage } from "../domain/Recipe.ts"
import { type PreparedSegment, prepareSegment, type StageJob, type StageWork } from "../domain/Segment.ts"
import type { Resources } from "../domain/Stage.ts"

/** What an executor needs to prepare the stages of a run, here or in another thread. */
export interface WorkPlan {
  /** Equal ids mean equal plans. */
  readonly id: string
  readonly stages: ReadonlyArray<RecipeStage>
  readonly resources: Resources
  readonly plan: Plan
}

export class StageExecutor extends Context.Service<StageExecutor, {
  /**
   * The work of each job, in order. Never fails: a crash or a time-out of a stage is the `Failed` outcome (`StageCrashed`,
   * `StageTimedOut`) of the row that caused it, alone.
   */
  readonly run: (work: WorkPlan, jobs: ReadonlyArray<StageJob>) => Effect.Effect<ReadonlyArray<StageWork>>
}>()("polya/StageExecutor") {
  /** Runs stages in this thread: for tests and for stages made in a test. */
  static readonly layerInline: Layer.Layer<StageExecutor> = Layer.effect(
    StageExecutor,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const prepared = new Map<string, PreparedSegment>()
      return StageExecutor.of({
        run: (work, jobs) =>
          Effect.sync(() => {
            let segment = prepared.get(work.id)
            if (segment === undefined) {
              segment = prepareSegment(work.plan.stages, work.resources)
              prepared.set(work.id, segment)
            }
            const run = segment
            return jobs.map((job) => run(job, () => clock.currentTimeMillisUnsafe()))
          })
      })
    })
  )
}
