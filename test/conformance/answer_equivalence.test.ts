import { verify } from "../../src/domain/Verify.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly a: string
  readonly b: string
  readonly expected: boolean | null
}

conformance<Row>("answer_equivalence", "every pair with an expectation holds, both ways round", {
  check: (row) => {
    const [one, other] = [verify(row.a, row.b, {}, true), verify(row.b, row.a, {}, true)]
    return [one, other].every(({ verdict }) => (verdict === "equal") === row.expected)
      ? null
      : JSON.stringify([one, other])
  },
  skip: (row) => (row.expected === null ? "a matter of convention" : null)
})
