// The Contest actor's nouns and laws: N problems in a fixed time, a whole number for each, written whatever happens. Each pass over a
// problem is a Solve; here is which problem gets how much time (Contest/Schedule.ts), what its votes say (Contest/Tally.ts), and what stands. The
// texts are actors of their own (ContestProblem), so that this state stays small. Time is wall time from the start, also over crashes.
import { Effect, Schema } from "effect"
import type { Facets } from "./Commit.ts"
import { nextStep, type Turn } from "./Contest/Schedule.ts"
import { leaderOf, mergeTallies, noVotes, Tally } from "./Contest/Tally.ts"
import { accept, type Decision, refuse } from "./Decision.ts"
import { digest } from "./Ids.ts"
import { canonical, type Json } from "./Json.ts"
import { maxPromptCharacters, SampleError } from "./Solve.ts"
import { Strategy } from "./Strategy.ts"

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const by = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))
const text = (maximum: number) => Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maximum))

/** Problems of one contest, and characters of their texts together, at most. */
export const maxProblems = 500
export const maxTextCharacters = 1_048_576

/** As it stands in the answer file. */
export const ProblemKey = text(200)

/** A problem as it is given. Its right answer is never a part of it. */
export const GivenProblem = Schema.Struct({ id: ProblemKey, problem: text(maxPromptCharacters) })
export type GivenProblem = typeof GivenProblem.Type

export const ContestSpec = Schema.Struct({
  model: text(200),
  strategy: Strategy,
  seed: count(0, 2 ** 31 - 1),
  /** `given`: all problems are there from the start. `served`: they come one by one, each is answered before the next is asked. */
  mode: by(Schema.Literals(["given", "served"]), "given"),
  /** How many there are; in a served contest, how many are expected. */
  problems: count(1, maxProblems),
  totalMillis: Schema.Finite.check(Schema.isBetween({ minimum: 1_000, maximum: 7 * 86_400_000 })),
  /** Kept free at the end for the answers to be written. */
  reserveMillis: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 3_600_000 })),
  /** Problems in work at once. */
  parallel: count(1, 64),
  /** How often a problem is asked, at most, while there is time and its vote is weak. */
  passes: by(count(1, 8), 3),
  /** Problems that may be asked more than once (the quota for hard ones); null: as many as time allows. */
  hardQuota: by(Schema.NullOr(count(0, maxProblems)), null),
  /** null: answers are 0..99999; else they are reduced by it. */
  modulo: by(Schema.NullOr(count(2, 100_000)), null),
  /** What is written where nobody answered. */
  fallback: by(count(0, 99_999), 0),
  owner: Schema.String.check(Schema.isMaxLength(200))
})
export type ContestSpec = typeof ContestSpec.Type

/** A reserve where nobody says: a fiftieth of the time, at most ten seconds. */
export const defaultReserve = (totalMillis: number): number => Math.min(10_000, Math.floor(totalMillis / 50))

export const ContestProblem = Schema.Struct({
  id: ProblemKey,
  status: Schema.Literals(["waiting", "running", "done"]),
  /** Passes begun: each is a solve of its own. */
  pass: Schema.Int,
  /** Passes that ended without a sample, such as in an outage. */
  failures: Schema.Int,
  /** Of the last pass that was begun. */
  startedMillis: Schema.Finite,
  deadlineMillis: Schema.Finite,
  /** Votes of the passes that have ended. */
  tally: Tally,
  /** Votes of the pass under way, as far as they are known; null: nothing is known yet. */
  live: Schema.NullOr(Tally),
  /** Time spent in passes that have ended. */
  millis: Schema.Finite,
  tokens: Schema.Int,
  microDollars: Schema.Finite,
  /** Why the last pass ended. */
  stop: Schema.NullOr(Schema.String),
  error: Schema.NullOr(SampleError)
})
export type ContestProblem = typeof ContestProblem.Type

export const ContestStatus = Schema.Literals(["new", "running", "done", "cancelled"])

export const ContestState = Schema.Struct({
  status: ContestStatus,
  spec: Schema.NullOr(ContestSpec),
  /** Of its problems' texts and ids: another start with the same id must ask for the same. */
  fingerprint: Schema.String,
  startedMillis: Schema.Finite,
  endedMillis: Schema.NullOr(Schema.Finite),
  problems: Schema.Array(ContestProblem),
  /** Passes that failed since one worked last, and until when nothing is begun because of them. */
  failuresInRow: Schema.Int,
  restUntilMillis: Schema.Finite,
  note: Schema.String
})
export type ContestState = typeof ContestState.Type

