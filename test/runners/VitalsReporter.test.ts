// Which cluster shards count as failed over: those of a process that died, not those that were handed over.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Processes } from "../../src/actors/Processes.ts"
import * as ProcessesMemory from "../../src/actors/ProcessesMemory.ts"
import { makeRunnerStats, RunnerStats } from "../../src/actors/RunnerStats.ts"
import { decodeVitals, type Vitals } from "../../src/domain/Vitals.ts"
import { makeFailoverCounter } from "../../src/runners/VitalsReporter.ts"

const vitals = (clusterShards: ReadonlyArray<string>): Vitals => ({
  pid: 1,
  hostName: "h",
  version: "0",
  reasons: [],
  clusterShards,
  runners: [],
  drives: [],
  residents: {},
  commits: { waiting: 0, flushes: 0, actors: 0, commands: 0, loads: 0, fenced: 0, duplicates: 0, flushMillis: 0 },
  driversStarted: 0,
  driversBroken: 0,
  failovers: 0,
  workers: null,
  loopDelayP99Millis: 0,
  loopDelayMaxMillis: 0,
  memoryBytes: 0,
  heapBytes: 0,
  cpuMillis: 0,
  settings: null
})

const say = (id: string, state: "ready" | "ended", clusterShards: ReadonlyArray<string>) =>
  Effect.flatMap(
    Processes,
    (processes) =>
      processes.say({
        id,
        kind: "runner",
        address: null,
        groups: [],
        startedMillis: 0,
        state,
        vitals: vitals(clusterShards)
      })
  )

const counting = <E>(
  body: (
    look: (clusterShards: ReadonlyArray<string>) => Effect.Effect<void, any>,
    counted: () => number
  ) => Effect.Effect<void, E, Processes>
) =>
  Effect.suspend(() => {
    const stats = makeRunnerStats()
    return Effect.gen(function*() {
      const look = yield* makeFailoverCounter("me")
      yield* body(look, () => stats.failovers)
    }).pipe(Effect.provide(Layer.merge(ProcessesMemory.layer, Layer.succeed(RunnerStats, stats))))
  })

describe("fail-overs", () => {
  it.effect("count the cluster shards of a process that fell silent, once it was silent for long", () =>
    counting((look, counted) =>
      Effect.gen(function*() {
        yield* look(["default:1"])
        yield* say("dead", "ready", ["default:2", "default:3"])
        yield* TestClock.adjust("1 second")
        yield* look(["default:1", "default:2", "default:3"])
        assert.strictEqual(counted(), 0)
        yield* TestClock.adjust("5 seconds")
        yield* look(["default:1", "default:2", "default:3"])
        assert.strictEqual(counted(), 2)
        yield* TestClock.adjust("60 seconds")
        yield* look(["default:1", "default:2", "default:3"])
        assert.strictEqual(counted(), 2)
      })
    ))

  it.effect("do not count what a living process gave away, or one that ended", () =>
    counting((look, counted) =>
      Effect.gen(function*() {
        yield* say("generous", "ready", ["default:1"])
        yield* say("gone", "ready", ["default:2"])
        yield* look(["default:1", "default:2"])
        yield* TestClock.adjust("1 second")
        yield* say("generous", "ready", [])
        yield* say("gone", "ended", [])
        yield* look(["default:1", "default:2"])
        yield* TestClock.adjust("20 seconds")
        yield* look(["default:1", "default:2"])
        assert.strictEqual(counted(), 0)
      })
    ))
})

describe("vitals", () => {
  it("of a newer version of the program are still read, and what they are not is not", () => {
    assert.strictEqual(decodeVitals({ ...vitals(["default:1"]), more: "of it" })._tag, "Some")
    assert.strictEqual(decodeVitals({ pid: 1 })._tag, "None")
  })
})
