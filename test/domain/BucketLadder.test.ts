// The ladder of models: what is tried, when a rung is decided, and that no run goes past its limits.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  type EarlierRung,
  ladderFed,
  ladderNext,
  type LadderPolicy,
  ladderPolicy,
  type LadderResult,
  ladderStart,
  type Rung,
  type TryOutcome
} from "../../src/domain/BucketLadder.ts"

const rung = (level: number, tries: Partial<Rung> = {}): Rung => ({
  level,
  tokens: 64 * (level + 1),
  seconds: level + 1,
  minTries: 1,
  maxTries: 2,
  ...tries
})
const three = [rung(0), rung(1), rung(4)]

/** Runs a ladder to its end; `solve` says what comes of a try. Throws past 1,000 tries. */
const run = (
  policy: LadderPolicy,
  solve: (level: number, attempt: number) => TryOutcome["outcome"],
  earlier: ReadonlyArray<EarlierRung> = [],
  tokens = 1
): { readonly result: LadderResult; readonly tries: ReadonlyArray<number> } => {
  let state = ladderStart(policy, earlier)
  const tries: Array<number> = []
  for (;;) {
    const step = ladderNext(state)
    if (step._tag === "Finished") return { result: step.result, tries }
    assert.isBelow(tries.length, 1_000)
    tries.push(step.rung.level)
    state = ladderFed(state, { outcome: solve(step.rung.level, step.attempt), tokens })
  }
}
const from = (least: number) => (level: number) => level >= least ? "pass" as const : "fail" as const

describe("a ladder that asks for any pass", () => {
  it("climbs until a rung passes and stops at the first pass", () => {
    const { result, tries } = run(ladderPolicy(three), from(1))
    assert.deepStrictEqual(tries, [0, 0, 1])
    assert.deepStrictEqual([result.level, result.attempts, result.passes, result.stop], [1, 1, 1, "solved"])
    assert.deepStrictEqual(result.rungs.map(({ state }) => state), ["unsolved", "solved", "open"])
    assert.isTrue(result.isCertain)
    assert.isTrue(result.interval.low > 0 && result.interval.high === 1)
  })

  it("has no level where no rung passes, and says how far it went", () => {
    const { result, tries } = run(ladderPolicy(three), () => "fail")
    assert.deepStrictEqual(tries, [0, 0, 1, 1, 4, 4])
    assert.deepStrictEqual([result.level, result.stop, result.highestTried, result.attempts], [null, "top", 4, 2])
    assert.strictEqual(result.interval.low, 0)
  })

  it("skips what earlier runs settled, tries failures again when asked to, and keeps to its bounds", () => {
    const failed = [{ level: 0, attempts: 2, passes: 0 }]
    assert.deepStrictEqual(run(ladderPolicy(three), from(1), failed).tries, [1])
    assert.deepStrictEqual(run(ladderPolicy(three, { retryFailed: true }), from(1), failed).tries, [0, 0, 1])
    const passed = run(ladderPolicy(three), from(9), [{ level: 0, attempts: 1, passes: 1 }])
    assert.deepStrictEqual([passed.tries, passed.result.level], [[], 0])
    // What a high rung solved may be solved by a lower one that nobody asked yet.
    const high = run(ladderPolicy(three), from(9), [{ level: 4, attempts: 1, passes: 1 }])
    assert.deepStrictEqual([high.tries, high.result.level], [[0, 0, 1, 1], 4])
    assert.deepStrictEqual(run(ladderPolicy(three, { lowestLevel: 1, highestLevel: 1 }), from(4)).tries, [1, 1])
    for (const odd of [NaN, -1, 1.5, Infinity]) {
      assert.deepStrictEqual(run(ladderPolicy(three), from(0), [{ level: 0, attempts: odd, passes: 0 }]).tries, [0])
    }
  })

  it("does not count errors as failures, and gives a rung up after too many", () => {
    const { result, tries } = run(ladderPolicy(three, { maxErrors: 1 }), (level) => level === 4 ? "pass" : "error")
    assert.deepStrictEqual(tries, [0, 0, 1, 1, 4])
    assert.deepStrictEqual([result.level, result.isCertain], [4, false])
    assert.deepStrictEqual(result.rungs.map(({ state }) => state), ["undecided", "undecided", "solved"])
    assert.deepStrictEqual(result.rungs[0]?.attempts, 0)
  })

  it("starts no try that does not fit into the tokens left", () => {
    const { result, tries } = run(ladderPolicy(three, { maxTokens: 200 }), from(4), [], 60)
    assert.deepStrictEqual([tries, result.stop, result.tokens], [[0, 0], "tokens", 120])
    assert.isFalse(result.isCertain)
    // A try that does not say what it took is counted with all it might have taken.
    assert.strictEqual(run(ladderPolicy([rung(0)]), from(1), [], NaN).result.tokens, 128)
  })
})

