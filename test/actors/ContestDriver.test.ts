// The driver of one contest over a handle of the test: it goes on whatever its passes wait for.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Stream } from "effect"
import { ActorStore } from "../../src/actors/ActorStore.ts"
import { type ContestHandle, drive } from "../../src/actors/ContestDriver.ts"
import { Solves } from "../../src/actors/Solves.ts"
import { type ContestState, defaultReserve, initialContest } from "../../src/domain/Contest.ts"
import { noVotes } from "../../src/domain/Contest/Tally.ts"
import { inVirtualTime, strategyOf } from "./SolveFixture.ts"

/** One pass of one problem, under way. */
const running = (pass: number, deadlineMillis: number): ContestState => ({
  ...initialContest,
  status: "running",
  spec: {
    model: "m",
    strategy: strategyOf("greedy"),
    seed: 3,
    mode: "given",
    problems: 1,
    totalMillis: 3_600_000,
    reserveMillis: defaultReserve(3_600_000),
    parallel: 1,
    passes: 2,
    hardQuota: null,
    modulo: null,
    fallback: 0,
    owner: "test"
  },
  problems: [{
    id: "one",
    status: "running",
    pass,
    failures: 0,
    startedMillis: 0,
    deadlineMillis,
    tally: noVotes,
    live: null,
    millis: 0,
    tokens: 0,
    microDollars: 0,
    stop: null,
    error: null
  }]
})

describe("the driver of a contest", () => {
  it.effect("does not wait for a problem's next pass while its last one is still called off", () => {
    let state = running(1, 1_000)
    const handle: ContestHandle = {
      id: "c",
      state: Effect.sync(() => state),
      refresh: Effect.void,
      send: (tag) =>
        Effect.sync(() => {
          // The next pass begins at once.
          if (tag === "End") state = running(2, 1_000_000)
          return null
        })
    }
    const away = { load: () => Effect.never } as unknown as ActorStore["Service"]
    const solves = {
      start: () => Effect.void,
      watch: () => Stream.never,
      state: () => Effect.never,
      cancel: () => Effect.never
    } as unknown as Solves["Service"]
    const driven = drive(handle).pipe(
      Effect.provideService(ActorStore, away),
      Effect.provideService(Solves, solves)
    ) as Effect.Effect<void, unknown>
    const ends = Effect.andThen(Effect.sleep("20 seconds"), Effect.sync(() => state = { ...state, status: "done" }))
    return inVirtualTime(Effect.gen(function*() {
      yield* Effect.all([driven, ends], { concurrency: 2 })
      assert.strictEqual(state.problems[0]?.pass, 2)
      assert.isBelow(yield* Clock.currentTimeMillis, 21_000)
    }))
  })
})
