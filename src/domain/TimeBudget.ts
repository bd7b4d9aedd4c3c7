// Time for N problems, one after the other, in a fixed total: each problem gets a base, and hard ones draw on what the others left
// over. The buffer is not an account but a fact: the time left, less a base for every problem still to do. So time that easy problems
// did not use goes to the rest by itself, and a late start or an overrun is borne by all that are left. The law: as long as
// each problem ends by its deadline (or within `overrunMillis` of it), the total is never exceeded. Times are arguments, in
// milliseconds of any one clock; a clock that goes back counts as standing still.
import { Effect, Schema } from "effect"

const millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e12 }))
const by = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

export const TimePlan = Schema.Struct({
  problems: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  /** From the start of the plan to the moment by which the last answer is due. */
  totalMillis: millis,
  /** Kept free at the end, for what follows the last answer. */
  reserveMillis: by(millis, 0),
  /** What each problem may take without touching the buffer. */
  baseMillis: millis,
  /** What one problem may draw from the buffer. */
  drawMillis: millis,
  /** The most that one problem may get, however much time is left; null: its even share if that is more than base and draw. */
  mostMillis: by(Schema.NullOr(millis), null),
  /** How far beyond its deadline a problem may end: cancelling samples, reading the answer out. */
  overrunMillis: by(millis, 0),
  /**
   * Speed levels: falling shares of the base. While the time left per problem is at least the first, level 0 (slowest, most
   * samples); below the last, the fastest level.
   */
  levels: by(Schema.Array(Schema.Finite).check(Schema.isMaxLength(16)), [1, 0.6, 0.3])
})
export type TimePlan = typeof TimePlan.Type

/** AIMO 2's winning schedule: 50 problems in 5 hours, 350 s each and up to 210 s more from the shared buffer (arXiv:2504.16891). */
export const aimo2Plan: TimePlan = {
  problems: 50,
  totalMillis: 5 * 3_600_000,
  reserveMillis: 0,
  baseMillis: 350_000,
  drawMillis: 210_000,
  mostMillis: 560_000,
  overrunMillis: 0,
  levels: [1, 0.6, 0.3]
}

/** One problem's time. An answer is due by `deadlineMillis`; to go beyond `baseUntilMillis` draws on the buffer. */
export const Allowance = Schema.Struct({
  startedMillis: Schema.Finite,
  baseUntilMillis: Schema.Finite,
  deadlineMillis: Schema.Finite,
  /** 0 is the slowest. */
  level: Schema.Int
})
export type Allowance = typeof Allowance.Type

export const TimeBudget = Schema.Struct({
  plan: TimePlan,
  startedMillis: Schema.Finite,
  /** The latest time that was told. */
  nowMillis: Schema.Finite,
  done: Schema.Int,
  current: Schema.NullOr(Allowance)
})
export type TimeBudget = typeof TimeBudget.Type

export const startBudget = (plan: TimePlan, nowMillis: number): TimeBudget => ({
  plan,
  startedMillis: nowMillis,
  nowMillis,
  done: 0,
  current: null
})

const later = (budget: TimeBudget, nowMillis: number): number =>
  nowMillis > budget.nowMillis ? nowMillis : budget.nowMillis

/** Time left for problems, at least 0. */
export const timeLeft = (budget: TimeBudget, nowMillis: number): number => {
  const { reserveMillis, totalMillis } = budget.plan
  return Math.max(0, budget.startedMillis + totalMillis - reserveMillis - later(budget, nowMillis))
}

/** What the next problem may take now, its overrun not included. At least 0; 0 says: answer at once with what there is. */
export const nextAllowanceMillis = (budget: TimeBudget, nowMillis: number): number => {
  const { baseMillis, drawMillis, mostMillis, overrunMillis, problems } = budget.plan
  const toDo = Math.max(1, problems - budget.done)
  const free = timeLeft(budget, nowMillis) - toDo * overrunMillis
  const evenShare = free / toDo
  const buffer = Math.max(0, free - toDo * baseMillis)
  const drawn = Math.min(evenShare, baseMillis) + Math.min(drawMillis, buffer)
  const most = mostMillis ?? Number.MAX_VALUE
  return Math.max(0, Math.min(Math.max(drawn, evenShare), most))
}

/** The speed level of the next problem, by the time left per problem against the base: 0..levels. */
export const speedLevel = (budget: TimeBudget, nowMillis: number): number => {
  const { baseMillis, levels, problems } = budget.plan
  const share = timeLeft(budget, nowMillis) / Math.max(1, problems - budget.done)
  return levels.filter((level) => share < level * baseMillis).length
}

/** Starts the next problem; one that is still running ends here. Beyond the plan's problems each gets what is left. */
export const startProblem = (budget: TimeBudget, nowMillis: number): TimeBudget & { readonly current: Allowance } => {
  const ended = endProblem(budget, nowMillis)
  const startedMillis = ended.nowMillis
  const allowance = nextAllowanceMillis(ended, startedMillis)
  const current = {
    startedMillis,
    baseUntilMillis: startedMillis + Math.min(allowance, ended.plan.baseMillis),
    deadlineMillis: startedMillis + allowance,
    level: speedLevel(ended, startedMillis)
  }
  return { ...ended, current }
}

/** Ends the running problem, if there is one. What it did not use goes to the rest. */
export const endProblem = (budget: TimeBudget, nowMillis: number): TimeBudget => ({
  ...budget,
  nowMillis: later(budget, nowMillis),
  done: budget.done + (budget.current === null ? 0 : 1),
  current: null
})
