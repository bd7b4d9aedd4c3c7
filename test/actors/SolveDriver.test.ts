// The driver of one solve over a handle of the test: what it does when another driver was there, and when its reports take long.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { drive, type SolveHandle } from "../../src/actors/SolveDriver.ts"
import { Verdicts } from "../../src/actors/Verdicts.ts"
import type { Decision } from "../../src/domain/Decision.ts"
import * as Solve from "../../src/domain/Solve.ts"
import { makeScripted, says } from "./ScriptedGeneration.ts"
import { inVirtualTime, solving, specOf, strategyOf } from "./SolveFixture.ts"

type Decide = (state: Solve.SolveState, payload: any) => Decision<Solve.SolveState, void, unknown>
const laws: Readonly<Record<string, Decide>> = {
  Begin: Solve.begin,
  End: Solve.end,
  Select: Solve.select,
  TimeUp: Solve.timeUp
}
const decided = (decision: ReturnType<Decide>): Solve.SolveState => {
  if (decision._tag === "Refused") throw new Error(String(decision.error))
  return decision.state
}

/** A solve whose driver sees `seen` until it looks again; the store has `kept`. */
const handleOf = (seen: Solve.SolveState, kept = seen) => {
  const solve = { seen, kept }
  const handle: SolveHandle = {
    id: "s",
    state: Effect.sync(() => solve.seen),
    refresh: Effect.sync(() => {
      solve.seen = solve.kept
    }),
    send: (tag, payload) =>
      Effect.suspend(() => {
        const decision = laws[tag]?.(solve.kept, payload)
        if (decision === undefined || decision._tag === "Refused") return Effect.fail(decision?.error)
        solve.seen = solve.kept = decision.state
        return Effect.void
      })
  }
  return { handle, solve }
}
const started = (spec: Solve.SolveSpec) => decided(Solve.start(Solve.initialSolve, { spec, atMillis: 0 }))

describe("the driver of a solve", () => {
  it.effect("goes on when another driver had begun a sample that it did not know of", () => {
    const scripted = makeScripted(() => says("So it is $\\boxed{42}$."), { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const seen = started(specOf(strategyOf("greedy")))
      const kept = decided(Solve.begin(seen, { samples: [{ sample: 0, attempt: 1 }], atMillis: 0 }))
      const { handle, solve } = handleOf(seen, kept)
      yield* drive(handle)
      assert.strictEqual(solve.kept.status, "done")
      assert.strictEqual(solve.kept.answer, "42")
      assert.strictEqual(solve.kept.samples[0]?.attempt, 2)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("keeps its deadline where a late sample's answer takes long to find", () => {
    const scripted = makeScripted(() => Effect.delay(says("So it is $\\boxed{42}$."), "9 seconds"), { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const { handle, solve } = handleOf(
        started(specOf(strategyOf("greedy"), { budget: { tokens: null, millis: 10_000 } }))
      )
      const verdicts = yield* Verdicts
      yield* Effect.provideService(drive(handle), Verdicts, { ...verdicts, vote: () => Effect.never })
      assert.strictEqual(solve.kept.stop?._tag, "TimeUp")
      assert.isAtMost(yield* Clock.currentTimeMillis, 10_000)
    })).pipe(Effect.provide(solving(scripted)))
  })

  it.effect("begins nothing once the time is up", () => {
    const scripted = makeScripted(() => Effect.never, { models: ["m"] })
    return inVirtualTime(Effect.gen(function*() {
      const { handle, solve } = handleOf(
        started(specOf(strategyOf("majority-8"), { budget: { tokens: null, millis: 1_000 } }))
      )
      yield* Effect.sleep("2 seconds")
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(drive(handle))))
      assert.strictEqual(solve.kept.status, "done")
      assert.deepStrictEqual(solve.kept.samples, [])
      assert.strictEqual(scripted.asked.length, 0)
    })).pipe(Effect.provide(solving(scripted)))
  })
})
