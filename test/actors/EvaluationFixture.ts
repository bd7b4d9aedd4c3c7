// Evaluations in memory: the real actors and drivers of evaluations and solves over a scripted model.
import { Effect, Layer, Stream } from "effect"
import type * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import * as Evaluating from "../../src/actors/Evaluating.ts"
import { Evaluations } from "../../src/actors/Evaluations.ts"
import type { EvaluationSpec } from "../../src/domain/ModelEvaluation.ts"
import { isOver } from "../../src/domain/ModelEvaluation.ts"
import { type EvaluationProblem, listsOf } from "../../src/domain/ModelEvaluation/Problems.ts"
import { type Scripted, solving, strategyOf } from "./SolveFixture.ts"

type Store = Layer.Success<typeof ActorStoreMemory.layer>

export const evaluating = (scripted: Scripted, store?: Layer.Layer<Store>, supervise = true) =>
  Evaluating.layer(supervise).pipe(Layer.provideMerge(solving(scripted, store, supervise)))

export const evaluationSpec = (changes: Partial<EvaluationSpec> = {}): EvaluationSpec => ({
  name: "test",
  model: "m",
  strategy: strategyOf("majority-4", { stop: [] }),
  seed: 1,
  budget: { tokens: null, millis: null },
  concurrency: 4,
  owner: "test",
  ...changes
})

/** Problem `n` asks for n + 1000, of two domains and three levels. */
export const problemsOf = (count: number): ReadonlyArray<EvaluationProblem> =>
  Array.from({ length: count }, (_, n) => ({
    id: `p${n}`,
    text: `What is ${n} plus one thousand?`,
    answer: String(n + 1_000),
    domain: n % 2 === 0 ? "algebra" : "geometry",
    level: String(n % 3)
  }))

/** The number of the problem that a prompt asks. */
export const numberIn = (prompt: string): number => Number(/What is (\d+) plus/.exec(prompt)?.[1] ?? Number.NaN)

/** Creates, fills in lists of at most `listed`, and starts. */
export const begin = Effect.fnUntraced(
  function*(id: string, spec: EvaluationSpec, problems: ReadonlyArray<EvaluationProblem>, listed = 200) {
    const evaluations = yield* Evaluations
    yield* evaluations.create(id, spec)
    const lists = listsOf(problems).flatMap((list) =>
      Array.from({ length: Math.ceil(list.length / listed) }, (_, i) => list.slice(i * listed, (i + 1) * listed))
    )
    for (const [number, list] of lists.entries()) yield* evaluations.add(id, number, list)
    yield* evaluations.start(id, problems.length)
  }
)

export const over = (id: string) =>
  Effect.gen(function*() {
    const evaluations = yield* Evaluations
    yield* evaluations.watch(id).pipe(Stream.takeUntil(({ state }) => isOver(state)), Stream.runDrain)
    return (yield* evaluations.state(id)).state
  })

/** All results, in the order of the problems. */
export const allResults = Effect.fnUntraced(function*(id: string) {
  const evaluations = yield* Evaluations
  const items = []
  for (let from: number | null = 0; from !== null;) {
    const page: Effect.Success<ReturnType<typeof evaluations.results>> = yield* evaluations.results(id, from, 50)
    items.push(...page.items)
    from = page.next
  }
  return items
})
