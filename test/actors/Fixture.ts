// A Polya in memory: the real actors and driver over in-memory ports, with rows, stages and faults given by the test.
import { Deferred, Effect, Layer, Schema, Stream } from "effect"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import * as ActorStoreMemory from "../../src/actors/ActorStoreMemory.ts"
import { DatasetRunActor, wake } from "../../src/actors/DatasetRunActor.ts"
import { patient } from "../../src/actors/DurableActor.ts"
import { StageRegistry, storeResources } from "../../src/actors/Plans.ts"
import * as Polya from "../../src/actors/Polya.ts"
import { RunIndex } from "../../src/actors/RunIndex.ts"
import * as RunIndexMemory from "../../src/actors/RunIndexMemory.ts"
import { type OutputRow, RunOutput } from "../../src/actors/RunOutput.ts"
import { Sources } from "../../src/actors/Sources.ts"
import { StageExecutor } from "../../src/actors/StageExecutor.ts"
import type { RunState } from "../../src/domain/DatasetRun.ts"
import { defaultLimits, type Limits, type Recipe } from "../../src/domain/Recipe.ts"
import type { SourceItem } from "../../src/domain/Source.ts"
import { expanded, type Fields, kept, type MapOutcome, type Stage } from "../../src/domain/Stage.ts"
import * as EmbeddedCluster from "../../src/runners/EmbeddedCluster.ts"

export const recipeOf = (stages: ReadonlyArray<string>, limits: Partial<Limits> = {}): Recipe => ({
  name: "test",
  version: 1,
  description: "",
  seed: 1,
  sources: [{ location: "memory" }],
  against: [],
  stages: stages.map((name) => ({ name, params: {} })),
  limits: { ...defaultLimits, batchRows: 8, inFlight: 32, ...limits },
  outputs: ["jsonl"],
  limitRows: null
})

/** Rows as a source; `null` is a row that cannot be read. */
export const itemsOf = (rows: ReadonlyArray<Fields | null>): ReadonlyArray<SourceItem> =>
  rows.map((fields, index): SourceItem => {
    const line = index + 1
    const next = { file: 0, offset: line, line, rows: line }
    return fields === null
      ? { _tag: "Fault", line, source: "memory", tag: "MalformedRow", message: "not JSON", next }
      : { _tag: "Row", line, source: "memory", key: String(line), fields, next }
  })

export interface World {
  readonly stages: ReadonlyArray<Stage>
  readonly rows: ReadonlyArray<Fields | null>
  /** Runs before a line is handed out: for tests that act at a certain place of the source. */
  readonly before?: (line: number) => Effect.Effect<void>
}

/** What a run's output was given, in order, and how often it was committed. */
export interface Written {
  rows: Array<OutputRow>
  commits: number
}

export const ports = (world: World, written: Written) =>
  Layer.mergeAll(
    StageExecutor.layerInline,
    EmbeddedCluster.layer(),
    Layer.succeed(StageRegistry, new Map(world.stages.map((stage) => [stage.name, stage]))),
    Layer.succeed(Sources, {
      open: () =>
        Effect.succeed({
          fingerprint: "f",
          bytes: null,
          rows: (from) =>
            Stream.fromIterable(itemsOf(world.rows).slice(from.rows)).pipe(
              Stream.rechunk(1),
              Stream.tap(({ line }) => world.before?.(line) ?? Effect.void)
            )
        }),
      benchmarks: () => Effect.succeed([])
    }),
    Layer.succeed(RunOutput, {
      open: () =>
        Effect.sync(() => {
          const rows: Array<OutputRow> = []
          return {
            write: (batch) => Effect.sync(() => void rows.push(...batch)),
            commit: Effect.sync(() => {
              written.rows = rows
              written.commits++
              return []
            })
          }
        })
    })
  )

export const memoryStore: Layer.Layer<ActorStore | RunIndex> = Layer.mergeAll(
  ActorStoreMemory.layer,
  RunIndexMemory.layer
)

/** A store that outlives the apps over it: what a crash leaves is what they committed. `faults` meets the n-th commit or index write. */
export const survivingStore = Effect.gen(function*() {
  const context = yield* Layer.build(Layer.fresh(memoryStore))
  return (faults: ReadonlyArray<ActorStoreMemory.Fault> = []): typeof memoryStore =>
    Layer.mergeAll(ActorStoreMemory.faulty(faults), faultyIndex(faults)).pipe(
      Layer.provide(Layer.succeedContext(context))
    )
})

