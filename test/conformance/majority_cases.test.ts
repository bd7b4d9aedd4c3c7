// Majority answers as NeMo-Skills finds them: by equal strings, ties to the one seen first. (Polya's own default pools spellings.)
import { addSamples, emptyVote, voteResult } from "../../src/domain/Vote.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly predicted_answers: ReadonlyArray<string | null>
  readonly symbolic_correct_in: ReadonlyArray<boolean>
  readonly majority_answer: string
  readonly majority_votes: number
  readonly total_votes: number
  readonly fill_symbolic_correct: ReadonlyArray<boolean>
  readonly extract_symbolic_correct: boolean | null
}

/** What NeMo-Skills writes where nobody answered. Ours is null: a marker is never taken for an answer. */
const nobody = "no_valid_answer_found"

conformance<Row>("majority_cases", "the majority, its votes and what it makes of the verdicts", {
  check: (row) => {
    const samples = row.predicted_answers.map((answer) => ({ answer }))
    const result = voteResult(addSamples(emptyVote({ _tag: "Majority" }, "first_seen"), samples, (a, b) => a === b))
    const filled = row.predicted_answers.map((answer) => answer !== null && answer === result.answer)
    const first = row.predicted_answers.findIndex((answer) => answer !== null && answer === result.answer)
    const mine = {
      majority_answer: result.answer ?? nobody,
      majority_votes: result.groups[0]?.votes ?? 0,
      total_votes: result.samples,
      fill_symbolic_correct: filled,
      extract_symbolic_correct: first === -1 ? null : row.symbolic_correct_in[first]
    }
    for (const [key, value] of Object.entries(mine)) {
      const expected = new Map(Object.entries(row)).get(key)
      if (JSON.stringify(value) !== JSON.stringify(expected)) return `${key}: ${JSON.stringify(value)}`
    }
    return null
  }
})
