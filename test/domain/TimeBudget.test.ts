// The time budget under durations of every kind: the total is never exceeded, and every problem gets its answer in time.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  aimo2Plan,
  endProblem,
  nextAllowanceMillis,
  speedLevel,
  startBudget,
  startProblem,
  TimeBudget,
  timeLeft,
  TimePlan
} from "../../src/domain/TimeBudget.ts"

const runs = { arbitrary: { seed: 2026, runs: 400 } }
const from = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const plans = Schema.Struct({
  problems: from(1, 30),
  total: from(0, 20_000),
  reserve: from(0, 1000),
  base: from(0, 1000),
  draw: from(0, 1000),
  most: Schema.NullOr(from(0, 3000)),
  overrun: from(0, 50)
})
const planOf = ({ base, draw, most, overrun, problems, reserve, total }: typeof plans.Type): TimePlan => ({
  ...aimo2Plan,
  problems,
  totalMillis: total,
  reserveMillis: reserve,
  baseMillis: base,
  drawMillis: draw,
  mostMillis: most,
  overrunMillis: overrun
})
/** Permille of what a problem may take, its overrun included; 1000 is the adversary's choice. */
const durations = Schema.Array(Schema.Union([Schema.Literals([0, 1000]), from(0, 1000)]))
  .check(Schema.isMinLength(30), Schema.isMaxLength(30))
const eps = 1e-6

describe("a time budget", () => {
  it.prop(
    "is never exceeded, whatever each problem takes of its allowance",
    [plans, durations],
    ([drawn, permille]) => {
      const plan = planOf(drawn)
      let now = 1_000_000
      let budget = startBudget(plan, now)
      const end = now + plan.totalMillis
      const enough = plan.totalMillis - plan.reserveMillis >= plan.problems * plan.overrunMillis
      for (let i = 0; i < plan.problems; i++) {
        const started = startProblem(budget, now)
        assert.isAtLeast(started.current.deadlineMillis, now)
        assert.isAtMost(started.current.baseUntilMillis, started.current.deadlineMillis)
        if (enough) assert.isAtMost(started.current.deadlineMillis + plan.overrunMillis, end - plan.reserveMillis + eps)
        const allowed = started.current.deadlineMillis - now + plan.overrunMillis
        now += (allowed * (permille[i] ?? 0)) / 1000
        budget = endProblem(started, now)
      }
      if (enough) assert.isAtMost(now, end - plan.reserveMillis + eps)
      assert.strictEqual(budget.done, plan.problems)
    },
    runs
  )

  it.prop("keeps a base for every problem that is left, where there was one to begin with", [plans, durations], ([
    drawn,
    permille
  ]) => {
    const plan = { ...planOf(drawn), reserveMillis: 0, mostMillis: null }
    if (plan.totalMillis < plan.problems * (plan.baseMillis + plan.overrunMillis)) return
    let now = 0
    let budget = startBudget(plan, now)
    for (let i = 0; i < plan.problems; i++) {
      const started = startProblem(budget, now)
      assert.isAtLeast(started.current.deadlineMillis - now, plan.baseMillis - eps)
      now += ((started.current.deadlineMillis - now + plan.overrunMillis) * (permille[i] ?? 0)) / 1000
      budget = endProblem(started, now)
    }
  }, runs)

  it.prop("gives no less to a problem when earlier ones took less", [plans, from(0, 1000), from(0, 1000)], ([
    drawn,
    a,
    b
  ]) => {
    const plan = { ...planOf(drawn), problems: drawn.problems + 1 }
    const after = (used: number) => {
      const started = startProblem(startBudget(plan, 0), 0)
      const now = (started.current.deadlineMillis * used) / 1000
      return nextAllowanceMillis(endProblem(started, now), now)
    }
    assert.isAtLeast(after(Math.min(a, b)), after(Math.max(a, b)) - eps)
  }, runs)

  it("is AIMO 2's: 350 seconds, and up to 210 more of what there is", () => {
    const first = startProblem(startBudget(aimo2Plan, 0), 0)
    // 18,000 s - 50 x 350 s leaves a buffer of 500 s.
    assert.strictEqual(first.current.baseUntilMillis, 350_000)
    assert.strictEqual(first.current.deadlineMillis, 560_000)
    let now = 0
    let budget = startBudget(aimo2Plan, now)
    const allowances: Array<number> = []
    for (let i = 0; i < 50; i++) {
      const started = startProblem(budget, now)
      allowances.push((started.current.deadlineMillis - now) / 1000)
      now = started.current.deadlineMillis
      budget = endProblem(started, now)
    }
    assert.deepStrictEqual(allowances.slice(0, 4), [560, 560, 430, 350])
    assert.strictEqual(now, aimo2Plan.totalMillis)
    // An easy problem of 50 s leaves 300 s to the buffer.
    const easy = endProblem(first, 50_000)
    assert.strictEqual(timeLeft(easy, 50_000) - 49 * 350_000, 800_000)
  })

  it("gives the last problems more than base and draw when there is time, unless that is capped", () => {
    const open = startBudget({ ...aimo2Plan, problems: 2, mostMillis: null }, 0)
    assert.strictEqual(nextAllowanceMillis(open, 0), 9_000_000)
    const capped = startBudget({ ...aimo2Plan, problems: 2 }, 0)
    assert.strictEqual(nextAllowanceMillis(capped, 0), 560_000)
  })

  it("speeds up as time runs short", () => {
    const budget = startBudget(aimo2Plan, 0)
    const at = (share: number) => speedLevel(budget, aimo2Plan.totalMillis - share * 350_000 * 50)
    assert.deepStrictEqual([at(1), at(0.99), at(0.6), at(0.5), at(0.29), at(0)], [0, 1, 1, 2, 3, 3])
  })

  it("says that an answer is due at once when time is up or the total is nothing", () => {
    const late = startProblem(startBudget(aimo2Plan, 0), aimo2Plan.totalMillis + 5)
    assert.strictEqual(late.current.deadlineMillis, late.current.startedMillis)
    assert.strictEqual(nextAllowanceMillis(startBudget({ ...aimo2Plan, totalMillis: 0 }, 7), 7), 0)
  })

  it("takes a clock that goes back, and no number at all, as one that stands still", () => {
    const started = startProblem(startBudget(aimo2Plan, 1000), 500)
    assert.strictEqual(started.current.startedMillis, 1000)
    assert.strictEqual(endProblem(started, Number.NaN).nowMillis, 1000)
  })

  it("ends a problem that nobody ended when the next one starts, and goes on beyond the plan", () => {
    const plan = { ...aimo2Plan, problems: 2 }
    const third = startProblem(startProblem(startProblem(startBudget(plan, 0), 0), 10), 20)
    assert.strictEqual(third.done, 2)
    assert.isAtMost(third.current.deadlineMillis, plan.totalMillis)
    assert.strictEqual(endProblem(endProblem(third, 30), 40).done, 3)
  })

  it("keeps itself through the store's text, and a plan's defaults may be left out", () => {
    const codec = Schema.toCodecJson(TimeBudget)
    const started = startProblem(startBudget(aimo2Plan, 0), 0)
    assert.deepStrictEqual(
      Schema.decodeSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(started)))),
      started
    )
    const plan = Schema.decodeSync(TimePlan)({ problems: 1, totalMillis: 1, baseMillis: 1, drawMillis: 0 })
    assert.strictEqual(plan.mostMillis, null)
  })
})