/** Wraps an index: the n-th write meets the n-th fault of the plan, as `ActorStoreMemory.faulty` does for commits. */
export const faultyIndex = (plan: ReadonlyArray<ActorStoreMemory.Fault>): Layer.Layer<RunIndex, never, RunIndex> =>
  Layer.effect(
    RunIndex,
    Effect.map(RunIndex, (index) => {
      let call = 0
      const lost = new StoreFailed({ reason: "unavailable", detail: "the connection was lost" })
      const meet = <A, E>(write: Effect.Effect<A, E>): Effect.Effect<A, E | StoreFailed> =>
        Effect.suspend(() => {
          const fault = plan[call++] ?? "none"
          if (fault === "failBefore") return Effect.fail(lost)
          if (fault === "failAfter") return Effect.andThen(write, Effect.fail(lost))
          return write
        })
      return RunIndex.of({
        ...index,
        claim: (...args) => meet(index.claim(...args)),
        put: (...args) => meet(index.put(...args)),
        reopen: (...args) => meet(index.reopen(...args)),
        putResults: (...args) => meet(index.putResults(...args)),
        forget: (...args) => meet(index.forget(...args))
      })
    })
  )

/** The whole program over `store`. */
export const polya = <S = never>(
  world: World,
  written: Written,
  store: Layer.Layer<S | ActorStore | RunIndex> = memoryStore as Layer.Layer<S | ActorStore | RunIndex>
) => Polya.layer().pipe(Layer.provideMerge(ports(world, written)), Layer.provideMerge(store))

export const start = Effect.fnUntraced(function*(run: string, recipe: Recipe) {
  const client = (yield* DatasetRunActor.client)(run)
  const store = yield* ActorStore
  const resources = yield* patient(Effect.provideService(storeResources([]), ActorStore, store))
  yield* client.send("Start", { recipe, fingerprint: "f", resources, out: "", atMillis: 0 }, {
    commandId: `start-${run}`
  })
  yield* wake(run)
  return client
})

/** A place that a run comes to and stays at until it is let go. */
export const makeStop = Effect.gen(function*() {
  const reached = yield* Deferred.make<void>()
  const go = yield* Deferred.make<void>()
  return {
    here: Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(go)),
    reached: Deferred.await(reached),
    go: Effect.asVoid(Deferred.succeed(go, undefined))
  }
})

/** A fresh store in which a run stops before its set stages close for the first time: between its walks. */
export const stoppingStore = (here: Effect.Effect<void>): typeof memoryStore =>
  Layer.effect(
    RunIndex,
    Effect.map(RunIndex, (index) =>
      RunIndex.of({ ...index, reopen: (owner, stage) => Effect.andThen(here, index.reopen(owner, stage)) }))
  ).pipe(Layer.provideMerge(Layer.fresh(memoryStore)))

/** Map stages of tests. */
export const mapStage = (name: string, work: (fields: Fields) => MapOutcome): Stage => ({
  kind: "map",
  name,
  version: 1,
  cost: "cpu",
  summary: "",
  params: Schema.Struct({}),
  needs: [],
  prepare: () => work
})
/** Makes a row of each part of a problem between plus signs. */
export const halves: Stage = {
  ...mapStage("halves", () => kept()),
  kind: "expand",
  prepare: () => ({ problem }) =>
    String(problem).includes("+")
      ? expanded(String(problem).split("+").map((part) => ({ problem: part.trim() })))
      : kept()
}
export const fresh = (): Written => ({ rows: [], commits: 0 })

/** What the files of an output would hold, in order. */
export const outputOf = ({ rows }: Written): ReadonlyArray<string> => rows.map((row) => JSON.stringify(row))

/** Waits until the run is in one of the statuses; the deadline is the test's own. */
export const awaitStatus = Effect.fnUntraced(function*(run: string, ...statuses: ReadonlyArray<RunState["status"]>) {
  const client = (yield* DatasetRunActor.client)(run)
  const last = yield* Stream.runLast(
    client.watch.pipe(Stream.takeUntil(({ state }) => statuses.includes(state.status)))
  )
  if (last._tag === "None") return yield* Effect.die("the run's watch ended")
  return last.value.state
})

export const storedActors = Effect.fnUntraced(function*(type: string) {
  const store = yield* ActorStore
  return yield* store.list(type, { limit: 1000 })
})
