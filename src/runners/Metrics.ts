// Everything that this process counts, as Prometheus text: what the actors, the cluster, the HTTP edge and Node say, under names of our own
// with their units. The names are an interface: dashboards and alerts are made of them. Labels are few; a run's id is one only while it runs
// here, for the first fifty.
import { Effect, Layer, Metric } from "effect"
import { readdir } from "node:fs/promises"
import { Committer } from "../actors/Committer.ts"
import { Lifecycle } from "../actors/Lifecycle.ts"
import { type Family, MetricRegistry, Metrics, type Sample, textOf } from "../actors/Metrics.ts"
import { RunnerStats } from "../actors/RunnerStats.ts"
import type { RunState } from "../domain/DatasetRun.ts"
import { EventLoop } from "./EventLoop.ts"
import { version } from "./Package.ts"

/** Runs with counts of their own; all are counted by `polya_runs_driven`. */
const maxRuns = 50

type Plain = "counter" | "gauge"
const one = (type: Plain, name: string, help: string, value: number): Family => ({
  name,
  help,
  type,
  labels: [],
  samples: [{ labels: [], value }]
})
const many = (
  type: Plain,
  name: string,
  help: string,
  labels: ReadonlyArray<string>,
  samples: Iterable<readonly [labels: ReadonlyArray<string>, value: number]>
): Family => ({
  name,
  help,
  type,
  labels,
  samples: Array.from(samples, ([labels, value]): Sample => ({ labels, value }))
})

export const layer: Layer.Layer<Metrics, never, Committer | EventLoop> = Layer.effect(
  Metrics,
  Effect.gen(function*() {
    const { stats } = yield* Committer
    const runner = yield* RunnerStats
    const registry = yield* MetricRegistry
    const lifecycle = yield* Lifecycle
    const loop = yield* EventLoop

    const commands = (): ReadonlyArray<Family> => {
      const { answers, duplicates, fenced, flushActors, flushMillis, flushes, loads, splits, waiting } = stats
      return [
        many(
          "counter",
          "polya_commands_total",
          "Commands answered on this runner, by actor type, command and outcome.",
          ["type", "command", "outcome"],
          [...answers].flatMap(([name, outcomes]) => {
            const at = name.indexOf(".")
            return [...outcomes].map(([outcome, count]) =>
              [[name.slice(0, at), name.slice(at + 1), outcome], count] as const
            )
          })
        ),
        one("gauge", "polya_commands_waiting", "Commands and reads that wait for a flush or a load now.", waiting),
        {
          name: "polya_commit_flush_seconds",
          help: "Time of a flush: one statement that commits the waiting commands of many actors.",
          type: "histogram",
          labels: [],
          bounds: flushMillis.bounds.map((bound) => bound / 1_000),
          distributions: [{ labels: [], counts: flushMillis.counts, sum: flushMillis.sum / 1_000 }]
        },
        {
          name: "polya_commit_flush_actors",
          help: "Actors committed by one flush.",
          type: "histogram",
          labels: [],
          bounds: flushActors.bounds,
          distributions: [{ labels: [], counts: flushActors.counts, sum: flushActors.sum }]
        },
        one("counter", "polya_commit_flushes_total", "Flushes that the store answered.", flushes),
        one(
          "counter",
          "polya_commit_splits_total",
          "Flushes cut in halves to find a row that the store refuses.",
          splits
        ),
        one("counter", "polya_actor_loads_total", "States of actors loaded from the store.", loads),
        one(
          "counter",
          "polya_actor_fenced_total",
          "Writes refused because another runner had moved the actor on.",
          fenced
        ),
        one(
          "counter",
          "polya_actor_duplicates_total",
          "Repeated commands answered with their stored reply.",
          duplicates
        ),
        many(
          "gauge",
          "polya_actors_resident",
          "Actors in memory on this runner, by type.",
          ["type"],
          [...runner.residents()].map(([type, count]) => [[type], count] as const)
        )
      ]
    }

    const stages = (): ReadonlyArray<Family> => {
      const { drives, driveFailures, driven, failovers, stages, workers } = runner
      const pool = workers?.()
      return [
        many(
          "counter",
          "polya_stage_rows_total",
          "Rows that a stage has worked on this runner, by outcome; a retried row counts again.",
          ["stage", "outcome"],
          [...stages].flatMap(([stage, { rows }]) =>
            Object.entries(rows).map(([outcome, count]) => [[stage, outcome], count] as const)
          )
        ),
        many(
          "counter",
          "polya_stage_seconds_total",
          "Time spent in a stage on this runner, over all its workers.",
          ["stage"],
          [...stages].map(([stage, { millis }]) => [[stage], millis / 1_000] as const)
        ),
        ...(pool === undefined ? [] : [
          one("gauge", "polya_stage_workers", "Worker threads for stages.", pool.workers),
          one("gauge", "polya_stage_workers_busy", "Worker threads that work on rows now.", pool.busy),
          one("gauge", "polya_stage_rows_waiting", "Rows that wait for a worker thread.", pool.waiting)
        ]),
        one("gauge", "polya_runs_driven", "Dataset runs that this process drives now.", driven.size),
        one("counter", "polya_drives_total", "Times that this process began to drive a run.", drives),
        one("counter", "polya_drives_broken_total", "Times that a run broke off here.", driveFailures),
        one(
          "counter",
          "polya_failovers_total",
          "Cluster shards that this runner took over from a process that had died.",
          failovers
        )
      ]
    }

    const runs = Effect.gen(function*() {
      const first = [...runner.driven].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, maxRuns)
      const states = yield* Effect.forEach(
        first,
        ([id, state]) =>
          state.pipe(
            Effect.timeout("1 second"),
            Effect.map((now): ReadonlyArray<readonly [string, RunState]> => [[id, now]]),
            Effect.orElseSucceed((): ReadonlyArray<readonly [string, RunState]> => [])
          ),
        { concurrency: "unbounded" }
      )
      return many(
        "gauge",
        "polya_run_rows",
        "Source rows of the runs that are driven here, by fate so far; `in` is all that were read.",
        ["run", "fate"],
        states.flat().flatMap(([id, { tally }]) => [
          [[id, "in"], tally.in] as const,
          [[id, "done"], tally.done] as const,
          [[id, "failed"], tally.failed] as const,
          [[id, "dropped"], Object.values(tally.dropped).reduce((sum, count) => sum + count, 0)] as const
        ])
      )
    })

    const machine = Effect.promise(async (): Promise<ReadonlyArray<Family>> => {
      const { arrayBuffers, external, heapTotal, heapUsed, rss } = process.memoryUsage()
      const { system, user } = process.cpuUsage()
      const { maxMillis, p50Millis, p99Millis } = loop.delay()
      const files = await readdir("/proc/self/fd").catch(() => undefined)
      return [
        many("gauge", "polya_build_info", "Version of polya and of Node; always 1.", ["version", "node"], [
          [[version, process.versions.node], 1]
        ]),
        many(
          "gauge",
          "polya_process_state",
          "1 for the state that the process is in.",
          ["state"],
          (["starting", "ready", "draining", "ended"] as const).map((state) =>
            [[state], state === lifecycle.state() ? 1 : 0] as const
          )
        ),
        many(
          "gauge",
          "polya_event_loop_delay_seconds",
          "Delay of the event loop in the last seconds: half of its turns, 99 in 100, the longest.",
          ["of"],
          [[["half"], p50Millis / 1_000], [["p99"], p99Millis / 1_000], [["max"], maxMillis / 1_000]]
        ),
        one(
          "counter",
          "polya_event_loop_active_seconds_total",
          "Time that the event loop had work.",
          loop.activeSeconds()
        ),
        one(
          "counter",
          "process_cpu_seconds_total",
          "CPU time of the process, all threads.",
          (user + system) / 1e6
        ),
        one("gauge", "process_resident_memory_bytes", "Memory that the process holds, all threads.", rss),
        one(
          "gauge",
          "process_start_time_seconds",
          "Start of the process since the epoch.",
          Math.round(performance.timeOrigin) / 1_000
        ),
        ...(files === undefined ? [] : [one("gauge", "process_open_fds", "Open files and sockets.", files.length)]),
        one("gauge", "nodejs_heap_size_used_bytes", "Heap in use on the main thread.", heapUsed),
        one("gauge", "nodejs_heap_size_total_bytes", "Heap reserved on the main thread.", heapTotal),
        one("gauge", "nodejs_external_memory_bytes", "Memory of objects beyond the heap.", external),
        one("gauge", "nodejs_array_buffers_bytes", "Memory of array buffers, part of external memory.", arrayBuffers)
      ]
    })

    return Metrics.of({
      render: Effect.gen(function*() {
        const snapshot = yield* Metric.snapshot
        const ofRuns = yield* runs
        const ofMachine = yield* machine
        return textOf([
          ...commands(),
          ...stages(),
          ofRuns,
          ...cluster(snapshot),
          ...registry.families(),
          ...ofMachine
        ])
      })
    })
  })
)

