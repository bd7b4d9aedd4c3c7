// The laws of a plan: every stage is gone through once, in order, each set stage is closed between the walks around it, the output is last.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { planOf, planSteps } from "../../src/domain/Plan.ts"
import { defaultLimits, type Recipe } from "../../src/domain/Recipe.ts"
import type { Stage } from "../../src/domain/Stage.ts"

const base = { version: 1, cost: "cpu", summary: "", params: Schema.Struct({}), needs: [] } as const
const map: Stage = { ...base, kind: "map", name: "map", prepare: () => () => ({ _tag: "Kept", patch: {} }) }
const set: Stage = {
  ...base,
  kind: "set",
  name: "set",
  prepare: () => () => ({ key: null, bands: [], payload: null, stratum: null })
}
const registry = new Map([map, set].map((stage) => [stage.name, stage]))
const recipeOf = (names: ReadonlyArray<string>, params = {}, seed = 1): Recipe => ({
  name: "test",
  version: 1,
  description: "",
  seed,
  sources: [],
  against: [],
  stages: names.map((name) => ({ name, params })),
  limits: defaultLimits,
  outputs: ["jsonl"],
  limitRows: null
})
const drawn = Schema.Array(Schema.Literals(["map", "set"])).check(Schema.isMaxLength(12))
const runs = { arbitrary: { seed: 2026, runs: 300 } }
const plan = (names: ReadonlyArray<string>, params = {}, seed = 1, resources = "r") =>
  planOf(recipeOf(names, params, seed), registry, () => ({}), resources)

describe("a plan", () => {
  it.prop("covers every stage once, and closes each set stage before the walk that applies it", [drawn], ([names]) => {
    const steps = planSteps(recipeOf(names), registry)
    const closed = new Set<number>()
    let reached = 0
    steps.forEach((step, at) => {
      if (step._tag === "Output") return assert.strictEqual(at, steps.length - 1)
      if (step._tag === "Close") {
        const before = steps[at - 1]
        assert.deepStrictEqual(step.stages, before?._tag === "Walk" ? before.index : [])
        for (const ord of step.stages) closed.add(ord)
        return
      }
      assert.strictEqual(step.source, at === 0)
      assert.strictEqual(step.from, reached)
      reached = step.to
      for (let ord = step.from; ord < step.to; ord++) {
        if (names[ord] === "set") assert.isTrue(closed.has(ord))
      }
      assert.isTrue(step.index.every((ord) => names[ord] === "set"))
      assert.strictEqual(step.last, step.index.length === 0)
    })
    assert.strictEqual(reached, names.length)
    assert.strictEqual(closed.size, names.filter((name) => name === "set").length)
    assert.strictEqual(steps.filter((step) => step._tag === "Walk" && step.last).length, 1)
  }, runs)

  it("of no stage walks once over the source and writes", () => {
    const walk = { _tag: "Walk", from: 0, to: 0, index: [], source: true, last: true } as const
    assert.deepStrictEqual(planSteps(recipeOf([]), registry), [walk, { _tag: "Output" }])
  })

  it("names the inputs of a stage by all that comes before it, its parameters, the seed and the resources", () => {
    const names = ["map", "set", "map"]
    const { chain } = plan(names)
    assert.strictEqual(new Set(chain).size, 3)
    assert.deepStrictEqual(plan(names).chain, chain)
    assert.deepStrictEqual(plan([...names, "set"]).chain.slice(0, 3), chain)
    for (const other of [plan(names, { x: 1 }), plan(names, {}, 2), plan(names, {}, 1, "other")]) {
      assert.isTrue(other.chain.every((one) => !chain.includes(one)))
    }
    assert.strictEqual(plan(["set", "map"]).chain.some((one) => chain.includes(one)), false)
  })

  it("does not exist for a stage that the program does not have", () => {
    assert.throws(() => plan(["unheard-of"]), /unheard-of/)
  })
})
