// All actors of Polya as one layer, over the ports that a process provides.
import { Layer } from "effect"
import type { Sharding } from "effect/cluster"
import type { ActorStore } from "./ActorStore.ts"
import { Committer } from "./Committer.ts"
import * as DatasetRunActor from "./DatasetRunActor.ts"
import * as LiveConfigActor from "./LiveConfigActor.ts"
import { Plans, type StageRegistry } from "./Plans.ts"
import * as ProblemActor from "./ProblemActor.ts"
import * as Retention from "./Retention.ts"
import type { RunIndex } from "./RunIndex.ts"
import type { RunOutput } from "./RunOutput.ts"
import * as RunSupervisor from "./RunSupervisor.ts"
import * as SeatsActor from "./SeatsActor.ts"
import type { Sources } from "./Sources.ts"
import * as SpendingActor from "./SpendingActor.ts"
import type { StageExecutor } from "./StageExecutor.ts"
import * as TokenActor from "./TokenActor.ts"

export type Ports = ActorStore | RunIndex | RunOutput | Sources | StageExecutor | StageRegistry | Sharding.Sharding

/**
 * `supervise`: running runs of the store go on although nobody asks. A command line that works one run of its own turns it off: it asks
 * itself, and must not wake others.
 */
export const layer = (
  retention: Retention.RetentionOptions = Retention.retentionDefaults,
  supervise = true
): Layer.Layer<Committer | Plans, never, Ports> =>
  Layer.mergeAll(
    ProblemActor.layer,
    DatasetRunActor.layer,
    LiveConfigActor.layer,
    TokenActor.layer,
    SeatsActor.layer,
    SpendingActor.layer,
    Retention.layer(retention),
    supervise ? RunSupervisor.layer : Layer.empty
  ).pipe(Layer.provideMerge(Layer.mergeAll(Committer.layer, Plans.layer)))
