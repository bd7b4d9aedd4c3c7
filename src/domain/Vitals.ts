// What a process of the cluster says of itself once a second (actors/Processes keeps it): what it owns and holds now, what it counted since
// its start, and how well it is. Written by every version of the program that runs, so fields are only added, and a reader takes what decodes.
import { Schema } from "effect"

export const Vitals = Schema.Struct({
  pid: Schema.Int,
  hostName: Schema.String,
  version: Schema.String,
  /** Why no new work should come to it, a sentence each; empty: it is welcome. */
  reasons: Schema.Array(Schema.String),
  /** Cluster shards that it owns, such as `default:17`. */
  clusterShards: Schema.Array(Schema.String),
  /** Cluster shards that each of its groups has, owned by anyone or not. */
  shardsPerGroup: Schema.optionalKey(Schema.Int),
  /** Addresses of the runners that it knows to live. */
  runners: Schema.Array(Schema.String),
  /** Runs whose driver works here; at most 1,000 are named. */
  drives: Schema.Array(Schema.String),
  /** Actors in memory, by type. */
  residents: Schema.Record(Schema.String, Schema.Int),
  /** Of the Committer: commands that wait now, and counts since the start. */
  commits: Schema.Struct({
    waiting: Schema.Int,
    flushes: Schema.Int,
    actors: Schema.Int,
    commands: Schema.Int,
    loads: Schema.Int,
    fenced: Schema.Int,
    duplicates: Schema.Int,
    /** Time in flushes, all together. */
    flushMillis: Schema.Finite
  }),
  /** Drivers started here and how many of them broke; cluster shards taken over from processes that had died. */
  driversStarted: Schema.Int,
  driversBroken: Schema.Int,
  failovers: Schema.Int,
  /** Worker threads of stages; null where none run. `waiting`: rows. */
  workers: Schema.NullOr(Schema.Struct({ workers: Schema.Int, busy: Schema.Int, waiting: Schema.Int })),
  /** How late the event loop was in the last ten seconds. */
  loopDelayP99Millis: Schema.Finite,
  loopDelayMaxMillis: Schema.Finite,
  memoryBytes: Schema.Int,
  heapBytes: Schema.Int,
  /** Processor time since the start, of all threads. */
  cpuMillis: Schema.Finite,
  /** Number of the live configuration in force; null: it follows none. */
  settings: Schema.NullOr(Schema.Int)
})
export type Vitals = typeof Vitals.Type

export const decodeVitals = Schema.decodeUnknownOption(Vitals)
