// Cases of the field, one JSON object a line: input and expected. The folder is CONFORMANCE_DIR, or ../shared/data/conformance beside
// the project; the project's own cases (test/conformance/cases) run always, and alone, saying so loudly, where there is no folder.
// No row is named here: what is left out is told by a predicate on its fields, with the reason.
import { assert, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const folder = process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../../shared/data/conformance")
const own = join(import.meta.dirname, "cases")

const rowsOf = <Row>(path: string): ReadonlyArray<Row> =>
  existsSync(path)
    ? readFileSync(path, "utf8").split("\n").filter((line) => line.trim() !== "").map((line) => JSON.parse(line))
    : []

/** The shared rows of a file, or none where the folder is absent. */
export const sharedCases = <Row>(file: string): ReadonlyArray<Row> => rowsOf<Row>(join(folder, `${file}.jsonl`))

/** The project's own rows of a file. */
export const ownCases = <Row>(file: string): ReadonlyArray<Row> => rowsOf<Row>(join(own, `${file}.jsonl`))

export interface Conformance<Row> {
  /** Null when the case holds, else what is wrong in one line. A throw counts as a failure. */
  readonly check: (row: Row) => string | null
  /** The reason why a row is not asserted, or null. A predicate on fields, never on ids. */
  readonly skip?: (row: Row) => string | null
  /** The share of the asserted rows that must hold; default 1. */
  readonly atLeast?: number
}

/** Runs every row of a file as one test and prints how many held. Own rows must hold all; the bar is for the shared ones. */
export const conformance = <Row extends object>(file: string, law: string, options: Conformance<Row>): void => {
  const outcomes = (rows: ReadonlyArray<Row>) => {
    const failures: Array<string> = []
    const skipped = new Map<string, number>()
    for (const row of rows) {
      const reason = options.skip?.(row) ?? null
      if (reason !== null) {
        skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
        continue
      }
      let failure: string | null
      try {
        failure = options.check(row)
      } catch (error) {
        failure = `threw ${String(error)}`
      }
      if (failure !== null) failures.push(`${JSON.stringify(row).slice(0, 300)}\n      ${failure}`)
    }
    const asserted = rows.length - [...skipped.values()].reduce((sum, count) => sum + count, 0)
    return { failures, skipped, asserted }
  }
  const say = (where: string, { asserted, failures, skipped }: ReturnType<typeof outcomes>) => {
    const left = [...skipped].map(([reason, count]) => `, ${count} not asserted (${reason})`).join("")
    process.stdout.write(
      `conformance: ${file}, ${where}: ${asserted - failures.length} of ${asserted} cases held${left}\n`
    )
  }

  it(`${file}: ${law}`, () => {
    const mine = ownCases<Row>(file)
    if (mine.length > 0) {
      const result = outcomes(mine)
      say("own cases", result)
      assert.strictEqual(result.failures.length, 0, result.failures.join("\n"))
    }
    const shared = sharedCases<Row>(file)
    if (shared.length === 0) {
      process.stdout.write(
        `conformance: ${file}: NO SHARED CASES at ${folder}: ONLY THE PROJECT'S OWN ${mine.length} RAN\n`
      )
      assert.isAbove(mine.length, 0, `no case of ${file} at all`)
      return
    }
    const result = outcomes(shared)
    say("CONFORMANCE_DIR", result)
    const bar = Math.ceil((options.atLeast ?? 1) * result.asserted - 1e-9)
    assert.isAtLeast(result.asserted - result.failures.length, bar, result.failures.slice(0, 50).join("\n"))
  })
}
