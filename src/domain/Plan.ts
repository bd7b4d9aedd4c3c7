// A recipe laid out as steps: walks over rows (apply what set stages found, then map and expand), closings of set stages
// (barriers), and the output. Pure; every runner of a run makes the same plan from the same recipe.
import { digest } from "./Ids.ts"
import { canonical, type Json } from "./Json.ts"
import type { Recipe } from "./Recipe.ts"
import type { Stage } from "./Stage.ts"

export interface PlannedStage {
  readonly ord: number
  readonly stage: Stage
  readonly params: unknown
  /** Names stage, version, parameters and resources; 12 hex digits. */
  readonly key: string
}

export type PlanStep =
  /**
   * Rows go through stages [`from`, `to`): results of set stages first, then map and expand stages. `index`: the set stages that close
   * next, for which each live row leaves an entry. `source`: rows come from the source, else from the run's index. `last`: live rows end as done.
   */
  | {
    readonly _tag: "Walk"
    readonly from: number
    readonly to: number
    readonly index: ReadonlyArray<number>
    readonly source: boolean
    readonly last: boolean
  }
  | { readonly _tag: "Close"; readonly stages: ReadonlyArray<number> }
  | { readonly _tag: "Output" }

export interface Plan {
  readonly stages: ReadonlyArray<PlannedStage>
  readonly steps: ReadonlyArray<PlanStep>
  /** `chain[k]` names stages 0..k together: the inputs of stage k+1 but for the row itself. */
  readonly chain: ReadonlyArray<string>
}

/** @throws if a stage of the recipe is not in the registry or its parameters do not decode: recipes are checked before. */
export const planOf = (
  recipe: Recipe,
  registry: ReadonlyMap<string, Stage>,
  decodeParams: (stage: Stage, params: Json) => unknown,
  resources: string
): Plan => {
  const stages = recipe.stages.map(({ name, params }, ord): PlannedStage => {
    const stage = registry.get(name)
    if (stage === undefined) {
      throw new Error(`The recipe ${recipe.name} names a stage that this program does not have: ${name}`)
    }
    const key = digest([name, String(stage.version), canonical(params), resources, String(recipe.seed)], 12)
    return { ord, stage, params: decodeParams(stage, params), key }
  })
  const chain: Array<string> = []
  for (const { key } of stages) chain.push(digest([chain.at(-1) ?? "", key], 12))
  return { stages, steps: planSteps(recipe, registry), chain }
}

/** The steps alone: what a progress display needs. */
export const planSteps = (recipe: Recipe, registry: ReadonlyMap<string, Stage>): ReadonlyArray<PlanStep> => {
  const isSet = (ord: number): boolean => registry.get(recipe.stages[ord]?.name ?? "")?.kind === "set"
  const steps: Array<PlanStep> = []
  let from = 0
  let ord = 0
  while (true) {
    while (ord < recipe.stages.length && !isSet(ord)) ord++
    const to = ord
    const index: Array<number> = []
    while (isSet(ord)) index.push(ord++)
    steps.push({ _tag: "Walk", from, to, index, source: steps.length === 0, last: index.length === 0 })
    if (index.length === 0) break
    steps.push({ _tag: "Close", stages: index })
    from = to
  }
  steps.push({ _tag: "Output" })
  return steps
}
