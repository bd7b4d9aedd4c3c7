// Answers grouped by equality. Each group is named by the spelling that came first. Equal strings are the same without a question;
// only a spelling that was never seen is compared, with the first spelling of each group in turn, and joins the first that is the same.
// Where `same` is transitive the groups do not depend on the order of the answers. Where it is not (a = b, b = c, a != c), which
// of b's neighbours it joins depends on who came first; nothing joins a group whose first spelling it differs from.
import { Schema } from "effect"
import type { SameAnswer } from "../Verdict.ts"

export const AnswerGroups = Schema.Struct({
  /** Every spelling once, in the order first seen, with its group. Groups are numbered from 0 in that order. */
  spellings: Schema.Array(Schema.Struct({ answer: Schema.String, group: Schema.Int })),
  /** How often two spellings were compared so far. */
  comparisons: Schema.Int
})
export type AnswerGroups = typeof AnswerGroups.Type

export const noGroups: AnswerGroups = { spellings: [], comparisons: 0 }

/** Comparisons that one set of groups makes at most; after that a new spelling is a group of its own. */
export const comparisonsMaximum = 100_000

/** The first spelling of each group. */
export const representatives = ({ spellings }: AnswerGroups): ReadonlyArray<string> => {
  const first: Array<string> = []
  for (const { answer, group } of spellings) if (group === first.length) first.push(answer)
  return first
}

/** Groups with `answers` added in order, and the group of each (null for null). Time: spellings plus comparisons. */
export const placeAnswers = (
  groups: AnswerGroups,
  answers: ReadonlyArray<string | null>,
  same: SameAnswer
): { readonly groups: AnswerGroups; readonly places: ReadonlyArray<number | null> } => {
  const spellings = [...groups.spellings]
  const known = new Map(spellings.map(({ answer, group }) => [answer, group]))
  const first = [...representatives(groups)]
  let { comparisons } = groups
  const groupOf = (answer: string): number => {
    for (const [group, other] of first.entries()) {
      if (comparisons >= comparisonsMaximum) break
      comparisons++
      if (same(other, answer)) return group
    }
    return first.push(answer) - 1
  }
  const places = answers.map((answer) => {
    if (answer === null) return null
    const place = known.get(answer)
    if (place !== undefined) return place
    const group = groupOf(answer)
    known.set(answer, group)
    spellings.push({ answer, group })
    return group
  })
  return { groups: { spellings, comparisons }, places }
}
