// The problems of an evaluation: what is asked, and the reference answer, which never goes where a model is asked. They are kept in lists of
// bounded size, each written once, so that an evaluation of 100,000 problems has no large state.
import { Schema } from "effect"
import { accept, type Decision, refuse } from "../Decision.ts"
import { canonical, type Json } from "../Json.ts"
import { maxPromptCharacters } from "../Solve.ts"

const text = (most: number) => Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(most))

export const EvaluationProblem = Schema.Struct({
  /** By it the problems of two evaluations are matched. */
  id: text(200),
  text: text(maxPromptCharacters),
  /** The reference answer: bare, or a solution in which it is found. */
  answer: text(20_000),
  domain: text(100),
  level: Schema.NullOr(text(100))
})
export type EvaluationProblem = typeof EvaluationProblem.Type

/** Problems of one evaluation, at most. */
export const maxProblems = 100_000
/** Lists of one evaluation, at most; problems and characters of one list. */
export const maxLists = 2_000
export const listProblems = 200
export const listCharacters = 524_288

export const sizeOf = ({ answer, domain, id, level, text }: EvaluationProblem): number =>
  id.length + text.length + answer.length + domain.length + (level?.length ?? 0)

export const ListedProblems = Schema.Array(EvaluationProblem).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(listProblems),
  Schema.makeFilter((problems) =>
    problems.reduce((sum, one) => sum + sizeOf(one), 0) <= listCharacters ||
    `Expected at most ${listCharacters} characters together`
  )
)

export const listId = (evaluation: string, list: number): string => `${evaluation}:p${list}`

export const ProblemListState = Schema.Struct({ evaluation: Schema.String, problems: Schema.Array(EvaluationProblem) })
export type ProblemListState = typeof ProblemListState.Type
export const initialProblemList: ProblemListState = { evaluation: "", problems: [] }

export class ProblemListTaken
  extends Schema.TaggedError<ProblemListTaken>()("ProblemListTaken", {}, { httpApiStatus: 409 })
{
  override get message() {
    return "This list of the evaluation holds other problems; a list is written once"
  }
}

export class ProblemListTooLarge
  extends Schema.TaggedError<ProblemListTooLarge>()("ProblemListTooLarge", { characters: Schema.Int }, {
    httpApiStatus: 413
  })
{
  override get message() {
    return `The list holds ${this.characters} characters; ${listCharacters} may come together`
  }
}

export const PutFields = { evaluation: Schema.String, problems: ListedProblems }
/** The same problems again change nothing. */
export const put = (
  state: ProblemListState,
  given: Schema.Struct<typeof PutFields>["Type"]
): Decision<ProblemListState, void, ProblemListTaken> => {
  if (state.problems.length === 0) return accept({ ...given }, undefined)
  return canonical(state as unknown as Json) === canonical({ ...given } as unknown as Json)
    ? accept(state, undefined)
    : refuse(new ProblemListTaken())
}

/** Problems in lists that keep the bounds, in order. */
export const listsOf = (problems: Iterable<EvaluationProblem>): ReadonlyArray<ReadonlyArray<EvaluationProblem>> => {
  const lists: Array<Array<EvaluationProblem>> = []
  let characters = 0
  for (const problem of problems) {
    const size = sizeOf(problem)
    const last = lists.at(-1)
    if (last === undefined || last.length === listProblems || characters + size > listCharacters) {
      lists.push([problem])
      characters = size
    } else {
      last.push(problem)
      characters += size
    }
  }
  return lists
}
