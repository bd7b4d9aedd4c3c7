// Answers grouped by equality. Each group is named by the spelling that came first. Equal strings are the same without a question;
// only a spelling that was never seen is compared, with the first spelling of each group in turn, and joins the first that is the same.
// Where `same` has keys (plain numbers: Vote/PlainValue.ts), groups with another key are passed over, and those with the same key come
// first. Where `same` is transitive the groups do not depend on the order of the answers, as long as they are not `exhausted`. Where it
// is not (a = b, b = c, a != c), which of b's neighbours it joins depends on who came first; nothing joins a group whose first spelling
// it differs from.
import { Schema } from "effect"
import type { SameAnswer } from "../Verdict.ts"

export const AnswerGroups = Schema.Struct({
  /** Every spelling once, in the order first seen, with its group and key. Groups are numbered from 0 in that order. */
  spellings: Schema.Array(
    Schema.Struct({ answer: Schema.String, group: Schema.Int, key: Schema.NullOr(Schema.String) })
  ),
  /** How often two spellings were compared so far. */
  comparisons: Schema.Int,
  /** Whether a spelling became a group of its own only because all comparisons were used up: equal answers may be split. */
  exhausted: Schema.Boolean
})
export type AnswerGroups = typeof AnswerGroups.Type

export const noGroups: AnswerGroups = { spellings: [], comparisons: 0, exhausted: false }

/**
 * Comparisons that one set of groups makes at most, but for one of a spelling with the first group of its own key. After that a new
 * spelling is a group of its own, and the groups are `exhausted`.
 */
export const comparisonsMaximum = 100_000

/** The first spelling of each group. */
export const representatives = ({ spellings }: AnswerGroups): ReadonlyArray<string> => {
  const first: Array<string> = []
  for (const { answer, group } of spellings) if (group === first.length) first.push(answer)
  return first
}

/**
 * Groups with `answers` added in order, and the group of each (null for null). Time: spellings plus comparisons. One `same` for one set
 * of groups: the keys of those that are there already are not asked for again.
 */
export const placeAnswers = (
  groups: AnswerGroups,
  answers: ReadonlyArray<string | null>,
  same: SameAnswer
): { readonly groups: AnswerGroups; readonly places: ReadonlyArray<number | null> } => {
  const spellings = [...groups.spellings]
  const known = new Map(spellings.map(({ answer, group }) => [answer, group]))
  const first: Array<string> = []
  /** Groups by the key of their first spelling, and all of them, in the order first seen. */
  const withKey = new Map<string | null, Array<number>>()
  const every: Array<number> = []
  let { comparisons, exhausted } = groups
  const founded = (answer: string, key: string | null): number => {
    const group = first.push(answer) - 1
    const own = withKey.get(key)
    if (own === undefined) withKey.set(key, [group])
    else own.push(group)
    every.push(group)
    return group
  }
  for (const { answer, group, key } of spellings) if (group === first.length) founded(answer, key)
  /** The first of these groups that the answer is in; `free`: comparisons that are made in any case. */
  const among = (candidates: ReadonlyArray<number>, answer: string, free: number): number | null => {
    for (const [i, group] of candidates.entries()) {
      if (i >= free && comparisons >= comparisonsMaximum) {
        exhausted = true
        return null
      }
      comparisons++
      if (same(first[group] ?? "", answer)) return group
    }
    return null
  }
  const placeOf = (answer: string, key: string | null): number | null =>
    key === null
      ? among(every, answer, 0)
      : among(withKey.get(key) ?? [], answer, 1) ?? among(withKey.get(null) ?? [], answer, 0)
  const places = answers.map((answer) => {
    if (answer === null) return null
    const place = known.get(answer)
    if (place !== undefined) return place
    const key = same.keyOf?.(answer) ?? null
    const group = placeOf(answer, key) ?? founded(answer, key)
    known.set(answer, group)
    spellings.push({ answer, group, key })
    return group
  })
  return { groups: { spellings, comparisons, exhausted }, places }
}
