import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { makeRegistry, MetricRegistry, Metrics } from "../../src/actors/Metrics.ts"
import { ProblemActor } from "../../src/actors/ProblemActor.ts"
import { makeRunnerStats, RunnerStats } from "../../src/actors/RunnerStats.ts"
import { dropped, failed, kept } from "../../src/domain/Stage.ts"
import { EventLoop } from "../../src/runners/EventLoop.ts"
import * as RunnerMetrics from "../../src/runners/Metrics.ts"
import { awaitStatus, fresh, makeStop, mapStage, polya, recipeOf, start, type World } from "../actors/Fixture.ts"
import { growing, parse, valueOf } from "../PrometheusText.ts"

const stages = () => {
  const tried = new Set<string>()
  return [
    mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() })),
    mapStage("no-three", ({ problem }) => String(problem).endsWith("3") ? dropped("three") : kept()),
    mapStage("shaky", ({ problem }) => {
      const text = String(problem)
      if (text.endsWith("4")) return failed("Broken", "it is four")
      if (!text.endsWith("5") || tried.has(text)) return kept()
      tried.add(text)
      return failed("Busy", "try again", "transient")
    })
  ]
}
const rows = Array.from({ length: 20 }, (_, i) => ({ problem: `problem ${i}` }))

const over = (world: World) =>
  RunnerMetrics.layer.pipe(
    Layer.provideMerge(polya(world, fresh())),
    Layer.provideMerge(Layer.mergeAll(
      EventLoop.layer,
      Layer.sync(RunnerStats, makeRunnerStats),
      Layer.sync(MetricRegistry, makeRegistry)
    ))
  )

/** Drivers end a moment after their run has. */
const atRest = Effect.flatMap(
  RunnerStats,
  ({ driven }) => Effect.repeat(Effect.yieldNow, { until: () => driven.size === 0 })
)

const scrape = Effect.flatMap(Metrics, ({ render }) => Effect.map(render, parse))

describe("metrics", () => {
  it.live("are text that a strict reader reads, from the first moment on", () =>
    Effect.gen(function*() {
      const families = yield* scrape
      assert.strictEqual(valueOf(families, "polya_commit_flush_seconds_count"), 0)
      assert.strictEqual(valueOf(families, "polya_process_state", { state: "ready" }), 1)
      assert.isAbove(valueOf(families, "process_resident_memory_bytes") ?? 0, 1e6)
      assert.isTrue([...families.values()].every(({ help, type }) => help !== "" && type !== ""))
    }).pipe(Effect.provide(over({ stages: stages(), rows: [] }))))

  it.live("say what a run did: commands, flushes, stages, fates", () =>
    Effect.gen(function*() {
      yield* start("r1", recipeOf(["upper", "no-three", "shaky"]))
      yield* awaitStatus("r1", "done", "failed")
      yield* atRest
      const families = yield* scrape
      const rowsOf = (stage: string, outcome: string) => valueOf(families, "polya_stage_rows_total", { stage, outcome })
      assert.strictEqual(rowsOf("upper", "kept"), 20)
      assert.strictEqual(rowsOf("no-three", "kept"), 18)
      assert.strictEqual(rowsOf("no-three", "dropped"), 2)
      assert.strictEqual(rowsOf("shaky", "failed"), 2)
      assert.strictEqual(rowsOf("shaky", "retried"), 2)
      assert.strictEqual(rowsOf("shaky", "kept"), 16)
      const commands = (command: string) =>
        valueOf(families, "polya_commands_total", { type: "Problem", command, outcome: "done" })
      assert.strictEqual(commands("Ingest"), 20)
      assert.strictEqual(commands("Record"), 20)
      assert.strictEqual(
        valueOf(families, "polya_commands_total", { type: "DatasetRun", command: "Finish", outcome: "done" }),
        1
      )
      const flushes = valueOf(families, "polya_commit_flushes_total")
      assert.isAbove(flushes ?? 0, 3)
      assert.strictEqual(valueOf(families, "polya_commit_flush_seconds_count"), flushes)
      assert.strictEqual(valueOf(families, "polya_drives_total"), 1)
      assert.strictEqual(valueOf(families, "polya_commands_waiting"), 0)
      assert.strictEqual(valueOf(families, "polya_actors_resident", { type: "DatasetRun" }), 1)
      assert.isAbove(valueOf(families, "polya_cluster_shards_owned") ?? 0, 0)
      // Finished runs have no series, and no id of a row is a label.
      assert.deepStrictEqual(families.get("polya_run_rows")?.series, [])
      const labels = [...families.values()].flatMap(({ series }) =>
        series.flatMap(({ labels }) => Object.values(labels))
      )
      assert.deepStrictEqual(labels.filter((value) => value.startsWith("r1")), [])
    }).pipe(Effect.provide(over({ stages: stages(), rows }))))

  it.live("only count up, and name a run while it is driven here", () =>
    Effect.gen(function*() {
      const stop = yield* makeStop
      const world: World = {
        stages: stages(),
        rows,
        before: (line) => line === 15 ? stop.here : Effect.void
      }
      yield* Effect.gen(function*() {
        const before = growing(yield* scrape)
        yield* start("r1", recipeOf(["upper"], { batchRows: 4, inFlight: 4 }))
        yield* stop.reached
        const during = yield* scrape
        assert.strictEqual(valueOf(during, "polya_runs_driven"), 1)
        assert.isAtLeast(valueOf(during, "polya_run_rows", { run: "r1", fate: "in" }) ?? -1, 4)
        yield* stop.go
        yield* awaitStatus("r1", "done", "failed")
        const client = (yield* ProblemActor.client)("r1.000000001.0")
        yield* client.get
        const after = growing(yield* scrape)
        for (const [key, value] of before) assert.isAtLeast(growing(during).get(key) ?? -1, value, key)
        for (const [key, value] of growing(during)) assert.isAtLeast(after.get(key) ?? -1, value, key)
      }).pipe(Effect.provide(over(world)))
    }))

  it.live("name the first fifty runs and count them all", () =>
    Effect.gen(function*() {
      yield* start("r1", recipeOf(["upper"]))
      const state = yield* awaitStatus("r1", "done", "failed")
      yield* atRest
      const stats = yield* RunnerStats
      for (let i = 0; i < 120; i++) stats.driven.set(`run ${i} "\\\n`, Effect.succeed(state))
      stats.driven.set("a0", Effect.never)
      const families = yield* scrape
      assert.strictEqual(valueOf(families, "polya_runs_driven"), 121)
      const runs = new Set(families.get("polya_run_rows")?.series.map(({ labels }) => labels["run"]))
      // One of the first fifty did not answer in time.
      assert.strictEqual(runs.size, 49)
      stats.driven.clear()
    }).pipe(Effect.provide(over({ stages: stages(), rows: [] }))))
})
