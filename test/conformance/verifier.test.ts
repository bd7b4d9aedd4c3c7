import { verify } from "../../src/domain/Verify.ts"
import type { VerifyOptions } from "../../src/domain/Verdict.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly gold: string
  readonly pred: string
  readonly expected: boolean
  readonly bare: boolean
  readonly opts: VerifyOptions
  readonly policy: string
  readonly source: string
}

const check = (row: Row): string | null => {
  const verdict = verify(row.gold, row.pred, row.opts, row.bare)
  return (verdict.verdict === "equal") === row.expected ? null : JSON.stringify(verdict)
}
const other = (row: Row) => (row.policy === "default" ? null : `policy ${row.policy}`)

conformance<Row>("verifier", "the default policy holds for 97 of 100", { check, skip: other, atLeast: 0.97 })
