// What the actors of this process count and hold beside the Committer's counters, for metrics and vitals: outcomes of stages, runs that are
// driven here, actors in memory, the stage workers' queue. Plain numbers and functions, put where the facts are known.
import { Context, Effect, type Scope } from "effect"
import type { RunState } from "../domain/DatasetRun.ts"
import type { ActorUnavailable } from "./Committer.ts"

/** `retried`: a transient failure that ran again; the others are outcomes of rows. */
export type StageOutcome = "kept" | "dropped" | "failed" | "expanded" | "retried"
export interface StageCounts {
  readonly rows: Record<StageOutcome, number>
  /** Time in the stage itself, over all its workers. */
  millis: number
}

/** The stage workers of one process, now. */
export interface WorkerState {
  readonly workers: number
  readonly busy: number
  /** Rows that wait for a worker. */
  readonly waiting: number
}

export interface RunnerStats {
  /** Work done on this runner, by stage; work that a crash made it do again counts again. */
  readonly stages: ReadonlyMap<string, StageCounts>
  readonly stage: (name: string) => StageCounts
  /** Runs whose driver lives here, with their state. */
  readonly driven: Map<string, Effect.Effect<RunState, ActorUnavailable>>
  /** Ids of other actors whose driver lives here, by type. */
  readonly driving: (type: string) => Set<string>
  /** Drivers started here, and how many of them broke. */
  drives: number
  driveFailures: number
  /** Cluster shards that came here from a process that had died. */
  failovers: number
  /** For as long as the scope lives, `count` actors of the type are in memory. */
  readonly resident: (type: string, count: () => number) => Effect.Effect<void, never, Scope.Scope>
  readonly residents: () => ReadonlyMap<string, number>
  /** How the stage workers are; none where stages run elsewhere. */
  workers: (() => WorkerState) | undefined
}

/** Names of stages come from recipes that were checked against the registry, so there are few; this bounds them all the same. */
const maxStages = 256

export const makeRunnerStats = (): RunnerStats => {
  const stages = new Map<string, StageCounts>()
  const drivers = new Map<string, Set<string>>()
  const hosts = new Set<readonly [type: string, count: () => number]>()
  return {
    stages,
    stage: (name) => {
      let counts = stages.get(name)
      if (counts === undefined) {
        const known = stages.size < maxStages ? name : "other"
        counts = stages.get(known) ?? { rows: { kept: 0, dropped: 0, failed: 0, expanded: 0, retried: 0 }, millis: 0 }
        stages.set(known, counts)
      }
      return counts
    },
    driven: new Map(),
    driving: (type) => {
      let ids = drivers.get(type)
      if (ids === undefined) drivers.set(type, ids = new Set())
      return ids
    },
    drives: 0,
    driveFailures: 0,
    failovers: 0,
    resident: (type, count) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => {
          const host = [type, count] as const
          hosts.add(host)
          return host
        }),
        (host) => Effect.sync(() => hosts.delete(host))
      )),
    residents: () => {
      const byType = new Map<string, number>()
      for (const [type, count] of hosts) byType.set(type, (byType.get(type) ?? 0) + count())
      return byType
    },
    workers: undefined
  }
}

/** Of this process; a test that counts gives one of its own. */
export const RunnerStats = Context.Reference<RunnerStats>("polya/RunnerStats", { defaultValue: makeRunnerStats })
