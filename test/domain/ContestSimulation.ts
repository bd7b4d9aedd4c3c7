// Contests in virtual time: the real decisions of the contest (begin, end, finish) over problems, samples and troubles that are drawn from a
// seed. A pass is worked out at once, from its start and deadline, so that ten thousand contests take seconds. Two laws that are given
// the same seed see the same problems, and the same samples in the same pass over a problem.
import * as Contest from "../../src/domain/Contest.ts"
import { leastMillis, nextStep, type Pace } from "../../src/domain/Contest/Schedule.ts"
import type { Tally } from "../../src/domain/Contest/Tally.ts"
import { applyRule } from "../../src/domain/Stopping/StopRule.ts"
import { defaultStop, parseStrategy } from "../../src/domain/Strategy.ts"

/** Mulberry32: 2^32 steps of one stream; streams of other seeds start elsewhere. */
export const dice = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
const streamOf = (...numbers: ReadonlyArray<number>): number => {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
    hash ^= hash >>> 13
  }
  return hash >>> 0
}
const normal = (roll: () => number): number => Math.sqrt(-2 * Math.log(1 - roll())) * Math.cos(2 * Math.PI * roll())

export interface SimulatedProblem {
  /** Share of right samples, of wrong ones that agree on one answer, and of samples without an answer. */
  readonly right: number
  readonly together: number
  readonly mute: number
  /** Median of its samples' times. */
  readonly medianMillis: number
}
interface Phase {
  readonly fromMillis: number
  readonly untilMillis: number
  /** Times of samples are multiplied by it; Infinity: calls fail. */
  readonly factor: number
}
export interface SimulatedContest {
  readonly seed: number
  readonly problems: ReadonlyArray<SimulatedProblem>
  readonly phases: ReadonlyArray<Phase>
  readonly totalMillis: number
  readonly samples: number
  readonly slots: number
  readonly parallel: number
}

const failMillis = 4_000
/** One sample in a hundred fails, one in fifty takes five times as long. */
const failing = 0.01
const straggling = 0.02

export const drawContest = (seed: number): SimulatedContest => {
  const roll = dice(streamOf(seed, 1))
  const count = 10 + Math.floor(roll() * 41)
  // The even share of a place's time for one problem: AIMO 2's is six minutes.
  const evenMillis = 120_000 + roll() * 480_000
  const parallel = [1, 1, 2, 4][Math.floor(roll() * 4)] ?? 1
  const totalMillis = (count * evenMillis) / parallel
  // How long a problem's samples take beside its share: some contests have time for all, some for few.
  const pressure = 0.25 + roll() * 0.6
  const problems = Array.from({ length: count }, (): SimulatedProblem => {
    const kind = roll()
    const right = kind < 0.45 ? 0.7 + 0.3 * roll() : kind < 0.75 ? 0.2 + 0.5 * roll() : 0.3 * roll() ** 2
    const hard = 1 - right
    return {
      right,
      together: 0.1 + 0.6 * roll() * roll(),
      mute: 0.02 + 0.15 * hard,
      medianMillis: evenMillis * pressure * (0.35 + 1.3 * hard) * Math.exp(0.3 * normal(roll))
    }
  })
  const phases: Array<Phase> = []
  for (let i = Math.floor(roll() * 4); i > 0; i--) {
    const fromMillis = roll() * totalMillis
    const untilMillis = fromMillis + totalMillis * 0.15 * roll()
    phases.push({ fromMillis, untilMillis, factor: roll() < 0.4 ? Number.POSITIVE_INFINITY : 1.5 + 2 * roll() })
  }
  return { seed, problems, phases, totalMillis, samples: 16, slots: 8, parallel }
}

/** The answer that is right; others are wrong. */
const rightAnswer = 1

