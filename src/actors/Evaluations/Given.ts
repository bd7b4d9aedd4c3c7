// Problems of an evaluation as they come from outside, in files and requests: with a reference answer, and a domain that is found by rules where
// nobody says one.
import { Schema } from "effect"
import { classifyDomain } from "../../domain/MathDomain.ts"
import { EvaluationProblem, listProblems } from "../../domain/ModelEvaluation/Problems.ts"

const Answer = Schema.Union([EvaluationProblem.fields.answer, Schema.Finite])
const Level = Schema.Union([Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100)), Schema.Finite])

export const GivenProblem = Schema.Struct({
  id: EvaluationProblem.fields.id.annotate({ description: "By it the problems of two evaluations are matched." }),
  problem: EvaluationProblem.fields.text,
  answer: Answer.annotate({ description: "The reference answer: bare, or a solution in which it is found." }),
  domain: Schema.optionalKey(EvaluationProblem.fields.domain),
  level: Schema.optionalKey(Schema.NullOr(Level))
})
export type GivenProblem = typeof GivenProblem.Type

export const GivenProblems = Schema.Array(GivenProblem).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(listProblems)
)

export const problemFrom = ({ answer, domain, id, level = null, problem }: GivenProblem): EvaluationProblem => ({
  id,
  text: problem,
  answer: String(answer),
  domain: domain ?? classifyDomain({ text: problem }).domain ?? "none",
  level: level === null ? null : String(level)
})
