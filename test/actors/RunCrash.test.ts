// Crashes in memory: the whole app over one surviving store is interrupted at seeded moments and started again, with lost answers,
// refused writes and other owners in between. What comes out is what an undisturbed run gives.
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { ActorStore, StoreFailed } from "../../src/actors/ActorStore.ts"
import { type Fault, seededFaults } from "../../src/actors/ActorStoreMemory.ts"
import { wake } from "../../src/actors/DatasetRunActor.ts"
import { RunIndex } from "../../src/actors/RunIndex.ts"
import { dropped, failed, kept } from "../../src/domain/Stage.ts"
import { stages as registry } from "../../src/domain/stages/Registry.ts"
import type { Tally } from "../../src/domain/Tally.ts"
import {
  awaitStatus,
  fresh,
  halves,
  mapStage,
  memoryStore,
  outputOf,
  polya,
  recipeOf,
  start,
  survivingStore,
  type World,
  type Written
} from "./Fixture.ts"

const upper = mapStage("upper", ({ problem }) => kept({ problem: String(problem).toUpperCase() }))
const noSeven = mapStage("no-seven", ({ problem }) => String(problem).endsWith("7") ? dropped("seven") : kept())
const breaks = mapStage("breaks", ({ problem }) => String(problem).includes("BAD") ? failed("Broken", "bad") : kept())
const set = (name: string) => registry.get(name) ?? assert.fail(`there is no stage ${name}`)
const stages = [halves, upper, noSeven, breaks, set("exact-duplicates"), set("near-duplicates"), set("split")]
const names = ["halves", "upper", "exact-duplicates", "no-seven", "breaks", "near-duplicates", "split"]
const rows = [
  ...Array.from({ length: 14 }, (_, i) => ({ problem: `How many sheep are ${i} and ${i * i}?` })),
  null,
  { problem: "What is 1? + What is bad? + What is 1? + What is 17" },
  ...Array.from({ length: 7 }, (_, i) => ({ problem: `How many sheep are ${i} and ${i * i}?` })),
  null,
  ...Array.from({ length: 7 }, (_, i) => ({ problem: `The number ${i} + the number ${i + 1}` }))
]
const recipe = recipeOf(names, { batchRows: 4, inFlight: 12 })

/** Counts without the times, which differ. */
const countsOf = (tally: Tally): Tally => ({
  ...tally,
  stages: tally.stages.map((stage) => ({ ...stage, millis: 0 }))
})

const begin = Effect.gen(function*() {
  yield* start("run", recipe)
  const state = yield* awaitStatus("run", "done", "failed")
  assert.strictEqual(state.status, "done", JSON.stringify(state.error))
  return countsOf(state.tally)
})

/** One app over `store`, from the start of the run or from where it stands to its end. */
const app = (written: Written, store: typeof memoryStore, before: World["before"] = () => Effect.void) =>
  Effect.provide(begin, polya({ stages, rows, before }, written, store))

/** Equal seeds give equal numbers in [0, 1). */
const numbersOf = (seed: number) => {
  const drawn = seededFaults(seed * 7919 + 13, 64, Array.from({ length: 97 }, (_, i) => ({ delayMillis: i })))
  return drawn.map((fault) => (typeof fault === "string" ? 0 : fault.delayMillis / 97))
}

const undisturbed = Effect.gen(function*() {
  const written = fresh()
  const counts = yield* app(written, Layer.fresh(memoryStore))
  return { counts, output: outputOf(written) }
})

/** The store as one app sees it that is killed at its `writes`-th write, before or after it is done: nothing it asks for later happens. */
const dyingStore = Effect.fnUntraced(function*(store: typeof memoryStore, writes: number, after: boolean) {
  const dead = yield* Deferred.make<void>()
  let left = writes
  const write = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      left--
      if (left > 0) return call
      const killed = Effect.andThen(Deferred.succeed(dead, undefined), Effect.never)
      return left === 0 && after ? Effect.andThen(call, killed) : killed
    })
  const layer = Layer.effectContext(Effect.gen(function*() {
    const actors = yield* ActorStore
    const index = yield* RunIndex
    return Context.make(ActorStore, { ...actors, commit: (batch) => write(actors.commit(batch)) }).pipe(
      Context.add(RunIndex, {
        ...index,
        claim: (...args) => write(index.claim(...args)),
        put: (...args) => write(index.put(...args)),
        reopen: (...args) => write(index.reopen(...args)),
        putResults: (...args) => write(index.putResults(...args)),
        forget: (...args) => write(index.forget(...args))
      })
    )
  })).pipe(Layer.provide(store))
  return { layer, dies: Effect.as(Deferred.await(dead), undefined) }
})

const crashing = (seed: number, faults: ReadonlyArray<Fault>) =>
  Effect.scoped(Effect.gen(function*() {
    const storeOf = yield* survivingStore
    const written = fresh()
    const numbers = numbersOf(seed)
    for (let life = 0;; life++) {
      const writes = life < 3 ? 1 + Math.floor((numbers[life] ?? 0) * 40) : Number.POSITIVE_INFINITY
      // The first write keeps the run's benchmark texts, which nobody else could have written: it meets no fault.
      const met: ReadonlyArray<Fault> = ["none", ...faults.slice(life * 40, life * 40 + 40)]
      const store = yield* dyingStore(storeOf(met), writes, (seed + life) % 2 === 0)
      const counts = yield* Effect.raceFirst(app(written, store.layer), store.dies)
      if (counts !== undefined) return { counts, output: outputOf(written) }
    }
  }))