const stops = new Map<number, boolean>()
/** Whether the usual rules stop at this standing. They look at nothing else. */
const isDecided = (top: number, second: number, remaining: number): boolean => {
  const key = (top * 128 + second) * 128 + remaining
  let stop = stops.get(key)
  if (stop === undefined) {
    const standing = { names: ["a"], votes: [top, second], finished: [], remaining, leader: 0, top, second }
    stop = defaultStop.some((rule) => applyRule(rule, standing, 0).reason !== null)
    stops.set(key, stop)
  }
  return stop
}

export interface PassEnd {
  readonly endMillis: number
  readonly tally: Tally
  readonly failed: boolean
}

/** One pass over a problem: its samples run in slots, the rules stop it, its deadline ends it. */
export const passOf = (
  contest: SimulatedContest,
  index: number,
  pass: number,
  startMillis: number,
  deadlineMillis: number
): PassEnd => {
  const problem = contest.problems[index] as SimulatedProblem
  const roll = dice(streamOf(contest.seed, 2, index, pass))
  const free: Array<number> = new Array<number>(contest.slots).fill(startMillis)
  const ends: Array<{ readonly atMillis: number; readonly answer: number | null | undefined }> = []
  for (let sample = 0; sample < contest.samples; sample++) {
    let slot = 0
    for (let i = 1; i < free.length; i++) if ((free[i] as number) < (free[slot] as number)) slot = i
    const from = free[slot] as number
    const [kind, share, spread, luck] = [roll(), roll(), normal(roll), roll()]
    if (from >= deadlineMillis) break
    let factor = luck < straggling ? 5 : 1
    for (const phase of contest.phases) {
      if (from >= phase.fromMillis && from < phase.untilMillis) factor *= phase.factor
    }
    const failed = luck > 1 - failing || factor === Number.POSITIVE_INFINITY
    const atMillis = from + (failed ? failMillis : problem.medianMillis * factor * Math.exp(0.5 * spread))
    free[slot] = atMillis
    const answer = failed ?
      undefined
      : kind < problem.mute ?
      null
      : (kind - problem.mute) / (1 - problem.mute) < problem.right ?
      rightAnswer
      : share < problem.together ?
      2
      : 3 + Math.floor(((share - problem.together) / (1 - problem.together)) * 1000)
    ends.push({ atMillis, answer })
  }
  ends.sort((a, b) => a.atMillis - b.atMillis)
  const votes = new Map<number, number>()
  let [endMillis, top, second, samples, finished] = [startMillis, 0, 0, 0, 0]
  let decided = false
  for (const { answer, atMillis } of ends) {
    if (atMillis > deadlineMillis) break
    endMillis = atMillis
    finished++
    if (answer !== undefined) samples++
    if (answer != null) {
      const count = (votes.get(answer) ?? 0) + 1
      votes.set(answer, count)
      top = Math.max(top, count)
      second = 0
      let seen = false
      for (const one of votes.values()) {
        if (one === top && !seen) seen = true
        else if (one > second) second = one
      }
    }
    if (isDecided(top, second, contest.samples - finished) || finished === contest.samples) {
      decided = true
      break
    }
  }
  let picked: number | null = null
  for (const [answer, count] of votes) if (count === top) picked ??= answer
  return {
    endMillis: decided ? endMillis : deadlineMillis,
    failed: decided && samples === 0,
    tally: {
      answers: [...votes].slice(0, 32).map(([answer, count]) => ({
        answer,
        votes: count,
        weight: count,
        picks: answer === picked ? 1 : 0
      })),
      samples
    }
  }
}

export interface Law {
  readonly pace?: Pace
  readonly passes: number
}

export interface Played {
  readonly right: number
  readonly problems: number
  /** Passes begun after the first ones. */
  readonly again: number
  readonly endedMillis: number
  readonly state: Contest.ContestState
}

const strategy = parseStrategy("majority-16")
if (strategy._tag === "Failure") throw new Error(strategy.failure)
const majority16 = strategy.success