/** Gauges that Effect's cluster keeps of itself, under our names. */
const clusterGauges: ReadonlyArray<readonly [id: string, name: string, help: string]> = [
  ["effect_cluster_shards", "polya_cluster_shards_owned", "Cluster shards that this runner owns."],
  ["effect_cluster_shards_releasing", "polya_cluster_shards_releasing", "Cluster shards that it is handing over."],
  [
    "effect_cluster_runners",
    "polya_cluster_runners",
    "1 where this process is a runner: the sum over processes is the runners."
  ],
  [
    "effect_cluster_runners_healthy",
    "polya_cluster_runners_healthy",
    "1 where it is a runner that the cluster takes for alive."
  ],
  ["effect_cluster_singletons", "polya_cluster_singletons", "Singletons that run here."],
  ["effect_cluster_entities", "polya_cluster_hosts", "Hosts of actors that live here, by actor type."],
  [
    "effect_cluster_entity_mailbox_size_max",
    "polya_cluster_mailbox_messages_max",
    "Messages queued and in work at the fullest host of a type."
  ]
]

const cluster = (snapshot: ReadonlyArray<Metric.Metric.Snapshot>): ReadonlyArray<Family> =>
  clusterGauges.flatMap(([id, name, help]) => {
    const found = snapshot.filter((metric) => metric.id === id && metric.type === "Gauge")
    if (found.length === 0) return []
    const labels = found.some(({ attributes }) => attributes?.["type"] !== undefined) ? ["type"] : []
    // Several clusters in one process (tests have them) are one here: a series is there once.
    const sums = new Map<string, number>()
    for (const { attributes, state } of found) {
      const type = attributes?.["type"] ?? ""
      sums.set(type, (sums.get(type) ?? 0) + Number((state as Metric.GaugeState<number | bigint>).value))
    }
    return [many("gauge", name, help, labels, [...sums].map(([type, sum]) => [labels.length === 0 ? [] : [type], sum]))]
  })
