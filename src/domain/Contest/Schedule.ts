// Which problem of a contest is asked next, and for how long. Time is counted over all places (`parallel` problems at once): every problem gets its
// first pass by the law of TimeBudget.ts, with the places' time together for a clock, so what easy ones leave goes to those after them. Time that
// is left when all have had their pass goes to the weakest votes, those first that another pass is likeliest to change.
import { Schema } from "effect"
import type { ContestProblem, ContestState } from "../Contest.ts"
import { nextAllowanceMillis, type TimeBudget } from "../TimeBudget.ts"
import { sureness } from "./Tally.ts"

export const Turn = Schema.TaggedStruct("Turn", {
  index: Schema.Int,
  pass: Schema.Int,
  /** By when the pass is to have answered. */
  deadlineMillis: Schema.Finite
})
export type Turn = typeof Turn.Type

export type Step =
  | Turn
  /** Nothing is to be begun before something ends, or before that time. */
  | { readonly _tag: "Wait"; readonly untilMillis: number | null }
  /** Nothing is left to do, or to do it in. */
  | { readonly _tag: "Over" }

/** The law's numbers, found in simulation (docs/competition.md). Times are shares of an even split of the time. */
export interface Pace {
  /** The most that a first pass may take; it gets more than an even share only of what others left over. */
  readonly first: number
  /** The most that a later pass may take. */
  readonly again: number
  /** A vote that is as sure as this (`sureness`) is not asked for again. */
  readonly sure: number
}
export const defaultPace: Pace = { first: 1.5, again: 4, sure: 0.95 }

/** Passes shorter than this are not begun. */
export const leastMillis = 200

const waiting: Step = { _tag: "Wait", untilMillis: null }
const over: Step = { _tag: "Over" }

/** What is to be done now. Pure in state and time; a clock that goes back is borne. */
export const nextStep = (state: ContestState, nowMillis: number, pace: Pace = defaultPace): Step => {
  const { failuresInRow, problems, restUntilMillis, spec, startedMillis } = state
  if (spec === null || state.status !== "running") return over
  const endMillis = startedMillis + spec.totalMillis - spec.reserveMillis
  const leftMillis = Math.min(endMillis - nowMillis, endMillis - startedMillis)
  const running = problems.filter(({ status }) => status === "running")
  if (leftMillis < leastMillis) {
    // A pass that ends a little late has until the very end.
    if (running.length === 0 || nowMillis >= startedMillis + spec.totalMillis) return over
    return { _tag: "Wait", untilMillis: startedMillis + spec.totalMillis }
  }
  if (running.length >= spec.parallel) return waiting
  const served = spec.mode === "served"
  const fresh = problems.findIndex(({ pass, status }) => status === "waiting" && (pass === 0 || served))
  const toCome = served ? spec.problems - problems.length : 0
  const again = fresh >= 0 || served ? [] : weakest(state, pace)
  if (fresh < 0 && again.length === 0) {
    return running.length > 0 ? waiting : toCome > 0 ? { _tag: "Wait", untilMillis: endMillis } : over
  }
  // After failures one problem at a time is tried, after a rest.
  if (failuresInRow > 0) {
    if (running.length > 0) return waiting
    if (nowMillis < restUntilMillis) return { _tag: "Wait", untilMillis: Math.min(restUntilMillis, endMillis) }
  }
  const usable = spec.parallel * (spec.totalMillis - spec.reserveMillis)
  const taken = running.reduce(
    (sum, { deadlineMillis }) => sum + Math.max(0, Math.min(endMillis, deadlineMillis) - nowMillis),
    0
  )
  const freeMillis = Math.max(0, spec.parallel * leftMillis - taken)
  const evenMillis = usable / spec.problems
  const turn = (index: number, allowanceMillis: number): Step => {
    const deadlineMillis = nowMillis + Math.min(leftMillis, Math.max(leastMillis, allowanceMillis))
    return { _tag: "Turn", index, pass: (problems[index]?.pass ?? 0) + 1, deadlineMillis }
  }
  const failedAt = problems[fresh]
  // A served problem that failed goes on within the time that it was given.
  if (failedAt !== undefined && failedAt.pass > 0) return turn(fresh, failedAt.deadlineMillis - nowMillis)
  if (fresh >= 0) {
    const unbegun = problems.filter(({ status }) => status === "waiting").length + toCome
    const clock = usable - freeMillis
    const budget: TimeBudget = {
      plan: {
        problems: spec.problems,
        totalMillis: usable,
        reserveMillis: 0,
        baseMillis: evenMillis,
        drawMillis: 0,
        mostMillis: pace.first * evenMillis,
        overrunMillis: 0,
        levels: []
      },
      startedMillis: 0,
      nowMillis: clock,
      done: spec.problems - unbegun,
      current: null
    }
    return turn(fresh, nextAllowanceMillis(budget, clock))
  }
  const share = Math.max(evenMillis, freeMillis / again.length)
  return turn(again[0] ?? 0, Math.min(share, pace.again * evenMillis))
}

/** Problems that may be asked again, the most promising first. */
const weakest = ({ problems, spec }: ContestState, pace: Pace): ReadonlyArray<number> => {
  if (spec === null) return []
  const quota = spec.hardQuota ?? problems.length
  const hard = problems.filter(({ failures, pass }) => pass - failures > 1).length
  const chosen: Array<{ readonly index: number; readonly gain: number }> = []
  for (const [index, problem] of problems.entries()) {
    if (problem.status === "running") continue
    const asked = problem.pass - problem.failures
    // Only one that failed is waiting by now: it has not had what it is due.
    if (problem.status === "waiting") chosen.push({ index, gain: 2 - problem.failures / 1000 })
    else if (asked >= 1 && asked < spec.passes && (asked > 1 || hard < quota)) {
      const gain = gainOf(problem, pace)
      if (gain > 0) chosen.push({ index, gain })
    }
  }
  return chosen.sort((a, b) => b.gain - a.gain || a.index - b.index).map(({ index }) => index)
}

/** How promising another pass is: the doubt about the leader, over the passes there were. 0: it is sure enough. */
const gainOf = ({ failures, pass, tally }: ContestProblem, pace: Pace): number => {
  const sure = sureness(tally)
  return sure >= pace.sure ? 0 : (1 - sure) / Math.max(1, pass - failures)
}
