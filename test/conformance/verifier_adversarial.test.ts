// Hostile and subtle pairs: no throw and no hang on any row, at most one false positive, 95 of 100 right.
import { assert, it } from "@effect/vitest"
import type { VerifyOptions } from "../../src/domain/Verdict.ts"
import { verify } from "../../src/domain/Verify.ts"
import { conformance, ownCases, sharedCases } from "./Conformance.ts"

type Pieces = ReadonlyArray<readonly [string, number]>
interface Row {
  readonly gold?: string
  readonly pred?: string
  readonly gold_expand?: Pieces
  readonly pred_expand?: Pieces
  readonly expected: boolean | null
  readonly opts: VerifyOptions
  readonly bare: boolean
}

const whole = (text: string | undefined, pieces: Pieces | undefined): string =>
  pieces === undefined ? text ?? "" : pieces.map(([piece, count]) => piece.repeat(count)).join("")
const verdictOf = (row: Row) =>
  verify(whole(row.gold, row.gold_expand), whole(row.pred, row.pred_expand), row.opts, row.bare)

conformance<Row>("verifier_adversarial", "95 of 100 with a verdict hold", {
  check: (row) => {
    const verdict = verdictOf(row)
    return (verdict.verdict === "equal") === row.expected ? null : JSON.stringify(verdict).slice(0, 300)
  },
  skip: (row) => (row.expected === null ? "either verdict is right" : null),
  atLeast: 0.95
})

it("verifier_adversarial: at most one pair is called equal that is not, and no row throws", () => {
  const wrong = [...ownCases<Row>("verifier_adversarial"), ...sharedCases<Row>("verifier_adversarial")].filter(
    (row) => {
      const { verdict } = verdictOf(row)
      return row.expected === false && verdict === "equal"
    }
  )
  assert.isAtMost(wrong.length, 1, JSON.stringify(wrong).slice(0, 500))
})
