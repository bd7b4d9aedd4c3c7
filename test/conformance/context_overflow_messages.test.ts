// What servers say when a prompt and its answer do not fit, and the numbers in it.
import { describe } from "@effect/vitest"
import { isDeepStrictEqual } from "node:util"
import { parseContextOverflow } from "../../src/domain/ContextOverflow.ts"
import { conformance } from "./Conformance.ts"

interface Row {
  readonly message: string
  readonly expected: Readonly<Record<string, number>> | null
}

describe("conformance", () => {
  conformance<Row>("context_overflow_messages", "every server's words", {
    check: ({ expected, message }) => {
      const facts = parseContextOverflow(message)
      return isDeepStrictEqual(facts, expected) ? null : `got ${JSON.stringify(facts)}`
    }
  })
})
