// All actors of evaluations as one layer, over the ports that a process provides, beside those of Solving.ts.
import { Layer } from "effect"
import type { Sharding } from "effect/cluster"
import type { ActorIndex } from "./ActorIndex.ts"
import type { ActorStore } from "./ActorStore.ts"
import type { Committer } from "./Committer.ts"
import * as EvaluationActor from "./EvaluationActor.ts"
import { Evaluations } from "./Evaluations.ts"
import { ProblemListActor, ResultListActor } from "./ProblemList.ts"
import type { Solves } from "./Solves.ts"
import * as Supervisor from "./Supervisor.ts"
import type { Verdicts } from "./Verdicts.ts"

export type Ports = ActorIndex | ActorStore | Committer | Sharding.Sharding | Solves | Verdicts

/** `supervise`: what is under way goes on although nobody asks. */
export const layer = (supervise = true): Layer.Layer<Evaluations, never, Ports> =>
  Layer.mergeAll(
    EvaluationActor.layer,
    ProblemListActor.layer(),
    ResultListActor.layer(),
    supervise
      ? Supervisor.layer({
        type: EvaluationActor.EvaluationActor.type,
        statuses: EvaluationActor.activeStatuses,
        wake: EvaluationActor.wake
      })
      : Layer.empty
  ).pipe(Layer.provideMerge(Evaluations.layer))
