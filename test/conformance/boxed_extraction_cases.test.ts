// The last box of whole model outputs: the rows of boxed_extraction_cases.jsonl.
import { describe } from "@effect/vitest"
import { lastBoxed } from "../../src/domain/ExtractAnswer.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly generation: string
  readonly predicted_answer: string | null
}

describe("boxed_extraction_cases", () => {
  conformance<Row>("boxed_extraction_cases", "the last box of an output is its answer", {
    check: (row) => {
      const answer = lastBoxed(row.generation)
      return answer === row.predicted_answer ? null : `found ${JSON.stringify(answer)}`
    }
  })
})
