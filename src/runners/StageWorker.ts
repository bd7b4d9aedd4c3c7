// The program of a stage worker thread: prepares the stages of a plan once and works rows. It holds nothing that must not be lost.
import { parentPort } from "node:worker_threads"
import { decodeParams } from "../actors/Plans.ts"
import { planOf } from "../domain/Plan.ts"
import type { Recipe, RecipeStage } from "../domain/Recipe.ts"
import { type PreparedSegment, prepareSegment, type StageJob, type StageWork } from "../domain/Segment.ts"
import type { Resources } from "../domain/Stage.ts"
import { stages as registry } from "../domain/stages/Registry.ts"

export type ToWorker =
  | {
    readonly _tag: "Prepare"
    readonly id: string
    readonly stages: ReadonlyArray<RecipeStage>
    readonly resources: Resources
  }
  | { readonly _tag: "Run"; readonly call: number; readonly id: string; readonly jobs: ReadonlyArray<StageJob> }
export type FromWorker =
  | { readonly _tag: "Done"; readonly call: number; readonly works: ReadonlyArray<StageWork> }
  | { readonly _tag: "Unprepared"; readonly call: number; readonly detail: string }

/** Plans kept ready; an older one is prepared again when it is asked for again. */
const maxPlans = 4
const plans = new Map<string, PreparedSegment>()
const failures = new Map<string, string>()

const prepare = (message: Extract<ToWorker, { readonly _tag: "Prepare" }>): void => {
  try {
    const recipe = { name: message.id, seed: message.resources.seed, stages: message.stages } as unknown as Recipe
    const plan = planOf(recipe, registry, decodeParams, message.id)
    plans.set(message.id, prepareSegment(plan.stages, message.resources))
    const oldest = plans.keys().next().value
    if (plans.size > maxPlans && oldest !== undefined) plans.delete(oldest)
  } catch (cause) {
    failures.set(message.id, String(cause))
  }
}

parentPort?.on("message", (message: ToWorker) => {
  if (message._tag === "Prepare") return prepare(message)
  const run = plans.get(message.id)
  const answer: FromWorker = run === undefined
    ? { _tag: "Unprepared", call: message.call, detail: failures.get(message.id) ?? "" }
    : { _tag: "Done", call: message.call, works: message.jobs.map((job) => run(job, () => performance.now())) }
  parentPort?.postMessage(answer)
})