describe("a ladder that asks for a pass rate", () => {
  const policy = (atLeast: number, more: Partial<LadderPolicy> = {}, tries: Partial<Rung> = {}) =>
    ladderPolicy([rung(0, { minTries: 2, maxTries: 40, ...tries })], {
      solved: { _tag: "pass-rate", atLeast },
      ...more
    })

  it("tries more while the interval leaves the rate open, and less where it does not", () => {
    const sure = run(policy(0.5), () => "pass")
    const never = run(policy(0.5), () => "fail")
    const close = run(policy(0.5), (_, attempt) => attempt % 2 === 0 ? "pass" : "fail")
    assert.isBelow(sure.tries.length, 8)
    assert.isBelow(never.tries.length, 8)
    assert.isAbove(close.tries.length, 30)
    assert.deepStrictEqual([sure.result.level, never.result.level, close.result.level], [0, null, 0])
  })

  it("stops where the tries left cannot reach the rate any more, or cannot lose it", () => {
    const wide = policy(0.5, { z: 1_000 }, { maxTries: 10 })
    assert.strictEqual(run(wide, () => "fail").tries.length, 6)
    assert.strictEqual(run(wide, () => "pass").tries.length, 5)
    assert.strictEqual(run(policy(1, {}, { maxTries: 10 }), () => "fail").tries.length, 1)
  })

  it("judges more tries than it would allow, from an earlier run, by the rate over all of them", () => {
    const states = (atLeast: number, attempts: number, passes: number) =>
      run(policy(atLeast, {}, { maxTries: 4 }), () => "fail", [{ level: 0, attempts, passes }])
        .result.rungs.map(({ state }) => state)
    assert.deepStrictEqual(states(0.5, 1000, 10), ["unsolved"])
    assert.deepStrictEqual(states(0.5, 1000, 499), ["unsolved"])
    assert.deepStrictEqual(states(0.5, 1000, 500), ["solved"])
    assert.deepStrictEqual(states(0.1, 30, 3), ["solved"])
    assert.deepStrictEqual(states(0.1, 1_000_000_000, 99_999_999), ["unsolved"])
    assert.deepStrictEqual(states(0.1, 1_000_000_000, 100_000_000), ["solved"])
  })

  it("gives up early on what is hopeless", () => {
    const any = ladderPolicy([rung(0, { minTries: 3, maxTries: 100 })], { hopelessBelow: 0.3 })
    const { result, tries } = run(any, () => "fail")
    assert.isTrue(tries.length > 3 && tries.length < 15)
    assert.isBelow(result.interval.high, 0.3)
  })
})

it("a policy that makes no sense is refused", () => {
  const refused: ReadonlyArray<() => LadderPolicy> = [
    () => ladderPolicy([]),
    () => ladderPolicy([rung(1), rung(0)]),
    () => ladderPolicy([rung(0), rung(0)]),
    () => ladderPolicy([rung(0, { tokens: 0 })]),
    () => ladderPolicy([rung(0, { seconds: NaN })]),
    () => ladderPolicy([rung(0, { minTries: 3, maxTries: 2 })]),
    () => ladderPolicy(three, { hopelessBelow: 2 }),
    () => ladderPolicy(three, { z: 0 }),
    () => ladderPolicy(three, { solved: { _tag: "pass-rate", atLeast: 0 } })
  ]
  for (const make of refused) assert.throws(make, RangeError)
})

const outcomes = Schema.Array(Schema.Literals(["pass", "fail", "error"])).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(60)
)
const rates = Schema.Literals([0, 0.1, 0.5, 1])
const most = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))

it.prop(
  "every ladder ends within its tries, solves nothing without a pass, and adds up",
  [outcomes, rates, most, most],
  ([
    list,
    rate,
    one,
    two
  ]) => {
    const rungs = [rung(0, { maxTries: one }), rung(2, { minTries: Math.min(3, two), maxTries: two })]
    const policy = ladderPolicy(rungs, {
      solved: rate === 0 ? { _tag: "any-pass" } : { _tag: "pass-rate", atLeast: rate },
      hopelessBelow: rate / 4
    })
    let at = 0
    const { result, tries } = run(policy, () => list[at++ % list.length] ?? "fail")
    assert.isAtMost(tries.length, one + two + 2 * (policy.maxErrors + 1))
    for (const [i, { attempts, errors, interval, passes, state }] of result.rungs.entries()) {
      assert.isAtMost(attempts, rungs[i]?.maxTries ?? 0)
      assert.isAtMost(errors, policy.maxErrors + 1)
      assert.isTrue(0 <= interval.low && interval.low <= interval.high && interval.high <= 1)
      if (state === "solved") assert.isAbove(passes, 0)
    }
    assert.strictEqual(tries.length, result.rungs.reduce((sum, { attempts, errors }) => sum + attempts + errors, 0))
    assert.strictEqual(result.tokens, tries.length)
    assert.strictEqual(result.level !== null, result.stop === "solved")
    assert.deepStrictEqual(tries, tries.toSorted((a, b) => a - b))
  },
  { arbitrary: { seed: 2026, runs: 1_000 } }
)

it("a finished ladder takes no more", () => {
  const state = ladderFed(ladderStart(ladderPolicy([rung(0)])), { outcome: "pass", tokens: 3 })
  assert.strictEqual(ladderNext(state)._tag, "Finished")
  assert.strictEqual(ladderFed(state, { outcome: "fail", tokens: 3 }), state)
})
