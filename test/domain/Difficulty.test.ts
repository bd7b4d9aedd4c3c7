// Scores of difficulty on odd rows, and the laws of the mode in which the unsolved are the hardest.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  censoredDifficulty,
  isLadderTried,
  ladderTop,
  publishedDifficulty,
  quintileCuts,
  quintileOf,
  solvedLevel,
  structurePoints
} from "../../src/domain/Difficulty.ts"
import type { Json } from "../../src/domain/Json.ts"

const level = Schema.Union([Schema.Null, Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 12 }))])
const list = Schema.Array(Schema.Literal("m")).check(Schema.isMaxLength(6))
const fromText = Schema.Struct({ mechanisms: list, constraints: list, objects: list })
const fromSolution = Schema.Struct({
  reasoning_depth: Schema.Literals(["shallow", "medium", "deep", "null", ""]),
  case_split: Schema.Literals(["none", "binary", "multi"]),
  reasoning_shape: Schema.Literals(["linear", "branching", "multi_branch_recombine"]),
  technique_transitions: Schema.Union([Schema.Null, Schema.Literals(["2", "null", "-1"]), Schema.Finite]),
  invariant: Schema.Literals(["none", "implicit", "explicit"]),
  dead_end_pruning: Schema.Union([Schema.Null, Schema.Boolean])
})
const options = { arbitrary: { seed: 2026, runs: 500 } }

describe("publishedDifficulty", () => {
  it("takes whatever does not have the expected form for not known", () => {
    const odd: ReadonlyArray<Json | undefined> = [undefined, null, 5, "null", [], [1], true, { mechanisms: "many" }]
    for (const text of odd) {
      for (const solution of odd) assert.strictEqual(publishedDifficulty(null, text, solution), 2)
    }
    assert.strictEqual(publishedDifficulty(NaN, null, null), 2)
    assert.strictEqual(publishedDifficulty(Infinity, null, null), 2)
    assert.strictEqual(publishedDifficulty(1, null, { reasoning_depth: "constructor" }), 1)
    assert.strictEqual(publishedDifficulty(1, null, { technique_transitions: " 2 " }), 1.2)
    assert.strictEqual(publishedDifficulty(1, null, { technique_transitions: -5 }), 1)
    assert.strictEqual(publishedDifficulty(-0, null, { reasoning_depth: "shallow" }), 0)
  })

  it.prop("is finite and in [0, 6]", [level, fromText, fromSolution], ([at, text, solution]) => {
    const score = publishedDifficulty(at, text, solution)
    assert.isTrue(score >= 0 && score <= 6)
  }, options)
})

describe("censoredDifficulty", () => {
  it.prop("a higher level is harder whatever the structure, and the unsolved are the hardest", [
    level,
    level,
    fromText,
    fromSolution
  ], ([a, b, text, solution]) => {
    const rank = (at: number | null) => (at === null ? ladderTop + 1 : Math.min(ladderTop, Math.max(0, at)))
    const plain = censoredDifficulty(a, undefined, { reasoning_depth: "shallow" })
    const rich = censoredDifficulty(b, text, solution)
    if (rank(a) > rank(b)) assert.isAbove(plain, rich)
    if (rank(a) === rank(b)) assert.isAtMost(plain, rich)
    assert.isTrue(rich >= -0.15 && rich < ladderTop + 1.8)
  }, options)

  it.prop(
    "orders problems of one level by their structure",
    [fromText, fromSolution, fromText],
    ([one, solution, two]) => {
      const points = structurePoints(one, solution) - structurePoints(two, solution)
      const scores = censoredDifficulty(3, one, solution) - censoredDifficulty(3, two, solution)
      if (Math.abs(points) > 1e-9) assert.strictEqual(Math.sign(scores), Math.sign(points))
    },
    options
  )

  it("refuses a ladder without a top", () => {
    for (const top of [NaN, Infinity, -1]) assert.throws(() => censoredDifficulty(1, null, null, top), RangeError)
    assert.strictEqual(censoredDifficulty(null, null, null, 0), 1)
    assert.strictEqual(censoredDifficulty(3, null, null), 3)
  })
})

describe("isLadderTried", () => {
  it("asks for a pass, or for a try without one, on a level", () => {
    for (const one of [{ level: 1, passes: 0 }, { level: 0, passes: 2, attempts: 0 }, { level: 1, attempts: "2" }]) {
      assert.isTrue(isLadderTried([null, one]), JSON.stringify(one))
    }
    const untried = [{}, 5, "x", { passes: 1 }, { level: 1 }, { level: NaN, passes: 1 }, { level: 1, passes: NaN }]
    for (const one of [...untried, { level: 1, passes: 0, attempts: 0 }, { level: 1, passes: 0, attempts: -1 }]) {
      assert.isFalse(isLadderTried([one]), JSON.stringify(one))
    }
    for (const odd of [undefined, null, {}, "x", 3, []]) assert.isFalse(isLadderTried(odd))
  })
})

describe("solvedLevel", () => {
  it("is the lowest level with a pass among entries that make sense", () => {
    assert.strictEqual(solvedLevel([{ level: 5, passes: 2 }, { level: 0, passes: 0 }, { level: 1, passes: 1 }]), 1)
    assert.strictEqual(
      solvedLevel([{ level: "3", passes: 1 }, { level: 4, passes: "1" }, 7, null, { passes: 1 }]),
      null
    )
    assert.strictEqual(solvedLevel([{ level: 0, passes: 1 }]), 0)
    for (const odd of [undefined, null, {}, "x", 3]) assert.isNull(solvedLevel(odd))
  })
})

describe("quintiles", () => {
  const scores = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -50, maximum: 50 })))
    .check(Schema.isMinLength(1), Schema.isMaxLength(60))

  it.prop(
    "no quintile but through ties holds more than a fifth, and levels grow with the score",
    [scores],
    ([list]) => {
      const cuts = quintileCuts(list)
      assert.isNotNull(cuts)
      if (cuts === null) return
      assert.deepStrictEqual([...cuts].sort((a, b) => a - b), [...cuts])
      const ordered = list.toSorted((a, b) => a - b)
      const levels = ordered.map((score) => quintileOf(score, cuts))
      assert.deepStrictEqual(levels.toSorted((a, b) => a - b), levels)
      for (const [k, cut] of cuts.entries()) {
        // At most a share of (k + 1) / 5 lies strictly below the cut's place in the order.
        assert.isAtMost(
          ordered.filter((score) => score < cut).length,
          Math.ceil(((k + 1) / 5) * (list.length - 1) + 1e-9)
        )
      }
    },
    options
  )

  it("of distinct scores have equal sizes", () => {
    const list = Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 1_000)
    const cuts = quintileCuts(list)
    const sizes = [0, 0, 0, 0, 0]
    for (const score of list) {
      const at = quintileOf(score, cuts ?? [0, 0, 0, 0]) - 1
      sizes[at] = (sizes[at] ?? 0) + 1
    }
    assert.deepStrictEqual(sizes, [200, 200, 200, 200, 200])
  })

  it("of nothing are nothing, and of what is no number an error", () => {
    assert.isNull(quintileCuts([]))
    assert.throws(() => quintileCuts([1, NaN]), RangeError)
  })
})
