// Actors that hold the bulk of an evaluation: lists of its problems, each written once, and lists of what came of them. They are read from the
// store, where a large list is looked at and let go of again.
import { Effect, Schema } from "effect"
import * as Problems from "../domain/ModelEvaluation/Problems.ts"
import * as Results from "../domain/ModelEvaluation/Results.ts"
import type { ActorStore } from "./ActorStore.ts"
import * as DurableActor from "./DurableActor.ts"

/** Hosts of each type in a cluster; fixed, because it says where an actor lives. */
const hosts = 16

export const ProblemListActor = DurableActor.make({
  type: "ProblemList",
  state: Problems.ProblemListState,
  initial: Problems.initialProblemList,
  commands: { Put: { payload: Problems.PutFields, success: Schema.Void, error: Problems.ProblemListTaken } },
  decide: { Put: Problems.put },
  placement: { _tag: "shared", hosts }
})

export const ResultListActor = DurableActor.make({
  type: "EvaluationResults",
  state: Results.ResultListState,
  initial: Results.initialResultList,
  commands: { Record: { payload: Results.RecordFields, success: Results.ResultTally } },
  decide: { Record: Results.record },
  placement: { _tag: "shared", hosts }
})

/** The problems of a list, as they are stored; empty: there is no such list. */
export const loadProblems = Effect.fnUntraced(
  function*(store: ActorStore["Service"], evaluation: string, list: number) {
    const [row] = yield* store.load([{ type: ProblemListActor.type, id: Problems.listId(evaluation, list) }])
    return row === undefined ? [] : ProblemListActor.codec.decode(row.state).problems
  }
)

/** The results of a list that are stored; empty: none is. */
export const loadResults = Effect.fnUntraced(function*(store: ActorStore["Service"], evaluation: string, list: number) {
  const [row] = yield* store.load([{ type: ResultListActor.type, id: Results.resultsId(evaluation, list) }])
  return row === undefined ? Results.initialResultList : ResultListActor.codec.decode(row.state)
})