export const initialContest: ContestState = {
  status: "new",
  spec: null,
  fingerprint: "",
  startedMillis: 0,
  endedMillis: null,
  problems: [],
  failuresInRow: 0,
  restUntilMillis: 0,
  note: ""
}

export class ContestUnknown extends Schema.TaggedError<ContestUnknown>()("ContestUnknown", {}) {
  override get message() {
    return "There is no such contest; start it first"
  }
}
export class ContestTaken extends Schema.TaggedError<ContestTaken>()("ContestTaken", {}) {
  override get message() {
    return "A contest of this id exists and is another one; choose another id"
  }
}
/** The report does not fit what the contest waits for: it came twice, late, or from a driver that has lost it. */
export class PassStale extends Schema.TaggedError<PassStale>()("PassStale", {}) {
  override get message() {
    return "The contest has moved on since this pass was begun"
  }
}
/** A problem was asked of a contest that takes none (any more). */
export class ContestClosed extends Schema.TaggedError<ContestClosed>()("ContestClosed", { detail: Schema.String }) {
  override get message() {
    return `The contest takes no further problem: ${this.detail}`
  }
}
/** What was given makes no contest. */
export class ContestUnfit extends Schema.TaggedError<ContestUnfit>()("ContestUnfit", { detail: Schema.String }) {
  override get message() {
    return `This makes no contest: ${this.detail}`
  }
}
/** A problem of this id was given with another text. */
export class ProblemRepeated extends Schema.TaggedError<ProblemRepeated>()("ProblemRepeated", {}) {
  override get message() {
    return "A problem of this id was given before with another text; give each problem an id of its own"
  }
}
export const refusals = Schema.Union([ContestUnknown, ContestTaken, PassStale, ContestClosed])

type Contest<A, E> = Decision<ContestState, A, E>

const begunNot = (id: string): ContestProblem => ({
  id,
  status: "waiting",
  pass: 0,
  failures: 0,
  startedMillis: 0,
  deadlineMillis: 0,
  tally: noVotes,
  live: null,
  millis: 0,
  tokens: 0,
  microDollars: 0,
  stop: null,
  error: null
})

export const isOver = ({ status }: ContestState): boolean => status === "done" || status === "cancelled"

/** The end of the contest: no answer changes after it. */
export const endOf = ({ spec, startedMillis }: ContestState): number => startedMillis + (spec?.totalMillis ?? 0)

/** The id of the solve of a pass; no evaluation of the contest's name has a solve of this id. */
export const solveId = (contest: string, index: number, pass: number): string => `${contest}:${index}:pass${pass}`

/** The votes on a problem, the pass under way included. */
export const votesOn = ({ live, tally }: ContestProblem): Tally => live === null ? tally : mergeTallies(tally, live)

/** The answer that stands; null: nobody answered yet, and the fallback is written. */
export const answerOf = (spec: ContestSpec, problem: ContestProblem): number | null =>
  leaderOf(votesOn(problem), spec.strategy.select !== null)

export const SubmissionRow = Schema.Struct({ id: Schema.String, answer: Schema.Int })
export type SubmissionRow = typeof SubmissionRow.Type

/** The answer file: one row a problem, from the first moment on. */
export const submissionOf = ({ problems, spec }: ContestState): ReadonlyArray<SubmissionRow> =>
  problems.map((problem) => ({
    id: problem.id,
    answer: spec === null ? 0 : answerOf(spec, problem) ?? spec.fallback
  }))

export const StartFields = {
  spec: ContestSpec,
  /** The problems' ids; none in a served contest. */
  ids: Schema.Array(ProblemKey).check(Schema.isMaxLength(maxProblems)),
  fingerprint: Schema.String,
  atMillis: Schema.Finite
}
export const start = (
  state: ContestState,
  { atMillis, fingerprint, ids, spec }: Schema.Struct<typeof StartFields>["Type"]
): Contest<void, ContestTaken> => {
  if (state.spec !== null) {
    const same = state.fingerprint === fingerprint &&
      canonical(state.spec as unknown as Json) === canonical(spec as unknown as Json)
    return same ? accept(state, undefined) : refuse(new ContestTaken())
  }
  return accept(
    { ...initialContest, status: "running", spec, fingerprint, startedMillis: atMillis, problems: ids.map(begunNot) },
    undefined,
    [{ _tag: "Started", model: spec.model, strategy: spec.strategy.name, problems: spec.problems }]
  )
}

