// The rules of the aimo3-dataset-pipeline against what that program returned. `anchor` is no ground truth: the agreement is
// told, not asserted; our own classifier is judged on labelled problems (test/domain/MathDomain.test.ts).
import { assert, it } from "@effect/vitest"
import { mathDomains } from "../../src/domain/MathDomain.ts"
import { anchorDomain } from "../../src/domain/MathDomain/AnchorRules.ts"
import { ownCases, sharedCases } from "./Conformance.ts"

interface Row {
  readonly id: string
  readonly text: string
  readonly code: string
  readonly llm_domain: string | null
  readonly anchor: {
    readonly domain: string
    readonly meta: {
      readonly llm_domain: string | null
      readonly heur_scores: Readonly<Record<string, number>>
      readonly heur_best: string
      readonly heur_margin: number
      readonly forced_domain: string | null
      readonly decision_reason: string
    }
  }
}

it("heuristic_classifier: the compared rules read every case, and how often they agree with the program is told", () => {
  for (
    const [where, rows] of [
      ["own cases", ownCases<Row>("heuristic_classifier")],
      ["CONFORMANCE_DIR", sharedCases<Row>("heuristic_classifier")]
    ] as const
  ) {
    const agreed = { domain: 0, scores: 0, margin: 0, forced: 0, reason: 0 }
    for (const { anchor: { domain, meta }, code, id, llm_domain, text } of rows) {
      const reading = anchorDomain({ text, code, modelDomain: llm_domain })
      const scores = mathDomains.every((name) => reading.scores[name] === meta.heur_scores[name])
      if (reading.domain === domain) agreed.domain++
      else process.stdout.write(`heuristic_classifier: ${id}: ${reading.domain}, the program says ${domain}\n`)
      if (scores) agreed.scores++
      else process.stdout.write(`heuristic_classifier: ${id}: ${JSON.stringify(reading)}\n`)
      if (reading.margin === meta.heur_margin && reading.best === meta.heur_best) agreed.margin++
      if (reading.forced === meta.forced_domain) agreed.forced++
      if (reading.reason === meta.decision_reason) agreed.reason++
      assert.include(mathDomains, reading.domain)
    }
    process.stdout.write(
      `conformance: heuristic_classifier, ${where}: of ${rows.length} cases agree with the compared program: ${
        Object.entries(agreed).map(([what, n]) => `${what} ${n}`).join(", ")
      } (reported, not asserted)\n`
    )
  }
})
