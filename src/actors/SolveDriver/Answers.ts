// The answer in a sample's text, and which of the answers so far it is equal to. Both are asked of the verdict workers: a text that hangs the
// rules costs its own answer and holds up nobody.
import { Effect, Option } from "effect"
import type { VerifyOptions } from "../../domain/Verdict.ts"
import { type AnswerGroups, representatives } from "../../domain/Vote/AnswerGroups.ts"
import { plainValue } from "../../domain/Vote/PlainValue.ts"
import { Verdicts } from "../Verdicts.ts"

/** Longer ones are no answers. */
const maxAnswerCharacters = 10_000
/** Comparing takes at most so long; then the answer is one of its own. */
const compareMillis = 10_000

export const answerIn = Effect.fnUntraced(function*(text: string, opts: VerifyOptions) {
  if (text.trim() === "") return null
  const verdicts = yield* Verdicts
  const [vote] = yield* verdicts.vote([{ samples: [{ text }], strategy: "majority", opts }])
  const answer = vote?._tag === "Decided" ? vote.answer : null
  return answer === null || answer.length > maxAnswerCharacters ? null : answer
})

/** Whether two plain numbers of different value are never equal under these options. */
export const separatesNumbers = ({ modulo, precision = 6, rel_tol, targets }: VerifyOptions): boolean =>
  modulo === undefined && rel_tol === undefined && targets === undefined && precision >= 6

/** group: the number of the group that the answer is equal to; null: none of the `groups` that there are, or no answer. */
export const groupOf = Effect.fnUntraced(function*(found: AnswerGroups, answer: string | null, opts: VerifyOptions) {
  const names = representatives(found)
  const groups = names.length
  if (answer === null) return { group: null, groups }
  const known = found.spellings.find((spelling) => spelling.answer === answer)
  if (known !== undefined) return { group: known.group, groups }
  const value = separatesNumbers(opts) ? plainValue(answer) : null
  const candidates = names.flatMap((name, group) => {
    const other = value === null ? null : plainValue(name)
    return other === null || other === value ? [{ name, group }] : []
  })
  if (candidates.length === 0) return { group: null, groups }
  const verdicts = yield* Verdicts
  const compared = yield* Effect.timeoutOption(
    verdicts.verify(candidates.map(({ name }) => ({ gold: name, pred: answer, bare: true, opts }))),
    compareMillis
  )
  const at = Option.isNone(compared) ? -1 : compared.value.findIndex(({ verdict }) => verdict === "equal")
  return { group: candidates[at]?.group ?? null, groups }
})