export const AskFields = { id: ProblemKey, atMillis: Schema.Finite }
/** A problem comes in a served contest. Answers its place; one that was asked before has the place that it has. */
export const ask = (
  state: ContestState,
  { atMillis, id }: Schema.Struct<typeof AskFields>["Type"]
): Contest<{ readonly index: number }, ContestUnknown | ContestClosed> => {
  const { problems, spec } = state
  if (spec === null) return refuse(new ContestUnknown())
  const index = problems.findIndex((problem) => problem.id === id)
  if (index >= 0) return accept(state, { index })
  if (spec.mode !== "served") return refuse(new ContestClosed({ detail: "its problems were given at the start" }))
  if (state.status !== "running" || atMillis >= endOf(state)) {
    return refuse(new ContestClosed({ detail: "it is over" }))
  }
  if (problems.length >= spec.problems) {
    return refuse(new ContestClosed({ detail: `it was started for ${spec.problems} problems` }))
  }
  return accept({ ...state, problems: [...problems, begunNot(id)] }, { index: problems.length })
}

const withProblem = (state: ContestState, index: number, problem: ContestProblem): ContestState => ({
  ...state,
  problems: state.problems.map((one, at) => (at === index ? problem : one))
})

export const TimeFields = { atMillis: Schema.Finite }
/** Begins the next pass if it is time for one; null: it is not. */
export const begin = (
  state: ContestState,
  { atMillis }: { readonly atMillis: number }
): Contest<Turn | null, never> => {
  const step = nextStep(state, atMillis)
  const problem = step._tag === "Turn" ? state.problems[step.index] : undefined
  if (step._tag !== "Turn" || problem === undefined) return accept(state, null)
  const { deadlineMillis, index, pass } = step
  return accept(
    withProblem(state, index, { ...problem, status: "running", pass, startedMillis: atMillis, deadlineMillis }),
    step,
    [{ _tag: "Began", problem: problem.id, pass, millis: deadlineMillis - atMillis }]
  )
}

const Report = { index: Schema.Int, pass: Schema.Int, tally: Tally, atMillis: Schema.Finite }

export const LeadFields = Report
/** The pass under way has another leader. */
export const lead = (
  state: ContestState,
  { index, pass, tally }: Schema.Struct<typeof LeadFields>["Type"]
): Contest<void, PassStale> => {
  const problem = state.problems[index]
  return state.status !== "running" || problem?.status !== "running" || problem.pass !== pass
    ? refuse(new PassStale())
    : accept(withProblem(state, index, { ...problem, live: tally }), undefined)
}

/** Rest after failures in a row: it doubles, up to a minute. One problem at a time is tried meanwhile. */
const restOf = (failures: number): number => Math.min(60_000, 1_000 * 2 ** Math.min(failures - 1, 10))
/** A problem whose passes end without a sample so often is left. */
export const maxFailures = 16

/** Of one problem: what servers tell may be anything, and the sum over all problems is to stay a whole number. */
const mostTokens = 1e12

