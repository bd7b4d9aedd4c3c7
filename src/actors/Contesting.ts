// All actors of contests as one layer, over the ports that a process provides, beside those of Solving.ts.
import { Layer } from "effect"
import type { Sharding } from "effect/cluster"
import type { ActorIndex } from "./ActorIndex.ts"
import type { ActorStore } from "./ActorStore.ts"
import type { Committer } from "./Committer.ts"
import * as ContestActor from "./ContestActor.ts"
import * as ContestProblemActor from "./ContestProblemActor.ts"
import { Contests } from "./Contests.ts"
import type { Solves } from "./Solves.ts"
import * as Supervisor from "./Supervisor.ts"

export type Ports = ActorIndex | ActorStore | Committer | Sharding.Sharding | Solves

/** `supervise`: what is under way goes on although nobody asks. */
export const layer = (supervise = true): Layer.Layer<Contests, never, Ports> =>
  Layer.mergeAll(
    ContestActor.layer,
    ContestProblemActor.layer,
    supervise
      ? Supervisor.layer({
        type: ContestActor.ContestActor.type,
        statuses: ContestActor.activeStatuses,
        wake: ContestActor.wake
      })
      : Layer.empty
  ).pipe(Layer.provideMerge(Contests.layer))
