// Answers found in texts and read as whole numbers: the rows of answer_extraction.jsonl, by `op`.
import { describe } from "@effect/vitest"
import { extractAnswer, gsm8kAnswer, lastBoxed } from "../../src/domain/ExtractAnswer.ts"
import { integerAnswer } from "../../src/domain/ExtractAnswer/IntegerAnswer.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly op: string
  readonly input: string
  readonly expected: string | number | null
}

/** The bounds that an integer op names: a range ("_0_99999") or a modulus ("_mod_1000"). */
const integerOf = (op: string, input: string): number | null => {
  const range = /_(\d+)_(\d+)$/.exec(op)
  if (range !== null) return integerAnswer(input, { least: Number(range[1]), most: Number(range[2]) })
  const modulus = /_mod_(\d+)$/.exec(op)
  if (modulus !== null) return integerAnswer(input, { modulo: Number(modulus[1]) })
  throw new Error(`no such op: ${op}`)
}

const answerOf = ({ input, op }: Row): string | number | null => {
  switch (op) {
    case "extract_last_boxed":
      return lastBoxed(input)
    case "extract_gsm8k":
      return gsm8kAnswer(input)
    case "extract_any":
      return extractAnswer(input)?.text ?? null
    default:
      return integerOf(op, input)
  }
}

describe("answer_extraction", () => {
  conformance<Row>("answer_extraction", "every answer is found and read as expected; null where there is none", {
    check: (row) => {
      const answer = answerOf(row)
      return Object.is(answer, row.expected) ? null : `${row.op} gave ${JSON.stringify(answer)}`
    }
  })
})
