// Effect's cluster in one process: no sockets, no persisted messages. What must outlive the process is in the actors' rows, so the
// cluster's own storage can be memory here; the actors are the same as with many runners.
import { Layer } from "effect"
import { MessageStorage, RunnerHealth, Runners, RunnerStorage, Sharding, ShardingConfig } from "effect/cluster"
import { defaultClusterShards } from "./Cluster/Shards.ts"

/** `clusterShards`: parts in which the cluster moves actors. */
export const layer = (
  options: { readonly clusterShards: number } = { clusterShards: defaultClusterShards }
): Layer.Layer<Sharding.Sharding> =>
  Sharding.layer.pipe(
    Layer.provide(Runners.layerNoop),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layer({
      shardsPerGroup: options.clusterShards,
      // Hosts are few and bounded by design; the bound on waiting commands is the Committer's.
      maxResidentEntities: "unbounded",
      entityMailboxCapacity: "unbounded",
      simulateRemoteSerialization: false
    }))
  )
