// A contest as people and programs look at it: the answer file's rows, how far it is, and what score its votes promise.
import { Schema } from "effect"
import { answerOf, type ContestState, endOf, SubmissionRow, votesOn } from "../Contest.ts"
import { twoRunMoments } from "../Statistics.ts"
import { agreement, sureness, topTwo } from "./Tally.ts"

export const ContestProblemView = Schema.Struct({
  id: Schema.String,
  status: Schema.Literals(["waiting", "running", "done"]),
  /** What is written: the fallback where nobody answered. */
  answer: Schema.Int,
  /** Whether a sample gave it. */
  answered: Schema.Boolean,
  /** For the answer, and for the next one. */
  votes: Schema.Int,
  second: Schema.Int,
  samples: Schema.Int,
  /** P(the leader is the model's most frequent answer). */
  sure: Schema.Finite,
  passes: Schema.Int,
  millis: Schema.Finite,
  /** By when the pass under way ends; null: none is. */
  deadlineMillis: Schema.NullOr(Schema.Finite),
  tokens: Schema.Int,
  microDollars: Schema.Finite,
  stop: Schema.NullOr(Schema.String),
  error: Schema.NullOr(Schema.Struct({ tag: Schema.String, message: Schema.String }))
})
export type ContestProblemView = typeof ContestProblemView.Type

/**
 * The score that the votes promise: the sum of the leaders' shares of the samples, an estimate that knows nothing of wrong answers on which
 * a model agrees. `deviation`: of one run; `twoRuns`: of the mean of two independent runs (AIMO 3's private score).
 */
export const ScoreGuess = Schema.Struct({
  mean: Schema.Finite,
  deviation: Schema.Finite,
  twoRuns: Schema.Finite
})

export const ContestView = Schema.Struct({
  id: Schema.String,
  version: Schema.Int,
  status: Schema.String,
  model: Schema.String,
  strategy: Schema.String,
  mode: Schema.Literals(["given", "served"]),
  parallel: Schema.Int,
  modulo: Schema.NullOr(Schema.Int),
  startedMillis: Schema.Finite,
  /** When its time is over. */
  endsMillis: Schema.Finite,
  endedMillis: Schema.NullOr(Schema.Finite),
  counts: Schema.Struct({
    waiting: Schema.Int,
    running: Schema.Int,
    done: Schema.Int,
    answered: Schema.Int,
    expected: Schema.Int
  }),
  tokens: Schema.Int,
  microDollars: Schema.Finite,
  guess: ScoreGuess,
  problems: Schema.Array(ContestProblemView),
  /** The answer file. */
  rows: Schema.Array(SubmissionRow),
  note: Schema.String
})
export type ContestView = typeof ContestView.Type

export const viewOf = (id: string, version: number, state: ContestState): ContestView | null => {
  const { spec } = state
  if (spec === null) return null
  const problems = state.problems.map((problem): ContestProblemView => {
    const votes = votesOn(problem)
    const answer = answerOf(spec, problem)
    const held = votes.answers.find((one) => one.answer === answer)
    return {
      id: problem.id,
      status: problem.status,
      answer: answer ?? spec.fallback,
      answered: answer !== null,
      votes: held?.votes ?? 0,
      second: topTwo({ ...votes, answers: votes.answers.filter((one) => one !== held) })[0],
      samples: votes.samples,
      sure: sureness(votes),
      passes: problem.pass,
      millis: problem.millis,
      deadlineMillis: problem.status === "running" ? problem.deadlineMillis : null,
      tokens: problem.tokens,
      microDollars: problem.microDollars,
      stop: problem.stop,
      error: problem.error
    }
  })
  const having = (status: string) => problems.filter((one) => one.status === status).length
  const { mean, varianceIdentical, varianceIndependent } = twoRunMoments(
    state.problems.map((problem) => Math.min(1, agreement(votesOn(problem))))
  )
  return {
    id,
    version,
    status: state.status,
    model: spec.model,
    strategy: spec.strategy.name,
    mode: spec.mode,
    parallel: spec.parallel,
    modulo: spec.modulo,
    startedMillis: state.startedMillis,
    endsMillis: endOf(state),
    endedMillis: state.endedMillis,
    counts: {
      waiting: having("waiting"),
      running: having("running"),
      done: having("done"),
      answered: problems.filter(({ answered }) => answered).length,
      expected: spec.problems
    },
    tokens: problems.reduce((sum, { tokens }) => sum + tokens, 0),
    microDollars: problems.reduce((sum, { microDollars }) => sum + microDollars, 0),
    guess: { mean, deviation: Math.sqrt(varianceIdentical), twoRuns: Math.sqrt(varianceIndependent) },
    problems,
    rows: problems.map(({ answer, id }) => ({ id, answer })),
    note: state.note
  }
}