const taken = <A>(decision: { readonly _tag: string; readonly state?: A; readonly reply?: any }): A => {
  if (decision._tag !== "Accepted" || decision.state === undefined) throw new Error("a decision was refused")
  return decision.state
}

/** Plays a contest by a law. `late`: how long after its deadline a pass may be told to have ended. Throws where a promise is broken. */
export const play = (contest: SimulatedContest, law: Law, lateMillis = 0): Played => {
  const roll = dice(streamOf(contest.seed, 3))
  const spec: Contest.ContestSpec = {
    model: "m",
    strategy: majority16,
    seed: contest.seed,
    mode: "given",
    problems: contest.problems.length,
    totalMillis: contest.totalMillis,
    reserveMillis: Contest.defaultReserve(contest.totalMillis),
    parallel: contest.parallel,
    passes: law.passes,
    hardQuota: null,
    modulo: null,
    fallback: 0,
    owner: ""
  }
  let state = taken(Contest.start(Contest.initialContest, {
    spec,
    ids: contest.problems.map((_, i) => `p${i}`),
    fingerprint: "",
    atMillis: 0
  }))
  const running = new Map<number, PassEnd & { readonly pass: number; readonly toldMillis: number }>()
  let nowMillis = 0
  let again = 0
  for (let steps = 0;; steps++) {
    if (steps > 100_000) throw new Error(`contest ${contest.seed} does not end`)
    if (Contest.submissionOf(state).length !== contest.problems.length) throw new Error("an answer is missing")
    const step = nextStep(state, nowMillis, law.pace)
    if (step._tag === "Over") break
    if (step._tag === "Turn") {
      const { deadlineMillis, index, pass } = step
      const problem = state.problems[index] as Contest.ContestProblem
      if (pass - problem.failures > 1) again++
      if (deadlineMillis < nowMillis + leastMillis - 1e-6) throw new Error("a pass has no time")
      if (deadlineMillis > contest.totalMillis - spec.reserveMillis + 1e-6) throw new Error("a pass ends after the end")
      // As `begin` does, with the law's own pace.
      state = {
        ...state,
        problems: state.problems.map((one, at) =>
          at === index ? { ...one, status: "running", pass, startedMillis: nowMillis, deadlineMillis } : one
        )
      }
      const end = passOf(contest, index, pass, nowMillis, deadlineMillis)
      running.set(index, { ...end, pass, toldMillis: end.endMillis + lateMillis * roll() })
      if (running.size > contest.parallel) throw new Error("more problems run than may")
      continue
    }
    let next = step.untilMillis ?? Number.POSITIVE_INFINITY
    let ended = -1
    for (const [index, { toldMillis }] of running) {
      if (toldMillis <= next) [next, ended] = [toldMillis, index]
    }
    if (next === Number.POSITIVE_INFINITY) throw new Error("the contest waits for nothing")
    nowMillis = Math.max(nowMillis, next)
    if (nowMillis > contest.totalMillis) break
    const end = running.get(ended)
    if (end === undefined) continue
    running.delete(ended)
    state = taken(Contest.end(state, {
      index: ended,
      pass: end.pass,
      tally: end.tally,
      tokens: 0,
      microDollars: 0,
      stop: null,
      error: end.failed ? { tag: "EndpointAway", message: "" } : null,
      atMillis: nowMillis
    }))
  }
  const endedMillis = Math.min(nowMillis, contest.totalMillis)
  const finished = taken(Contest.finish(state, { atMillis: contest.totalMillis }))
  if (!Contest.isOver(finished)) throw new Error("the contest is not over at its end")
  const right = finished.problems.filter((problem) => Contest.answerOf(spec, problem) === rightAnswer).length
  return { right, problems: contest.problems.length, again, endedMillis, state: finished }
}

/** An equal split of the time: each problem has its share, nothing is carried over, nothing is asked again. */
export const equalSplit: Law = { pace: { first: 1, again: 1, sure: 0.95 }, passes: 1 }
