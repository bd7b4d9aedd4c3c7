// All actors of solving as one layer, over the ports that a process provides, beside those of Polya.ts.
import { Layer } from "effect"
import type { Sharding } from "effect/cluster"
import type { ActorIndex } from "./ActorIndex.ts"
import type { ActorStore } from "./ActorStore.ts"
import type { CodeSandbox } from "./CodeSandbox.ts"
import type { Committer } from "./Committer.ts"
import type { Generation } from "./Generation.ts"
import * as SampleActor from "./SampleActor.ts"
import * as SolveActor from "./SolveActor.ts"
import { Solves } from "./Solves.ts"
import * as Supervisor from "./Supervisor.ts"
import type { Verdicts } from "./Verdicts.ts"

export type Ports = ActorIndex | ActorStore | CodeSandbox | Committer | Generation | Sharding.Sharding | Verdicts

/** `supervise`: what is under way goes on although nobody asks. */
export const layer = (supervise = true): Layer.Layer<Solves, never, Ports> =>
  Layer.mergeAll(
    SampleActor.layer,
    SolveActor.layer,
    supervise
      ? Supervisor.layer({
        type: SolveActor.SolveActor.type,
        statuses: SolveActor.activeStatuses,
        wake: SolveActor.wake
      })
      : Layer.empty
  ).pipe(Layer.provideMerge(Solves.layer))
