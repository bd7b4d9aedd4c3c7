// From a solve that is over to the result of its problem: each sample's answer and that of the vote stand against the reference answer. The
// comparisons themselves are made elsewhere, once for each spelling.
import { extractAnswer } from "../ExtractAnswer.ts"
import { digest } from "../Ids.ts"
import { isNoAnswer } from "../NoAnswer.ts"
import { isOver, type SolveState } from "../Solve.ts"
import type { Outcome, VerifyOptions } from "../Verdict.ts"
import type { EvaluationProblem } from "./Problems.ts"
import { type Grade, type ProblemResult, type SampleGrade, sampleLetters } from "./Results.ts"

/** The reference answer in what was given, as it is compared with others; null: there is none. */
export const referenceIn = (given: string, options: VerifyOptions): string | null => {
  if (isNoAnswer(given)) return null
  const found = extractAnswer(given, options, "gold")
  return found === null || found.text.trim() === "" ? null : `${found.text}${found.percent ? "%" : ""}`
}

/** Every answer of a solve that is to be compared, once a spelling. */
export const spellingsOf = ({ answer, samples }: SolveState): ReadonlyArray<string> => [
  ...new Set([...(answer === null ? [] : [answer]), ...samples.flatMap(({ answer }) => answer ?? [])])
]

/** Of a text: 16 hex digits. */
export const problemHash = (text: string): string => digest([text], 16)

const grades: { readonly [O in Outcome]: "right" | "wrong" | "undecided" } = {
  equal: "right",
  unequal: "wrong",
  undecided: "undecided"
}

/** What came of each sample of a solve. `outcomeOf`: of an answer against the reference; null: there is no reference. */
export const sampleGrades = (
  { samples }: Pick<SolveState, "samples">,
  outcomeOf: ((answer: string) => Outcome) | null
): ReadonlyArray<SampleGrade> =>
  samples.map(({ answer, status }) =>
    status === "failed"
      ? "failed"
      : status !== "done"
      ? "cancelled"
      : answer === null
      ? "noAnswer"
      : outcomeOf === null
      ? "ungraded"
      : grades[outcomeOf(answer)]
  )

const cut = (text: string | null, most: number): string | null => text === null ? null : text.slice(0, most)

/** The result of a problem, `at` its place in its list. The solve must be over. */
export const resultOf = (
  problem: EvaluationProblem,
  at: number,
  solve: SolveState,
  reference: string | null,
  outcomeOf: (answer: string) => Outcome
): ProblemResult => {
  if (!isOver(solve)) throw new Error("a solve that goes on has no result")
  const letters = sampleGrades(solve, reference === null ? null : outcomeOf)
  const failed = solve.status !== "done"
  // The class's first spelling by the number of the sample: which sample ended first is the clock's doing.
  const classes = new Map<number, { readonly answer: string; votes: number; right: boolean }>()
  for (const [number, { answer, group }] of solve.samples.entries()) {
    if (group === null || answer === null) continue
    const own = classes.get(group) ?? { answer, votes: 0, right: false }
    own.votes++
    own.right ||= letters[number] === "right"
    classes.set(group, own)
  }
  const winner = solve.answer === null
    ? undefined
    : solve.samples.find(({ answer }) => answer === solve.answer)?.group
  const answer = (winner == null ? undefined : classes.get(winner)?.answer) ?? solve.answer
  const ranked = [...classes.values()].sort((a, b) => b.votes - a.votes)
  // Where several classes are right (equality need not be transitive), votes for the reference are those of the largest.
  const rightClass = ranked.findIndex(({ right }) => right)
  const grade: Grade = failed
    ? "failed"
    : reference === null
    ? "ungraded"
    : answer === null
    ? "noAnswer"
    : grades[outcomeOf(answer)]
  const error = solve.error ??
    (solve.status === "cancelled"
      ? { tag: "SolveCancelled", message: `The solve was called off: ${solve.note}` }
      : null)
  return {
    at,
    id: problem.id,
    hash: problemHash(problem.text),
    domain: problem.domain,
    level: problem.level,
    grade,
    answer: cut(answer, 2_000),
    reference: cut(reference, 2_000),
    stop: solve.stop?._tag ?? null,
    planned: solve.spec?.strategy.samples ?? solve.samples.length,
    samples: letters.map((letter) => sampleLetters[letter]).join(""),
    votes: ranked.map(({ votes }) => votes),
    rightClass,
    truncated:
      solve.samples.filter(({ answer, finish, status }) => status === "done" && answer === null && finish === "length")
        .length,
    promptTokens: solve.usage.promptTokens,
    completionTokens: solve.usage.completionTokens,
    microDollars: solve.microDollars,
    millis: Math.max(0, (solve.endedMillis ?? solve.startedMillis) - solve.startedMillis),
    error: error === null ? null : { tag: error.tag.slice(0, 100), message: error.message.slice(0, 500) }
  }
}

/** The result of a problem that could not even be begun. */
export const notBegun = (
  problem: EvaluationProblem,
  at: number,
  planned: number,
  error: { readonly tag: string; readonly message: string }
): ProblemResult => ({
  at,
  id: problem.id,
  hash: problemHash(problem.text),
  domain: problem.domain,
  level: problem.level,
  grade: "failed",
  answer: null,
  reference: null,
  stop: null,
  planned,
  samples: "",
  votes: [],
  rightClass: -1,
  truncated: 0,
  promptTokens: 0,
  completionTokens: 0,
  microDollars: 0,
  millis: 0,
  error: { tag: error.tag.slice(0, 100), message: error.message.slice(0, 500) }
})
