import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { ProblemActor } from "../../src/actors/ProblemActor.ts"
import { dropped, expanded, failed, kept, type Stage } from "../../src/domain/Stage.ts"
import { awaitStatus, polya, recipeOf, start, type Written } from "./Fixture.ts"

const none = Schema.Struct({})
const upper: Stage = {
  kind: "map",
  name: "upper",
  version: 1,
  cost: "cpu",
  summary: "",
  params: none,
  needs: [],
  prepare: () => ({ problem }) => kept({ problem: String(problem).toUpperCase() })
}
const noThree: Stage = {
  ...upper,
  name: "no-three",
  prepare: () => ({ problem }) => String(problem).endsWith("3") ? dropped("three", { digit: 3 }) : kept()
}
const halves: Stage = {
  ...upper,
  kind: "expand",
  name: "halves",
  prepare: () => ({ problem }) =>
    String(problem).includes("+")
      ? expanded(String(problem).split("+").map((part) => ({ problem: part.trim() })))
      : kept()
}
const breaks: Stage = {
  ...upper,
  name: "breaks",
  prepare: () => ({ problem }) => String(problem).includes("BAD") ? failed("Broken", "it is bad") : kept()
}
/** Fails each row's first `times` tries. */
const shaky = (times: number): Stage => {
  const tries = new Map<string, number>()
  return {
    ...upper,
    name: "shaky",
    prepare: () => ({ problem }) => {
      const seen = (tries.get(String(problem)) ?? 0) + 1
      tries.set(String(problem), seen)
      return seen <= times ? failed("Busy", "try again", "transient") : kept({ tries: seen })
    }
  }
}

const numbered = (n: number) => Array.from({ length: n }, (_, i) => ({ problem: `problem ${i}` }))
const fresh = (): Written => ({ rows: [], commits: 0 })

describe("a dataset run", () => {
  it.live("gives every source row one fate and the counts add up", () => {
    const written = fresh()
    const rows = [...numbered(50), null, { problem: "a + b + c3" }, { problem: "bad one" }]
    return Effect.gen(function*() {
      yield* start("r1", recipeOf(["halves", "upper", "no-three", "breaks"]))
      const state = yield* awaitStatus("r1", "done", "failed")
      assert.strictEqual(state.status, "done", JSON.stringify(state.error))
      const { tally } = state
      assert.strictEqual(tally.in, 53)
      assert.deepStrictEqual(tally.dropped, { "no-three/three": 5 })
      assert.strictEqual(tally.failed, 2)
      assert.strictEqual(tally.done, 53 - 5 - 2)
      assert.deepStrictEqual(tally.faults, { MalformedRow: 1 })
      assert.deepStrictEqual(tally.derived, { done: 2, dropped: 1, failed: 0, expanded: 0 })
      assert.strictEqual(written.commits, 1)
      assert.strictEqual(written.rows.filter((row) => row._tag === "Done").length, 47)
      assert.deepStrictEqual(written.rows.flatMap((row) => row._tag === "Failed" ? [[row.tag, row.line]] : []), [
        ["MalformedRow", 51],
        ["Broken", 53]
      ])
    }).pipe(Effect.provide(polya({ stages: [halves, upper, noThree, breaks], rows }, written)))
  })

  it.live("tries transient failures again and lets a row fail when its tries are used up", () => {
    const written = fresh()
    const stages = [shaky(2)]
    return Effect.gen(function*() {
      yield* start("r2", recipeOf(["shaky"], { attempts: 3 }))
      assert.strictEqual((yield* awaitStatus("r2", "done")).tally.done, 3)
      const client = (yield* ProblemActor.client)("r2.000000000.0")
      const { state } = yield* client.get
      assert.strictEqual(state.status, "done")
    }).pipe(Effect.provide(polya({ stages, rows: numbered(3) }, written)))
  })

  it.live("sends failed rows through again on demand and keeps the others' results", () => {
    const written = fresh()
    const stages = [shaky(2), upper]
    return Effect.gen(function*() {
      const client = yield* start("r3", recipeOf(["shaky", "upper"], { attempts: 2 }))
      const first = yield* awaitStatus("r3", "done")
      assert.strictEqual(first.tally.failed, 4)
      yield* client.send("RerunFailed", { atMillis: 1 })
      const again = yield* awaitStatus("r3", "done")
      assert.strictEqual(again.generation, 1)
      assert.strictEqual(again.tally.failed, 0)
      assert.strictEqual(again.tally.done, 4)
      assert.strictEqual(written.commits, 2)
    }).pipe(Effect.provide(polya({ stages, rows: numbered(4) }, written)))
  })
})