export const EndFields = {
  ...Report,
  tokens: Schema.Int,
  microDollars: Schema.Finite,
  stop: Schema.NullOr(Schema.String),
  error: Schema.NullOr(SampleError)
}
/** A pass has ended. One that failed without a sample is tried again after a rest, with others before it. */
export const end = (
  state: ContestState,
  report: Schema.Struct<typeof EndFields>["Type"]
): Contest<void, PassStale> => {
  const { atMillis, error, index, microDollars, pass, stop, tally, tokens } = report
  const problem = state.problems[index]
  if (state.status !== "running" || problem?.status !== "running" || problem.pass !== pass) {
    return refuse(new PassStale())
  }
  const failed = error !== null && tally.samples === 0
  const failures = problem.failures + (failed ? 1 : 0)
  const failuresInRow = failed ? state.failuresInRow + 1 : tally.samples > 0 ? 0 : state.failuresInRow
  const restUntilMillis = failed ? atMillis + restOf(failuresInRow) : state.restUntilMillis
  // Whoever waits for the answer of a served problem waits no longer for its failures than for its samples.
  const hasTime = state.spec?.mode === "given" || restUntilMillis < problem.deadlineMillis
  const next = withProblem(state, index, {
    ...problem,
    status: failed && failures < maxFailures && hasTime ? "waiting" : "done",
    failures,
    tally: mergeTallies(problem.tally, tally),
    live: null,
    millis: problem.millis + Math.max(0, atMillis - problem.startedMillis),
    tokens: Math.min(mostTokens, problem.tokens + tokens),
    microDollars: problem.microDollars + microDollars,
    stop,
    error
  })
  return accept(
    { ...next, failuresInRow, restUntilMillis },
    undefined,
    [{ _tag: "Ended", problem: problem.id, pass, stop }]
  )
}

/** What runs ends with what leads now. */
const closed = (state: ContestState, status: "done" | "cancelled", atMillis: number, note: string): ContestState => ({
  ...state,
  status,
  endedMillis: atMillis,
  note,
  problems: state.problems.map((problem) =>
    problem.status === "running"
      ? {
        ...problem,
        status: "done",
        tally: votesOn(problem),
        live: null,
        millis: problem.millis + Math.max(0, Math.min(atMillis, problem.deadlineMillis) - problem.startedMillis),
        stop: "ContestOver"
      }
      : problem
  )
})

/** Ends the contest if its time is up or nothing is left to do. Answers whether it is over. */
export const finish = (
  state: ContestState,
  { atMillis }: { readonly atMillis: number }
): Contest<boolean, ContestUnknown> => {
  if (state.spec === null) return refuse(new ContestUnknown())
  if (isOver(state)) return accept(state, true)
  return nextStep(state, atMillis)._tag === "Over"
    ? accept(closed(state, "done", atMillis, ""), true, [{ _tag: "Finished" }])
    : accept(state, false)
}

export const CancelFields = { why: Schema.String, atMillis: Schema.Finite }
/** Ends it before its time; the answers that stand stay. */
export const cancel = (
  state: ContestState,
  { atMillis, why }: Schema.Struct<typeof CancelFields>["Type"]
): Contest<void, ContestUnknown> => {
  if (state.spec === null) return refuse(new ContestUnknown())
  return isOver(state)
    ? accept(state, undefined)
    : accept(closed(state, "cancelled", atMillis, why), undefined, [{ _tag: "Cancelled", why }])
}

/** What lists and searches know of a contest. */
export const describe = (state: ContestState): Facets => {
  const failed = state.problems.findLast(({ error }) => error !== null)?.error ?? null
  return {
    status: state.status,
    stage: state.spec?.strategy.name.slice(0, 100) ?? null,
    group: null,
    attempts: state.problems.reduce((sum, { pass }) => sum + pass, 0),
    error: failed === null ? null : `${failed.tag}: ${failed.message}`.slice(0, 300),
    waiting: null,
    text: state.spec === null ? null : `${state.spec.model} ${state.spec.strategy.name}`
  }
}

/** What of a contest an operator may not replace. */
export const fixed = (before: ContestState, after: ContestState): string | undefined =>
  canonical(before.spec as unknown as Json) === canonical(after.spec as unknown as Json) &&
    before.startedMillis === after.startedMillis && before.fingerprint === after.fingerprint
    ? undefined
    : "what a contest asks for and its start cannot be changed; start another"

/** The ContestProblem actor: the text of one problem, written once, before the contest knows of it. */
export const ProblemText = Schema.Struct({ contest: Schema.String, id: Schema.String, text: Schema.String })
export type ProblemText = typeof ProblemText.Type
export const noText: ProblemText = { contest: "", id: "", text: "" }
export const keepText = (
  state: ProblemText,
  { contest, id, text }: ProblemText
): Decision<ProblemText, void, ProblemRepeated> =>
  state.contest === ""
    ? accept({ contest, id, text }, undefined)
    : state.text === text
    ? accept(state, undefined)
    : refuse(new ProblemRepeated())
/** The id of that actor. */
export const textId = (contest: string, problem: string): string => `${contest}:${digest([problem])}`
