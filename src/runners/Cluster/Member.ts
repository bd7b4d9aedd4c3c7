// This process as a member of its cluster: where the others reach it, what it takes part in, and who else runs.
import { Context } from "effect"

/** What a process takes part in. `none`: a client, which reaches all actors and hosts none. */
export type Groups = "cpu" | "gpu" | "none"

export class Member extends Context.Service<Member, {
  /** Where the others reach it; null for a client and for a process that is a cluster of its own. */
  readonly address: string | null
  /** Shard groups that it may own cluster shards of. */
  readonly groups: ReadonlyArray<string>
  /** Cluster shards of one group. */
  readonly shards: number
  /** Addresses of all runners that live, itself included, as of the last look; empty where it is a cluster of its own. */
  readonly runners: () => ReadonlyArray<string>
}>()("polya/Member") {}
