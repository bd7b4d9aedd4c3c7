// The tables of docs/verdicts.md, row by row.
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { verify } from "../../src/domain/Verify.ts"

const lines = readFileSync(join(import.meta.dirname, "../../docs/verdicts.md"), "utf8").split("\n")
const rowsUnder = (header: string): ReadonlyArray<ReadonlyArray<string>> => {
  const from = lines.findIndex((line) => line === header)
  const rows = lines.slice(from + 2)
  return rows.slice(0, rows.findIndex((line) => !line.startsWith("|"))).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^`(.*)`$/, "$1"))
  )
}

describe("docs/verdicts.md", () => {
  it("tells what is found in a text", () => {
    const rows = rowsUnder("| gold | text | verdict | answer found |")
    assert.isAbove(rows.length, 5)
    for (const [gold = "", text = "", verdict = "", answer = ""] of rows) {
      const got = verify(gold, text)
      assert.deepStrictEqual([got.verdict, got.answer ?? ""], [verdict, answer], `${gold} in ${text}`)
    }
  })

  it("tells what is decided, and by which rule", () => {
    const rows = rowsUnder("| gold | answer | verdict | rule |")
    assert.isAbove(rows.length, 30)
    for (const [gold = "", answer = "", verdict = "", rule = ""] of rows) {
      const got = verify(gold, answer, {}, true)
      assert.deepStrictEqual([got.verdict, got.rule], [verdict, rule], `${gold} against ${answer}`)
    }
  })
})
