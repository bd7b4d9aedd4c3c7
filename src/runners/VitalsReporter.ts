// Says once a second how this process is, where everybody can read it (actors/Processes), from its start to its last word `ended`; a process
// that dies has no last word. Also counts fail-overs: cluster shards that came here from a process that died.
import { Clock, Context, Effect, Layer } from "effect"
import { ShardId, Sharding } from "effect/cluster"
import { hostname } from "node:os"
import { Committer } from "../actors/Committer.ts"
import { Lifecycle } from "../actors/Lifecycle.ts"
import { Processes, type ProcessRow } from "../actors/Processes.ts"
import { RunnerStats } from "../actors/RunnerStats.ts"
import { decodeVitals, type Vitals } from "../domain/Vitals.ts"
import { Member } from "./Cluster/Member.ts"
import { EventLoop } from "./EventLoop.ts"
import { version } from "./Package.ts"

export type Kind = "serve" | "runner"

/** Number of the live configuration in force; a process that follows one gives it. */
export const SettingsNumber = Context.Reference<() => number | null>("polya/SettingsNumber", {
  defaultValue: () => () => null
})

const everyMillis = 1_000
/** A process that has not been seen for so long is dead: nothing else keeps it from saying a word a second. */
const deadMillis = 5_000
/** Rows of processes that ended or died are kept for so long, and looked for so often. */
const keptMillis = 3_600_000
const pruneMillis = 600_000

type Said = Omit<ProcessRow, "seenMillis">

/** Where the last word is kept: its layer lies below the cluster, so that `ended` is said when the cluster shards are handed over. */
export class LastWord extends Context.Service<LastWord, { said: Said | undefined }>()("polya/LastWord") {
  static readonly layer: Layer.Layer<LastWord, never, Processes> = Layer.effect(
    LastWord,
    Effect.gen(function*() {
      const processes = yield* Processes
      return yield* Effect.acquireRelease(
        Effect.sync(() => LastWord.of({ said: undefined })),
        ({ said }) =>
          said === undefined ? Effect.void : processes.say({
            ...said,
            state: "ended",
            vitals: { ...said.vitals, clusterShards: [], drives: [], residents: {} }
          }).pipe(Effect.timeout("2 seconds"), Effect.ignore)
      )
    })
  )
}

export const layer = (
  kind: Kind
): Layer.Layer<never, never, Processes | LastWord | Committer | Member | EventLoop | Sharding.Sharding> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const lifecycle = yield* Lifecycle
    const processes = yield* Processes
    const lastWord = yield* LastWord
    const { address, groups } = yield* Member
    const vitalsNow = yield* makeVitals
    const countFailovers = yield* makeFailoverCounter(lifecycle.id)
    const startedMillis = clock.currentTimeMillisUnsafe()
    let prunedMillis = startedMillis
    const say = Effect.gen(function*() {
      const vitals = vitalsNow()
      const said: Said = { id: lifecycle.id, kind, address, groups, startedMillis, state: lifecycle.state(), vitals }
      lastWord.said = said
      yield* processes.say(said)
      yield* countFailovers(vitals.clusterShards)
      const nowMillis = clock.currentTimeMillisUnsafe()
      if (nowMillis - prunedMillis < pruneMillis) return
      prunedMillis = nowMillis
      yield* processes.prune(keptMillis)
    }).pipe(
      // A store that is away is told of elsewhere, once; the next word comes in a second.
      Effect.timeout("5 seconds"),
      Effect.ignore
    )
    yield* say.pipe(
      Effect.andThen(Effect.sleep(everyMillis)),
      Effect.forever,
      Effect.forkScoped
    )
    yield* lifecycle.draining.pipe(Effect.andThen(say), Effect.forkScoped)
  }))

const makeVitals = Effect.gen(function*() {
  const lifecycle = yield* Lifecycle
  const sharding = yield* Sharding.Sharding
  const { groups, runners, shards } = yield* Member
  const { stats } = yield* Committer
  const counts = yield* RunnerStats
  const settings = yield* SettingsNumber
  const hostName = hostname()
  const all = groups.flatMap((group) => Array.from({ length: shards }, (_, index) => ShardId.make(group, index + 1)))
  const loop = yield* EventLoop
  return (): Vitals => {
    const { heapUsed, rss } = process.memoryUsage()
    const { system, user } = process.cpuUsage()
    const { maxMillis, p99Millis } = loop.delay()
    return {
      pid: process.pid,
      hostName,
      version,
      reasons: lifecycle.reasons(),
      clusterShards: all.filter((shard) => sharding.hasShardId(shard)).map(String),
      shardsPerGroup: shards,
      runners: runners(),
      drives: [...counts.driven.keys()].slice(0, 1_000),
      residents: Object.fromEntries(counts.residents()),
      commits: {
        waiting: stats.waiting,
        flushes: stats.flushes,
        actors: stats.actors,
        commands: stats.commands,
        loads: stats.loads,
        fenced: stats.fenced,
        duplicates: stats.duplicates,
        flushMillis: Math.round(stats.flushMillis.sum)
      },
      driversStarted: counts.drives,
      driversBroken: counts.driveFailures,
      failovers: counts.failovers,
      workers: counts.workers?.() ?? null,
      loopDelayP99Millis: Math.round(p99Millis * 10) / 10,
      loopDelayMaxMillis: Math.round(maxMillis * 10) / 10,
      memoryBytes: rss,
      heapBytes: heapUsed,
      cpuMillis: Math.round((system + user) / 1_000),
      settings: settings()
    }
  }
})

/**
 * A cluster shard that is new here is held against the others' last words: one that named it, did not end, and has fallen silent is dead. One
 * that still speaks handed it over.
 */
export const makeFailoverCounter = Effect.fnUntraced(function*(self: string) {
  const processes = yield* Processes
  const counts = yield* RunnerStats
  let owned = new Set<string>()
  /** New cluster shards by the process that last named them. */
  const suspects = new Map<string, Set<string>>()
  return Effect.fnUntraced(function*(clusterShards: ReadonlyArray<string>) {
    const fresh = clusterShards.filter((shard) => !owned.has(shard))
    owned = new Set(clusterShards)
    if (fresh.length === 0 && suspects.size === 0) return
    const { nowMillis, processes: rows } = yield* processes.list(6 * deadMillis)
    const others = rows.filter(({ id }) => id !== self)
    const named = others.map((row) => {
      const vitals = decodeVitals(row.vitals)
      return { ...row, shards: new Set(vitals._tag === "Some" ? vitals.value.clusterShards : []) }
    })
    for (const shard of fresh) {
      const before = named.filter(({ shards }) => shards.has(shard)).sort((a, b) => b.seenMillis - a.seenMillis)[0]
      if (before === undefined) continue
      const of = suspects.get(before.id) ?? new Set()
      suspects.set(before.id, of.add(shard))
    }
    for (const [id, shards] of suspects) {
      const row = named.find((other) => other.id === id)
      const silentMillis = row === undefined ? Number.POSITIVE_INFINITY : nowMillis - row.seenMillis
      if (row === undefined || row.state === "ended" || silentMillis >= deadMillis) {
        if (row?.state !== "ended") counts.failovers += shards.size
        suspects.delete(id)
      } else if (silentMillis < everyMillis && [...shards].every((shard) => !row.shards.has(shard))) {
        suspects.delete(id)
      }
    }
  })
})