const seeds = Array.from({ length: 40 }, (_, seed) => seed)

describe("a run whose process dies", () => {
  it.live("gives what an undisturbed run gives, whenever that is", () =>
    Effect.gen(function*() {
      const expected = yield* undisturbed
      yield* Effect.forEach(
        seeds,
        (seed) => Effect.map(crashing(seed, []), (found) => assert.deepStrictEqual(found, expected, `seed ${seed}`)),
        { concurrency: 10, discard: true }
      )
    }), 240_000)

  it.live("does so over a store that loses writes and answers, too", () =>
    Effect.gen(function*() {
      const expected = yield* undisturbed
      yield* Effect.forEach(
        seeds,
        (seed) => {
          const faults = seededFaults(seed + 1, 200, ["none", "none", "none", "failBefore", "failAfter", "fence"])
          return Effect.map(crashing(seed, faults), (found) => assert.deepStrictEqual(found, expected, `seed ${seed}`))
        },
        { concurrency: 10, discard: true }
      )
    }), 240_000)
})

describe("a run over a store", () => {
  /** A store whose writes fail as `failure` says, as long as it says so. */
  const failing = (failure: { reason: StoreFailed["reason"] | undefined; failed: number }) => {
    const fails = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | StoreFailed> =>
      Effect.suspend((): Effect.Effect<A, E | StoreFailed> => {
        if (failure.reason === undefined) return call
        failure.failed++
        return Effect.fail(new StoreFailed({ reason: failure.reason, detail: "the test says so" }))
      })
    return Layer.effectContext(Effect.gen(function*() {
      const actors = yield* ActorStore
      const index = yield* RunIndex
      return Context.make(ActorStore, {
        ...actors,
        commit: (batch) => fails(actors.commit(batch)) as ReturnType<typeof actors.commit>
      }).pipe(Context.add(RunIndex, { ...index, put: (...args) => fails(index.put(...args)) }))
    })).pipe(Layer.provide(Layer.fresh(memoryStore)))
  }

  it.live("that is away for a while waits and goes on, and its watchers see the end", () => {
    const failure = { reason: undefined as StoreFailed["reason"] | undefined, failed: 0 }
    const written = fresh()
    return Effect.gen(function*() {
      const expected = yield* undisturbed
      const counts = yield* app(written, failing(failure), (line) =>
        Effect.gen(function*() {
          if (line !== 12) return
          failure.reason = "unavailable"
          yield* Effect.forkChild(
            Effect.sync(() => failure.failed >= 5).pipe(
              Effect.delay("5 millis"),
              Effect.repeat({ until: (is) => is }),
              Effect.andThen(Effect.sync(() => void (failure.reason = undefined)))
            )
          )
        }))
      assert.isAtLeast(failure.failed, 5)
      assert.deepStrictEqual({ counts, output: outputOf(written) }, expected)
    })
  })

  it.live("that loses the answer to a run's last commit shows its end to watchers all the same", () => {
    const written = fresh()
    let lost = 0
    const store = Layer.effect(
      ActorStore,
      Effect.map(ActorStore, (actors) =>
        ActorStore.of({
          ...actors,
          commit: (batch) => {
            const isEnd = batch.some(({ state, type }) =>
              type === "DatasetRun" && state.includes("\"status\":\"done\"")
            )
            if (!isEnd || lost++ > 0) return actors.commit(batch)
            const failure = new StoreFailed({ reason: "unavailable", detail: "the answer was lost" })
            return Effect.andThen(actors.commit(batch), Effect.fail(failure))
          }
        }))
    ).pipe(Layer.provideMerge(Layer.fresh(memoryStore)))
    return Effect.map(app(written, store), (counts) => {
      assert.strictEqual(lost, 1)
      assert.strictEqual(counts.in, rows.length)
      assert.strictEqual(written.commits, 1)
    })
  })

  it.live("that is full says so, and the run goes on from what it holds when there is space again", () => {
    const failure = { reason: undefined as StoreFailed["reason"] | undefined, failed: 0 }
    const written = fresh()
    const world: World = {
      stages,
      rows,
      before: (line) => Effect.sync(() => void (line === 12 && failure.failed === 0 && (failure.reason = "full")))
    }
    const full = Effect.gen(function*() {
      const run = yield* start("run", recipe)
      const told = yield* wake("run").pipe(Effect.repeat({ until: ({ trouble }) => trouble !== null }))
      assert.match(told.trouble?.message ?? "", /full/)
      const { state } = yield* run.get
      assert.strictEqual(state.status, "running")
      assert.isBelow(state.tally.in, rows.length)
      failure.reason = undefined
      return countsOf((yield* awaitStatus("run", "done", "failed")).tally)
    }).pipe(Effect.provide(polya(world, written, failing(failure))))
    return Effect.gen(function*() {
      const counts = yield* full
      assert.deepStrictEqual({ counts, output: outputOf(written) }, yield* undisturbed)
    })
  }, 20_000)
})
