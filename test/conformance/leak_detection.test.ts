// Leak detection against hand-assigned truths: leak or clean for every program.
import { scanLeaks } from "../../src/domain/LeakScan.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly problem_text: string
  readonly expected_answer: number | string
  readonly code: string
  readonly answer_in_problem?: boolean
  /** What a pattern-matching predecessor said; a comparison only. */
  readonly anchor_bucket?: string | null
  readonly truth: "leak" | "clean" | "uncertain"
}

conformance<Row>("leak_detection", "the verdict is the truth of the row", {
  check: ({ answer_in_problem, code, expected_answer, problem_text, truth }) => {
    const report = scanLeaks({
      code,
      answer: expected_answer,
      problem: problem_text,
      answerInProblem: answer_in_problem === true ? true : undefined
    })
    return report.verdict === truth ? null : `${report.verdict}: ${JSON.stringify(report.findings)}`
  }
})
