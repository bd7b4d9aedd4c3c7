// Cases of other verifiers' own suites. Only rows of the default policy count; the rest is a matter of options or opinion.
import { assert, it } from "@effect/vitest"
import type { VerifyOptions } from "../../src/domain/Verdict.ts"
import { verify } from "../../src/domain/Verify.ts"
import { conformance, ownCases, sharedCases } from "./Conformance.ts"

interface Row {
  readonly gold: string
  readonly pred: string
  readonly expected: boolean
  readonly bare: boolean
  readonly opts: VerifyOptions
  readonly policy: string
  readonly source: string
}

const holds = (row: Row) => (verify(row.gold, row.pred, row.opts, row.bare).verdict === "equal") === row.expected
const check = (row: Row): string | null =>
  holds(row) ? null : JSON.stringify(verify(row.gold, row.pred, row.opts, row.bare))
const unscored = (row: Row) => (row.policy === "default" ? null : `policy ${row.policy}`)

conformance<Row>("verifier", "97 of 100 of the default policy hold", { check, skip: unscored, atLeast: 0.97 })

it("verifier: nothing of the default policy is called equal that is not", () => {
  const scored = [...ownCases<Row>("verifier"), ...sharedCases<Row>("verifier")].filter((row) => unscored(row) === null)
  assert.deepStrictEqual(scored.filter((row) => !row.expected && !holds(row)), [])
})

it("verifier: 98 of 100 of Math-Verify's own rows hold; rows of other policies are told", () => {
  const rows = sharedCases<Row>("verifier")
  const own = rows.filter((row) => row.source === "math-verify" && unscored(row) === null)
  assert.isAtLeast(own.filter(holds).length, Math.ceil(0.98 * own.length))
  for (const policy of new Set(rows.map((row) => row.policy))) {
    const of = rows.filter((row) => row.policy === policy)
    process.stdout.write(
      `conformance: verifier, policy ${policy}: ${of.filter(holds).length} of ${of.length} cases held\n`
    )
  }
})
